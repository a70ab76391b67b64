"""What a handler wants done, in the imperative: frozen data, carried out by react in one transaction."""

from datetime import datetime, timedelta

import msgspec

Value = str | int | float | bool | None | list[str]


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """Send `template` to the buyer, once for each `key` in a shop's whole life.

    The text is rendered from fresh facts when it is sent; `values` are only what no record holds.
    `after` counts from the event's handling, `at` is absolute; neither means now.
    `to`: answer in this conversation ("telegram:42"); None: her live chat if there is one, else mail.
    `unlike`: key of an earlier message; take a channel that one did not take (second contact).
    """

    template: str
    key: str
    values: dict[str, Value] = {}
    order: str | None = None
    after: timedelta | None = None
    at: datetime | None = None
    to: str | None = None
    unlike: str | None = None
    buttons: tuple[tuple[str, str], ...] = ()  # (label, value) pairs


class Unsay(msgspec.Struct, frozen=True, kw_only=True):
    """Withdraw what still waits about the order at hand, under keys that begin with `prefix`."""

    prefix: str
    why: str  # a reason code, see reasons.py
    values: dict[str, Value] = {}


class OpenCase(msgspec.Struct, frozen=True, kw_only=True):
    """Put something before the seller, once for each `key`.

    `kind`: one of those that the seller's words name under `cases`.
    `details` are shown to the seller; `draft` is a text prepared for her.
    """

    kind: str
    key: str
    reason: str  # a reason code
    details: dict[str, Value] = {}
    order: str | None = None
    draft: str | None = None


class CallHuman(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a person in this conversation: opens a case of kind human, once while one is open."""

    reason: str
    details: dict[str, Value] = {}
    order: str | None = None


class CloseCase(msgspec.Struct, frozen=True, kw_only=True):
    key: str


class NoteBuyer(msgspec.Struct, frozen=True, kw_only=True):
    text: str


class TagBuyer(msgspec.Struct, frozen=True, kw_only=True):
    tag: str


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer's word on hearing from us: `stop` ends all of it, `promotions` is her yes or no to offers."""

    stop: bool | None = None
    promotions: bool | None = None


class JoinBuyer(msgspec.Struct, frozen=True, kw_only=True):
    """This conversation belongs to the buyer of `order`: she proved it."""

    order: str


class CountTry(msgspec.Struct, frozen=True, kw_only=True):
    """One more try at proving who she is failed in this conversation."""


class WakeAt(msgspec.Struct, frozen=True, kw_only=True):
    """Hand the handlers a TimeCame at `at`, once for each `key`; the earliest `at` given wins."""

    key: str
    at: datetime
    what: str
    order: str | None = None


Action = (
    Say
    | Unsay
    | OpenCase
    | CallHuman
    | CloseCase
    | NoteBuyer
    | TagBuyer
    | Consent
    | JoinBuyer
    | CountTry
    | WakeAt
)

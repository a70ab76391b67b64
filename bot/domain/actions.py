"""The actions that a handler returns: frozen data, applied by react in one transaction."""

from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from bot.domain.money import Money
from bot.domain.quotes import Quote
from bot.domain.talks import Detail, Talk

Value = str | int | float | bool | None | list[str]


MAILTO = "mailto:"  # before a mailbox in `Say.to`


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """Send `template` to the buyer, once for each `key` for as long as the shop exists.

    The text is rendered from fresh facts when it is sent; `values` are only what no record holds.
    `after` counts from the event's handling, `at` is absolute; neither means now.
    `to`: answer in this conversation ("telegram:42"), or write to this mailbox ("mailto:a@b.example");
    None: the buyer's live chat if there is one, else mail.
    `earliest`: of several `at` for one key the earliest counts, while the message waits.
    `unlike`: key of an earlier message; use a channel that it did not use (second contact).
    `locale`: the language to say it in; None: the buyer's.
    `case`: key of a case opened beside it; its number is carried as the value `case`.
    `words`: the seller's own templates by language, in place of those of that name.
    """

    template: str
    key: str
    values: dict[str, Value] = {}
    order: str | None = None
    after: timedelta | None = None
    at: datetime | None = None
    to: str | None = None
    unlike: str | None = None
    locale: str | None = None
    earliest: bool = False
    case: str | None = None
    words: dict[str, str] = {}
    buttons: tuple[tuple[str, str], ...] = ()  # (label, value) pairs


class Unsay(msgspec.Struct, frozen=True, kw_only=True):
    """Withdraw the waiting messages about the event's order whose keys begin with `prefix`."""

    prefix: str
    why: str  # a reason code
    values: dict[str, Value] = {}


# A buyer waits for a person, because they asked for one or were not understood.
CallKind = Literal["human", "not_understood"]
CaseKind = Literal[
    CallKind, "complaint", "compensation", "bad_review", "payment", "payment_claim", "unpaid",
    "late_shipping", "delay", "parcel_failed", "return", "order_change", "invoice", "unreachable",
    "no_answer", "undeliverable", "guessing", "quote", "transfer", "promise", "listing", "fault",
]  # fmt: skip
CALLS: frozenset[str] = frozenset(get_args(CallKind))
TALKED_ABOUT = CALLS | {"complaint", "bad_review", "no_answer", "return", "order_change", "invoice"}
"""A person's words to the buyer answer these."""


class OpenCase(msgspec.Struct, frozen=True, kw_only=True):
    """Open a case for the seller, once for each `key`.

    `details` are shown to the seller; `draft` names the template of a text prepared for them.
    `cause` and `due_at`: of a complaint, and by when it is to be decided.
    """

    kind: CaseKind
    key: str
    reason: str  # a reason code
    details: dict[str, Value] = {}
    order: str | None = None
    draft: str | None = None
    cause: str | None = None
    due_at: datetime | None = None


class CallHuman(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a person in this conversation: open a case, unless one that does is open."""

    reason: str
    details: dict[str, Value] = {}
    order: str | None = None
    kind: CallKind = "human"


class CloseCase(msgspec.Struct, frozen=True, kw_only=True):
    key: str


class TellSeller(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the seller of an open case once more, once for each `key`, with every word since."""

    case: int
    key: str
    reason: str  # a reason code
    details: dict[str, Value] = {}
    to_owner: bool = False  # and the owner
    desk: str | None = None  # where they asked for it; else where the seller is told


class Relay(msgspec.Struct, frozen=True, kw_only=True):
    """Count `text` as the reply of a person in this chat; a `Say` beside it sends it there."""

    chat: str
    text: str


class SendReply(msgspec.Struct, frozen=True, kw_only=True):
    """Send a reply that was written down before to the buyer of the case in hand, as a person's word; where
    nothing is known for a blank in it, answer the seller so instead.

    words: templates by language.
    """

    name: str
    words: dict[str, str]


class SwitchBot(msgspec.Struct, frozen=True, kw_only=True):
    """Silence the bot in this chat for the time of a takeover, or let it speak again."""

    chat: str
    silent: bool


class SettleCase(msgspec.Struct, frozen=True, kw_only=True):
    """Settle a case as the seller's command does. outcome, refund: as in CaseSettled."""

    case: int
    outcome: str | None = None
    refund: Money | None = None


class AnswerSeller(msgspec.Struct, frozen=True, kw_only=True):
    """Answer the seller where they wrote with a sentence of seller.yaml, once for each `key`.

    desk: the chat or system that they wrote in. about: its id of their words.
    """

    code: str
    key: str
    desk: str | None = None
    about: str | None = None
    values: dict[str, Value] = {}


class NoteBuyer(msgspec.Struct, frozen=True, kw_only=True):
    text: str


class TagBuyer(msgspec.Struct, frozen=True, kw_only=True):
    tag: str


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """Record what this conversation wants: `stop` ends all but answers, `promotions` allows or ends offers.

    at: when the buyer said it.
    """

    at: datetime
    stop: bool | None = None
    promotions: bool | None = None


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Open `order` to this conversation, which proved that it is theirs.

    how: link (then all orders sent to the link's address are opened) or digits.
    """

    order: str
    how: str


class CountTry(msgspec.Struct, frozen=True, kw_only=True):
    """Count a failed try to prove an order in this conversation, and for the `orders` that it named.

    place: among the tries of one message, each of which counts.
    """

    orders: tuple[str, ...] = ()
    place: int = 0


class EndReminders(msgspec.Struct, frozen=True, kw_only=True):
    """Remind no more of paying for `order`, because the buyer asked for that. at: when they did.

    order: None for whatever this conversation's buyer placed before, orders that we hear of later among them;
    number: for one of those alone. until_kept: because they want it cancelled; see RemindAgain.
    """

    order: str | None
    at: datetime
    number: str | None = None
    until_kept: bool = False


class RemindAgain(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer takes back that they want `order` cancelled, so that it is to be paid after all. Who asked
    not to be pressed is not, by this."""

    order: str


class Hush(msgspec.Struct, frozen=True, kw_only=True):
    """Answer nothing in this conversation until then."""

    until: datetime


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Wait for the answer to `question`, which a `Say` beside this asks; only handlers of the chat may.

    about: what the question is about, for whoever reads the answer. lapses: from when on later words are
    read by themselves.
    """

    question: str
    lapses: timedelta = timedelta(minutes=30)
    about: dict[str, Detail] = {}


class KeepTalk(msgspec.Struct, frozen=True, kw_only=True):
    """Remember of this conversation's last turns what `talk` says, in place of what was remembered."""

    talk: Talk


class WakeAt(msgspec.Struct, frozen=True, kw_only=True):
    """Set a deadline: a TimeCame at `at`, once for each `key`; the earliest `at` given wins.

    case: the number of the case that it is about.
    """

    key: str
    at: datetime
    what: str
    order: str | None = None
    case: int | None = None


class WishForStock(msgspec.Struct, frozen=True, kw_only=True):
    """Remember that this conversation asked for an item that is sold out; it is told once when it is back.

    title: by which the buyer knows it. until: from when on it is not told any more.
    """

    sku: str
    title: str
    until: datetime


class EndStockWish(msgspec.Struct, frozen=True, kw_only=True):
    """Tell this conversation no more of the item."""

    sku: str


class MakeQuote(msgspec.Struct, frozen=True, kw_only=True):
    """Keep where a bargain stands and what is agreed: a new quote, or the one of this number as it is now."""

    quote: Quote


class NotePromise(msgspec.Struct, frozen=True, kw_only=True):
    """Write in the ledger how a promise stands, in place of what stood there.

    name: in the settings. given_at: None if it is taken back, and then only a promise that was given is.
    """

    name: str
    state: str
    order: str | None = None
    case: int | None = None
    given_at: datetime | None = None
    due_at: datetime | None = None
    done_at: datetime | None = None


Action = (
    Say
    | Unsay
    | OpenCase
    | CallHuman
    | CloseCase
    | TellSeller
    | Relay
    | SendReply
    | SwitchBot
    | SettleCase
    | AnswerSeller
    | NoteBuyer
    | TagBuyer
    | Consent
    | OpenOrder
    | CountTry
    | EndReminders
    | RemindAgain
    | Hush
    | Ask
    | KeepTalk
    | WakeAt
    | MakeQuote
    | WishForStock
    | EndStockWish
    | NotePromise
)

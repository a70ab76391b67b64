"""What happened on the ten days, as plain data: the view draws it, `--json` prints it, tests judge it."""

from datetime import datetime

import msgspec


class ShownDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery of a platform and the status of the answer. repeat: it was sent before."""

    at: datetime
    channel: str
    kind: str
    order: str | None
    status: int
    repeat: bool = False


class Remark(msgspec.Struct, frozen=True):
    """What the reader should watch from here on."""

    at: datetime
    text: str


class ShownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as it was understood. `text` is the buyer's (`who`), or a person's of the shop (`agent`)."""

    id: int
    at: datetime
    channel: str
    type: str
    order: str | None
    rule: str | None
    state: str
    who: str | None = None
    text: str | None = None
    agent: str | None = None
    silent: str | None = None  # why the bot says nothing to it


class Delay(msgspec.Struct, frozen=True):
    """A message that was due and had to wait, and why."""

    at: datetime
    code: str
    reason: str


class ShownMessage(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is what reached the buyer, `copies` how often; both empty for what was never sent."""

    id: int
    key: str
    template: str
    category: str
    to: str
    order: str | None
    state: str
    decided_at: datetime
    due_at: datetime
    settled_at: datetime | None
    code: str | None = None
    reason: str | None = None
    channel: str | None = None
    subject: str | None = None
    text: str | None = None
    copies: int = 0
    turn: int = 0  # its place among all that was sent
    held: tuple[Delay, ...] = ()


class ShownCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case for the seller. draft: a text prepared for them. outcome: what they decided."""

    number: int
    kind: str
    order: str | None
    opened_at: datetime
    closed_at: datetime | None
    reason: str
    draft: str | None = None
    outcome: str | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    deliveries: int
    acknowledged: int
    repeated: int
    refused: int
    sent: int
    held: int
    not_sent: int
    doubled: int
    cases: int


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """`stray`: what arrived somewhere and stands in no record of ours; there must be none."""

    shop: str
    locale: str
    timezone: str
    began_at: datetime
    ended_at: datetime
    notes: tuple[Remark, ...]
    deliveries: tuple[ShownDelivery, ...]
    events: tuple[ShownEvent, ...]
    messages: tuple[ShownMessage, ...]
    cases: tuple[ShownCase, ...]
    stray: int
    counts: Counts

"""Read models for the seller: messages, events and cases as frozen data."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import takewhile
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, union_all

from bot.domain.context import Case, Category
from bot.domain.messages import Reason
from bot.domain.settling import READ_TOGETHER
from bot.domain.untrusted_text import called
from storage import buyer_records, case_records, conversation_records
from storage.asking import ask
from storage.case_records import CaseWord
from storage.due_messages import AGAIN
from storage.lookup import can_be_kept, find_buyer, id_in, orders_numbered
from storage.outbox import message_name
from storage.tables import attempts, cases, in_state, inbox, outbox, templates, unreadable

PAGE = 50
LARGEST_CASE = 2**31 - 1
MESSAGE_STATES = ("queued", "sending", "sent", "skipped", "withdrawn", "failed", "unknown")
EVENT_STATES = ("open", "parked")
MESSAGE = "message.received"
LOOKED_BACK_AT = 500  # events of the shop, for what a buyer said just before

_reason = msgspec.json.Decoder(Reason)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the outbox. locale, own: of its template version; own: the seller's, not ours."""

    shop: str
    id: int
    key: str
    state: str
    template: str
    category: Category
    buyer: str
    version: str
    rule: str
    created_at: datetime
    due_at: datetime
    try_at: datetime
    lateness: int
    attempts: int
    order: str | None = None
    locale: str | None = None
    own: bool = False
    values: dict[str, Any] = {}
    to: str | None = None
    unlike: str | None = None
    event: int | None = None
    reason: Reason | None = None
    facts: dict[str, Any] | None = None
    lease_until: datetime | None = None
    channel: str | None = None
    address: str | None = None
    text: str | None = None
    receipt: str | None = None
    settled_at: datetime | None = None

    @property
    def name(self) -> str:
        """Its public id."""
        return message_name(self.shop, self.id)


class MessageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages to show; None: any.

    order: id or number. buyer: our id, an address of theirs, or "channel:address".
    since: created then or later.
    """

    order: str | None = None
    buyer: str | None = None
    states: tuple[str, ...] = ()
    template: str | None = None
    since: datetime | None = None


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One sending that failed; `outcome` is the name of a DeliveryError."""

    number: int
    at: datetime
    channel: str
    outcome: str
    why: str | None = None


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the inbox; body: as `dump_event` makes it."""

    id: int
    channel: str
    external_id: str
    type: str
    state: str
    body: str
    received_at: datetime
    rule: str | None = None
    error: str | None = None
    handled_at: datetime | None = None


class UnreadableView(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that we could not read."""

    id: int
    channel: str
    error: str
    received_at: datetime
    headers: str
    body: bytes


_OF_CASE = tuple(name for name in Case.__struct_fields__ if name != "reason")


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    kind: str
    key: str
    reason: Reason
    opened_at: datetime
    order: str | None = None
    buyer: str | None = None
    who: str | None = None  # for people: the buyer's name and the address to answer at
    draft: str | None = None
    closed_at: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    waits_since: datetime | None = None
    chat: str | None = None
    cause: str | None = None
    due_at: datetime | None = None
    outcome: str | None = None
    reopened: int = 0
    words: tuple[CaseWord, ...] = ()  # said in the chat since, the oldest first

    @property
    def case(self) -> Case:
        """What the rules know of it."""
        known = {name: getattr(self, name) for name in _OF_CASE}
        return Case(**known, reason=self.reason.code)

    @property
    def waits(self) -> bool:
        return self.case.waits


# Messages


def messages(
    connection: Connection, shop: str, wanted: MessageFilter, limit: int = PAGE, after: int | None = None
) -> list[Message]:
    """Newest first; `after` is the id of the last one shown before."""
    where = _conditions(connection, shop, wanted)
    if where is None:
        return []
    if after is not None:
        where.append(outbox.c.id < after)
    if wanted.states:
        newest = union_all(*(_newest_in(shop, state, where, limit) for state in wanted.states))
        where = [outbox.c.id.in_(newest)]
    statement = _messages(shop).where(*where).order_by(outbox.c.id.desc()).limit(limit)
    return _read_messages(connection, statement)


def _newest_in(shop: str, state: str, where: Iterable[ColumnElement[bool]], limit: int) -> Select[Any]:
    """Ids of one state, by a query of its own so that the planner uses the partial index of rare states."""
    here = select(outbox.c.id).where(outbox.c.shop == shop, in_state(outbox, state), *where)
    newest = here.order_by(outbox.c.id.desc()).limit(limit).subquery()
    return select(newest.c.id)


def message(connection: Connection, shop: str, name: str) -> Message | None:
    """A message by id ("123"), public id ("shop-123") or key ("payment_reminder:1001:2"); None if unknown."""
    if not can_be_kept(name):
        return None
    number = id_in(name.removeprefix(f"{shop}-"))
    here = outbox.c.key == name
    for condition in [here] if number is None else [outbox.c.id == number, here]:
        found = _read_messages(connection, _messages(shop).where(condition))
        if found:
            return found[0]
    return None


def retried_before(connection: Connection, shop: str, waiting: Message) -> Message | None:
    """The message that is tried again, and that this one must not overtake: in its chat, if it is an answer,
    else to its buyer. None if there is none."""
    channel, _, address = (waiting.to or "").partition(":")
    chat = and_(outbox.c.channel == channel, outbox.c.address == address)
    same = chat if waiting.to else outbox.c.buyer == waiting.buyer
    again = or_(*(outbox.c.reason.startswith(each, autoescape=True) for each in AGAIN))
    tried = (in_state(outbox, "queued"), outbox.c.attempts > 0, again, outbox.c.id != waiting.id)
    here = _messages(shop).where(*tried, same).order_by(outbox.c.try_at).limit(1)
    return next(iter(_read_messages(connection, here)), None)


def messages_about(connection: Connection, shop: str, order: str, limit: int) -> list[Message]:
    """Messages about an order, by its id, newest first."""
    here = _messages(shop).where(outbox.c.order_id == order)
    return _read_messages(connection, here.order_by(outbox.c.id.desc()).limit(limit))


def said_to(
    connection: Connection, shop: str, buyer: str, since: datetime, until: datetime, limit: int
) -> list[Message]:
    """What was sent to a buyer in this time, the oldest first."""
    sent = (outbox.c.buyer == buyer, in_state(outbox, "sent"), outbox.c.settled_at.between(since, until))
    here = _messages(shop).where(*sent).order_by(outbox.c.settled_at, outbox.c.id)
    return _read_messages(connection, here.limit(limit))


def attempts_of(connection: Connection, shop: str, id: int) -> list[AttemptView]:
    columns = [attempts.c[name] for name in AttemptView.__struct_fields__]
    statement = select(*columns).where(attempts.c.shop == shop, attempts.c.message == id)
    return [AttemptView(**row._mapping) for row in connection.execute(statement.order_by(attempts.c.number))]


def _conditions(connection: Connection, shop: str, wanted: MessageFilter) -> list[ColumnElement[bool]] | None:
    """The filter as SQL conditions; None if no message can match."""
    where: list[ColumnElement[bool]] = []
    if not all(can_be_kept(name) for name in (wanted.order, wanted.buyer, wanted.template) if name):
        return None
    if not set(wanted.states) <= set(MESSAGE_STATES):
        return None  # states are written into the SQL, so only known ones may pass
    if wanted.order is not None:
        where.append(outbox.c.order_id.in_({wanted.order, *orders_numbered(connection, shop, wanted.order)}))
    if wanted.buyer is not None:
        buyer = find_buyer(connection, shop, wanted.buyer)
        if buyer is None:
            return None
        where.append(outbox.c.buyer == buyer)
    if wanted.template is not None:
        where.append(outbox.c.template == wanted.template)
    if wanted.since is not None:
        where.append(outbox.c.created_at >= wanted.since)
    return where


def _messages(shop: str) -> Select[Any]:
    same = and_(templates.c.shop == outbox.c.shop, templates.c.id == outbox.c.version)
    joined = outbox.outerjoin(templates, same)
    return (
        select(outbox, templates.c.locale, templates.c.own).select_from(joined).where(outbox.c.shop == shop)
    )


def _read_messages(connection: Connection, statement: Select[Any]) -> list[Message]:
    return [_message(dict(row._mapping)) for row in connection.execute(statement)]


def _message(row: dict[str, Any]) -> Message:
    taken = {name: row[name] for name in Message.__struct_fields__ if name in row}
    return Message(
        **taken
        | {
            "order": row["order_id"],
            "own": bool(row["own"]),
            "values": msgspec.json.decode(row["values"]),
            "reason": _reason.decode(row["reason"]) if row["reason"] else None,
            "facts": msgspec.json.decode(row["facts"]) if row["facts"] else None,
        }
    )


# Events


def event(connection: Connection, shop: str, id: int) -> EventView | None:
    found = _events(connection, inbox.c.shop == shop, inbox.c.id == id)
    return found[0] if found else None


def event_named(connection: Connection, shop: str, channel: str, external_id: str) -> EventView | None:
    """An event by its platform's id."""
    here = (inbox.c.shop == shop, inbox.c.channel == channel, inbox.c.external_id == external_id)
    found = _events(connection, *here)
    return found[0] if found else None


def read_together_with(connection: Connection, shop: str, event: EventView) -> list[EventView]:
    """The words of the same chat that were read together with an event, in the order in which they came; of
    those that came long before it none."""
    if event.handled_at is None or event.type != MESSAGE:
        return []
    earlier = select(inbox).where(inbox.c.shop == shop, inbox.c.id < event.id)
    before = earlier.order_by(inbox.c.id.desc()).limit(LOOKED_BACK_AT).subquery()
    thread = select(inbox.c.thread).where(inbox.c.shop == shop, inbox.c.id == event.id).scalar_subquery()
    columns = [before.c[name] for name in EventView.__struct_fields__]
    said = select(*columns).where(before.c.thread == thread, before.c.type == MESSAGE)
    rows = [EventView(**row._mapping) for row in connection.execute(said.order_by(before.c.id.desc()))]
    same = (each.rule == READ_TOGETHER and each.handled_at == event.handled_at for each in rows)
    return [each for each, _ in zip(rows, takewhile(bool, same), strict=False)][::-1]


def events(
    connection: Connection, shop: str, state: str, limit: int = PAGE, after: int | None = None
) -> list[EventView]:
    """Parked or open events, newest first."""
    if state not in EVENT_STATES:
        return []
    older = [] if after is None else [inbox.c.id < after]
    return _events(connection, inbox.c.shop == shop, in_state(inbox, state), *older, limit=limit)


def newest_bodies(connection: Connection, shop: str, type: str, among: int) -> list[str]:
    """The events of a type among the shop's newest ones, as they are stored, the newest first."""
    newest = select(inbox.c.type, inbox.c.body, inbox.c.id).where(inbox.c.shop == shop)
    last = newest.order_by(inbox.c.id.desc()).limit(among).subquery()
    return list(connection.scalars(select(last.c.body).where(last.c.type == type).order_by(last.c.id.desc())))


def unreadable_deliveries(
    connection: Connection, shop: str, limit: int = PAGE, after: int | None = None
) -> list[UnreadableView]:
    """Deliveries that could not be read and were not settled since, newest first."""
    older = [] if after is None else [unreadable.c.id < after]
    columns = [unreadable.c[name] for name in UnreadableView.__struct_fields__]
    unsettled = (unreadable.c.shop == shop, unreadable.c.settled_at.is_(None))
    statement = select(*columns).where(*unsettled, *older).order_by(unreadable.c.id.desc()).limit(limit)
    return [UnreadableView(**row._mapping) for row in connection.execute(statement)]


def _events(connection: Connection, *where: ColumnElement[bool], limit: int = 1) -> list[EventView]:
    columns = [inbox.c[name] for name in EventView.__struct_fields__]
    statement = select(*columns).where(*where).order_by(inbox.c.id.desc()).limit(limit)
    return [EventView(**row._mapping) for row in connection.execute(statement)]


# Cases


def list_cases(
    connection: Connection,
    shop: str,
    open_only: bool = True,
    limit: int = PAGE,
    after: int | None = None,
) -> list[CaseView]:
    """The newest first; `after` is the number of the last one shown before."""
    where: list[ColumnElement[bool]] = [cases.c.closed_at.is_(None)] if open_only else []
    if after is not None and after <= LARGEST_CASE:
        where.append(cases.c.number < after)
    return _cases(connection, shop, where, limit)


def find_case(connection: Connection, shop: str, number: int) -> CaseView | None:
    if not 0 < number <= LARGEST_CASE:
        return None
    found = _cases(connection, shop, [cases.c.number == number], 1)
    return found[0] if found else None


def who_waits(
    connection: Connection, shops: Collection[str], limit: int = PAGE
) -> list[tuple[str, CaseView]]:
    """The cases of these shops in which a buyer waits for an answer, with their shops, the longest first."""
    found = [
        (shop, case)
        for shop in shops
        for case in _cases(connection, shop, [cases.c.closed_at.is_(None)], None)
        if case.case.buyer_waits
    ]
    return sorted(found, key=lambda each: (each[1].case.since, each[0], each[1].number))[:limit]


def cases_about(connection: Connection, shop: str, order: str, limit: int) -> list[CaseView]:
    return _cases(connection, shop, [cases.c.order_id == order], limit)


def _cases(
    connection: Connection, shop: str, where: Iterable[ColumnElement[bool]], limit: int | None
) -> list[CaseView]:
    statement = select(cases).where(cases.c.shop == shop, *where).order_by(cases.c.number.desc()).limit(limit)
    rows = connection.execute(statement).all()
    known = _names(connection, shop, {row.buyer for row in rows if row.buyer})
    said = case_records.words_of(connection, shop, [row.number for row in rows])
    return [
        CaseView(
            number=row.number,
            kind=row.kind,
            key=row.key,
            reason=Reason(row.reason, msgspec.json.decode(row.details)),
            opened_at=row.opened_at,
            order=row.order_id,
            buyer=row.buyer,
            who=known.get(row.buyer),
            draft=row.draft,
            closed_at=row.closed_at,
            asked_at=row.asked_at,
            answered_at=row.answered_at,
            waits_since=row.waits_since,
            chat=row.chat,
            cause=row.cause,
            due_at=row.due_at,
            outcome=row.outcome,
            reopened=row.reopened or 0,
            words=tuple(said.get(row.number, ())),
        )
        for row in rows
    ]


def _names(connection: Connection, shop: str, buyers: set[str]) -> dict[str, str | None]:
    """Name and address of each buyer; of several chats the one they wrote in last."""
    chats = ask(connection, shop, conversation_records.by_buyer(buyers))
    found = {}
    for id, buyer in ask(connection, shop, buyer_records.by_id(buyers)).items():
        heard = [(chat.last_in_at, chat.name) for chat in chats.get(id, ()) if chat.last_in_at]
        last = max(heard)[1] if heard else None
        found[id] = called(buyer.name, last, buyer.email, buyer.phone)
    return found

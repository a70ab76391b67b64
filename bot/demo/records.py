"""Reads the ten days back out of the program's own tables, and lays what really arrived beside them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Row, Select, select

from bot.demo.cast import DESK, Cast
from bot.demo.outside import ReceivedMessage
from bot.demo.transcript import (
    Counts,
    Delay,
    Remark,
    ShownCase,
    ShownDelivery,
    ShownEvent,
    ShownMessage,
    Transcript,
)
from bot.domain.events import (
    AgentReplied,
    AnyEvent,
    MessageReceived,
    OrderEvent,
    ReviewPosted,
    TimeCame,
    load_event,
)
from bot.seller.words import SellerWords
from storage.outbox import SELLER
from storage.tables import buyers, cases, conversations, inbox, orders, outbox

Waits = dict[tuple[int, str], datetime]  # (message, reason) -> when that was first seen


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage saw itself."""

    cast: Cast
    takeover: timedelta
    began_at: datetime
    ended_at: datetime
    notes: tuple[Remark, ...]
    deliveries: tuple[ShownDelivery, ...]
    waits: Waits
    arrivals: tuple[ReceivedMessage, ...]


def read_transcript(connection: Connection, played: Played) -> Transcript:
    return _Reader(connection, played).transcript()


class _Reader:
    """One reading: the connection, and the names by which people know buyers and orders."""

    def __init__(self, connection: Connection, played: Played) -> None:
        self.connection = connection
        self.played = played
        zone = ZoneInfo(played.cast.shop["timezone"])
        self.words = SellerWords(played.cast.locale, zone)
        self.names = {row.id: row.name for row in self._rows(select(buyers.c.id, buyers.c.name))}
        known = self._rows(select(orders.c.id, orders.c.number, orders.c.buyer))
        self.numbers = {row.id: row.number for row in known}
        self.customers = {row.id: self.names.get(row.buyer) for row in known}
        chats = self._rows(select(conversations))
        self.talkers = {(row.channel, row.address): self.names[row.buyer] for row in chats}
        self.arrived: dict[str, list[tuple[int, ReceivedMessage]]] = {}
        for turn, arrival in enumerate(played.arrivals, start=1):
            self.arrived.setdefault(arrival.receipt, []).append((turn, arrival))

    def transcript(self) -> Transcript:
        rows = self._rows(select(outbox).order_by(outbox.c.id))
        messages = tuple(self._message(row) for row in rows if row.buyer != SELLER)
        notices = [row.receipt for row in rows if row.buyer == SELLER]  # shown as cases
        answered = {row.event for row in rows}
        events = self._events(answered)
        found = tuple(self._case(row) for row in self._rows(select(cases).order_by(cases.c.number)))
        played = self.played
        return Transcript(
            shop=played.cast.shop["name"],
            locale=played.cast.locale,
            timezone=played.cast.shop["timezone"],
            began_at=played.began_at,
            ended_at=played.ended_at,
            notes=played.notes,
            deliveries=played.deliveries,
            events=events,
            messages=messages,
            cases=found,
            stray=len(played.arrivals)
            - sum(message.copies for message in messages)
            - sum(len(self.arrived.get(receipt, ())) for receipt in notices),
            counts=_counts(played.deliveries, messages, found),
        )

    def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return self.connection.execute(statement).all()

    def _message(self, row: Row[Any]) -> ShownMessage:
        code, reason = self._reason(row.reason)
        copies = self.arrived.get(row.receipt, []) if row.receipt else []
        turn, arrival = copies[0] if copies else (0, None)
        return ShownMessage(
            id=row.id,
            key=row.key,
            template=row.template,
            category=row.category,
            to=self.names.get(row.buyer) or row.buyer,
            order=self.numbers.get(row.order_id),
            state=row.state,
            decided_at=row.created_at,
            due_at=row.due_at,
            settled_at=row.settled_at,
            code=code,
            reason=reason,
            channel=row.channel,
            subject=arrival.subject if arrival else None,
            text=arrival.text if arrival else None,
            copies=len(copies),
            turn=turn,
            held=self._holds(row.id),
        )

    def _holds(self, message: int) -> tuple[Delay, ...]:
        seen = [(at, why) for (id, why), at in self.played.waits.items() if id == message]
        return tuple(Delay(at, *self._told(why)) for at, why in sorted(seen))

    def _reason(self, stored: str | None) -> tuple[str | None, str | None]:
        return self._told(stored) if stored else (None, None)

    def _told(self, stored: str) -> tuple[str, str]:
        reason = msgspec.json.decode(stored)
        code, values = reason["code"], reason.get("values", {})
        return code, self.words.reason(code, values)

    def _events(self, answered: set[int | None]) -> tuple[ShownEvent, ...]:
        rows = self._rows(select(inbox).order_by(inbox.c.id))
        told = [(row, load_event(row.body)) for row in rows]
        takeover = self.played.takeover
        replies = [event for _, event in told if isinstance(event, AgentReplied)]
        return tuple(
            self._event(row, event, _silence(event, replies, takeover) if row.id not in answered else None)
            for row, event in told
        )

    def _event(self, row: Row[Any], event: AnyEvent, silent_until: datetime | None) -> ShownEvent:
        order = self.numbers.get(event.order) if isinstance(event, OrderEvent | TimeCame) else None
        who = text = agent = silent = None
        match event:
            case MessageReceived() if event.conversation == DESK:
                text = event.text
                agent, who = self.played.cast.values["agent"], self.played.cast.words["bot"]
            case MessageReceived():
                who, text = self.talkers.get((event.channel, event.conversation)), event.text
                silent = self.words.reason("human_talks", {"until": silent_until}) if silent_until else None
            case AgentReplied(relayed=False):
                who, text = self.talkers.get((event.channel, event.conversation)), event.text
                agent = event.agent
            case ReviewPosted():
                who, text = self.customers.get(event.order), f"{'★' * event.rating} {event.text}"
        return ShownEvent(
            id=row.id,
            at=row.received_at,
            channel=row.channel,
            type=row.type,
            order=order,
            rule=row.rule,
            state=row.state,
            who=who,
            text=text,
            agent=agent,
            silent=silent,
        )

    def _case(self, row: Row[Any]) -> ShownCase:
        return ShownCase(
            number=row.number,
            kind=row.kind,
            order=self.numbers.get(row.order_id),
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            reason=self.words.reason(row.reason, msgspec.json.decode(row.details)),
            draft=row.draft,
            outcome=row.outcome,
        )


def _silence(event: AnyEvent, replies: Sequence[AgentReplied], takeover: timedelta) -> datetime | None:
    """Until when the bot leaves this chat to a person; None if nobody had taken it over."""
    if not isinstance(event, MessageReceived):
        return None
    ends = [
        reply.at + takeover
        for reply in replies
        if reply.conversation == event.conversation and reply.at <= event.at < reply.at + takeover
    ]
    return max(ends, default=None)


def _counts(
    deliveries: Sequence[ShownDelivery], messages: Sequence[ShownMessage], found: Sequence[ShownCase]
) -> Counts:
    sent = [message for message in messages if message.state == "sent"]
    return Counts(
        deliveries=len(deliveries),
        acknowledged=sum(1 for delivery in deliveries if delivery.status == 200),
        repeated=sum(1 for delivery in deliveries if delivery.repeat),
        refused=sum(1 for delivery in deliveries if delivery.status == 401),
        sent=len(sent),
        held=sum(1 for message in messages if message.held),
        not_sent=sum(1 for message in messages if message.state in ("withdrawn", "skipped")),
        doubled=sum(message.copies - 1 for message in sent if message.copies > 1),
        cases=len(found),
    )

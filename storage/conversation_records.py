"""The table of conversations: the chats in which buyers write to us."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.domain.context import Conversation
from bot.domain.talks import NO_TALK, Talk
from storage.asking import Asking, Query, Row, ask, changed
from storage.bulk import upsert
from storage.tables import conversations

Place = tuple[str, str]  # channel and address

_talks = msgspec.json.Decoder(Talk)
_numbers = msgspec.json.Decoder(tuple[str, ...])
_times = msgspec.json.Decoder(tuple[datetime, ...])


class _ChatRow(Row, frozen=True):
    channel: str
    address: str
    buyer: str
    last_in_at: datetime | None
    human_until: datetime | None
    blocked_at: datetime | None
    unblocked_at: datetime | None
    tries: int
    tries_since: datetime | None
    answered: str | None
    hushed_until: datetime | None
    no_reminders_at: datetime | None
    no_reminders_for: str | None
    talk: str | None


_CHAT = """
    SELECT conversations.shop, conversations.channel, conversations.address, conversations.buyer, last_in_at,
        human_until, blocked_at, unblocked_at, tries, tries_since, answered, hushed_until, no_reminders_at,
        no_reminders_for, talk
    FROM {given} CROSS JOIN conversations WHERE conversations.shop = given.shop
    """
_BY_PLACE = Query(
    _ChatRow,
    f"{_CHAT} AND conversations.channel = given.channel AND conversations.address = given.address",
    given="channel, address",
)
_BY_BUYER = Query(_ChatRow, f"{_CHAT} AND conversations.buyer = given.buyer", given="buyer")


def by_place(places: Collection[Place]) -> Asking[dict[Place, Conversation]]:
    rows = yield from _BY_PLACE.of(places)
    return {(row.channel, row.address): _conversation(row) for row in rows}


def by_buyer(of_buyers: Collection[str]) -> Asking[dict[str, tuple[Conversation, ...]]]:
    """Each buyer's chats, the one they last wrote in first."""
    found: dict[str, list[Conversation]] = defaultdict(list)
    for row in (yield from _BY_BUYER.of(of_buyers)):
        found[row.buyer].append(_conversation(row))
    return {buyer: tuple(sorted(chats, key=_last_heard, reverse=True)) for buyer, chats in found.items()}


def _last_heard(chat: Conversation) -> tuple[bool, float, str]:
    return chat.last_in_at is not None, chat.last_in_at.timestamp() if chat.last_in_at else 0.0, chat.name


def _conversation(row: _ChatRow) -> Conversation:
    known = msgspec.structs.asdict(row)
    del known["shop"]
    known["talk"] = _talks.decode(row.talk) if row.talk else NO_TALK
    known["no_reminders_for"] = _numbers.decode(row.no_reminders_for or "[]")
    return Conversation(**known | {"answered": _times.decode(row.answered or "[]")})


def save(those: Iterable[Conversation]) -> Asking[None]:
    """Insert or replace conversations."""
    yield from changed(upsert, conversations, map(_row, those))


def _row(chat: Conversation) -> dict[str, Any]:
    answered = msgspec.json.encode(chat.answered).decode() if chat.answered else None
    talk = msgspec.json.encode(chat.talk).decode() if chat.talk != NO_TALK else None
    numbers = msgspec.json.encode(chat.no_reminders_for).decode() if chat.no_reminders_for else None
    lists = {"answered": answered, "no_reminders_for": numbers}
    return {**msgspec.structs.asdict(chat), **lists, "talk": talk}


def block(connection: Connection, shop: str, buyer: str, channel: str, address: str, at: datetime) -> None:
    """Block an address until its owner writes to us again, or takes the block back.

    What they wrote before does not count, though a clock that runs ahead may say that it came later.
    """
    known = ask(connection, shop, by_place([(channel, address)])).get((channel, address))
    chat = known or Conversation(channel=channel, address=address, buyer=buyer)
    latest = max(each for each in (at, chat.last_in_at, chat.unblocked_at) if each)
    ask(connection, shop, save([msgspec.structs.replace(chat, blocked_at=latest)]))

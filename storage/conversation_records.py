"""The table of conversations: the chats in which buyers write to us."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from bot.domain.context import Conversation
from storage.bulk import upsert
from storage.sql_in import is_in
from storage.tables import conversations

Place = tuple[str, str]  # channel and address

_times = msgspec.json.Decoder(tuple[datetime, ...])
_CHAT = tuple(conversations.c[name] for name in Conversation.__struct_fields__)


def by_place(connection: Connection, shop: str, places: Iterable[Place]) -> dict[Place, Conversation]:
    by_channel: dict[str, list[str]] = defaultdict(list)
    for channel, address in places:
        by_channel[channel].append(address)
    found: dict[Place, Conversation] = {}
    for channel, addresses in by_channel.items():
        here = [conversations.c.channel == channel, is_in(connection, conversations.c.address, addresses)]
        for chat in _conversations(connection, shop, *here):
            found[chat.channel, chat.address] = chat
    return found


def by_buyer(
    connection: Connection, shop: str, of_buyers: Collection[str]
) -> dict[str, tuple[Conversation, ...]]:
    """Each buyer's chats, the one they last wrote in first."""
    found: dict[str, list[Conversation]] = defaultdict(list)
    if of_buyers:
        for chat in _conversations(connection, shop, is_in(connection, conversations.c.buyer, of_buyers)):
            found[chat.buyer].append(chat)
    return {buyer: tuple(sorted(chats, key=_last_heard, reverse=True)) for buyer, chats in found.items()}


def _last_heard(chat: Conversation) -> tuple[bool, float, str]:
    return chat.last_in_at is not None, chat.last_in_at.timestamp() if chat.last_in_at else 0.0, chat.name


def _conversations(connection: Connection, shop: str, *where: ColumnElement[bool]) -> list[Conversation]:
    statement = select(*_CHAT).where(conversations.c.shop == shop, *where)
    return [_conversation(row) for row in connection.execute(statement).all()]


def _conversation(row: Sequence[Any]) -> Conversation:
    known = dict(zip(Conversation.__struct_fields__, row, strict=True))
    return Conversation(**known | {"answered": _times.decode(known["answered"] or "[]")})


def save(connection: Connection, shop: str, changed: Iterable[Conversation]) -> None:
    """Insert or replace conversations. Raises what the database raises."""
    upsert(connection, conversations, [_row(shop, chat) for chat in changed])


def _row(shop: str, chat: Conversation) -> dict[str, Any]:
    answered = msgspec.json.encode(chat.answered).decode() if chat.answered else None
    return {"shop": shop, **msgspec.structs.asdict(chat), "answered": answered}


def block(connection: Connection, shop: str, buyer: str, channel: str, address: str, at: datetime) -> None:
    """Block an address until its owner writes to us again, or takes the block back.

    What they wrote before does not count, though a clock that runs ahead may say that it came later.
    """
    known = by_place(connection, shop, [(channel, address)]).get((channel, address))
    chat = known or Conversation(channel=channel, address=address, buyer=buyer)
    latest = max(each for each in (at, chat.last_in_at, chat.unblocked_at) if each)
    save(connection, shop, [msgspec.structs.replace(chat, blocked_at=latest)])

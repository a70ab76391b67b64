"""Whose turn it is: the due messages of buyers whom no other program has in hand, in the order of each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from bot.domain.arbiter import IN_TURN, PRIORITY
from storage import due_messages
from storage.asking import ask_together
from storage.database import try_locks
from storage.due_messages import Competing, DueRow

LOOKED_AT = 20  # messages of one buyer in a round: one may be sent, but many may be outdated


def of_buyers(
    connection: Connection,
    due: Mapping[str, Sequence[DueRow]],
    times: Mapping[str, datetime],
    wanted: Mapping[str, int],
) -> dict[str, list[DueRow]]:
    """Lock the buyers of due messages, up to `wanted` in each shop; returns the messages of those that we
    locked, by shop, a buyer's own in their turn, without those that would overtake a message of another
    program."""
    first = {shop_id: dict(list(_by_buyer(rows).items())[: wanted[shop_id]]) for shop_id, rows in due.items()}
    names = [_lock_name(shop_id, buyer) for shop_id, those in first.items() for buyer in those]
    locked = try_locks(connection, "deliver", names)
    ours = {
        shop_id: {buyer: rows for buyer, rows in those.items() if _lock_name(shop_id, buyer) in locked}
        for shop_id, those in first.items()
    }
    dialect = connection.dialect.name
    rivals = ask_together(
        connection,
        {shop_id: due_messages.competing(dialect, those, times[shop_id]) for shop_id, those in ours.items()},
    )
    found = {}
    for shop_id, those in ours.items():
        seen = {row.id for row in due[shop_id]}
        before = defaultdict[str, list[Competing]](list)
        for other in rivals[shop_id]:
            if other.state == "sending" or other.id not in seen:
                before[other.buyer].append(other)
        kept = [
            row
            for rows in those.values()
            for row in rows
            if not any(_is_before(other, row) for other in before[row.buyer])
        ]
        if kept:
            found[shop_id] = kept
    return found


def _lock_name(shop_id: str, buyer: str) -> str:
    return f"{shop_id}:{buyer}"


def _is_before(other: Competing, row: DueRow) -> bool:
    """True if `other` is in hand, or `outbox.due` would return it before `row`."""
    if other.state == "sending":
        return True
    if row.category == "answer" and other.category != "answer":
        return False
    return (other.try_at, other.id) < (row.try_at, row.id)


def _by_buyer(rows: Iterable[DueRow]) -> dict[str, list[DueRow]]:
    """The first messages of each buyer, by their turns."""
    found = defaultdict[str, list[DueRow]](list)
    for row in rows:
        found[row.buyer].append(row)
    return {buyer: sorted(those, key=_turn)[:LOOKED_AT] for buyer, those in found.items()}


def _turn(row: DueRow) -> tuple[int, int, datetime, int]:
    """By priority; within it the confirmation of an order, that it is on again, and its new total come before
    what else is said of orders."""
    place = IN_TURN.index(row.template) if row.template in IN_TURN else len(IN_TURN)
    return PRIORITY[row.category], place, row.due_at, row.id

"""Letting a held outbox go on without what another life of this database may have said already."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from xiaoer.bot.errors import DeliveryUnknown
from xiaoer.bot.router import Reason
from xiaoer.storage import outbox, waiting
from xiaoer.storage.outbox import dump

STEP = 1000  # messages in one transaction, so that a running program gets its turn


def leave_out(connection: Connection, shop: str, before: datetime, now: datetime) -> int:
    """A step of taking back what was due before that moment; returns how many messages, 0 at the end.

    What was in hand when the copy was made may have arrived: nobody knows, and it is not sent again.
    """
    withdrawn = waiting.withdraw_due(
        connection, shop, before, Reason("left_out", {"before_at": before}), now, STEP
    )
    in_hand = waiting.left_in_hand(connection, shop, before, now, STEP)
    outbox.mark_failed(
        connection, [_unknown(row, now) for row in in_hand], [_attempt(row, now) for row in in_hand]
    )
    return withdrawn + len(in_hand)


def _unknown(row: Any, now: datetime) -> dict[str, Any]:
    return {
        "shop": row.shop,
        "id": row.id,
        "state": "unknown",
        "reason": dump(Reason("unknown", {"channel": row.channel})),
        "try_at": now,
        "settled_at": now,
    }


def _attempt(row: Any, now: datetime) -> dict[str, Any]:
    return {
        "shop": row.shop,
        "message": row.id,
        "number": row.attempts + 1,
        "at": now,
        "channel": row.channel,
        "outcome": DeliveryUnknown.__name__,
        "why": "in hand when the copy was made",
    }

"""Resume a held outbox without what the database may have sent already after the backup was made."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from bot.domain.errors import DeliveryUnknown
from bot.domain.messages import Reason
from storage import held_outbox, outbox
from storage.outbox import Attempt, Outcome

STEP = 1000  # messages in one transaction, so that a running program gets its turn


def leave_out(connection: Connection, shop: str, before: datetime, now: datetime) -> int:
    """Withdraw up to STEP messages that were due before `before`; returns how many, 0 at the end.

    Messages that were in hand when the copy was made may have arrived: they end as unknown and are not sent
    again. Must run in a writing transaction.
    """
    withdrawn = held_outbox.withdraw_due(
        connection, shop, before, Reason("left_out", {"before_at": before}), now, STEP
    )
    in_hand = held_outbox.abandoned_before(connection, shop, before, now, STEP)
    outbox.mark_failed(
        connection, [_unknown(row, now) for row in in_hand], [_attempt(row, now) for row in in_hand]
    )
    return withdrawn + len(in_hand)


def _unknown(row: Row[Any], now: datetime) -> Outcome:
    why = Reason("unknown", {"channel": row.channel})
    return Outcome(shop=row.shop, id=row.id, state="unknown", why=why, try_at=now, settled_at=now)


def _attempt(row: Row[Any], now: datetime) -> Attempt:
    return Attempt(
        shop=row.shop,
        message=row.id,
        number=row.attempts + 1,
        at=now,
        channel=row.channel,
        outcome=DeliveryUnknown.__name__,
        why="in hand when the copy was made",
    )

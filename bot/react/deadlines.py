"""Turn due deadlines into events."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from bot.domain.events import TimeCame
from storage import calendar, inbox
from storage.inbox import own_inbox_event

WAKES = 500  # deadlines fired in one transaction


def fire_deadlines(connection: Connection, now: datetime) -> int:
    """Turn due deadlines into events, each once; returns how many. Must run in a writing transaction."""
    due = calendar.due_wakes(connection, now, WAKES)
    inbox.add(connection, [own_inbox_event(wake.shop, _event(wake), now) for wake in due])
    calendar.mark_fired(connection, [(wake.shop, wake.key) for wake in due], now)
    return len(due)


def _event(wake: Row[Any]) -> TimeCame:
    return TimeCame(
        channel="clock",
        external_id=wake.key,
        at=wake.at,
        what=wake.what,
        about=wake.about,
        order=wake.order_id,
    )

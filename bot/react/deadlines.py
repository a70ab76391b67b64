"""Turn due deadlines into events."""

from datetime import datetime

from sqlalchemy import Connection

from bot.domain.events import TimeCame
from storage import calendar, inbox
from storage.inbox import own_inbox_event

WAKES = 500  # deadlines fired in one transaction


def fire_deadlines(connection: Connection, now: datetime) -> int:
    """Turn due deadlines into events, each once; returns how many. Must run in a writing transaction."""
    fired = 0
    for shop in calendar.shops_with_wakes(connection):
        due = calendar.due_wakes(connection, shop, now, WAKES)
        events = [
            TimeCame(
                channel="clock",
                external_id=wake.key,
                at=wake.at,
                what=wake.what,
                about=wake.about,
                order=wake.order_id,
            )
            for wake in due
        ]
        inbox.add(connection, [own_inbox_event(shop, event, now) for event in events])
        calendar.mark_fired(connection, shop, [wake.key for wake in due], now)
        fired += len(due)
    return fired

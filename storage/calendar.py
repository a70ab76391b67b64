"""The calendar: our own deadlines, and the campaigns of promotions."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from bot.domain.actions import WakeAt
from bot.domain.events import about_case
from storage.asking import Asking, changed
from storage.bulk import insert_new, insert_or_change, update_rows
from storage.inbox import shops_with
from storage.tables import campaigns, wakes


def set_wakes(wanted: Collection[WakeAt]) -> Asking[None]:
    """Store deadlines; of two for one key the earlier stays, and one that fired does not fire again."""
    rows = [
        {"key": wake.key, "at": wake.at, "what": wake.what, "about": _about(wake), "order_id": wake.order}
        for wake in wanted
    ]
    sooner = "wakes.fired_at IS NULL AND wakes.at > {at}"
    yield from changed(insert_or_change, wakes, rows, columns=("at",), where=sooner)


def _about(wake: WakeAt) -> str:
    return wake.key if wake.case is None else about_case(wake.case)


def due_wakes(connection: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """The deadlines of all shops that have come, locked, the earliest first."""
    statement = select(wakes).where(wakes.c.fired_at.is_(None), wakes.c.at <= now)
    statement = (
        statement.order_by(wakes.c.at).limit(limit).with_for_update(skip_locked=True)
    )  # of another program
    return connection.execute(statement).all()


def mark_fired(connection: Connection, keys: Iterable[tuple[str, str]], now: datetime) -> None:
    """Mark deadlines, each by its shop and key."""
    update_rows(connection, wakes, [{"shop": shop, "key": key, "fired_at": now} for shop, key in keys])


def next_wake(connection: Connection) -> datetime | None:
    found: datetime | None = connection.scalar(select(func.min(wakes.c.at)).where(wakes.c.fired_at.is_(None)))
    return found


def start_campaign(connection: Connection, shop: str, promotion: str, slot: datetime) -> None:
    """Start a campaign, once for each `slot` (the time that the cron line named) over all programs."""
    row = {"shop": shop, "promotion": promotion, "slot": slot, "cursor": "", "queued": 0}
    insert_new(connection, campaigns, [row])


def shops_with_campaigns(connection: Connection) -> list[str]:
    return shops_with(connection, "campaigns", "done_at IS NULL")


def open_campaigns(connection: Connection, shop: str) -> Sequence[Row[Any]]:
    statement = select(campaigns).where(campaigns.c.shop == shop, campaigns.c.done_at.is_(None))
    return connection.execute(statement).all()


def next_campaign(connection: Connection) -> datetime | None:
    """When the pace of a campaign under way lets it go on."""
    here = select(func.min(campaigns.c.next_at)).where(
        campaigns.c.done_at.is_(None), campaigns.c.state == "running"
    )
    found: datetime | None = connection.scalar(here)
    return found


def advance_campaign(
    connection: Connection, campaign: Row[Any], cursor: str, queued: int, done_at: datetime | None
) -> None:
    here = (
        update(campaigns)
        .where(
            campaigns.c.shop == campaign.shop,
            campaigns.c.promotion == campaign.promotion,
            campaigns.c.slot == campaign.slot,
        )
        .values(cursor=cursor, queued=campaigns.c.queued + queued, done_at=done_at)
    )
    connection.execute(here)

"""Count what waits in a held outbox, and withdraw part of it before it is released."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, case, func, select, update

from bot.domain.messages import Reason
from storage.database import lease_clock
from storage.outbox import dump
from storage.tables import in_state, outbox


class WaitingCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages of one template wait, and how many of them are due."""

    shop: str
    template: str
    count: int
    overdue: int
    oldest: datetime


def count_waiting(connection: Connection, shop: str, now: datetime) -> list[WaitingCount]:
    """Count waiting messages by template, the longest due first."""
    due = func.sum(case((outbox.c.due_at <= now, 1), else_=0))
    oldest = func.min(outbox.c.due_at)
    statement = (
        select(outbox.c.template, func.count(), due, oldest)
        .where(outbox.c.shop == shop, in_state(outbox, "queued"))
        .group_by(outbox.c.template)
        .order_by(oldest, outbox.c.template)
    )
    return [
        WaitingCount(shop=shop, template=template, count=count, overdue=overdue, oldest=since)
        for template, count, overdue, since in connection.execute(statement)
    ]


def withdraw_due(
    connection: Connection, shop: str, before: datetime, why: Reason, now: datetime, limit: int
) -> int:
    """Withdraw up to `limit` waiting messages that were due before `before`; returns how many."""
    found = select(outbox.c.id).where(
        outbox.c.shop == shop, in_state(outbox, "queued"), outbox.c.due_at < before
    )
    here = update(outbox).where(
        outbox.c.shop == shop, outbox.c.id.in_(found.limit(limit)), in_state(outbox, "queued")
    )
    return connection.execute(here.values(state="withdrawn", reason=dump(why), settled_at=now)).rowcount


def abandoned_before(
    connection: Connection, shop: str, before: datetime, now: datetime, limit: int
) -> Sequence[Row[Any]]:
    """Up to `limit` messages due before `before` whose sending was abandoned (their lease is over)."""
    statement = (
        select(outbox)
        .where(outbox.c.shop == shop, in_state(outbox, "sending"), outbox.c.due_at < before)
        .where(outbox.c.lease_until < lease_clock(connection, now))
    )
    return connection.execute(statement.limit(limit).with_for_update(skip_locked=True)).all()

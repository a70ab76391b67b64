"""The audit trail: who settled which case, and how often a wrong token was tried."""

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, insert, select, update

from storage.database import take_ids
from storage.sql_in import is_in
from storage.tables import trail

CASE_SETTLED, TOKEN_REFUSED = "case_settled", "token_refused"  # what happened, no secret
REPLY_SENT = "reply_sent"
UNKNOWN_SHOP = ""
SPAN = timedelta(hours=1)  # in which tries are counted in one row, so that strangers cannot fill the table


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One row. who: `api:` and the token's fingerprint, or `command:` and the user of the machine."""

    shop: str
    at: datetime
    what: str
    who: str | None = None
    about: str | None = None
    times: int = 1


def add(connection: Connection, trace: Trace) -> None:
    (id,) = take_ids(connection, 1)
    connection.execute(insert(trail).values(id=id, **msgspec.structs.asdict(trace)))


def count_refused(connection: Connection, shop: str, now: datetime, tries: int) -> None:
    """Add so many tries to the row that began within SPAN, or begin one."""
    latest = (
        select(trail.c.id)
        .where(trail.c.shop == shop, trail.c.what == TOKEN_REFUSED, trail.c.at > now - SPAN)
        .order_by(trail.c.at.desc())
        .limit(1)
    )
    begun = connection.scalar(latest)
    if begun is None:
        add(connection, Trace(shop=shop, at=now, what=TOKEN_REFUSED, times=tries))
        return
    here = update(trail).where(trail.c.shop == shop, trail.c.id == begun)
    connection.execute(here.values(times=trail.c.times + tries))


def newest(connection: Connection, shops: Collection[str], limit: int) -> list[Trace]:
    """The newest first."""
    statement = select(trail).where(is_in(connection, trail.c.shop, shops))
    rows = connection.execute(statement.order_by(trail.c.at.desc(), trail.c.id.desc()).limit(limit))
    return [
        Trace(shop=row.shop, at=row.at, what=row.what, who=row.who, about=row.about, times=row.times)
        for row in rows
    ]

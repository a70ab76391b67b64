"""The table of nights: how far the work on a shop's figures and tiers is, to go on after a restart."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from storage.bulk import insert_new
from storage.tables import nights


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """One night's work. step: figures, tiers or done. cursor: buyers up to here are done.

    feed: events up to here are in the figures. whole: what was bought is read of everybody.
    rules: the settings that it goes by, as a hash. known: buyers with figures. buyers: who bought lately.
    cuts: JSON.
    """

    shop: str
    slot: datetime
    step: str
    cursor: str
    feed: int
    whole: bool
    rules: str
    known: int
    buyers: int
    cuts: str | None = None
    done_at: datetime | None = None


def begin(connection: Connection, shop: str, slot: datetime, *, feed: int, whole: bool, rules: str) -> None:
    """Begin a night's work, once over all programs."""
    row = {"shop": shop, "slot": slot, "step": "figures", "cursor": "", "feed": feed, "whole": whole}
    insert_new(connection, nights, [{**row, "rules": rules, "known": 0, "buyers": 0}])


def latest(connection: Connection, shop: str) -> Night | None:
    return _first(connection, nights.c.shop == shop)


def latest_done(connection: Connection, shop: str, at: datetime) -> Night | None:
    """The last night that was done by `at`."""
    return _first(connection, nights.c.shop == shop, nights.c.slot <= at, nights.c.done_at.is_not(None))


def advance(connection: Connection, night: Night, **news: Any) -> bool:
    """Change a night's row; False if another program has changed it since it was read."""
    same = [nights.c[name] == getattr(night, name) for name in ("shop", "slot", "step", "cursor", "feed")]
    return connection.execute(update(nights).where(*same).values(**news)).rowcount > 0


def _first(connection: Connection, *where: Any) -> Night | None:
    row = connection.execute(select(nights).where(*where).order_by(nights.c.slot.desc()).limit(1)).first()
    return Night(**row._mapping) if row else None

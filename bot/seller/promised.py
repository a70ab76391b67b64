"""How the promises of the settings are kept: shares with their intervals, what is due, what was missed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from bot.domain.context import Case
from bot.domain.service_promises import BY_CASE
from bot.domain.shop import Shop
from bot.domain.statistics import ENOUGH, wilson
from storage import promise_records
from storage.promise_records import PromiseRow

PERIOD = timedelta(days=90)
AHEAD = timedelta(days=7)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How often one promise was kept, of those that were due within the period.

    enough: False where they are too few to say anything. low, high: of the share, at 95 percent.
    """

    name: str
    since: str
    until: str
    goal: float
    open: int
    kept: int
    missed: int
    excused: int
    withdrawn: int
    enough: bool
    low: float | None = None
    high: float | None = None

    @property
    def due(self) -> int:
        return self.kept + self.missed

    @property
    def verdict(self) -> str:
        """few, met, missed, or unclear while the goal lies within the interval."""
        if not self.enough or self.low is None or self.high is None:
            return "few"
        if self.low * 100 >= self.goal:
            return "met"
        return "missed" if self.high * 100 < self.goal else "unclear"


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    from_at: datetime
    as_of: datetime
    shares: tuple[Share, ...]
    due_soon: tuple[PromiseRow, ...]
    missed: tuple[PromiseRow, ...]


def promised(connection: Connection, shop_id: str, shop: Shop, now: datetime) -> Promised:
    """What was due within PERIOD, and what is open and due within AHEAD or over its time."""
    begins = now - PERIOD
    known = promise_records.counts(connection, shop_id, begins, now + timedelta(days=366))
    soon = promise_records.listed(connection, shop_id, "open", begins, now + AHEAD)
    missed = promise_records.listed(connection, shop_id, "missed", begins, now, newest=True)
    return Promised(
        from_at=begins,
        as_of=now,
        shares=tuple(_share(name, shop, known) for name in shop.promises),
        due_soon=tuple(_still_open(connection, shop_id, shop, soon)),
        missed=tuple(missed),
    )


def _share(name: str, shop: Shop, known: Mapping[tuple[str, str], int]) -> Share:
    rule = shop.promises[name]
    count = {state: known.get((name, state), 0) for state in promise_records.STATES}
    due = count["kept"] + count["missed"]
    low, high = wilson(count["kept"], due) if due else (None, None)
    return Share(
        name=name,
        since=rule.since,
        until=rule.until,
        goal=rule.goal,
        enough=due >= ENOUGH,
        low=low,
        high=high,
        **count,
    )


def _still_open(connection: Connection, shop_id: str, shop: Shop, rows: list[PromiseRow]) -> list[PromiseRow]:
    """Without those about cases that were settled since: the ledger counts them when they are due."""
    numbers = {int(row.about.removeprefix("case:")) for row in rows if row.about.startswith("case:")}
    times = promise_records.closed_cases(connection, shop_id, numbers)
    left = []
    for row in rows:
        rule = shop.promises.get(row.name)
        if rule is None:
            continue
        answered, closed = times.get(_number(row), (None, None))
        case = Case(
            number=0,
            kind="",
            key="",
            reason="",
            opened_at=row.given_at,
            answered_at=answered,
            closed_at=closed,
        )
        if not rule.of_cases or BY_CASE[rule.until](case) is None:
            left.append(row)
    return left


def _number(row: PromiseRow) -> int:
    return int(row.about.removeprefix("case:")) if row.about.startswith("case:") else 0

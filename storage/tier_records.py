"""The table of tiers: who is in which since when, as it was decided at night or given by the seller."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, literal_column, or_, select, update

from bot.domain.tiers import KeptTier, Lately, Points
from storage.asking import Asking, Query, Row, ask
from storage.bulk import insert_new, update_rows
from storage.tables import figures, tiers

HISTORY = 100  # rows of one buyer that are shown, the newest

_IN_FORCE = "tiers.since <= :now AND (tiers.until IS NULL OR tiers.until > :now)"


class _Now(Row, frozen=True):
    buyer: str
    kind: str
    tier: str | None


class TierRow(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer's tier from `since` on and before `until`. r, f, m: None where thresholds decided.

    orders, spent_minor, last_order_at: what they had bought within vip.period when it began.
    """

    kind: str
    since: datetime
    until: datetime | None = None
    tier: str | None = None
    r: int | None = None
    f: int | None = None
    m: int | None = None
    orders: int | None = None
    spent_minor: int | None = None
    last_order_at: datetime | None = None
    who: str | None = None
    reason: str | None = None


class Decided(msgspec.Struct, frozen=True):
    """A buyer's new tier; None: none any more."""

    buyer: str
    tier: str | None
    bought: Lately | None = None
    points: Points | None = None


_CURRENT = Query(
    _Now,
    f"""
    SELECT tiers.shop, tiers.buyer, tiers.kind, tiers.tier FROM {{given}} CROSS JOIN tiers
    WHERE tiers.shop = given.shop AND tiers.buyer = given.buyer
        AND tiers.kind = 'kept' AND tiers.until IS NULL
    UNION ALL
    SELECT tiers.shop, tiers.buyer, tiers.kind, tiers.tier FROM {{given}} CROSS JOIN tiers
    WHERE tiers.shop = given.shop AND tiers.buyer = given.buyer
        AND tiers.kind = 'given' AND {_IN_FORCE}
    """,
    given="buyer",
)


def current_of(of_buyers: Collection[str], now: datetime) -> Asking[dict[str, KeptTier]]:
    """What is kept of these buyers; those of whom nothing is are left out."""
    found: dict[str, KeptTier] = {}
    for row in (yield from _CURRENT.of(of_buyers, now=now)):
        before = found.get(row.buyer, KeptTier())
        news = {"kept": row.tier} if row.kind == "kept" else {"given": True, "given_tier": row.tier}
        found[row.buyer] = msgspec.structs.replace(before, **news)
    return found


def current(connection: Connection, shop: str, buyers: Collection[str], now: datetime) -> dict[str, KeptTier]:
    return ask(connection, shop, current_of(buyers, now))


def history_of(connection: Connection, shop: str, buyer: str) -> list[TierRow]:
    """All that is kept of a buyer's tiers, the newest first."""
    columns = [tiers.c[name] for name in TierRow.__struct_fields__]
    theirs = select(*columns).where(tiers.c.shop == shop, tiers.c.buyer == buyer)
    newest = theirs.order_by(tiers.c.since.desc(), tiers.c.kind).limit(HISTORY)
    return [TierRow(**row._mapping) for row in connection.execute(newest)]


def sizes(connection: Connection, shop: str, now: datetime) -> dict[str, int]:
    """How many buyers are in each tier, with those that the seller gave."""
    given = given_in_force(shop, now)
    kept = select(tiers.c.tier, func.count()).where(*kept_now(shop)).group_by(tiers.c.tier)
    found = {row[0]: row[1] for row in connection.execute(kept)}
    theirs = select(tiers.c.buyer, tiers.c.tier).where(*given)
    instead = {row.buyer: row.tier for row in connection.execute(theirs)}
    for buyer, kept_tier in current(connection, shop, instead, now).items():
        if kept_tier.kept:
            found[kept_tier.kept] = found.get(kept_tier.kept, 0) - 1
        if tier := instead[buyer]:
            found[tier] = found.get(tier, 0) + 1
    return found


def kept_now(shop: str) -> tuple[Any, ...]:
    return tiers.c.shop == shop, _is("kept"), tiers.c.until.is_(None)


def given_in_force(shop: str, now: datetime) -> tuple[Any, ...]:
    open_then = or_(tiers.c.until.is_(None), tiers.c.until > now)
    return tiers.c.shop == shop, _is("given"), tiers.c.since <= now, open_then


def _is(kind: str) -> Any:
    """As a literal, because planners match partial indexes by literals only."""
    return tiers.c.kind == literal_column(f"'{kind}'")


def given_list(connection: Connection, shop: str, now: datetime) -> list[tuple[str, TierRow]]:
    """The tiers that the seller gave and that are in force, by buyer."""
    columns = [tiers.c[name] for name in TierRow.__struct_fields__]
    statement = select(tiers.c.buyer, *columns).where(*given_in_force(shop, now)).order_by(tiers.c.buyer)
    return [
        (row.buyer, TierRow(**{name: getattr(row, name) for name in TierRow.__struct_fields__}))
        for row in connection.execute(statement)
    ]


def give(
    connection: Connection,
    shop: str,
    buyer: str,
    tier: str | None,
    now: datetime,
    until: datetime | None,
    who: str,
    reason: str,
) -> None:
    """Give a buyer a tier, or none, whatever is kept; what was given before ends."""
    take_back(connection, shop, buyer, now)
    row = {"shop": shop, "buyer": buyer, "kind": "given", "since": now, "until": until, "tier": tier}
    insert_new(connection, tiers, [{**row, "who": who, "reason": reason}])


def take_back(connection: Connection, shop: str, buyer: str, now: datetime) -> bool:
    """End what the seller gave; False if nothing is in force."""
    here = update(tiers).where(*given_in_force(shop, now), tiers.c.buyer == buyer)
    return connection.execute(here.values(until=now)).rowcount > 0


def decided(connection: Connection, shop: str, those: Iterable[Decided], at: datetime) -> None:
    """End the tiers that were kept of these buyers, and begin the new ones."""
    changed = list(those)
    keys = [{"shop": shop, "buyer": each.buyer, "kind": "kept", "until": at} for each in changed]
    update_rows(
        connection,
        tiers,
        keys,
        where="tiers.until IS NULL AND tiers.since < {until}",
        by=("shop", "buyer", "kind"),
    )
    rows = [
        {
            "shop": shop,
            "buyer": each.buyer,
            "kind": "kept",
            "since": at,
            "tier": each.tier,
            "r": each.points.r if each.points else None,
            "f": each.points.f if each.points else None,
            "m": each.points.m if each.points else None,
            "orders": each.bought.orders if each.bought else 0,
            "spent_minor": each.bought.spent if each.bought else 0,
            "last_order_at": each.bought.last_order_at if each.bought else None,
        }
        for each in changed
        if each.tier is not None
    ]
    insert_new(connection, tiers, rows)
    kept = [{"shop": shop, "buyer": each.buyer, "kept_tier": each.tier} for each in changed]
    update_rows(connection, figures, kept)


class _Bought(Row, frozen=True):
    buyer: str
    last_order_at: datetime | None
    orders: int
    spent: int
    tier: str | None


_PAGE = Query(
    _Bought,
    """
    SELECT shop, buyer, last_order_at, lately_orders, lately_spent_minor, kept_tier FROM figures
    WHERE shop = :shop AND buyer > :after AND (lately_orders > :least OR kept_tier IS NOT NULL)
    ORDER BY buyer LIMIT :limit
    """,
)


def page(
    connection: Connection, shop: str, after: str, limit: int, everybody: bool = False
) -> list[tuple[str, Lately | None, str | None]]:
    """The next buyers with what they bought lately, if anything, and the tier that is kept.

    everybody: also those who neither bought nor are in a tier.
    """
    sent = {"shop": shop, "after": after, "limit": limit, "least": -1 if everybody else 0}
    return [
        (
            row.buyer,
            Lately(row.last_order_at, row.orders, row.spent) if row.orders and row.last_order_at else None,
            row.tier,
        )
        for row in _PAGE.rows(connection, sent)
    ]


def who_bought_lately(connection: Connection, shop: str) -> int:
    lately = and_(figures.c.shop == shop, figures.c.lately_orders > 0)
    return connection.scalar(select(func.count()).select_from(figures).where(lately)) or 0


def at_places(connection: Connection, shop: str, column: str, places: Collection[int]) -> list[Any]:
    """The values of a column at these places, from 1 on, among all who bought lately, in ascending order."""
    value = figures.c[column]
    lately = and_(figures.c.shop == shop, figures.c.lately_orders > 0)
    sorted_ = select(value.label("value"), func.row_number().over(order_by=value).label("place")).where(
        lately
    )
    found = sorted_.subquery()
    wanted = select(found.c.place, found.c.value).where(found.c.place.in_(sorted(set(places))))
    by_place = {row.place: row.value for row in connection.execute(wanted)}
    return [by_place[place] for place in places]

"""Segments and tiers for the seller: how many buyers, which ones, and why; as data that anything may show."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum

import msgspec
from sqlalchemy import Connection

from bot.domain.money import Money
from bot.domain.segment_reading import Condition, named, read_segment
from bot.domain.segments import FIELDS, At, Told, Tree, matches
from bot.domain.shop import Shop
from bot.domain.tiers import KeptTier, Lately, Points
from bot.domain.untrusted_text import called
from storage import buyer_records, night_records, segments, tier_records
from storage.asking import ask
from storage.lookup import find_buyer
from storage.night_records import Night
from storage.tier_records import TierRow


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer of a segment. because: the conditions that decide."""

    buyer: str
    who: str | None
    because: tuple[Told, ...]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    condition: str
    buyers: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """known: how many buyers had figures when these were summed up whole; as_of: when; None: not yet."""

    condition: str
    buyers: int
    known: int
    as_of: datetime | None
    examples: tuple[Member, ...]


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a buyer is in a segment. profiled: False for one of whom no figures are kept."""

    buyer: str
    who: str | None
    holds: bool
    profiled: bool
    because: tuple[Told, ...] = ()


class TierSizes(msgspec.Struct, frozen=True, kw_only=True):
    """sizes: buyers by tier, the highest first. lately: who bought within vip.period. points: fifths decide,
    where a tier asks for them. given: what the seller gave, by buyer."""

    sizes: tuple[tuple[str, int], ...]
    lately: int
    points: bool
    as_of: datetime | None
    given: tuple[tuple[str, str | None, TierRow], ...]


class BuyerTier(msgspec.Struct, frozen=True, kw_only=True):
    """tier: the one that counts. night: the last one; bought, points: of this buyer then."""

    buyer: str
    who: str | None
    tier: str | None
    given: TierRow | None
    history: tuple[TierRow, ...]
    bought: Lately | None
    night: Night | None


class Refused(Enum):
    """Why a tier was not given."""

    BUYER, TIER, UNTIL = "buyer", "tier", "until"


def at_of(shop: Shop, now: datetime) -> At:
    return At(now=now, zone=shop.zone(), close=shop.payment.close)


def written(condition: Condition) -> str:
    """A condition in one line."""
    if isinstance(condition, str):
        return " ".join(condition.split())
    return " and ".join(f"({' '.join(line.split())})" for line in condition)


def tried(shop: Shop, text: str) -> Tree:
    """The tree of a condition that stands in no settings. Raises SegmentFault."""
    return named(read_segment(text, shop.currency), shop.segment_trees, shop.tier_names)


def sizes(connection: Connection, shop_id: str, shop: Shop, now: datetime) -> list[Size]:
    at = at_of(shop, now)
    return [
        Size(
            name=name,
            condition=written(shop.segments[name]),
            buyers=segments.count(connection, shop_id, tree, at),
        )
        for name, tree in shop.segment_trees.items()
    ]


def as_of(connection: Connection, shop_id: str, now: datetime) -> datetime | None:
    night = night_records.latest_done(connection, shop_id, now)
    return night.done_at if night else None


def preview(
    connection: Connection, shop_id: str, shop: Shop, condition: str, tree: Tree, now: datetime
) -> Preview:
    at = at_of(shop, now)
    ids, count = segments.first_and_count(connection, shop_id, tree, at)
    night = night_records.latest_done(connection, shop_id, now)
    figures = segments.figures_of(connection, shop_id, ids, now)
    who = names_of(connection, shop_id, ids)
    return Preview(
        condition=condition,
        buyers=count,
        known=max(count, night.known if night else 0),
        as_of=night.done_at if night else None,
        examples=tuple(
            Member(buyer=id, who=who.get(id), because=matches(tree, figures[id], at)[1])
            for id in ids
            if id in figures
        ),
    )


def membership(
    connection: Connection, shop_id: str, shop: Shop, tree: Tree, name: str, now: datetime
) -> Membership | None:
    """Whether this buyer is in a segment, and why; None if there is no such buyer."""
    id = find_buyer(connection, shop_id, name)
    if id is None:
        return None
    who = names_of(connection, shop_id, [id]).get(id)
    figures = segments.figures_of(connection, shop_id, [id], now).get(id)
    if figures is None:
        return Membership(buyer=id, who=who, holds=False, profiled=False)
    holds, because = matches(tree, figures, at_of(shop, now))
    return Membership(buyer=id, who=who, holds=holds, profiled=True, because=because)


def names_of(connection: Connection, shop_id: str, ids: Collection[str]) -> dict[str, str | None]:
    """Name and an address of each buyer, for people."""
    known = ask(connection, shop_id, buyer_records.by_id(ids))
    return {id: called(buyer.name, buyer.email, buyer.phone) for id, buyer in known.items()}


def told_value(told: Told, currency: str) -> str | None:
    """What is known of a buyer as a program may read it: decimals, ISO 8601, yes or no."""
    known = told.known
    match FIELDS[told.field]:
        case _ if known is None:
            return None
        case "money":
            return str(Money(known, currency).decimal)
        case "flag":
            return "yes" if known else "no"
        case "moment":
            return str(known.isoformat())
        case "set":
            return ", ".join(words_of(told.field, known)) or None
    return str(known)


def words_of(field: str, known: Collection[tuple[str, str] | str]) -> Sequence[str]:
    """The words of a set, for people."""
    texts = (each if isinstance(each, str) else (each[1].strip() or each[0].strip()) for each in known)
    return sorted(texts)


# Tiers


def tier_sizes(connection: Connection, shop_id: str, shop: Shop, now: datetime) -> TierSizes:
    found = tier_records.sizes(connection, shop_id, now)
    night = night_records.latest_done(connection, shop_id, now)
    given = tier_records.given_list(connection, shop_id, now)
    who = names_of(connection, shop_id, [buyer for buyer, _ in given])
    return TierSizes(
        sizes=tuple((name, found.get(name, 0)) for name in shop.tier_names),
        lately=night.buyers if night else 0,
        points=bool(night and night.cuts),
        as_of=night.done_at if night else None,
        given=tuple((buyer, who.get(buyer), row) for buyer, row in given),
    )


def buyer_tier(
    connection: Connection, shop_id: str, shop: Shop, name: str, now: datetime
) -> BuyerTier | None:
    """In which tier a buyer is, and why; None if there is no such buyer."""
    id = find_buyer(connection, shop_id, name)
    if id is None:
        return None
    kept = tier_records.current(connection, shop_id, [id], now).get(id, KeptTier())
    history = tier_records.history_of(connection, shop_id, id)
    in_force = (row for row in history if row.kind == "given" and (row.until is None or row.until > now))
    figures = segments.figures_of(connection, shop_id, [id], now).get(id)
    bought = None
    if figures and figures.lately_orders and figures.last_order_at:
        bought = Lately(figures.last_order_at, figures.lately_orders, figures.lately_spent_minor)
    return BuyerTier(
        buyer=id,
        who=names_of(connection, shop_id, [id]).get(id),
        tier=kept.tier,
        given=next(in_force, None) if kept.given else None,
        history=tuple(history),
        bought=bought,
        night=night_records.latest_done(connection, shop_id, now),
    )


def points_then(row: TierRow) -> Points | None:
    """The points that decided on a tier, where points did."""
    return Points(row.r, row.f, row.m) if row.r and row.f and row.m else None


def give_tier(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    *,
    name: str,
    tier: str | None,
    until: datetime | None,
    who: str,
    reason: str,
    now: datetime,
) -> str | Refused:
    """Give a buyer a tier, or none, whatever they bought; returns the buyer's id, or why not."""
    id = find_buyer(connection, shop_id, name)
    if id is None:
        return Refused.BUYER
    if tier is not None and tier not in shop.tier_names:
        return Refused.TIER
    if until is not None and until <= now:
        return Refused.UNTIL
    tier_records.give(connection, shop_id, id, tier, now, until, who, reason)
    return id

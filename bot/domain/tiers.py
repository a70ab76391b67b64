"""Tiers of loyal buyers: points by fifths for how lately, how often and for how much they bought."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.money import Money
from bot.domain.shop import Tier
from bot.domain.statistics import fifth_of

ENOUGH = 100  # buyers; among fewer, fifths say little, and fixed thresholds decide


class Lately(msgspec.Struct, frozen=True):
    """What one buyer bought within vip.period, refunds subtracted; `spent` in minor units."""

    last_order_at: datetime
    orders: int
    spent: int


class Cuts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the fifths end among all who bought lately: of recency the day after, of the others the value."""

    lately: tuple[datetime, ...]
    often: tuple[int, ...]
    spent: tuple[int, ...]


class Points(msgspec.Struct, frozen=True):
    """1 to 5 each; 5 is the best."""

    r: int
    f: int
    m: int

    @property
    def total(self) -> int:
        return self.r + self.f + self.m


class KeptTier(msgspec.Struct, frozen=True, kw_only=True):
    """What the records say of one buyer: the tier of the last night, and what the seller gave instead, if
    that is in force (None then: no tier)."""

    kept: str | None = None
    given: bool = False
    given_tier: str | None = None

    @property
    def tier(self) -> str | None:
        return self.given_tier if self.given else self.kept


NONE_KEPT = KeptTier()


def cuts_of(lately: Sequence[datetime], often: Sequence[int], spent: Sequence[int], zone: ZoneInfo) -> Cuts:
    """The cuts, from the values at the ends of the fifths; all who bought on one day share a score."""
    return Cuts(lately=tuple(_day_after(at, zone) for at in lately), often=tuple(often), spent=tuple(spent))


def points_of(bought: Lately, cuts: Cuts) -> Points:
    return Points(
        1 + bisect_right(cuts.lately, bought.last_order_at),
        fifth_of(bought.orders, cuts.often),
        fifth_of(bought.spent, cuts.spent),
    )


def tier_at_night(
    bought: Lately | None, points: Points | None, currency: str, tiers: Sequence[Tier]
) -> Tier | None:
    """The first tier, highest first, that a buyer reaches. bought: None for nothing lately.

    points: None while there are too few buyers for fifths.
    """
    if bought is None:
        return next((tier for tier in tiers if tier.rfm is None and not tier.has_thresholds), None)
    for tier in tiers:
        if tier.rfm is not None and points is not None:
            if points.total >= tier.rfm:
                return tier
        elif (tier.rfm is None or tier.has_thresholds) and reaches(
            tier, bought.orders, bought.spent, currency
        ):
            return tier
    return None


def reaches(tier: Tier, orders: int, spent_minor: int, currency: str) -> bool:
    """True if both thresholds of a tier are reached."""
    return orders >= tier.orders and Money(spent_minor, currency).decimal >= tier.spent


def tier_now(
    orders: int, spent_minor: int, currency: str, tiers: Sequence[Tier], kept: KeptTier = NONE_KEPT
) -> Tier | None:
    """The tier at this moment: the one that the seller gave; else the first, highest first, whose thresholds
    are reached by fresh facts, or, where points decide, that was kept last night."""
    if kept.given:
        return next((tier for tier in tiers if tier.name == kept.given_tier), None)
    for tier in tiers:
        if tier.rfm is not None:
            if tier.name == kept.kept:
                return tier
        elif reaches(tier, orders, spent_minor, currency):
            return tier
    return None


def night_before(now: datetime, zone: ZoneInfo) -> datetime:
    """When the last night's work was due: at NIGHT of the shop's day, in UTC of `now`."""
    local = now.astimezone(zone)
    due = datetime.combine(local.date(), NIGHT, zone)
    if due.astimezone(now.tzinfo) > now:
        due = datetime.combine(local.date() - timedelta(days=1), NIGHT, zone)
    return due.astimezone(now.tzinfo)


def night_after(now: datetime, zone: ZoneInfo) -> datetime:
    local = night_before(now, zone).astimezone(zone)
    return datetime.combine(local.date() + timedelta(days=1), NIGHT, zone).astimezone(now.tzinfo)


NIGHT = time(3, 30)  # between the ends of summer time and the morning


def _day_after(at: datetime, zone: ZoneInfo) -> datetime:
    day = at.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time.min, zone).astimezone(at.tzinfo)

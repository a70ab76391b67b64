"""Loyal buyers: which tier they are in, and when a promotion for a tier is due."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from apscheduler.triggers.cron import CronTrigger

from bot.domain.hours import daytime_slot
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.shop import Campaign, Tier
from bot.domain.tiers import NONE_KEPT, KeptTier, tier_now
from handlers import message_policies as policy
from handlers.validity import case_open, iso

ANOTHER_TRY = timedelta(hours=6)  # at an offer to a buyer who waits for an answer
A_MINUTE = timedelta(minutes=1)  # the resolution of cron
TO_PAY = ("unpaid", "partly_paid")


class Standing(msgspec.Struct, frozen=True):
    """What a buyer bought within the period; `spent` in minor units of the shop's currency."""

    orders: int
    spent: int


def standing(orders: Iterable[Order], now: datetime, period: timedelta, currency: str) -> Standing:
    """Sum up the orders placed within `period`, less refunds.

    Orders unpaid, cancelled, refunded in full or in another currency do not count.
    """
    counted = [order for order in orders if _counts(order, now - period, currency)]
    return Standing(len(counted), sum(map(_spent, counted)))


def _spent(order: Order) -> int:
    return order.in_shop_money(order.paid) - order.in_shop_money(order.refunded)


def _counts(order: Order, since: datetime, currency: str) -> bool:
    if order.test or order.placed_at is None or order.placed_at < since or order.total is None:
        return False
    return (
        (order.shop_total or order.total).currency == currency
        and order.paid_minor > 0
        and not order.cancelled
        and not order.refunded_in_full
    )


def tier_of(
    orders: int, spent_minor: int, currency: str, tiers: tuple[Tier, ...], kept: KeptTier = NONE_KEPT
) -> Tier | None:
    """Choose the tier that the seller gave, else the first, highest first, of which both thresholds are
    reached, or that was kept last night where points decide."""
    return tier_now(orders, spent_minor, currency, tiers, kept)


def promotion_firings(
    promotion: Campaign, now: datetime, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """Find the firings of the promotion's cron line around `now`: the last one up to it, the first after it.

    Its first firing is on or after its first day, its last on its last day.
    """
    if promotion.cron is None:
        return None, None
    trigger = CronTrigger.from_crontab(promotion.cron, timezone=zone)
    opens_at, closes_at = datetime.combine(promotion.start, time.min, zone), promotion.ends_at(zone)
    if now >= closes_at:
        return None, None
    following = _fires(trigger, max(opens_at, now + timedelta(microseconds=1)))
    return _last_firing(trigger, opens_at, now), following if following and following < closes_at else None


def _last_firing(trigger: CronTrigger, opens_at: datetime, now: datetime) -> datetime | None:
    fired_at = _fires(trigger, opens_at)
    if fired_at is None or fired_at > now:
        return None
    early, late = fired_at, now.astimezone(UTC)
    while late - early >= A_MINUTE:  # a binary search: ten years take 23 steps
        middle = early + (late - early) / 2
        following = _fires(trigger, middle)
        early, late = (following, late) if following and following <= now else (early, middle)
    return early


def _fires(trigger: CronTrigger, since: datetime) -> datetime | None:
    """In UTC, because two times of one zone compare by wall clock, which DST sets back."""
    fires_at: datetime | None = trigger.get_next_fire_time(None, since)
    return fires_at.astimezone(UTC) if fires_at else None


def why_not_offer(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """An offer needs a buyer who agreed, is in its tier and owes nothing, before the campaign ends."""
    promotion = facts.shop.offers.get(str(due.values.get("promotion")))
    if promotion is None:
        return Reason("promotion_over", {"end": iso(due.due_at)})
    over_at = promotion.ends_at(facts.shop.zone())
    if now >= over_at:
        return Reason("promotion_over", {"end": iso(over_at)})
    if facts.standing.agrees is not True:
        return Reason("not_agreed")
    if due.values.get("test"):
        return None
    return _owes(facts, now) or _not_in_tier(promotion, facts, now)


def _owes(facts: Facts, now: datetime) -> Reason | None:
    """Who has an order to pay for reads of that, and of nothing else to buy."""
    since = now - facts.shop.payment.close
    unpaid = (
        order
        for order in facts.orders
        if order.state in TO_PAY and order.placed_at is not None and order.placed_at >= since
    )
    order = next(unpaid, None)
    return Reason("offer_unpaid", {"order": order.shown_number}) if order else None


def not_yet(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """An offer that was held back is said in the daytime of the promotion, and not while the buyer waits for
    an answer of the seller's; a test is said at once."""
    promotion = facts.shop.offers.get(str(due.values.get("promotion")))
    if promotion is None or due.values.get("test"):
        return None
    waits = case_open(facts)
    if waits:
        return now + ANOTHER_TRY, waits
    rests = _rests(promotion, facts, now)
    if rests:
        return rests
    if facts.paced_until is not None:
        return facts.paced_until, Reason("offer_pace", {"until": iso(facts.paced_until)})
    opens, closes = promotion.daytime
    zone = facts.shop.zone(facts.buyer.timezone)
    if opens <= now.astimezone(zone).time() < closes:
        return None
    until = daytime_slot(now, promotion.daytime, zone, 0.0)
    return (until, Reason("offer_daytime", {"until": iso(until)})) if until > now else None


def _rests(promotion: Campaign, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """Until when an offer waits that would come soon after a purchase."""
    bought = [
        order.placed_at
        for order in facts.orders
        if order.placed_at is not None and not order.cancelled and not order.refunded_in_full
    ]
    until = max(bought, default=now) + promotion.quiet
    return (until, Reason("offer_rests", {"until": iso(until)})) if bought and until > now else None


def _not_in_tier(promotion: Campaign, facts: Facts, now: datetime) -> Reason | None:
    shop = facts.shop
    if promotion.tier is None:
        return None
    reached = standing(facts.orders, now, shop.vip.period, shop.currency)
    tier = tier_of(reached.orders, reached.spent, shop.currency, shop.vip.tiers, facts.kept_tier)
    if tier and tier.name == promotion.tier:
        return None
    return Reason("not_in_tier", {"tier": promotion.tier})


POLICIES: MessagePolicies = {
    "vip_promotion": policy.promotion(
        why_not_offer,
        not_before=not_yet,
        variables=("promotion", "offer", "tier"),
        samples=(
            {"promotion": "spring", "offer": "全场九折 / 10 % off", "tier": "gold"},
            {
                "promotion": "spring",
                "offer": "全场九折 / 10 % off",
                "tier": "all",
                "code": "S-7",
                "wording": "a",
                "test": True,
            },
        ),
    ),
}

REASONS: Reasons = {
    "promotion_over": ("end",),
    "not_in_tier": ("tier",),
    "offer_daytime": ("until",),
    "offer_unpaid": ("order",),
    "offer_rests": ("until",),
    "offer_pace": ("until",),
}

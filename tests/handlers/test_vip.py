"""Loyal buyers: tiers by what they bought, and offers when the calendar says so."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import Say
from bot.domain.messages import Facts
from bot.domain.orders import Order
from bot.domain.shop import Promotion, Tier
from bot.domain.wishes import NOTHING_SAID
from bot.domain.wishes import Standing as Wanted
from handlers.vip import Standing, promotion_firings, standing, tier_of
from tests.handlers import world
from tests.handlers.world import ANN, PLACED, days, order_of, shop_with

GOLD, SILVER = Tier(name="gold", orders=3, spent=300), Tier(name="silver", spent=100)
SHANGHAI = ZoneInfo("Asia/Shanghai")
SPRING = Promotion(
    tier="gold", cron="0 10 * * sat", start=date(2026, 11, 1), end=date(2026, 11, 30), offer="-10 %"
)
A_YEAR = days(365)


def bought(number: int, *more: world.OrderEvent) -> Order:
    order = str(number)
    return order_of(world.placed(order=order), world.paid(order=order), *more)


def stands(*orders: Order) -> Standing:
    return standing(orders, PLACED + days(30), A_YEAR, "CNY")


def test_the_highest_tier_whose_both_thresholds_are_reached_counts() -> None:
    assert tier_of(3, 30000, "CNY", (GOLD, SILVER)) == GOLD
    assert tier_of(2, 30000, "CNY", (GOLD, SILVER)) == SILVER
    assert tier_of(9, 9999, "CNY", (GOLD, SILVER)) is None


def test_yen_have_no_minor_units_in_a_threshold_either() -> None:
    assert tier_of(1, 100, "JPY", (SILVER,)) == SILVER


def test_only_paid_orders_that_nobody_took_back_count_refunds_subtracted() -> None:
    assert stands(bought(1), bought(2)) == Standing(2, 25600)
    assert stands(bought(1), bought(2, world.refunded(2000))) == Standing(2, 23600)
    assert stands(bought(1), bought(2, world.refunded())) == Standing(1, 12800)
    assert stands(bought(1), bought(2, world.cancelled())) == Standing(1, 12800)
    assert stands(bought(1), order_of(world.placed())) == Standing(1, 12800)


def test_orders_older_than_the_period_or_in_another_currency_do_not_count() -> None:
    assert standing([bought(1)], PLACED + days(366), A_YEAR, "CNY") == Standing(0, 0)
    assert standing([bought(1)], PLACED, A_YEAR, "USD") == Standing(0, 0)


def last_firing(promotion: Promotion, now: datetime, zone: ZoneInfo) -> datetime | None:
    return promotion_firings(promotion, now, zone)[0]


def test_a_promotion_begins_when_its_cron_line_says_in_the_shops_zone() -> None:
    saturday_ten = datetime(2026, 11, 21, 10, 0, tzinfo=SHANGHAI)

    assert last_firing(SPRING, saturday_ten, SHANGHAI) == saturday_ten
    assert last_firing(SPRING, saturday_ten + days(3), SHANGHAI) == saturday_ten
    assert last_firing(SPRING, saturday_ten - timedelta(seconds=1), SHANGHAI) == saturday_ten - days(7)


def test_a_promotion_is_not_due_before_its_first_hour_nor_after_its_last_day() -> None:
    assert last_firing(SPRING, datetime(2026, 11, 1, 0, 0, tzinfo=SHANGHAI), SHANGHAI) is None
    assert last_firing(SPRING, datetime(2026, 11, 30, 23, 59, tzinfo=SHANGHAI), SHANGHAI) is not None
    assert last_firing(SPRING, datetime(2026, 12, 1, 0, 0, tzinfo=SHANGHAI), SHANGHAI) is None


def test_the_next_firing_is_known_before_the_first_day_and_there_is_none_after_the_last() -> None:
    first, last = (datetime(2026, 11, day, 10, 0, tzinfo=SHANGHAI) for day in (7, 28))

    assert promotion_firings(SPRING, first - days(60), SHANGHAI) == (None, first)
    assert promotion_firings(SPRING, last - timedelta(seconds=1), SHANGHAI) == (last - days(7), last)
    assert promotion_firings(SPRING, last, SHANGHAI) == (last, None)


@given(
    st.integers(0, 60 * 24 * 30),
    st.sampled_from(["* * * * *", "30 2 * * *", "0 9 25 10 *", "*/7 8-20 * * mon-fri"]),
)
def test_the_firings_are_found_as_if_every_minute_had_been_looked_at(minutes: int, cron: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")  # the clocks are set back on 25 October
    promotion = SPRING.model_copy(update={"cron": cron, "start": date(2026, 10, 10)})
    now = datetime(2026, 10, 10, tzinfo=UTC) + timedelta(minutes=minutes)

    found, following = promotion_firings(promotion, now, berlin)

    if following is not None:
        assert following > now
        assert last_firing(promotion, following, berlin) == following
        assert last_firing(promotion, following - timedelta(microseconds=1), berlin) == found
    if found is None:
        return
    assert found <= now
    assert last_firing(promotion, found, berlin) == found
    assert cron != "* * * * *" or now - found < timedelta(minutes=1)


SHOP = shop_with(
    vip={"tiers": [{"name": "gold", "orders": 1, "spent": "100"}]},
    promotions={
        "spring": {
            "tier": "gold",
            "cron": "0 10 * * sat",
            "start": "2026-11-01",
            "end": "2026-11-30",
            "offer": "x",
        }
    },
)
OFFER = Say(template="vip_promotion", key="promotion:spring:ann", values={"promotion": "spring"}, at=PLACED)
AGREES = Wanted(agrees=True)


def why_outdated(now: datetime = PLACED, **known: object) -> str | None:
    facts = Facts(**{"shop": SHOP, "buyer": ANN, "standing": AGREES, "orders": (bought(1),), **known})  # type: ignore[arg-type]  # any facts
    reason = world.why_outdated(OFFER, facts, now)
    return reason.code if reason else None


def test_an_offer_goes_to_a_member_of_the_tier_who_agreed() -> None:
    assert why_outdated() is None


@pytest.mark.parametrize("agrees", [None, False])
def test_an_offer_goes_to_nobody_who_did_not_agree(agrees: bool | None) -> None:
    assert why_outdated(standing=Wanted(agrees=agrees)) == "not_agreed"
    assert why_outdated(standing=NOTHING_SAID) == "not_agreed"


def test_an_offer_ends_with_its_last_day_and_with_its_settings() -> None:
    assert why_outdated(now=datetime(2026, 12, 1, 0, 0, tzinfo=SHANGHAI)) == "promotion_over"
    assert why_outdated(shop=world.SHOP) == "promotion_over"


def test_an_offer_is_not_for_one_who_left_the_tier() -> None:
    assert why_outdated(orders=()) == "not_in_tier"


def test_an_offer_waits_while_the_buyer_waits_for_an_answer() -> None:
    noon = datetime(2026, 11, 21, 12, 0, tzinfo=SHANGHAI)
    facts = Facts(shop=SHOP, buyer=ANN, standing=AGREES, orders=(bought(1),))
    waiting = msgspec.structs.replace(facts, cases=(world.human_case(),))

    assert world.not_before(OFFER, facts, noon) is None
    assert world.not_before(OFFER, waiting, noon) == noon + timedelta(hours=6)
    assert why_outdated(noon, cases=waiting.cases) is None

"""Tiers: points by fifths, thresholds, what is kept and what is given."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.shop import Tier
from bot.domain.statistics import quintile_places
from bot.domain.tiers import KeptTier, Lately, Points, cuts_of, points_of, tier_at_night, tier_now
from tests.one_shop import DAY
from tests.world import NOON

BERLIN = ZoneInfo("Europe/Berlin")
GOLD, SILVER = Tier(name="gold", rfm=13, orders=5), Tier(name="silver", orders=2, spent=Decimal("50.00"))
POINTS_ALONE = Tier(name="best", rfm=15)

bought = st.builds(
    lambda days, seconds, orders, spent: Lately(NOON - timedelta(days=days, seconds=seconds), orders, spent),
    st.integers(0, 30),
    st.integers(0, 80_000),
    st.integers(1, 4),
    st.integers(0, 20),
)


@given(st.lists(bought, min_size=1, max_size=60))
def test_points_share_ties_and_more_is_never_less(buyers: list[Lately]) -> None:
    places = [place - 1 for place in quintile_places(len(buyers))]
    lately, often, spent = (
        [sorted(values)[place] for place in places]
        for values in (
            [each.last_order_at for each in buyers],
            [each.orders for each in buyers],
            [each.spent for each in buyers],
        )
    )
    cuts = cuts_of(lately, often, spent, BERLIN)
    found = {each: points_of(each, cuts) for each in buyers}

    for one in buyers:
        day = one.last_order_at.astimezone(BERLIN).date()
        for other in buyers:
            other_day = other.last_order_at.astimezone(BERLIN).date()
            assert (found[one].r <= found[other].r) if day <= other_day else True
            assert (found[one].f <= found[other].f) if one.orders <= other.orders else True
            assert (found[one].m <= found[other].m) if one.spent <= other.spent else True
    assert all(1 <= value <= 5 for each in found.values() for value in (each.r, each.f, each.m))


def test_a_hundred_that_differ_are_shared_out_evenly() -> None:
    buyers = [Lately(NOON - n * DAY, n + 1, 100 * n) for n in range(100)]
    places = quintile_places(100)
    ordered = sorted(each.last_order_at for each in buyers)
    cuts = cuts_of(
        [ordered[place - 1] for place in places], places, [100 * (place - 1) for place in places], BERLIN
    )

    found = [points_of(each, cuts) for each in buyers]
    for name in "rfm":
        assert [sum(getattr(each, name) == score for each in found) for score in range(1, 6)] == [20] * 5


@pytest.mark.parametrize(
    ("lately", "points", "tier"),
    [
        (Lately(NOON, 1, 0), Points(5, 4, 4), "gold"),
        (
            Lately(NOON, 9, 99_999),
            Points(4, 4, 4),
            "silver",
        ),  # orders alone are not enough where points count
        (Lately(NOON, 5, 0), None, "gold"),
        (Lately(NOON, 2, 5000), None, "silver"),
        (Lately(NOON, 2, 4999), None, None),
        (None, None, None),
    ],
)
def test_the_highest_tier_that_is_reached_at_night(
    lately: Lately | None, points: Points | None, tier: str | None
) -> None:
    found = tier_at_night(lately, points, "CNY", (GOLD, SILVER))

    assert (found.name if found else None) == tier


def test_with_points_alone_nobody_is_in_while_buyers_are_few() -> None:
    assert tier_at_night(Lately(NOON, 99, 99_999), None, "CNY", (POINTS_ALONE,)) is None


@pytest.mark.parametrize(
    ("kept", "orders", "tier"),
    [
        (KeptTier(), 9, "silver"),
        (KeptTier(kept="gold"), 0, "gold"),
        (KeptTier(kept="silver"), 0, None),  # thresholds go by fresh facts
        (KeptTier(kept="gold", given=True, given_tier="silver"), 9, "silver"),
        (KeptTier(kept="gold", given=True, given_tier=None), 9, None),
        (KeptTier(given=True, given_tier="long gone"), 9, None),
    ],
)
def test_what_is_given_counts_first_then_fresh_facts_and_the_points_of_the_night(
    kept: KeptTier, orders: int, tier: str | None
) -> None:
    found = tier_now(orders, 9900, "CNY", (GOLD, SILVER), kept)

    assert (found.name if found else None) == tier

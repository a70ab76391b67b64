"""Campaigns' chance and pace: as many are held out as is set, and no hour hears more than it may."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.campaigns import HOUR, Chance, offer_text, room, rules_of, slots
from bot.domain.shop import Campaign, Shop
from tests.world import NOON

OFFER: dict[str, Any] = {
    "segment": "all",
    "start": date(2026, 11, 22),
    "end": date(2026, 11, 29),
    "offer": "10 % off",
}


def campaign(**settings: Any) -> Campaign:
    return Campaign.model_validate(OFFER | settings)


@given(st.integers(0, 2**64), st.sampled_from((5, 10, 30, 50)))
def test_a_share_is_held_out_whoever_the_buyers_are(seed: int, percent: int) -> None:
    """By a chi-square bound that chance passes once in ten million."""
    chance, spring, count = Chance(f"secret {seed}", "shop"), campaign(hold_out=percent), 2000
    ids = [str(UUID(int=seed * count + n)) for n in range(count)]
    held = sum(chance.held_out("spring", spring, id) for id in ids)
    expected = count * percent / 100
    square = (held - expected) ** 2 / expected + (held - expected) ** 2 / (count - expected)
    assert square < 28.4


@given(st.integers(0, 2**64))
def test_wordings_are_shared_out_evenly_and_apart_from_who_is_held_out(seed: int) -> None:
    chance = Chance("secret", f"shop {seed}")
    spring = campaign(offer=None, wordings={"a": "A", "b": "B"}, hold_out=50)
    drawn = [
        (chance.held_out("spring", spring, str(n)), chance.wording("spring", spring, str(n)))
        for n in range(2000)
    ]
    cells = [drawn.count((held, wording)) for held in (True, False) for wording in "ab"]
    assert sum((cell - 500) ** 2 / 500 for cell in cells) < 36


def test_a_buyer_draws_the_same_in_a_campaign_for_ever_and_anew_in_another() -> None:
    chance, half = Chance("secret", "shop"), campaign(hold_out=50)
    ids = [str(n) for n in range(500)]
    spring = [chance.held_out("spring", half, id) for id in ids]
    assert spring == [Chance("secret", "shop").held_out("spring", half, id) for id in ids]
    assert spring != [chance.held_out("autumn", half, id) for id in ids]
    assert spring != [Chance("other", "shop").held_out("spring", half, id) for id in ids]


@given(
    st.integers(1, 7),
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=40),
)
def test_no_hour_hears_more_than_the_pace(pace: int, rounds: list[tuple[int, int]]) -> None:
    now, said = NOON, list[datetime]()
    for minutes, wanting in rounds:
        now += timedelta(minutes=minutes)
        left = room(pace, said, 0, now)
        said += [now] * min(left.free, wanting)
        if not left.free:
            assert room(pace, said, 0, left.until).free
            assert not room(pace, said, 0, left.until - timedelta(seconds=1)).free
    for at in said:
        assert sum(at <= other < at + HOUR for other in said) <= pace


def test_what_is_being_said_takes_its_room() -> None:
    assert room(3, [NOON], 1, NOON).free == 1
    assert room(3, [NOON], 2, NOON).free == 0


@given(st.integers(1, 500), st.integers(0, 1000))
def test_due_times_keep_the_pace(pace: int, count: int) -> None:
    times = slots(pace, count, NOON)
    assert all(later - one >= HOUR for one, later in zip(times, times[pace:], strict=False))


def test_an_offer_says_its_numbers_and_the_buyers_code() -> None:
    spring = campaign(offer="{percent} % off, or {amount}: {code}", percent=10, amount="5", codes=True)
    assert offer_text(spring, None, "en", "GBP", "X7") == "10 % off, or 5.00 GBP: X7"


def test_a_change_of_words_is_seen() -> None:
    assert rules_of(campaign()) == rules_of(campaign()) != rules_of(campaign(offer="20 % off"))


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"segment": None}, "campaign_to_whom"),
        ({"tier": "gold"}, "campaign_to_whom"),
        ({"offer": None}, "campaign_words"),
        ({"wordings": {"a": "A"}}, "campaign_words"),
        ({"offer": "{percent} % off"}, "campaign_names"),
        ({"codes": True}, "campaign_code_unsaid"),
        ({"cron": "0 9 * * *", "approval": True}, "campaign_cron_approval"),
        ({"end": date(2026, 11, 1)}, "ends_before_start"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        campaign(**settings)
    assert [each["type"] for each in refused.value.errors()] == [code]


def test_a_name_means_one_campaign() -> None:
    promotion = {**OFFER, "tier": "gold", "cron": "0 9 * * *"}
    promotion.pop("segment")
    settings = {
        "name": "Tea",
        "vip": {"tiers": [{"name": "gold"}]},
        "segments": {"all": "orders >= 0"},
        "promotions": {"spring": promotion},
        "campaigns": {"spring": OFFER},
    }
    with pytest.raises(ValidationError, match="campaign_twice"):
        Shop.model_validate(settings)

"""The plain reading of segments: times by the shop's calendar, what is unknown, and what decides."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot.domain.figures import BuyerFigures
from bot.domain.segment_reading import read_segment
from bot.domain.segments import At, before, matches, span_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)  # the first of April in Shanghai
AT = At(now=NOW, zone=SHANGHAI, close=timedelta(days=3))
NOBODY = BuyerFigures(buyer="ann")


def holds(text: str, **figures: Any) -> bool:
    return matches(read_segment(text, "CNY"), msgspec.structs.replace(NOBODY, **figures), AT)[0]


def because(text: str, **figures: Any) -> list[tuple[str, bool]]:
    found = matches(read_segment(text, "CNY"), msgspec.structs.replace(NOBODY, **figures), AT)[1]
    return [(told.text, told.holds) for told in found]


def test_a_day_is_the_shops_own() -> None:
    last_evening, midnight = datetime(2026, 3, 30, 15, 59, tzinfo=UTC), datetime(2026, 3, 30, 16, tzinfo=UTC)

    assert holds("last_order = 2026-03-30", last_order_at=last_evening)
    assert holds("last_order = 2026-03-31", last_order_at=midnight)
    assert holds("last_order > 2026-03-30", last_order_at=midnight)
    assert not holds("last_order > 2026-03-31", last_order_at=midnight)
    assert holds("last_order <= 2026-03-31 and last_order >= 2026-03-31", last_order_at=midnight)
    assert holds("last_order != 2026-03-30 and last_order < 2026-04-01", last_order_at=midnight)


def test_in_the_last_days_counts_from_this_moment() -> None:
    edge = NOW - timedelta(days=90)

    assert holds("last_order in the last 90 days", last_order_at=edge)
    assert not holds("last_order more than 90 days ago", last_order_at=edge)
    assert holds("last_order more than 90 days ago", last_order_at=edge - timedelta(microseconds=1))
    assert holds("last_order less than 90 days ago", last_order_at=edge)


@pytest.mark.parametrize(
    ("count", "unit", "then"),
    [
        (1, "months", "2026-03-01"),
        (2, "months", "2026-02-01"),
        (4, "months", "2025-12-01"),
        (1, "years", "2025-04-01"),
    ],
)
def test_months_and_years_go_by_the_calendar(count: int, unit: Any, then: str) -> None:
    assert before(NOW, count, unit, SHANGHAI).astimezone(SHANGHAI).isoformat() == f"{then}T00:00:00+08:00"


def test_the_last_day_of_a_shorter_month_is_its_end() -> None:
    end_of_march = datetime(2024, 3, 31, 12, tzinfo=UTC)

    assert before(end_of_march, 1, "months", ZoneInfo("UTC")) == datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert before(end_of_march, 13, "months", ZoneInfo("UTC")) == datetime(2023, 2, 28, 12, tzinfo=UTC)


def test_what_is_not_known_fulfils_no_condition_and_not_turns_that_round() -> None:
    for text in (
        "last_order in the last 9 days",
        "city = Berlin",
        "city != Berlin",
        "tier != gold",
        "average > 0",
    ):
        assert not holds(text)
        assert holds(f"not {text}")
    assert holds("city is unknown and tags is unknown and average is unknown")
    assert holds("tags != a and bought != b and channel != c")  # a set is known, if empty


def test_an_average_is_compared_without_rounding() -> None:
    assert not holds("average >= 33.34", orders=3, spent_minor=10_000)
    assert holds("average > 33.33", orders=3, spent_minor=10_000)


def test_an_order_is_unpaid_until_it_is_given_up() -> None:
    assert holds("unpaid", unpaid_at=NOW - timedelta(days=3))
    assert not holds("unpaid", unpaid_at=NOW - timedelta(days=3, seconds=1))


def test_words_of_a_title_are_found_as_words_and_a_sku_whole() -> None:
    things = ((" mug 1 ", " steam iron and green tea "), (" 蓝 ", " 蓝 色 马 克 杯 "))

    assert holds('bought tea and bought "green tea" and bought mug-1 and bought 马克杯', bought=things)
    assert not holds('bought "tea green"', bought=things)
    assert not holds("bought team or bought 色杯 or bought mug", bought=things)


def test_a_language_takes_in_its_regions() -> None:
    assert holds("locale = zh", locale="zh-tw")
    assert not holds("locale = zh-CN", locale="zh")
    assert not holds("locale = en", locale="eng")


def test_the_conditions_that_decide_are_told() -> None:
    text = "orders >= 3 and (agrees or unpaid) and not open_case"

    assert because(text, orders=1, open_case=True) == [("orders >= 3", False)]
    assert because(text, orders=3) == [("agrees", False), ("unpaid", False)]
    assert because(text, orders=3, agrees=True, open_case=True) == [("open_case", True)]
    assert because(text, orders=3, agrees=True) == [
        ("orders >= 3", True),
        ("agrees", True),
        ("open_case", False),
    ]


def test_what_was_not_looked_up_is_not_judged() -> None:
    with pytest.raises(ValueError, match="was not looked up"):
        holds("segment regulars")
    assert span_of(read_segment("last_order > 2026-01-01", "CNY"), AT).until is None  # type: ignore[arg-type]

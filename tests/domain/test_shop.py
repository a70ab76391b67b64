"""A shop's rules as the seller writes them; tests/test_config.py reads them from a file."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.shop import Account, Payment, Promotion, QuietHours, Shop, parse_duration, write_duration

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SALE: dict[str, Any] = {
    "tier": "all",
    "cron": "0 9 * * *",
    "start": "2026-11-01",
    "end": "2026-11-11",
    "offer": "x",
}


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("20m", 20 * timedelta(minutes=1)),
        ("3h", 3 * HOUR),
        ("2d", 2 * DAY),
        ("1w", 7 * DAY),
        ("90s", timedelta(seconds=90)),
        ("1h30m", 1.5 * HOUR),
        (" 1 h 30 m ", 1.5 * HOUR),
        ("0m", timedelta(0)),
        ("3660d", 3660 * DAY),
        (HOUR, HOUR),
    ],
)
def test_a_length_of_time_is_read_in_seconds_minutes_hours_days_and_weeks(text: Any, wait: timedelta) -> None:
    assert parse_duration(text) == wait


@pytest.mark.parametrize(
    "text", ["", "20", "m", "20 minutes", "-1h", "1h!", "1" * 100 + "s", 20, None, "3660d1s"]
)
def test_what_is_no_length_of_time_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("wait", "text"),
    [(2 * DAY, "2d"), (36 * HOUR, "36h"), (HOUR, "1h"), (timedelta(minutes=90), "90m"), (timedelta(0), "0s")],
)
def test_a_length_of_time_is_written_in_the_largest_unit_that_leaves_no_rest(
    wait: timedelta, text: str
) -> None:
    assert write_duration(wait) == text


@pytest.mark.parametrize(
    ("text", "clock"), [("8:00", time(8)), ("08:30", time(8, 30)), ("23:59", time(23, 59))]
)
def test_a_time_of_day_is_hours_and_minutes(text: str, clock: time) -> None:
    assert QuietHours(start=text).start == clock  # type: ignore[arg-type]  # as a seller writes it


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("timezone", "Asia/Nowhere", "zone"),
        ("locale", "klingon-x", "locale"),
        ("currency", "XXY", "currency"),
        ("region", "ZZZ", "region"),
        ("quiet_hours", {"start": "24:00"}, "clock_time"),
        ("takeover", "soon", "duration"),
        ("promotions", {"sale": {**SALE, "end": "2026-10-31"}}, "ends_before_start"),
        ("promotions", {"sale": {**SALE, "daytime": ["10:00", "10:00"]}}, "ends_before_start"),
        ("promotions", {"sale": {**SALE, "start": "11/01"}}, "day"),
        ("promotions", {"sale": {**SALE, "cron": "every day"}}, "cron"),
        ("promotions", {"sale": {**SALE, "cron": "0 9 * * 1"}}, "weekday"),
        ("promotions", {"Sale!": SALE}, "name_form"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_its_code(field: str, value: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Shop.model_validate({"name": "Mug House", "vip": {"tiers": [{"name": "all"}]}, field: value})
    assert [error["type"] for error in refused.value.errors()] == [code]


def test_a_promotion_is_for_a_tier_that_there_is() -> None:
    with pytest.raises(ValidationError) as refused:
        Shop.model_validate({"name": "Mug House", "promotions": {"sale": SALE}})
    assert [error["type"] for error in refused.value.errors()] == ["unknown_tier"]


def test_a_promotion_of_one_day_is_a_span() -> None:
    sale = Promotion.model_validate({**SALE, "end": "2026-11-01", "daytime": ["10:00", "10:01"]})
    assert (sale.start, sale.end) == (date(2026, 11, 1), date(2026, 11, 1))


def test_a_key_that_no_setting_has_is_refused() -> None:
    with pytest.raises(ValidationError):
        Shop.model_validate({"name": "Mug House", "quiet_hour": {}})


def test_the_buyers_own_zone_comes_before_the_shops_where_there_is_such_a_zone() -> None:
    shop = Shop(name="Mug House", timezone="Asia/Shanghai")
    assert shop.zone().key == "Asia/Shanghai"
    assert shop.zone("Europe/Berlin").key == "Europe/Berlin"
    assert shop.zone("Europe/Nowhere").key == "Asia/Shanghai"
    assert shop.zone("../etc/passwd").key == "Asia/Shanghai"


def test_an_unpaid_order_is_given_up_after_the_time_that_the_shop_names() -> None:
    at = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    assert Shop(name="Mug House").closes_at(at) == at + 3 * DAY
    assert Shop(name="Mug House", payment=Payment(close=HOUR)).closes_at(at) == at + HOUR


def test_an_account_number_stays_as_it_was_written() -> None:
    assert Account(bank="Bank", number="0012 3400").number == "0012 3400"

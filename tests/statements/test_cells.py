# tables of what is read
"""Dates and sums in every way that banks write them, and nothing that is neither."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.csv_import.faults import BadCell
from bot.statements.cells import currency, moment, money
from tests.world import NOON

ZONE = ZoneInfo("Asia/Shanghai")
NOW = NOON + timedelta(days=9)


@pytest.mark.parametrize(
    "cell",
    [
        "1,128.00",
        "1128",
        "¥1128.00",
        "￥1,128.00",
        "1,128.00元",
        "CNY 1,128.00",
        "+1128.00",
        "1128.00 CR",
        "１１２８",
    ],
)
def test_a_sum_is_read_as_it_is_written(cell: str) -> None:
    found = money(cell, "CNY", ".")
    assert found is not None
    assert found.minor == 112800


@pytest.mark.parametrize(
    "cell", ["-1128", "(1,128.00)", "1128.00-", "-¥1128", "¥-1128", "1128.00 DR", "−1128"]
)
def test_what_went_is_below_zero(cell: str) -> None:
    found = money(cell, "CNY", ".")
    assert found is not None
    assert found.minor == -112800


@pytest.mark.parametrize("cell", ["", "-", "--", "/", "  "])
def test_an_empty_sum_is_none(cell: str) -> None:
    assert money(cell, "CNY", ".") is None


@pytest.mark.parametrize("cell", ["12x8.00", "five", "1.2.3", "1128.005", "9" * 30, "1 2 3 a", "=1+1"])
def test_what_is_no_sum_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        money(cell, "CNY", ".")


def test_a_comma_may_stand_before_the_cents() -> None:
    found = money("1.128,50", "EUR", ",")
    assert found is not None
    assert found.minor == 112850


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-21",
        "20261121",
        "2026/11/21",
        "2026年11月21日",
        "115/11/21",
        "21/11/2026",
        "21 Nov 2026",
        "21-NOV-26",
    ],
)
def test_a_day_lasts_until_its_end(cell: str) -> None:
    at, latest = moment(cell, "", "dmy", ZONE, NOW)

    assert at == NOON
    assert latest.astimezone(ZONE).isoformat() == "2026-11-21T23:59:59.999999+08:00"


def test_a_time_beside_it_or_behind_it_counts() -> None:
    for date, clock in (
        ("2026-11-21 12:00:00", ""),
        ("20261121", "12:00:00"),
        ("11/21/2026 12:00:00 PM", ""),
    ):
        assert moment(date, clock, "mdy", ZONE, NOW) == (NOON, NOON)
    at, latest = moment("2026-11-21 12:00", "", "dmy", ZONE, NOW)
    assert (at, latest) == (NOON, NOON + timedelta(minutes=1, microseconds=-1))


@pytest.mark.parametrize(
    "cell", ["31/02/2026", "11/21/2026", "yesterday", "", "2026-13-01", "21 Foo 2026", "99999999"]
)
def test_what_is_no_day_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        moment(cell, "", "dmy", ZONE, NOW)


def test_a_day_to_come_is_refused() -> None:
    with pytest.raises(BadCell, match="future"):
        moment("2027-01-01", "", "dmy", ZONE, NOW)


def test_currencies_are_known_by_their_words() -> None:
    known = frozenset(("CNY", "TWD"))
    assert (currency("人民币", known), currency("nt$", known), currency("twd", known)) == (
        "CNY",
        "TWD",
        "TWD",
    )
    with pytest.raises(BadCell):
        currency("shells", known)

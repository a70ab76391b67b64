"""Public holidays and shifted weekends, as the library knows them."""

from datetime import date

import pytest

from bot.domain.public_holidays import announced, holidays_of


def test_china_works_weekends_to_make_up_for_days_off() -> None:
    year = holidays_of("CN", 2026)

    assert {date(2026, 2, 16), date(2026, 2, 23), date(2026, 10, 7)} <= year.off
    assert {date(2026, 2, 14), date(2026, 2, 28), date(2026, 10, 10)} <= year.on
    assert not year.off & year.on


def test_holidays_are_of_the_year_alone() -> None:
    for country in ("CN", "TW", "GB-ENG", "US"):
        year = holidays_of(country, 2026)
        assert year.off
        assert {day.year for day in year.off | year.on} == {2026}


def test_a_year_whose_shifted_weekends_are_not_known_is_not_announced() -> None:
    assert announced("CN", 2026)
    assert not announced("CN", 2090)
    assert announced("TW", 2090)
    assert announced("GB-ENG", 2090)


@pytest.mark.parametrize("name", ["XX", "", "GB-XX", "中国"])
def test_a_country_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"available|subdivision"):
        holidays_of(name, 2026)

"""Promised times end on a working day of the shop."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.working_days import END_OF_DAY, WEEKDAYS, Calendar, Weekday, end_of_term

LONDON, SHANGHAI = ZoneInfo("Europe/London"), ZoneInfo("Asia/Shanghai")
OFFICE = WEEKDAYS[:5]
FRIDAY = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def day(since: datetime, within: timedelta, *off: date) -> date:
    return end_of_term(since, within, LONDON, Calendar(weekdays=OFFICE, days_off=off)).date()


def test_a_weekend_is_not_counted() -> None:
    assert day(FRIDAY, 1 * DAY) == date(2026, 11, 30)
    assert day(FRIDAY, 2 * DAY) == date(2026, 12, 1)
    assert day(FRIDAY + DAY, 1 * DAY) == date(2026, 11, 30)


def test_a_day_off_is_not_counted() -> None:
    assert day(FRIDAY, 1 * DAY, date(2026, 11, 30)) == date(2026, 12, 1)


def test_hours_are_counted_by_the_clock_and_end_on_a_working_day() -> None:
    assert day(FRIDAY, 12 * HOUR) == date(2026, 11, 27)
    assert day(FRIDAY, 20 * HOUR) == date(2026, 11, 30)


def test_the_day_is_the_shops_own() -> None:
    late = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    assert end_of_term(late, DAY, SHANGHAI, Calendar(weekdays=OFFICE)).date() == date(2026, 11, 30)


def test_a_countrys_holidays_are_not_counted_and_the_weekends_that_it_works_are() -> None:
    china = Calendar(weekdays=OFFICE, country="CN")

    assert not china.works_on(date(2026, 10, 5))  # a Monday of the week of the National Day
    assert china.works_on(date(2026, 10, 10))  # the Saturday after it
    assert not china.works_on(date(2026, 10, 11))
    friday = datetime(2026, 10, 9, 2, tzinfo=UTC)
    assert end_of_term(friday, DAY, SHANGHAI, china).date() == date(2026, 10, 10)
    before_the_feast = datetime(2026, 9, 30, 2, tzinfo=UTC)
    assert end_of_term(before_the_feast, 2 * DAY, SHANGHAI, china).date() == date(2026, 10, 9)


def test_the_shops_own_days_count_before_those_of_its_country() -> None:
    feast, worked, christmas = date(2026, 10, 5), date(2026, 10, 10), date(2026, 12, 25)
    own = Calendar(weekdays=OFFICE, country="CN", days_on=(feast,), days_off=(worked, christmas))

    assert own.works_on(feast)
    assert not own.works_on(worked)
    assert not own.works_on(christmas)


def test_parts_of_a_country_have_holidays_of_their_own() -> None:
    saint_andrew = date(2026, 11, 30)

    assert not Calendar(weekdays=OFFICE, country="GB-SCT").works_on(saint_andrew)
    assert Calendar(weekdays=OFFICE, country="GB-ENG").works_on(saint_andrew)


@given(
    st.integers(0, 366 * 1440).map(lambda minutes: JANUARY + timedelta(minutes=minutes)),
    st.integers(0, 400).map(lambda hours: hours * HOUR),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.sets(st.dates(date(2026, 1, 1), date(2027, 2, 1)), max_size=20),
)
def test_a_term_ends_with_a_working_day_and_never_too_soon(
    since: datetime, within: timedelta, working: set[Weekday], off: set[date]
) -> None:
    calendar = Calendar(weekdays=tuple(working), days_off=tuple(off))
    ends = end_of_term(since, within, LONDON, calendar)

    assert WEEKDAYS[ends.weekday()] in working
    assert ends.date() not in off
    assert ends.time() == END_OF_DAY
    assert ends >= since.astimezone(LONDON).replace(microsecond=0) + within - HOUR  # a clock change
    assert end_of_term(since + HOUR, within, LONDON, calendar) >= ends

"""Promised times end on a working day of the shop."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.working_days import END_OF_DAY, WEEKDAYS, end_of_term

LONDON = ZoneInfo("Europe/London")
OFFICE = WEEKDAYS[:5]
FRIDAY = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def day(since: datetime, within: timedelta, *off: date) -> date:
    return end_of_term(since, within, LONDON, OFFICE, off).date()


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
    assert end_of_term(late, DAY, ZoneInfo("Asia/Shanghai"), OFFICE).date() == date(2026, 11, 30)


@given(
    st.integers(0, 366 * 1440).map(lambda minutes: JANUARY + timedelta(minutes=minutes)),
    st.integers(0, 400).map(lambda hours: hours * HOUR),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.sets(st.dates(date(2026, 1, 1), date(2027, 2, 1)), max_size=20),
)
def test_a_term_ends_with_a_working_day_and_never_too_soon(
    since: datetime, within: timedelta, working: set[str], off: set[date]
) -> None:
    ends = end_of_term(since, within, LONDON, working, off)

    assert WEEKDAYS[ends.weekday()] in working
    assert ends.date() not in off
    assert ends.time() == END_OF_DAY
    assert ends >= since.astimezone(LONDON).replace(microsecond=0) + within - HOUR  # a clock change
    assert end_of_term(since + HOUR, within, LONDON, working, off) >= ends

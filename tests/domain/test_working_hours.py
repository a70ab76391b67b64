"""When somebody is there again, in the shop's own zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.domain.shop import WorkingHours
from bot.domain.working_days import Calendar
from bot.domain.working_hours import back_at

LONDON = ZoneInfo("Europe/London")
OFFICE = WorkingHours.model_validate(
    {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "10:00", "end": "18:00"}
)
BAR = WorkingHours.model_validate({"days": ["fri"], "start": "20:00", "end": "02:00"})


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)  # the 27th is a Friday


@pytest.mark.parametrize(
    ("now", "again"),
    [
        (at(27, 9, 59), at(27, 10)),
        (at(27, 10), None),
        (at(27, 17, 59), None),
        (at(27, 18), at(30, 10)),
        (at(29, 12), at(30, 10)),
    ],
)
def test_out_of_hours_the_next_working_day_counts(now: datetime, again: datetime | None) -> None:
    assert back_at(now, OFFICE, LONDON) == again


def test_hours_over_midnight_belong_to_the_day_they_begin_on() -> None:
    assert back_at(at(28, 1), BAR, LONDON) is None
    assert back_at(at(28, 2), BAR, LONDON) == datetime(2026, 12, 4, 20, tzinfo=UTC)


def test_the_shops_zone_counts_across_a_change_of_clock() -> None:
    evening = datetime(2026, 3, 27, 20, tzinfo=UTC)  # the clock goes forward on Sunday

    assert back_at(evening, OFFICE, LONDON) == datetime(2026, 3, 30, 9, tzinfo=UTC)


def test_where_nothing_is_set_or_somebody_is_always_there_nothing_is_said() -> None:
    assert back_at(at(27, 3), None, LONDON) is None
    assert back_at(at(27, 3), WorkingHours.model_validate({"start": "00:00", "end": "00:00"}), LONDON) is None


def test_on_holidays_nobody_is_there_and_on_a_weekend_that_is_worked_somebody_is() -> None:
    shanghai, china = ZoneInfo("Asia/Shanghai"), Calendar(country="CN")
    before_the_feast = datetime(2026, 9, 30, 11, tzinfo=UTC)

    assert back_at(before_the_feast, OFFICE, shanghai, china) == datetime(2026, 10, 8, 2, tzinfo=UTC)
    assert back_at(datetime(2026, 10, 9, 11, tzinfo=UTC), OFFICE, shanghai, china) == datetime(
        2026, 10, 10, 2, tzinfo=UTC
    )


def test_the_shops_own_days_off_count_unless_people_answer_on_them_too() -> None:
    monday = Calendar(days_off=(date(2026, 11, 30),))
    always = OFFICE.model_copy(update={"holidays": True})

    assert back_at(at(29, 12), OFFICE, LONDON, monday) == datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert back_at(at(29, 12), always, LONDON, monday) == at(30, 10)


def test_a_break_longer_than_a_week_ends() -> None:
    closed = Calendar(days_off=tuple(date(2026, 12, day) for day in range(1, 32)))

    assert back_at(at(30, 19), OFFICE, LONDON, closed) == datetime(2027, 1, 1, 10, tzinfo=UTC)

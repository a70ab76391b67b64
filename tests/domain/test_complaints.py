"""By when complaints are decided, and when the seller is warned: never after that day, never on a day off."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.complaints import OVER, SOON, deadlines, decided_by
from bot.domain.context import Case
from bot.domain.shop import Shop
from bot.domain.working_days import WEEKDAYS

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    st.integers(0, 366 * 1440).map(lambda minutes: JANUARY + timedelta(minutes=minutes)),
    st.integers(0, 10),
    st.integers(0, 12),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.sets(st.dates(date(2026, 1, 1), date(2027, 2, 1)), max_size=20),
    st.sampled_from((None, "CN", "GB-ENG")),
)
def test_a_warning_comes_before_the_end_and_both_on_working_days(
    since: datetime, within: int, warn: int, days: set[str], off: set[date], country: str | None
) -> None:
    complaints = {"decide_within": f"{within}d", "warn_days": warn}
    shop = Shop.model_validate(
        {"name": "x", "working_days": sorted(days), "days_off": sorted(off), "calendar": country}
        | {"complaints": complaints}
    )
    due_at = decided_by(since, shop)
    case = Case(number=1, kind="complaint", key="c", reason="r", opened_at=since, due_at=due_at)
    set_ = {wake.what: wake.at for wake in deadlines(case, shop)}

    calendar, zone = shop.calendar_of_work, shop.zone()
    assert due_at >= since.replace(microsecond=0)
    assert calendar.works_on(due_at.date())
    assert set_.get(OVER, due_at) == due_at
    if SOON in set_:
        assert since < set_[SOON] <= due_at
        assert calendar.works_on(set_[SOON].astimezone(zone).date())


def test_a_case_without_a_day_has_no_deadlines() -> None:
    assert (
        deadlines(Case(number=1, kind="human", key="h", reason="r", opened_at=JANUARY), Shop(name="x")) == []
    )

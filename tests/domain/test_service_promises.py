"""What was promised: counted in the shop's time, and judged the same in whatever order facts come."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot.domain.context import Case
from bot.domain.events import Line, OrderEvent
from bot.domain.orders import Order
from bot.domain.service_promises import Course, due_at, of_case, of_order, state_of, warned_at
from bot.domain.shop import ServicePromise, Shop, WorkingHours
from bot.domain.working_days import WEEKDAYS, Calendar
from bot.domain.working_hours import working_time_over
from tests.handlers import world
from tests.handlers.world import PLACED, days, hours, order_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = WorkingHours(days=WEEKDAYS[:5], start="09:00", end="17:00")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
CHINA = Calendar(weekdays=WEEKDAYS[:5], country="CN")
FRIDAY = datetime(2026, 11, 20, 16, 30, tzinfo=SHANGHAI)
SHOP = Shop(name="Mug House", locale="en", working_hours=OFFICE, calendar="CN")


def promise(
    since: str = "order.paid", until: str = "order.shipped", within: str = "2d", **more: object
) -> ServicePromise:
    return ServicePromise.model_validate({"since": since, "until": until, "within": within, **more})


def test_nobody_is_promised_a_parcel_of_what_is_fetched_or_needs_no_shipping() -> None:
    line = Line(title="Mug", quantity=1, price=world.CNY_128, to_ship=0)
    order = order_of(world.placed(lines=(line,)), world.paid())

    assert of_order(promise(), order, SHOP) is None
    assert of_order(promise(until="order.delivered"), order, SHOP) is None
    assert of_order(promise(since="order.placed", until="order.paid"), order, SHOP) is not None


def over(begins: datetime, wait: timedelta) -> str:
    return f"{working_time_over(begins, wait, OFFICE, SHANGHAI, CHINA).astimezone(SHANGHAI):%a %d %b %H:%M}"


def test_an_hour_from_friday_half_past_four_ends_on_monday() -> None:
    assert over(FRIDAY, timedelta(hours=1)) == "Mon 23 Nov 09:30"
    assert over(FRIDAY, timedelta(minutes=30)) == "Fri 20 Nov 17:00"
    assert over(FRIDAY, timedelta(0)) == "Fri 20 Nov 16:30"


def test_a_weekend_that_china_works_counts_and_its_holidays_do_not() -> None:
    # 2026: the feast of spring is off from 15 to 23 February; Saturday 14 and Saturday 28 are worked.
    eve = datetime(2026, 2, 13, 16, 30, tzinfo=SHANGHAI)
    assert over(eve, timedelta(hours=1)) == ("Sat 14 Feb 09:30")
    assert over(eve, timedelta(hours=9)) == "Tue 24 Feb 09:30"


@given(
    begins=st.integers(0, 364 * 24 * 60).map(lambda minutes: NEW_YEAR + timedelta(minutes=minutes)),
    minutes=st.integers(0, 3000),
    opens=st.integers(0, 23),
    closes=st.integers(0, 23),
    worked=st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    off=st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=20),
)
def test_working_time_agrees_with_a_clock_that_is_watched_minute_by_minute(
    begins: datetime, minutes: int, opens: int, closes: int, worked: set[str], off: set[date]
) -> None:
    kept = tuple(day for day in WEEKDAYS if day in worked)
    office = WorkingHours(days=kept, start=f"{opens}:00", end=f"{closes}:00")
    found = working_time_over(
        begins, timedelta(minutes=minutes), office, ZoneInfo("UTC"), Calendar(days_off=tuple(off))
    )
    if opens == closes:
        assert found == begins + timedelta(minutes=minutes)
        return

    def there(at: datetime) -> bool:
        day = at.date() if opens < closes or at.hour >= opens else at.date() - timedelta(days=1)
        within = opens <= at.hour < closes if opens < closes else at.hour >= opens or at.hour < closes
        return within and day not in off and WEEKDAYS[day.weekday()] in kept

    hour, step, passed, at = timedelta(hours=1), timedelta(minutes=1), 0, begins
    while passed < minutes:
        whole = at.minute == 0 and minutes - passed > 60
        passed += (60 if whole else 1) if there(at) else 0
        at += hour if whole or (at.minute == 0 and not there(at)) else step
    assert found == at


JUDGED = ("order.paid", "order.shipped")
FACTS = st.lists(
    st.one_of(
        st.builds(world.shipped, after=st.integers(1, 9).map(days)),
        st.builds(world.cancelled, st.integers(1, 9).map(days)),
        st.builds(world.reopened, st.integers(1, 9).map(days)),
        st.builds(world.taken_back, after=st.integers(1, 9).map(days)),
        st.just(world.paid()),
    ),
    max_size=5,
)


@given(facts=FACTS, seed=st.randoms(use_true_random=False), looked=st.integers(0, 12))
def test_facts_in_any_order_and_taken_back_are_judged_alike(
    facts: list[OrderEvent], seed: Random, looked: int
) -> None:
    facts = [world.placed(), *facts]
    mixed = list(facts)
    seed.shuffle(mixed)
    now, rule = PLACED + days(looked), promise(*JUDGED)
    order = order_of(*facts)
    course, other = of_order(rule, order, SHOP), of_order(rule, order_of(*mixed), SHOP)

    assert course == other
    assert (course and state_of(course, now)) == plain(order, now)


def plain(order: Order, now: datetime) -> str | None:
    """What a person would say who looks at the order."""
    paid = order.ready_at
    if paid is None:
        return None
    if order.called_off_at and order.reopened_at and not order.cancelled:
        paid = max(paid, order.reopened_at)
    by = due_at(promise(*JUDGED), paid, SHOP)
    left = max((each.sent_at for each in order.shipped if each.sent_at), default=None)
    if left and order.all_shipped:
        if left <= by:
            return "kept"
    else:
        left = None
    if order.cancelled and order.called_off_at and order.called_off_at <= by:
        return "withdrawn"
    return "missed" if left or now >= by else "open"


def test_a_promise_to_the_second_is_kept() -> None:
    course = Course(since=PLACED, due_at=PLACED + days(1), done_at=PLACED + days(1))
    assert state_of(course, PLACED + days(9)) == "kept"
    late = Course(since=PLACED, due_at=PLACED + days(1), done_at=PLACED + days(1) + timedelta(seconds=1))
    assert state_of(late, PLACED) == "missed"


def test_what_is_held_when_it_is_due_is_excused() -> None:
    course = Course(since=PLACED, due_at=PLACED + days(1), held=True)
    assert [state_of(course, PLACED + days(day)) for day in (0, 1)] == ["open", "excused"]


def test_excepted_orders_are_promised_nothing() -> None:
    order = order_of(world.placed(), world.paid())
    on_delivery = structs.replace(order, pay_on_delivery=True)
    line = Line(title="Mug", quantity=1, price=world.CNY_128, sku="to-order")
    made_to_order = structs.replace(order, lines=(line,))

    assert of_order(promise(), on_delivery, SHOP)
    assert of_order(promise(not_for=["pay_on_delivery"]), on_delivery, SHOP) is None
    assert of_order(promise(), made_to_order, SHOP)
    assert of_order(promise(not_skus=["to-order"]), made_to_order, SHOP) is None


def test_the_seller_is_warned_while_there_is_time() -> None:
    assert warned_at(promise(within="8h", counted="clock"), FRIDAY, SHOP) == FRIDAY + hours(6)
    morning = warned_at(promise(), FRIDAY, SHOP)
    assert morning
    assert f"{morning.astimezone(SHANGHAI):%a %H:%M}" == "Tue 09:00"
    assert warned_at(promise(warn=False), FRIDAY, SHOP) is None


def test_a_complaint_is_to_be_decided_in_three_working_days() -> None:
    rule = promise("case.opened", "case.closed", "3d", goal=99)
    case = Case(number=1, kind="complaint", key="c", reason="complained", opened_at=FRIDAY)
    course = of_case(rule, case, SHOP)
    assert course
    assert f"{course.due_at.astimezone(SHANGHAI):%a %H:%M}" == "Wed 23:59"
    assert of_case(rule, Case(number=2, kind="human", key="h", reason="r", opened_at=FRIDAY), SHOP) is None


def test_a_promise_is_about_an_order_or_about_a_case() -> None:
    with pytest.raises(ValueError, match="promise_of_two"):
        promise("case.opened", "order.shipped")


def test_a_restored_order_is_promised_anew() -> None:
    course = of_order(promise(), order_of(world.placed(), world.paid(), world.cancelled(days(1))), SHOP)
    again = world.reopened(days(3))
    restored = of_order(
        promise(), order_of(world.placed(), world.paid(), world.cancelled(days(1)), again), SHOP
    )

    assert course
    assert state_of(course, PLACED + days(9)) == "withdrawn"
    assert restored
    assert restored.since == again.at
    assert state_of(restored, PLACED + days(3)) == "open"

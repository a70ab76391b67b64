"""Payment reminders: when, in which steps, and never once they are outdated."""

from datetime import datetime, timedelta
from itertools import pairwise, permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import OpenCase, WakeAt
from bot.domain.context import Case, Context, Said
from bot.domain.money import Money
from bot.domain.shop import Payment
from handlers.reminders import close, reminder_times
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days, hours

DEADLINE = PLACED + days(3)


def test_reminders_come_after_20_minutes_after_3_hours_and_90_minutes_before_closing() -> None:
    desk = Desk().take(world.placed())

    reminders = [say for say in desk.waiting.values() if say.template == "payment_reminder"]

    assert [say.at for say in reminders] == [PLACED + hours(1 / 3), PLACED + hours(3), DEADLINE - hours(1.5)]
    assert [say.values for say in reminders] == [
        {"step": 1, "steps": 3, "last": False},
        {"step": 2, "steps": 3, "last": False},
        {"step": 3, "steps": 3, "last": True},
    ]


def test_a_step_too_near_its_neighbour_falls_away() -> None:
    payment = Payment(close=hours(5))  # the last one at 3 h 30 min, half an hour after the second

    assert len(reminder_times(PLACED, payment)) == 3
    assert [reminder.at - PLACED for reminder in reminder_times(PLACED, Payment(close=hours(4.9)))] == [
        hours(1 / 3),
        hours(3.4),
    ]


def test_an_order_that_closes_soon_is_reminded_once_with_the_closing_time() -> None:
    times = reminder_times(PLACED, Payment(close=hours(2)))

    assert [(reminder.at - PLACED, reminder.last) for reminder in times] == [(hours(0.5), True)]


def test_a_shop_may_want_no_reminders() -> None:
    assert reminder_times(PLACED, Payment(remind=(), last_reminder=timedelta(0))) == []


minutes = st.integers(0, 3000).map(lambda number: timedelta(minutes=number))


@given(
    st.builds(
        Payment,
        remind=st.lists(minutes, max_size=2).map(tuple),
        last_reminder=minutes,
        close=minutes,
        gap=minutes,
    )
)
def test_reminders_keep_their_rules_whatever_the_settings(payment: Payment) -> None:
    times = reminder_times(PLACED, payment)
    closes_at = PLACED + payment.close

    assert len(times) <= 3
    assert all(PLACED < reminder.at < closes_at for reminder in times)
    assert all(later.at - earlier.at >= payment.gap for earlier, later in pairwise(times))
    has_last = timedelta(0) < payment.last_reminder < payment.close
    assert [reminder.last for reminder in times] == [False] * (len(times) - has_last) + [True] * has_last


def test_a_reminder_is_outdated_once_money_came_also_in_part() -> None:
    paid = Desk().take(world.placed(), world.paid())
    partly = Desk().take(world.placed(), world.paid(minor=5000))

    assert paid.why_outdated("payment_reminder:1001:1") == "order_paid"
    assert partly.why_outdated("payment_reminder:1001:1") == "order_partly_paid"
    assert paid.why_withdrawn("payment_reminder") == {"order_paid"}


def test_a_reminder_is_outdated_for_an_order_cancelled_reopened_refunded_or_shipped() -> None:
    placed = world.placed()
    key = "payment_reminder:1001:2"

    assert Desk().take(placed, world.cancelled()).why_outdated(key) == "order_cancelled"
    assert Desk().take(placed, world.cancelled(), world.reopened()).why_outdated(key) == "order_reopened"
    assert Desk().take(placed, world.refunded(2000)).why_outdated(key) == "order_refunded"
    assert Desk().take(placed, world.shipped()).why_outdated(key) == "order_shipped"


def test_a_reminder_is_not_sent_after_the_order_closed() -> None:
    desk = Desk().take(world.placed())

    assert desk.why_outdated("payment_reminder:1001:3", now=DEADLINE - hours(0.1)) is None
    assert desk.why_outdated("payment_reminder:1001:3", now=DEADLINE) == "order_closed"


def test_after_a_standstill_only_the_newest_step_is_said() -> None:
    desk = Desk().take(world.placed())

    assert desk.why_outdated("payment_reminder:1001:1", now=PLACED + hours(4)) == "too_late"
    assert desk.why_outdated("payment_reminder:1001:2", now=PLACED + hours(4)) is None


def test_an_unpaid_order_is_handed_to_the_seller_at_closing_with_its_history() -> None:
    said = Said(key="k", template="payment_reminder", state="sent", order="1001", sent_at=PLACED)
    other = Said(key="k2", template="hello", state="sent", sent_at=PLACED)
    told = Said(key="k3", template="seller_case", state="sent", order="1001", sent_at=PLACED)
    desk = Desk().take(world.placed())
    assert desk.wakes["unpaid_closed:1001"] == DEADLINE
    every = (said, other, told)
    context = Context(now=DEADLINE, shop_id="mugs", shop=world.SHOP, order=desk.order, said=every)

    [case] = close(world.time_came("unpaid_closed", DEADLINE), context)

    assert isinstance(case, OpenCase)
    assert (case.kind, case.key, case.reason) == ("unpaid", "unpaid:1001", "unpaid_closed")
    assert case.details["amount"] == "128.00 CNY"
    assert case.details["history"] == [f"payment_reminder sent {PLACED.isoformat()}"]


def test_a_paid_or_cancelled_order_is_no_case_at_closing() -> None:
    came = world.time_came("unpaid_closed", DEADLINE)

    assert Desk().take(world.placed(), world.paid(), came).cases == {}
    assert Desk().take(world.placed(), world.cancelled(), came).cases == {}


def test_nobody_is_asked_to_pay_nothing() -> None:
    free = Desk().take(world.placed(total=Money(0, "CNY")))

    assert free.order is not None
    assert free.order.state == "paid"
    assert free.why_outdated("payment_reminder:1001:1") == "nothing_owed"
    assert free.why_outdated("second_contact:1001:1") == "nothing_owed"
    assert free.take(world.time_came("unpaid_closed", DEADLINE)).cases == {}


def test_a_buyer_who_says_they_paid_is_not_reminded_until_the_seller_has_checked() -> None:
    desk = Desk().take(world.placed())
    opened = Case(number=7, kind="payment_claim", key="c", reason="payment_claimed", opened_at=PLACED)
    claim = msgspec.structs.replace(opened, order="1001")
    other = msgspec.structs.replace(claim, order="1002")

    assert desk.why_outdated("payment_reminder:1001:2", cases=(claim,)) == "case_open"
    assert desk.why_outdated("payment_reminder:1001:2", cases=(other,)) is None


def test_an_order_that_was_free_at_first_is_reminded_of_once_it_costs_something() -> None:
    later = world.placed(at=PLACED + hours(0.1))
    desk = Desk().take(world.placed(total=Money(0, "CNY")), later)

    assert desk.why_outdated("payment_reminder:1001:1") is None


def test_an_order_that_costs_something_days_later_is_handed_to_the_seller_if_it_stays_unpaid() -> None:
    later = PLACED + days(5)
    desk = Desk().take(world.placed(total=Money(0, "CNY")), world.placed(at=later, placed_at=PLACED))

    assert later + days(3) in desk.wakes.values()
    desk.take(world.time_came("unpaid_closed", later + days(3)))
    assert desk.open_cases == {"unpaid:1001"}


@pytest.mark.parametrize("told_at", [DEADLINE, PLACED + hours(2.5)])
def test_an_unpaid_order_that_is_on_again_is_handed_to_the_seller_after_its_time_anew(
    told_at: datetime,
) -> None:
    facts = (world.placed(), world.cancelled(hours(1)), world.reopened(hours(2)))
    for arrival in permutations(facts):
        desk = Desk().take(*arrival, now=told_at)
        assert DEADLINE + hours(2) in desk.wakes.values()
        desk.take(world.time_came("unpaid_closed", DEADLINE), now=DEADLINE)
        assert desk.open_cases == set()
        desk.take(world.time_came("unpaid_closed", DEADLINE + hours(2)), now=DEADLINE + hours(2))
        assert desk.open_cases == {"unpaid:1001:restored"}
        desk.take(world.moved(after=days(4)))
        assert desk.open_cases == {"unpaid:1001:restored"}
        desk.take(world.paid(days(5)))
        assert desk.open_cases == set()


def test_who_buys_on_account_is_not_pressed_and_the_seller_hears_after_the_day() -> None:
    day = PLACED + days(30)
    desk = Desk().take(world.placed(pay_by=day))

    for key in ("payment_reminder:1001:1", "payment_reminder:1001:3", "second_contact:1001:1"):
        assert desk.why_outdated(key) == "pays_on_account"
    desk.take(world.time_came("unpaid_closed", DEADLINE))
    assert (desk.open_cases, day in desk.wakes.values()) == (set(), True)
    desk.take(
        world.shipped(after=days(2)), world.time_came("unpaid_closed", day), world.moved(after=days(31))
    )
    assert desk.open_cases == {"unpaid:1001"}
    desk.take(world.paid(days(32)))
    assert desk.open_cases == set()


def test_what_was_sent_unpaid_is_a_case_at_closing_like_any_other() -> None:
    desk = Desk().take(world.placed(), world.shipped(), world.delivered(after=days(1)))
    assert desk.why_outdated("payment_reminder:1001:1") == "order_shipped"

    desk.take(world.time_came("unpaid_closed", DEADLINE))
    assert desk.open_cases == {"unpaid:1001"}
    desk.take(world.shipped("B", after=days(4)))
    assert desk.open_cases == {"unpaid:1001"}
    desk.take(world.paid(days(5)))
    assert desk.open_cases == set()


def test_what_is_paid_at_the_door_is_no_case_once_it_was_sent() -> None:
    desk = Desk().take(world.placed(pay_on_delivery=True), world.shipped())

    desk.take(world.time_came("unpaid_closed", DEADLINE))
    assert desk.open_cases == set()


def test_a_sum_is_not_asked_for_while_the_word_of_its_change_waits() -> None:
    desk = Desk().take(world.placed())
    waits = Said(key="total_changed:1001:1CNY", template="total_changed", state="queued", order="1001")

    assert due_times(desk, (world.confirmed(), waits)) == []


def test_a_seller_who_gives_more_time_is_obeyed() -> None:
    desk = Desk(world.shop_with(payment={"close": "5d"})).take(world.placed())

    desk.take(world.time_came("unpaid_closed", DEADLINE))

    assert desk.cases == {}
    assert set(desk.wakes.values()) == {PLACED + days(5)}


def test_orders_imported_from_long_ago_do_not_flood_the_seller() -> None:
    desk = Desk().take(world.placed())

    desk.take(world.time_came("unpaid_closed", DEADLINE), now=PLACED + days(90))

    assert desk.cases == {}


# What the buyer was told, and when


FOUR_DAYS = days(4)


def due_times(desk: Desk, said: tuple[Said, ...], until: timedelta = FOUR_DAYS) -> list[timedelta]:
    """When each reminder goes out, at whatever minute it is tried, if it goes out at all."""
    keys = [key for key in desk.waiting if key.startswith("payment_reminder:")]
    heard, found = list(said), list[timedelta]()
    now = PLACED
    while now < PLACED + until:
        now += timedelta(minutes=5)
        for key in list(keys):
            say = desk.messages[key].say
            facts = desk.facts(said=tuple(heard))
            true = say.at and say.at <= now and world.why_outdated(say, facts, now) is None
            if true and world.not_before(say, facts, now) is None:
                keys.remove(key)
                found.append(now - PLACED)
                heard.append(Said(key=key, template="payment_reminder", state="sent", sent_at=now))
    return found


def test_reminders_of_an_order_told_four_hours_late_count_from_then_on() -> None:
    desk = Desk().take(world.placed())

    assert due_times(desk, (world.confirmed(),)) == [hours(1 / 3), hours(3), hours(70.5)]
    late = (world.confirmed(at=PLACED + hours(4)),)
    nine = PLACED + hours(4) + days(3)  # at 14:00 in Shanghai
    assert due_times(desk, late, days(5)) == [hours(4 + 1 / 3), hours(7), nine - hours(1.5) - PLACED]


def test_no_reminder_comes_while_the_confirmation_is_still_to_be_sent() -> None:
    desk = Desk().take(world.placed())

    assert due_times(desk, (world.confirmed("queued"),)) == []


def test_an_order_that_was_never_confirmed_is_reminded_by_its_own_time() -> None:
    desk = Desk().take(world.placed())

    assert due_times(desk, (world.confirmed("failed"),)) == [hours(1 / 3), hours(3), hours(70.5)]


@given(st.integers(0, 60 * 50).map(lambda number: timedelta(minutes=number)), st.integers(1, 80))
def test_two_words_about_money_never_come_in_one_breath(told: timedelta, close: int) -> None:
    desk = Desk(world.shop_with(payment={"close": f"{close}h", "gap": "0m"})).take(world.placed())
    times = [told, *due_times(desk, (world.confirmed(at=PLACED + told),), days(7))]

    assert all(one + timedelta(minutes=5) <= other for one, other in pairwise(times)), times


@pytest.mark.parametrize("template", ["total_changed", "payment_received"])
def test_who_was_just_told_what_is_left_to_pay_is_not_asked_for_it_at_once(template: str) -> None:
    desk = Desk().take(world.placed())
    told = Said(key=template, template=template, state="sent", order="1001", sent_at=PLACED + hours(0.25))

    assert due_times(desk, (world.confirmed(), told))[0] == hours(0.75)


def test_an_order_told_late_is_given_up_only_after_its_full_time() -> None:
    desk = Desk().take(world.placed())
    late = (world.confirmed(at=PLACED + hours(4)),)
    context = Context(
        now=DEADLINE, shop_id="mugs", shop=desk.shop, order=desk.order, said=late, buyer=world.ANN
    )

    (again,) = close(world.time_came("unpaid_closed", DEADLINE), context)

    assert isinstance(again, WakeAt)
    assert again.at == DEADLINE + hours(4)

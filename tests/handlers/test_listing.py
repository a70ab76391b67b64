"""What files take back or contradict: told as when a platform does so, or shown to the seller."""

from typing import Any

import pytest

from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days, hours, listed

UNPAID: dict[str, Any] = {"paid": 0, "parcels": (), "steps": {"delivered": None, "cancelled": None}}
PAID: dict[str, Any] = UNPAID | {"paid": None}
SHIPPED: dict[str, Any] = PAID | {"parcels": ("A",)}
DELIVERED: dict[str, Any] = {**SHIPPED, "steps": {"delivered": PLACED + hours(2)}}
CANCELLED: dict[str, Any] = {"steps": {"cancelled": PLACED + hours(2)}}


def test_a_parcel_and_a_cancelling_that_a_newer_line_takes_back_are_told() -> None:
    sent = Desk().take(world.placed(), listed(hours(2), **SHIPPED), listed(hours(4), **PAID))
    gone = Desk().take(world.placed(), listed(hours(2), **CANCELLED), listed(hours(4), **UNPAID))

    assert sent.waiting["shipment_cancelled:1001:A"].at == PLACED + hours(4)
    assert sent.why_outdated("shipped:1001:A") == "parcel_taken_back"
    assert [key for key in gone.waiting if key.startswith("restored:")]
    assert not sent.cases | gone.cases


def test_a_payment_that_a_newer_line_takes_back_is_a_case() -> None:
    lines = (listed(hours(2), **PAID), listed(hours(4), **UNPAID))

    for told in (lines, lines[::-1]):
        desk = Desk().take(world.placed(), *told, world.weighed())
        assert desk.open_cases == {"payment_given_up:1001"}
        assert PLACED + hours(4 + 1 / 6) in desk.wakes.values()


def test_an_arrival_that_a_newer_line_takes_back_is_a_case() -> None:
    desk = Desk().take(
        world.placed(), listed(hours(2), **DELIVERED), listed(hours(4), **{**SHIPPED, **UNPAID})
    )

    assert {case.reason for case in desk.cases.values()} == {"listed_back"}
    old = Desk().take(
        world.placed(), listed(hours(2), **DELIVERED), listed(hours(4), **PAID), now=PLACED + days(40)
    )
    assert not old.cases


def test_refunds_are_told_by_what_went_back_in_all() -> None:
    desk = Desk().take(world.placed(), *(listed(hours(n), paid=None, refunded=n * 2000) for n in (1, 2, 4)))

    assert desk.why_outdated("partly_refunded:1001:listed 8000 CNY") is None
    assert desk.why_outdated("partly_refunded:1001:listed 4000 CNY") == "refund_told_otherwise"
    assert desk.order is not None
    assert not {"refunded_more:1001:14000"} & set(desk.take(world.weighed()).cases)

    desk.take(listed(hours(5), paid=None, refunded=4000), world.weighed())
    assert desk.why_outdated("partly_refunded:1001:listed 4000 CNY") == "already_told"
    assert desk.open_cases == {"refund_given_up:1001"}


@pytest.mark.parametrize("told", [UNPAID, PAID | {"paid": 5000}])
def test_a_line_without_a_time_that_shows_less_is_a_case_and_takes_nothing_back(told: dict[str, Any]) -> None:
    desk = Desk().take(world.placed(), listed(hours(2), **SHIPPED), listed(hours(1), timed=False, **told))

    assert {case.reason for case in desk.cases.values()} == {"listed_unclear"}
    assert desk.order is not None
    assert desk.order.state == "shipped"


def test_a_line_without_a_time_that_shows_more_is_none() -> None:
    lines = [listed(hours(0), timed=False, **each) for each in (UNPAID, PAID, SHIPPED, DELIVERED)]

    assert not Desk().take(world.placed(), *lines).cases
    old = Desk().take(world.placed(), *lines, now=PLACED + days(40))
    assert not old.take(lines[0], now=PLACED + days(40)).cases

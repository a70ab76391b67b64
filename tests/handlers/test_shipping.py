"""Parcels: announced when they leave, reported when they stand still and when they arrive."""

from itertools import permutations

import pytest

from bot.domain.context import Said
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days

SHIPPED = PLACED + days(1)


def test_each_parcel_is_announced_on_its_own() -> None:
    desk = Desk().take(world.placed(), world.shipped("A", last=False), world.shipped("B", days(2)))

    notices = {key: say.values for key, say in desk.waiting.items() if say.template == "shipped"}

    assert notices == {"shipped:1001:A": {"parcel": "A"}, "shipped:1001:B": {"parcel": "B"}}


def test_a_parcel_that_arrived_meanwhile_is_not_announced() -> None:
    desk = Desk().take(world.shipped("A"), world.delivered("A"))

    assert desk.why_outdated("shipped:1001:A") == "order_delivered"


def test_a_parcel_of_a_cancelled_order_is_not_announced() -> None:
    desk = Desk().take(world.shipped("A"), world.cancelled(days(2)))

    assert desk.why_outdated("shipped:1001:A") == "order_cancelled"


def test_a_parcel_that_does_not_move_for_days_is_reported_to_the_buyer_and_the_seller() -> None:
    desk = Desk().take(world.placed(), world.shipped("A"))
    late_at = desk.wakes["parcel_check:1001:A"]
    assert late_at == SHIPPED + days(5)

    desk.take(world.time_came("parcel_check", late_at))

    assert desk.waiting["delayed:1001:A"].values == {"parcel": "A"}
    assert desk.reasons["delay:1001:A"].details == {"order": "1001", "days": 5, "parcel": "A"}


def test_a_parcel_that_moved_is_checked_again_later() -> None:
    desk = Desk().take(world.shipped("A"), world.moved("A", days(4)))

    desk.take(world.time_came("parcel_check", SHIPPED + days(5)))

    assert "delayed:1001:A" not in desk.messages
    assert max(desk.wakes.values()) == PLACED + days(9)


def test_an_arrived_or_cancelled_parcel_is_never_late() -> None:
    late = world.time_came("parcel_check", SHIPPED + days(5))

    assert Desk().take(world.shipped("A"), world.delivered("A"), late).cases == {}
    assert Desk().take(world.shipped("A"), world.delivered(), late).cases == {}
    assert Desk().take(world.shipped("A"), world.cancelled(days(2)), late).cases == {}


def test_the_notice_of_a_delay_is_dropped_when_the_parcel_moves_after_all() -> None:
    desk = Desk().take(world.shipped("A"), world.time_came("parcel_check", SHIPPED + days(5)))

    desk.take(world.moved("A", days(6)))

    assert desk.why_outdated("delayed:1001:A", now=PLACED + days(6.1)) == "parcel_moved"


def test_the_notice_of_a_delay_is_dropped_when_somebody_closes_the_order() -> None:
    desk = Desk().take(world.shipped("A"), world.time_came("parcel_check", SHIPPED + days(5)))

    desk.take(world.completed(days(6)))

    assert desk.why_outdated("delayed:1001:A", now=PLACED + days(6.1)) == "order_completed"


def test_a_late_parcel_that_arrives_closes_its_case() -> None:
    desk = Desk().take(world.shipped("A"), world.time_came("parcel_check", SHIPPED + days(5)))
    assert desk.open_cases == {"delay:1001:A"}

    desk.take(world.delivered("A", days(7)))

    assert desk.open_cases == set()


def test_a_clock_set_back_does_not_lose_the_check() -> None:
    desk = Desk().take(world.shipped("A"))

    desk.take(world.time_came("parcel_check", SHIPPED + days(5)), now=SHIPPED + days(5) - world.hours(1))

    assert "delayed:1001:A" in desk.messages


def test_parcels_of_long_ago_are_not_late() -> None:
    desk = Desk().take(world.shipped("A"))

    desk.take(world.time_came("parcel_check", SHIPPED + days(5)), now=PLACED + days(300))

    assert (desk.cases, "delayed:1001:A" in desk.messages) == ({}, False)


def test_delivery_is_reported_once_all_parcels_arrived() -> None:
    desk = Desk().take(world.shipped("A"), world.shipped("B"), world.delivered("A", days(3)))
    assert desk.why_outdated("delivered:1001:parcel-A") == "order_not_delivered"

    desk.take(world.delivered("B", days(4)))

    assert desk.why_outdated("delivered:1001:parcel-A") == "order_delivered"
    assert desk.why_outdated("delivered:1001:parcel-B") is None


def test_an_arrival_reported_for_the_whole_order_takes_the_place_of_its_parcels() -> None:
    desk = Desk().take(world.shipped("A"), world.delivered("A", days(3)), world.delivered(None, days(3)))

    reports = [key for key, say in desk.waiting.items() if say.template == "delivered"]

    assert [key for key in reports if desk.why_outdated(key) is None] == ["delivered:1001:all"]


def test_a_buyer_who_read_of_the_last_parcel_is_not_written_to_again_about_the_whole() -> None:
    said = Said(
        key="delivered:1001:parcel-A", template="delivered", state="sent", order="1001", sent_at=PLACED
    )
    desk = Desk()
    desk.take(world.shipped("A"), world.delivered("A", days(3)), world.delivered(None, days(3)))

    assert desk.why_outdated("delivered:1001:all") is None
    assert desk.why_outdated("delivered:1001:all", said=(said,)) == "order_delivered"


@pytest.mark.parametrize("name", ["A", None])
def test_an_arrival_counts_again_after_the_parcel_that_was_called_off_left_again(name: str | None) -> None:
    facts = (
        world.shipped("A", days(1)),
        world.delivered(name, days(2)),
        world.taken_back("A", days(3)),
        world.shipped("A", days(4)),
        world.delivered(name, days(5)),
    )
    for arrival in permutations(facts):
        order = world.order_of(*arrival)
        assert order.delivered_at == PLACED + days(5)
    for known, arrived_at in [(2, days(2)), (3, None), (4, None)]:
        order = world.order_of(*facts[:known])
        assert order.delivered_at == (arrived_at and PLACED + arrived_at)

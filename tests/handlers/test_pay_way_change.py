"""An order that becomes payable on delivery, or no longer is, after the buyer heard how to pay."""

from itertools import permutations

import pytest

from bot.domain.context import Said
from bot.domain.events import OrderPlaced
from bot.domain.money import Money
from handlers.pay_way_change import TEMPLATE
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, hours

AT_THE_DOOR, BEFORE = f"{TEMPLATE}:1001:delivery", f"{TEMPLATE}:1001:before"


def shown(after: float, on_delivery: bool | None) -> OrderPlaced:
    return world.placed(PLACED + hours(after), placed_at=PLACED, pay_on_delivery=on_delivery)


def said(on_delivery: bool | None, template: str = "order_confirmation", after: float = 0) -> Said:
    return Said(
        key="x", template=template, state="sent", sent_at=PLACED + hours(after), on_delivery=on_delivery
    )


@pytest.mark.parametrize("now", [True, False])
def test_a_changed_way_to_pay_is_told_once_as_of_its_change_to_who_read_otherwise(now: bool) -> None:
    key = AT_THE_DOOR if now else BEFORE
    for arrival in permutations((shown(0, not now), shown(1, None), shown(2, now), shown(3, now))):
        desk = Desk().take(*arrival)
        planned = [name for name in desk.waiting if name.startswith(TEMPLATE)]
        assert [name for name in planned if desk.waiting[name].at > PLACED] == [key]
        assert desk.waiting[key].at == PLACED + hours(2)
        assert not [name for name in desk.waiting if name.startswith("payment_reminder:")]

        assert desk.order is not None
        assert desk.order.on_delivery is now

    desk = Desk().take(shown(0, not now), shown(2, now), shown(4, None))
    assert desk.why_outdated(key, said=(said(not now),)) is None
    for known in ((), (said(now),), (said(None),), (said(not now), said(now, TEMPLATE, 2.1))):
        assert desk.why_outdated(key, said=known) == "already_told"


def test_an_order_that_says_nothing_of_it_at_first_is_not_paid_on_delivery_then() -> None:
    for arrival in permutations((shown(0, None), shown(1, None), shown(2, True), shown(3, None))):
        desk = Desk().take(*arrival)
        assert desk.waiting[AT_THE_DOOR].at == PLACED + hours(2)
        assert desk.why_outdated(AT_THE_DOOR, said=(said(False),)) is None

    assert [key for key in Desk().take(shown(0, True), shown(1, False)).waiting if TEMPLATE in key] == [
        BEFORE
    ]
    desk = Desk().take(shown(0, True), shown(1, None))
    assert desk.why_outdated(AT_THE_DOOR, said=(said(True),)) == "already_told"
    for same in ((shown(0, True), shown(1, True)), (shown(0, None), shown(1, False)), (shown(0, None),)):
        assert not [name for name in Desk().take(*same).waiting if name.startswith(TEMPLATE)]


def test_what_was_changed_back_is_told_only_to_who_had_heard_of_the_change() -> None:
    desk = Desk().take(shown(0, False), shown(2, True), shown(3, False))

    for key in (AT_THE_DOOR, BEFORE):
        assert desk.why_outdated(key, said=(said(False),)) == "already_told"
    assert desk.why_outdated(BEFORE, said=(said(False), said(True, TEMPLATE, 2.1))) is None


@pytest.mark.parametrize(
    "over", [world.paid(), world.paid(minor=50, currency="KRW"), world.cancelled(), world.delivered()]
)
def test_it_is_not_told_once_it_is_settled_otherwise(over: object) -> None:
    desk = Desk().take(shown(0, False), shown(2, True), over)  # type: ignore[arg-type]

    assert desk.why_outdated(AT_THE_DOOR, said=(said(False),)) is not None


def test_who_owes_a_transfer_is_told_also_once_it_left_that_the_carrier_takes_the_money() -> None:
    desk = Desk().take(shown(0, False), shown(2, True), world.shipped())
    assert desk.why_outdated(AT_THE_DOOR, said=(said(False),)) is None

    desk = Desk().take(shown(0, True), shown(2, False), world.shipped())
    assert desk.why_outdated(BEFORE, said=(said(True),)) == "order_shipped"


def test_who_paid_a_part_is_told_that_the_rest_is_paid_on_delivery_and_is_asked_for_nothing() -> None:
    for arrival in permutations((shown(0, None), world.paid(hours(1), 5000), shown(2, True))):
        desk = Desk().take(*arrival)
        assert desk.why_outdated(AT_THE_DOOR, said=(said(False),)) is None
        assert desk.order is not None
        assert (desk.order.state, desk.order.left) == ("on_delivery", Money(7800, "CNY"))


def test_who_was_to_pay_the_rest_on_delivery_is_told_that_it_is_paid_before() -> None:
    for arrival in permutations((shown(0, True), world.paid(hours(1), 5000), shown(2, False))):
        desk = Desk().take(*arrival)
        assert desk.why_outdated(BEFORE, said=(said(True),)) is None

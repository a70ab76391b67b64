"""Parcels that leave: told once by whatever name, corrected once, and taken back where they were told."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from bot.domain.context import Said, ToldParcel
from bot.domain.events import OrderEvent, OrderShipped, ParcelCancelled, ParcelMoved
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days, hours, not_before

LEFT = PLACED + days(1)


def left(parcel: str = "p1", tracking: str | None = None, after: float = 24, **more: Any) -> OrderShipped:
    at = PLACED + hours(after)
    return OrderShipped(
        channel="shop",
        external_id=f"{parcel}{at}",
        at=at,
        order="1001",
        parcel=parcel,
        tracking=tracking,
        **more,
    )


def taken_back(parcel: str = "p1", tracking: str | None = None) -> ParcelCancelled:
    return ParcelCancelled(
        channel="shop", external_id="c", at=PLACED + hours(30), order="1001", parcel=parcel, tracking=tracking
    )


def moved(status: str, after: float = 40) -> ParcelMoved:
    at = PLACED + hours(after)
    return ParcelMoved(channel="shop", external_id="m", at=at, order="1001", parcel="p1", status=status)


def said(template: str, *parcels: tuple[str, str | None], state: str = "sent") -> Said:
    told = tuple(ToldParcel((id,), number) for id, number in parcels)
    key = f"{template}:1001:{parcels[0][0]}"
    return Said(key=key, template=template, state=state, order="1001", sent_at=LEFT, parcels=told)


def test_every_name_has_a_notice_and_the_first_that_is_said_is_the_only_one() -> None:
    desk = Desk().take(left("p1", "SF1"), left("SF1", "SF1"))

    assert [key for key in desk.waiting if key.startswith("shipped:")] == [
        "shipped:1001:p1",
        "shipped:1001:SF1",
    ]
    assert desk.why_outdated("shipped:1001:SF1") is None
    for state in ("sent", "sending", "unknown"):
        before = (said("shipped", ("p1", "SF1"), state=state),)
        assert desk.why_outdated("shipped:1001:SF1", said=before) == "parcel_told"
    assert (
        desk.why_outdated("shipped:1001:SF1", said=(said("shipped", ("p1", "SF1"), state="failed"),)) is None
    )


def test_a_notice_sent_before_parcels_were_kept_told_the_parcel_of_its_key() -> None:
    desk = Desk().take(left("p1", "SF1"), left("SF1", "SF1"))
    old = Said(key="shipped:1001:p1", template="shipped", state="sent", order="1001", sent_at=LEFT)

    assert desk.why_outdated("shipped:1001:SF1", said=(old,)) == "parcel_told"


def test_what_the_carrier_gave_up_is_not_on_its_way_and_goes_to_the_seller() -> None:
    desk = Desk().take(left(), moved("failure"))

    assert desk.why_outdated("shipped:1001:p1") == "parcel_failed"
    assert desk.open_cases == {"parcel_failed:1001:p1"}

    late = world.time_came("parcel_check", PLACED + days(9))
    assert "delayed:1001:p1" not in desk.take(late).messages

    assert desk.take(moved("in_transit", 50)).open_cases == {"parcel_failed:1001:p1"}
    assert desk.take(world.delivered("p1", days(4))).open_cases == set()


def test_an_attempt_is_told_until_the_parcel_moves_again() -> None:
    desk = Desk().take(left(), moved("attempted_delivery"))
    assert desk.why_outdated("delivery_attempted:1001:p1") is None
    assert desk.open_cases == set()

    desk.take(moved("out_for_delivery", 50))

    assert desk.why_outdated("delivery_attempted:1001:p1") == "parcel_moved"


def test_the_first_number_is_no_correction() -> None:
    assert not [key for key in Desk().take(left("p1", "SF1")).messages if key.startswith("tracking")]


def test_a_number_is_corrected_if_the_buyer_knows_another_or_none() -> None:
    desk = Desk().take(left("p1"), left("p1", "SF1", shown_at=LEFT + hours(2)))
    key = "tracking_changed:1001:p1:SF1"

    assert desk.why_outdated(key, said=(said("shipped", ("p1", None)),)) is None
    assert desk.why_outdated(key, said=(said("shipped", ("p1", "SF9")),)) is None
    assert desk.why_outdated(key, said=(said("shipped", ("p1", "SF 1")),)) == "number_told"
    assert desk.why_outdated(key) == "number_told"  # the notice itself will have it
    twice = (said("shipped", ("p1", None)), said("tracking_changed", ("p1", "SF1")))
    assert desk.why_outdated(key, said=twice) == "number_told"


def test_of_two_corrections_only_the_newest_is_told() -> None:
    desk = Desk().take(
        *(left("p1", number, shown_at=LEFT + hours(place)) for place, number in enumerate("ABC"))
    )
    before = (said("shipped", ("p1", "A")),)

    assert desk.why_outdated("tracking_changed:1001:p1:B", said=before) == "number_changed"
    assert desk.why_outdated("tracking_changed:1001:p1:C", said=before) is None


def test_what_is_corrected_back_and_forth_has_the_same_corrections_in_any_order_of_arrival() -> None:
    shown = [("A", "SF"), ("B", "SF"), ("A", "SF"), ("B", "SF"), ("B", "YTO"), ("B", None)]
    facts = [
        left("p1", number, carrier=carrier, shown_at=LEFT + hours(place))
        for place, (number, carrier) in enumerate(shown)
    ]
    straight, *others = [Desk().take(*events) for events in permutations(facts)]
    corrections = {key: say.at for key, say in straight.waiting.items() if key.startswith("tracking_changed")}

    assert corrections == {
        "tracking_changed:1001:p1:A:SF": LEFT,  # found told when it is due
        "tracking_changed:1001:p1:A:SF:2": LEFT + hours(2),
        "tracking_changed:1001:p1:B:SF": LEFT + hours(1),
        "tracking_changed:1001:p1:B:SF:2": LEFT + hours(3),
        "tracking_changed:1001:p1:B:YTO": LEFT + hours(4),
        "tracking_changed:1001:p1:B": LEFT + hours(5),
    }
    assert all(desk.order == straight.order for desk in others)
    assert all(desk.waiting == straight.waiting for desk in others)


def test_a_carrier_is_corrected_if_the_buyer_knows_another() -> None:
    desk = Desk().take(
        left("p1", "A", carrier="SF"), left("p1", "A", carrier="YTO", shown_at=LEFT + hours(1))
    )
    key = "tracking_changed:1001:p1:A:YTO"

    def told(carrier: str | None) -> tuple[Said, ...]:
        return (
            msgspec.structs.replace(
                said("shipped", ("p1", "A")), parcels=(ToldParcel(("p1",), "A", carrier),)
            ),
        )

    assert desk.why_outdated(key, said=told("SF")) is None
    assert desk.why_outdated(key, said=told("yto")) == "number_told"
    assert desk.why_outdated(key, said=told(None)) == "number_told"  # nobody knows what was told

    desk.take(left("p1", "A", carrier="SF", shown_at=LEFT + hours(2)))

    assert desk.why_outdated(key, said=told("SF")) == "number_changed"


def test_a_shipment_that_was_cancelled_is_told_to_those_who_were_told_that_it_left() -> None:
    desk = Desk().take(left("p1", "SF1"), taken_back())
    key, told = "shipment_cancelled:1001:p1", said("shipped", ("p1", "SF1"))

    assert desk.why_outdated("shipped:1001:p1") == "parcel_taken_back"
    assert desk.why_outdated(key) == "parcel_not_told"
    assert desk.why_outdated(key, said=(told,)) is None
    assert desk.why_outdated(key, said=(told, said("shipment_cancelled", ("p1", None)))) == "parcel_not_told"

    desk.take(left("p1", "SF1", after=48))

    assert desk.why_outdated(key, said=(told,)) == "parcel_left_again"


@pytest.mark.parametrize("other", ["p1", "p2"])
def test_what_leaves_again_after_it_was_taken_back_is_told_again(other: str) -> None:
    desk = Desk().take(left("p1", "SF1"), taken_back(), left(other, "SF1", after=48))
    (again,) = [key for key in desk.waiting if key.startswith("shipped:") and key != "shipped:1001:p1"]
    told, not_so = said("shipped", ("p1", "SF1")), said("shipment_cancelled", ("p1", None))

    assert desk.why_outdated(again, said=(told,)) == "parcel_told"
    assert desk.why_outdated(again, said=(told, not_so)) is None


@pytest.mark.parametrize("events", [*permutations((left("p1", "SF1"), taken_back("SF1", "SF1")))])
def test_a_shipment_that_was_cancelled_by_its_number_is_told_alike(events: tuple[OrderEvent, ...]) -> None:
    desk = Desk().take(*events)

    told = said("shipped", ("p1", "SF1"))
    assert desk.why_outdated("shipment_cancelled:1001:SF1", said=(told,)) is None


def test_a_cancelled_order_says_nothing_of_its_parcels() -> None:
    desk = Desk().take(left("p1", "SF1"), taken_back(), world.cancelled(days(2)))

    assert desk.why_outdated("shipment_cancelled:1001:p1") == "order_cancelled"


def test_a_number_that_nobody_told_yet_is_waited_for_before_the_parcel_is_called_off() -> None:
    """It is taken for the first parcel's until it is told, perhaps of another one."""
    three = (left("p1"), left("p2", after=25), left("p3", after=26))
    gone = taken_back("TRW3", tracking="TRW3")
    off_at = PLACED + hours(30)
    desk = Desk().take(*three, gone)
    first, off = desk.waiting["shipped:1001:p1"], desk.waiting["shipment_cancelled:1001:TRW3"]

    for word in (first, off):
        for now in (off_at, off_at + days(3) - hours(1)):
            assert world.why_outdated(word, desk.facts(), now) is None
            assert not_before(word, desk.facts(), now) == now + hours(1)
    late = off_at + days(3)
    assert desk.why_outdated("shipped:1001:p1", now=late) == "parcel_taken_back"
    assert desk.why_outdated("shipment_cancelled:1001:TRW3", now=late) == "parcel_not_told"

    desk.take(left("p3", "TRW3", after=26))
    assert desk.why_outdated("shipped:1001:p1") is None
    heard = (said("shipped", ("p2", None), ("p3", None)),)
    assert desk.why_outdated("shipment_cancelled:1001:TRW3", said=heard) is None
    assert not_before(off, desk.facts(said=heard), late) is None


def test_what_they_heard_of_is_called_off_at_once_by_whatever_number() -> None:
    desk = Desk().take(left("p1"), taken_back("TRW1", tracking="TRW1"))
    off = desk.waiting["shipment_cancelled:1001:TRW1"]

    assert not_before(off, desk.facts(said=(said("shipped", ("p1", None)),)), PLACED + hours(30)) is None


def test_a_number_beside_parcels_that_have_their_own_is_waited_for_too() -> None:
    desk = Desk().take(left("p1", "SF1"), taken_back("TRW9", tracking="TRW9"))
    off = desk.waiting["shipment_cancelled:1001:TRW9"]

    assert not_before(off, desk.facts(), PLACED + hours(30)) == PLACED + hours(31)
    assert desk.why_outdated(off.key, now=PLACED + hours(30) + days(3)) == "parcel_not_told"


def test_each_taking_back_is_planned_as_of_its_own_time_whatever_comes_later() -> None:
    def off(after: float) -> ParcelCancelled:
        return msgspec.structs.replace(taken_back(), at=PLACED + hours(after), external_id=f"c{after}")

    facts = (left("p1"), off(30), left("p1", after=40), off(50), left("p1", after=60), off(70))
    for told in permutations(facts):
        desk = Desk().take(*told)
        planned = {key: say.at for key, say in desk.waiting.items() if key.startswith("shipment_cancelled:")}
        assert sorted((at - PLACED) / hours(1) for at in planned.values() if at) == [30, 50, 70]


def test_each_time_that_it_waits_again_is_planned_whatever_comes_later() -> None:
    facts = (moved("ready_for_pickup", 25), *(moved("ready_for_pickup", at) for at in (40, 50, 60)))
    facts = tuple(msgspec.structs.replace(each, external_id=f"m{each.at}") for each in facts)
    for told in permutations((*facts, taken_back())):
        planned = [each.at for key, each in Desk().take(*told).waiting.items() if key.startswith("ready_for")]
        assert sorted((at - PLACED) / hours(1) for at in planned if at) == [25, 40, 50, 60]

"""Parcels: what is told of them in any order, and repeated, gives the same parcels."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from bot.domain.events import OrderDelivered, OrderShipped, ParcelMoved
from bot.domain.parcels import Number, Parcel, with_parcel

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def shipped(parcel: str = "p1", after: timedelta = HOUR * 0, **fields: Any) -> OrderShipped:
    return OrderShipped(channel="shop", external_id="s", at=AT + after, order="1001", parcel=parcel, **fields)


def moved(parcel: str | None, status: str, after: timedelta) -> ParcelMoved:
    return ParcelMoved(
        channel="shop", external_id="m", at=AT + after, order="1001", parcel=parcel, status=status
    )


def delivered(after: timedelta, parcel: str | None = "p1") -> OrderDelivered:
    return OrderDelivered(channel="shop", external_id="d", at=AT + after, order="1001", parcel=parcel)


def after_all(*events: OrderShipped | ParcelMoved | OrderDelivered) -> tuple[Parcel, ...]:
    parcels: tuple[Parcel, ...] = ()
    for event in events:
        parcels = with_parcel(parcels, event)
    return parcels


def test_any_order_of_arrival_gives_the_same_parcels() -> None:
    events = [
        shipped(tracking="SF1", last=False),
        shipped(tracking="SF2", shown_at=AT + 2 * HOUR),
        moved("p1", "in transit", HOUR),
        moved("p1", "out for delivery", 3 * HOUR),
        delivered(5 * HOUR),
        delivered(4 * HOUR),
    ]
    ends = {after_all(*order) for order in permutations(events)}
    assert ends == {
        (
            Parcel(
                id="p1",
                shipped_at=AT,
                shown_at=AT + 2 * HOUR,
                tracking="SF2",
                last=False,
                last_at=AT,
                numbers=(Number("SF1", AT, AT), Number("SF2", AT + 2 * HOUR, AT + 2 * HOUR)),
                followed=True,
                moved_at=AT + 3 * HOUR,
                status="out for delivery",
                delivered_at=AT + 4 * HOUR,
                delivered_last_at=AT + 5 * HOUR,
            ),
        )
    }
    assert after_all(*events, *events) == next(iter(ends))


def test_of_two_showings_with_one_timestamp_the_content_decides() -> None:
    one, other = shipped(carrier="SF"), shipped(carrier="YTO")
    assert after_all(one, other) == after_all(other, one)
    assert after_all(one, other)[0].carrier == "YTO"


def test_an_earlier_movement_does_not_undo_a_later_one() -> None:
    (parcel,) = after_all(moved("p1", "out for delivery", HOUR), moved("p1", "in transit", HOUR / 2))
    assert (parcel.moved_at, parcel.status) == (AT + HOUR, "out for delivery")


def test_the_last_parcel_stays_the_last_whatever_a_later_showing_leaves_out() -> None:
    assert after_all(shipped(last=True), shipped(after=HOUR))[0].last is True
    assert after_all(shipped(last=False), shipped(after=HOUR, last=True))[0].last is True


def test_what_names_no_parcel_is_about_none() -> None:
    known = after_all(shipped())
    assert with_parcel(known, delivered(HOUR, parcel=None)) == known
    assert with_parcel(known, moved(None, "in transit", HOUR)) == known


def test_parcels_are_kept_in_the_order_of_their_ids() -> None:
    assert [each.id for each in after_all(shipped("b"), shipped("a"))] == ["a", "b"]


def test_a_parcel_is_followed_once_any_report_of_it_says_so() -> None:
    assert after_all(shipped(followed=False))[0].followed is False
    assert after_all(shipped(followed=True), shipped(followed=False, after=HOUR))[0].followed is True

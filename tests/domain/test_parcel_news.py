"""What is news of an order's parcels, what was told before, and until when one waits for the others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.context import Said, ToldParcel
from bot.domain.orders import Order
from bot.domain.parcel_news import news, telling, together_until, told_as, told_ids, told_on_its_way
from bot.domain.parcels import Parcel

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def parcel(id: str, after: float = 0, **facts: Any) -> Parcel:
    return Parcel(id=id, shipped_at=AT + after * HOUR, **{"tracking": id.upper(), **facts})


def order(*parcels: Parcel, **facts: Any) -> Order:
    return Order(id="1001", channel="shop", parcels=parcels, **facts)


def said(template: str, *ids: str, after: float = 1, number: str | None = None, **more: Any) -> Said:
    told = (ToldParcel(ids, number or ids[0].upper()),)
    given = {"key": f"{template}:1001:{ids[0]}", "state": "sent", "sent_at": AT + after * HOUR, **more}
    return Said(**{"template": template, "parcels": told, **given})


def ids(parcels: tuple[Parcel, ...]) -> list[str]:
    return [each.id for each in parcels]


def test_news_is_what_left_and_was_not_told_first_what_left_first() -> None:
    known = order(parcel("a", 2), parcel("b", 1), parcel("c", 0))

    assert ids(news(known, ())) == ["c", "b", "a"]
    assert ids(news(known, (said("shipped", "b"),))) == ["c", "a"]


def test_what_arrived_failed_or_was_taken_back_is_no_news() -> None:
    known = order(
        parcel("a", delivered_at=AT),
        parcel("b", failed_at=AT),
        parcel("c", cancelled_at=AT + HOUR),
        Parcel(id="d", moved_at=AT),
    )

    assert news(known, ()) == ()
    assert news(order(parcel("a"), all_delivered_at=AT), ()) == ()


def test_a_message_tells_the_parcels_that_are_news_by_all_their_ids() -> None:
    known = order(parcel("a"), parcel("A", 1, tracking="A"), parcel("b", 1))

    assert telling("shipped", {}, known, ()) == (ToldParcel(("a", "A"), "A"), ToldParcel(("b",), "B"))
    assert telling("delayed", {"parcel": "A"}, known, ()) == (ToldParcel(("a", "A"), "A"),)
    assert telling("payment_reminder", {}, known, ()) == ()


def test_an_arrival_tells_the_parcels_that_arrived() -> None:
    known = order(parcel("a", delivered_at=AT), parcel("b"))

    assert telling("delivered", {}, known, ()) == (ToldParcel(("a",), "A"),)
    assert len(telling("delivered", {}, order(*known.parcels, all_delivered_at=AT), ())) == 2


@pytest.mark.parametrize(
    ("state", "told"), [("sent", {"a"}), ("sending", {"a"}), ("unknown", {"a"}), ("queued", set())]
)
def test_told_is_what_may_have_arrived(state: str, told: set[str]) -> None:
    assert told_ids("shipped", order(), (said("shipped", "a", state=state, sent_at=None),)) == told


def test_the_newest_number_that_was_told_of_a_parcel_counts() -> None:
    known = order(parcel("a"))
    first, then = said("shipped", "a", number="OLD"), said("tracking_changed", "a", after=2, number="NEW")

    assert told_as(known.shipped[0], known, ()) == []
    assert told_as(known.shipped[0], known, (then, first)) == [ToldParcel(("a",), "NEW")]
    assert told_as(known.shipped[0], known, (first, said("shipped", "b", after=3))) == [
        ToldParcel(("a",), "OLD")
    ]


def test_a_parcel_that_left_again_is_known_by_the_number_told_then() -> None:
    known = order(parcel("a"))
    first, back = said("shipped", "a", number="OLD"), said("shipment_cancelled", "a", after=2)
    again = said("shipped", "a", after=3, number="NEW")

    assert told_as(known.shipped[0], known, (first, back)) == []
    assert told_as(known.shipped[0], known, (first, back, again)) == [ToldParcel(("a",), "NEW")]


def test_where_numbers_were_not_kept_nothing_is_known() -> None:
    known = order(parcel("a"))

    assert told_as(known.shipped[0], known, (said("shipped", "a", parcels=None),)) == []


def test_a_part_waits_an_hour_for_what_leaves_with_it_and_the_whole_for_nothing() -> None:
    part = order(parcel("a", last=False), parcel("b", 0.5, last=False))

    assert together_until(part, ()) == AT + HOUR
    assert together_until(order(*part.parcels, parcel("c", 0.9, last=True)), ()) is None
    assert together_until(part, (said("shipped", "a"),)) == AT + 1.5 * HOUR
    whole = order(parcel("a", last=False), parcel("b", 0.5, last=True))
    assert together_until(whole, (said("shipped", "a"),)) is None


def test_where_nobody_says_whether_more_follows_the_first_goes_at_once() -> None:
    unsaid = order(parcel("a"), parcel("b", 0.5))

    assert together_until(order(parcel("a")), ()) is None
    assert together_until(unsaid, (said("shipped", "a"),)) == AT + 2 * HOUR


def test_a_parcel_that_was_told_to_be_off_is_the_one_whose_number_that_was() -> None:
    """By a number that nobody had told yet, "b" was taken back; the other one was meant for it then."""
    known = order(
        parcel("a", tracking="A9"),
        parcel("b", tracking="B9"),
        Parcel(id="B9", cancelled_at=AT + HOUR, by_number=True),
    )
    both = Said(
        key="shipped:1001:b",
        template="shipped",
        state="sent",
        sent_at=AT,
        parcels=(ToldParcel(("a",)), ToldParcel(("b",))),
    )
    off = said(
        "shipment_cancelled", "B9", key="shipment_cancelled:1001:B9", parcels=(ToldParcel(("a", "B9")),)
    )

    assert [each.number for each in told_as(known.parcels_by_id["a"], known, (both, off))] == [None]
    assert told_as(known.parcels_by_id["b"], known, (both, off)) == []
    assert told_on_its_way(known, (both, off)) == {"a"}

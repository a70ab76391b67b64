"""One parcel is one parcel by any of its names, in whatever order and how often they are told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.events import OrderDelivered, OrderShipped, ParcelCancelled, ParcelMoved
from bot.domain.parcel_names import joined, plain
from bot.domain.parcels import Parcel, ParcelEvent, with_parcel

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def base(after: float, channel: str = "shop") -> dict[str, Any]:
    return {"channel": channel, "external_id": f"e{after}", "at": AT + after * HOUR, "order": "1001"}


def left(parcel: str | None = None, after: float = 0, **more: Any) -> OrderShipped:
    name = parcel or more.get("tracking")
    return OrderShipped(**base(after), parcel=name or "1", named=name is not None, **more)


def arrived(parcel: str | None = None, after: float = 9, tracking: str | None = None) -> OrderDelivered:
    return OrderDelivered(**base(after), parcel=parcel or tracking, tracking=tracking)


def taken_back(parcel: str | None = None, after: float = 5, tracking: str | None = None) -> ParcelCancelled:
    return ParcelCancelled(**base(after), parcel=parcel or tracking, tracking=tracking)


def records(events: Sequence[ParcelEvent]) -> tuple[Parcel, ...]:
    told: tuple[Parcel, ...] = ()
    for event in events:
        told = with_parcel(told, event)
    return told


def parcels(*events: ParcelEvent) -> tuple[Parcel, ...]:
    """The parcels that these facts give, in any order and repeated."""
    orders = list(permutations(events)) if len(events) < 6 else [events, events[::-1]]
    ends = {repr(joined(records([*order, *order[:2]]))) for order in orders}
    assert len(ends) == 1, ends
    return joined(records(events))


def arrivals(*events: ParcelEvent) -> list[bool]:
    return [each.delivered_at is not None for each in parcels(*events)]


def test_told_by_id_when_it_leaves_and_by_number_when_it_arrives() -> None:
    assert arrivals(left("p1", tracking="SF1"), arrived(tracking="SF1")) == [True]


@pytest.mark.parametrize("nothing", ["N/A", "-", "none", "无", "0"])
def test_what_is_no_number_makes_no_two_parcels_one(nothing: str) -> None:
    told = [left(name, after, tracking=nothing) for name, after in (("p1", 0), ("p2", 1))]
    assert arrivals(*told, arrived("p1", tracking=nothing)) == [True, False]
    assert [each.tracking for each in parcels(*told)] == [None, None]


def test_told_by_id_alone_when_it_leaves_and_by_a_number_that_nobody_knows_when_it_arrives() -> None:
    assert arrivals(left("p1"), arrived(tracking="SF1")) == [True]
    assert arrivals(left(), arrived(tracking="SF1")) == [True]


def test_what_left_first_arrives_first_if_nothing_else_is_known() -> None:
    assert arrivals(left("p1", 1), left("p2"), arrived(tracking="SF1")) == [False, True]


def test_an_unknown_number_is_no_parcel_whose_number_is_known() -> None:
    assert arrivals(left("p1", tracking="SF2"), arrived(tracking="SF1")) == [True, False]


def test_an_id_that_nobody_told_is_another_parcel() -> None:
    assert arrivals(left("p1"), arrived("p2")) == [False, True]


def test_two_systems_tell_one_parcel_by_its_number() -> None:
    told = left("255858046", tracking="SF 1-1", names=("#1001.1",)), left(tracking="sf11", after=1)
    (parcel,) = parcels(*told, arrived("#1001.1"))

    assert (parcel.shipped_at, parcel.delivered_at) == (AT, AT + 9 * HOUR)
    assert set(parcel.ids) == {"255858046", "sf11", "#1001.1"}


def test_an_arrival_that_names_both_joins_what_each_system_told() -> None:
    assert arrivals(left("p1"), left(tracking="SF1"), arrived("p1", tracking="SF1")) == [True]


def test_a_corrected_number_leads_to_its_parcel_as_well() -> None:
    told = left("p1", tracking="SF1"), left("p1", tracking="SF2", shown_at=AT + HOUR)

    assert arrivals(*told, arrived(tracking="SF1")) == [True]
    assert parcels(*told, left(tracking="SF1"))[0].tracking == "SF2"


def test_a_number_that_moved_to_another_parcel_is_that_parcels() -> None:
    wrong, right = left("p1", tracking="SF2"), left("p1", tracking="SF1", shown_at=AT + HOUR)
    other = left("p2", 2, tracking="SF2")

    assert arrivals(wrong, right, other, arrived(tracking="SF2")) == [False, True]


def test_what_left_without_a_name_is_the_parcel_that_left_first() -> None:
    assert len(parcels(left(), left("p1", tracking="SF1", after=1))) == 1
    assert arrivals(left(), left("p1", 1), left("p2", 2), arrived("p1")) == [True, False]


def test_a_parcel_named_1_is_one_of_several() -> None:
    assert len(parcels(left("1"), left("2"))) == 2


def test_two_numbers_in_one_field_are_both_its_names() -> None:
    assert arrivals(left("p1", tracking="A1, A2"), arrived(tracking="A2")) == [True]


def test_a_parcel_is_taken_back_by_any_of_its_names() -> None:
    for gone in (taken_back("p1"), taken_back(tracking="SF1"), taken_back("p1", tracking="SF1")):
        assert [each.taken_back for each in parcels(left("p1", tracking="SF1"), gone)] == [True]
    assert [each.taken_back for each in parcels(left(), taken_back())] == [True]


def test_who_only_repeats_the_number_does_not_undo_a_taking_back() -> None:
    told = left("p1", tracking="SF1"), left(tracking="SF1", after=6), taken_back("p1")

    assert [each.taken_back for each in parcels(*told)] == [True]


def test_one_that_left_again_is_on_its_way() -> None:
    again = left("p2", 6, tracking="SF1")

    assert [each.taken_back for each in parcels(left("p1", tracking="SF1"), taken_back("p1"), again)] == [
        False
    ]
    assert [each.taken_back for each in parcels(left("p1"), taken_back("p1"), left("p1", 6))] == [False]


def test_of_two_in_one_box_one_may_be_taken_back() -> None:
    told = [left(id, tracking="SF1", packed={id: 1}) for id in ("p1", "p2")]
    (box,) = parcels(*told, taken_back("p2"))

    assert (box.taken_back, box.packed) == (False, {"p1": 1})


def test_a_failure_is_over_when_it_moves_or_arrives() -> None:
    failed = ParcelMoved(**base(2), parcel="p1", status="failure")
    moved = ParcelMoved(**base(3), parcel="p1", status="in_transit")

    assert [each.failed for each in parcels(left("p1"), failed)] == [True]
    assert [each.failed for each in parcels(left("p1"), failed, moved)] == [False]
    assert [each.failed for each in parcels(left("p1"), failed, arrived("p1"))] == [False]


def test_dashes_spaces_and_capitals_do_not_tell_numbers_apart() -> None:
    assert plain("RM 12-34 gb") == plain("rm1234GB")


# Any parcels, told by two systems, by any of their names, in any order


@st.composite
def told_by_any_name(draw: st.DrawFn) -> tuple[list[bool], list[ParcelEvent]]:
    """Which of some parcels have arrived, and what two systems tell of it, each fact by any of the names."""
    ends, events = list[bool](), list[ParcelEvent]()
    for place in range(draw(st.integers(1, 3))):
        id, number, name = f"25585804{place}", f"RM{place}{place}GB", f"#1001.{place}"
        events.append(left(id, place, tracking=number, names=(name,)))
        if draw(st.booleans()):
            events.append(left(tracking=draw(st.sampled_from([number, number.lower()])), after=place + 0.5))
        ends.append(draw(st.booleans()))
        names = [
            arrived(id),
            arrived(tracking=number),
            arrived(number),
            arrived(name),
            arrived(id, 9, number),
        ]
        if ends[-1]:
            events += draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    repeats = draw(st.lists(st.sampled_from(events), max_size=4))
    return ends, draw(st.permutations([*events, *repeats]))


@settings(max_examples=400, deadline=None)
@given(told_by_any_name())
def test_as_many_parcels_as_left_and_those_arrived_that_arrived(
    case: tuple[list[bool], list[ParcelEvent]],
) -> None:
    ends, events = case
    found = sorted(joined(records(events)), key=lambda each: each.shipped_at or AT)

    assert [each.delivered_at is not None for each in found] == ends


NAMES = ("1", "p1", "p2", "SF1", "SF2", None)


@st.composite
def any_facts(draw: st.DrawFn) -> list[ParcelEvent]:
    events = list[ParcelEvent]()
    for _ in range(draw(st.integers(1, 7))):
        name, number = draw(st.sampled_from(NAMES)), draw(st.sampled_from(("SF1", "SF2", "SF3", None)))
        after = draw(st.integers(0, 6))
        kind = draw(st.sampled_from(["left", "arrived", "taken back", "moved"]))
        if kind == "left":
            last, shown = draw(st.sampled_from((None, True, False))), AT + draw(st.integers(0, 6)) * HOUR
            events.append(left(name, after, tracking=number, last=last, shown_at=shown))
        elif kind == "arrived":
            events.append(arrived(name, after, number))
        elif kind == "taken back":
            events.append(taken_back(name, after, number))
        else:
            status = draw(st.sampled_from(["in_transit", "failure", "attempted_delivery"]))
            events.append(ParcelMoved(**base(after), parcel=name, status=status))
    return events


@settings(max_examples=600, deadline=None)
@given(any_facts(), st.data())
def test_any_facts_in_any_order_and_repeated_give_the_same_parcels(
    events: list[ParcelEvent], data: Any
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=4))
    shuffled = data.draw(st.permutations([*events, *repeats]))

    assert records(shuffled) == records(events)
    assert joined(records(shuffled)) == joined(records(events))


@settings(max_examples=300, deadline=None)
@given(any_facts())
def test_every_record_is_in_exactly_one_parcel(events: list[ParcelEvent]) -> None:
    told = records(events)

    assert sorted(id for each in joined(told) for id in each.ids) == sorted(each.id for each in told)

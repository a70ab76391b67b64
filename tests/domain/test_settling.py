"""What is read as one: words that follow each other soon, counted from the first; each once, in order."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events import AgentReplied, BuyerRef, MessageReceived
from bot.domain.settling import LONGEST, MOST, Arrived, Reading, readings, ready_at
from tests.one_shop import placed, wrote
from tests.world import NOON

SETTLE = timedelta(seconds=4)


def said(text: str, after: float, id: int = 0, alone: bool = False) -> Arrived:
    at = NOON + timedelta(seconds=after)
    return Arrived(id, at, at if alone else at + SETTLE, wrote(text, at))


def half(text: str) -> bool:
    return text.endswith(",")


def texts(found: list[Reading]) -> list[str]:
    return [reading.event.text for reading in found if isinstance(reading.event, MessageReceived)]


def dues(found: list[Reading]) -> list[float]:
    return [(reading.due - NOON).total_seconds() for reading in found]


@pytest.mark.parametrize(
    ("arrived", "read", "due"),
    [
        ([], [], []),
        ([said("hi", 0)], ["hi"], [4]),
        ([said("hi", 0), said("where is it", 3)], ["hi\nwhere is it"], [4]),
        ([said("hi", 0), said("where is it", 4)], ["hi\nwhere is it"], [4]),
        ([said("hi", 0), said("where is it", 4.1)], ["hi", "where is it"], [4, 8.1]),
        # from the first one on, not from one to the next
        ([said("a", 0), said("b", 3), said("c", 6), said("d", 9)], ["a\nb", "c\nd"], [4, 10]),
        # half a sentence waits once more, and no longer
        ([said("so,", 0)], ["so,"], [8]),
        ([said("so,", 0), said("where is it", 7)], ["so,\nwhere is it"], [8]),
        ([said("a", 0), said("so,", 3), said("and,", 7), said("b", 9)], ["a\nso,\nand,", "b"], [8, 13]),
        ([said("so,", 0), said("a", 3), said("b", 7)], ["so,\na", "b"], [4, 11]),
        # a wish is read alone
        ([said("a", 0), said("STOP", 1, alone=True), said("b", 2)], ["a", "STOP", "b"], [4, 1, 6]),
        # but for half a sentence before it, and what follows is a reading of its own
        ([said("please,", 0), said("STOP", 6, alone=True), said("b", 7)], ["please,\nSTOP", "b"], [6, 11]),
        ([said("please,", 0), said("STOP", 9, alone=True)], ["please,", "STOP"], [8, 9]),
        ([said("please,", 0), said("/stop", 1, alone=True)], ["please,", "/stop"], [8, 1]),
        # a clock that went back
        ([said("a", 0), said("b", -30)], ["a\nb"], [4]),
    ],
)
def test_what_follows_soon_is_read_as_one(arrived: list[Arrived], read: list[str], due: list[float]) -> None:
    found = readings(arrived, SETTLE, half)

    assert texts(found) == read
    assert dues(found) == due


def test_so_many_and_such_long_words_are_read_as_one_and_no_more() -> None:
    assert [len(each.parts) for each in readings([said("a", 0)] * (MOST + 3), SETTLE, half)] == [MOST, 3]
    long = [said("a" * (LONGEST // 2), 0)] * 3
    assert [len(each.parts) for each in readings(long, SETTLE, half)] == [1, 1, 1]
    assert texts(readings([said("a" * 2 * LONGEST, 0), said("b", 1)], SETTLE, half))[1:] == ["b"]


def test_the_last_of_them_is_answered_with_the_words_of_all() -> None:
    first, last = said("hi", 0, 1), said("where is it", 3, 2)
    (reading,) = readings([first, last], SETTLE, half)

    assert isinstance(reading.event, MessageReceived)
    assert isinstance(last.event, MessageReceived)
    assert reading.event.message_id == last.event.message_id
    assert reading.event.at == last.event.at


@given(
    st.lists(st.tuples(st.floats(0, 6), st.sampled_from(["a", "b,", "STOP"])), max_size=40),
    st.sampled_from([timedelta(0), timedelta(seconds=1), SETTLE]),
)
def test_each_word_is_read_once_in_order_and_none_waits_longer_than_twice(
    gaps: list[tuple[float, str]], settle: timedelta
) -> None:
    now, arrived = 0.0, []
    for number, (gap, text) in enumerate(gaps):
        now += gap
        arrived.append(said(text, now, number, alone=text == "STOP"))

    found = readings(arrived, settle, half)

    assert [part for reading in found for part in reading.parts] == arrived
    for reading in found:
        first, last = reading.parts[0], reading.parts[-1]
        assert last.received_at - first.received_at <= settle * 2
        assert reading.due - first.received_at <= settle * 2
        assert all(part.joins for part in reading.parts[:-1])
        assert len(reading.parts) == 1 or last.joins or half(texts([Reading(reading.parts[-2:-1], NOON)])[0])


def never(text: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("event", "settle", "alone", "waits"),
    [
        (wrote("hi"), SETTLE, never, True),
        (wrote("hi"), timedelta(0), never, False),
        (wrote("STOP"), SETTLE, lambda text: text == "STOP", False),
        (placed("1001"), SETTLE, never, False),
        (
            AgentReplied(
                channel="web", external_id="a", at=NOON, conversation="1", message_id="a", text="hi"
            ),
            SETTLE,
            never,
            False,
        ),
    ],
)
def test_only_words_of_a_buyer_wait(
    event: object, settle: timedelta, alone: Callable[[str], bool], waits: bool
) -> None:
    assert ready_at(event, NOON, settle, alone) == NOON + (SETTLE if waits else timedelta(0))


@pytest.mark.parametrize("kind", ["button", "edit", "sticker", "other"])
def test_a_button_an_edit_and_a_picture_never_wait(kind: str) -> None:
    event = MessageReceived(
        channel="web",
        external_id="1",
        at=NOON,
        conversation="1",
        message_id="1",
        text="hi",
        kind=kind,
        buyer=BuyerRef(),
    )
    assert ready_at(event, NOON, SETTLE, never) == NOON


def test_the_time_of_the_platform_counts_for_nothing() -> None:
    late: datetime = NOON + timedelta(days=1)
    assert ready_at(wrote("hi", NOON), late, SETTLE, never) == late + SETTLE

"""Sums of a forecast, and what counts as a difference between two."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.forecast import Forecast, Foreseen, by_hour, changes, figures
from bot.domain.messages import Reason

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

said = st.builds(
    Foreseen,
    key=st.uuids().map(str),
    template=st.sampled_from(["review_request", "payment_reminder"]),
    category=st.just("service"),
    buyer=st.sampled_from(["ann", "bob", "cid"]),
    due_at=st.just(NOON),
    at=st.integers(0, 5_000).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    state=st.sampled_from(["sent", "skipped", "withdrawn"]),
    reason=st.sampled_from([None, Reason("stopped")]),
    channel=st.just("webhook"),
    text=st.sampled_from(["one", "two"]),
)


def message(key: str, after: timedelta = timedelta(0), state: str = "sent", text: str = "Hello") -> Foreseen:
    return Foreseen(
        key=key,
        template="thanks",
        category="service",
        buyer="ann",
        due_at=NOON,
        at=NOON + after,
        state=state,
        channel="webhook",
        text=text,
    )


def forecast(*messages: Foreseen) -> Forecast:
    return Forecast(began_at=NOON, until=NOON + 100 * HOUR, messages=messages)


@given(st.lists(said))
def test_every_message_is_counted_once(messages: list[Foreseen]) -> None:
    found = forecast(*messages)
    sums = figures(found)
    assert sum(sums.said.values()) + sum(sums.not_said.values()) == len(messages)
    assert sum(count for _, count in by_hour(found)) == sum(sums.said.values())
    if sums.busiest:
        assert sums.busiest[1] == max(count for _, count in by_hour(found))


@given(st.lists(said))
def test_a_forecast_does_not_differ_from_itself(messages: list[Foreseen]) -> None:
    assert changes(forecast(*messages), forecast(*reversed(messages))) == []


def test_what_waits_is_neither_said_nor_left_out() -> None:
    waits = Foreseen(key="a", template="thanks", category="service", buyer="ann", due_at=NOON, state="queued")
    sums = figures(forecast(waits))
    assert (sums.said, sums.not_said, sums.busiest, sums.hears_most) == ({}, {}, None, None)


def test_who_hears_most_is_named_with_how_much() -> None:
    other = Foreseen(
        key="c", template="x", category="service", buyer="bob", due_at=NOON, at=NOON, state="sent"
    )
    assert figures(forecast(message("a"), message("b"), other)).hears_most == ("ann", 2)


def test_other_words_another_minute_and_silence_are_changes() -> None:
    before = forecast(message("a"), message("b"), message("c"), message("d", state="skipped"))
    after = forecast(
        message("a", text="Good day"), message("b", after=HOUR), message("c", state="skipped"), message("d")
    )
    assert [
        (each.before or each.after).key for each in changes(before, after) if each.before or each.after
    ] == [
        "a",
        "b",
        "c",
        "d",
    ]


def test_seconds_and_what_nobody_hears_are_none() -> None:
    before = forecast(message("a"), message("b", state="skipped"), message("c", state="withdrawn"))
    after = forecast(message("a", after=20 * SECOND), message("b", state="withdrawn"))
    assert changes(before, after) == []

"""In which order a batch is handled, what of it is read as one, and what has to wait."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.events import AnyEvent, MessageReceived
from bot.domain.settling import Arrived
from bot.react.together import Turn, chats_of, in_turn
from storage.inbox import OpenEvent, inbox_event
from tests.one_shop import HOUR, SHOP_ID, placed, wrote
from tests.world import NOON

SETTLE = timedelta(seconds=4)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def said(id: int, text: str, after: float, chat: str = "42") -> Arrived:
    alone = text == "STOP"
    received = at(after)
    return Arrived(id, received, received if alone else received + SETTLE, wrote(text, address=chat))


def fact(id: int, after: float) -> Arrived:
    return Arrived(id, at(after), at(after), placed(str(id)))


def row(each: Arrived) -> OpenEvent:
    body = inbox_event(SHOP_ID, each.event, each.received_at).body.decode()
    return OpenEvent(SHOP_ID, each.id, body, each.received_at, each.ready_at)


def half(text: str) -> bool:
    return text.endswith(",")


def turn(now: float, *claimed: Arrived, beside: Sequence[Arrived] = ()) -> Turn:
    ready = sorted(claimed, key=lambda each: (each.ready_at, each.id))
    return in_turn(ready, [row(each) for each in (*claimed, *beside)], SETTLE, half, at(now))


def read(found: Turn) -> list[str]:
    return [words(reading.event) for reading in found.readings]


def words(event: AnyEvent) -> str:
    return event.text if isinstance(event, MessageReceived) else event.thread


def test_what_is_not_ready_yet_is_read_with_what_is() -> None:
    assert read(turn(4, said(1, "a", 0), beside=[said(2, "b", 2), said(3, "c", 3)])) == ["a\nb\nc"]


def test_what_came_too_late_for_it_stays_open() -> None:
    found = turn(4.5, said(1, "a", 0), beside=[said(2, "b", 4.2)])
    assert (read(found), found.put_off) == (["a"], [])


def test_of_another_chat_nothing_is_read_with_it() -> None:
    found = turn(4.2, said(1, "a", 0), said(2, "b", 0.1, chat="43"))
    assert read(found) == ["a", "b"]


def test_a_wish_lets_what_was_said_before_it_be_read_first_and_what_follows_wait() -> None:
    found = turn(2, said(2, "STOP", 1), beside=[said(1, "a", 0), said(3, "b", 1.5)])
    assert (read(found), found.put_off) == (["a", "STOP"], [])


def test_half_a_sentence_is_put_off_with_all_that_belongs_to_it() -> None:
    first, second = said(1, "hi", 0), said(2, "so,", 2)
    found = turn(4, first, beside=[second])
    assert (read(found), found.put_off) == ([], [(1, at(8)), (2, at(8))])
    assert read(turn(8, first, second, beside=[said(3, "b", 5)])) == ["hi\nso,\nb"]


def test_half_a_sentence_is_read_with_the_wish_that_ends_it_and_waits_no_longer() -> None:
    assert read(turn(4, said(1, "so,", 0), said(2, "STOP", 3))) == ["so,\nSTOP"]


def test_a_backlog_is_read_as_it_would_have_been() -> None:
    backlog = [
        said(1, "a", 0),
        said(2, "b", 3),
        fact(3, 6),
        said(4, "STOP", 7),
        said(5, "c", 9),
        said(6, "d", 15),
    ]
    assert read(turn(3600, *backlog)) == ["a\nb", "order:3", "STOP", "c", "d"]


def test_a_clock_that_was_set_back_delays_nobody() -> None:
    assert read(turn(-3600, said(1, "so,", 0), said(2, "b", 1))) == ["so,\nb"]


def test_what_is_no_event_is_left_for_its_own_time() -> None:
    broken = OpenEvent(SHOP_ID, 2, "{}", at(1), at(5))
    found = in_turn([said(1, "a", 0)], [broken], SETTLE, half, at(4))
    assert read(found) == ["a"]


def test_without_a_settle_time_each_is_read_by_itself() -> None:
    found = in_turn([said(1, "a", 0), said(2, "b", 0)], [], timedelta(0), half, at(HOUR.total_seconds()))
    assert read(found) == ["a", "b"]


def test_only_chats_are_looked_for_what_else_they_say() -> None:
    assert chats_of([fact(1, 0)]) == set()
    assert chats_of([fact(1, 0), said(2, "a", 0)]) == {"chat:telegram:42"}

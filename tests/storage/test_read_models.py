"""What the seller is shown: newest first, in pages, of their own shop alone."""

import pytest
from sqlalchemy import Connection

from bot.domain.actions import OpenCase
from bot.domain.messages import Reason
from storage import case_records, inbox, outbox, read_models
from storage.asking import ask
from storage.inbox import UnreadableDelivery
from storage.read_models import LARGEST_CASE, MessageFilter
from tests.one_shop import (
    HOUR,
    NEIGHBOUR,
    SHOP_ID,
    amend,
    ann,
    chat,
    completed,
    order,
    placed,
    queue,
    save,
    take,
)
from tests.world import NOON


def keys(connection: Connection, limit: int = 9, after: int | None = None, **wanted: object) -> list[str]:
    found = read_models.messages(connection, SHOP_ID, MessageFilter(**wanted), limit, after)
    return [message.key for message in found]


def test_messages_come_newest_first_and_a_page_begins_after_the_last(connection: Connection) -> None:
    queue(connection, "a", "b", "c")
    queue(connection, "theirs", shop=NEIGHBOUR)

    assert keys(connection, limit=2) == ["c", "b"]
    assert keys(connection, after=amend(connection, "b")) == ["a"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"order": "1"}, ["b"]),
        ({"order": "A1"}, ["b"]),
        ({"order": "A2"}, []),
        ({"buyer": "bob"}, ["c"]),
        ({"buyer": "nobody"}, []),
        ({"template": "shipped"}, ["d"]),
        ({"since": NOON + HOUR}, ["d"]),
        ({"states": ("skipped", "sending")}, ["a"]),
        ({"states": ("skipped", "queued"), "buyer": "ann"}, ["d", "b", "a"]),
        ({"states": ("queued", "' OR 1=1 --")}, []),
        ({"template": "\x00"}, []),
    ],
)
def test_a_filter_shows_what_meets_all_of_it(
    wanted: dict[str, object], found: list[str], connection: Connection
) -> None:
    save(connection, ann(), ann(id="bob"), order("1", number="A1"))
    queue(connection, "a", settled=("skipped", Reason("stopped")))
    queue(connection, "b", order="1")
    queue(connection, "c", buyer="bob")
    queue(connection, "d", template="shipped", now=NOON + HOUR)

    assert keys(connection, **wanted) == found


def test_a_message_is_found_by_id_by_public_id_and_by_key(connection: Connection) -> None:
    queue(connection, "a", values={"n": 1}, settled=("skipped", Reason("stopped", {"at": 1})))
    id = amend(connection, "a", facts='{"x": 2}')
    queue(connection, "theirs", shop=NEIGHBOUR)

    for name in (str(id), f"{SHOP_ID}-{id}", "a"):
        message = read_models.message(connection, SHOP_ID, name)
        assert message
        assert (message.name, message.key) == (f"{SHOP_ID}-{id}", "a")
        assert (message.values, message.facts) == ({"n": 1}, {"x": 2})
        assert message.reason == Reason("stopped", {"at": 1})
        assert (message.locale, message.own) == ("en", False)
    for name in (str(id + 1), f"{NEIGHBOUR}-{id}", "theirs", "a\x00"):
        assert read_models.message(connection, SHOP_ID, name) is None, name


def test_failed_sendings_are_shown_in_their_order(connection: Connection) -> None:
    fields = {"shop": SHOP_ID, "at": NOON, "channel": "web", "outcome": "DeliveryDelayed"}
    tries = [(1, 2), (1, 1), (2, 1)]
    failed = [
        outbox.Attempt(message=message, number=number, why="503", **fields) for message, number in tries
    ]
    outbox.mark_failed(connection, [], failed)

    assert [each.number for each in read_models.attempts_of(connection, SHOP_ID, 1)] == [1, 2]


def test_open_and_parked_events_are_shown_and_handled_ones_only_by_their_name(connection: Connection) -> None:
    events = [placed("1"), placed("2"), completed("3")]
    take(connection, *events)
    take(connection, placed("4"), shop=NEIGHBOUR)
    first, second, third = (row.id for row in ask(connection, SHOP_ID, inbox.open_events(9, NOON)))
    ask(connection, SHOP_ID, inbox.settle([(second, "ask", None), (third, None, "broken")], NOON))

    def shown(state: str) -> list[int]:
        return [event.id for event in read_models.events(connection, SHOP_ID, state)]

    assert (shown("open"), shown("parked"), shown("done")) == ([first], [third], [])
    assert read_models.events(connection, SHOP_ID, "open", after=first) == []
    handled = read_models.event_named(connection, SHOP_ID, "web", events[1].external_id)
    assert handled
    assert (handled.id, handled.state, handled.rule) == (second, "done", "ask")
    assert read_models.event(connection, SHOP_ID, second) == handled
    assert read_models.event(connection, NEIGHBOUR, second) is None


def test_a_delivery_that_was_read_after_all_is_not_shown(connection: Connection) -> None:
    fields = {"shop": SHOP_ID, "channel": "web", "headers": "{}", "error": "odd", "received_at": NOON}
    odd = [UnreadableDelivery(external_id=name, body=b"\xff", **fields) for name in "abc"]
    inbox.add_unreadable(connection, odd)
    newest, *_, oldest = read_models.unreadable_deliveries(connection, SHOP_ID)

    inbox.settle_unreadable(connection, SHOP_ID, [oldest.id], NOON)

    left = read_models.unreadable_deliveries(connection, SHOP_ID)
    assert [each.id for each in left] == [newest.id, newest.id - 1]
    assert read_models.unreadable_deliveries(connection, SHOP_ID, limit=1) == [newest]
    assert read_models.unreadable_deliveries(connection, SHOP_ID, after=newest.id) == left[1:]


def test_a_case_names_its_buyer_and_the_chat_they_wrote_in_last(connection: Connection) -> None:
    save(connection, ann(name="Ann", email="a@b"), ann(id="bob", email="b@b"))
    save(connection, chat(address="1", last_in_at=NOON + HOUR), chat(address="2", last_in_at=NOON))
    save(connection, chat("bob", address="3"))
    for key, buyer in (("a", "ann"), ("b", "bob"), ("c", None)):
        opened = OpenCase(kind="complaint", key=key, reason="asked", details={"n": 1})
        case_records.open_case(connection, SHOP_ID, opened, buyer, NOON)
    case_records.close(connection, SHOP_ID, ["b"], NOON)

    def shown(**wanted: object) -> list[str]:
        return [case.key for case in read_models.list_cases(connection, SHOP_ID, **wanted)]

    assert shown() == ["c", "a"]
    assert shown(open_only=False) == ["c", "b", "a"]
    assert shown(open_only=False, after=3, limit=1) == ["b"]
    assert shown(after=LARGEST_CASE + 1) == ["c", "a"]
    found = [read_models.find_case(connection, SHOP_ID, number) for number in (1, 2, 3)]
    assert [case and case.who for case in found] == ["Ann · telegram:1", "b@b", None]
    assert found[0]
    assert found[0].reason == Reason("asked", {"n": 1})
    assert read_models.find_case(connection, SHOP_ID, LARGEST_CASE + 1) is None
    assert read_models.find_case(connection, NEIGHBOUR, 1) is None

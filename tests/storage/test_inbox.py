"""The inbox: each event once, oldest first, open until it is handled."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import Connection, insert

from bot.domain.errors import Unreadable
from storage import inbox, tables
from storage.asking import ask
from storage.database import Database
from storage.inbox import LONGEST_ID, InboxEvent, OpenEvent, UnreadableDelivery, Waiting, inbox_event
from tests.one_shop import HOUR, MINUTE, NEIGHBOUR, SHOP_ID, placed, rows
from tests.world import NOON


def event(name: str, shop: str = SHOP_ID, at: datetime = NOON, body: bytes = b"{}") -> InboxEvent:
    fields = {"channel": "web", "external_id": name, "thread": f"order:{name}", "type": "order.placed"}
    return InboxEvent(shop=shop, body=body, received_at=at, **fields)


def ids_in(connection: Connection, limit: int = 9) -> list[int]:
    return [row.id for row in ask(connection, SHOP_ID, inbox.open_events(limit, NOON))]


def states(connection: Connection) -> list[tuple[object, ...]]:
    return rows(connection, tables.inbox, "external_id", "state", "rule", "error", "handled_at")


def test_of_repeats_the_first_stays_in_one_batch_and_over_two(connection: Connection) -> None:
    inbox.add(connection, [event("a", body=b"1"), event("a", body=b"2")])
    inbox.add(connection, [event("a", body=b"3"), event("b", body=b"4")])
    inbox.add(connection, [event("a", NEIGHBOUR, body=b"5")])
    inbox.add(connection, [])

    assert rows(connection, tables.inbox, "external_id", "body") == [("a", "1"), ("b", "4")]
    assert rows(connection, tables.inbox, "body", shop=NEIGHBOUR) == [("5",)]


def test_what_is_archived_is_known_and_not_stored_again(connection: Connection) -> None:
    archived = {"shop": SHOP_ID, "channel": "web", "external_id": "old"}
    connection.execute(insert(tables.archived_events).values(archived))

    inbox.add(connection, [event("old"), event("new"), event("theirs", NEIGHBOUR)])

    assert rows(connection, tables.inbox, "external_id") == [("new",)]
    assert inbox.known(connection, SHOP_ID, "web", ["old", "new", "theirs", "other"]) == {"old", "new"}
    assert inbox.known(connection, SHOP_ID, "telegram", ["old", "new"]) == set()


def test_open_events_come_in_the_order_they_came_until_they_are_handled(connection: Connection) -> None:
    inbox.add(connection, [event("c"), event("a"), event("b"), event("x", NEIGHBOUR)])
    first, second, third = ids_in(connection)
    assert ids_in(connection, limit=2) == [first, second]

    ask(connection, SHOP_ID, inbox.settle([(first, "ask", None), (second, None, "broken")], NOON))

    assert ids_in(connection) == [third]
    assert states(connection) == [
        ("a", "parked", None, "broken", NOON),
        ("b", "open", None, None, None),
        ("c", "done", "ask", None, NOON),
    ]
    threads = ["order:a", "order:b", "order:c", "order:x"]
    assert ask(connection, SHOP_ID, inbox.open_threads(threads)) == {"order:b"}


def test_parked_events_are_opened_again_one_or_all_and_handled_ones_never(connection: Connection) -> None:
    inbox.add(connection, [event(name) for name in "abcd"])
    done, *parked = ids_in(connection)
    outcomes = [(done, None, None), *((id, None, "broken") for id in parked)]
    ask(connection, SHOP_ID, inbox.settle(outcomes, NOON))

    assert inbox.reopen(connection, SHOP_ID, done) == 0
    assert inbox.reopen(connection, NEIGHBOUR) == 0
    assert inbox.reopen(connection, SHOP_ID, parked[0]) == 1
    assert ids_in(connection) == [parked[0]]
    assert inbox.reopen(connection, SHOP_ID) == 2
    assert states(connection)[1:] == [(name, "open", None, None, None) for name in "bcd"]


def test_shops_that_wait_are_named_once_and_the_oldest_open_event_gives_the_time(
    connection: Connection,
) -> None:
    assert inbox.open_since(connection) is None
    inbox.add(connection, [event("a", at=NOON - HOUR), event("b", at=NOON), event("c", at=NOON)])
    inbox.add(connection, [event("d", NEIGHBOUR, at=NOON - MINUTE), event("e", "zoo", at=NOON)])
    ask(connection, SHOP_ID, inbox.settle([(ids_in(connection)[0], None, None)], NOON))

    assert inbox.waiting(connection, NOON) == Waiting((SHOP_ID, NEIGHBOUR, "zoo"), None)
    assert inbox.open_since(connection) == NOON - MINUTE
    assert inbox.open_count(connection) == 4
    assert inbox.open_count(connection, at_most=3) == 3


def waiting_until(name: str, seconds: float, shop: str = SHOP_ID) -> InboxEvent:
    fields = {"channel": "web", "external_id": name, "thread": "chat:web:1", "type": "message.received"}
    ready_at = NOON + timedelta(seconds=seconds)
    return InboxEvent(shop=shop, body=b"{}", received_at=NOON, ready_at=ready_at, **fields)


def names_in(connection: Connection, found: Iterable[OpenEvent]) -> list[str]:
    named = dict(rows(connection, tables.inbox, "id", "external_id"))
    return [named[row.id] for row in found]


def test_an_event_that_is_not_ready_waits_until_it_is(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.connect() as connection, connection.begin():
        inbox.add(connection, [waiting_until("a", 4), event("b"), waiting_until("c", 2)])
        inbox.add(connection, [waiting_until("d", 3, NEIGHBOUR)])

        def ready(seconds: float, at_most: int = 9) -> list[str]:
            now = NOON + timedelta(seconds=seconds)
            return names_in(connection, ask(connection, SHOP_ID, inbox.open_events(at_most, now)))

        def waiting(seconds: float) -> Waiting:
            return inbox.waiting(connection, NOON + timedelta(seconds=seconds))

        assert [ready(at) for at in (0, 2, 4)] == [["b"], ["b", "c"], ["b", "c", "a"]]
        assert ready(4, at_most=2) == ["b", "c"]
        assert waiting(0) == Waiting((SHOP_ID,), NOON + timedelta(seconds=3))
        assert waiting(3) == Waiting((SHOP_ID, NEIGHBOUR), None)
        assert inbox.open_since(connection) == NOON
        [first] = ask(connection, SHOP_ID, inbox.open_events(1, NOON))
        ask(connection, SHOP_ID, inbox.settle([(first.id, None, None)], NOON))
        assert waiting(0) == Waiting((), NOON + timedelta(seconds=2))
        assert waiting(2) == Waiting((SHOP_ID,), NOON + timedelta(seconds=3))

        [second] = ask(connection, SHOP_ID, inbox.open_events(1, NOON + timedelta(seconds=2)))
        ask(connection, SHOP_ID, inbox.wait_longer([(second.id, NOON + timedelta(seconds=6))]))
        assert [ready(at) for at in (5, 6)] == [["a"], ["a", "c"]]
    database.close()


def test_a_clock_that_was_set_back_lets_nobody_wait(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.connect() as connection, connection.begin():
        inbox.add(connection, [event("a", at=NOON), waiting_until("b", 4)])

        def at(ago: timedelta) -> tuple[list[str], Waiting]:
            found = ask(connection, SHOP_ID, inbox.open_events(9, NOON - ago))
            return names_in(connection, found), inbox.waiting(connection, NOON - ago)

        assert at(HOUR) == (["a", "b"], Waiting((SHOP_ID,), NOON))
        assert at(timedelta(seconds=58)) == (["b"], Waiting((SHOP_ID,), NOON))
        assert at(timedelta(seconds=30)) == ([], Waiting((), NOON))
    database.close()


def test_what_else_is_open_in_a_chat_is_found_the_oldest_first(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.connect() as connection, connection.begin():
        inbox.add(connection, [waiting_until(name, 4) for name in "abc"])
        inbox.add(connection, [event("d"), waiting_until("e", 4, NEIGHBOUR)])

        found = ask(connection, SHOP_ID, inbox.open_in_threads({"chat:web:1"}, 2))

        assert names_in(connection, sorted(found, key=lambda row: row.id)) == ["a", "b"]
        assert ask(connection, SHOP_ID, inbox.open_in_threads(set(), 2)) == []
    database.close()


def test_a_delivery_that_cannot_be_read_is_kept_byte_for_byte_and_once(connection: Connection) -> None:
    fields = {"channel": "web", "external_id": "hash", "headers": "{}", "error": "odd"}
    odd = UnreadableDelivery(shop=SHOP_ID, body=b"\xff\x00", received_at=NOON, **fields)

    inbox.add_unreadable(connection, [odd, msgspec.structs.replace(odd, external_id="other")])
    inbox.add_unreadable(connection, [odd])
    first, second = (id for (id,) in rows(connection, tables.unreadable, "id"))
    inbox.settle_unreadable(connection, SHOP_ID, [first], NOON)
    inbox.settle_unreadable(connection, NEIGHBOUR, [second], NOON)

    assert rows(connection, tables.unreadable, "external_id", "body", "settled_at") == [
        ("hash", b"\xff\x00", NOON),
        ("other", b"\xff\x00", None),
    ]


def test_an_id_that_no_index_holds_is_unreadable() -> None:
    fits = msgspec.structs.replace(placed("1"), external_id="x" * LONGEST_ID)

    assert inbox_event(SHOP_ID, fits, NOON).external_id == fits.external_id
    with pytest.raises(Unreadable):
        inbox_event(SHOP_ID, msgspec.structs.replace(fits, external_id="x" * (LONGEST_ID + 1)), NOON)
    with pytest.raises(Unreadable):
        inbox_event(SHOP_ID, msgspec.structs.replace(fits, order="9" * LONGEST_ID), NOON)

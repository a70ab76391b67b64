"""Many rows in one statement, alike on both databases."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection

from storage import bulk, schema
from storage.database import Database
from storage.tables import buyers, inbox, orders, unreadable
from tests.one_shop import HOUR, NEIGHBOUR, SHOP_ID, rows
from tests.world import NOON


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """As the fixture of this name for all tests, but on each kind of database."""
    database = Database(database_url)
    schema.migrate(database.engine)
    with database.engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()
    database.close()


def buyer(id: str, name: str | None, at: datetime = NOON, **fields: Any) -> dict[str, Any]:
    return {"shop": SHOP_ID, "id": id, "name": name, "created_at": at, **fields}


def event(id: int, name: str, state: str = "open") -> dict[str, Any]:
    row = {"shop": SHOP_ID, "id": id, "channel": "web", "external_id": name, "thread": "t"}
    return row | {"type": "order.paid", "body": "{}", "received_at": NOON, "state": state}


def test_what_is_there_is_left_as_it_is_by_any_of_its_keys(connection: Connection) -> None:
    bulk.insert_new(connection, inbox, [event(1, "a"), event(2, "b")])

    bulk.insert_new(connection, inbox, [event(1, "c"), event(3, "b"), event(4, "d")])

    assert rows(connection, inbox, "id", "external_id") == [(1, "a"), (2, "b"), (4, "d")]


def test_an_upsert_overwrites_the_named_columns_and_leaves_the_others(connection: Connection) -> None:
    bulk.upsert(connection, buyers, [buyer("ann", "Ann", email="a@b"), buyer("bob", "Bob", email="b@b")])

    bulk.upsert(connection, buyers, [buyer("ann", None, agrees=True), buyer("cid", "Cid", agrees=None)])

    assert rows(connection, buyers, "id", "name", "email", "agrees") == [
        ("ann", None, "a@b", True),
        ("bob", "Bob", "b@b", None),
        ("cid", "Cid", None, None),
    ]


def test_an_update_changes_rows_that_are_there_and_meet_the_condition(connection: Connection) -> None:
    bulk.insert_new(connection, inbox, [event(1, "a"), event(2, "b", "parked")])
    new = [{"shop": SHOP_ID, "id": id, "rule": f"r{id}", "handled_at": NOON} for id in (1, 2, 3)]

    bulk.update_rows(
        connection,
        inbox,
        new,
        where="inbox.state = 'open' AND inbox.received_at <= {handled_at}",
        also="state = 'done'",
    )

    assert rows(connection, inbox, "id", "state", "rule", "handled_at") == [
        (1, "done", "r1", NOON),
        (2, "parked", None, None),
    ]


def test_an_update_finds_rows_by_other_columns_where_it_is_asked_to(connection: Connection) -> None:
    bulk.insert_new(connection, inbox, [event(1, "a"), event(2, "b")])
    new = [{"shop": SHOP_ID, "channel": "web", "external_id": "b", "error": "broken"}]

    bulk.update_rows(connection, inbox, new, by=("shop", "channel", "external_id"))

    assert rows(connection, inbox, "id", "error") == [(1, None), (2, "broken")]


def test_times_keep_their_instant_and_texts_lose_only_their_nul(connection: Connection) -> None:
    in_shanghai = (NOON + HOUR).astimezone(timezone(timedelta(hours=8)))

    bulk.upsert(connection, buyers, [buyer("ann", 'A\x00nn "安"\\', in_shanghai)])

    [(name, at)] = rows(connection, buyers, "name", "created_at")
    assert (name, at) == ('Ann "安"\\', NOON + HOUR)
    assert at.utcoffset() == timedelta(0)  # SQLite compares times as text
    with pytest.raises(ValueError, match="no time zone"):
        bulk.upsert(connection, buyers, [buyer("ann", "Ann", NOON.replace(tzinfo=None))])


def test_bytes_are_refused(connection: Connection) -> None:
    with pytest.raises(TypeError, match="body"):
        bulk.insert_new(connection, unreadable, [{"body": b"\xff"}])


def test_of_many_keys_those_are_found_that_the_table_has(connection: Connection) -> None:
    bulk.insert_new(connection, inbox, [event(1, "a"), event(2, "b")])

    found = bulk.existing_keys(connection, inbox, [(SHOP_ID, 1), (SHOP_ID, 3), (NEIGHBOUR, 2)])

    assert found == {(SHOP_ID, 1)}


def test_no_rows_are_no_statement(connection: Connection) -> None:
    bulk.insert_new(connection, buyers, [])
    bulk.upsert(connection, buyers, [])
    bulk.update_rows(connection, buyers, [])

    assert rows(connection, buyers, "id") == []


def test_what_is_there_may_be_changed_in_some_columns_and_on_a_condition(connection: Connection) -> None:
    bulk.upsert(connection, buyers, [buyer("ann", "Ann", NOON), buyer("bob", "Bob", NOON)])

    again = [buyer("ann", "A", NOON - HOUR), buyer("bob", "B", NOON + HOUR), buyer("cid", "Cid", NOON)]
    earlier = "buyers.created_at > {created_at}"
    bulk.insert_or_change(connection, buyers, again, ("created_at",), where=earlier)

    assert rows(connection, buyers, "id", "name", "created_at") == [
        ("ann", "Ann", NOON - HOUR),
        ("bob", "Bob", NOON),
        ("cid", "Cid", NOON),
    ]


def test_an_upsert_overwrites_columns_in_indexes_too_from_and_to_nothing(connection: Connection) -> None:
    def order(id: str, buyer: str | None, placed_at: datetime | None, state: str) -> dict[str, Any]:
        row = {"shop": SHOP_ID, "id": id, "channel": "web", "number": id, "buyer": buyer, "state": state}
        return row | {"placed_at": placed_at, "paid_minor": 0, "refunded_minor": 0, "record": "{}"}

    first = [
        order("1", None, NOON, "unpaid"),
        order("2", "ann", None, "unpaid"),
        order("3", "ann", NOON, "x"),
    ]
    bulk.upsert(connection, orders, first)

    again = [order("1", "ann", None, "paid"), order("2", None, NOON, "paid"), order("3", "bob", NOON, "x")]
    bulk.upsert(connection, orders, again)

    assert rows(connection, orders, "id", "buyer", "placed_at", "state") == [
        ("1", "ann", None, "paid"),
        ("2", None, NOON, "paid"),
        ("3", "bob", NOON, "x"),
    ]

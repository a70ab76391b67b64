"""What many shops ask side by side is what each would have asked alone, in as many statements as one asks."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select

from storage import due_messages, tables
from storage.asking import Asking, Change, Query, Row, ask, ask_together, changed
from storage.bulk import insert_new, insert_numbered
from tests.one_shop import HOUR, queue
from tests.world import NOON

SHOPS = ("beans", "mugs", "teas")


class Known(Row, frozen=True):
    key: str
    due_at: Any


KEYS = Query(
    Known,
    """
    SELECT outbox.shop, outbox.key, outbox.due_at FROM {given} CROSS JOIN outbox
    WHERE outbox.shop = given.shop AND outbox.key = given.key AND outbox.due_at >= :since
        AND (outbox.shop, outbox.key) NOT IN (SELECT but.shop, but.key FROM {but})
    ORDER BY outbox.key
    """,
    given="key",
    but="key",
)


def keys(*wanted: str, but: Any = (), since: Any = NOON) -> Asking[list[str]]:
    found = yield from KEYS.of(wanted, but=but, since=since)
    return [row.key for row in found]


def twice(*wanted: str, once: bool = False) -> Asking[list[str]]:
    found = yield from keys(*wanted)
    return found if once else found + (yield from keys(*wanted, but={"b"}))


@pytest.fixture
def statements(connection: Connection) -> Iterator[list[str]]:
    """What has been sent to the database since."""
    sent: list[str] = []
    engine: Engine = connection.engine

    def remember(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", remember)
    yield sent
    event.remove(engine, "before_cursor_execute", remember)


def fill(connection: Connection) -> None:
    for shop in SHOPS:
        queue(connection, "a", "b", shop=shop)
        queue(connection, f"only {shop}", shop=shop, due_at=NOON + HOUR)
        queue(connection, "old", shop=shop, due_at=NOON - HOUR)


def test_each_shop_gets_its_own_rows_by_one_statement(connection: Connection, statements: list[str]) -> None:
    fill(connection)
    statements.clear()
    asked = {shop: keys("a", "old", f"only {SHOPS[0]}") for shop in SHOPS}

    assert ask_together(connection, asked) == {"beans": ["a", "only beans"], "mugs": ["a"], "teas": ["a"]}
    assert len(statements) == 1


def test_lists_and_values_belong_to_the_shop_that_gives_them(connection: Connection) -> None:
    fill(connection)
    found = ask_together(
        connection,
        {
            "beans": keys("a", "b", but={"a"}),
            "mugs": keys("a", "b", but={"b"}),
            "teas": keys("a", "old", since=NOON - HOUR),
        },
    )

    assert found == {"beans": ["b"], "mugs": ["a"], "teas": ["a", "old"]}


def test_shops_may_take_fewer_steps_and_ask_for_nothing(
    connection: Connection, statements: list[str]
) -> None:
    fill(connection)
    statements.clear()
    asked = {"beans": twice("a", "b"), "mugs": twice("a", "b", once=True), "teas": twice()}

    assert ask_together(connection, asked) == {"beans": ["a", "b", "a"], "mugs": ["a", "b"], "teas": []}
    assert len(statements) == 2
    statements.clear()
    assert ask(connection, "beans", keys()) == []
    assert statements == []


@pytest.mark.parametrize("key", ["a'b", 'a"b', "a%b", "a:b", "a\\b", "茶", "a}b{", "x" * 3000])
def test_a_key_of_any_letters_is_found(connection: Connection, key: str) -> None:
    queue(connection, key, shop="mugs")
    queue(connection, key, shop="te'as")

    assert ask_together(connection, {"mugs": keys(key), "te'as": keys(key)}) == {
        "mugs": [key],
        "te'as": [key],
    }


def test_rows_of_many_shops_are_written_by_one_statement(
    connection: Connection, statements: list[str]
) -> None:
    row = {"channel": "shopify"}
    ask_together(connection, {shop: changed(insert_new, tables.placing_channels, [row]) for shop in SHOPS})

    assert len(statements) == 1
    assert sorted(connection.scalars(select(tables.placing_channels.c.shop))) == [*SHOPS]
    assert row == {"channel": "shopify"}


def test_numbered_rows_have_numbers_of_their_own(connection: Connection) -> None:
    note = {"buyer": "ann", "kind": "note", "text": "x", "at": NOON}
    ask_together(connection, {shop: changed(insert_numbered, tables.notes, [note, note]) for shop in SHOPS})

    assert len(set(connection.scalars(select(tables.notes.c.id)))) == 2 * len(SHOPS)


def test_changes_that_differ_are_not_mixed() -> None:
    one = Change(insert_new, tables.placing_channels, [])
    assert one.group != Change(insert_new, tables.notes, []).group
    assert one.group != Change(insert_numbered, tables.placing_channels, []).group
    assert one.group != Change(insert_new, tables.placing_channels, [], {"where": "x"}).group


def test_the_times_of_both_databases_are_in_utc(connection: Connection) -> None:
    queue(connection, "a", shop="mugs")
    (row,) = ask(connection, "mugs", due_messages.due(NOON, 9))

    assert (row.due_at, row.due_at.utcoffset()) == (NOON, NOON.utcoffset())

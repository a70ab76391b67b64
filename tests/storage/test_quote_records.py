"""Quotes: found by the chat, under whatever name, and by the buyer; numbered through the shop."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, event

from bot.domain.money import Money
from bot.domain.quotes import FIRST, MOST_SHOWN, Goods, Quote
from storage import quote_records
from storage.asking import ask
from tests.one_shop import DAY, NEIGHBOUR, SHOP_ID
from tests.world import NOON

ANN, BOB = ("telegram", "42"), ("telegram", "43")


def quote(number: int, buyer: str = "ann", place: tuple[str, str] = ANN, **known: object) -> Quote:
    fields: dict[str, object] = {
        "goods": Goods(sku="MUG-1", title="Mug", price=Money(6000, "CNY")),
        "quantity": 1,
        "price": Money(5200, "CNY"),
        "opened_at": NOON,
        **known,
    }
    return Quote(number=number, channel=place[0], address=place[1], buyer=buyer, **fields)  # type: ignore[arg-type]


def found(
    connection: Connection, chats: Collection[tuple[str, str]], buyers: Collection[str], shop: str = SHOP_ID
) -> tuple[list[int], int]:
    quotes, following = ask(connection, shop, quote_records.of(chats, buyers))
    return sorted(quotes), following


def test_they_are_found_by_the_chat_and_by_the_buyer(connection: Connection) -> None:
    those = [quote(101), quote(102, "bob"), quote(103, "ann", BOB), quote(104, "bob", BOB)]
    ask(connection, SHOP_ID, quote_records.save(those))
    ask(connection, NEIGHBOUR, quote_records.save([quote(107)]))
    assert found(connection, {ANN}, set()) == ([101, 102], 105)
    assert found(connection, set(), {"ann"}) == ([101, 103], 105)
    assert found(connection, {ANN}, {"ann"}) == ([101, 102, 103], 105)
    assert found(connection, {("web", "42")}, {"carl"}) == ([], 105)
    assert found(connection, {ANN}, set(), NEIGHBOUR) == ([107], 108)


def test_whoever_asks_for_none_asks_nothing(connection: Connection) -> None:
    ask(connection, SHOP_ID, quote_records.save([quote(101)]))
    assert found(connection, set(), set()) == ([], FIRST)


def test_the_first_of_a_shop_has_the_first_number(connection: Connection) -> None:
    assert found(connection, {ANN}, {"ann"}) == ([], FIRST)


def test_it_comes_back_as_it_was_and_is_changed_in_its_place(connection: Connection) -> None:
    ask(connection, SHOP_ID, quote_records.save([quote(101)]))
    used = msgspec.structs.replace(
        quote(101), state="used", order="1001", valid_until=NOON + DAY, postage_free=True
    )
    ask(connection, SHOP_ID, quote_records.save([used]))
    quotes, _ = ask(connection, SHOP_ID, quote_records.of({ANN}, set()))
    assert quotes == {101: used}


def test_of_very_many_the_newest_are_read(connection: Connection) -> None:
    many = range(101, 101 + 3 * MOST_SHOWN)
    ask(connection, SHOP_ID, quote_records.save(map(quote, many)))
    assert found(connection, {ANN}, {"ann"}) == (list(many)[-MOST_SHOWN:], many[-1] + 1)


def test_they_are_found_by_indexes(connection: Connection) -> None:
    statements: list[tuple[str, Any]] = []

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        statements.append((statement, parameters))

    others = (quote(number, f"b{number}", ("telegram", f"{number}")) for number in range(101, 3101))
    ask(connection, SHOP_ID, quote_records.save(others))
    event.listen(connection, "before_cursor_execute", remember)
    ask(connection, SHOP_ID, quote_records.of({ANN}, {"ann"}))
    event.remove(connection, "before_cursor_execute", remember)
    ((statement, parameters),) = statements
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
    plan = "\n".join(str(row[-1]) for row in rows)
    assert all(index in plan for index in ("quotes_of_chat", "quotes_of_buyer"))
    assert not any(whole in plan for whole in ("Seq Scan on quotes", "SCAN quotes"))

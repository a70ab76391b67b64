"""Cases: numbered in each shop, opened once for each key, closed once."""

from msgspec.structs import replace
from sqlalchemy import Connection

from bot.domain.actions import OpenCase
from bot.domain.context import Case
from storage import case_records
from storage.asking import ask
from storage.tables import cases
from tests.one_shop import HOUR, NEIGHBOUR, SHOP_ID, rows
from tests.world import NOON


def open_case(
    connection: Connection,
    key: str,
    buyer: str | None = "ann",
    shop: str = SHOP_ID,
    order: str = "1001",
) -> Case | None:
    opened = OpenCase(kind="complaint", key=key, reason="asked", order=order)
    return case_records.open_case(connection, shop, opened, buyer, NOON)


def open_keys(
    connection: Connection, *buyers: str, about: tuple[str, ...] = ()
) -> list[tuple[str | None, str]]:
    found = ask(connection, SHOP_ID, case_records.open_of(buyers, about))
    return [(buyer, case.key) for buyer, case in found]


def test_each_shop_counts_its_cases_from_one(connection: Connection) -> None:
    first, second = open_case(connection, "a"), open_case(connection, "b")
    theirs = open_case(connection, "a", shop=NEIGHBOUR)

    assert first == Case(number=1, kind="complaint", key="a", reason="asked", opened_at=NOON, order="1001")
    assert (second and second.number, theirs and theirs.number) == (2, 1)


def test_a_key_opens_one_case_ever_even_when_that_was_closed(connection: Connection) -> None:
    open_case(connection, "a")
    case_records.close(connection, SHOP_ID, ["a"], NOON)

    assert open_case(connection, "a") is None
    assert rows(connection, cases, "key", "closed_at") == [("a", NOON)]


def test_a_buyers_open_cases_come_in_the_order_of_their_numbers(connection: Connection) -> None:
    for key, buyer in (("b", "ann"), ("a", "ann"), ("c", "bob"), ("d", None)):
        open_case(connection, key, buyer)
    case_records.close(connection, SHOP_ID, ["c"], NOON)

    assert open_keys(connection, "ann", "bob") == [("ann", "b"), ("ann", "a")]
    assert open_keys(connection) == []


def test_the_open_cases_about_an_order_are_found_whoevers_they_are_each_once(connection: Connection) -> None:
    for key, buyer in (("a", "bob"), ("b", "ann"), ("c", None), ("d", "bob")):
        open_case(connection, key, buyer, order="2" if key == "d" else "1001")
    case_records.close(connection, SHOP_ID, ["c"], NOON)
    open_case(connection, "e", shop=NEIGHBOUR)

    wanted = [("bob", "a"), ("ann", "b")]
    assert open_keys(connection, about=("1001",)) == wanted
    assert open_keys(connection, "ann", about=("1001",)) == wanted
    assert open_keys(connection, "bob") == [("bob", "a"), ("bob", "d")]


def test_what_is_closed_again_keeps_the_time_at_which_it_was_closed(connection: Connection) -> None:
    open_case(connection, "a")
    open_case(connection, "b")
    open_case(connection, "a", shop=NEIGHBOUR)

    case_records.close_numbered(connection, SHOP_ID, 1, NOON)
    case_records.close_numbered(connection, SHOP_ID, 1, NOON + HOUR)
    case_records.close(connection, SHOP_ID, ["a"], NOON + HOUR)
    case_records.close(connection, SHOP_ID, [], NOON + HOUR)

    assert rows(connection, cases, "key", "closed_at") == [("a", NOON), ("b", None)]
    assert rows(connection, cases, "key", "closed_at", shop=NEIGHBOUR) == [("a", None)]


def test_of_open_cases_those_wait_that_nobody_answered_since_the_buyer_wrote_last(
    connection: Connection,
) -> None:
    for key in "abcd":
        open_case(connection, key)
    open_case(connection, "a", shop=NEIGHBOUR)
    known = {case.key: case for _, case in ask(connection, SHOP_ID, case_records.open_of({"ann"}, ()))}
    answered = {"a": (NOON, NOON + HOUR), "b": (NOON + HOUR, NOON), "c": (NOON, NOON)}
    said = [replace(known[key], asked_at=at, answered_at=by) for key, (at, by) in answered.items()]
    ask(connection, SHOP_ID, case_records.save_talk(said))
    assert case_records.waiting(connection) == {SHOP_ID: 2, NEIGHBOUR: 1}
    case_records.close(connection, SHOP_ID, ["b", "d"], NOON)
    assert case_records.waiting(connection) == {NEIGHBOUR: 1}

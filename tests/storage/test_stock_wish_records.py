"""The wishes for what is sold out: one for each chat and item, told once unless nobody heard it."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import Connection

from bot.domain.stock_wishes import StockWish
from storage import stock_wish_records as records
from storage.asking import ask
from storage.stock_wish_records import Restock
from tests.one_shop import DAY, HOUR, NEIGHBOUR, NOON, SHOP_ID

REPLACE = msgspec.structs.replace
ANN = StockWish(
    sku="POT", channel="web", address="ann", title="Pot", asked_at=NOON, lapses_at=NOON + 60 * DAY
)
BOB = REPLACE(ANN, address="bob", asked_at=NOON + HOUR, lapses_at=NOON + 60 * DAY + HOUR)
KEY = ("POT", "web", "ann")


def waiting(connection: Connection, at: timedelta = HOUR, limit: int = 9) -> list[str]:
    found = records.longest_waiting(connection, SHOP_ID, "POT", NOON + at, limit)
    return [wish.address for wish in found]


@pytest.fixture(autouse=True)
def _asked(connection: Connection) -> None:
    ask(connection, SHOP_ID, records.save([BOB, ANN]))
    ask(connection, NEIGHBOUR, records.save([REPLACE(ANN, address="eve", sku="CUP")]))


def test_the_longest_waiting_come_first_until_they_lapse(connection: Connection) -> None:
    assert waiting(connection) == ["ann", "bob"]
    assert waiting(connection, limit=1) == ["ann"]
    assert waiting(connection, at=60 * DAY) == ["bob"]
    assert ask(connection, SHOP_ID, records.waited_for({"POT", "CUP"})) == {"POT"}
    ask(connection, SHOP_ID, records.end([KEY], NOON))
    assert waiting(connection) == ["bob"]


def test_who_was_told_waits_no_more_unless_they_ask_anew(connection: Connection) -> None:
    records.mark_told(connection, SHOP_ID, [ANN, BOB], NOON + HOUR)
    assert waiting(connection) == []
    assert ask(connection, SHOP_ID, records.waited_for({"POT"})) == set()
    anew = REPLACE(ANN, asked_at=NOON + 2 * HOUR)
    ask(connection, SHOP_ID, records.save([anew]))
    records.mark_told(connection, SHOP_ID, [ANN], NOON + 3 * HOUR)  # by who read it before
    assert waiting(connection) == ["ann"]
    assert ask(connection, SHOP_ID, records.of({KEY})) == {KEY: anew}


def test_only_the_wish_that_was_judged_is_opened_again(connection: Connection) -> None:
    records.mark_told(connection, SHOP_ID, [ANN, BOB], NOON + HOUR)
    records.reopen(connection, SHOP_ID, [ANN, REPLACE(BOB, asked_at=NOON)])
    records.reopen(connection, SHOP_ID, [ANN])
    assert waiting(connection) == ["ann"]
    assert ask(connection, SHOP_ID, records.of({KEY}))[KEY].tries == 1


def test_an_item_that_is_back_is_looked_at_until_it_ends(connection: Connection) -> None:
    ask(connection, SHOP_ID, records.restock(["POT"], NOON))
    ask(connection, NEIGHBOUR, records.restock(["CUP"], NOON + HOUR))
    (item,) = records.due_restocks(connection, NOON, 9)
    assert item == Restock(SHOP_ID, "POT", NOON, None)
    records.put_off(connection, item, NOON + DAY, 3)
    assert [one.sku for one in records.due_restocks(connection, NOON + HOUR, 9)] == ["CUP"]
    assert records.next_restock(connection) == NOON + HOUR
    ask(connection, SHOP_ID, records.restock(["POT"], NOON))
    assert [one.room for one in records.due_restocks(connection, NOON, 9)] == [None]
    records.end_restock(connection, item)
    assert records.due_restocks(connection, NOON, 9) == []


def test_wishes_that_lapsed_are_forgotten_a_few_at_a_time(connection: Connection) -> None:
    assert records.forget(connection, shop=SHOP_ID, before=NOON + 60 * DAY, limit=9) == 0
    assert records.forget(connection, shop=SHOP_ID, before=NOON + 61 * DAY, limit=1) == 1
    assert records.forget(connection, shop=SHOP_ID, before=NOON + 61 * DAY, limit=9) == 1
    assert ask(connection, NEIGHBOUR, records.waited_for({"CUP"})) == {"CUP"}

"""What is for sale: each product as its source told it, found by sku and by rare words, of one shop alone."""

from sqlalchemy import Connection

from bot.domain.products import Item, Telling
from storage import product_records
from storage.asking import ask
from storage.product_records import RARE, Source
from tests.one_shop import HOUR, NEIGHBOUR, NOON, SHOP_ID

MUG = Telling(at=NOON, items=(Item(sku="MUG-1", title="Blue mug", stock=3),), seen=("MUG-1",))
AT: Source = ("shop", "7")


def keep(connection: Connection, source: Source, telling: Telling, *words: str, shop: str = SHOP_ID) -> None:
    ask(connection, shop, product_records.save({source: telling}))
    skus = [(source, sku) for sku in telling.seen]
    ask(connection, shop, product_records.add_words([(source, word) for word in words], skus))


def test_a_product_comes_back_as_it_was_told_last(connection: Connection) -> None:
    keep(connection, AT, MUG)
    later = Telling(at=NOON + HOUR, seen=("MUG-1",))
    keep(connection, ("shop", "8"), MUG)
    keep(connection, AT, later)
    assert ask(connection, SHOP_ID, product_records.by_source({AT})) == {AT: later}
    assert ask(connection, SHOP_ID, product_records.by_source(set())) == {}


def test_products_are_found_by_sku_whatever_its_case_in_their_own_shop(connection: Connection) -> None:
    keep(connection, AT, MUG)
    keep(connection, ("import", "MUG-1"), MUG, "blue")
    keep(connection, AT, MUG, shop=NEIGHBOUR)
    found = ask(connection, SHOP_ID, product_records.by_sku({"mug-1"}))
    assert found == {AT: MUG, ("import", "MUG-1"): MUG}
    assert ask(connection, SHOP_ID, product_records.by_sku({"blue"})) == {}


def test_rare_words_find_products_and_common_ones_do_not(connection: Connection) -> None:
    for number in range(RARE + 1):
        keep(connection, ("shop", str(number)), MUG, "mug", *(("blue",) if number < 2 else ()))
    assert not ask(connection, NEIGHBOUR, product_records.any_told())
    assert ask(connection, SHOP_ID, product_records.any_told())
    found, times = ask(connection, SHOP_ID, product_records.by_name((), {"mug", "blue", "green"}))
    assert set(found) == {("shop", "0"), ("shop", "1")}
    assert times == {"blue": 2}
    assert ask(connection, SHOP_ID, product_records.by_name((), ())) == ({}, {})
    found, _ = ask(connection, SHOP_ID, product_records.by_name({"Mug-1"}, ()))
    assert len(found) == RARE + 1

"""Figures are read from the shop's records, compared with what is kept, and changed where they differ."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, update

from bot.domain.money import Money
from bot.domain.payments import Refund
from bot.domain.shop import Shop
from bot.domain.wishes import Wish
from storage import figure_records, order_records, tables, wish_records
from storage.asking import ask
from storage.database import Database
from storage.figure_records import Changes
from storage.wish_records import WishRecord
from tests.one_shop import (
    DAY,
    HOUR,
    MINUTE,
    NEIGHBOUR,
    SHOP_ID,
    ann,
    bob,
    chat,
    order,
    placed,
    rows,
    save,
    take,
)
from tests.react.test_nights import paid
from tests.world import NOON

SHOP = Shop(name="Mug House", locale="en", timezone="UTC", vip={"tiers": [{"name": "gold", "orders": 3}]})

orders = st.lists(
    st.tuples(
        st.sampled_from(("ann", "bob")),
        st.integers(0, 20_000),
        st.integers(0, 800),
        st.sampled_from((0, 100, 20_000)),
        st.sampled_from(("CNY", "USD")),
    ),
    max_size=8,
)


def changes(connection: Connection, whole: bool = True, now: Any = NOON) -> Changes:
    return figure_records.changes_of_page(connection, SHOP_ID, SHOP, "", 100, now, whole)


def sum_up(connection: Connection, whole: bool = True) -> None:
    figure_records.save(connection, SHOP_ID, changes(connection, whole))


@given(orders)
def test_what_was_bought_lately_is_what_promotions_count(sqlite_database: Database, drawn: Any) -> None:
    with sqlite_database.engine.connect() as connection, connection.begin() as transaction:
        save(connection, ann(), bob())
        for number, (buyer, minor, days, back, currency) in enumerate(drawn):
            made = paid(str(number), buyer, minor, NOON - timedelta(days=days))
            refund = Refund(id="r", at=NOON, amount=Money(back, currency), source="web")
            made = order(
                made.id,
                buyer,
                placed_at=made.placed_at,
                shown_at=made.shown_at,
                total=Money(minor, currency),
                payments=tuple(
                    type(part)(id=part.id, at=part.at, amount=Money(minor, currency), source="web")
                    for part in made.payments
                ),
                refunds=(refund,) if back else (),
            )
            save(connection, made)
        since = NOON - SHOP.vip.period
        counted = order_records.standings(connection, SHOP_ID, ("ann", "bob"), since, "CNY")
        found = {each.buyer: each for each in changes(connection).saved}

        assert set(found) == {"ann", "bob"}
        for buyer, each in found.items():
            assert (each.lately_orders, each.lately_spent_minor) == counted.get(buyer, (0, 0))
        sum_up(connection)
        for whole in (True, False):  # nothing differs from what is kept
            assert changes(connection, whole) == Changes(read=2)
        fresh = figure_records.fresh(connection, SHOP_ID, SHOP, ["ann", "bob", "nobody"], NOON)
        assert fresh == found
        transaction.rollback()


def test_only_what_differs_is_written_and_who_is_gone_is_deleted(connection: Connection) -> None:
    save(connection, ann(), bob(), paid("1", "ann"), paid("2", "bob"), chat("ann", last_in_at=NOON))
    save(connection, ann(), paid("1", "ann"), shop=NEIGHBOUR)
    sum_up(connection)
    assert rows(connection, tables.figures, "buyer", "orders", "channels") == [
        ("ann", 1, "|telegram|web|"),
        ("bob", 1, "|web|"),
    ]
    assert rows(connection, tables.items, "sku", "title") == [(" mug ", " a mug ")]

    save(connection, paid("3", "ann", sku="pot"))
    found = changes(connection)
    assert [each.buyer for each in found.saved] == ["ann"]
    assert [len(things) for things in found.bought.values()] == [2]
    assert changes(connection, whole=False).bought == {}

    figure_records.save(connection, SHOP_ID, found)
    connection.execute(update(tables.buyers).where(tables.buyers.c.id == "bob").values(joined_to="ann"))
    assert changes(connection).gone == ("bob",)
    figure_records.save(connection, SHOP_ID, changes(connection))
    assert {buyer for buyer, _ in rows(connection, tables.bought, "buyer", "item")} == {"ann"}


def test_a_buyer_agrees_by_the_address_that_said_so_last(connection: Connection) -> None:
    save(connection, ann(), bob())

    def say(value: str, buyer: str, yes: bool, at: Any, kind: str = "email") -> None:
        wish = Wish(what="offers", yes=yes, at=at)
        record = WishRecord(
            address=(kind, value), wish=wish, channel="web", event=f"{value}{at}", buyer=buyer
        )
        ask(connection, SHOP_ID, wish_records.add([record], NOON))

    say("ann@mail.example", "ann", True, NOON - DAY)
    say("bob@mail.example", "bob", True, NOON - DAY)
    say("bob@mail.example", "bob", False, NOON - HOUR)
    say("123", "bob", True, NOON, "phone")  # nothing is sent to phones

    assert {each.buyer: each.agrees for each in changes(connection).saved} == {"ann": True, "bob": False}


def test_those_of_whom_something_arrived_are_found_by_what_was_handled(connection: Connection) -> None:
    save(connection, ann(), bob(), paid("1001", "ann"), order("1002@web", "bob"), chat("bob", "42"))
    before = figure_records.newest_event(connection, SHOP_ID)
    take(connection, placed("1001"), placed("1002"), now=NOON)
    assert figure_records.changed_since(connection, SHOP_ID, before, NOON + HOUR) == (before, set())

    connection.execute(update(tables.inbox).values(state="done"))
    upto, changed = figure_records.changed_since(connection, SHOP_ID, before, NOON + HOUR)
    assert changed == {"ann", "bob"}
    assert upto == figure_records.newest_event(connection, SHOP_ID)
    assert figure_records.changed_since(connection, SHOP_ID, before, NOON + MINUTE) == (before, set())
    named = figure_records.changes_of(connection, SHOP_ID, SHOP, changed, NOON)
    assert {each.buyer for each in named.saved} == {"ann", "bob"}


def test_nothing_is_kept_of_who_is_forgotten(connection: Connection) -> None:
    save(connection, ann(), bob(), paid("1", "ann"), paid("2", "bob"))
    sum_up(connection)
    row = {"shop": SHOP_ID, "kind": "kept", "since": NOON, "tier": "gold"}
    connection.execute(insert(tables.tiers), [{**row, "buyer": "ann"}, {**row, "buyer": "bob"}])

    figure_records.forget(connection, SHOP_ID, ["ann"])

    for table in (tables.figures, tables.bought, tables.tiers):
        assert rows(connection, table, "buyer") == [("bob",)]

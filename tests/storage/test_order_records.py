"""Orders are stored whole, and found by id, by number and by buyer."""

import pytest
from sqlalchemy import Connection

from bot.domain.contacts import Contacts, Told
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payments import Paid, Refund
from storage import lookup, order_records
from storage.asking import ask
from storage.database import Database
from tests.one_shop import DAY, HOUR, NEIGHBOUR, SHOP_ID, order, save
from tests.world import NOON


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def test_an_order_comes_back_as_it_was_saved_and_a_later_save_replaces_it(connection: Connection) -> None:
    whole = order("1", number="A1", placed_at=NOON, total=yuan(100), payments=(Paid(id="p", at=NOON),))
    save(connection, order("1"), whole, order("2"))
    save(connection, order("1", number="theirs"), shop=NEIGHBOUR)

    assert ask(connection, SHOP_ID, order_records.by_id({"1", "9"})) == {"1": whole}


def test_a_number_finds_the_orders_that_show_it_and_the_one_whose_id_it_is(connection: Connection) -> None:
    save(connection, order("7", number="A7"), order("8", number="7"), order("9"))
    save(connection, order("10", number="7"), shop=NEIGHBOUR)

    found = ask(connection, SHOP_ID, order_records.by_number({"7", "A7"}))

    assert sorted(each.id for each in found) == ["7", "8"]


@pytest.mark.parametrize("typed", ["F#1001", "f1001", "#F-1001", "Ｆ＃１００１", "订单f1001"])
def test_an_order_is_found_by_a_number_that_is_like_its_own(connection: Connection, typed: str) -> None:
    save(connection, order("1", number="F#1001"), order("2", number="1001"), order("3", number="f/1001"))

    assert {each.id for each in ask(connection, SHOP_ID, order_records.by_number([typed]))} == {"1", "3"}


def test_of_a_buyers_orders_the_newest_come_first_and_no_more_than_are_wanted(connection: Connection) -> None:
    placed = (order(f"{hour}", placed_at=NOON + hour * HOUR) for hour in (2, 1, 3))
    save(connection, *placed, order("bobs", buyer="bob", placed_at=NOON), order("nobodys", buyer=None))

    newest = ask(connection, SHOP_ID, order_records.newest_of({"ann", "bob", "cid"}, at_most=2))

    assert {buyer: [each.id for each in theirs] for buyer, theirs in newest.items()} == {
        "ann": ["3", "2"],
        "bob": ["bobs"],
    }
    ids = ask(connection, SHOP_ID, order_records.ids_of({"ann"}))
    assert {buyer: sorted(theirs) for buyer, theirs in ids.items()} == {"ann": ["1", "2", "3"]}


def test_orders_that_nobody_has_placed_come_last(database_url: str) -> None:
    database = Database(database_url)
    placed = order("placed", number="A", placed_at=NOON)

    def look(connection: Connection) -> tuple[dict[str, tuple[Order, ...]], Order | None]:
        save(connection, order("paid", number="A"), placed)
        newest = ask(connection, SHOP_ID, order_records.newest_of({"ann"}, at_most=1))
        return newest, lookup.find_order(connection, SHOP_ID, "A")

    found = database.write_now(look)
    database.close()
    assert found == ({"ann": (placed,)}, placed)


def test_a_standing_counts_paid_orders_since_a_day_and_subtracts_what_was_refunded(
    connection: Connection,
) -> None:
    paid = {"placed_at": NOON, "total": yuan(100), "payments": (Paid(id="p", at=NOON),)}
    part = (Refund(id="r", at=NOON, amount=yuan(30)),)
    save(
        connection,
        order("1", **paid),
        order("2", **paid, refunds=part),
        order("early", **paid | {"placed_at": NOON - DAY}),
        order("foreign", **paid | {"total": Money(100, "EUR")}),
        order("unpaid", placed_at=NOON, total=yuan(100)),
        order("cancelled", **paid, cancelled_at=NOON),
        order("refunded", **paid, refunds=(Refund(id="r", at=NOON),)),
    )

    assert order_records.standings(connection, SHOP_ID, {"ann", "bob"}, NOON, "CNY") == {"ann": (2, 170)}


def mailed(id: str, email: str | None = None, phone: str | None = None, at: object = NOON) -> Order:
    told = Contacts(email=Told(email, NOON) if email else None, phone=Told(phone, NOON) if phone else None)
    return order(id, contacts=told, placed_at=at)


def test_orders_are_found_by_the_mailbox_or_the_phone_that_they_have_now(connection: Connection) -> None:
    save(connection, mailed("1", "Ann@Example.com"), mailed("2", phone="+1"), mailed("3", "ann@example.com"))
    save(connection, mailed("4", "ann@example.com"), shop=NEIGHBOUR)
    save(connection, mailed("3", "bob@example.com"), order("5"))

    def found(email: str | None, phone: str | None) -> list[str]:
        return sorted(each.id for each in order_records.of_contact(connection, SHOP_ID, email, phone))

    assert found("ANN@example.com", None) == ["1"]
    assert found("ann@example.com", "+1") == ["1", "2"]
    assert found("bob@example.com", "+1") == ["2", "3"]
    assert found(None, None) == found("", "") == []


def test_of_a_mailbox_with_many_orders_the_newest_are_found(connection: Connection) -> None:
    many = order_records.ORDERS_SHOWN + 1
    save(connection, *(mailed(f"{n}", "ann@example.com", at=NOON + n * HOUR) for n in range(many)))

    found = {each.id for each in order_records.of_contact(connection, SHOP_ID, "ann@example.com", None)}

    assert found == {f"{n}" for n in range(1, many)}


def test_who_names_nobody_gets_nothing(connection: Connection) -> None:
    save(connection, order("1"))

    assert ask(connection, SHOP_ID, order_records.by_id(())) == {}
    assert ask(connection, SHOP_ID, order_records.by_number(())) == []
    assert ask(connection, SHOP_ID, order_records.newest_of(())) == {}
    assert ask(connection, SHOP_ID, order_records.ids_of(())) == {}
    assert order_records.standings(connection, SHOP_ID, (), NOON, "CNY") == {}

"""Orders are stored whole, and found by id, by number and by buyer."""

from sqlalchemy import Connection

from bot.domain.money import Money
from bot.domain.payments import Paid, Refund
from storage import order_records
from tests.one_shop import DAY, HOUR, NEIGHBOUR, SHOP_ID, order, save
from tests.world import NOON


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def test_an_order_comes_back_as_it_was_saved_and_a_later_save_replaces_it(connection: Connection) -> None:
    whole = order("1", number="A1", placed_at=NOON, total=yuan(100), payments=(Paid(id="p", at=NOON),))
    save(connection, order("1"), whole, order("2"))
    save(connection, order("1", number="theirs"), shop=NEIGHBOUR)

    assert order_records.by_id(connection, SHOP_ID, {"1", "9"}) == {"1": whole}


def test_a_number_finds_the_orders_that_show_it_and_the_one_whose_id_it_is(connection: Connection) -> None:
    save(connection, order("7", number="A7"), order("8", number="7"), order("9"))
    save(connection, order("10", number="7"), shop=NEIGHBOUR)

    found = order_records.by_number(connection, SHOP_ID, {"7", "A7"})

    assert sorted(each.id for each in found) == ["7", "8"]


def test_of_a_buyers_orders_the_newest_come_first_and_no_more_than_are_wanted(connection: Connection) -> None:
    placed = (order(f"{hour}", placed_at=NOON + hour * HOUR) for hour in (2, 1, 3))
    save(connection, *placed, order("bobs", buyer="bob", placed_at=NOON), order("nobodys", buyer=None))

    newest = order_records.newest_of(connection, SHOP_ID, {"ann", "bob", "cid"}, at_most=2)

    assert {buyer: [each.id for each in theirs] for buyer, theirs in newest.items()} == {
        "ann": ["3", "2"],
        "bob": ["bobs"],
    }
    ids = order_records.ids_of(connection, SHOP_ID, {"ann"})
    assert {buyer: sorted(theirs) for buyer, theirs in ids.items()} == {"ann": ["1", "2", "3"]}


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


def test_who_names_nobody_gets_nothing(connection: Connection) -> None:
    save(connection, order("1"))

    assert order_records.by_id(connection, SHOP_ID, ()) == {}
    assert order_records.by_number(connection, SHOP_ID, ()) == []
    assert order_records.newest_of(connection, SHOP_ID, ()) == {}
    assert order_records.ids_of(connection, SHOP_ID, ()) == {}
    assert order_records.standings(connection, SHOP_ID, (), NOON, "CNY") == {}

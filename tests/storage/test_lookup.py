"""A record is found by whatever a seller calls it."""

import pytest
from sqlalchemy import Connection, update

from bot.domain.contacts import Contacts, Told
from storage import buyer_records, lookup
from storage.asking import ask
from storage.tables import buyers
from tests.one_shop import HOUR, NEIGHBOUR, SHOP_ID, ann, bob, order, save
from tests.world import NOON


def test_an_orders_own_id_goes_before_a_number_and_of_one_number_the_newest_counts(
    connection: Connection,
) -> None:
    save(
        connection,
        order("1", number="7", placed_at=NOON),
        order("2", number="7", placed_at=NOON + HOUR),
        order("3", number="1", placed_at=NOON + HOUR),
    )
    save(connection, order("9"), shop=NEIGHBOUR)

    def found(name: str) -> str | None:
        order = lookup.find_order(connection, SHOP_ID, name)
        return order.id if order else None

    assert found("7") == "2"
    assert found("1") == "1"
    assert found("9") is None
    assert found("1\x00") is None
    assert sorted(lookup.orders_numbered(connection, SHOP_ID, "7")) == ["1", "2"]


def test_a_buyer_is_found_by_id_by_address_and_by_channel_and_address(connection: Connection) -> None:
    save(connection, ann(), bob())
    connection.execute(update(buyers).where(buyers.c.id == "bob").values(joined_to="ann"))
    theirs = {
        ("guest of web", "ann@example.com"): "ann",
        ("telegram", "42"): "ann",
        ("web", "42"): "cid",
    }
    ask(connection, SHOP_ID, buyer_records.add_identities(theirs))
    ask(connection, NEIGHBOUR, buyer_records.add_identities({("telegram", "+1"): "dan"}))

    for name in ("ann", "bob", "Ann@Example.com", "telegram:42", "guest of web:ann@example.com", "42"):
        assert lookup.find_buyer(connection, SHOP_ID, name) == "ann", name
    assert lookup.find_buyer(connection, SHOP_ID, "web:42") == "cid"
    for name in ("nobody", "telegram:", "web:43", "+1", "42\x00", "\ud800"):
        assert lookup.find_buyer(connection, SHOP_ID, name) is None, name


def test_a_contact_finds_the_buyer_of_the_newest_order_with_it(connection: Connection) -> None:
    contacts = Contacts(email=Told("Ann@Example.com", NOON), phone=Told("+1", NOON))
    save(connection, order("1", "ann", contacts=contacts, placed_at=NOON))
    save(connection, order("2", "bob", contacts=contacts, placed_at=NOON + HOUR))
    save(connection, order("3", None, contacts=contacts, placed_at=NOON + 2 * HOUR))
    save(connection, order("4", "cid", contacts=contacts, placed_at=NOON + 2 * HOUR), shop=NEIGHBOUR)

    for name in ("ann@example.COM", "+1"):
        assert lookup.find_buyer(connection, SHOP_ID, name) == "bob"
    assert lookup.find_buyer(connection, SHOP_ID, "+2") is None


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("0", 0),
        (str(lookup.LARGEST_ID), lookup.LARGEST_ID),
        (str(lookup.LARGEST_ID + 1), None),
        ("1" * 20, None),
        ("-1", None),
        ("１", None),
        ("", None),
    ],
)
def test_an_id_is_a_number_that_its_column_holds(text: str, id: int | None) -> None:
    assert lookup.id_in(text) == id


def test_orders_are_called_by_the_number_that_buyers_see(connection: Connection) -> None:
    save(connection, order("1", number="#7"), order("2"))

    assert lookup.numbers_of(connection, SHOP_ID, {"1", "9"}) == {"1": "#7"}
    assert lookup.numbers_of(connection, NEIGHBOUR, {"1"}) == {}
    assert lookup.numbers_of(connection, SHOP_ID, set()) == {}

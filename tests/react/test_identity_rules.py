"""The single rules of who is whom: references resolved by what is proved, orders given to their buyers."""

from datetime import datetime

import pytest
from sqlalchemy import Connection

from bot.domain.events import OWN_LINK, BuyerOptedOut, BuyerRef
from bot.domain.orders import Order, merge
from bot.react.identities import Identities
from bot.react.merge import Subject, merge_event
from bot.react.wishes import Wishes
from storage import tables
from tests.one_shop import HOUR, NOON, ann, bob, buyer_in, order, placed, rows, save, work_of


def stop_by_link(buyer: str) -> BuyerOptedOut:
    return BuyerOptedOut(channel=OWN_LINK, external_id=f"stop:{buyer}", at=NOON, buyer=BuyerRef(id=buyer))


def identities(connection: Connection) -> set[tuple[str, str, str]]:
    return set(rows(connection, tables.identities, "kind", "value", "buyer"))


# References


def test_a_reference_to_nobody_makes_no_record(connection: Connection) -> None:
    work, who = work_of(connection)
    assert who.resolve("web", BuyerRef(name="Ann"), NOON) is None
    assert work.buyers == {}


def test_a_reference_by_contacts_alone_names_nobody(connection: Connection) -> None:
    work, who = work_of(connection)
    ref = BuyerRef(email="ann@example.com", phone="1", name="Ann")
    assert who.resolve("web", ref, NOON) is None
    work.unit.ask(work.write())
    assert (work.buyers, identities(connection)) == ({}, set())


def test_a_new_buyer_is_made_with_the_id_that_the_channel_gave_and_no_other(connection: Connection) -> None:
    work, who = work_of(connection)
    id = who.resolve("web", BuyerRef(id="7", email="Ann@example.com", phone="1", name="Ann"), NOON)
    assert id is not None
    work.unit.ask(work.write())
    assert (buyer_in(connection, id).name, buyer_in(connection, id).created_at) == ("Ann", NOON)
    assert work.cases[id] == ()
    assert identities(connection) == {("web", "7", id)}


def test_a_repeated_history_makes_the_same_records(connection: Connection) -> None:
    first, again = (work_of(connection)[1].resolve("web", BuyerRef(id="7"), NOON) for _ in range(2))
    other = work_of(connection)[1].resolve("web", BuyerRef(id="8"), NOON)
    elsewhere = work_of(connection)[1].resolve("shop", BuyerRef(id="7"), NOON)
    assert first == again
    assert len({first, other, elsewhere}) == 3
    assert first is not None
    assert len(first) == 20


def test_the_owner_of_an_identity_is_found_and_shown_what_is_new(connection: Connection) -> None:
    work, who = work_of(connection)
    id = who.resolve("web", BuyerRef(id="7", phone="1"), NOON)
    assert who.resolve("web", BuyerRef(id="7", name="Ann"), NOON + HOUR) == id
    assert id is not None
    buyer = work.buyers[id]
    assert (buyer.name, buyer.phone, buyer.shown_at) == ("Ann", "1", NOON + HOUR)


@pytest.mark.parametrize("contact", [{"phone": "1"}, {"email": "ann@example.com"}, {"name": "Ann"}])
def test_a_contact_that_is_shared_joins_nobody_on_any_channel(
    connection: Connection, contact: dict[str, str]
) -> None:
    work, who = work_of(connection)
    ids = {
        who.resolve(channel, BuyerRef(id=id, **contact), NOON)
        for channel, id in (("web", "7"), ("web", "8"), ("telegram", "7"), ("woo", "7"))
    }
    assert len(ids) == 4
    work.unit.ask(work.write())
    assert {(kind, value) for kind, value, _ in identities(connection)} == {
        ("web", "7"),
        ("web", "8"),
        ("telegram", "7"),
        ("woo", "7"),
    }


# Whose order it is


def buyer_of(
    who: Identities, number: str, at: datetime = NOON, channel: str = "web", **ref: str
) -> str | None:
    """The buyer of an order after it was placed with this reference."""
    event = placed(number, at, channel, **ref)
    return who.buyer_of(merge(Order(id=number, channel=channel), event), event.buyer, at)


def test_the_order_of_a_customer_is_theirs(connection: Connection) -> None:
    _, who = work_of(connection)
    assert buyer_of(who, "1", id="7", email="ann@example.com") == who.resolve("web", BuyerRef(id="7"), NOON)


@pytest.mark.parametrize("contact", [{"email": "Ann@example.com"}, {"phone": "1"}])
def test_guests_orders_are_counted_together_by_the_contact_that_they_named(
    connection: Connection, contact: dict[str, str]
) -> None:
    work, who = work_of(connection)
    customer = buyer_of(who, "1", id="7", **contact)
    guest = buyer_of(who, "2", **contact)
    same = {name: value.lower() for name, value in contact.items()}
    assert guest == buyer_of(who, "3", **same)
    elsewhere = buyer_of(who, "4", channel="woo", **contact)
    assert len({customer, guest, elsewhere}) == 3
    work.unit.ask(work.write())
    assert {kind for kind, _, _ in identities(connection)} == {"web", "guest of web", "guest of woo"}


def test_a_guest_who_names_no_contact_is_known_by_the_order(connection: Connection) -> None:
    _, who = work_of(connection)
    assert buyer_of(who, "1", name="Ann") != buyer_of(who, "2", name="Ann")
    assert buyer_of(who, "1", name="Ann") == buyer_of(who, "1", name="Ann")


def test_a_guests_id_is_none_of_the_channels_own(connection: Connection) -> None:
    """A customer whose id reads like a guest's mailbox is another one."""
    _, who = work_of(connection)
    guest = buyer_of(who, "1", email="ann@example.com")
    assert who.resolve("web", BuyerRef(id="ann@example.com"), NOON) != guest


def test_an_order_of_which_nobody_told_the_buyer_has_none(connection: Connection) -> None:
    _, who = work_of(connection)
    assert who.buyer_of(order("1", None), None, NOON) is None
    assert who.buyer_of(order("1", "ann"), None, NOON) == "ann"


def test_what_a_guests_checkout_says_is_shown_in_no_customers_record(connection: Connection) -> None:
    work, who = work_of(connection)
    mine = who.resolve("web", BuyerRef(id="7", name="Ann", email="ann@example.com"), NOON)
    buyer_of(who, "2", NOON + HOUR, name="Mallory", email="ann@example.com", phone="6")
    assert mine is not None
    assert (work.buyers[mine].name, work.buyers[mine].phone) == ("Ann", None)


# Links of an older version


def test_an_older_link_that_was_sent_nobody_knows_where_ends_offers_to_the_record_it_was_joined_to(
    connection: Connection,
) -> None:
    save(connection, ann(email="ann@example.com"), bob())
    connection.execute(tables.buyers.update().where(tables.buyers.c.id == "bob").values(joined_to="ann"))
    links = [stop_by_link("bob"), stop_by_link("nobody")]
    work, who = work_of(connection, *links)
    wishes = Wishes(work)
    assert [merge_event(work, who, wishes, link) for link in links] == [Subject(), Subject()]
    told = wishes.standing(("email", "ann@example.com"))
    assert (told.agrees, told.stopped) == (False, False)

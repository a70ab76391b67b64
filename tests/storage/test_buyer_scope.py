"""Whom a seller means by a name, and what belongs to them: by proof, never by what somebody typed."""

import pytest
from sqlalchemy import Connection, update

from bot.domain.contacts import Contacts, Told
from bot.domain.erasing import Digest
from storage import buyer_records, tables
from storage.asking import ask
from storage.buyer_scope import candidates, present, scope_of, with_digests
from tests.one_shop import SHOP_ID, ann, bob, chat, order, save
from tests.world import NOON

MAIL, PHONE = "ann@example.com", "+8613800000000"
DIGEST = Digest("a secret", SHOP_ID)


def contacts(**said: str) -> Contacts:
    return Contacts(**{name: Told(value, NOON) for name, value in said.items()})


@pytest.fixture
def shop(connection: Connection) -> Connection:
    """Ann with a platform's id and a chat; Bob, whose order names Ann's mail, and who has a phone alone."""
    save(connection, ann(name="Ann", email=MAIL), bob(name="Bob"), chat())
    save(connection, order("1001", contacts=contacts(id="77", email=MAIL, phone=PHONE, name="Ann A.")))
    save(connection, order("2002", "bob", contacts=contacts(id="88", email=MAIL)))
    owners = {("web", "77"): "ann", ("telegram", "42"): "ann", ("web", "88"): "bob"}
    ask(connection, SHOP_ID, buyer_records.add_identities(owners))
    return connection


@pytest.mark.parametrize("name", ["ann", "web:77", "telegram:42", "42"])
def test_what_is_proved_means_one(shop: Connection, name: str) -> None:
    assert [(each.id, each.said) for each in candidates(shop, SHOP_ID, name)] == [("ann", False)]


@pytest.mark.parametrize(
    ("name", "whom"), [(MAIL, ["ann", "bob"]), (MAIL.upper(), ["ann", "bob"]), (PHONE, ["ann"])]
)
def test_what_was_only_said_is_shown_for_what_it_is(shop: Connection, name: str, whom: list[str]) -> None:
    found = candidates(shop, SHOP_ID, name)

    assert sorted(each.id for each in found) == whom
    assert all(each.said for each in found)


@pytest.mark.parametrize("name", ["nobody", "", "web:99", "\x00", "\ud800"])
def test_nobody_is_found_by_what_is_nobodys(shop: Connection, name: str) -> None:
    assert candidates(shop, SHOP_ID, name) == []


def test_only_proved_things_are_theirs_and_shared_addresses_are_not(shop: Connection) -> None:
    scope = scope_of(shop, SHOP_ID, "ann")

    assert scope.orders == ("1001",)
    assert scope.chats == (("telegram", "42"),)
    assert scope.addresses == (("phone", PHONE), ("telegram", "42"), ("web", "77"))
    assert scope.shared == (("email", MAIL),)
    assert MAIL not in scope.words
    assert scope.names == ("Ann", "Ann A.")


def test_a_record_that_was_joined_is_theirs_too(shop: Connection) -> None:
    joined = update(tables.buyers).where(tables.buyers.c.id == "bob").values(joined_to="ann")
    shop.execute(joined)

    scope = scope_of(shop, SHOP_ID, "ann")

    assert (scope.buyers, scope.orders, scope.shared) == (("ann", "bob"), ("1001", "2002"), ())
    assert present(shop, SHOP_ID, "bob") == "ann"


def test_an_order_of_another_system_with_the_same_id_is_not_theirs(shop: Connection) -> None:
    save(shop, order("1001@shopify", "bob"))

    assert scope_of(shop, SHOP_ID, "ann").not_theirs == ("1001@shopify",)


def test_a_buyer_is_known_again_by_hashes(shop: Connection) -> None:
    assert with_digests(shop, SHOP_ID, DIGEST, [DIGEST.address(("web", "77"))]) == ["ann"]
    assert with_digests(shop, SHOP_ID, DIGEST, [DIGEST.order("2002")]) == ["bob"]
    assert with_digests(shop, SHOP_ID, DIGEST, [DIGEST.order("9")]) == []

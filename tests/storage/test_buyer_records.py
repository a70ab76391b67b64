"""Buyers, the addresses that are theirs alone, and the join of two records of one person."""

from sqlalchemy import Connection, update

from bot.domain.actions import OpenCase
from bot.domain.events import OWN_LINK
from storage import buyer_records, case_records
from storage.tables import buyers, cases, conversations, identities, notes, orders, outbox
from tests.one_shop import HOUR, NEIGHBOUR, SHOP_ID, ann, bob, chat, order, order_in, queue, rows, save
from tests.world import NOON


def join(connection: Connection, lost: str, kept: str) -> None:
    connection.execute(update(buyers).where(buyers.c.id == lost).values(joined_to=kept))


def test_a_buyer_comes_back_as_they_were_saved(connection: Connection) -> None:
    saved = ann(name="Ann", email="ann@example.com", agrees=True, agrees_at=NOON, stopped_at=NOON + HOUR)
    save(connection, ann(), saved, bob())
    save(connection, ann(name="theirs"), shop=NEIGHBOUR)

    assert buyer_records.by_id(connection, SHOP_ID, {"ann", "cid"}) == {"ann": saved}
    assert buyer_records.by_id(connection, SHOP_ID, ()) == {}


def test_an_old_id_stands_for_the_buyer_at_the_end_of_all_joins(connection: Connection) -> None:
    save(connection, ann(), bob(), ann(id="cid"))
    join(connection, "ann", "bob")
    join(connection, "bob", "cid")

    assert buyer_records.present_id(connection, SHOP_ID, "ann") == "cid"
    assert buyer_records.present_id(connection, SHOP_ID, "nobody") is None
    assert buyer_records.owners_of_links(connection, SHOP_ID, {"ann", "cid", "nobody"}) == {
        (OWN_LINK, "ann"): "cid",
        (OWN_LINK, "cid"): "cid",
    }


def test_offers_go_page_by_page_to_who_agreed_and_was_not_joined_to_another(connection: Connection) -> None:
    agreed = [ann(id=id, agrees=True) for id in "abcd"]
    save(connection, *agreed, ann(id="e", agrees=False), ann(id="f"))
    join(connection, "c", "d")

    page = buyer_records.agreeing(connection, SHOP_ID, after="a", limit=5)

    assert [each.id for each in page] == ["b", "d"]
    assert [each.id for each in buyer_records.agreeing(connection, SHOP_ID, "", 1)] == ["a"]


def test_an_address_stays_with_its_first_owner(connection: Connection) -> None:
    mail = ("email", "ann@example.com")
    buyer_records.add_identities(connection, SHOP_ID, {mail: "ann"})
    buyer_records.add_identities(connection, SHOP_ID, {mail: "bob", ("web", "7"): "bob"})
    buyer_records.add_identities(connection, NEIGHBOUR, {("phone", "1"): "ann"})

    wanted = [mail, ("web", "7"), ("phone", "1"), ("web", "ann@example.com")]
    assert buyer_records.owners(connection, SHOP_ID, wanted) == {mail: "ann", ("web", "7"): "bob"}
    assert buyer_records.identities_of(connection, SHOP_ID, "ann") == {mail}


def test_two_ids_on_one_platform_are_two_people_but_two_phones_are_not(connection: Connection) -> None:
    def are_two(kind: str, other: str, shop: str = SHOP_ID) -> bool:
        with connection.begin_nested() as undone:
            buyer_records.add_identities(connection, SHOP_ID, {(kind, "1"): "ann"})
            buyer_records.add_identities(connection, shop, {(other, "2"): "bob"})
            answer = buyer_records.are_two_people(connection, SHOP_ID, "ann", "bob")
            undone.rollback()
        return answer

    assert are_two("web", "web")
    assert not are_two("web", "telegram")
    assert not are_two("email", "email")
    assert not are_two("phone", "phone")
    assert not are_two("web", "web", shop=NEIGHBOUR)


def test_the_addresses_of_a_buyer_are_ids_and_chats_and_it_shows_which(connection: Connection) -> None:
    buyer_records.add_identities(connection, SHOP_ID, {("email", "a@b"): "ann", ("web", "9"): "bob"})
    save(connection, chat("ann", "42"))

    found = buyer_records.addresses_of(connection, SHOP_ID, {"ann"})

    assert {buyer: set(theirs) for buyer, theirs in found.items()} == {
        "ann": {("email", "a@b", True), ("telegram", "42", False)}
    }


def test_a_join_moves_all_that_is_stored_and_leaves_an_empty_record_that_points_on(
    connection: Connection,
) -> None:
    save(connection, ann(), bob(), chat("ann"), order("1"), order("2", buyer="bob"))
    buyer_records.add_identities(connection, SHOP_ID, {("web", "7"): "ann"})
    buyer_records.add_notes(connection, SHOP_ID, [("ann", "note", "likes blue"), ("ann", "tag", "vip")], NOON)
    case_records.open_case(connection, SHOP_ID, OpenCase(kind="k", key="k:1", reason="r"), "ann", NOON)
    queue(connection, "hello:1")
    queue(connection, "hello:1", shop=NEIGHBOUR)

    buyer_records.move_all(connection, SHOP_ID, kept="bob", lost="ann")

    for table in (identities, conversations, cases, notes, orders, outbox):
        assert {row for (row,) in rows(connection, table, "buyer")} == {"bob"}, table.name
    assert order_in(connection, "1").buyer == "bob"
    assert rows(connection, buyers, "id", "joined_to") == [("ann", "bob"), ("bob", None)]
    assert rows(connection, outbox, "buyer", shop=NEIGHBOUR) == [("ann",)]


def test_the_same_note_twice_is_two_notes(connection: Connection) -> None:
    buyer_records.add_notes(connection, SHOP_ID, [("ann", "note", "rang")], NOON)
    buyer_records.add_notes(connection, SHOP_ID, [("ann", "note", "rang")], NOON)
    buyer_records.add_notes(connection, SHOP_ID, [], NOON)

    assert rows(connection, notes, "text", "at") == [("rang", NOON)] * 2

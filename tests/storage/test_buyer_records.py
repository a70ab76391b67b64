"""Buyers, the ids that are theirs alone, and the records that were joined to others long ago."""

from sqlalchemy import Connection, update

from storage import buyer_records
from storage.asking import ask
from storage.tables import buyers, notes
from tests.one_shop import HOUR, NEIGHBOUR, SHOP_ID, ann, bob, chat, rows, save
from tests.world import NOON


def join(connection: Connection, lost: str, kept: str) -> None:
    connection.execute(update(buyers).where(buyers.c.id == lost).values(joined_to=kept))


def test_a_buyer_comes_back_as_they_were_saved(connection: Connection) -> None:
    saved = ann(name="Ann", email="ann@example.com", shown_at=NOON + HOUR, told_at={"email": NOON})
    save(connection, ann(), saved, bob())
    save(connection, ann(name="theirs"), shop=NEIGHBOUR)

    assert ask(connection, SHOP_ID, buyer_records.by_id({"ann", "cid"})) == {"ann": saved}
    assert ask(connection, SHOP_ID, buyer_records.by_id(())) == {}


def test_an_old_id_stands_for_the_buyer_at_the_end_of_all_joins(connection: Connection) -> None:
    save(connection, ann(), bob(), ann(id="cid"))
    join(connection, "ann", "bob")
    join(connection, "bob", "cid")

    assert buyer_records.present_id(connection, SHOP_ID, "ann") == "cid"
    assert buyer_records.present_id(connection, SHOP_ID, "nobody") is None


def test_an_id_stays_with_its_first_owner(connection: Connection) -> None:
    guest = ("guest of web", "ann@example.com")
    ask(connection, SHOP_ID, buyer_records.add_identities({guest: "ann"}))
    ask(connection, SHOP_ID, buyer_records.add_identities({guest: "bob", ("web", "7"): "bob"}))
    ask(connection, NEIGHBOUR, buyer_records.add_identities({("telegram", "1"): "ann"}))

    wanted = [guest, ("web", "7"), ("telegram", "1"), ("web", "ann@example.com")]
    assert ask(connection, SHOP_ID, buyer_records.owners(wanted)) == {guest: "ann", ("web", "7"): "bob"}
    assert buyer_records.identities_of(connection, SHOP_ID, "ann") == {guest}


def test_the_addresses_of_a_buyer_are_ids_and_chats_and_it_shows_which(connection: Connection) -> None:
    ask(connection, SHOP_ID, buyer_records.add_identities({("web", "7"): "ann", ("web", "9"): "bob"}))
    save(connection, chat("ann", "42"))

    found = ask(connection, SHOP_ID, buyer_records.addresses_of({"ann"}))

    assert {buyer: set(theirs) for buyer, theirs in found.items()} == {
        "ann": {("web", "7", True), ("telegram", "42", False)}
    }


def test_the_same_note_twice_is_two_notes(connection: Connection) -> None:
    ask(connection, SHOP_ID, buyer_records.add_notes([("ann", "note", "rang")], NOON))
    ask(connection, SHOP_ID, buyer_records.add_notes([("ann", "note", "rang")], NOON))
    ask(connection, SHOP_ID, buyer_records.add_notes([], NOON))

    assert rows(connection, notes, "text", "at") == [("rang", NOON)] * 2

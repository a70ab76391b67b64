"""What chats opened, which links were used, and how often somebody was wrong."""

from sqlalchemy import Connection

from storage import proof_records, tables
from storage.asking import ask
from tests.one_shop import DAY, HOUR, MINUTE, NEIGHBOUR, NOON, SHOP_ID, rows

ANN, BOB = ("telegram", "42"), ("telegram", "43")


def test_a_chat_has_opened_what_it_proved_the_newest_first(connection: Connection) -> None:
    ask(
        connection,
        SHOP_ID,
        proof_records.add_openings({("1", ANN, ""): "digits", ("3", BOB, ""): "link"}, NOON),
    )
    ask(connection, SHOP_ID, proof_records.add_openings({("2", ANN, ""): "link"}, NOON + HOUR))
    ask(connection, NEIGHBOUR, proof_records.add_openings({("4", ANN, ""): "link"}, NOON))
    assert ask(connection, SHOP_ID, proof_records.opened_by({ANN})) == {ANN: [("2", ""), ("1", "")]}
    assert ask(connection, SHOP_ID, proof_records.opened_by({ANN, BOB})) == {
        ANN: [("2", ""), ("1", "")],
        BOB: [("3", "")],
    }
    assert ask(connection, SHOP_ID, proof_records.opened_by(set())) == {}


def test_a_chat_is_known_by_its_channel_and_address_together(connection: Connection) -> None:
    ask(connection, SHOP_ID, proof_records.add_openings({("1", ("telegram", "42"), ""): "digits"}, NOON))
    ask(connection, SHOP_ID, proof_records.add_openings({("2", ("web", "43"), ""): "digits"}, NOON))
    crossed = {("telegram", "43"), ("web", "42")}
    assert ask(connection, SHOP_ID, proof_records.opened_by(crossed)) == {}


def test_an_order_knows_every_chat_that_opened_it(connection: Connection) -> None:
    ask(
        connection,
        SHOP_ID,
        proof_records.add_openings({("1", ANN, ""): "digits", ("1", BOB, ""): "link"}, NOON),
    )
    found = ask(connection, SHOP_ID, proof_records.chats_of({"1", "2"}))
    assert {order: set(chats) for order, chats in found.items()} == {"1": {(ANN, ""), (BOB, "")}}
    assert ask(connection, SHOP_ID, proof_records.chats_of(set())) == {}
    assert ask(connection, NEIGHBOUR, proof_records.chats_of({"1"})) == {}


def test_an_order_is_opened_to_a_chat_once(connection: Connection) -> None:
    for how, at in (("digits", NOON), ("link", NOON + HOUR)):
        ask(connection, SHOP_ID, proof_records.add_openings({("1", ANN, ""): how}, at))
    ask(connection, SHOP_ID, proof_records.add_openings({}, NOON))
    assert rows(connection, tables.openings, "order_id", "how", "at") == [("1", "digits", NOON)]


def test_the_first_chat_that_uses_a_link_keeps_it(connection: Connection) -> None:
    ask(connection, SHOP_ID, proof_records.use_links({("1", "m"): ANN}, NOON))
    ask(
        connection,
        SHOP_ID,
        proof_records.use_links({("1", "m"): BOB, ("1", "n"): BOB, ("2", "m"): BOB}, NOON + HOUR),
    )
    assert proof_records.users_of_links(connection, SHOP_ID, {"1", "2", "3"}) == {
        ("1", "m"): ANN,
        ("1", "n"): BOB,
        ("2", "m"): BOB,
    }
    assert proof_records.users_of_links(connection, SHOP_ID, set()) == {}
    assert proof_records.users_of_links(connection, NEIGHBOUR, {"1"}) == {}


def test_wrong_tries_are_counted_by_order_over_all_chats_and_by_shop(connection: Connection) -> None:
    ask(
        connection,
        SHOP_ID,
        proof_records.add_wrong_tries([("1", ANN), ("1", BOB), ("2", ANN), ("", ANN)], NOON),
    )
    ask(connection, SHOP_ID, proof_records.add_wrong_tries([], NOON))
    ask(connection, NEIGHBOUR, proof_records.add_wrong_tries([("1", ANN)], NOON))
    since = NOON - DAY
    assert ask(connection, SHOP_ID, proof_records.tries_at({"1", "2", "3"}, since)) == {"1": 2, "2": 1}
    assert ask(connection, SHOP_ID, proof_records.tries_at(set(), since)) == {}
    assert proof_records.tries_in_shop(connection, SHOP_ID, since) == 4


def test_a_wrong_try_counts_until_its_day_is_over(connection: Connection) -> None:
    ask(connection, SHOP_ID, proof_records.add_wrong_tries([("1", ANN)], NOON))
    for since, counted in ((NOON - MINUTE, 1), (NOON, 0), (NOON + MINUTE, 0)):
        assert ask(connection, SHOP_ID, proof_records.tries_at({"1"}, since)).get("1", 0) == counted
        assert proof_records.tries_in_shop(connection, SHOP_ID, since) == counted

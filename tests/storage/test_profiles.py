"""A profile holds all that is stored about one buyer or one order of one shop."""

from sqlalchemy import Connection

from bot.domain.actions import OpenCase
from bot.domain.wishes import Wish
from storage import buyer_records, case_records, profiles, wish_records
from storage.asking import ask
from storage.wish_records import WishRecord
from tests.one_shop import HOUR, NEIGHBOUR, SHOP_ID, ann, bob, chat, order, queue, save
from tests.world import NOON


def test_a_buyers_profile_shows_theirs_alone_the_newest_first(connection: Connection) -> None:
    old, new = chat(address="1", last_in_at=NOON), chat(address="2", last_in_at=NOON + HOUR)
    save(
        connection,
        ann(email="A@b", phone="1"),
        bob(),
        old,
        new,
        chat("bob", address="3"),
        order("3", buyer="bob"),
    )
    save(connection, order("1", placed_at=NOON), order("2", placed_at=NOON + HOUR))
    ask(
        connection,
        SHOP_ID,
        buyer_records.add_identities({("web", "7"): "ann", ("guest of web", "a@b"): "ann"}),
    )
    written = [("ann", "note", "rang"), ("ann", "tag", "vip"), ("bob", "tag", "new")]
    ask(connection, SHOP_ID, buyer_records.add_notes(written, NOON))

    profile = profiles.buyer_profile(connection, SHOP_ID, "a@b")

    assert profile
    assert profile.buyer == ann(email="A@b", phone="1")
    assert profile.addresses == (("email", "a@b"), ("phone", "1"), ("web", "7"))
    assert (profile.agrees, profile.stopped) == (None, False)
    assert profile.conversations == (new, old)
    assert [(note.kind, note.text) for note in profile.notes] == [("tag", "vip"), ("note", "rang")]
    assert [each.id for each in profile.orders] == ["2", "1"]


def test_a_buyers_profile_shows_what_any_of_their_addresses_wants(connection: Connection) -> None:
    save(connection, ann(email="A@b"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("web", "7"): "ann"}))
    said = [(("email", "a@b"), "offers", True), (("web", "7"), "all", False), (("email", "x@b"), "all", True)]
    wishes = [
        WishRecord(address=key, wish=Wish(what=what, yes=yes, at=NOON), channel="web", event="e")
        for key, what, yes in said
    ]
    ask(connection, SHOP_ID, wish_records.add(wishes, NOON))

    profile = profiles.buyer_profile(connection, SHOP_ID, "ann")

    assert profile
    assert (profile.agrees, profile.stopped) == (True, True)


def test_an_orders_profile_shows_its_messages_and_its_cases_closed_ones_too(connection: Connection) -> None:
    save(connection, order("1", number="A1"))
    queue(connection, "a", "b", order="1")
    queue(connection, "other", order="2")
    for key, about in (("c", "1"), ("d", "2")):
        opened = OpenCase(kind="complaint", key=key, reason="asked", order=about)
        case_records.open_case(connection, SHOP_ID, opened, "ann", NOON)
    case_records.close(connection, SHOP_ID, ["c"], NOON)

    profile = profiles.order_profile(connection, SHOP_ID, "A1")

    assert profile
    assert profile.order == order("1", number="A1")
    assert [message.key for message in profile.messages] == ["b", "a"]
    assert [case.key for case in profile.cases] == ["c"]


def test_of_what_no_record_is_called_there_is_no_profile(connection: Connection) -> None:
    save(connection, ann(), order("1"), shop=NEIGHBOUR)

    assert profiles.buyer_profile(connection, SHOP_ID, "ann") is None
    assert profiles.order_profile(connection, SHOP_ID, "1") is None

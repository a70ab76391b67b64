"""What each address wants, word for word: appended, read by address, and paged for campaigns."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.domain.wishes import NOTHING_SAID, AddressKey, Wish
from storage import tables, wish_records
from storage.asking import ask
from storage.wish_records import WishRecord
from tests.one_shop import HOUR, NEIGHBOUR, NOON, SHOP_ID, rows

BOX, CHAT, PHONE = ("email", "ann@example.com"), ("telegram", "42"), ("phone", "42")
NO_MORE = Wish(what="all", yes=False, at=NOON)
OFFERS = Wish(what="offers", yes=True, at=NOON)


def said(
    connection: Connection,
    address: AddressKey,
    *wishes: Wish,
    buyer: str | None = None,
    shop: str = SHOP_ID,
    now: datetime = NOON,
    **more: Any,
) -> None:
    records = [
        WishRecord(address=address, wish=wish, channel="web", event="e1", buyer=buyer, **more)
        for wish in wishes
    ]
    ask(connection, shop, wish_records.add(records, now))


def test_a_wish_comes_back_as_it_was_said(connection: Connection) -> None:
    flagged = Wish(what="offers", yes=True, at=NOON, flag="web:7", confirmed=False)
    said(connection, BOX, NO_MORE, flagged, buyer="ann", version="v1", now=NOON + HOUR)
    ask(connection, SHOP_ID, wish_records.add([], NOON))
    found = ask(connection, SHOP_ID, wish_records.of_addresses({BOX}))
    assert set(found) == {BOX}
    assert set(found[BOX]) == {NO_MORE, flagged}
    kept = rows(connection, tables.wishes, "what", "buyer", "channel", "event", "recorded_at", "version")
    assert kept == [
        ("all", "ann", "web", "e1", NOON + HOUR, "v1"),
        ("offers", "ann", "web", "e1", NOON + HOUR, "v1"),
    ]


def test_wishes_are_of_one_address_of_one_shop(connection: Connection) -> None:
    said(connection, CHAT, NO_MORE)
    said(connection, PHONE, OFFERS)  # the same value, of another kind
    said(connection, BOX, NO_MORE, shop=NEIGHBOUR)
    assert ask(connection, SHOP_ID, wish_records.of_addresses({CHAT, BOX})) == {CHAT: [NO_MORE]}
    assert ask(connection, SHOP_ID, wish_records.of_addresses(set())) == {}
    assert ask(connection, SHOP_ID, wish_records.of_addresses({PHONE})) == {PHONE: [OFFERS]}


def test_nothing_that_was_said_before_is_lost(connection: Connection) -> None:
    said(connection, CHAT, NO_MORE)
    said(connection, CHAT, NO_MORE, msgspec.structs.replace(NO_MORE, yes=True, at=NOON + HOUR))
    assert len(ask(connection, SHOP_ID, wish_records.of_addresses({CHAT}))[CHAT]) == 3


def test_what_holds_is_told_for_every_address_that_is_asked_about(connection: Connection) -> None:
    said(connection, CHAT, NO_MORE)
    found = ask(connection, SHOP_ID, wish_records.standings({CHAT, BOX}))
    assert (found[CHAT].stopped_at, found[CHAT].agrees) == (NOON, False)
    assert found[BOX] == NOTHING_SAID


def test_each_wish_is_shown_with_the_time_at_which_it_reached_us(connection: Connection) -> None:
    said(connection, CHAT, NO_MORE, now=NOON + HOUR)
    said(connection, PHONE, OFFERS)
    found = ask(connection, SHOP_ID, wish_records.recorded({CHAT}))
    assert found[CHAT] == [(NO_MORE, NOON + HOUR)]
    assert ask(connection, SHOP_ID, wish_records.recorded(set())) == {}


# Who may want offers


def test_addresses_that_ever_said_yes_to_offers_come_page_by_page_with_their_buyers(
    connection: Connection,
) -> None:
    said(connection, CHAT, OFFERS, buyer="bob")
    said(connection, BOX, OFFERS, buyer="bob")
    said(connection, BOX, OFFERS, buyer="ann")
    said(connection, PHONE, OFFERS)  # whose it is, nobody told
    said(connection, ("email", "no@example.com"), msgspec.structs.replace(OFFERS, yes=False), buyer="cy")
    said(connection, ("email", "stop@example.com"), msgspec.structs.replace(NO_MORE, yes=True), buyer="cy")
    said(connection, ("email", "their@example.com"), OFFERS, buyer="ann", shop=NEIGHBOUR)
    whole = [(BOX, ("ann", "bob")), (PHONE, ()), (CHAT, ("bob",))]
    assert wish_records.wanting_offers(connection, SHOP_ID, ("", ""), 10) == whole
    assert wish_records.wanting_offers(connection, SHOP_ID, ("", ""), 2) == whole[:2]
    assert wish_records.wanting_offers(connection, SHOP_ID, PHONE, 2) == whole[2:]
    assert wish_records.wanting_offers(connection, SHOP_ID, CHAT, 2) == []

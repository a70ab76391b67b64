"""Chats, found by their place and by their buyer."""

from datetime import datetime

import msgspec
import pytest
from sqlalchemy import Connection

from storage import conversation_records
from storage.asking import ask
from tests.one_shop import HOUR, NEIGHBOUR, SHOP_ID, chat, chat_in, save
from tests.world import NOON


def test_a_chat_is_found_by_channel_and_address_together(connection: Connection) -> None:
    whole = chat(address="1", last_in_at=NOON, human_until=NOON + HOUR, tries=2, tries_since=NOON)
    save(connection, chat(address="1"), whole, chat(address="2", channel="webchat"))
    save(connection, chat(address="3"), shop=NEIGHBOUR)

    places = [("telegram", "1"), ("telegram", "2"), ("webchat", "1"), ("telegram", "3")]
    assert ask(connection, SHOP_ID, conversation_records.by_place(places)) == {("telegram", "1"): whole}


def test_the_chat_that_a_buyer_last_wrote_in_comes_first_and_the_silent_one_last(
    connection: Connection,
) -> None:
    save(
        connection,
        chat(address="silent"),
        chat(address="old", last_in_at=NOON),
        chat(address="new", last_in_at=NOON + HOUR),
        chat("bob", address="bobs", last_in_at=NOON),
        chat("cid", address="cids"),
    )

    found = ask(connection, SHOP_ID, conversation_records.by_buyer({"ann", "bob", "dan"}))

    assert {buyer: [each.address for each in theirs] for buyer, theirs in found.items()} == {
        "ann": ["new", "old", "silent"],
        "bob": ["bobs"],
    }
    assert ask(connection, SHOP_ID, conversation_records.by_buyer(())) == {}


def test_an_address_is_blocked_whether_or_not_its_owner_ever_wrote(connection: Connection) -> None:
    written = chat(address="1", last_in_at=NOON, tries=1)
    save(connection, written)

    conversation_records.block(connection, SHOP_ID, "ann", "telegram", "1", NOON + HOUR)
    conversation_records.block(connection, SHOP_ID, "ann", "telegram", "2", NOON + HOUR)

    assert chat_in(connection, "1") == chat(address="1", last_in_at=NOON, tries=1, blocked_at=NOON + HOUR)
    assert chat_in(connection, "2") == chat(address="2", blocked_at=NOON + HOUR)


@pytest.mark.parametrize("heard", [NOON - HOUR, NOON, NOON + HOUR])
def test_an_address_stays_blocked_after_what_was_written_before_whatever_their_clock_said(
    connection: Connection, heard: datetime
) -> None:
    save(connection, chat(last_in_at=heard, unblocked_at=heard))
    conversation_records.block(connection, SHOP_ID, "ann", "telegram", "42", NOON)
    assert chat_in(connection).blocked
    save(connection, msgspec.structs.replace(chat_in(connection), last_in_at=NOON + 2 * HOUR))
    assert not chat_in(connection).blocked

"""Whose word a platform's flag about offers is: the address's own, or what somebody typed for it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.domain.events import Agreement, BuyerRef, BuyerUpdated
from bot.domain.wishes import AddressKey
from bot.react.merge import merge_event
from bot.react.wishes import Wishes
from storage import wish_records
from storage.asking import ask
from tests.one_shop import DAY, HOUR, NOON, SHOP, SHOP_ID, placed, work_of, wrote

MAIL, PHONE = "ann@example.com", "+8613800008642"
TYPED = {"email": MAIL, "phone": PHONE}
ADDRESSES: dict[str, AddressKey] = {
    "id": ("web", "7"),
    "chat": ("telegram", "42"),
    "mail": ("email", MAIL),
    "phone": ("phone", PHONE),
}
STRICT = SHOP.model_copy(update={"double_opt_in": True})


def updated(at: Any = NOON, **ref: Any) -> BuyerUpdated:
    return BuyerUpdated(channel="web", external_id=f"u{at}{ref}", at=at, buyer=BuyerRef(**ref))


def agree(connection: Connection, *events: Any, shop: Any = SHOP) -> dict[str, bool]:
    """Who agrees or not, after these events; without the addresses of which nothing is known."""
    for event in events:
        work, who = work_of(connection, event, now=NOON + DAY, shop=shop)
        merge_event(work, who, Wishes(work), event)
        work.unit.ask(work.write())
    said = ask(connection, SHOP_ID, wish_records.standings(set(ADDRESSES.values())))
    return {name: yes for name, key in ADDRESSES.items() if (yes := said[key].agrees) is not None}


@pytest.mark.parametrize("yes", [True, False])
def test_a_buyers_own_file_speaks_for_all_its_addresses(connection: Connection, yes: bool) -> None:
    spoken = agree(connection, updated(id="7", agrees=yes, **TYPED), shop=STRICT)
    assert spoken == {"id": yes, "mail": yes, "phone": yes}


@pytest.mark.parametrize("yes", [True, False])
def test_a_word_in_a_chat_is_the_chats_alone_unless_the_contacts_are_verified(
    connection: Connection, yes: bool
) -> None:
    assert agree(connection, wrote("hi", agrees=yes, **TYPED)) == {"chat": yes}
    proved = wrote("hi", agrees=yes, verified=True, **TYPED)
    assert agree(connection, proved) == {"chat": yes, "mail": yes, "phone": yes}


@pytest.mark.parametrize(
    ("ref", "shop", "agreed"),
    [
        ({"id": "7"}, SHOP, {"id": True, "mail": True, "phone": True}),
        ({"id": "7"}, STRICT, {"id": True}),
        ({}, SHOP, {"mail": True, "phone": True}),
        ({}, STRICT, {}),
        ({"verified": True}, STRICT, {"mail": True, "phone": True}),
    ],
    ids=["an id", "an id, double opt-in", "a guest", "a guest, double opt-in", "verified, double opt-in"],
)
def test_a_yes_at_a_checkout_waits_where_the_typed_address_has_to_confirm_it(
    connection: Connection, ref: dict[str, Any], shop: Any, agreed: dict[str, bool]
) -> None:
    assert agree(connection, placed("1", agrees=True, **ref, **TYPED), shop=shop) == agreed


@pytest.mark.parametrize("ref", [{"id": "8"}, {}], ids=["with an id", "a guest"])
def test_a_no_that_a_stranger_gives_at_a_checkout_takes_nobodys_yes_back(
    connection: Connection, ref: dict[str, Any]
) -> None:
    own = updated(id="7", agrees=True, **TYPED)
    strangers = placed("6", NOON + HOUR, agrees=False, **ref, **TYPED)
    assert agree(connection, own, strangers) == {"id": True, "mail": True, "phone": True}


def test_a_confirmed_word_counts_also_after_one_that_waited(connection: Connection) -> None:
    typed = placed("1", NOON, id="7", agrees=True, **TYPED)
    own = updated(NOON + HOUR, id="7", agrees=True, **TYPED)
    assert agree(connection, typed, own, shop=STRICT) == {"id": True, "mail": True, "phone": True}


def test_a_phone_that_is_asked_apart_has_a_word_and_a_time_of_its_own(connection: Connection) -> None:
    apart = Agreement(yes=False, at=NOON - HOUR)
    own = updated(id="7", agrees=True, by_phone=apart, **TYPED)
    assert agree(connection, own) == {"id": True, "mail": True, "phone": False}
    silent = updated(NOON + HOUR, id="7", agrees=True, by_phone=Agreement(), **TYPED)
    assert agree(connection, silent)["phone"] is False


def test_a_words_own_time_decides_over_the_time_of_the_showing(connection: Connection) -> None:
    newer = updated(NOON, id="7", agrees=False, agrees_at=NOON - HOUR)
    older = updated(NOON + HOUR, id="7", agrees=True, agrees_at=NOON - 2 * HOUR)
    assert agree(connection, newer, older) == {"id": False}


def test_a_tick_that_is_frozen_in_an_order_is_said_once(connection: Connection) -> None:
    frozen = {"id": "7", "agrees": True, "agrees_at": NOON - DAY, "email": MAIL}
    no = updated(NOON - HOUR, id="7", agrees=False, email=MAIL)
    shown = [placed("1", NOON + timedelta(hours=hours), **frozen) for hours in (0, 1, 2)]
    assert agree(connection, shown[0], no, *shown[1:]) == {"id": False, "mail": False}
    words = ask(connection, SHOP_ID, wish_records.recorded({("email", MAIL)}))["email", MAIL]
    assert len(words) == 2

"""What is known of a buyer, merged so that the order of arrival does not matter."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.buyers import addressed, is_guest, shown
from bot.domain.contacts import Contacts, Told, told
from bot.domain.context import Buyer
from bot.domain.events import BuyerRef

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = Buyer(id="b1", created_at=AT)


# What a platform shows


def test_a_newer_showing_replaces_and_an_older_one_fills_gaps_only() -> None:
    newer = BuyerRef(name="Ann", locale="de")
    older = BuyerRef(name="Zoe", email="ann@example.com", phone="+8613800008000", timezone="Asia/Shanghai")
    wanted = Buyer(
        id="b1",
        name="Ann",
        email="ann@example.com",
        phone="+8613800008000",
        locale="de",
        timezone="Asia/Shanghai",
        shown_at=AT + HOUR,
        told_at={"email": AT, "phone": AT, "timezone": AT},
        created_at=AT,
    )
    assert shown(shown(ANN, older, AT), newer, AT + HOUR) == wanted
    assert shown(shown(ANN, newer, AT + HOUR), older, AT) == wanted


def test_each_detail_has_a_time_of_its_own() -> None:
    """Told without a mail address at noon, a buyer still has the one of the morning, as old as it is."""
    words = (
        (BuyerRef(email="old@example.com"), AT),
        (BuyerRef(name="Ann"), AT + 2 * HOUR),
        (BuyerRef(email="new@example.com"), AT + HOUR),
    )
    ends = set()
    for order in permutations(words):
        buyer = ANN
        for ref, at in order:
            buyer = shown(buyer, ref, at)
        ends.add((buyer.name, buyer.email, buyer.shown_at))
    assert ends == {("Ann", "new@example.com", AT + 2 * HOUR)}


REFS = st.builds(
    BuyerRef,
    **{
        name: st.sampled_from([None, "", "a", "b"])
        for name in ("name", "email", "phone", "locale", "timezone")
    },
)
SHOWINGS = st.lists(st.tuples(REFS, st.integers(0, 3).map(lambda after: AT + after * HOUR)), max_size=6)


@given(SHOWINGS.flatmap(lambda words: st.tuples(st.just(words), st.permutations(words))))
def test_any_order_of_showings_with_repeats_leaves_the_same_buyer(
    both: tuple[list[tuple[BuyerRef, datetime]], list[tuple[BuyerRef, datetime]]],
) -> None:
    ends = []
    for words in (both[0], both[1], both[1] + both[0]):
        buyer = ANN
        for ref, at in words:
            buyer = shown(buyer, ref, at)
        ends.append(buyer)
    assert ends[0] == ends[1] == ends[2]


def test_of_two_showings_with_one_timestamp_the_content_decides() -> None:
    first, second = BuyerRef(name="Ann"), BuyerRef(name="Anna")
    assert shown(shown(ANN, first, AT), second, AT).name == "Anna"
    assert shown(shown(ANN, second, AT), first, AT).name == "Anna"


def test_what_a_record_holds_without_a_time_is_replaced() -> None:
    assert shown(replace(ANN, name="Zoe"), BuyerRef(name="Ann"), AT).name == "Ann"


def test_a_chat_that_shows_nothing_but_its_address_changes_nothing() -> None:
    assert shown(ANN, BuyerRef(id="42"), AT - HOUR) == ANN
    assert shown(ANN, BuyerRef(id="42", name=""), AT - HOUR) == ANN


def test_a_buyer_is_as_old_as_the_first_word_about_them() -> None:
    assert shown(ANN, BuyerRef(name="Ann"), AT - HOUR).created_at == AT - HOUR
    assert shown(ANN, BuyerRef(name="Ann"), AT + HOUR).created_at == AT
    assert shown(Buyer(id="b1"), BuyerRef(name="Ann"), AT).created_at == AT


@pytest.mark.parametrize("agrees", [True, False])
def test_a_flag_of_consent_is_no_detail_of_a_buyer(agrees: bool) -> None:
    """Wishes belong to addresses (bot/domain/wishes.py), never to a record that others may share."""
    assert shown(ANN, BuyerRef(agrees=agrees), AT + HOUR) == ANN
    assert not {"agrees", "stopped_at", "resumed_at"} & set(Buyer.__struct_fields__)


# Whom an order's messages address

KNOWN = Buyer(
    id="b1",
    name="Ann",
    email="ann@example.com",
    phone="+8613800008000",
    locale="de",
    timezone="Europe/Berlin",
)


def test_an_orders_messages_go_to_its_own_contacts_and_to_no_others_of_the_buyer() -> None:
    gift = told(Contacts(), BuyerRef(name="Bob", email="bob@example.com", locale="en"), AT, whole=True)
    to = addressed(KNOWN, gift)
    assert (to.id, to.name, to.email, to.phone) == ("b1", "Bob", "bob@example.com", None)
    assert (to.locale, to.timezone) == ("en", "Europe/Berlin")


def test_an_order_without_contacts_borrows_no_address() -> None:
    to = addressed(KNOWN, Contacts())
    assert (to.name, to.email, to.phone) == (None, None, None)
    assert (to.locale, to.timezone) == ("de", "Europe/Berlin")
    assert addressed(KNOWN, Contacts(email=Told("", AT))).email is None


def test_an_order_stored_before_contacts_were_its_own_addresses_its_buyer() -> None:
    assert addressed(KNOWN, None) == KNOWN


def test_a_guest_is_known_by_nothing_but_what_was_typed() -> None:
    assert is_guest(["guest of web", "guest of shop"])
    assert not is_guest(["guest of web", "web"])
    assert not is_guest([])

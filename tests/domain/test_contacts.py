"""The contacts of an order: as its platform told them last, whatever arrived when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.contacts import DETAILS, Contacts, Told, told
from bot.domain.events import BuyerRef

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NONE = Contacts()


def test_an_address_corrected_later_counts_whichever_word_comes_first() -> None:
    wrong, right = BuyerRef(email="amn@example.com"), BuyerRef(email="ann@example.com")
    for words in (((wrong, AT), (right, AT + HOUR)), ((right, AT + HOUR), (wrong, AT))):
        contacts = NONE
        for ref, at in words:
            contacts = told(contacts, ref, at, whole=True)
        assert contacts.known("email") == "ann@example.com"
        assert contacts.email == Told("ann@example.com", AT + HOUR, "")


def test_what_a_payment_names_corrects_no_showing_of_the_order_whichever_word_comes_first() -> None:
    shown = (BuyerRef(email="ann@example.com"), AT, True)
    payer = (BuyerRef(name="Bob", email="bob@example.com"), AT + HOUR, False)
    for words in ((shown, payer), (payer, shown)):
        contacts = NONE
        for ref, at, whole in words:
            contacts = told(contacts, ref, at, whole)
        assert (contacts.known("email"), contacts.known("name")) == ("ann@example.com", "Bob")


def test_what_a_platform_leaves_out_stays_as_it_was_told() -> None:
    contacts = told(NONE, BuyerRef(email="ann@example.com", phone="+8613800008000"), AT, whole=True)
    later = told(contacts, BuyerRef(name="Ann", email=""), AT + HOUR, whole=True)
    assert [later.known(name) for name in ("name", "email", "phone")] == [
        "Ann",
        "ann@example.com",
        "+8613800008000",
    ]


def test_what_was_told_of_another_buyer_is_no_contact_whichever_word_comes_first() -> None:
    before = BuyerRef(id="ann", name="Ann", email="ann@example.com", phone="+1")
    now = BuyerRef(id="bob", name="Bob")
    for words in (((before, AT), (now, AT + HOUR)), ((now, AT + HOUR), (before, AT))):
        contacts = NONE
        for ref, at in words:
            contacts = told(contacts, ref, at, whole=True)
        assert [contacts.known(name) for name in ("id", "name", "email", "phone")] == [
            "bob",
            "Bob",
            None,
            None,
        ]


def test_of_two_words_with_one_timestamp_the_content_decides() -> None:
    one, other = BuyerRef(phone="+1"), BuyerRef(phone="+2")
    assert told(told(NONE, one, AT, True), other, AT, True).known("phone") == "+2"
    assert told(told(NONE, other, AT, True), one, AT, True).known("phone") == "+2"


def test_a_snapshot_without_an_id_is_a_guests_and_a_single_fact_without_one_says_nothing() -> None:
    known = told(NONE, BuyerRef(id="ann"), AT, whole=True)
    assert known.known("id") == "ann"
    assert told(known, BuyerRef(name="Ann"), AT + HOUR, whole=False).known("id") == "ann"
    guest = told(known, BuyerRef(name="Ann"), AT + HOUR, whole=True)
    assert (guest.id, guest.known("id")) == (Told("", AT + HOUR), None)


def test_the_newest_showing_says_whose_order_it_is() -> None:
    guest, ann = BuyerRef(email="a@example.com"), BuyerRef(id="ann")
    assert told(told(NONE, guest, AT, True), ann, AT + HOUR, True).known("id") == "ann"
    assert told(told(NONE, ann, AT + HOUR, True), guest, AT, True).known("id") == "ann"


@pytest.mark.parametrize(("agrees", "kept"), [(True, "yes"), (False, "no"), (None, None)])
def test_the_checkouts_flag_is_kept_as_it_was_told(agrees: bool | None, kept: str | None) -> None:
    assert told(NONE, BuyerRef(id="ann", agrees=agrees), AT, whole=True).known("agrees") == kept


def test_guests_are_counted_by_mailbox_and_else_by_phone() -> None:
    assert told(NONE, BuyerRef(email="Ann@Example.com", phone="+1"), AT, True).address == "ann@example.com"
    assert told(NONE, BuyerRef(phone="+1"), AT, True).address == "+1"
    assert NONE.address is None


REFS = st.builds(
    BuyerRef,
    id=st.sampled_from([None, "ann", "bob"]),
    agrees=st.sampled_from([None, True, False]),
    **{name: st.sampled_from([None, "", "a", "b"]) for name in DETAILS},
)
WORDS = st.lists(
    st.tuples(REFS, st.integers(0, 3).map(lambda after: AT + after * HOUR), st.booleans()), max_size=6
)
Words = list[tuple[BuyerRef, datetime, bool]]


@given(WORDS.flatmap(lambda words: st.tuples(st.just(words), st.permutations(words))))
def test_any_order_of_words_with_repeats_leaves_the_same_contacts(both: tuple[Words, Words]) -> None:
    ends = []
    for words in (both[0], both[1], both[1] + both[0]):
        contacts = NONE
        for ref, at, whole in words:
            contacts = told(contacts, ref, at, whole)
        ends.append(contacts)
    assert ends[0] == ends[1] == ends[2]

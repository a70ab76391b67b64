"""What is known of a buyer, merged so that the order of arrival does not matter."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from bot.domain.buyers import consented, merged, resumed, shown, stopped
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
        created_at=AT,
    )
    assert shown(shown(ANN, older, AT), newer, AT + HOUR) == wanted
    assert shown(shown(ANN, newer, AT + HOUR), older, AT) == wanted


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


def test_consent_alone_is_no_showing_of_the_other_words() -> None:
    agreed = shown(ANN, BuyerRef(agrees=True), AT + HOUR)
    assert (agreed.agrees, agreed.agrees_at, agreed.shown_at) == (True, AT + HOUR, None)
    known = shown(replace(ANN, name="Ann", shown_at=AT), BuyerRef(agrees=False), AT + HOUR)
    assert (known.agrees, known.agrees_at, known.shown_at) == (False, AT + HOUR, AT)


# Consent, stop, resume


@pytest.mark.parametrize("order", list(permutations([(True, AT), (False, AT + HOUR), (True, AT + 2 * HOUR)])))
def test_the_newest_word_on_consent_wins(order: tuple[tuple[bool, datetime], ...]) -> None:
    buyer = ANN
    for agrees, at in order:
        buyer = consented(buyer, agrees, at)
    assert (buyer.agrees, buyer.agrees_at) == (True, AT + 2 * HOUR)


@pytest.mark.parametrize(
    ("first", "second", "agrees"),
    [(True, False, False), (False, True, False), (True, True, True), (False, False, False)],
)
def test_of_yes_and_no_with_one_timestamp_no_wins(first: bool, second: bool, agrees: bool) -> None:
    assert consented(consented(ANN, first, AT), second, AT).agrees is agrees


def test_who_says_stop_refuses_offers_as_well() -> None:
    buyer = stopped(consented(ANN, True, AT), AT + HOUR)
    assert (buyer.stopped, buyer.stopped_at, buyer.agrees, buyer.agrees_at) == (
        True,
        AT + HOUR,
        False,
        AT + HOUR,
    )
    assert consented(buyer, True, AT + 2 * HOUR).stopped


def test_the_latest_stop_and_the_latest_resume_count_in_whatever_order_they_come() -> None:
    assert stopped(stopped(ANN, AT), AT + HOUR).stopped_at == AT + HOUR
    assert stopped(stopped(ANN, AT + HOUR), AT).stopped_at == AT + HOUR
    assert resumed(resumed(ANN, AT), AT + HOUR).resumed_at == AT + HOUR
    assert resumed(resumed(ANN, AT + HOUR), AT).resumed_at == AT + HOUR


@pytest.mark.parametrize(("after", "silent"), [(-HOUR, True), (timedelta(0), True), (HOUR, False)])
def test_only_a_later_resume_ends_a_stop(after: timedelta, silent: bool) -> None:
    assert resumed(stopped(ANN, AT), AT + after).stopped is silent


def test_a_resume_gives_no_consent_back() -> None:
    assert resumed(stopped(ANN, AT), AT + HOUR).agrees is False


# Two records of one person

OTHER = Buyer(id="b2", created_at=AT + HOUR)


@pytest.mark.parametrize(("one", "other", "agrees"), [(True, False, False), (False, True, True)])
def test_after_a_join_the_newer_word_on_consent_wins(one: bool, other: bool, agrees: bool) -> None:
    older, newer = consented(ANN, one, AT), consented(OTHER, other, AT + HOUR)
    assert merged(older, newer).agrees is agrees
    assert merged(newer, older).agrees is agrees
    assert merged(older, newer).agrees_at == AT + HOUR


def test_after_a_join_of_yes_and_no_with_one_timestamp_no_wins() -> None:
    yes, no = consented(ANN, True, AT), consented(OTHER, False, AT)
    assert merged(yes, no).agrees is False
    assert merged(no, yes).agrees is False


def test_a_record_without_a_word_on_consent_takes_the_other_ones() -> None:
    yes = consented(OTHER, True, AT)
    assert (merged(ANN, yes).agrees, merged(ANN, yes).agrees_at) == (True, AT)
    assert merged(yes, ANN).agrees is True


def test_after_a_join_the_latest_stop_and_resume_of_both_count() -> None:
    early, late = stopped(ANN, AT), stopped(OTHER, AT + 2 * HOUR)
    assert merged(early, late).stopped_at == merged(late, early).stopped_at == AT + 2 * HOUR
    assert merged(early, OTHER).stopped_at == merged(OTHER, early).stopped_at == AT
    back, again = resumed(ANN, AT), resumed(OTHER, AT + HOUR)
    assert merged(back, again).resumed_at == merged(again, back).resumed_at == AT + HOUR
    assert merged(ANN, again).resumed_at == merged(again, ANN).resumed_at == AT + HOUR
    assert (merged(ANN, OTHER).stopped_at, merged(ANN, OTHER).resumed_at) == (None, None)


def test_a_joined_record_keeps_its_id_and_the_newer_words_of_both() -> None:
    one = shown(ANN, BuyerRef(name="Ann", email="ann@example.com"), AT)
    other = shown(OTHER, BuyerRef(name="Anna", phone="+8613800008000"), AT + HOUR)
    both = ("Anna", "ann@example.com", "+8613800008000", AT + HOUR)
    for kept, lost in ((one, other), (other, one)):
        joined = merged(kept, lost)
        assert joined.id == kept.id
        assert (joined.name, joined.email, joined.phone, joined.shown_at) == both

"""What an address wants to hear of us: by the wishes' own times, whatever arrives when."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.wishes import NOTHING_SAID, Standing, What, Wish, heard_at, standing

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLAG = "shop:ann"


def at(hours: float) -> datetime:
    return AT + hours * HOUR


def stop(hours: float) -> Wish:
    return Wish(what="all", yes=False, at=at(hours))


def start(hours: float) -> Wish:
    return Wish(what="all", yes=True, at=at(hours))


def offers(yes: bool, hours: float) -> Wish:
    return Wish(what="offers", yes=yes, at=at(hours))


def flag(yes: bool, hours: float, confirmed: bool = True) -> Wish:
    return Wish(what="offers", yes=yes, at=at(hours), flag=FLAG, confirmed=confirmed)


def heard(wish: Wish, arrival: datetime) -> Wish:
    return replace(wish, at=heard_at(wish.at, arrival))


def in_any_order(*wishes: Wish) -> Standing:
    """What holds after these wishes; the same for each of their permutations."""
    ends = {
        (end.stopped_at, end.agrees, end.agrees_at)
        for order in permutations(wishes)
        for end in (standing(order), standing((*order, *order)))
    }
    assert len(ends) == 1
    return standing(wishes)


# Over any words

WHATS: st.SearchStrategy[What] = st.sampled_from(["all", "offers"])
WISHES = st.lists(
    st.builds(
        Wish,
        what=WHATS,
        yes=st.booleans(),
        at=st.integers(0, 5).map(at),
        flag=st.sampled_from([None, None, FLAG, "shop:bob"]),
        confirmed=st.booleans(),
    ),
    max_size=8,
)
OWN = st.lists(st.builds(Wish, what=WHATS, yes=st.booleans(), at=st.integers(0, 5).map(at)), max_size=8)


@given(WISHES.flatmap(lambda wishes: st.tuples(st.just(wishes), st.permutations(wishes))))
def test_any_order_of_arrival_with_repeats_gives_the_same_standing(
    both: tuple[list[Wish], list[Wish]],
) -> None:
    told, arrived = both
    assert standing(arrived) == standing(told) == standing(arrived + told)


@given(OWN)
def test_the_newest_word_of_ones_own_decides_and_of_two_with_one_time_the_no(wishes: list[Wish]) -> None:
    """Written apart from the code: go through the hours, at each of them the yes first."""
    stopped_at: datetime | None = None
    agrees: bool | None = None
    for wish in sorted(wishes, key=lambda wish: (wish.at, not wish.yes)):
        if wish.what == "all":
            stopped_at = None if wish.yes else wish.at
        if wish.what == "offers" or not wish.yes:
            agrees = wish.yes
    end = standing(wishes)
    assert (end.stopped_at, end.agrees) == (stopped_at, agrees)


@given(OWN, st.integers(0, 5))
def test_after_a_newest_stop_nothing_goes_there_whatever_was_said_before(
    wishes: list[Wish], later: int
) -> None:
    end = standing([*wishes, stop(6 + later)])
    assert (end.stopped, end.agrees) == (True, False)


@given(OWN, st.integers(-9, 20), st.integers(6, 20))
def test_a_clock_that_runs_ahead_wins_over_no_word_that_is_said_after_its_arrival(
    wishes: list[Wish], ahead: int, said: int
) -> None:
    """The START of a clock that is days ahead arrives at hour 5; the STOP is of a later hour."""
    arrival = at(5)
    early = [heard(wish, arrival) for wish in [*wishes, start(ahead), offers(True, ahead)]]
    end = standing([*early, heard(stop(said), at(said))])
    assert (end.stopped_at, end.agrees) == (at(said), False)
    assert all(wish.at <= arrival for wish in early)


@given(WISHES, st.integers(0, 9))
def test_a_yes_that_strangers_type_for_an_address_changes_nothing_of_its_own_words(
    wishes: list[Wish], hours: int
) -> None:
    typed = replace(flag(True, hours, confirmed=False), flag="shop:a stranger")
    assert standing([*wishes, typed]) == standing(wishes)


# A word and its time


def test_of_nothing_said_nothing_holds() -> None:
    assert standing([]) == NOTHING_SAID
    assert (NOTHING_SAID.stopped, NOTHING_SAID.agrees) == (False, None)


def test_an_older_start_that_comes_late_undoes_no_newer_stop() -> None:
    assert in_any_order(start(1), stop(2)) == Standing(stopped_at=at(2), agrees=False, agrees_at=at(2))
    assert not in_any_order(stop(1), start(2)).stopped


def test_an_older_no_that_comes_late_gives_back_no_yes_and_takes_no_newer_one() -> None:
    assert in_any_order(offers(True, 1), offers(False, 2), offers(False, 1.5)).agrees is False
    assert in_any_order(offers(False, 1), offers(True, 2)) == Standing(agrees=True, agrees_at=at(2))


@pytest.mark.parametrize("what", ["all", "offers"])
def test_of_a_yes_and_a_no_with_one_timestamp_the_no_counts(what: What) -> None:
    end = in_any_order(Wish(what=what, yes=True, at=AT), Wish(what=what, yes=False, at=AT))
    assert (end.agrees, end.stopped) == (False, what == "all")


def test_who_says_stop_refuses_offers_as_well_and_a_resume_gives_no_consent_back() -> None:
    assert in_any_order(offers(True, 1), stop(2)).agrees is False
    end = in_any_order(offers(True, 1), stop(2), start(3))
    assert (end.stopped, end.agrees) == (False, False)
    assert in_any_order(offers(True, 1), stop(2), start(3), offers(True, 4)).agrees is True


def test_a_yes_to_offers_ends_no_stop() -> None:
    assert in_any_order(stop(1), offers(True, 2)).stopped_at == at(1)


def test_the_smaller_wish_ends_offers_and_nothing_else() -> None:
    end = in_any_order(offers(True, 1), offers(False, 2))
    assert (end.stopped, end.agrees, end.agrees_at) == (False, False, at(2))


def test_a_word_from_a_clock_that_runs_ahead_counts_from_its_arrival() -> None:
    assert heard_at(at(99), at(1)) == at(1)
    assert heard_at(at(1), at(1)) == at(1)
    assert heard_at(at(0), at(1)) == at(0)


# A platform's flag


def test_a_repeated_flag_of_a_checkout_is_no_new_consent() -> None:
    """Shopify shows the box ticked at the checkout again in each update of the order."""
    end = in_any_order(flag(True, 1), offers(False, 2), flag(True, 3), flag(True, 4))
    assert (end.agrees, end.agrees_at) == (False, at(2))
    assert in_any_order(flag(True, 1), flag(True, 3)).agrees_at == at(1)


def test_a_flag_that_changes_is_a_new_word() -> None:
    assert in_any_order(flag(True, 1), flag(False, 2)).agrees is False
    assert in_any_order(flag(True, 1), flag(False, 2), flag(True, 3)).agrees is True


def test_a_change_that_arrives_after_the_flags_newer_repetition_is_not_lost() -> None:
    """Yes, no, yes: were the last one left out as a repetition while the no was on its way, no would stay."""
    end = in_any_order(flag(True, 1), flag(True, 3), flag(False, 2), offers(False, 1.5))
    assert (end.agrees, end.agrees_at) == (True, at(3))


def test_another_record_of_the_platform_is_another_flag() -> None:
    again = replace(flag(True, 3), flag="shop:bob")
    assert in_any_order(flag(True, 1), offers(False, 2), again).agrees is True


# What was only typed for an address


def test_a_yes_that_somebody_typed_waits_until_the_address_confirms_it() -> None:
    typed = flag(True, 1, confirmed=False)
    assert in_any_order(typed).agrees is None
    assert in_any_order(typed, offers(True, 2)).agrees is True


def test_a_flag_that_was_only_typed_hides_no_later_one_that_is_proved() -> None:
    """Ticked as a guest, then shown in the customer's own file."""
    end = in_any_order(flag(True, 1, confirmed=False), flag(True, 2), flag(True, 3, confirmed=False))
    assert (end.agrees, end.agrees_at) == (True, at(2))

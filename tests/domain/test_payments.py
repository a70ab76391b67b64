"""Which payments are one, and what the total was at a time."""

from datetime import timedelta
from functools import reduce
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.money import Money
from bot.domain.payments import (
    NEWEST,
    Paid,
    Refund,
    Shown,
    authorised_since,
    distinct,
    sources,
    total_at,
    with_shown,
)
from tests.world import NOON

HOUR = timedelta(hours=1)
NONE: frozenset[str] = frozenset()


def paid(id: str, hours: int, reference: str | None = None, minor: int = 5000) -> Paid:
    return Paid(id=id, at=NOON + hours * HOUR, amount=Money(minor, "CNY"), reference=reference)


def test_a_reference_names_a_payment_and_the_earliest_word_of_it_counts() -> None:
    told = [paid("b", 2, "tx"), paid("a", 1, "tx"), paid("c", 3, "tx", 100)]

    assert [each.id for each in distinct(told, NONE)] == ["a", "c"]
    assert [each.id for each in distinct(told, frozenset(("tx",)))] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("told", "since"),
    [
        ("", None),
        ("held held", 0),
        ("nothing held", 1),
        ("held paid", 0),
        ("paid", None),
        ("held nothing", None),
        ("held nothing held", 2),
        ("held nothing paid", None),
        ("held part", None),
    ],
)
def test_the_whole_is_secured_since_its_authorisation_until_that_is_given_up(
    told: str, since: int | None
) -> None:
    paid = {"held": 0, "nothing": 0, "part": 40, "paid": 100}
    shown = [
        Shown(NOON + hours * HOUR, Money(100, "CNY"), Money(paid[word], "CNY"), authorised=word == "held")
        for hours, word in enumerate(told.split())
    ]

    assert authorised_since(shown) == (None if since is None else NOON + since * HOUR)


def test_what_each_source_tells_is_kept_apart() -> None:
    refunds = [Refund(id="r", at=NOON, source=source) for source in ("shop", "import", "shop")]

    assert {source: len(those) for source, those in sources(refunds).items()} == {"shop": 2, "import": 1}


def test_the_total_at_a_time_is_the_one_shown_last_before_it_else_the_first() -> None:
    shown = [Shown(NOON + hours * HOUR, Money(minor, "CNY")) for hours, minor in ((3, 30), (1, 10))]
    refunded = Shown(NOON + 2 * HOUR, Money(20, "CNY"), None, False)

    asked = [total_at([*shown, refunded], NOON + hours * HOUR) for hours in (0, 1, 2, 3)]
    assert [total.minor for total in asked if total] == [10, 10, 10, 30]
    assert total_at([], NOON) is None


SHOWN = st.builds(
    Shown,
    st.integers(0, 40).map(lambda minutes: NOON + minutes * timedelta(minutes=1)),
    st.sampled_from((Money(10, "CNY"), Money(20, "CNY"))),
    st.sampled_from((None, Money(0, "CNY"), Money(10, "CNY"))),
    st.booleans(),
)


@given(st.lists(SHOWN, max_size=60), st.randoms())
def test_in_whatever_order_and_however_often_money_is_shown_the_record_is_the_same_and_bounded(
    showings: list[Shown], random: Random
) -> None:
    def record(those: list[Shown]) -> tuple[Shown, ...]:
        return reduce(with_shown, those, ())

    known = record(showings)
    assert record(random.sample(showings * 2, 2 * len(showings))) == known
    states = {replace(shown, at=NOON) for shown in showings}
    assert len(known) <= (NEWEST + 1) * len(states)
    assert {replace(shown, at=NOON) for shown in known} == states


def test_updates_that_change_no_money_leave_the_record_as_long_as_it_is() -> None:
    shown = [Shown(NOON + hours * HOUR, Money(10, "CNY")) for hours in range(100)]
    known = reduce(with_shown, shown, ())
    assert known == (shown[0], *shown[-NEWEST:])

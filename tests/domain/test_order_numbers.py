"""A typed number is compared with a told one by its runs of letters and digits, in one way for both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.order_numbers import alike, half_width, named, plain
from bot.domain.orders import Order


def order(number: str, id: str | None = None) -> Order:
    return Order(id=id or f"id of {number}", channel="shop", number=number)


def numbers(typed: str, *told: str) -> list[str]:
    return [each.shown_number for each in named(typed, [order(number) for number in told])]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        *(("inv-2026/0042", "INV-2026/0042"), ("Inv 2026 - 0042", "INV-2026/0042"), ("INV–1", "INV-1")),
        *(("f#1001", "F#1001"), ("F1001", "F#1001"), ("#F-1001", "F#1001"), ("1001.1", "1001.1")),
        *(("2026-1", "订单2026-1"), ("订单2026-1", "2026-1"), ("１００１－ＤＥ", "1001-de")),
    ],
)
def test_case_width_signs_and_words_around_it_count_for_nothing(typed: str, told: str) -> None:
    assert numbers(typed, told, "7") == [told]
    assert numbers(told, typed, "7") == [typed]


@pytest.mark.parametrize(
    ("typed", "told"),
    [("10011", "1001.1"), ("INV20260042", "INV-2026/0042"), ("42", "0042"), ("1001", "1001-DE"), ("", "甲")],
)
def test_digits_stay_together_and_every_run_counts(typed: str, told: str) -> None:
    assert numbers(typed, told) == []


def test_numbers_that_are_alike_are_meant_only_as_they_are_spelled() -> None:
    told = ("INV-1", "inv-1", "INV/1")
    assert [numbers(each, *told) for each in told] == [[each] for each in told]
    assert numbers("Inv-1", *told) == numbers("INV 1", *told) == []
    assert numbers("#INV-1", *told) == ["INV-1"]


def test_one_number_of_two_systems_means_both() -> None:
    same = [order("INV-1", "a"), order("INV-1", "b"), order("#INV-1", "c")]
    assert named("INV-1", same) == named("inv1", same) == same


def test_an_id_that_is_not_the_number_has_to_be_spelled() -> None:
    hidden = order("1001", id="Gid-7")
    assert named("Gid-7", [hidden]) == [hidden]
    assert named("gid7", [hidden]) == []
    own = Order(id="7@second", channel="second", own_id="7", number="A1")
    assert named("7", [own]) == [own]


NUMBERS = st.text(alphabet="aB01-/.#_ １订", min_size=1, max_size=5)


@given(NUMBERS, st.lists(NUMBERS, max_size=5, unique=True))
def test_what_is_meant_has_the_runs_that_were_typed_and_is_one_number(typed: str, told: list[str]) -> None:
    meant = numbers(typed, *told)
    assert {plain(each) for each in meant} <= {plain(typed)}
    assert len({"".join(half_width(each).split()).lstrip("#") for each in meant}) <= 1


@given(NUMBERS, st.lists(NUMBERS, max_size=5, unique=True))
def test_the_order_in_which_orders_are_known_changes_nothing(typed: str, told: list[str]) -> None:
    orders = [order(each) for each in told]
    assert {each.id for each in named(typed, orders)} == {each.id for each in named(typed, orders[::-1])}
    assert {each.id for each in named(typed, orders)} <= {each.id for each in alike(typed, orders)}


def test_the_memo_of_an_order_names_it_too() -> None:
    assert numbers("1001-4", "1001", "1002") == ["1001"]
    assert numbers("1001-5", "1001", "1002") == []
    assert numbers("1001-4", "1001", "1001-4") == ["1001-4"]


@pytest.mark.parametrize("told", ["№ 77-01", "No. 77-01", "Nr 77-01", "Order #77-01", "77-01", "N° 77-01"])
def test_what_only_says_that_a_number_follows_is_no_part_of_it(told: str) -> None:
    for typed in ("77-01", "№ 77-01", "no. 77 - 01", "#77-01"):
        assert numbers(typed, told, "78-01") == [told]
    assert numbers("no1001", "NO1001", "1001") == ["NO1001"]

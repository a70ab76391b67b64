"""Memo numbers: one wrong sign shows, and they are found in whatever banks and people write around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.memos import check_digit, compact, memo, readings, without_digit, written

NUMBERS = st.from_regex(r"[0-9]{1,12}|[A-Z]{1,4}-?[0-9]{2,8}", fullmatch=True)
KNOWN = {"1001", "1002", "INV20260042", "7"}


def hows(text: str) -> set[tuple[str, str]]:
    return {(each.number, each.how) for each in readings(text, KNOWN)}


def test_a_memo_is_the_number_of_the_order_and_a_digit() -> None:
    assert memo("1001") == "1001-4"
    assert memo("#1001") == "1001-4"
    assert memo("INV-2026/0042").startswith("INV-2026/0042-")
    assert memo("订单一") == "订单一"  # nobody can type it, so nothing is promised of it


@given(NUMBERS, st.data())
def test_one_wrong_sign_always_shows(number: str, data: st.DataObject) -> None:
    signs = compact(number) + check_digit(compact(number))
    place = data.draw(st.integers(0, len(signs) - 1))
    others = "0123456789" if signs[place].isdecimal() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    wrong = data.draw(st.sampled_from(others.replace(signs[place], "")))
    typed = signs[:place] + wrong + signs[place + 1 :]

    assert check_digit(typed[:-1]) != typed[-1]


def test_nearly_every_exchange_of_two_neighbours_shows() -> None:
    tried = missed = 0
    for number in range(1000, 10_000):
        signs = f"{number}{check_digit(str(number))}"
        for place in range(4):
            one, other = signs[place : place + 2]
            if one != other:
                typed = signs[:place] + other + one + signs[place + 2 :]
                tried += 1
                missed += check_digit(typed[:-1]) == typed[-1]

    assert missed / tried < 0.03


@pytest.mark.parametrize(
    "text",
    [
        "1001-4",
        "10014",
        "1001 4",
        "１００１－４",
        "订单1001-4谢谢",
        "茶叶款（1001—4）",
        "Order no. 1001 - 4, thanks",
        "REF 1001/4",
        "转账备注:1001-4",
        "/ROC/1001-4//URI/TEA",
        "ORDER1001-4",
        "FT 10014 BAKER A",
    ],
)
def test_a_memo_is_found_whatever_stands_around_it(text: str) -> None:
    assert ("1001", "checked") in hows(text)
    assert not any(number == "1001" and how != "checked" for number, how in hows(text))


def test_a_number_with_letters_is_found_by_its_signs_alone() -> None:
    told = memo("INV-2026/0042")
    for text in (told, told.lower(), told.replace("-", " "), told.replace("/", ""), compact(told)):
        assert ("INV20260042", "checked") in hows(f"thanks {text} tea"), text


def test_a_number_without_its_digit_is_told_from_one_with_it() -> None:
    assert hows("订单 1001") == {("1001", "bare")}
    assert hows("订单1001 2件") == {("1001", "bare")}
    assert hows("1001-8") == {("1001", "slip")}
    assert hows("10018") == {("1001", "slip")}


def test_what_only_contains_the_digits_of_a_number_does_not_mean_it() -> None:
    assert hows("tel 021001400") == set()
    assert hows("2001001-1") == set()
    assert hows("10:01-9") == set()


def test_a_short_number_is_meant_only_with_a_dash_and_its_digit() -> None:
    assert hows(f"order {memo('7')}") == {("7", "checked")}
    assert hows(f"order 7 of {compact(memo('7'))}") == set()


def test_two_memos_in_one_text_are_both_found() -> None:
    assert {("1001", "checked"), ("1002", "checked")} <= hows(f"{memo('1001')} {memo('1002')}")
    assert {("1001", "checked"), ("1002", "checked")} <= hows(f"{memo('1001')}、{memo('1002')}")


@given(NUMBERS, st.text(max_size=20), st.text(max_size=20))
def test_what_was_told_is_read_again_between_any_words(number: str, before: str, behind: str) -> None:
    known = compact(number)
    found = readings(f"{before}，{memo(number)}。{behind}", {known})

    assert any(each.number == known and each.how == "checked" for each in found)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    readings(text, KNOWN)
    written(text)


def test_numbers_are_written_down_as_orders_have_them() -> None:
    assert {"1001", "inv-2026-0042"} <= written(f"pays 1001-4 and {memo('INV-2026/0042')}")
    assert "1001" in written("10014")


def test_a_memo_that_is_typed_alone_names_its_order() -> None:
    assert without_digit("1001-4") == "1001"
    assert without_digit("１００１－４") == "1001"
    assert without_digit("1001-5") is None
    assert without_digit("1001") is None
    assert without_digit("-4") is None


def test_a_check_sign_that_looks_like_another_is_right() -> None:
    assert memo("T6B0D64D8") == "T6B0D64D8-I"
    for typed in ("T6B0D64D8-I", "T6B0D64D8-1", "t6b0d64d8-l"):
        assert without_digit(typed) == without_digit("T6B0D64D8-I")
        assert [each.how for each in readings(typed, {"T6B0D64D8"})] == ["checked"]
    assert without_digit("T6B0D64D8-7") is None

"""Payers' names as banks write them are the buyers' own, or cannot be compared."""

import pytest

from bot.domain.payer_names import named_in, same, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann Baker", "MS BAKER ANN"),
        ("Ann Baker", "ann  baker."),
        ("Ａｎｎ Baker", "Ann Baker"),
        ("王安娜", "王安娜"),
        ("王 安娜", "王安娜先生"),
        ("José García", "GARCÍA JOSÉ"),
    ],
)
def test_the_same_name_is_known_in_any_spelling(one: str, other: str) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("Ann Baker", "Ben Baker"), ("王安娜", "王安"), ("Ann Baker", "Ann Baker Smith")]
)
def test_other_names_are_others(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize("name", ["王**", "*安娜", "A*** B****", "Ann", "王", "", "Mr Baker", "12345"])
def test_what_is_no_whole_name_is_like_nobody_not_even_itself(name: str) -> None:
    assert words(name) == frozenset()
    assert not same(name, name)


def test_a_whole_name_is_found_in_a_longer_text() -> None:
    assert named_in("Ann Baker", "Zelle payment from ANN BAKER 22915544771")
    assert named_in("Ann Baker", "BAKER ANN TEA")
    assert not named_in("Ann Baker", "ANN SMITH, BEN BAKER")
    assert named_in("王安娜", "转账汇款 王安娜 6222000011112222")
    assert not named_in("王安", "转账汇款 王安娜")
    assert not named_in("Ann", "Ann")

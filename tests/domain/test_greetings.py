"""Buyers are greeted by their first name, and in Chinese never by a bare full name."""

import pytest

from bot.domain.greetings import addressed_as, first_name, given_name


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Clara Hughes", "Clara"),
        ("Jean-Luc van Damme", "Jean-Luc"),
        ("Zoë Ångström", "Zoë"),
        ("Cher", "Cher"),
        ("J. Smith", "J. Smith"),
        ("Dr Ann Lee", "Dr Ann Lee"),
        ("Smith, John", "Smith, John"),
        ("安娜 Lee", "安娜 Lee"),
        ("王安娜", "王安娜"),
        ("عبد الله", "عبد الله"),
        ("", ""),
        (None, None),
    ],
)
def test_the_first_name_is_taken_where_it_is_clear(name: str | None, first: str | None) -> None:
    assert first_name(name) == first


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("王安娜", "安娜"),
        ("欧阳安娜", "安娜"),
        ("欧阳修", None),
        ("王安", None),
        ("Ann Lee", "Ann"),
        ("👩‍👩‍👧", None),
        ("快乐的小鱼儿", None),
        (None, None),
    ],
)
def test_a_chinese_given_name_is_told_from_the_familys(name: str | None, given: str | None) -> None:
    assert given_name(name) == given


@pytest.mark.parametrize(
    ("greeting", "name", "words"),
    [
        ("亲", "王安娜", "亲"),
        ("亲", None, "亲"),
        ("{name} 亲", "王安娜", "安娜 亲"),
        ("{name} 亲", "王安", "亲"),
        ("{name} 亲", None, "亲"),
        ("{name}", None, "亲"),
        ("{name}", "王安娜", "安娜"),
        ("亲爱的茶友", "王安娜", "亲爱的茶友"),
    ],
)
def test_the_shop_chooses_how_buyers_are_addressed(greeting: str, name: str | None, words: str) -> None:
    assert addressed_as(greeting, name) == words

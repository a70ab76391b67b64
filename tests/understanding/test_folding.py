"""Folding makes one of what differs in script, width, case, numbers and addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.folding import CODE, LINK, LONGEST, MAIL, NUMBER, PHONE, comparable, fold


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("什麼時候發貨", "什么时候发货"),
        ("請問運費怎麼算", "请问运费怎么算"),
        ("Ｗｈｅｒｅ", "where"),
        ("裡面", "里面"),
        ("頭髮", "头发"),
    ],
)
def test_traditional_and_full_width_are_folded(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("order #1042 please", f"order {CODE} please"),
        ("订单20418到哪了", f"订单{CODE}到哪了"),
        ("SF1234567890", CODE),
        ("80包邮", f"{NUMBER}包邮"),
        ("£12.50 ok", f"£{NUMBER} ok"),
        ("mail ann@example.com", f"mail {MAIL}"),
        ("see https://shop.example/a?b=1 now", f"see {LINK} now"),
        ("call 020 7946 0018", f"call {PHONE}"),
        ("it's  don’t", "its dont"),
        ("well-known pot", "well-known pot"),
        ("mp3", f"mp{NUMBER}"),
    ],
)
def test_what_differs_from_buyer_to_buyer_is_a_placeholder(written: str, plain: str) -> None:
    assert comparable(written) == plain


def test_nobody_writes_a_placeholder() -> None:
    assert comparable(f"a{LINK}b") == "a b"


@given(st.text(max_size=2000))
def test_folding_again_changes_nothing_and_is_bounded(text: str) -> None:
    assert len(fold(text)) <= LONGEST
    assert fold(fold(text)) == fold(text)
    assert len(comparable(text)) <= LONGEST

"""What is alike to a reader is made alike: width, case, script, short forms, one typing error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.normalise import FOLD, LONGEST, normalise, words_only


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("  Where\n IS　it ", "where is it"),
        ("ＷＨＥＲＥ？", "where?"),
        ("訂單呢", "订单呢"),
        ("甚麼帳號", "什么账号"),
        ("it’s", "it is"),
        ("Don't", "do not"),
        ("dont", "do not"),
        ("plz, thx u", "please, thanks you"),
    ],
)
def test_ways_of_writing_are_made_alike(written: str, plain: str) -> None:
    assert normalise(written) == plain


@pytest.mark.parametrize("mistyped", ["pacel", "parcle", "paarcel", "parvel"])
def test_a_keyword_with_one_typing_error_is_corrected(mistyped: str) -> None:
    assert normalise(f"my {mistyped}!") == "my parcel!"


@pytest.mark.parametrize("word", ["barcel", "pracl", "parcels", "humane", "shopping", "stopping", "receive"])
def test_a_word_of_its_own_or_with_more_errors_or_another_first_letter_is_left_alone(word: str) -> None:
    assert normalise(word) == word


@pytest.mark.parametrize("longer", ["a" * (LONGEST + 1), "ﷺ" * LONGEST, "货" * (LONGEST + 9)])
def test_only_the_beginning_of_a_long_text_is_read_also_if_its_characters_unfold(longer: str) -> None:
    assert len(normalise(longer)) == LONGEST


def test_no_folded_character_is_folded_once_more() -> None:
    changed = {sign: into for sign, into in FOLD.items() if sign != into}

    assert set(changed) & set(changed.values()) == set()


@given(st.text(alphabet="訂單發 .,?！\n\t　aAＢ1"))
def test_what_was_made_alike_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_words_are_left_without_signs_and_spaces() -> None:
    assert words_only("人工！ 👍 ok?") == "人工ok"

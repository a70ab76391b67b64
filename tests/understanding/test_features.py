"""Texts are compared by words, their inner parts, and Chinese characters and pairs."""

from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.features import features_of, shown
from bot.understanding.folding import LONGEST, NUMBER


def test_words_and_pairs_of_words_are_features() -> None:
    assert {"where", "is", "where is"} <= set(features_of("Where is"))


def test_inner_parts_have_two_to_five_characters() -> None:
    parts = {feature for feature in features_of("parcel") if feature != "parcel"}

    assert {"_p", "arc", "rcel", "rcel_"} <= parts
    assert {len(part) for part in parts} == {2, 3, 4, 5}


def test_chinese_characters_count_alone_and_in_pairs() -> None:
    assert set(features_of("发货")) == {"发", "货", "发 货"}


def test_both_scripts_have_the_same_features() -> None:
    assert features_of("什麼時候發貨") == features_of("什么时候发货")


def test_numbers_are_alike() -> None:
    assert features_of("80包邮") == features_of("75包邮")
    assert NUMBER in features_of("80包邮")


def test_a_misspelt_word_shares_most_of_its_parts() -> None:
    right, wrong = set(features_of("delivery")), set(features_of("delivry"))

    assert len(right & wrong) > len(right) / 3


def test_features_are_shown_as_people_read_them() -> None:
    assert shown(f"{NUMBER} 包") == "(number)包"
    assert shown("_parc") == "parc"
    assert shown("where is") == "where is"


@given(st.text(max_size=3000))
def test_any_text_has_a_bounded_number_of_features(text: str) -> None:
    assert sum(features_of(text).values()) <= 8 * LONGEST

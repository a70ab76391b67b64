"""Numbers are read as people write them."""

from decimal import Decimal

import pytest

from bot.understanding.numerals import number_of, numerals_written_out


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("15", 15),
        ("1,299", 1299),
        ("1.299", 1299),
        ("1,299.50", "1299.50"),
        ("1.299,5", "1299.5"),
        ("12.5", "12.5"),
    ],
)
def test_points_and_commas(written: str, number: object) -> None:
    assert number_of(written) == Decimal(str(number))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("两个", "2个"),
        ("二十五块", "25块"),
        ("一百二十元", "120元"),
        ("十个", "10个"),
        ("100两个", "100 2个"),
        ("how about 15 for two", "how about 15 for 2"),
        ("a dozen", "12"),
        ("一直没到", "一直没到"),
        ("network", "network"),
    ],
)
def test_number_words_before_what_is_counted(text: str, plain: str) -> None:
    assert numerals_written_out(text) == plain

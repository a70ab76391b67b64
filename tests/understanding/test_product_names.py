"""Which product a text names: by sku, by rare words of a title, or by what the talk is about."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.products import Product
from bot.understanding.product_names import MOST_NAMED, MOST_WORDS, named_in, points_back, skus_in, words_of

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def product(sku: str, title: str) -> Product:
    return Product(sku=sku, title=title, updated_at=AT)


SHELF = (
    product("MUG-B", "Blue mug"),
    product("MUG-W", "White mug"),
    product("POT-1", "Yixing teapot, 200 ml"),
    product("LJ-100", "西湖龙井绿茶 100克"),
    product("BLC-50", "碧螺春绿茶 50克"),
    product("MJB", "马克杯"),
    product("SOCKS", "Cotton socks, 3 pairs 棉袜 3双装"),
)
ONCE = (
    "blue",
    "white",
    "yixing",
    "teapot",
    "龙井",
    "西湖",
    "碧螺",
    "螺春",
    "马克",
    "克杯",
    "100",
    "3",
    "pair",
    "双装",
    "200",
)
TIMES = {**dict.fromkeys(ONCE, 1), "mug": 2, "绿茶": 2}


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("do you still have the blue mug?", ["MUG-B"]),
        ("How much is a mug", ["MUG-B", "MUG-W"]),
        ("is the Yixng teapot dishwasher safe", ["POT-1"]),
        ("mug-w有货吗", ["MUG-W"]),
        ("is MUG-B in stock?", ["MUG-B"]),
        ("龙井还有吗", ["LJ-100"]),
        ("绿茶多少钱", ["BLC-50", "LJ-100"]),
        ("馬克杯有現貨嗎", ["MJB"]),
        ("多少钱", []),
        ("你们客服昨天说要补我100元", []),
        ("满100减10有吗", []),
        ("and 3 pairs?", []),
        ("3双装的有吗", []),
        ("200 ml", []),
        ("绿茶 100克多少钱", ["LJ-100"]),
        ("is it in stock?", []),
        ("", []),
    ],
)
def test_a_text_names_products_as_people_say_them(text: str, skus: list[str]) -> None:
    assert [found.sku for found in named_in(text, SHELF, TIMES)] == skus


def test_of_two_as_well_named_what_the_talk_is_about_is_meant() -> None:
    assert named_in("is the mug blue or white?", SHELF, TIMES, SHELF[:1]) == SHELF[:1]
    assert named_in("the mug", SHELF, TIMES, SHELF[1:2]) == SHELF[1:2]


def test_a_whole_title_is_meant_before_a_part_of_another() -> None:
    shelf = (product("T", "Tea"), product("TP", "Tea pot"), product("TPL", "Tea pot lid"))
    assert [found.sku for found in named_in("the tea pot please", shelf, {"tea": 3, "pot": 2})] == ["TP"]


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("is it in stock?", True),
        ("有货吗", True),
        ("这款会缩水吗", True),
        ("do you have scarves?", False),
        ("围巾有吗", False),
    ],
)
def test_a_question_without_a_name_is_about_what_came_before(text: str, back: bool) -> None:
    assert points_back(text) is back


def test_words_are_folded_and_bounded() -> None:
    assert words_of("The ＢLUE mugs, 馬克杯") == ("blue", "mug", "马克", "克杯")
    assert len(words_of("龙井" * 400)) <= MOST_WORDS
    assert words_of("a Black Friday price, 黑五") == ()
    assert skus_in("is MUG-1 or tea-pot. there") == ("mug-1", "tea-pot")


@given(st.text(max_size=700), st.lists(st.text(max_size=60), max_size=20))
def test_any_text_names_a_bounded_number_of_products(text: str, titles: list[str]) -> None:
    shelf = [product(str(number), title) for number, title in enumerate(titles)]
    times = {word: 1 for title in titles for word in words_of(title)}
    found = named_in(text, shelf, times)
    assert len(found) <= MOST_NAMED
    assert {each.sku for each in found} <= {each.sku for each in shelf}

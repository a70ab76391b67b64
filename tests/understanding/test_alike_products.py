"""What is offered in place of what is sold out: the same kind of thing, to be had now, the nearest first."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.money import Money
from bot.domain.products import Product
from bot.understanding.alike_products import MOST, alike_to

AT = datetime(2026, 11, 21, tzinfo=UTC)


def item(title: str, price: int = 1000, stock: Any = 3, sku: str = "") -> Product:
    return Product(sku=sku or title, title=title, updated_at=AT, price=Money(price, "GBP"), stock=stock)


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("White mug", True),
        ("Mug, large", True),
        ("Mugs", True),
        ("Blue carpet", False),
        ("Mug rack", False),
        ("Box for a mug", False),
    ],
)
def test_alike_is_what_is_the_same_kind_of_thing(title: str, kept: bool) -> None:
    assert bool(alike_to(item("Blue mug"), [item(title)], {"mug": 4, "blue": 3})) is kept


def test_chinese_titles_name_the_kind_at_their_end() -> None:
    found = alike_to(item("蓝色马克杯"), [item("白色马克杯"), item("蓝色茶壶"), item("马克杯架")], {})
    assert [each.title for each in found] == ["白色马克杯"]


def test_what_is_sold_out_or_unknown_is_not_offered_nor_the_item_itself() -> None:
    mug = item("Blue mug", stock=0)
    others = [
        mug,
        item("Red mug", stock=0),
        item("Old mug", stock=None),
        Product(sku="x", title="Mug", updated_at=AT),
    ]
    assert [each.title for each in alike_to(mug, others, {})] == ["Old mug"]


def test_the_nearest_by_words_comes_first_and_then_by_price() -> None:
    others = [item("Red mug", 5000), item("Green mug", 1100), item("Blue tall mug", 9000)]
    found = alike_to(item("Blue mug"), others, {"blue": 2, "mug": 4})
    assert [each.title for each in found] == ["Blue tall mug", "Green mug", "Red mug"]
    assert len(alike_to(item("Mug"), [item("Mug", sku=str(n)) for n in range(MOST + 5)], {})) == MOST

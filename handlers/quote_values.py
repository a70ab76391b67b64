"""What the texts about a price carry: the item, how many, the price, and what belongs to it."""

from collections.abc import Sequence
from typing import Any

from bot.domain.actions import Value
from bot.domain.money import Money
from bot.domain.quotes import Goods, Quote

SHOWN = 5  # other products in one text
TITLE = 60  # characters of a title in a list of them


def item_values(goods: Goods, quantity: int, price: Money, listed: Money, **more: Value) -> dict[str, Value]:
    """price, listed: of all pieces. more: values that are left out where they are empty."""
    values: dict[str, Value] = {
        "sku": goods.sku,
        "item": goods.title,
        "quantity": quantity,
        "currency": price.currency,
        "price": price.minor,
        "listed": listed.minor,
    }
    return values | {name: value for name, value in more.items() if value}


def quote_values(quote: Quote, quantity: int, price: Money, postage_free: bool) -> dict[str, Value]:
    listed = quote.goods.price * quantity
    return item_values(
        quote.goods, quantity, price, listed, postage_free=postage_free, number=quote.shown_number
    )


def other_values(products: Sequence[Goods]) -> dict[str, Value]:
    """Other products, as lists side by side."""
    shown = products[:SHOWN]
    if not shown:
        return {}
    return {
        "others": [goods.title[:TITLE] for goods in shown],
        "other_prices": [f"{goods.price.minor} {goods.price.currency}" for goods in shown],
        "other_links": [goods.url or "" for goods in shown],
    }


_ITEM: dict[str, Any] = {
    "sku": "MUG-1", "item": "马克杯 Mug", "quantity": 1, "currency": "CNY", "price": 5200, "listed": 6000
}  # fmt: skip
_OTHERS: dict[str, Any] = {
    "others": ["小茶杯 Cup", "杯垫"], "other_prices": ["3900 CNY", "900 CNY"],
    "other_links": ["https://shop.example/cup", ""],
}  # fmt: skip
_DEAL: dict[str, Any] = {**_ITEM, "number": "Q101", "until": "2026-11-22T10:00:00+00:00"}

NO_ITEM_SAMPLES: tuple[dict[str, Any], ...] = ({}, _OTHERS)
ITEM_SAMPLES: tuple[dict[str, Any], ...] = (
    _ITEM,
    {**_ITEM, "quantity": 3, "postage_free": True, "item": "很长的名字 " * 700, "in_currency": "CNY"},
    {**_ITEM, "in_return": "order_today", **_OTHERS},
    {**_ITEM, "in_return": "recommend"},
    {**_ITEM, "again": True, **_OTHERS},
    {**_ITEM, "again": True, "postage_free": True},
    {**_ITEM, "in_return": "follow", "currency": "JPY"},
)
SAMPLES: tuple[dict[str, Any], ...] = (
    _DEAL,
    {**_DEAL, "quantity": 3, "postage_free": True, "in_return": "recommend", "kept": True},
    {**_DEAL, "in_return": "follow"},
    {**_DEAL, "kept": True, "again": True},
)

"""The values of what is said about a price: the item and its price, and the coupon that anybody may use."""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

from bot.domain.money import Money
from bot.domain.shop import Shop
from bot.domain.untrusted_text import quote_unlinked

TITLE_MAX = 60
ABOUT_A_PRICE = frozenset({"item", "others", "negotiable"})  # what a message about a price carries one of

QUOTE: dict[str, str] = {
    "quote": "the price that a message is about; empty if it is about none",
    "quote.goods": "what is bargained over, as 3 × Mug; may be empty",
    "quote.quantity": "how many pieces; may be empty",
    "quote.price": "amount for all of them, without postage; may be empty",
    "quote.listed": "what they cost without bargaining; may be empty",
    "quote.postage_free": "true if postage is free beside it",
    "quote.in_return": "what is asked in return: order_today, recommend or follow; may be empty",
    "quote.in_currency": "the currency to name a price in, if the buyer named another; may be empty",
    "quote.number": "number of the quote, as Q101; may be empty",
    "quote.until": "time until which the quote holds; may be empty",
    "quote.kept": "true if it was agreed before",
    "quote.again": "true if the same was said before, so that other words are better",
    "quote.negotiable": "true if prices may be bargained over",
    "quote.others": "other products to choose from; an empty list if none",
    "quote.others[].title": "name of the product",
    "quote.others[].price": "amount for one",
    "quote.others[].link": "its page; may be empty",
    "coupon": "the coupon of the settings, while it holds; may be empty",
    "coupon.code": "what to enter at the checkout",
    "coupon.percent": "percent off",
    "coupon.until": "time at which it ends; may be empty",
}


def quote_values(
    values: Mapping[str, Any], local: Callable[[datetime | None], datetime | None]
) -> dict[str, Any] | None:
    """local: puts a time into the reader's zone."""
    if not ABOUT_A_PRICE & values.keys():
        return None
    until, currency = values.get("until"), values.get("currency")
    return {
        "goods": _goods(values),
        "quantity": values.get("quantity"),
        "price": Money(values["price"], currency) if currency else None,
        "listed": Money(values["listed"], currency) if currency else None,
        "postage_free": bool(values.get("postage_free")),
        "in_return": values.get("in_return"),
        "in_currency": values.get("in_currency"),
        "number": values.get("number"),
        "until": local(datetime.fromisoformat(until)) if until else None,
        "kept": bool(values.get("kept")),
        "again": bool(values.get("again")),
        "negotiable": bool(values.get("negotiable")),
        "others": _others(values),
    }


def coupon_values(shop: Shop, now: datetime) -> dict[str, Any] | None:
    zone = shop.zone()
    coupon = shop.haggling.coupon_on(now.astimezone(zone).date())
    if coupon is None:
        return None
    until = datetime.combine(coupon.until, time.max, zone) if coupon.until else None
    return {"code": coupon.code, "percent": coupon.percent, "until": until}


def _goods(values: Mapping[str, Any]) -> str | None:
    title = quote_unlinked(values.get("item"), TITLE_MAX) or values.get("sku")
    quantity = values.get("quantity") or 1
    return f"{quantity} × {title}" if title and quantity > 1 else title


def _others(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = zip(
        values.get("others", ()), values.get("other_prices", ()), values.get("other_links", ()), strict=False
    )
    return [
        {"title": quote_unlinked(title, TITLE_MAX) or "?", "price": _money(price), "link": link or None}
        for title, price, link in found
    ]


def _money(written: str) -> Money:
    minor, currency = written.split(" ")
    return Money(int(minor), currency)

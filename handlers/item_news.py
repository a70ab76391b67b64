"""Whether what an answer tells of an item is still so when it is sent."""

from datetime import datetime
from typing import Any

from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.products import Product
from bot.domain.reasons import Reasons


def why_not_tell(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    sku = str(due.values.get("sku") or "")
    if sku not in facts.items:
        return None
    item = facts.items[sku]
    if due.template == "product_sold_out":
        return _changed(due) if item is not None and item.available else None
    return None if item is not None and _is_so(due.template, due.values, item) else _changed(due)


def _is_so(template: str, values: dict[str, Any], item: Product) -> bool:
    if template == "product_stock":
        left = values.get("left")
        return item.available is not False and left in (None, item.stock)
    if template.startswith("haggle_"):
        cheaper = (
            item.price is not None and item.price.minor * int(values.get("quantity", 1)) < values["price"]
        )
        return item.available is not False and not cheaper
    if template == "prices_fixed":
        return item.price is not None and item.price.minor * int(values["quantity"]) == values["listed"]
    if template == "product_price":
        same = item.price is not None and item.price.minor == values.get("price_minor")
        return same and _as_many(values, item)
    if template == "product_postage":
        return item.postage is None or item.postage.minor == values.get("postage_minor", 0)
    if template == "product_sizes":
        return item.sizes == values.get("sizes")
    if template == "product_materials":
        return (item.materials, item.care) == (values.get("materials"), values.get("care"))
    return True


def _as_many(values: dict[str, Any], item: Product) -> bool:
    """Whether as many are there as were asked for, or as few as was said."""
    stock = item.stock if isinstance(item.stock, int) else None
    if "left" in values:
        return bool(stock == values["left"])
    enough = item.available is True and (stock is None or stock >= int(values.get("pieces", 1)))
    return "sum_minor" not in values or enough


def _changed(due: DueMessage) -> Reason:
    return Reason("item_changed", {"item": str(due.values.get("title") or due.values.get("item") or "")})


REASONS: Reasons = {"item_changed": ("item",)}

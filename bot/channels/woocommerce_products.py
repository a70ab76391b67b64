"""Translate what WooCommerce tells of products: each variation comes by itself, beside its product."""

from collections.abc import Callable
from html import unescape

from bot.channels import woocommerce_forms as forms
from bot.channels.json_reading import deleted_id, identity, money, read
from bot.channels.product_details import LONGEST_TEXT, MATERIALS, SIZES, detail, left_of
from bot.channels.woocommerce_events import DeliveryInfo, content_key, utc_time
from bot.domain.events import Event, ProductRemoved, ProductTold
from bot.domain.products import Item

_SHOWN = frozenset(("publish", None))


def _product(info: DeliveryInfo, body: bytes) -> list[Event]:
    product = read(forms.product, body)
    id = identity(product.id, "id")
    modified_at = utc_time(product.date_modified_gmt, "date_modified_gmt")
    at = modified_at or utc_time(product.date_created_gmt, "date_created_gmt") or info.received_at
    items = (_item(info, product, id),) if product.status in _SHOWN else ()
    key = content_key(f"product {id}", modified_at, body)
    return [ProductTold(**info.common(key, "product"), at=at, product=id, items=items)]


def _item(info: DeliveryInfo, product: forms.Product, id: str) -> Item:
    named = [
        (unescape(each.name or ""), [unescape(text) for text in (*(each.options or ()), each.option or "")])
        for each in product.attributes or ()
    ]
    return Item(
        sku=identity(product.sku or id, "sku"),
        title=unescape(product.name).strip()[:LONGEST_TEXT],
        price=money(product.price, info.currency, "price")
        if product.price not in (None, "") and info.currency
        else None,
        stock=_stock(product),
        sizes=detail(named, SIZES),
        materials=detail(named, MATERIALS),
        url=(product.permalink or "")[:LONGEST_TEXT] or None,
    )


def _stock(product: forms.Product) -> int | None:
    """None where nobody counts, or where it may be ordered though none is left."""
    if product.stock_status == "outofstock":
        return 0
    if (
        product.stock_status == "onbackorder"
        or product.manage_stock is not True
        or product.stock_quantity is None
    ):
        return None
    left = left_of(product.stock_quantity)
    return None if left == 0 and product.backorders in ("yes", "notify") else left


def _deleted(info: DeliveryInfo, body: bytes) -> list[Event]:
    """As with orders, only the delivery tells a second deletion from the first."""
    id = deleted_id(body)
    key = f"product {id} {info.delivery}" if info.delivery else content_key(f"product {id}", None, body)
    return [ProductRemoved(**info.common(key, "deleted"), at=info.received_at, product=id)]


READERS: dict[str, Callable[[DeliveryInfo, bytes], list[Event]]] = {
    "product.created": _product,
    "product.updated": _product,
    "product.restored": _product,
    "product.deleted": _deleted,
}

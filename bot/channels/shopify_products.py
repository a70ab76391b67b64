"""Translate what Shopify tells of products: each body is the product with all of its variants."""

from collections.abc import Callable, Iterator

from bot.channels import shopify_forms as forms
from bot.channels.json_reading import deleted_id, identity, money, read
from bot.channels.product_details import LONGEST_TEXT, MATERIALS, SIZES, detail, left_of
from bot.channels.shopify_events import DeliveryInfo, must_be
from bot.domain.events import Event, ProductRemoved, ProductTold
from bot.domain.products import Item

_ONLY_ONE = "Default Title"
_HIDDEN = frozenset(("archived", "draft"))


def _product(info: DeliveryInfo, body: bytes) -> list[Event]:
    product = read(forms.product, body)
    must_be("Product", product.admin_graphql_api_id)
    if product.variants is None:
        return []  # a body that was cut short says nothing of what is sold
    id = identity(product.id, "id")
    items = () if product.status in _HIDDEN else tuple(_items(info, product))
    at = info.at(product.updated_at)
    return [ProductTold(**info.common("product"), at=at, product=id, items=items)]


def _items(info: DeliveryInfo, product: forms.Product) -> Iterator[Item]:
    options = [(option.name, option.values or ()) for option in product.options or ()]
    for place, variant in enumerate(product.variants or ()):
        names = (product.title, variant.title if variant.title != _ONLY_ONE else None)
        yield Item(
            sku=identity(variant.sku or variant.id, f"variants[{place}].sku"),
            title=", ".join(name.strip() for name in names if name)[:LONGEST_TEXT],
            price=money(variant.price, info.currency, f"variants[{place}].price")
            if variant.price is not None and info.currency
            else None,
            stock=_stock(variant),
            sizes=detail(options, SIZES),
            materials=detail(options, MATERIALS),
        )


def _stock(variant: forms.Variant) -> int | None:
    """None where nobody counts, or where it is sold though none is left."""
    left = variant.inventory_quantity
    if (
        not variant.inventory_management
        or left is None
        or (left <= 0 and variant.inventory_policy == "continue")
    ):
        return None
    return left_of(left)


def _deleted(info: DeliveryInfo, body: bytes) -> list[Event]:
    id = deleted_id(body)
    return [ProductRemoved(**info.common("deleted"), at=info.triggered_at, product=id)]


READERS: dict[str, Callable[[DeliveryInfo, bytes], list[Event]]] = {
    "products/create": _product,
    "products/update": _product,
    "products/delete": _deleted,
}

"""The JSON of WooCommerce's webhooks, as far as we follow it (REST API v3)."""

from html import unescape
from typing import Any

import msgspec

from bot.channels import contacts
from bot.channels.json_reading import Amount, Id


class Billing(msgspec.Struct, frozen=True):
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    country: str | None = None
    postcode: str | None = None

    @property
    def full_name(self) -> str | None:
        """The name without HTML entities, which the site adds."""
        return contacts.full_name(unescape(self.first_name or ""), unescape(self.last_name or ""))


class LineItem(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    quantity: int | float
    total: Amount
    total_tax: Amount | None = None
    sku: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    total: Amount  # below zero
    reason: str | None = None


class Meta(msgspec.Struct, frozen=True):
    """Plugins store what they like in `value`."""

    key: str
    value: Any = None


class ShippingLine(msgspec.Struct, frozen=True):
    """method_id: of the way that the buyer chose, in old sites followed by ":" and a number."""

    method_id: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Times are text without a zone, "" where there is none; those that end in _gmt are in UTC."""

    id: Id
    status: str
    currency: str
    total: Amount
    number: Id | None = None
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None
    date_paid_gmt: str | None = None
    date_completed_gmt: str | None = None
    shipping_total: Amount | None = None
    shipping_tax: Amount | None = None
    total_tax: Amount | None = None
    prices_include_tax: bool = False
    customer_id: int | None = None
    billing: Billing | None = None
    shipping: Billing | None = None
    payment_method: str | None = None
    payment_method_title: str | None = None
    transaction_id: str | None = None
    line_items: tuple[LineItem, ...] | None = None
    shipping_lines: tuple[ShippingLine, ...] | None = None  # empty: nothing is shipped; None: not told
    refunds: tuple[Refund, ...] | None = None
    meta_data: tuple[Meta, ...] | None = None
    billing_period: str | None = None  # of a subscription, which looks like an order otherwise


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None
    email: str | msgspec.UnsetType | None = msgspec.UNSET  # every customer has one, if an empty one
    first_name: str | None = None
    last_name: str | None = None
    billing: Billing | None = None


class Attribute(msgspec.Struct, frozen=True):
    """`options`: of a product; `option`: of a variation."""

    name: str | None = None
    options: tuple[str, ...] | None = None
    option: str | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """manage_stock: true, false, or "parent" of a variation that is counted with its product."""

    id: Id
    name: str
    status: str | None = None
    type: str | None = None
    permalink: str | None = None
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None
    sku: str | None = None
    price: Amount | None = None
    manage_stock: bool | str | None = None
    stock_quantity: int | float | None = None
    stock_status: str | None = None
    backorders: str | None = None
    attributes: tuple[Attribute, ...] | None = None


order = msgspec.json.Decoder(Order)
product = msgspec.json.Decoder(Product)
customer = msgspec.json.Decoder(Customer)

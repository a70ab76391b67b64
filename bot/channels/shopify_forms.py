"""The JSON of Shopify's webhooks, as far as we follow it (API versions 2024-10 to 2026-04).

`admin_graphql_api_id` names the kind of thing that a body is of, as gid://shopify/Order/1.
"""

import msgspec

from bot.channels import contacts
from bot.channels.json_reading import Amount, Id, Timestamp


class Address(msgspec.Struct, frozen=True):
    name: str | None = None
    phone: str | None = None
    zip: str | None = None
    country_code: str | None = None


class Consent(msgspec.Struct, frozen=True):
    """opt_in_level: confirmed_opt_in, or single_opt_in for a yes that the address itself never confirmed."""

    state: str | None = None
    opt_in_level: str | None = None
    consent_updated_at: Timestamp | None = None


class Customer(msgspec.Struct, frozen=True):
    id: Id | None = None
    admin_graphql_api_id: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    updated_at: Timestamp | None = None
    email_marketing_consent: Consent | None = None
    sms_marketing_consent: Consent | None = None
    abandoned_checkout_url: str | None = None
    default_address: Address | None = None

    @property
    def full_name(self) -> str | None:
        return contacts.full_name(self.first_name, self.last_name)


class Sum(msgspec.Struct, frozen=True):
    amount: Amount
    currency_code: str | None = None


class MoneySet(msgspec.Struct, frozen=True):
    """One amount in the shop's currency, and in the one that the buyer sees and pays."""

    shop_money: Sum | None = None
    presentment_money: Sum | None = None


class LineItem(msgspec.Struct, frozen=True):
    """`current_quantity`: without what was removed or given back."""

    price: Amount
    quantity: int
    price_set: MoneySet | None = None
    id: Id | None = None
    current_quantity: int | None = None
    requires_shipping: bool | None = None
    gift_card: bool | None = None
    name: str | None = None
    title: str | None = None
    sku: str | None = None


class Discount(msgspec.Struct, frozen=True):
    code: str | None = None
    title: str | None = None


class Packed(msgspec.Struct, frozen=True):
    quantity: int
    id: Id | None = None  # of the order's line
    requires_shipping: bool | None = None
    gift_card: bool | None = None


class Fulfillment(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    admin_graphql_api_id: str | None = None
    line_items: tuple[Packed, ...] | None = None
    order_id: Id | None = None
    name: str | None = None
    status: str | None = None
    shipment_status: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    tracking_company: str | None = None
    tracking_number: str | None = None
    tracking_numbers: tuple[str, ...] | None = None
    tracking_url: str | None = None
    tracking_urls: tuple[str, ...] | None = None


class FulfillmentEvent(msgspec.Struct, frozen=True, kw_only=True):
    order_id: Id
    fulfillment_id: Id
    status: str
    admin_graphql_api_id: str | None = None
    happened_at: Timestamp | None = None
    created_at: Timestamp | None = None


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    amount: Amount
    kind: str | None = None
    status: str | None = None
    currency: str | None = None


class Returned(msgspec.Struct, frozen=True):
    subtotal_set: MoneySet | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    admin_graphql_api_id: str | None = None
    order_id: Id | None = None
    processed_at: Timestamp | None = None
    created_at: Timestamp | None = None
    note: str | None = None
    transactions: tuple[Transaction, ...] | None = None
    total_duties_set: MoneySet | None = None
    refund_line_items: tuple[Returned, ...] | None = None

    @property
    def shop_currency(self) -> str | None:
        """The currency for transactions without one, from any other sum of the refund."""
        sums = (self.total_duties_set, *(returned.subtotal_set for returned in self.refund_line_items or ()))
        return next((each.shop_money.currency_code for each in sums if each and each.shop_money), None)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    due_at: Timestamp | None = None


class PaymentTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Of a sale on account: one schedule, or one for each part."""

    payment_schedules: tuple[Schedule, ...] | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    total_price: Amount
    currency: str
    admin_graphql_api_id: str | None = None
    abandoned_checkout_url: str | None = None  # of a checkout, which looks like an order otherwise
    name: str | None = None
    test: bool | None = None
    presentment_currency: str | None = None
    total_price_set: MoneySet | None = None
    current_total_price: Amount | None = None
    current_total_price_set: MoneySet | None = None
    total_outstanding: Amount | None = None  # in the shop's currency
    created_at: Timestamp | None = None
    processed_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    cancelled_at: Timestamp | None = None
    cancel_reason: str | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    payment_gateway_names: tuple[str, ...] | None = None
    payment_terms: PaymentTerms | None = None
    taxes_included: bool | None = None
    total_tax: Amount | None = None
    total_tax_set: MoneySet | None = None
    current_total_tax: Amount | None = None
    current_total_tax_set: MoneySet | None = None
    total_shipping_price_set: MoneySet | None = None
    total_discounts: Amount | None = None
    total_discounts_set: MoneySet | None = None
    discount_applications: tuple[Discount, ...] | None = None
    line_items: tuple[LineItem, ...] | None = None
    fulfillments: tuple[Fulfillment, ...] | None = None
    refunds: tuple[Refund, ...] | None = None
    email: str | None = None
    contact_email: str | None = None
    phone: str | None = None
    customer: Customer | None = None
    customer_locale: str | None = None
    buyer_accepts_marketing: bool | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """inventory_management: None where nobody counts it. inventory_policy: continue if sold below zero.

    title: "Default Title" where a product has one variant only.
    """

    id: Id
    title: str | None = None
    sku: str | None = None
    price: Amount | None = None
    inventory_management: str | None = None
    inventory_policy: str | None = None
    inventory_quantity: int | None = None


class Option(msgspec.Struct, frozen=True):
    name: str | None = None
    values: tuple[str, ...] | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """status: active, archived, draft or unlisted; absent in older versions."""

    id: Id
    title: str
    admin_graphql_api_id: str | None = None
    status: str | None = None
    updated_at: Timestamp | None = None
    options: tuple[Option, ...] | None = None
    variants: tuple[Variant, ...] | None = None


order = msgspec.json.Decoder(Order)
product = msgspec.json.Decoder(Product)
fulfillment = msgspec.json.Decoder(Fulfillment)
fulfillment_event = msgspec.json.Decoder(FulfillmentEvent)
refund = msgspec.json.Decoder(Refund)
customer = msgspec.json.Decoder(Customer)

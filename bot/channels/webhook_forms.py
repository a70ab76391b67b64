"""The JSON that the webhook channel accepts, form by form."""

from typing import Any, Generic, TypeVar

import msgspec

from bot.channels.json_reading import Amount, Id, Timestamp


class Buyer(msgspec.Struct, frozen=True):
    """Contacts may be of any type, because a bad phone number is no reason to lose an order."""

    id: Id | None = None
    name: str | None = None
    email: Any = None
    phone: Any = None
    locale: Any = None
    timezone: Any = None
    agrees: Any = None
    verified: Any = None


class Line(msgspec.Struct, frozen=True):
    price: Amount
    quantity: int | float = 1
    title: str | None = None
    sku: Id | None = None
    ships: bool | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    id: Id


class Placed(Order, frozen=True, kw_only=True):
    total: Amount
    currency: str
    buyer: Buyer
    placed_at: Timestamp | None = None
    number: Id | None = None
    postage: Amount | None = None
    tax: Amount | None = None
    lines: tuple[Line, ...] | None = None
    postcode: Id | None = None
    pay_on_delivery: bool | None = None
    paid: Amount | None = None
    test: bool | None = None


class Paid(Order, frozen=True, kw_only=True):
    paid_at: Timestamp | None = None
    amount: Amount | None = None
    currency: str | None = None
    method: str | None = None
    reference: Id | None = None
    payment: Id | None = None
    buyer: Buyer | None = None


class Shipped(Order, frozen=True, kw_only=True):
    shipped_at: Timestamp | None = None
    parcel: Id | None = None
    carrier: str | None = None
    tracking: Id | None = None
    tracking_url: str | None = None
    last: bool | None = None
    buyer: Buyer | None = None


class Delivered(Order, frozen=True, kw_only=True):
    delivered_at: Timestamp | None = None
    parcel: Id | None = None
    tracking: Id | None = None


class Ready(Order, frozen=True, kw_only=True):
    ready_at: Timestamp | None = None
    parcel: Id | None = None
    tracking: Id | None = None


class ParcelCancelled(Order, frozen=True, kw_only=True):
    cancelled_at: Timestamp | None = None
    parcel: Id | None = None
    tracking: Id | None = None


class Completed(Order, frozen=True, kw_only=True):
    completed_at: Timestamp | None = None


class Cancelled(Order, frozen=True, kw_only=True):
    cancelled_at: Timestamp | None = None
    reason: str | None = None


class Refunded(Order, frozen=True, kw_only=True):
    refunded_at: Timestamp | None = None
    refund: Id | None = None
    amount: Amount | None = None
    currency: str | None = None
    reason: str | None = None


class Media(msgspec.Struct, frozen=True):
    url: str
    type: str | None = None
    size: int | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    buyer: Buyer
    id: Id | None = None
    sent_at: Timestamp | None = None
    text: str | None = None
    kind: str | None = None
    media: tuple[Media, ...] | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """With a case, or the message of ours that it answers, it is for us to pass on."""

    buyer: Buyer = Buyer()
    id: Id | None = None
    sent_at: Timestamp | None = None
    text: str | None = None
    agent: str | None = None
    case: int | None = None
    reply_to: Id | None = None


class Review(msgspec.Struct, frozen=True, kw_only=True):
    order: Id
    rating: int
    id: Id | None = None
    text: str | None = None
    posted_at: Timestamp | None = None


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    buyer: Buyer
    total: Amount | None = None
    currency: str | None = None
    abandoned_at: Timestamp | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    sku: Id
    title: str | None = None
    stock: int | None = None
    restocked_at: Timestamp | None = None


class ProductItem(msgspec.Struct, frozen=True, kw_only=True):
    """stock: null where nobody counts it and it can be had; left out, nothing is said of it."""

    sku: Id
    title: str
    price: Amount | None = None
    stock: int | msgspec.UnsetType | None = msgspec.UNSET
    floor: Amount | None = None
    postage: Amount | None = None
    materials: str | None = None
    sizes: str | None = None
    care: str | None = None
    url: str | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    items: tuple[ProductItem, ...]
    currency: str | None = None
    updated_at: Timestamp | None = None


class ProductDeleted(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    deleted_at: Timestamp | None = None


OrderData = TypeVar("OrderData")


class OfOrder(msgspec.Struct, Generic[OrderData], frozen=True):
    order: OrderData


class OfMessage(msgspec.Struct, frozen=True):
    message: Message


class OfReply(msgspec.Struct, frozen=True):
    message: Reply


class OfReview(msgspec.Struct, frozen=True):
    review: Review


class OfCheckout(msgspec.Struct, frozen=True):
    checkout: Checkout


class OfItem(msgspec.Struct, frozen=True):
    item: Item


class OfProduct(msgspec.Struct, frozen=True):
    product: Product


class OfProductDeleted(msgspec.Struct, frozen=True):
    product: ProductDeleted


class OfBuyer(msgspec.Struct, frozen=True):
    buyer: Buyer


class Form(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    timestamp: Timestamp | None = None


class MessageForm(Form, frozen=True, kw_only=True, tag="message.received"):
    data: OfMessage


class ReplyForm(Form, frozen=True, kw_only=True, tag="agent.replied"):
    data: OfReply


class PlacedForm(Form, frozen=True, kw_only=True, tag="order.placed"):
    data: OfOrder[Placed]


class PaidForm(Form, frozen=True, kw_only=True, tag="order.paid"):
    data: OfOrder[Paid]


class ShippedForm(Form, frozen=True, kw_only=True, tag="order.shipped"):
    data: OfOrder[Shipped]


class DeliveredForm(Form, frozen=True, kw_only=True, tag="order.delivered"):
    data: OfOrder[Delivered]


class ReadyForm(Form, frozen=True, kw_only=True, tag="order.ready_for_pickup"):
    data: OfOrder[Ready]


class ParcelCancelledForm(Form, frozen=True, kw_only=True, tag="order.parcel_cancelled"):
    data: OfOrder[ParcelCancelled]


class CompletedForm(Form, frozen=True, kw_only=True, tag="order.completed"):
    data: OfOrder[Completed]


class CancelledForm(Form, frozen=True, kw_only=True, tag="order.cancelled"):
    data: OfOrder[Cancelled]


class RefundedForm(Form, frozen=True, kw_only=True, tag="order.refunded"):
    data: OfOrder[Refunded]


class ReviewForm(Form, frozen=True, kw_only=True, tag="review.posted"):
    data: OfReview


class CheckoutForm(Form, frozen=True, kw_only=True, tag="checkout.abandoned"):
    data: OfCheckout


class ItemForm(Form, frozen=True, kw_only=True, tag="item.restocked"):
    data: OfItem


class ProductForm(Form, frozen=True, kw_only=True, tag="product.updated"):
    data: OfProduct


class ProductDeletedForm(Form, frozen=True, kw_only=True, tag="product.deleted"):
    data: OfProductDeleted


class OptOutForm(Form, frozen=True, kw_only=True, tag="buyer.opted_out"):
    data: OfBuyer


class BuyerForm(Form, frozen=True, kw_only=True, tag="buyer.updated"):
    data: OfBuyer


FORMS = (
    MessageForm
    | ReplyForm
    | PlacedForm
    | PaidForm
    | ShippedForm
    | DeliveredForm
    | ReadyForm
    | ParcelCancelledForm
    | CompletedForm
    | CancelledForm
    | RefundedForm
    | ReviewForm
    | CheckoutForm
    | ItemForm
    | ProductForm
    | ProductDeletedForm
    | OptOutForm
    | BuyerForm
)

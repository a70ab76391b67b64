"""Translate a form of the webhook channel into an event."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from bot.channels import contacts, external_id
from bot.channels import webhook_forms as forms
from bot.channels.json_reading import Amount, Id, currency, identity, missing, money, pieces, timestamp
from bot.channels.product_details import LONGEST_TEXT
from bot.domain.desk import SELLERS_SYSTEM
from bot.domain.errors import Unreadable
from bot.domain.events import (
    AgentReplied,
    BuyerOptedOut,
    BuyerRef,
    BuyerUpdated,
    CheckoutAbandoned,
    Event,
    ItemRestocked,
    Line,
    Media,
    MessageReceived,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
    PaymentReceived,
    ProductRemoved,
    ProductTold,
    ReviewPosted,
)
from bot.domain.money import Money
from bot.domain.parcels import READY, UNNAMED
from bot.domain.products import MOST_ITEMS, Item

_ORDER = "data.order"
_MESSAGE = "data.message"
_MESSAGE_KINDS = ("text", "button", "edit", "sticker", "other")
_MAX_QUANTITY = 1_000_000
_MAX_MEDIA = 10  # files of one message that are kept
_FILE = re.compile(r"https?://[^\s<>\"]{1,1990}")


class DeliveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What all events of a delivery share. desk: the seller may answer their cases there."""

    channel: str
    delivery: str
    region: str
    desk: bool = False


def event(form: forms.Form, info: DeliveryInfo) -> Event | None:
    """Translate a form; None if nothing happened that we follow. Raises Unreadable, naming the place."""
    read, tag = _READERS[type(form)]
    return read(form, info, {"channel": info.channel, "external_id": external_id(info.delivery, tag)})


def _message(form: forms.MessageForm, info: DeliveryInfo, common: dict[str, Any]) -> Event:
    message = form.data.message
    id = _optional_id(message.id, f"{_MESSAGE}.id")
    media = _media(message.media or ())
    other = message.kind or media
    kind = message.kind if message.kind in _MESSAGE_KINDS else "other" if other else "text"
    if message.text is None and kind not in ("other", "sticker"):
        missing(f"{_MESSAGE}.text", '"text": "..."')
    if id and kind != "edit":  # told again under another delivery id, a message stays one
        common |= {
            "external_id": external_id(f"message:{_conversation(message.buyer)}:{id}", "message.received")
        }
    return MessageReceived(
        **common,
        at=_at(form, message.sent_at, f"{_MESSAGE}.sent_at"),
        conversation=_conversation(message.buyer),
        buyer=_buyer(message.buyer, info),
        message_id=id or info.delivery,
        text=message.text or "",
        kind=kind,
        media=media,
    )


def _media(given: tuple[forms.Media, ...]) -> tuple[Media, ...]:
    for place, each in enumerate(given[:_MAX_MEDIA]):
        if not _FILE.fullmatch(each.url):
            raise Unreadable(f"{_MESSAGE}.media[{place}].url is no web address of at most 2,000 characters")
    return tuple(Media(ref=each.url, type=each.type, size=each.size) for each in given[:_MAX_MEDIA])


def _reply(form: forms.ReplyForm, info: DeliveryInfo, common: dict[str, Any]) -> Event:
    message = form.data.message
    ours = message.case is not None or message.reply_to is not None
    if ours or (info.desk and message.buyer.id is None):
        return _for_us(form, info, common)
    return AgentReplied(
        **common,
        at=_at(form, message.sent_at, f"{_MESSAGE}.sent_at"),
        conversation=_conversation(message.buyer),
        buyer=_buyer(message.buyer, info),
        message_id=_optional_id(message.id, f"{_MESSAGE}.id") or info.delivery,
        text=message.text or "",
        agent=message.agent,
    )


def _for_us(form: forms.ReplyForm, info: DeliveryInfo, common: dict[str, Any]) -> Event:
    """What the seller writes about a case in their own system: we pass it on, or do as it says."""
    message = form.data.message
    if not info.desk:
        raise Unreadable(f"{_MESSAGE}: cases are answered only through the channel that seller.webhook names")
    if message.text is None:
        missing(f"{_MESSAGE}.text", '"text": "..."')
    id = _optional_id(message.id, f"{_MESSAGE}.id")
    if id:  # told again under another delivery id, a word stays one
        common |= {"external_id": external_id(f"desk:{id}", "agent.replied")}
    return MessageReceived(
        **common,
        at=_at(form, message.sent_at, f"{_MESSAGE}.sent_at"),
        conversation=SELLERS_SYSTEM,
        buyer=BuyerRef(id=SELLERS_SYSTEM, name=message.agent),
        message_id=id or info.delivery,
        text=message.text,
        reply_to=_optional_id(message.reply_to, f"{_MESSAGE}.reply_to"),
        case=message.case,
    )


def _placed(form: forms.PlacedForm, info: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    code = currency(order.currency, f"{_ORDER}.currency")
    placed_at = _at(form, order.placed_at, f"{_ORDER}.placed_at")
    return OrderPlaced(
        **common,
        at=timestamp(form.timestamp, "timestamp") if form.timestamp else placed_at,
        order=identity(order.id, f"{_ORDER}.id"),
        placed_at=placed_at,
        total=money(order.total, code, f"{_ORDER}.total"),
        buyer=_buyer(order.buyer, info),
        number=_optional_id(order.number, f"{_ORDER}.number"),
        postage=_amount(order.postage, code, f"{_ORDER}.postage"),
        tax=_tax(order, code),
        lines=_lines(order.lines or (), code),
        postcode=_optional_id(order.postcode, f"{_ORDER}.postcode"),
        pay_on_delivery=order.pay_on_delivery,
        test=bool(order.test),
        paid=_amount(order.paid, order.currency, f"{_ORDER}.paid"),
    )


def _tax(order: forms.Placed, code: str) -> Money | None:
    tax = _amount(order.tax, code, f"{_ORDER}.tax")
    return tax if tax and tax.minor else None


def _lines(lines: tuple[forms.Line, ...], code: str) -> tuple[Line, ...]:
    return tuple(_line(line, code, f"{_ORDER}.lines[{place}]") for place, line in enumerate(lines))


def _line(line: forms.Line, code: str, place: str) -> Line:
    sku = _optional_id(line.sku, f"{place}.sku")
    title = line.title or sku
    if title is None:
        missing(f"{place}.title", '"title": "..."')
    if not 0 <= line.quantity <= _MAX_QUANTITY:
        raise Unreadable(f"{place}.quantity: {str(line.quantity)[:20]} is not a number of pieces")
    price = money(line.price, code, f"{place}.price", below_zero=True)
    return Line(
        title=title,
        quantity=pieces(line.quantity),
        price=price,
        sku=sku,
        to_ship=0 if line.ships is False else None,
    )


def _paid(form: forms.PaidForm, info: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    return PaymentReceived(
        **common,
        at=_at(form, order.paid_at, f"{_ORDER}.paid_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        amount=_amount(order.amount, order.currency, f"{_ORDER}.amount"),
        method=order.method,
        reference=_optional_id(order.reference, f"{_ORDER}.reference"),
        payment=_optional_id(order.payment, f"{_ORDER}.payment"),
        buyer=_buyer(order.buyer, info) if order.buyer else None,
    )


def _shipped(form: forms.ShippedForm, info: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    parcel, tracking = _parcel(order)
    return OrderShipped(
        **common,
        at=_at(form, order.shipped_at, f"{_ORDER}.shipped_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        parcel=parcel or UNNAMED,
        named=parcel is not None,
        carrier=order.carrier or None,
        tracking=tracking,
        tracking_url=order.tracking_url or None,
        last=order.last,
        shown_at=timestamp(form.timestamp, "timestamp") if form.timestamp else None,
        buyer=_buyer(order.buyer, info) if order.buyer else None,
    )


def _delivered(form: forms.DeliveredForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    parcel, tracking = _parcel(order)
    return OrderDelivered(
        **common,
        at=_at(form, order.delivered_at, f"{_ORDER}.delivered_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        parcel=parcel,
        tracking=tracking,
    )


def _ready(form: forms.ReadyForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    parcel, tracking = _parcel(order)
    return ParcelMoved(
        **common,
        at=_at(form, order.ready_at, f"{_ORDER}.ready_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        parcel=parcel,
        tracking=tracking,
        status=READY,
    )


def _parcel_cancelled(form: forms.ParcelCancelledForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    parcel, tracking = _parcel(order)
    return ParcelCancelled(
        **common,
        at=_at(form, order.cancelled_at, f"{_ORDER}.cancelled_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        parcel=parcel,
        tracking=tracking,
    )


def _parcel(
    order: forms.Shipped | forms.Delivered | forms.Ready | forms.ParcelCancelled,
) -> tuple[str | None, str | None]:
    """The name of a parcel, which is its number if it has no other, and its number."""
    tracking = _optional_id(order.tracking, f"{_ORDER}.tracking")
    return _optional_id(order.parcel, f"{_ORDER}.parcel") or tracking, tracking


def _completed(form: forms.CompletedForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    at = _at(form, order.completed_at, f"{_ORDER}.completed_at")
    return OrderCompleted(**common, at=at, order=identity(order.id, f"{_ORDER}.id"))


def _cancelled(form: forms.CancelledForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    order = form.data.order
    at = _at(form, order.cancelled_at, f"{_ORDER}.cancelled_at")
    return OrderCancelled(**common, at=at, order=identity(order.id, f"{_ORDER}.id"), reason=order.reason)


def _refunded(form: forms.RefundedForm, _: DeliveryInfo, common: dict[str, Any]) -> Event | None:
    order = form.data.order
    at = _at(form, order.refunded_at, f"{_ORDER}.refunded_at")
    amount = _amount(order.amount, order.currency, f"{_ORDER}.amount")
    if amount is not None and amount.minor == 0:
        return None  # no money moved
    generated = f"{at.isoformat()} {amount.minor if amount else 'all'}"
    return OrderRefunded(
        **common,
        at=at,
        order=identity(order.id, f"{_ORDER}.id"),
        refund=_optional_id(order.refund, f"{_ORDER}.refund") or generated,
        amount=amount,
        reason=order.reason,
    )


def _review(form: forms.ReviewForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    review = form.data.review
    if not 1 <= review.rating <= 5:
        raise Unreadable(f"data.review.rating: {str(review.rating)[:20]} is not between 1 and 5")
    return ReviewPosted(
        **common,
        at=_at(form, review.posted_at, "data.review.posted_at"),
        order=identity(review.order, "data.review.order"),
        rating=review.rating,
        text=review.text or "",
        review=_optional_id(review.id, "data.review.id"),
    )


def _checkout(form: forms.CheckoutForm, info: DeliveryInfo, common: dict[str, Any]) -> Event | None:
    checkout = form.data.checkout
    buyer = _reachable_buyer(checkout.buyer, info, "data.checkout.buyer")
    if buyer is None:
        return None
    return CheckoutAbandoned(
        **common,
        at=_at(form, checkout.abandoned_at, "data.checkout.abandoned_at"),
        buyer=buyer,
        checkout=identity(checkout.id, "data.checkout.id"),
        total=_amount(checkout.total, checkout.currency, "data.checkout.total"),
    )


def _item(form: forms.ItemForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    item = form.data.item
    if item.stock is not None and not 1 <= item.stock <= _MAX_QUANTITY:
        raise Unreadable(f"data.item.stock: {str(item.stock)[:20]} is not a number of pieces above 0")
    return ItemRestocked(
        **common,
        at=_at(form, item.restocked_at, "data.item.restocked_at"),
        sku=identity(item.sku, "data.item.sku"),
        title=item.title,
        stock=item.stock,
    )


def _product(form: forms.ProductForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    product = form.data.product
    return ProductTold(
        **common,
        at=_at(form, product.updated_at, "data.product.updated_at"),
        product=identity(product.id, "data.product.id"),
        items=tuple(
            _sold(item, product.currency, f"data.product.items[{place}]")
            for place, item in enumerate(product.items[:MOST_ITEMS])
        ),
    )


def _sold(item: forms.ProductItem, code: str | None, place: str) -> Item:
    if not item.title.strip():
        missing(f"{place}.title", '"title": "..."')
    if isinstance(item.stock, int) and not 0 <= item.stock <= _MAX_QUANTITY:
        raise Unreadable(f"{place}.stock: {str(item.stock)[:20]} is not a number of pieces")
    sums = {
        name: money(value, currency(code, "data.product.currency"), f"{place}.{name}")
        for name in ("price", "floor", "postage")
        if (value := getattr(item, name)) is not None
    }
    texts = {
        name: value.strip()[:LONGEST_TEXT]
        for name in ("materials", "sizes", "care", "url")
        if (value := getattr(item, name))
    }
    title = item.title.strip()[:LONGEST_TEXT]
    details: dict[str, Any] = {**sums, **texts}
    return Item(sku=identity(item.sku, f"{place}.sku"), title=title, stock=item.stock, **details)


def _product_deleted(form: forms.ProductDeletedForm, _: DeliveryInfo, common: dict[str, Any]) -> Event:
    product = form.data.product
    at = _at(form, product.deleted_at, "data.product.deleted_at")
    return ProductRemoved(**common, at=at, product=identity(product.id, "data.product.id"))


def _opted_out(form: forms.OptOutForm, info: DeliveryInfo, common: dict[str, Any]) -> Event | None:
    buyer = _reachable_buyer(form.data.buyer, info, "data.buyer")
    return BuyerOptedOut(**common, at=_at(form, None, "timestamp"), buyer=buyer) if buyer else None


def _updated(form: forms.BuyerForm, info: DeliveryInfo, common: dict[str, Any]) -> Event | None:
    buyer = _reachable_buyer(form.data.buyer, info, "data.buyer")
    return BuyerUpdated(**common, at=_at(form, None, "timestamp"), buyer=buyer) if buyer else None


def _at(form: forms.Form, own: datetime | None, place: str) -> datetime:
    """The time of the fact itself; the form's timestamp if it has none."""
    if own is not None:
        return timestamp(own, place)
    if form.timestamp is None:
        missing("timestamp", "2026-11-21T10:00:00+08:00")
    return timestamp(form.timestamp, "timestamp")


def _optional_id(value: Id | None, place: str) -> str | None:
    return None if value is None or value == "" else identity(value, place)


def _amount(value: Amount | None, code: str | None, place: str) -> Money | None:
    if value is None:
        return None
    return money(value, currency(code, f"{place.rpartition('.')[0]}.currency"), place)


def _conversation(buyer: forms.Buyer) -> str:
    if buyer.id is None:
        missing(f"{_MESSAGE}.buyer.id", '"id": "ann"')
    return identity(buyer.id, f"{_MESSAGE}.buyer.id")


def _buyer(buyer: forms.Buyer, info: DeliveryInfo) -> BuyerRef:
    return BuyerRef(
        id=_optional_id(buyer.id, "buyer.id"),
        name=buyer.name or None,
        email=contacts.email(buyer.email),
        phone=contacts.phone(buyer.phone, info.region),
        locale=contacts.locale(buyer.locale),
        timezone=contacts.timezone(buyer.timezone),
        agrees=buyer.agrees if isinstance(buyer.agrees, bool) else None,
        verified=buyer.verified is True,
    )


def _reachable_buyer(buyer: forms.Buyer, info: DeliveryInfo, place: str) -> BuyerRef | None:
    """None if no id, email or phone in it is valid, because then there is nobody to write to."""
    if buyer.id is None and buyer.email is None and buyer.phone is None:
        raise Unreadable(f"{place} names nobody; give an id, email or phone")
    found = _buyer(buyer, info)
    return found if found.id or found.email or found.phone else None


_Reader = Callable[[Any, DeliveryInfo, dict[str, Any]], Event | None]

_READERS: dict[type[forms.Form], tuple[_Reader, str]] = {
    forms.MessageForm: (_message, "message.received"),
    forms.ReplyForm: (_reply, "agent.replied"),
    forms.PlacedForm: (_placed, "order.placed"),
    forms.PaidForm: (_paid, "order.paid"),
    forms.ShippedForm: (_shipped, "order.shipped"),
    forms.DeliveredForm: (_delivered, "order.delivered"),
    forms.ReadyForm: (_ready, "order.ready_for_pickup"),
    forms.ParcelCancelledForm: (_parcel_cancelled, "order.parcel_cancelled"),
    forms.CompletedForm: (_completed, "order.completed"),
    forms.CancelledForm: (_cancelled, "order.cancelled"),
    forms.RefundedForm: (_refunded, "order.refunded"),
    forms.ReviewForm: (_review, "review.posted"),
    forms.CheckoutForm: (_checkout, "checkout.abandoned"),
    forms.ItemForm: (_item, "item.restocked"),
    forms.ProductForm: (_product, "product.updated"),
    forms.ProductDeletedForm: (_product_deleted, "product.deleted"),
    forms.OptOutForm: (_opted_out, "buyer.opted_out"),
    forms.BuyerForm: (_updated, "buyer.updated"),
}
KINDS = frozenset(tag for _, tag in _READERS.values())

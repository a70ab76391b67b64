"""Translate a body of WooCommerce's into the events of its topic.

The topic stands in a header that is not signed, so any genuine body can be sent again under any topic. What
happened, and when, is therefore read from the body alone.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from html import unescape
from typing import Any

import msgspec

from bot.channels import contacts, external_id
from bot.channels import woocommerce_forms as forms
from bot.channels.json_reading import Amount, currency, deleted_id, identity, money, pieces, read, timestamp
from bot.domain.errors import Unreadable
from bot.domain.events import (
    BuyerRef,
    BuyerUpdated,
    Event,
    Line,
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    ParcelCancelled,
    PaymentReceived,
)
from bot.domain.money import Money, precision

_NOT_YET = frozenset(("checkout-draft", "auto-draft", "draft", "new", "trash"))
# A failed payment does not cancel an order; it can still be paid.
_OPEN = frozenset(("pending", "on-hold", "processing", "completed", "failed"))
_NOT_SENT = frozenset(("pending", "on-hold", "processing"))
_UNPAID = frozenset(("pending", "on-hold", "failed"))
_TRACKING = "_wc_shipment_tracking_items"  # of the Shipment Tracking extension, and of others that follow it
_MOST_PARCELS = 50
_PICKUP = frozenset(("local_pickup", "pickup_location"))  # the buyer fetches it from the shop


class DeliveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What all events of a delivery share. delivery: the same for all deliveries sent in one second."""

    channel: str
    region: str
    topic: str
    delivery: str
    received_at: datetime
    completed_ships: bool
    currency: str | None = None  # the shop's, of what names none

    def common(self, id: str, part: str) -> dict[str, Any]:
        return {"channel": self.channel, "external_id": external_id(id, part)}


def _order(info: DeliveryInfo, body: bytes) -> list[Event]:
    order = read(forms.order, body)
    if order.billing_period:
        raise Unreadable("the topic is about an order, and the body is of a subscription")
    if order.status in _NOT_YET:
        return []
    return list(_order_events(info, order, body))


def _order_events(info: DeliveryInfo, order: forms.Order, body: bytes) -> Iterator[Event]:
    id = identity(order.id, "id")
    code = currency(order.currency, "currency")
    placed_at = utc_time(order.date_created_gmt, "date_created_gmt")
    modified_at = utc_time(order.date_modified_gmt, "date_modified_gmt")
    paid_at = utc_time(order.date_paid_gmt, "date_paid_gmt")
    at = modified_at or placed_at or info.received_at
    key = content_key(f"{id} {identity(order.status, 'status')}", modified_at, body)
    completed_ships = info.completed_ships and _is_sent(order)
    yield OrderPlaced(
        **info.common(key, "placed"),
        at=at,
        order=id,
        placed_at=placed_at or at,
        total=money(order.total, code, "total"),
        buyer=_buyer(order, info.region),
        number=identity(order.number, "number") if order.number else None,
        postage=_postage(order, code),
        tax=_tax(order, code),
        lines=_lines(order, code),
        postcode=_postcode(order),
        pay_on_delivery=order.payment_method == "cod",
        paid=_taken_back(order, code, modified_at, paid_at),
    )
    # WooCommerce dates a payment as soon as the order is being processed, also where the carrier collects it.
    if paid_at and order.payment_method != "cod":
        yield PaymentReceived(
            **info.common(key, "paid"),
            at=paid_at,
            order=id,
            method=unescape(order.payment_method_title or "") or None,
            reference=order.transaction_id or None,
            told_at=at,  # an order edited later was paid as it was shown when the payment was
        )
    if modified_at and info.topic != "order.created" and order.status in _OPEN:
        back = order.status in _NOT_SENT and _completed_before(order, at) and not completed_ships
        yield OrderReopened(**info.common(key, "reopened"), at=modified_at, order=id, not_completed=back)
    if order.status == "cancelled":
        yield OrderCancelled(**info.common(key, "cancelled"), at=at, order=id)
    if order.status == "completed":
        yield from _completed(info, order, id, key, at, completed_ships)
    if order.status in _NOT_SENT and completed_ships:
        yield from _not_sent(info, order, id, key, at)
    yield from _refunds(info, order, id, key, at)


def _taken_back(
    order: forms.Order, code: str, modified_at: datetime | None, paid_at: datetime | None
) -> Money | None:
    """Nothing, where the order waits for its payment: WooCommerce keeps the date of a payment that failed
    later, or that the shop took back. None elsewhere, because a date alone tells no sum."""
    since = paid_at is None or (modified_at is not None and modified_at > paid_at)
    return Money(0, code) if order.status in _UNPAID and since else None


def _is_sent(order: forms.Order) -> bool:
    """False where nothing is shipped: the buyer fetches it, or it needs no shipping, as downloads do. A body
    without shipping lines of any kind says nothing."""
    lines = order.shipping_lines
    return lines is None or any((line.method_id or "").partition(":")[0] not in _PICKUP for line in lines)


def _completed(
    info: DeliveryInfo, order: forms.Order, id: str, key: str, at: datetime, ships: bool
) -> Iterator[Event]:
    """Most shops complete an order when they ship it, because WooCommerce has no status for shipped. One that
    is not shipped was handed over."""
    completed_at = utc_time(order.date_completed_gmt, "date_completed_gmt") or at
    if not ships:
        yield OrderCompleted(**info.common(key, "completed"), at=completed_at, order=id)
        return
    for place, parcel in enumerate(_tracked(order) or [{}], start=1):
        yield OrderShipped(
            **info.common(key, f"shipped:{place}"),
            at=completed_at,
            order=id,
            parcel=str(place),
            named=bool(parcel),
            carrier=_text(parcel, "tracking_provider") or _text(parcel, "custom_tracking_provider"),
            tracking=_text(parcel, "tracking_number"),
            tracking_url=_text(parcel, "custom_tracking_link"),
            last=True,
            followed=False,  # no later delivery brings news of a parcel
            shown_at=at,
        )


def _completed_before(order: forms.Order, at: datetime) -> bool:
    """An order that was completed by mistake keeps the date of that."""
    completed_at = utc_time(order.date_completed_gmt, "date_completed_gmt")
    return completed_at is not None and completed_at < at


def _not_sent(info: DeliveryInfo, order: forms.Order, id: str, key: str, at: datetime) -> Iterator[Event]:
    if not _completed_before(order, at):
        return
    for place, parcel in enumerate(_tracked(order) or [{}], start=1):
        yield ParcelCancelled(
            **info.common(key, f"unsent:{place}"),
            at=at,
            order=id,
            parcel=str(place) if parcel else None,
            tracking=_text(parcel, "tracking_number"),
        )


def _tracked(order: forms.Order) -> list[dict[str, Any]]:
    items = next((meta.value for meta in order.meta_data or () if meta.key == _TRACKING), None)
    if isinstance(items, dict):  # PHP writes a list with gaps as an object
        items = list(items.values())
    return (
        [item for item in items[:_MOST_PARCELS] if isinstance(item, dict)] if isinstance(items, list) else []
    )


def _text(parcel: dict[str, Any], name: str) -> str | None:
    value = parcel.get(name)
    return unescape(value).strip()[:500] or None if isinstance(value, str) else None


def _refunds(info: DeliveryInfo, order: forms.Order, id: str, key: str, at: datetime) -> Iterator[Event]:
    """Date refunds by the order, because they have no time of their own; each counts once, by its id."""
    refunded = Decimal(0)
    for place, refund in enumerate(order.refunds or ()):
        amount = money(
            str(refund.total).strip().lstrip("-"), order.currency.strip().upper(), f"refunds[{place}].total"
        )
        if amount.minor == 0:
            continue
        refunded += amount.decimal
        number = identity(refund.id, f"refunds[{place}].id")
        yield OrderRefunded(
            **info.common(key, f"refunded:{number}"),
            at=at,
            order=id,
            refund=number,
            amount=amount,
            reason=unescape(refund.reason or "") or None,
        )
    if order.status == "refunded" and refunded < _decimal(order.total, "total"):
        yield OrderRefunded(**info.common(key, "refunded"), at=at, order=id, refund="all")


def _buyer(order: forms.Order, region: str) -> BuyerRef:
    billing = order.billing or forms.Billing()
    return BuyerRef(
        id=str(order.customer_id) if order.customer_id and order.customer_id > 0 else None,  # 0 is a guest
        name=billing.full_name,
        email=contacts.email(billing.email),
        phone=contacts.phone(billing.phone, billing.country or region),
    )


def _postcode(order: forms.Order) -> str | None:
    return next((to.postcode for to in (order.shipping, order.billing) if to and to.postcode), None)


def _postage(order: forms.Order, code: str) -> Money | None:
    """With its tax, where the prices have theirs in them."""
    if not order.shipping_total:
        return None
    postage = money(order.shipping_total, code, "shipping_total")
    if order.prices_include_tax and order.shipping_tax:
        return postage + money(order.shipping_tax, code, "shipping_tax")
    return postage


def _tax(order: forms.Order, code: str) -> Money | None:
    if order.prices_include_tax or not order.total_tax:
        return None
    tax = money(order.total_tax, code, "total_tax")
    return tax if tax.minor else None


def _lines(order: forms.Order, code: str) -> tuple[Line, ...]:
    to_ship = None if _is_sent(order) else 0
    return tuple(
        Line(
            title=unescape(line.name),
            quantity=pieces(line.quantity),
            price=_each(line, code, order.prices_include_tax, f"line_items[{place}]"),
            sku=line.sku or None,
            to_ship=to_ship,
        )
        for place, line in enumerate(order.line_items or ())
        if 0 < line.quantity < 1_000_000
    )


def _each(line: forms.LineItem, code: str, with_tax: bool, place: str) -> Money:
    """Compute the price from the line's total, because `price` has rounding errors. Rounded down."""
    total = _decimal(line.total, f"{place}.total")
    if with_tax and line.total_tax:
        total += _decimal(line.total_tax, f"{place}.total_tax")
    minor = (total / Decimal(str(line.quantity))).scaleb(precision(code)).to_integral_value(ROUND_DOWN)
    return Money(int(minor), code)


def _decimal(value: Amount, place: str) -> Decimal:
    text = str(value).strip()
    try:
        amount = Decimal(text) if len(text) <= 40 else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
        raise Unreadable(f"{place}: {text[:40]!r} is not an amount of money; write 12.50")
    return amount


def utc_time(text: str | None, place: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"{place}: {text[:40]!r} is not a timestamp; write 2026-11-21T10:00:00") from None
    return timestamp(at, place)


def content_key(what: str, modified_at: datetime | None, body: bytes) -> str:
    """Identify a snapshot by its content: deliveries of one second share an id, one event may have two."""
    return f"{what} {modified_at.isoformat() if modified_at else ''} {_fingerprint(body)}"


def _fingerprint(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def _deleted(info: DeliveryInfo, body: bytes) -> list[Event]:
    """The body has nothing but the id, so only the delivery tells a second deletion from the first."""
    id = deleted_id(body)
    gone = info.common(f"{id} {info.delivery or _fingerprint(body)}", "deleted")
    return [OrderCancelled(**gone, at=info.received_at, order=id, reason="deleted")]


def _customer(info: DeliveryInfo, body: bytes) -> list[Event]:
    customer = read(forms.customer, body)
    if customer.email is msgspec.UNSET:
        raise Unreadable("email is missing, so this is no customer")
    id = identity(customer.id, "id")
    billing = customer.billing or forms.Billing()
    name = forms.Billing(first_name=customer.first_name, last_name=customer.last_name).full_name
    buyer = BuyerRef(
        id=id,
        name=name or billing.full_name,
        email=contacts.email(customer.email) or contacts.email(billing.email),
        phone=contacts.phone(billing.phone, billing.country or info.region),
    )
    modified_at = utc_time(customer.date_modified_gmt, "date_modified_gmt")
    at = modified_at or utc_time(customer.date_created_gmt, "date_created_gmt") or info.received_at
    key = content_key(f"customer {id}", modified_at, body)
    return [BuyerUpdated(**info.common(key, "buyer"), at=at, buyer=buyer)]


READERS: dict[str, Callable[[DeliveryInfo, bytes], list[Event]]] = {
    "order.created": _order,
    "order.updated": _order,
    "order.restored": _order,
    "order.deleted": _deleted,
    "customer.created": _customer,
    "customer.updated": _customer,
}

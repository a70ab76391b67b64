"""Translate a body of Shopify's into the events of its topic.

The topic stands in a header that is not signed, so any genuine body can be sent again under any topic. What
happened is therefore read from the body alone; the topic only says which of it is news.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from bot.channels import contacts, external_id, shopify_money
from bot.channels import shopify_forms as forms
from bot.channels.json_reading import deleted_id, identity, read, timestamp
from bot.domain.errors import Unreadable
from bot.domain.events import (
    Agreement,
    BuyerRef,
    BuyerUpdated,
    Event,
    OrderCancelled,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
)
from bot.domain.parcels import ATTEMPTED, FAILURE, FETCHED, READY

_NOT_SENT = frozenset(("cancelled", "error", "failure"))
_IN_WORK = frozenset(("pending", "open"))  # a fulfilment service is to send it, or is about to
_ARRIVED = frozenset(("delivered", FETCHED))
_ALL_SENT = {"fulfilled": True, "partial": False}
_CONSENT = {"subscribed": True, "unsubscribed": False}


class DeliveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What all events of a delivery share."""

    channel: str
    region: str
    topic: str
    delivery: str
    triggered_at: datetime
    currency: str | None = None  # the shop's, of what names none

    def common(self, part: str) -> dict[str, Any]:
        return {"channel": self.channel, "external_id": external_id(self.delivery, part)}

    def at(self, *times: datetime | None) -> datetime:
        """The first time that the body names; when the webhook was triggered if it names none."""
        return next((timestamp(at, "the body's time") for at in times if at is not None), self.triggered_at)


def _order(info: DeliveryInfo, body: bytes) -> list[Event]:
    """Every topic sends the whole order; its states become events only where the topic is about all of them,
    because Shopify's test notifications show a cancelled order under each. What went back is read always: no
    word of a cancelling may stand without it."""
    order = read(forms.order, body)
    must_be("Order", order.admin_graphql_api_id, order.abandoned_checkout_url)
    id = identity(order.id, "id")
    at = info.at(order.updated_at, order.processed_at, order.created_at)
    events: list[Event] = [
        OrderPlaced(
            **info.common("placed"),
            at=at,
            order=id,
            placed_at=info.at(order.created_at, order.processed_at),
            buyer=_ticked(_buyer_of(order, info.region), order, info),
            number=order.name or None,
            **shopify_money.of_order(order),
            test=bool(order.test),
            postcode=order.shipping_address.zip if order.shipping_address else None,
            pay_on_delivery=_pays_on_delivery(order) or None,
            pay_by=_pays_by(order),
        ),
        *_wishes_of(info, order, at),
    ]
    snapshot = info.topic in _WHOLE
    if order.cancelled_at and snapshot:
        cancelled_at = info.at(order.cancelled_at)
        events.append(
            OrderCancelled(**info.common("cancelled"), at=cancelled_at, order=id, reason=order.cancel_reason)
        )
    events.extend(_refunds(info, order, id))
    if snapshot or info.topic in _FULFILLED:
        last = _ALL_SENT.get(order.fulfillment_status or "")
        for parcel in order.fulfillments or ():
            events.extend(_parcel_events(info, parcel, id, last, at))
    return events


def _pays_on_delivery(order: forms.Order) -> bool:
    """True for Shopify's own name of this payment method; a shop may add a short one in brackets."""
    return any("cash on delivery" in name.lower() for name in order.payment_gateway_names or ())


def _pays_by(order: forms.Order) -> datetime | None:
    """When the whole is to be paid, of a sale on account."""
    schedules = (order.payment_terms and order.payment_terms.payment_schedules) or ()
    days = (timestamp(each.due_at, "payment_terms.due_at") for each in schedules if each.due_at)
    return max(days, default=None)


def _buyer_of(order: forms.Order, region: str) -> BuyerRef:
    """Know nobody by the shipping address, because a parcel may go to somebody else."""
    customer = order.customer or forms.Customer()
    billing = order.billing_address or forms.Address()
    shipping = order.shipping_address or forms.Address()
    email = contacts.email(order.email) or contacts.email(order.contact_email)
    phones = (
        (order.phone, region),
        (customer.phone, region),
        (billing.phone, billing.country_code or region),
    )
    return BuyerRef(
        id=identity(customer.id, "customer.id") if customer.id is not None else None,
        name=customer.full_name or billing.name or None,
        email=email or contacts.email(customer.email),
        phone=next((number for text, where in phones if (number := contacts.phone(text, where))), None),
        delivery_phone=contacts.phone(shipping.phone, shipping.country_code or region),
        locale=contacts.locale(order.customer_locale),
    )


def _ticked(ref: BuyerRef, order: forms.Order, info: DeliveryInfo) -> BuyerRef:
    """The buyer with the tick of the checkout: given when the order was created and frozen since, so that
    it is told once, by the order's creation; for mail alone. The customer's own file knows better."""
    known = order.customer.email_marketing_consent if order.customer else None
    decided = known is not None and not _agreement(known).single
    if info.topic != "orders/create" or not order.buyer_accepts_marketing or decided:
        return ref
    at = info.at(order.created_at, order.processed_at)
    return msgspec.structs.replace(ref, agrees=True, agrees_at=at, by_phone=Agreement())


def _agreement(consent: forms.Consent | None) -> Agreement:
    """What a customer's file says of offers, by the time at which the customer said so."""
    said = _CONSENT.get(consent.state or "") if consent else None
    if consent is None or said is None:
        return Agreement()
    at = consent.consent_updated_at
    return Agreement(
        yes=said,
        at=timestamp(at, "consent_updated_at") if at else None,
        single=said and (consent.opt_in_level or "").casefold() == "single_opt_in",
    )


def _wishes_of(info: DeliveryInfo, order: forms.Order, at: datetime) -> list[Event]:
    """What the customer's own file says of offers, where an order carries it: it is about the addresses of
    that file, which need not be those of the order. A yes without a time is no younger than the order."""
    customer = order.customer
    if customer is None or customer.id is None:
        return []
    ref = _ref_of(customer, info.region)
    if ref.by_phone is None:
        return []
    if ref.agrees and ref.agrees_at is None:
        ref = msgspec.structs.replace(ref, agrees_at=info.at(order.created_at, order.processed_at))
    return [BuyerUpdated(**info.common("buyer"), at=info.at(customer.updated_at, at), buyer=ref)]


def _ref_of(customer: forms.Customer, region: str) -> BuyerRef:
    """A customer as their own file shows them."""
    home = customer.default_address or forms.Address()
    phone = contacts.phone(customer.phone, region)
    mail = _agreement(customer.email_marketing_consent)
    sms = _agreement(customer.sms_marketing_consent) if phone else Agreement()
    ref = BuyerRef(
        id=identity(customer.id, "id") if customer.id is not None else None,
        name=customer.full_name or home.name or None,
        email=contacts.email(customer.email),
        phone=phone or contacts.phone(home.phone, home.country_code or region),
    )
    if mail.yes is None and sms.yes is None:
        return ref
    return msgspec.structs.replace(ref, agrees=mail.yes, agrees_at=mail.at, single=mail.single, by_phone=sms)


def _deleted(info: DeliveryInfo, body: bytes) -> list[Event]:
    id = deleted_id(body)
    return [OrderCancelled(**info.common("deleted"), at=info.triggered_at, order=id, reason="deleted")]


def must_be(kind: str, gid: str | None, checkout: str | None = None) -> None:
    """Raises Unreadable if a body names itself as another kind of thing than its topic is about."""
    if checkout:
        raise Unreadable(f"the topic is about {kind}, and the body is of a checkout")
    if gid and gid.removeprefix("gid://shopify/").partition("/")[0] != kind:
        raise Unreadable(f"the topic is about {kind}, and the body is of {gid[:60]}")


def _fulfillment(info: DeliveryInfo, body: bytes) -> list[Event]:
    parcel = read(forms.fulfillment, body)
    must_be("Fulfillment", parcel.admin_graphql_api_id)
    if parcel.order_id is None:
        raise Unreadable("order_id is missing")
    return _parcel_events(info, parcel, identity(parcel.order_id, "order_id"), None)


def _parcel_events(
    info: DeliveryInfo,
    parcel: forms.Fulfillment,
    order: str,
    last: bool | None,
    last_at: datetime | None = None,
) -> list[Event]:
    """last_at: when the order was as `last` says, which is no news of this parcel."""
    if parcel.line_items and not any(map(_is_sent, parcel.line_items)):
        return []  # gift cards and downloads are fulfilled too, and nothing leaves
    id = identity(parcel.id, "fulfillment.id")
    shown_at = info.at(parcel.updated_at, parcel.created_at)
    if parcel.status in _NOT_SENT:
        return [ParcelCancelled(**info.common(f"cancelled:{id}"), at=shown_at, order=order, parcel=id)]
    tracking = ", ".join(parcel.tracking_numbers or ()) or parcel.tracking_number or None
    if parcel.status in _IN_WORK and not tracking and not parcel.shipment_status:
        return []  # without a number or a carrier's word nothing says that it left
    shipped = OrderShipped(
        **info.common(f"shipped:{id}"),
        at=info.at(parcel.created_at, parcel.updated_at),
        order=order,
        parcel=id,
        carrier=parcel.tracking_company or None,
        tracking=tracking,
        tracking_url=parcel.tracking_url or next(iter(parcel.tracking_urls or ()), None) or None,
        last=last,
        last_at=last_at,
        pieces=sum(item.quantity for item in parcel.line_items) if parcel.line_items else None,
        packed=_packed(parcel),
        names=(parcel.name,) if parcel.name else (),
        shown_at=shown_at,
    )
    status = parcel.shipment_status
    events: list[Event] = [shipped]
    if status in (FAILURE, ATTEMPTED, READY, FETCHED):
        common = info.common(f"{status}:{id}")
        events.append(ParcelMoved(**common, at=shown_at, order=order, parcel=id, status=status))
    if status in _ARRIVED:
        events.append(OrderDelivered(**info.common(f"delivered:{id}"), at=shown_at, order=order, parcel=id))
    return events


def _is_sent(item: forms.Packed) -> bool:
    return item.requires_shipping is not False and not item.gift_card


def _packed(parcel: forms.Fulfillment) -> dict[str, int] | None:
    items = parcel.line_items or ()
    if not items or any(item.id is None for item in items):
        return None
    counts = Counter[str]()
    for item in items:
        counts[identity(item.id or 0, "fulfillment.line_items.id")] += item.quantity
    return dict(counts)


def _parcel_event(info: DeliveryInfo, body: bytes) -> list[Event]:
    seen = read(forms.fulfillment_event, body)
    must_be("FulfillmentEvent", seen.admin_graphql_api_id)
    at = info.at(seen.happened_at, seen.created_at)
    order, parcel = identity(seen.order_id, "order_id"), identity(seen.fulfillment_id, "fulfillment_id")
    events: list[Event] = []
    if seen.status != "delivered":
        common = info.common("moved")
        events.append(ParcelMoved(**common, at=at, order=order, parcel=parcel, status=seen.status))
    if seen.status in _ARRIVED:
        events.append(OrderDelivered(**info.common("delivered"), at=at, order=order, parcel=parcel))
    return events


def _refund(info: DeliveryInfo, body: bytes) -> list[Event]:
    refund = read(forms.refund, body)
    must_be("Refund", refund.admin_graphql_api_id)
    if refund.order_id is None:
        raise Unreadable("order_id is missing")
    return _refund_events(info, refund, identity(refund.order_id, "order_id"))


def _refunds(info: DeliveryInfo, order: forms.Order, id: str) -> list[Event]:
    return [event for refund in order.refunds or () for event in _refund_events(info, refund, id)]


def _refund_events(info: DeliveryInfo, refund: forms.Refund, order: str) -> list[Event]:
    """No event without a successful transaction, because returned goods alone move no money."""
    amount = shopify_money.moved(refund)
    if amount is None:
        return []
    id = identity(refund.id, "refund.id")
    return [
        OrderRefunded(
            **info.common(f"refunded:{id}"),
            at=info.at(refund.processed_at, refund.created_at),
            order=order,
            refund=id,
            amount=amount,
            reason=refund.note or None,
        )
    ]


def _customer(info: DeliveryInfo, body: bytes) -> list[Event]:
    customer = read(forms.customer, body)
    must_be("Customer", customer.admin_graphql_api_id, customer.abandoned_checkout_url)
    if customer.id is None:
        raise Unreadable("id is missing")
    buyer = _ref_of(customer, info.region)
    return [BuyerUpdated(**info.common("buyer"), at=info.at(customer.updated_at), buyer=buyer)]


_WHOLE = frozenset(("orders/updated", "orders/cancelled"))
_FULFILLED = frozenset(("orders/fulfilled", "orders/partially_fulfilled"))
READERS: dict[str, Callable[[DeliveryInfo, bytes], list[Event]]] = {
    "orders/create": _order,
    "orders/paid": _order,
    "orders/updated": _order,
    "orders/cancelled": _order,
    "orders/fulfilled": _order,
    "orders/partially_fulfilled": _order,
    "orders/delete": _deleted,
    "fulfillments/create": _fulfillment,
    "fulfillments/update": _fulfillment,
    "fulfillment_events/create": _parcel_event,
    "refunds/create": _refund,
    "customers/create": _customer,
    "customers/update": _customer,
}

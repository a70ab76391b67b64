"""From a form of the webhook channel to the event that it tells."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from bot.channels import contacts, external_id
from bot.channels import webhook_forms as forms
from bot.channels.json_reading import Amount, Id, currency, identity, missing, moment, money
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
    MessageReceived,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    PaymentReceived,
    ReviewPosted,
)
from bot.domain.money import Money

_ORDER = "data.order"
_MESSAGE = "data.message"
_MESSAGE_KINDS = ("text", "button", "edit", "other")
_MOST_PIECES = 1_000_000


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What every event of a delivery shares."""

    channel: str
    delivery: str
    region: str


def event(form: forms.Form, frame: Frame) -> Event | None:
    """None where nothing happened that we follow. Raises Unreadable, naming the place."""
    read, tag = _READERS[type(form)]
    return read(form, frame, {"channel": frame.channel, "external_id": external_id(frame.delivery, tag)})


def _message(form: forms.MessageForm, frame: Frame, common: dict[str, Any]) -> Event:
    message = form.data.message
    kind = message.kind if message.kind in _MESSAGE_KINDS else "other" if message.kind else "text"
    if message.text is None and kind != "other":
        missing(f"{_MESSAGE}.text", '"text": "..."')
    return MessageReceived(
        **common,
        at=_at(form, message.sent_at, f"{_MESSAGE}.sent_at"),
        conversation=_conversation(message.buyer),
        buyer=_buyer(message.buyer, frame),
        message_id=_maybe(message.id, f"{_MESSAGE}.id") or frame.delivery,
        text=message.text or "",
        kind=kind,
    )


def _reply(form: forms.ReplyForm, frame: Frame, common: dict[str, Any]) -> Event:
    message = form.data.message
    return AgentReplied(
        **common,
        at=_at(form, message.sent_at, f"{_MESSAGE}.sent_at"),
        conversation=_conversation(message.buyer),
        buyer=_buyer(message.buyer, frame),
        message_id=_maybe(message.id, f"{_MESSAGE}.id") or frame.delivery,
        text=message.text or "",
        agent=message.agent,
    )


def _placed(form: forms.PlacedForm, frame: Frame, common: dict[str, Any]) -> Event:
    order = form.data.order
    code = currency(order.currency, f"{_ORDER}.currency")
    placed_at = _at(form, order.placed_at, f"{_ORDER}.placed_at")
    return OrderPlaced(
        **common,
        at=moment(form.timestamp, "timestamp") if form.timestamp else placed_at,
        order=identity(order.id, f"{_ORDER}.id"),
        placed_at=placed_at,
        total=money(order.total, code, f"{_ORDER}.total"),
        buyer=_buyer(order.buyer, frame),
        number=_maybe(order.number, f"{_ORDER}.number"),
        postage=_amount(order.postage, code, f"{_ORDER}.postage"),
        lines=_lines(order.lines or (), code),
        postcode=_maybe(order.postcode, f"{_ORDER}.postcode"),
        pay_on_delivery=bool(order.pay_on_delivery),
    )


def _lines(lines: tuple[forms.Line, ...], code: str) -> tuple[Line, ...]:
    return tuple(_line(line, code, f"{_ORDER}.lines[{place}]") for place, line in enumerate(lines))


def _line(line: forms.Line, code: str, place: str) -> Line:
    sku = _maybe(line.sku, f"{place}.sku")
    title = line.title or sku
    if title is None:
        missing(f"{place}.title", '"title": "..."')
    if not 0 <= line.quantity <= _MOST_PIECES:
        raise Unreadable(f"{place}.quantity: {str(line.quantity)[:20]} is not a number of pieces")
    price = money(line.price, code, f"{place}.price")
    return Line(title=title, quantity=line.quantity, price=price, sku=sku)


def _paid(form: forms.PaidForm, frame: Frame, common: dict[str, Any]) -> Event:
    order = form.data.order
    return PaymentReceived(
        **common,
        at=_at(form, order.paid_at, f"{_ORDER}.paid_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        amount=_amount(order.amount, order.currency, f"{_ORDER}.amount"),
        method=order.method,
        reference=_maybe(order.reference, f"{_ORDER}.reference"),
        buyer=_buyer(order.buyer, frame) if order.buyer else None,
    )


def _shipped(form: forms.ShippedForm, frame: Frame, common: dict[str, Any]) -> Event:
    order = form.data.order
    tracking = _maybe(order.tracking, f"{_ORDER}.tracking")
    return OrderShipped(
        **common,
        at=_at(form, order.shipped_at, f"{_ORDER}.shipped_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        parcel=_maybe(order.parcel, f"{_ORDER}.parcel") or tracking or "1",
        carrier=order.carrier or None,
        tracking=tracking,
        tracking_url=order.tracking_url or None,
        last=order.last,
        shown_at=moment(form.timestamp, "timestamp") if form.timestamp else None,
        buyer=_buyer(order.buyer, frame) if order.buyer else None,
    )


def _delivered(form: forms.DeliveredForm, _: Frame, common: dict[str, Any]) -> Event:
    order = form.data.order
    return OrderDelivered(
        **common,
        at=_at(form, order.delivered_at, f"{_ORDER}.delivered_at"),
        order=identity(order.id, f"{_ORDER}.id"),
        parcel=_maybe(order.parcel, f"{_ORDER}.parcel") or _maybe(order.tracking, f"{_ORDER}.tracking"),
    )


def _completed(form: forms.CompletedForm, _: Frame, common: dict[str, Any]) -> Event:
    order = form.data.order
    at = _at(form, order.completed_at, f"{_ORDER}.completed_at")
    return OrderCompleted(**common, at=at, order=identity(order.id, f"{_ORDER}.id"))


def _cancelled(form: forms.CancelledForm, _: Frame, common: dict[str, Any]) -> Event:
    order = form.data.order
    at = _at(form, order.cancelled_at, f"{_ORDER}.cancelled_at")
    return OrderCancelled(**common, at=at, order=identity(order.id, f"{_ORDER}.id"), reason=order.reason)


def _refunded(form: forms.RefundedForm, _: Frame, common: dict[str, Any]) -> Event | None:
    order = form.data.order
    at = _at(form, order.refunded_at, f"{_ORDER}.refunded_at")
    amount = _amount(order.amount, order.currency, f"{_ORDER}.amount")
    if amount is not None and amount.minor == 0:
        return None  # no money moved
    made_up = f"{at.isoformat()} {amount.minor if amount else 'all'}"
    return OrderRefunded(
        **common,
        at=at,
        order=identity(order.id, f"{_ORDER}.id"),
        refund=_maybe(order.refund, f"{_ORDER}.refund") or made_up,
        amount=amount,
        reason=order.reason,
    )


def _review(form: forms.ReviewForm, _: Frame, common: dict[str, Any]) -> Event:
    review = form.data.review
    if not 1 <= review.rating <= 5:
        raise Unreadable(f"data.review.rating: {str(review.rating)[:20]} is not between 1 and 5")
    return ReviewPosted(
        **common,
        at=_at(form, review.posted_at, "data.review.posted_at"),
        order=identity(review.order, "data.review.order"),
        rating=review.rating,
        text=review.text or "",
        review=_maybe(review.id, "data.review.id"),
    )


def _checkout(form: forms.CheckoutForm, frame: Frame, common: dict[str, Any]) -> Event | None:
    checkout = form.data.checkout
    buyer = _somebody(checkout.buyer, frame, "data.checkout.buyer")
    if buyer is None:
        return None
    return CheckoutAbandoned(
        **common,
        at=_at(form, checkout.abandoned_at, "data.checkout.abandoned_at"),
        buyer=buyer,
        checkout=identity(checkout.id, "data.checkout.id"),
        total=_amount(checkout.total, checkout.currency, "data.checkout.total"),
    )


def _item(form: forms.ItemForm, _: Frame, common: dict[str, Any]) -> Event:
    item = form.data.item
    at = _at(form, None, "timestamp")
    return ItemRestocked(**common, at=at, sku=identity(item.sku, "data.item.sku"), title=item.title)


def _opted_out(form: forms.OptOutForm, frame: Frame, common: dict[str, Any]) -> Event | None:
    buyer = _somebody(form.data.buyer, frame, "data.buyer")
    return BuyerOptedOut(**common, at=_at(form, None, "timestamp"), buyer=buyer) if buyer else None


def _updated(form: forms.BuyerForm, frame: Frame, common: dict[str, Any]) -> Event | None:
    buyer = _somebody(form.data.buyer, frame, "data.buyer")
    return BuyerUpdated(**common, at=_at(form, None, "timestamp"), buyer=buyer) if buyer else None


def _at(form: forms.Form, own: datetime | None, place: str) -> datetime:
    """The moment of the fact itself; the form's timestamp where it names none."""
    if own is not None:
        return moment(own, place)
    if form.timestamp is None:
        missing("timestamp", "2026-11-21T10:00:00+08:00")
    return moment(form.timestamp, "timestamp")


def _maybe(value: Id | None, place: str) -> str | None:
    return None if value is None or value == "" else identity(value, place)


def _amount(value: Amount | None, code: str | None, place: str) -> Money | None:
    if value is None:
        return None
    return money(value, currency(code, f"{place.rpartition('.')[0]}.currency"), place)


def _conversation(buyer: forms.Buyer) -> str:
    if buyer.id is None:
        missing(f"{_MESSAGE}.buyer.id", '"id": "ann"')
    return identity(buyer.id, f"{_MESSAGE}.buyer.id")


def _buyer(buyer: forms.Buyer, frame: Frame) -> BuyerRef:
    return BuyerRef(
        id=_maybe(buyer.id, "buyer.id"),
        name=buyer.name or None,
        email=contacts.email(buyer.email),
        phone=contacts.phone(buyer.phone, frame.region),
        locale=contacts.locale(buyer.locale),
        timezone=contacts.timezone(buyer.timezone),
        agrees=buyer.agrees if isinstance(buyer.agrees, bool) else None,
    )


def _somebody(buyer: forms.Buyer, frame: Frame, place: str) -> BuyerRef | None:
    """None if all that was said of her proves wrong: there is nobody to write to then."""
    if buyer.id is None and buyer.email is None and buyer.phone is None:
        raise Unreadable(f"{place} names nobody; give an id, email or phone")
    known = _buyer(buyer, frame)
    return known if known.id or known.email or known.phone else None


_Reader = Callable[[Any, Frame, dict[str, Any]], Event | None]

_READERS: dict[type[forms.Form], tuple[_Reader, str]] = {
    forms.MessageForm: (_message, "message.received"),
    forms.ReplyForm: (_reply, "agent.replied"),
    forms.PlacedForm: (_placed, "order.placed"),
    forms.PaidForm: (_paid, "order.paid"),
    forms.ShippedForm: (_shipped, "order.shipped"),
    forms.DeliveredForm: (_delivered, "order.delivered"),
    forms.CompletedForm: (_completed, "order.completed"),
    forms.CancelledForm: (_cancelled, "order.cancelled"),
    forms.RefundedForm: (_refunded, "order.refunded"),
    forms.ReviewForm: (_review, "review.posted"),
    forms.CheckoutForm: (_checkout, "checkout.abandoned"),
    forms.ItemForm: (_item, "item.restocked"),
    forms.OptOutForm: (_opted_out, "buyer.opted_out"),
    forms.BuyerForm: (_updated, "buyer.updated"),
}
KINDS = frozenset(tag for _, tag in _READERS.values())

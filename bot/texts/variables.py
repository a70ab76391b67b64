"""What a template may speak of: the table of names, and their values from the facts of one message."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote as url_quote
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order, Parcel
from bot.domain.shop import Shop
from bot.domain.untrusted_text import friendly_name, quote

ITEMS_MAX = 15  # positions listed in a message; the rest is counted
TITLE_MAX = 60
TEXT_MAX = 500
ADDED_TO = ("promotion", "greeting")  # categories under which the way to stop always stands

# Every name a template may use, in the order of docs/templates.md. "[]" is each one of a list.
# Where it says "may be empty", ask {% if %} first.
VARIABLES: dict[str, str] = {
    "buyer.name": "her name, cut and cleaned; empty if the platform has none fit to greet with",
    "shop.name": "the shop's name",
    "seller.name": "the person buyers reach; may be empty",
    "seller.contact": "how to reach a person, as in the settings; may be empty",
    "order": "the order the message is about; empty if it is about none",
    "order.number": "its number as the buyer sees it",
    "order.state": "unpaid, on_delivery, partly_paid, paid, partly_shipped, shipped, delivered, completed, "
    "cancelled, refunded or unknown",
    "order.total": "amount with postage; may be empty",
    "order.postage": "amount; empty if it is free or not known",
    "order.items": f"what was bought, at most {ITEMS_MAX} positions",
    "order.items[].title": "name of the item",
    "order.items[].quantity": "how many",
    "order.items[].price": "amount for one",
    "order.items[].sum": "amount for all of this position",
    "order.more_items": "how many positions are not listed; 0 if all are",
    "order.placed_at": "time; may be empty",
    "order.paid_at": "time of the first payment; may be empty",
    "order.paid": "amount paid so far; may be empty",
    "order.left": "amount still to be paid; empty if nothing is",
    "order.refunded": "amount given back so far; empty if none was",
    "order.cancelled_at": "time; may be empty",
    "order.delivered_at": "time when all of it had arrived; may be empty",
    "order.parcels": "parcels that left",
    "order.parcels[].carrier": "who brings it; may be empty",
    "order.parcels[].tracking": "its number; may be empty",
    "order.parcels[].link": "page to follow it; may be empty",
    "order.parcels[].shipped_at": "time; may be empty",
    "order.parcels[].moved_at": "time of the carrier's last news; may be empty",
    "order.parcels[].delivered_at": "time; may be empty",
    "parcel": "the parcel the message is about; may be empty",
    "parcel.carrier": "who brings it; may be empty",
    "parcel.tracking": "its number; may be empty",
    "parcel.link": "page to follow it; may be empty",
    "parcel.shipped_at": "time; may be empty",
    "parcel.moved_at": "time of the carrier's last news; may be empty",
    "parcel.delivered_at": "time; may be empty",
    "parcel.part": "true if more of the order travels apart",
    "payment.accounts": "where to pay to; an empty list if the shop has none",
    "payment.accounts[].bank": "name of the bank or wallet",
    "payment.accounts[].number": "account number",
    "payment.accounts[].name": "the account's owner; may be empty",
    "payment.link": "page to pay at; may be empty",
    "payment.memo": "what to write on the transfer; may be empty",
    "payment.closes_at": "time when the unpaid order is closed; may be empty",
    "payment.ships_within": "length of time, after payment",
    "now": "the time of sending",
    "stop.needed": "true for offers: the text of stop_line is added under the message",
    "stop.link": "page to stop offers; may be empty",
    "link": "a page that goes with this message, as the one that ties her chat to the order; may be empty",
    "step": "which reminder this is, from 1",
    "steps": "how many reminders there are",
    "last": "true for the last reminder",
    "amount": "the amount this message is about; may be empty",
    "rating": "stars of her review, 1 to 5",
    "text": "what she wrote, cut and cleaned; may be empty",
    "case": "number of her complaint; may be empty",
    "promotion": "the promotion's name in the settings",
    "offer": "the offer in a sentence",
    "tier": "the buyer's tier",
    "draft": "a reply prepared for the seller; may be empty",
    "who": "the buyer a case is about: her name and address; may be empty",
    "claim": "true for a case in which she claims a payment that the seller may confirm",
}

# Names that come with the message itself; a message without one has it empty.
_CARRIED = (
    "link",
    "step",
    "steps",
    "last",
    "amount",
    "rating",
    "text",
    "case",
    "promotion",
    "offer",
    "tier",
    "draft",
    "who",
    "claim",
)
_EMPTY: dict[str, Any] = dict.fromkeys((*_CARRIED, "parcel"))


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of message always knows: an order, a parcel, names of its own."""

    order: bool = True
    parcel: bool = False
    names: tuple[str, ...] = ()


MOMENTS: dict[str, Told] = {
    "order_confirmation": Told(),
    "second_contact": Told(),
    "payment_reminder": Told(names=("step", "steps", "last", "payment.closes_at")),
    "payment_received": Told(names=("order.paid_at",)),
    "reassurance": Told(names=("order.paid_at",)),
    "shipped": Told(parcel=True, names=("parcel.shipped_at",)),
    "delayed": Told(parcel=True, names=("parcel.shipped_at",)),
    "delivered": Told(),
    "review_request": Told(),
    "review_reminder": Told(),
    "review_thanks": Told(names=("rating",)),
    "review_sorry": Told(names=("rating",)),
    "review_reply_draft": Told(names=("rating",)),
    "cancelled": Told(),
    "refunded": Told(),
    "partly_refunded": Told(),
    "vip_promotion": Told(order=False, names=("promotion", "offer", "tier")),
    "stop_line": Told(order=False),
    "where_is_order": Told(),
    "which_order": Told(order=False),
    "not_matched": Told(order=False),
    "payment_status": Told(),
    "payment_claimed": Told(order=False),
    "form_received": Told(order=False),
    "when_ship": Told(order=False),
    "human_coming": Told(order=False),
    "not_understood": Told(order=False),
    "media_received": Told(order=False),
    "hello": Told(order=False),
    "thanks": Told(order=False),
    "stopped": Told(order=False),
    "resumed": Told(order=False),
    "seller_case": Told(order=False, names=("case", "text")),
}
_LINK = re.compile(r"https?://[^\s<>\"]{1,1000}")


def variables(
    due: DueMessage, facts: Facts, now: datetime, stop_url: str | None = None, chat_url: str | None = None
) -> dict[str, Any]:
    """The names of VARIABLES for one message, true at `now`, times in the buyer's zone.

    `stop_url`: her one-click page to stop offers, where the program has a public address.
    `chat_url`: the page that ties her chat to the order, where there is a chat to tie.
    """
    shop, order, values = facts.shop, facts.order, due.values
    zone = shop.zone(facts.buyer.timezone)
    return {
        **_EMPTY,
        "link": chat_url,
        "case": _complaint(facts),
        **_values(values, zone),
        **_refund(order, values.get("refund")),
        "buyer": {"name": friendly_name(facts.buyer.name)},
        "shop": {"name": shop.name},
        "seller": {"name": shop.seller.name, "contact": shop.seller.contact},
        "order": _order(order, zone) if order else None,
        "parcel": _parcel_of(order, values.get("parcel"), zone),
        "payment": _payment(shop, order, zone),
        "now": now.astimezone(zone),
        "stop": {"needed": due.category in ADDED_TO, "link": stop_url},
    }


def _values(values: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    shown = {name: _value(name, value, zone) for name, value in values.items()}
    for name in [name for name in values if name.endswith("_minor")]:
        if isinstance(values[name], int) and values.get("currency"):
            shown[name.removesuffix("_minor")] = Money(values[name], values["currency"])
    return shown


def _value(name: str, value: Any, zone: ZoneInfo) -> Any:
    if not isinstance(value, str):
        return value
    if name.endswith("_at"):
        return _local(datetime.fromisoformat(value), zone)
    if name == "link":
        return _link(value)
    return quote(value, TEXT_MAX)


def _complaint(facts: Facts) -> int | None:
    """The number of the case that her bad review of this order opened."""
    about = facts.order.id if facts.order else None
    numbers = (case.number for case in facts.cases if case.kind == "bad_review" and case.order == about)
    return max(numbers, default=None)


def _refund(order: Order | None, refund_id: Any) -> dict[str, Any]:
    """A refund that names no amount gives all of it back."""
    found = next((refund for refund in order.refunds if refund.id == refund_id), None) if order else None
    return {"amount": found.amount or (order and order.total)} if found else {}


def _order(order: Order, zone: ZoneInfo) -> dict[str, Any]:
    total, currency = order.total, order.total.currency if order.total else None
    paid, refunded = order.paid_minor, order.refunded_minor
    return {
        "number": order.shown_number,
        "state": order.state,
        "total": total,
        "postage": order.postage if order.postage and order.postage.minor else None,
        "items": [
            {
                "title": quote(line.title, TITLE_MAX) or line.sku or "?",
                "quantity": line.quantity,
                "price": line.price,
                "sum": line.price * line.quantity,
            }
            for line in order.lines[:ITEMS_MAX]
        ],
        "more_items": max(0, len(order.lines) - ITEMS_MAX),
        "placed_at": _local(order.placed_at, zone),
        "paid_at": _local(order.paid_at, zone),
        "paid": Money(paid, currency) if currency and paid else None,
        "left": Money(total.minor - paid, total.currency) if total and total.minor > paid else None,
        "refunded": Money(refunded, currency) if currency and refunded else None,
        "cancelled_at": _local(order.cancelled_at, zone) if order.cancelled else None,
        "delivered_at": _local(order.delivered_at, zone),
        "parcels": [_parcel(parcel, zone) for parcel in order.shipped],
    }


def _parcel_of(order: Order | None, parcel_id: Any, zone: ZoneInfo) -> dict[str, Any] | None:
    if order is None or not order.parcels:
        return None
    found = next((parcel for parcel in order.parcels if parcel.id == parcel_id), None)
    if found is None and len(order.parcels) == 1:
        found = order.parcels[0]
    if found is None:
        return None
    return {**_parcel(found, zone), "part": not order.all_shipped or len(order.shipped) > 1}


def _parcel(parcel: Parcel, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "carrier": quote(parcel.carrier, TITLE_MAX),
        "tracking": quote(parcel.tracking, TITLE_MAX),
        "link": _link(parcel.tracking_url),
        "shipped_at": _local(parcel.shipped_at, zone),
        "moved_at": _local(parcel.moved_at, zone),
        "delivered_at": _local(parcel.delivered_at, zone),
    }


def _payment(shop: Shop, order: Order | None, zone: ZoneInfo) -> dict[str, Any]:
    number = order.shown_number if order else None
    link = shop.payment.link
    return {
        "accounts": [
            {"bank": account.bank, "number": account.number, "name": account.name}
            for account in shop.payment.accounts
        ],
        "link": link.replace("{order}", url_quote(number or "", safe="")) if link else None,
        "memo": number,
        "closes_at": _local(shop.closes_at(order.placed_at), zone) if order and order.placed_at else None,
        "ships_within": shop.payment.ships_within,
    }


def _link(text: str | None) -> str | None:
    return text if text and _LINK.fullmatch(text) else None


def _local(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return at.astimezone(zone) if at else None

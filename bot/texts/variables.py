"""The variables of templates: the table of names, and their values from the facts of one message."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote as url_quote
from zoneinfo import ZoneInfo

from bot.domain.messages import DueMessage, Facts, TemplateInput
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.parcels import Parcel
from bot.domain.shop import Shop
from bot.domain.untrusted_text import friendly_name, quote, quote_unlinked

ITEMS_MAX = 15  # order lines listed in a message; the rest is counted
TITLE_MAX = 60
TEXT_MAX = 500
ADDED_TO = ("promotion", "greeting")  # categories whose messages always end with how to stop them

# Values that come with the message itself; a message without one has it empty.
CARRIED: dict[str, str] = {
    "link": "a page that belongs to the message, such as the one that ties a chat to the order; may be empty",
    "step": "which reminder this is, from 1",
    "steps": "how many reminders there are",
    "last": "true for the last reminder",
    "amount": "the amount this message is about; may be empty",
    "rating": "stars of the review, 1 to 5",
    "text": "what the buyer wrote, cut and cleaned; may be empty",
    "case": "number of the buyer's complaint; may be empty",
    "promotion": "the promotion's name in the settings",
    "offer": "the offer in a sentence",
    "tier": "the buyer's tier",
    "draft": "a reply prepared for the seller; may be empty",
    "who": "the buyer that a case is about: name and address; may be empty",
    "claim": "true for a case that claims a payment, which the seller may confirm",
}

# Every name that a template may use, as docs/templates.md lists them. "[]" is each one of a list.
# Where it says "may be empty", ask {% if %} first.
VARIABLES: dict[str, str] = {
    "buyer.name": "the buyer's name, cut and cleaned; empty if it is unknown or unfit for a greeting",
    "shop.name": "the shop's name",
    "seller.name": "the person buyers reach; may be empty",
    "seller.contact": "how to reach a person, as in the settings; may be empty",
    "order": "the order the message is about; empty if it is about none",
    "order.number": "its number as the buyer sees it",
    "order.state": "unpaid, on_delivery, partly_paid, payment_unclear, paid, partly_shipped, shipped, "
    "delivered, completed, cancelled, refunded or unknown",
    "order.total": "amount with postage; may be empty",
    "order.postage": "amount; empty if it is free or not known",
    "order.items": f"what was bought, at most {ITEMS_MAX} lines",
    "order.items[].title": "name of the item",
    "order.items[].quantity": "how many",
    "order.items[].price": "amount for one",
    "order.items[].sum": "amount for the whole line",
    "order.more_items": "how many lines are not listed; 0 if all are",
    "order.placed_at": "time; may be empty",
    "order.paid_at": "time of the first payment; may be empty",
    "order.paid": "amount paid so far; may be empty",
    "order.left": "amount still to be paid; empty if nothing is",
    "order.overpaid": "amount paid beyond the total and not paid back; empty if none was",
    "order.refunded": "amount paid back so far; empty if none was",
    "order.cancelled_at": "time; may be empty",
    "order.delivered_at": "time when all of it had arrived; may be empty",
    "order.parcels": "parcels that left",
    "order.parcels[].carrier": "the carrier's name; may be empty",
    "order.parcels[].tracking": "its number; may be empty",
    "order.parcels[].link": "page to follow it; may be empty",
    "order.parcels[].shipped_at": "time; may be empty",
    "order.parcels[].moved_at": "time of the carrier's last report; may be empty",
    "order.parcels[].delivered_at": "time; may be empty",
    "parcel": "the parcel the message is about; may be empty",
    "parcel.carrier": "the carrier's name; may be empty",
    "parcel.tracking": "its number; may be empty",
    "parcel.link": "page to follow it; may be empty",
    "parcel.shipped_at": "time; may be empty",
    "parcel.moved_at": "time of the carrier's last report; may be empty",
    "parcel.delivered_at": "time; may be empty",
    "parcel.part": "true if more of the order is shipped separately",
    "payment.accounts": "the accounts to pay to; an empty list if the shop has none",
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
    **CARRIED,
}

# Parts of messages that have a template but no policy of their own.
PARTS: dict[str, TemplateInput] = {
    "stop_line": TemplateInput(about_order=False),
    "review_reply_draft": TemplateInput(
        variables=("rating",), samples=({"rating": 1, "text": "{{ bad }}" * 500}, {"rating": 2})
    ),
}

_OURS = ("offer", "who", "draft")  # values whose links are the shop's, or the buyer's own address

_EMPTY: dict[str, Any] = dict.fromkeys((*CARRIED, "parcel"))
_LINK = re.compile(r"https?://[^\s<>\"]{1,1000}")


def variables(
    due: DueMessage, facts: Facts, now: datetime, stop_url: str | None = None, chat_url: str | None = None
) -> dict[str, Any]:
    """Make the values of VARIABLES for one message, as of `now`, with times in the buyer's zone.

    stop_url: the buyer's one-click page to stop messages, if the program has a public address.
    chat_url: the page that ties a chat to the order, if the shop has such a chat.
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
    return quote(value, TEXT_MAX) if name in _OURS else quote_unlinked(value, TEXT_MAX)


def _complaint(facts: Facts) -> int | None:
    """The number of the case opened by a bad review of this order."""
    about = facts.order.id if facts.order else None
    numbers = (case.number for case in facts.cases if case.kind == "bad_review" and case.order == about)
    return max(numbers, default=None)


def _refund(order: Order | None, refund_id: Any) -> dict[str, Any]:
    """A refund without an amount is of the whole order."""
    found = next((refund for refund in order.refunds if refund.id == refund_id), None) if order else None
    return {"amount": found.amount or (order and order.total)} if found else {}


def _order(order: Order, zone: ZoneInfo) -> dict[str, Any]:
    paid, refunded = order.paid, order.refunded
    return {
        "number": order.shown_number,
        "state": order.state,
        "total": order.total,
        "postage": order.postage if order.postage and order.postage.minor else None,
        "items": [
            {
                "title": quote_unlinked(line.title, TITLE_MAX) or line.sku or "?",
                "quantity": line.quantity,
                "price": line.price,
                "sum": line.price * line.quantity,
            }
            for line in order.lines[:ITEMS_MAX]
        ],
        "more_items": max(0, len(order.lines) - ITEMS_MAX),
        "placed_at": _local(order.placed_at, zone),
        "paid_at": _local(order.paid_at, zone),
        "paid": paid if paid and paid.minor else None,
        "left": order.left,
        "overpaid": order.overpaid,
        "refunded": refunded if refunded and refunded.minor else None,
        "cancelled_at": _local(order.called_off_at, zone) if order.cancelled else None,
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
        "carrier": quote_unlinked(parcel.carrier, TITLE_MAX),
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

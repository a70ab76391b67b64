"""The variables of templates: the table of names, and their values from the facts of one message."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote as url_quote
from zoneinfo import ZoneInfo

from bot.domain.greetings import addressed_as, first_name
from bot.domain.messages import DueMessage, Facts, TemplateInput
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.parcel_news import LEFT, news, parcel_of, told_ids
from bot.domain.parcels import Parcel
from bot.domain.payment_term import closes_at
from bot.domain.shipping_promise import ships_by, to_ship
from bot.domain.shop import Shop, WorkingHours
from bot.domain.untrusted_text import friendly_name, quote, quote_unlinked
from bot.domain.working_days import WEEKDAYS
from bot.domain.working_hours import back_at
from bot.texts.formats import NamedZone, regional

ITEMS_MAX = 15  # order lines listed in a message; the rest is counted
TITLE_MAX = 60
TEXT_MAX = 500
TO_PAY = ("unpaid", "partly_paid")  # states in which money is awaited before anything is sent
ADDED_TO = ("promotion", "greeting")  # categories whose messages always end with how to stop them

# Values that come with the message itself; a message without one has it empty.
CARRIED: dict[str, str] = {
    "link": "a page that belongs to the message: the one that opens a chat about the order, or the one that "
    "confirms offers; may be empty",
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
    "buyer.first_name": "the first name alone, where the name tells it, else the whole; may be empty",
    "buyer.called": "how Chinese texts address the buyer, as the setting greeting says: 亲",
    "shop.name": "the shop's name",
    "seller.name": "the person buyers reach; may be empty",
    "seller.contact": "how to reach a person, as in the settings; may be empty",
    "seller.hours": "when people answer, if the settings have working_hours; may be empty",
    "seller.hours.days": "the days of the week; show them with the filter weekdays",
    "seller.hours.days[]": "mon, tue, wed, thu, fri, sat or sun",
    "seller.hours.opens": "time",
    "seller.hours.closes": "time",
    "seller.back_at": "time when somebody is there again; empty while somebody is, or if nobody knows",
    "order": "the order the message is about; empty if it is about none",
    "order.number": "its number as the buyer sees it",
    "order.state": "unpaid, on_delivery, partly_paid, payment_unclear, authorised, paid, partly_shipped, "
    "shipped, delivered, completed, cancelled, refunded or unknown",
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
    "order.authorisation": "held while its payment is only set aside on the buyer's card, released if that "
    "was given up; empty if money was taken or nothing was set aside",
    "order.refunded": "amount paid back so far; empty if none was",
    "order.cancelled_at": "time; may be empty",
    "order.paid_since_cancelled": "true if money came after it was cancelled",
    "order.delivered_at": "time when all of it had arrived; may be empty",
    "order.to_ship": "true while none of it has left and it is still to be sent",
    "order.ships_by": "the day by which it leaves; empty unless it is paid and that is ahead",
    "order.late": "true if that day has passed and nothing has left",
    "order.failed": "true if the carrier cannot deliver one of its parcels",
    "order.parcels": "parcels that left",
    "order.parcels[].carrier": "the carrier's name; may be empty",
    "order.parcels[].tracking": "its number; may be empty",
    "order.parcels[].link": "page to follow it; may be empty",
    "order.parcels[].shipped_at": "time; may be empty",
    "order.parcels[].moved_at": "time of the carrier's last report; may be empty",
    "order.parcels[].delivered_at": "time; may be empty",
    "order.parcels[].failed": "true if the carrier cannot deliver it",
    "parcel": "the parcel the message is about; may be empty",
    "parcel.carrier": "the carrier's name; may be empty",
    "parcel.tracking": "its number; may be empty",
    "parcel.link": "page to follow it; may be empty",
    "parcel.shipped_at": "time; may be empty",
    "parcel.moved_at": "time of the carrier's last report; may be empty",
    "parcel.delivered_at": "time; may be empty",
    "parcel.failed": "true if the carrier cannot deliver it",
    "parcel.part": "true if more of the order is still to be shipped",
    "parcel.more": "true if the buyer was told of another parcel of the order before",
    "parcel.last": "true if it is the last of several, as far as anybody says",
    "parcels": "the parcels the message is about, those of one hour together; an empty list if none",
    "parcels[].carrier": "the carrier's name; may be empty",
    "parcels[].tracking": "its number; may be empty",
    "parcels[].link": "page to follow it; may be empty",
    "parcels[].shipped_at": "time; may be empty",
    "parcels[].moved_at": "time of the carrier's last report; may be empty",
    "parcels[].delivered_at": "time; may be empty",
    "parcels[].failed": "true if the carrier cannot deliver it",
    "payment.accounts": "the accounts to pay to; an empty list if the shop has none",
    "payment.accounts[].bank": "name of the bank or wallet",
    "payment.accounts[].number": "account number",
    "payment.accounts[].name": "the account's owner; may be empty",
    "payment.link": "page to pay at; may be empty",
    "payment.memo": "what to write on the transfer; may be empty",
    "payment.closes_at": "time when the unpaid order is closed; empty if nothing is to be paid",
    "payment.ships_within": "length of time, after payment; empty if the order has left, ended or is late",
    "now": "the time of sending",
    "locale": "the reader's language with region, in whose way times and amounts are shown",
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

_EMPTY: dict[str, Any] = dict.fromkeys(CARRIED)
_LINK = re.compile(r"https?://[^\s<>\"]{1,1000}")


def variables(
    due: DueMessage, facts: Facts, now: datetime, stop_url: str | None = None, link: str | None = None
) -> dict[str, Any]:
    """Make the values of VARIABLES for one message, as of `now`, with times in the buyer's zone.

    stop_url: the buyer's one-click page to stop messages, if the program has a public address.
    link: the page that opens a chat about the order, or that confirms offers, if the message carries one.
    """
    shop, order, values = facts.shop, facts.order, due.values
    zone = zone_of(facts)
    return {
        **_EMPTY,
        "link": link,
        "case": _complaint(facts),
        **_values(values, zone),
        **_refund(order, values.get("refund")),
        **_rating(order, values.get("review")),
        "buyer": _buyer(facts.buyer.name, shop),
        "shop": {"name": shop.name},
        "seller": _seller(shop, now, zone),
        "order": {**_order(order, zone), **_promise(order, shop, now)} if order else None,
        **_parcels(due, facts, zone),
        "payment": _payment(facts, zone, now),
        "now": now.astimezone(zone),
        "locale": regional(facts.buyer.locale or shop.locale, shop.locale, shop.region),
        "stop": {"needed": due.category in ADDED_TO, "link": stop_url},
    }


def zone_of(facts: Facts) -> ZoneInfo:
    """The buyer's zone; the shop's, to be named beside each time, for a buyer whose zone nobody knows."""
    own, zone = facts.buyer.timezone, facts.shop.zone(facts.buyer.timezone)
    return zone if own == zone.key else NamedZone(zone.key)


def _buyer(told: str | None, shop: Shop) -> dict[str, Any]:
    name = friendly_name(told)
    return {"name": name, "first_name": first_name(name), "called": addressed_as(shop.greeting, name)}


def _promise(order: Order, shop: Shop, now: datetime) -> dict[str, Any]:
    """What is still promised about the shipping; a day is the shop's own."""
    by = ships_by(order, shop)
    late = by is not None and by < now
    return {"to_ship": to_ship(order), "ships_by": by if by and not late else None, "late": late}


def _seller(shop: Shop, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    hours = shop.working_hours
    return {
        "name": shop.seller.name,
        "contact": shop.seller.contact,
        "hours": _hours(hours, now, shop.zone(), zone) if hours and hours.start != hours.end else None,
        "back_at": _local(back_at(now, hours, shop.zone()), zone),
    }


def _hours(hours: WorkingHours, now: datetime, own: ZoneInfo, zone: ZoneInfo) -> dict[str, Any]:
    """Opening and closing are read in one breath: where the zone is to be named, the closing names it."""
    today = now.astimezone(own).date()
    opens = datetime.combine(today, hours.start, own).astimezone(ZoneInfo(zone.key))
    closes = datetime.combine(today, hours.end, own).astimezone(zone)
    return {"days": [day for day in WEEKDAYS if day in hours.days], "opens": opens, "closes": closes}


def _values(values: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    shown = {name: _value(name, value, zone) for name, value in values.items()}
    for name in [name for name in values if name.endswith("_minor")]:
        if isinstance(values[name], int) and values.get("currency"):
            shown[name.removesuffix("_minor")] = Money(values[name], values["currency"])
    return {name: value for name, value in shown.items() if name in CARRIED}  # others are for the rules alone


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


def _rating(order: Order | None, review_id: Any) -> dict[str, Any]:
    rating = order.rating_of(review_id) if order else None
    return {"rating": rating} if rating else {}


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
        "authorisation": order.authorisation,
        "refunded": refunded if refunded and refunded.minor else None,
        "cancelled_at": _local(order.called_off_at, zone) if order.cancelled else None,
        "paid_since_cancelled": order.paid_since_cancelled,
        "delivered_at": _local(order.delivered_at, zone),
        "failed": any(parcel.failed for parcel in order.shipped if not order.has_arrived(parcel)),
        "parcels": [_parcel(parcel, zone) for parcel in order.shipped],
    }


def _parcels(due: DueMessage, facts: Facts, zone: ZoneInfo) -> dict[str, Any]:
    order, id = facts.order, due.values.get("parcel")
    if order is None:
        return {"parcel": None, "parcels": []}
    about = news(order, facts.said) if due.template == LEFT else ()
    found = parcel_of(order, id) if id else next(iter(order.sent if len(order.sent) == 1 else about), None)
    if found is None:
        return {"parcel": None, "parcels": [_parcel(each, zone) for each in about]}
    whole = about or (found,)
    first = found if any(each.id == found.id for each in whole) else whole[0]
    more = bool(told_ids(LEFT, order, facts.said))
    place = {"part": not order.all_shipped, "more": more, "last": more and order.surely_all_shipped}
    return {"parcel": {**_parcel(first, zone), **place}, "parcels": [_parcel(each, zone) for each in whole]}


def _parcel(parcel: Parcel, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "carrier": quote_unlinked(parcel.carrier, TITLE_MAX),
        "tracking": quote(parcel.tracking, TITLE_MAX),
        "link": _link(parcel.tracking_url),
        "shipped_at": _local(parcel.shipped_at, zone),
        "moved_at": _local(parcel.moved_at, zone),
        "delivered_at": _local(parcel.delivered_at, zone),
        "failed": parcel.failed,
    }


def _payment(facts: Facts, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    shop, order = facts.shop, facts.order
    number = order.shown_number if order else None
    link = shop.payment.link
    return {
        "accounts": [
            {"bank": account.bank, "number": account.number, "name": account.name}
            for account in shop.payment.accounts
        ],
        "link": link.replace("{order}", url_quote(number or "", safe="")) if link else None,
        "memo": number,
        "closes_at": _local(_closes_at(facts, order, zone, now), zone) if order else None,
        "ships_within": _ships_within(shop, order, now),
    }


def _closes_at(facts: Facts, order: Order, zone: ZoneInfo, now: datetime) -> datetime | None:
    at = closes_at(order, facts.shop, facts.said, zone, now) if order.state in TO_PAY else None
    return at if at and at > now else None


def _ships_within(shop: Shop, order: Order | None, now: datetime) -> timedelta | None:
    """The promise in general, or for an order that waits for its payment; none that is no longer ahead."""
    ahead = order is None or order.state in TO_PAY
    if not ahead and order:
        by = ships_by(order, shop)
        ahead = by is not None and by >= now
    return (shop.payment.ships_within or None) if ahead else None


def _link(text: str | None) -> str | None:
    return text if text and _LINK.fullmatch(text) else None


def _local(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return at.astimezone(zone) if at else None

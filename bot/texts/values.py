"""The values of one message's variables: how each is made, from its facts, once a template asks for it."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote as url_quote
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.derived import derived
from bot.domain.greetings import addressed_as, first_name
from bot.domain.memos import memo
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.parcel_news import (
    LEFT,
    news,
    off_since,
    parcel_of,
    silent_since,
    told_on_its_way,
    told_to_fetch,
)
from bot.domain.parcels import Parcel
from bot.domain.payment_news import THANKS, newly_paid
from bot.domain.payment_term import REMINDED_BY, closes_at, reminder_number
from bot.domain.payments import Refund, newly_back
from bot.domain.return_policy import until_of
from bot.domain.shipping_promise import due_by, ships_by, to_ship
from bot.domain.shop import Shop, in_language
from bot.domain.untrusted_text import friendly_name, quote, quote_unlinked
from bot.domain.working_days import WEEKDAYS
from bot.domain.working_hours import back_at
from bot.texts.formats import NamedZone, names_first, regional
from bot.texts.one_clock import is_of_zone
from bot.texts.parts import Makers, Parts
from bot.texts.quote_values import coupon_values, quote_values

ITEMS_MAX = 15  # order lines listed in a message; the rest is counted
TITLE_MAX = 60
TEXT_MAX = 500
WORD_LINE_MAX, WORD_LINES = 1000, 60
TO_PAY = ("unpaid", "partly_paid")  # states in which money is awaited before anything is sent
ADDED_TO = ("promotion", "greeting")  # categories whose messages always end with how to stop them

_OURS = (
    "offer",
    "who",
    "draft",
    "outcome",
    "made_good",
)  # values whose links are the shop's, or the buyer's own address
_LINK = re.compile(r"https?://[^\s<>\"]{1,1000}")

# Values that come with the message itself; a message without one has it empty.
CARRIED: dict[str, str] = {
    "link": "a page that belongs to the message: the one that opens a chat about the order, or the one that "
    "confirms offers; may be empty",
    "step": "which reminder this is for the buyer, from 1; earlier ones may have been left out",
    "steps": "how many reminders there are",
    "last": "true for the last reminder",
    "amount": "the amount this message is about; may be empty",
    "rating": "stars of the review, 1 to 5",
    "text": "what the buyer wrote, cut and cleaned; may be empty",
    "case": "number of the buyer's complaint; may be empty",
    "first": "the likelier of two things that the buyer may mean, by its name, as where_is_order",
    "second": "the other one",
    "way": "replacement, refund, repair or size: what a return is for; may be empty",
    "ways": "those of them that the buyer may choose, the likeliest first; an empty list if it is known",
    "choices": "names of the items, or numbers of the orders, that the buyer may mean; an empty list if it "
    "is known",
    "again": "true if the same was asked before",
    "shop_pays": "true if the shop pays for sending it back",
    "why": "excluded, used or none_taken: why nothing is taken back",
    "picture": "true if the buyer is asked for a picture",
    "sorry": "true if something was broken, faulty or wrong",
    "late": "true if the days for a return are over",
    "returned": "true while a return of this order is open",
    "missing": "true if a person looks for a refund that should have come",
    "given": "true if the buyer has told the new address",
    "gone": "true if the order that is to be cancelled has left",
    "mailbox": "true if the order has a mail address of the buyer",
    "title": "the name of the item that was asked about",
    "items": "names of the items to choose from; an empty list if none was named",
    "noted": "true if the buyer is told once when it is back in stock",
    "budget": "amount that the buyer would spend; may be empty",
    "left": "how many are left, if they are few; may be empty",
    "price": "amount for one of it; may be empty",
    "pieces": "how many of it were asked for, if more than one; may be empty",
    "sum": "amount for so many, if they are in stock; may be empty",
    "materials": "what it is made of; may be empty",
    "sizes": "the sizes it comes in; may be empty",
    "wanted": "a size that was asked for and is not among them; may be empty",
    "claimed": "numbers of the orders that are said to be paid, if there are several; may be empty",
    "ships": "true if it was asked when the order is sent",
    "unsure": "ways to pay that were asked for and that no setting names; may be empty",
    "care": "how it is looked after; may be empty",
    "postage": "amount for sending it; empty if it is free",
    "promotion": "the promotion's name in the settings",
    "offer": "the offer in a sentence",
    "wording": "which wording of the offer it is, by its name; may be empty",
    "test": "true in what the testers of a campaign read; may be empty",
    "tier": "the buyer's tier; the segment's name where a campaign is for one",
    "draft": "a reply prepared for the seller; may be empty",
    "who": "the buyer that a case is about: name and address; may be empty",
    "cause": "of a complaint: late, damaged, wrong_item, missing, quality, service, price or other",
    "decide_by": "the day by which a complaint is decided; may be empty",
    "promised": "what should have happened: paid, shipped, delivered or refunded",
    "promised_by": "until when it was promised",
    "code": "a code of the buyer's own: of a campaign, or to make good what was missed; may be empty",
    "made_good": "how it is made good, in the seller's words; may be empty",
    "outcome": "how a complaint was decided, in the seller's words; may be empty",
    "desk": "true where the seller can answer in their own chat with the bot",
    "word": "what one of the team writes to the buyer, line by line as it was written",
    "orders": "lines about the orders of the buyer that a case is about; may be empty",
    "orders[]": "number, state, total and what was promised, in the seller's words",
    "said": "lines of what was said in the chat since a case was opened; may be empty",
    "said[]": "when, who and what, in the seller's words",
    "matter": "what a case is about, in a few of the seller's words; may be empty",
    "answerable": "true for a case whose buyer can be written to",
    "claim": "true for a case that claims a payment, which the seller may confirm",
}


class About(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What the values of a message are made of. stop_url, link, by_mail: as in `variables`."""

    due: DueMessage
    facts: Facts
    now: datetime
    stop_url: str | None
    link: str | None
    by_mail: bool

    @property
    def shop(self) -> Shop:
        return self.facts.shop

    @derived
    def zone(self) -> ZoneInfo:
        """The buyer's zone; else the shop's, to be named beside each time, unless they are of its country."""
        buyer = self.facts.buyer
        zone = self.shop.zone(buyer.timezone)
        known = buyer.timezone == zone.key or is_of_zone(zone.key, buyer.phone, self.locale)
        return zone if known else NamedZone(zone.key)

    @derived
    def locale(self) -> str:
        return regional(self.facts.buyer.locale or self.shop.locale, self.shop.locale, self.shop.region)

    def local(self, at: datetime | None) -> datetime | None:
        return at.astimezone(self.zone) if at else None

    @derived
    def name(self) -> str | None:
        return friendly_name(self.facts.buyer.name)

    @derived
    def news(self) -> tuple[Parcel, ...]:
        """The parcels of which a message tells that they left."""
        tells = self.facts.order and self.due.template == LEFT
        return news(self.facts.order, self.facts.said) if self.facts.order and tells else ()

    @derived
    def parcel(self) -> Parcel | None:
        """The parcel that the message was decided for, else the only one, or the first of the news."""
        order, id = self.facts.order, self.due.values.get("parcel")
        if order is None:
            return None
        if id:
            return parcel_of(order, id)
        return next(iter(order.sent if len(order.sent) == 1 else self.news), None)


class _Ordered(msgspec.Struct, frozen=True, dict=True):
    """The order that a message is about."""

    order: Order
    about: About

    @property
    def shop(self) -> Shop:
        return self.about.shop

    @derived
    def ships_by(self) -> datetime | None:
        """The day by which it is promised to leave, also if that has passed."""
        return ships_by(self.order, self.shop)

    @property
    def late(self) -> bool:
        return self.ships_by is not None and self.ships_by < self.about.now

    @property
    def rest_late(self) -> bool:
        by = due_by(self.order, self.shop) if self.order.state == "partly_shipped" else None
        return by is not None and by < self.about.now


class _Sent(msgspec.Struct, frozen=True):
    """A parcel. order: whose parcel it is."""

    parcel: Parcel
    order: Order
    about: About

    @property
    def more(self) -> bool:
        """The buyer read of another one, on its way or waiting for them."""
        said = self.about.facts.said
        told = told_on_its_way(self.order, said) | told_to_fetch(self.order, said)
        return bool(told.difference(self.parcel.ids))


def _carried(name: str, about: About) -> Any:
    """A value that comes with the message; None if none does."""
    values = about.due.values
    minor, currency = values.get(f"{name}_minor"), values.get("currency")
    if isinstance(minor, int) and currency:
        return Money(minor, currency)
    value = values.get(name)
    if not isinstance(value, str):
        return value
    if name == "link":
        return _link(value)
    if name == "word":
        return "\n".join(quote(line, WORD_LINE_MAX) or "" for line in value.split("\n")[:WORD_LINES])
    return quote(value, TEXT_MAX) if name in _OURS else quote_unlinked(value, TEXT_MAX)


def _given_link(about: About) -> Any:
    if about.facts.product is not None:
        return _link(about.facts.product.url)
    return _carried("link", about) if "link" in about.due.values else about.link


def _step(about: About) -> Any:
    """A reminder about money counts those that were read: a text that looks back has something behind it."""
    if about.due.template == REMINDED_BY:
        return reminder_number(about.due.key, about.facts.said)
    return _carried("step", about)


def _price(about: About) -> Any:
    """Of the item as it is for sale now, else as it was told."""
    product = about.facts.product
    return product.price if product else _carried("price", about)


def _case(about: About) -> Any:
    """The number that comes with the message, else of the case opened by a bad review of this order."""
    if "case" in about.due.values:
        return _carried("case", about)
    order = about.facts.order.id if about.facts.order else None
    numbers = (case.number for case in about.facts.cases if case.kind == "bad_review" and case.order == order)
    return max(numbers, default=None)


def _carried_time(name: str, about: About) -> datetime | None:
    given = about.due.values.get(name)
    return about.local(datetime.fromisoformat(given)) if isinstance(given, str) else None


def _cancel_asked(ordered: "_Ordered") -> bool:
    cases = (case for case in ordered.about.facts.cases if case.order == ordered.order.id)
    return any(case.open and case.reason == "asked_to_cancel" for case in cases)


def _amount(about: About) -> Any:
    """Of the refund that the message is about; one without an amount is of all that had not gone back. Of
    what came since the buyer was last told of money."""
    order, id = about.facts.order, about.due.values.get("refund")
    if order and about.due.template == THANKS:
        newly, kept = newly_paid(order, about.facts.said), order.kept_paid
        return kept if newly and kept and kept.minor < newly.minor else newly
    found = next((refund for refund in order.refunds if refund.id == id), None) if order else None
    if order is None or found is None:
        return _carried("amount", about)
    return newly_back(found, order.refunds) or _rest_back(found, order)


def _rest_back(refund: Refund, order: Order) -> Money | None:
    others = tuple(each for each in order.refunds if each is not refund)
    before = msgspec.structs.replace(order.account, refunds=others).refunded()
    rest = order.refunded - before if order.refunded and before else None
    return rest if rest and rest.minor > 0 else order.total


def _choice(about: About) -> list[str]:
    """Names of items, which a platform or the seller's list told."""
    names = about.due.values.get("items") or ()
    return [quote_unlinked(str(name), TITLE_MAX) or "?" for name in names]


def _rating(about: About) -> Any:
    order = about.facts.order
    rating = order.rating_of(about.due.values.get("review")) if order else None
    return rating or _carried("rating", about)


def _hours(about: About) -> dict[str, Any] | None:
    """Opening and closing are read in one breath: where the zone is to be named, one of them names it. The
    days are those on which it opens by the buyer's clock."""
    hours, own, zone = about.shop.working_hours, about.shop.zone(), about.zone
    if hours is None or hours.start == hours.end:
        return None
    today = about.now.astimezone(own).date()
    plain = ZoneInfo(zone.key)
    first, last = (zone, plain) if names_first(about.locale) else (plain, zone)
    opens = datetime.combine(today, hours.start, own).astimezone(first)
    closes = datetime.combine(today, hours.end, own).astimezone(last)
    later = (opens.date() - today).days
    days = [WEEKDAYS[(WEEKDAYS.index(day) + later) % 7] for day in hours.days]
    return {"days": sorted(days, key=WEEKDAYS.index), "opens": opens, "closes": closes}


def _back_at(about: About) -> datetime | None:
    shop = about.shop
    return about.local(back_at(about.now, shop.working_hours, shop.zone(), shop.calendar_of_work))


def _items(of: _Ordered) -> list[dict[str, Any]]:
    return [
        {
            "title": quote_unlinked(line.title, TITLE_MAX) or line.sku or "?",
            "quantity": line.quantity,
            "price": line.price,
            "sum": line.price * line.quantity,
        }
        for line in of.order.lines[:ITEMS_MAX]
    ]


def _more_than_nothing(amount: Money | None) -> Money | None:
    return amount if amount and amount.minor else None


def _failed(of: _Ordered) -> bool:
    return any(parcel.failed for parcel in of.order.shipped if not of.order.has_arrived(parcel))


def _ready(of: _Ordered) -> bool:
    waiting = [parcel for parcel in of.order.shipped if not of.order.has_arrived(parcel)]
    return bool(waiting) and all(parcel.ready for parcel in waiting)


def _parcel(about: About) -> Parts | None:
    order, found = about.facts.order, about.parcel
    if order is None or found is None:
        return None
    among = not about.news or any(each.id == found.id for each in about.news)
    return Parts(_PARCEL_IN_QUESTION, _Sent(found if among else about.news[0], order, about))


def _parcels(about: About) -> list[Parts]:
    order, found = about.facts.order, about.parcel
    every = about.news or ((found,) if found else ())
    return [Parts(_PARCEL, _Sent(parcel, order, about)) for parcel in every] if order else []


def _payment_link(about: About) -> str | None:
    link, order = about.shop.payment.link, about.facts.order
    number = order.shown_number if order else ""
    return link.replace("{order}", url_quote(number, safe="")) if link else None


def _closes_at(about: About) -> datetime | None:
    order = about.facts.order
    if order is None or order.state not in TO_PAY:
        return None
    at = closes_at(order, about.shop, about.facts.said, about.zone, about.now)
    return about.local(at) if at and at > about.now else None


def _ships_within(about: About) -> timedelta | None:
    """The promise in general, or for an order that waits for its payment; none that is no longer ahead."""
    order = about.facts.order
    if order and (order.sends_nothing or order.arrival_unclear):
        return None
    if order and order.state not in TO_PAY:
        by = ships_by(order, about.shop)
        if by is None or by < about.now:
            return None
    return about.shop.payment.ships_within or None


def _waits(about: About) -> bool:
    order = about.facts.order
    return order is not None and any(
        case.open and case.kind == "quote" and case.order == order.id for case in about.facts.cases
    )


def _returns(about: About) -> Parts | None:
    return Parts(_RETURNS, about) if about.shop.returns else None


def _of_returns(name: str) -> Callable[[About], Any]:
    return lambda about: getattr(about.shop.returns, name)


def _words_of_returns(name: str) -> Callable[[About], Any]:
    def made(about: About) -> str | None:
        words, locale = getattr(about.shop.returns, name), about.facts.buyer.locale or about.shop.locale
        return in_language(words, locale) or None if words else None

    return made


def _returned_until(about: About) -> datetime | None:
    """The last moment, so that its day is the last day."""
    order = about.facts.order
    until = until_of(order, about.shop) if order else None
    return about.local(until - timedelta(seconds=1)) if until and until > about.now else None


def _link(text: str | None) -> str | None:
    return text if text and _LINK.fullmatch(text) else None


_BUYER: Makers[About] = {
    "name": lambda a: a.name,
    "first_name": lambda a: first_name(a.name),
    "called": lambda a: addressed_as(a.shop.greeting, a.name),
}

_SELLER: Makers[About] = {
    "name": lambda a: a.shop.seller.name,
    "contact": lambda a: a.shop.seller.contact,
    "hours": _hours,
    "back_at": _back_at,
}

_ORDER: Makers[_Ordered] = {
    "number": lambda o: o.order.shown_number,
    "state": lambda o: "unknown" if o.order.arrival_unclear else o.order.state,
    "total": lambda o: o.order.total,
    "postage": lambda o: _more_than_nothing(o.order.postage),
    "tax": lambda o: _more_than_nothing(o.order.tax),
    "items": _items,
    "more_items": lambda o: max(0, len(o.order.lines) - ITEMS_MAX),
    "placed_at": lambda o: o.about.local(o.order.placed_at),
    "paid_at": lambda o: o.about.local(o.order.last_paid_at if o.order.paid_at else None),
    "paid": lambda o: _more_than_nothing(o.order.counted if o.order.on_delivery else o.order.kept_paid),
    "left": lambda o: None if _waits(o.about) else o.order.left,
    "overpaid": lambda o: o.order.overpaid,
    "on_delivery": lambda o: o.order.on_delivery,
    "authorisation": lambda o: o.order.authorisation,
    "refunded": lambda o: _more_than_nothing(o.order.refunded),
    "to_refund": lambda o: o.order.to_refund,
    "cancelled_at": lambda o: o.about.local(o.order.called_off_at) if o.order.cancelled else None,
    "paid_since_cancelled": lambda o: o.order.paid_since_cancelled,
    "delivered_at": lambda o: o.about.local(o.order.delivered_at),
    "to_ship": lambda o: to_ship(o.order),
    "cancel_asked": _cancel_asked,
    "pay_by": lambda o: o.about.local(o.order.pay_by),
    "ships_by": lambda o: None if o.late else o.ships_by,
    "late": lambda o: o.late,
    "rest_late": lambda o: o.rest_late,
    "silent_since": lambda o: o.about.local(silent_since(o.order, o.shop.followups.delay, o.about.now)),
    "part_off": lambda o: off_since(o.order) is not None,
    "failed": _failed,
    "ready": _ready,
    "parcels": lambda o: [Parts(_PARCEL, _Sent(each, o.order, o.about)) for each in o.order.shipped],
}

_PARCEL: Makers[_Sent] = {
    "carrier": lambda p: quote_unlinked(p.parcel.carrier, TITLE_MAX),
    "tracking": lambda p: quote(p.parcel.tracking, TITLE_MAX),
    "link": lambda p: _link(p.parcel.tracking_url),
    "shipped_at": lambda p: p.about.local(p.parcel.sent_at),
    "moved_at": lambda p: p.about.local(p.parcel.moved_at),
    "delivered_at": lambda p: p.about.local(p.parcel.delivered_at),
    "failed": lambda p: p.parcel.failed,
    "ready": lambda p: p.parcel.ready,
}

_PARCEL_IN_QUESTION: Makers[_Sent] = {
    **_PARCEL,
    "part": lambda p: not p.order.all_shipped,
    "more": lambda p: p.more,
    "last": lambda p: p.more and p.order.surely_all_shipped,
}

_PAYMENT: Makers[About] = {
    "accounts": lambda a: [
        {"bank": account.bank, "number": account.number, "name": account.name}
        for account in a.shop.payment.accounts
    ],
    "link": _payment_link,
    "memo": lambda a: memo(a.facts.order.shown_number) if a.facts.order else None,
    "closes_at": _closes_at,
    "ships_within": _ships_within,
    "waits": _waits,
}

_RETURNS: Makers[About] = {
    **{
        name: _of_returns(name)
        for name in ("days", "faulty_days", "exchange", "repair", "postage", "satisfied")
    },
    **{name: _words_of_returns(name) for name in ("conditions", "address", "steps")},
    "until": _returned_until,
}

MESSAGE: Makers[About] = {
    **{name: partial(_carried, name) for name in CARRIED if not name.endswith("[]")},
    "link": _given_link,
    "case": _case,
    "decide_by": partial(_carried_time, "decide_by"),
    "promised_by": partial(_carried_time, "promised_by"),
    "amount": _amount,
    "items": _choice,
    "price": _price,
    "step": _step,
    "rating": _rating,
    "buyer": lambda a: Parts(_BUYER, a),
    "shop": lambda a: {"name": a.shop.name},
    "seller": lambda a: Parts(_SELLER, a),
    "order": lambda a: Parts(_ORDER, _Ordered(a.facts.order, a)) if a.facts.order else None,
    "parcel": _parcel,
    "parcels": _parcels,
    "payment": lambda a: Parts(_PAYMENT, a),
    "returns": _returns,
    "now": lambda a: a.now.astimezone(a.zone),
    "locale": lambda a: a.locale,
    "quote": lambda a: quote_values(a.due.values, a.local),
    "coupon": lambda a: coupon_values(a.shop, a.now),
    "stop": lambda a: {"needed": a.due.category in ADDED_TO, "link": a.stop_url, "reply": not a.by_mail},
}

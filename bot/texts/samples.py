"""Sample buyers and orders to try templates on, ordinary and extreme."""

from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from functools import cache
from typing import Any

import msgspec

from bot.domain.actions import MAILTO
from bot.domain.contacts import Contacts, Told
from bot.domain.context import Buyer, Case, Said, ToldParcel
from bot.domain.events import Line
from bot.domain.messages import DueMessage, Facts, MessagePolicies, TemplateInput
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.parcel_news import CORRECTED, LEFT, TAKEN_BACK
from bot.domain.parcels import ATTEMPTED, FAILURE, READY, Parcel
from bot.domain.payment_term import REMINDED_BY, TOLD_BY
from bot.domain.payments import Paid, Refund
from bot.domain.rules import PROMOTION
from bot.domain.shop import Returns, Shop, WorkingHours
from bot.texts.parts import Parts
from bot.texts.situations import AGO, AT, situations
from bot.texts.variables import PARTS, variables

NAMES: dict[str, str | None] = {
    "a buyer of an ordinary name": "安娜 Lee",
    "a buyer without a name": None,
    "a buyer of one word": "Cher",
    "a buyer named in emoji": "👩‍👩‍👧🇨🇳✨",
    "a buyer whose name runs right to left": "محمد بن سلمان \u202e",
    "a buyer with a name of 4,096 characters": ("ลัดดา วงศ์สวัสดิ์ " * 256)[:4096],
    "a buyer with a hostile name": "{{ 7 * 7 }}{% for x in y %} Subject: x\r\nBcc: all",
    "a buyer with a link for a name": "Win at https://evil.example",
}

TOTAL_CHANGED = "total_changed"
PAY_WAY_CHANGED = "pay_way_changed"
RETURN_WAITING = "return_waiting"
STOP_URL = "https://shop.example/stop/abc"

_PAID = (Paid(id="p", at=AT, method="bank transfer"),)
_SENT = Parcel(
    id="a",
    shipped_at=AT,
    moved_at=AT,
    carrier="SF Express",
    tracking="SF123",
    tracking_url="https://sf.example/1",
)
_PLAIN = Parcel(id="b", shipped_at=AT)
_ONE_OF_MORE = Parcel(id="a", shipped_at=AT, carrier="SF Express", last=False)
_NUMBERED = Parcel(id="b", shipped_at=AT, carrier="Royal Mail", tracking="RM 12", last=True)
_ATTEMPTED = msgspec.structs.replace(_SENT, status=ATTEMPTED, attempted_at=AT)
_READY = msgspec.structs.replace(_SENT, status=READY, ready_at=AT)
_FAILED = msgspec.structs.replace(_SENT, status=FAILURE, failed_at=AT)
_TAKEN_BACK = msgspec.structs.replace(_SENT, cancelled_at=AT + timedelta(hours=1))
_DOZEN = tuple(
    Parcel(id=f"p{place}", shipped_at=AT, tracking=f"T{place:02}", last=True) for place in range(12)
)
_ARRIVED = Parcel(id="a", shipped_at=AT, tracking="SF123", delivered_at=AT + timedelta(days=2))
_HALF = Money(6400, "CNY")
_RETURN = Case(
    number=7, kind="return", key="return:1001", reason="return_agreed", opened_at=AGO, order="1001"
)
_MAILBOX = "anna@mail.example"
_AGREES = Contacts(email=Told(_MAILBOX, AT), agrees=Told("yes", AT))
_MUCH, _OTHER = Money(20000, "CNY"), Money(12800, "KRW")


def _order(currency: str = "CNY", lines: int = 2, title: str = "马克杯 Mug", **facts: Any) -> Order:
    price = Money(6000, currency)
    return Order(
        id="1001",
        channel="sample",
        **{
            "placed_at": AT,
            "total": Money(6000 * lines + 800, currency),
            "postage": Money(800, currency),
            "lines": tuple(Line(title=title, quantity=1, price=price) for _ in range(lines)),
            **facts,
        },
    )


_HOURS = (
    ("within working hours", WorkingHours(start=AT.time(), end=time(0))),
    ("out of working hours", WorkingHours(days=("wed", "fri"), start=time(9), end=time(17))),
)
_LONGEST: tuple[str, dict[str, Any]] = (
    "an order of 200 long titles",
    {"currency": "JPY", "lines": 200, "title": "很长的名字 " * 700},
)
_ORDERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("an unpaid order", {}),
    ("an order with tax beside its prices", {"tax": Money(135, "CNY")}),
    ("an order in yen", {"currency": "JPY"}),
    ("an order in dinars of three decimals", {"currency": "KWD"}),
    ("an order of nothing", {"lines": 0, "total": Money(0, "CNY"), "postage": None}),
    _LONGEST,
    ("a partly paid order", {"payments": (Paid(id="p", at=AT, amount=_HALF),)}),
    ("an overpaid order", {"payments": (Paid(id="p", at=AT, amount=_MUCH),)}),
    ("an order paid in other money", {"payments": (Paid(id="p", at=AT, amount=_OTHER),)}),
    ("a paid order", {"payments": _PAID}),
    ("a shipped order", {"payments": _PAID, "parcels": (_SENT,)}),
    ("a partly shipped order", {"payments": _PAID, "parcels": (_ONE_OF_MORE,)}),
    ("an order shipped in two parcels", {"payments": _PAID, "parcels": (_SENT, _PLAIN)}),
    ("an order shipped without a number", {"payments": _PAID, "parcels": (_PLAIN,)}),
    ("an order whose last parcel left", {"payments": _PAID, "parcels": (_SENT, _NUMBERED)}),
    ("an order shipped in twelve parcels", {"payments": _PAID, "parcels": (_SENT, *_DOZEN)}),
    ("an order whose buyer was not in", {"payments": _PAID, "parcels": (_ATTEMPTED,)}),
    ("an order that waits to be fetched", {"payments": _PAID, "parcels": (_READY,)}),
    ("an order of which a parcel waits to be fetched", {"payments": _PAID, "parcels": (_READY, _PLAIN)}),
    ("an order whose parcel came back", {"payments": _PAID, "parcels": (_FAILED,)}),
    ("an order whose parcel was taken back", {"payments": _PAID, "parcels": (_TAKEN_BACK,)}),
    ("a delivered order", {"payments": _PAID, "parcels": (_ARRIVED,)}),
    ("a completed order", {"payments": _PAID, "completed_at": AT}),
    ("a cancelled order", {"cancelled_at": AT}),
    ("a paid and cancelled order", {"payments": _PAID, "cancelled_at": AT}),
    (
        "a cancelled order, partly refunded",
        {"payments": _PAID, "cancelled_at": AT, "refunds": (Refund(id="r", at=AT, amount=_HALF),)},
    ),
    ("a cancelled and restored order", {"cancelled_at": AGO, "reopened_at": AT}),
    ("a refunded order", {"payments": _PAID, "refunds": (Refund(id="r", at=AT),)}),
    (
        "an order known by its payment only",
        {"lines": 0, "placed_at": None, "total": None, "postage": None, "payments": _PAID},
    ),
    (
        "an order known by its parcel only",
        {"lines": 0, "placed_at": None, "total": None, "postage": None, "parcels": (_SENT,)},
    ),
    (
        "an order known by its refund only",
        {"lines": 0, "placed_at": None, "total": None, "postage": None, "refunds": (Refund(id="r", at=AT),)},
    ),
)


# What was said about each order before, so that texts may look back to it.
_SAID = tuple(
    Said(key=f"{name}:1001", template=name, state="sent", order="1001", sent_at=AGO)
    for name in ("order_confirmation", "review_request", "cancelled")
)


def sample(name: str, shop: Shop, policies: MessagePolicies, buyer: str | None = "安娜") -> Parts:
    """Make the variables of one ordinary message of this template, as a preview shows it."""
    known = _input(name, policies)
    for _, facts in (*_ORDERS, *situations()):
        order = _order(**{**facts, "currency": shop.currency})
        due, known_facts = _message(name, policies, shop, buyer, order, known.samples[0])
        made = variables(due, known_facts, AT, stop_url=STOP_URL)
        if _reachable(known, made) and _sayable(name, policies, due, known_facts):
            return made
    raise LookupError(f"{name} can be said about no sample order")


def samples(
    name: str, shop: Shop, policies: MessagePolicies, every_situation: bool = True
) -> Iterator[tuple[str, Parts]]:
    """Make labelled variables: every buyer with a short and the longest order, then every order.

    Left out are combinations that the template's TemplateInput excludes, and orders about which its policy
    would not let it be said.
    """
    known = _input(name, policies)
    for label, buyer, order, values in _combinations(known, every_situation):
        due, facts = _message(name, policies, shop, buyer, order, values)
        if _sayable(name, policies, due, facts):
            made = variables(due, facts, AT, stop_url=STOP_URL)
            if _reachable(known, made):
                yield label, made
    for label, hours in _HOURS:
        there = shop.model_copy(update={"working_hours": hours})
        due, facts = _message(name, policies, there, "Ann", _order(), known.samples[0])
        if _sayable(name, policies, due, facts):
            made = variables(due, facts, AT, stop_url=STOP_URL)
            if _reachable(known, made):
                yield label, made


_Combination = tuple[str, str | None, Order | None, dict[str, Any]]


def _combinations(known: TemplateInput, every_situation: bool) -> Iterator[_Combination]:
    for values in known.samples:
        for label, buyer in NAMES.items():
            for order in _short_and_longest():
                yield label, buyer, order, values
        for label, order in _labelled_orders(every_situation):
            yield label, "Ann", order, values
        yield "a message about no order", "Ann", None, values


# Made once: what follows from an order is derived once, and asked for in every text.


@cache
def _short_and_longest() -> tuple[Order, ...]:
    return _order(), _order(payments=_PAID, parcels=(_SENT, _PLAIN)), _order(**_LONGEST[1])


@cache
def _labelled_orders(every_situation: bool) -> tuple[tuple[str, Order], ...]:
    told = (*_ORDERS, *situations()) if every_situation else _ORDERS
    return tuple((label, _order(**facts)) for label, facts in told)


def _message(
    name: str,
    policies: MessagePolicies,
    shop: Shop,
    buyer: str | None,
    order: Order | None,
    values: dict[str, Any],
) -> tuple[DueMessage, Facts]:
    policy, to = policies.get(name, policies[PROMOTION]), None
    if policy.asks_for_offers and order:  # whichever way the shop's setting stands
        shop, to = shop.model_copy(update={"double_opt_in": True}), f"{MAILTO}{_MAILBOX}"
        order = msgspec.structs.replace(order, contacts=_AGREES)
    if "returns" in policy.variables and shop.returns is None:
        shop = shop.model_copy(update={"returns": Returns()})
    due = DueMessage(
        key=_key(name, order),
        template=name,
        category="service" if name in PARTS else policy.category,
        due_at=AT,
        created_at=AT,
        lateness=policy.lateness,
        values=values,
        to=to,
    )
    before = () if name == TOLD_BY else _SAID  # nothing was said before the confirmation
    said = tuple(each for each in before if each.template != name) + _told(name, values, order)
    cases = (_RETURN,) if name == RETURN_WAITING else ()
    return due, Facts(shop=shop, buyer=Buyer(id="ann", name=buyer), order=order, said=said, cases=cases)


def _sayable(name: str, policies: MessagePolicies, due: DueMessage, facts: Facts) -> bool:
    """False if the policy would stop it; offers are not about an order, and hang on much else."""
    policy = policies.get(name)
    if policy is None or not policy.about_order:
        return True
    return policy.why_outdated(due, facts, AT) is None


def _key(name: str, order: Order | None) -> str:
    if name == TOTAL_CHANGED and order and order.total:
        return f"{name}:{order.id}:{order.total.minor}{order.total.currency}"
    return f"{name}:1001"


def _told(name: str, values: dict[str, Any], order: Order | None) -> tuple[Said, ...]:
    """What a text of this name follows: another total or way to pay, or that the parcel left, under another
    number; and whoever is told of parcel b was told of parcel a."""
    parcel = values.get("parcel")
    if name == TOTAL_CHANGED and order and order.total:
        before = Money(order.total.minor + 1000, order.total.currency)
        return (_earlier("order_confirmation", total=before),)
    if name == PAY_WAY_CHANGED and order:
        return (_earlier("order_confirmation", on_delivery=not order.on_delivery),)
    if name in (CORRECTED, TAKEN_BACK, "delayed") and parcel:
        return (_earlier(LEFT, parcels=(ToldParcel((parcel,), "SF122"),)),)
    if name == REMINDED_BY:
        return (_earlier(REMINDED_BY),) * (int(values["step"]) - 1)
    return (_earlier(LEFT, parcels=(ToldParcel(("a",)),)),) if parcel == "b" else ()


def _earlier(template: str, **known: Any) -> Said:
    return Said(key=f"{template}:1001:a", template=template, state="sent", order="1001", sent_at=AT, **known)


def _input(name: str, policies: MessagePolicies) -> TemplateInput:
    """A name that we do not know is one of the seller's own promotions."""
    return PARTS.get(name) or policies.get(name) or policies[PROMOTION]


def _reachable(known: TemplateInput, made: Mapping[str, Any]) -> bool:
    if (known.about_order and made["order"] is None) or (known.about_parcel and made["parcel"] is None):
        return False
    return all(_look_up(made, path) is not None for path in known.variables)


def _look_up(made: Mapping[str, Any], path: str) -> Any:
    value: Any = made
    for part in path.split("."):
        value = value[part]
    return value

"""A buyer in figures: what they bought, when, for how much, and what else segments ask about."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

OWED = ("unpaid", "partly_paid")  # states of an order
GIVEN_UP = ("cancelled", "refunded")
CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_WORDS = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")


class OrderRow(Protocol):
    """An order as its columns tell it; money in minor units of `currency`."""

    @property
    def channel(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def placed_at(self) -> datetime | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def paid_minor(self) -> int: ...
    @property
    def refunded_minor(self) -> int: ...


class ChatRow(Protocol):
    @property
    def channel(self) -> str: ...
    @property
    def last_in_at(self) -> datetime | None: ...


class BuyerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one buyer. Money in minor units of the shop's currency; orders in others do not count.

    orders, spent_minor: paid for and not given back in full; what was refunded is subtracted.
    refunds, refunded_minor: orders of which money went back, and how much.
    unpaid_at: when the newest order that is still owed was placed.
    last_contact_at: when they last wrote. lately_orders, lately_spent_minor: within vip.period.
    tags, bought, open_case, tier: not kept with the others, but looked up where they are asked for.
    """

    buyer: str
    orders: int = 0
    spent_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    unpaid_at: datetime | None = None
    last_contact_at: datetime | None = None
    lately_orders: int = 0
    lately_spent_minor: int = 0
    agrees: bool = False
    locale: str | None = None
    city: str | None = None  # as cities are compared
    channels: str = ""  # between bars
    tags: frozenset[str] = frozenset()
    bought: tuple[tuple[str, str], ...] = ()  # sku and title as they are compared
    open_case: bool = False
    tier: str | None = None


KEPT = tuple(BuyerFigures.__struct_fields__[: BuyerFigures.__struct_fields__.index("tags")])


def figures_of(
    buyer: str,
    orders: Iterable[OrderRow],
    chats: Iterable[ChatRow],
    *,
    currency: str,
    now: datetime,
    period: timedelta,
    agrees: bool = False,
    locale: str | None = None,
    city: str | None = None,
) -> BuyerFigures:
    """Sum up a buyer. period: what counts as lately."""
    since = now - period
    count = spent = refunds = refunded = lately = lately_spent = 0
    first: datetime | None = None
    last: datetime | None = None
    owed: datetime | None = None
    heard: datetime | None = None
    channels = set()
    for order in orders:
        channels.add(order.channel)
        at = order.placed_at
        if at is None:
            continue
        if order.state in OWED:
            owed = at if owed is None or at > owed else owed
        if order.currency != currency:
            continue
        if order.refunded_minor > 0:
            refunds += 1
            refunded += order.refunded_minor
        if order.paid_minor <= 0 or order.state in GIVEN_UP:
            continue
        left = order.paid_minor - order.refunded_minor
        count += 1
        spent += left
        first = at if first is None or at < first else first
        last = at if last is None or at > last else last
        if at >= since:
            lately += 1
            lately_spent += left
    for chat in chats:
        channels.add(chat.channel)
        at = chat.last_in_at
        if at is not None and (heard is None or at > heard):
            heard = at
    return BuyerFigures(
        buyer=buyer,
        orders=count,
        spent_minor=spent,
        refunds=refunds,
        refunded_minor=refunded,
        first_order_at=first,
        last_order_at=last,
        unpaid_at=owed,
        last_contact_at=heard,
        lately_orders=lately,
        lately_spent_minor=lately_spent,
        agrees=agrees,
        locale=locale.lower() if locale else None,
        city=as_compared(city).strip() or None if city else None,
        channels=f"|{'|'.join(sorted(channels))}|" if channels else "",
    )


def as_compared(text: str) -> str:
    """A text as it is compared word for word: capitals do not count, and each character of a language
    without spaces is a word. Between spaces, so that words within it are found with theirs around them."""
    words = _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())
    return f" {' '.join(words)} " if words else ""

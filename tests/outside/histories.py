"""Short histories written by hand, on which the judge is tested."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.outside.facts import Address, Contact, Fact, Paid, Placed, Shipped, Wrote
from tests.outside.history import Heard, History, Shop, Told
from tests.outside.judge import judge

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ORDER = "webhook/2301"
ANN = Contact(buyer="ann", name="Annabel", email="ann@example.com", phone="+447700905678")
BEN = Contact(buyer="ben", name="Benedict", email="ben@example.com", phone="+447700901111")
MAIL, CHAT = Address("email", "ann@example.com"), Address("webhook", "ann")
STRANGER = Address("telegram", "6000")

Event = tuple[timedelta, Fact | Heard]


def history(*events: Event, shop: Shop | None = None, ends: timedelta = 30 * DAY, **more: Any) -> History:
    """Facts, acknowledged at their own time, and messages, in the order in which they are written here."""
    told: list[Told] = []
    heard: list[Heard] = []
    for seq, (after, event) in enumerate(events, start=1):
        at = NOON + after
        if isinstance(event, Heard):
            heard.append(replace(event, seq=seq, at=at))
        else:
            told.append(
                Told(seq=seq, acked_at=at, channel="webhook", delivery=f"d-{seq}", kind="", facts=(event,))
            )
    return History(shop=shop or Shop(), told=told, heard=heard, ended_at=NOON + ends, **more)


def found(rule: str, *events: Event, **more: Any) -> Sequence[str]:
    return [finding.what for finding in judge(history(*events, **more), [rule])]


def placed(after: timedelta = 0 * MINUTE, contact: Contact = ANN, order: str = ORDER, **more: Any) -> Event:
    known: dict[str, Any] = {
        "number": order.partition("/")[2],
        "placed_at": NOON + after,
        "total": Decimal("20.00"),
        "currency": "GBP",
    }
    return after, Placed(order=order, at=NOON + after, contact=contact, **known | more)


def fact(kind: type[Any], after: timedelta, **more: Any) -> Event:
    about = {} if "chat" in more or "addresses" in more else {"order": ORDER}
    return after, kind(at=NOON + after, **about | more)


def paid(
    after: timedelta, amount: str | None = "20.00", currency: str | None = "GBP", ref: str = "p"
) -> Event:
    return fact(Paid, after, payment=ref, amount=Decimal(amount) if amount else None, currency=currency)


def shipped(after: timedelta, parcel: str = "A", **more: Any) -> Event:
    return fact(Shipped, after, parcel=parcel, **more)


def wrote(after: timedelta, asks: str, text: str = "", chat: Address = STRANGER, **more: Any) -> Event:
    return fact(Wrote, after, chat=chat, text=text or asks, asks=asks, **more)


def hears(
    after: timedelta,
    template: str | None,
    at: Address = MAIL,
    text: str = "",
    order: str | None = "2301",
    **values: str,
) -> Event:
    said = Heard(seq=0, at=NOON, address=at, text=text, template=template, order=order, values=values or None)
    return after, said

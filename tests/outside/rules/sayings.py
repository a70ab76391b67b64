"""Which words answer, which speak unasked, and what a text promises."""

import re
from datetime import timedelta

from tests.outside.facts import Address, Wrote
from tests.outside.history import Heard, History

UNASKED = frozenset(
    (
        "order_confirmation",
        "second_contact",
        "payment_reminder",
        "payment_received",
        "total_changed",
        "reassurance",
        "shipped",
        "tracking_changed",
        "shipment_cancelled",
        "delivery_attempted",
        "delayed",
        "delivered",
        "review_request",
        "review_reminder",
        "cancelled",
        "restored",
        "refunded",
        "partly_refunded",
        "vip_promotion",
    )
)
REMINDERS = frozenset(("payment_reminder", "second_contact"))
REVIEWS = frozenset(("review_request", "review_reminder"))
ANSWERED_WITHIN = timedelta(minutes=20)  # where a receiver refuses it a few times

_PROMISE = re.compile(
    r"\bships? within|\bleaves within|we ship as soon as|\bsend (?:it|orders) (?:by|within)"
    r"|[内內](?:就)?(?:为您|為您)?(?:发货|发出|寄出|發貨|發出|出貨|寄送)|最晚.{,20}(?:发货|出貨)|补齐后就|補齊後就",
    re.IGNORECASE,
)


def unasked(history: History, heard: Heard) -> bool:
    """Whether a message was sent on the shop's own accord. A chat that has just written hears answers."""
    if heard.template in UNASKED:
        return True
    if heard.address.kind == "email":
        return True
    return not just_wrote(history, heard.address, heard)


def just_wrote(history: History, chat: Address, heard: Heard) -> bool:
    return any(
        isinstance(fact, Wrote) and fact.chat == chat and heard.at - told.acked_at <= ANSWERED_WITHIN
        for told in history.told
        if told.seq < heard.seq
        for fact in told.facts
    )


def promises_shipping(text: str) -> bool:
    return _PROMISE.search(text) is not None


def promise_in(text: str) -> str:
    """The lines in which a time of shipping is named, as far as they name one."""
    return "\n".join(line for line in text.splitlines() if _PROMISE.search(line))


def shown(heard: Heard) -> str:
    """A message in one line, for a finding."""
    text = " / ".join(line for line in heard.text.splitlines() if line.strip())
    where = f"{heard.address.kind}:{heard.address.value} [{heard.template}]"
    return f"#{heard.seq} {heard.at:%d %b %H:%M:%S} to {where} {text[:300]}"

"""Messages that were sent and events that had been told, for the audit's rules about orders."""

from datetime import timedelta
from typing import Any

import msgspec

from bot.domain.events import OrderEvent, OrderPlaced
from bot.operations.audit.statements import false_statements
from storage.audit_queries import Fact, KnownCase, Sending
from tests.handlers import world
from tests.handlers.world import PLACED, hours

SLACK = timedelta(seconds=10)
IDS = iter(range(1, 10_000))


def said(template: str, after: timedelta, total: int | None = None, **values: Any) -> Sending:
    """total: of the order in cents, as it is stored beside the text."""
    return Sending(
        id=next(IDS),
        key=template,
        buyer="ann",
        template=template,
        category="service",
        state="sent",
        values=values,
        facts={"order": {"total_minor": total, "currency": "CNY"}} if total else {},
        settled_at=PLACED + after,
        order="1001",
    )


def in_our_words(sent: Sending, text: str) -> Sending:
    return msgspec.structs.replace(sent, text=text, own=False)


def found(
    sent: Sending,
    *others: Sending,
    told: tuple[OrderEvent, ...],
    cases: tuple[KnownCase, ...] = (),
    **shop: Any,
) -> list[str]:
    """The codes for this message. Everything was told when it happened."""
    facts = [Fact(id=1, state="done", received_at=event.at, event=event) for event in told]
    settings = world.shop_with(**shop)
    return [each.code for each in false_statements(sent, (*others, sent), facts, settings, SLACK, cases)]


def shown(after: timedelta, **fields: Any) -> OrderPlaced:
    """The order as it is shown again."""
    return msgspec.structs.replace(world.placed(), at=PLACED + after, external_id=f"shown-{after}", **fields)


CONFIRMED = said("order_confirmation", hours(0.01))

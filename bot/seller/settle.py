"""Settle a case: the seller's decision becomes events, stored in one commit like any platform's."""

from datetime import datetime
from enum import Enum

from sqlalchemy import Connection

from bot.domain.events import CaseSettled, Event, PaymentReceived, load_event
from bot.domain.money import Money, parse_money
from bot.domain.orders import Order
from bot.domain.payment_news import is_thanked_for
from storage import inbox, order_records, read_models, trail
from storage.asking import ask
from storage.inbox import inbox_event
from storage.read_models import CaseView
from storage.trail import Trace

CHANNEL = "seller"


class Settled(Enum):
    """The outcome of settling a case."""

    DONE = "done"  # or was done before, in the same sense
    UNKNOWN = "unknown"  # there is no such case
    CLOSED = "closed"  # it was settled otherwise, or needs nobody any more
    NO_CLAIM = "no_claim"  # confirmed, but it claims no payment of an order we know


def settle_case(
    connection: Connection,
    shop: str,
    number: int,
    confirmed: bool,
    now: datetime,
    by: str,
    outcome: str | None = None,
    refund: Money | None = None,
) -> Settled:
    """Close a case; a claim of payment that is `confirmed` is a payment as well. Repeats change nothing.

    by: who does it, `api:...` or `command:...`; it stays in the event and in the trail.
    outcome, refund: as the buyer is told.
    """
    case = read_models.find_case(connection, shop, number)
    if case is None:
        return Settled.UNKNOWN
    id = _settled_id(case)
    earlier = _earlier(connection, shop, id)
    if earlier is not None:
        return Settled.DONE if earlier.confirmed == confirmed else Settled.CLOSED
    if case.closed_at is not None:
        return Settled.CLOSED
    if confirmed and (case.kind != "payment_claim" or case.order is None):
        return Settled.NO_CLAIM
    events: list[Event] = [
        CaseSettled(
            channel=CHANNEL,
            external_id=id,
            at=now,
            case=number,
            confirmed=confirmed,
            by=by,
            outcome=outcome,
            refund=refund,
        )
    ]
    if confirmed and case.order is not None:
        order = _order(connection, shop, case)
        paid = PaymentReceived(
            channel=CHANNEL,
            external_id=f"case:{number}:paid",
            at=now,
            order=case.order,
            amount=_part(case, order) if order else None,
        )
        events.append(paid)
    inbox.add(connection, [inbox_event(shop, event, now) for event in events])
    trail.add(connection, Trace(shop=shop, at=now, what=trail.CASE_SETTLED, who=by, about=str(number)))
    return Settled.DONE


def owes_word(connection: Connection, shop: str, number: int, confirmed: bool) -> bool:
    """True if the buyer waits for a word, and settling the case without an outcome tells them nothing."""
    case = read_models.find_case(connection, shop, number)
    if case is None or not case.case.owes_word:
        return False
    order = _order(connection, shop, case)
    return not (confirmed and order is not None and is_thanked_for(order))


def _order(connection: Connection, shop: str, case: CaseView) -> Order | None:
    return ask(connection, shop, order_records.by_id({case.order})).get(case.order) if case.order else None


def _part(case: CaseView, order: Order) -> Money | None:
    """The sum that was claimed, where that is not all that is owed by now: a part, or the total has
    changed since. None for all that is owed."""
    left, told = order.left, case.reason.values
    claimed, owed, total = (_money(told.get(name), left) for name in ("amount", "owed", "total"))
    if left is None or claimed is None:
        return None
    if owed is None or total is None or order.total is None:  # of a form
        return claimed if 0 < claimed.minor < left.minor else None
    part = left + (claimed - owed) + (total - order.total)
    return part if part.minor > 0 and part != left else None


def _money(told: object, left: Money | None) -> Money | None:
    """A sum in a case, in the money that is owed."""
    amount, _, currency = str(told or "").partition(" ")
    if left is None or currency not in ("", left.currency):
        return None
    try:
        return parse_money(amount, left.currency)
    except ValueError:
        return None  # words of a form


def _earlier(connection: Connection, shop: str, id: str) -> CaseSettled | None:
    kept = read_models.event_named(connection, shop, CHANNEL, id)
    event = load_event(kept.body) if kept else None
    return event if isinstance(event, CaseSettled) else None


def _settled_id(case: CaseView) -> str:
    """Another one each time that the case was opened again."""
    again = f":{case.reopened}" if case.reopened else ""
    return f"case:{case.number}:settled{again}"

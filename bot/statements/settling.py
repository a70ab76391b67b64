"""A person's decision about a doubtful transfer: for which orders it is, or that it is for none."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection

from bot.domain.events import CaseSettled, Event
from bot.domain.money import Money
from bot.domain.order_numbers import named
from bot.domain.orders import Order
from bot.seller.settle import CHANNEL
from bot.statements.payables import payable
from bot.statements.reconciling import payment
from storage import inbox, order_records, read_models, trail, transfer_records
from storage.asking import ask
from storage.inbox import inbox_event
from storage.trail import Trace
from storage.transfer_records import TransferRecord

OTHER, SETTLED = "other", "settled"


class Assigned(Enum):
    """The outcome of assigning a transfer."""

    DONE = "done"
    UNKNOWN = "unknown"  # there is no such case, or it is about no transfer
    CLOSED = "closed"  # it was decided before
    NO_ORDER = "no_order"  # a number names no order, or several
    CURRENCY = "currency"  # an order is in another currency


def assign(
    connection: Connection, shop: str, number: int, orders: Sequence[str], now: datetime, by: str
) -> tuple[Assigned, str | None]:
    """Count a transfer as a payment of these orders, each up to what it owes and the last one all the rest.

    Without orders it is for none of the shop's. Returns the number that is wrong as well, if one is.
    """
    transfer = transfer_records.of_case(connection, shop, number)
    case = read_models.find_case(connection, shop, number)
    if transfer is None or case is None:
        return Assigned.UNKNOWN, None
    if case.closed_at is not None or transfer.how != "doubtful":
        return Assigned.CLOSED, None
    found: list[Order] = []
    for typed in orders:
        those = named(typed, ask(connection, shop, order_records.by_number({typed})))
        if len(those) != 1:
            return Assigned.NO_ORDER, typed
        if those[0].total is None or those[0].total.currency != transfer.amount.currency:
            return Assigned.CURRENCY, typed
        found.append(those[0])
    shares = _shares(transfer, found)
    events: list[Event] = [
        payment(
            transfer.fingerprint,
            order.id,
            Money(shares[order.id], transfer.amount.currency),
            transfer.booked_at,
            transfer.bank,
            now,
            known.beside if (known := payable(order, None, {})) else 0,
        )
        for order in found
        if shares.get(order.id)
    ]
    closed = CaseSettled(channel=CHANNEL, external_id=f"case:{number}:settled", at=now, case=number, by=by)
    inbox.add(connection, [inbox_event(shop, event, now) for event in (*events, closed)])
    transfer_records.settle(connection, shop, transfer.fingerprint, SETTLED if found else OTHER, shares)
    trail.add(connection, Trace(shop=shop, at=now, what=trail.CASE_SETTLED, who=by, about=str(number)))
    return Assigned.DONE, None


def _shares(transfer: TransferRecord, orders: Sequence[Order]) -> dict[str, int]:
    shares: dict[str, int] = {}
    rest = transfer.amount.minor
    for order in orders[:-1]:
        shares[order.id] = min(rest, order.left.minor if order.left else 0)
        rest -= shares[order.id]
    if orders:
        shares[orders[-1].id] = shares.get(orders[-1].id, 0) + rest
    return shares

"""Orders as transfers are compared with them: what is owed, who may pay, what others told of."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from bot.domain.balance import Account
from bot.domain.orders import Order
from bot.domain.payments import standing
from bot.domain.reconcile import Payable
from storage import transfer_records

SOURCE = "statement"  # of payments, and the name of the channel that tells them

Claims = Mapping[str, list[dict[str, Any]]]


def awaiting(connection: Connection, shop: str) -> Iterator[Payable]:
    """Every order for which money is expected."""
    claims = claims_of(connection, shop)
    for order, name in transfer_records.awaiting(connection, shop):
        if found := payable(order, name, claims):
            yield found


def claims_of(connection: Connection, shop: str) -> Claims:
    found: dict[str, list[dict[str, Any]]] = {}
    for order, details in transfer_records.claims(connection, shop):
        found.setdefault(order, []).append(details)
    return found


def payable(order: Order, buyer: str | None, claims: Claims) -> Payable | None:
    """None for what nobody is asked to pay for."""
    if order.placed_at is None or order.total is None or order.test:
        return None
    own = sum(
        paid.amount.minor + (paid.beside.minor if paid.beside else 0)
        for paid in order.payments
        if paid.source == SOURCE and paid.amount
    )
    told = [str(value) for each in claims.get(order.id, ()) if (value := each.get("name"))]
    names = (order.contacts.known("name") if order.contacts else None, buyer, *told)
    ends = (str(each.get("digits") or "") for each in claims.get(order.id, ()))
    return Payable(
        id=order.id,
        number=order.shown_number,
        currency=order.total.currency,
        left=order.left.minor if order.left else 0,
        placed_at=order.placed_at,
        names=tuple(dict.fromkeys(name for name in names if name)),
        digits=tuple(end for end in ends if len(end) in (4, 5) and end.isdecimal()),
        told=_told(order),
        beside=max(0, order.paid.minor - own) if order.paid else 0,
        cancelled=order.cancelled or order.refunded_in_full,
        unclear=order.payment_unclear,
    )


def _told(order: Order) -> list[int]:
    """The sums that other sources told of, less those that a statement has shown since."""
    account: Account = order.account
    by_source: dict[str | None, Counter[int]] = {}
    for paid in standing(order.payments):
        worth = account.worth(paid)
        if worth:
            by_source.setdefault(paid.source, Counter())[worth] += 1
    shown = by_source.pop(SOURCE, Counter())
    told = Counter([order.told_paid.minor] if order.told_paid and order.told_paid.minor else [])
    for sums in by_source.values():
        told |= sums
    return sorted((told - shown).elements())


def with_numbers(connection: Connection, shop: str, orders: list[Order]) -> Iterator[Payable]:
    """These orders, whatever their state."""
    claims = claims_of(connection, shop)
    for order, name in transfer_records.with_names(connection, shop, [order.id for order in orders]):
        if found := payable(replace(order), name, claims):
            yield found

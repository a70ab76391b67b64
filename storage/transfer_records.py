"""The table of transfers: what bank statements told of money that came, and what was made of it."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, false, func, or_, select, text, update

from bot.domain.money import Money
from bot.domain.orders import Order
from storage.bulk import upsert
from storage.inbox import shops_with
from storage.sql_in import is_in
from storage.tables import AWAITING, buyers, cases, orders, transfers

_orders = msgspec.json.Decoder(Order)
PAGE = 1000  # records in memory at once


class TransferRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a statement. orders: what each got of it, in minor units.

    how: it was matched, as in a verdict; `settled` or `other` once a person decided.
    """

    fingerprint: str
    bank: str
    booked_at: datetime
    amount: Money
    payer: str
    text: str
    how: str
    orders: dict[str, int] = {}
    case: int | None = None
    read_at: datetime


class BankUse(NamedTuple):
    """How often money came by a bank, and how much, in minor units."""

    bank: str
    how: str
    currency: str
    times: int
    minor: int


def known(connection: Connection, shop: str, fingerprints: Collection[str]) -> dict[str, TransferRecord]:
    here = select(transfers).where(
        transfers.c.shop == shop, is_in(connection, transfers.c.fingerprint, fingerprints)
    )
    return {row.fingerprint: _record(row) for row in connection.execute(here)} if fingerprints else {}


def of_case(connection: Connection, shop: str, number: int) -> TransferRecord | None:
    here = select(transfers).where(transfers.c.shop == shop, transfers.c.case_number == number)
    row = connection.execute(here).first()
    return _record(row) if row else None


def save(connection: Connection, shop: str, records: Iterable[TransferRecord]) -> None:
    """Insert or replace."""
    rows = [
        {
            "shop": shop,
            "fingerprint": each.fingerprint,
            "bank": each.bank,
            "booked_at": each.booked_at,
            "currency": each.amount.currency,
            "minor": each.amount.minor,
            "payer": each.payer,
            "text": each.text,
            "how": each.how,
            "orders": msgspec.json.encode(each.orders).decode(),
            "case_number": each.case,
            "read_at": each.read_at,
        }
        for each in records
    ]
    if rows:
        upsert(connection, transfers, rows)


def settle(connection: Connection, shop: str, fingerprint: str, how: str, shares: dict[str, int]) -> None:
    here = update(transfers).where(transfers.c.shop == shop, transfers.c.fingerprint == fingerprint)
    connection.execute(here.values(how=how, orders=msgspec.json.encode(shares).decode()))


def shops_with_any(connection: Connection) -> list[str]:
    return shops_with(connection, "transfers", "booked_at IS NOT NULL")


def forget(connection: Connection, shop: str, before: datetime) -> int:
    """Delete what was booked before then; returns how many."""
    here = delete(transfers).where(transfers.c.shop == shop, transfers.c.booked_at < before)
    return connection.execute(here).rowcount


def use_of_banks(connection: Connection, shop: str, since: datetime) -> list[BankUse]:
    columns = (transfers.c.bank, transfers.c.how, transfers.c.currency)
    here = (
        select(*columns, func.count(), func.sum(transfers.c.minor))
        .where(transfers.c.shop == shop, transfers.c.booked_at >= since)
        .group_by(*columns)
        .order_by(*columns)
    )
    rows = connection.execute(here).all()
    return [BankUse(row[0], row[1], row[2], row[3], int(row[4])) for row in rows]


def doubtful(connection: Connection, shop: str, since: datetime) -> list[TransferRecord]:
    """Those of which a person has not decided, the newest first."""
    here = select(transfers).where(transfers.c.shop == shop, transfers.c.booked_at >= since)
    here = here.where(transfers.c.how == "doubtful").order_by(transfers.c.booked_at.desc())
    return [_record(row) for row in connection.execute(here)]


# Who may pay for what


def awaiting(connection: Connection, shop: str) -> Iterator[tuple[Order, str | None]]:
    """The orders for which money is expected, with the names of their buyers, in the order of their ids."""
    after = ""
    while True:
        here = _with_names().where(orders.c.shop == shop, text(AWAITING))
        rows = connection.execute(here.where(orders.c.id > after).order_by(orders.c.id).limit(PAGE)).all()
        for row in rows:
            yield _orders.decode(row.record), row.name
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def claims(connection: Connection, shop: str) -> list[tuple[str, dict[str, Any]]]:
    """The orders that buyers say they have paid for, each with what they told of it."""
    here = select(cases.c.order_id, cases.c.details).where(
        cases.c.shop == shop,
        cases.c.closed_at.is_(None),
        cases.c.kind == "payment_claim",
        cases.c.order_id.is_not(None),
    )
    return [(row.order_id, msgspec.json.decode(row.details)) for row in connection.execute(here)]


def with_names(connection: Connection, shop: str, ids: Collection[str]) -> list[tuple[Order, str | None]]:
    if not ids:
        return []
    here = _with_names().where(orders.c.shop == shop, is_in(connection, orders.c.id, ids))
    return [(_orders.decode(row.record), row.name) for row in connection.execute(here)]


def _with_names() -> Any:
    its_buyer = (buyers.c.shop == orders.c.shop) & (buyers.c.id == orders.c.buyer)
    return select(orders.c.id, orders.c.record, buyers.c.name).join_from(
        orders, buyers, its_buyer, isouter=True
    )


def _record(row: Any) -> TransferRecord:
    return TransferRecord(
        fingerprint=row.fingerprint,
        bank=row.bank,
        booked_at=row.booked_at,
        amount=Money(row.minor, row.currency),
        payer=row.payer,
        text=row.text,
        how=row.how,
        orders=msgspec.json.decode(row.orders, type=dict[str, int]),
        case=row.case_number,
        read_at=row.read_at,
    )


def about(of_orders: Collection[str], of_cases: Collection[int]) -> ColumnElement[bool]:
    """The transfers that paid for one of these orders, or were doubted in one of these cases."""
    paid = (transfers.c.orders.contains(f'"{id}"', autoescape=True) for id in of_orders)
    return or_(false(), transfers.c.case_number.in_(of_cases), *paid)


def blank(connection: Connection, shop: str, of_orders: Collection[str], of_cases: Collection[int]) -> int:
    """Take the person out of the transfers about these; what is kept of them counts each line once."""
    here = update(transfers).where(transfers.c.shop == shop, about(of_orders, of_cases))
    return connection.execute(here.values(payer="", text="")).rowcount

"""The ledger of promises: what was given, kept and missed, and how each stands."""

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from bot.domain.actions import NotePromise
from storage.asking import Asking, changed
from storage.bulk import insert_or_change, update_rows
from storage.lookup import numbers_of
from storage.tables import cases, orders, promises

LISTED = 100  # rows of a list


class PromiseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One promise of the ledger. number: of the order, as buyers see it."""

    name: str
    about: str
    state: str
    given_at: datetime
    due_at: datetime
    done_at: datetime | None = None
    number: str | None = None


def about(noted: NotePromise) -> str:
    return f"order:{noted.order}" if noted.order else f"case:{noted.case}"


def save(noted: Collection[NotePromise]) -> Asking[None]:
    """Write how promises stand; one that is taken back only where it was given, and what is excused stays."""
    given = [each for each in noted if each.given_at]
    columns = ("state", "given_at", "due_at", "done_at")
    rows = [
        {"name": each.name, "about": about(each), **{name: getattr(each, name) for name in columns}}
        for each in given
    ]
    stays = "promises.state <> 'excused'"
    yield from changed(insert_or_change, promises, rows, columns=columns, where=stays)
    back = [
        {"name": each.name, "about": about(each), "state": each.state} for each in noted if not each.given_at
    ]
    yield from changed(update_rows, promises, back, where=stays)


def missed_by(connection: Connection, shop: str, buyer: str, order: str, since: datetime) -> int:
    """How many promises about other orders of a buyer were missed since then."""
    # A filter and no condition, so that only this buyer's are read, not all that were missed since.
    missed = (promises.c.state == "missed") & (promises.c.due_at >= since)
    here = (
        select(func.count().filter(missed))
        .select_from(orders)
        .join(promises, (promises.c.shop == orders.c.shop) & (promises.c.about == "order:" + orders.c.id))
        .where(orders.c.shop == shop, orders.c.buyer == buyer, orders.c.id != order)
    )
    return connection.scalar(here) or 0


def counts(
    connection: Connection, shop: str, since: datetime, until: datetime
) -> Mapping[tuple[str, str], int]:
    """How many promises that were due in this time stand how, by name and state."""
    found: dict[tuple[str, str], int] = {}
    for state in STATES:  # each by itself, so that nothing is read that was due before
        here = select(promises.c.name, func.count()).where(promises.c.shop == shop, promises.c.state == state)
        here = here.where(promises.c.due_at >= since, promises.c.due_at < until).group_by(promises.c.name)
        found |= {(name, state): number for name, number in connection.execute(here)}
    return found


STATES = ("open", "kept", "missed", "excused", "withdrawn")


def listed(
    connection: Connection, shop: str, state: str, since: datetime, until: datetime, newest: bool = False
) -> list[PromiseRow]:
    """Promises in a state that are due in this time, at most LISTED; those about cases as they stand now."""
    here = select(promises).where(promises.c.shop == shop, promises.c.state == state)
    here = here.where(promises.c.due_at >= since, promises.c.due_at < until)
    order = promises.c.due_at.desc() if newest else promises.c.due_at
    rows = connection.execute(here.order_by(order, promises.c.about).limit(LISTED)).all()
    of_orders = {row.about.removeprefix("order:") for row in rows if row.about.startswith("order:")}
    numbers = numbers_of(connection, shop, of_orders)
    return [
        PromiseRow(
            name=row.name,
            about=row.about,
            state=row.state,
            given_at=row.given_at,
            due_at=row.due_at,
            done_at=row.done_at,
            number=numbers.get(row.about.removeprefix("order:")),
        )
        for row in rows
    ]


def closed_cases(
    connection: Connection, shop: str, numbers: Collection[int]
) -> dict[int, tuple[datetime | None, datetime | None]]:
    """When each of these cases was answered and closed."""
    if not numbers:
        return {}
    here = select(cases.c.number, cases.c.answered_at, cases.c.closed_at).where(
        cases.c.shop == shop, cases.c.number.in_(numbers)
    )
    return {number: (answered, closed) for number, answered, closed in connection.execute(here)}

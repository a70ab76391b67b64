"""Files of buyers that a migration marked, because contacts that were only said had joined others to them."""

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from storage.bulk import upsert
from storage.buyer_records import Identity
from storage.tables import buyers, cases, identities


def marked(connection: Connection, shop: str, limit: int | None) -> list[str]:
    """The ids of the marked buyers, in their order."""
    here = select(buyers.c.id).where(buyers.c.shop == shop, buyers.c.mixed).order_by(buyers.c.id)
    return list(connection.scalars(here.limit(limit) if limit is not None else here).all())


def was_marked(connection: Connection, shop: str, id: str) -> bool:
    """True for a file that is marked, and for one that was and is parted now."""
    here = select(buyers.c.mixed).where(buyers.c.shop == shop, buyers.c.id == id)
    return connection.scalar(here) is not None


def unmark(connection: Connection, shop: str, id: str) -> None:
    connection.execute(update(buyers).where(buyers.c.shop == shop, buyers.c.id == id).values(mixed=False))


def give_identities(connection: Connection, shop: str, owners: Mapping[Identity, str]) -> None:
    """Give identities to buyers, whoever had them. Raises what the database raises."""
    rows = [
        {"shop": shop, "kind": kind, "value": value, "buyer": buyer}
        for (kind, value), buyer in owners.items()
    ]
    upsert(connection, identities, rows)


def give_cases(connection: Connection, shop: str, moved: Mapping[str, str]) -> None:
    """Give the cases about orders to the buyers that these have now: order -> buyer."""
    for order, buyer in moved.items():
        here = update(cases).where(cases.c.shop == shop, cases.c.order_id == order)
        connection.execute(here.where(cases.c.buyer.is_not(None)).values(buyer=buyer))

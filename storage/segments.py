"""Segments as SQL: one statement over the figures, in which all that the seller wrote is a parameter."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    true,
)

from bot.domain.figures import KEPT, BuyerFigures
from bot.domain.segments import (
    Ago,
    Amount,
    At,
    Either,
    Every,
    Flag,
    Known,
    Leaf,
    Not,
    OnDay,
    OneOf,
    Operator,
    Segment,
    Span,
    Tree,
    leaves,
    span_of,
)
from storage import tier_records
from storage.sql_in import is_in
from storage.tables import bought, cases, figures, items, notes, tiers

EXAMPLES = 20

_AMOUNTS = {
    "orders": figures.c.orders,
    "spent": figures.c.spent_minor,
    "refunds": figures.c.refunds,
    "refunded": figures.c.refunded_minor,
}
_MOMENTS = {
    "first_order": figures.c.first_order_at,
    "last_order": figures.c.last_order_at,
    "last_contact": figures.c.last_contact_at,
}


def members(
    connection: Connection, shop: str, tree: Tree, at: At, after: str = "", limit: int = EXAMPLES
) -> list[str]:
    """The next buyers of a segment, in the order of their ids."""
    _prepare(connection)
    condition = condition_of(tree, shop, at)
    here = select(figures.c.buyer).where(figures.c.shop == shop, figures.c.buyer > after, condition)
    return list(connection.scalars(here.order_by(figures.c.buyer).limit(limit)))


def count(connection: Connection, shop: str, tree: Tree, at: At) -> int:
    _prepare(connection)
    here = (
        select(func.count()).select_from(figures).where(figures.c.shop == shop, condition_of(tree, shop, at))
    )
    return connection.scalar(here) or 0


def first_and_count(connection: Connection, shop: str, tree: Tree, at: At) -> tuple[list[str], int]:
    """Some buyers of a segment, and how many there are: what finds few has gone through all of them."""
    found = members(connection, shop, tree, at)
    return found, count(connection, shop, tree, at) if len(found) == EXAMPLES else len(found)


def figures_of(
    connection: Connection, shop: str, buyers: Collection[str], now: datetime
) -> dict[str, BuyerFigures]:
    """All that segments ask about these buyers, as it is kept."""
    if not buyers:
        return {}
    wanted = [figures.c[name] for name in KEPT]
    here = select(*wanted).where(figures.c.shop == shop, is_in(connection, figures.c.buyer, buyers))
    found = {row.buyer: BuyerFigures(**row._mapping) for row in connection.execute(here)}
    return with_others(connection, shop, found, now)


def with_others(
    connection: Connection, shop: str, found: dict[str, BuyerFigures], now: datetime
) -> dict[str, BuyerFigures]:
    """The figures of buyers with what is not kept beside them: tags, what they bought, cases, tiers."""
    if not found:
        return {}
    ids = list(found)
    tags: dict[str, set[str]] = {}
    tagged = select(notes.c.buyer, notes.c.text).where(
        notes.c.shop == shop, notes.c.kind == "tag", is_in(connection, notes.c.buyer, ids)
    )
    for tag in connection.execute(tagged):
        tags.setdefault(tag.buyer, set()).add(tag.text)
    same = and_(items.c.shop == bought.c.shop, items.c.id == bought.c.item)
    pairs = (
        select(bought.c.buyer, items.c.sku, items.c.title)
        .select_from(bought.join(items, same))
        .where(bought.c.shop == shop, is_in(connection, bought.c.buyer, ids))
    )
    things: dict[str, list[tuple[str, str]]] = {}
    for thing in connection.execute(pairs):
        things.setdefault(thing.buyer, []).append((thing.sku, thing.title))
    open_cases = select(cases.c.buyer).where(
        cases.c.shop == shop, cases.c.closed_at.is_(None), is_in(connection, cases.c.buyer, ids)
    )
    waiting = set(connection.scalars(open_cases))
    kept = tier_records.current(connection, shop, ids, now)
    return {
        id: msgspec.structs.replace(
            each,
            tags=frozenset(tags.get(id, ())),
            bought=tuple(sorted(things.get(id, ()))),
            open_case=id in waiting,
            tier=kept[id].tier if id in kept else None,
        )
        for id, each in found.items()
    }


def _prepare(connection: Connection) -> None:
    """Let PostgreSQL join by hashing here, since a segment goes through all buyers of a shop."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_hashjoin = on"))
        connection.execute(text("SET LOCAL work_mem = '64MB'"))


# A condition, which is never NULL, so that `not` turns it round


def condition_of(tree: Tree, shop: str, at: At) -> ColumnElement[bool]:
    match tree:
        case Segment(tree=inner) if inner is not None:
            return condition_of(inner, shop, at)
        case Not():
            return not_(condition_of(tree.part, shop, at))
        case Every():
            return and_(*(condition_of(part, shop, at) for part in sorted(tree.parts, key=_turn)))
        case Either():
            return or_(*(condition_of(part, shop, at) for part in sorted(tree.parts, key=_lookups)))
        case Segment():
            raise ValueError(f"segment {tree.name} was not looked up")
    return _leaf(tree, shop, at)


def _lookups(tree: Tree) -> int:
    """How many other tables are asked, so that what stands in the figures themselves decides first."""
    return sum(leaf.field in ("bought", "tags", "tier", "open_case") for leaf in leaves(tree))


def _turn(tree: Tree) -> tuple[int, bool]:
    """When a part of an `and` is asked: what a `not` begins with is seldom what decides."""
    return _lookups(tree), isinstance(tree, Not)


def _leaf(leaf: Leaf, shop: str, at: At) -> ColumnElement[bool]:
    match leaf:
        case Amount():
            return _amount(leaf)
        case OnDay() | Ago():
            column = _MOMENTS[leaf.field]
            return and_(column.is_not(None), _within(column, span_of(leaf, at)))
        case Flag():
            holds = _flag(leaf.field, shop, at)
            return holds if leaf.value else not_(holds)
        case Known():
            known = _known(leaf.field, shop, at)
            return known if leaf.known else not_(known)
        case OneOf():
            found = _one_of(leaf.field, leaf.values, shop, at)
            return and_(_known_word(leaf.field, shop, at), not_(found)) if leaf.negated else found


def _amount(leaf: Amount) -> ColumnElement[bool]:
    if leaf.field != "average":
        return _compared(_AMOUNTS[leaf.field], leaf.operator, literal(leaf.value))
    whole = _compared(figures.c.spent_minor, leaf.operator, literal(leaf.value) * figures.c.orders)
    return and_(figures.c.orders > 0, whole)


def _compared(column: Any, operator: Operator, value: Any) -> ColumnElement[bool]:
    compared: dict[Operator, ColumnElement[bool]] = {
        "=": column == value,
        "!=": column != value,
        ">": column > value,
        ">=": column >= value,
        "<": column < value,
        "<=": column <= value,
    }
    return compared[operator]


def _within(column: Any, span: Span) -> ColumnElement[bool]:
    bounds = []
    if span.since is not None:
        bounds.append(column >= span.since)
    if span.until is not None:
        bounds.append(column < span.until)
    inside = and_(true(), *bounds)
    return not_(inside) if span.outside else inside


def _flag(field: str, shop: str, at: At) -> ColumnElement[bool]:
    match field:
        case "agrees":
            return figures.c.agrees == true()
        case "unpaid":
            return and_(figures.c.unpaid_at.is_not(None), figures.c.unpaid_at >= at.now - at.close)
    waiting = select(cases.c.buyer).where(
        cases.c.shop == shop, cases.c.buyer.is_not(None), cases.c.closed_at.is_(None)
    )
    return figures.c.buyer.in_(waiting)


def _known(field: str, shop: str, at: At) -> ColumnElement[bool]:
    match field:
        case "average":
            return figures.c.orders > 0
        case "first_order" | "last_order" | "last_contact":
            return _MOMENTS[field].is_not(None)
        case "bought":
            return figures.c.buyer.in_(select(bought.c.buyer).where(bought.c.shop == shop))
        case "tags":
            return figures.c.buyer.in_(
                select(notes.c.buyer).where(notes.c.shop == shop, notes.c.kind == "tag")
            )
        case "channel":
            return figures.c.channels != ""
        case "tier" | "city" | "locale":
            return _known_word(field, shop, at)
    return true()


def _known_word(field: str, shop: str, at: At) -> ColumnElement[bool]:
    match field:
        case "tier":
            return _in_tier(None, shop, at)
        case "city":
            return figures.c.city.is_not(None)
        case "locale":
            return figures.c.locale.is_not(None)
    return true()


def _one_of(field: str, values: tuple[str, ...], shop: str, at: At) -> ColumnElement[bool]:
    match field:
        case "tier":
            return _in_tier(values, shop, at)
        case "city":
            return and_(figures.c.city.is_not(None), figures.c.city.in_(values))
        case "locale":
            own = figures.c.locale
            alike = [or_(own == value, own.startswith(f"{value}-", autoescape=True)) for value in values]
            return and_(own.is_not(None), or_(*alike))
        case "channel":
            return or_(*(figures.c.channels.contains(f"|{value}|", autoescape=True) for value in values))
        case "tags":
            tagged = (notes.c.shop == shop, notes.c.kind == "tag", notes.c.text.in_(values))
            return figures.c.buyer.in_(select(notes.c.buyer).where(*tagged))
    alike = [or_(items.c.sku == value, items.c.title.contains(value, autoescape=True)) for value in values]
    those = select(items.c.id).where(items.c.shop == shop, or_(*alike))
    return figures.c.buyer.in_(select(bought.c.buyer).where(bought.c.shop == shop, bought.c.item.in_(those)))


def _in_tier(names: tuple[str, ...] | None, shop: str, at: At) -> ColumnElement[bool]:
    """In one of these tiers, or in any: the one that the seller gave, else the one that is kept."""
    given = select(tiers.c.buyer).where(*tier_records.given_in_force(shop, at.now))
    buyer, kept = figures.c.buyer, figures.c.kept_tier
    among = tiers.c.tier.is_not(None) if names is None else tiers.c.tier.in_(names)
    own = and_(kept.is_not(None), true() if names is None else kept.in_(names))
    return or_(and_(own, buyer.not_in(given)), buyer.in_(given.where(among)))

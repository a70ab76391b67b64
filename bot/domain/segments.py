"""Segments: conditions on buyers as trees, and a plain reading of them for one buyer."""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.figures import BuyerFigures, as_compared

Kind = Literal["number", "money", "moment", "word", "set", "flag"]
Operator = Literal["=", "!=", ">", ">=", "<", "<="]
Unit = Literal["days", "weeks", "months", "years"]

# What a condition may ask about, in the order in which people think of it.
FIELDS: Mapping[str, Kind] = {
    "orders": "number",
    "spent": "money",
    "average": "money",
    "refunds": "number",
    "refunded": "money",
    "first_order": "moment",
    "last_order": "moment",
    "last_contact": "moment",
    "bought": "set",
    "channel": "set",
    "tags": "set",
    "tier": "word",
    "city": "word",
    "locale": "word",
    "agrees": "flag",
    "unpaid": "flag",
    "open_case": "flag",
}
MOST_NAMED = 20  # segments within each other
MOST_CONDITIONS = 300  # of a segment, with those of the segments that it names


class _Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One condition. text: as the seller wrote it. What is not known of a buyer fulfils none."""

    field: str
    text: str


class Amount(_Leaf, frozen=True, kw_only=True):
    """A number compared; money in minor units."""

    operator: Operator
    value: int


class OnDay(_Leaf, frozen=True, kw_only=True):
    """A time compared with a day of the shop's calendar."""

    operator: Operator
    day: date


class Ago(_Leaf, frozen=True, kw_only=True):
    """lately: in the last so many units; else more than so many ago."""

    count: int
    unit: Unit
    lately: bool


class OneOf(_Leaf, frozen=True, kw_only=True):
    """A word, or one of a set of them, is among these. negated: known, and not among them."""

    values: tuple[str, ...]
    negated: bool = False


class Flag(_Leaf, frozen=True, kw_only=True):
    value: bool = True


class Known(_Leaf, frozen=True, kw_only=True):
    known: bool


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Another segment by its name; `tree` is its condition once it was looked up."""

    name: str
    tree: "Tree | None" = None


class Not(msgspec.Struct, frozen=True):
    part: "Tree"


class Every(msgspec.Struct, frozen=True):
    parts: "tuple[Tree, ...]"


class Either(msgspec.Struct, frozen=True):
    parts: "tuple[Tree, ...]"


Leaf: TypeAlias = Amount | OnDay | Ago | OneOf | Flag | Known
Tree: TypeAlias = Leaf | Segment | Not | Every | Either


class At(msgspec.Struct, frozen=True, kw_only=True):
    """When a condition is read, in whose zone, and after how long an unpaid order is given up."""

    now: datetime
    zone: ZoneInfo
    close: timedelta


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that decides, whether it is fulfilled, and what is known of the buyer: a number, minor
    units, a time, words; None for what is not known."""

    text: str
    field: str
    holds: bool
    known: Any = None


class SegmentFault(Exception):
    """What is wrong with a condition: the code of a sentence in operator.yaml, and its values."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def matches(tree: Tree, figures: BuyerFigures, at: At) -> tuple[bool, tuple[Told, ...]]:
    """Whether a buyer is in a segment, and by which conditions that is decided."""
    match tree:
        case Segment(tree=inner) if inner is not None:
            return matches(inner, figures, at)
        case Not():
            holds, because = matches(tree.part, figures, at)
            return not holds, because
        case Every():
            return _joined(tree.parts, True, figures, at)
        case Either():
            return _joined(tree.parts, False, figures, at)
        case Segment():
            raise ValueError(f"segment {tree.name} was not looked up")
    holds, known = _holds(tree, figures, at)
    return holds, (Told(text=tree.text, field=tree.field, holds=holds, known=known),)


def _joined(
    parts: tuple[Tree, ...], every: bool, figures: BuyerFigures, at: At
) -> tuple[bool, tuple[Told, ...]]:
    """One part that is otherwise decides alone; else all of them do."""
    told: list[Told] = []
    for part in parts:
        holds, because = matches(part, figures, at)
        if holds is not every:
            return holds, because
        told += because
    return every, tuple(told)


def _holds(leaf: Leaf, figures: BuyerFigures, at: At) -> tuple[bool, Any]:
    known = value_of(leaf.field, figures, at)
    match leaf:
        case Known():
            return (known is not None and known != frozenset()) is leaf.known, known
        case Flag():
            return known is leaf.value, known
        case OneOf():
            return _is_one_of(leaf, known), known
        case Amount():
            # what they spent on average is compared whole, so that no half of the smallest coin is lost
            if leaf.field == "average" and figures.orders:
                return compares(figures.spent_minor, leaf.operator, leaf.value * figures.orders), known
            return known is not None and compares(known, leaf.operator, leaf.value), known
    return known is not None and within(known, span_of(leaf, at)), known


def value_of(field: str, figures: BuyerFigures, at: At) -> Any:
    """What is known: None for nothing; of money minor units, of a set a frozenset of words."""
    match field:
        case "spent":
            return figures.spent_minor
        case "refunded":
            return figures.refunded_minor
        case "average":
            return figures.spent_minor // figures.orders if figures.orders else None
        case "first_order" | "last_order" | "last_contact":
            return getattr(figures, f"{field}_at")
        case "bought":
            return frozenset(figures.bought)
        case "channel":
            return frozenset(filter(None, figures.channels.split("|")))
        case "unpaid":
            return figures.unpaid_at is not None and figures.unpaid_at >= at.now - at.close
        case _:
            return getattr(figures, field)


def _is_one_of(leaf: OneOf, known: Any) -> bool:
    if known is None:
        return False
    match leaf.field:
        case "bought":
            found = any(has_item(sku, title, value) for sku, title in known for value in leaf.values)
        case "channel" | "tags":
            found = not known.isdisjoint(leaf.values)
        case "locale":
            found = any(known == value or known.startswith(f"{value}-") for value in leaf.values)
        case _:
            found = known in leaf.values
    return found is not leaf.negated


def has_item(sku: str, title: str, wanted: str) -> bool:
    """True for the item of this sku, or with these words in its title; all three as they are compared."""
    return sku == wanted or wanted in title


def as_written(field: str, text: str) -> str:
    """A value in the form in which it is compared."""
    match field:
        case "bought":
            return as_compared(text)
        case "city":
            return as_compared(text).strip()
        case "channel":
            return text.lower()
        case "locale":
            return text.lower().replace("_", "-")
        case _:
            return text


def compares(value: int, operator: Operator, other: int) -> bool:
    match operator:
        case "=":
            return value == other
        case "!=":
            return value != other
        case ">":
            return value > other
        case ">=":
            return value >= other
        case "<":
            return value < other
        case "<=":
            return value <= other


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From `since` on and before `until`; outside: known, and not within."""

    since: datetime | None = None
    until: datetime | None = None
    outside: bool = False


def within(at: datetime, span: Span) -> bool:
    inside = (span.since is None or at >= span.since) and (span.until is None or at < span.until)
    return inside is not span.outside


def span_of(leaf: OnDay | Ago, at: At) -> Span:
    """The times that fulfil a condition."""
    if isinstance(leaf, Ago):
        bound = before(at.now, leaf.count, leaf.unit, at.zone)
        return Span(since=bound) if leaf.lately else Span(until=bound)
    begins = _midnight(leaf.day, at.zone)
    ends = _midnight(leaf.day + timedelta(days=1), at.zone)
    match leaf.operator:
        case "=":
            return Span(since=begins, until=ends)
        case "!=":
            return Span(since=begins, until=ends, outside=True)
        case ">":
            return Span(since=ends)
        case ">=":
            return Span(since=begins)
        case "<":
            return Span(until=begins)
        case "<=":
            return Span(until=ends)


def before(now: datetime, count: int, unit: Unit, zone: ZoneInfo) -> datetime:
    """So long before `now`; months and years by the calendar of the zone, at the same time of day."""
    if unit in ("days", "weeks"):
        return now - timedelta(days=count * (7 if unit == "weeks" else 1))
    local = now.astimezone(zone)
    months = local.year * 12 + local.month - 1 - count * (12 if unit == "years" else 1)
    year, month = max(1, months // 12), months % 12 + 1
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).astimezone(now.tzinfo)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


# Segments that name others


def look_up(tree: Tree, trees: Mapping[str, Tree], within: tuple[str, ...] = ()) -> Tree:
    """A tree with the segments that it names. within: the names of the segments around it.

    Raises SegmentFault for one that there is not, a circle, or too many conditions in all.
    """
    return _looked_up(tree, trees, within, [0])


def _looked_up(tree: Tree, trees: Mapping[str, Tree], names: tuple[str, ...], count: list[int]) -> Tree:
    match tree:
        case Segment():
            if tree.name in names:
                circle = (*names[names.index(tree.name) :], tree.name)
                raise SegmentFault("segment_circle", names=" > ".join(circle))
            if tree.name not in trees:
                raise SegmentFault("segment_unknown", name=tree.name, given=repr(tree.name[:40]))
            if len(names) > MOST_NAMED:
                raise SegmentFault("segment_many", most=MOST_CONDITIONS)
            inner = _looked_up(trees[tree.name], trees, (*names, tree.name), count)
            return Segment(name=tree.name, tree=inner)
        case Not():
            return Not(_looked_up(tree.part, trees, names, count))
        case Every():
            return Every(tuple(_looked_up(part, trees, names, count) for part in tree.parts))
        case Either():
            return Either(tuple(_looked_up(part, trees, names, count) for part in tree.parts))
    count[0] += 1
    if count[0] > MOST_CONDITIONS:
        raise SegmentFault("segment_many", most=MOST_CONDITIONS)
    return tree


def leaves(tree: Tree) -> Iterator[Leaf]:
    """Every condition of a tree, with those of the segments that were looked up."""
    match tree:
        case Segment():
            yield from leaves(tree.tree) if tree.tree else ()
        case Not():
            yield from leaves(tree.part)
        case Every() | Either():
            for part in tree.parts:
                yield from leaves(part)
        case _:
            yield tree

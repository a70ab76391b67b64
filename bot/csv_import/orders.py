"""From the lines of a seller's file of orders to events, as if a platform had told them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial

import msgspec

from bot.csv_import import cells
from bot.csv_import.columns import (
    CANCELLED,
    COMPLETED,
    DELIVERED,
    ORDERS,
    PAID,
    REFUNDED,
    SHIPPED,
    STATE_WORDS,
    STATES,
    normal,
)
from bot.csv_import.file import Line as FileLine
from bot.csv_import.rows import Entry, Frame, Row, at, named, ref_of, words
from bot.csv_import.words import BadCell, BadLine, shown
from bot.domain.events import (
    Event,
    Line,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    PaymentReceived,
)
from bot.domain.money import Money

MOST_LINES = 1000  # of one order

_SAME_IN_ALL = tuple(column.name for column in ORDERS if not column.of_item and column.name != "order")
_STEPS = (PAID, SHIPPED, DELIVERED, COMPLETED, CANCELLED, REFUNDED)


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel that left, at a time that may not be told."""

    parcel: str
    at: datetime | None = None
    tracking: str | None = None
    carrier: str | None = None
    link: str | None = None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How far an order came. `said`: the steps its state tells of; `times`: of the steps that have one."""

    said: frozenset[str]
    times: Mapping[str, datetime | None]
    paid: Money | None
    refunded: Money | None
    method: str | None
    parcels: tuple[Left, ...]

    def has(self, step: str) -> bool:
        sums = {PAID: self.paid, REFUNDED: self.refunded}
        told = step in self.said or self.times[step] is not None or (step == SHIPPED and bool(self.parcels))
        return told or bool((amount := sums.get(step)) and amount.minor)

    @property
    def only_sums_tell_of_payment(self) -> bool:
        """Where the shop itself says paid, or sent the parcel, a smaller sum was a discount and no debt."""
        return PAID not in self.said and not any(map(self.has, (SHIPPED, DELIVERED, COMPLETED)))


def orders(lines: Iterable[FileLine | BadLine], frame: Frame) -> Iterator[Entry]:
    """Lines of one order that follow each other are its items and parcels."""
    for group in _together(lines):
        if isinstance(group, BadLine):
            yield Entry(group.line, "", bad=(group,))
            continue
        rows = [Row(line) for line in group]
        events = tuple(named(event) for event in _order_events(rows, frame))
        bad = tuple(fault for row in rows for fault in row.bad)
        yield Entry(rows[0].number, group[0].cells.get("order", ""), len(rows), events, bad)


def _together(lines: Iterable[FileLine | BadLine]) -> Iterator[list[FileLine] | BadLine]:
    group: list[FileLine] = []
    for line in lines:
        key = None if isinstance(line, BadLine) else line.cells.get("order")
        if group and (key is None or key != group[0].cells.get("order")):
            yield group
            group = []
        if isinstance(line, BadLine):
            yield line
        elif len(group) < MOST_LINES:
            group.append(line)
        else:
            yield BadLine(line.number, "order", "too_many", {"most": MOST_LINES})
    if group:
        yield group


def _order_events(rows: list[Row], frame: Frame) -> list[Event]:
    """Nothing where any of the lines is wrong; the rows then know what."""
    _agree(rows)
    code = rows[0].get("currency", cells.currency) or frame.currency
    placed, way = _placed(rows, frame, code), _way(rows, frame, code)
    if placed is None or any(row.bad for row in rows):
        return []
    return [placed, *_steps(placed, way)]


def _placed(rows: list[Row], frame: Frame, code: str) -> OrderPlaced | None:
    row = rows[0]
    order = row.need("order", cells.identity, "1001")
    placed_at = row.need("placed_at", partial(at, frame), "2026-11-21 10:00")
    total = row.need("total", lambda cell: cells.money(cell, code), cells.sample_amount(code))
    postage, postcode = _money(row, "postage", code), row.get("postcode", cells.identity)
    updated_at = row.get("updated_at", partial(at, frame))
    buyer = ref_of(row, frame)
    lines = _items(rows, code, total, postage)
    if order is None or placed_at is None or total is None:
        return None
    return OrderPlaced(
        channel=frame.channel,
        external_id="placed",
        at=updated_at or placed_at,
        order=order,
        placed_at=placed_at,
        total=total,
        postage=postage,
        buyer=buyer,
        lines=lines,
        postcode=postcode,
    )


def _way(rows: list[Row], frame: Frame, code: str) -> Way:
    row = rows[0]
    return Way(
        said=frozenset(row.get("state", _state) or ()),
        times={step: row.get(f"{step}_at", partial(at, frame)) for step in _STEPS},
        paid=_money(row, "paid", code),
        refunded=_money(row, "refunded", code),
        method=row.get("method", words),
        parcels=tuple(_parcels(rows, frame)),
    )


def _agree(rows: list[Row]) -> None:
    """Later lines of an order add items and parcels, and say nothing else of it."""
    first = rows[0]
    for row in rows[1:]:
        for column in _SAME_IN_ALL:
            cell = row.cells.get(column)
            if cell is not None and cell != first.cells.get(column):
                row.blame(column, "differs", given=shown(cell), first=first.number)


def _items(rows: list[Row], code: str, total: Money | None, postage: Money | None) -> tuple[Line, ...]:
    """Without a single price in the order the items are left out, unless it can only be one."""
    named = [row for row in rows if "item" in row or "sku" in row]
    prices = [_money(row, "price", code) for row in named]
    counts = [row.get("quantity", cells.pieces) or 1 for row in named]
    if len(named) == 1 and prices[0] is None and "price" not in named[0] and total:
        rest = total - postage if postage else total
        prices = (
            [Money(rest.minor // counts[0], code)] if rest.minor >= 0 == rest.minor % counts[0] else [None]
        )
    if not any(prices):
        return ()
    lines = []
    for row, price, count in zip(named, prices, counts, strict=True):
        sku = row.get("sku", cells.identity)
        if price is None:
            if "price" not in row:
                row.blame("price", "no_price", example=cells.sample_amount(code))
            continue
        lines.append(Line(title=row.get("item", words) or sku or "", quantity=count, price=price, sku=sku))
    return tuple(lines)


def _parcels(rows: list[Row], frame: Frame) -> Iterator[Left]:
    """Each parcel once; its number names it, as in other channels."""
    known = set()
    for row in rows:
        tracking = row.get("tracking", cells.identity)
        left = Left(
            parcel=tracking or "1",
            at=row.get("shipped_at", partial(at, frame)),
            tracking=tracking,
            carrier=row.get("carrier", words),
            link=row.get("tracking_url", words),
        )
        if (left.at or tracking) and left.parcel not in known:
            known.add(left.parcel)
            yield left


def _steps(placed: OrderPlaced, way: Way) -> Iterator[Event]:
    """What happened after the order was placed, as far as dates, sums and the state tell."""
    channel, order, when = placed.channel, placed.order, _times(placed.placed_at, way.times)
    if way.has(PAID):
        yield PaymentReceived(
            channel=channel,
            external_id=PAID,
            order=order,
            at=when[PAID],
            amount=_part(way.paid, placed.total) if way.only_sums_tell_of_payment else None,
            method=way.method,
        )
    if way.has(SHIPPED):
        for parcel in way.parcels or (Left(parcel="1"),):
            yield _shipped(placed, parcel, when[SHIPPED])
    if way.has(DELIVERED):
        yield OrderDelivered(channel=channel, external_id=DELIVERED, order=order, at=when[DELIVERED])
    if way.has(COMPLETED):
        yield OrderCompleted(channel=channel, external_id=COMPLETED, order=order, at=when[COMPLETED])
    if way.has(CANCELLED):
        yield OrderCancelled(channel=channel, external_id=CANCELLED, order=order, at=when[CANCELLED])
    if way.has(REFUNDED):
        amount = _part(way.refunded, placed.total)
        name = f"{when[REFUNDED].isoformat()} {amount.minor if amount else 'all'}"
        yield OrderRefunded(
            channel=channel,
            external_id=REFUNDED,
            order=order,
            at=when[REFUNDED],
            refund=name,
            amount=amount,
        )


def _times(placed_at: datetime, times: Mapping[str, datetime | None]) -> dict[str, datetime]:
    """A step without a time of its own was taken no earlier than the last one whose time is known."""
    found: dict[str, datetime] = {}
    latest = placed_at
    for step in _STEPS:
        found[step] = times[step] or latest
        latest = max(latest, found[step])
    return found


def _part(amount: Money | None, total: Money) -> Money | None:
    """None for the whole."""
    return amount if amount and 0 < amount.minor < total.minor else None


def _shipped(placed: OrderPlaced, parcel: Left, at_least: datetime) -> OrderShipped:
    return OrderShipped(
        channel=placed.channel,
        external_id=SHIPPED,
        order=placed.order,
        at=parcel.at or at_least,
        parcel=parcel.parcel,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
        tracking_url=parcel.link,
    )


def _money(row: Row, column: str, code: str) -> Money | None:
    return row.get(column, lambda cell: cells.money(cell, code))


def _state(cell: str) -> tuple[str, ...]:
    state = STATE_WORDS.get(normal(cell))
    if state is None:
        raise BadCell("state", given=shown(cell))
    return STATES[state]

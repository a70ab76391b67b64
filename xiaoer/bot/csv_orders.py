"""From the lines of a seller's file of orders to events, as if a platform had told them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from xiaoer.bot import csv_cells as cells
from xiaoer.bot.csv_columns import (
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
from xiaoer.bot.csv_file import Line as FileLine
from xiaoer.bot.csv_rows import Entry, Frame, Row, at, named, ref_of, words
from xiaoer.bot.csv_words import Bad, BadLine, shown
from xiaoer.bot.events import (
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
from xiaoer.bot.money import Money

MOST_LINES = 1000  # of one order

_SAME_IN_ALL = tuple(column.name for column in ORDERS if not column.of_item and column.name != "order")
_STEPS = (PAID, SHIPPED, DELIVERED, COMPLETED, CANCELLED, REFUNDED)


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
    row = rows[0]
    _agree(rows)
    code = row.get("currency", cells.currency) or frame.currency
    order = row.need("order", cells.identity, "1001")
    placed_at = row.need("placed_at", partial(at, frame), "2026-11-21 10:00")
    total = row.need("total", lambda cell: cells.money(cell, code), cells.sample_amount(code))
    postage = _money(row, "postage", code)
    buyer = ref_of(row, frame)
    times = {step: row.get(f"{step}_at", partial(at, frame)) for step in _STEPS}
    steps = {step for step in _STEPS if times[step]} | set(row.get("state", _state) or ())
    updated_at = row.get("updated_at", partial(at, frame))
    items = _items(rows, code, total, postage)
    paid, refunded = _money(row, "paid", code), _money(row, "refunded", code)
    parcels = list(_parcels(rows, frame))
    if any(each.bad for each in rows) or order is None or placed_at is None or total is None:
        return []
    steps |= {PAID} if paid and paid.minor else set()
    steps |= {SHIPPED} if parcels else set()
    steps |= {REFUNDED} if refunded and refunded.minor else set()
    placed = OrderPlaced(
        channel=frame.channel,
        external_id="placed",
        at=updated_at or placed_at,
        order=order,
        placed_at=placed_at,
        total=total,
        postage=postage,
        buyer=buyer,
        lines=items,
        postcode=row.get("postcode", cells.identity),
    )
    method = row.get("method", words)
    part = paid if paid and paid.minor < total.minor else None
    given_back = refunded if refunded and 0 < refunded.minor < total.minor else None
    after = _times(placed_at, times)
    return [placed, *_steps(placed, steps, after, part, method, parcels, given_back)]


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


def _parcels(rows: list[Row], frame: Frame) -> Iterator[tuple[datetime | None, dict[str, str | None]]]:
    """Each parcel once, with when it left; its number names it, as in other channels."""
    known = set()
    for row in rows:
        left_at = row.get("shipped_at", partial(at, frame))
        tracking = row.get("tracking", cells.identity)
        carrier, link = row.get("carrier", words), row.get("tracking_url", words)
        name = tracking or "1"
        if (left_at or tracking) and name not in known:
            known.add(name)
            yield left_at, {"parcel": name, "tracking": tracking, "carrier": carrier, "tracking_url": link}


def _times(placed_at: datetime, times: dict[str, datetime | None]) -> dict[str, datetime]:
    """A step without a time of its own was taken no earlier than the last one whose time is known."""
    found: dict[str, datetime] = {}
    latest = placed_at
    for step in _STEPS:
        at = times[step] or latest
        found[step] = at
        latest = max(latest, at)
    return found


def _steps(
    placed: OrderPlaced,
    steps: set[str],
    when: dict[str, datetime],
    part: Money | None,
    method: str | None,
    parcels: list[tuple[datetime | None, dict[str, str | None]]],
    given_back: Money | None,
) -> Iterator[Event]:
    channel, order = placed.channel, placed.order
    if PAID in steps:
        yield PaymentReceived(
            channel=channel, external_id=PAID, order=order, at=when[PAID], amount=part, method=method
        )
    if SHIPPED in steps:
        for left_at, parcel in parcels or [(None, {"parcel": "1"})]:
            yield _shipped(channel, order, left_at or when[SHIPPED], parcel)
    if DELIVERED in steps:
        yield OrderDelivered(channel=channel, external_id=DELIVERED, order=order, at=when[DELIVERED])
    if COMPLETED in steps:
        yield OrderCompleted(channel=channel, external_id=COMPLETED, order=order, at=when[COMPLETED])
    if CANCELLED in steps:
        yield OrderCancelled(channel=channel, external_id=CANCELLED, order=order, at=when[CANCELLED])
    if REFUNDED in steps:
        how_much = given_back.minor if given_back else "all"
        yield OrderRefunded(
            channel=channel,
            external_id=REFUNDED,
            order=order,
            at=when[REFUNDED],
            refund=f"{when[REFUNDED].isoformat()} {how_much}",
            amount=given_back,
        )


def _shipped(channel: str, order: str, at: datetime, parcel: dict[str, str | None]) -> OrderShipped:
    return OrderShipped(
        channel=channel,
        external_id=SHIPPED,
        order=order,
        at=at,
        parcel=parcel.get("parcel") or "1",
        carrier=parcel.get("carrier"),
        tracking=parcel.get("tracking"),
        tracking_url=parcel.get("tracking_url"),
    )


def _money(row: Row, column: str, code: str) -> Money | None:
    return row.get(column, lambda cell: cells.money(cell, code))


def _state(cell: str) -> tuple[str, ...]:
    state = STATE_WORDS.get(normal(cell))
    if state is None:
        raise Bad("state", given=shown(cell))
    return STATES[state]

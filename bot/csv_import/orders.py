"""Turn the lines of a file of orders into events, as if a platform had sent them."""

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
from bot.csv_import.faults import BadCell, BadLine, shown
from bot.csv_import.file import CsvLine
from bot.csv_import.rows import (
    CellReader,
    ImportContext,
    ImportedRecord,
    at,
    buyer_ref,
    text,
    with_content_id,
)
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
from bot.domain.parcels import UNNAMED

SOURCE = "import"  # of money, which a platform may tell of as well
MOST_LINES = 1000  # of one order

_SAME_IN_ALL = tuple(column.name for column in ORDERS if not column.of_item and column.name != "order")
_STEPS = (PAID, SHIPPED, DELIVERED, COMPLETED, CANCELLED, REFUNDED)


class SentParcel(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel that was sent; `at` is None if the file does not say when."""

    parcel: str
    at: datetime | None = None
    tracking: str | None = None
    carrier: str | None = None
    link: str | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an order came. `said`: steps that its state implies; `times`: the times given for steps."""

    said: frozenset[str]
    times: Mapping[str, datetime | None]
    paid: Money | None
    refunded: Money | None
    method: str | None
    parcels: tuple[SentParcel, ...]

    def has(self, step: str) -> bool:
        sums = {PAID: self.paid, REFUNDED: self.refunded}
        known = step in self.said or self.times[step] is not None or (step == SHIPPED and bool(self.parcels))
        return known or bool((amount := sums.get(step)) and amount.minor)

    @property
    def only_sums_show_payment(self) -> bool:
        """False where the state or a parcel shows payment, since a smaller sum was then a discount."""
        return PAID not in self.said and not any(map(self.has, (SHIPPED, DELIVERED, COMPLETED)))


def orders(lines: Iterable[CsvLine | BadLine], context: ImportContext) -> Iterator[ImportedRecord]:
    """Lines of one order that follow each other are its items and parcels."""
    for group in _together(lines):
        if isinstance(group, BadLine):
            yield ImportedRecord(group.line, "", bad=(group,))
            continue
        rows = [CellReader(line) for line in group]
        events = tuple(with_content_id(event) for event in _order_events(rows, context))
        bad = tuple(fault for row in rows for fault in row.bad)
        yield ImportedRecord(rows[0].number, group[0].cells.get("order", ""), len(rows), events, bad)


def _together(lines: Iterable[CsvLine | BadLine]) -> Iterator[list[CsvLine] | BadLine]:
    group: list[CsvLine] = []
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


def _order_events(rows: list[CellReader], context: ImportContext) -> list[Event]:
    """The order's events; none where a line is wrong (the faults are in its reader)."""
    _agree(rows)
    code = rows[0].get("currency", cells.currency) or context.currency
    placed, progress = _placed(rows, context, code), _progress(rows, context, code)
    if placed is None or any(row.bad for row in rows):
        return []
    return [placed, *_steps(placed, progress)]


def _placed(rows: list[CellReader], context: ImportContext, code: str) -> OrderPlaced | None:
    row = rows[0]
    order = row.need("order", cells.identity, "1001")
    placed_at = row.need("placed_at", partial(at, context), "2026-11-21 10:00")
    total = row.need("total", lambda cell: cells.money(cell, code), cells.sample_amount(code))
    postage, postcode = _money(row, "postage", code), row.get("postcode", cells.identity)
    updated_at = row.get("updated_at", partial(at, context))
    buyer = buyer_ref(row, context)
    lines = _items(rows, code, total, postage)
    if order is None or placed_at is None or total is None:
        return None
    return OrderPlaced(
        channel=context.channel,
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


def _progress(rows: list[CellReader], context: ImportContext, code: str) -> Progress:
    row = rows[0]
    return Progress(
        said=frozenset(row.get("state", _state) or ()),
        times={step: row.get(f"{step}_at", partial(at, context)) for step in _STEPS},
        paid=_money(row, "paid", code),
        refunded=_money(row, "refunded", code),
        method=row.get("method", text),
        parcels=tuple(_parcels(rows, context)),
    )


def _agree(rows: list[CellReader]) -> None:
    """Blame later lines of an order that differ in anything but items and parcels."""
    first = rows[0]
    for row in rows[1:]:
        for column in _SAME_IN_ALL:
            cell = row.cells.get(column)
            if cell is not None and cell != first.cells.get(column):
                row.blame(column, "differs", given=shown(cell), first=first.number)


def _items(rows: list[CellReader], code: str, total: Money | None, postage: Money | None) -> tuple[Line, ...]:
    """The items; none if the order has no prices, unless a single item's price follows from the total. What
    was bought none of is left out."""
    named = [row for row in rows if "item" in row or "sku" in row]
    prices = [row.get("price", lambda cell: cells.money(cell, code, below_zero=True)) for row in named]
    told = [row.get("quantity", cells.pieces) for row in named]
    counts = [1 if count is None else count for count in told]
    if len(named) == 1 and prices[0] is None and "price" not in named[0] and total:
        prices = [_price_of_one(total - postage if postage else total, counts[0])]
    if not any(prices):
        return ()
    lines = []
    for row, price, count in zip(named, prices, counts, strict=True):
        sku = row.get("sku", cells.identity)
        if price is None:
            if "price" not in row:
                row.blame("price", "no_price", example=cells.sample_amount(code))
            continue
        if count:
            lines.append(Line(title=row.get("item", text) or sku or "", quantity=count, price=price, sku=sku))
    return tuple(lines)


def _price_of_one(rest: Money, count: int | float) -> Money | None:
    """None where no price of one piece gives the sum."""
    if not isinstance(count, int) or count == 0 or rest.minor < 0 or rest.minor % count:
        return None
    return Money(rest.minor // count, rest.currency)


def _parcels(rows: list[CellReader], context: ImportContext) -> Iterator[SentParcel]:
    """Each parcel once, identified by its tracking number, as in other channels."""
    known = set()
    for row in rows:
        tracking = row.get("tracking", cells.identity)
        parcel = SentParcel(
            parcel=tracking or UNNAMED,
            at=row.get("shipped_at", partial(at, context)),
            tracking=tracking,
            carrier=row.get("carrier", text),
            link=row.get("tracking_url", text),
        )
        if (parcel.at or tracking) and parcel.parcel not in known:
            known.add(parcel.parcel)
            yield parcel


def _steps(placed: OrderPlaced, progress: Progress) -> Iterator[Event]:
    """What happened after the order was placed, from dates, sums and the state."""
    channel, order, when = placed.channel, placed.order, _times(placed.placed_at, progress.times)
    if progress.has(PAID):
        yield PaymentReceived(
            channel=channel,
            external_id=PAID,
            order=order,
            at=when[PAID],
            amount=_part(progress.paid, placed.total) if progress.only_sums_show_payment else None,
            method=progress.method,
            source=SOURCE,
        )
    if progress.has(SHIPPED):
        for parcel in progress.parcels or (SentParcel(parcel=UNNAMED),):
            yield _shipped(placed, parcel, when[SHIPPED])
    if progress.has(DELIVERED):
        yield OrderDelivered(channel=channel, external_id=DELIVERED, order=order, at=when[DELIVERED])
    if progress.has(COMPLETED):
        yield OrderCompleted(channel=channel, external_id=COMPLETED, order=order, at=when[COMPLETED])
    if progress.has(CANCELLED):
        yield OrderCancelled(channel=channel, external_id=CANCELLED, order=order, at=when[CANCELLED])
    if progress.has(REFUNDED):
        amount = _part(progress.refunded, placed.total)
        name = f"{when[REFUNDED].isoformat()} {amount.minor if amount else 'all'}"
        yield OrderRefunded(
            channel=channel,
            external_id=REFUNDED,
            order=order,
            at=when[REFUNDED],
            refund=name,
            amount=amount,
            source=SOURCE,
        )


def _times(placed_at: datetime, times: Mapping[str, datetime | None]) -> dict[str, datetime]:
    """The time of each step; one without its own takes the latest time of the steps before it."""
    found: dict[str, datetime] = {}
    latest = placed_at
    for step in _STEPS:
        found[step] = times[step] or latest
        latest = max(latest, found[step])
    return found


def _part(amount: Money | None, total: Money) -> Money | None:
    """None for the whole."""
    return amount if amount and 0 < amount.minor < total.minor else None


def _shipped(placed: OrderPlaced, parcel: SentParcel, at_least: datetime) -> OrderShipped:
    return OrderShipped(
        channel=placed.channel,
        external_id=SHIPPED,
        order=placed.order,
        at=parcel.at or at_least,
        parcel=parcel.parcel,
        named=parcel.tracking is not None,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
        tracking_url=parcel.link,
    )


def _money(row: CellReader, column: str, code: str) -> Money | None:
    return row.get(column, lambda cell: cells.money(cell, code))


def _state(cell: str) -> tuple[str, ...]:
    state = STATE_WORDS.get(normal(cell))
    if state is None:
        raise BadCell("state", given=shown(cell))
    return STATES[state]

"""Turn the lines of a file of orders into events, as if a platform had sent them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial, reduce
from operator import sub

import msgspec

from bot.csv_import import cells
from bot.csv_import.columns import NOT_YET, ORDERS, PAID, REFUNDED, SHIPPED, STATE_WORDS, STATES, normal
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
    CANCELLED,
    COMPLETED,
    DELIVERED,
    Event,
    Line,
    ListedParcel,
    ListedSum,
    Listing,
    OrderListed,
    OrderPlaced,
)
from bot.domain.money import Money
from bot.domain.parcels import UNNAMED

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
    """How far an order came. `times`: those given for steps. updated_at: the line's own time."""

    state: str | None
    times: Mapping[str, datetime | None]
    paid: Money | None
    refunded: Money | None
    method: str | None
    parcels: tuple[SentParcel, ...]
    updated_at: datetime | None

    def has(self, step: str) -> bool:
        """Whether its state, a date, a parcel or a sum shows a step; these show more than a state denies."""
        sums = {PAID: self.paid, REFUNDED: self.refunded}
        said = self.state is not None and step in STATES[self.state]
        known = said or self.times[step] is not None or (step == SHIPPED and bool(self.parcels))
        return known or bool((amount := sums.get(step)) and amount.minor)

    def denies(self, step: str) -> bool:
        return self.state is not None and step in NOT_YET[self.state] and not self.has(step)


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
    updated_at = rows[0].get("updated_at", partial(at, context))
    placed, progress = _placed(rows, context, code, updated_at), _progress(rows, context, code, updated_at)
    if placed is None or any(row.bad for row in rows):
        return []
    listing = _listing(placed, progress)
    listed = OrderListed(
        channel=context.channel, external_id="listed", order=placed.order, at=listing.at, listing=listing
    )
    return [placed, listed]


def _placed(
    rows: list[CellReader], context: ImportContext, code: str, updated_at: datetime | None
) -> OrderPlaced | None:
    row = rows[0]
    order = row.need("order", cells.identity, "1001")
    placed_at = row.need("placed_at", partial(at, context), "2026-11-21 10:00")
    total = row.need("total", lambda cell: cells.money(cell, code), cells.sample_amount(code))
    postage, postcode = _money(row, "postage", code), row.get("postcode", cells.identity)
    tax = _money(row, "tax", code)
    buyer = buyer_ref(row, context)
    besides = [sum for sum in (postage, tax) if sum]
    lines = _items(rows, code, total and reduce(sub, besides, total))
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
        tax=tax if tax and tax.minor else None,
        buyer=buyer,
        lines=lines,
        postcode=postcode,
        of_file=True,
    )


def _progress(
    rows: list[CellReader], context: ImportContext, code: str, updated_at: datetime | None
) -> Progress:
    row = rows[0]
    return Progress(
        state=row.get("state", _state),
        times={step: row.get(f"{step}_at", partial(at, context)) for step in _STEPS},
        paid=_money(row, "paid", code),
        refunded=_money(row, "refunded", code),
        method=row.get("method", text),
        parcels=tuple(_parcels(rows, context)),
        updated_at=updated_at,
    )


def _agree(rows: list[CellReader]) -> None:
    """Blame later lines of an order that differ in anything but items and parcels."""
    first = rows[0]
    for row in rows[1:]:
        for column in _SAME_IN_ALL:
            cell = row.cells.get(column)
            if cell is not None and cell != first.cells.get(column):
                row.blame(column, "differs", given=shown(cell), first=first.number)


def _items(rows: list[CellReader], code: str, of_items: Money | None) -> tuple[Line, ...]:
    """The items; none if the order has no prices, unless a single item's price follows from what of the total
    is neither postage nor tax. What was bought none of is left out."""
    named = [row for row in rows if "item" in row or "sku" in row]
    prices = [row.get("price", lambda cell: cells.money(cell, code, below_zero=True)) for row in named]
    told = [row.get("quantity", cells.pieces) for row in named]
    counts = [1 if count is None else count for count in told]
    if len(named) == 1 and prices[0] is None and "price" not in named[0] and of_items:
        prices = [_price_of_one(of_items, counts[0])]
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


def _listing(placed: OrderPlaced, progress: Progress) -> Listing:
    """How the line shows the order. Its own time is no older than what it tells of."""
    when = _times(placed.placed_at, progress.times)
    dates = [*when.values(), *(parcel.at for parcel in progress.parcels if parcel.at)]
    return Listing(
        at=max(progress.updated_at or placed.placed_at, *dates),
        timed=progress.updated_at is not None,
        paid=_sum(PAID, progress.paid, progress, when, placed.total.currency),
        method=progress.method,
        refunded=_sum(REFUNDED, progress.refunded, progress, when, placed.total.currency),
        parcels=_left(progress, when[SHIPPED]),
        steps={
            step: when[step] if progress.has(step) else None
            for step in (DELIVERED, COMPLETED, CANCELLED)
            if progress.has(step) or progress.denies(step)
        },
    )


def _sum(
    step: str, amount: Money | None, progress: Progress, when: Mapping[str, datetime], code: str
) -> ListedSum | None:
    """The sum counts, whatever the state says; no sum, or nothing beside such a state, is the whole."""
    if progress.has(step):
        return ListedSum(when[step], amount if amount and amount.minor else None)
    return ListedSum(when[step], Money(0, code)) if progress.denies(step) else None


def _left(progress: Progress, at_least: datetime) -> tuple[ListedParcel, ...] | None:
    if progress.has(SHIPPED):
        return tuple(
            ListedParcel(each.parcel, each.at or at_least, each.tracking, each.carrier, each.link)
            for each in progress.parcels or (SentParcel(parcel=UNNAMED),)
        )
    return () if progress.denies(SHIPPED) else None


def _times(placed_at: datetime, times: Mapping[str, datetime | None]) -> dict[str, datetime]:
    """The time of each step; one without its own takes the latest time of the steps before it."""
    found: dict[str, datetime] = {}
    latest = placed_at
    for step in _STEPS:
        found[step] = times[step] or latest
        latest = max(latest, found[step])
    return found


def _money(row: CellReader, column: str, code: str) -> Money | None:
    return row.get(column, lambda cell: cells.money(cell, code))


def _state(cell: str) -> str:
    state = STATE_WORDS.get(normal(cell))
    if state is None:
        raise BadCell("state", given=shown(cell))
    return state

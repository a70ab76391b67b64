"""Turn the lines of a file of products into events."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from bot.csv_import import cells
from bot.csv_import.faults import BadLine
from bot.csv_import.file import CsvLine
from bot.csv_import.rows import CellReader, ImportContext, ImportedRecord, at, text, with_content_id
from bot.domain.events import Event, ProductTold
from bot.domain.products import Item

_SUMS = ("price", "floor", "postage")
_TEXTS = ("materials", "sizes", "care")


def products(lines: Iterable[CsvLine | BadLine], context: ImportContext) -> Iterator[ImportedRecord]:
    for line in lines:
        if isinstance(line, BadLine):
            yield ImportedRecord(line.line, "", bad=(line,))
            continue
        row = CellReader(line)
        told = _told(row, context)
        events = (told,) if told else ()
        yield ImportedRecord(line.number, line.cells.get("sku", ""), events=events, bad=tuple(row.bad))


def _told(row: CellReader, context: ImportContext) -> Event | None:
    item = _item(row, context)
    updated_at = row.get("updated_at", partial(at, context))
    if item is None or row.bad:
        return None
    told = ProductTold(
        channel=context.channel,
        external_id="product",
        at=updated_at or context.now,
        product=item.sku,
        items=(item,),
    )
    # Without a time of its own a line is known by its day: the same file again is no news, and one from which
    # the old price is taken again counts next day.
    day = context.now.astimezone(context.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return with_content_id(told, told if updated_at else msgspec.structs.replace(told, at=day))


def _item(row: CellReader, context: ImportContext) -> Item | None:
    code = row.get("currency", cells.currency) or context.currency
    sku, title = row.need("sku", cells.identity, "MUG-1"), row.need("title", text, "Mug")
    sums = {name: row.get(name, lambda cell: cells.money(cell, code)) for name in _SUMS}
    details: dict[str, Any] = {**sums, **{name: row.get(name, text) for name in _TEXTS}}
    stock = row.get("stock", cells.stock) if "stock" in row else msgspec.UNSET
    url = row.get("url", cells.link)
    price, floor = sums["price"], sums["floor"]
    if price and floor and floor > price:
        row.blame("floor", "floor_above", given=str(floor.decimal), price=str(price.decimal))
    if sku is None or title is None:
        return None
    return Item(sku=sku, title=title, stock=stock, url=url, **details)

"""What a seller wrote down: questions with the answer to them, as a buyer gets it word for word."""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from bot.domain.products import Product


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """answers: templates by language. products: by sku or title; none: in general. since, until: days, both
    counted. short: the name under which people of the shop send the answer by hand.
    """

    id: str
    questions: tuple[str, ...] = ()
    answers: Mapping[str, str]
    products: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    short: str | None = None

    def holds_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def is_about(self, product: Product) -> bool:
        names = {name.casefold() for name in (product.sku, product.title, *product.titles)}
        return any(name.casefold() in names for name in self.products)


class Known(msgspec.Struct, frozen=True):
    """An entry that may answer a message. similarity: 0 to 1, of the message and its nearest question."""

    entry: Entry
    similarity: float


def canned(entries: Iterable[Entry], day: date) -> dict[str, Entry]:
    """The replies that people send by hand, by their short names in small letters, as of that day."""
    return {entry.short.casefold(): entry for entry in entries if entry.short and entry.holds_on(day)}

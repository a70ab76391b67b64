"""The products of a batch: what its events tell of them, merged into what is known."""

from collections.abc import Iterable

from bot.domain.events import Event, ProductEvent, ProductTold
from bot.domain.products import Item, Telling, retold
from bot.understanding.product_names import words_of
from storage import product_records
from storage.asking import Asking
from storage.product_records import Source


class Products:
    """The products that a batch of events is about. A batch without any asks the database nothing."""

    def __init__(self) -> None:
        self._known: dict[Source, Telling] = {}
        self._changed: set[Source] = set()
        self._skus: set[tuple[Source, str]] = set()
        self._words: set[tuple[Source, str]] = set()

    def read(self, events: Iterable[Event]) -> Asking[None]:
        sources = {_source(event) for event in events if isinstance(event, ProductEvent)}
        self._known = yield from product_records.by_source(sources)

    def merge(self, event: ProductEvent) -> None:
        """Put what the event tells into the product's record, by the event's own time."""
        source = _source(event)
        known = self._known.get(source)
        items = event.items if isinstance(event, ProductTold) else ()
        told = retold(known, event.at, items)
        if told == known:
            return
        self._known[source] = told
        self._changed.add(source)
        before = known.items if known else ()
        self._words |= {(source, word) for word in _words(told.items) - _words(before)}
        self._skus |= {(source, sku) for sku in set(told.seen) - set(known.seen if known else ())}

    def write(self) -> Asking[None]:
        yield from product_records.save({source: self._known[source] for source in self._changed})
        yield from product_records.add_words(self._words, self._skus)


def _source(event: ProductEvent) -> Source:
    return event.channel, event.product


def _words(items: Iterable[Item]) -> set[str]:
    return {word for item in items for word in words_of(item.title)}

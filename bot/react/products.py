"""The products of a batch: what its events tell of them, merged into what is known."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import msgspec

from bot.domain.context import Conversation
from bot.domain.events import Event, ItemRestocked, MessageReceived, ProductEvent, ProductTold
from bot.domain.meanings import ABOUT_PRODUCTS, Understanding
from bot.domain.orders import Order
from bot.domain.products import (
    NO_SHELF,
    Item,
    Product,
    Shelf,
    Source,
    Telling,
    product_of,
    products_of,
    retold,
)
from bot.domain.stock_wishes import came_back
from bot.understanding.alike_products import alike_to
from bot.understanding.product_names import (
    kin,
    named_besides,
    named_in,
    only_by_colour,
    only_names,
    points_back,
    skus_in,
    words_of,
)
from storage import product_records, stock_wish_records
from storage.asking import Asking
from storage.unit import Unit

CHOICE = "skus"  # in what a question is about: those that the buyer chooses from, a line each
OF_LAST = "of_last"  # in what a question is about: its answer is about what was talked of last
RESTOCKED = "restocked:"  # before a sku: what tells that it is back, as a source of its own
TELLING = (ProductEvent, ItemRestocked)
TALKED_OF = timedelta(hours=2)  # after this a talk is not about its last item any more
OF_AN_ITEM = frozenset(  # asked of what was just talked of
    {"size_fit", "material_care", "product_question", "discount", "postage"}
)
SHORT = 6  # words of a text that may name a variant of what was talked of
FEW_WORDS = 4  # of a text that may name an item and say nothing else
ORDERED = 10  # skus of the buyer's orders that may be meant


class Products:
    """The products that a batch of events is about. A batch without any asks the database nothing."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._known: dict[Source, Telling] = {}
        self._changed: set[Source] = set()
        self._skus: set[tuple[Source, str]] = set()
        self._words: set[tuple[Source, str]] = set()
        self._others: dict[Source, Telling] = {}  # that tell of the items that are said to be back

    def read(self, events: Iterable[Event]) -> Asking[None]:
        events = list(events)
        sources = {_source(event) for event in events if isinstance(event, TELLING)}
        self._known = yield from product_records.by_source(sources)
        back = {event.sku for event in events if isinstance(event, ItemRestocked)}
        self._others = yield from product_records.by_sku(back)

    def merge(self, event: ProductEvent | ItemRestocked) -> None:
        """Put what the event tells into the product's record, by the event's own time."""
        source = _source(event)
        known = self._known.get(source)
        items = self._items(event)
        if isinstance(event, ItemRestocked) and not items:
            return
        told = retold(known, event.at, items)
        if told == known:
            return
        self._known[source] = told
        self._changed.add(source)
        before = known.items if known else ()
        self._words |= {(source, word) for word in _words(told.items) - _words(before)}
        self._skus |= {(source, sku) for sku in set(told.seen) - set(known.seen if known else ())}

    def _items(self, event: ProductEvent | ItemRestocked) -> tuple[Item, ...]:
        """What an event tells; nothing of an item that is back and in no list."""
        if isinstance(event, ProductTold):
            return event.items
        if not isinstance(event, ItemRestocked):
            return ()
        every = products_of({**self._others, **self._known})
        known = next((each for each in every if each.sku.casefold() == event.sku.casefold()), None)
        return (Item(sku=known.sku, title=known.title, stock=event.stock),) if known else ()

    def shelf(
        self,
        event: MessageReceived,
        understood: Understanding,
        orders: Iterable[Order],
        chat: Conversation,
        written: bool = False,
        quoted: Iterable[str] = (),
    ) -> Shelf:
        """The products that a chat message is about; read only if it asks about any, or may do so, chooses
        one, or if what was written down about one may answer it. quoted: skus that were bargained over."""
        asked = chat.talk.asked if chat.talk.asked and self._unit.now < chat.talk.asked.until else None
        choice = [sku for sku in str(asked.about.get(CHOICE) or "").split("\n") if sku] if asked else []
        awaited = str(asked.about.get("awaited") or "").split() if asked else []
        meant = {*awaited, *(each.intent for each in understood.meanings)}
        talk = chat.talk
        recent = talk.last_at is not None and self._unit.now - talk.last_at < TALKED_OF
        last = talk.product if recent else None
        unclear = understood.guessed or understood.outcome == "ask" or (last and _names_little(event.text))
        offers = any(each.slots.offer for each in understood.meanings)
        if not choice and not written and not unclear and not offers and ABOUT_PRODUCTS.isdisjoint(meant):
            return NO_SHELF
        if choice:
            return self._unit.ask(self._shelf(event.text, choice, meant=True, choosing=True))
        asks_on = asked is not None and bool(asked.about.get(OF_LAST))
        of_an_item = asks_on or any(each.intent in OF_AN_ITEM for each in understood.meanings)
        follows = last is not None and of_an_item
        bargained = str(asked.about.get("sku") or "") if asked else ""
        talked = [sku for sku in dict.fromkeys((bargained, last, *quoted)) if sku]
        near = list(dict.fromkeys([*talked, *_ordered(orders)]))
        return self._unit.ask(
            self._shelf(
                event.text, near, meant=follows or points_back(event.text), last=next(iter(talked), None)
            )
        )

    def write(self) -> Asking[None]:
        """Write what changed, and which items are back that somebody waits for; after what they wait for."""
        told = {source: self._known[source] for source in self._changed}
        yield from self._note_restocks(told)
        yield from product_records.save(told)
        yield from product_records.add_words(self._words, self._skus)

    def _note_restocks(self, told: Mapping[Source, Telling]) -> Asking[None]:
        skus = {sku for telling in told.values() for sku in telling.seen}
        wanted = yield from stock_wish_records.waited_for(skus)
        before = yield from product_records.by_sku(wanted)
        after = {**before, **told}
        back = {sku for sku in wanted if came_back(product_of(sku, before), product_of(sku, after))}
        yield from stock_wish_records.restock(back, self._unit.now)

    def _shelf(
        self, text: str, near: list[str], meant: bool, choosing: bool = False, last: str | None = None
    ) -> Asking[Shelf]:
        """near: skus that may be named by less, the likeliest first. meant: or without being named at all.

        choosing: only one of these is asked for. last: the sku that the talk is about.
        """
        own, times = yield from product_records.by_name({*near, *skus_in(text)}, words_of(text))
        every = {product.sku for product in products_of(own)} - {*near}
        told = {**own, **(yield from product_records.by_sku(every))}  # others tell more of the same items
        known = {product.sku: product for product in self._now(told)}
        beside = tuple(known[sku] for sku in near if sku in known)
        named = named_in(text, beside if choosing else known.values(), times, beside)
        stocked = bool(known) or (yield from product_records.any_told())
        shelf = Shelf(near=beside, gone=tuple(sku for sku in near if sku not in known), stocked=stocked)
        if last in known:
            like, unmet = yield from _kin(text, known[last], named)
            if unmet:
                return msgspec.structs.replace(shelf, products=(known[last],), unmet=True)
            named = like or named
        if named:
            more = named_besides(text, named, known.values()) if not choosing else ()
            bare = only_names(text, named)
            shelf = msgspec.structs.replace(shelf, products=named, named=True, more=more, bare=bare)
        else:
            shelf = msgspec.structs.replace(shelf, products=beside if meant else ())
        alike = yield from self._alike([each for each in shelf.products if each.available is False])
        return msgspec.structs.replace(shelf, alike=alike)

    def _alike(self, sold_out: list[Product]) -> Asking[dict[str, tuple[Product, ...]]]:
        words = {word for product in sold_out for word in words_of(product.title)}
        near, times = yield from product_records.by_name((), words)
        every = {product.sku for product in products_of(near)}
        told = {**near, **(yield from product_records.by_sku(every))}
        candidates = self._now(told)
        return {product.sku: alike_to(product, candidates, times) for product in sold_out}

    def _now(self, told: Mapping[Source, Telling]) -> list[Product]:
        """Products by tellings that were read, as this batch changes them."""
        changed = {source: self._known[source] for source in self._changed & told.keys()}
        return products_of({**told, **changed})


def _source(event: ProductEvent | ItemRestocked) -> Source:
    if isinstance(event, ItemRestocked):
        return event.channel, f"{RESTOCKED}{event.sku}"
    return event.channel, event.product


def _words(items: Iterable[Item]) -> set[str]:
    return {word for item in items for word in words_of(item.title)}


def _names_little(text: str) -> bool:
    """Whether a text may be no more than the name of what is meant."""
    return 0 < len(words_of(text)) <= FEW_WORDS


def _kin(text: str, last: Product, named: tuple[Product, ...]) -> Asking[tuple[tuple[Product, ...], bool]]:
    """Of what the talk is about, the variant that a text names; and whether it asks for one that is not
    there. Nothing for a text that names another thing by more than a colour."""
    if len(words_of(text)) > SHORT or (named and not only_by_colour(text, named)):
        return (), False
    found, _ = yield from product_records.by_name({last.sku}, words_of(last.title))
    like = kin(text, last, products_of(found))
    return like, bool(named) and not like


def _ordered(orders: Iterable[Order]) -> list[str]:
    """The skus of a buyer's orders, the newest order's first."""
    return list(dict.fromkeys(line.sku for order in orders for line in order.lines if line.sku))[:ORDERED]

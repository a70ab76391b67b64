"""The tables of products: each as its source told it last, found by sku or by rare words of its titles."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from bot.domain.products import Source, Telling
from storage.asking import Asking, Query, Row, changed
from storage.bulk import insert_new, upsert
from storage.tables import product_words, products

WORDS = 6  # of a text that are looked for, the rarest
RARE = 60  # products that may have a word by which others are found; a commoner one tells them not apart
_SKU = "="  # before a sku among the words

_tellings = msgspec.json.Decoder(Telling)
_encode = msgspec.json.Encoder().encode


class _Record(Row, frozen=True):
    channel: str
    id: str
    record: str


class _Found(Row, frozen=True):
    found: int


class _Times(Row, frozen=True):
    word: str
    times: int


_BY_SOURCE = Query(
    _Record,
    """
    SELECT products.shop, products.channel, products.id, products.record FROM {given} CROSS JOIN products
    WHERE products.shop = given.shop AND products.channel = given.channel AND products.id = given.id
    """,
    given="channel, id",
)
_BY_WORD = Query(
    _Record,
    """
    SELECT products.shop, products.channel, products.id, products.record
    FROM {given} CROSS JOIN product_words AS found CROSS JOIN products
    WHERE found.shop = given.shop AND found.word = given.word AND products.shop = given.shop
        AND products.channel = found.channel AND products.id = found.id
    """,
    given="word",
)
_TIMES = Query(
    _Times,
    """
    SELECT given.shop, given.word, (
        SELECT count(*) FROM (
            SELECT 1 FROM product_words AS found WHERE found.shop = given.shop AND found.word = given.word
            LIMIT :at_most
        ) AS those
    ) FROM {given}
    """,
    given="word",
)


_ANY = Query(
    _Found,
    """
    SELECT given.shop, 1 FROM {given}
    WHERE EXISTS (SELECT 1 FROM products WHERE products.shop = given.shop)
    """,
    given="",
)


def by_source(sources: Collection[Source]) -> Asking[dict[Source, Telling]]:
    rows = yield from _BY_SOURCE.of(sources)
    return {(row.channel, row.id): _tellings.decode(row.record) for row in rows}


def by_sku(skus: Collection[str]) -> Asking[dict[Source, Telling]]:
    """All that tells of items of these skus."""
    return _by_word({_of_sku(sku) for sku in skus})


def by_name(
    skus: Collection[str], words: Collection[str]
) -> Asking[tuple[dict[Source, Telling], dict[str, int]]]:
    """The products with one of these skus or one of the rarest of these words; and in how many products each
    of the rare words is."""
    rows = yield from _TIMES.of(words, at_most=RARE + 1)
    times = {row.word: row.times for row in rows if 0 < row.times <= RARE}
    rarest = sorted(times, key=lambda word: (times[word], word))[:WORDS]
    return (yield from _by_word({*rarest, *map(_of_sku, skus)})), times


def any_told() -> Asking[bool]:
    """Whether the shop tells of any products."""
    return bool((yield from _ANY.of([()])))


def _by_word(words: Collection[str]) -> Asking[dict[Source, Telling]]:
    rows = yield from _BY_WORD.of(words)
    records = {(row.channel, row.id): row.record for row in rows}
    return {source: _tellings.decode(record) for source, record in records.items()}


def save(changed_tellings: Mapping[Source, Telling]) -> Asking[None]:
    """Insert or replace products."""
    rows = [
        {"channel": channel, "id": id, "record": _encode(telling).decode()}
        for (channel, id), telling in sorted(changed_tellings.items())
    ]
    yield from changed(upsert, products, rows)


def add_words(new: Iterable[tuple[Source, str]], skus: Iterable[tuple[Source, str]]) -> Asking[None]:
    """Let products be found by words of their titles, and by skus."""
    words = {(*source, word) for source, word in new} | {(*source, _of_sku(sku)) for source, sku in skus}
    rows: list[dict[str, Any]] = [
        {"word": word, "channel": channel, "id": id} for channel, id, word in sorted(words)
    ]
    yield from changed(insert_new, product_words, rows)


def _of_sku(sku: str) -> str:
    return f"{_SKU}{sku.casefold()}"

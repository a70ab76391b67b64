"""What is wrong with the sellers' knowledge files, for `xiaoer check`."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, make_url

from bot.commands.options import opened
from bot.config import Config, ShopSettings
from bot.domain.errors import StorageError
from bot.domain.messages import MessagePolicies
from bot.domain.products import products_of
from bot.operations.knowledge import read_knowledge
from bot.settings.knowledge_file import KnowledgeFault, KnowledgeFile, ReadEntry
from bot.texts.catalogue import Catalogue, locale_chain, make_version
from bot.texts.check import check_words
from bot.understanding.product_names import words_of
from storage import product_records, schema
from storage.asking import ask

ANSWER = "knowledge"  # the message that an answer is sent as
Found = tuple[Path, int, str, str]  # file, line, what of it, and what is wrong with that


def unknown_in(config: Config, texts: Catalogue, policies: MessagePolicies, reader: str) -> list[Found]:
    """All faults of all shops, each once, in the order of the files."""
    found: set[Found] = set()
    for shop_id, read in read_knowledge(config.understanding.knowledge, config.shops).items():
        shop = config.shops[shop_id]
        for path, file in read:
            faults = [*file.faults, *_missing(file, shop), *_unsold(file, config, shop_id)]
            found |= {(path, each.line, each.path, each.said(reader)) for each in faults}
            for each in file.entries:
                found |= set(_unfit(path, each, texts, shop, policies, reader))
    return sorted(found)


def _missing(file: KnowledgeFile, shop: ShopSettings) -> Iterator[KnowledgeFault]:
    """Entries without an answer in the shop's own language."""
    spoken = locale_chain(shop.locale)
    own = spoken[: spoken.index("en") + spoken[0].startswith("en")]
    for each in file.entries:
        if not each.entry.answers.keys() & set(own):
            instead = next((locale for locale in spoken if locale in each.entry.answers), None)
            values = {"locale": shop.locale, "instead": instead or next(iter(each.entry.answers))}
            yield KnowledgeFault(each.line, f"{each.entry.id}.answer", "answer_missing", values)


def _unfit(
    path: Path,
    each: ReadEntry,
    texts: Catalogue,
    shop: ShopSettings,
    policies: MessagePolicies,
    reader: str,
) -> Iterator[Found]:
    """Answers that are no templates, or name what is not known."""
    for locale, source in each.entry.answers.items():
        words = make_version(locale, ANSWER, source, own=True)
        for finding in check_words(words, texts, shop, policies, reader):
            line = each.lines[locale] + (finding.line or 1) - ("\n" not in source)
            yield path, line, f"{each.entry.id}.answer.{locale}", finding.what


def _unsold(file: KnowledgeFile, config: Config, shop_id: str) -> list[KnowledgeFault]:
    """Entries about products that nobody told of; none while no product was told, or without a database."""
    named = [(each, name) for each in file.entries for name in each.entry.products]
    url = make_url(config.database)
    if not named or (url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()):
        return []

    def look(connection: Connection) -> list[KnowledgeFault]:
        if schema.version_on(connection) != schema.newest() or not ask(
            connection, shop_id, product_records.any_told()
        ):
            return []
        return [
            KnowledgeFault(each.line, f"{each.entry.id}.product", "unknown_product", {"name": repr(name)})
            for each, name in named
            if not _is_sold(connection, shop_id, each, name)
        ]

    try:
        with opened(config) as database:
            return database.read_now(look)
    except StorageError:
        return []


def _is_sold(connection: Connection, shop_id: str, each: ReadEntry, name: str) -> bool:
    told, _ = ask(connection, shop_id, product_records.by_name({name}, words_of(name)))
    return any(each.entry.is_about(product) for product in products_of(told))

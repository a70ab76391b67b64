"""Loads what sellers wrote down: a file for all shops, and one beside it for each shop that has its own."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from bot.domain.knowledge import Entry, Known, canned
from bot.domain.shop import Shop
from bot.settings.knowledge_file import KnowledgeFault, KnowledgeFile, read_file

Knows = Callable[[str, str, date], tuple[Known, ...]]
Replies = Callable[[str, date], Mapping[str, Entry]]


def files_of(path: Path, shop_id: str) -> tuple[Path, Path]:
    """The file for all shops, and that of one shop: knowledge.yaml and knowledge.teahouse.yaml."""
    return path, path.with_name(f"{path.stem}.{shop_id}{path.suffix}")


def read_knowledge(path: Path, shops: Mapping[str, Shop]) -> dict[str, list[tuple[Path, KnowledgeFile]]]:
    """The files of each shop that are there."""
    return {
        shop_id: [(file, read_file(file, shop.locale)) for file in files_of(path, shop_id) if file.exists()]
        for shop_id, shop in shops.items()
    }


def load_knowledge(
    path: Path, shops: Mapping[str, Shop], on_fault: Callable[[Path, KnowledgeFault], None]
) -> Knows:
    """What may answer a message, by shop; takes some tenths of a second where there is any such file.

    on_fault: told of each entry that is left out, once for each file.
    """
    read = read_knowledge(path, shops)
    for file, found in {file: found for those in read.values() for file, found in those}.items():
        for fault in found.faults:
            on_fault(file, fault)
    entries = _by_shop(read)
    if not any(entries.values()):
        return lambda shop, text, day: ()
    # What compares texts takes a while to import.
    from bot.understanding.knowledge import Knowledge, finder

    return finder({shop_id: Knowledge(own) for shop_id, own in entries.items() if own})


def load_replies(path: Path, shops: Mapping[str, Shop]) -> Replies:
    """The replies that people of a shop send by hand, by its entries of the files."""
    entries = _by_shop(read_knowledge(path, shops))
    return lambda shop_id, day: canned(entries.get(shop_id, ()), day)


def _by_shop(read: Mapping[str, list[tuple[Path, KnowledgeFile]]]) -> dict[str, tuple[Entry, ...]]:
    """The entries of each shop; those of its own file go before those of the same name."""
    return {
        shop_id: tuple({each.entry.id: each.entry for _, found in those for each in found.entries}.values())
        for shop_id, those in read.items()
    }

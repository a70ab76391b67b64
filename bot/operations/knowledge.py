"""Loads what sellers wrote down: a file for all shops, and one beside it for each shop that has its own."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from bot.domain.knowledge import Known
from bot.domain.shop import Shop
from bot.settings.knowledge_file import KnowledgeFault, KnowledgeFile, read_file

Knows = Callable[[str, str, date], tuple[Known, ...]]


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
    if not any(read.values()):
        return lambda shop, text, day: ()
    # What compares texts takes a while to import.
    from bot.understanding.knowledge import Knowledge, finder

    entries = {
        shop_id: {each.entry.id: each.entry for _, found in those for each in found.entries}
        for shop_id, those in read.items()
    }
    return finder({shop_id: Knowledge(own.values()) for shop_id, own in entries.items() if own})

"""What a seller put into their folder of words that nothing reads, or that says other than they meant."""

import re
from collections.abc import Iterator
from pathlib import Path

from bot.texts.catalogue import Catalogue, Version, is_language
from bot.texts.faults import TemplateFault
from bot.texts.variables import VARIABLES

# Names that people give to the folder of a language, and the name that it needs.
_LANGUAGES = {
    **dict.fromkeys(("english", "eng", "en_us", "en_gb", "英文", "英语", "英語"), "en"),
    **dict.fromkeys(("chinese", "cn", "zh_cn", "zh-hans", "chs", "中文", "简体", "简体中文"), "zh-CN"),
    **dict.fromkeys(("tw", "zh_tw", "cht", "taiwan", "繁体", "繁體", "繁體中文", "正體中文"), "zh-TW"),
}
_SUBJECT = re.compile(
    r"\s*(主题|主題|主旨|标题|標題|邮件主题|郵件主旨|信件主旨|題目|题目|title|betreff|objet|asunto)\s*[:：]",
    re.IGNORECASE,
)
_WIDE = re.compile(r"[｛｝]|\{\s*％|％\s*\}")
_SINGLE = re.compile(r"(?<![{%#])\{\s*([a-z_]+(?:\.[a-z_]+)*)\s*\}(?!\})")
_NAMES = {name for path in VARIABLES for name in (path, path.partition(".")[0])}


def unread(folder: Path, texts: Catalogue) -> Iterator[TemplateFault]:
    """Faults of the seller's folder that no template reports by itself. Raises nothing: what cannot be looked
    into is left to whoever reads it."""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return
    for path in inside:
        if _ours(path):
            continue
        if not path.is_dir():
            yield TemplateFault("file_outside", where=_shown(path.name))
        elif is_language(path.name):
            yield from _in_language(path)
        else:
            near = _LANGUAGES.get(path.name.casefold())
            if near:
                yield TemplateFault("language_near", {"nearest": near}, _shown(path.name))
            elif not any(path.glob("*.txt")):  # those name their folder themselves
                yield TemplateFault("not_a_language", {"given": repr(path.name)}, _shown(path.name))
    for version in texts.versions:
        if version.own:
            yield from _misread(version)


def _in_language(folder: Path) -> Iterator[TemplateFault]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        yield TemplateFault("unreadable", {"why": error.strerror or ""}, _shown(folder.name))
        return
    for path in inside:
        where = _shown(f"{folder.name}/{path.name}")
        if _ours(path) or (path.suffix == ".txt" and not path.is_dir()):
            continue
        if path.is_dir():
            yield TemplateFault("folder_inside", where=where)
        else:
            yield TemplateFault("not_txt", {"nearest": _shown(path.name.partition(".")[0]) + ".txt"}, where)


def _misread(version: Version) -> Iterator[TemplateFault]:
    """Words that are read as text, though their writer meant more."""
    lines = version.source.splitlines()
    first = next((line for line in lines if line.strip()), "")
    meant = _SUBJECT.match(first)
    if meant:
        yield TemplateFault("subject_word", {"given": meant[1]}, version.where, lines.index(first) + 1)
    for number, line in enumerate(lines, 1):
        if _WIDE.search(line):
            yield TemplateFault("wide_braces", where=version.where, line=number)
        single = next((found[1] for found in _SINGLE.finditer(line) if found[1] in _NAMES), None)
        if single:
            yield TemplateFault("single_braces", {"name": single}, version.where, number)


def _ours(path: Path) -> bool:
    """Notes to people, and what editors and systems leave behind."""
    return path.name.startswith((".", "~")) or path.stem.casefold() == "readme" or path.name == "Thumbs.db"


def _shown(name: str) -> str:
    """The name as it can be printed, whatever its bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

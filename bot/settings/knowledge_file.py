"""Read a seller's knowledge file: questions with their answers; each fault with its line and its mend."""

import re
from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from pathlib import Path as File
from typing import Any

import msgspec

from bot.domain.knowledge import Entry
from bot.domain.shop import LOCALES
from bot.settings import yaml_with_lines
from bot.settings.faults import Fault, Path
from bot.settings.faults import say as say_of_settings
from bot.texts import operator_words
from bot.texts.catalogue import is_language

MOST = 1000  # entries in a file
BIGGEST = 1_000_000  # bytes of a file
QUESTION_LONGEST, ANSWER_LONGEST, QUESTIONS_MOST = 300, 2000, 100

_KEYS = ("questions", "answer", "product", "from", "until", "short")
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SHORT = re.compile(r"[^\s/]{1,20}")


class KnowledgeFault(msgspec.Struct, frozen=True):
    """line: from 1. path: of what is wrong, as gift_wrap.answer."""

    line: int
    path: str
    code: str
    values: dict[str, Any] = {}

    def said(self, reader: str) -> str:
        """What is wrong, in the reader's language, one of LOCALES."""
        if operator_words.has("knowledge", self.code):
            return operator_words.say("knowledge", self.code, reader, self.values)
        return say_of_settings(Fault((), self.code, self.values), reader)


class ReadEntry(msgspec.Struct, frozen=True):
    """An entry that is whole. lines: of its answers by language, from 1."""

    entry: Entry
    line: int
    lines: dict[str, int]


class KnowledgeFile(msgspec.Struct, frozen=True):
    """What a file says: the entries that can be used, and the faults of the others."""

    entries: tuple[ReadEntry, ...] = ()
    faults: tuple[KnowledgeFault, ...] = ()


def read_file(path: File, locale: str) -> KnowledgeFile:
    """Read a file; one that is not there says nothing. locale: the language of an answer that names none."""
    try:
        if not path.exists():
            return KnowledgeFile()
        if path.stat().st_size > BIGGEST:
            return _broken("large", kilobytes=BIGGEST // 1000)
        return read(path.read_text("utf-8-sig"), locale)
    except UnicodeDecodeError:
        return _broken("not_text")
    except OSError as error:
        return _broken("unreadable", why=error.strerror)


def _broken(code: str, **values: Any) -> KnowledgeFile:
    return KnowledgeFile(faults=(KnowledgeFault(1, "", code, values),))


def read(text: str, locale: str) -> KnowledgeFile:
    """Read the text of a file."""
    document = yaml_with_lines.read(text)
    form = [_of_form(fault, document) for fault in document.faults]
    if document.data is None or form:
        return KnowledgeFile(faults=tuple(form))
    if not isinstance(document.data, dict):
        return _broken("not_entries")
    return _Reader(document, locale).read(document.data)


def _of_form(fault: Fault, document: yaml_with_lines.Document) -> KnowledgeFault:
    line = fault.line or document.lines.get(fault.path, 1)
    return KnowledgeFault(line, ".".join(map(str, fault.path)), fault.code, dict(fault.values))


class _Reader:
    """Reads the entries of one file, collecting faults."""

    def __init__(self, document: yaml_with_lines.Document, locale: str) -> None:
        self._lines = document.lines
        self._locale = locale
        self._faults: list[KnowledgeFault] = []
        self._asked: dict[str, str] = {}
        self._shorts: dict[str, str] = {}

    def read(self, data: dict[str, Any]) -> KnowledgeFile:
        entries = []
        for number, (id, given) in enumerate(data.items()):
            if number == MOST:
                self._blame((id,), "too_many", most=MOST)
                break
            before = len(self._faults)
            entry = self._entry(id, given)
            if entry is not None and len(self._faults) == before:
                entries.append(entry)
        return KnowledgeFile(tuple(entries), tuple(sorted(self._faults, key=lambda each: each.line)))

    def _entry(self, id: str, given: Any) -> ReadEntry | None:
        if not _ID.fullmatch(id):
            self._blame((id,), "entry_name", given=id[:40])
        if not isinstance(given, dict):
            self._blame((id,), "entry_form")
            return None
        for key in given.keys() - set(_KEYS):
            near = get_close_matches(key, _KEYS, 1)
            self._blame((id, key), "unknown_key_near" if near else "unknown_key", nearest=(near or [""])[0])
        answers = dict(self._answers((id, "answer"), given.get("answer")))
        short = self._short((id, "short"), given.get("short"))
        questions = tuple(self._questions((id, "questions"), given.get("questions")))
        if not questions and not short and "questions" not in given:
            self._blame((id,), "no_questions")
        since, until = (
            self._day((id, "from"), given.get("from")),
            self._day((id, "until"), given.get("until")),
        )
        if since and until and until < since:
            self._blame((id, "until"), "ends_before")
        entry = Entry(
            id=id,
            questions=questions,
            answers=answers,
            products=tuple(self._products((id, "product"), given.get("product"))),
            since=since,
            until=until,
            short=short,
        )
        lines = {locale: self._line(self._place(id, locale)) for locale in answers}
        return ReadEntry(entry, self._line((id,)), lines)

    def _place(self, id: str, locale: str) -> Path:
        own: Path = (id, "answer", locale)
        return own if own in self._lines else (id, "answer")

    def _answers(self, path: Path, given: Any) -> Iterator[tuple[str, str]]:
        if isinstance(given, str | int | float):
            given = {self._locale: given}
        if not isinstance(given, dict) or not given:
            self._blame(path, "no_answer")
            return
        for locale, text in given.items():
            if not is_language(str(locale)):
                near = get_close_matches(str(locale), LOCALES, 1, 0.4)
                self._blame(
                    (*path, locale), "answer_language", given=str(locale)[:20], nearest=(near or ["en"])[0]
                )
            elif not isinstance(text, str | int | float) or not str(text).strip():
                self._blame((*path, locale), "no_answer")
            elif len(str(text)) > ANSWER_LONGEST:
                self._blame((*path, locale), "answer_long", most=ANSWER_LONGEST)
            else:
                yield str(locale), str(text).strip()

    def _questions(self, path: Path, given: Any) -> Iterator[str]:
        if given is None:
            return
        if not isinstance(given, list) or len(given) > QUESTIONS_MOST:
            self._blame(path, "no_list", most=QUESTIONS_MOST)
            return
        for number, text in enumerate(given):
            if not isinstance(text, str) or not text.strip():
                self._blame((*path, number), "no_question")
            elif len(text) > QUESTION_LONGEST:
                self._blame((*path, number), "question_long", most=QUESTION_LONGEST)
            elif self._asked.setdefault(text.strip().casefold(), str(path[0])) != path[0]:
                self._blame((*path, number), "asked_twice", other=self._asked[text.strip().casefold()])
            else:
                yield " ".join(text.split())

    def _products(self, path: Path, given: Any) -> Iterator[str]:
        for name in given if isinstance(given, list) else [given] if given is not None else []:
            if not isinstance(name, str | int) or not str(name).strip() or len(str(name)) > QUESTION_LONGEST:
                self._blame(path, "product_name")
            else:
                yield str(name).strip()

    def _day(self, path: Path, given: Any) -> date | None:
        if given is None:
            return None
        try:
            return date.fromisoformat(str(given))
        except ValueError:
            self._blame(path, "day", given=str(given)[:20])
            return None

    def _short(self, path: Path, given: Any) -> str | None:
        if given is None:
            return None
        short = str(given)
        if not _SHORT.fullmatch(short):
            self._blame(path, "short_form", given=short[:20])
        elif self._shorts.setdefault(short.casefold(), str(path[0])) != path[0]:
            self._blame(path, "short_twice", given=short, other=self._shorts[short.casefold()])
        return short

    def _line(self, path: Path) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _blame(self, path: Path, code: str, **values: Any) -> None:
        self._faults.append(KnowledgeFault(self._line(path), ".".join(map(str, path)), code, values))

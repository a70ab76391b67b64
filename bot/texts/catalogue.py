"""The catalogue of texts for buyers: our templates, the seller's in place of them, a version id for each."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec
from babel.core import UnknownLocaleError

from bot.domain.errors import TemplateError
from bot.domain.shop import LOCALES
from bot.texts.filters import TEXT_MAX
from bot.texts.formats import language, nearest
from bot.texts.template_engine import KEPT, Compiled, TemplateEnvironment

CHAT_MAX = 4096  # what the narrowest chat takes; `xiaoer check` warns of more
STOP_LINE = "stop_line"
STOP_WORDS = re.compile(
    r"退订|退訂|不要优惠|不要優惠|\bstop\b|\bno offers\b|\bTD\b", re.IGNORECASE
)  # a chat understands each

_TRADITIONAL = {"hant", "tw", "hk", "mo"}
_SUBJECT = re.compile(r"\s*subject\s*[:\uff1a][ \t]*([^\n]*)\n?", re.IGNORECASE)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One wording of one template. `id` identifies its exact text; `own`: it is the seller's."""

    id: str
    locale: str
    name: str
    source: str
    own: bool = False

    @property
    def where(self) -> str:
        return f"{self.locale}/{self.name}.txt"


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """The text with the version used; `fault` says why that is not the version asked for."""

    text: str
    version: Version
    fault: str | None = None


class Catalogue:
    """All templates, read once. `faults` lists the seller's broken files, in place of which ours are used."""

    def __init__(self, overlay: Path | None = None) -> None:
        self._defaults = _ours()
        self._own: dict[tuple[str, str], Version] = {}
        self._environments: dict[str, TemplateEnvironment] = {}
        self._compiled = lru_cache(maxsize=KEPT)(self._compile)
        self.faults: tuple[str, ...] = tuple(self._read(overlay)) if overlay else ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, name in (*self._defaults, *self._own))

    @property
    def versions(self) -> tuple[Version, ...]:
        """Every version in use, the seller's in place of ours."""
        return tuple({**self._defaults, **self._own}.values())

    def resolve(self, name: str, locale: str) -> Version:
        """Choose the version for a reader of `locale`. Raises TemplateError if no language has one."""
        for candidate in locale_chain(locale):
            version = self._own.get((candidate, name)) or self._defaults.get((candidate, name))
            if version:
                return version
        near = get_close_matches(name, self.names, 1)
        raise TemplateError(f"there is no template {name!r}" + (f"; did you mean {near[0]}?" if near else ""))

    def render(self, version: Version, variables: Mapping[str, Any], at_most: int = TEXT_MAX) -> Rendered:
        """Fill in `version`; if the seller's fails, fill in ours of that name and report the fault.

        Raises TemplateError if ours fails, or the seller's where we have none.
        """
        try:
            return Rendered(text=self._text(version, variables, at_most), version=version)
        except TemplateError as error:
            ours = self._default(version)
            if ours is None:
                raise
            fault = f"{error}; the default words were used"
        return Rendered(text=self._text(ours, variables, at_most), version=ours, fault=fault)

    def _text(self, version: Version, variables: Mapping[str, Any], at_most: int) -> str:
        text = self._fill(version, variables, at_most)
        if not variables.get("stop", _NO_STOP)["needed"]:
            return text
        return f"{text}\n\n{self._stop_line(version.locale, variables)}"

    def _stop_line(self, locale: str, variables: Mapping[str, Any]) -> str:
        """Render how to stop offers. Every offer ends with it, whatever the seller's templates say."""
        version = self.resolve(STOP_LINE, locale)
        ours = self._default(version)
        if ours is None:
            return self._fill(version, variables, TEXT_MAX)
        try:
            text = self._fill(version, variables, TEXT_MAX)
        except TemplateError:
            text = ""
        return text if STOP_WORDS.search(text) else self._fill(ours, variables, TEXT_MAX)

    def _fill(self, version: Version, variables: Mapping[str, Any], at_most: int) -> str:
        compiled = self._compiled(version, nearest(version.locale, variables.get("locale", version.locale)))
        if isinstance(compiled, TemplateError):
            raise compiled
        text = _tidy(compiled.fill(variables, at_most))
        if not text:
            raise TemplateError(f"{version.where}: it says nothing")
        return text

    def _default(self, version: Version) -> Version | None:
        """Find our current version in place of the seller's, or of one pinned by an older release."""
        found = (self._defaults.get((locale, version.name)) for locale in locale_chain(version.locale))
        ours = next((candidate for candidate in found if candidate), None)
        return ours if ours and ours.id != version.id else None

    def _compile(self, version: Version, locale: str) -> Compiled | TemplateError:
        """locale: of the dates and amounts in it."""
        environment = self._environments.get(locale) or self._environments.setdefault(
            locale, TemplateEnvironment(locale)
        )
        try:
            return Compiled(environment, version.where, version.source)
        except TemplateError as error:
            return error

    def _read(self, overlay: Path) -> Iterator[str]:
        """Read the seller's folder, yielding what is wrong with it."""
        if not overlay.is_dir():
            yield f"{overlay}: there is no such folder"
            return
        for file in sorted(overlay.glob("*/*.txt")):
            locale, name = file.parent.name, file.stem
            where = f"{locale}/{file.name}"
            if not is_language(locale):
                yield f"{where}: {locale!r} is not a language; name the folder zh-CN, zh-TW or en"
                continue
            try:
                source = file.read_text(
                    encoding="utf-8-sig"
                )  # editors on Windows begin a file with a byte order mark
            except UnicodeDecodeError:
                yield f"{where}: it is not written in UTF-8; save it again as UTF-8"
                continue
            except OSError as error:
                yield f"{where}: it cannot be read: {error.strerror}"
                continue
            version = make_version(locale, name, source, own=True)
            self._own[locale, name] = version
            broken = self._compiled(version, locale)
            if isinstance(broken, TemplateError):
                yield str(broken)


def make_version(locale: str, name: str, source: str, own: bool = False) -> Version:
    named = "\0".join((locale, name, source)).encode("utf-8", "surrogatepass")
    return Version(
        id=hashlib.sha256(named).hexdigest()[:12], locale=locale, name=name, source=source, own=own
    )


@lru_cache(maxsize=1024)
def locale_chain(locale: str) -> tuple[str, ...]:
    """List languages to try, best first: the reader's, the nearest we have, English, then any other."""
    parts = re.split(r"[-_]", locale)
    spoken, script = parts[0].lower(), {part.lower() for part in parts[1:]}
    nearest = "en"
    if spoken == "zh":
        nearest = "zh-TW" if script & _TRADITIONAL and "hans" not in script else "zh-CN"
    return tuple(dict.fromkeys(("-".join(parts), spoken, nearest, "en", *LOCALES)))


def split_subject(text: str) -> tuple[str | None, str]:
    """Split off a first line "Subject: ...", which is the subject of a mail and left out in a chat."""
    found = _SUBJECT.match(text)
    if not found:
        return None, text
    return found[1].strip()[:150] or None, text[found.end() :].strip()


@cache
def _ours() -> Mapping[tuple[str, str], Version]:
    """The same for every catalogue of this program, by language and name."""
    root, found = files("templates"), {}
    for locale in LOCALES:
        for file in _texts_in(root.joinpath(locale)):
            name = file.name.removesuffix(".txt")
            found[locale, name] = make_version(locale, name, file.read_text(encoding="utf-8"))
    return found


def _texts_in(folder: Traversable) -> Iterator[Traversable]:
    return (file for file in folder.iterdir() if file.name.endswith(".txt"))


def is_language(locale: str) -> bool:
    try:
        language(locale)
    except (ValueError, LookupError, UnknownLocaleError):
        return False
    return True


def _tidy(text: str) -> str:
    """Remove spaces at the ends of lines, and all but one of empty lines in a row."""
    lines = [line.rstrip() for line in text.strip().split("\n")]
    return "\n".join(line for number, line in enumerate(lines) if line or number == 0 or lines[number - 1])


_NO_STOP = {"needed": False}

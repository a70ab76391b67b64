"""Sentences for operators, from templates/<locale>/operator.yaml: by section and code, filled with values."""

import re
from collections.abc import Mapping

from bot.domain.shop import LOCALES
from bot.texts.catalogue import locale_chain
from bot.texts.word_files import load_words

_FILE = "operator.yaml"


def say(section: str, code: str, locale: str, values: Mapping[str, object]) -> str:
    """Fill in one sentence. `locale` is one of LOCALES. KeyError: unknown code, missing value."""
    sentence: str = load_words(locale, _FILE)[section][code]
    return sentence.format(**values)


def has(section: str, code: str) -> bool:
    """Whether there is a sentence for the code; every language has the same ones."""
    return code in load_words("en", _FILE)[section]


def nearest_language(locale: str) -> str:
    """The one of LOCALES that a reader of `locale` understands best; English if none is near."""
    return next(known for known in locale_chain(locale) if known in LOCALES)


def system_language(environ: Mapping[str, str]) -> str:
    """One of LOCALES: from XIAOER_LANG, else from the system's locale (LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("XIAOER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if given := re.split(r"[.@]", environ.get(name, ""), maxsplit=1)[0]:  # zh_TW.UTF-8
            return nearest_language(given)
    return "en"

"""Sentences for operators, from templates/<locale>/operator.yaml: by section and code, filled with values."""

from collections.abc import Mapping

from bot.texts.word_files import load_words

_FILE = "operator.yaml"


def say(section: str, code: str, locale: str, values: Mapping[str, object]) -> str:
    """Fill in one sentence. `locale` is one of LOCALES. KeyError: unknown code, missing value."""
    sentence: str = load_words(locale, _FILE)[section][code]
    return sentence.format(**values)


def has(section: str, code: str) -> bool:
    """Whether there is a sentence for the code; every language has the same ones."""
    return code in load_words("en", _FILE)[section]

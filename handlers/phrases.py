"""Patterns over normalised text for the questions that buyers ask, each with a meaning and a score.

A row: the meaning, how specific the wording is (0 to 1), a name for the reason, and the pattern. Repetitions
are bounded, so that a long message costs no more than a short one. `NOT_ABOUT`: what excludes a meaning, as
"refund" excludes a question about a parcel.
"""

import re
from collections.abc import Iterator

import msgspec

from handlers import phrases_en, phrases_zh


class Phrase(msgspec.Struct, frozen=True):
    meaning: str
    score: float
    pattern: re.Pattern[str]
    name: str


PHRASES: tuple[Phrase, ...] = tuple(
    Phrase(meaning, score, re.compile(pattern), name)
    for meaning, score, name, pattern in (*phrases_zh.ROWS, *phrases_en.ROWS)
)

NOT_ABOUT: dict[str, re.Pattern[str]] = {
    meaning: re.compile(f"{pattern}|{phrases_en.NOT_ABOUT[meaning]}")
    for meaning, pattern in phrases_zh.NOT_ABOUT.items()
}


def found_in(plain: str) -> Iterator[Phrase]:
    """Yield the rows that match normalised text and are not excluded by NOT_ABOUT."""
    for phrase in PHRASES:
        if phrase.pattern.search(plain) and not NOT_ABOUT[phrase.meaning].search(plain):
            yield phrase

"""Memo numbers: what buyers write on a transfer, an order's number and a check digit, and how they are found.

The digit follows ISO 7064 (MOD 11,10; MOD 37,36 where the number has letters), so that every wrong sign and
nearly every exchange of two neighbours shows. It is derived and kept nowhere, and a number without it, as
buyers were told before, is recognised too.
"""

import re
import unicodedata
from collections.abc import Container
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import msgspec

Tail = Literal["dashed", "joined", "apart"]  # how the last sign of a number stands behind the others

LONGEST = 500  # characters of a transfer's text that are read
_LONGEST_NUMBER = 40  # signs of a number without what stands between them
_MOST_RUNS = 12  # of which a number is made
SHORT = 4  # signs; so short a number may be anything, unless its check digit stands behind a dash
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALIKE = str.maketrans("ILO", "110")  # letters that people type as digits, and the other way round
_RUN = re.compile(r"[0-9]+|[A-Z]+")
_BETWEEN = re.compile(r"[\s#./_-]{0,3}")  # what people and banks put between the parts of a number
_DASHES = str.maketrans("‐‑‒–—―−－~", "---------")


@lru_cache(maxsize=4096)
def memo(number: str) -> str:
    """What the buyer of this order writes on a transfer: 1001-7. As it is, where nobody could type it."""
    signs = compact(number)
    return f"{number.strip().lstrip('#')}-{check_digit(signs)}" if signs else number


@lru_cache(maxsize=4096)
def compact(number: str) -> str:
    """The letters and digits of a number, which alone count."""
    return "".join(_RUN.findall(_plain(number)))


def check_digit(signs: str) -> str:
    base = 10 if signs.isdecimal() else 36
    carry = base
    for sign in signs:
        carry = ((carry + int(sign, 36)) % base or base) * 2 % (base + 1)
    return _SIGNS[(1 - carry) % base]


def _is_right(signs: str, digit: str) -> bool:
    """Whether this is the check digit, or looks like it."""
    return check_digit(signs).translate(_ALIKE) == digit.translate(_ALIKE)


def without_digit(typed: str) -> str | None:
    """The number in a memo that was typed alone, 1001 in 1001-4; None without the right digit."""
    number, dash, digit = _plain(typed).strip().rpartition("-")
    right = dash and compact(number) and _is_right(compact(number), digit.strip())
    return number.strip() if right else None


class Reading(msgspec.Struct, frozen=True):
    """A number of an order that a text may mean.

    how: checked with its right digit, bare without one, slip with a wrong one. start, end: where it stands.
    """

    number: str  # as `compact` makes it
    how: Literal["checked", "bare", "slip"]
    start: int
    end: int

    def overlaps(self, other: "Reading") -> bool:
        return self.start < other.end and other.start < self.end


def readings(text: str, known: Container[str]) -> list[Reading]:
    """Every one of the `known` numbers (compact) that may be meant in a text, wherever it stands."""
    found: list[Reading] = []
    for signs, _, start, end, tail in _spans(text[:LONGEST]):
        number, digit = signs[:-1], signs[-1]
        if (tail == "dashed" or len(signs) > SHORT) and number in known:
            if _is_right(number, digit):
                found.append(Reading(number, "checked", start, end))
            elif tail != "apart":
                found.append(Reading(number, "slip", start, end))
        if len(signs) >= SHORT and signs in known:
            found.append(Reading(signs, "bare", start, end))
    with_digit = {(each.number, each.start) for each in found if each.how != "bare"}
    return [each for each in found if each.how != "bare" or (each.number, each.start) not in with_digit]


def written(text: str) -> set[str]:
    """Every number that a text may mean, whether there is such an order or not: in the parts that it has,
    joined by dashes, with the check digit taken off where it is right."""
    found = set()
    for signs, parts, _, _, _ in _spans(text[:LONGEST]):
        if len(signs) >= SHORT:
            found.add("-".join(parts).casefold())
        if len(signs) > 1 and _is_right(signs[:-1], signs[-1]):
            last = parts[-1][:-1]
            found.add("-".join([*parts[:-1], last] if last else parts[:-1]).casefold())
    return found - {""}


@lru_cache(maxsize=4096)
def _spans(text: str) -> list[tuple[str, list[str], int, int, Tail]]:
    """Parts of a text that could be a number: its signs, its runs, where it stands, and how the last sign
    does."""
    plain = _plain(text)
    runs = list(_RUN.finditer(plain))
    near = [bool(_BETWEEN.fullmatch(plain, one.end(), other.start())) for one, other in pairwise(runs)]
    found: list[tuple[str, list[str], int, int, Tail]] = []
    for first, begin in enumerate(runs):
        parts: list[str] = []
        for last in range(first, min(first + _MOST_RUNS, len(runs))):
            if last > first and not near[last - 1]:
                break
            run = runs[last]
            parts = [*parts, run[0]]
            signs = "".join(parts)
            if len(signs) > _LONGEST_NUMBER:
                break
            behind = plain[runs[last - 1].end() : run.start()] if last > first and len(run[0]) == 1 else ""
            tail: Tail = "dashed" if "-" in behind else "apart" if behind else "joined"
            found.append((signs, parts, begin.start(), run.end(), tail))
    return found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST].translate(_DASHES).upper()

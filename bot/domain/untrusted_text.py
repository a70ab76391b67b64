"""Clean text of outsiders (names, titles, reviews) before it is put into our messages."""

import re
import unicodedata
from functools import lru_cache

NAME_MAX = 40  # characters; longer names are cut
ADDRESS_MAX = 80
MARKS_MAX = 4  # marks on one letter; more would cover the lines above

_JOINERS = "\u200c\u200d"  # Persian spelling and emoji families need them
_OPENS, _CLOSES = "\u2068", "\u2069"  # isolate a text of unknown direction
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_DOTS = str.maketrans(dict.fromkeys("\u3002\u06d4\u0701\u0702\ua4f8\u2024", "."))  # read as dots of a domain
_NO_NAME = re.compile(
    r"://|@|https?:|^[\d\s()+-]+$"
    r"|\bwww\b|\bcom\b"  # www evil com
    r"|\w[\s()\[\]{}]*\.[\s()\[\]{}]*(?:com|net|org|info|shop|xyz|top|cn|ru)\b"  # evil (.) com
    r"|\w\.[^\W\d_]{2}|\w\.xn--"  # evil.example
    r"|\d+\.\d+\.\d+"
    r"|(?:\d[\s()./-]*){7}",  # a number to call, or of an account
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:\b[a-z][a-z0-9+.-]{0,20})?:/{2,}|\b[a-z][a-z0-9+.-]{0,20}:/", re.IGNORECASE)
_DOMAIN_DOT = re.compile(r"(?<=\w)[.\uff0e](?=[^\W\d_]{2}|xn--)", re.IGNORECASE)
_LEADER = "\u2024"  # looks like a dot, and no mail or chat program makes a link of it
_ENDS_BEFORE = "\u200d\ufe0e\ufe0f\u20e3\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_CUT = "…"


def friendly_name(name: str | None) -> str | None:
    """The name to greet a buyer by; None if it is empty, or an address or a number stands in it.

    Strangers put links into name fields so that shops mail them on.
    """
    return _friendly(name[: 8 * NAME_MAX]) if name else None


@lru_cache(maxsize=4096)
def _friendly(name: str) -> str | None:
    return None if _NO_NAME.search(_as_read(name)) else quote(name, NAME_MAX)


def _as_read(name: str) -> str:
    """The name as programs read it that look for links: without what is not seen, and dots as dots."""
    plain = unicodedata.normalize("NFKC", name)
    return "".join(each for each in plain if unicodedata.category(each) != "Cf").translate(_DOTS)


def quote_unlinked(text: str | None, at_most: int) -> str | None:
    """`quote`, for mail and chat: a web or mail address in it stays readable, and becomes no link."""
    line = quote(text, at_most)
    return _DOMAIN_DOT.sub(_LEADER, _SCHEME.sub("", line)) or None if line else None


def called(name: str | None, *addresses: str | None) -> str | None:
    """The buyer of a case for the seller: name and the first known address; None if neither is."""
    address = next((address for address in addresses if address), None)
    known = (quote_unlinked(name, NAME_MAX), quote(address, ADDRESS_MAX))
    return " · ".join(word for word in known if word) or None


def quote(text: str | None, at_most: int) -> str | None:
    """One line of at most `at_most` characters, without control characters; None if it has no letters."""
    return _quote(text[: 4 * at_most], at_most) if text else None


@lru_cache(maxsize=4096)
def _quote(text: str, at_most: int) -> str | None:
    line = _clip(" ".join("".join(_letters(text)).split()), at_most)
    if not any(unicodedata.category(letter)[0] in "LNPS" for letter in line):
        return None
    return f"{_OPENS}{line}{_CLOSES}" if _RIGHT_TO_LEFT.search(line) else line


def _letters(text: str) -> list[str]:
    """Leave out control, override and unpaired characters, and marks over MARKS_MAX on one letter."""
    kept: list[str] = []
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        if letter in _JOINERS:
            kept.append(letter)
        elif category[0] == "Z" or letter in "\t\r\n":
            kept.append(" ")
        elif category[0] != "C":
            marks = marks + 1 if category[0] == "M" else 0
            if marks <= MARKS_MAX:
                kept.append(letter)
    return kept


def _clip(line: str, at_most: int) -> str:
    """Cut between graphemes, if one ends in the second half of `at_most`."""
    if len(line) <= at_most:
        return line
    end = at_most - 1
    while end > at_most // 2 and _joined(line, end):
        end -= 1
    return line[:end].rstrip() + _CUT


def _joined(line: str, at: int) -> bool:
    after, before = line[at], line[at - 1]
    if after in _ENDS_BEFORE or before == "\u200d" or unicodedata.category(after)[0] == "M":
        return True
    flags = re.search("[\U0001f1e6-\U0001f1ff]*$", line[:at])  # flags are pairs of letters
    return bool(flags and len(flags[0]) % 2 and "\U0001f1e6" <= after <= "\U0001f1ff")

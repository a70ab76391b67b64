"""Which size a buyer asks for, and whether an item comes in it."""

import re

from handlers.normalise import normalise

_LETTERS = re.compile(r"(?<![a-z0-9'])(x{0,3}[sml]|[2-6]xl|xxxxl)(?![a-z0-9'])")
_NUMBER = re.compile(r"\bsize (\d{2})\b|(?<!\d)(\d{2})(?:码|号)|(?:码|号)(\d{2})(?!\d)")
_RANGE = re.compile(r"(?<!\d)(\d{2})(?: ?[-–~至到] ?(\d{2}))?(?!\d)")
_SAME = {"2xl": "xxl", "3xl": "xxxl", "4xl": "xxxxl"}


def named_in(text: str) -> str | None:
    """The size, if a text names one: XL, 38."""
    plain = normalise(text)
    found = {each[1] for each in _LETTERS.finditer(plain)}
    if len(found) == 1:
        return found.pop().upper()
    number = _NUMBER.search(plain)
    return next((each for each in number.groups() if each), None) if number and not found else None


def has(sizes: str, wanted: str) -> bool | None:
    """Whether an item with these sizes, as the shop words them, comes in one; None if that cannot be said."""
    plain = normalise(sizes)
    if wanted.isdigit():
        spans = [(int(each[1]), int(each[2] or each[1])) for each in _RANGE.finditer(plain)]
        return any(low <= int(wanted) <= high for low, high in spans) if spans else None
    listed = {_one(each[1]) for each in _LETTERS.finditer(plain)}
    return _one(wanted.casefold()) in listed if listed else None


def _one(size: str) -> str:
    return _SAME.get(size, size)

"""Numbers as people write them: 1,299.50 and 1.299,50, 两 and 二十五, two and a dozen."""

import re
from decimal import Decimal

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2, "〇": 0}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE = re.compile(
    r"[零〇一二两兩三四五六七八九十百千]{1,9}(?=[个個件套盒罐条條只隻双雙瓶包斤份箱元块塊]|包邮|包郵)"
)
_WORDS = {
    word: value
    for value, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=2
    )
} | {"both": 2, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "a dozen": 12}
_ENGLISH = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_LAST_GROUP = re.compile(r"[.,](\d{1,3})$")


def number_of(written: str) -> Decimal:
    """The number that digits with points and commas mean: a last group of three digits is no fraction."""
    last = _LAST_GROUP.search(written)
    whole = re.sub(r"[.,]", "", written[: last.start()] if last else written)
    if last is None:
        return Decimal(whole)
    return Decimal(f"{whole}{last[1]}") if len(last[1]) == 3 else Decimal(f"{whole}.{last[1]}")


def numerals_written_out(text: str) -> str:
    """The text with digits for the number words that stand before what is counted."""
    text = _CHINESE.sub(_apart, text)
    return _ENGLISH.sub(lambda found: str(_WORDS[found[0].casefold()]), text)


def _apart(found: re.Match[str]) -> str:
    """The digits; after other digits apart from them, since 100两个 is two for 100."""
    space = " " if found.string[: found.start()][-1:].isdigit() else ""
    return f"{space}{_chinese(found[0])}"


def _chinese(written: str) -> int:
    """一百二十 is 120; digits without units are read one after the other, as 三五 is 35."""
    if not any(sign in _UNITS for sign in written):
        return int("".join(str(_DIGITS[sign]) for sign in written))
    total, digit = 0, 0
    for sign in written:
        if sign in _UNITS:
            total += (digit or 1) * _UNITS[sign]
            digit = 0
        else:
            digit = _DIGITS[sign]
    return total + digit

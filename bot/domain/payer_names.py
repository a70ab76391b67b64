"""Names of payers as banks write them, compared with those of buyers."""

import re
import unicodedata
from functools import lru_cache

_TITLES = frozenset(["MR", "MRS", "MS", "MISS", "DR", "PROF", "MX", "SIR", "MADAM", "HERR", "FRAU"])
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[㐀-䶿一-鿿]+")
_RESPECT = re.compile(r"(先生|女士|小姐|同学)$")


@lru_cache(maxsize=65536)
def words(name: str) -> frozenset[str]:
    """What a name is made of, without titles: "MR BAKER, Ann" and "Ann Baker" are the same words.

    Empty for what is no whole name, and so cannot be compared: one word only, or masked (王**, A*** B***).
    """
    text = unicodedata.normalize("NFKC", name).upper()
    if "*" in text:
        return frozenset()
    han = "".join(_HAN.findall(text))
    if han:
        han = _RESPECT.sub("", han)
        return frozenset((han,)) if len(han) >= 2 else frozenset()
    found = [word for word in _WORD.findall(text) if word not in _TITLES]
    return frozenset(found) if sum(len(word) > 1 for word in found) >= 2 else frozenset()


def same(one: str, other: str) -> bool:
    mine = words(one)
    return bool(mine) and mine == words(other)


def named_in(name: str, text: str) -> bool:
    """Whether a whole name stands in a text that says more: "ZELLE PAYMENT FROM ANN BAKER 5521"."""
    wanted = words(name)
    if not wanted or "*" in name:
        return False
    plain = unicodedata.normalize("NFKC", text).upper()
    if any(_HAN.fullmatch(word) for word in wanted):
        return not wanted.isdisjoint(_RESPECT.sub("", found) for found in _HAN.findall(plain))
    said = [word for word in _WORD.findall(plain) if word not in _TITLES]
    count = len(wanted)
    return any(frozenset(said[at : at + count]) == wanted for at in range(len(said) - count + 1))

"""How a buyer is addressed: by the first name, or as the shop's setting says."""

import re

_CHINESE = re.compile("[\u3400-\u9fff]{3,4}")
_TWO_LETTER_FAMILIES = (
    "欧阳",
    "歐陽",
    "上官",
    "司马",
    "司馬",
    "诸葛",
    "諸葛",
    "司徒",
    "东方",
    "東方",
    "皇甫",
    "尉迟",
    "尉遲",
)
_LATIN = re.compile(r"[^\W\d_a-z][^\W\d_]+(?:['’-][^\W\d_]+)*")  # a capital and more, as in "Ann", "Jean-Luc"
_NOT_LATIN = re.compile("[^\u0000-\u024f\u1e00-\u1eff\u2018\u2019]")
_TITLES = frozenset(("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam", "frau", "herr"))
NAME = "{name}"
WITHOUT_NAME = "亲"


def first_name(name: str | None) -> str | None:
    """The first of several names in Latin letters, as platforms join them; any other name as it is."""
    if not name or _NOT_LATIN.search(name) or "," in name:
        return name
    first, *others = name.split()
    fits = others and _LATIN.fullmatch(first) and first.casefold() not in _TITLES
    return first if fits else name


def given_name(name: str | None) -> str | None:
    """What friends would call them in Chinese: the name without the family's; None if that is not clear."""
    if not name:
        return None
    if _CHINESE.fullmatch(name):
        family = 2 if name.startswith(_TWO_LETTER_FAMILIES) or len(name) == 4 else 1
        return name[family:] if len(name) - family == 2 else None
    return first_name(name) if re.search("[A-Za-z]", name) else None


def addressed_as(greeting: str, name: str | None) -> str:
    """The words of the shop's setting; without a name, what is left of them."""
    if NAME not in greeting:
        return greeting
    given = given_name(name)
    return greeting.replace(NAME, given) if given else greeting.replace(NAME, "").strip() or WITHOUT_NAME

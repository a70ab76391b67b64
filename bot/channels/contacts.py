"""Normalise buyers' names, phones, mail addresses, locales and time zones; None for what is not one."""

import re
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]+")
_DIGITS = re.compile("[0-9]{8,15}")
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?")
_LONGEST_PHONE = 40  # with spaces, brackets and an extension
_LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3
_LONGEST_LOCALE = 20
_FAMILY_FIRST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af]+")
_CHINESE = {"Hans": "zh-CN", "Hant": "zh-TW"}


def full_name(first: str | None, last: str | None) -> str | None:
    """Join a name as its owner writes it: in Chinese, Japanese and Korean family name first, no space."""
    parts = [part.strip() for part in (first, last) if part and part.strip()]
    if len(parts) == 2 and all(_FAMILY_FIRST.fullmatch(part) for part in parts):
        return parts[1] + parts[0]
    return " ".join(parts) or None


def phone(text: Any, region: str) -> str | None:
    """Normalise to E.164, or to digits alone if no country is known in which they are a number.

    region: the country (ISO 3166) of a number written without one. What a buyer typed at a checkout proves
    their order by its digits, so a number that no directory knows is kept as well.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str) or not text or len(text) > _LONGEST_PHONE:
        return None
    if _E164.fullmatch(text):
        return text  # not looked up, because that takes 20 µs
    return _phone(text, region)


@lru_cache(maxsize=8192)
def _phone(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    digits = phonenumbers.normalize_digits_only(text)
    if len(set(digits)) == 1:  # a form was to be got past: 0000000000
        return None
    if phonenumbers.is_possible_number(number):
        written: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return written
    return str(digits) if _DIGITS.fullmatch(digits) and "+" not in text else None


def email(text: Any) -> str | None:
    """Strip a mail address; None if it cannot be one."""
    if not isinstance(text, str):
        return None
    address: str = text.strip()
    if len(address) > _LONGEST_EMAIL or not address.isprintable() or not _EMAIL.fullmatch(address):
        return None
    return address


def locale(text: Any) -> str | None:
    """Normalise to BCP 47 as our templates are named: zh-Hans, zh_CN and zh are zh-CN, pt-br is pt-BR."""
    return _locale(text) if isinstance(text, str) and len(text) <= _LONGEST_LOCALE else None


@lru_cache(maxsize=1024)
def _locale(text: str) -> str | None:
    match = _LOCALE.fullmatch(text.strip())
    if match is None:
        return None
    language, script, region = match[1].lower(), (match[2] or "").title(), (match[3] or "").upper()
    if language != "zh":
        return "-".join(part for part in (language, script, region) if part)
    if script in _CHINESE:
        return _CHINESE[script]
    return "zh-TW" if region in ("TW", "HK", "MO") else "zh-CN"


def timezone(text: Any) -> str | None:
    """The name if it is in the time zone database (IANA)."""
    return text if isinstance(text, str) and 0 < len(text) <= 64 and _is_zone(text) else None


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True

"""Which of our languages an operator reads."""

import re
from collections.abc import Mapping

from bot.domain.shop import LOCALES
from bot.texts.catalogue import locale_chain


def nearest_language(locale: str) -> str:
    """The one of LOCALES that a reader of `locale` understands best; English if none is near."""
    return next(known for known in locale_chain(locale) if known in LOCALES)


def system_language(environ: Mapping[str, str]) -> str:
    """One of LOCALES: from XIAOER_LANG, else from the system's locale (LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("XIAOER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if given := re.split(r"[.@]", environ.get(name, ""), maxsplit=1)[0]:  # zh_TW.UTF-8
            return nearest_language(given)
    return "en"

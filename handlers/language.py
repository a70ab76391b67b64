"""Which of our languages a message is written in, by its words, so that the answer comes in the same one."""

import re
from functools import lru_cache

from handlers.normalise import FOLD, LONGEST

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_OTHER = re.compile(
    r"[\u0370-\u0fff\u1100-\u11ff\u3040-\u30ff\uac00-\ud7af]"
)  # Greek to Tibetan, kana, Hangul
_NO_WORDS = re.compile(r"https?://\S+|\S+@\S+|\b(?=\w*\d)\w+", re.ASCII)
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")

# Characters of one script only. Some that folding replaces, or puts in place of others, are written in both.
_IN_BOTH = frozenset("里后系余干面着台准几号才只于与你什注嘛寄帐甚著")
TRADITIONAL = frozenset(chr(sign) for sign in FOLD) - _IN_BOTH
SIMPLIFIED = (
    frozenset(FOLD[sign] if isinstance(FOLD[sign], str) else chr(FOLD[sign]) for sign in FOLD)
    - _IN_BOTH
    - TRADITIONAL
)

# Words that English has, and none of its neighbours. Commands that buyers of every language type, such as
# STOP, tell nothing.
ENGLISH = frozenset(
    [
        "the",
        "my",
        "where",
        "when",
        "have",
        "has",
        "you",
        "your",
        "order",
        "please",
        "thanks",
        "thank",
        "hello",
        "hi",
        "hey",
        "it",
        "and",
        "what",
        "how",
        "why",
        "this",
        "that",
        "can",
        "could",
        "would",
        "not",
        "don't",
        "i",
        "i'm",
        "i've",
        "it's",
        "is",
        "isn't",
        "haven't",
        "hasn't",
        "didn't",
        "want",
        "need",
        "person",
        "human",
        "agent",
        "someone",
        "somebody",
        "paid",
        "pay",
        "payment",
        "package",
        "parcel",
        "delivery",
        "delivered",
        "arrived",
        "arrive",
        "shipping",
        "ship",
        "shipped",
        "tracking",
        "track",
        "yet",
        "still",
        "for",
        "of",
        "to",
        "are",
        "been",
        "with",
        "get",
        "got",
        "talk",
        "speak",
        "refund",
        "there",
        "anyone",
        "anybody",
        "pressing",
        "rush",
        "reminding",
        "about",
        "did",
        "does",
        "do",
        "rushing",
        "hurry",
        "good",
        "morning",
        "evening",
        "afternoon",
    ]
)
SHARE = 3  # at least one word in so many is English


def language_of(text: str, buyers: str | None, shops: str) -> str | None:
    """The locale to answer in; None: the buyer's own, because the message shows no other that we have.

    buyers, shops: their locales, which decide what the message leaves open (the script of 你好, the region).
    """
    near = written_in(text, buyers, shops)
    return None if near == (buyers or shops) else near


def written_in(text: str, buyers: str | None, shops: str) -> str | None:
    """The locale that a message is written in; None if it shows none that we have."""
    written = _written(text[:LONGEST])
    readers = [locale for locale in (buyers, shops) if locale]
    if written is None:
        return None
    if written == "zh":
        return next((locale for locale in readers if locale.startswith("zh")), "zh-CN")
    return next((locale for locale in readers if _ours(locale) == written), written)


def in_letters(text: str) -> bool:
    """True for several words, none of them Chinese."""
    plain = _NO_WORDS.sub(" ", text[:LONGEST])
    return not _HAN.search(plain) and len(_WORD.findall(plain)) > 1


@lru_cache(maxsize=512)  # asked for each answer to a message, and when the talk is kept
def _written(text: str) -> str | None:
    """zh-CN, zh-TW, zh if it may be either, en, or None."""
    if _OTHER.search(text):
        return None
    if _HAN.search(text):
        old, new = (sum(sign in script for sign in text) for script in (TRADITIONAL, SIMPLIFIED))
        return "zh" if old == new else "zh-TW" if old > new else "zh-CN"
    words = _WORD.findall(_NO_WORDS.sub(" ", text.casefold().replace("\u2019", "'")))
    english = sum(word in ENGLISH for word in words)
    return "en" if english and english * SHARE >= len(words) else None


def _ours(locale: str) -> str:
    """The language and script of a locale, as `_written` names them."""
    parts = locale.casefold().replace("_", "-").split("-")
    if parts[0] == "zh":
        return "zh-TW" if {"hant", "tw", "hk", "mo"} & set(parts) else "zh-CN"
    return parts[0]

"""Takes a message apart where it may say a second thing, and tells a follow-up from a question of its own."""

import re

MOST = 5  # clauses of a message that are looked at
SHORTEST = 2  # characters of a clause

_BREAK = re.compile(
    r"[。！？!?;；\n…~～]+|[，、]|,(?!\d)|\.(?:\s+|$)|(?<=\w) (?:but|also|and also|plus|by the way|btw)(?= )"
    r"|(?<=\w) and(?= )|(?<=[\u3400-\u9fff]) +(?=[\u3400-\u9fff])"
    r"|但是?|不过|不過|另外|顺便|順便|对了|對了"
)
_FOLLOW_UP = re.compile(
    r"(?:那|那么|那麼|这|這)?[^,，。?？!]{1,10}呢[?？]?"
    r"|(?:and|or|what about|how about|and what about|and how about)\b[^.!?\d]{1,40}\??",
    re.IGNORECASE,
)

# A clause that asks or wants something, so that it is a wish of its own whatever stands beside it.
_ASKS = re.compile(
    r"(?:(?:and|also|so|or|then|but|hi|hello|please) )*(?:how|what|when|where|which|who|do|does|is|are"
    r"|can|could|may|will|would|i (?:want|need|would like)|i'd like)\b"
    r"|.*(?:[吗嗎么麼嘛呢几幾哪谁誰]|多少|多久|什|怎|何|能不能|有没有|有沒有|可不可以)|(?:我|我们|我們)?(?:想|要)",
    re.IGNORECASE,
)


def asks_something(clause: str) -> bool:
    return _ASKS.match(clause) is not None


def clauses_of(text: str) -> tuple[str, ...]:
    """The clauses of a text, at most MOST; empty if it has only one."""
    parts = (part.strip() for part in _BREAK.split(text))
    clauses = [part for part in parts if len(part) >= SHORTEST]
    return tuple(clauses[:MOST]) if len(clauses) > 1 else ()


def is_follow_up(text: str) -> bool:
    """True for words that ask the last question again of something else: 那黑色呢？, and the other one?"""
    return len(text) <= 60 and _FOLLOW_UP.fullmatch(text.strip()) is not None

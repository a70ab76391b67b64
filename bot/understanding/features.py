"""What a text is compared by: its words and their inner characters, Chinese characters and their pairs."""

import re
from collections import Counter
from itertools import pairwise

from bot.understanding.folding import NAMES, comparable

SHORTEST, INNER_LONGEST = 2, 5  # characters of the pieces of a word
WORD_LONGEST = 24  # characters of a word that are read

_PIECE = re.compile(r"[^\W\d_\u3400-\u9fff\ue000-\uf8ff]+|[\u3400-\u9fff]|[\ue000-\ue004]|[?!]")
_HAN = re.compile(r"[\u3400-\u9fff]")

Counts = Counter[str]


def features_of(text: str) -> tuple[Counts, Counts]:
    """Count the words (and pairs of words or characters), and the pieces (inner characters, single ones)."""
    pieces = _PIECE.findall(comparable(text))
    words, inner = Counts(), Counts()
    for piece in pieces:
        if len(piece) > 1 or piece.isascii():
            words[piece] += 1
            inner.update(_inner(piece))
        else:
            inner[piece] += 1
            if piece in NAMES:
                words[piece] += 1
    words.update(f"{first} {second}" for first, second in pairwise(pieces))
    return words, inner


def shown(feature: str) -> str:
    """The feature as people read it."""
    joined = "".join(NAMES.get(sign, sign) for sign in feature.strip("_"))
    return joined.replace(" ", "") if _HAN.search(joined) else joined


def _inner(word: str) -> list[str]:
    """The parts of a word of 2 to 5 characters, its edges marked."""
    marked = f"_{word[:WORD_LONGEST]}_"
    return [
        marked[start : start + length]
        for length in range(SHORTEST, INNER_LONGEST + 1)
        for start in range(len(marked) - length + 1)
    ]

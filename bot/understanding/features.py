"""What a text is compared by: its words and their inner characters, Chinese characters and their pairs."""

import re
from collections import Counter
from itertools import pairwise

from bot.understanding.folding import NAMES, comparable

SHORTEST, LONGEST = 2, 5  # characters of the inner parts of a word
WORD_LONGEST = 24  # characters of a word that are read

_PIECE = re.compile(
    r"[^\W\d_\u3400-\u9fff\ue000-\uf8ff]+|[\u3400-\u9fff]|[\ue000-\ue004]|[?!]"
    r"|[\u2600-\u27bf\U0001f300-\U0001faff]"  # emoji
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_EDGE = "_"  # of a word, in its inner parts


def features_of(text: str) -> Counter[str]:
    """Count words and their inner parts, single Chinese characters, and pairs of neighbours."""
    pieces = _PIECE.findall(comparable(text))
    found = Counter(pieces)
    for piece in pieces:
        if len(piece) > 1 or (piece.isalpha() and piece.isascii()):
            found.update(_inner(piece))
    found.update(f"{first} {second}" for first, second in pairwise(pieces))
    return found


def shown(feature: str) -> str:
    """The feature as people read it: parts of words with … where the word goes on."""
    if _HAN.search(feature) and len(feature) < 4:
        feature = feature.replace(" ", "")
    if " " not in feature and (feature.startswith(_EDGE) or feature.endswith(_EDGE)):
        return feature.strip(_EDGE)
    return "".join(NAMES.get(sign, sign) for sign in feature)


def _inner(word: str) -> list[str]:
    """The parts of a word of 2 to 5 characters, its edges marked."""
    marked = f"{_EDGE}{word[:WORD_LONGEST]}{_EDGE}"
    return [
        marked[start : start + length]
        for length in range(SHORTEST, LONGEST + 1)
        for start in range(len(marked) - length + 1)
    ]

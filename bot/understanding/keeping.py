"""Keeps learned models in a folder, each by a hash of what it was learned from. Reading one runs no code."""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bot.understanding.examples import Example
from bot.understanding.model import KEPT, Encoder, Learned, Model
from bot.understanding.vocabulary import Vocabulary

FORMAT = 3  # raised with every change of what is learned, or of how texts are taken apart
MOST_KEPT = 5  # models in the folder; older ones are deleted

_ARRAYS = (*("weights", "bias", "rows", "values", "ends", "vectors", "vector_weights", "sureness", "right"),)
_SHORT = ("weights", "values", "vectors", "vector_weights")
_RARITY, _TEXTS = "rarity", "texts"


def key_of(examples: Sequence[Example], vectors: str | None = None) -> str:
    """The name under which a model of these examples is kept. vectors: the version of the encoder."""
    sentences = sorted({(each.intent, each.text) for each in examples})
    content = json.dumps([FORMAT, vectors, sentences], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def keep(folder: Path, key: str, model: Model) -> Path:
    """Write a model so that it is there whole or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    learned = model.learned
    texts = {
        "intents": learned.intents,
        "temperature": learned.temperature,
        "vector_share": learned.vector_share,
        "accuracy": learned.accuracy,
        "features": model.vocabulary.features,
        "examples": [(each.intent, each.text) for each in model.examples],
    }
    written = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    arrays: dict[str, Any] = {name: getattr(learned, name) for name in _ARRAYS}
    arrays |= {name: arrays[name].astype(KEPT) for name in _SHORT}
    arrays |= {_RARITY: model.vocabulary.rarity, _TEXTS: written}
    path = folder / f"{key}.npz"
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
        try:
            np.savez_compressed(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    _forget(folder, path)
    return path


def kept(folder: Path, key: str, encode: Encoder | None = None) -> Model | None:
    """Read a model; None if there is none, or if it cannot be read and has to be learned anew."""
    try:
        with np.load(folder / f"{key}.npz", allow_pickle=False) as file:
            return _model(file, encode)
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile, msgspec.ValidationError):
        return None


def _model(file: Any, encode: Encoder | None) -> Model:
    texts = json.loads(bytes(file[_TEXTS]))
    learned = Learned(
        intents=tuple(texts["intents"]),
        temperature=float(texts["temperature"]),
        vector_share=float(texts["vector_share"]),
        accuracy=float(texts["accuracy"]),
        **{name: file[name].astype(np.float32) if name in _SHORT else file[name] for name in _ARRAYS},
    )
    examples = [Example(text, intent) for intent, text in texts["examples"]]
    vocabulary = Vocabulary(texts["features"], file[_RARITY])
    if learned.weights.shape != (len(vocabulary), len(learned.intents)):
        raise ValueError("weights of other features or intents")
    return Model(vocabulary, examples, learned, encode)


def _forget(folder: Path, newest: Path) -> None:
    """Delete the oldest models, as one is written for every change of a seller's file."""
    found = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [path for path in found if path != newest][MOST_KEPT - 1 :]:
        path.unlink(missing_ok=True)

"""make bench-understanding: how well, how fast and at what cost messages are understood.

The training parts of the public sets are split here, by a fixed seed; what is measured was not learned from.
Sets are tab-separated files <name>_train.tsv with a header, a text and its label.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Annotated

import msgspec
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from bot.understanding.examples import Example, starters
from bot.understanding.keeping import keep, kept
from bot.understanding.model import Encoder, Floats, Model
from bot.understanding.training import train
from bot.understanding.understand import understand
from bot.understanding.vectors import encoder

SETS = ("hint3_curekart", "hint3_sofmattress", "jddc123", "banking77")
SIZES: tuple[int | None, ...] = (5, 10, 20, None)  # examples of an intent; None: all that are not judged by
JUDGED = 0.25  # of each intent
UNKNOWN = 0.2  # of the intents, which are not learned when known is to be told from unknown
MOST_LEARNED, MOST_JUDGED = 3000, 1000  # examples, so that a run ends within minutes
SEEDS = (0, 1, 2)

Rows = list[Example]


class Split(msgspec.Struct):
    """`unknown`: rows of intents of which none was learned."""

    learned: Rows
    judged: Rows
    unknown: Rows


class Remembering:
    """An encoder that keeps what it encoded, since the same rows come with each seed and size."""

    def __init__(self, encode: Encoder) -> None:
        self._encode, self._known = encode, dict[str, Floats]()

    def __call__(self, texts: Sequence[str]) -> Floats:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._encode(new), strict=True) if new else ())
        return np.stack([self._known[text] for text in texts])


def main(
    data: Annotated[Path, typer.Argument(help="The folder with the sets.")],
    only: Annotated[list[str] | None, typer.Option(help="A set; may be repeated.")] = None,
    seeds: Annotated[int, typer.Option(help="How many splits the figures are the means of.")] = len(SEEDS),
) -> None:
    """Measure with and without sentence vectors, where they are installed, and print the tables."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    found = encoder()
    encoders: dict[str, Encoder | None] = {"features": None}
    if found is not None:
        encoders["with sentence vectors"] = Remembering(found)
    else:
        console.print("The extra xiaoer[understanding] is not installed: measured without sentence vectors.")
    for name in only or SETS:
        rows = read(data / f"{name}_train.tsv")
        table = Table("", *(f"{size or 'all'} an intent" for size in SIZES), "AUROC", title=name)
        for kind, encode in encoders.items():
            figures = [accuracy(rows, size, encode, SEEDS[:seeds]) for size in SIZES]
            known = auroc_of(rows, encode, SEEDS[:seeds])
            table.add_row(kind, *(f"{figure:.1%}" for figure in figures), f"{known:.1%}")
        console.print(table)
    console.print(costs(found))


def read(path: Path) -> Rows:
    lines = path.read_text("utf-8").splitlines()[1:]
    return [Example(text, label) for text, label, *_ in (line.split("\t") for line in lines)]


def split(rows: Rows, size: int | None, seed: int, unknown: float = 0.0) -> Split:
    """Part the rows of each intent into learned and judged; all of a share of intents are unknown."""
    chance = random.Random(seed)
    by_intent: defaultdict[str, Rows] = defaultdict(list)
    for row in rows:
        by_intent[row.intent].append(row)
    intents = sorted(by_intent)
    chance.shuffle(intents)
    left_out = set(intents[: int(unknown * len(intents))])
    most = size or max(1, MOST_LEARNED // len(intents))
    parts = Split([], [], [row for intent in sorted(left_out) for row in by_intent[intent]])
    for intent in sorted(set(intents) - left_out):
        own = by_intent[intent]
        chance.shuffle(own)
        judged = max(1, int(len(own) * JUDGED))
        parts.judged += own[:judged]
        parts.learned += own[judged:][:most]
    chance.shuffle(parts.judged)
    chance.shuffle(parts.unknown)
    return Split(parts.learned, parts.judged[:MOST_JUDGED], parts.unknown[:MOST_JUDGED])


def accuracy(rows: Rows, size: int | None, encode: Encoder | None, seeds: Sequence[int]) -> float:
    """The share of judged rows whose likeliest intent is their own."""
    shares = list[float]()
    for seed in seeds:
        parts = split(rows, size, seed)
        model = train(parts.learned, encode)
        shares.append(mean(likeliest(model, row.text)[0] == row.intent for row in parts.judged))
    return mean(shares)


def auroc_of(rows: Rows, encode: Encoder | None, seeds: Sequence[int]) -> float:
    """How well the probability tells rows of learned intents from rows of intents that were not."""
    areas = list[float]()
    for seed in seeds:
        parts = split(rows, None, seed, UNKNOWN)
        model = train(parts.learned, encode)
        known = [likeliest(model, row.text)[1] for row in parts.judged]
        areas.append(auroc(known, [likeliest(model, row.text)[1] for row in parts.unknown]))
    return mean(areas)


def auroc(known: Sequence[float], unknown: Sequence[float]) -> float:
    """The chance that a known row scores above an unknown one; a tie counts half."""
    ordered = np.sort(np.array(unknown))
    below = np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")
    return float(below.mean() / (2 * len(unknown)))


def likeliest(model: Model, text: str) -> tuple[str, float]:
    probabilities = model.probabilities(model.scored(text).scores)
    best = int(probabilities.argmax())
    return model.intents[best], float(probabilities[best])


def costs(encode: Encoder | None) -> Table:
    """Time and memory with the starter set, and with 600 sentences of it."""
    table = Table(
        "", "learn", "learn 600", "read back", "message p50", "p99", "memory", title="the starter set"
    )
    examples = starters()
    for kind, using in {"features": None, **({"with sentence vectors": encode} if encode else {})}.items():
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            model = train(examples, using)
            learned = time.perf_counter()
            train(random.Random(0).sample(examples, 600), using)
            fewer = time.perf_counter()
            keep(Path(folder), "model", model)
            before = time.perf_counter()
            kept(Path(folder), "model", using)
            read_back = time.perf_counter() - before
            middle, slowest = latencies(model, examples)
            table.add_row(
                kind,
                *(f"{seconds:.2f} s" for seconds in (learned - started, fewer - learned, read_back)),
                *(f"{1000 * seconds:.2f} ms" for seconds in (middle, slowest)),
                f"{memory(Path(folder)):.0f} MB",
            )
    return table


def latencies(model: Model, examples: Sequence[Example]) -> tuple[float, float]:
    """The median and the 99th percentile of the time for one message, in seconds."""
    texts = [f"{first.text}, {second.text}" for first, second in pairwise(examples[::2])]
    times = list[float]()
    for text in texts:
        started = time.perf_counter()
        understand(model, text, "en")
        times.append(time.perf_counter() - started)
    return float(np.percentile(times, 50)), float(np.percentile(times, 99))


def memory(folder: Path) -> float:
    """What a program has more in memory, in MB, that reads the kept model and understands with it."""
    code = (
        "import sys, bot.domain.context, phonenumbers; from pathlib import Path\n"
        "now = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * 4096 / 1e6\n"
        "before = now()\n"
        "from bot.understanding import keeping, understand, vectors\n"
        "model = keeping.kept(Path(sys.argv[1]), 'model') or keeping.kept(\n"
        "    Path(sys.argv[1]), 'model', vectors.encoder())\n"
        "for text in ('where is my order 1001', '80包邮行不行', '什麼時候出貨') * 20:\n"
        "    understand.understand(model, text)\n"
        "print(now() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    typer.run(main)

"""How long the disk takes to keep a little: without it, figures of durability mean nothing."""

import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

PAGE = b"\0" * 4096
TIMES = 50


def sync_milliseconds(folder: Path) -> float:
    """The median time of appending a page and waiting until the disk has it."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(TIMES):
            started = perf_counter()
            file.write(PAGE)
            file.flush()
            os.fsync(file.fileno())
            times.append(perf_counter() - started)
    return median(times) * 1000

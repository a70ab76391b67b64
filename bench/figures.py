"""How much is measured, and what was found: a list of figures, one of each round."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from statistics import median

import msgspec

from bench.contenders import BARE, Contender
from bench.errors import CannotMeasure


class Size(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    intake: int  # deliveries at most to be stored in one measurement
    journeys: int  # deliveries at most to be seen through in one measurement
    span: float  # seconds that a measurement shall take; the slow are given less
    seconds: float  # of each measurement at a set rate
    connections: int
    drain: int  # reminders that are due
    drains: int  # rounds of draining

    def warm(self, most: int) -> int:
        """Deliveries before the first round, which tell how fast it is."""
        return max(1, most // 8)

    def spanned(self, most: int, rate: float) -> int:
        return max(1, min(most, int(rate * self.span)))

    def paced(self, rate: float) -> int:
        """Deliveries of a measurement at this rate."""
        return max(1, int(rate * self.seconds))


FULL = Size(
    rounds=3,
    intake=15_000,
    journeys=4_000,
    span=2.5,
    seconds=2.0,
    connections=256,
    drain=100_000,
    drains=1,
)
QUICK = Size(  # shows that it runs, no more
    rounds=1, intake=200, journeys=40, span=1.0, seconds=0.2, connections=8, drain=300, drains=1
)


class Figures:
    """By measure and contender: `rates` a second, `waits` in seconds."""

    def __init__(self) -> None:
        self.rates: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.waits: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.paces: dict[tuple[str, str], float] = {}  # at which the waits were measured
        self.megabytes: dict[tuple[str, str], float] = {}
        self.slices: defaultdict[str, list[float]] = defaultdict(list)  # of drainings
        self.first_after: defaultdict[str, list[float]] = defaultdict(
            list
        )  # seconds from start to first message
        self.effort: defaultdict[tuple[str, str], list[float]] = defaultdict(
            list
        )  # processor seconds for each
        self.drained: dict[str, int] = {}
        self.messages: dict[str, int] = {}  # different ones received from it
        self.doubles: dict[str, int] = {}
        self.absent: dict[str, str] = {}  # contenders that could not be measured, and why

    def rate(self, measure: str, name: str) -> float:
        return median(self.rates[measure, name])

    def half_rate(self, measure: str, name: str) -> float:
        """And remember that it was asked for."""
        self.paces[measure, name] = self.rate(measure, name) / 2
        return self.paces[measure, name]

    def ratios(self, measure: str, name: str, to: str = BARE.name) -> list[float]:
        """To another one in the same round."""
        pairs = zip(self.rates[measure, name], self.rates[measure, to], strict=True)
        return [rate / other for rate, other in pairs]

    @contextmanager
    def excused(self, contender: Contender) -> Iterator[None]:
        """A rival that fails is measured no further, and the table says why; our own failure is ours."""
        try:
            yield
        except CannotMeasure as why:
            if contender.ours or contender is BARE:
                raise
            self.absent[contender.name] = str(why)

    def here(self, contender: Contender) -> bool:
        return contender.name not in self.absent

    def weigh(self, measure: str, name: str, megabytes: float) -> None:
        self.megabytes[measure, name] = max(megabytes, self.megabytes.get((measure, name), 0.0))


def percentile(values: Sequence[float], percent: float) -> float:
    """The least of the values that so many percent of them do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]

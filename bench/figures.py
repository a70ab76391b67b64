"""How much is measured, and what was found: a list of figures, one of each round."""

from collections import defaultdict
from collections.abc import Sequence
from math import ceil
from statistics import median

import msgspec

BARE = "bare"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    intake: int  # deliveries to be stored in one measurement
    journeys: int  # deliveries to be seen through in one measurement
    seconds: float  # of each measurement at a set rate
    connections: int

    def paced(self, rate: float) -> int:
        """Deliveries of a measurement at this rate."""
        return max(1, int(rate * self.seconds))


FULL = Size(rounds=3, intake=15_000, journeys=3_000, seconds=2.0, connections=256)
QUICK = Size(rounds=1, intake=200, journeys=40, seconds=0.2, connections=8)  # shows that it runs, no more


class Figures:
    """By measure and server: `rates` in deliveries a second, `waits` for an answer in seconds."""

    def __init__(self) -> None:
        self.rates: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.waits: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.megabytes: dict[str, float] = {}  # the whole program's peak, by server
        self.messages: dict[str, int] = {}  # different ones received from it
        self.doubles: dict[str, int] = {}

    def rate(self, measure: str, server: str) -> float:
        return median(self.rates[measure, server])

    def half_rate(self, measure: str, server: str) -> float:
        return self.rate(measure, server) / 2

    def ratios(self, measure: str, server: str) -> list[float]:
        """To the bare server in the same round, under the same load."""
        pairs = zip(self.rates[measure, server], self.rates[measure, BARE], strict=True)
        return [rate / bare for rate, bare in pairs]


def percentile(values: Sequence[float], percent: float) -> float:
    """The least of the values that so many percent of them do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]

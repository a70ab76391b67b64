"""How much is measured, and what was found: a list of figures, one of each round."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from statistics import median

import msgspec

from bench.contenders import BARE, Contender
from bench.errors import CannotMeasure
from bench.weighing import Effort

Of = tuple[str, str]  # a measure, and a contender's name


class Size(msgspec.Struct, frozen=True, kw_only=True):
    rounds: int
    intake: int  # deliveries at most to be stored in one measurement
    journeys: int  # deliveries at most to be seen through in one measurement
    span: float  # seconds that a measurement shall take; the slow are given less
    seconds: float  # of each measurement at a set rate
    connections: int
    drain: int  # reminders that are due
    drain_least: int  # of them for the slowest
    drains: int  # rounds of draining
    shops: int  # in one program, against one shop
    more_shops: int  # for a claim that finds nothing
    shop_rounds: int
    idle: float  # seconds

    def warm(self, most: int) -> int:
        """Deliveries before the first round, which tell how fast it is."""
        return max(1, most // 8)

    def spanned(self, most: int, rate: float) -> int:
        return max(1, min(most, int(rate * self.span)))

    def paced(self, rate: float) -> int:
        """Deliveries of a measurement at this rate."""
        return max(1, int(rate * self.seconds))

    def drained(self, part: float) -> int:
        """Reminders for who is given this part of all."""
        return max(int(self.drain * part), self.drain_least)


FULL = Size(
    rounds=3,
    intake=15_000,
    journeys=4_000,
    span=2.5,
    seconds=2.0,
    connections=256,
    drain=100_000,
    drain_least=2_000,
    drains=1,
    shops=1_000,
    more_shops=10_000,
    shop_rounds=3,
    idle=20.0,
)
QUICK = msgspec.structs.replace(
    FULL, rounds=2, journeys=3_000, span=1.5, seconds=1.0, drain=20_000, shop_rounds=1, idle=10.0
)
TRIAL = Size(  # shows that it runs, no more
    rounds=1,
    intake=200,
    journeys=40,
    span=1.0,
    seconds=0.2,
    connections=8,
    drain=300,
    drain_least=30,
    drains=1,
    shops=5,
    more_shops=10,
    shop_rounds=1,
    idle=0.5,
)


class Figures:
    """By measure and contender: `rates` a second, `waits` in seconds, `efforts` for each message."""

    def __init__(self) -> None:
        self.rates: defaultdict[Of, list[float]] = defaultdict(list)
        self.waits: defaultdict[Of, list[float]] = defaultdict(list)
        self.efforts: defaultdict[Of, list[Effort]] = defaultdict(list)
        self.megabytes: dict[Of, float] = {}
        self.drained: dict[str, int] = {}
        self.messages: dict[str, int] = {}  # different ones received from it
        self.absent: dict[str, str] = {}  # contenders that could not be measured, and why

    def rate(self, measure: str, name: str) -> float:
        return median(self.rates[measure, name])

    def effort(self, measure: str, name: str) -> Effort:
        efforts = self.efforts[measure, name]
        return Effort(median(each.program for each in efforts), median(each.store for each in efforts))

    def times(self, one: Of, other: Of) -> float | None:
        """One's processor time as times the other's, each with its store's; None if one was not measured.

        In the same round, where they were measured in turns.
        """
        ones, others = ([each.total for each in self.efforts[of]] for of in (one, other))
        if not ones or not others or min(others) <= 0:  # less than a tick, or a system that does not tell
            return None
        if len(ones) != len(others):
            return median(ones) / median(others)
        return median(each / beside for each, beside in zip(ones, others, strict=True))

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

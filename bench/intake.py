"""Intake: distinct deliveries, proved, parsed, kept and answered, while nobody works on them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from bench.contenders import INTAKE, Contender
from bench.deliveries import Numbers, foreign, placed
from bench.errors import CannotMeasure
from bench.figures import Figures, Size
from bench.load import Answers, drive
from bench.servers import NOWHERE, Server, prepare, standing
from bench.stores import Stores
from bench.weighing import Scales, megabytes


class Door:
    """A contender's, open; it knows how many deliveries it acknowledged."""

    def __init__(self, contender: Contender, server: Server, store: str) -> None:
        self.contender = contender
        self.server = server
        self.store = store
        self.acknowledged = 0
        self.warm = 0.0  # deliveries a second in its first trial


class Intake:
    """All doors stand open at once and are asked in turns."""

    def __init__(self, stores: Stores, size: Size, figures: Figures, step: Callable[[str], None]) -> None:
        self._stores = stores
        self._size = size
        self._figures = figures
        self._step = step
        self._numbers = Numbers()

    @staticmethod
    def steps(contenders: Sequence[Contender], size: Size) -> int:
        return len(contenders) * (1 + 2 * size.rounds)

    async def measure(self, contenders: Sequence[Contender]) -> None:
        with contextlib.ExitStack() as running:
            doors = list[Door]()
            for contender in contenders:
                with self._figures.excused(contender):
                    doors.append(self._open(contender, running))
            await self._in_turn(doors, self._warm_up)
            for _ in range(self._size.rounds):
                await self._in_turn(doors, self._as_fast_as_it_can)
            for _ in range(self._size.rounds):
                await self._in_turn(doors, self._at_half_of_that)
            await self._in_turn(doors, self._prove)

    async def _in_turn(self, doors: Sequence[Door], measure: Callable[[Door], Awaitable[None]]) -> None:
        for door in doors:
            if self._figures.here(door.contender):
                with self._figures.excused(door.contender):
                    await measure(door)

    async def _warm_up(self, door: Door) -> None:
        count = self._size.warm(self._size.intake)
        answers = await self._ask(door, self._requests(door, count))
        door.warm = count / answers.seconds

    async def _as_fast_as_it_can(self, door: Door) -> None:
        count = self._size.spanned(self._size.intake, door.warm)
        requests = self._requests(door, count)
        scales = Scales(door.server.processes, self._stores.processes(door.store))
        answers = await self._ask(door, requests)
        self._figures.efforts[INTAKE, door.contender.name].append(scales.effort(count))
        self._figures.rates[INTAKE, door.contender.name].append(count / answers.seconds)

    async def _at_half_of_that(self, door: Door) -> None:
        rate = self._figures.rate(INTAKE, door.contender.name) / 2
        answers = await self._ask(door, self._requests(door, self._size.paced(rate)), rate)
        self._figures.waits[INTAKE, door.contender.name] += answers.waits

    def _requests(self, door: Door, count: int) -> list[bytes]:
        self._step(f"intake, {door.contender.name}")
        numbers, dialect = self._numbers.fresh(count), door.contender.dialect
        return placed(numbers) if dialect == "webhook" else foreign(dialect, numbers)

    def _open(self, contender: Contender, running: contextlib.ExitStack) -> Door:
        store = self._stores.fresh(contender, "intake")
        if contender.ours:
            prepare(store)
        server = running.enter_context(standing(contender, "door", store, NOWHERE))
        return Door(contender, server, store)

    async def _ask(self, door: Door, requests: Sequence[bytes], rate: float | None = None) -> Answers:
        answers = await drive(door.server, requests, self._size.connections, rate)
        door.acknowledged += len(requests)
        self._figures.weigh(INTAKE, door.contender.name, megabytes(door.server.processes))
        return answers

    async def _prove(self, door: Door) -> None:
        """What was acknowledged lies in the store, where there is one."""
        if not door.contender.kept:
            return
        kept = await asyncio.to_thread(self._stores.counted, door.store, door.contender.kept)
        if kept != door.acknowledged:
            raise CannotMeasure(f"{door.contender.name}: {door.acknowledged} acknowledged, {kept} kept")

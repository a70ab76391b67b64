"""Draining: reminders that are due, looked at, rendered, signed, sent, noted, from first to last."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter

from bench import due
from bench.contenders import DRAIN, Contender
from bench.errors import CannotMeasure
from bench.figures import Figures, Size
from bench.receiver import Receiver, receiving
from bench.servers import Server, load, standing
from bench.stores import Stores
from bench.weighing import Scales, megabytes

LOOK = 0.02  # seconds
QUIET = 30.0  # seconds without a message, after which it is given up


class Draining:
    """Each contender drains alone, one after the other, and the same again in the next round."""

    def __init__(self, stores: Stores, size: Size, figures: Figures, step: Callable[[str], None]) -> None:
        self._stores = stores
        self._size = size
        self._figures = figures
        self._step = step
        self._full: dict[str, str] = {}  # of ours: a store to copy, by its kind

    @staticmethod
    def steps(contenders: Sequence[Contender], size: Size) -> int:
        return 2 * len(contenders) * size.drains

    async def measure(self, contenders: Sequence[Contender]) -> None:
        for _ in range(self._size.drains):
            for contender in contenders:
                if self._figures.here(contender):
                    with self._figures.excused(contender):
                        await self._drain(contender)

    async def _drain(self, contender: Contender) -> None:
        name, count = contender.name, self._size.drained(contender.drains)
        self._step(f"draining, {name}: putting {count:,} reminders there")
        url = await self._filled(contender, count)
        before = await asyncio.to_thread(self._stores.counted, url, contender.recorded)
        self._step(f"draining, {name}")
        receiver = Receiver()
        async with receiving(receiver) as address:
            with standing(contender, "work", url, address) as server:
                await self._until(1, server, receiver)
                scales = Scales(server.processes, self._stores.processes(url))
                await self._until(count, server, receiver)
                await self._noted(contender, url, before + count)
                self._figures.efforts[DRAIN, name].append(scales.effort(count))
                self._figures.rates[DRAIN, name].append(count / (perf_counter() - receiver.times[0]))
                await asyncio.sleep(LOOK)  # one too many would come now
        if (receiver.count, receiver.doubles) != (count, 0):
            raise CannotMeasure(
                f"{name} sent {receiver.count} of {count} reminders, {receiver.doubles} twice"
            )
        self._figures.drained[name] = count
        self._stores.drop(url)

    async def _filled(self, contender: Contender, count: int) -> str:
        if not contender.ours:
            url = self._stores.fresh(contender, DRAIN)
            await asyncio.to_thread(load, contender, url, due.FIRST, count)
            return url
        if contender.store not in self._full:
            full = self._stores.fresh(contender, "full")
            await due.fill(contender, full, count)
            self._full[contender.store] = full
        return self._stores.fresh(contender, DRAIN, like=self._full[contender.store])

    async def _until(self, count: int, server: Server, receiver: Receiver) -> None:
        """Weighs it meanwhile. Raises CannotMeasure if nothing comes any more."""
        arriving = asyncio.create_task(receiver.until(count))
        seen, since = receiver.count, perf_counter()
        while not arriving.done():
            await asyncio.wait([arriving], timeout=1.0)
            self._figures.weigh(DRAIN, server.name, megabytes(server.processes))
            if receiver.count > seen:
                seen, since = receiver.count, perf_counter()
            elif perf_counter() - since > QUIET:
                arriving.cancel()
                raise CannotMeasure(f"{server.name}: {count - seen} reminders did not come")

    async def _noted(self, contender: Contender, url: str, wanted: int) -> None:
        """Wait until its store says that all of them were sent."""
        deadline = perf_counter() + QUIET
        while (found := await asyncio.to_thread(self._stores.counted, url, contender.recorded)) < wanted:
            if perf_counter() > deadline:
                raise CannotMeasure(f"{contender.name} noted {found} of {wanted} messages")
            await asyncio.sleep(LOOK)

"""Many shops in one program against one: idling, draining, reacting, and a claim that finds nothing due."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bench.contenders import Contender
from bench.due import Full, fill, move_due
from bench.errors import CannotMeasure
from bench.figures import Figures, Size
from bench.load import LONGEST
from bench.program import CLAIMS
from bench.receiver import Receiver, receiving
from bench.records import Records
from bench.servers import Part, Server, claim_seconds, standing
from bench.stores import Stores
from bench.weighing import Effort, Scales, megabytes

LATER, NOW = timedelta(days=1), timedelta(minutes=-5)
EACH = 3  # reminders and orders of each shop
IDLE, CLAIM, DRAINED, REACTED = "idle in", "claim in", "drained in", "reacted in"
CALM = 0.1  # of a processor, by which it is known that a program has started up
PATIENCE = 60  # seconds; it is measured then as it is


def in_shops(what: str, shops: int) -> str:
    """The measure."""
    return f"{what} {shops}"


class Shops:
    """Ours alone. One shop has as much to do in all as the many have."""

    def __init__(self, stores: Stores, size: Size, figures: Figures, step: Callable[[str], None]) -> None:
        self._stores = stores
        self._size = size
        self._figures = figures
        self._step = step

    @staticmethod
    def steps(contenders: Sequence[Contender], size: Size) -> int:
        return len(contenders) * (7 + 4 * size.shop_rounds)

    async def measure(self, contenders: Sequence[Contender]) -> None:
        for contender in contenders:
            for shops in (self._size.more_shops, self._size.shops):
                full = await self._filled(contender, shops, shops)
                await self._claim(contender, full)
                if shops == self._size.shops:
                    await self._idle(contender, full)
                self._stores.drop(full.url)
            orders = EACH * self._size.shops
            both = [await self._filled(contender, orders, shops) for shops in (1, self._size.shops)]
            for _ in range(self._size.shop_rounds):
                for work in (self._drain, self._react):
                    for full in both:
                        await work(contender, full)

    async def _filled(self, contender: Contender, orders: int, shops: int) -> Full:
        self._step(f"{contender.name}: putting {orders:,} orders into {shops:,} shops")
        full = await fill(contender, self._stores.fresh(contender, "shops"), orders, shops)
        move_due(full.url, LATER)
        return full

    async def _claim(self, contender: Contender, full: Full) -> None:
        self._step(f"{CLAIM} {full.shops:,} shops, {contender.name}")
        scales = Scales((), self._stores.processes(full.url))
        seconds = await asyncio.to_thread(claim_seconds, contender, full.url, full.shops)
        effort = Effort(seconds, scales.effort(CLAIMS).store)
        self._figures.efforts[in_shops(CLAIM, full.shops), contender.name].append(effort)

    async def _idle(self, contender: Contender, full: Full) -> None:
        self._step(f"{IDLE} {full.shops:,} shops, {contender.name}")
        async with self._standing(contender, "whole", full, full.url) as (server, _):
            scales = self._scales(server, full.url)
            await asyncio.sleep(self._size.idle)
            effort = scales.effort(self._size.idle)
            self._figures.weigh(IDLE, contender.name, megabytes(server.processes))
        self._figures.efforts[in_shops(IDLE, full.shops), contender.name].append(effort)

    async def _drain(self, contender: Contender, full: Full) -> None:
        self._step(f"{DRAINED} {full.shops:,} shops, {contender.name}")
        url = self._stores.fresh(contender, "drained", like=full.url)
        async with self._standing(contender, "whole", full, url) as (server, receiver):
            move_due(url, NOW)
            scales = self._scales(server, url)
            async with _limited(f"{contender.name} did not drain {full.shops} shops"):
                await receiver.until(full.orders)
                with Records(url) as records:
                    await records.all_recorded()
            self._note(DRAINED, contender, full, scales)
            if (receiver.count, receiver.doubles) != (full.orders, 0):
                raise CannotMeasure(f"{contender.name} sent {receiver.doubles} messages twice")
        self._stores.drop(url)

    async def _react(self, contender: Contender, full: Full) -> None:
        self._step(f"{REACTED} {full.shops:,} shops, {contender.name}")
        url = self._stores.fresh(contender, "reacted", like=full.url)
        async with self._standing(contender, "react", full, url) as (server, _):
            full.open_events(url)
            scales = self._scales(server, url)
            async with _limited(f"{contender.name} did not react in {full.shops} shops"):
                with Records(url) as records:
                    await records.all_handled()
            self._note(REACTED, contender, full, scales)
            with Records(url) as records:
                if left := await records.unhandled():
                    raise CannotMeasure(f"{contender.name} put {left} events aside")
        self._stores.drop(url)

    @asynccontextmanager
    async def _standing(
        self, contender: Contender, part: Part, full: Full, url: str
    ) -> AsyncIterator[tuple[Server, Receiver]]:
        """At work, and calm."""
        receiver = Receiver()
        async with receiving(receiver) as address:
            with standing(contender, part, url, address, full.shops) as server:
                for _ in range(PATIENCE):
                    scales = self._scales(server, url)
                    await asyncio.sleep(1)
                    if scales.effort().total < CALM:
                        break
                yield server, receiver

    def _scales(self, server: Server, url: str) -> Scales:
        return Scales(server.processes, self._stores.processes(url))

    def _note(self, what: str, contender: Contender, full: Full, scales: Scales) -> None:
        effort = scales.effort(full.orders)
        self._figures.efforts[in_shops(what, full.shops), contender.name].append(effort)


@asynccontextmanager
async def _limited(complaint: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LONGEST):
            yield
    except TimeoutError:
        raise CannotMeasure(complaint) from None

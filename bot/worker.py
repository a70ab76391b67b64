"""A worker loop: works until there is nothing left to do, then sleeps until woken."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.operations.metrics import Metrics

log = structlog.get_logger()

# After a smaller round, pause so that the next batch is larger: a round costs as much as ten messages.
SMALL_ROUND = 100
COALESCE_SECONDS = 0.02  # the pause; too short to be noticed in an answer
PAUSE_SECONDS = 1.0  # after a round that failed whole


class Worker:
    """One loop of the program. work: one round; returns how much it did, 0 when nothing is left."""

    def __init__(self, name: str, metrics: Metrics) -> None:
        self.name = name
        self._metrics = metrics
        self._metrics.leg_errors.labels(name)  # 0 until a round fails
        self._wake = asyncio.Event()
        self._wake.set()
        self._later: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Let the loop run again, at once or after the round that it is at."""
        self._wake.set()

    def wake_in(self, seconds: float) -> None:
        """Let the loop run again after so long; only the last call counts."""
        if self._later is not None:
            self._later.cancel()
        self._later = asyncio.get_running_loop().call_later(seconds, self._wake.set)

    async def woken(self) -> None:
        """Wait until somebody wakes the loop; the next call waits anew. A new loop counts as woken."""
        await self._wake.wait()
        self._wake.clear()

    async def run(self, work: Callable[[], Awaitable[int]]) -> None:
        """Run until cancelled. A round that raises is logged, counted, and tried again after a pause."""
        while True:
            await self.woken()
            try:
                while done := await work():
                    if done < SMALL_ROUND:
                        await asyncio.sleep(COALESCE_SECONDS)
            except (
                Exception
            ) as error:  # a database that is away comes back; the loop must still be there then
                self._metrics.leg_errors.labels(self.name).inc()
                log.error("leg failed", leg=self.name, error=type(error).__name__, exc_info=True)
                await asyncio.sleep(PAUSE_SECONDS)
                self._wake.set()

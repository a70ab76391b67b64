"""Tell the operator of tokens that were refused: each in a number, now and then in the log and the trail."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError

from bot.operations.logs import ThrottledLog
from bot.operations.metrics import Metrics
from storage import trail
from storage.database import Database

log = structlog.get_logger()


class RefusedTokens:
    """Counts them. A flood of guesses fills neither the log nor the table, and no answer waits for either,
    so that the time it takes does not tell which shops there are."""

    def __init__(
        self, database: Database, metrics: Metrics, clock: Callable[[], datetime], shops: Collection[str]
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._shops = frozenset(shops)
        self._throttle = ThrottledLog()
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, asked_for: str) -> None:
        """asked_for: the shop as the request named it; a made-up name is not kept."""
        shop = asked_for if asked_for in self._shops else trail.UNKNOWN_SHOP
        self._metrics.refused_tokens.labels(shop).inc()
        unsaid = self._throttle.ask(shop, asyncio.get_running_loop().time())
        if unsaid is None:
            return
        log.warning("api token refused", shop=shop, unsaid=unsaid)
        writing = asyncio.create_task(self._write(shop, unsaid + 1))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def _write(self, shop: str, tries: int) -> None:
        now = self._clock()
        try:
            await self._database.write(lambda link: trail.count_refused(link, shop, now, tries))
        except DBAPIError as error:  # the number and the log have it
            log.error("trail not written", shop=shop, error=type(error).__name__)

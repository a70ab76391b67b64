"""Dispatcher: a round claims what is due, sends it, and records how it ended."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.channels import SendingChannel
from bot.deliver.claim import Claim, Claimer, FreeSlots, KnownUntil
from bot.deliver.outcomes import OutcomeWriter, Result
from bot.operations.metrics import Metrics
from storage import outbox
from storage.database import Database, is_service_trouble, lease_clock

log = structlog.get_logger()

BATCH = 250  # messages claimed at once
MOST_IN_HAND = 1000  # of all shops together
COALESCE_SECONDS = 0.02  # wait this long for more free slots: claiming one message costs as much as ten
LEASE = timedelta(minutes=2)  # longer than any platform may take to answer

Channels = Mapping[tuple[str, str], SendingChannel]  # (shop, channel's name) -> channel


class Watermark(Protocol):
    """The time up to which all that was acknowledged is in the inbox, where a log lies in front of it."""

    def refresh(self) -> Awaitable[None]:
        """Ask the log for its end, before a round."""

    def known_until(self, connection: Connection) -> KnownUntil:
        """The time that counts as now, for each shop."""


class InHand(msgspec.Struct):
    """A message that is being sent; `since` when its lease runs, in seconds of the event loop's clock."""

    channel: tuple[str, str]
    since: float


class Dispatcher:
    """The deliver leg of one program.

    `deliver_due` and `settle_abandoned` raise database errors; results of sendings are recorded with retries
    until the database takes them.
    """

    def __init__(
        self,
        database: Database,
        channels: Channels,
        claimer: Claimer,
        outcomes: OutcomeWriter,
        metrics: Metrics,
        clock: Callable[[], datetime],
        lease: timedelta = LEASE,
        on_sent: Callable[[], None] = lambda: None,
        watermark: Watermark | None = None,
    ) -> None:
        self._database = database
        self._channels = channels
        self._of_shop: dict[str, dict[str, SendingChannel]] = defaultdict(dict)
        for (shop, name), channel in channels.items():
            self._of_shop[shop][name] = channel
        self._claimer = claimer
        self._outcomes = outcomes
        self._metrics = metrics
        self._clock = clock
        self._on_sent = on_sent
        self._watermark = watermark
        self._lease = lease
        self._in_hand: dict[tuple[str, int], InHand] = {}
        self._sendings: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[Result] = asyncio.Queue()
        self._recorded = asyncio.Event()

    @property
    def in_hand(self) -> int:
        """How many messages are being sent."""
        return len(self._in_hand)

    async def deliver_due(self) -> int:
        """Claim and start sending what is due; returns how many messages were examined.

        Claims at most BATCH, and never has more than MOST_IN_HAND in hand; if something cannot be read, as
        much for each shop by itself. Raises database errors for which `is_service_trouble` is true.
        """
        if self._is_crowded():
            await asyncio.sleep(COALESCE_SECONDS)
        room = min(BATCH, MOST_IN_HAND - len(self._in_hand))
        if room <= 0:
            return 0
        if self._watermark:
            await self._watermark.refresh()
        slots = self._free_slots()
        try:
            return await self._claim(room, slots)
        except Exception as error:  # what cannot be read of one shop must not stop the others
            if is_service_trouble(error):
                raise
            self._metrics.leg_errors.labels("deliver").inc()
            log.warning("claim not kept", error=type(error).__name__)
        return await self._shop_by_shop(slots)

    async def _claim(self, room: int, slots: FreeSlots, only: str | None = None) -> int:
        def claim(connection: Connection) -> tuple[int, list[Claim]]:
            known = self._watermark.known_until(connection) if self._watermark else None
            return self._claimer.claim(connection, self._clock(), room, slots, known, only)

        claiming = asyncio.create_task(self._database.write(claim))
        try:
            examined, claims = await asyncio.shield(claiming)
        except asyncio.CancelledError:  # on stopping, what was claimed meanwhile is still sent
            self._start((await claiming)[1])
            raise
        self._start(claims)
        return examined

    async def _shop_by_shop(self, slots: FreeSlots) -> int:
        """Claim for each shop by itself, so that what cannot be read of one stops no other."""
        examined = 0
        for shop_id in await self._database.write(lambda link: self._claimer.waiting(link, self._clock())):
            room = min(BATCH, MOST_IN_HAND - len(self._in_hand))
            if room <= 0:
                break
            try:
                examined += await self._claim(room, slots, shop_id)
            except Exception as error:  # the shop at fault is named, and the next one served
                if is_service_trouble(error):
                    raise
                log.error("shop not served", shop=shop_id, error=type(error).__name__, exc_info=True)
        return examined

    def _free_slots(self) -> FreeSlots:
        """How many more messages each channel of a shop can send at once, as of now."""
        taken = self._taken()

        def of_shop(shop: str) -> Mapping[str, int]:
            channels = self._of_shop.get(shop, {}).items()
            return {name: max(0, channel.at_once - taken[shop, name]) for name, channel in channels}

        return of_shop

    async def record(self) -> None:
        """Write results down, many in one commit, until cancelled."""
        while True:
            results = [await self._results.get()]
            while not self._results.empty():
                results.append(self._results.get_nowait())
            await self._record(results)

    async def settle_abandoned(self) -> int:
        """Settle what a dead program had in hand; returns how many messages. Raises what the database raises.

        Leases of our own messages are renewed, however slow the platform is.
        """
        now, running = self._clock(), asyncio.get_running_loop().time()
        half = self._lease.total_seconds() / 2
        slow = {one: hand for one, hand in self._in_hand.items() if running - hand.since > half}

        def settle(connection: Connection) -> int:
            outbox.renew(connection, slow, lease_clock(connection, now) + self._lease)
            return self._outcomes.settle_abandoned(connection, self._in_hand, self._lease, now)

        settled = await self._database.write(settle)
        for hand in slow.values():
            hand.since = running
        return settled

    async def stop(self) -> None:
        """Finish what is in hand."""
        if self._sendings:
            await asyncio.wait(self._sendings)
        results = []
        while not self._results.empty():
            results.append(self._results.get_nowait())
        if results:
            await self._record(results)
        while self._in_hand:  # `record` is about to write down the rest
            self._recorded.clear()
            await self._recorded.wait()

    def abandon(self) -> None:
        """Stop sending at once; messages in hand stay `sending` in the database, as after a crash."""
        for sending in self._sendings:
            sending.cancel()

    async def release_leases(self) -> None:
        """End the leases of what is still in hand, so that the next program settles it at once."""
        self.abandon()
        if not self._in_hand:
            return
        now = self._clock()
        try:
            await self._database.write(
                lambda connection: outbox.renew(connection, self._in_hand, lease_clock(connection, now))
            )
        except DBAPIError as error:  # then the leases end by themselves
            log.error("leases not ended", count=len(self._in_hand), error=type(error).__name__)

    def _taken(self) -> Counter[tuple[str, str]]:
        return Counter(hand.channel for hand in self._in_hand.values())

    def _is_crowded(self) -> bool:
        """Whether a channel has more than half of its slots taken."""
        return any(2 * taken > self._channels[of].at_once for of, taken in self._taken().items())

    def _start(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            now = asyncio.get_running_loop().time()
            self._in_hand[claim.shop, claim.id] = InHand((claim.shop, claim.channel), now)
            sending = asyncio.create_task(self._send(claim))
            self._sendings.add(sending)
            sending.add_done_callback(self._sendings.discard)

    async def _send(self, claim: Claim) -> None:
        receipt, error = None, None
        channel = self._channels[claim.shop, claim.channel]
        try:
            with self._metrics.sending.labels(claim.shop, claim.channel).time():
                receipt = await channel.send(claim.message)
        except Exception as failed:  # also a bug in a channel is an outcome to record
            error = failed
        self._results.put_nowait(Result(claim=claim, at=self._clock(), receipt=receipt, error=error))

    async def _record(self, results: list[Result]) -> None:
        """Record results with retries until the database takes them, so that nothing is sent twice."""
        wait = 0.1
        while True:
            try:
                await self._database.write(
                    lambda connection: self._outcomes.record(connection, results, self._clock())
                )
                break
            except Exception as error:  # the database is away, and the results are all we have
                log.error("results not kept yet", count=len(results), error=type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)
        for result in results:
            self._in_hand.pop((result.claim.shop, result.claim.id), None)
        self._recorded.set()
        self._on_sent()

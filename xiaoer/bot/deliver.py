"""Deliver: send what was claimed, and record how it ended."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from xiaoer.bot import cases
from xiaoer.bot.channels import Speaker
from xiaoer.bot.claiming import Claim, Claimer, Places
from xiaoer.bot.errors import BuyerUnreachable, DeliveryDelayed, DeliveryUnknown
from xiaoer.bot.facts import Desk
from xiaoer.bot.ingest.watermark import Watermark
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.patience import Patience
from xiaoer.bot.retry import wait_before
from xiaoer.bot.router import Reason
from xiaoer.bot.rules import Rules
from xiaoer.bot.shop import Shop
from xiaoer.storage import history, outbox, records
from xiaoer.storage.database import Database, lease_clock
from xiaoer.storage.outbox import dump

log = structlog.get_logger()

BATCH = 250  # messages claimed at once
MOST_IN_HAND = 1000  # of all shops together
BREATH = 0.02  # seconds in which more places fall free: a claim of one message costs as much as one of ten
LEASE = timedelta(minutes=2)  # longer than any platform may take to answer
RESENDS = 1  # of a message that may have arrived; a platform that loses every answer must not become a flood
RESEND_WAIT = timedelta(seconds=30)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a sending ended; `error` None: sent."""

    claim: Claim
    at: datetime
    receipt: str | None = None
    error: Exception | None = None


class InHand(msgspec.Struct):
    """A message on its way; `since` when its lease runs, by the event loop's clock."""

    speaker: tuple[str, str]
    since: float


class Courier:
    """The deliver leg of one program."""

    def __init__(
        self,
        database: Database,
        shops: Mapping[str, Shop],
        speakers: Mapping[tuple[str, str], Speaker],
        desk: Desk,
        rules: Rules,
        patience: Patience,
        metrics: Metrics,
        clock: Callable[[], datetime],
        lease: timedelta = LEASE,
        luck: Callable[[], float] = random.random,
        on_sent: Callable[[], None] = lambda: None,
        watermark: Watermark | None = None,
    ) -> None:
        self._database = database
        self._shops = shops
        self._speakers = speakers
        first = list(shops)[int(luck() * len(shops))]  # programs that start together part at once
        self._claimer = Claimer(shops, desk, rules, patience, metrics, lease, first)
        self._texts = rules.texts
        self._metrics = metrics
        self._clock = clock
        self._luck = luck
        self._on_sent = on_sent
        self._watermark = watermark
        self._lease = lease
        self._in_hand: dict[tuple[str, int], InHand] = {}
        self._sendings: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[Result] = asyncio.Queue()
        self._kept = asyncio.Event()

    async def deliver_due(self) -> int:
        """Claim and start sending what is due; returns how many messages were looked at."""
        if self._is_crowded():
            await asyncio.sleep(BREATH)
        room = min(BATCH, MOST_IN_HAND - len(self._in_hand))
        if room <= 0:
            return 0
        places = self._places()
        if self._watermark:
            await self._watermark.look()

        def claim(connection: Connection) -> tuple[int, list[Claim]]:
            known = self._watermark.known(connection) if self._watermark else None
            return self._claimer.claim(connection, self._clock(), room, places, known)

        claiming = asyncio.create_task(self._database.write(claim))
        try:
            looked, claims = await asyncio.shield(claiming)
        except asyncio.CancelledError:  # we are stopped: what was claimed meanwhile goes out all the same
            self._start((await claiming)[1])
            raise
        self._start(claims)
        return looked

    def _taken(self) -> Counter[tuple[str, str]]:
        return Counter(hand.speaker for hand in self._in_hand.values())

    def _is_crowded(self) -> bool:
        """Whether a channel has more than half of its places taken."""
        return any(2 * taken > self._speakers[of].at_once for of, taken in self._taken().items())

    def _places(self) -> Places:
        """How many more each channel can send at once."""
        taken = self._taken()
        free: dict[str, dict[str, int]] = defaultdict(dict)
        for (shop, channel), speaker in self._speakers.items():
            free[shop][channel] = max(0, speaker.at_once - taken[shop, channel])
        return free

    def _start(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            now = asyncio.get_running_loop().time()
            self._in_hand[claim.shop, claim.id] = InHand((claim.shop, claim.channel), now)
            sending = asyncio.create_task(self._send(claim))
            self._sendings.add(sending)
            sending.add_done_callback(self._sendings.discard)

    async def record(self) -> None:
        """Write results down, many in one commit, until cancelled."""
        while True:
            results = [await self._results.get()]
            while not self._results.empty():
                results.append(self._results.get_nowait())
            await self._keep(results)

    async def settle_abandoned(self) -> int:
        """What a dead program had in hand: sent again where that is harmless, else by the seller's rule.

        What is in our own hand is ours for longer, however slow the platform.
        """
        now, running = self._clock(), asyncio.get_running_loop().time()
        half = self._lease.total_seconds() / 2
        slow = {one: hand for one, hand in self._in_hand.items() if running - hand.since > half}

        def settle(connection: Connection) -> int:
            outbox.renew(connection, slow, lease_clock(connection, now) + self._lease)
            return self._settle_abandoned(connection, now)

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
            await self._keep(results)
        while self._in_hand:  # `record` is about to keep the rest
            self._kept.clear()
            await self._kept.wait()

    async def let_go(self) -> None:
        """What nobody waits for any longer is settled by the next program that looks, at once."""
        for sending in self._sendings:
            sending.cancel()
        if not self._in_hand:
            return
        now = self._clock()
        try:
            await self._database.write(
                lambda connection: outbox.renew(connection, self._in_hand, lease_clock(connection, now))
            )
        except DBAPIError as error:  # then the leases end by themselves
            log.error("leases not ended", count=len(self._in_hand), error=type(error).__name__)

    @property
    def in_hand(self) -> int:
        return len(self._in_hand)

    # Sending and recording

    async def _send(self, claim: Claim) -> None:
        receipt, error = None, None
        speaker = self._speakers[claim.shop, claim.channel]
        try:
            with self._metrics.sending.labels(claim.shop, claim.channel).time():
                receipt = await speaker.send(claim.message)
        except Exception as failed:  # even a channel's own fault is an outcome to record
            error = failed
        self._results.put_nowait(Result(claim=claim, at=self._clock(), receipt=receipt, error=error))

    async def _keep(self, results: list[Result]) -> None:
        """Until the database takes it: what was sent must not be sent again."""
        wait = 0.1
        while True:
            try:
                await self._database.write(lambda connection: self._write(connection, results))
                break
            except Exception as error:  # the database is away, and the results are all we have
                log.error("results not kept yet", count=len(results), error=type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)
        for result in results:
            self._in_hand.pop((result.claim.shop, result.claim.id), None)
        self._kept.set()
        self._on_sent()

    def _write(self, connection: Connection, results: Iterable[Result]) -> None:
        sent, failed, tries = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
        for result in results:
            claim = result.claim
            if result.error is None:
                sent.append(
                    {"shop": claim.shop, "id": claim.id, "receipt": result.receipt, "settled_at": result.at}
                )
                self._metrics.messages.labels(claim.shop, "sent").inc()
                continue
            row = self._failure(connection, result)
            failed.append(row)
            tries.append(
                _try(claim.shop, claim.id, claim.attempts + 1, result.at, claim.channel, result.error)
            )
            self._metrics.messages.labels(claim.shop, row["state"]).inc()
            if isinstance(result.error, BuyerUnreachable):
                records.block(
                    connection, claim.shop, claim.buyer, claim.channel, claim.message.address, result.at
                )
        outbox.mark_sent(connection, sent)
        outbox.mark_failed(connection, failed, tries)
        self._tell_of_failures(connection, [row for row in failed if row["state"] == "failed"])

    def _tell_of_failures(self, connection: Connection, failed: list[dict[str, Any]]) -> None:
        for each in failed:
            shop = self._shops[each["shop"]]
            row = outbox.message(connection, each["shop"], each["id"])
            cases.tell_of_unsaid(connection, each["shop"], shop, self._texts, [row], [each], self._clock())

    def _failure(self, connection: Connection, result: Result) -> dict[str, Any]:
        claim, error, at = result.claim, result.error, result.at
        why = str(error)[:300] or type(error).__name__
        match error:
            case BuyerUnreachable():  # another way may be left; the arbiter will see
                return _failed(claim.shop, claim.id, "queued", Reason("unreachable", {"why": why}), at, None)
            case DeliveryDelayed():
                # Only what the platform put off: a program that was stopped ten times is not its fault.
                attempts = 1 + history.ended_as(
                    connection, claim.shop, claim.id, claim.channel, DeliveryDelayed
                )
                wait = wait_before(attempts, self._luck(), error.retry_after)
                if wait is None:
                    gave_up = Reason("gave_up", {"attempts": attempts, "why": why})
                    return _failed(claim.shop, claim.id, "failed", gave_up, at, at)
                reason = Reason("try_again", {"why": why, "attempts": attempts, "until": at + wait})
                return _failed(claim.shop, claim.id, "queued", reason, at + wait, None)
            case DeliveryUnknown():
                return self._unknown(connection, claim.shop, claim.id, claim.category, claim.channel, at)
            case _:
                return _failed(claim.shop, claim.id, "failed", Reason("refused", {"why": why}), at, at)

    def _unknown(
        self, connection: Connection, shop_id: str, id: int, category: str, channel: str, at: datetime
    ) -> dict[str, Any]:
        """Nobody knows whether it arrived: the seller's rule decides (promise 7), once at most to resend."""
        rule = self._shops[shop_id].unknown
        choice = rule.promotion if category == "promotion" else rule.service
        self._metrics.messages.labels(shop_id, "unknown").inc()
        lost = history.ended_as(connection, shop_id, id, channel, DeliveryUnknown)
        if choice == "leave" or lost >= RESENDS:
            return _failed(shop_id, id, "unknown", Reason("unknown_left", {"channel": channel}), at, at)
        return _failed(
            shop_id, id, "queued", Reason("unknown_resend", {"channel": channel}), at + RESEND_WAIT, None
        )

    def _settle_abandoned(self, connection: Connection, now: datetime) -> int:
        rows = [
            row
            for row in outbox.abandoned(
                connection, self._shops.keys(), lease_clock(connection, now), self._lease
            )
            if (row.shop, row.id) not in self._in_hand
        ]
        failed, tries = list[dict[str, Any]](), list[dict[str, Any]]()
        for row in rows:
            speaker = self._speakers.get((row.shop, row.channel))
            if speaker is None or speaker.drops_repeats:
                reason = Reason(
                    "try_again", {"why": "the program stopped", "attempts": row.attempts + 1, "until": now}
                )
                # In its old place: as of `now`, who read the clock just before would find the next one first.
                since = min(row.try_at, now)
                failed.append(_failed(row.shop, row.id, "queued", reason, since, None))
            else:
                failed.append(self._unknown(connection, row.shop, row.id, row.category, row.channel, now))
            error = DeliveryUnknown("the program stopped while it was sending")
            tries.append(_try(row.shop, row.id, row.attempts + 1, now, row.channel, error))
        outbox.mark_failed(connection, failed, tries)
        return len(rows)


def _failed(
    shop: str, id: int, state: str, why: Reason, until: datetime, settled_at: datetime | None
) -> dict[str, Any]:
    return {
        "shop": shop,
        "id": id,
        "state": state,
        "reason": dump(why),
        "try_at": until,
        "settled_at": settled_at,
    }


def _try(
    shop: str, message: int, number: int, at: datetime, channel: str, error: Exception
) -> dict[str, Any]:
    return {
        "shop": shop,
        "message": message,
        "number": number,
        "at": at,
        "channel": channel,
        "outcome": type(error).__name__,
        "why": str(error)[:300],
    }

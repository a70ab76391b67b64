"""Deliver: send what was claimed, and record how it ended."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from xiaoer.bot import cases
from xiaoer.bot.channels import Speaker
from xiaoer.bot.claiming import Claim, Claimer
from xiaoer.bot.errors import BuyerUnreachable, DeliveryDelayed, DeliveryUnknown
from xiaoer.bot.facts import Desk
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.retry import wait_before
from xiaoer.bot.router import Reason
from xiaoer.bot.rules import Rules
from xiaoer.bot.shop import Shop
from xiaoer.storage import outbox, records
from xiaoer.storage.database import Database, lease_clock
from xiaoer.storage.outbox import dump

log = structlog.get_logger()

BATCH = 250  # messages claimed at once, and so many are on their way at most
LEASE = timedelta(minutes=2)  # longer than any platform may take to answer
RESEND_WAIT = timedelta(seconds=30)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a sending ended; `error` None: sent."""

    claim: Claim
    at: datetime
    receipt: str | None = None
    error: Exception | None = None


class Courier:
    """The deliver leg of one program."""

    def __init__(
        self,
        database: Database,
        shops: Mapping[str, Shop],
        speakers: Mapping[tuple[str, str], Speaker],
        desk: Desk,
        rules: Rules,
        metrics: Metrics,
        clock: Callable[[], datetime],
        lease: timedelta = LEASE,
        luck: Callable[[], float] = random.random,
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._shops = shops
        self._speakers = speakers
        self._claimer = Claimer(shops, desk, rules, metrics, lease)
        self._texts = rules.texts
        self._metrics = metrics
        self._clock = clock
        self._luck = luck
        self._on_sent = on_sent
        self._in_hand: set[tuple[str, int]] = set()
        self._sendings: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[Result] = asyncio.Queue()

    async def deliver_due(self) -> int:
        """Claim and start sending what is due; returns how many messages were looked at."""
        room = BATCH - len(self._in_hand)
        if room <= 0:
            return 0
        now = self._clock()
        looked, claims = await self._database.write(
            lambda connection: self._claimer.claim(connection, now, room)
        )
        for claim in claims:
            self._in_hand.add((claim.shop, claim.id))
            sending = asyncio.create_task(self._send(claim))
            self._sendings.add(sending)
            sending.add_done_callback(self._sendings.discard)
        return looked

    async def record(self) -> None:
        """Write results down, many in one commit, until cancelled."""
        while True:
            results = [await self._results.get()]
            while not self._results.empty():
                results.append(self._results.get_nowait())
            await self._keep(results)

    async def settle_abandoned(self) -> int:
        """What a dead program had in hand: sent again where that is harmless, else by the seller's rule."""
        now = self._clock()
        return await self._database.write(lambda connection: self._settle_abandoned(connection, now))

    async def stop(self) -> None:
        """Finish what is in hand."""
        if self._sendings:
            await asyncio.wait(self._sendings)
        results = []
        while not self._results.empty():
            results.append(self._results.get_nowait())
        if results:
            await self._keep(results)

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
            self._in_hand.discard((result.claim.shop, result.claim.id))
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
            row = self._failure(result)
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

    def _failure(self, result: Result) -> dict[str, Any]:
        claim, error, at = result.claim, result.error, result.at
        why = str(error)[:300] or type(error).__name__
        match error:
            case BuyerUnreachable():  # another way may be left; the arbiter will see
                return _failed(claim.shop, claim.id, "queued", Reason("unreachable", {"why": why}), at, None)
            case DeliveryDelayed():
                attempts = claim.attempts + 1
                wait = wait_before(attempts, self._luck(), error.retry_after)
                if wait is None:
                    gave_up = Reason("gave_up", {"attempts": attempts, "why": why})
                    return _failed(claim.shop, claim.id, "failed", gave_up, at, at)
                reason = Reason("try_again", {"why": why, "attempts": attempts, "until": at + wait})
                return _failed(claim.shop, claim.id, "queued", reason, at + wait, None)
            case DeliveryUnknown():
                return self._unknown(claim.shop, claim.id, claim.category, claim.channel, at)
            case _:
                return _failed(claim.shop, claim.id, "failed", Reason("refused", {"why": why}), at, at)

    def _unknown(self, shop_id: str, id: int, category: str, channel: str, at: datetime) -> dict[str, Any]:
        """Nobody knows whether it arrived: the seller's rule decides (promise 7)."""
        rule = self._shops[shop_id].unknown
        choice = rule.promotion if category == "promotion" else rule.service
        self._metrics.messages.labels(shop_id, "unknown").inc()
        if choice == "leave":
            return _failed(shop_id, id, "unknown", Reason("unknown_left", {"channel": channel}), at, at)
        return _failed(
            shop_id, id, "queued", Reason("unknown_resend", {"channel": channel}), at + RESEND_WAIT, None
        )

    def _settle_abandoned(self, connection: Connection, now: datetime) -> int:
        rows = [
            row
            for row in outbox.abandoned(connection, lease_clock(connection, now))
            if (row.shop, row.id) not in self._in_hand and row.shop in self._shops
        ]
        failed, tries = list[dict[str, Any]](), list[dict[str, Any]]()
        for row in rows:
            speaker = self._speakers.get((row.shop, row.channel))
            if speaker is None or speaker.drops_repeats:
                reason = Reason(
                    "try_again", {"why": "the program stopped", "attempts": row.attempts + 1, "until": now}
                )
                failed.append(_failed(row.shop, row.id, "queued", reason, now, None))
            else:
                failed.append(self._unknown(row.shop, row.id, row.category, row.channel, now))
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

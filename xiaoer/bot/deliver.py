"""Deliver: claim what is due, look at the facts again, ask the arbiter, render, send, record."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row

from xiaoer.bot.arbiter import PRIORITY, Hold, Send, Skip, Verdict, judge
from xiaoer.bot.channels import Outgoing, Speaker
from xiaoer.bot.errors import BuyerUnreachable, DeliveryDelayed, DeliveryUnknown, TemplateError
from xiaoer.bot.facts import Desk
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.react import Rules
from xiaoer.bot.retry import wait_before
from xiaoer.bot.router import Due, Facts, Reason
from xiaoer.bot.shop import Shop
from xiaoer.bot.texts import Version, split_subject
from xiaoer.bot.variables import variables
from xiaoer.storage import outbox, people
from xiaoer.storage.database import Database, lease_clock, try_lock
from xiaoer.storage.outbox import dump, message_name

log = structlog.get_logger()

BATCH = 250  # messages claimed at once, and so many are on their way at most
LEASE = timedelta(minutes=2)  # longer than any platform may take to answer
RESEND_WAIT = timedelta(seconds=30)
LOOK_AGAIN = timedelta(seconds=2)  # an event about this buyer waits to be handled first


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A message in hand: its row is marked `sending`, its text is kept."""

    shop: str
    id: int
    attempts: int
    category: str
    due_at: datetime
    message: Outgoing
    channel: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a sending ended; `error` None: sent."""

    claim: Claim
    at: datetime
    receipt: str | None = None
    error: Exception | None = None


Links = Callable[[str, str], str | None]  # (shop, order or buyer) -> address


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
        luck: Callable[[], float] = random.random,
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._shops = shops
        self._speakers = speakers
        self._desk = desk
        self._rules = rules
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
        looked, claims = await self._database.write(lambda connection: self._claim(connection, now, room))
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

    # Claiming: one transaction, no waiting in it

    def _claim(self, connection: Connection, now: datetime, room: int) -> tuple[int, list[Claim]]:
        looked, claims = 0, list[Claim]()
        for shop_id in outbox.waiting_shops(connection):
            if shop_id not in self._shops or room <= len(claims):
                continue
            if not try_lock(connection, f"deliver:{shop_id}"):
                continue
            rows = _one_for_each_buyer(outbox.due(connection, shop_id, now, room - len(claims)))
            if rows:
                looked += len(rows)
                claims += self._judge_all(connection, shop_id, rows, now)
        return looked, claims

    def _judge_all(
        self, connection: Connection, shop_id: str, rows: list[Row[Any]], now: datetime
    ) -> list[Claim]:
        shop = self._shops[shop_id]
        lease = lease_clock(connection, now) + LEASE
        facts_of = self._desk.facts(connection, shop_id, shop, rows, now)
        words = {
            row.id: row for row in outbox.version_rows(connection, shop_id, {row.version for row in rows})
        }
        claims, sending, held, settled = list[Claim](), list[dict[str, Any]](), list[dict[str, Any]](), []
        for row in rows:
            facts = facts_of.get(row.id)
            if facts is None:
                held.append(
                    _held(
                        shop_id,
                        row.id,
                        Hold(now + LOOK_AGAIN, Reason("waiting", {"due_at": row.due_at})),
                        None,
                    )
                )
                continue
            due = _due(row, self._desk.extra_values(shop_id, row))
            verdict = self._verdict(due, facts, now)
            kept = dump(self._desk.kept(facts, now))
            match verdict:
                case Send():
                    claim = self._prepare(shop_id, shop, row, due, facts, verdict, words[row.version], now)
                    if isinstance(claim, Reason):
                        settled.append(_settled(shop_id, row.id, "failed", claim, kept, now))
                        continue
                    claims.append(claim[0])
                    sending.append(_sending(claim[0], lease, kept, claim[1]))
                case Hold():
                    held.append(_held(shop_id, row.id, verdict, kept))
                case Skip():
                    settled.append(_settled(shop_id, row.id, "skipped", verdict.why, kept, now))
            self._metrics.messages.labels(shop_id, type(verdict).__name__.lower()).inc()
        outbox.mark_sending(connection, sending)
        outbox.hold(connection, held)
        outbox.settle(connection, settled)
        people.open_cases_for(connection, shop_id, settled, rows, now)
        return claims

    def _verdict(self, due: Due, facts: Facts, now: datetime) -> Verdict:
        moment = self._rules.moments.get(due.template)
        if moment is None:
            return Skip(Reason("template_broken", {"template": due.template, "why": "no such moment"}))
        return judge(due, moment, facts, now)

    def _prepare(
        self,
        shop_id: str,
        shop: Shop,
        row: Row[Any],
        due: Due,
        facts: Facts,
        verdict: Send,
        words: Row[Any],
        now: datetime,
    ) -> tuple[Claim, str] | Reason:
        """The message with its text, and the version of words that was used; a Reason if no words can be found."""
        version = Version(
            id=words.id, locale=words.locale, name=words.name, source=words.source, own=words.own
        )
        stop_url = self._desk.stop_url(shop_id, facts.buyer.id)
        try:
            known = variables(due, facts, now, stop_url=stop_url)
            rendered = self._rules.texts.render(version, known)
        except TemplateError as error:
            return Reason("template_broken", {"template": due.template, "why": str(error)})
        if rendered.fault:
            log.warning("seller's template broken", shop=shop_id, template=due.template, why=rendered.fault)
        used = rendered.version
        mailed = self._desk.is_mail(shop_id, verdict.way.channel)
        message = Outgoing(
            id=message_name(shop_id, row.id),
            shop=shop_id,
            shop_name=shop.name,
            key=due.key,
            address=verdict.way.address,
            text=rendered.text if mailed else split_subject(rendered.text)[1],
            locale=used.locale,
            template=due.template,
            category="service" if due.category == "answer" else due.category,
            buyer_id=verdict.way.buyer_id,
            at=now,
            buyer_name=facts.buyer.name,
            order=due.order,
            buttons=msgspec.json.decode(row.buttons, type=tuple[tuple[str, str], ...]) if row.buttons else (),
            stop_url=stop_url,
        )
        claim = Claim(
            shop=shop_id,
            id=row.id,
            attempts=row.attempts,
            category=due.category,
            due_at=due.due_at,
            message=message,
            channel=verdict.way.channel,
        )
        return claim, used.id

    # Sending and recording

    async def _send(self, claim: Claim) -> None:
        receipt, error = None, None
        speaker = self._speakers[claim.shop, claim.channel]
        try:
            with self._metrics.sending.labels(claim.shop, claim.channel).time():
                receipt = await speaker.send(claim.message)
        except (
            Exception
        ) as failed:  # a channel's own fault must not take the leg down: it is recorded as refused
            error = failed
        self._results.put_nowait(Result(claim=claim, at=self._clock(), receipt=receipt, error=error))

    async def _keep(self, results: list[Result]) -> None:
        """Until the database takes it: what was sent must not be sent again."""
        wait = 0.1
        while True:
            try:
                await self._database.write(lambda connection: self._write(connection, results))
                break
            except (
                Exception
            ) as error:  # the database is away; the results are all we have, so hold on to them
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
                people.block(
                    connection, claim.shop, claim.id, claim.channel, claim.message.address, result.at
                )
        outbox.mark_sent(connection, sent)
        outbox.mark_failed(connection, failed, tries)
        people.open_cases_for_failures(connection, failed, self._clock())

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
                    return _failed(
                        claim.shop,
                        claim.id,
                        "failed",
                        Reason("gave_up", {"attempts": attempts, "why": why}),
                        at,
                        at,
                    )
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


def _one_for_each_buyer(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """The one that comes first by priority, then by time; her others wait for their turn."""
    first: dict[str, Row[Any]] = {}
    for row in rows:
        known = first.get(row.buyer)
        if known is None or _turn(row) < _turn(known):
            first[row.buyer] = row
    return list(first.values())


def _turn(row: Row[Any]) -> tuple[int, datetime, int]:
    return PRIORITY[row.category], row.due_at, row.id


def _due(row: Row[Any], extra: Mapping[str, Any]) -> Due:
    values = msgspec.json.decode(row.values)
    return Due(
        key=row.key,
        template=row.template,
        category=row.category,
        due_at=row.due_at,
        created_at=row.created_at,
        lateness=timedelta(seconds=row.lateness),
        values={**values, **extra} if extra else values,
        order=row.order_id,
        to=row.to,
    )


def _sending(claim: Claim, lease: datetime, kept: str, version: str) -> dict[str, Any]:
    return {
        "shop": claim.shop,
        "id": claim.id,
        "facts": kept,
        "lease_until": lease,
        "channel": claim.channel,
        "address": claim.message.address,
        "text": claim.message.text,
        "version": version,
    }


def _held(shop: str, id: int, hold: Hold, facts: str | None) -> dict[str, Any]:
    return {"shop": shop, "id": id, "try_at": hold.until, "reason": dump(hold.why), "facts": facts}


def _settled(shop: str, id: int, state: str, why: Reason, facts: str, at: datetime) -> dict[str, Any]:
    return {"shop": shop, "id": id, "state": state, "reason": dump(why), "facts": facts, "settled_at": at}


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

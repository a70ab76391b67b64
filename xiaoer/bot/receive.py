"""Receive: prove who sent a delivery, translate it, keep it, and only then answer."""

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from aiohttp import web
from sqlalchemy import Connection

from xiaoer.bot.channels import Channel, Delivery
from xiaoer.bot.errors import Unreadable, WebhookRefused
from xiaoer.bot.events import Event, dump_event
from xiaoer.bot.guests import BodyOf
from xiaoer.bot.lately import Lately
from xiaoer.bot.logs import Seldom
from xiaoer.bot.metrics import Metrics
from xiaoer.storage import inbox
from xiaoer.storage.database import Database
from xiaoer.storage.inbox import Arrival, Puzzle

log = structlog.get_logger()

GROUP = 1000  # deliveries in one commit
LONGEST_ID = 200  # characters; longer ones do not fit an index
# Of a delivery that could not be read: what its channel needs to read it again, and who sent it.
KEPT_HEADERS = (
    *("content-type", "user-agent", "webhook-id"),
    *("x-shopify-topic", "x-shopify-webhook-id", "x-shopify-triggered-at"),
    *("shopify-topic", "shopify-webhook-id", "shopify-triggered-at"),
    *("x-wc-webhook-topic", "x-wc-webhook-delivery-id"),
)

Doors = Mapping[tuple[str, str], Channel]  # (shop, channel's name) -> channel


class Keeper(Protocol):
    """Where deliveries are kept before they are answered."""

    def keep(self, arrivals: Sequence[Arrival], puzzle: Puzzle | None = None) -> Awaitable[None]:
        """Done once it cannot get lost any more; raises if it may."""


class Intake:
    """Group commit: all deliveries that came while one commit was being written share the next."""

    def __init__(self, database: Database, metrics: Metrics, on_kept: Callable[[], None]) -> None:
        self._database = database
        self._metrics = metrics
        self._on_kept = on_kept
        self._waiting: deque[tuple[Sequence[Arrival], Puzzle | None, asyncio.Future[None]]] = deque()
        self._wake = asyncio.Event()

    def keep(self, arrivals: Sequence[Arrival], puzzle: Puzzle | None = None) -> asyncio.Future[None]:
        """Done once it is on disk; fails as the commit failed."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrivals, puzzle, kept))
        self._wake.set()
        return kept

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    async def run(self) -> None:
        """Commit group after group, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                await self._commit(group)

    async def _commit(
        self, group: list[tuple[Sequence[Arrival], Puzzle | None, asyncio.Future[None]]]
    ) -> None:
        arrivals = [arrival for each, _, _ in group for arrival in each]
        puzzles = [puzzle for _, puzzle, _ in group if puzzle]

        def write(connection: Connection) -> None:
            inbox.add(connection, arrivals)
            inbox.keep(connection, puzzles)

        error: Exception | None = None
        try:
            await self._database.write(write)
        except Exception as failed:  # whatever it was, none of the group is on disk and all must hear of it
            log.error("deliveries not kept", count=len(group), error=type(failed).__name__)
            error = failed
        self._metrics.group_size.observe(len(group))
        for _, _, kept in group:
            if kept.done():
                continue  # the platform hung up meanwhile
            kept.set_exception(error) if error else kept.set_result(None)
        if error is None and arrivals:
            self._on_kept()


class Rate:
    """A bucket for each shop: so many deliveries a second, twice as many in a burst. What came before,
    word for word, spends from another one of the same size."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._levels = {
            (shop, again): (2.0 * limit, 0.0) for shop, limit in limits.items() for again in (False, True)
        }

    def take(self, shop: str, seconds: float, again: bool = False) -> bool:
        """False if the shop's bucket is empty at the monotonic time `seconds`."""
        level, since = self._levels[shop, again]
        limit = self._limits[shop]
        level = min(2.0 * limit, level + max(0.0, seconds - since) * limit)
        self._levels[shop, again] = (max(0.0, level - 1.0), seconds)
        return level >= 1.0


class Receiver:
    """The HTTP door at /hooks/{shop}/{channel}."""

    def __init__(
        self,
        doors: Doors,
        keeper: Keeper,
        rate: Rate,
        metrics: Metrics,
        clock: Callable[[], datetime],
        body_of: BodyOf,
    ) -> None:
        self._doors = doors
        self._shops = frozenset(shop for shop, _ in doors)
        self._refusals = Seldom()
        self._lately = Lately()
        self._keeper = keeper
        self._rate = rate
        self._metrics = metrics
        self._clock = clock
        self._body_of = body_of

    async def receive(self, request: web.Request) -> web.Response:
        """200 kept (or known, or kept as unreadable), 401, 404, 413 and 415 (from body_of), 429, 503."""
        shop, name = request.match_info["shop"], request.match_info["channel"]
        channel = self._doors.get((shop, name))
        if channel is None:  # a name that somebody made up labels no metric
            return self._answer(shop if shop in self._shops else "", "", 404)
        try:
            body = await self._body_of(request)
        except web.HTTPException as refused:
            self._count(shop, name, refused.status)
            raise
        delivery = Delivery(
            method=request.method,
            headers=request.headers,
            query=request.query,
            body=body,
            received_at=self._clock(),
        )
        handshake = channel.handshake(delivery)
        if handshake is not None:
            return web.Response(
                status=handshake.status, text=handshake.text, content_type=handshake.content_type
            )
        try:
            channel.verify(delivery)
        except WebhookRefused as refused:
            self._complain(shop, name, str(refused))
            return self._answer(shop, name, 401)
        # Only the genuine spend from the shop's bucket, and once; a stranger could leave its buyers nothing.
        again = self._lately.ask(f"{shop}/{name}", delivery.body)
        if not self._rate.take(shop, asyncio.get_running_loop().time(), again):
            return self._answer(shop, name, 429, headers={"Retry-After": "1"})
        return await self._keep(shop, channel, delivery)

    async def _keep(self, shop: str, channel: Channel, delivery: Delivery) -> web.Response:
        arrivals: list[Arrival] = []
        puzzle = None
        try:
            arrivals = [arrival_of(shop, event, delivery.received_at) for event in channel.parse(delivery)]
        except Unreadable as error:
            puzzle = _puzzle(shop, channel.name, delivery, str(error))
            self._metrics.unreadable.labels(shop, channel.name).inc()
            log.warning("delivery not understood", shop=shop, channel=channel.name, why=str(error))
        if arrivals or puzzle:
            try:
                await self._keeper.keep(arrivals, puzzle)
            except Exception:  # logged where it happened; to the platform all of them mean: come again
                return self._answer(shop, channel.name, 503, headers={"Retry-After": "5"})
        return self._answer(shop, channel.name, 200)

    def _complain(self, shop: str, channel: str, why: str) -> None:
        """A flood of forged deliveries must not fill the log."""
        unsaid = self._refusals.ask((shop, channel), asyncio.get_running_loop().time())
        if unsaid is not None:
            log.warning("delivery refused", shop=shop, channel=channel, why=why, unsaid=unsaid)

    def _answer(
        self, shop: str, channel: str, status: int, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        self._count(shop, channel, status)
        return web.Response(status=status, headers=headers)

    def _count(self, shop: str, channel: str, status: int) -> None:
        self._metrics.deliveries.labels(shop, channel, status).inc()


def arrival_of(shop: str, event: Event, received_at: datetime) -> Arrival:
    """Raises Unreadable if an id is too long to be told apart by."""
    if max(len(event.external_id), len(event.thread)) > LONGEST_ID:
        raise Unreadable(f"an id is longer than {LONGEST_ID} characters")
    return written(shop, event, received_at)


def written(shop: str, event: Event, received_at: datetime) -> Arrival:
    """As it goes into the inbox. For events of our own, whose ids are as long as they have to be."""
    return Arrival(
        shop=shop,
        channel=event.channel,
        external_id=event.external_id,
        thread=event.thread,
        type=str(type(event).__struct_config__.tag),
        body=dump_event(event),
        received_at=received_at,
    )


def _puzzle(shop: str, channel: str, delivery: Delivery, error: str) -> Puzzle:
    headers = {name: value for name in KEPT_HEADERS if (value := delivery.headers.get(name))}
    return Puzzle(
        shop=shop,
        channel=channel,
        external_id=hashlib.sha256(delivery.body).hexdigest(),
        headers=json.dumps(headers),
        body=delivery.body,
        error=error,
        received_at=delivery.received_at,
    )

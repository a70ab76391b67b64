"""The endpoint of webhooks: verify a delivery, parse it, store it, and only then answer."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from aiohttp import web

from bot.channels import AcknowledgingChannel, Delivery, ReceivingChannel
from bot.domain.errors import Unreadable, WebhookRefused
from bot.domain.events import Event
from bot.operations.logs import ThrottledLog
from bot.operations.metrics import Metrics
from bot.receive.delivery_store import DeliveryStore
from bot.receive.http_protocol import ReadBody
from bot.receive.rate_limit import RateLimit, RecentBodies
from storage.inbox import InboxEvent, UnreadableDelivery, inbox_event

log = structlog.get_logger()

# Stored with a delivery that could not be read: what its channel needs to read it again, and who sent it.
KEPT_HEADERS = (
    *("content-type", "user-agent", "webhook-id"),
    *("x-shopify-topic", "x-shopify-webhook-id", "x-shopify-triggered-at"),
    *("shopify-topic", "shopify-webhook-id", "shopify-triggered-at"),
    *("x-wc-webhook-topic", "x-wc-webhook-delivery-id"),
)

MOST_ACKNOWLEDGED = 100  # at a time; more are left out, since nothing depends on them

ReceivingChannels = Mapping[tuple[str, str], ReceivingChannel]  # (shop, channel's name) -> channel
ReadyAt = Callable[[str, Event, datetime], datetime]  # (shop, event, received) -> when it may be handled


class Receiver:
    """Answers /hooks/{shop}/{channel}."""

    def __init__(
        self,
        channels: ReceivingChannels,
        store: DeliveryStore,
        rate: RateLimit,
        metrics: Metrics,
        clock: Callable[[], datetime],
        read_body: ReadBody,
        ready_at: ReadyAt,
    ) -> None:
        self._channels = channels
        self._shops = frozenset(shop for shop, _ in channels)
        self._refusals = ThrottledLog()
        self._recent = RecentBodies()
        self._store = store
        self._rate = rate
        self._metrics = metrics
        self._clock = clock
        self._read_body = read_body
        self._ready_at = ready_at
        self._acknowledging: set[asyncio.Task[None]] = set()

    async def receive(self, request: web.Request) -> web.Response:
        """Answer 200 once a delivery is stored: its events (also if known already), or itself if unreadable.

        Otherwise 401 not genuine, 404 no such channel, 413 and 415 from `read_body`, 429 too many of this
        shop, 503 not stored.
        """
        shop, name = request.match_info["shop"], request.match_info["channel"]
        channel = self._channels.get((shop, name))
        if channel is None:  # a made-up name must not become a label of a metric
            return self._answer(shop if shop in self._shops else "", "", 404)
        try:
            body = await self._read_body(request)
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
            self._log_refusal(shop, name, str(refused))
            return self._answer(shop, name, 401)
        # After `verify`, so that strangers cannot use up the shop's limit.
        repeated = self._recent.seen(f"{shop}/{name}", delivery.body)
        if not self._rate.take(shop, asyncio.get_running_loop().time(), repeated):
            return self._answer(shop, name, 429, headers={"Retry-After": "1"})
        return await self._parse_and_store(shop, channel, delivery)

    async def _parse_and_store(
        self, shop: str, channel: ReceivingChannel, delivery: Delivery
    ) -> web.Response:
        events: list[InboxEvent] = []
        unreadable = None
        try:
            at = delivery.received_at
            events = [
                inbox_event(shop, event, at, self._ready_at(shop, event, at))
                for event in channel.parse(delivery)
            ]
        except Unreadable as error:
            unreadable = _unreadable(shop, channel.name, delivery, str(error))
            self._metrics.unreadable.labels(shop, channel.name).inc()
            log.warning("delivery not understood", shop=shop, channel=channel.name, why=str(error))
        if events or unreadable:
            try:
                await self._store.keep(events, unreadable)
            except Exception:  # logged by the store; whatever it was, the platform has to send it again
                return self._answer(shop, channel.name, 503, headers={"Retry-After": "5"})
        if isinstance(channel, AcknowledgingChannel) and len(self._acknowledging) < MOST_ACKNOWLEDGED:
            telling = asyncio.create_task(channel.acknowledge(delivery))
            self._acknowledging.add(telling)
            telling.add_done_callback(self._acknowledging.discard)
        return self._answer(shop, channel.name, 200)

    def _log_refusal(self, shop: str, channel: str, why: str) -> None:
        """Log now and then only, because a flood of forged deliveries must not fill the log."""
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


def _unreadable(shop: str, channel: str, delivery: Delivery, error: str) -> UnreadableDelivery:
    headers = {name: value for name in KEPT_HEADERS if (value := delivery.headers.get(name))}
    return UnreadableDelivery(
        shop=shop,
        channel=channel,
        external_id=hashlib.sha256(delivery.body).hexdigest(),
        headers=json.dumps(headers),
        body=delivery.body,
        error=error,
        received_at=delivery.received_at,
    )

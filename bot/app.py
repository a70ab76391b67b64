"""The composition root: settings in, a program out."""

import asyncio
import contextlib
import gc
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

import aiohttp
import msgspec
import structlog
from aiohttp import web

from bot.api.routes import Erasing, api_routes
from bot.channels import ReceivingChannel, SendingChannel
from bot.channels.email import EmailChannel
from bot.channels.registry import open_channels, open_http
from bot.channels.telegram import TelegramSettings
from bot.config import Config, host_and_port
from bot.deliver.addresses import AddressBook
from bot.deliver.claim import Claimer
from bot.deliver.dispatcher import LEASE, Dispatcher
from bot.deliver.links import Links
from bot.deliver.outcomes import OutcomeWriter
from bot.domain import settling
from bot.domain.clock import utc_now
from bot.domain.events import Event
from bot.domain.rules import Rules
from bot.domain.shop import Shop
from bot.domain.signed_tokens import ChatLink, SignedTokens
from bot.operations.archive import Archiver
from bot.operations.erasure import Eraser, reach_of
from bot.operations.forgetting import Forgetter
from bot.operations.health import Health
from bot.operations.knowledge import Knows, Replies, load_knowledge, load_replies
from bot.operations.metrics import Metrics
from bot.operations.restore_guard import RestoreGuard
from bot.operations.time_limit import TimeLimit
from bot.program import DELIVER, LEGS, REACT, RECEIVE, Parts, Program, Workers
from bot.react.campaigns import Campaigns
from bot.react.nights import Nights
from bot.react.reactor import Reactor
from bot.react.restocks import Restocks
from bot.receive.connection_limits import ConnectionLimits
from bot.receive.delivery_store import DeliveryStore
from bot.receive.endpoint import Receiver
from bot.receive.group_commit import GroupCommit
from bot.receive.http_protocol import ReadBody, RequestLimits, listening
from bot.receive.log.consumer import LOG_CHANNEL, LogConsumer
from bot.receive.log.jetstream import Log
from bot.receive.log.lag import deliveries_behind
from bot.receive.log.producer import LogProducer
from bot.receive.log.watermark import Watermark
from bot.receive.page_headers import guard
from bot.receive.rate_limit import RateLimit
from bot.receive.unsubscribe_page import UnsubscribePage
from bot.settings.knowledge_file import KnowledgeFault
from bot.texts.catalogue import Catalogue
from bot.understanding.examples import FaultyExamples
from bot.worker import Worker
from handlers import vip
from handlers.haggling_words import haggles
from handlers.meaning import asks_nothing
from handlers.order_proof import numbers_to_look_up
from handlers.reading import Understand, read
from handlers.routes import POLICIES, ROUTES
from handlers.together import reads_alone, unfinished
from storage import case_records, schema
from storage.database import Database
from storage.forgetting import KINDS
from storage.instance import OutboxHold
from storage.unit import CaseLine

log = structlog.get_logger()

DRAIN_SECONDS = 20.0  # that a stopping program waits for platforms to answer
LAST_ANSWER_SECONDS = 10.0  # that it waits for deliveries that are being received


class Channels(msgspec.Struct, frozen=True):
    """The channels of all shops, by (shop, channel's name)."""

    receiving: Mapping[tuple[str, str], ReceivingChannel]
    sending: Mapping[tuple[str, str], SendingChannel]


class Options(TypedDict, total=False):
    """What a caller sets apart from the settings.

    rules: the tables of a shop; `rules_of(config, understand)` where it is left out.
    understand: what was learned of buyers' words; phrases decide where it is left out.
    knows: what sellers wrote down. replies: what of it people send by hand.
    channels: `channels_of(config, http)` where it is left out.
    legs: the legs that this program runs; all of them where it is left out.
    on_case: told of each case that begins to wait for the seller.
    lease: how long a message stays in hand. drain_seconds: how long a stopping program waits for platforms.
    """

    rules: Rules
    understand: Understand
    knows: Knows
    replies: Replies
    channels: Channels
    clock: Callable[[], datetime]
    legs: Collection[str]
    lease: timedelta
    drain_seconds: float
    time_limit: TimeLimit
    jitter: Callable[[], float]
    on_case: Callable[[CaseLine], None]


def rules_of(
    config: Config,
    understand: Understand | None = None,
    knows: Knows = lambda *asked: (),
    replies: Replies = lambda *asked: {},
) -> Rules:
    """The rules in `handlers`; links count as proof if they are signed with the settings' secret.

    understand: what was learned of buyers' words; without it phrases decide. knows: what sellers wrote down,
    replies: what of it people send by hand.
    """
    tokens = SignedTokens(config.secret.get_secret_value())

    def link_in(shop: str, text: str) -> ChatLink | None:
        command, _, token = text.partition(" ")
        said = tokens.read("chat", token.strip()) if command == "/start" and token else None
        if said is None or len(said) not in (2, 3) or said[0] != shop:
            return None
        return ChatLink(said[1], said[2] if len(said) == 3 else None)

    return Rules(
        routes=ROUTES,
        policies=POLICIES,
        numbers_in=numbers_to_look_up,
        link_in=link_in,
        promotion_firings=vip.promotion_firings,
        tier_of=vip.tier_of,
        understand=partial(read, understand=understand),
        knows=knows,
        replies=replies,
        asks_nothing=asks_nothing,
        reads_alone=reads_alone,
        unfinished=unfinished,
        haggles=haggles,
    )


def channels_of(config: Config, http: aiohttp.ClientSession) -> Channels:
    """The channels that the settings name."""
    receiving: dict[tuple[str, str], ReceivingChannel] = {}
    sending: dict[tuple[str, str], SendingChannel] = {}
    for shop_id, shop in config.shops.items():
        of_shop = open_channels(shop.channels, shop.region, shop.currency, http, shop.seller.webhook)
        receiving |= {(shop_id, name): channel for name, channel in of_shop[0].items()}
        sending |= {(shop_id, name): channel for name, channel in of_shop[1].items()}
    return Channels(receiving, sending)


def build(
    config: Config, database: Database, http: aiohttp.ClientSession, **options: Unpack[Options]
) -> Program:
    """Build the program from its settings. Nothing runs until `Program.running`, or a simulation, runs it."""
    return _Builder(config, database, http, options).program()


class _Builder:
    """What several parts of one program share."""

    def __init__(
        self, config: Config, database: Database, http: aiohttp.ClientSession, options: Options
    ) -> None:
        self.config = config
        self.database = database
        self.legs = frozenset(options.get("legs", LEGS))
        self.clock = options.get("clock", utc_now)
        self.lease = options.get("lease", LEASE)
        self.drain_seconds = options.get("drain_seconds", DRAIN_SECONDS)
        self.jitter = options.get("jitter", random.random)
        self.on_case = options.get("on_case", lambda line: None)
        self.time_limit = options.get("time_limit") or TimeLimit()
        self.rules = options.get("rules") or rules_of(
            config,
            options.get("understand"),
            options.get("knows", lambda *asked: ()),
            options.get("replies", lambda *asked: {}),
        )
        self.channels = options.get("channels") or channels_of(config, http)
        self.metrics = Metrics()
        self.catalogue = Catalogue(config.templates)
        self.campaigns = Campaigns(config.shops, self.rules, self.catalogue, config.secret.get_secret_value())
        self.tokens = SignedTokens(config.secret.get_secret_value())
        self.log = Log(config.ingest) if config.ingest else None
        archive = config.retention.archive if config.retention else None
        reach = reach_of(config.database, config.erasures, archive)
        self.eraser = Eraser(database, config.secret.get_secret_value(), reach, self.clock)
        names = ("react", "deliver", "calendar", "archive", "home", "nights", "erasure")
        self.workers = Workers(*(Worker(name, self.metrics) for name in names))

    def program(self) -> Program:
        config, database, clock, metrics = self.config, self.database, self.clock, self.metrics
        metrics.begin(config.shops, self.channels.receiving, LOG_CHANNEL if self.log else None)
        wake_react = self.workers.react.wake
        limits = ConnectionLimits(config.door, config.body_limit, metrics)
        group_commit = GroupCommit(self._towards(REACT), metrics, wake_react)
        store = LogProducer(self.log, group_commit, metrics) if self.log else group_commit
        behind = partial(deliveries_behind, self.log, database) if self.log else None
        health = Health(database, metrics, clock, REACT in self.legs, behind)
        claimer = self._claimer()
        dispatcher = self._dispatcher(claimer)
        consumer = (
            LogConsumer(self.log, database, metrics, wake_react, clock)
            if self.log and REACT in self.legs
            else None
        )
        sending = self.channels.sending.values()
        return Program(
            Parts(
                site=self._site(health, store, RequestLimits(limits)),
                monitoring=_monitoring(health) if config.metrics_listen else None,
                config=config,
                rules=self.rules,
                metrics=metrics,
                database=database,
                deliver_database=self._towards(DELIVER),
                clock=clock,
                legs=self.legs,
                drain_seconds=self.drain_seconds,
                workers=self.workers,
                catalogue=self.catalogue,
                group_commit=group_commit,
                store=store,
                limits=limits,
                reactor=self._reactor(),
                campaigns=self.campaigns,
                nights=Nights(config.shops),
                restocks=Restocks(config.shops, self.rules, self.catalogue),
                claimer=claimer,
                dispatcher=dispatcher,
                connected=[channel for channel in sending if isinstance(channel, EmailChannel)],
                time_limit=self.time_limit,
                health=health,
                restore_guard=RestoreGuard(database, clock),
                log=self.log,
                consumer=consumer,
                eraser=self.eraser,
                forgetter=self._forgetter(),
                archiver=self._archiver(lambda: group_commit.waiting or dispatcher.in_hand > 0),
            )
        )

    def _towards(self, leg: str) -> Database:
        """The database for writes that a leg waits for; it notifies other programs if the leg is not ours."""
        return self.database if leg in self.legs else self.database.notifying(leg)

    def _reactor(self) -> Reactor:
        return Reactor(
            self._towards(DELIVER),
            self.config.shops,
            self.rules,
            self.catalogue,
            self.time_limit,
            self.metrics,
            self.jitter,
            self.on_case,
            self.config.secret.get_secret_value(),
        )

    def _claimer(self) -> Claimer:
        shops = self.config.shops
        kinds: dict[str, dict[str, str]] = {shop_id: {} for shop_id in shops}
        for shop_id, name in self.channels.sending:
            settings = shops[shop_id].channels.get(name)
            if settings is not None:
                kinds[shop_id][name] = settings.kind
        first = list(shops)[int(self.jitter() * len(shops))]  # so that programs part at once
        return Claimer(
            {shop_id: AddressBook(shop, kinds[shop_id]) for shop_id, shop in shops.items()},
            Links(self.tokens, self.config.public_url, _telegram_bots(self.config)),
            self.rules,
            self.catalogue,
            self.time_limit,
            self.metrics,
            self.lease,
            first,
        )

    def _dispatcher(self, claimer: Claimer) -> Dispatcher:
        sending, metrics = self.channels.sending, self.metrics
        return Dispatcher(
            self.database,
            sending,
            claimer,
            OutcomeWriter(self.config.shops, sending, self.catalogue, metrics, self.jitter),
            metrics,
            self.clock,
            self.lease,
            on_sent=self.workers.deliver.wake,
            watermark=Watermark(self.log, metrics, self.clock) if self.log else None,
        )

    def _archiver(self, busy: Callable[[], bool]) -> Archiver | None:
        kept = self.config.retention
        if kept is None:
            return None
        return Archiver(self.database, self.config.shops, kept.archive, kept.keep, self.clock, busy)

    def _forgetter(self) -> Forgetter:
        config, wanted = self.config, self.config.forget
        keep = {kind: getattr(wanted, kind) for kind in KINDS}
        files = (config.retention.archive, wanted.archive) if config.retention and wanted.archive else None
        return Forgetter(self.database, config.shops, keep, files, self.clock)

    def _site(self, health: Health, store: DeliveryStore, requests: RequestLimits) -> web.Application:
        """Health and metrics of every program; webhooks, API and unsubscribe page of one that receives.

        Where `metrics_listen` is set, what tells of the shops is served there alone.
        """
        site = web.Application(client_max_size=self.config.body_limit, middlewares=[requests.middleware])
        site.on_response_prepare.append(guard)
        site.add_routes(
            [web.get("/healthz", health.alive)]
            if self.config.metrics_listen
            else _routes_of_monitoring(health)
        )
        if RECEIVE in self.legs:
            site.add_routes(self._public_routes(store, requests.body))
        return site

    def _public_routes(self, store: DeliveryStore, read_body: ReadBody) -> list[web.RouteDef]:
        shops, clock = self.config.shops, self.clock
        rate = RateLimit({shop_id: shop.limits.deliveries_per_second for shop_id, shop in shops.items()})
        channels, ready_at = self.channels.receiving, partial(_ready_at, shops, self.rules)
        receiver = Receiver(channels, store, rate, self.metrics, clock, read_body, ready_at)
        unsubscribe = UnsubscribePage(self.tokens, store, shops, clock)
        wake_react = self.workers.react.wake
        return [
            web.post("/hooks/{shop}/{channel}", receiver.receive),
            web.get("/hooks/{shop}/{channel}", receiver.receive),
            web.get("/stop/{token}", unsubscribe.ask),
            web.post("/stop/{token}", unsubscribe.stop),
            web.get("/offers/{token}", unsubscribe.ask_offers),
            web.post("/offers/{token}", unsubscribe.confirm_offers),
            *api_routes(
                self.config,
                self._towards(REACT),
                clock,
                wake_react,
                read_body,
                self.metrics,
                Erasing(self.eraser, self.workers.erasure.wake),
                self.campaigns,
            ),
        ]


def _ready_at(shops: Mapping[str, Shop], rules: Rules, shop: str, event: Event, at: datetime) -> datetime:
    return settling.ready_at(event, at, shops[shop].chat.settle, rules.reads_alone, shops[shop].desks)


def _routes_of_monitoring(health: Health) -> list[web.RouteDef]:
    return [
        web.get("/healthz", health.alive),
        web.get("/readyz", health.ready),
        web.get("/metrics", health.measured),
    ]


def _monitoring(health: Health) -> web.Application:
    """What `metrics_listen` answers."""
    site = web.Application()
    site.on_response_prepare.append(guard)
    site.add_routes(_routes_of_monitoring(health))
    return site


def _telegram_bots(config: Config) -> dict[str, str]:
    """The first bot of each shop whose user name is known."""
    bots: dict[str, str] = {}
    for shop_id, shop in config.shops.items():
        for channel in shop.channels.values():
            if isinstance(channel, TelegramSettings) and channel.username:
                bots.setdefault(shop_id, channel.username)
    return bots


async def serve(
    config: Config,
    on_ready: Callable[[OutboxHold | None, Mapping[str, int]], None],
    until: asyncio.Event,
    notice_seconds: float = 0.0,
    on_left_out: Callable[[FaultyExamples], None] = lambda fault: None,
    on_unknown: Callable[[Path, KnowledgeFault], None] = lambda file, fault: None,
    **options: Unpack[Options],
) -> None:
    """Run until `until` is set. Raises StorageError or OSError if it cannot start.

    on_ready: called with the hold of the outbox, if any, and with the number of the cases that wait, by shop,
    once deliveries are accepted.
    on_left_out: called where the seller's example sentences are not used, with the reason.
    on_unknown: told of each entry of a knowledge file that is not used.
    notice_seconds: between "not ready" and the closing of the port, so that a load balancer notices.
    """
    database = Database(config.database)
    try:
        copy = await asyncio.to_thread(schema.ready, database.engine)
        if copy:
            log.info("database brought up to date", copy=str(copy))
        async with open_http() as http:
            learns = _learning(config, options, on_left_out)
            written, of = config.understanding.knowledge, config.shops
            options.setdefault("knows", await asyncio.to_thread(load_knowledge, written, of, on_unknown))
            options.setdefault("replies", load_replies(written, of))
            program = build(config, database, http, **options)
            parts = program.parts
            for fault in parts.catalogue.faults:
                log.warning("a template of yours is not used", why=fault)
            _rest_the_collector()
            runner = web.AppRunner(program.site, access_log=None, shutdown_timeout=LAST_ANSWER_SECONDS)
            await runner.setup()
            async with program.running() as hold, learns:
                try:
                    async with (
                        _answering(parts.monitoring, config.metrics_listen),
                        listening(runner, parts.limits, config.host, config.port),
                    ):
                        on_ready(hold, await database.read(case_records.waiting))
                        await until.wait()
                        parts.health.leave()
                        await asyncio.sleep(notice_seconds)
                finally:
                    await runner.cleanup()
    finally:
        database.close()


def _learning(
    config: Config, options: Options, on_left_out: Callable[[FaultyExamples], None]
) -> contextlib.AbstractAsyncContextManager[None]:
    """What learns while the program runs; nothing where the caller brings an understanding of their own."""
    if options.keys() & {"rules", "understand"}:
        return contextlib.nullcontext()
    # What scores texts takes long to import, and only what serves needs it.
    from bot.operations.learner import learning
    from bot.understanding.understander import Understander

    understander = Understander()
    options["understand"] = understander.understand
    return learning(understander, config.understanding.learned, config.understanding.examples, on_left_out)


@contextlib.asynccontextmanager
async def _answering(site: web.Application | None, address: str | None) -> AsyncIterator[None]:
    """Serve monitoring at its own address, if it has one. Raises OSError if that cannot be bound."""
    if site is None or address is None:
        yield
        return
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=LAST_ANSWER_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, *host_and_port(address)).start()
        yield
    finally:
        await runner.cleanup()


def _rest_the_collector() -> None:
    """Run the garbage collector less often: objects made at start stay, and a batch's rows are freed by
    reference counting. The default thresholds would take a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)

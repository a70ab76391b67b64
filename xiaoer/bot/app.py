"""The one place of wiring: settings in, a running program out."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime, timedelta
from functools import partial

import aiohttp
import structlog
from aiohttp import web
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from xiaoer.bot import campaigns
from xiaoer.bot.api.routes import api_routes
from xiaoer.bot.archiving import EVERY, Archivist
from xiaoer.bot.channels import Channel, Speaker
from xiaoer.bot.channels.email import EmailChannel
from xiaoer.bot.clock import TICK, Clock, Leg, fire_wakes, utc_now
from xiaoer.bot.config import Config
from xiaoer.bot.deliver import LEASE, Courier
from xiaoer.bot.errors import StorageError
from xiaoer.bot.guests import Guests, listening
from xiaoer.bot.health import Health
from xiaoer.bot.home import BEAT, Home
from xiaoer.bot.ingest.keeping import LogKeeper
from xiaoer.bot.ingest.lag import deliveries_behind
from xiaoer.bot.ingest.log import Log
from xiaoer.bot.ingest.taking import FOREIGN, Taker
from xiaoer.bot.ingest.watermark import Watermark
from xiaoer.bot.links import Links
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.opening import desk_of, open_channels, open_http
from xiaoer.bot.patience import Patience
from xiaoer.bot.react import Reactor
from xiaoer.bot.receive import Intake, Keeper, Rate, Receiver
from xiaoer.bot.rules import Rules
from xiaoer.bot.stop_page import StopPage
from xiaoer.bot.texts import Texts
from xiaoer.handlers import vip
from xiaoer.handlers.chat import order_numbers_in
from xiaoer.handlers.routes import MOMENTS, ROUTES
from xiaoer.storage import bell, schema
from xiaoer.storage.database import Database
from xiaoer.storage.life import Hold

log = structlog.get_logger()

DRAIN = 20.0  # seconds that a stopping program waits for platforms to answer
SOON = 0.05  # seconds until a shop is looked at again that another program was at
LAST_ANSWERS = 10.0  # seconds that it waits for deliveries which are still on their way in
LOG_COMES = 10.0  # seconds that a starting program waits for the log in front
LEGS = ("receive", "react", "deliver")


def rules_of(texts: Texts, links: Links) -> Rules:
    def order_of_link(shop: str, text: str) -> str | None:
        command, _, token = text.partition(" ")
        proved = links.read("chat", token.strip()) if command == "/start" and token else None
        return proved[1] if proved and len(proved) == 2 and proved[0] == shop else None

    return Rules(
        routes=ROUTES, moments=MOMENTS, texts=texts, numbers_in=order_numbers_in, order_of_link=order_of_link
    )


class Program:
    """Everything that `serve` runs. Clock and database are handed in, so that a test or a demo owns time."""

    def __init__(
        self,
        config: Config,
        database: Database,
        http: aiohttp.ClientSession,
        clock: Callable[[], datetime] = utc_now,
        lease: timedelta = LEASE,
        legs: Collection[str] = LEGS,
        drain: float = DRAIN,
    ) -> None:
        self.legs = frozenset(legs)
        self.drain = drain
        self.config = config
        self.database = database
        self.clock = clock
        self.metrics = Metrics()
        self.texts = Texts(config.templates)
        self.links = Links(config.secret.get_secret_value())
        self.rules = rules_of(self.texts, self.links)
        self.patience = Patience()
        doors: dict[tuple[str, str], Channel] = {}
        speakers: dict[tuple[str, str], Speaker] = {}
        for shop_id, shop in config.shops.items():
            listens, speaks = open_channels(shop_id, shop, http)
            doors |= {(shop_id, name): channel for name, channel in listens.items()}
            speakers |= {(shop_id, name): speaker for name, speaker in speaks.items()}
        self.mails = [speaker for speaker in speakers.values() if isinstance(speaker, EmailChannel)]
        self.log = Log(config.ingest) if config.ingest else None
        self.metrics.begin(config.shops, doors, FOREIGN if self.log else None)
        self.courier = Courier(
            database,
            config.shops,
            speakers,
            desk_of(config, self.links, speakers),
            self.rules,
            self.patience,
            self.metrics,
            clock,
            lease,
            on_sent=lambda: self.deliver_leg.wake(),
            watermark=Watermark(self.log, self.metrics, clock) if self.log else None,
        )
        self.react_leg = Leg("react", self.react_round, self.metrics)
        self.deliver_leg = Leg("deliver", self.courier.deliver_due, self.metrics)
        self.calendar_leg = Leg("calendar", self.calendar_round, self.metrics)
        self.archive_leg = Leg("archive", self.archive_round, self.metrics)
        self.home = Home(database, clock)
        self.home_leg = Leg("home", self.home.beat, self.metrics)
        self.intake = Intake(self._towards("react"), self.metrics, self.react_leg.wake)
        rate = Rate({shop_id: shop.limits.deliveries_per_second for shop_id, shop in config.shops.items()})
        self.guests = Guests(config.door, config.body_limit, self.metrics)
        self.keeper: Keeper = LogKeeper(self.log, self.intake, self.metrics) if self.log else self.intake
        self.receiver = Receiver(doors, self.keeper, rate, self.metrics, clock, self.guests.body)
        behind = partial(deliveries_behind, self.log, database) if self.log else None
        self.health = Health(database, self.metrics, clock, "react" in self.legs, behind)

    def _towards(self, leg: str) -> Database:
        """Where to write what a leg waits for: our own is woken directly, others have to hear of it."""
        return self.database if leg in self.legs else self.database.ringing(leg)

    def reactor(self) -> Reactor:
        door = self._towards("deliver")
        return Reactor(door, self.config.shops, self.rules, self.patience, self.metrics)

    async def react_round(self) -> int:
        """Handle what is open, in every shop; returns how many events were handled."""
        outcome = await self.reactor().react(self.clock)
        handled = outcome.handled + outcome.parked
        if handled:
            self.deliver_leg.wake()
        elif outcome.busy:  # what came after another program's look is still to be found
            await asyncio.sleep(SOON)
            self.react_leg.wake()
        return handled

    async def calendar_round(self) -> int:
        """Deadlines, campaigns, and what a dead program left behind."""
        fired = await self.fire_deadlines() if "react" in self.legs else 0
        if "deliver" in self.legs and await self.courier.settle_abandoned():
            self.deliver_leg.wake()
        # Last, so that a fault in an offer delays nothing else.
        return fired + (await self.promote() if "react" in self.legs else 0)

    async def archive_round(self) -> int:
        """Through everything once, and then asleep until the clock wakes it."""
        if self.config.retention is not None:
            retention = self.config.retention
            await Archivist(
                self.database, self.config.shops, retention.archive, retention.keep, self.clock, self.busy
            ).sweep()
        return 0

    def busy(self) -> bool:
        """Whether somebody waits for this program just now."""
        return self.intake.waiting or self.courier.in_hand > 0

    async def fire_deadlines(self) -> int:
        now = self.clock()
        fired = await self.database.write(lambda connection: fire_wakes(connection, now))
        if fired:
            self.react_leg.wake()
        return fired

    async def promote(self) -> int:
        """A page of each campaign; returns how many buyers were looked at."""
        now = self.clock()

        def promote(connection: Connection) -> int:
            campaigns.start_due(connection, self.config.shops, vip.promotion_due, now)
            return campaigns.run_page(connection, self.config.shops, self.rules, vip.tier_of, now)

        looked = await self._towards("deliver").write(promote)
        if looked:
            self.deliver_leg.wake()
        return looked

    def site(self) -> web.Application:
        """The HTTP side: health and metrics of every program; webhooks, API and the page that stops of one
        that receives."""
        site = web.Application(client_max_size=self.config.body_limit, middlewares=[self.guests.attend])
        site.add_routes(
            [
                web.get("/healthz", self.health.alive),
                web.get("/readyz", self.health.ready),
                web.get("/metrics", self.health.measured),
            ]
        )
        if "receive" in self.legs:
            site.add_routes(self._public())
        return site

    def _public(self) -> list[web.RouteDef]:
        stop_page = StopPage(self.links, self.keeper, self.config.shops, self.clock)
        return [
            web.post("/hooks/{shop}/{channel}", self.receiver.receive),
            web.get("/hooks/{shop}/{channel}", self.receiver.receive),
            web.get("/stop/{token}", stop_page.ask),
            web.post("/stop/{token}", stop_page.stop),
            *api_routes(
                self.config, self._towards("react"), self.clock, self.react_leg.wake, self.guests.body
            ),
        ]

    async def _start_log(self, log: Log) -> list[asyncio.Task[None]]:
        """Be connected to the log in front, and take in from it where events are handled.

        A program whose log does not come starts all the same: it says 503, and reacts to what it has.
        """
        started = [asyncio.create_task(log.run(), name="log")]
        if "react" in self.legs:
            taker = Taker(log, self.database, self.metrics, self.react_leg.wake, self.clock)
            started.append(asyncio.create_task(taker.run(), name="take"))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(log.ready.wait(), LOG_COMES)
        return started

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All legs on their way; on leaving, what is in hand is finished."""
        await self.home.arrive()
        legs = [leg for leg in (self.react_leg, self.deliver_leg) if leg.name in self.legs]
        bells = {leg.name: leg.wake for leg in legs}
        legs += [self.calendar_leg] if legs else []
        work = await self._start_log(self.log) if self.log else []
        work += [asyncio.create_task(leg.run(), name=leg.name) for leg in legs]
        work.append(asyncio.create_task(self.intake.run(), name="intake"))
        if bells and self.database.dialect == "postgresql":
            work.append(asyncio.create_task(bell.listen(self.database.engine, bells), name="bell"))
        work.append(asyncio.create_task(self.guests.watch(), name="guests"))
        work.append(asyncio.create_task(self.home_leg.run(), name="home"))
        recording = asyncio.create_task(self.courier.record(), name="record")
        clock = Clock()
        for leg in legs:
            clock.every(TICK, leg.wake)
        if "react" in self.legs and self.config.retention is not None:
            work.append(asyncio.create_task(self.archive_leg.run(), name="archive"))
            clock.every(EVERY, self.archive_leg.wake)
        clock.every(BEAT, self.home_leg.wake)
        clock.start()
        try:
            with self.patience.watching():
                yield
        finally:
            clock.stop()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.courier.stop(), self.drain)
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
            await self.courier.let_go()
            await asyncio.gather(*(mail.close() for mail in self.mails))
            with contextlib.suppress(DBAPIError, StorageError):  # away; then the last beat was its last
                await self.home.beat()


async def serve(
    config: Config,
    on_ready: Callable[[Hold | None], None],
    until: asyncio.Event,
    clock: Callable[[], datetime] = utc_now,
    lease: timedelta = LEASE,
    legs: Collection[str] = LEGS,
    notice: float = 0.0,
    drain: float = DRAIN,
) -> None:
    """Run until told to stop. Raises StorageError or OSError if it cannot start.

    on_ready: is told why and since when the outbox is held, if it is.
    notice: seconds between "not ready" and the closing of the door, for whoever spreads the deliveries.
    """
    database = Database(config.database)
    try:
        copy = await asyncio.to_thread(schema.ready, database.engine)
        if copy:
            log.info("database brought up to date", copy=str(copy))
        async with open_http() as http:
            program = Program(config, database, http, clock, lease, legs, drain)
            for fault in program.texts.faults:
                log.warning("a template of yours is not used", why=fault)
            _rest_the_collector()
            runner = web.AppRunner(program.site(), access_log=None, shutdown_timeout=LAST_ANSWERS)
            await runner.setup()
            async with program.running():
                try:
                    async with listening(runner, program.guests, config.host, config.port):
                        on_ready(program.home.hold)
                        await until.wait()
                        program.health.leave()
                        await asyncio.sleep(notice)
                finally:
                    await runner.cleanup()
    finally:
        database.close()


def _rest_the_collector() -> None:
    """What was made at the start stays for good, and a batch's rows go by themselves; looking through
    all of it again and again would take a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)

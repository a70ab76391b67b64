"""The engine without HTTP: events stored, handled, and sent to channels in memory.

Many shops share one database, a fresh shop for each example, so that thousands of histories run in seconds.
Where HTTP or a crash matters, see tests/world.py and tests/faults.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack

import aiohttp
import msgspec
from pydantic import SecretStr
from sqlalchemy import Connection, select

from bot.app import Channels, Options, build
from bot.channels import Delivery, Outgoing, ReceivingChannel, standard_webhooks
from bot.channels.webhook import WebhookChannel, WebhookSettings
from bot.config import Config, ShopSettings
from bot.domain.events import Event
from bot.domain.orders import Order
from bot.domain.rules import Rules
from bot.domain.settling import ready_at
from bot.simulation import ManualClock, Simulation
from storage import inbox, order_records, schema, tables
from storage.asking import ask
from storage.database import Database
from storage.inbox import inbox_event
from tests.world import ERASURES, NOON, SECRET, SHOP

NAMES = itertools.count(1)
WEBHOOK = "webhook"


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as a channel sent it."""

    at: datetime
    message: Outgoing
    channel: str


class FakeChannel:
    """A channel that records messages. `answer` may raise what a channel raises; then nothing is recorded."""

    at_once = 250
    drops_repeats: ClassVar[bool] = True

    def __init__(self, name: str, clock: ManualClock) -> None:
        self.name = name
        self.clock = clock
        self.sent: list[SentMessage] = []
        self.answer: Callable[[Outgoing], None] = lambda message: None

    async def send(self, message: Outgoing) -> str | None:
        self.answer(message)
        self.sent.append(SentMessage(at=self.clock.now, message=message, channel=self.name))
        return message.id


class Engine:
    """One shop. `take` stores events as acknowledged; `react` and `deliver` run a round of these legs."""

    def __init__(
        self, database: Database, shop: str, config: Config, clock: ManualClock, http: aiohttp.ClientSession
    ):
        self.database = database
        self.shop = shop
        self.clock = clock
        self.settings = config.shops[shop]
        self.channels: dict[str, FakeChannel] = {}
        self._config = config
        self._http = http
        self._options: Options = {}
        self.use_channels(FakeChannel(WEBHOOK, clock))

    def use_channels(self, *channels: FakeChannel) -> None:
        """Send through these channels from now on, in place of those in the settings."""
        self.channels = {channel.name: channel for channel in channels}
        self.build(channels=Channels({}, {(self.shop, channel.name): channel for channel in channels}))

    def use_rules(self, rules: Rules) -> None:
        """Use these rules from now on."""
        self.build(rules=rules)

    def configure(self, **settings: Any) -> None:
        """Rebuild the program, with these settings changed."""
        self._config = self._config.model_copy(update=settings)
        self.build()

    def build(self, **options: Unpack[Options]) -> None:
        """Rebuild the program, with these options of `app.build` changed."""
        self._options = {**self._options, **options}
        self.program = build(
            self._config, self.database, self._http, **{"clock": self.clock, **self._options}
        )
        self.simulation = Simulation(self.program, self.clock)

    @property
    def sent(self) -> list[SentMessage]:
        return sorted(
            (one for channel in self.channels.values() for one in channel.sent), key=lambda one: one.at
        )

    def fail_with(self, error: Exception) -> None:
        """Let every channel raise this from now on."""

        def answer(message: Outgoing) -> None:
            raise error

        for channel in self.channels.values():
            channel.answer = answer

    async def take(self, *events: Event) -> None:
        now = self.clock.now
        settle, alone = self.settings.chat.settle, self.program.parts.rules.reads_alone
        desks = self.settings.desks
        arrivals = [
            inbox_event(self.shop, event, now, ready_at(event, now, settle, alone, desks)) for event in events
        ]
        await self.database.write(lambda connection: inbox.add(connection, arrivals))

    async def react(self) -> None:
        while await self.program.react():
            pass

    async def deliver(self) -> None:
        """Run one round: claim and send what is due."""
        await self.program.deliver()
        await self.program.finish_sending()

    async def settle(self) -> None:
        """Do everything that can be done at the current time."""
        await self.simulation.settle()

    async def outbox(self, *columns: str) -> dict[str, Any]:
        """Read the outbox of this shop, by key: the state, or the named columns."""
        wanted = [tables.outbox.c[name] for name in columns or ("state",)]
        statement = select(tables.outbox.c.key, *wanted).where(tables.outbox.c.shop == self.shop)
        rows = await self.database.read(lambda connection: connection.execute(statement).all())
        return {row[0]: row[1] if len(row) == 2 else tuple(row[1:]) for row in rows}

    async def orders(self) -> dict[str, Order]:
        def look(connection: Connection) -> dict[str, Order]:
            ids = connection.scalars(
                select(tables.orders.c.id).where(tables.orders.c.shop == self.shop)
            ).all()
            return ask(connection, self.shop, order_records.by_id(ids))

        return await self.database.read(look)

    async def rows(self, table: Any, *columns: str) -> list[tuple[Any, ...]]:
        """Read all rows of this shop, sorted by the named columns."""
        wanted = [table.c[name] for name in columns]
        statement = select(*wanted).where(table.c.shop == self.shop).order_by(*wanted)
        return [tuple(row) for row in await self.database.read(lambda link: link.execute(statement).all())]


class ManyShops:
    """Shops that share one database."""

    def __init__(self, database: Database, http: aiohttp.ClientSession) -> None:
        self.database = database
        self.http = http

    def engine(self, now: datetime = NOON, **settings: Any) -> Engine:
        """A fresh shop with a fake webhook channel."""
        name = f"s{next(NAMES)}"
        return self._engine(name, config_of({name: settings}), ManualClock(now))

    def another_program(self, engine: Engine) -> Engine:
        """The same shop, run by a second program."""
        return self._engine(engine.shop, engine.program.parts.config, engine.clock)

    def neighbours(self, now: datetime = NOON) -> tuple[Engine, Engine]:
        """Two shops in one program, which is that of the first."""
        names = [f"s{next(NAMES)}", f"s{next(NAMES)}"]
        clock = ManualClock(now)
        config = config_of({name: {} for name in names})
        first, second = (self._engine(name, config, clock) for name in sorted(names))
        return first, second

    def _engine(self, name: str, config: Config, clock: ManualClock) -> Engine:
        return Engine(self.database, name, config, clock, self.http)


@contextlib.asynccontextmanager
async def many_shops(database_url: str) -> AsyncIterator[ManyShops]:
    database = Database(database_url)
    schema.migrate(database.engine)
    async with aiohttp.ClientSession() as http:
        try:
            yield ManyShops(database, http)
        finally:
            database.close()


@contextlib.contextmanager
def in_many_shops(database_url: str) -> Iterator[tuple[ManyShops, Callable[[Coroutine[Any, Any, Any]], Any]]]:
    """Shops, and a function that runs coroutines on them, for tests that Hypothesis repeats."""
    with asyncio.Runner() as runner:
        shops = many_shops(database_url)
        try:
            yield runner.run(shops.__aenter__()), runner.run
        finally:
            runner.run(shops.__aexit__(None, None, None))


def config_of(shops: Mapping[str, Mapping[str, Any]]) -> Config:
    """The settings of each shop, merged into the defaults of every test shop."""
    return Config.model_construct(
        database="",
        listen="127.0.0.1:0",
        public_url="https://shop.example",
        secret=SecretStr("a secret that is only for tests"),
        templates=None,
        log="info",
        body_limit=1024 * 1024,
        erasures=ERASURES,
        shops={name: ShopSettings.model_validate(_chosen(settings)) for name, settings in shops.items()},
    )


def _chosen(settings: Mapping[str, Any]) -> dict[str, Any]:
    door = {WEBHOOK: {"kind": "webhook", "secrets": [SECRET], "url": "http://127.0.0.1:9/"}}
    return {**SHOP, **settings, "channels": {**door, **settings.get("channels", {})}}


# What a platform sends, through the real channel


def webhook() -> WebhookChannel:
    settings = WebhookSettings(secrets=(SecretStr(SECRET),))
    return WebhookChannel(WEBHOOK, "CN", settings, None)  # type: ignore[arg-type]  # it never sends


def parse(channel: ReceivingChannel, type: str, data: Mapping[str, Any], at: datetime, id: str) -> Event:
    """Sign a delivery and parse it by the channel; returns its only event."""
    body = msgspec.json.encode({"type": type, "timestamp": at, "data": data})
    headers = standard_webhooks.sign(standard_webhooks.key(SecretStr(SECRET)), id, at, body)
    delivery = Delivery(method="POST", headers=headers, query={}, body=body, received_at=at)
    channel.verify(delivery)
    (event,) = channel.parse(delivery)
    return event


class Buyer:
    """A buyer's deliveries, each with an id of its own unless one is given."""

    channel = webhook()

    def __init__(self, id: str = "ann", order: str = "1001", at: datetime = NOON, **contact: Any) -> None:
        self.ref = {"id": id, "name": "安娜", "locale": "zh-CN", **contact}
        self.order = order
        self.at = at
        self._numbers = itertools.count(1)

    def event(self, type: str, data: Mapping[str, Any], at: datetime, id: str | None = None) -> Event:
        return parse(
            self.channel, type, data, at, id or f"{self.ref['id']}-{self.order}-{next(self._numbers)}"
        )

    def placed(self, after: timedelta = timedelta(0), id: str | None = None, **more: Any) -> Event:
        order = {
            "id": self.order,
            "placed_at": self.at,
            "total": "128.00",
            "postage": "8.00",
            "currency": "CNY",
            "buyer": self.ref,
            "lines": [{"sku": "MUG-1", "title": "马克杯", "quantity": 2, "price": "60.00"}],
            **more,
        }
        return self.event("order.placed", {"order": order}, self.at + after, id)

    def fact(self, type: str, after: timedelta, id: str | None = None, **fields: Any) -> Event:
        """order.<type> at `after` the placing."""
        at = self.at + after
        return self.event(f"order.{type}", {"order": {"id": self.order, **fields}}, at, id)

    def paid(
        self, after: timedelta = timedelta(hours=1), amount: str = "128.00", id: str | None = None
    ) -> Event:
        return self.fact("paid", after, id, amount=amount, currency="CNY")

    def says(self, text: str, at: datetime, id: str | None = None) -> Event:
        number = id or f"{self.ref['id']}-m{next(self._numbers)}"
        message = {"id": number, "buyer": {"id": self.ref["id"]}, "text": text}
        return self.event("message.received", {"message": message}, at, number)

    def is_answered_by_a_person(self, text: str, at: datetime, id: str | None = None) -> Event:
        number = id or f"{self.ref['id']}-p{next(self._numbers)}"
        message = {"id": number, "buyer": {"id": self.ref["id"]}, "text": text, "agent": "Li"}
        return self.event("agent.replied", {"message": message}, at, number)

"""The send step in thousands of runs, each with one or more crashes before, within or after the sending."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import func, select

from bench.faults.crashes import POINTS, TAKEN, UNREAD, UNSETTLED, CrashPoint, run_until_crash
from bot.domain.context import Buyer, Conversation
from bot.domain.wishes import Wish
from bot.simulation import ManualClock
from bot.texts.catalogue import Catalogue
from storage import buyer_records, conversation_records, outbox, tables, wish_records
from storage.asking import ask
from storage.database import Database
from tests.faults.programs import migrated
from tests.faults.traffic_simulation import FAST_SHOP
from tests.world import NOON, SECRET, config_of, served

KILLED = "SIGKILL"
TRIES = 3  # of one run that may crash; then come as many that do not
LATEST = timedelta(days=300)  # nothing is too late
ENDS = ("sent", "unknown")
OFFER = {"tier": "all", "cron": "0 0 1 * *", "start": "2020-01-01", "end": "2199-01-01", "offer": "九折"}


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A message and its channel. copies: how many may arrive at most, by the seller's rule."""

    name: str
    channel: str
    template: str
    category: str
    copies: int


KINDS = (
    Kind(name="ids honoured", channel="webhook", template="hello", category="answer", copies=1),
    Kind(name="repeats shown, service", channel="telegram", template="hello", category="answer", copies=2),
    Kind(
        name="repeats shown, offer",
        channel="telegram",
        template="vip_promotion",
        category="promotion",
        copies=1,
    ),
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One run: the message and its crash points; none for a SIGKILL. when: of the first crash."""

    number: int
    kind: Kind
    points: tuple[str, ...]

    @property
    def when(self) -> str:
        return POINTS[self.points[0]] if self.points else KILLED


def case(seed: int, number: int) -> Case:
    """The same for the same seed and number."""
    rng = random.Random(f"{seed}:{number}")
    first = rng.choice([point for point in POINTS if point != UNSETTLED])
    more = [rng.choice(list(POINTS)) for _ in range(TRIES - 1) if rng.random() < 0.3]
    return Case(number=number, kind=KINDS[number % len(KINDS)], points=(first, *more))


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. shown: how often the platform showed the message; doubts: tries noted as unknown."""

    case: Case
    state: str
    shown: int
    doubts: int

    @property
    def lost(self) -> bool:
        return self.state not in ENDS or (self.state == "sent" and not self.shown)

    @property
    def doubled(self) -> bool:
        """Shown more often than the rule allows, or shown again without a record of it."""
        return self.shown > self.case.kind.copies or self.shown > 1 + self.doubts

    @property
    def again(self) -> bool:
        return self.shown > 1 and not self.doubled


class Platforms:
    """Two platforms: a webhook that drops repeats of an id, and a chat that shows every message."""

    def __init__(self) -> None:
        self.shown: Counter[str] = Counter()  # by buyer
        self.crash_point = CrashPoint(None)
        self._ids: set[str] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/", self.webhook)
        app.router.add_post("/bot{token}/sendMessage", self.chat)
        return app

    async def webhook(self, request: web.Request) -> web.Response:
        def take(body: dict[str, Any]) -> None:
            message = body["data"]["message"]
            if message["id"] not in self._ids:
                self._ids.add(message["id"])
                self.shown[message["buyer"]["id"]] += 1

        return await self._taken(request, take)

    async def chat(self, request: web.Request) -> web.Response:
        def take(body: dict[str, Any]) -> None:
            self.shown[f"b{body['chat_id']}"] += 1

        return await self._taken(request, take)

    async def _taken(self, request: web.Request, take: Callable[[dict[str, Any]], None]) -> web.Response:
        if self.crash_point.reaches(UNREAD):
            return web.Response(status=500)
        take(await request.json())
        if self.crash_point.reaches(TAKEN):
            return web.Response(status=500)
        return web.json_response({"ok": True, "result": {"message_id": 1}})


class Bench:
    """One shop on one database file, with a new buyer in every run."""

    def __init__(self, url: str, api: str, platforms: Platforms) -> None:
        self.api = api
        self.config = config_of(url, f"{api}/", **shop_of(api))
        self.platforms = platforms
        self.clock = ManualClock(NOON)
        self._database = Database(url)
        self._texts = Catalogue(None)

    async def run(self, case: Case) -> Ended:
        self.queue(case, self.clock.now)
        for point in case.points:
            await self._run(CrashPoint(point))
        for _ in range(TRIES):
            await self._run(CrashPoint(None))
            ended = await self.ended(case)
            if ended.state in ENDS:
                break
        return ended

    async def _run(self, crash_point: CrashPoint) -> None:
        self.platforms.crash_point = crash_point
        await run_until_crash(self.config, self.clock, crash_point)

    def queue(self, case: Case, now: datetime) -> None:
        kind, buyer = case.kind, f"b{case.number}"
        version = self._texts.resolve(kind.template, "zh-CN")
        address = buyer if kind.channel == "webhook" else str(case.number)
        draft = outbox.Draft(
            key=f"{kind.template}:{case.number}",
            buyer=buyer,
            template=kind.template,
            version=version.id,
            category=kind.category,
            rule="promotions.sale",
            due_at=now,
            lateness=LATEST,
            to=f"{kind.channel}:{address}",
            values={"promotion": "sale", "offer": "九折", "tier": "all"},
        )
        ann = Buyer(id=buyer, name="安娜", locale="zh-CN", created_at=now)
        chat = Conversation(channel=kind.channel, address=address, buyer=buyer, last_in_at=now)
        agreed = wish_records.WishRecord(
            address=(kind.channel, address),
            wish=Wish(what="offers", yes=True, at=now),
            channel=kind.channel,
            event="agreed",
            buyer=buyer,
        )
        with self._database.engine.begin() as connection:
            ask(connection, "shop", buyer_records.save([ann]))
            ask(connection, "shop", wish_records.add([agreed], now))
            ask(connection, "shop", conversation_records.save([chat]))
            ask(connection, "shop", outbox.keep_versions([version]))
            ask(connection, "shop", outbox.queue([draft], now))

    async def ended(self, case: Case) -> Ended:
        buyer = f"b{case.number}"
        row = tables.outbox.c
        doubts = (
            select(func.count())
            .where(
                tables.attempts.c.shop == row.shop,
                tables.attempts.c.message == row.id,
                tables.attempts.c.outcome == "DeliveryUnknown",
            )
            .scalar_subquery()
        )
        statement = select(row.state, doubts).where(row.buyer == buyer)
        (found,) = await self._database.read(lambda link: link.execute(statement).all())
        return Ended(case=case, state=found[0], shown=self.platforms.shown[buyer], doubts=found[1])

    def close(self) -> None:
        self._database.close()


def shop_of(api: str) -> dict[str, Any]:
    """The settings of a shop that sends through both platforms."""
    telegram = {"kind": "telegram", "secrets": ["a secret of the bench"], "token": "1:x", "api": api}
    webhook = {"kind": "webhook", "secrets": [SECRET], "url": f"{api}/"}
    return {
        **FAST_SHOP,
        "channels": {"telegram": telegram, "webhook": webhook},
        "vip": {"tiers": [{"name": "all"}]},
        "promotions": {"sale": OFFER},
    }


@contextlib.asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    url = f"sqlite:///{folder / 'shop.db'}"
    migrated(url)
    platforms = Platforms()
    async with served(platforms.app()) as api:
        with contextlib.closing(Bench(url, api, platforms)) as made:
            yield made


def crash(folder: Path, seed: int, numbers: range) -> Iterator[Ended]:
    """Do these runs, one after the other."""
    with asyncio.Runner() as runner:
        place = bench(folder)
        made = runner.run(place.__aenter__())
        try:
            for number in numbers:
                yield runner.run(made.run(case(seed, number)))
        finally:
            runner.run(place.__aexit__(None, None, None))

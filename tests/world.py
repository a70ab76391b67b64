"""A shop for tests: the real program behind HTTP, a real receiver, and a clock set by hand."""

import asyncio
import contextlib
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from pydantic import SecretStr
from sqlalchemy import select

from bot.app import Options
from bot.channels import standard_webhooks
from bot.config import Config, ShopSettings
from bot.simulation import ManualClock, Simulation, simulated
from storage.tables import outbox

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # published with the specification; opens nothing
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai, a Saturday

ERASURES = Path(tempfile.gettempdir(), f"xiaoer-erasures-{os.getpid()}.jsonl")  # no database is copied

SHOP: dict[str, Any] = {
    "name": "青花小铺",
    "locale": "zh-CN",
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "payment": {"accounts": [{"bank": "工商银行", "number": "6222 0000 1111", "name": "张三"}]},
    "limits": {"deliveries_per_second": 100000},
    "chat": {"settle": "0s"},  # each message is read at once; tests of the settle time set their own
}


REDELIVERY_TIMEOUT = 120.0  # seconds for which a platform repeats a delivery that was answered 503
REDELIVERY_PAUSE = 0.2  # seconds between two tries


async def no_wait() -> None:
    pass


class Receiver:
    """The shop's own chat system: drops repeats of a message id; `answers` decides about the status."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.attempts: list[str] = []
        self.answers: Callable[[dict[str, Any]], int] = lambda message: 200
        self.wait: Callable[[], Awaitable[None]] = no_wait  # before it answers
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        standard_webhooks.check(
            [standard_webhooks.key(SecretStr(SECRET))],
            request.headers,
            body := await request.read(),
            datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC),
        )
        message = msgspec.json.decode(body)["data"]["message"]
        self.attempts.append(message["id"])
        await self.wait()
        status = self.answers(message)
        if status < 300 and message["id"] not in {known["id"] for known in self.messages}:
            self.messages.append(message)
        return web.Response(status=status)

    @property
    def templates(self) -> list[str]:
        return [message["template"] for message in self.messages]


class World:
    """`say` and `fact` send deliveries over HTTP; `settle` and `forward` let the program work.

    `redelivers`: repeat a delivery under its id while it is answered 503, as platforms do.
    """

    redelivers = False

    def __init__(self, simulation: Simulation, receiver: Receiver, http: aiohttp.ClientSession, url: str):
        self.simulation = simulation
        self.program = simulation.program
        self.clock = simulation.clock
        self.receiver = receiver
        self.http = http
        self.url = url
        self._numbers = itertools.count(1)

    async def post(
        self, type: str, data: Mapping[str, Any], at: datetime | None = None, id: str | None = None
    ) -> int:
        """One signed delivery; returns the answer's status."""
        happened_at = at or self.clock.now
        body = msgspec.json.encode({"type": type, "timestamp": happened_at, "data": data})
        return await self.deliver(body, id or f"d{next(self._numbers)}")

    async def deliver(self, body: bytes, id: str) -> int:
        return (await self.answer_to(body, id))[0]

    async def answer_to(self, body: bytes, id: str) -> tuple[int, Mapping[str, str]]:
        """Status and headers."""
        over = asyncio.get_running_loop().time() + REDELIVERY_TIMEOUT
        while True:
            status, headers = await self._answer_to(body, id)
            if status != 503 or not self.redelivers or asyncio.get_running_loop().time() > over:
                return status, headers
            await asyncio.sleep(REDELIVERY_PAUSE)

    async def _answer_to(self, body: bytes, id: str) -> tuple[int, Mapping[str, str]]:
        headers = standard_webhooks.sign(standard_webhooks.key(SecretStr(SECRET)), id, self.clock.now, body)
        async with self.http.post(f"{self.url}/hooks/shop/webhook", data=body, headers=headers) as response:
            return response.status, response.headers

    async def place(
        self,
        order: str = "1001",
        buyer: str | Mapping[str, Any] = "ann",
        at: datetime | None = None,
        **fields: Any,
    ) -> int:
        """buyer: their id, or all that the shop's system tells of them."""
        known = {"id": buyer, "name": "安娜", "locale": "zh-CN", "timezone": "Asia/Shanghai"}
        moment = at or self.clock.now
        details = {
            "id": order,
            "placed_at": moment,
            "total": "128.00",
            "postage": "8.00",
            "currency": "CNY",
            "buyer": known if isinstance(buyer, str) else buyer,
            "lines": [{"sku": "MUG-1", "title": "马克杯", "quantity": 2, "price": "60.00"}],
        }
        return await self.post("order.placed", {"order": details | fields}, moment)

    async def fact(self, type: str, order: str = "1001", at: datetime | None = None, **fields: Any) -> int:
        return await self.post(f"order.{type}", {"order": {"id": order, **fields}}, at)

    async def say(self, text: str, buyer: str = "ann", id: str | None = None, **known: Any) -> int:
        """known: what the shop's system tells of them beside their id."""
        who = {"id": buyer, **known}
        message = {"id": id or f"m{next(self._numbers)}", "buyer": who, "text": text}
        return await self.post("message.received", {"message": message})

    async def settle(self) -> None:
        await self.simulation.settle()

    async def forward(self, time: timedelta) -> None:
        await self.simulation.advance(self.clock.now + time)

    async def outbox(self) -> dict[str, str]:
        """State of every message by its key."""
        statement = select(outbox.c.key, outbox.c.state)
        rows = await self.program.parts.database.read(lambda connection: connection.execute(statement).all())
        return {row.key: row.state for row in rows}


def config_of(database_url: str, receiver_url: str, **shop: Any) -> Config:
    webhook = {"kind": "webhook", "secrets": [SECRET], "url": receiver_url}
    channels = {"webhook": webhook, **shop.pop("channels", {})}
    settings = ShopSettings.model_validate({**SHOP, "channels": channels, **shop})
    return Config.model_construct(
        database=database_url,
        listen="127.0.0.1:0",
        public_url=None,
        secret=SecretStr("a secret that is only for tests"),
        templates=None,
        log="info",
        body_limit=1024 * 1024,
        erasures=ERASURES,
        shops={"shop": settings},
    )


@contextlib.asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """The address of a real server on a free port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def world(
    database_url: str,
    now: datetime = NOON,
    ingest: str | None = None,
    options: Options | None = None,
    public_url: str | None = None,
    **shop: Any,
) -> AsyncIterator[World]:
    """ingest: the log in front; it is read while `program.running()`. options: of `app.build`."""
    receiver = Receiver()
    inbox = web.Application()
    inbox.router.add_post("/", receiver.take)
    async with served(inbox) as receiver.url, aiohttp.ClientSession() as http:
        config = config_of(database_url, receiver.url + "/", **shop).model_copy(
            update={"ingest": ingest, "public_url": public_url}
        )
        async with (
            simulated(config, database_url, ManualClock(now), **(options or {})) as simulation,
            served(simulation.program.site) as url,
        ):
            yield World(simulation, receiver, http, url)

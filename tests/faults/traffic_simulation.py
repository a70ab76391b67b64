"""Around the programs: buyers whose deliveries come until acknowledged, and a receiver that counts."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from pydantic import SecretStr
from sqlalchemy import func, select

from bot.channels import standard_webhooks
from storage import tables
from storage.database import Database
from tests.world import SECRET

KEY = standard_webhooks.key(SecretStr(SECRET))
# Seconds; a wait ends as soon as its condition holds, so that generous bounds cost nothing.
SETTLE_TIMEOUT = 400.0  # until everything is handled after the last start, retries included
EVENT_TIMEOUT = 120.0  # for what takes a fraction of a second on an idle machine

A_SECOND = timedelta(seconds=1)
LAST_REMINDER = timedelta(seconds=5)  # from a placed order of FAST_SHOP on

# Days in seconds: reminders after two and four seconds, and no night.
FAST_SHOP: dict[str, Any] = {
    "quiet_hours": {"start": "00:00", "end": "00:00"},
    "limits": {"per_day": 100, "promotions_per_week": 10, "deliveries_per_second": 100000},
    "payment": {"remind": ["2s", "4s"], "last_reminder": "0m", "gap": "0s", "close": "24h"},
}


CAME_AT = web.RequestKey("came_at", datetime)  # when a request came, where it waited before it was taken


class Attempt(msgspec.Struct, frozen=True):
    """One POST of the program. `decided_at`: the time at which it was claimed, by the program's clock."""

    id: str
    decided_at: datetime
    message: dict[str, Any]
    came_at: datetime


class Receiver:
    """A shop's chat system that drops repeats of an id, and now and then is slow or out of order."""

    def __init__(self, rng: random.Random) -> None:
        self.attempts: list[Attempt] = []
        self.messages: dict[str, dict[str, Any]] = {}
        self.rng = rng
        self.trouble = 0.0  # part of the requests that end badly
        self.answering = asyncio.Event()  # while it is cleared, requests wait for their answer
        self.answering.set()

    async def take(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        message = body["data"]["message"]
        at = datetime.fromisoformat(body["timestamp"])
        self.attempts.append(Attempt(message["id"], at, message, request.get(CAME_AT) or datetime.now(UTC)))
        await self.answering.wait()
        chance = self.rng.random()
        if chance < self.trouble / 2:
            return web.Response(status=500)
        known = message["id"] in self.messages
        self.messages.setdefault(message["id"], message)
        if chance < self.trouble:  # taken, and the answer is lost
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=409 if known else 200)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/", self.take)
        return app

    def said(self) -> Counter[str]:
        """Count the messages, each with an id of its own, that say the same."""
        messages = self.messages.values()
        return Counter(
            f"{m['template'].removesuffix('_again')}:{m.get('order')}:{m['buyer']['id']}:{step(m)}"
            for m in messages  # a second greeting is answered in other words
        )


def step(message: dict[str, Any]) -> str:
    """The text of a reminder, since each step of the reminders has its own."""
    return str(message["text"]) if message["template"] == "payment_reminder" else ""


class Traffic:
    """Buyers of one shop. Every delivery is sent until it is answered 200, as a platform would."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        urls: Sequence[str],
        rng: random.Random,
        pace: float = 0.02,
        first: int = 0,  # number of its first order
    ) -> None:
        self.http = http
        self.urls = urls
        self.rng = rng
        self.pace = pace
        self.first = first
        self.acknowledged: dict[str, datetime] = {}  # by delivery id
        self.answers: dict[int, int] = defaultdict(int)
        self.paid_at: dict[str, datetime] = {}  # when the payment of an order was acknowledged
        self.orders: list[str] = []
        self.full = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()

    async def live(self) -> None:
        """Add new buyers until `full` is set, then let the last of them finish."""
        while not self.full.is_set():
            talk = asyncio.create_task(self._buyer(self.first + len(self.orders)))
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)
            await asyncio.sleep(self.rng.expovariate(1 / self.pace))
        while self._talks:
            await asyncio.wait(self._talks)

    async def _buyer(self, number: int) -> None:
        order, buyer = f"o{number}", f"b{number // 2}"  # two orders a buyer
        self.orders.append(order)
        await self.deliver(f"p-{order}", "order.placed", placed(order, buyer))
        if self.rng.random() < 0.4:
            await self.deliver(f"m-{order}", "message.received", chat(order, buyer, "你好"))
        if self.rng.random() < 0.6:
            await asyncio.sleep(self.rng.uniform(0, 3))
            await self.deliver(f"$-{order}", "order.paid", paid(order))
            self.paid_at[order] = self.acknowledged[f"$-{order}"]
        if self.rng.random() < 0.3:  # the platform repeats itself
            await self.deliver(f"p-{order}", "order.placed", placed(order, buyer))

    async def deliver(self, id: str, type: str, data: Mapping[str, Any]) -> None:
        body = msgspec.json.encode({"type": type, "timestamp": datetime.now(UTC), "data": data})
        while True:
            if await self._post(id, body) == 200:
                self.acknowledged.setdefault(id, datetime.now(UTC))
                return
            await asyncio.sleep(self.rng.uniform(0.02, 0.2))

    async def _post(self, id: str, body: bytes) -> int:
        door = self.rng.choice(self.urls)
        headers = standard_webhooks.sign(KEY, id, datetime.now(UTC), body)
        try:
            async with self.http.post(
                f"{door}/hooks/shop/webhook", data=body, headers=headers, timeout=WAIT
            ) as response:
                self.answers[response.status] += 1
                return response.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.answers[0] += 1
            return 0


WAIT = aiohttp.ClientTimeout(total=10)


def placed(order: str, buyer: str) -> dict[str, Any]:
    return {
        "order": {
            "id": order,
            "placed_at": datetime.now(UTC),
            "total": "128.00",
            "currency": "CNY",
            "buyer": {"id": buyer, "name": "安娜", "locale": "zh-CN"},
            "lines": [{"title": "马克杯", "quantity": 2, "price": "64.00"}],
        }
    }


def paid(order: str) -> dict[str, Any]:
    return {"order": {"id": order, "paid_at": datetime.now(UTC), "amount": "128.00", "currency": "CNY"}}


def chat(order: str, buyer: str, text: str) -> dict[str, Any]:
    return {"message": {"id": f"m-{order}", "buyer": {"id": buyer}, "text": text}}


class DatabaseProbe:
    """Reads the database, so that a test can compare it with what the traffic and the receiver recorded."""

    def __init__(self, database_url: str) -> None:
        self.database = Database(database_url)

    async def rows(self, statement: Any) -> Sequence[Any]:
        found: Sequence[Any] = await self.database.read(lambda link: link.execute(statement).all())
        return found

    async def counts(self, table: Any) -> dict[str, int]:
        """Count the rows in each state."""
        rows = await self.rows(select(table.c.state, func.count()).group_by(table.c.state))
        return {row[0]: row[1] for row in rows}

    async def at_rest(self, due_within: timedelta = A_SECOND) -> bool:
        """Nothing is open, in hand, to be tried again, or due before so much time has passed."""
        events, messages = tables.inbox, tables.outbox
        opened = select(func.count()).where(events.c.state == "open")
        in_hand = select(func.count()).where(messages.c.state == "sending")
        soon = messages.c.try_at <= datetime.now(UTC) + due_within
        due = select(func.count()).where(messages.c.state == "queued", soon | (messages.c.attempts > 0))
        return not any([(await self.rows(each))[0][0] for each in (opened, in_hand, due)])

    async def rest(self, why: Callable[[], str] = lambda: "", due_within: timedelta = A_SECOND) -> None:
        """Wait until everything is handled, in a bounded time; with LAST_REMINDER, the last reminders too."""
        deadline = asyncio.get_running_loop().time() + SETTLE_TIMEOUT
        quiet = 0
        while quiet < 2:
            quiet = quiet + 1 if await self.at_rest(due_within) else 0
            if asyncio.get_running_loop().time() > deadline:
                left = await self.counts(tables.inbox), await self.counts(tables.outbox)
                raise AssertionError(f"not at rest within {SETTLE_TIMEOUT} s: {left} {why()}")
            await asyncio.sleep(0.2)

    def close(self) -> None:
        self.database.close()


async def until(true: Callable[[], Awaitable[bool]], within: float = EVENT_TIMEOUT) -> None:
    """Wait until a condition holds; fails after `within` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while not await true():
        assert asyncio.get_running_loop().time() < deadline, "the condition did not hold in time"
        await asyncio.sleep(0.05)


def delivery_of(external_id: str) -> str:
    """The delivery that a stored event came with; a message is kept under its own id, here the same."""
    name = external_id.rpartition("#")[0] or external_id
    return name.rpartition(":")[2] if name.startswith("message:") else name

"""Measures the real program on one database: the time until it is ready, and the rate of each leg."""

import asyncio
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import yaml
from aiohttp import web
from pydantic import SecretStr
from sqlalchemy import Connection, text

from bench.errors import CannotMeasure
from bench.growth.filling import SHOP, FilledShop
from bot.app import build
from bot.channels import standard_webhooks
from bot.channels.registry import open_http
from bot.config import load_config
from storage.database import Database

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # published with the specification; opens nothing
ORDERS = 1500  # new ones, each placed and paid
CALLERS = 48
DUE = 2000  # first reminders that fall due at once
ROUND = 250  # messages that one claim takes in hand
STARTS_WITHIN = 300.0
ENDS_WITHIN = 60.0


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured. Rates are a second's."""

    start_seconds: float  # from the command to the first "ready"
    claim_ms: float  # one claim of ROUND due messages: facts, verdicts, texts, not yet committed
    intake: float  # deliveries answered 200, while all legs run
    journeys: float  # orders from delivery to the message at the receiver
    cpu_ms: float  # of the program's own processor time for each of these journeys
    drained: float  # due reminders sent
    scrape_ms: float  # /metrics, the first and slowest time
    ready_ms: float  # /readyz
    megabytes: float  # resident, after all of it


def middle(looks: list[Look]) -> Look:
    """The median of each figure."""
    return Look(
        **{name: statistics.median(getattr(one, name) for one in looks) for name in Look.__struct_fields__}
    )


class CountingReceiver:
    """A receiver that records when each message came."""

    def __init__(self) -> None:
        self.received: dict[str, float] = {}  # by template and order, when

    async def take(self, request: web.Request) -> web.Response:
        message = msgspec.json.decode(await request.read())["data"]["message"]
        self.received[f"{message['template']}:{message['order']}"] = time.perf_counter()
        return web.Response()

    async def until(self, prefix: str, count: int) -> list[float]:
        """When so many messages of this kind came; raises CannotMeasure if they do not."""
        deadline = time.monotonic() + ENDS_WITHIN
        while True:
            times = sorted(at for key, at in self.received.items() if key.startswith(prefix))
            if len(times) >= count:
                return times
            if time.monotonic() > deadline:
                raise CannotMeasure(f"of {count} messages {prefix} only {len(times)} came")
            await asyncio.sleep(0.1)


async def look(filled: FilledShop, folder: Path, name: str) -> Look:
    async with _listening() as (receiver, receiver_url):
        config = _settings(folder, filled.url, receiver_url)
        claim_ms = await _claim(filled, config)
        with _serving(config) as (process, port, began):
            url = f"http://127.0.0.1:{port}"
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CALLERS)) as http:
                await _ready(http, url, process)
                start_seconds = time.perf_counter() - began
                scrape_ms = await _asked(http, f"{url}/metrics")
                ready_ms = await _asked(http, f"{url}/readyz")
                before = _processor(process.pid)
                intake, journeys = await _live(http, url, receiver, name)
                cpu_ms = (_processor(process.pid) - before) / ORDERS * 1000
                began = time.perf_counter()
                filled.fall_due(DUE)
                times = await receiver.until("payment_reminder:o", DUE)
                megabytes = _resident(process.pid)
    filled.forget_due()
    return Look(
        start_seconds=start_seconds,
        claim_ms=claim_ms,
        intake=intake,
        journeys=journeys,
        cpu_ms=cpu_ms,
        drained=(len(times) - 1) / (times[-1] - times[0]),
        scrape_ms=scrape_ms,
        ready_ms=ready_ms,
        megabytes=megabytes,
    )


async def _claim(filled: FilledShop, config: Path) -> float:
    """The median of a few rounds, in a transaction that is undone."""
    database = Database(filled.url)
    async with open_http() as http:
        program = build(load_config(config, os.environ), database, http)
        slots = {"webhook": 10 * ROUND}

        def rounds(connection: Connection) -> list[float]:
            connection.execute(text(filled.due_now(DUE).replace(":", "\\:")))
            took = []
            for _ in range(DUE // ROUND):
                began = time.perf_counter()
                claimed = program.parts.claimer.claim(connection, datetime.now(UTC), ROUND, lambda _: slots)
                took.append(time.perf_counter() - began)
                if len(claimed[1]) != ROUND:
                    raise CannotMeasure(f"a claim took {len(claimed[1])} messages")
            return took

        with database.engine.connect() as connection, connection.begin() as undone:
            took = rounds(connection)
            undone.rollback()
    database.close()
    return statistics.median(took) * 1000


async def _live(
    http: aiohttp.ClientSession, url: str, receiver: CountingReceiver, name: str
) -> tuple[float, float]:
    """Deliveries a second, and whole journeys a second."""
    deliveries = [body for number in range(ORDERS) for body in _life(f"{name}-{number}", datetime.now(UTC))]
    waiting = iter(deliveries)

    async def call() -> None:
        for id, body in waiting:
            now = datetime.now(UTC)
            headers = standard_webhooks.sign(standard_webhooks.key(SecretStr(SECRET)), id, now, body)
            async with http.post(f"{url}/hooks/{SHOP}/webhook", data=body, headers=headers) as answer:
                if answer.status != 200:
                    raise CannotMeasure(f"a delivery was answered {answer.status}")

    began = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(CALLERS)))
    taken = time.perf_counter() - began
    times = await receiver.until(f"order_confirmation:{name}-", ORDERS)
    return len(deliveries) / taken, ORDERS / (times[-1] - began)


def _life(order: str, at: datetime) -> list[tuple[str, bytes]]:
    buyer = {"id": f"c-{order}", "name": "安娜", "locale": "zh-CN"}
    line = {"sku": "MUG-1", "title": "马克杯", "quantity": 2, "price": "60.00"}
    placed = {
        "id": order, "placed_at": at, "total": "128.00", "postage": "8.00", "currency": "CNY",
        "buyer": buyer, "lines": [line],
    }  # fmt: skip
    paid = {"id": order, "amount": "128.00", "currency": "CNY"}
    return [
        (f"{order}-placed", _body("order.placed", {"order": placed}, at)),
        (f"{order}-paid", _body("order.paid", {"order": paid}, at)),
    ]


def _body(type: str, data: Any, at: datetime) -> bytes:
    return msgspec.json.encode({"type": type, "timestamp": at, "data": data})


def _settings(folder: Path, database: str, url: str) -> Path:
    os.environ |= {"XIAOER_SECRET": "a secret only for measurements", "WEBHOOK_SECRET": SECRET}
    channel = {"kind": "webhook", "secrets": ["${WEBHOOK_SECRET}"], "url": url}
    shop = {
        "name": "青花小铺",
        "quiet_hours": {"start": "00:00", "end": "00:00"},
        "limits": {"per_day": 1000, "deliveries_per_second": 1_000_000},
        "payment": {"accounts": [{"bank": "工商银行", "number": "6222", "name": "张三"}]},
        "channels": {"webhook": channel},
    }
    settings = {
        "database": database.replace("postgresql+psycopg:", "postgresql:").replace(
            "sqlite:////", "sqlite:////"
        ),
        "listen": f"127.0.0.1:{_free_port()}",
        "secret": "${XIAOER_SECRET}",
        "log": "warning",
        "shops": {SHOP: shop},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(settings, allow_unicode=True))
    return file


@contextlib.contextmanager
def _serving(config: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int, float]]:
    port = int(yaml.safe_load(config.read_text())["listen"].rpartition(":")[2])
    began = time.perf_counter()
    command = [sys.executable, "-m", "bot", "serve", "--config", str(config), "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield process, port, began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(ENDS_WITHIN)


async def _ready(http: aiohttp.ClientSession, url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.02)
    raise CannotMeasure("the program did not become ready")


async def _asked(http: aiohttp.ClientSession, address: str) -> float:
    began = time.perf_counter()
    async with http.get(address) as answer:
        await answer.read()
    return (time.perf_counter() - began) * 1000


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[tuple[CountingReceiver, str]]:
    receiver, port = CountingReceiver(), _free_port()
    site = web.Application()
    site.router.add_post("/", receiver.take)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield receiver, f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _processor(pid: int) -> float:
    """Seconds so far: what others do on this machine does not count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

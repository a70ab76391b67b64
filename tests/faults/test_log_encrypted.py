"""The log in front by tls://: it is spoken to encrypted, and only to servers that prove who they are."""

import asyncio
import contextlib
import itertools
import json
import random
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec
import nats
import pytest

from bench.faults.bad_receivers import Certificates
from bot.channels import standard_webhooks
from bot.operations.logs import configure_logs
from bot.receive.log.jetstream import Log
from storage.database import Database
from tests import servers
from tests.conftest import cannot_run
from tests.faults.log_cluster import LogProbe, kept_ids, quiet, settled_in
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import FAST_SHOP, KEY, placed, until

PASSWORD = "pa:ss@wo/rd,50%"  # with every sign that means something in an address
TOKEN = "a-token-that-opens-nothing-else"
WRONG = "not-what-it-was-yesterday"
BUYER = "buyer-whom-nobody-else-may-know"
NUMBERS = itertools.count(1)
TIMEOUT = 90.0  # seconds; a program waits for its log before it opens its door

USERS = f"authorization {{ users: [ {{ user: xiaoer, password: {json.dumps(PASSWORD)} }} ] }}"
TOKENS = f"authorization {{ token: {json.dumps(TOKEN)} }}"

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates: authorities, and what they signed for this machine and for others."""
    if not shutil.which("openssl"):
        cannot_run("there is no openssl")
    folder = tmp_path_factory.mktemp("papers")
    Certificates(folder)
    return folder


@contextlib.contextmanager
def cluster_showing(papers: Path, name: str, more: str) -> Iterator[servers.Cluster]:
    files = f'cert_file: "{papers / f"{name}.pem"}", key_file: "{papers / f"{name}.key"}"'
    try:
        with servers.nats(more=f"tls {{ {files} }}\n{more}") as cluster:
            yield cluster
    except servers.CannotStart as why:
        cannot_run(f"no NATS: {why}")


@pytest.fixture(scope="module")
def with_users(papers: Path) -> Iterator[servers.Cluster]:
    with cluster_showing(papers, "well", USERS) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def with_token(papers: Path) -> Iterator[servers.Cluster]:
    with cluster_showing(papers, "well", TOKENS) as cluster:
        yield cluster


class Way:
    """The way to a cluster, with somebody on it who hears what is said, and writes what a server says first:
    that a server of their own belongs to the cluster too, and if they strip, nothing of encryption.
    """

    def __init__(self, cluster: servers.Cluster, strips: bool = False) -> None:
        self._ports = [urlsplit(node.url).port for node in cluster.nodes]
        self._strips = strips
        self._stack = contextlib.AsyncExitStack()
        self._stray = 0
        self.ports: list[int] = []
        self.heard = bytearray()
        self.astray = 0

    async def __aenter__(self) -> "Way":
        self._stray = await self._listen(self._go_astray)
        for port in self._ports:
            self.ports.append(
                await self._listen(lambda reader, writer, port=port: self._pass(reader, writer, port))
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _listen(self, answer: Any) -> int:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self._stack.callback(server.close)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _go_astray(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.astray += 1
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        try:
            theirs, to_them = await asyncio.open_connection("127.0.0.1", port)
            writer.write(self._rewritten(await theirs.readline()))
            await asyncio.gather(self._pump(theirs, writer), self._pump(reader, to_them, self.heard))
        except (OSError, ValueError):  # the server is being started anew
            writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: bytearray | None = None
    ) -> None:
        with contextlib.suppress(OSError):
            while some := await reader.read(65536):
                if heard is not None:
                    heard += some
                writer.write(some)
                await writer.drain()
        writer.close()

    def _rewritten(self, first: bytes) -> bytes:
        info = json.loads(first.removeprefix(b"INFO "))
        info["connect_urls"] = [f"127.0.0.1:{self._stray}"]
        if self._strips:
            info.pop("tls_required", None)
        return b"INFO " + json.dumps(info).encode() + b"\r\n"

    def address(self, secret: str) -> str:
        """As it stands in the settings."""
        first, *others = (f"127.0.0.1:{port}" for port in self.ports)
        return ",".join([f"tls://{secret}@{first}", *(f"nats://{other}" for other in others)])


def user(password: str = PASSWORD) -> str:
    return f"xiaoer:{quote(password, safe='')}"


@contextlib.asynccontextmanager
async def looking_at(cluster: servers.Cluster, **secret: str) -> AsyncIterator[LogProbe]:
    """The log itself, up and empty, whatever it shows."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    client = await nats.connect(
        servers=[node.url for node in cluster.nodes],
        tls=trusting,
        max_reconnect_attempts=-1,
        error_cb=quiet,
        **secret,
    )
    try:
        watcher = LogProbe(client, cluster)

        async def clear() -> bool:
            try:
                await watcher.clear()
            except (nats.errors.Error, TimeoutError):
                return False
            return True

        await until(clear, TIMEOUT)
        yield watcher
    finally:
        await client.close()


async def streams(log: LogProbe) -> int:
    return (await log.js.account_info()).streams


class Shop:
    """The program in a process of its own, and a platform at its door."""

    def __init__(self, program: Program, http: aiohttp.ClientSession) -> None:
        self.program = program
        self._http = http

    async def place(self, order: str) -> int:
        body = msgspec.json.encode(
            {"type": "order.placed", "timestamp": datetime.now(UTC), "data": placed(order, BUYER)}
        )
        headers = standard_webhooks.sign(KEY, order, datetime.now(UTC), body)
        async with self._http.post(
            f"{self.program.url}/hooks/shop/webhook", data=body, headers=headers
        ) as answer:
            return answer.status

    async def get(self, path: str) -> tuple[int, str]:
        async with self._http.get(self.program.url + path) as answer:
            return answer.status, await answer.text()

    def log(self) -> str:
        return Path(str(self.program.plan.log)).read_text(errors="replace")


@contextlib.asynccontextmanager
async def shop_trusting(
    authority: Path, ingest: str, files: str, database: str | None = None
) -> AsyncIterator[Shop]:
    """files: how its files begin."""
    url = database or f"sqlite:///{files}.db"
    migrated(url)
    plan = Plan(
        database=url,
        receiver="http://127.0.0.1:9/",
        port=free_port(),
        shop=FAST_SHOP,
        log=f"{files}.log",
        ingest=ingest,
        authority=str(authority),
    )
    with programs(plan) as (program,):
        program.start()
        await program.ready()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as http:
            yield Shop(program, http)


async def is_taken_encrypted(
    cluster: servers.Cluster, papers: Path, url: str, folder: Path, secret: str, **shown: str
) -> None:
    async with (
        looking_at(cluster, **shown) as log,
        Way(cluster) as way,
        shop_trusting(papers / "authority.pem", way.address(secret), str(folder / "shop"), url) as shop,
    ):

        async def taken() -> bool:
            return await shop.place("1001") == 200

        await until(taken, TIMEOUT)  # the log may still be choosing its leaders
        assert await log.length() == 1
        with contextlib.closing(Database(url)) as database:
            await settled_in(database, 1, TIMEOUT)
            assert await kept_ids(database) == ["1001#order.placed"]
        assert (await shop.get("/readyz"))[0] == 200
        assert len(way.heard) > 1000
        said_plainly = [word for word in (*shown.values(), BUYER, "CONNECT") if word.encode() in way.heard]
        assert said_plainly == []
        assert way.astray == 0


async def test_deliveries_go_encrypted_into_a_log_that_an_authority_of_ours_vouches_for(
    with_users: servers.Cluster, papers: Path, postgres_url: str, tmp_path: Path
) -> None:
    await is_taken_encrypted(
        with_users, papers, postgres_url, tmp_path, user(), user="xiaoer", password=PASSWORD
    )


async def test_a_token_opens_an_encrypted_log_too(
    with_token: servers.Cluster, papers: Path, postgres_url: str, tmp_path: Path
) -> None:
    await is_taken_encrypted(with_token, papers, postgres_url, tmp_path, TOKEN, token=TOKEN)


async def is_refused(shop: Shop, why: str, secret: str) -> None:
    """Deliveries are, by a program that goes on and says in its log, and to whoever asks, what to mend."""

    async def said() -> bool:  # also there where a machine asks; between two attempts it may say less
        status, answer = await shop.get("/readyz")
        return why in shop.log() and status == 503 and why in json.loads(answer)["log"]

    await until(said, TIMEOUT)
    assert [await shop.place("1001"), await shop.place("1002")] == [503, 503]
    assert (await shop.get("/healthz"))[0] == 200
    assert shop.log().count(why) < 20  # each server is tried twice a second
    assert "eof_received" not in shop.log()
    told = shop.log() + (await shop.get("/readyz"))[1]
    assert [word for word in (secret, quote(secret, safe=""), BUYER) if word in told] == []
    shop.program.ask_to_stop()
    await shop.program.ended()


async def test_nothing_is_said_to_servers_that_do_not_prove_who_they_are(
    papers: Path, tmp_path: Path
) -> None:
    async def one(shown: str, why: str) -> None:
        with cluster_showing(papers, shown, USERS) as cluster:
            async with (
                looking_at(cluster, user="xiaoer", password=PASSWORD) as log,
                Way(cluster) as way,
                shop_trusting(papers / "authority.pem", way.address(user()), str(tmp_path / shown)) as shop,
            ):
                await is_refused(shop, why, PASSWORD)
                assert b"CONNECT" not in way.heard
                assert way.astray == 0
                assert await streams(log) == 0

    await asyncio.gather(  # each waits for its log for a while
        one("unknown", "name a file with the authority that signed it in SSL_CERT_FILE"),
        one("foreign", "write in `ingest` the name that it is made out to"),
        one("expired", "certificate has expired; renew it"),
    )


async def test_nothing_is_said_where_no_encryption_is_offered_or_somebody_hides_that_it_is(
    with_users: servers.Cluster, log_cluster: servers.Cluster, papers: Path, tmp_path: Path
) -> None:
    async def one(cluster: servers.Cluster, name: str) -> None:
        async with (
            Way(cluster, strips=True) as way,
            shop_trusting(papers / "authority.pem", way.address(user()), str(tmp_path / name)) as shop,
        ):
            await is_refused(shop, "it offers no encryption, so nothing was said to it", PASSWORD)
            assert way.heard == b""
            assert way.astray == 0

    for node in log_cluster.nodes:
        if not node.alive:  # as another test left it
            node.start()
    await asyncio.gather(one(log_cluster, "plain"), one(with_users, "hidden"))


async def test_a_wrong_password_or_token_is_refused_and_never_told(
    with_users: servers.Cluster, with_token: servers.Cluster, papers: Path, tmp_path: Path
) -> None:
    async def one(cluster: servers.Cluster, secret: str, **right: str) -> None:
        async with (
            looking_at(cluster, **right) as log,
            Way(cluster) as way,
            shop_trusting(
                papers / "authority.pem", way.address(secret), str(tmp_path / next(iter(right)))
            ) as shop,
        ):
            await is_refused(shop, "it refuses our user and password, or our token", WRONG)
            assert WRONG.encode() not in way.heard
            assert await streams(log) == 0

    await asyncio.gather(
        one(with_users, user(WRONG), user="xiaoer", password=PASSWORD),
        one(with_token, WRONG, token=TOKEN),
    )


async def test_a_certificate_that_was_renewed_is_found_by_the_programs_that_run(
    papers: Path, tmp_path: Path
) -> None:
    def show(name: str) -> None:
        for kind in ("pem", "key"):
            shutil.copy(papers / f"{name}.{kind}", tmp_path / f"shown.{kind}")

    show("expired")
    with cluster_showing(tmp_path, "shown", USERS) as cluster:

        def restart() -> None:
            for node in cluster.nodes:
                node.end()
            cluster.start()

        async with (
            Way(cluster) as way,
            shop_trusting(papers / "authority.pem", way.address(user()), str(tmp_path / "shop")) as shop,
        ):

            async def taken() -> bool:
                return await shop.place(f"{next(NUMBERS)}") == 200

            def complaints() -> int:
                return len(re.findall("log not reached.*certificate has expired", shop.log()))

            heard = 0
            for _ in range(2):  # as it is when the program starts, and when it was connected before

                async def refused(before: int = heard) -> bool:
                    return complaints() > before and not await taken()

                await until(refused, TIMEOUT)
                show("well")
                await asyncio.to_thread(restart)
                await until(taken, TIMEOUT)
                heard = complaints()
                show("expired")
                await asyncio.to_thread(restart)


async def test_who_is_told_to_stop_stops_at_any_moment_of_an_attempt(with_users: servers.Cluster) -> None:
    """Here no authority is trusted: every attempt fails in the handshake, where a cancelling was lost."""
    configure_logs("warning", json=False)
    rng = random.Random(1)

    async def one() -> bool:
        log = Log(with_users.url.replace("nats://", "tls://"))
        running = asyncio.create_task(log.run())
        await asyncio.sleep(rng.uniform(0, 1.5))
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=TIMEOUT)
        while not running.done():  # so that this test ends, whatever it finds
            running.cancel()
            await asyncio.sleep(0.01)
        return bool(ended)

    for _ in range(8):
        assert all(await asyncio.gather(*(one() for _ in range(25))))

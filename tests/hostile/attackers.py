"""Attacks over raw sockets, in a process of their own, so that honest clients keep their pace."""

import asyncio
import gzip
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

HOOK = "/hooks/shop/webhook"
ZEROS = bytes(32 * 1024 * 1024)
BROTLI = bytes.fromhex("a1f0ff7f00000000000000")  # never decoded, so it need not be complete
ZSTD = bytes.fromhex("28b52ffd00580000")
FORGED = {"webhook-id": "x", "webhook-timestamp": "1795233600", "webhook-signature": "v1,bm9wZQ=="}


FIRST_EFFECT = 60.0  # seconds at most until the first answer, on a machine that is busy with other tests


class Attack(msgspec.Struct):
    """One attack on the program at `port`, for `seconds` from its first answer on."""

    port: int
    seconds: float
    overheard: bytes  # a genuine delivery, as it went over the wire
    answers: Counter[str] = msgspec.field(default_factory=Counter)  # by status, or how the connection ended
    effective: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def count(self, what: str) -> None:
        self.answers[what] += 1
        self.effective.set()

    async def many(self, count: int, visit: "Visit") -> None:
        """Keep so many connections open; one that is closed is opened again."""
        clients = [asyncio.create_task(self._again(visit)) for _ in range(count)]
        async with asyncio.timeout(FIRST_EFFECT):
            await self.effective.wait()
        await asyncio.sleep(self.seconds)
        for client in clients:
            client.cancel()
        for end in await asyncio.gather(*clients, return_exceptions=True):
            if isinstance(end, Exception):
                raise end

    async def _again(self, visit: "Visit") -> None:
        while True:
            await self._once(visit)

    async def _once(self, visit: "Visit") -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            self.count("not let in")
            await asyncio.sleep(0.05)
            return
        try:
            await visit(Connection(self, reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            self.count("thrown out")
        finally:
            writer.transport.abort()


class Connection:
    """One connection."""

    def __init__(self, attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attack = attack
        self.reader = reader
        self.writer = writer

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes) -> None:
        for byte in data:
            await self.write(bytes([byte]))
            await asyncio.sleep(0.2)

    async def read_answer(self) -> None:
        """Read one answer and count its status."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await self.reader.readexactly(int(lengths[0]) if lengths else 0)
        self.attack.count(head.split(b" ", 2)[1].decode())


Visit = Callable[[Connection], Awaitable[None]]


def head(path: str = HOOK, method: str = "POST", **fields: object) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: shop.example"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def forged(body: bytes) -> bytes:
    return head(content_length=len(body), **FORGED) + body


# The attacks


async def slow_heads(attack: Attack) -> None:
    await attack.many(1200, lambda visit: visit.drip(head(**{f"x{n}": "y" * 50 for n in range(90)})))


async def slow_bodies(attack: Attack) -> None:
    async def visit(visit: Connection) -> None:
        await visit.write(head(content_length=500_000))
        await visit.drip(bytes(1000))

    await attack.many(1200, visit)


async def bodies_that_never_quite_end(attack: Attack) -> None:
    """All but the last byte of the longest body allowed: 300 times a megabyte."""

    async def visit(visit: Connection) -> None:
        await visit.write(head(content_length=1024 * 1024) + ZEROS[: 1024 * 1024 - 1])
        await visit.read_answer()

    await attack.many(300, visit)


async def huge_bodies(attack: Attack) -> None:
    async def visit(visit: Connection) -> None:
        await visit.write(head(content_length=10**12) + ZEROS[:65536])
        await visit.read_answer()

    await attack.many(50, visit)


async def endless_chunks(attack: Attack) -> None:
    chunk = b"10000\r\n" + ZEROS[:65536] + b"\r\n"

    async def visit(visit: Connection) -> None:
        await visit.write(head(transfer_encoding="chunked"))
        answer = asyncio.create_task(visit.read_answer())
        try:
            while not answer.done():
                await visit.write(chunk)
            await answer
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    await attack.many(30, visit)


async def decompression_bombs(attack: Attack) -> None:
    bodies = {"gzip": gzip.compress(ZEROS, 9), "deflate": zlib.compress(ZEROS, 9), "br": BROTLI, "zstd": ZSTD}

    async def visit(visit: Connection) -> None:
        for encoding, body in bodies.items():
            await visit.write(head(content_encoding=encoding, content_length=len(body)) + body)
            await visit.read_answer()

    await attack.many(20, visit)


async def many_header_lines(attack: Attack) -> None:
    lines = b"".join(b"x-%d: y\r\n" % number for number in range(20_000))

    async def visit(visit: Connection) -> None:
        await visit.write(f"POST {HOOK} HTTP/1.1\r\nhost: x\r\n".encode() + lines)
        await visit.read_answer()

    await attack.many(30, visit)


async def long_header_lines(attack: Attack) -> None:
    async def visit(visit: Connection) -> None:
        await visit.write(f"POST {HOOK} HTTP/1.1\r\nx: ".encode() + b"y" * 4_000_000)
        await visit.read_answer()

    await attack.many(30, visit)


async def idle_connections(attack: Attack) -> None:
    """Three times as many connections as are allowed; they send nothing."""

    async def visit(visit: Connection) -> None:
        await visit.reader.readexactly(1)

    await attack.many(3000, visit)


async def forged_signatures(attack: Attack) -> None:
    async def visit(visit: Connection) -> None:
        while True:
            await visit.write(forged(b"{}"))
            await visit.read_answer()

    await attack.many(30, visit)


async def replays(attack: Attack) -> None:
    async def visit(visit: Connection) -> None:
        while True:
            await visit.write(attack.overheard)
            await visit.read_answer()

    await attack.many(4, visit)


async def unknown_paths(attack: Attack) -> None:
    """Paths of shops and channels that do not exist."""

    async def visit(visit: Connection) -> None:
        for number in range(10**9):
            for path in (f"/hooks/{number}/x", f"/hooks/shop/{number}"):
                await visit.write(head(path, content_length=2) + b"{}")
                await visit.read_answer()

    await attack.many(20, visit)


async def pipelines_that_nobody_reads(attack: Attack) -> None:
    async def visit(visit: Connection) -> None:
        while True:
            await visit.write(head("/api/v1/openapi.json", "GET") * 500)
            visit.attack.count("500 asked")

    await attack.many(40, visit)


async def not_http(attack: Attack) -> None:
    """What is not HTTP/1.1: a TLS greeting, HTTP/2, binary data, and request smuggling."""
    payloads = (
        bytes.fromhex("16030100c8010000c40303") + bytes(200),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        bytes(range(256)) * 20,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    )
    turns = iter(payloads * 10**5)

    async def visit(visit: Connection) -> None:
        await visit.write(next(turns))
        await visit.reader.read(1000)
        visit.attack.count("heard")

    await attack.many(30, visit)


async def aborted_requests(attack: Attack) -> None:
    """Connections closed in the middle of the head, of the body, and while we answer."""
    parts = iter((head()[:30], head(content_length=1000) + b"{", forged(b"{}")) * 10**5)

    async def visit(visit: Connection) -> None:
        await visit.write(next(parts))
        await asyncio.sleep(0.01)
        visit.attack.count("hung up")

    await attack.many(30, visit)


ATTACKS: Mapping[str, tuple[Callable[[Attack], Awaitable[None]], ...]] = {
    "slow ones": (slow_heads, slow_bodies, bodies_that_never_quite_end),
    "big ones": (huge_bodies, endless_chunks, decompression_bombs, many_header_lines, long_header_lines),
    "many at once": (idle_connections, pipelines_that_nobody_reads, aborted_requests),
    "liars": (forged_signatures, replays, unknown_paths, not_http),
}
BY_NAME = {attack.__name__: attack for attacks in ATTACKS.values() for attack in attacks}


def run_attack(name: str, port: int, seconds: float, overheard: bytes, answers: Any) -> None:
    """Run an attack in this process; puts the counted answers into the queue `answers`."""
    attack = Attack(port, seconds, overheard)
    asyncio.run(BY_NAME[name](attack))
    answers.put(dict(attack.answers))

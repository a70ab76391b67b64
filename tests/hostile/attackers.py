"""Strangers who mean it ill: raw sockets in a process of their own, so that honest ones keep pace."""

import asyncio
import gzip
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

HOOK = "/hooks/shop/webhook"
ZEROS = bytes(32 * 1024 * 1024)
BROTLI = bytes.fromhex("a1f0ff7f00000000000000")  # never read, so it need not be whole
ZSTD = bytes.fromhex("28b52ffd00580000")
FORGED = {"webhook-id": "x", "webhook-timestamp": "1795233600", "webhook-signature": "v1,bm9wZQ=="}


FIRST_EFFECT = 60.0  # seconds at most until an attack is felt, on a machine that is busy with other tests


class Siege(msgspec.Struct):
    """One attack on the program at `port`, for so many seconds from the moment when it is felt."""

    port: int
    seconds: float
    overheard: bytes  # a genuine delivery, as it went over the wire
    answers: Counter[str] = msgspec.field(default_factory=Counter)  # by status, or how the connection ended
    felt: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def count(self, what: str) -> None:
        self.answers[what] += 1
        self.felt.set()

    async def many(self, count: int, visit: "Way") -> None:
        """So many at a time; whoever is thrown out comes again."""
        strangers = [asyncio.create_task(self._again(visit)) for _ in range(count)]
        async with asyncio.timeout(FIRST_EFFECT):
            await self.felt.wait()
        await asyncio.sleep(self.seconds)
        for stranger in strangers:
            stranger.cancel()
        for end in await asyncio.gather(*strangers, return_exceptions=True):
            if isinstance(end, Exception):
                raise end

    async def _again(self, visit: "Way") -> None:
        while True:
            await self._once(visit)

    async def _once(self, visit: "Way") -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            self.count("not let in")
            await asyncio.sleep(0.05)
            return
        try:
            await visit(Visit(self, reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            self.count("thrown out")
        finally:
            writer.transport.abort()


class Visit:
    """One connection."""

    def __init__(self, siege: Siege, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.siege = siege
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes) -> None:
        for byte in data:
            await self.say(bytes([byte]))
            await asyncio.sleep(0.2)

    async def hear(self) -> None:
        """One answer, counted by its status."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await self.reader.readexactly(int(lengths[0]) if lengths else 0)
        self.siege.count(head.split(b" ", 2)[1].decode())


Way = Callable[[Visit], Awaitable[None]]


def head(path: str = HOOK, method: str = "POST", **fields: object) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: shop.example"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def forged(body: bytes) -> bytes:
    return head(content_length=len(body), **FORGED) + body


# The attacks


async def slow_heads(siege: Siege) -> None:
    await siege.many(1200, lambda visit: visit.drip(head(**{f"x{n}": "y" * 50 for n in range(90)})))


async def slow_bodies(siege: Siege) -> None:
    async def visit(visit: Visit) -> None:
        await visit.say(head(content_length=500_000))
        await visit.drip(bytes(1000))

    await siege.many(1200, visit)


async def bodies_that_never_quite_end(siege: Siege) -> None:
    """All but the last byte of the longest that is allowed: 300 times a megabyte."""

    async def visit(visit: Visit) -> None:
        await visit.say(head(content_length=1024 * 1024) + ZEROS[: 1024 * 1024 - 1])
        await visit.hear()

    await siege.many(300, visit)


async def huge_bodies(siege: Siege) -> None:
    async def visit(visit: Visit) -> None:
        await visit.say(head(content_length=10**12) + ZEROS[:65536])
        await visit.hear()

    await siege.many(50, visit)


async def endless_chunks(siege: Siege) -> None:
    chunk = b"10000\r\n" + ZEROS[:65536] + b"\r\n"

    async def visit(visit: Visit) -> None:
        await visit.say(head(transfer_encoding="chunked"))
        answer = asyncio.create_task(visit.hear())
        try:
            while not answer.done():
                await visit.say(chunk)
            await answer
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    await siege.many(30, visit)


async def bombs(siege: Siege) -> None:
    bodies = {"gzip": gzip.compress(ZEROS, 9), "deflate": zlib.compress(ZEROS, 9), "br": BROTLI, "zstd": ZSTD}

    async def visit(visit: Visit) -> None:
        for encoding, body in bodies.items():
            await visit.say(head(content_encoding=encoding, content_length=len(body)) + body)
            await visit.hear()

    await siege.many(20, visit)


async def many_header_lines(siege: Siege) -> None:
    lines = b"".join(b"x-%d: y\r\n" % number for number in range(20_000))

    async def visit(visit: Visit) -> None:
        await visit.say(f"POST {HOOK} HTTP/1.1\r\nhost: x\r\n".encode() + lines)
        await visit.hear()

    await siege.many(30, visit)


async def long_header_lines(siege: Siege) -> None:
    async def visit(visit: Visit) -> None:
        await visit.say(f"POST {HOOK} HTTP/1.1\r\nx: ".encode() + b"y" * 4_000_000)
        await visit.hear()

    await siege.many(30, visit)


async def crowd(siege: Siege) -> None:
    """Three times as many connections as there is room for; they say nothing."""

    async def visit(visit: Visit) -> None:
        await visit.reader.readexactly(1)

    await siege.many(3000, visit)


async def forgers(siege: Siege) -> None:
    async def visit(visit: Visit) -> None:
        while True:
            await visit.say(forged(b"{}"))
            await visit.hear()

    await siege.many(30, visit)


async def replays(siege: Siege) -> None:
    async def visit(visit: Visit) -> None:
        while True:
            await visit.say(siege.overheard)
            await visit.hear()

    await siege.many(4, visit)


async def wanderers(siege: Siege) -> None:
    """Shops and channels that somebody makes up."""

    async def visit(visit: Visit) -> None:
        for number in range(10**9):
            for path in (f"/hooks/{number}/x", f"/hooks/shop/{number}"):
                await visit.say(head(path, content_length=2) + b"{}")
                await visit.hear()

    await siege.many(20, visit)


async def pipelines_that_nobody_reads(siege: Siege) -> None:
    async def visit(visit: Visit) -> None:
        while True:
            await visit.say(head("/api/v1/openapi.json", "GET") * 500)
            visit.siege.count("500 asked")

    await siege.many(40, visit)


async def noise(siege: Siege) -> None:
    """What is no HTTP: a TLS greeting, HTTP/2, binary, and requests that smuggle."""
    sounds = (
        bytes.fromhex("16030100c8010000c40303") + bytes(200),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        bytes(range(256)) * 20,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    )
    for_each = iter(sounds * 10**5)

    async def visit(visit: Visit) -> None:
        await visit.say(next(for_each))
        await visit.reader.read(1000)
        visit.siege.count("heard")

    await siege.many(30, visit)


async def hang_ups(siege: Siege) -> None:
    """Gone in the middle of the head, of the body, and while we answer."""
    parts = iter((head()[:30], head(content_length=1000) + b"{", forged(b"{}")) * 10**5)

    async def visit(visit: Visit) -> None:
        await visit.say(next(parts))
        await asyncio.sleep(0.01)
        visit.siege.count("hung up")

    await siege.many(30, visit)


ATTACKS: Mapping[str, tuple[Callable[[Siege], Awaitable[None]], ...]] = {
    "slow ones": (slow_heads, slow_bodies, bodies_that_never_quite_end),
    "big ones": (huge_bodies, endless_chunks, bombs, many_header_lines, long_header_lines),
    "many at once": (crowd, pipelines_that_nobody_reads, hang_ups),
    "liars": (forgers, replays, wanderers, noise),
}
BY_NAME = {attack.__name__: attack for attacks in ATTACKS.values() for attack in attacks}


def besiege(name: str, port: int, seconds: float, overheard: bytes, answers: Any) -> None:
    """In a process of its own; puts what was answered into the queue `answers`."""
    siege = Siege(port, seconds, overheard)
    asyncio.run(BY_NAME[name](siege))
    answers.put(dict(siege.answers))

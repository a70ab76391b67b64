"""Receivers that misbehave: slow, hanging, closing early, refusing, sending garbage, badly certified."""

import asyncio
import contextlib
import random
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from tests.faults.traffic_simulation import CAME_AT, Receiver

NAME = "127.0.0.1"
PART = 0.8  # of the requests meet the fault; the others are served
WAITS = ("1", "0", "-5", "soon", "Thu, 01 Jan 1970 00:00:00 GMT")
GARBAGE = (b"\x00\xff\xfe\r\n\r\n", b"HTTP/1.1 999 \r\n\r\n", b"HTTP/1.1 20", b"SSH-2.0-hello\r\n")
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"  # only after it was taken


class FaultyReceiver(Receiver):
    """Drops repeats of an id, and misbehaves while `fault` is set."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.fault: str | None = None
        self.misbehaved = 0  # how many requests met a fault
        self.on_request: Callable[[], bool] = lambda: False  # whether the program was killed

    async def take(self, request: web.Request) -> web.Response:
        request[CAME_AT] = datetime.now(UTC)  # a fault may delay the rest
        if self.fault is None or self.fault not in FAULTS or self.rng.random() > PART:
            return await super().take(request)
        self.misbehaved += 1
        return await FAULTS[self.fault](self, request)

    async def as_usual(self, request: web.Request) -> web.Response:
        return await super().take(request)

    def misbehave(self, fault: str) -> None:
        self.fault = fault

    def behave(self) -> None:
        self.fault = None


async def _slow(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    await asyncio.sleep(receiver.rng.uniform(0.1, 0.9))
    return await receiver.as_usual(request)


async def _hanging(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    """Answer mostly later than the program waits."""
    taken = await receiver.as_usual(request) if receiver.rng.random() < 0.5 else None
    await asyncio.sleep(receiver.rng.uniform(0.8, 3))
    return taken or await receiver.as_usual(request)


async def _closing(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    if receiver.rng.random() < 0.5:
        await receiver.as_usual(request)
    return _break_off(request)


async def _putting_off(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": receiver.rng.choice(WAITS)})


async def _broken(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    if receiver.rng.random() < 0.5:
        await receiver.as_usual(request)
    return web.Response(status=receiver.rng.choice((500, 502, 503, 504)), body=b"\xff" * 100_000)


async def _garbage(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    said = receiver.rng.choice(GARBAGE)
    if receiver.rng.random() < 0.5:
        await receiver.as_usual(request)
        said = receiver.rng.choice((*GARBAGE, CUT))
    assert request.transport is not None
    request.transport.write(said)
    return _break_off(request)


async def _deadly(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    """Kill the program, before its message was taken or after."""
    taken = await receiver.as_usual(request) if receiver.rng.random() < 0.5 else None
    if receiver.on_request():
        return _break_off(request)
    return taken or await receiver.as_usual(request)


async def _hung_up(receiver: FaultyReceiver, request: web.Request) -> web.Response:
    """Close a connection that was open before, so that the next one begins with a handshake."""
    return _break_off(request)


def _break_off(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


HANDSHAKES = ("expired", "foreign", "unknown", "broken off")  # that fail
FAULTS: dict[str, Callable[[FaultyReceiver, web.Request], Awaitable[web.Response]]] = {
    "slow": _slow,
    "hanging": _hanging,
    "closing": _closing,
    "putting off": _putting_off,
    "broken": _broken,
    "garbage": _garbage,
    "deadly": _deadly,
    **dict.fromkeys(HANDSHAKES, _hung_up),
}


class Certificates:
    """Certificates made by this machine's openssl: of a trusted authority, and of another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = folder / "authority.pem"
        self._make_authority("authority")
        self._make_authority("stranger")
        self._contexts = {
            "well": self._context("well", "authority", NAME, days=2),
            "expired": self._context("expired", "authority", NAME, days=-1),
            "foreign": self._context("foreign", "authority", "10.9.8.7", days=2),
            "unknown": self._context("unknown", "stranger", NAME, days=2),
        }

    def of(self, receiver: FaultyReceiver) -> ssl.SSLContext:
        """A context that chooses the certificate by the receiver's fault at the time of the handshake."""
        shown = self._contexts["well"]

        def choose(link: ssl.SSLObject | ssl.SSLSocket, _: str | None, __: ssl.SSLContext) -> int | None:
            if receiver.fault == "broken off":
                receiver.misbehaved += 1
                return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
            if receiver.fault in self._contexts:
                receiver.misbehaved += 1
                link.context = self._contexts[receiver.fault]
            return None

        shown.sni_callback = choose
        return shown

    def _make_authority(self, name: str) -> None:
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip

    def _context(self, name: str, signer: str, host: str, days: int) -> ssl.SSLContext:
        (self._folder / f"{name}.ext").write_text(f"subjectAltName=IP:{host}\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{signer}.pem", "-CAkey", f"{signer}.key",
                      "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext",
                      "-out", f"{name}.pem")  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0  # every connection has to check the certificate again
        context.load_cert_chain(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        return context

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)


@contextlib.asynccontextmanager
async def receiving(receiver: FaultyReceiver, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """Serve the receiver; yields its URL."""
    runner = web.AppRunner(receiver.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, NAME, 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http{'s' if tls else ''}://{NAME}:{port}/"
    finally:
        receiver.behave()
        await runner.cleanup()

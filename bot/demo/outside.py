"""Stand-ins for the world outside: the shop's chat system, Telegram and a mail server, each a real server."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from email import policy
from email.parser import BytesParser

import msgspec
from aiohttp import web
from pydantic import SecretStr

from bot.channels import standard_webhooks
from bot.demo.cast import HOOK_SECRET, Endpoints
from bot.domain.errors import WebhookRefused


class ReceivedMessage(msgspec.Struct, frozen=True):
    """A message as it reached a buyer. `receipt` is what our own record calls it."""

    receipt: str
    at: datetime
    subject: str | None
    text: str


class Outside:
    """Takes whatever is sent, and remembers all of it, doubles too."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.arrivals: list[ReceivedMessage] = []
        self._clock = clock
        self._numbers = itertools.count(1)
        self._mail_connections: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Endpoints]:
        app = web.Application()
        app.router.add_post("/messages", self._chat)
        app.router.add_post("/{bot}/sendMessage", self._telegram)
        mail = await asyncio.start_server(self._mail, "127.0.0.1", 0)
        mail_port: int = mail.sockets[0].getsockname()[1]
        try:
            async with served(app) as address:
                yield Endpoints(f"{address}/messages", address, mail_port)
        finally:
            mail.close()
            for connection in self._mail_connections:
                connection.close()
                with contextlib.suppress(ConnectionError):
                    await connection.wait_closed()

    def _take(self, receipt: str, text: str, subject: str | None = None) -> None:
        self.arrivals.append(ReceivedMessage(receipt, self._clock(), subject, text))

    async def _chat(self, request: web.Request) -> web.Response:
        body = await request.read()
        key = standard_webhooks.key(SecretStr(HOOK_SECRET))
        try:
            standard_webhooks.check([key], request.headers, body, self._clock())
        except WebhookRefused:
            return web.Response(status=401)
        message = msgspec.json.decode(body)["data"]["message"]
        self._take(message["id"], message["text"])
        return web.Response()

    async def _telegram(self, request: web.Request) -> web.Response:
        message = await request.json()
        number = next(self._numbers)
        self._take(f"{message['chat_id']}:{number}", message["text"])
        return web.json_response({"ok": True, "result": {"message_id": number}})

    async def _mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As much of SMTP (RFC 5321) as a letter needs."""

        def answer(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        self._mail_connections.append(writer)
        answer("220 demo")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                match line[:4].upper().strip():
                    case b"DATA":
                        answer("354 go on")
                        self._letter(await reader.readuntil(b"\r\n.\r\n"))
                        answer("250 taken")
                    case b"QUIT":
                        answer("221 bye")
                        break
                    case _:
                        answer("250 demo")
        writer.close()

    def _letter(self, data: bytes) -> None:
        letter = BytesParser(policy=policy.SMTP).parsebytes(
            data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        )
        part = letter.get_body(("plain",))
        text = part.get_content().strip() if part else ""
        self._take(str(letter["Message-ID"]), text, str(letter["Subject"]))


@contextlib.asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """The address of a real server on a free port of this machine."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()

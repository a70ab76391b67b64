"""Stand-ins for the shop's chat system, Telegram and a mail server; each can fail for a while."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from email import policy
from email.parser import BytesParser

from aiohttp import web

from tests.outside import reading
from tests.outside.facts import Address
from tests.outside.history import Heard, Trouble

_TRY_LATER = "451 try later"
_UNAVAILABLE = 503


class Receivers:
    """Takes whatever is sent and keeps it as heard, doubles too, unless they were told to drop them.

    places: the numbers by which what is told and what is heard are kept in one order.
    refuses: whether this address takes nothing at this moment.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        places: Iterator[int],
        troubles: Sequence[Trouble],
        refuses: Callable[[str, datetime], bool] = lambda address, now: False,
    ) -> None:
        self.heard: list[Heard] = []
        self.refused: list[tuple[str, datetime]] = []
        self.asked = 0  # how often something was to be taken
        self._refuses = refuses
        self._clock = clock
        self._places = places
        self._troubles = troubles
        self._known: set[str] = set()
        self._numbers = itertools.count(1)
        self._talks: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[str, int]]:
        """Where the HTTP receivers listen, and the mail server's port."""
        app = web.Application()
        app.router.add_post("/messages", self._chat)
        app.router.add_post("/{bot}/sendMessage", self._telegram)
        mail = await asyncio.start_server(self._mail, "127.0.0.1", 0)
        port: int = mail.sockets[0].getsockname()[1]
        try:
            async with served(app) as address:
                yield address, port
        finally:
            mail.close()
            for talk in self._talks:
                talk.close()
                with contextlib.suppress(ConnectionError):
                    await talk.wait_closed()
            await asyncio.sleep(0)  # in which the talks end

    def last_link(self, address: Address) -> str | None:
        """The newest link to the chat that was heard here."""
        heard = (each.link for each in reversed(self.heard) if each.address == address)
        return next((link for link in heard if link), None)

    def _trouble(self, kind: str, address: str) -> Trouble | None:
        now = self._clock()
        self.asked += 1
        if self._refuses(address, now):
            self.refused.append((address, now))
            return Trouble(kind=kind, begins=now, ends=now, status=_UNAVAILABLE)
        return next(
            (each for each in self._troubles if each.kind == kind and each.begins <= now < each.ends), None
        )

    async def _chat(self, request: web.Request) -> web.Response:
        message = (await request.json())["data"]["message"]
        if trouble := self._trouble("webhook", message["buyer"]["id"]):
            return web.Response(status=trouble.status)
        if message["id"] in self._known:
            return web.Response(status=409)
        self._known.add(message["id"])
        address = Address("webhook", message["buyer"]["id"])
        self._take(address, message["text"], message["template"], message.get("order"))
        return web.Response()

    async def _telegram(self, request: web.Request) -> web.Response:
        message = await request.json()
        if trouble := self._trouble("telegram", str(message["chat_id"])):
            return web.json_response({"ok": False, "description": "not now"}, status=trouble.status)
        self._take(Address("telegram", str(message["chat_id"])), message["text"])
        return web.json_response({"ok": True, "result": {"message_id": next(self._numbers)}})

    async def _mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As much of SMTP (RFC 5321) as a letter needs."""
        self._talks.append(writer)
        writer.write(b"220 mail\r\n")
        recipient = ""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                said = "250 ok"
                match line[:4].upper().strip():
                    case b"RCPT":
                        recipient = line.decode().partition("<")[2].partition(">")[0]
                        said = _TRY_LATER if self._trouble("email", recipient) else said
                    case b"DATA":
                        writer.write(b"354 go on\r\n")
                        self._letter(recipient, await reader.readuntil(b"\r\n.\r\n"))
                    case b"QUIT":
                        writer.write(b"221 bye\r\n")
                        break
                writer.write(f"{said}\r\n".encode())
        writer.close()

    def _letter(self, recipient: str, data: bytes) -> None:
        plain = data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        letter = BytesParser(policy=policy.SMTP).parsebytes(plain)
        part = letter.get_body(("plain",))
        text = part.get_content().strip() if part else ""
        self._take(Address("email", recipient), f"{letter['Subject']}\n{text}")

    def _take(
        self, address: Address, text: str, template: str | None = None, order: str | None = None
    ) -> None:
        said = reading.printed(text)
        name, values = said or (template, None)
        self.heard.append(
            Heard(
                seq=next(self._places),
                at=self._clock(),
                address=address,
                text=text,
                template=template or name or (reading.template(text) if address.kind == "email" else None),
                order=order or (values or {}).get("number"),
                values=values,
                link=reading.link(text),
            )
        )


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

"""The shop's own chat: answers 200 to every message, remembers its id, and counts those that came twice."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from time import perf_counter
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_GUEST = re.compile(rb'"guest-(\d+)"')
_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    def __init__(self) -> None:
        self.doubles = 0
        self.times: list[float] = []  # when each different message came, of perf_counter
        self.watching = False
        self.came: dict[int, float] = {}  # while watching: when each guest was answered
        self._ids: set[bytes] = set()
        self._wanted = 0
        self._enough = asyncio.Event()

    @property
    def count(self) -> int:
        """How many different messages have come."""
        return len(self._ids)

    def take(self, id: bytes, body: bytes) -> None:
        if id in self._ids:
            self.doubles += 1
            return
        self._ids.add(id)
        self.times.append(perf_counter())
        if self.watching and (guest := _GUEST.search(body)):
            self.came[int(guest[1])] = self.times[-1]
        if len(self._ids) >= self._wanted:
            self._enough.set()

    async def until(self, count: int) -> None:
        """Wait for so many different messages in all."""
        self._wanted = count
        self._enough.clear()
        if self.count < count:
            await self._enough.wait()


class _Door(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while (end := self._heard.find(b"\r\n\r\n")) >= 0:
            length, id = _LENGTH.search(self._heard, 0, end), _ID.search(self._heard, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._heard) < whole:
                return
            body, self._heard = self._heard[end + 4 : whole], self._heard[whole:]
            self._receiver.take(id[1] if id else b"", body)
            self._transport.write(_TAKEN)


@contextlib.asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    """The address at which it receives."""
    server = await asyncio.get_running_loop().create_server(
        lambda: _Door(receiver), "127.0.0.1", 0, backlog=1024
    )
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

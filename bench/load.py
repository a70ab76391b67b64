"""The load: prepared requests over keep-alive connections, as fast as they are answered or at a set rate."""

import asyncio
import re
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from itertools import cycle
from time import perf_counter
from typing import cast

import msgspec

from bench.errors import CannotMeasure
from bench.servers import Server

LONGEST = 120.0  # seconds until a measurement is given up
PACE = 0.001  # seconds between two looks at what is due

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Answers(msgspec.Struct, frozen=True):
    started: float  # of perf_counter
    seconds: float  # from the first request to the last answer
    statuses: Counter[int]
    waits: list[float]  # seconds from when each request was due to its answer
    dues: list[float]  # when each request was due, of perf_counter


async def drive(
    server: Server, requests: Sequence[bytes], connections: int, rate: float | None = None
) -> Answers:
    """Ask everything. Without a rate, each connection asks again as soon as it is answered.

    With a rate (requests a second) requests fall due by the clock, and one that finds every connection
    busy waits, so that a slow server cannot hide behind questions that nobody asked it.
    Raises CannotMeasure unless each is answered 200.
    """
    try:
        async with asyncio.timeout(LONGEST):
            answers = await _drive(server.ports, requests, connections, rate)
    except (TimeoutError, OSError) as error:
        raise CannotMeasure(f"{server.name} stopped answering ({type(error).__name__})") from error
    if set(answers.statuses) != {200}:
        raise CannotMeasure(f"{server.name} answered {dict(answers.statuses)}")
    return answers


async def _drive(
    ports: Sequence[int], requests: Sequence[bytes], connections: int, rate: float | None
) -> Answers:
    board = _Switchboard(len(requests))
    loop = asyncio.get_running_loop()
    lines: list[asyncio.BaseTransport] = []
    try:
        for _, port in zip(range(connections), cycle(ports), strict=False):
            lines.append((await loop.create_connection(lambda: _Caller(board), "127.0.0.1", port))[0])
        started = perf_counter()
        dues = [started + number / rate if rate else started for number in range(len(requests))]
        await _put_in_time(board, requests, dues)
        await board.all_heard
        return Answers(started, perf_counter() - started, board.statuses, board.waits, dues)
    finally:
        for line in lines:
            line.close()


async def _put_in_time(board: "_Switchboard", requests: Sequence[bytes], dues: Sequence[float]) -> None:
    """A request counts from when it was due, however late we came to ask it."""
    given = 0
    while True:
        due = bisect_right(dues, perf_counter(), lo=given)
        board.put(requests[given:due], dues[given:due])
        given = due
        if given == len(requests):
            return
        await asyncio.sleep(PACE)


class _Switchboard:
    """Joins what wants to be asked with who is free to ask it."""

    def __init__(self, count: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.waits: list[float] = []
        self.all_heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = count
        self._free: list[_Caller] = []
        self._waiting: deque[tuple[bytes, float]] = deque()

    def put(self, requests: Sequence[bytes], dues: Sequence[float]) -> None:
        self._waiting.extend(zip(requests, dues, strict=True))
        while self._free and self._waiting:
            self._free.pop().ask(*self._waiting.popleft())

    def free(self, caller: "_Caller") -> None:
        if self._waiting:
            caller.ask(*self._waiting.popleft())
        else:
            self._free.append(caller)

    def heard(self, caller: "_Caller", status: int, due: float) -> None:
        self.statuses[status] += 1
        self.waits.append(perf_counter() - due)
        self._left -= 1
        if self._left == 0 and not self.all_heard.done():
            self.all_heard.set_result(None)
        self.free(caller)

    def broken(self, error: Exception | None) -> None:
        if not self.all_heard.done():
            self.all_heard.set_exception(error or ConnectionError("the server hung up"))


class _Caller(asyncio.Protocol):
    """One connection: asks, hears the whole answer, is free again."""

    def __init__(self, board: _Switchboard) -> None:
        self._board = board
        self._due = 0.0
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one without saying so
        self._board.free(self)

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        end = self._heard.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._heard, 0, end)
        if len(self._heard) < end + 4 + (int(length[1]) if length else 0):
            return
        status = int(self._heard[9:12])
        self._heard = b""
        self._board.heard(self, status, self._due)

    def connection_lost(self, error: Exception | None) -> None:
        self._board.broken(error)

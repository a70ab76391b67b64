"""Reading a partition of the log: one pull after another, each entry once, in order and without a gap."""

import asyncio
import contextlib
from collections import deque

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from xiaoer.bot.errors import LogAway

PULL = 1000  # entries asked for at once
PULL_BYTES = 8 * 1024 * 1024
PULL_LASTS = 30.0  # seconds

_PULL_IS_OVER = ("404", "408")  # nothing more, or its time is up


class Stored(msgspec.Struct, frozen=True):
    """One entry as it lies in the log."""

    sequence: int
    subject: str
    body: bytes


class Reader:
    """Entries of one partition in their order; a gap is an error and never passed over."""

    def __init__(self, client: Client, next_subject: str) -> None:
        self._client = client
        self._next_subject = next_subject
        self._heard: deque[Msg] = deque()
        self._rang = asyncio.Event()
        self._owed = 0  # entries that the pull under way may still bring
        self._count = 0  # entries that this reader was sent
        self.inbox = client.new_inbox()

    async def hear(self, message: Msg) -> None:
        self._heard.append(message)
        self._rang.set()

    async def next(self, patience: float) -> list[Stored]:
        """What has come, at most one pull of it; [] if nothing comes for so many seconds. Raises LogAway."""
        if self._owed <= 0 and not self._heard:
            await self._pull()
        if not self._heard:
            self._rang.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rang.wait(), patience)
        found = list[Stored]()
        while self._heard and len(found) < PULL:
            stored = self._opened(self._heard.popleft())
            if stored:
                found.append(stored)
        return found

    async def _pull(self) -> None:
        wanted = {"batch": PULL, "max_bytes": self._most_bytes(), "expires": int(PULL_LASTS * 1e9)}
        try:
            await self._client.publish(self._next_subject, msgspec.json.encode(wanted), reply=self.inbox)
        except (NatsError, OSError) as error:
            raise LogAway(type(error).__name__) from None
        self._owed = PULL

    def _most_bytes(self) -> int:
        return max(PULL_BYTES, 2 * self._client.max_payload)

    def _opened(self, message: Msg) -> Stored | None:
        """None for a word of the server about the pull itself."""
        status = message.headers.get("Status") if message.headers else None
        if status:
            self._owed = 0
            about = message.headers.get("Description", "") if message.headers else ""
            if status not in _PULL_IS_OVER and "MaxBytes" not in about:
                raise LogAway(f"reading ended: {status} {about}")
            return None
        numbers = message.metadata.sequence
        self._owed -= 1
        self._count += 1
        if numbers.consumer != self._count:
            raise LogAway("an entry was lost on its way")
        return Stored(numbers.stream, message.subject, message.data)

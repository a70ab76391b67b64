"""Reading a partition of the log: one pull after another, each entry once, in order and without a gap."""

import asyncio
import contextlib
from collections import deque

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from bot.domain.errors import LogAway

PULL = 1000  # entries asked for at once
PULL_BYTES = 8 * 1024 * 1024
PULL_LASTS = 30.0  # seconds

# How a pull ends well: nothing more, its time is up, or it brought as much as it was asked for.
_PULL_IS_OVER = ("404", "408", "Batch Completed", "Message Size Exceeds MaxBytes")


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
        self._pulls = 0  # each hears of its end under a number of its own
        self._owed = 0  # entries that the pull under way may still bring
        self._count = 0  # entries that this reader was sent
        self.inbox = client.new_inbox()

    async def hear(self, message: Msg) -> None:
        self._heard.append(message)
        self._rang.set()

    async def next(self, patience: float) -> list[Stored]:
        """What has come, at most one pull of it; [] if nothing comes for so many seconds. Raises LogAway."""
        found = list[Stored]()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not found:
                    await self._wait()
                    while self._heard and len(found) < PULL:
                        stored = self._opened(self._heard.popleft())
                        found += [stored] if stored else []
        return found

    async def _wait(self) -> None:
        """Until something is heard, pulling if nobody does."""
        while not self._heard:
            self._rang.clear()
            if self._owed <= 0:
                await self._pull()
            await self._rang.wait()

    async def _pull(self) -> None:
        self._pulls += 1
        wanted = {"batch": PULL, "max_bytes": self._most_bytes(), "expires": int(PULL_LASTS * 1e9)}
        try:
            await self._client.publish(
                self._next_subject, msgspec.json.encode(wanted), reply=f"{self.inbox}.{self._pulls}"
            )
        except (NatsError, OSError) as error:
            raise LogAway(type(error).__name__) from None
        self._owed = PULL

    def _most_bytes(self) -> int:
        return max(PULL_BYTES, 2 * self._client.max_payload)

    def _opened(self, message: Msg) -> Stored | None:
        """None for a word of the server about the pull itself."""
        status = message.headers.get("Status") if message.headers else None
        if status:
            about = message.headers.get("Description", "") if message.headers else ""
            if status not in _PULL_IS_OVER and about not in _PULL_IS_OVER:
                raise LogAway(f"reading ended: {status} {about}")
            if message.subject == f"{self.inbox}.{self._pulls}":
                self._owed = 0
            return None
        numbers = message.metadata.sequence
        self._owed -= 1
        self._count += 1
        if numbers.consumer != self._count:
            raise LogAway("an entry was lost on its way")
        return Stored(numbers.stream, message.subject, message.data)

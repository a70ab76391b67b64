"""Read a partition of the log: pull after pull, each entry once, in order and without a gap."""

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

# How a pull ends without an error: no more entries, its time is up, or it brought what was asked for.
_PULL_IS_OVER = ("404", "408", "Batch Completed", "Message Size Exceeds MaxBytes")


class StoredEntry(msgspec.Struct, frozen=True):
    """One entry as the log holds it."""

    sequence: int
    subject: str
    body: bytes


class Reader:
    """Reads the entries of one partition in order. A gap raises LogAway, and is never skipped."""

    def __init__(self, client: Client, next_subject: str) -> None:
        self._client = client
        self._next_subject = next_subject
        self._messages: deque[Msg] = deque()
        self._arrived = asyncio.Event()
        self._pulls = 0  # numbers them, so that the end of an earlier one is not taken for that of the last
        self._expected = 0  # entries that the current pull may still bring
        self._count = 0  # entries that came so far
        self.inbox = client.new_inbox()

    async def on_message(self, message: Msg) -> None:
        self._messages.append(message)
        self._arrived.set()

    async def next(self, seconds: float) -> list[StoredEntry]:
        """Return the entries that have come, at most `PULL`; [] after `seconds` without. Raises LogAway."""
        found = list[StoredEntry]()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not found:
                    await self._wait_for_message()
                    while self._messages and len(found) < PULL:
                        entry = self._entry_in(self._messages.popleft())
                        found += [entry] if entry else []
        return found

    async def _wait_for_message(self) -> None:
        """Wait for a message, and start a pull if none is running."""
        while not self._messages:
            self._arrived.clear()
            if self._expected <= 0:
                await self._pull()
            await self._arrived.wait()

    async def _pull(self) -> None:
        self._pulls += 1
        wanted = {"batch": PULL, "max_bytes": self._most_bytes(), "expires": int(PULL_LASTS * 1e9)}
        try:
            await self._client.publish(
                self._next_subject, msgspec.json.encode(wanted), reply=f"{self.inbox}.{self._pulls}"
            )
        except (NatsError, OSError) as error:
            raise LogAway(type(error).__name__) from None
        self._expected = PULL

    def _most_bytes(self) -> int:
        return max(PULL_BYTES, 2 * self._client.max_payload)

    def _entry_in(self, message: Msg) -> StoredEntry | None:
        """None for a status message about the pull itself."""
        status = message.headers.get("Status") if message.headers else None
        if status:
            description = message.headers.get("Description", "") if message.headers else ""
            if status not in _PULL_IS_OVER and description not in _PULL_IS_OVER:
                raise LogAway(f"reading ended: {status} {description}")
            if message.subject == f"{self.inbox}.{self._pulls}":
                self._expected = 0
            return None
        numbers = message.metadata.sequence
        self._expected -= 1
        self._count += 1
        if numbers.consumer != self._count:
            raise LogAway("an entry was lost on its way")
        return StoredEntry(numbers.stream, message.subject, message.data)

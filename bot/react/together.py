"""In which order a batch is handled, and which of its messages are read as one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from bot.domain.events import AnyEvent, MessageReceived, load_event
from bot.domain.settling import CLOCK_SET_BACK, Arrived, Reading, readings
from storage.inbox import OpenEvent


class Turn(msgspec.Struct, frozen=True):
    """What is handled, in order. put_off: what waits longer for more words, by id."""

    readings: Sequence[Reading] = ()
    put_off: Sequence[tuple[int, datetime]] = ()

    @property
    def events(self) -> Iterator[AnyEvent]:
        """Each event, and what its words make together."""
        for reading in self.readings:
            yield from (part.event for part in reading.parts)
            if len(reading.parts) > 1:
                yield reading.event


def arrived(row: OpenEvent) -> Arrived:
    """Raises msgspec.DecodeError for what is no event."""
    return Arrived(row.id, row.received_at, row.ready_at, load_event(row.body))


def chats_of(claimed: Iterable[Arrived]) -> set[str]:
    """The threads of the chats in which something was said."""
    return {each.event.thread for each in claimed if isinstance(each.event, MessageReceived)}


def in_turn(
    claimed: Sequence[Arrived],
    beside: Iterable[OpenEvent],
    settle: timedelta,
    unfinished: Callable[[str], bool],
    now: datetime,
) -> Turn:
    """Let each chat's messages be read in the order in which they came, however early a later one is ready.

    claimed: what is ready, in order. beside: what else is open in its chats.
    """
    if not settle or not any(isinstance(each.event, MessageReceived) for each in claimed):
        return Turn([Reading((each,), each.ready_at) for each in claimed])
    chats = _chats(claimed, beside, settle, unfinished, now)
    done: list[Reading] = []
    put_off: list[tuple[int, datetime]] = []
    for each in claimed:
        if isinstance(each.event, MessageReceived):
            chat = chats[each.event.thread]
            done += chat.up_to(each)
            put_off += chat.put_off(each)
        else:
            done.append(Reading((each,), each.ready_at))
    return Turn(done, put_off)


class _Chat:
    """The readings of one chat, in the order in which its messages came."""

    def __init__(self, those: Sequence[Reading], ripe: int) -> None:
        """ripe: how many of them are handled."""
        self._ripe = list(those[:ripe])
        self._unripe = list(those[ripe:])

    def up_to(self, each: Arrived) -> list[Reading]:
        """Take what is to be handled until this message is; nothing if it was, or has to wait."""
        found = next((place for place, one in enumerate(self._ripe) if each in one.parts), -1) + 1
        taken, self._ripe = self._ripe[:found], self._ripe[found:]
        return taken

    def put_off(self, each: Arrived) -> list[tuple[int, datetime]]:
        """What waits with this message, if it has to wait."""
        for reading in self._unripe:
            if each in reading.parts:
                self._unripe.remove(reading)
                return [(part.id, reading.due) for part in reading.parts if part.ready_at < reading.due]
        return []


def _chats(
    claimed: Iterable[Arrived],
    beside: Iterable[OpenEvent],
    settle: timedelta,
    unfinished: Callable[[str], bool],
    now: datetime,
) -> dict[str, _Chat]:
    here = {each.id: each for each in claimed if isinstance(each.event, MessageReceived)}
    ready = set(here)
    for row in beside:
        if row.id not in here:
            _add(here, row)
    said: defaultdict[str, list[Arrived]] = defaultdict(list)
    for id in sorted(here):
        said[here[id].event.thread].append(here[id])
    chats = {}
    for thread, those in said.items():
        found = readings(those, settle, unfinished)
        ripe = (place for place, one in enumerate(found, 1) if _is_ripe(one, ready, now))
        chats[thread] = _Chat(found, max(ripe, default=0))
    return chats


def _add(here: dict[int, Arrived], row: OpenEvent) -> None:
    """What is no event is parked when its own time has come."""
    try:
        each = arrived(row)
    except msgspec.DecodeError:
        return
    if isinstance(each.event, MessageReceived):
        here[each.id] = each


def _is_ripe(reading: Reading, ready: set[int], now: datetime) -> bool:
    """What has waited long enough is, and what was dated by a clock that was set back since."""
    due = not now < reading.due <= now + CLOCK_SET_BACK
    return due and any(part.id in ready for part in reading.parts)

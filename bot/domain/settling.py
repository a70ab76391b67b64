"""Which messages of one chat are read as one: those that follow each other within the settle time."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from bot.domain.events import AnyEvent, MessageReceived

READ_TOGETHER = "read_together"  # the rule of a message whose words are read with those of the next
CLOCK_SET_BACK = timedelta(minutes=1)  # nothing waits so long: later ones were dated wrongly
MOST = 20  # messages that are read as one
LONGEST = 1000  # characters that they may have together, as many as are read; a single one may have more


class Arrived(msgspec.Struct, frozen=True):
    """An open event. ready_at: when it may be handled."""

    id: int
    received_at: datetime
    ready_at: datetime
    event: AnyEvent

    @property
    def joins(self) -> bool:
        """True for words that may be read together with those around them."""
        return self.ready_at > self.received_at


class Reading(msgspec.Struct, frozen=True):
    """Messages that are read as one, or a single event. due: when it has waited long enough."""

    parts: tuple[Arrived, ...]
    due: datetime

    @property
    def event(self) -> AnyEvent:
        """The last event, with the words of all of them."""
        last = self.parts[-1].event
        if len(self.parts) == 1:
            return last
        return msgspec.structs.replace(last, text="\n".join(map(_words, self.parts)))


def ready_at(
    event: object,
    received_at: datetime,
    settle: timedelta,
    reads_alone: Callable[[str], bool],
    desks: Collection[tuple[str, str]] = (),
) -> datetime:
    """When an event may be handled: words of a chat wait, unless they are obeyed at once.

    desks: the seller's own chats, in which each message is about a case of its own.
    """
    if not settle or not isinstance(event, MessageReceived) or event.kind != "text":
        return received_at
    if (event.channel, event.conversation) in desks:
        return received_at
    return received_at if reads_alone(event.text) else received_at + settle


def readings(
    arrived: Iterable[Arrived], settle: timedelta, unfinished: Callable[[str], bool]
) -> list[Reading]:
    """Part the events of one chat, in the order in which they came.

    They are counted from the first one on, so that a backlog is read as it would have been read when it came.
    Half a sentence makes its reading wait once more as long for the other half, and no longer. The other half
    may be what is obeyed at once.
    """
    found: list[Reading] = []
    parts: list[Arrived] = []
    for each in arrived:
        if parts and _follows(parts, each, settle, unfinished):
            parts.append(each)
            continue
        if parts:
            found.append(_reading(parts, settle, unfinished))
        parts = [each]
    return [*found, _reading(parts, settle, unfinished)] if parts else found


def _follows(
    parts: Sequence[Arrived], each: Arrived, settle: timedelta, unfinished: Callable[[str], bool]
) -> bool:
    whole = each.joins or (_is_words(each) and unfinished(_words(parts[-1])))
    if not (whole and parts[-1].joins) or len(parts) == MOST:
        return False
    if sum(len(_words(part)) + 1 for part in (*parts, each)) > LONGEST:
        return False
    apart = each.received_at - parts[0].received_at
    return apart <= settle or apart <= _waits_for(parts, settle, unfinished)


def _reading(parts: Sequence[Arrived], settle: timedelta, unfinished: Callable[[str], bool]) -> Reading:
    first, last = parts[0], parts[-1]
    if not last.joins:
        return Reading(tuple(parts), last.received_at)
    return Reading(tuple(parts), first.received_at + _waits_for(parts, settle, unfinished))


def _waits_for(parts: Sequence[Arrived], settle: timedelta, unfinished: Callable[[str], bool]) -> timedelta:
    """How long a reading waits for more: twice as long where what came within the settle time is half."""
    within = [part for part in parts if part.received_at - parts[0].received_at <= settle]
    return settle * 2 if unfinished(_words(within[-1])) else settle


def _is_words(part: Arrived) -> bool:
    """False for what a button, a command or a picture says."""
    event = part.event
    if not isinstance(event, MessageReceived) or event.kind != "text":
        return False
    return not event.text.lstrip().startswith("/")


def _words(part: Arrived) -> str:
    return part.event.text if isinstance(part.event, MessageReceived) else ""

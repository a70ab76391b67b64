"""Puts all that happened into the order of reading."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from bot.demo.transcript import Remark, ShownCase, ShownDelivery, ShownEvent, ShownMessage, Transcript

TALK = frozenset(
    {"message.received", "agent.replied", "message", "review.posted"}
)  # shown as what was said, not as facts


class Unsaid(msgspec.Struct, frozen=True):
    """Messages that were not sent, or (waits) not yet: templates with counts, buyer and reason."""

    templates: tuple[tuple[str, int], ...]
    to: str
    reason: str
    waits: bool


class Settled(msgspec.Struct, frozen=True):
    """A case that was closed."""

    case: ShownCase


What = Remark | ShownDelivery | ShownEvent | Unsaid | ShownMessage | ShownCase | Settled

# At one time first what came in, then what was held back, then what was sent.
_ORDER: tuple[type, ...] = (Remark, ShownDelivery, ShownEvent, Unsaid, ShownMessage, ShownCase, Settled)


class TimelineEntry(msgspec.Struct, frozen=True):
    at: datetime
    place: int
    what: What


def entries(transcript: Transcript) -> list[TimelineEntry]:
    told = transcript.deliveries
    found = [
        *(TimelineEntry(note.at, 0, note) for note in transcript.notes),
        *(TimelineEntry(each.at, place, each) for place, each in enumerate(told) if each.kind not in TALK),
        *(TimelineEntry(event.at, event.id, event) for event in transcript.events if event.who),
        *_sent(transcript.messages),
        *_unsaid(transcript.messages),
        *_waits(transcript.messages),
        *(TimelineEntry(case.opened_at, case.number, case) for case in transcript.cases),
        *(
            TimelineEntry(case.closed_at, case.number, Settled(case))
            for case in transcript.cases
            if case.closed_at
        ),
    ]
    return sorted(found, key=lambda entry: (entry.at, _ORDER.index(type(entry.what)), entry.place))


def _sent(messages: Sequence[ShownMessage]) -> Iterator[TimelineEntry]:
    for message in messages:
        if message.state == "sent" and message.settled_at:
            yield TimelineEntry(message.settled_at, message.turn, message)


def _unsaid(messages: Sequence[ShownMessage]) -> Iterator[TimelineEntry]:
    kept_back = [
        (message.settled_at, message.to, message.reason, message)
        for message in messages
        if message.settled_at and message.reason and message.state != "sent"
    ]
    return _grouped(kept_back, waits=False)


def _waits(messages: Sequence[ShownMessage]) -> Iterator[TimelineEntry]:
    holds = [(hold.at, message.to, hold.reason, message) for message in messages for hold in message.held]
    return _grouped(holds, waits=True)


def _grouped(rows: Iterable[tuple[datetime, str, str, ShownMessage]], waits: bool) -> Iterator[TimelineEntry]:
    """One entry for all that one reason kept from one buyer at one time."""
    groups: dict[tuple[datetime, str, str], list[ShownMessage]] = {}
    for at, to, reason, message in rows:
        groups.setdefault((at, to, reason), []).append(message)
    for (at, to, reason), messages in groups.items():
        templates = tuple(Counter(message.template for message in messages).items())
        yield TimelineEntry(at, messages[0].id, Unsaid(templates, to, reason, waits))

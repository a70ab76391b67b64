"""What would be said in the coming days, its sums, and how two forecasts differ."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from bot.domain.context import Category
from bot.domain.messages import Reason

T = TypeVar("T", str, datetime)


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the coming days.

    at: when it was said, or it was decided that it will not be; None: it still waits at the end.
    state: sent, skipped, withdrawn or failed; queued: it waits. held: why it did not go when it was due.
    text: as it was said.
    """

    key: str
    template: str
    category: Category
    buyer: str
    due_at: datetime
    state: str
    order: str | None = None
    at: datetime | None = None
    reason: Reason | None = None
    held: Reason | None = None
    channel: str | None = None
    text: str | None = None


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """messages: in the order of their times, those that wait last."""

    began_at: datetime
    until: datetime
    messages: tuple[Foreseen, ...]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of a forecast.

    said, by template; held and not_said by code of the reason. busiest: an hour, and how much is said in it.
    hears_most: a buyer, and how much they hear.
    """

    said: dict[str, int]
    held: dict[str, int]
    not_said: dict[str, int]
    busiest: tuple[datetime, int] | None
    hears_most: tuple[str, int] | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is otherwise under other rules; before or after is None where it is not said at all."""

    before: Foreseen | None
    after: Foreseen | None


def figures(forecast: Forecast) -> Figures:
    said = [each for each in forecast.messages if each.state == "sent"]
    hours = Counter(hour_of(each.at) for each in said if each.at)
    buyers = Counter(each.buyer for each in said)
    return Figures(
        said=_counted(each.template for each in said),
        held=_counted(each.held.code for each in forecast.messages if each.held),
        not_said=_counted(
            each.reason.code if each.reason else each.state
            for each in forecast.messages
            if each.state not in ("sent", "queued")
        ),
        busiest=_most(hours),
        hears_most=_most(buyers),
    )


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def by_hour(forecast: Forecast) -> list[tuple[datetime, int]]:
    """How many messages are said in each hour in which any is."""
    hours = Counter(hour_of(each.at) for each in forecast.messages if each.at and each.state == "sent")
    return sorted(hours.items())


def changes(before: Forecast, after: Forecast) -> list[Change]:
    """What is said, or not said, otherwise, in the order of the times of `before`, then of `after`.

    Times are compared by the minute, since rounds of the program differ by less.
    """
    earlier = {each.key: each for each in before.messages}
    later = {each.key: each for each in after.messages}
    keys = [*earlier, *(key for key in later if key not in earlier)]
    pairs = (Change(before=earlier.get(key), after=later.get(key)) for key in keys)
    return [pair for pair in pairs if _as_heard(pair.before) != _as_heard(pair.after)]


def _as_heard(message: Foreseen | None) -> tuple[object, ...] | None:
    """What makes a difference to the buyer; nothing of a message that they never hear."""
    if message is None or message.state != "sent" or message.at is None:
        return None
    return message.channel, message.text, message.at.replace(second=0, microsecond=0)


def _counted(codes: Iterable[str]) -> dict[str, int]:
    return dict(Counter(codes).most_common())


def _most(counted: Counter[T]) -> tuple[T, int] | None:
    return min(counted.items(), key=lambda pair: (-pair[1], str(pair[0])), default=None)

"""From an event to the handler that answers it: a table, first match wins."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import Event, TimeCame

Handler = Callable[[Any, Context], list[Action]]


class Route(msgspec.Struct, frozen=True):
    """`when` narrows the event further; a route without it takes every event of its type.

    deadline: takes only the TimeCame of a `WakeAt` whose `what` is this.
    """

    event: type[Event]
    handler: Handler
    when: Callable[[Any, Context], bool] | None = None
    deadline: str | None = None

    @property
    def name(self) -> str:
        return f"{self.handler.__module__.rsplit('.', 1)[-1]}.{self.handler.__name__}"

    def takes(self, event: Event, context: Context) -> bool:
        if type(event) is not self.event:
            return False
        if isinstance(event, TimeCame) and self.deadline not in (None, event.what):
            return False
        return self.when is None or self.when(event, context)


def route(routes: Iterable[Route], event: Event, context: Context) -> Route | None:
    """Choose the first route that takes the event; None if no handler does."""
    return next((candidate for candidate in routes if candidate.takes(event, context)), None)

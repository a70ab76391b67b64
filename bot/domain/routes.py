"""From an event to the handler that answers it: a table, first match wins."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import Event

Handler = Callable[[Any, Context], list[Action]]


class Route(msgspec.Struct, frozen=True):
    """`when` narrows the event further; a route without it takes every event of its type."""

    event: type[Event]
    handler: Handler
    when: Callable[[Any, Context], bool] | None = None

    @property
    def name(self) -> str:
        return f"{self.handler.__module__.rsplit('.', 1)[-1]}.{self.handler.__name__}"


def route(routes: Iterable[Route], event: Event, context: Context) -> Route | None:
    """The first route that takes the event; None is an answer too: nobody handles it."""
    for candidate in routes:
        if type(event) is candidate.event and (candidate.when is None or candidate.when(event, context)):
            return candidate
    return None

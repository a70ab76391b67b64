"""From an event to the handler that answers it: a table, first match wins."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from xiaoer.bot.actions import Action
from xiaoer.bot.context import Buyer, Case, Category, Context, Conversation, Said
from xiaoer.bot.events import Event
from xiaoer.bot.orders import Order
from xiaoer.bot.shop import Shop

Handler = Callable[[Any, Context], list[Action]]


class Route(msgspec.Struct, frozen=True):
    """`when` narrows the event further; a route without it takes every event of its type."""

    event: type[Event]
    handler: Handler
    when: Callable[[Any, Context], bool] | None = None

    @property
    def name(self) -> str:
        return f"{self.handler.__module__.rsplit('.', 1)[-1]}.{self.handler.__name__}"


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was or was not said: a code that the seller's words know, with its values."""

    code: str
    values: dict[str, Any] = {}


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to reach a buyer. `buyer_id`: as that channel knows her."""

    channel: str
    address: str
    buyer_id: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is true in the moment of sending, for one message. `sent_*` look back over real sendings."""

    shop: Shop
    buyer: Buyer
    order: Order | None = None
    orders: tuple[Order, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    cases: tuple[Case, ...] = ()
    sent_in_day: int = 0  # answers not counted
    sent_in_day_until: datetime | None = None  # when the oldest of them leaves the 24 hours
    promotions_in_week: int = 0
    promotions_in_week_until: datetime | None = None
    ways: tuple[Way, ...] = ()  # the best first; none blocked
    said: tuple[Said, ...] = ()  # about this order; only for moments that ask for it


Truth = Callable[["Due", Facts, datetime], Reason | None]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of message: the rules under which it may still be said.

    `still_true` answers None while the message is true, else the reason it no longer is.
    `lateness` counts from due_at; later than that it is not said at all.
    """

    category: Category
    lateness: timedelta
    still_true: Truth
    looks_back: bool = False  # it needs Facts.said


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the outbox as the arbiter sees it."""

    key: str
    template: str
    category: Category
    due_at: datetime
    created_at: datetime
    lateness: timedelta
    values: dict[str, Any] = {}
    order: str | None = None
    to: str | None = None


Moments = Mapping[str, Moment]


def route(routes: Iterable[Route], event: Event, context: Context) -> Route | None:
    """The first route that takes the event; None is an answer too: nobody handles it."""
    for candidate in routes:
        if type(event) is candidate.event and (candidate.when is None or candidate.when(event, context)):
            return candidate
    return None

"""What the bot answers to: read from the top, the first that fits takes the event."""

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import (
    AgentReplied,
    BuyerOptedOut,
    BuyerUpdated,
    CaseSettled,
    CheckoutAbandoned,
    Event,
    ItemRestocked,
    MessageReceived,
    MessageStatusChanged,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    ParcelMoved,
    PaymentReceived,
    ReviewPosted,
    TimeCame,
)
from bot.domain.routes import Handler, Route
from handlers import chat, journey, reminders, shipping, stop
from handlers.message_policies import POLICIES as POLICIES


def note(event: Event, context: Context) -> list[Action]:
    """The record of it is all that is wanted."""
    return []


def deadline(what: str, handler: Handler) -> Route:
    return Route(TimeCame, handler, when=lambda event, context: event.what == what)


ROUTES: tuple[Route, ...] = (
    # the chat
    Route(MessageReceived, chat.reply),
    Route(BuyerOptedOut, stop.opted_out),
    Route(AgentReplied, note),
    Route(MessageStatusChanged, note),
    # an order's facts, in whatever order they come
    Route(OrderPlaced, journey.follow),
    Route(PaymentReceived, journey.follow),
    Route(OrderShipped, journey.follow),
    Route(ParcelMoved, journey.follow),
    Route(OrderDelivered, journey.follow),
    Route(OrderCompleted, journey.follow),
    Route(OrderCancelled, journey.follow),
    Route(OrderReopened, journey.follow),
    Route(OrderRefunded, journey.follow),
    Route(ReviewPosted, journey.follow_review),
    # deadlines of our own
    deadline("unpaid_closed", reminders.close),
    deadline("parcel_check", shipping.check),
    # kept for what is to come
    Route(CaseSettled, note),
    Route(BuyerUpdated, note),
    Route(CheckoutAbandoned, note),
    Route(ItemRestocked, note),
)

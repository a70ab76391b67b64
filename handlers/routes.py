"""The tables of the shop's rules: which handler takes an event, every message's policy, every reason."""

from collections.abc import Mapping
from typing import TypeVar

from bot.domain import reasons
from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import (
    AgentReplied,
    AnswerOutdated,
    BotSwitched,
    BuyerOptedOut,
    BuyerUpdated,
    CaseSettled,
    CheckoutAbandoned,
    Event,
    ItemRestocked,
    MessageReceived,
    MessageStatusChanged,
    OffersConfirmed,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderListed,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
    PaymentReceived,
    ProductRemoved,
    ProductTold,
    ReviewPosted,
    TimeCame,
)
from bot.domain.messages import MessagePolicies
from bot.domain.reasons import Reasons
from bot.domain.routes import Handler, Route
from handlers import (
    after_sales,
    answer_limit,
    chat,
    checkout,
    claims,
    complaints,
    confirmation,
    desk,
    haggling,
    journey,
    knowledge,
    late_shipping,
    leaving,
    listing,
    lost_sale,
    message_policies,
    offers,
    order_proof,
    pay_way_change,
    payment,
    products,
    quotes,
    refunds,
    reminders,
    return_news,
    review,
    second_thoughts,
    service_promises,
    shipping,
    shop_facts,
    stop,
    talk,
    totals,
    validity,
    vip,
    waiting,
    weighing,
    which_meaning,
)

T = TypeVar("T")


def note(event: Event, context: Context) -> list[Action]:
    """No reply: the event is only recorded."""
    return []


def deadline(what: str, handler: Handler) -> Route:
    """Route the TimeCame of a `WakeAt` with this `what`."""
    return Route(TimeCame, journey.follow_deadline(handler), deadline=what)


def joined(*tables: Mapping[str, T]) -> dict[str, T]:
    """Join tables. Raises ValueError if two of them have the same name."""
    whole: dict[str, T] = {}
    for table in tables:
        twice = whole.keys() & table.keys()
        if twice:
            raise ValueError(f"declared twice: {', '.join(sorted(twice))}")
        whole |= table
    return whole


ROUTES: tuple[Route, ...] = (  # the first that takes the event wins
    # the chat
    Route(MessageReceived, desk.take, when=desk.is_sellers),
    Route(MessageReceived, chat.reply),
    Route(AnswerOutdated, chat.reply_anew),
    Route(BuyerOptedOut, stop.opted_out),
    Route(OffersConfirmed, note),
    Route(AgentReplied, note),
    Route(BotSwitched, note),
    Route(MessageStatusChanged, note),
    # an order's facts, in whatever order they come
    Route(OrderPlaced, journey.follow),
    Route(PaymentReceived, journey.follow),
    Route(OrderShipped, journey.follow),
    Route(ParcelMoved, journey.follow),
    Route(ParcelCancelled, journey.follow),
    Route(OrderDelivered, journey.follow),
    Route(OrderCompleted, journey.follow),
    Route(OrderCancelled, journey.follow),
    Route(OrderReopened, journey.follow),
    Route(OrderRefunded, journey.follow),
    Route(OrderListed, journey.follow_listing),
    Route(ReviewPosted, journey.follow_review),
    # deadlines of our own
    *(Route(TimeCame, complaints.warn, deadline=what) for what in (complaints.SOON, complaints.OVER)),
    Route(TimeCame, waiting.tell_again, deadline=waiting.WHAT),
    deadline("unpaid_closed", reminders.close),
    deadline("parcel_check", shipping.check),
    deadline("late_shipping", late_shipping.check),
    deadline(service_promises.SOON, service_promises.warn),
    deadline(service_promises.DUE, service_promises.judge),
    deadline("weigh_money", weighing.weigh),
    deadline("return_check", return_news.check),
    # recorded, for what may follow
    Route(CaseSettled, complaints.tell_outcome),
    Route(BuyerUpdated, note),
    Route(CheckoutAbandoned, checkout.ask),
    Route(ItemRestocked, note),
    Route(ProductTold, note),
    Route(ProductRemoved, note),
)

POLICIES: MessagePolicies = joined(
    after_sales.POLICIES,
    answer_limit.POLICIES,
    chat.POLICIES,
    checkout.POLICIES,
    claims.POLICIES,
    complaints.POLICIES,
    second_thoughts.POLICIES,
    confirmation.POLICIES,
    desk.POLICIES,
    haggling.POLICIES,
    knowledge.POLICIES,
    leaving.POLICIES,
    lost_sale.POLICIES,
    message_policies.POLICIES,
    offers.POLICIES,
    order_proof.POLICIES,
    payment.POLICIES,
    products.POLICIES,
    quotes.POLICIES,
    refunds.POLICIES,
    reminders.POLICIES,
    review.POLICIES,
    service_promises.POLICIES,
    shipping.POLICIES,
    shop_facts.POLICIES,
    talk.POLICIES,
    totals.POLICIES,
    pay_way_change.POLICIES,
    vip.POLICIES,
    which_meaning.POLICIES,
)

REASONS: Reasons = joined(
    reasons.REASONS,
    after_sales.REASONS,
    answer_limit.REASONS,
    chat.REASONS,
    checkout.REASONS,
    claims.REASONS,
    complaints.REASONS,
    second_thoughts.REASONS,
    confirmation.REASONS,
    desk.REASONS,
    offers.REASONS,
    late_shipping.REASONS,
    leaving.REASONS,
    listing.REASONS,
    lost_sale.REASONS,
    order_proof.REASONS,
    payment.REASONS,
    products.REASONS,
    quotes.REASONS,
    refunds.REASONS,
    reminders.REASONS,
    review.REASONS,
    service_promises.REASONS,
    shipping.REASONS,
    shop_facts.REASONS,
    talk.REASONS,
    totals.REASONS,
    validity.REASONS,
    vip.REASONS,
    waiting.REASONS,
    weighing.REASONS,
)

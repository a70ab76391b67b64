"""What buyers want done about an order that they placed: the table of these intents."""

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import invoices, order_holds, order_wishes, products, refund_status, return_news, returns
from handlers.order_proof import numbers_in
from handlers.order_wishes import OfOrder, OrderWish, Wishes
from handlers.questions import Answers, Questions
from handlers.replies import answer
from handlers.return_words import asks_rules, only_asks
from handlers.which_order import BEFORE_SHIPPING

WHICH = "after_sales_order"  # the question for which order it is
LEFT = ("delivered", "completed", "shipped", "partly_shipped")
UNSENT = (*BEFORE_SHIPPING, "on_delivery", "payment_unclear")


def unless_left(before: OfOrder) -> OfOrder:
    """Do so before an order leaves; afterwards it is a return, and what has ended is told."""

    def of(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
        if order.cancelled or order.refunded_in_full:
            return refund_status.tell(order, words, event, context)
        gone = bool(order.shipped or order.done)
        return (returns.take if gone else before)(order, words, event, context)

    return of


def cancel(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    """What has left and was neither paid nor received cannot be sent back yet: it is to be stopped."""
    ended = order.cancelled or order.refunded_in_full
    if order.shipped and not (ended or order.paid_or_received):
        return order_holds.cancel(order, words, event, context, gone=True)
    return unless_left(order_holds.cancel)(order, words, event, context)


def take_back(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    if order.cancelled or order.refunded_in_full:
        return refund_status.tell(order, words, event, context)
    return returns.take(order, words, event, context)


WISHES: Wishes = {
    "return_exchange": OrderWish(take_back, LEFT),
    "refund_status": OrderWish(refund_status.tell, ("refunded", "cancelled", *LEFT)),
    "cancel_order": OrderWish(cancel, UNSENT, of_each=True),
    "change_order": OrderWish(unless_left(order_holds.change), UNSENT),
    "change_address": OrderWish(order_holds.change_address, (*UNSENT, *order_holds.ON_ITS_WAY)),
    "invoice": OrderWish(invoices.ask_for, (*LEFT, *UNSENT)),
}
_BY_ORDER = order_wishes.answers_of(WHICH, WISHES)


def return_exchange(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Tell the shop's policy to who has no order yet that we know of, or only asks for it.

    Whether what has not left could be returned is a question of the rules; else it is how a return begins.
    """
    left = any(each.state in LEFT for each in context.orders)
    if context.orders and not left and (asks_rules(event.text) or only_asks(event.text)):
        return _policy(event, context)
    if context.orders or numbers_in(event.text) or context.shop.returns is None:
        return _BY_ORDER["return_exchange"](meaning, event, context)
    return [
        answer("return_policy", event),
        order_wishes.ask_which(
            WHICH, order_wishes.waiting_for(WHICH, context) | {"return_exchange": event.text}
        ),
    ]


def _policy(event: MessageReceived, context: Context) -> list[Action]:
    """The rules, which change nothing; where nobody has set any, a person tells them."""
    if context.shop.returns is None:
        return products.ask_person(event, context)
    return [answer("return_policy", event, context.orders[0])]


ANSWERS: Answers = {**_BY_ORDER, "return_exchange": return_exchange}

QUESTIONS: Questions = {
    WHICH: order_wishes.question_of(WHICH, WISHES),
    **returns.QUESTIONS,
    **order_holds.QUESTIONS,
    **invoices.QUESTIONS,
}

POLICIES: MessagePolicies = {
    **return_news.POLICIES,
    **refund_status.POLICIES,
    **order_holds.POLICIES,
    **invoices.POLICIES,
}

REASONS: Reasons = {
    **order_wishes.REASONS,
    **return_news.REASONS,
    **refund_status.REASONS,
    **order_holds.REASONS,
    **invoices.REASONS,
}

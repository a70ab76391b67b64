"""The rules for an order's facts: after each fact, all messages and cases that the merged facts call for.

Facts arrive in any order and repeatedly. So no rule reads the event: each reads the merged order and
queues again everything that follows from it. Keys make repeats harmless, every due time is a platform's,
and what later facts made untrue is queued and withdrawn in the same batch, so that any order of arrival
leaves the same messages. A rule may be added here if more facts only add to what it queues and withdraws.
"""

from collections.abc import Callable
from functools import wraps

from bot.domain.actions import Action, CloseCase, OpenCase
from bot.domain.context import Case, Context
from bot.domain.events import OrderEvent, OrderListed, ReviewPosted, TimeCame
from bot.domain.orders import Order
from bot.domain.payment_news import is_thanked_for
from bot.domain.routes import Handler
from handlers import (
    confirmation,
    late_shipping,
    leaving,
    listing,
    offers,
    order_holds,
    pay_way_change,
    payment,
    quotes,
    refunds,
    reminders,
    returns,
    review,
    service_promises,
    shipping,
    totals,
    weighing,
)
from handlers.validity import arrived, shipped, why_unsaid

RULES: tuple[Callable[[Order, Context], list[Action]], ...] = (
    confirmation.confirm,
    confirmation.contact_again,
    offers.ask,
    reminders.remind,
    payment.receive,
    payment.reassure,
    quotes.honour,
    totals.announce,
    pay_way_change.announce,
    weighing.weigh_later,
    late_shipping.watch,
    leaving.announce,
    leaving.correct,
    leaving.take_back,
    shipping.watch,
    shipping.report_attempt,
    shipping.report_ready,
    shipping.show_failure,
    shipping.arrive,
    review.request,
    review.withdraw,
    review.answer,
    refunds.cancel,
    refunds.restore,
    refunds.refund,
    listing.show_taken_back,
    service_promises.watch,
)


def follow(event: OrderEvent, context: Context) -> list[Action]:
    order = context.order
    if order is None:
        return []
    intended = [action for rule in RULES for action in rule(order, context)]
    if why_unsaid(order, context.shop):
        intended = without_cases(intended)
    return intended + [CloseCase(key=case.key) for case in context.cases if settled(case, order)]


def follow_review(event: ReviewPosted, context: Context) -> list[Action]:
    return follow(event, context) + review.show(event, context)


def follow_listing(event: OrderListed, context: Context) -> list[Action]:
    return follow(event, context) + listing.show_unclear(event, context)


def follow_deadline(handler: Handler) -> Handler:
    """The handler of a deadline about an order; one that is only a test wants nobody's attention."""

    @wraps(handler)  # the seller reads which rule decided
    def with_order(event: TimeCame, context: Context) -> list[Action]:
        actions = handler(event, context)
        unsaid = context.order and why_unsaid(context.order, context.shop)
        return without_cases(actions) if unsaid else actions

    return with_order


def without_cases(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, OpenCase)]


def settled(case: Case, order: Order) -> bool:
    """True if a fact answers the question of the case, so that the seller need not."""
    if case.order != order.id:
        return False
    match case.kind:
        case "unpaid":
            return reminders.why_settled(order) is not None
        case "no_answer":  # what has left need not reach anybody any more
            return bool(reminders.why_settled(order) or shipped(order) or arrived(order))
        case "payment_claim":
            return payment.covered(order) and is_thanked_for(order)
        case "payment":
            return weighing.settled(case, order)
        case "late_shipping":
            return late_shipping.settled(case.key, order)
        case "quote":
            return order.cancelled or order.refunded_in_full
        case "delay":
            return shipping.late_case_settled(case.key, order)
        case "parcel_failed":
            return shipping.failure_case_settled(case.key, order)
        case "return":
            return returns.settled(case, order)
        case "order_change":
            return order_holds.settled(case, order)
        case _:
            return False

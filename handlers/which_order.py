"""Which of their orders a buyer means."""

from collections.abc import Callable, Iterable

import msgspec

from bot.domain.actions import Action, OpenOrder
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.order_numbers import named
from bot.domain.orders import Order
from handlers import order_proof

PAYABLE = ("unpaid", "partly_paid")
BEFORE_SHIPPING = (*PAYABLE, "authorised", "paid")
_OVER = ("cancelled", "refunded", "completed", "delivered")


def about_order(
    event: MessageReceived,
    context: Context,
    then: Callable[[Order], list[Action]],
    states: tuple[str, ...] | None = None,
) -> list[Action]:
    """Answer with `then` for the order that the buyer means; ask for a proof where none is theirs."""
    order = own_order(event, context, states)
    if order is None:
        return order_proof.prove(event, context, then)
    tried = _proof_of_another(order, event, context, then)
    if any(isinstance(action, OpenOrder) for action in tried):
        return tried
    return [*order_proof.counted(tried), *then(order)]


def _proof_of_another(
    order: Order, event: MessageReceived, context: Context, then: Callable[[Order], list[Action]]
) -> list[Action]:
    """Two systems may have one number: digits that are not those of the known order may be the other's.

    A wrong try counts as anywhere, and is answered about the known order, so that it reveals nothing.
    """
    alike = named(order.shown_number, context.named_orders)
    others = tuple(each for each in alike if each not in context.orders)
    if not others or not order_proof.is_pair(event.text) or order_proof.offers_digits_of(order, event.text):
        return []
    return order_proof.prove(event, msgspec.structs.replace(context, named_orders=others), then)


def own_order(event: MessageReceived, context: Context, states: tuple[str, ...] | None) -> Order | None:
    """Choose the order that is named, else the newest in one of `states`, else the newest."""
    named = named_order(order_proof.numbers_in(event.text), context)
    if named:
        return named
    if order_proof.marked_numbers_in(event.text) or order_proof.is_pair(event.text):
        return None  # an order is named, but none of theirs
    fitting = (order for order in context.orders if _fits(order, states))
    return next(fitting, context.orders[0] if context.orders else None)


def named_order(numbers: Iterable[str], context: Context) -> Order | None:
    """The buyer's newest order that has one of these numbers."""
    meant = {order.id for number in numbers for order in named(number, context.orders)}
    return next((order for order in context.orders if order.id in meant), None)


def _fits(order: Order, states: tuple[str, ...] | None) -> bool:
    return order.state in states if states else order.state not in _OVER

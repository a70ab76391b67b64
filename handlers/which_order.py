"""Which of their orders a buyer means."""

import re
from collections.abc import Callable, Iterable

import msgspec

from bot.domain.actions import Action, OpenOrder
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.order_numbers import named, plain
from bot.domain.orders import Order
from handlers import order_proof
from handlers.meaning import parts_of
from handlers.normalise import normalise
from handlers.taken_back import adds_order, corrects_order, denied_numbers, only_order

PAYABLE = ("unpaid", "partly_paid")
BEFORE_SHIPPING = (*PAYABLE, "authorised", "paid")
_OTHER = re.compile(r"另外?(?:那|一|的)?(?:个|单|笔|件)|\bother (?:one|order|parcel|package|item)\b")
_POINTED = re.compile(
    r"(?:\b(?:is|are|for|about) |^(?=[\w-]{1,30}[到的发呢在付]))#?([\w-]{0,8}\d[\w-]{0,20})"
    r"(?=\W*$| ?[?!,.;]| (?:now|please|and|yet)\b|[到的发呢在付])",
    re.ASCII,
)
_OVER = ("cancelled", "refunded", "completed", "delivered")


def about_order(
    event: MessageReceived,
    context: Context,
    then: Callable[[Order], list[Action]],
    states: tuple[str, ...] | None = None,
    named_alone: bool = False,
) -> list[Action]:
    """Answer with `then` for the order that the buyer means; ask for a proof where none is theirs.

    named_alone: what looks like an order's number and is none of theirs is asked about, since `then` changes
    something.
    """
    order = None if named_alone and names_another(event.text, context) else own_order(event, context, states)
    if order is None:
        return order_proof.prove(event, context, then)
    tried = _proof_of_another(order, event, context, then)
    if any(isinstance(action, OpenOrder) for action in tried):
        return tried
    return [*order_proof.counted(tried), *then(order)]


def _proof_of_another(
    order: Order, event: MessageReceived, context: Context, then: Callable[[Order], list[Action]]
) -> list[Action]:
    """Two systems may have one number: digits that are not those of the known order may be the other's. So
    may digits that are the number of an order of theirs.

    A wrong try counts as anywhere, and is answered about the known order, so that it reveals nothing.
    """
    if not order_proof.is_pair(event.text) or order_proof.offers_digits_of(order, event.text):
        return []
    numbers = (order.shown_number, *order_proof.numbers_in(event.text)[:1])
    alike = {each.id: each for number in numbers for each in named(number, context.named_orders)}
    others = tuple(each for each in alike.values() if each not in context.orders)
    if not others:
        return []
    return order_proof.prove(event, msgspec.structs.replace(context, named_orders=others), then)


def own_order(event: MessageReceived, context: Context, states: tuple[str, ...] | None) -> Order | None:
    """Choose the order that is named, else the newest in one of `states`, else the newest."""
    named = named_order(order_proof.numbers_in(event.text), context)
    if named:
        return named
    pair = order_proof.is_pair(event.text)
    if (
        pair
        or order_proof.marked_numbers_in(event.text)
        or _written_as_theirs(_pointed_at(event.text), context)
    ):
        return None  # an order is named, but none of theirs
    orders = _but_for_the_last(event.text, context)
    fitting = (order for order in orders if _fits(order, states))
    return next(fitting, orders[0] if orders else None)


def _but_for_the_last(text: str, context: Context) -> tuple[Order, ...]:
    """Their orders; without the one that was spoken of last where they ask for the other one."""
    last = context.conversation.talk.order if context.conversation else None
    others = tuple(order for order in context.orders if order.id != last)
    return others if last and others and _OTHER.search(normalise(text)) else context.orders


def names_another(text: str, context: Context) -> bool:
    """True for a number that is called an order's, or written as their orders' numbers are and no sum of
    theirs, and is none of them."""
    if named_order(order_proof.numbers_in(text), context):
        return False
    if order_proof.marked_numbers_in(text):
        return True
    return _written_as_theirs(order_proof.uncalled_numbers_in(text), context)


def _written_as_theirs(numbers: Iterable[str], context: Context) -> bool:
    known = (money for order in context.orders for money in (order.total, order.left) if money)
    sums = {f"{money.decimal.normalize():f}" for money in known}
    written = {shape(order.shown_number) for order in context.orders}
    return any(shape(number) in written and number not in sums for number in numbers)


def _pointed_at(text: str) -> list[str]:
    """The numbers that a question or a claim ends with, or begins with: "where is 1002?"."""
    return _POINTED.findall(normalise(text))


def shape(number: str) -> str:
    return re.sub(r"\d", "0", plain(number))


def corrected_to(text: str) -> tuple[str, ...]:
    """The numbers at the end that take the place of those before: "cancel 1001, sorry, I meant 1002"."""
    parts = parts_of(text)
    for place in range(1, len(parts)):
        end = " ".join(parts[place:])
        numbers = order_proof.numbers_in(end)
        if corrects_order(end) and only_order(end, numbers) and not adds_order(end):
            denied = denied_numbers(end)
            return tuple(number for number in numbers if number not in denied)
    return ()


def named_order(numbers: Iterable[str], context: Context) -> Order | None:
    """The buyer's newest order that has one of these numbers."""
    return next(iter(named_orders(numbers, context)), None)


def named_orders(numbers: Iterable[str], context: Context) -> list[Order]:
    meant = {order.id for number in numbers for order in named(number, context.orders)}
    return [order for order in context.orders if order.id in meant]


def _fits(order: Order, states: tuple[str, ...] | None) -> bool:
    return order.state in states if states else order.state not in _OVER

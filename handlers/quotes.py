"""A quote is honoured when the order comes: the seller is shown the price to change, once for each quote."""

from datetime import datetime

import msgspec

from bot.domain.actions import Action, CloseCase, MakeQuote, OpenCase, Say, Value
from bot.domain.context import Context
from bot.domain.events import Line
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.quotes import Quote
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.quote_values import SAMPLES, quote_values
from handlers.validity import amount, ever_cancelled, refunded


def honour(order: Order, context: Context) -> list[Action]:
    """Recognise the quote that an order uses, once."""
    return [action for quote in context.quotes for action in _of(quote, order)]


def recognise(context: Context) -> list[Action]:
    """Recognise the quotes of a chat in the orders that it has proved to be its own."""
    linked = (context.linked_order,) if context.linked_order else ()
    return [action for order in (*linked, *context.orders) for action in honour(order, context)]


def _of(quote: Quote, order: Order) -> list[Action]:
    line = _ordered(quote, order)
    if line is None:
        return []
    agreed = quote.price_for(line.quantity)
    right = agreed is None or is_right(agreed, line, order)
    if quote.state == "used":
        return [CloseCase(key=_case(quote))] if right else []
    used: list[Action] = [MakeQuote(quote=msgspec.structs.replace(quote, state="used", order=order.id))]
    return used if agreed is None or right else [*used, *_told(quote, agreed, line, order)]


def _ordered(quote: Quote, order: Order) -> Line | None:
    """The line of an order that has what the quote is about, while it held or if it used it."""
    used = quote.state == "used" and quote.order == order.id
    if not used and (order.placed_at is None or not quote.holds(order.placed_at)):
        return None
    return next((line for line in order.lines if _is_of(quote, line)), None)


def _is_of(quote: Quote, line: Line) -> bool:
    same = line.sku == quote.goods.sku and line.price.currency == quote.price.currency
    return same and quote.price_for(line.quantity) is not None


def is_right(agreed: tuple[int, bool], line: Line, order: Order) -> bool:
    """Whether the order costs no more than agreed, or need not be changed any more."""
    if order.cancelled or order.refunded_in_full:
        return True
    return (line.price * line.quantity).minor <= agreed[0] and _postage_is_right(order, agreed[1])


def _postage_is_right(order: Order, free: bool) -> bool:
    return not (free and order.postage and order.postage.minor)


def _told(quote: Quote, agreed: tuple[int, bool], line: Line, order: Order) -> list[Action]:
    price = Money(agreed[0], quote.price.currency)
    details: dict[str, Value] = {
        "order": order.shown_number,
        "quote": quote.shown_number,
        "item": f"{line.quantity:g} × {line.title}",
        "total": amount(line.price * line.quantity),
        "amount": amount(price),
        "postage_free": agreed[1],
    }
    return [
        OpenCase(kind="quote", key=_case(quote), reason="quote_to_honour", order=order.id, details=details),
        Say(
            template="quote_seen",
            key=f"quote_seen:{quote.number}",
            order=order.id,
            at=order.placed_at,
            values=quote_values(quote, quantity=int(line.quantity), price=price, postage_free=agreed[1]),
        ),
    ]


def _case(quote: Quote) -> str:
    return f"quote:{quote.number}"


def why_not_say(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """True until the price is changed; whoever has paid hears of it too, because they get money back."""
    outdated = ever_cancelled(order) or refunded(order)
    if outdated:
        return outdated
    lines = [line for line in order.lines if line.sku == due.values.get("sku")]
    agreed, free = int(due.values["price"]), bool(due.values.get("postage_free"))
    changed = any(
        (line.price * line.quantity).minor <= agreed and _postage_is_right(order, free) for line in lines
    )
    return Reason("quote_used", {"order": order.shown_number}) if changed else None


POLICIES: MessagePolicies = {
    "quote_seen": policy.service(why_not_say, variables=("quote", "quote.number"), samples=SAMPLES),
}

REASONS: Reasons = {
    "quote_to_honour": ("order", "quote", "item", "total", "amount", "postage_free"),
    "quote_used": ("order",),
}

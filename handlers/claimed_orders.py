"""Which orders a claim of payment is about: those it names, or those that owe what is said to be paid."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Literal

import msgspec

from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.orders import Order
from handlers import order_proof
from handlers.meaning import parts_of, says_paid
from handlers.normalise import normalise
from handlers.payment import owes_nothing
from handlers.taken_back import adds_order, corrects_order, only_order
from handlers.which_order import PAYABLE, corrected_to, named_orders, names_another

KIND: Literal["payment_claim"] = "payment_claim"
MOST = 20  # orders to choose from, none of which is reminded of meanwhile
EVERY = re.compile(
    r"\bboth\b|\ball (?:of them|my orders|(?:the )?orders|two|three|four|paid)\b|\bpaid (?:them )?all\b"
    r"|[两二三四几][个笔单张].{0,4}(?:都|一起)|(?:都|全部?)(?:已经?)?[付转汇打]|[付转汇打]了[两三四][个笔单]"
)
_EVERY_ALONE = re.compile(
    r"\W*(?:(?:both|all)(?: of them| (?:the )?orders)?(?: please)?|都是?|全部|[两三四][个笔单]都?是?)\W*"
)
_DENIES = re.compile(
    r"^\W*(?:not|but not|不是|没)|(?:没有?|未)[付转汇]|还没(?:有)?\W*$|\bnot (?:yet )?(?:paid\b|\W*$)"
)
_SUM = re.compile(r"(?<![\d.,])\d{1,7}(?:\.\d{1,2})?(?![\d.,]*\d)")


def claimed(order: Order, context: Context) -> bool:
    return any(case.kind == KIND and case.order == order.id and case.open for case in context.cases)


def orders_owing(context: Context) -> list[Order]:
    return [each for each in context.orders if each.state in PAYABLE and not owes_nothing(each)]


def orders_named(event: MessageReceived, context: Context) -> list[Order]:
    """Those of their orders whose numbers stand in what is said of paying."""
    numbers = corrected_to(event.text) or order_proof.numbers_in(_claiming(event.text)[0])
    return named_orders(numbers, context)


def is_every(orders: list[Order], meaning: Meaning, event: MessageReceived) -> bool:
    """True if it is said that all of them were paid, or the sum of all."""
    plain = normalise(event.text)
    owed = [each.left for each in orders if each.left]
    alike = len(owed) == len(orders) and len({each.currency for each in owed}) == 1
    sums = {meaning.slots.amount, *map(Decimal, _SUM.findall(plain))}
    exact = alike and len(owed) > 1 and sum(each.decimal for each in owed) in sums
    return exact or bool(EVERY.search(plain) or _EVERY_ALONE.fullmatch(plain))


def orders_meant(meaning: Meaning, event: MessageReceived, context: Context) -> list[Order]:
    """The orders of which it may be said, where none is named: those that owe the sum which is, else all that
    owe anything; who says again what was said last means the same one."""
    if order_proof.is_pair(event.text) or orders_named(event, context) or names_another(event.text, context):
        return []
    owing, amount = orders_owing(context), meaning.slots.amount
    exact = [each for each in owing if amount and each.left and each.left.decimal == amount]
    meant = (exact or owing)[:MOST]
    last = context.conversation.talk.order if context.conversation else None
    return [each for each in meant if each.id == last and claimed(each, context)] or meant


def apart(event: MessageReceived) -> tuple[MessageReceived, MessageReceived]:
    """The words that claim a payment and those of another matter, where each name an order: "I've paid 1001,
    please cancel 1002". Else all of them, twice.

    What went wrong with another order is nothing against the payment of this one.
    """
    claiming, rest = _claiming(event.text)
    paid, others = order_proof.numbers_in(claiming), order_proof.numbers_in(rest)
    if not paid or not others or not says_paid(claiming) or corrected_to(event.text):
        return event, event
    if not says_paid(event.text) and set(paid) & set(others):
        return event, event
    of_claim = msgspec.structs.replace(event, text=claiming)
    asks = [part for part in parts_of(rest) if not _DENIES.search(normalise(part))]
    return of_claim, msgspec.structs.replace(event, text=", ".join(asks)) if asks else of_claim


def _claiming(text: str) -> tuple[str, str]:
    """The parts of a text that say what was paid, with numbers alone beside them, and the other parts."""
    parts = parts_of(text)
    claiming = [part for part in parts if says_paid(part)]
    if not claiming:
        asserted = [part for part in parts if not _DENIES.search(normalise(part))]
        return ", ".join(asserted), ""
    said: list[str] = []
    rest: list[str] = []
    for part, after in zip_longest(parts, parts[1:], fillvalue=""):
        alone = _names_alone(part) and (not after or after in claiming or _names_alone(after))
        alone = alone or (adds_order(part) and _only_order(part))
        (said if part in claiming or (said and alone) else rest).append(part)
    return ", ".join(said), ", ".join(rest)


def _only_order(part: str) -> bool:
    return only_order(part, order_proof.numbers_in(part))


def _names_alone(part: str) -> bool:
    return order_proof.only_numbers(part) or (_only_order(part) and not corrects_order(part))


def only_claims(event: MessageReceived) -> bool:
    """True for "I've paid for 1001 and for 1002", by which nothing else is meant: no word of prices is."""
    claiming, rest = _claiming(event.text)
    return says_paid(claiming) and not rest.strip() and len(order_proof.numbers_in(claiming)) > 1


def claimed_first(meanings: Sequence[Meaning], event: MessageReceived, context: Context) -> Context:
    """With the order that is said to be paid before the others: what stands beside it is about that one."""
    if len(context.orders) < 2:
        return context
    if not any(each.intent == "i_paid" for each in meanings) and not says_paid(event.text):
        return context
    meant = orders_meant(meanings[0], event, context)
    if len(meant) != 1:
        return context
    others = (order for order in context.orders if order.id != meant[0].id)
    return msgspec.structs.replace(context, orders=(meant[0], *others))

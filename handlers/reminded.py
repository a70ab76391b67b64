"""What a yes is to, of who was asked to pay: that something went wrong with it, or that it is done."""

import re
from datetime import timedelta

from bot.domain.actions import Action, CallHuman
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.orders import Order
from handlers import claims
from handlers.claimed_orders import claimed
from handlers.normalise import normalise
from handlers.payment import owes_nothing
from handlers.reminders import Reminder, reminder_times
from handlers.replies import answer, case_waiting, quoted
from handlers.talk import last_answer, talk_of
from handlers.which_order import PAYABLE

LAPSES = timedelta(days=1)
TALKED = timedelta(minutes=10)  # within which a yes is one to what was said in the chat

# Of what went wrong, which the first reminder alone asks.
_WRONG = re.compile(
    r"\W*(?:(?:(?:oh |um |well )?(?:yes|yeah|yep|yup|yea)\W+)?"
    r"(?:it did|something (?:did|went wrong)|there (?:was|is)|it (?:was|is))(?:\W+(?:sadly|actually))?"
    r"|[嗯恩额呃啊哦]{0,3}(?:对|是|没错|有|遇到)?[的了啊呀呢哦喔诶欸对是]{0,3},? ?"
    r"(?:有|遇到了?)(?:一?[点些])?问题了?"
    r"|遇到[了的]{0,2}|问题)\W*"
)
_YES = re.compile(
    r"\W*(?:(?:oh |um |well )?(?:yes|yeah|yep|yup|yea|correct|exactly)"
    r"(?:\W+(?:please|thanks|(?:i|we) (?:did|have)|sadly|actually|already)){0,2}|(?:i|we) did"
    r"|[嗯恩额呃啊哦]{0,3}(?:对|是|没错|有)[的了啊呀呢哦喔诶欸对是]{0,3}|[嗯恩]{1,4}|有[付转汇](?:款|钱)?[了的啊呀喔哦]?)\W*"
)


def answered(event: MessageReceived, context: Context) -> list[Action] | None:
    """Claim what it was asked of whether it is paid, or let a person ask what went wrong; None for other
    words, and where nothing was asked. The order is not reminded of meanwhile."""
    plain = normalise(event.text)
    wrong = _WRONG.fullmatch(plain)
    if event.kind != "text" or not (wrong or _YES.fullmatch(plain)):
        return None
    told = None if wrong else _told_unpaid(context)
    if told:
        return claims.claim(told, event, context)
    if _talked(context):
        return None
    asked = ((each, _step(each, context)) for each in context.orders)
    order, step = next(((order, step) for order, step in asked if step), (None, 0))
    if order is None:
        return None
    return _person(order, event, context) if wrong or step == 1 else claims.claim(order, event, context)


def _person(order: Order, event: MessageReceived, context: Context) -> list[Action]:
    if case_waiting(context):
        return [answer("human_again", event)]
    details = {"order": order.shown_number, **quoted(event)}
    return [
        answer("human_coming", event),
        CallHuman(reason="payment_failed", order=order.id, details=details),
    ]


def _talked(context: Context) -> bool:
    """True while the talk in the chat is what the word belongs to."""
    said_at = talk_of(context).said_at
    return said_at is not None and context.now - said_at < TALKED


def _told_unpaid(context: Context) -> Order | None:
    """The order of which it was said last that no payment is seen, and asked whether it is paid; the reminder
    that came since asks anew."""
    talk = talk_of(context)
    order = next((each for each in context.orders if each.id == talk.order), None)
    if last_answer(context) != "payment_status" or talk.said_at is None or order is None:
        return None
    since = [each for each in _reminders(order, context) if talk.said_at < each.at <= context.now]
    lapsed = context.now - talk.said_at >= LAPSES
    asked = order.state == "unpaid" and _waits(order, context)  # of a part that came, nothing is asked
    return order if asked and not since and not lapsed else None


def _step(order: Order, context: Context) -> int:
    """Which of its reminders asked last; 0 if none did lately, or nothing is to be paid."""
    if not _waits(order, context):
        return 0
    past = [each.at for each in _reminders(order, context) if each.at <= context.now]
    return len(past) if past and context.now - past[-1] < LAPSES else 0


def _reminders(order: Order, context: Context) -> list[Reminder]:
    return reminder_times(order.placed_at, context.shop.payment) if order.placed_at else []


def _waits(order: Order, context: Context) -> bool:
    return order.state in PAYABLE and not owes_nothing(order) and not claimed(order, context)

"""What is answered to the question of the first reminder, whether something went wrong with paying."""

import re
from datetime import timedelta

from bot.domain.actions import Action, CallHuman
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.orders import Order
from handlers.claimed_orders import claimed
from handlers.normalise import normalise
from handlers.payment import owes_nothing
from handlers.reminders import reminder_times
from handlers.replies import answer, case_waiting, quoted
from handlers.talk import talk_of
from handlers.which_order import PAYABLE

LAPSES = timedelta(days=1)
TALKED = timedelta(minutes=10)  # within which a yes is one to what was said in the chat

_YES = re.compile(
    r"\W*(?:(?:oh |um |well )?(?:yes|yeah|yep|yup|yea|correct|exactly|it did|something (?:did|went wrong))"
    r"(?:\W+(?:it did|there (?:was|is)|something (?:did|went wrong)|it (?:was|is)|sadly|actually)){0,2}"
    r"|[嗯恩额呃啊哦]{0,3}(?:对|是|没错|有|遇到)[的了啊呀呢哦喔诶欸对是]{0,3}(?:,? ?有(?:一?点)?问题)?"
    r"|[嗯恩]{1,4}|(?:有|遇到了?)(?:一?[点些])?问题了?)\W*"
)


def went_wrong(event: MessageReceived, context: Context) -> list[Action] | None:
    """Let a person ask what it was; None for other words, and where nothing was asked. The order is not
    reminded of meanwhile."""
    if event.kind != "text" or not _YES.fullmatch(normalise(event.text)) or _talked(context):
        return None
    order = next((each for each in context.orders if _asked_of(each, context)), None)
    if order is None:
        return None
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


def _asked_of(order: Order, context: Context) -> bool:
    """True from its first reminder on, while it is to be paid."""
    if (
        order.placed_at is None
        or order.state not in PAYABLE
        or owes_nothing(order)
        or claimed(order, context)
    ):
        return False
    first = next(iter(reminder_times(order.placed_at, context.shop.payment)), None)
    return first is not None and timedelta(0) <= context.now - first.at < LAPSES

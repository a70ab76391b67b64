"""Payments: acknowledged with what is still owed, and followed by a reassurance once all is there."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, Say, Unsay
from bot.domain.context import Context, Said
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payment_news import THANKS, tells_otherwise, told_of_money
from bot.domain.payment_term import OPEN, TOLD_BY
from bot.domain.payments import Paid
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.late_shipping import why_late
from handlers.validity import (
    arrived,
    cancelled,
    case_open,
    ever_cancelled,
    free,
    iso,
    on_delivery,
    paid,
    refunded,
    refunded_in_full,
    shipped,
    unclear,
)

REASSURE_AFTER = timedelta(days=1)  # buyers begin to doubt the day after, while nothing has arrived
PROMISE_TOO = (TOLD_BY, THANKS, "restored")  # they say by when the order leaves
APART = timedelta(hours=23)  # what was told as the payment came is no reason to wait
LOOK_AGAIN = timedelta(minutes=5)


def covered(order: Order) -> bool:
    """True if money came and it is all that is asked for; False while no total is known to compare with."""
    known = order.total is not None or any(payment.amount is None for payment in order.payments)
    return order.paid_at is not None and order.paid_in_full and known


def owes_nothing(order: Order) -> bool:
    """True if the buyer has done their part: all of the money came, or is authorised."""
    return covered(order) or order.state == "authorised"


def points(order: Order) -> dict[str, datetime]:
    """What told of money, by a name of its own, and when: each payment, and each sum that was shown.

    More facts only add to them or make them earlier; which of them is worth a word is judged when that is
    due.
    """
    found: dict[str, datetime] = {}
    named = [(_name(each, order), each.at) for each in order.payments if _told_of(each, order)]
    sums = [
        (_sum(each.paid), each.at)
        for each in (*order.shown_money, *order.shown)
        if each.paid and each.paid.minor
    ]
    for name, at in (*named, *sums):
        found[name] = min(at, found.get(name, at))
    return found


def _told_of(payment: Paid, order: Order) -> bool:
    return payment.amount.minor > 0 and order.total is not None if payment.amount else True


def _name(payment: Paid, order: Order) -> str:
    """By its reference; a payment that carries the order's id, as transfers do, by its time; what is all so
    far by its sum."""
    how_much = _sum(payment.amount) if payment.amount else "all"
    if payment.so_far:
        return how_much
    if payment.reference and payment.reference not in (order.id, order.platform_id):
        return f"{payment.reference}-{how_much}"
    return f"{payment.at:%Y%m%dT%H%M%S.%f}-{how_much}"


def _sum(money: Money) -> str:
    return f"{money.minor}{money.currency}"


def receive(order: Order, context: Context) -> list[Action]:
    return [
        Say(
            template=THANKS,
            key=f"{THANKS}:{order.id}:{name}",
            order=order.id,
            at=at,
            earliest=True,
        )
        for name, at in points(order).items()
    ]


def reassure(order: Order, context: Context) -> list[Action]:
    calm: list[Action] = [
        Say(
            template="reassurance",
            key=f"reassurance:{order.id}:{name}",
            order=order.id,
            at=at + REASSURE_AFTER,
            earliest=True,
        )
        for name, at in (*points(order).items(), *_authorised(order))
    ]
    outdated = no_need_to_reassure(order)
    if not calm or outdated is None:
        return calm
    return [*calm, Unsay(prefix=f"reassurance:{order.id}:", why=outdated.code, values=outdated.values)]


def _authorised(order: Order) -> list[tuple[str, datetime]]:
    return [("authorised", order.authorised_at)] if order.authorised_at else []


def no_need_to_reassure(order: Order) -> Reason | None:
    return shipped(order) or arrived(order) or ever_cancelled(order) or refunded(order) or on_delivery(order)


def why_not_acknowledge(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Paid to the carrier, the parcel itself is the buyer's receipt."""
    to_carrier = on_delivery(order) if order.on_delivery and order.was_out(due.due_at) else None
    over = cancelled(order) or refunded_in_full(order) or to_carrier
    return over or _nothing_paid(order) or free(order) or _already_said(order, facts)


def _nothing_paid(order: Order) -> Reason | None:
    if order.paid_at and (order.total is None or order.paid):
        return None
    return unclear(order) or (
        None if order.paid_at else Reason("order_not_paid", {"order": order.shown_number})
    )


def _already_said(order: Order, facts: Facts) -> Reason | None:
    """An earlier message named this sum or more, or was written knowing that all was paid, which is told
    otherwise now."""
    named = any(_named(said, order) for said in told_of_money(facts.said))
    told = named or tells_otherwise(order, facts.said)
    return Reason("already_told", {"order": order.shown_number}) if told else None


def _named(said: Said, order: Order) -> bool:
    """What is less by now was not paid since. Where the total was known and no sum, it was not clear."""
    if said.paid_sum is None:
        return said.total is None and covered(order)
    paid = order.paid
    return paid is not None and paid.currency == said.paid_sum.currency and paid <= said.paid_sum


def why_not_reassure(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    before = any(said.template == "reassurance" and said.sent_at for said in facts.said)
    again = Reason("already_told", {"order": order.shown_number}) if before else None
    late = _nothing_to_send(order) or why_late(order, facts.shop, now)
    return no_need_to_reassure(order) or not_covered(order) or again or late or case_open(facts)


def not_so_soon(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """The day after, and not in one breath with another message that says by when the order leaves: a payment
    may be told of a day after it came."""
    others = [said for said in facts.said if said.template in PROMISE_TOO]
    if any(said.state in OPEN for said in others):
        until = now + LOOK_AGAIN
    else:
        times = (at for said in others if (at := said.sent_at or said.written_at))
        until = max(times, default=now - APART) + APART
    if facts.order is None or until <= now:
        return None
    return until, Reason("said_lately", {"order": facts.order.shown_number, "until": iso(until)})


def _nothing_to_send(order: Order) -> Reason | None:
    return Reason("nothing_to_send", {"order": order.shown_number}) if order.sends_nothing else None


def not_covered(order: Order) -> Reason | None:
    if owes_nothing(order):
        return None
    return paid(order) or Reason("order_not_paid", {"order": order.shown_number})


POLICIES: MessagePolicies = {
    THANKS: policy.booked(why_not_acknowledge, variables=("order.paid_at",)),
    "reassurance": policy.service(why_not_reassure, not_before=not_so_soon),
}

REASONS: Reasons = {"order_not_paid": ("order",), "already_told": ("order",), "nothing_to_send": ("order",)}

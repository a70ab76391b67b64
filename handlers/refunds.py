"""Cancellations, restorings and refunds."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.actions import Action, Say
from bot.domain.balance import back_since
from bot.domain.context import Context, Said
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.payment_term import OPEN
from bot.domain.payments import Refund
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.validity import cancelled, iso, refunded_in_full, unclear

LOOKED_AT_AGAIN = timedelta(minutes=10)  # a word that waits for an earlier one
LOOKED_AT_LATER = timedelta(hours=1)  # one that waits for a person


def cancel(order: Order, context: Context) -> list[Action]:
    """Report each cancelling; only the one that made the order what it is now is still true when due."""
    return [_word("cancelled", order, at) for at in order.cancelled_times]


def restore(order: Order, context: Context) -> list[Action]:
    """Report each reopening that follows a cancelling; some platforms say "open" as long as an order is."""
    gone = min(order.cancelled_times, default=None)
    return [_word("restored", order, at) for at in order.restored_times if gone and gone <= at]


def _word(template: str, order: Order, at: datetime) -> Say:
    at = at.replace(microsecond=0)  # as in the key
    key = f"{template}:{order.id}:{_seconds(at)}"
    return Say(template=template, key=key, order=order.id, at=at, values={"fact_at": iso(at)})


def refund(order: Order, context: Context) -> list[Action]:
    """Report each refund, once the order's total is known. Whether it gave back the rest or a part is judged
    when that is said, because it depends on the other facts: so both are planned, and one of them is said."""
    return [
        Say(
            template=template,
            key=f"{template}:{order.id}:{one.id}",
            order=order.id,
            at=one.first_at or one.at,
            earliest=True,
            values={"refund": one.id},
        )
        for one in order.refunds
        for template in _templates(one, order)
    ]


def _templates(refund: Refund, order: Order) -> tuple[str, ...]:
    if order.total is not None and refund.amount:
        return ("refunded", "partly_refunded")
    return ("refunded",) if refund.amount is None else ()


def why_not_report_cancelling(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A platform may repeat a cancelling under another time: the first one since a reopening is told."""
    if not order.cancelled:
        return Reason("order_reopened", {"order": order.shown_number})
    said_before = any(_stands(at, order) for at in _said(facts, "cancelled", order))
    if said_before or (
        _fact_of(due) != _seconds(_first_cancelled(order)) and not _first_waits(due, order, facts)
    ):
        return Reason("said_before", {"order": order.shown_number})
    return None


def not_while_the_first_waits(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """What repeats a cancelling waits until that one is said: a reopening between them may come late."""
    if facts.order is None or not _first_waits(due, facts.order, facts):
        return None
    until = now + LOOKED_AT_AGAIN
    return until, Reason("said_first", {"order": facts.order.shown_number, "until": iso(until)})


def not_before_its_sum(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """How much went back of too much is settled first. The word of a cancelling that is about to be said
    names what went back, and is enough."""
    order = facts.order
    if order is not None and order.account.refund_unclear:
        return now + LOOKED_AT_LATER, Reason("payment_unclear", {"order": order.shown_number})
    if order is None or not order.cancelled:
        return None
    key = f"cancelled:{order.id}:{_seconds(_first_cancelled(order))}"
    if not any(said.key == key and said.state in OPEN for said in facts.said):
        return None
    until = now + LOOKED_AT_AGAIN
    return until, Reason("said_first", {"order": order.shown_number, "until": iso(until)})


def _first_waits(due: DueMessage, order: Order, facts: Facts) -> bool:
    at = _fact_of(due)
    if not order.cancelled or at is None or not _stands(datetime.fromtimestamp(at, UTC), order):
        return False
    first = _seconds(_first_cancelled(order))
    key = f"cancelled:{order.id}:{first}"
    return at != first and any(said.key == key and said.state in OPEN for said in facts.said)


def _first_cancelled(order: Order) -> datetime:
    """Of the cancellings since the newest reopening, of an order that is cancelled."""
    return min(at for at in order.cancelled_times if _stands(at, order))


def _stands(at: datetime, order: Order) -> bool:
    return order.reopened_at is None or at > order.reopened_at


def why_not_report_restoring(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Said to a buyer who heard that the order was cancelled, and not that it is back."""
    outdated = cancelled(order) or refunded_in_full(order)
    gone, back = _said(facts, "cancelled", order), _said(facts, "restored", order)
    if outdated or order.reopened_at is None or not gone:
        return outdated or Reason("nothing_said", {"order": order.shown_number})
    told = back and max(back) > max(gone)
    if _fact_of(due) != _seconds(order.reopened_at) or told:
        return Reason("said_before", {"order": order.shown_number})
    return None


def _fact_of(due: DueMessage) -> int | None:
    at = _time_of(due.values.get("fact_at"))
    return _seconds(at) if at else None


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _said(facts: Facts, template: str, order: Order) -> list[datetime]:
    """The times of the facts that were reported, or may have been; an older key names none."""
    prefix = f"{template}:{order.id}:"
    heard = [said for said in facts.said if said.template == template and said.state in ("sent", "unknown")]
    times = [_time_of(said.key.removeprefix(prefix)) or said.sent_at for said in heard]
    return [at for at in times if at]


def _time_of(text: Any) -> datetime | None:
    """From seconds, as they stand in keys, or from ISO 8601; None for anything else, such as an older key."""
    try:
        return datetime.fromtimestamp(int(text), UTC) if str(text).isdigit() else datetime.fromisoformat(text)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def why_not_report_refund(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A refund that happened stays true. Which share it was cannot be said of another currency's."""
    one = next((refund for refund in order.refunds if refund.id == due.values.get("refund")), None)
    if one is None:
        return Reason("order_unknown", {"order": order.shown_number})
    if order.account.refund_unclear:
        return None  # it waits for its sum
    if order.total is not None and order.refunded is None:
        return unclear(order) or Reason("payment_unclear", {"order": order.shown_number})
    whole = order.refunded_in_full or _was_whole(one, order)
    if (due.template == "refunded") != whole or one.over:
        return Reason("refund_told_otherwise", {"order": order.shown_number})
    named = any(said.sent_at and _named_whole(said, due, order) for said in facts.said)
    told = named or (one.so_far and _told_more(one, order)) or _told_elsewhere(one, order, facts)
    return Reason("already_told", {"order": order.shown_number}) if told else None


def _was_whole(refund: Refund, order: Order) -> bool:
    """With it all was back, before money came again."""
    return order.gone_back.times > 0 and back_since(refund) == order.gone_back.at


def _told_more(refund: Refund, order: Order) -> bool:
    """True if as much was told by a sum that was shown as less since, or by an older release's import."""
    others = (each for each in order.refunds if each.source == refund.source and each != refund)
    return any(_as_much(each, refund) if each.over else each.amount == refund.amount for each in others)


def _told_elsewhere(refund: Refund, order: Order, facts: Facts) -> bool:
    """True if another source's refund was reported with the sum that went back in all: a file and a platform
    may tell of the same money."""
    others = [each.id for each in order.refunds if each.source != refund.source]
    keys = {f"partly_refunded:{order.id}:{id}" for id in others}
    reported = [said.refunded for said in facts.said if said.key in keys and said.sent_at]
    return order.refunded is not None and order.refunded in reported


def _as_much(one: Refund, other: Refund) -> bool:
    return one.amount is None or (other.amount is not None and one.amount >= other.amount)


def _named_whole(said: Said, due: DueMessage, order: Order) -> bool:
    """It told that all of it went back, since money came the last time; the word of a cancelling names what
    had gone back by then."""
    if said.template == "refunded":
        return said.refunded is None or order.refunded is None or said.refunded.minor > order.gone_back.before
    by_the_way = said.template == "cancelled" and said.refunded is not None and said.refunded.minor > 0
    return by_the_way and said.refunded == order.refunded


_WORD = ({"fact_at": "2026-11-21T02:03:00+00:00"},)
_REFUND = policy.booked(why_not_report_refund, not_before=not_before_its_sum, samples=({"refund": "r"},))

POLICIES: MessagePolicies = {
    "cancelled": policy.booked(
        why_not_report_cancelling, not_before=not_while_the_first_waits, samples=_WORD
    ),
    "restored": policy.booked(why_not_report_restoring, samples=_WORD),
    "refunded": _REFUND,
    "partly_refunded": _REFUND,
}

REASONS: Reasons = {
    "said_before": ("order",),
    "refund_told_otherwise": ("order",),
    "said_first": ("order", "until"),
}

"""Money that does not add up: weighed some minutes after each fact, and shown to the seller as a case."""

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from bot.domain.actions import Action, OpenCase, Value, WakeAt
from bot.domain.context import Case, Context
from bot.domain.events import TimeCame
from bot.domain.listings import paid_fell, refund_fell
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payments import Shown, current, standing
from bot.domain.reasons import Reasons
from handlers import pay_way_change, totals
from handlers.payment import covered, points
from handlers.reminders import FORGOTTEN
from handlers.validity import amount, arrived, shipped

WAIT = timedelta(minutes=10)  # the other facts of the same moment have come by then


def weigh_later(order: Order, context: Context) -> list[Action]:
    """Set a deadline after each fact that may not add up, once there is a total to compare it with. More
    facts only add to them."""
    if order.total is None:
        return []
    changes = totals.changes(order).items()
    times = {f"total {total.minor}{totals.again(nth)}": at for (total, nth), at in changes}
    times |= {f"refund {refund.id}": refund.first_at or refund.at for refund in order.refunds}
    times |= {
        f"refund {refund.id} {refund.amount.minor}": refund.at
        for refund in order.refunds
        if refund.amount and refund.first_at
    }
    if odd(order):
        times |= points(order)
    ways = pay_way_change.changes(order).items()
    words = {True: "on delivery", False: "way to pay"}
    times |= {f"{words[on_delivery]}{totals.again(nth)}": at for (on_delivery, nth), at in ways}
    times |= {f"owed back {nth}": at for nth, at in enumerate(order.cancelled_times)}
    times |= {f"given up{totals.again(nth)}": at for nth, at in enumerate(_falls(order), start=1)}
    times |= {f"refund given up{totals.again(nth)}": at for nth, at in _refund_falls(order)}
    if order.cancelled_times or order.refunds:
        times |= {f"parcel {each.id}": each.shipped_at for each in order.parcels if each.shipped_at}
    times |= {f"owed {sum.minor}{sum.currency}": at for sum, at in _edited_after_refunds(order).items()}
    return [
        WakeAt(key=f"weigh:{order.id}:{name}", at=at + WAIT, what="weigh_money", order=order.id)
        for name, at in times.items()
    ]


def odd(order: Order) -> bool:
    """True unless one payment was told that is the total, or nothing but that the whole is paid, and that
    not of an order that is paid to the carrier."""
    shown = {each.total for each in order.shown if each.asked}
    sums = {paid.amount for paid in order.payments if paid.amount}
    sums |= {each.paid for each in order.shown if each.paid and each.paid.minor}
    mixed = any(total != each for each in sums for total in shown)
    more = order.refunds or order.cancellations or order.cancelled_at or order.pay_on_delivery
    return mixed or len(order.payments) > 1 or bool(more)


def _falls(order: Order) -> list[datetime]:
    """When less was shown as paid than before, or an authorisation no longer, each time; also what the
    platform told of as a payment."""
    told = [each for each in order.shown if each.paid]
    own = (paid for paid in order.payments if paid.source in (None, order.channel) and told)
    came = [Shown(paid.at, told[0].total, paid.amount, authorised=True) for paid in own]
    told = sorted((*told, *came), key=lambda each: (each.at, not each.moved))
    fell = [now.at for was, now in pairwise(told) if now not in came and _fell(was, now)]
    unseen = [each.at for each in told[:1] if each.given_up]  # what was set aside was never shown
    return sorted([*unseen, *fell, *paid_fell(order.listed)])


def _refund_falls(order: Order) -> list[tuple[int, datetime]]:
    return list(enumerate(refund_fell(order.listed), start=1))


def _fell(was: Shown, now: Shown) -> bool:
    if (was.moved or (now.given_up and not was.given_up)) and not now.moved:
        return True
    return bool(was.paid and now.paid and was.paid.currency == now.paid.currency and now.paid < was.paid)


def weigh(event: TimeCame, context: Context) -> list[Action]:
    order = context.order
    if order is None or context.now - event.at > FORGOTTEN:
        return []
    return [
        OpenCase(
            kind="payment",
            key=_key(each, order),
            reason=each.reason,
            order=order.id,
            details=_details(order, each.sum),
        )
        for each in findings(order)
    ]


def _edited_after_refunds(order: Order) -> dict[Money, datetime]:
    """What was shown as owed beside refunds, by either side, when first: no total to tell the buyer follows
    from it."""
    found: dict[Money, datetime] = {}
    for shown in order.shown:
        paid, total = shown.paid, shown.total
        if not shown.asked and paid and paid.currency == total.currency and paid != total:
            found.setdefault(total - paid, shown.at)
    return found


class Finding(msgspec.Struct, frozen=True):
    """What does not add up, and the sum it is about. which: tells it from an earlier one of the same reason,
    which may be a closed case by now."""

    reason: str
    sum: Money | None = None
    which: str = ""


def findings(order: Order) -> list[Finding]:
    """What does not add up by all that is known."""
    found: list[Finding] = []
    paid, back, falls = order.paid, order.refunded, len(_falls(order))
    if order.total and (paid is None or back is None or order.account.has_other_money):
        unclear, which = order.account.refund_unclear, ":refund" if back is None and paid else ""
        found.append(Finding("refund_unclear", paid) if unclear else Finding("other_currency", which=which))
    if order.cancelled:
        gone_back = paid and back and back >= paid
        late = enumerate([] if gone_back else late_payments(order), start=1)
        found += [Finding("paid_after_cancel", sum, totals.again(nth)) for nth, sum in late]
        if _sent_after(order.called_off_at, order):
            found.append(Finding("sent_after_cancel"))
        if owed := _owed_back(order):
            found.append(Finding("refund_owed", owed, totals.again(_times_off(order))))
    if paid and back and back > (most := max(paid, _at_the_door(order) or paid)):
        found.append(Finding("refunded_more" if most.minor else "refunded_unpaid", back, f":{back.minor}"))
    if order.refunded_in_full and not order.cancelled:
        since = enumerate(_paid_since_refund(order), start=1)
        found += [Finding("paid_after_refund", sum, totals.again(nth)) for nth, sum in since]
        if _sent_after(order.gone_back.at, order):
            found.append(Finding("sent_after_refund"))
    found += [Finding("refund_given_up", which=totals.again(nth)) for nth, _ in _refund_falls(order)]
    if order.cancelled or order.refunded_in_full:
        return found
    if order.first_paid_at and order.paid_at is None and not order.authorised:
        found.append(Finding("payment_given_up", which=totals.again(falls)))
    if order.authorisation == "released":
        found.append(Finding("authorisation_given_up", which=totals.again(falls)))
    if order.pay_on_delivery and not order.on_delivery and not covered(order):
        found.append(Finding("pay_way_changed"))
    nothing_kept = order.on_delivery and paid and back and back >= paid
    if (ahead := order.paid_ahead) and not nothing_kept:
        found.append(Finding("paid_ahead", ahead, f":{ahead.minor}"))
    elif paid and paid.minor and not (covered(order) or order.account.refund_unclear or nothing_kept):
        nth = falls + order.gone_back.times + 1
        found.append(Finding("paid_partly", order.counted, _edited(order) + totals.again(nth)))
    if over := order.overpaid:
        found.append(Finding("overpaid", over, f":{over.minor}"))
    return found


def _owed_back(order: Order) -> Money | None:
    """What was paid before a cancelling and has not gone back: the buyer is told that it will."""
    told_paid = order.told_paid is not None and order.told_paid.minor > 0
    at = order.called_off_at  # a snapshot of that moment may say nothing of what was paid
    shown = any(each.paid and each.paid.minor > 0 for each in order.shown if at and each.at <= at)
    before = told_paid or shown or len(late_payments(order)) < len(current(standing(order.payments)))
    return order.to_refund if before else None


def _at_the_door(order: Order) -> Money | None:
    """What the carrier may have been paid, with what came before: nobody need tell of it."""
    return order.total if order.pay_on_delivery and (shipped(order) or arrived(order)) else None


def _times_off(order: Order) -> int:
    """How often it was cancelled; a cancelling that is told again under another time is the same."""
    pairs = pairwise(order.cancelled_times)
    return 1 + sum(any(was <= back < now for back in order.restored_times) for was, now in pairs)


def _sent_after(at: datetime | None, order: Order) -> bool:
    left = (each.left_at or each.shipped_at for each in order.shipped)
    return at is not None and any(since > at for since in left if since)


def _edited(order: Order) -> str:
    """The total, if it is not the one that was asked for at first."""
    first = min(((each.at, each.total) for each in order.shown if each.asked), default=None)
    return f":{order.total.minor}" if order.total and first and first[1] != order.total else ""


def _paid_since_refund(order: Order) -> list[Money | None]:
    """Payments told of since all went back, where they make up no more than that: nobody can say whether
    they are other money. A file's sum of all so far tells of no payment."""
    at, told = order.gone_back.at, current(standing(order.payments))
    since = [paid for paid in told if at and paid.at > at and not paid.so_far]
    return [paid.amount or order.total for paid in sorted(since, key=lambda paid: (paid.at, paid.id))]


def late_payments(order: Order) -> list[Money | None]:
    """Payments after the cancelling, the earliest first; one at exactly its time is not late."""
    at = order.called_off_at
    late = [paid for paid in current(standing(order.payments)) if at and paid.at > at]
    return [paid.amount or order.total for paid in sorted(late, key=lambda paid: (paid.at, paid.id))]


def _details(order: Order, sum: Money | None) -> dict[str, Value]:
    return {
        "order": order.shown_number,
        "amount": amount(sum) if sum else None,
        "total": amount(order.total) if order.total else None,
    }


def settled(case: Case, order: Order) -> bool:
    """True if the money of such a case adds up by now."""
    if case.reason not in REASONS or case.reason == "refund_given_up":
        return False
    return case.key not in {_key(each, order) for each in findings(order)}


def _key(found: Finding, order: Order) -> str:
    return f"{found.reason}:{order.id}{found.which}"


REASONS: Reasons = {
    "paid_partly": ("order", "amount", "total"),
    "paid_ahead": ("order", "amount", "total"),
    "paid_after_cancel": ("order", "amount"),
    "paid_after_refund": ("order", "amount"),
    "sent_after_cancel": ("order",),
    "sent_after_refund": ("order",),
    "refund_owed": ("order", "amount"),
    "pay_way_changed": ("order", "total"),
    "other_currency": ("order", "total"),
    "refund_unclear": ("order", "amount", "total"),
    "payment_given_up": ("order",),
    "authorisation_given_up": ("order",),
    "overpaid": ("order", "amount", "total"),
    "refunded_more": ("order", "amount"),
    "refunded_unpaid": ("order", "amount"),
    "refund_given_up": ("order",),
}

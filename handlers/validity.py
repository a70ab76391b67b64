"""Why a message about an order is outdated: the same reasons withdraw it early and stop it when it is due."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from bot.domain.context import Case, Conversation
from bot.domain.messages import Check, DueMessage, Facts, Reason
from bot.domain.money import Money
from bot.domain.order_numbers import named
from bot.domain.orders import Order
from bot.domain.parcels import Parcel
from bot.domain.reasons import Reasons
from bot.domain.shop import Shop

BEFORE_PAYING = frozenset({"payment_claim", "quote"})  # kinds of cases that are settled before a buyer pays
PAYMENT_FAILED = "payment_failed"  # the reason of a case, of whatever kind: the buyer cannot pay

OrderCheck = Callable[[DueMessage, Order, Facts, datetime], Reason | None]


def always(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """Never outdated: no fact can make such a message untrue."""
    return None


def of_order(check: OrderCheck) -> Check:
    """Make a check of a message from one of its order; a message whose order is unknown is not sent."""

    def with_order(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
        if facts.order is None:
            return Reason("order_unknown", {"order": due.order or ""})
        return why_unsaid(facts.order, facts.shop) or check(due, facts.order, facts, now)

    return with_order


def why_unsaid(order: Order, shop: Shop) -> Reason | None:
    """Test orders are recorded; only in a shop that is being tried do buyers and sellers hear of them."""
    said = shop.say_test_orders or not order.test
    return None if said else Reason("test_order", {"order": order.shown_number})


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def amount(money: Money) -> str:
    return f"{money.decimal} {money.currency}"


def cancelled(order: Order) -> Reason | None:
    at = order.called_off_at
    if not order.cancelled or at is None:
        return None
    return Reason("order_cancelled", {"order": order.shown_number, "cancelled_at": iso(at)})


def ever_cancelled(order: Order) -> Reason | None:
    """Also for an order that was reopened: whoever reopened it talks to the buyer, and the schedule does not.

    Otherwise the result would depend on whether the cancelling or the reopening arrived first.
    """
    if order.cancelled_at is None and order.deleted_at is None:
        return None
    return cancelled(order) or Reason("order_reopened", {"order": order.shown_number})


def refunded(order: Order) -> Reason | None:
    return Reason("order_refunded", {"order": order.shown_number}) if order.refunds else None


def refunded_in_full(order: Order) -> Reason | None:
    return refunded(order) if order.refunded_in_full else None


def shipped(order: Order) -> Reason | None:
    """Also if it was taken back later: whoever did that talks to the buyer, and the schedule does not."""
    left = any(parcel.shipped_at or parcel.ready_at for parcel in order.parcels)
    return Reason("order_shipped", {"order": order.shown_number}) if left else None


def arrived(order: Order) -> Reason | None:
    """Delivered, any of it, or closed by the platform, also if that was taken back later: whoever did that
    talks to the buyer, and the schedule does not."""
    known = [order.all_delivered_at, *(parcel.delivered_at for parcel in order.parcels)]
    first = min((at for at in known if at), default=None)
    if first is None:
        return Reason("order_completed", {"order": order.shown_number}) if order.completed_times else None
    return Reason("order_delivered", {"order": order.shown_number, "delivered_at": iso(first)})


def parcel_arrived(order: Order, parcel: Parcel) -> Reason | None:
    at = parcel.delivered_at or order.all_arrived_at
    return Reason("order_delivered", {"order": order.shown_number, "delivered_at": iso(at)}) if at else None


def paid(order: Order) -> Reason | None:
    at = order.first_paid_at
    if at is None:
        return None
    if not order.paid_in_full:
        return unclear(order) or Reason("order_partly_paid", {"order": order.shown_number})
    return Reason("order_paid", {"order": order.shown_number, "paid_at": iso(at)})


def authorised(order: Order) -> Reason | None:
    """Also if it was given up since: that is a case for the seller, and the schedule does not press."""
    return Reason("order_authorised", {"order": order.shown_number}) if order.authorised_at else None


def unclear(order: Order) -> Reason | None:
    """Paid in another currency than the order's, or the payment was taken back: a person looks into it."""
    doubtful = order.payment_unclear or (order.first_paid_at is not None and order.paid_at is None)
    return Reason("payment_unclear", {"order": order.shown_number}) if doubtful else None


def on_delivery(order: Order) -> Reason | None:
    """Also if another way to pay was chosen since: that is a case for the seller, and nobody is pressed."""
    return Reason("pay_on_delivery", {"order": order.shown_number}) if order.pay_on_delivery else None


def free(order: Order) -> Reason | None:
    """Nothing to pay, by the newest snapshot of the order. A later snapshot may cost something again, so
    this stops messages when they are due, and withdraws none."""
    return Reason("nothing_owed", {"order": order.shown_number}) if order.free else None


def on_account(order: Order) -> Reason | None:
    """To be paid by a day of its own, so that the shop's steps press too early. Another snapshot may have
    none, so this stops messages when they are due, and withdraws none."""
    if order.pay_by is None:
        return None
    return Reason("pays_on_account", {"order": order.shown_number, "until": iso(order.pay_by)})


def not_payable(order: Order) -> Reason | None:
    """Why this order must not be asked to be paid. None of these facts is ever taken back."""
    return (
        paid(order)
        or authorised(order)
        or on_delivery(order)
        or ever_cancelled(order)
        or refunded(order)
        or shipped(order)
        or arrived(order)
    )


def reminders_ended(order: Order, chats: Collection[Conversation] = ()) -> Reason | None:
    """The buyer asked not to be pressed about this order, or in one of these chats about its number or about
    any since they placed it: an order may be told after such words."""
    last = max((chat.no_reminders_at for chat in chats if chat.no_reminders_at), default=None)
    since = last is not None and order.placed_at is not None and order.placed_at <= last
    by_number = any(named(number, [order]) for chat in chats for number in chat.no_reminders_for)
    own = order.reminders_ended_at or order.cancelling_since
    ended = own is not None or since or by_number
    return Reason("reminders_ended", {"order": order.shown_number}) if ended else None


def order_closed(order: Order, closes_at: datetime, now: datetime) -> Reason | None:
    if now < closes_at:
        return None
    return Reason("order_closed", {"order": order.shown_number, "closes_at": iso(closes_at)})


def claimed(order: Order, facts: Facts) -> Reason | None:
    """The buyer says that they paid and the seller has not checked yet, so a reminder would offend them; or
    that they cannot pay, and a person helps them; or they were asked to wait until the price is what they
    agreed on."""
    case = waits_for_seller(order, facts.cases) or cannot_pay(order, facts.cases)
    return Reason("case_open", {"number": case.number}) if case else None


def waits_for_seller(
    order: Order, cases: Collection[Case], kinds: Collection[str] = BEFORE_PAYING
) -> Case | None:
    """The open case that the seller settles before this order is to be paid."""
    return next((each for each in cases if each.open and each.kind in kinds and each.order == order.id), None)


def cannot_pay(order: Order, cases: Collection[Case]) -> Case | None:
    """The open case in which the buyer says that paying for this order fails."""
    mine = (each for each in cases if each.open and each.order == order.id)
    return next((each for each in mine if each.reason == PAYMENT_FAILED), None)


def case_open(facts: Facts) -> Reason | None:
    case = next((case for case in facts.cases if case.open), None)
    return Reason("case_open", {"number": case.number}) if case else None


REASONS: Reasons = {
    "order_unknown": ("order",),
    "test_order": ("order",),
    "order_paid": ("order", "paid_at"),
    "order_partly_paid": ("order",),
    "order_authorised": ("order",),
    "payment_unclear": ("order",),
    "pay_on_delivery": ("order",),
    "nothing_owed": ("order",),
    "pays_on_account": ("order", "until"),
    "order_cancelled": ("order", "cancelled_at"),
    "order_reopened": ("order",),
    "order_refunded": ("order",),
    "reminders_ended": ("order",),
    "order_closed": ("order", "closes_at"),
    "order_shipped": ("order",),
    "order_delivered": ("order", "delivered_at"),
    "order_completed": ("order",),
    "case_open": ("number",),
}

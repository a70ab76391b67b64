"""Orders that have not all left by the promised day: shown to the seller, and a person for who asks."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, CallHuman, OpenCase, Value, WakeAt
from bot.domain.context import Context
from bot.domain.events import MessageReceived, TimeCame
from bot.domain.messages import Reason
from bot.domain.orders import Order
from bot.domain.parcel_news import off_since, silent_since
from bot.domain.reasons import ARRIVAL_UNCLEAR, Reasons
from bot.domain.shipping_promise import due_by, is_due, promised_day
from bot.domain.shop import Shop
from handlers.reminders import FORGOTTEN
from handlers.replies import quoted

A_DAY = timedelta(days=1)
OFF = "nothing_in_its_place"


def watch(order: Order, context: Context) -> list[Action]:
    """Wake at the end of every day that may be the promised one, and when a parcel was taken back, because
    the order may be late again: so that more facts only add to them."""
    begins = [payment.at for payment in order.payments]
    begins += [each.at for each in order.shown_money if each.moved]
    begins += [order.paid_again_at] if order.paid_again_at else []
    begins += order.restored_times if order.cancelled_times else ()
    ever_free = any(each.total.minor == 0 for each in order.shown_money)
    begins += [order.placed_at] if ever_free and order.placed_at else []
    days = {promised_day(at, context.shop) for at in begins}
    back = taken_back(order)
    times = {day for day in days if day} | back | {at + A_DAY for at in back}
    return [_deadline(order, at) for at in sorted(times)]


def check(event: TimeCame, context: Context) -> list[Action]:
    """Open a case for an order that should have left, or the rest of it, unless one is open."""
    order = context.order
    by = due_by(order, context.shop) if order else None
    now = max(context.now, event.at)
    if order and (off_at := off_since(order)) and off_at + A_DAY <= now:
        return [_taken_back_alone(order, off_at)]
    if order is None or by is None:
        return []
    if now < by:  # the seller has promised another day since
        return [_deadline(order, by)]
    if now - by > FORGOTTEN or any(_is_about(order, case.kind, case.order) for case in context.cases):
        return []
    key = f"late_shipping:{order.id}:{by.date().isoformat()}"
    again = max((at for at in taken_back(order) if by < at <= now), default=None)
    if again:
        key += f":{int(again.timestamp())}"
    why = _late_since(order, by)
    return [OpenCase(kind="late_shipping", key=key, reason=why.code, order=order.id, details={**why.values})]


def _taken_back_alone(order: Order, off_at: datetime) -> OpenCase:
    key = f"{OFF}:{order.id}:{int(off_at.timestamp())}"
    details: dict[str, Value] = {"order": order.shown_number}
    return OpenCase(kind="late_shipping", key=key, reason=OFF, order=order.id, details=details)


def ask_person(order: Order, event: MessageReceived, context: Context) -> list[Action]:
    """Call a person for a buyer who asks after an order that is late."""
    silent = order.state == "shipped" and silent_since(order, context.shop.followups.delay, context.now)
    if not (silent or order.arrival_unclear) and why_late(order, context.shop, context.now) is None:
        return []
    unclear = ARRIVAL_UNCLEAR if order.arrival_unclear else "asked_for_late"
    reason = "asked_for_silent" if silent else unclear
    details = {"order": order.shown_number, **quoted(event)}
    return [CallHuman(reason=reason, order=order.id, details=details)]


def why_late(order: Order, shop: Shop, now: datetime) -> Reason | None:
    by = due_by(order, shop)
    return _late_since(order, by) if by and by < now else None


def _late_since(order: Order, by: datetime) -> Reason:
    code = "late_rest" if order.state == "partly_shipped" else "late_shipping"
    return Reason(code, {"order": order.shown_number, "day": by.date().isoformat()})


def is_late(order: Order, shop: Shop, now: datetime) -> bool:
    """True if it did not leave by the promised day, or is on its way for longer than parcels take."""
    left = [at for parcel in order.shipped if (at := parcel.sent_at)]
    if why_late(order, shop, now):
        return True
    if not left:
        return False
    promised = promised_day(order.ready_at, shop) if order.ready_at else None
    on_its_way = order.delivered_at is None and max(left) + shop.followups.travel < now
    return on_its_way or (promised is not None and max(left) > promised)


def settled(key: str, order: Order) -> bool:
    """True once all of it has left, or need not leave any more."""
    if key.startswith(f"{OFF}:"):
        return off_since(order) is None
    return not is_due(order)


def taken_back(order: Order) -> set[datetime]:
    """When parcels were taken back."""
    return {at for parcel in order.parcels for at in parcel.off_times}


def _deadline(order: Order, by: datetime) -> WakeAt:
    key = f"late_shipping:{order.id}:{int(by.timestamp())}"
    return WakeAt(key=key, at=by, what="late_shipping", order=order.id)


def _is_about(order: Order, kind: str, about: str | None) -> bool:
    return kind == "late_shipping" and about == order.id


REASONS: Reasons = {
    "late_shipping": ("order", "day"),
    "late_rest": ("order", "day"),
    OFF: ("order",),
    "asked_for_late": ("order", "text"),
    "asked_for_silent": ("order", "text"),
}

"""Every kind of message: what it competes as, how late it may come, and when it is still true."""

from datetime import timedelta

from bot.domain.messages import Check, MessagePolicies, MessagePolicy
from handlers import confirmation, payment, refunds, reminders, review, shipping, vip
from handlers.validity import OrderCheck, about_order, always

AN_ANSWER = MessagePolicy(category="answer", lateness=timedelta(minutes=15), why_outdated=always)


def _service(truth: OrderCheck) -> MessagePolicy:
    return MessagePolicy(category="service", lateness=timedelta(days=2), why_outdated=about_order(truth))


def _shipping(truth: OrderCheck) -> MessagePolicy:
    return MessagePolicy(category="shipping", lateness=timedelta(days=3), why_outdated=about_order(truth))


def _review(truth: OrderCheck) -> MessagePolicy:
    return MessagePolicy(category="review", lateness=timedelta(days=7), why_outdated=about_order(truth))


def _payment(truth: OrderCheck) -> MessagePolicy:
    # A night's quiet hours fit in; the truth itself ends a step at the next one's time and at closing.
    return MessagePolicy(category="payment", lateness=timedelta(hours=12), why_outdated=about_order(truth))


def _promotion(truth: Check) -> MessagePolicy:
    return MessagePolicy(category="promotion", lateness=timedelta(hours=10), why_outdated=truth)


POLICIES: MessagePolicies = {
    "order_confirmation": _service(confirmation.still_placed),
    "second_contact": _service(confirmation.still_silent),
    "payment_received": MessagePolicy(
        category="service",
        lateness=timedelta(days=2),
        why_outdated=about_order(payment.still_received),
        looks_back=True,
    ),
    "reassurance": _service(payment.still_waiting),
    "cancelled": _service(refunds.still_cancelled),
    "refunded": _service(refunds.still_refunded),
    "partly_refunded": _service(refunds.still_refunded),
    "payment_reminder": _payment(reminders.still_unpaid),
    "shipped": _shipping(shipping.still_on_its_way),
    "delayed": _shipping(shipping.still_late),
    "delivered": _shipping(shipping.still_arrived),
    "review_request": _review(review.still_to_be_asked),
    "review_reminder": _review(review.still_to_be_asked),
    "review_thanks": _review(review.still_good),
    "review_sorry": _review(review.still_bad),
    "seller_case": MessagePolicy(
        category="answer", lateness=timedelta(days=2), why_outdated=always
    ),  # to the seller
    "vip_promotion": _promotion(vip.still_offered),
    **dict.fromkeys(
        (
            *("where_is_order", "payment_status", "when_ship", "which_order", "not_matched"),
            *("payment_claimed", "form_received", "human_coming", "not_understood", "media_received"),
            *("hello", "thanks", "stopped", "resumed"),
        ),
        AN_ANSWER,
    ),
}

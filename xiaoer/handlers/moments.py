"""Every kind of message: what it competes as, how late it may come, and when it is still true."""

from datetime import timedelta

from xiaoer.bot.router import Moment, Moments, Truth
from xiaoer.handlers import confirmation, payment, refunds, reminders, review, shipping, vip
from xiaoer.handlers.truths import OrderTruth, about_order, always

AN_ANSWER = Moment(category="answer", lateness=timedelta(minutes=15), still_true=always)


def _service(truth: OrderTruth) -> Moment:
    return Moment(category="service", lateness=timedelta(days=2), still_true=about_order(truth))


def _shipping(truth: OrderTruth) -> Moment:
    return Moment(category="shipping", lateness=timedelta(days=3), still_true=about_order(truth))


def _review(truth: OrderTruth) -> Moment:
    return Moment(category="review", lateness=timedelta(days=7), still_true=about_order(truth))


def _payment(truth: OrderTruth) -> Moment:
    # A night's quiet hours fit in; the truth itself ends a step at the next one's time and at closing.
    return Moment(category="payment", lateness=timedelta(hours=12), still_true=about_order(truth))


def _promotion(truth: Truth) -> Moment:
    return Moment(category="promotion", lateness=timedelta(hours=10), still_true=truth)


MOMENTS: Moments = {
    "order_confirmation": _service(confirmation.still_placed),
    "second_contact": _service(confirmation.still_silent),
    "payment_received": Moment(
        category="service",
        lateness=timedelta(days=2),
        still_true=about_order(payment.still_received),
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
    "seller_case": Moment(category="answer", lateness=timedelta(days=2), still_true=always),  # to the seller
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

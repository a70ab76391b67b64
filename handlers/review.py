"""Reviews: asked for once the buyer had time, thanked for, and answered with an apology when they hurt."""

from datetime import datetime

from bot.domain.actions import Action, OpenCase, Say, Unsay
from bot.domain.context import Context
from bot.domain.events import ReviewPosted
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.orders import Order, Review, review_id
from handlers.shipping import arrivals, told_otherwise
from handlers.validity import case_open, ever_cancelled, refunded

BAD = 2  # and below: an apology and a case. 3 is thanked for like praise; its honest words hurt nobody


def request(order: Order, context: Context) -> list[Action]:
    """One request and one reminder for each telling of the arrival; only one telling is true when due."""
    wait, more = context.shop.followups.review, context.shop.followups.review_reminder
    if not wait or _asked(order, context):
        return []
    says: list[Action] = []
    for arrival in arrivals(order, context.shop.followups.travel):
        asked_at = arrival.at + wait
        says.append(_ask("review_request", order, arrival.by, asked_at))
        if more:
            says.append(_ask("review_reminder", order, arrival.by, asked_at + more))
    return says


def withdraw(order: Order, context: Context) -> list[Action]:
    untrue = not_to_be_asked(order)
    if untrue is None:
        return []
    return [
        Unsay(prefix=f"review_request:{order.id}:", why=untrue.code, values=untrue.values),
        Unsay(prefix=f"review_reminder:{order.id}:", why=untrue.code, values=untrue.values),
    ]


def _ask(template: str, order: Order, by: str, at: datetime) -> Say:
    return Say(template=template, key=f"{template}:{order.id}:{by}", order=order.id, at=at, values={"by": by})


def _asked(order: Order, context: Context) -> bool:
    """A parcel that follows weeks later is no reason to ask a second time."""
    return any(
        said.template == "review_request" and said.order == order.id and said.sent_at for said in context.said
    )


def answer(order: Order, context: Context) -> list[Action]:
    """Every version of every review, also of one that was posted before we knew whose order it is.

    Which of them is still true the moment of sending will see.
    """
    return [
        Say(
            template=_reply_to(review),
            key=f"{_reply_to(review)}:{order.id}:{review.review}",
            order=order.id,
            at=review.at,
            values={"rating": review.rating, "review": review.review},
        )
        for review in order.reviews
    ]


def _reply_to(review: Review) -> str:
    return "review_sorry" if review.rating <= BAD else "review_thanks"


def show(event: ReviewPosted, context: Context) -> list[Action]:
    """A bad one goes to the seller with its words, which no record keeps."""
    if event.rating > BAD:
        return []
    return [
        OpenCase(
            kind="bad_review",
            key=f"bad_review:{event.order}:{review_id(event)}",
            reason="bad_review",
            order=event.order,
            details={
                "order": context.order.shown_number if context.order else event.order,
                "rating": event.rating,
                "text": event.text,
            },
            draft="review_reply_draft",
        )
    ]


def not_to_be_asked(order: Order) -> Reason | None:
    reviewed = Reason("order_reviewed", {"order": order.shown_number}) if order.reviews else None
    return ever_cancelled(order) or refunded(order) or reviewed


def still_to_be_asked(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return not_to_be_asked(order) or told_otherwise(due, order) or case_open(facts)


def still_good(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return None if _rating(due, order) > BAD else Reason("order_reviewed", {"order": order.shown_number})


def still_bad(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return None if _rating(due, order) <= BAD else Reason("order_reviewed", {"order": order.shown_number})


def _rating(due: DueMessage, order: Order) -> int:
    """As the review stands now; it may have been changed since."""
    versions = [review for review in order.reviews if review.review == due.values.get("review")]
    newest = max(versions, key=lambda review: (review.at, review.rating), default=None)
    return newest.rating if newest else int(due.values.get("rating", 0))

"""Reviews: asked for some time after the arrival, and answered with thanks or an apology."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, OpenCase, Say, Unsay
from bot.domain.context import Context
from bot.domain.events import ReviewPosted
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order, Review, review_id
from bot.domain.parcel_news import REACHED
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.shipping import arrivals, reported_otherwise
from handlers.validity import case_open, ever_cancelled, iso, refunded

BAD = 2  # stars, and fewer: an apology and a case. 3 stars are thanked for


def request(order: Order, context: Context) -> list[Action]:
    """Queue a request and a reminder for each way the arrival can be reported; only the one that is still
    valid when due is sent."""
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
    outdated = not_to_be_asked(order)
    if outdated is None:
        return []
    return [
        Unsay(prefix=f"review_request:{order.id}:", why=outdated.code, values=outdated.values),
        Unsay(prefix=f"review_reminder:{order.id}:", why=outdated.code, values=outdated.values),
    ]


def _ask(template: str, order: Order, by: str, at: datetime) -> Say:
    key = f"{template}:{order.id}:{by}"
    return Say(template=template, key=key, order=order.id, at=at, earliest=True, values={"by": by})


def _asked(order: Order, context: Context) -> bool:
    """True if a request was sent: a parcel that follows weeks later is no reason to ask again."""
    return any(
        said.template == "review_request" and said.order == order.id and said.sent_at for said in context.said
    )


def answer(order: Order, context: Context) -> list[Action]:
    """Answer every version of every review, also of one posted before its order was known.

    Only the answer that is still valid when due is sent.
    """
    return [
        Say(
            template=_reply_to(review),
            key=f"{_reply_to(review)}:{order.id}:{review.review}",
            order=order.id,
            at=review.first_at or review.at,
            earliest=True,
            values={"review": review.review},
        )
        for review in order.reviews
    ]


def _reply_to(review: Review) -> str:
    return "review_sorry" if review.rating <= BAD else "review_thanks"


def show(event: ReviewPosted, context: Context) -> list[Action]:
    """Open a case for a bad review, with its text, which no record keeps."""
    order = context.order
    if order is None or event.rating > BAD:
        return []
    return [
        OpenCase(
            kind="bad_review",
            key=f"bad_review:{order.id}:{review_id(event)}",
            reason="bad_review",
            order=order.id,
            details={
                "order": order.shown_number,
                "rating": event.rating,
                "text": event.text,
            },
            draft="review_reply_draft",
        )
    ]


def not_to_be_asked(order: Order) -> Reason | None:
    reviewed = Reason("order_reviewed", {"order": order.shown_number}) if order.reviews else None
    return ever_cancelled(order) or refunded(order) or reviewed


def why_not_ask(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    return not_to_be_asked(order) or reported_otherwise(due, order) or case_open(facts)


def why_not_ask_again(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """A reminder looks back to the request, which was really sent."""
    unasked = None if _asked_at(facts) else Reason("nothing_said", {"order": order.shown_number})
    return why_not_ask(due, order, facts, now) or unasked


def not_yet_again(due: DueMessage, facts: Facts, now: datetime) -> tuple[datetime, Reason] | None:
    """The wait counts from when the request was sent."""
    asked_at = _asked_at(facts)
    if facts.order is None or asked_at is None:
        return None
    at = asked_at + facts.shop.followups.review_reminder - timedelta(hours=1)  # it may have waited a little
    values = {"order": facts.order.shown_number, "until": iso(at)}
    return (at, Reason("said_lately", values)) if now < at else None


def _asked_at(facts: Facts) -> datetime | None:
    sent = (said.sent_at for said in facts.said if said.template == "review_request" and said.sent_at)
    return max(sent, default=None)


def why_not_request(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    before = (said for said in facts.said if said.template == "review_request" and said.key != due.key)
    asked = any(said.state in REACHED for said in before)
    return why_not_ask(due, order, facts, now) or (
        Reason("review_asked", {"order": order.shown_number}) if asked else None
    )


def why_not_thank(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    rating = _rating(due, order)
    return None if rating and rating > BAD else Reason("order_reviewed", {"order": order.shown_number})


def why_not_apologise(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    rating = _rating(due, order)
    return None if rating and rating <= BAD else Reason("order_reviewed", {"order": order.shown_number})


def _rating(due: DueMessage, order: Order) -> int | None:
    """As it is now, None if it is another order's; a message of an older version carries one."""
    return order.rating_of(due.values.get("review")) or due.values.get("rating")


_REPORTS = tuple({"by": by} for by in ("parcel-a", "all", "completed", "travel"))

POLICIES: MessagePolicies = {
    "review_request": policy.review(why_not_request, samples=_REPORTS),
    "review_reminder": policy.review(why_not_ask_again, not_before=not_yet_again, samples=_REPORTS),
    "review_thanks": policy.review(
        why_not_thank, variables=("rating",), samples=({"rating": 5}, {"rating": 3, "text": "还行\n" * 2000})
    ),
    "review_sorry": policy.review(
        why_not_apologise, variables=("rating",), samples=({"rating": 1, "case": 7}, {"rating": 2})
    ),
}

REASONS: Reasons = {
    "order_reviewed": ("order",),
    "review_asked": ("order",),
    "bad_review": ("order", "rating", "text"),
}

"""The usual policies of messages: how each category competes, and how late it may be sent."""

from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

import msgspec

from bot.domain.context import Category
from bot.domain.messages import (
    Check,
    DueMessage,
    Facts,
    MessagePolicies,
    MessagePolicy,
    NotBefore,
    Reason,
)
from bot.domain.orders import Order
from bot.domain.payment_term import TOLD_BY
from handlers.validity import OrderCheck, always, iso, of_order

SERVICE, SHIPPING, BOOKED_LATE = timedelta(days=2), timedelta(days=3), timedelta(days=7)
_AFTERWARDS = ("refunded", "partly_refunded")  # true whatever is told of the time before


class _Options(TypedDict, total=False):
    opens_chat: bool
    asks_for_offers: bool
    not_before: NotBefore
    fresh: timedelta
    lateness: timedelta
    about_parcel: bool
    variables: tuple[str, ...]
    samples: tuple[dict[str, Any], ...]


def service(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    return _of_order("service", SERVICE, check, options)


def booked(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    """What a person of the shop may book days after it happened, such as a payment or a cancelling. Whoever
    read something of the order that it makes untrue is told up to BOOKED_LATE later; of an order of
    which nothing was said, such as an old one that is imported, no later than SERVICE."""
    return _of_order("service", BOOKED_LATE, _for_who_heard(check, SERVICE), options)


def leaving(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    """As `shipping`, booked days after it happened."""
    return _of_order("shipping", BOOKED_LATE, _for_who_heard(check, SHIPPING), options)


def _for_who_heard(check: OrderCheck, usual: timedelta) -> OrderCheck:
    def checked(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
        if now <= due.due_at + usual or _heard(facts):
            return check(due, order, facts, now)
        return Reason("too_late", {"due_at": iso(due.due_at), "lateness": int(usual.total_seconds())})

    return checked


def _heard(facts: Facts) -> bool:
    reached = (said.template for said in facts.said if said.sent_at or said.written_at)
    return any(template not in _AFTERWARDS for template in reached)


def confirmation(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    """What is said first of an order, for which everything else of it waits."""
    return msgspec.structs.replace(service(check, **options), waits_for=None)


def shipping(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    return _of_order("shipping", SHIPPING, check, options)


def review(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    return _of_order("review", timedelta(days=7), check, options)


def payment(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    # The check itself ends a step, at the next one's time and at closing, which count from what was said.
    return _of_order("payment", timedelta(days=5), check, options)


def _of_order(category: Category, lateness: timedelta, check: OrderCheck, options: _Options) -> MessagePolicy:
    given: _Options = {"lateness": lateness, **options}
    return MessagePolicy(
        category=category, why_outdated=of_order(check), looks_back=True, waits_for=TOLD_BY, **given
    )


def promotion(
    check: Check,
    variables: tuple[str, ...],
    samples: tuple[dict[str, Any], ...],
    not_before: NotBefore | None = None,
    looks_back: bool = False,
) -> MessagePolicy:
    """An offer; a campaign lets it be as late as the promotion lasts."""
    return MessagePolicy(
        not_before=not_before,
        category="promotion",
        lateness=timedelta(hours=10),
        why_outdated=check,
        about_order=False,
        looks_back=looks_back,
        variables=variables,
        samples=samples,
    )


def answer(
    about_order: bool = False,
    variables: tuple[str, ...] = (),
    samples: tuple[dict[str, Any], ...] = ({},),
    check: Check = always,
    anew: bool = True,
) -> MessagePolicy:
    """An answer in the chat. It belongs to its question, so it is not sent much later; where what it was
    decided by is not so any more, the question is answered anew, unless another message tells of the change.
    """
    return MessagePolicy(
        category="answer",
        lateness=timedelta(minutes=15),
        why_outdated=check,
        answered_anew=anew,
        about_order=about_order,
        looks_back=True,
        variables=variables,
        samples=samples,
    )


A_PERSONS_LATENESS = timedelta(days=7)


def persons(
    variables: tuple[str, ...] = (),
    samples: tuple[dict[str, Any], ...] = ({},),
) -> MessagePolicy:
    """What a person of the shop decided or wrote: nothing makes it untrue, and it waits for nobody's talk."""
    return MessagePolicy(
        category="answer",  # whoever asked is told, whatever they stopped since
        lateness=A_PERSONS_LATENESS,
        why_outdated=always,
        about_order=False,
        over_person=True,
        variables=variables,
        samples=samples,
    )


POLICIES: MessagePolicies = {
    "seller_case": MessagePolicy(  # the engine's own message to the seller, by mail
        category="answer",
        lateness=timedelta(days=2),
        why_outdated=always,
        about_order=False,
        variables=("case", "text"),
        samples=(
            {"case": 7, "text": "…", "draft": "Sorry!", "orders": ["1001: paid"], "said": ["10:03 buyer: ?"]},
            {"case": 7, "text": "…"},
            {"case": 7, "text": "…", "who": "安娜 (telegram:42)", "claim": True, "desk": True},
            {"case": 7, "text": "…", "matter": "order_change", "who": "webhook:ann", "answerable": True},
        ),
    ),
}

"""The usual policies of messages: how each category competes, and how late it may be sent."""

from datetime import timedelta
from typing import Any, TypedDict, Unpack

from bot.domain.messages import Check, MessagePolicies, MessagePolicy, Waits
from handlers.validity import OrderCheck, always, of_order


class _Options(TypedDict, total=False):
    looks_back: bool
    waits: Waits
    opens_chat: bool
    about_parcel: bool
    variables: tuple[str, ...]
    samples: tuple[dict[str, Any], ...]


def service(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    return MessagePolicy(
        category="service", lateness=timedelta(days=2), why_outdated=of_order(check), **options
    )


def shipping(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    return MessagePolicy(
        category="shipping", lateness=timedelta(days=3), why_outdated=of_order(check), **options
    )


def review(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    return MessagePolicy(
        category="review", lateness=timedelta(days=7), why_outdated=of_order(check), **options
    )


def payment(check: OrderCheck, **options: Unpack[_Options]) -> MessagePolicy:
    # A night's quiet hours fit in; the check itself ends a step at the next one's time and at closing.
    return MessagePolicy(
        category="payment", lateness=timedelta(hours=12), why_outdated=of_order(check), **options
    )


def promotion(check: Check, variables: tuple[str, ...], samples: tuple[dict[str, Any], ...]) -> MessagePolicy:
    return MessagePolicy(
        category="promotion",
        lateness=timedelta(hours=10),
        why_outdated=check,
        about_order=False,
        variables=variables,
        samples=samples,
    )


def answer(about_order: bool = False) -> MessagePolicy:
    """An answer in the chat. It belongs to its question, so it is not sent much later."""
    return MessagePolicy(
        category="answer", lateness=timedelta(minutes=15), why_outdated=always, about_order=about_order
    )


POLICIES: MessagePolicies = {
    "seller_case": MessagePolicy(  # the engine's own message to the seller, by mail
        category="answer",
        lateness=timedelta(days=2),
        why_outdated=always,
        about_order=False,
        variables=("case", "text"),
        samples=(
            {"case": 7, "text": "…", "draft": "Sorry!"},
            {"case": 7, "text": "…"},
            {"case": 7, "text": "…", "who": "安娜 (telegram:42)", "claim": True},
        ),
    ),
}

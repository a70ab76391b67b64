"""A yes to offers at a checkout names a mailbox that may be another's: the mailbox confirms it."""

from datetime import datetime

from bot.domain.actions import MAILTO, Action, Say
from bot.domain.context import Context
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.shop import Shop
from bot.domain.wishes import mailbox
from handlers import message_policies as policy


def ask(order: Order, context: Context) -> list[Action]:
    """Ask each mailbox for which a yes was ever told, for each order anew: what was skipped for a reason that
    passes is asked with the next yes. When it is due the yes must still stand."""
    if order.contacts is None or order.placed_at is None or not context.shop.confirms_offers:
        return []
    return [
        Say(
            template="confirm_offers",
            key=f"confirm_offers:{yes.value}:{order.id}",
            order=order.id,
            at=yes.at,
            earliest=True,
            to=f"{MAILTO}{yes.value}",
        )
        for yes in order.contacts.agreed
    ]


def unconfirmed(order: Order, shop: Shop) -> str | None:
    """The mailbox for which a checkout said yes to offers, where the shop wants that confirmed."""
    said = order.contacts
    if said is None or not shop.confirms_offers or said.known("agrees") != "yes":
        return None
    return mailbox(said.known("email")) or None


def why_not_ask(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    named = unconfirmed(order, facts.shop)
    if named is None or due.to != f"{MAILTO}{named}":
        return Reason("not_agreed")
    if facts.standing.agrees is not None:
        return Reason("offers_decided")
    if facts.asked_before:  # asking again would be an offer of its own
        return Reason("already_told")
    return None


POLICIES: MessagePolicies = {
    "confirm_offers": policy.service(
        why_not_ask,
        asks_for_offers=True,
        variables=("link",),
        samples=({"link": "https://shop.example/offers/abc"},),
    ),
}

REASONS: Reasons = {"offers_decided": (), "no_public_url": ()}

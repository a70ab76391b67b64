"""Files that contradict what was known: shown to the seller, and nothing is claimed."""

from bot.domain.actions import Action, OpenCase
from bot.domain.context import Context
from bot.domain.events import OrderListed
from bot.domain.listings import contradicts, taken_back
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers.reminders import FORGOTTEN


def show_taken_back(order: Order, context: Context) -> list[Action]:
    """That an order arrived, or was completed, its buyer may have heard: a person tells them otherwise."""
    return [
        OpenCase(
            kind="listing",
            key=f"listed_back:{order.id}:{step}:{int(at.timestamp())}",
            reason="listed_back",
            order=order.id,
            details={"order": order.shown_number, "step": step},
        )
        for step, at in taken_back(order.listed).items()
        if context.now - at <= FORGOTTEN
    ]


def show_unclear(event: OrderListed, context: Context) -> list[Action]:
    """A line without a time of its own that shows less, or otherwise, than others."""
    order = context.order
    if order is None or context.now - event.at > FORGOTTEN or not contradicts(event.listing, order.listed):
        return []
    return [
        OpenCase(
            kind="listing",
            key=f"listed_unclear:{order.id}:{event.external_id.rpartition(':')[2]}",
            reason="listed_unclear",
            order=order.id,
            details={"order": order.shown_number},
        )
    ]


REASONS: Reasons = {"listed_back": ("order", "step"), "listed_unclear": ("order",)}

"""Buyers who wait for an answer of a person: the seller is told again, until somebody answers."""

from bot.domain import waiting
from bot.domain.actions import Action, TellSeller
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.reasons import Reasons
from bot.domain.waiting import WHAT as WHAT
from handlers.validity import iso


def tell_again(event: TimeCame, context: Context) -> list[Action]:
    case = context.case
    if case is None or not case.buyer_waits or not waiting.is_of(event.external_id, case):
        return []
    following = waiting.tell_again(case, context.shop, max(event.at, context.now))
    told = TellSeller(
        case=case.number,
        key=event.external_id,
        reason="still_waits",
        details={"since_at": iso(case.since)},
    )
    return [told, following] if following else [told]


REASONS: Reasons = {"still_waits": ("since_at",)}

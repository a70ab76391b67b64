"""When the seller is told again of a buyer who waits: in steps, and only while somebody is there."""

from datetime import datetime

from bot.domain.actions import WakeAt
from bot.domain.context import Case
from bot.domain.shop import Shop
from bot.domain.working_hours import back_at

WHAT = "case_waits"


def tell_again(case: Case, shop: Shop, after: datetime) -> WakeAt | None:
    """The first step after `after`; None if no buyer waits in this case, or all steps are over."""
    if not case.buyer_waits:
        return None
    for place, step in enumerate(sorted(shop.seller.remind)):
        at = _when_there(case.since + step, shop)
        if at > after:
            return WakeAt(key=_key(case, place), at=at, what=WHAT, case=case.number)
    return None


def is_of(key: str, case: Case) -> bool:
    """Whether a deadline with this key is of the words that the case waits for now, not of older ones."""
    return key.rpartition(":")[0] == _key(case, 0).rpartition(":")[0]


def _key(case: Case, place: int) -> str:
    return f"{WHAT}:{case.number}:{case.since.timestamp():.0f}:{place}"


def _when_there(at: datetime, shop: Shop) -> datetime:
    return back_at(at, shop.working_hours, shop.zone(), shop.calendar_of_work) or at

"""Merge the facts about a buyer, so that the order of arrival does not matter.

The newest value wins. Of two with the same timestamp the content decides, for consent "no": platforms send
whole seconds, so ties happen.
"""

from datetime import datetime

import msgspec

from bot.domain.context import Buyer
from bot.domain.events import BuyerRef

_DETAILS = ("name", "email", "phone", "locale", "timezone")
_replace = msgspec.structs.replace


def shown(buyer: Buyer, ref: BuyerRef, at: datetime) -> Buyer:
    """The buyer with what a platform shows of them at `at`: newer values replace, older ones fill gaps."""
    details = {name: value for name in _DETAILS if (value := getattr(ref, name)) is not None}
    if ref.agrees is None and not any(details.values()):
        return buyer  # a chat that shows nothing but its address
    merged = {
        name: _newer(getattr(buyer, name), value, buyer.shown_at, at) for name, value in details.items()
    }
    shown_at = max(buyer.shown_at or at, at) if details else buyer.shown_at
    seen = _replace(buyer, **merged, shown_at=shown_at, created_at=min(buyer.created_at or at, at))
    return seen if ref.agrees is None else consented(seen, ref.agrees, at)


def consented(buyer: Buyer, agrees: bool, at: datetime) -> Buyer:
    """The buyer after they agreed to promotions, or refused them, at `at`."""
    if buyer.agrees_at is not None:
        if at < buyer.agrees_at:
            return buyer
        if at == buyer.agrees_at:
            agrees = agrees and buyer.agrees is True
    return _replace(buyer, agrees=agrees, agrees_at=at)


def stopped(buyer: Buyer, at: datetime) -> Buyer:
    """The buyer after they asked at `at` not to be written to; that refuses promotions as well."""
    return consented(_replace(buyer, stopped_at=max(buyer.stopped_at or at, at)), False, at)


def resumed(buyer: Buyer, at: datetime) -> Buyer:
    """The buyer after they asked at `at` to hear from the shop again."""
    return _replace(buyer, resumed_at=max(buyer.resumed_at or at, at))


def merged(kept: Buyer, lost: Buyer) -> Buyer:
    """One buyer out of two records, under the id of `kept`."""
    one = kept
    if lost.shown_at:
        one = shown(one, BuyerRef(**{name: getattr(lost, name) for name in _DETAILS}), lost.shown_at)
    if lost.agrees_at and lost.agrees is not None:
        one = consented(one, lost.agrees, lost.agrees_at)
    stops = [at for at in (kept.stopped_at, lost.stopped_at) if at]
    resumes = [at for at in (kept.resumed_at, lost.resumed_at) if at]
    return _replace(one, stopped_at=max(stops, default=None), resumed_at=max(resumes, default=None))


def _newer(known: str | None, new: str, known_at: datetime | None, at: datetime) -> str:
    if known is None or known_at is None or at > known_at:
        return new
    return known if at < known_at else max(known, new)

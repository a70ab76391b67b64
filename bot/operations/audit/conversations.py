"""What was said to one buyer, told over again: too much, twice, at night, or against her word."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import msgspec

from bot.domain.context import Buyer
from bot.domain.hours import in_quiet_hours
from bot.domain.shop import QuietHours, Shop
from storage.audit_queries import Sending

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LONGEST_SENDING = timedelta(minutes=3)  # from the decision to the platform's answer, with a lease in between


class Breach(msgspec.Struct, frozen=True):
    """A broken promise. `proven`: what was written beside the decision shows it already.

    `said_at`: the word of the buyer that was not heeded; innocent if it came later than the message.
    """

    promise: int
    code: str
    sending: Sending
    values: dict[str, Any] = {}
    proven: bool = False
    said_at: datetime | None = None


def began(sending: Sending) -> datetime:
    """When the sending began. For one that ended unknown the end tells nothing: it was found much later."""
    text = sending.facts.get("at")
    decided_at = datetime.fromisoformat(text) if text else sending.settled_at
    if sending.state == "unknown" or sending.settled_at - decided_at <= LONGEST_SENDING:
        return decided_at
    return sending.settled_at


class Talk:
    """One buyer's side of it; `hear` takes what was said to her in the order of time."""

    def __init__(self, buyer: str) -> None:
        self.buyer = buyer
        self._lately: deque[datetime] = deque()
        self._offers: deque[datetime] = deque()
        self._promotions: set[str] = set()
        self._texts: set[int] = set()

    def hear(self, sending: Sending, buyer: Buyer | None, shop: Shop) -> Iterator[Breach]:
        """What is wrong with this message, after all that was said before it."""
        if sending.category == "answer":
            return
        yield from self._twice(sending)
        yield from _against_her_word(sending, buyer)
        yield from _at_night(sending, buyer, shop)
        yield from self._too_much(sending, shop)

    def _twice(self, sending: Sending) -> Iterator[Breach]:
        # A set of hashes: the texts themselves would be a buyer's whole history in memory.
        same = hash((sending.template, sending.order, sending.address, sending.text, repr(sending.values)))
        if sending.order is not None and same in self._texts:
            yield Breach(2, "said_twice", sending, proven=True)
        self._texts.add(same)
        promotion = sending.values.get("promotion") if sending.category == "promotion" else None
        if promotion in self._promotions:
            yield Breach(2, "promotion_twice", sending, {"promotion": promotion})
        if promotion:
            self._promotions.add(promotion)

    def _too_much(self, sending: Sending, shop: Shop) -> Iterator[Breach]:
        at, facts = began(sending), sending.facts
        limit = facts.get("per_day", shop.limits.per_day)
        known = facts.get("sent_in_day", 0) >= limit
        if known or _within(self._lately, at - DAY) >= limit:
            yield Breach(6, "day_full", sending, {"limit": limit}, proven=known)
        self._lately.append(sending.settled_at)
        if sending.category != "promotion":
            return
        limit = facts.get("promotions_per_week", shop.limits.promotions_per_week)
        known = facts.get("promotions_in_week", 0) >= limit
        if known or _within(self._offers, at - WEEK) >= limit:
            yield Breach(6, "promotions_full", sending, {"limit": limit}, proven=known)
        self._offers.append(sending.settled_at)


def _within(moments: deque[datetime], since: datetime) -> int:
    while moments and moments[0] <= since:
        moments.popleft()
    return len(moments)


def _against_her_word(sending: Sending, buyer: Buyer | None) -> Iterator[Breach]:
    at, facts = began(sending), sending.facts
    stopped_at = _stopped_before(buyer, at)
    if facts.get("stopped") or stopped_at:
        values = {"stopped_at": stopped_at}
        yield Breach(3, "stopped", sending, values, proven=bool(facts.get("stopped")), said_at=stopped_at)
    if sending.category != "promotion":
        return
    said_no = "agrees" in facts and facts["agrees"] is not True
    if said_no or not _agreed(buyer, at):
        said_at = buyer.agrees_at if buyer else None
        yield Breach(6, "not_agreed", sending, proven=said_no, said_at=said_at)


def _stopped_before(buyer: Buyer | None, at: datetime) -> datetime | None:
    """The stop that was in force then, as far as the file still tells."""
    if buyer is None or buyer.stopped_at is None or buyer.stopped_at >= at:
        return None
    resumed = buyer.resumed_at is not None and buyer.stopped_at < buyer.resumed_at <= at
    return None if resumed else buyer.stopped_at


def _agreed(buyer: Buyer | None, at: datetime) -> bool:
    """The file tells her last word only: a no of later says nothing of then."""
    if buyer is None or buyer.agrees is None:
        return False
    return buyer.agrees or (buyer.agrees_at is not None and buyer.agrees_at >= at)


def _at_night(sending: Sending, buyer: Buyer | None, shop: Shop) -> Iterator[Breach]:
    """By the zone written beside the decision, and by the buyer's own as her file tells it."""
    quiet = _quiet_then(sending, shop)
    at, noted = began(sending), sending.facts.get("timezone")
    own = buyer.timezone if buyer else None
    if noted and in_quiet_hours(at, quiet, shop.zone(noted)):
        yield Breach(6, "quiet_hours", sending, {"timezone": noted}, proven=True)
    elif (own or not noted) and in_quiet_hours(at, quiet, shop.zone(own)):
        known_at = buyer.shown_at if buyer else None
        if noted and known_at and known_at >= at:
            return  # the file was shown to us anew since
        yield Breach(6, "quiet_hours", sending, {"timezone": shop.zone(own).key}, said_at=known_at)


def _quiet_then(sending: Sending, shop: Shop) -> QuietHours:
    noted = sending.facts.get("quiet_hours")
    if not noted:
        return shop.quiet_hours
    return QuietHours(start=time.fromisoformat(noted[0]), end=time.fromisoformat(noted[1]))

"""Check the messages to one buyer: too many, twice, at night, or against their wish."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any

import msgspec

from bot.domain.context import Buyer
from bot.domain.hours import in_quiet_hours
from bot.domain.shop import QuietHours, Shop
from bot.domain.wishes import Wish, standing
from storage.audit_queries import Sending

Recorded = tuple[Wish, datetime]

DAY, WEEK = timedelta(days=1), timedelta(days=7)
FRESH = timedelta(minutes=30)
TAKEN_BACK = "shipment_cancelled"  # after which a parcel may leave again
CORRECTIONS = ("tracking_changed", "total_changed", "pay_way_changed")  # which may go back and forth
EACH_DAY = "order_guessed"  # which may happen again
OF_MONEY = ("payment_received", "refunded", "partly_refunded")
LONGEST_SENDING = timedelta(minutes=3)  # from the decision to the platform's answer, with a lease in between


class Violation(msgspec.Struct, frozen=True):
    """A broken promise. proven: the facts stored beside the decision show it.

    said_at: when the buyer said what was ignored; no violation if that reached us after the message.
    """

    promise: int
    code: str
    sending: Sending
    values: dict[str, Any] = {}
    proven: bool = False
    said_at: datetime | None = None


def began(sending: Sending) -> datetime:
    """When a sending began. An unknown one was settled much later, so it counts from its decision; any other
    whose two times are too far apart, in whichever order, counts from when it was settled."""
    text = sending.facts.get("at")
    decided_at = datetime.fromisoformat(text) if text else sending.settled_at
    if sending.state == "unknown" or abs(sending.settled_at - decided_at) <= LONGEST_SENDING:
        return decided_at
    return sending.settled_at


class BuyerHistory:
    """The messages to one buyer so far; `check` must get them in the order of time.

    guest: the buyer is an address that anybody may type, so that each order has a cap of its own.
    """

    def __init__(self, buyer: str, guest: bool = False) -> None:
        self.buyer = buyer
        self._guest = guest
        self._messages: dict[str | None, deque[datetime]] = defaultdict(deque)
        self._offers: deque[datetime] = deque()
        self._promotions: set[str] = set()
        self._texts: set[int] = set()
        self._corrected: dict[Any, tuple[str | None, int]] = {}  # newest words, and changes
        self._off: Counter[str | None] = Counter()  # by order, how often a parcel was told to be off

    def check(
        self, sending: Sending, buyer: Buyer | None, said: Iterable[Recorded], shop: Shop
    ) -> Iterator[Violation]:
        """The violations of this message, after all that were sent before it.

        said: the wishes of its address, with the times at which they were recorded.
        """
        if sending.category == "answer":
            return
        yield from self._twice(sending)
        yield from _against_their_wish(sending, said)
        if _is_fresh(sending):
            self._counted_with(sending).append(sending.settled_at)
            return
        yield from _at_night(sending, buyer, shop)
        yield from self._too_much(sending, shop)

    def _twice(self, sending: Sending) -> Iterator[Violation]:
        # A set of hashes: the texts themselves would be a buyer's whole history in memory.
        what = (sending.template, sending.order, sending.address, sending.text, repr(sending.values))
        day = sending.key.rpartition(":")[2] if sending.template == EACH_DAY else None
        same = hash((*what, _money_of(sending), self._off[sending.order], self._changes(sending), day))
        self._off[sending.order] += sending.template == TAKEN_BACK
        if sending.order is not None and sending.text and same in self._texts:  # none: they were erased
            yield Violation(2, "said_twice", sending, proven=True)
        self._texts.add(same)
        promotion = sending.values.get("promotion") if _is_offer(sending) else None
        if promotion in self._promotions:
            yield Violation(2, "promotion_twice", sending, {"promotion": promotion})
        if promotion:
            self._promotions.add(promotion)

    def _changes(self, sending: Sending) -> int:
        """How often a correction was another one than the one before, with this one."""
        if sending.template not in CORRECTIONS:
            return 0
        about = (sending.template, sending.order, sending.address, sending.values.get("parcel"))
        before, changes = self._corrected.get(about, (sending.text, 0))
        self._corrected[about] = sending.text, changes + (before != sending.text)
        return self._corrected[about][1]

    def _counted_with(self, sending: Sending) -> deque[datetime]:
        return self._messages[sending.order if self._guest else None]

    def _too_much(self, sending: Sending, shop: Shop) -> Iterator[Violation]:
        at, facts, before = began(sending), sending.facts, self._counted_with(sending)
        limit = facts.get("per_day", shop.limits.per_day)
        known = facts.get("sent_in_day", 0) >= limit
        if known or _within(before, at - DAY) >= limit:
            yield Violation(6, "day_full", sending, {"limit": limit}, proven=known)
        before.append(sending.settled_at)
        if not _is_offer(sending):
            return
        limit = facts.get("promotions_per_week", shop.limits.promotions_per_week)
        known = facts.get("promotions_in_week", 0) >= limit
        if known or _within(self._offers, at - WEEK) >= limit:
            yield Violation(6, "promotions_full", sending, {"limit": limit}, proven=known)
        self._offers.append(sending.settled_at)


def _money_of(sending: Sending) -> tuple[object, ...]:
    """What was paid and had gone back as a word about money was written: equal sums come in equal words."""
    order = sending.facts.get("order")
    if sending.template not in OF_MONEY or not isinstance(order, Mapping):
        return ()
    return order.get("paid_minor"), order.get("refunded_minor")


def _is_offer(sending: Sending) -> bool:
    """A test of a campaign goes to the seller's own testers, as often as they try."""
    return sending.category == "promotion" and not sending.values.get("test")


def _is_fresh(sending: Sending) -> bool:
    """The confirmation of an order placed minutes ago is an answer."""
    due_at = sending.due_at
    return sending.template == "order_confirmation" and bool(due_at and began(sending) - due_at < FRESH)


def _within(times: deque[datetime], since: datetime) -> int:
    while times and times[0] <= since:
        times.popleft()
    return len(times)


def _against_their_wish(sending: Sending, said: Iterable[Recorded]) -> Iterator[Violation]:
    """By what had reached us of the address's wishes when the sending began; what was recorded in that very
    moment may have come before or after it."""
    at, facts, words = began(sending), sending.facts, tuple(said)
    before = standing(wish for wish, recorded_at in words if recorded_at < at)
    until = standing(wish for wish, recorded_at in words if recorded_at <= at)
    if facts.get("stopped") or (before.stopped and until.stopped):
        values = {"stopped_at": before.stopped_at}
        yield Violation(3, "stopped", sending, values, proven=True)
    agreed = True in (before.agrees, until.agrees)
    if sending.category == "promotion" and not (facts.get("agrees", True) is True and agreed):
        yield Violation(6, "not_agreed", sending, proven=True)


def _at_night(sending: Sending, buyer: Buyer | None, shop: Shop) -> Iterator[Violation]:
    """By the zone stored beside the decision, and by the buyer's own as their record has it."""
    quiet = _quiet_then(sending, shop)
    at, noted = began(sending), sending.facts.get("timezone")
    own = buyer.timezone if buyer else None
    if noted and in_quiet_hours(at, quiet, shop.zone(noted)):
        yield Violation(6, "quiet_hours", sending, {"timezone": noted}, proven=True)
    elif (own or not noted) and in_quiet_hours(at, quiet, shop.zone(own)):
        known_at = buyer.shown_at if buyer else None
        if noted and known_at and known_at >= at:
            return  # the record was updated since
        yield Violation(6, "quiet_hours", sending, {"timezone": shop.zone(own).key}, said_at=known_at)


def _quiet_then(sending: Sending, shop: Shop) -> QuietHours:
    noted = sending.facts.get("quiet_hours")
    if not noted:
        return shop.quiet_hours
    return QuietHours(start=time.fromisoformat(noted[0]), end=time.fromisoformat(noted[1]))

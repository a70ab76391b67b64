"""Words about parcels are said while they are true, of parcels and not of their names."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.outside import reading
from tests.outside.facts import Address, Carried, Delivered, Paid, Placed, Restored, Shipped, TakenBack
from tests.outside.history import Finding, Heard, History
from tests.outside.known import Known
from tests.outside.rules.identities import silenced
from tests.outside.rules.sayings import promise_in, promises_shipping, shown

_PART = re.compile(r"(?i)part of your order|the rest will follow|其余的随后寄出|其餘隨後寄出")
_LAST = re.compile(r"(?i)the last parcel|最后.{,6}包裹|最後.{,6}包裹")
_ON_ITS_WAY = re.compile(
    r"(?i)\border \S+ (?:has left and )?is on its way(?! after)|已经发货，正在路上|已經出貨，正在配送中"
)
_NAMELESS = re.compile(r"(?m)^(?:[-·・] ?)?(?:Parcel|包裹|快递|快遞|物流)[:：]?\s*$")
_SATURDAY = 5
_HOUR = timedelta(hours=1)
_WORKING_DAYS = timedelta(days=3)  # a weekend, a feast: the promise may be counted in working days


def true_words(history: History) -> Iterator[Finding]:
    """Parcels are called on their way, late and delivered only while they are, and a complete delivery is not
    called one of several."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        if len(orders) != 1:
            continue
        known = Known(history, orders[0], heard.seq)
        if what := _untrue(history, known, heard):
            yield _finding(heard, f"{orders[0]}: {what}", orders[0])


def _untrue(history: History, known: Known, heard: Heard) -> str | None:
    if _ON_ITS_WAY.search(reading.words(heard.text)) and not known.waiting:
        return "called on its way, although nothing is"
    match heard.template:
        case "delivery_attempted" if not any(not fact.failed for fact in known.all(Carried)):
            return "not taken in, although no carrier said so"
        case "shipped" if not known.shipped:
            return "on its way, although nothing left or all was taken back"
        case "shipped" if _PART.search(heard.text) and known.complete and not known.called_back:
            return "one of several parcels, although all of the order has left"
        case "shipped" if _LAST.search(heard.text) and not known.complete:
            return "the last parcel, although more is to leave"
        case "shipment_cancelled" if not known.all(TakenBack):
            return "given up, although no shipment was taken back"
        case "tracking_changed" if not known.shipped:
            return "of another number, although nothing is on its way"
        case "delivered" if known.delivered_at is None:
            return "delivered, although not all of it has arrived"
        case "delayed" if what := _not_late(history, known, heard):
            return what
    if _NAMELESS.search(heard.text):
        return "a parcel is named by nothing"
    return None


def _not_late(history: History, known: Known, heard: Heard) -> str | None:
    waiting = {parcel: facts for parcel, facts in known.parcels.items() if not known.arrived(parcel)}
    if known.cancelled:
        return "late, although it was cancelled"
    if not waiting:
        return "late, although all that left has arrived or was taken back"
    left_at = min(facts[0].at for facts in waiting.values())
    if heard.at < left_at + history.shop.delay:
        return f"late, although it left on {left_at:%d %b}"
    return None


def one_parcel(history: History) -> Iterator[Finding]:
    """A parcel is told once by any of its names, and not a dozen within an hour."""
    for order in history.by_order:
        said = [heard for heard in history.about(order) if heard.template == "shipped"]
        said = [heard for heard in said if len(history.orders_of(heard)) == 1]
        for place, heard in enumerate(said, start=1):
            if place > (most := _tellings(Known(history, order, heard.seq))):
                yield _finding(
                    heard, f"{order}: on its way {place} times, for {most} parcels", order, *said[:-1]
                )
        for first, third in zip(said, said[2:], strict=False):
            if third.at - first.at < _HOUR:
                yield _finding(third, f"{order}: three notices of parcels within an hour", order, first)


def _tellings(known: Known) -> int:
    """How often "on its way" may be said: for each parcel that ever left."""
    return len({fact.parcel for fact in known.all(Shipped)})


def corrections(history: History) -> Iterator[Finding]:
    """A tracking number that is told later is told to the buyer, once."""
    for order in history.by_order:
        announced = [heard for heard in history.about(order) if heard.template == "shipped"]
        for told in history.told:
            for fact in told.facts:
                if not isinstance(fact, Shipped) or fact.order != order or not fact.tracking:
                    continue
                before = [heard for heard in announced if heard.seq < told.seq]
                if (
                    not before
                    or _said(history, order, fact.tracking)
                    or not _still_matters(history, order, before[-1].address, told.acked_at)
                ):
                    continue
                if any(each.seq < told.seq for each in history.told if fact in each.facts):
                    continue  # told before
                if told.acked_at < history.ended_at - timedelta(days=2):
                    what = f"{order}: the number {fact.tracking} is told after the notice and never said"
                    yield _finding(before[-1], what, order)


def _said(history: History, order: str, tracking: str) -> bool:
    return any(tracking in heard.text for heard in history.about(order))


def _still_matters(history: History, order: str, where: Address, since: datetime) -> bool:
    """Nothing makes the number idle or its address silent: an arrival while a cap of a few a day may hold it,
    a cancellation, a stop."""
    later = Known(history, order)
    came = any(fact.at < since + timedelta(days=2) for fact in later.all(Delivered))
    idle = came or bool(later.all(TakenBack)) or bool(later.refunds) or later.cancelled
    return not idle and not history.troubles and not silenced(history, where, since)


def nothing_promised(history: History) -> Iterator[Finding]:
    """Shipping is promised only while it is still ahead: not once it left or was cancelled, and not beyond
    the time that was promised."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        text = reading.words(heard.text)
        if len(orders) != 1 or not (promises_shipping(text) or heard.template == "reassurance"):
            continue
        known = Known(history, orders[0], heard.seq)
        if what := _no_more(history, known, heard):
            yield _finding(heard, f"{orders[0]}: shipping is promised although {what}", orders[0])


def _no_more(history: History, known: Known, heard: Heard) -> str | None:
    parts = [facts[-1] for facts in known.surely_left]
    if (
        parts
        and all(part.last is not False for part in parts)
        and (known.complete or parts[0].pieces is None)
    ):
        return "it has left"
    if known.delivered_at:
        return "it has arrived"
    if known.cancelled:
        return "it is cancelled"
    if wrong := _wrong_day(history, known, heard):
        return wrong
    paid = [fact.at for fact in known.payments]
    if known.left == 0 and paid and heard.at > max(paid) + history.shop.ships_within + _WORKING_DAYS:
        return f"the promised time has passed since {max(paid):%d %b}"
    return None


def _wrong_day(history: History, known: Known, heard: Heard) -> str | None:
    """A day that is named is still ahead, by the seller's own days, and not later than what was promised."""
    zone = ZoneInfo(history.shop.zone)
    today = heard.at.astimezone(zone).date()
    begins = [fact.at for fact in known.facts if isinstance(fact, (Placed, Paid, Restored))]
    for day in reading.days(promise_in(heard.text), today):
        if day < today:
            return f"{day:%a %d %b} has passed"
        if begins and day > (last := end_of_term(max(begins).astimezone(zone).date(), history)):
            return f"{last:%a %d %b} was to be the last day, and not {day:%a %d %b}"
    return None


def end_of_term(day: date, history: History) -> date:
    """So many working days later, weekends not counted."""
    for _ in range(history.shop.ships_within.days):
        day = _workday(day + timedelta(days=1))
    return _workday(day)


def _workday(day: date) -> date:
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day


def _finding(heard: Heard, what: str, order: str, *more: Heard) -> Finding:
    evidence = tuple(shown(each) for each in (*more, heard))
    return Finding(rule="", when=heard.at, what=what, order=order, evidence=evidence)

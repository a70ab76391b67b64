"""What a buyer has to hear of what happened, and a seller to see: parcels, payments, refunds, delays."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.outside import reading
from tests.outside.facts import (
    Cancelled,
    Completed,
    Delivered,
    OrderFact,
    Paid,
    Placed,
    Refunded,
    Replied,
    Restored,
    Voided,
)
from tests.outside.history import Case, Finding, Heard, History
from tests.outside.known import Known
from tests.outside.rules.identities import silenced
from tests.outside.rules.parcels import end_of_term

_FRESH = timedelta(days=1)  # told so soon after it happened, it is still news
_AT_ONCE = timedelta(minutes=10)
_ENOUGH = timedelta(days=3)  # in which quiet hours, caps and other parcels have passed
_OF_PARCELS = ("shipped", "tracking_changed", None)
_GONE = 410
_ROOMY = 6  # messages a day, with which no cap keeps anything back for days


def announced(history: History) -> Iterator[Finding]:
    """Every parcel that left, and that is neither taken back nor there within days, is said to be on its way,
    with its number where it has one."""
    for order, known in _open_orders(history):
        said = [heard for heard in history.about(order) if heard.template in _OF_PARCELS]
        for facts in known.parcels.values():
            for fact in facts:
                told = _told_at(history, order, fact)
                if told is None or known.given_up(fact.parcel) or _arrives_soon(known, told):
                    continue
                if not any((fact.tracking or "") in heard.text for heard in said):
                    what = f"{order}: nobody was told of a parcel that left at {fact.at:%d %b %H:%M}"
                    yield Finding(rule="", when=told, what=f"{what} ({fact.tracking})", order=order)


def acknowledged(history: History) -> Iterator[Finding]:
    """All that was paid is acknowledged: some text names the sum, or nothing of it is owed any more."""
    for order, known in _open_orders(history):
        to_carrier = known.on_delivery and not known.paid_ahead
        if not known.payments or not known.paid or to_carrier or known.delivered_at:
            continue
        last = max(known.payments, key=lambda fact: fact.at)
        told = max(_told_at(history, order, fact) or history.ended_at for fact in _first_words(known))
        if told + _ENOUGH > history.ended_at or _changes_after(history, order, last.at):
            continue
        if not any(_acknowledges(history, heard, known, told) for heard in history.about(order)):
            what = f"{order}: {known.paid} were paid by {told:%d %b %H:%M}, and no text says so"
            yield Finding(rule="", when=told, what=what, order=order)


def _first_words(known: Known) -> list[Paid]:
    """Of each payment the first that was told; it may be told again under another time."""
    return list({fact.payment: fact for fact in reversed(known.all(Paid))}.values())


def _acknowledges(history: History, heard: Heard, known: Known, since: datetime) -> bool:
    if heard.values is None:
        return heard.at >= since and heard.template in ("payment_received", "order_confirmation", None)
    said = reading.amount(heard.values.get("paid", ""), history.shop.locale)
    if said is None or known.paid is None:
        return False
    return said.value in (known.paid, known.paid - (known.refunded or 0))  # what went back may be left out


def _changes_after(history: History, order: str, at: datetime) -> bool:
    return any(isinstance(fact, Placed) and fact.at > at for _, fact in history.by_order[order])


def given_back(history: History) -> Iterator[Finding]:
    """Every refund in the order's own currency is told; one without a sum, of more than the total, is a
    person's before that."""
    for order, known in _orders(history):
        said = [
            heard
            for heard in history.about(order)
            if heard.template in ("refunded", "partly_refunded", None) or "refunded" in (heard.values or {})
        ]
        told = [_told_at(history, order, fact) for fact in known.refunds]
        if not told or None in told or known.foreign or known.cancelled is not False or known.paid is None:
            continue
        if known.total and known.paid > known.total and any(fact.amount is None for fact in known.refunds):
            continue
        if not said:
            yield Finding(
                rule="", when=history.ended_at, what=f"{order}: a refund is never told", order=order
            )


def called_off(history: History) -> Iterator[Finding]:
    """Who has read the confirmation reads that the order is cancelled, if it stays so, and again if it was
    restored in between, and that was told before."""
    for order, known in _orders(history):
        gone = max(known.all(Cancelled), key=lambda fact: fact.at, default=None)
        told = _told_at(history, order, gone) if gone else None
        heard = history.about(order)
        if told is None or known.cancelled is not True or known.delivered_at or known.all(Refunded):
            continue
        confirmed = any(each.template == "order_confirmation" and each.at < told for each in heard)
        back = max(known.all(Restored), key=lambda fact: fact.at, default=None)
        passing = back is not None and (_told_at(history, order, back) or told) >= told
        words = [each for each in heard if each.template in ("cancelled", None)]
        if confirmed and not any(passing or each.at >= told for each in words):
            yield Finding(
                rule="", when=told, what=f"{order}: nobody was told that it is cancelled", order=order
            )


def reviews_asked(history: History) -> Iterator[Finding]:
    """A review of what came is asked for in time, unless a case about this very order waits, or its buyer
    waits for a person and nobody knows what about: what waits about another order keeps nothing back."""
    for order, known in _open_orders(history):
        came = known.delivered_at
        names = _names(order, known)
        busy = known.rated or any(_binds(case, names, known) for case in history.cases)
        if came is None or not history.shop.review or busy or _forgotten(history, order):
            continue
        due = came + history.shop.review
        if (
            due + _ENOUGH > history.ended_at
            or _unheard(history, order, due)
            or len({fact.at for fact in known.all(Delivered)}) > 1
        ):
            continue
        if not any(heard.template in ("review_request", None) for heard in history.about(order)):
            what = f"{order}: came at {came:%d %b %H:%M}, and no review was asked for"
            yield Finding(rule="", when=due, what=what, order=order)


def _binds(case: Case, names: set[str], known: Known) -> bool:
    if case.order is None:
        return any(f"{way.kind}:{way.value}" in (case.who or "") for way in known.addresses())
    return case.order in names


def late_cases(history: History) -> Iterator[Finding]:
    """An order that is paid and has not left by the promised day is a case for a person by itself."""
    zone = ZoneInfo(history.shop.zone)
    for order, known in _open_orders(history, heard=False):
        if known.left != 0 or not known.payments or known.facts_of_leaving:
            continue
        begins = max(fact.at for fact in known.facts).astimezone(zone).date()
        last = end_of_term(begins, history)
        told = datetime.combine(last + timedelta(days=1), datetime.min.time(), zone)
        names = _names(order, known)
        if told + timedelta(hours=1) > history.ended_at or _forgotten(history, order):
            continue
        if not any(case.order in names for case in history.cases):
            what = f"{order}: paid, not sent by {last:%a %d %b}, and no case shows it"
            yield Finding(rule="", when=told, what=what, order=order)


def taken_back(history: History) -> Iterator[Finding]:
    """A payment that the platform takes back is a case for a person at once, whatever was said before."""
    for order, known in _open_orders(history, heard=False):
        voided = min(known.all(Voided), key=lambda fact: fact.at, default=None)
        told = _told_at(history, order, voided) if voided else None
        names = _names(order, known)
        if told is None or known.total == 0 or known.on_delivery:
            continue
        until = told + _AT_ONCE
        if not any(case.order in names and told <= case.opened_at <= until for case in history.cases):
            what = f"{order}: its payment was taken back at {told:%d %b %H:%M}, and no case shows it"
            yield Finding(rule="", when=told, what=what, order=order)


def to_go_back(history: History) -> Iterator[Finding]:
    """What was paid for an order that is cancelled is a case for a person at once, unless it went back."""
    for order, known in _orders(history, heard=False):
        gone = max(known.all(Cancelled), key=lambda fact: fact.at, default=None)
        moved = known.refunds or known.facts_of_leaving or known.all(Restored)
        if gone is None or known.cancelled is not True or not known.paid or moved:
            continue
        times = [_told_at(history, order, fact) for fact in (gone, *known.payments)]
        until = max((at for at in times if at), default=history.ended_at) + 2 * _AT_ONCE
        names = _names(order, known)
        if None in times or any(case.order in names and case.opened_at <= until for case in history.cases):
            continue
        what = f"{order}: cancelled, {known.paid} are to go back, and no case shows it"
        yield Finding(rule="", when=until, what=what, order=order)


def _names(order: str, known: Known) -> set[str]:
    """By which a case may name an order; with its channel, where two systems have that id."""
    channel, _, id = order.partition("/")
    return {id, f"{id}@{channel}", *(shown.number for shown in known.all(Placed))}


def _forgotten(history: History, order: str) -> bool:
    """Something of it was told so late that nobody counts on it."""
    acked = {told.seq: told.acked_at for told in history.told}
    return any(acked[seq] - fact.at > _FRESH for seq, fact in history.by_order[order])


def _open_orders(history: History, heard: bool = True) -> Iterator[tuple[str, Known]]:
    for order, known in _orders(history, heard):
        if known.cancelled is False and not known.refunds:
            yield order, known


def _orders(history: History, heard: bool = True) -> Iterator[tuple[str, Known]]:
    """Orders of which everything was told, with a way to speak of them that is open all the time."""
    for order in history.by_order:
        known = Known(history, order)
        if known.newest is None or known.test:
            continue
        if heard and (_silent(history, known) or history.shop.per_day < _ROOMY):
            continue
        yield order, known


def _silent(history: History, known: Known) -> bool:
    """No way to speak, or a person talks."""
    ways = [way for way in known.addresses() if way.kind in history.shop.channels]
    spoken = {fact.chat for _, fact in history.facts() if isinstance(fact, Replied)}
    chats = {heard.address for heard in history.about(known.order)} | set(ways)
    return not ways or bool(chats & spoken)


def _told_at(history: History, order: str, fact: OrderFact) -> datetime | None:
    """When it could be said first; None if it was told too late to be news, too late in the run, or at a time
    with nobody to say it to."""
    first = [told.acked_at for told in history.told if fact in told.facts]
    shown = [told.acked_at for told in history.told if any(_shows(each, order) for each in told.facts)]
    at = max(min(first), min(shown))
    late = at - fact.at >= _FRESH or at + _ENOUGH >= history.ended_at
    return None if late or _unheard(history, order, at) else at


def _unheard(history: History, order: str, since: datetime) -> bool:
    """An address that is or was the order's own wants no more words, or a receiver fails.

    What somebody says in a chat that opened the order by its number or a link silences that chat alone.
    """
    ways, until = Known(history, order).former_addresses(), since + _ENOUGH
    return _failing(history, since) or any(silenced(history, way, since, until) for way in ways)


def _failing(history: History, since: datetime) -> bool:
    """A receiver fails within the time in which it is to be said; one that is gone stays gone."""
    return any(
        trouble.begins < since + _ENOUGH and (trouble.ends >= since or trouble.status == _GONE)
        for trouble in history.troubles
    )


def _shows(fact: object, order: str) -> bool:
    return isinstance(fact, Placed) and fact.order == order


def _arrives_soon(known: Known, told: datetime) -> bool:
    return any(fact.at < told + _FRESH for fact in (*known.all(Delivered), *known.all(Completed)))

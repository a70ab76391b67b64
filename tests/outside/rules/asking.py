"""Money is asked for only while it is owed, and a text looks back only at what was said."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from tests.outside import reading
from tests.outside.facts import Placed, Restored, Wrote
from tests.outside.history import Finding, Heard, History
from tests.outside.known import Known
from tests.outside.rules.identities import proved, silenced
from tests.outside.rules.sayings import REMINDERS, UNASKED, shown

ONE_BREATH = timedelta(minutes=5)
_TWO_DAYS = timedelta(days=2)  # in which quiet hours and caps have passed
_FOLLOWS = {  # what looks back, and at what
    "restored": "cancelled",
    "tracking_changed": "shipped",
    "shipment_cancelled": "shipped",
}
_NAME_A_TOTAL = frozenset(("order_confirmation", "total_changed"))
_NAME_A_SUM = (*_NAME_A_TOTAL, "payment_received", *REMINDERS)


def reminders(history: History) -> Iterator[Finding]:
    """No reminder once payment in full, a cancellation, a refund or a shipping was acknowledged, and none for
    an order that is free, a test, paid on delivery or by an authorised card (promise 3)."""
    for heard in history.heard:
        if heard.template not in REMINDERS:
            continue
        if len(orders := history.orders_of(heard)) == 1:
            known = Known(history, orders[0], heard.seq)
            if why := _why_not(known) or _pressed(history, heard, orders[0]):
                yield _finding(heard, f"{orders[0]} is asked to pay although {why}", orders[0])


def _why_not(known: Known) -> str | None:
    reasons = {
        "it is free": known.total == 0,
        "it is a test": known.test,
        "it is paid on delivery": known.on_delivery,
        "it is cancelled": known.cancelled is True,
        "it has shipped": bool(known.surely_left),
        "it was refunded": bool(known.refunds),
        "nothing is owed": known.left == 0,
        "its card is authorised": known.authorised,
    }
    return next((why for why, true in reasons.items() if true), None)


def _pressed(history: History, heard: Heard, order: str) -> str | None:
    """A chat of the order's said "stop pressing me" since it was placed."""
    known = Known(history, order, heard.seq)
    own, placed = known.addresses(), known.newest
    for seq, fact in history.facts(heard.seq):
        if not isinstance(fact, Wrote) or fact.asks != "pressing":
            continue
        if placed is None or fact.at < placed.placed_at:
            continue
        if fact.chat in own or order in proved(history, fact.chat, seq, surely=True):
            return "its buyer asked not to be pressed"
    return None


def looking_back(history: History) -> Iterator[Finding]:
    """ "We wrote to you" and "we asked some days ago" are said only if that was heard."""
    for heard in history.heard:
        for order in history.orders_of(heard)[:1]:
            before = [each for each in history.about(order) if each.seq < heard.seq]
            if heard.template == "second_contact" and not before:
                yield _finding(heard, f"{order}: we wrote to nobody before", order)
            if heard.template == "review_reminder" and not _asked(before):
                yield _finding(heard, f"{order}: no review was asked for before", order)
            if (first := _FOLLOWS.get(heard.template or "")) and not _said(before, first):
                yield _finding(heard, f"{order}: {heard.template} without {first} before", order)
            if heard.template == "total_changed" and not (_named(before) or _lost(history, heard)):
                yield _finding(heard, f"{order}: a total changed that was named to nobody", order)


def _named(before: list[Heard]) -> bool:
    return any(each.template is None or each.template in _NAME_A_SUM for each in before)


def _lost(history: History, heard: Heard) -> bool:
    """What was being said when the program died may have been read, or may not."""
    return any(each.kind == heard.address.kind and each.begins <= heard.at for each in history.troubles)


def _asked(before: list[Heard]) -> bool:
    return _said(before, "review_request")


def _said(before: list[Heard], template: str) -> bool:
    """A chat's message may not say which template it is, so any such may have been the one."""
    return any(each.template in (template, None) for each in before)


def first_things(history: History) -> Iterator[Finding]:
    """Nothing unasked is said of an order before its confirmation, if that comes at all and the order was
    told within minutes of the rest, and no reminder in one breath with it or with another one."""
    for order in history.by_order:
        said = [heard for heard in history.about(order) if len(history.orders_of(heard)) == 1]
        confirmed = next((heard for heard in said if heard.template == "order_confirmation"), None)
        if confirmed is None:
            continue
        placed = next((seq for seq, fact in history.by_order[order] if isinstance(fact, Placed)), 0)
        reachable = confirmed.address in Known(history, order, placed + 1).addresses()
        for heard in said:
            early = reachable and heard.seq < confirmed.seq and heard.template in UNASKED
            if early and _told_in_time(history, order):
                yield _finding(
                    confirmed, f"{order} is confirmed only after {heard.template} was said", order, heard
                )
        asked = [heard for heard in said if heard.template in _NAME_A_SUM]
        for one, other in pairwise(asked):
            if other.at - one.at < ONE_BREATH and other.template in REMINDERS:
                yield _finding(
                    other, f"{order}: {one.template} and {other.template} in one breath", order, one
                )


def _told_in_time(history: History, order: str) -> bool:
    """What happened next was not told long before the order itself."""
    about = [(told.acked_at, fact) for told in history.told for fact in told.facts]
    own = [(at, fact) for at, fact in about if getattr(fact, "order", None) == order]
    placed = min(at for at, fact in own if isinstance(fact, Placed))
    return placed - min(at for at, _ in own) <= ONE_BREATH


def changed_total(history: History) -> Iterator[Finding]:
    """A total that changed after the confirmation is said, and before it is asked for."""
    for order in history.by_order:
        said = [heard for heard in history.about(order) if len(history.orders_of(heard)) == 1]
        named = [(heard, heard.values["total"]) for heard in said if heard.values and "total" in heard.values]
        for (one, before), (other, total) in pairwise(named):
            if other.template == "payment_reminder" and one.template in UNASKED and before != total:
                yield _finding(other, f"{order}: {before} was said, now {total} is asked for", order, one)
        if said and (last := _never_told(history, order, said)):
            yield _finding(last, f"{order}: its total changed after this, and nobody was told", order)


def _never_told(history: History, order: str, said: list[Heard]) -> Heard | None:
    """What named a total last, if the order had another one since for days, with nothing that excuses it."""
    known, end = Known(history, order), history.ended_at - _TWO_DAYS
    named = [heard for heard in said if heard.template in _NAME_A_TOTAL or _names_total(heard)]
    over = known.cancelled is not False or known.refunds or known.all(Restored) or known.delivered_at
    if not named or over or known.test or known.total is None or history.troubles:
        return None
    last = named[-1]
    told = [seq for seq, fact in history.by_order[order] if isinstance(fact, Placed) and fact.at > last.at]
    changed = next((each.acked_at for each in history.told if each.seq in told), None)
    if changed is None or changed > end:
        return None
    # Who stops at one address of an order is not followed to another.
    if any(silenced(history, heard.address, changed) for heard in named):
        return None
    values = last.values or {}
    before = reading.amount(values.get("total", ""), history.shop.locale)
    return last if before is not None and before.value != known.total else None


def _names_total(heard: Heard) -> bool:
    return heard.template in UNASKED and "total" in (heard.values or {})


def _finding(heard: Heard, what: str, order: str, *more: Heard) -> Finding:
    evidence = tuple(shown(each) for each in (*more, heard))
    return Finding(rule="", when=heard.at, what=what, order=order, evidence=evidence)

"""When words are heard: not in quiet hours, not beyond the cap, not while a person talks, not too early."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.outside.facts import Address, Completed, Placed, Replied
from tests.outside.history import Finding, Heard, History
from tests.outside.known import Known
from tests.outside.rules.sayings import REVIEWS, shown, unasked

_DAY = timedelta(days=1)
_FRESH = timedelta(minutes=30)  # the confirmation of an order so new is an answer
_SLACK = timedelta(minutes=1)
_SILENT_NO_MORE = frozenset(("stopped", "resumed", "human_coming"))  # owed even while a person talks


def quiet_hours(history: History) -> Iterator[Finding]:
    """In the quiet hours of the buyer's own day only answers are heard; the confirmation of an order placed
    minutes ago is one (promise 6)."""
    start, end = history.shop.quiet
    for heard in history.heard:
        if start == end or not unasked(history, heard) or _fresh_confirmation(history, heard):
            continue
        zones = _zones(history, heard)
        if zones and all(_within(heard.at, zone, history) for zone in zones):
            yield _finding(heard, f"heard within {start:%H:%M} and {end:%H:%M}")


def _within(at: datetime, zone: str, history: History) -> bool:
    start, end = history.shop.quiet
    local = at.astimezone(ZoneInfo(zone)).time()
    return start <= local < end if start < end else local >= start or local < end


def _zones(history: History, heard: Heard) -> set[str]:
    """The buyer's own zone before the shop's. Where people with several share an address, any of them."""
    told = {
        placed.contact.zone or history.shop.zone
        for order in history.by_order
        for placed in Known(history, order, heard.seq).all(Placed)
        if heard.address in Known(history, order, heard.seq).addresses() or order in history.orders_of(heard)
    }
    return told or {history.shop.zone}


def _fresh_confirmation(history: History, heard: Heard) -> bool:
    """Also of a mail that does not say which template it is, as long as it is the first about its order."""
    if heard.template not in ("order_confirmation", None):
        return False
    placed = [Known(history, order, heard.seq).newest for order in history.orders_of(heard)]
    return any(order and heard.at - order.placed_at < _FRESH for order in placed)


def caps(history: History) -> Iterator[Finding]:
    """No buyer hears more unasked messages within 24 hours than the seller set; guests' orders count apart
    (promise 6)."""
    groups: dict[tuple[Address, str], list[Heard]] = {}
    for heard in history.heard:
        orders = history.orders_of(heard)
        if len(orders) == 1 and unasked(history, heard) and not _fresh_confirmation(history, heard):
            groups.setdefault((heard.address, _buyer(history, orders[0])), []).append(heard)
    most = history.shop.per_day
    for (address, _), said in groups.items():
        for first, beyond in zip(said, said[most:], strict=False):
            if beyond.at - first.at < _DAY - _SLACK:
                yield _finding(beyond, f"{address} hears more than {most} messages in a day")


def _buyer(history: History, order: str) -> str:
    """Who is proved to have ordered: the channel's own id of a buyer; a guest is somebody else each time."""
    ids = {placed.contact.buyer for placed in Known(history, order).all(Placed)}
    id = ids.pop() if len(ids) == 1 else None
    return f"{order.partition('/')[0]} {id}" if id else order


def takeover(history: History) -> Iterator[Finding]:
    """After a person wrote in a chat the bot is silent there for the time that the seller set (promise 3)."""
    for heard in history.heard:
        if heard.template in _SILENT_NO_MORE:
            continue
        for _, fact in history.facts(heard.seq):
            if not isinstance(fact, Replied) or fact.chat != heard.address:
                continue
            if fact.at <= heard.at < fact.at + history.shop.takeover - _SLACK:
                yield _finding(heard, f"a person has written here at {fact.at:%H:%M:%S}")
                break


def reviews(history: History) -> Iterator[Finding]:
    """A review is asked for only so long after the arrival as the seller set, and never for an order that was
    cancelled, paid back, reviewed, or only for testing (promise 3)."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        if heard.template in REVIEWS and len(orders) == 1:
            known = Known(history, orders[0], heard.seq)
            if why := _no_review(history, known, heard):
                yield _finding(heard, f"{orders[0]}: a review is asked for although {why}", orders[0])


def _no_review(history: History, known: Known, heard: Heard) -> str | None:
    if known.cancelled or known.test or known.rated:
        return "it is cancelled" if known.cancelled else "it is a test" if known.test else "it is reviewed"
    if known.refunded and known.paid is not None and known.refunded >= known.paid:
        return "all was paid back"
    arrived = _arrived_at(history, known)
    if arrived is None:
        return "it has not arrived"
    if heard.at < arrived + history.shop.review - _SLACK:
        return f"it arrived only at {arrived:%d %b %H:%M}"
    return None


def _arrived_at(history: History, known: Known) -> datetime | None:
    """Where nobody follows a parcel, or who sent it closes the order without a word of its arrival, it counts
    as arrived after the time that the seller set."""
    if known.delivered_at:
        return known.delivered_at
    parcels = [facts[-1] for facts in known.parcels.values()]
    guessed = [] if any(parcel.followed for parcel in parcels) else [parcel.at for parcel in parcels]
    guessed += [fact.at for fact in known.all(Completed)]
    return min(guessed) + history.shop.travel if guessed else None


def _finding(heard: Heard, what: str, order: str | None = None) -> Finding:
    return Finding(rule="", when=heard.at, what=what, order=order, evidence=(shown(heard),))

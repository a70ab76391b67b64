"""Nothing is said twice, nothing of tests, and cancellations only while they stand."""

from collections.abc import Hashable, Iterator

from tests.outside import reading
from tests.outside.facts import Cancelled, Carried, Restored, Shipped, TakenBack
from tests.outside.history import Finding, Heard, History
from tests.outside.known import Known
from tests.outside.rules.sayings import UNASKED, shown
from tests.outside.shop import OF_ORDERS

_SAID_ONCE = UNASKED | {"review_thanks", "review_sorry", "confirm_offers"}
_PER_FACT = frozenset(
    (
        "cancelled",
        "restored",
        "partly_refunded",
        "refunded",
        "shipped",
        "shipment_cancelled",
        "delivery_attempted",
        "delayed",
    )
)  # counted by the facts
_IN_WORDS = frozenset(("payment_reminder", "payment_received", "total_changed", "tracking_changed"))


def twice(history: History) -> Iterator[Finding]:
    """No two messages with the same meaning are heard about one fact, at whatever address (promise 2)."""
    heard_before: dict[Hashable, Heard] = {}
    corrected: dict[str, Hashable] = {}
    for heard in history.heard:
        orders = history.orders_of(heard)
        if len(orders) != 1 or heard.template not in _SAID_ONCE or heard.template in _PER_FACT:
            continue
        meaning = (orders[0], heard.template, _meaning(heard))
        if heard.template == "tracking_changed":
            last, corrected[orders[0]] = corrected.get(orders[0], meaning), meaning
            if last != meaning:  # corrected back: what was read last is not so any more
                heard_before.pop(meaning, None)
        if before := heard_before.get(meaning):
            yield _finding(heard, f"{orders[0]}: {heard.template} is said twice", orders[0], before)
        heard_before.setdefault(meaning, heard)


def _meaning(heard: Heard) -> Hashable:
    """What tells two messages of one template apart; without our own line of facts, the words themselves."""
    if heard.values is None:
        return reading.without_cases(heard.text) if heard.template in _IN_WORDS else None
    match heard.template:
        case "payment_reminder":
            return heard.values.get("step")
        case "payment_received":
            return (heard.values.get("paid"), heard.values.get("left"), heard.values.get("total"))
        case "total_changed":
            return heard.values.get("total")
        case "tracking_changed":
            return (heard.values.get("tracking"), heard.values.get("carrier"))
    return None


def per_fact(history: History) -> Iterator[Finding]:
    """A cancellation and a restoring are told once for each time they happened, a refund once by its own
    name, a delay and a shipment that was given up once for each parcel."""
    kinds = {
        "cancelled": "cancelled",
        "partly_refunded": "refunded",
        "refunded": "refunded",
        "delayed": "delayed",
        "restored": "restored",
        "shipment_cancelled": "shipment given up",
        "delivery_attempted": "attempt",
    }
    for order in history.by_order:
        said: dict[str, list[Heard]] = {}
        for heard in history.about(order):
            kind = kinds.get(heard.template or "")
            if kind is None or len(history.orders_of(heard)) != 1:
                continue
            before = said.setdefault(kind, [])
            before.append(heard)
            if len(before) > (most := _most(Known(history, order, heard.seq), kind)):
                what = f"{order}: {kind} is said {len(before)} times, was told {most} times"
                yield _finding(heard, what, order, *before[:-1])


def _most(known: Known, kind: str) -> int:
    match kind:
        case "cancelled":
            return max(_times(known), 1)  # one too many is for the rule about true cancellations
        case "refunded":
            return len(known.refunds)
        case "restored":
            return len({fact.at for fact in known.all(Restored)})
        case "attempt":
            return len({fact.at for fact in known.all(Carried) if not fact.failed})
        case "shipment given up":
            return len({fact.parcel for fact in known.all(TakenBack)})
    return len({fact.parcel for fact in known.all(Shipped)})


def _times(known: Known) -> int:
    """How often an order was cancelled: once, and once more after each restoring."""
    down = sorted({fact.at for fact in known.all(Cancelled)})
    up = sorted({fact.at for fact in known.all(Restored)})
    return sum(
        1 for place, at in enumerate(down) if place == 0 or any(down[place - 1] < back <= at for back in up)
    )


def cancellations(history: History) -> Iterator[Finding]:
    """ "Cancelled" is said only of an order that is so; tidying a finished order away is not cancelling
    ."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        if heard.template == "cancelled" and len(orders) == 1:
            known = Known(history, orders[0], heard.seq)
            if known.cancelled is False:
                yield _finding(heard, f"{orders[0]} is said to be cancelled and is not", orders[0])


def tests_only(history: History) -> Iterator[Finding]:
    """Of an order that the platform marks as a test nothing is said."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        if len(orders) == 1 and Known(history, orders[0], heard.seq).test:
            yield _finding(heard, f"{orders[0]} is a test and is spoken of", orders[0])


def own_words(history: History) -> Iterator[Finding]:
    """A seller's own words are said where they lie over ours (docs/templates.md; promise 5): without them the
    judge would be blind to sums."""
    for heard in history.heard if history.shop.own_words else ():
        if heard.template in OF_ORDERS and heard.values is None:
            yield _finding(
                heard, f"{heard.template} is said in other words than the seller's", heard.order or ""
            )


def _finding(heard: Heard, what: str, order: str, *more: Heard) -> Finding:
    evidence = tuple(shown(each) for each in (*more, heard))
    return Finding(rule="", when=heard.at, what=what, order=order, evidence=evidence)

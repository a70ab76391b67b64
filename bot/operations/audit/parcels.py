"""Check what was said of an order's parcels against what had been told of them, by any of their names."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from bot.domain.events import OrderDelivered, OrderEvent, OrderShipped, ParcelCancelled, ParcelMoved
from bot.domain.parcels import FAILURE, UNNAMED
from bot.operations.audit.conversations import began
from bot.operations.audit.said import Said
from storage.audit_queries import Sending

ABOUT_A_PARCEL = ("shipped", "delayed", "delivery_attempted", "ready_for_pickup", "tracking_changed")
ON_ITS_WAY = ("shipped", "delayed", "delivery_attempted")
NAMING_NUMBERS = (*ABOUT_A_PARCEL, "shipment_cancelled")
A_WHILE = timedelta(minutes=50)  # in which no more than two notices of what left are said

_LINK = re.compile(r"https?://\S+")
_SEVERAL = re.compile(r"[,，;；]")  # platforms write the numbers of one parcel into one field


def _taken_back(said: Said) -> bool:
    """A parcel that was taken back, and did not leave again."""
    parcel = said.sending.values.get("parcel")
    if said.sending.template not in ABOUT_A_PARCEL or not parcel:
        return False
    names = _names_of(parcel, said.told)
    gone = [event.at for event in said.told if isinstance(event, ParcelCancelled) and names & _names(event)]
    left = [event.at for event in said.told if isinstance(event, OrderShipped) and names & _names(event)]
    return bool(gone) and max(gone) > max(left, default=min(gone))


def _late_after_arrival(said: Said) -> bool:
    parcel = said.sending.values.get("parcel")
    if said.sending.template != "delayed" or not parcel:
        return False
    names = _names_of(parcel, said.told)
    arrivals = [event for event in said.told if isinstance(event, OrderDelivered)]
    return any(event.parcel is None or names & _names(event) for event in arrivals)


def _parcel_twice(said: Said) -> bool:
    """A parcel announced under one of its names that had been announced under another."""
    parcel = said.sending.values.get("parcel")
    if said.sending.template != "shipped" or not parcel or said.has(ParcelCancelled):
        return False
    names = _names_of(parcel, said.told)
    earlier = [other.values.get("parcel") for other in said.earlier("shipped")]
    return any(other is not None and str(other).casefold() in names for other in earlier)


def _given_up(said: Said) -> bool:
    """A parcel that the carrier gave up, and that did not move since."""
    parcel = said.sending.values.get("parcel")
    if said.sending.template not in ON_ITS_WAY or not parcel:
        return False
    names = _names_of(parcel, said.told)
    moves = [event for event in said.told if isinstance(event, ParcelMoved) and names & _names(event)]
    newest = max((event.at for event in moves), default=None)
    return any(event.status == FAILURE for event in moves if event.at == newest)


def _untold_number(said: Said) -> bool:
    """A parcel told in our words by none of the numbers told for it; one that nobody had told of has none."""
    sending = said.sending
    if sending.template not in NAMING_NUMBERS or sending.own is not False or not sending.text:
        return False
    text = _LINK.sub("", sending.text)
    return any(_by_none(text, about(parcel, said.told)) for parcel in _parcels_in(sending))


def _by_none(text: str, told: Sequence[OrderEvent]) -> bool:
    fields = [getattr(event, "tracking", None) or "" for event in told]
    numbers = {number.strip() for field in fields for number in _SEVERAL.split(field)} - {""}
    return not any(_holds(text, number) for number in numbers) if numbers else not told


def _parcels_in(sending: Sending) -> list[object]:
    """A name of each parcel that a message tells, by what is stored beside its text."""
    stored = [ids[0] for ids, *_ in sending.facts.get("parcels", ()) if ids]
    return stored or [name for name in [sending.values.get("parcel")] if name]


def _holds(text: str, number: str) -> bool:
    """As a word of its own, however it is spaced."""
    spaced = r"[\s-]*".join(map(re.escape, re.sub(r"[\s-]", "", number)))
    return bool(re.search(rf"(?<![a-z0-9]){spaced}(?![a-z0-9])", text, re.IGNORECASE | re.ASCII))


def _delivered_twice(said: Said) -> bool:
    """More often than parcels left, also again after the buyer read that one was off; the whole includes its
    parts."""
    if said.sending.template != "delivered":
        return False
    left = [event for event in said.told if isinstance(event, OrderShipped)]
    parcels = {min(_names_of(event.parcel, said.told)) for event in left}
    off = len(said.earlier("shipment_cancelled"))
    return len(said.earlier("delivered")) >= max(1, len(parcels)) + off


def _three_in_an_hour(said: Said) -> bool:
    """Parcels of one hour go in one message, or in two where nobody knew of more."""
    if said.sending.template != "shipped":
        return False
    return sum(said.at - began(other) < A_WHILE for other in said.earlier("shipped")) > 1


def about(parcel: object, told: Sequence[OrderEvent]) -> list[OrderEvent]:
    """What was told of a parcel, under any of its names."""
    names = _names_of(parcel, told)
    return [event for event in told if names & _names(event)]


def _names(event: OrderEvent) -> frozenset[str]:
    """Every name of the parcel that an event tells; without any, what moved or was taken back is UNNAMED."""
    given = (getattr(event, "parcel", None), getattr(event, "tracking", None), *getattr(event, "names", ()))
    names = frozenset(str(name).casefold() for name in given if name)
    return names or frozenset([UNNAMED] if isinstance(event, ParcelMoved | ParcelCancelled) else [])


def _names_of(parcel: object, told: Sequence[OrderEvent]) -> frozenset[str]:
    """All names of the parcel with this name: events that share one are about the same parcel."""
    known = frozenset({str(parcel).casefold()})
    groups = [names for event in told if (names := _names(event))]
    while True:
        more = known.union(*(names for names in groups if names & known))
        if more == known:
            return known
        known = more


RULES: Mapping[str, tuple[int, Callable[[Said], bool]]] = {
    "parcel_taken_back": (3, _taken_back),
    "parcel_given_up": (3, _given_up),
    "late_after_arrival": (3, _late_after_arrival),
    "untold_number": (3, _untold_number),
    "parcel_twice": (2, _parcel_twice),
    "delivered_twice": (2, _delivered_twice),
    "three_in_an_hour": (2, _three_in_an_hour),
}

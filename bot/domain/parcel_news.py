"""What a message about parcels tells, and what was told before: by this no parcel is told twice.

A message keeps with its facts the parcels that it told, each by all its ids and with its number at that time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.context import Said, ToldParcel
from bot.domain.orders import Order
from bot.domain.parcels import Parcel

TOGETHER = timedelta(hours=1)  # what leaves within it is told in one message
LEFT, CORRECTED, TAKEN_BACK, ARRIVED = "shipped", "tracking_changed", "shipment_cancelled", "delivered"
WAITS = "ready_for_pickup"
REACHED = ("sent", "sending", "unknown")  # it may have arrived
_LATEST = datetime.max.replace(tzinfo=UTC)
AGAIN = re.compile(r":\d{8}T\d{6}$")  # in a key, of one that had left again


def telling(
    template: str, values: Mapping[str, Any], order: Order, said: Iterable[Said]
) -> tuple[ToldParcel, ...]:
    """The parcels that a message of this template tells if it is sent now."""
    match template:
        case "shipped":
            return tuple(map(_as_told, news(order, said)))
        case "delivered":
            return tuple(_as_told(parcel) for parcel in order.sent if order.has_arrived(parcel))
        case (
            "tracking_changed" | "shipment_cancelled" | "delayed" | "delivery_attempted" | "ready_for_pickup"
        ):
            parcel = parcel_of(order, values.get("parcel"))
            return (_as_told(parcel),) if parcel else ()
        case _:
            return ()


def _as_told(parcel: Parcel) -> ToldParcel:
    return ToldParcel(parcel.ids, parcel.tracking, parcel.carrier)


def news(order: Order, said: Iterable[Said]) -> tuple[Parcel, ...]:
    """The parcels on their way that the buyer has not heard of, the first that left first."""
    known = told_on_its_way(order, said)
    return tuple(sorted((each for each in travelling(order) if not known & set(each.ids)), key=_left_at))


def travelling(order: Order) -> Iterator[Parcel]:
    """Those that left, and neither arrived, nor were given up, nor wait for the buyer."""
    for parcel in order.shipped:
        if not (order.has_arrived(parcel) or parcel.failed or parcel.ready):
            yield parcel


def silent_since(order: Order, delay: timedelta, now: datetime) -> datetime | None:
    """The last sign of life of the parcel that has been silent longest, if for longer than `delay`."""
    followed = (parcel.seen_at for parcel in travelling(order) if parcel.followed)
    oldest = min((at for at in followed if at), default=None)
    return oldest if oldest and now - oldest >= delay else None


def off_since(order: Order) -> datetime | None:
    """Since when a parcel is taken back in whose place nothing left, beside others that are all on their way,
    or there, where nobody counted the pieces: whether anything is missing, only the seller knows."""
    if order.state not in ("shipped", "delivered") or order.surely_all_shipped or order.all_arrived_at:
        return None
    gone = [each.cancelled_at for each in order.parcels_by_id.values() if each.taken_back and each.shipped_at]
    left = max((at for each in order.shipped if (at := each.sent_at)), default=None)
    return max((at for at in gone if at and left and at > left), default=None)


def off_before(order: Order, at: datetime) -> bool:
    """True if any parcel had been taken back by then: a leaving that is told later may be another one. Which
    parcel that was may be told later still, and more facts must take nothing away."""
    return any(back < at for each in order.parcels for back in each.off_times[:1])


def _left_at(parcel: Parcel) -> tuple[datetime, str]:
    return parcel.shipped_at or _LATEST, parcel.id


def told_ids(template: str, order: Order, said: Iterable[Said]) -> set[str]:
    """The ids of the parcels that messages of this template told."""
    return {id for each in said if _reached(each, template) for id in _ids(each, order)}


def told_arrived(order: Order, said: Iterable[Said]) -> set[str]:
    """The ids of the parcels of which the buyer read that they arrived, and not since that they were off."""
    return _told_until_off(ARRIVED, order, said)


def told_on_its_way(order: Order, said: Iterable[Said]) -> set[str]:
    """The ids of the parcels of which the buyer read that they left, and not since that they did not."""
    return _told_until_off(LEFT, order, said)


def told_to_fetch(order: Order, said: Iterable[Said]) -> set[str]:
    """The ids of the parcels of which the buyer read that they can be fetched, and not since that they were
    off."""
    return _told_until_off(WAITS, order, said)


def _told_until_off(template: str, order: Order, said: Iterable[Said]) -> set[str]:
    known: set[str] = set()
    heard = [each for each in said if _reached(each, template) or _reached(each, TAKEN_BACK)]
    for each in sorted(heard, key=lambda each: (each.sent_at or _LATEST, each.template != template)):
        known = known | _ids(each, order) if each.template == template else known - _off(each, order)
    return known


def told_as(parcel: Parcel, order: Order, said: Iterable[Said]) -> list[ToldParcel]:
    """How the buyer knows this parcel, by the newest word of each of its ids; nothing if they know of none,
    or if nobody knows what they were told."""
    known: dict[str, ToldParcel] = {}
    heard = [
        each for each in said if each.template in (LEFT, CORRECTED, TAKEN_BACK) and each.state in REACHED
    ]
    for each in sorted(heard, key=_heard_at):
        if each.template == TAKEN_BACK:
            for id in _off(each, order):
                known.pop(id, None)
            continue
        if each.parcels is None and _ids(each, order) & set(parcel.ids):
            return []  # sent before numbers were kept
        for told in each.parcels or ():
            known |= dict.fromkeys(told.ids, told)
    return [known[id] for id in parcel.ids if id in known]


def _heard_at(said: Said) -> tuple[datetime, bool, str]:
    return said.sent_at or said.written_at or _LATEST, said.template == CORRECTED, said.key


def last_told_at(order: Order, said: Iterable[Said]) -> datetime | None:
    """When the buyer last read that something left."""
    return max((each.sent_at for each in said if _reached(each, LEFT) and each.sent_at), default=None)


def together_until(order: Order, said: tuple[Said, ...]) -> datetime | None:
    """Until when what has left waits for what leaves in the same hour; None if nothing more will follow.

    Where nobody says whether more will follow, the first goes at once and the others wait.
    """
    waiting = news(order, said)
    if not waiting or order.surely_all_shipped:
        return None
    if order.all_shipped:
        before = last_told_at(order, said)
        return before + TOGETHER if before else None
    return (waiting[0].shipped_at or _LATEST) + TOGETHER


def parcel_of(order: Order, id: Any) -> Parcel | None:
    """The whole parcel of which one name is given, also one that was taken back."""
    return order.parcels_by_id.get(id)


def _reached(said: Said, template: str) -> bool:
    return said.template == template and said.state in REACHED


def _ids(said: Said, order: Order) -> set[str]:
    if said.parcels is None:
        return {said.key.removeprefix(f"{said.template}:{order.id}:")}
    return {id for told in said.parcels for id in told.ids}


def _off(said: Said, order: Order) -> set[str]:
    """The ids of the parcel that was told to be off, by what is known now: a number that nobody had told of a
    parcel yet may have been taken for another's."""
    name = AGAIN.sub("", said.key.removeprefix(f"{TAKEN_BACK}:{order.id}:"))
    parcel = parcel_of(order, name)
    return set(parcel.ids) if parcel else _ids(said, order)

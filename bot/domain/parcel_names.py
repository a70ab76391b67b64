"""One parcel is one parcel by any of its names: the records of an order joined, whatever came first.

Names are the id under which a system keeps it, its tracking number now, and the names that a system tells
beside these. A number that was corrected still leads to its parcel, unless another has it now. What leaves
without any name is the parcel that left first; what arrives by a number that nobody told is the first of
those that left without a number.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from bot.domain.parcels import READY, Parcel, surest, tracking_number

_replace = msgspec.structs.replace
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_SEVERAL = re.compile(r"[,，;；]")  # platforms write the numbers of one parcel into one field
_UNREAD = re.compile(r"[\s\-‐–—]")

CACHED = 4096  # names of parcels, which are compared again with each fact of their order

Group = list[Parcel]


def joined(records: tuple[Parcel, ...]) -> tuple[Parcel, ...]:
    """Every parcel once, those that were taken back included, in the order of their ids."""
    groups = [[record] for record in records]
    if len(records) > 1:
        groups = _by_unknown_numbers(_unnamed(_by_former_numbers(_by_names(records))))
    parcels = (_left_when_ready(_joined(group), group) for group in groups)
    return tuple(sorted(parcels, key=lambda parcel: parcel.id))


@lru_cache(maxsize=CACHED)
def plain(name: str) -> str:
    """A name as it is compared: without the spaces and dashes that people put in."""
    return _UNREAD.sub("", name).casefold()


@lru_cache(maxsize=CACHED)
def numbers_in(tracking: str | None) -> frozenset[str]:
    return frozenset(plain(part) for part in _SEVERAL.split(tracking or "") if tracking_number(part))


def _by_names(records: Iterable[Parcel]) -> list[Group]:
    """Join the records that share a name, also if only a third one shares a name with each of them."""
    nameless: list[Group] = []
    of_name: dict[str, Group] = {}
    for record in records:
        names = _names(record)
        if not names:
            nameless.append([record])
            continue
        known = {id(group): group for name in names if (group := of_name.get(name))} or {0: Group()}
        largest, *others = sorted(known.values(), key=len, reverse=True)
        largest.append(record)
        for other in others:
            largest += other
            names |= {name for each in other for name in _names(each)}
        of_name |= dict.fromkeys(names, largest)
    return [*nameless, *{id(group): group for group in of_name.values()}.values()]


def _names(record: Parcel) -> set[str]:
    names = {plain(name) for name in (*record.names, *record.arrival_numbers)} | numbers_in(record.tracking)
    return names | {plain(record.id)} if record.named else names


def _by_former_numbers(groups: list[Group]) -> list[Group]:
    """Join what is known by a number alone to the parcel that had this number before."""
    kept, by_number = _parted(groups, lambda group: all(map(_by_number, group)))
    if not by_number:
        return kept
    owners = sorted(kept, key=_key)
    had: dict[str, int] = {}  # number -> the first of the owners that had it
    for place, owner in enumerate(owners):
        for number in _former(owner):
            had.setdefault(number, place)
    for group in sorted(by_number, key=_key):
        places = [had[name] for each in group for name in _names(each) if name in had]
        if not places:
            kept.append(group)
            continue
        place = min(places)
        owners[place].extend(group)
        for number in _former(group):
            had[number] = min(place, had.get(number, place))
    return kept


def _former(group: Group) -> set[str]:
    return {part for each in group for number in each.known_numbers for part in numbers_in(number.tracking)}


def _by_number(record: Parcel) -> bool:
    """True if its id is a tracking number, so that whoever told of it keeps no other name for it."""
    id = plain(record.id)
    if record.by_number or id in numbers_in(record.tracking):
        return True
    return any(id in numbers_in(number.tracking) for number in record.numbers) if record.numbers else False


def _unnamed(groups: list[Group]) -> list[Group]:
    kept, unnamed = _parted(groups, lambda group: not any(each.named or each.tracking for each in group))
    left = [group for group in kept if _left(group)] if unnamed else []
    if not left:
        return groups
    min(left, key=_key).extend(record for group in unnamed for record in group)
    return kept


def _by_unknown_numbers(groups: list[Group]) -> list[Group]:
    """Join what arrived by a number that nobody told to what left without one: first left, first arrived."""
    kept, unknown = _parted(groups, lambda group: all(each.by_number for each in group) and not _left(group))
    if not unknown:
        return kept
    numberless = sorted((group for group in kept if _left(group) and not _numbered(group)), key=_key)
    for group in sorted(unknown, key=_told_at):
        if numberless:
            numberless.pop(0).extend(_replace(each, guessed=True) for each in group)
        else:
            kept.append(group)
    return kept


def _left(group: Group) -> bool:
    return any(each.shipped_at for each in group)


def _numbered(group: Group) -> bool:
    return any(each.tracking or each.arrival_numbers or each.by_number for each in group)


def _told_at(group: Group) -> tuple[datetime, str]:
    times = (at for each in group for at in (each.delivered_at, each.cancelled_at) if at)
    return min(times, default=_NEVER), min(each.id for each in group)


def _key(group: Group) -> tuple[datetime, str]:
    """First those that left first."""
    return min((each.shipped_at or _NEVER, each.id) for each in group)


def _parted(groups: list[Group], test: Callable[[Group], bool]) -> tuple[list[Group], list[Group]]:
    """Those that fail the test, and those that pass it."""
    parts: tuple[list[Group], list[Group]] = ([], [])
    for group in groups:
        parts[test(group)].append(group)
    return parts


def _joined(group: Group) -> Parcel:
    if len(group) == 1:
        alone = group[0]
        return _replace(alone, taken_back=True) if _gone(alone, None) else _since_it_left(alone, group)
    whole = sorted(group, key=lambda each: _key([each]))
    live = [each for each in whole if not _gone(each, None)]
    shown = max(whole, key=lambda each: (bool(each.tracking), each.shown_at or _EVER, each.id))
    moved = max(whole, key=lambda each: (each.moved_at or _EVER, each.status or "", each.id))
    parcel = Parcel(
        id=whole[0].id,
        shipped_at=_earliest(each.shipped_at for each in whole),
        left_at=_latest(each.left_at or each.shipped_at for each in whole),
        shown_at=shown.shown_at,
        carrier=shown.carrier,
        tracking=shown.tracking,
        tracking_url=shown.tracking_url,
        last=surest(each.last for each in live),
        pieces=_sum(each.pieces for each in live),
        packed=_packed(live),
        followed=any(each.followed for each in whole),
        moved_at=moved.moved_at,
        status=moved.status,
        attempted_at=_earliest(each.attempted_at for each in whole),
        failed_at=_latest(each.failed_at for each in whole),
        ready_at=_earliest(each.ready_at for each in whole),
        delivered_at=_earliest(each.delivered_at for each in whole),
        cancelled_at=_latest(each.cancelled_at for each in whole),
        also=tuple(each.id for each in whole),
        taken_back=_taken_back(whole),
        guessed=any(each.guessed for each in whole),
    )
    return parcel if parcel.taken_back else _since_it_left(parcel, whole)


def _left_when_ready(parcel: Parcel, group: Group) -> Parcel:
    """What waits for the buyer has left the shop's hands, also if nobody told of that."""
    if parcel.shipped_at or parcel.ready_at is None:
        return parcel
    numbers = {each.id for each in group if each.by_number}
    numbers |= {number for each in group for number in each.arrival_numbers}
    return _replace(parcel, shipped_at=parcel.ready_at, tracking=min(numbers, default=None))


def _since_it_left(parcel: Parcel, group: Group) -> Parcel:
    """What the carrier told before it was taken back is not of the parcel that left again."""
    back = parcel.cancelled_at
    if back is None or parcel.again_at is None:
        return parcel
    moved = parcel.moved_at is not None and parcel.moved_at > back
    return _replace(
        parcel,
        delivered_at=_earliest(_after(parcel.again_at, (at for each in group for at in each.arrival_times))),
        moved_at=parcel.moved_at if moved else None,
        status=parcel.status if moved else None,
        failed_at=_earliest(_after(back, [parcel.failed_at])),
        attempted_at=_earliest(_after(back, [parcel.attempted_at])),
        ready_at=_earliest(
            _after(back, [parcel.ready_at, parcel.moved_at if parcel.status == READY else None])
        ),
    )


def _after(time: datetime, times: Iterable[datetime | None]) -> list[datetime]:
    return [at for at in times if at and at > time]


def _taken_back(group: Group) -> bool:
    """True if each system that keeps it under a name of its own took it back, or if that was told of the
    parcel by its number alone. Who only repeats the number does not hear of a taking back."""
    left = [each for each in group if each.shipped_at]
    if not left:
        return any(each.cancelled_at and _gone(each, None) for each in group)
    owners = [each for each in left if each.named and not _by_number(each)] or left
    theirs = {each.id for each in owners}
    general = _latest(each.cancelled_at for each in group if each.id not in theirs)
    return all(_gone(each, general) for each in owners)


def _gone(record: Parcel, general: datetime | None) -> bool:
    """True if it was taken back after it left for the last time."""
    out_at, times = record.out_at, (record.cancelled_at, general)
    return any(at is not None and (out_at is None or at >= out_at) for at in times)


def _packed(group: Group) -> dict[str, int] | None:
    counts: dict[str, int] | None = None
    for each in group:
        for line, count in (each.packed or {}).items():
            counts = counts or {}
            counts[line] = counts.get(line, 0) + count
    return counts


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at), default=None)


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at), default=None)

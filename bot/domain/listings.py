"""What a seller's files tell of an order, apart from what systems tell, and both of them joined.

A line of a file shows an order as it stood at a time. All showings are kept, as far as they differ; the
newest one that says something of a fact decides on it. So a newer line takes back what an older one told,
whichever came first, and never what a system told. A line without a time of its own takes nothing back.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec

from bot.domain.events import (
    CANCELLED,
    COMPLETED,
    DELIVERED,
    ListedParcel,
    ListedSum,
    Listing,
    OrderShipped,
    ParcelCancelled,
)
from bot.domain.money import Money
from bot.domain.parcel_names import joined, numbers_in, plain
from bot.domain.parcels import UNNAMED, Parcel, ParcelEvent, with_parcel
from bot.domain.payments import NEWEST, Paid, Refund
from bot.domain.registers import first

SOURCE = "import"  # of money, which a system may tell of as well

_replace = msgspec.structs.replace
_encode = msgspec.json.encode


class ToldFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of an order that files tell as well, named as in the order."""

    payments: tuple[Paid, ...] = ()
    refunds: tuple[Refund, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    all_delivered_at: datetime | None = None
    all_delivered_last_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    reopened_at: datetime | None = None
    cancellations: tuple[datetime, ...] = ()
    reopenings: tuple[datetime, ...] = ()


def with_listing(known: Iterable[Listing], new: Listing) -> tuple[Listing, ...]:
    """The showings with one more, oldest first: of each content the first and the newest ones."""
    times: dict[bytes, dict[datetime, Listing]] = defaultdict(dict)
    for listing in (*known, new):
        times[_encode(_replace(listing, at=new.at))][listing.at] = listing
    kept = [those[at] for those in times.values() for at in {min(those), *sorted(those)[-NEWEST:]}]
    return tuple(sorted(kept, key=lambda listing: (listing.at, _encode(listing))))


def with_files(told: ToldFacts, listed: tuple[Listing, ...]) -> ToldFacts:
    """What systems told, with what the files tell."""
    parcels = told.parcels
    for event in _parcel_events(listed, told.parcels):
        parcels = with_parcel(parcels, event)
    begun, ended = _cancellings(told, listed)
    delivered_at = _since(DELIVERED, told.all_delivered_at, listed)
    return ToldFacts(
        payments=(*told.payments, *_payments(listed)),
        refunds=(*told.refunds, *_refunds(listed)),
        parcels=parcels,
        all_delivered_at=delivered_at,
        all_delivered_last_at=_arrived_last(delivered_at, told.all_delivered_last_at, parcels, listed),
        completed_at=_since(COMPLETED, told.completed_at, listed),
        cancelled_at=max((*_times(told.cancelled_at), *begun), default=None),
        reopened_at=max((*_times(told.reopened_at), *ended), default=None),
        cancellations=_with(told.cancellations or _times(told.cancelled_at), begun),
        reopenings=_with(told.reopenings or _times(told.reopened_at), ended),
    )


# Money


def _paid(listing: Listing) -> ListedSum | None:
    return listing.paid


def _refunded(listing: Listing) -> ListedSum | None:
    return listing.refunded


def _sums(
    listed: Iterable[Listing], of: Callable[[Listing], ListedSum | None]
) -> list[tuple[Listing, ListedSum]]:
    """What was told of a sum, the oldest first; of one time the larger, and the whole, is newer."""
    told = [(listing, sum) for listing in listed if (sum := of(listing)) is not None]
    return sorted(told, key=lambda each: (each[0].at, *_size(each[1]), _encode(each[0])))


def _size(sum: ListedSum) -> tuple[bool, int, str]:
    return (True, 0, "") if sum.amount is None else (False, sum.amount.minor, sum.amount.currency)


def _by_amount(sums: list[tuple[Listing, ListedSum]]) -> dict[Money | None, list[tuple[Listing, ListedSum]]]:
    found: dict[Money | None, list[tuple[Listing, ListedSum]]] = defaultdict(list)
    for listing, sum in sums:
        if sum.amount is None or sum.amount.minor:
            found[sum.amount].append((listing, sum))
    return found


def _payments(listed: Iterable[Listing]) -> list[Paid]:
    sums = _sums(listed, _paid)
    return [
        Paid(
            id=_name(amount),
            at=min(sum.at for _, sum in told),
            amount=amount,
            method=told[-1][0].method,
            source=SOURCE,
            so_far=True,
            over=amount != sums[-1][1].amount,
        )
        for amount, told in _by_amount(sums).items()
    ]


def _refunds(listed: Iterable[Listing]) -> list[Refund]:
    sums = _sums(listed, _refunded)
    return [
        Refund(
            id=_name(amount),
            at=min(sum.at for _, sum in told),
            amount=amount,
            source=SOURCE,
            so_far=True,
            over=amount != sums[-1][1].amount,
        )
        for amount, told in _by_amount(sums).items()
    ]


def _name(amount: Money | None) -> str:
    return f"listed {amount.minor} {amount.currency}" if amount else "listed all"


def paid_fell(listed: Iterable[Listing]) -> list[datetime]:
    """When a file showed less as paid than an older one."""
    return _falls(_sums(listed, _paid))


def refund_fell(listed: Iterable[Listing]) -> list[datetime]:
    """When a file showed less as paid back than an older one."""
    return _falls(_sums(listed, _refunded))


def _falls(sums: list[tuple[Listing, ListedSum]]) -> list[datetime]:
    return [listing.at for (_, was), (listing, now) in pairwise(sums) if _size(now) < _size(was)]


# Parcels


def _parcel_events(listed: tuple[Listing, ...], told: tuple[Parcel, ...]) -> list[ParcelEvent]:
    """Each parcel as it left and was taken back. Another number is another parcel: only a line by which
    nothing has left takes parcels back, and none of which a system tells."""
    elsewhere = [parcel for parcel in joined(told) if parcel.shipped_at and not parcel.taken_back]
    shown: dict[str, list[tuple[Listing, ListedParcel]]] = defaultdict(list)
    for listing in listed:
        for parcel in listing.parcels or ():
            shown[parcel.parcel].append((listing, parcel))
    return [
        event
        for id, showings in shown.items()
        for event in _moves(id, showings, [] if _is_among(id, elsewhere) else listed)
    ]


def _arrived_last(
    first_at: datetime | None, told_at: datetime | None, parcels: Iterable[Parcel], listed: Iterable[Listing]
) -> datetime | None:
    """When the arrival was told last, if that is not the first time: the day in a file may be older than the
    line that took a parcel back."""
    back = max((at for parcel in parcels if (at := parcel.cancelled_at)), default=None)
    shown = max((each.at for each in listed if each.steps.get(DELIVERED)), default=None)
    anew = first_at and back and shown and first_at <= back < shown
    return max((*_times(told_at), *_times(shown if anew else None)), default=None)


def _is_among(id: str, parcels: list[Parcel]) -> bool:
    """What has no name may be any of them."""
    if id == UNNAMED:
        return bool(parcels)
    names = {plain(id), *numbers_in(id)}
    return any(names & ({*map(plain, each.ids)} | numbers_in(each.tracking)) for each in parcels)


def _moves(
    id: str, shown: list[tuple[Listing, ListedParcel]], listed: Iterable[Listing]
) -> Iterator[ParcelEvent]:
    times = {listing.at for listing, _ in shown}
    gone: list[tuple[datetime, Listing, ListedParcel | None]] = [
        (listing.at, listing, None)
        for listing in listed
        if listing.timed and listing.parcels == () and listing.at not in times
    ]
    there, back, again_at = False, False, None
    for at, listing, parcel in sorted(
        [*gone, *((each.at, each, parcel) for each, parcel in shown)], key=_when
    ):
        if parcel is not None:
            again_at = again_at or (at if back else None)
            there = True
            yield _left(listing, parcel, max(parcel.at, again_at or parcel.at))
        elif there:
            there, back, again_at = False, True, None
            yield ParcelCancelled(**_NOBODYS, at=at, parcel=None if id == UNNAMED else id)


def _when(each: tuple[datetime, Listing, object]) -> tuple[datetime, bytes]:
    return each[0], _encode(each[1])


_NOBODYS: dict[str, Any] = {
    "channel": SOURCE,
    "external_id": "",
    "order": "",
}  # facts of a record, of which no event tells


def _left(listing: Listing, parcel: ListedParcel, at: datetime) -> OrderShipped:
    return OrderShipped(
        **_NOBODYS,
        at=at,
        parcel=parcel.parcel,
        named=parcel.tracking is not None,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
        tracking_url=parcel.link,
        shown_at=listing.at,
    )


# Steps


def _runs(name: str, listed: Iterable[Listing]) -> list[tuple[datetime, datetime | None]]:
    """From when a step was shown as done, and until when, each time. Done anew, it was after that."""
    said = {
        (listing.at, since is None, since or listing.at)
        for listing in listed
        if name in listing.steps and ((since := listing.steps[name]) or listing.timed)
    }
    done = {at for at, not_so, _ in said if not not_so}
    runs: list[tuple[datetime, datetime | None]] = []
    for at, not_so, since in sorted(said):
        began, ended = runs[-1] if runs else (None, None)
        if not_so:
            if began and ended is None and at not in done:
                runs[-1] = (began, at)
        elif began is None:
            runs.append((since, None))
        elif ended is not None:
            runs.append((max(since, at), None))
        elif len(runs) == 1:
            runs[-1] = (min(began, since), None)
    return runs


def taken_back(listed: Iterable[Listing]) -> dict[str, datetime]:
    """The steps after leaving that are not done any more by the files, and when that was shown."""
    ends = {name: _runs(name, listed) for name in (DELIVERED, COMPLETED)}
    return {name: ended for name, runs in ends.items() if runs and (ended := runs[-1][1])}


def _since(name: str, told: datetime | None, listed: Iterable[Listing]) -> datetime | None:
    runs = _runs(name, listed)
    return first(told, runs[-1][0]) if runs and runs[-1][1] is None else told


def _cancellings(told: ToldFacts, listed: Iterable[Listing]) -> tuple[list[datetime], list[datetime]]:
    """When files showed the order as cancelled, and as going on. They undo no cancelling of a system's."""
    runs = _runs(CANCELLED, listed)
    stands = told.cancelled_at
    if stands and told.reopened_at and told.reopened_at >= stands:
        stands = None
    ended = [at for _, at in runs if at and (stands is None or at < stands)]
    return [began for began, _ in runs], ended


def _with(known: tuple[datetime, ...], more: list[datetime]) -> tuple[datetime, ...]:
    return tuple(sorted({*known, *more}))


def _times(at: datetime | None) -> tuple[datetime, ...]:
    return (at,) if at else ()


# A line without a time


def contradicts(new: Listing, listed: tuple[Listing, ...]) -> bool:
    """True if a line without a time of its own shows something otherwise than it stands by all lines: nobody
    can tell which of them is newer."""
    if new.timed:
        return False
    for told, of in ((new.paid, _paid), (new.refunded, _refunded)):
        if told is not None and (sums := _sums(listed, of)) and _size(sums[-1][1]) != _size(told):
            return True
    for name, since in new.steps.items():
        runs = _runs(name, listed)
        if (since is not None) != bool(runs and runs[-1][1] is None):
            return True
    return new.parcels is not None and bool(new.parcels) != _something_left(listed)


def _something_left(listed: tuple[Listing, ...]) -> bool:
    parcels: tuple[Parcel, ...] = ()
    for event in _parcel_events(listed, ()):
        parcels = with_parcel(parcels, event)
    return any(parcel.shipped_at and not parcel.taken_back for parcel in joined(parcels))

"""The parcels of an order: facts merged so that the order of their arrival does not matter.

What is told under one name is a record; a parcel may be told under several, see `parcel_names`.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from bot.domain.events import OrderDelivered, OrderShipped, ParcelCancelled, ParcelMoved
from bot.domain.registers import TIMES_KEPT, each_once, first, last, spread

ParcelEvent = OrderShipped | ParcelMoved | ParcelCancelled | OrderDelivered

UNNAMED = "1"  # the id of what is told without a name
FAILURE = "failure"  # the carrier gave up
ATTEMPTED = "attempted_delivery"  # nobody was there
READY = "ready_for_pickup"  # it waits for the buyer, in a shop or at a pickup point
FETCHED = "picked_up"

_NO_NUMBER = re.compile(r"[\W_0]*|(?![A-Za-z]$)\D*")  # words and signs; one letter may be a name
_replace = msgspec.structs.replace


class Number(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tracking number and carrier that a record had, None for none, and the times at which it was told."""

    tracking: str | None
    first: datetime
    last: datetime
    between: tuple[datetime, ...] = ()  # the newest of those between the first and the last
    carrier: str | None = None

    @property
    def times(self) -> tuple[datetime, ...]:
        return tuple(sorted({self.first, *self.between, self.last}))

    def also_at(self, *times: datetime) -> "Number":
        every = sorted({*self.times, *times})
        return _replace(self, first=every[0], last=every[-1], between=tuple(every[1:-1][-TIMES_KEPT:]))


class Parcel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    shipped_at: datetime | None = None
    left_at: datetime | None = None  # the last time it left; None: `shipped_at`
    left_between: tuple[datetime, ...] = ()  # the newest of those between
    shown_at: datetime | None = None  # of carrier, tracking and link: the newest wins
    carrier: str | None = None
    tracking: str | None = None
    tracking_url: str | None = None
    last: bool | None = None
    last_at: datetime | None = None
    pieces: int | None = None
    packed: dict[str, int] | None = None  # pieces by the id of their line
    followed: bool = False  # some platform reports its movement and arrival
    unfollowed: bool = False  # it is followed, and was also told by one that reports neither
    moved_at: datetime | None = None
    status: str | None = None
    attempted_at: datetime | None = None
    failed_at: datetime | None = None
    ready_at: datetime | None = None  # the buyer fetches it, and has been able to since then
    ready_later: tuple[datetime, ...] = ()  # the newest times at which that was told again
    delivered_at: datetime | None = None
    delivered_between: tuple[datetime, ...] = ()
    delivered_last_at: datetime | None = None  # where its arrival was told under several times
    cancelled_at: datetime | None = None
    cancelled_between: tuple[datetime, ...] = ()
    first_cancelled_at: datetime | None = None  # where it was taken back under several times
    numbers: tuple[Number, ...] = ()  # see `known_numbers`
    names: tuple[str, ...] = ()  # more names of the system that told it
    arrival_numbers: tuple[str, ...] = ()  # numbers told of its arrival or its taking back
    named: bool = True  # False: told without any name
    by_number: bool = (
        False  # its id is a tracking number by which somebody told something else than its leaving
    )
    also: tuple[str, ...] = ()  # ids of all records of this parcel; only of a joined one
    taken_back: bool = False  # only of a joined one
    guessed: bool = False  # only of a joined one: a number that nobody told is taken for its own

    @property
    def ids(self) -> tuple[str, ...]:
        return self.also or (self.id,)

    @property
    def known_numbers(self) -> tuple[Number, ...]:
        """Every number that it had; kept only where they tell more than the newest showing."""
        if self.numbers or self.shown_at is None:
            return self.numbers
        return (Number(self.tracking, self.shown_at, self.shown_at, carrier=self.carrier),)

    @property
    def left_times(self) -> tuple[datetime, ...]:
        return each_once(self.shipped_at, *self.left_between, self.left_at)

    @property
    def out_times(self) -> tuple[datetime, ...]:
        """When it was told to leave, or that the buyer can fetch it, or did."""
        return each_once(*self.left_times, self.ready_at, *self.ready_later)

    @property
    def seen_at(self) -> datetime | None:
        """The newest sign of life."""
        return max((at for at in (self.left_at or self.shipped_at, self.moved_at) if at), default=None)

    @property
    def sent_at(self) -> datetime | None:
        """When it left, by what is true now: after it was taken back, when it left again."""
        return self.again_at or self.shipped_at

    @property
    def again_at(self) -> datetime | None:
        """When it left again after it was taken back."""
        back = self.first_cancelled_at or self.cancelled_at
        return self.out_at if self.out_at and back and back < self.out_at else None

    @property
    def out_at(self) -> datetime | None:
        """When it left the shop's hands for the last time; what the buyer can fetch has left them."""
        waits = self.moved_at if self.status in (READY, FETCHED) else None
        return max((at for at in (self.left_at or self.shipped_at, waits) if at), default=None)

    def was_out(self, at: datetime) -> bool:
        """True if it had left by then, was ready or came, and was not taken back since."""
        out = max((time for time in (*self.out_times, *self.arrival_times) if time <= at), default=None)
        back = [time for time in self.off_times if time <= at]
        return out is not None and max(back, default=out) <= out

    @property
    def arrival_times(self) -> tuple[datetime, ...]:
        return each_once(self.delivered_at, *self.delivered_between, self.delivered_last_at)

    @property
    def off_times(self) -> tuple[datetime, ...]:
        return each_once(self.first_cancelled_at, *self.cancelled_between, self.cancelled_at)

    @property
    def ready(self) -> bool:
        """True while it waits for the buyer to fetch it."""
        return self.status == READY and not self.delivered_at

    @property
    def failed(self) -> bool:
        """True while the carrier's failure is the newest word of it."""
        if self.failed_at is None or self.delivered_at:
            return False
        return self.moved_at is None or self.moved_at <= self.failed_at


def with_parcel(parcels: tuple[Parcel, ...], event: ParcelEvent) -> tuple[Parcel, ...]:
    """The records with one more fact. What is taken back or ready without a name is what left without one."""
    waits = isinstance(event, ParcelMoved) and event.status == READY
    id = event.parcel or (UNNAMED if waits or isinstance(event, ParcelCancelled) else None)
    if id is None:
        return parcels
    old = next((parcel for parcel in parcels if parcel.id == id), None)
    new = _told(old or Parcel(id=id, named=False), event)
    others = (parcel for parcel in parcels if parcel.id != new.id)
    return tuple(sorted((*others, new), key=lambda parcel: parcel.id))


def _told(old: Parcel, event: ParcelEvent) -> Parcel:
    match event:
        case OrderShipped():
            return _shipped(old, event)
        case ParcelMoved(parcel=None):
            return _moved(old, event)
        case ParcelMoved():
            return _moved(_numbered(old, event.tracking), event)
        case ParcelCancelled(parcel=None):
            return _cancelled(old, event)
        case ParcelCancelled():
            return _cancelled(_numbered(old, event.tracking), event)
        case OrderDelivered():
            return _delivered(_numbered(old, event.tracking), event)


def _cancelled(old: Parcel, event: ParcelCancelled) -> Parcel:
    earliest, between, newest = spread(*old.off_times, event.at)
    return _replace(
        old,
        cancelled_at=newest or earliest,
        cancelled_between=between,
        first_cancelled_at=earliest if newest else None,
    )


def _delivered(old: Parcel, event: OrderDelivered) -> Parcel:
    earliest, between, newest = spread(*old.arrival_times, event.at)
    return _replace(old, delivered_at=earliest, delivered_between=between, delivered_last_at=newest)


def _moved(old: Parcel, event: ParcelMoved) -> Parcel:
    if event.status == FAILURE:
        old = _replace(old, failed_at=last(old.failed_at, event.at))
    if event.status == ATTEMPTED:
        old = _replace(old, attempted_at=first(old.attempted_at, event.at))
    if event.status in (READY, FETCHED):
        earliest, *later = each_once(old.ready_at, *old.ready_later, event.at)
        old = _replace(old, ready_at=earliest, ready_later=tuple(later[-TIMES_KEPT:]))
    newer = old.moved_at is None or (event.at, event.status) > (old.moved_at, old.status or "")
    return _replace(old, moved_at=event.at, status=event.status) if newer else old


def tracking_number(written: str | None) -> str | None:
    """A tracking number as it was written; None for what people write where there is none: "N/A", "-", "0".
    Such a word would make one parcel of all that carry it."""
    return None if _NO_NUMBER.fullmatch(written or "") else written


def _shipped(old: Parcel, event: OrderShipped) -> Parcel:
    shown_at, tracking = event.shown_at or event.at, tracking_number(event.tracking)
    shipped_at, between, left_at = spread(*old.left_times, event.at)
    parcel = _replace(
        _last(old, event, event.last_at or shown_at),
        shipped_at=shipped_at,
        left_at=left_at,
        left_between=between,
        followed=old.followed or event.followed,
        unfollowed=_both(old, event),
        named=old.named or event.named,
        names=_more(old.names, *event.names),
        numbers=with_number(old.known_numbers, Number(tracking, shown_at, shown_at, carrier=event.carrier)),
    )
    known = (old.carrier, old.tracking, old.tracking_url, old.pieces, old.packed)
    new = (event.carrier, tracking, event.tracking_url, event.pieces, event.packed)
    if old.shown_at is None or (old.shown_at, _content(known)) < (shown_at, _content(new)):
        parcel = _replace(
            parcel,
            shown_at=shown_at,
            carrier=event.carrier,
            tracking=tracking,
            tracking_url=event.tracking_url,
            pieces=event.pieces,
            packed=event.packed,
        )
    return without_repeats(parcel)


def _both(old: Parcel, event: OrderShipped) -> bool:
    if old.shipped_at is None:
        return False
    return old.unfollowed or old.followed != event.followed


def without_repeats(parcel: Parcel) -> Parcel:
    """Keep `left_at` only where it tells more than `shipped_at`, `numbers` more than the newest showing."""
    if parcel.left_at == parcel.shipped_at:
        parcel = _replace(parcel, left_at=None)
    plain = _replace(parcel, numbers=())
    return plain if plain.known_numbers == parcel.numbers else parcel


def _last(old: Parcel, event: OrderShipped, at: datetime) -> Parcel:
    """The newest word on `last` stays; a word that leaves it open says nothing."""
    if event.last is None or (old.last_at is not None and (old.last_at, bool(old.last)) >= (at, event.last)):
        return old
    return _replace(old, last=event.last, last_at=at)


def with_number(numbers: Iterable[Number], new: Number) -> tuple[Number, ...]:
    known = {(number.tracking, number.carrier): number for number in numbers}
    name = (new.tracking, new.carrier)
    known[name] = known[name].also_at(*new.times) if name in known else new
    return tuple(known[name] for name in sorted(known, key=lambda name: (name[0] or "", name[1] or "")))


def _numbered(old: Parcel, tracking: str | None) -> Parcel:
    if tracking == old.id:
        return _replace(old, named=True, by_number=True)
    return _replace(old, named=True, arrival_numbers=_more(old.arrival_numbers, tracking_number(tracking)))


def _more(known: tuple[str, ...], *names: str | None) -> tuple[str, ...]:
    return tuple(sorted({*known, *(name for name in names if name)}))


def _content(shown: tuple[object, ...]) -> tuple[str, ...]:
    carrier, tracking, link, pieces, packed = shown
    texts = (str(each or "") for each in (carrier, tracking, link))
    count = "" if pieces is None else f"{pieces:09}"
    return (*texts, count, str(sorted(packed.items())) if isinstance(packed, dict) else "")


def surest(words: Iterable[bool | None]) -> bool | None:
    return max(words, key=(None, False, True).index, default=None)

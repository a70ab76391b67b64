"""The parcels of an order: facts merged so that the order of their arrival does not matter."""

from datetime import datetime

import msgspec

from bot.domain.events import OrderDelivered, OrderShipped, ParcelMoved
from bot.domain.registers import first

_replace = msgspec.structs.replace


class Parcel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    shipped_at: datetime | None = None
    shown_at: datetime | None = None  # of carrier, tracking and link: the newest wins
    carrier: str | None = None
    tracking: str | None = None
    tracking_url: str | None = None
    last: bool | None = None
    pieces: int | None = None
    followed: bool = False  # some platform reports its movement and arrival
    moved_at: datetime | None = None
    status: str | None = None
    delivered_at: datetime | None = None


def with_parcel(
    parcels: tuple[Parcel, ...], event: OrderShipped | ParcelMoved | OrderDelivered
) -> tuple[Parcel, ...]:
    if event.parcel is None:
        return parcels
    old = next((parcel for parcel in parcels if parcel.id == event.parcel), Parcel(id=event.parcel))
    match event:
        case OrderShipped():
            new = _shipped(old, event)
        case ParcelMoved():
            key = (event.at, event.status)
            newer = old.moved_at is None or key > (old.moved_at, old.status or "")
            new = _replace(old, moved_at=event.at, status=event.status) if newer else old
        case OrderDelivered():
            new = _replace(old, delivered_at=first(old.delivered_at, event.at))
    others = (parcel for parcel in parcels if parcel.id != new.id)
    return tuple(sorted((*others, new), key=lambda parcel: parcel.id))


def _shipped(old: Parcel, event: OrderShipped) -> Parcel:
    """The surest value of `last` stays, as a corrected number says nothing of later parcels."""
    parcel = _replace(old, shipped_at=first(old.shipped_at, event.at), last=_surest(old.last, event.last))
    parcel = _replace(parcel, followed=old.followed or event.followed)
    shown_at = event.shown_at or event.at
    new = (event.carrier or "", event.tracking or "", event.tracking_url or "", _count(event.pieces))
    known = (old.carrier or "", old.tracking or "", old.tracking_url or "", _count(old.pieces))
    if old.shown_at is not None and (old.shown_at, known) >= (shown_at, new):
        return parcel
    return _replace(
        parcel,
        shown_at=shown_at,
        carrier=event.carrier,
        tracking=event.tracking,
        tracking_url=event.tracking_url,
        pieces=event.pieces,
    )


def _count(pieces: int | None) -> int:
    return -1 if pieces is None else pieces


def _surest(one: bool | None, other: bool | None) -> bool | None:
    return max((one, other), key=(None, False, True).index)

"""What lines of files told of an order, one by one as systems tell it, for rules that read events."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bot.domain.events import (
    CANCELLED,
    COMPLETED,
    DELIVERED,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderEvent,
    OrderListed,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    ParcelCancelled,
    PaymentReceived,
)
from bot.domain.money import Money

_STEPS: dict[str, Callable[..., OrderEvent]] = {
    CANCELLED: OrderCancelled,
    DELIVERED: OrderDelivered,
    COMPLETED: OrderCompleted,
}


def with_parts(told: Sequence[OrderEvent]) -> tuple[OrderEvent, ...]:
    """The events, and what the lines among them tell."""
    lines = sorted((event for event in told if isinstance(event, OrderListed)), key=lambda each: each.at)
    if not lines:
        return tuple(told)
    parts = [part for line in lines for part in _steps(line)]
    if not any(isinstance(event, OrderShipped) for event in told):
        parts += _taken_back(lines)
    return (*told, *parts, *_refunds(lines))


def _of(line: OrderListed) -> dict[str, Any]:
    return {"channel": line.channel, "external_id": "", "order": line.order}


def _steps(line: OrderListed) -> Iterator[OrderEvent]:
    listing, of = line.listing, _of(line)
    if listing.paid and (listing.paid.amount is None or listing.paid.amount.minor):
        yield PaymentReceived(**of, at=listing.paid.at, amount=listing.paid.amount)
    for each in listing.parcels or ():
        yield OrderShipped(**of, at=each.at, parcel=each.parcel, tracking=each.tracking)
    for step, since in listing.steps.items():
        if since:
            yield _STEPS[step](**of, at=since)
        elif step == CANCELLED and listing.timed:
            yield OrderReopened(**of, at=listing.at)


def _taken_back(lines: Iterable[OrderListed]) -> Iterator[OrderEvent]:
    """Nothing has left by a newer line."""
    left: dict[str, None] = {}
    for line in lines:
        if line.listing.parcels == () and line.listing.timed:
            for parcel in left:
                yield ParcelCancelled(**_of(line), at=line.at, parcel=parcel)
            left = {}
        left |= dict.fromkeys(each.parcel for each in line.listing.parcels or ())


def _refunds(lines: Iterable[OrderListed]) -> Iterator[OrderEvent]:
    """What each line shows as paid back beyond what had been before."""
    so_far = 0
    for line in lines:
        back = line.listing.refunded
        if back is None or (back.amount is not None and back.amount.minor <= so_far):
            continue
        more = back.amount and Money(back.amount.minor - so_far, back.amount.currency)
        so_far = back.amount.minor if back.amount else so_far
        name = f"listed {back.amount.minor}" if back.amount else "listed"
        yield OrderRefunded(**_of(line), at=back.at, refund=name, amount=more, source="import")

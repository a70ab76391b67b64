"""Keep people who were erased out of the records: what arrives late about them, and their stops.

Only shops that have erased somebody ask for this. A fact about an erased order counts for the books and is
stored without the person; what they wrote before the erasure and arrives after it changes nothing; whoever
comes back gets a new file. An address whose owner had stopped is stopped again as soon as it is named.
"""

from collections.abc import Iterable

import msgspec

from bot.domain.erasing import (
    Digest,
    addresses_of,
    anonymous_event,
    anonymous_order,
    identities_in,
    is_erased,
    merged,
)
from bot.domain.events import (
    BotSwitched,
    BuyerOptedOut,
    BuyerUpdated,
    Event,
    MessageStatusChanged,
    OrderEvent,
    OrderPlaced,
    TimeCame,
    dump_event,
)
from bot.domain.orders import Order
from bot.domain.wishes import AddressKey, Wish
from bot.react.unit_of_work import UnitOfWork
from storage import erasures, inbox
from storage.asking import Asking
from storage.erasures import ErasedRow
from storage.wish_records import WishRecord

SYNCED = (BuyerUpdated, MessageStatusChanged, BotSwitched)  # told by a platform, and no act of the buyer's


class Forgetting:
    """What one batch must not know any more. on: False for a shop that has erased nobody."""

    def __init__(self, work: UnitOfWork, digest: Digest, on: bool) -> None:
        self._work = work
        self._digest = digest
        self._on = on
        self._known: dict[str, ErasedRow] = {}
        self._bodies: list[dict[str, object]] = []
        self._orders: dict[str, None] = {}  # hashes of orders that came to be known as theirs
        self._stops: dict[str, ErasedRow] = {}
        self._taken_over: set[str] = set()

    def read(self, events: Iterable[Event]) -> Asking[None]:
        """Read which of these events' orders and addresses were erased."""
        if not self._on:
            return
        wanted: set[str] = set()
        for event in events:
            wanted |= {self._digest.address(each) for each in (*identities_in(event), *addresses_of(event))}
            wanted |= {self._digest.order(id) for id in _orders_of(event)}
        self._known = yield from erasures.known(wanted)

    def take(self, id: int, event: Event) -> bool:
        """Handle an event about somebody who was erased, and about nobody else; False if it is none."""
        if not self._known or not self._is_gone(event):
            return False
        if isinstance(event, OrderEvent):
            self._merge(event)
        elif isinstance(event, BuyerOptedOut):
            self._stop(event)
        hidden = anonymous_event(event, self._digest, id)
        self._bodies.append(
            {
                "id": id,
                "external_id": hidden.external_id,
                "thread": hidden.thread,
                "body": dump_event(hidden).decode(),
            }
        )
        return True

    def stop_again(self, event: Event) -> None:
        """Put back the stops of addresses that an event names."""
        for address in addresses_of(event) if self._known else ():
            digest = self._digest.address(address)
            row = self._known.get(digest)
            if row is None or not row.stopped or not row.stopped_at or digest in self._taken_over:
                continue
            wish = Wish(what="all" if row.stopped == "all" else "offers", yes=False, at=row.stopped_at)
            self._work.put_wish(
                WishRecord(address=address, wish=wish, channel=event.channel, event=event.external_id)
            )
            self._taken_over.add(digest)

    def write(self) -> Asking[None]:
        """Write what `take` and `stop_again` decided."""
        yield from inbox.rewrite(self._bodies)
        yield from erasures.remember(self._orders, self._work.now)
        yield from erasures.stop(self._stops.values())
        yield from erasures.taken_over(self._taken_over)

    def _is_gone(self, event: Event) -> bool:
        match event:
            case OrderEvent():
                order = self._work.orders.get(self._work.order_id(event))
                if order is not None:
                    return is_erased(order.buyer) or self._knows_order(order.id)
                return self._knows_order(event.order) or self._is_before(event)
            case TimeCame():
                return bool(event.order) and self._knows_order(event.order or "")
            case _ if isinstance(event, SYNCED):
                return self._is_before(event) or (self._names_erased(event) and not self._has_file(event))
            case _:
                return self._is_before(event)

    def _is_before(self, event: Event) -> bool:
        """True for a late word of somebody who was erased since."""
        at = event.placed_at if isinstance(event, OrderPlaced) else event.at
        return any(at <= row.at for row in self._named(event))

    def _names_erased(self, event: Event) -> bool:
        return any(True for _ in self._named(event))

    def _named(self, event: Event) -> Iterable[ErasedRow]:
        named = [self._digest.address(each) for each in self._proved(event)]
        return [row for digest in named if (row := self._known.get(digest))]

    def _proved(self, event: Event) -> Iterable[AddressKey]:
        if isinstance(event, BuyerOptedOut) and event.address:
            return [event.address]
        return identities_in(event)

    def _has_file(self, event: Event) -> bool:
        return any(self._work.owner(identity) for identity in identities_in(event))

    def _knows_order(self, id: str) -> bool:
        return self._digest.order(id) in self._known or self._digest.order(id) in self._orders

    def _merge(self, event: OrderEvent) -> None:
        id = self._work.order_id(event)
        known = self._work.orders.get(id) or Order(id=id, channel=event.channel)
        order = merged(anonymous_order(known, self._digest, known.buyer), event, self._digest)
        if not self._knows_order(id):
            self._orders[self._digest.order(id)] = None
        self._work.put_order(order)

    def _stop(self, event: BuyerOptedOut) -> None:
        """Keep a stop of an address that is known by its hash alone, or that one was taken back."""
        what = None if event.taken_back else "offers" if event.offers else "all"
        at = self._work.heard_at(event.at)
        for address in addresses_of(event):
            digest = self._digest.address(address)
            row = self._stops.get(digest) or self._known.get(digest)
            if row is None:
                continue
            newer = row.stopped_at is None or row.stopped_at < at
            if newer if what is None or row.stopped is None else row.stopped != "all":
                self._stops[digest] = msgspec.structs.replace(row, stopped=what, stopped_at=at)


def _orders_of(event: Event) -> tuple[str, ...]:
    if isinstance(event, OrderEvent):
        return event.order, f"{event.order}@{event.channel}"
    return (event.order,) if isinstance(event, TimeCame) and event.order else ()

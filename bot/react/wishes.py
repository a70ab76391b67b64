"""Record what addresses want to hear of us, each word once, by its own time."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain.events import BuyerRef, Event
from bot.domain.wishes import EMAIL, PHONE, AddressKey, Standing, Wish, standing
from bot.react.unit_of_work import UnitOfWork
from storage.wish_records import WishRecord


class Wishes:
    """The wishes of one batch."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def standing(self, address: AddressKey) -> Standing:
        """What holds for an address that `UnitOfWork.read` knew of."""
        return standing(self._work.wishes[address])

    def flag(self, event: Event, ref: BuyerRef, at: datetime, buyer: str | None) -> None:
        """Record the flag that a platform shows: the buyer's yes or no to offers, given at `at`.

        A yes with an address that is only said waits for the address to confirm it, where the shop wants so.
        """
        if ref.agrees is None:
            return
        proved = bool(ref.id) or not self._work.unit.shop.confirms_offers
        flag = f"{event.channel}:{ref.id or (ref.email or '').casefold() or ref.phone}"
        wish = Wish(
            what="offers", yes=ref.agrees, at=self._no_later(ref.agrees_at or at), flag=flag, confirmed=proved
        )
        self._add(addresses_in(event.channel, ref), wish, event, buyer)

    def stop(self, event: Event, addresses: Iterable[AddressKey], at: datetime, offers: bool = False) -> None:
        """Record that nothing more is wanted at these addresses, or no offers."""
        wish = Wish(what="offers" if offers else "all", yes=False, at=self._no_later(at))
        self._add(addresses, wish, event, None)

    def resume(self, event: Event, address: AddressKey, at: datetime) -> None:
        self._add([address], Wish(what="all", yes=True, at=self._no_later(at)), event, None)

    def want_offers(self, event: Event, address: AddressKey, at: datetime) -> None:
        self._add([address], Wish(what="offers", yes=True, at=self._no_later(at)), event, None)

    def _no_later(self, at: datetime) -> datetime:
        """A clock that runs ahead must not win over every later word."""
        return min(at, self._work.now)

    def _add(self, addresses: Iterable[AddressKey], wish: Wish, event: Event, buyer: str | None) -> None:
        for address in addresses:
            self._work.put_wish(
                WishRecord(
                    address=address, wish=wish, channel=event.channel, event=event.external_id, buyer=buyer
                )
            )


def addresses_in(channel: str, ref: BuyerRef) -> list[AddressKey]:
    """Every address that a reference names."""
    named = ((channel, ref.id), (EMAIL, ref.email and ref.email.casefold()), (PHONE, ref.phone))
    return [(kind, value) for kind, value in named if value]

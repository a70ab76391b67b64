"""Record what addresses want to hear of us, each word once, by its own time."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain.events import BuyerRef, BuyerUpdated, Event, OrderPlaced
from bot.domain.wishes import EMAIL, PHONE, AddressKey, Standing, Wish, mailbox, standing
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

        At an address that is only said a yes waits for the address to confirm it, where the shop wants so.
        A no there counts for nothing, nor does a yes in a chat: a stranger may have typed another's address.
        """
        if ref.agrees is None and ref.by_phone is None:
            return
        flag = f"{event.channel}:{ref.id or mailbox(ref.email) or ref.phone}"
        for address in addresses_in(event.channel, ref):
            said = ref.agreement(by_phone=address[0] == PHONE)
            proved = _is_proved(address, event, ref) and not said.single
            if said.yes is None or not (proved or _is_heard(said.yes, event)):
                continue
            confirmed = proved or not self._work.unit.shop.confirms_offers
            given_at = self._work.heard_at(said.at or at)
            wish = Wish(what="offers", yes=said.yes, at=given_at, flag=flag, confirmed=confirmed)
            self._add([address], wish, event, buyer)

    def stop(self, event: Event, addresses: Iterable[AddressKey], at: datetime, offers: bool = False) -> None:
        """Record that nothing more is wanted at these addresses, or no offers."""
        wish = Wish(what="offers" if offers else "all", yes=False, at=self._work.heard_at(at))
        self._add(addresses, wish, event, None)

    def resume(self, event: Event, address: AddressKey, at: datetime) -> None:
        """Record that messages are wanted again; an order that the stop kept from being confirmed is."""
        if address[0] == EMAIL or self.standing(address).stopped:
            self._work.let_confirm(address)
        self._add([address], Wish(what="all", yes=True, at=self._work.heard_at(at)), event, None)

    def want_offers(self, event: Event, address: AddressKey, at: datetime) -> None:
        self._add([address], Wish(what="offers", yes=True, at=self._work.heard_at(at)), event, None)

    def _add(self, addresses: Iterable[AddressKey], wish: Wish, event: Event, buyer: str | None) -> None:
        for address in addresses:
            self._work.put_wish(
                WishRecord(
                    address=address, wish=wish, channel=event.channel, event=event.external_id, buyer=buyer
                )
            )


def _is_proved(address: AddressKey, event: Event, ref: BuyerRef) -> bool:
    """What the channel itself gives, the shop's system verified, or a platform keeps in a buyer's file."""
    own_file = isinstance(event, BuyerUpdated) and bool(ref.id)
    return ref.verified or own_file or address == (event.channel, ref.id)


def _is_heard(yes: bool, event: Event) -> bool:
    """Whether a word counts for an address that is only said: in the shop's list, or a checkout's yes."""
    return isinstance(event, BuyerUpdated) or (yes and isinstance(event, OrderPlaced))


def addresses_in(channel: str, ref: BuyerRef) -> list[AddressKey]:
    """Every address that a reference names."""
    named = ((channel, ref.id), (EMAIL, mailbox(ref.email)), (PHONE, ref.phone))
    return [(kind, value) for kind, value in named if value]

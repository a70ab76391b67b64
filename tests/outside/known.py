"""What was told of one order up to a place, summed up without asking the program.

Where what was told can be understood in two ways, the answer is None: no rule finds anything there.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from tests.outside.facts import (
    Address,
    Cancelled,
    Carried,
    Completed,
    Contact,
    Delivered,
    OrderFact,
    Paid,
    Placed,
    Refunded,
    Restored,
    Reviewed,
    Shipped,
    TakenBack,
    Voided,
)
from tests.outside.history import History

_Kind = TypeVar("_Kind", bound=OrderFact)


class Known:
    """An order as it stands by the facts told before `before`; by all of them without it."""

    def __init__(self, history: History, order: str, before: int | None = None) -> None:
        self.order = order
        self.channel = order.partition("/")[0]
        self.facts = [fact for seq, fact in history.by_order.get(order, ()) if before is None or seq < before]

    def all(self, kind: type[_Kind]) -> list[_Kind]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def showings(self) -> list[Placed]:
        """The newest by the platform's own time; several if they were shown at one time."""
        shown = self.all(Placed)
        newest = max((fact.at for fact in shown), default=None)
        return [fact for fact in shown if fact.at == newest]

    @property
    def newest(self) -> Placed | None:
        return self.showings[-1] if self.showings else None

    @property
    def contacts(self) -> list[Contact]:
        """As the newest showing tells them; before there is one, as a payment does."""
        paid = [fact.contact for fact in self.all(Paid) if fact.contact]
        return [shown.contact for shown in self.showings] or paid

    @property
    def ever_told(self) -> list[Contact]:
        """Every contact that was told of it, also if it was corrected since."""
        paid = [fact.contact for fact in self.all(Paid) if fact.contact]
        return [shown.contact for shown in self.all(Placed)] + paid

    def addresses(self) -> set[Address]:
        """The order's own: its mailbox, and the chat of a buyer whom the shop's own system names."""
        return self._addresses(self.contacts)

    def former_addresses(self) -> set[Address]:
        """Its own, and those that were, before its contacts were corrected."""
        return self._addresses(self.ever_told)

    def _addresses(self, contacts: Iterable[Contact]) -> set[Address]:
        found = set()
        for contact in contacts:
            if contact.email:
                found.add(Address("email", contact.email))
            if contact.buyer and self.channel == "webhook":
                found.add(Address("webhook", contact.buyer))
        return found

    @property
    def total(self) -> Decimal | None:
        totals = {shown.total for shown in self.showings}
        return totals.pop() if len(totals) == 1 else None

    @property
    def currency(self) -> str | None:
        return self.newest.currency if self.newest else None

    @property
    def test(self) -> bool:
        return any(shown.test for shown in self.all(Placed))

    @property
    def on_delivery(self) -> bool:
        return any(shown.on_delivery for shown in self.all(Placed))

    @property
    def paid_ahead(self) -> bool:
        """All that came did so before anything left, and so not from who brings it."""
        left = [fact.at for fact in self.facts if isinstance(fact, (Shipped, Delivered, Completed))]
        return all(fact.at < at for fact in self.payments for at in left)

    @property
    def payments(self) -> list[Paid]:
        """Each once, by its own name."""
        return list({fact.payment: fact for fact in self.all(Paid)}.values())

    @property
    def foreign(self) -> bool:
        """Some of the money is of another currency than the order, so nothing can be summed up."""
        currencies = {fact.currency for fact in self.payments} | {fact.currency for fact in self.refunds}
        return bool(currencies - {None, self.currency})

    @property
    def incomparable(self) -> bool:
        """Money came in another currency, and what came in the order's own does not cover it."""
        own = [fact.amount for fact in self.payments if fact.currency == self.currency]
        if all(fact.currency in (None, self.currency) for fact in self.payments) or self.total is None:
            return False
        whole = any(fact.amount is None for fact in self.payments)
        return not whole and sum((amount or Decimal(0) for amount in own), Decimal(0)) < self.total

    @property
    def paid(self) -> Decimal | None:
        """What was paid; None if it cannot be known. A whole payment covers the total that was known."""
        if self.total is None or self.foreign or any(shown.unclear for shown in self.showings):
            return None
        if voided := self.all(Voided):
            late = [fact for fact in self.payments if fact.at >= max(fact.at for fact in voided)]
            return None if late else Decimal(0)
        told = {shown.paid for shown in self.showings}
        if told != {None}:
            return told.pop() if len(told) == 1 else None
        whole = [fact for fact in self.payments if fact.amount is None]
        if whole and (len(self.payments) > 1 or len({shown.total for shown in self.all(Placed)}) > 1):
            return None
        return self.total if whole else sum((fact.amount or Decimal(0) for fact in self.payments), Decimal(0))

    @property
    def left(self) -> Decimal | None:
        """What is still owed: never less than nothing, and nothing while a card is authorised for it, or was
        until a part was taken from it."""
        if self.total is None or self.paid is None:
            return None
        return (
            Decimal(0) if self.authorised or self.taken_in_part else max(self.total - self.paid, Decimal(0))
        )

    @property
    def authorised(self) -> bool:
        return bool(self.showings) and all(shown.authorised for shown in self.showings)

    @property
    def taken_in_part(self) -> bool:
        """The rest may be taken later, or be free again: nobody said which."""
        held = any(shown.authorised for shown in self.all(Placed))
        return held and bool(self.paid) and self.paid != self.total and not self.all(Voided)

    @property
    def refunds(self) -> list[Refunded]:
        return list({fact.refund: fact for fact in self.all(Refunded)}.values())

    @property
    def refunded(self) -> Decimal | None:
        """What was given back; None if it cannot be known."""
        if self.foreign:
            return None
        if any(fact.amount is None for fact in self.refunds):
            return self.paid or None if len(self.refunds) == 1 else None
        return sum((fact.amount or Decimal(0) for fact in self.refunds), Decimal(0))

    @property
    def cancelled(self) -> bool | None:
        down, up = _last(self.all(Cancelled)), _last(self.all(Restored))
        if down is None or up is None:
            return down is not None
        return None if down == up else down > up

    @property
    def parcels(self) -> dict[str, list[Shipped]]:
        """Parcels that left and were not taken back, by what they are and not by how they were named; a word
        by a number that was not told yet takes nothing back."""
        back = {fact.parcel for fact in self.all(TakenBack) if self._understood(fact)}
        found: dict[str, list[Shipped]] = {}
        for fact in sorted(self.all(Shipped), key=lambda fact: fact.at):
            if fact.parcel not in back:
                found.setdefault(fact.parcel, []).append(fact)
        return found

    @property
    def facts_of_leaving(self) -> bool:
        """Something of it left or came, also if that was taken back."""
        return any(isinstance(fact, (Shipped, Delivered, Completed)) for fact in self.facts)

    @property
    def shipped(self) -> bool:
        return bool(self.parcels)

    @property
    def complete(self) -> bool:
        """All that is to be shipped has left, by what was told."""
        parcels = self.parcels.values()
        if any(fact.last for facts in parcels for fact in facts):
            return True
        told = [facts[-1].pieces for facts in parcels]
        pieces = [count for count in told if count is not None]
        return (
            bool(pieces) and len(pieces) == len(told) and sum(pieces) >= min(s.pieces for s in self.showings)
        )

    @property
    def called_back(self) -> bool:
        """Something was taken back by a number that was not told yet: it may be any parcel without one."""
        return not all(map(self._understood, self.all(TakenBack)))

    @property
    def surely_left(self) -> list[list[Shipped]]:
        """What left and was not taken back, whichever parcel a number meant that was not told yet."""
        parcels = self.parcels.values()
        return [facts for facts in parcels if not self.called_back or any(fact.tracking for fact in facts)]

    def arrived(self, parcel: str) -> bool:
        """Whether this was told so that it can be understood: by a name that was told of the parcel."""
        told = [fact for fact in self.all(Delivered) if fact.parcel in (parcel, None)]
        return any(fact.parcel is None or self._understood(fact) for fact in told) or bool(
            self.all(Completed)
        )

    def _understood(self, fact: Delivered | TakenBack) -> bool:
        """It names its parcel as itself, or by a number that was told of it."""
        numbers = {each.tracking for each in self.all(Shipped) if each.parcel == fact.parcel}
        return fact.name in (None, fact.parcel, *numbers)

    def given_up(self, parcel: str) -> bool:
        """The last that the carrier said is that it cannot deliver this."""
        said = [fact for fact in self.all(Carried) if fact.parcel == parcel]
        return bool(said) and max(said, key=lambda fact: fact.at).failed

    @property
    def waiting(self) -> list[str]:
        """Parcels that left, and that neither came nor were given up."""
        return [parcel for parcel in self.parcels if not self.arrived(parcel) and not self.given_up(parcel)]

    @property
    def delivered_at(self) -> datetime | None:
        """When the whole had arrived; None while something is still on its way, or nothing was told.

        If parcels arrive of which nobody told that they left, they may be the whole.
        """
        times = [fact.at for fact in self.facts if _is_whole(fact)]
        arrived = {fact.parcel: fact.at for fact in self.all(Delivered)}
        if arrived and set(self.parcels) <= set(arrived) and not self._more_follow:
            times.append(max(arrived.values()))
        return min(times, default=None)

    @property
    def _more_follow(self) -> bool:
        """Of what left and was not taken back, some was told to be a part, and none to be the last."""
        words = {facts[-1].last for facts in self.parcels.values()}
        return False in words and True not in words

    @property
    def rated(self) -> bool:
        return bool(self.all(Reviewed))


def _is_whole(fact: OrderFact) -> bool:
    return isinstance(fact, Delivered) and fact.parcel is None


def _last(facts: Iterable[OrderFact]) -> datetime | None:
    return max((fact.at for fact in facts), default=None)

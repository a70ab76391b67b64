"""The payments and refunds of an order, and its money as the platform showed it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from bot.domain.money import Money

_replace = msgspec.structs.replace


class Paid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a payment: a sum told otherwise under its id is another, and the last of them is true.

    source: the system that told it; None for entries stored before sums were kept by source.
    beside: what others had told of, and this source had not; it came on top of that.
    so_far: it is all that the source has told of. over: another sum took its place since.
    """

    id: str
    at: datetime
    amount: Money | None = None  # None: the whole, as it was shown at `told_at`, else at `at`
    method: str | None = None
    reference: str | None = None
    source: str | None = None
    told_at: datetime | None = None
    last_at: datetime | None = None  # its latest time, where it was told under several
    beside: Money | None = None
    so_far: bool = False
    over: bool = False


class Refund(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """so_far, over: as of a payment."""

    id: str
    at: datetime  # as it was told last
    amount: Money | None = None  # None: the whole
    source: str | None = None
    first_at: datetime | None = None  # its earliest time, where it was told under several
    so_far: bool = False
    over: bool = False


class Balance(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A platform's own balance of an order of which money went back, in minor units of its total's currency.

    net: what it holds, refunds taken off. back: what it gave back. owed: what is outstanding by its word,
    less than nothing where it holds too much. asks: what is outstanding is asked of the buyer. off: the order
    is cancelled, and what is outstanding may have been waived.
    """

    net: int
    back: int
    owed: int
    asks: bool = False
    off: bool = False


class Shown(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """An order's money in one snapshot.

    paid: so far, refunds not taken off, by the platform's own word; None if it has none.
    asked: the total is what the buyer is asked for; False where refunds are already taken off it.
    authorised: what is owed is set aside for the shop on the buyer's card, and not taken from it.
    given_up: it was, and the shop gave that up; also where nobody showed it before.
    on_delivery: it is paid to the carrier; None if nobody says how.
    balance: where money went back, and the platform says what is outstanding; see `in_turn`.
    """

    at: datetime
    total: Money
    paid: Money | None = None
    asked: bool = True
    authorised: bool = False
    on_delivery: bool | None = None
    given_up: bool = False
    balance: Balance | None = None

    @property
    def moved(self) -> bool:
        """Money came, or is set aside."""
        return self.authorised or bool(self.paid and self.paid.minor > 0)

    @property
    def secured(self) -> bool:
        """The whole came, or is set aside."""
        whole = self.paid and self.paid.currency == self.total.currency and self.paid >= self.total
        return self.authorised or bool(whole)


NEWEST = 8  # showings of one state of the money that are kept, besides the first

Told = TypeVar("Told", Paid, Refund)


def with_shown(known: Iterable[Shown], new: Shown) -> tuple[Shown, ...]:
    """The showings with one more, oldest first: of each state of the money the first and the newest ones.

    A platform shows an order with each of its updates, mostly with the same money, and the record must not
    grow with them. The first and the newest of a set do not depend on the order in which it was told.
    """
    times: dict[Shown, set[datetime]] = defaultdict(set)
    for shown in (*known, new):
        times[_replace(shown, at=new.at)].add(shown.at)
    kept = [
        _replace(money, at=at)
        for money, those in times.items()
        for at in {min(those), *sorted(those)[-NEWEST:]}
    ]
    return tuple(sorted(kept, key=lambda shown: (shown.at, msgspec.json.encode(shown))))


def authorised_since(shown: Iterable[Shown]) -> datetime | None:
    """Since when the whole was authorised or paid in each showing, if it began with an authorisation."""
    since = None
    for each in shown:
        begun = since or (each.at if each.authorised else None)
        since = begun if each.secured else None
    return since


def partly_taken(shown: Iterable[Shown]) -> bool:
    """True if a part was taken of what had been set aside. Nobody says what becomes of the rest: it may be
    taken later, or be free again."""
    aside = part = False
    for each in shown:
        part = aside and each.moved and not each.secured
        aside = part or each.authorised
    return part


def sources(entries: Iterable[Told]) -> dict[str | None, list[Told]]:
    """What each source tells: an import and a platform may tell of the same money."""
    found: dict[str | None, list[Told]] = {}
    for entry in entries:
        found.setdefault(entry.source, []).append(entry)
    return found


def standing(entries: Iterable[Told]) -> list[Told]:
    """What counts: a sum of all so far in place of whatever else its source told."""
    told = list(entries)
    whole = {entry.source for entry in told if entry.so_far}
    return [entry for entry in told if not entry.over and (entry.so_far or entry.source not in whole)]


def newly_back(refund: Refund, refunds: Iterable[Refund]) -> Money | None:
    """What a refund gave back itself, where it tells all so far; None for the whole."""
    if refund.amount is None or not refund.so_far:
        return refund.amount
    sums = [
        each.amount
        for each in refunds
        if each.so_far and each.source == refund.source and each.amount and each.amount < refund.amount
    ]
    before = max((each.minor for each in sums if each.currency == refund.amount.currency), default=0)
    return Money(refund.amount.minor - before, refund.amount.currency)


def current(payments: Iterable[Paid]) -> list[Paid]:
    """Each payment of one source as its newest version tells it; of two with one time the content decides."""
    return list({paid.id: paid for paid in sorted(payments, key=_last_told)}.values())


def _last_told(paid: Paid) -> tuple[datetime, bytes]:
    return paid.last_at or paid.at, msgspec.json.encode(paid.amount)


def distinct(payments: Iterable[Paid], memos: frozenset[str]) -> list[Paid]:
    """Each payment of one source once, the earliest first: a reference names it, however often it is told.

    memos: what all transfers for the order carry, which names none of them.
    """
    found: dict[tuple[str, Money | None], Paid] = {}
    for paid in sorted(current(payments), key=lambda paid: (paid.at, paid.id)):
        named = paid.reference and paid.reference.strip().lstrip("#") not in memos
        found.setdefault((paid.reference if named and paid.reference else paid.id, paid.amount), paid)
    return list(found.values())


def total_at(shown: Iterable[Shown], at: datetime) -> Money | None:
    """The total as it was shown last until `at`; as it was shown first if that was later."""
    asked = sorted((each.at, each.total) for each in shown if each.asked)
    before = [total for shown_at, total in asked if shown_at <= at]
    return before[-1] if before else asked[0][1] if asked else None

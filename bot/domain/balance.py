"""What is paid, owed and given back of an order: like is compared with like, source by source."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from bot.domain.money import Money
from bot.domain.payments import Paid, Refund, Shown, distinct, sources, standing, total_at

MOST_ADDED = 10  # payments, of which every choice is added up
SAME_MONEY = timedelta(minutes=10)  # in which a system tells of a payment that its account shows already


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of an order's money.

    total: in the buyer's currency, as shown last. shop_total: the same in the shop's, where that is another.
    told: what is paid by the word of `channel`, the order's own, as of `told_at`; None if it has none.
    memos: what a transfer for it may carry that names no payment.
    """

    channel: str
    total: Money | None
    shop_total: Money | None
    told: Money | None
    told_at: datetime | None
    shown: tuple[Shown, ...]
    payments: tuple[Paid, ...]
    refunds: tuple[Refund, ...]
    memos: frozenset[str]

    def counted(self) -> dict[str | None, list[Paid]]:
        """The payments by source. Where the order's own channel keeps the account, its single payments until
        then are contained in that, and later ones come on top."""
        by_source = sources(standing(self.payments))
        contained = {source: self._contained(source, entries) for source, entries in by_source.items()}
        return {
            source: [
                paid
                for paid in distinct(entries, self.memos)
                if paid.id not in contained[source] and self.is_money(paid)
            ]
            for source, entries in by_source.items()
        }

    def _contained(self, source: str | None, entries: list[Paid]) -> set[str]:
        """The payments that are in what is told, by any word of them until then; and soon after, the word of
        a payment that it shows as the whole of what is paid."""
        if not self._keeps_account(source):
            return set()
        return {paid.id for paid in entries if self.told_at is None or self._is_shown(paid, self.told_at)}

    def _is_shown(self, paid: Paid, at: datetime) -> bool:
        all_paid = self.told is not None and self.told in (paid.amount, self.total)
        return paid.at <= (at + SAME_MONEY if all_paid else at)

    def _keeps_account(self, source: str | None) -> bool:
        return self.told is not None and source in (None, self.channel)

    def is_money(self, paid: Paid) -> bool:
        """Nothing is paid by the whole of nothing."""
        amount = paid.amount or self.total_when(paid)
        return amount is None or amount.minor > 0

    def total_when(self, paid: Paid) -> Money | None:
        return total_at(self.shown, paid.told_at or paid.at) or self.total

    def paid(self) -> Money | None:
        """What is paid; None if it cannot be said, because the total is unknown or of another currency."""
        if self.total is None:
            return None
        told = self._in_total(self.told) if self.told is not None else 0
        sums = [
            self._paid_of(entries, told or 0 if self._keeps_account(source) else 0)
            for source, entries in self.counted().items()
        ]
        return self._most(self.total, [told, *sums])

    def _paid_of(self, entries: list[Paid], so_far: int) -> int | None:
        """The sum of a source. Who says that the whole is paid includes what was paid before. None if some of
        it cannot be compared, unless the whole is there without that."""
        worths = {paid.id: self.worth(paid) for paid in entries}
        for paid in sorted(entries, key=lambda paid: (paid.at, paid.amount is None, paid.id)):
            worth = worths[paid.id] or 0
            beside = self._in_total(paid.beside) if paid.beside else None
            so_far = so_far + worth + (beside or 0) if paid.amount else max(so_far, worth)
        whole = self.total is not None and so_far >= self.total.minor > 0
        return so_far if whole or None not in worths.values() else None

    @property
    def has_other_money(self) -> bool:
        """Something was paid that cannot be compared with the total."""
        return any(self.worth(paid) is None for entries in self.counted().values() for paid in entries)

    def has_come(self, sum: Money) -> bool:
        """True if what one source told of makes up this sum: some of its payments, what was missing to the
        whole, or what a sum of all so far rose by."""
        singles: set[int] = set()
        wholes: set[int] = set()
        for entries in self.counted().values():
            parts = [paid for paid in entries if paid.amount and not paid.so_far]
            singles |= _choices([self.worth(paid) or 0 for paid in parts])
            wholes |= {self.worth(paid) or 0 for paid in entries if paid.amount is None}
        so_far = [paid.amount for paid in self.payments if paid.so_far and paid.amount]
        shown = [each.paid for each in self.shown if each.paid] if self.told is not None else []
        running = {0, *(each.minor for each in (*so_far, *shown)), *wholes}
        risen = {high - low for high in running for low in (running | singles if high in wholes else running)}
        return sum.minor in singles or sum.minor in risen

    @property
    def refund_unclear(self) -> bool:
        """Something went back without a sum of what was more than the total then: all of it, or what was too
        much."""
        return any(map(self._is_unclear, standing(self.refunds)))

    def _is_unclear(self, refund: Refund) -> bool:
        at = back_since(refund)
        paid, total = as_of(self, at).paid(), total_at(self.shown, at) or self.total
        if refund.amount or refund.so_far or not paid or not total or paid.currency != total.currency:
            return False
        sums = (self._in_total(each.amount) for each in self.refunds if each.amount and back_since(each) < at)
        return paid.minor - sum(each or 0 for each in sums) > total.minor

    def refunded(self) -> Money | None:
        """What was given back; None if it cannot be said."""
        if self.total is None or self.refund_unclear:
            return None
        told = sources(standing(self.refunds)).values()
        return self._most(self.total, [self._refunded_of(entries) for entries in told])

    def _refunded_of(self, entries: list[Refund]) -> int | None:
        """The sum of a source. Who says that the whole was given back includes the parts, and what else goes
        back then is of what came since."""
        so_far, whole = 0, any(refund.amount is None for refund in entries)
        for refund in sorted(entries, key=lambda each: (back_since(each), each.amount is None, each.id)):
            part = self._in_total(refund.amount) if refund.amount else None
            if whole:
                there = self._paid_before(refund) or 0
                so_far = max(so_far, there if refund.amount is None else min(so_far + (part or 0), there))
            elif part is None:
                return None
            else:
                so_far += part
        return so_far

    def _paid_before(self, refund: Refund) -> int | None:
        """What was there to go back: where nothing was told by then, the whole that was told since, or is
        asked for."""
        sums = (as_of(self, back_since(refund)).paid(), self.paid(), self.total)
        return next((each.minor for each in sums if each and each.minor), None)

    def worth(self, paid: Paid) -> int | None:
        amount = paid.amount or self.total_when(paid)
        return self._in_total(amount) if amount else None

    def _in_total(self, amount: Money) -> int | None:
        """An amount in the currency of the total; None if it has no equal there."""
        if self.total is None or amount.currency == self.total.currency:
            return amount.minor
        if amount.minor == 0:
            return 0
        return self.total.minor if amount == self.shop_total else None

    def _most(self, total: Money, sums: list[int | None]) -> Money | None:
        """The most that a source tells; None if another one tells of money that cannot be compared, unless
        the whole is there without it."""
        most = max((each for each in sums if each is not None), default=0)
        if None in sums and most < total.minor:
            return None
        return Money(most, total.currency)


def _choices(payments: list[int]) -> set[int]:
    """The sums of every choice among them; of very many, among the newest ones."""
    sums = {0}
    for minor in payments[-MOST_ADDED:]:
        sums |= {each + minor for each in sums}
    return sums


def first_paid_at(account: Account) -> datetime | None:
    """When money was first told of, also if it was taken back since."""
    every = [paid for paid in account.payments if account.is_money(paid)]
    shown = (each.at for each in account.shown if each.paid and each.paid.minor > 0)
    return min((*(paid.at for paid in every), *shown), default=None)


def last_paid_at(account: Account) -> datetime | None:
    """When the newest money was told of; a sum that is shown again is no more of it."""
    sums: dict[Money, datetime] = {}
    for each in account.shown:
        if each.paid and each.paid.minor > 0:
            sums[each.paid] = min(each.at, sums.get(each.paid, each.at))
    every = (paid.at for paid in standing(account.payments) if account.is_money(paid))
    return max((*every, *sums.values()), default=None)


def back_since(refund: Refund) -> datetime:
    return refund.first_at or refund.at


def covered_at(account: Account, void: int = 0) -> datetime | None:
    """Since when what had been told by then has reached the total as it was shown at that time, without a
    break; None if it does not, by times. A later fall of the total moves no promise back.

    void: minor units that went back, and cover nothing.
    """
    if account.total is None:
        return min((paid.at for paid in standing(account.payments) if paid.amount is None), default=None)
    since = None
    for at in sorted({*(paid.at for paid in account.payments), *(each.at for each in account.shown)}):
        paid, total = as_of(account, at).paid(), _shown_total(account.shown, at, account.total)
        covered = paid is not None and paid.minor > 0 and paid.minor - void >= total.minor
        since = (since or at) if covered else None
    return since


def _shown_total(shown: tuple[Shown, ...], at: datetime, newest: Money) -> Money:
    """The total of that time, whether or not refunds are taken off it, where it was of today's currency."""
    if not shown or shown[-1].at <= at:
        return newest
    total = next((each.total for each in reversed(shown) if each.at <= at), shown[0].total)
    return total if total.currency == newest.currency else newest


def last_word(shown: Sequence[Shown]) -> Shown | None:
    """The newest word of what is paid, of showings of which the newest has none: it takes back no money that
    was shown before it. After a word of nothing, single payments count."""
    newest = next((each for each in reversed(shown) if each.paid is not None), None)
    return newest if newest and newest.paid and newest.paid.minor > 0 else None


def as_of(account: Account, at: datetime) -> Account:
    by_then = [each for each in account.shown if each.at <= at] if account.told is not None else []
    told = by_then[-1] if by_then and by_then[-1].paid is not None else last_word(by_then)
    return msgspec.structs.replace(
        account,
        told=told.paid if told else None,
        told_at=told.at if told else None,
        payments=tuple(paid for paid in account.payments if paid.at <= at),
    )

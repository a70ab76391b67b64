"""What went back of an order's money, by the times of its facts: a part, or all of it; and what came again.

Facts of money are amounts. All of it is back until what was paid, less what went back, is more again than
what was kept then. What goes back of a covered order is a gift, so that nobody owes it; what goes back
before, or had gone back when money came again, covers nothing.
"""

from datetime import datetime

import msgspec

from bot.domain.balance import Account, as_of, back_since
from bot.domain.payments import Refund, standing, total_at


class GoneBack(msgspec.Struct, frozen=True, kw_only=True):
    """Sums in minor units of the total's currency.

    in_full: all of it is back, and no more came again. at: when all was back, the last time; kept: what was
    left of overpaid money then. void: what went back and covers nothing any more. surplus: what went back of
    more than the total; before: what had gone back when money came again; times: how often it did.
    """

    in_full: bool = False
    at: datetime | None = None
    kept: int = 0
    void: int = 0
    surplus: int = 0
    before: int = 0
    times: int = 0


NOTHING = GoneBack()


def gone_back(account: Account) -> GoneBack:
    """What went back before a total was shown that allows for it covers as much as it did."""
    refunds = standing(account.refunds)
    if not refunds:
        return NOTHING
    shown = next((each for each in reversed(account.shown) if each.total == account.total), None)
    gone = _by_times(account, refunds)
    if shown is None or shown.asked or not gone.void:
        return gone
    later = [refund for refund in refunds if refund.at > shown.at]
    return _replace(gone, void=_by_times(account, later).void if later else 0)


def _by_times(account: Account, refunds: list[Refund]) -> GoneBack:
    whole = [back_since(refund) for refund in refunds if refund.amount is None]
    if account.refund_unclear:
        return NOTHING
    if account.total is None or account.refunded() is None:  # it cannot be summed up
        return GoneBack(in_full=bool(whole), at=max(whole, default=None))
    gone, paid_times = (
        NOTHING,
        {*(paid.at for paid in account.payments), *(each.at for each in account.shown)},
    )
    for at in sorted({*paid_times, *map(back_since, refunds)}):
        earlier = [refund for refund in refunds if back_since(refund) < at]
        by_then = [refund for refund in refunds if back_since(refund) <= at]
        gone = _came(gone, _paid(as_of(account, at)), _back(account, earlier))
        if len(by_then) > len(earlier):
            gone = _went(gone, account, at, _back(account, earlier), _back(account, by_then), at in whole)
    return _came(gone, _paid(account), _back(account, refunds))


def _came(gone: GoneBack, paid: int | None, back: int) -> GoneBack:
    """After a payment."""
    if not gone.in_full or paid is None or paid - back <= gone.kept:
        return gone
    return _replace(gone, in_full=False, void=back, before=back, surplus=0, times=gone.times + 1)


def _went(gone: GoneBack, account: Account, at: datetime, before: int, back: int, whole: bool) -> GoneBack:
    """After a refund. A gift is what goes back of a covered order, and what was paid twice; what had not come
    voids nothing. Just the total is all of the order, whatever came beyond; else what is too much goes first.
    """
    paid, total = _paid(as_of(account, at)), account.total.minor if account.total else 0
    all_of_it = paid is not None and paid > 0 and paid - back <= gone.kept
    surplus = gone.surplus + min(back - before, max(0, (paid or 0) - before - total))
    of_order = back - gone.before
    enough = of_order > 0 and (of_order - gone.surplus == total or of_order - surplus >= total)
    whole = whole or (enough and (paid or 0) - back < total)
    if gone.in_full or whole or all_of_it:
        kept = max(0, (paid or 0) - back) if not gone.in_full else gone.kept
        return _replace(gone, in_full=True, at=at, kept=kept)
    asked = total_at(account.shown, at)
    total = asked.minor if asked and account.total and asked.currency == account.total.currency else total
    counted = max(0, (paid or 0) - gone.void)
    beyond = counted - total if counted >= total else counted
    return _replace(gone, void=gone.void + min(back - before, beyond), surplus=surplus)


def _paid(account: Account) -> int | None:
    paid = account.paid()
    return paid.minor if paid else None


def _back(account: Account, refunds: list[Refund]) -> int:
    back = _replace(account, refunds=tuple(refunds)).refunded()
    return back.minor if back else 0


_replace = msgspec.structs.replace

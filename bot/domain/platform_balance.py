"""What a platform's own balance of an order says once money went back, read by what it said before.

Such a balance has refunds taken off. Whether its total has them taken off too differs from refund to refund,
so that one showing alone does not tell what had been paid, nor whether what is outstanding is asked for.
"""

import msgspec

from bot.domain.money import Money
from bot.domain.payments import Balance, Shown

_replace = msgspec.structs.replace


def in_turn(shown: tuple[Shown, ...]) -> tuple[Shown, ...]:
    """The showings, oldest first, each with what was paid before refunds, and whether it asks for what is
    outstanding, as the one before it tells."""
    if not any(each.balance for each in shown):
        return shown
    told: list[Shown] = []
    last, forgiven = None, 0
    for each in shown:
        if each.balance is not None:
            each, forgiven = _after(last, each, each.balance, forgiven)
        told.append(each)
        last = each if each.paid is not None else last
    return tuple(told)


def _after(last: Shown | None, shown: Shown, balance: Balance, forgiven: int) -> tuple[Shown, int]:
    """forgiven: what refunds had made outstanding, in minor units: it is asked of nobody."""
    paid = _paid(last, shown, balance)
    if last is None:
        return _replace(shown, paid=paid), forgiven
    rise = balance.owed - outstanding(last)
    newly_back = balance.back - (last.balance.back if last.balance else 0)
    forgiven = min(max(0, balance.owed), forgiven + min(max(0, newly_back), max(0, rise)))
    asks = balance.owed > 0 and not balance.off and (balance.asks or forgiven == 0)
    asked = asks if balance.owed > 0 else shown.asked
    return _replace(shown, paid=paid, asked=asked, balance=_replace(balance, asks=asks)), forgiven


def outstanding(last: Shown) -> int:
    """What is outstanding by a showing, in minor units, whether or not it is asked for."""
    if last.balance:
        return last.balance.owed
    return last.total.minor - last.paid.minor if last.paid else 0


def _paid(last: Shown | None, shown: Shown, balance: Balance) -> Money | None:
    """Where nothing went back since, it rose as what is held did. Where something did, it is what it was, if
    what is held fell by that or, by a total that no refund lowers, not at all. A cancelling is no payment."""
    if last is None or last.paid is None or last.paid.currency != shown.total.currency:
        return shown.paid
    if balance.off:
        return last.paid
    newly_back = balance.back - (last.balance.back if last.balance else 0)
    rise = balance.net - (last.balance.net if last.balance else last.paid.minor)
    if newly_back == 0:
        return Money(max(0, last.paid.minor + rise), last.paid.currency)
    return last.paid if rise in (0, -newly_back) else shown.paid

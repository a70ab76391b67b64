"""Check what was said of an order's money against what had been told of it: payments, refunds, sums.

Each rule adds the events up for itself, and asks nothing of the record that decided.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from bot.domain.events import (
    OrderCompleted,
    OrderDelivered,
    OrderRefunded,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
    PaymentReceived,
)
from bot.domain.money import Money
from bot.operations.audit.conversations import began
from bot.operations.audit.said import Said
from storage.audit_queries import Sending

ASKING = ("payment_reminder", "second_contact")
_SUM = re.compile(r"[$£€¥￥]\s?(\d[\d,]*(?:\.\d{1,3})?)")
MOST_ADDED = 6  # payments and refunds, of which every part may be named
NAMING_TOTALS = ("order_confirmation", "total_changed", "payment_received")
NAMING_SUMS = (*ASKING, "payment_received")
GIVEN_BACK = ("refunded", "partly_refunded")


def _thanked_for_nothing(said: Said) -> bool:
    """Nothing was told of that is money of the order's."""
    if said.sending.template != "payment_received":
        return False
    if any(not _strange(money, said) for money in _payments(said)):
        return False
    shown = [event for event in said.shown if event.paid is not None]
    newest = max((event.at for event in shown), default=None)
    return all(event.paid is not None and event.paid.minor == 0 for event in shown if event.at == newest)


def _thanked_twice(said: Said) -> bool:
    """More often than payments, and sums that the platform counts, were told, each by its own name."""
    if said.sending.template != "payment_received":
        return False
    payments = {
        (event.reference or event.payment or event.at, event.amount)
        for event in said.told
        if isinstance(event, PaymentReceived)
    }
    sums = {event.paid for event in said.shown if event.paid and event.paid.minor}
    return len(said.earlier("payment_received")) >= max(1, len(payments) + len(sums))


def _sum_unclear(said: Said) -> bool:
    """Money in a currency that no total of the order has, and without it the order is not paid."""
    if said.sending.template not in NAMING_SUMS or not said.shown:
        return False
    return any(_strange(money, said) for money in _payments(said)) and not _own_money_covers(said)


def _untold_sum(said: Said) -> bool:
    """A sum in our words that none of what was told comes to."""
    sending = said.sending
    named = {Decimal(each.replace(",", "")) for each in _SUM.findall(sending.text or "")}
    if sending.own is not False or not named:
        return False
    if sending.template in GIVEN_BACK:
        allowed = _sums_back(said)
    else:
        allowed = _sums_paid(said) if sending.template in NAMING_SUMS else None
    return allowed is not None and not named <= allowed


def _sums_paid(said: Said) -> set[Decimal] | None:
    """What came, what was left of a total, and what was too much; None where nobody can tell."""
    totals = [event.total for event in said.shown]
    came = {
        event.reference or event.payment or str(event.at): event.amount
        for event in said.told
        if isinstance(event, PaymentReceived)
    }
    back = [amount for _, amount in _refunds(said).values()]
    known = [*totals, *(event.shop_total for event in said.shown), *(event.paid for event in said.shown)]
    money = [each for each in (*known, *came.values(), *back) if each]
    if not totals or len({each.currency for each in money}) > 1 or len(came) + len(back) > MOST_ADDED:
        return None  # told in one of them
    shown = {each.minor for each in known if each}
    sums = {0, *(event.paid.minor for event in said.shown if event.paid)}
    if None in (*came.values(), *back):
        return None  # the whole, as it was then
    for amount in came.values():
        sums |= {each + amount.minor for each in sums if amount}
    for amount in back:
        sums |= {each - amount.minor for each in sums if amount}
    asked = said.sending.template in ASKING
    allowed = {one - other for one in sums for other in sums}
    allowed |= {abs(one - other) for one in shown for other in sums if asked or other}
    return {msgspec.structs.replace(totals[0], minor=each).decimal for each in allowed}


def _sums_back(said: Said) -> set[Decimal] | None:
    """What refunds come to, as each was told at any time, and what one source told beyond another; None where
    nobody can tell."""
    events = [event for event in said.told if isinstance(event, OrderRefunded)]
    back = {(event.refund, event.amount) for event in events}
    money = [amount for _, amount in back if amount]
    if len(money) < len(back) or len(money) > MOST_ADDED or len({each.currency for each in money}) > 1:
        return None
    sums = {0}
    for each in money:
        sums |= {so_far + each.minor for so_far in sums}
    allowed = {one - other for one in sums for other in sums if one > other}
    return {msgspec.structs.replace(money[0], minor=each).decimal for each in allowed}


def _own_money_covers(said: Said) -> bool:
    """What came in the total's own currency is the total or more."""
    return _came(said) >= max(said.shown, key=lambda event: event.at).total.minor > 0


def _came(said: Said) -> int:
    """What came in the newest total's own currency, each payment by its own name, in minor units."""
    total = max(said.shown, key=lambda event: event.at).total
    own = {
        event.reference or event.payment or event.at: event.amount.minor
        for event in said.told
        if isinstance(event, PaymentReceived) and event.amount and event.amount.currency == total.currency
    }
    return sum(own.values())


def _paid_on_delivery(said: Said) -> bool:
    """Whoever brings the parcel is paid: nobody asks for money before, nor thanks for it after. What came
    before any parcel left did not come from them."""
    if said.sending.template == "payment_received" and _came_ahead(said):
        return False
    speaks = said.sending.template in (*NAMING_SUMS, "reassurance")
    told = [event for event in said.shown if event.pay_on_delivery is not None]
    return speaks and bool(told) and bool(max(told, key=lambda event: event.at).pay_on_delivery)


def _came_ahead(said: Said) -> bool:
    """Something came while nothing was out: nothing had left, or what had was taken back."""
    left = (OrderShipped, OrderDelivered, OrderCompleted, ParcelMoved)
    out = [event.at for event in said.told if isinstance(event, left)]
    back = [event.at for event in said.told if isinstance(event, ParcelCancelled)]
    came = [event.at for event in said.told if isinstance(event, PaymentReceived)]
    came += [event.at for event in said.shown if event.paid and event.paid.minor]
    return any(all(any(each <= off <= at for off in back) for each in out if each <= at) for at in came)


def _wrong_share(said: Said) -> bool:
    """A part of the money told as the whole, or the whole as a part, or either of money that cannot be
    compared, or none. The whole is the total as it was shown at any time, or what was paid."""
    refunds, totals = _refunds(said), [event.total for event in said.shown if event.asked]
    if said.sending.template not in GIVEN_BACK or not totals:
        return False
    if not refunds:
        return True
    amounts = [amount for _, amount in refunds.values() if amount]
    if len(amounts) < len(refunds):
        return said.sending.template == "partly_refunded"
    if any(_strange(amount, said) for amount in amounts):
        return True
    if len({money.currency for money in (*amounts, *totals)}) > 1:
        return False  # told in the shop's currency
    back = max(sum(_minor(refunds, source)) for source, _ in refunds.values())
    if said.sending.template == "partly_refunded":
        return _came(said) <= back >= max(total.minor for total in totals)
    wholes = (*totals, *(event.paid for event in said.shown), *_payments(said))
    return back < min((money.minor for money in wholes if money and money.minor), default=0)


def _refunded_twice(said: Said) -> bool:
    """The whole includes its parts, until money comes again; and a refund is known by its own name."""
    if said.sending.template not in GIVEN_BACK:
        return False
    wholes = [began(other) for other in said.earlier("refunded") if other.state == "sent"]
    paid = [event.at for event in said.told if isinstance(event, PaymentReceived)]
    whole = bool(wholes) and not any(at > max(wholes) for at in paid)
    return whole or len(said.earlier(*GIVEN_BACK)) >= max(1, len(_refunds(said)))


def _refunds(said: Said) -> dict[str, tuple[str, Money | None]]:
    """Who told of each refund, and the sum, by its name and as it was told last."""
    events = [event for event in said.told if isinstance(event, OrderRefunded)]
    events.sort(key=lambda event: event.at)
    return {event.refund: (event.source or event.channel, event.amount) for event in events}


def _minor(refunds: Mapping[str, tuple[str, Money | None]], source: str) -> list[int]:
    """What one source tells; others may tell of the same money."""
    return [amount.minor for told_by, amount in refunds.values() if amount and told_by == source]


def _payments(said: Said) -> list[Money | None]:
    return [event.amount for event in said.told if isinstance(event, PaymentReceived)]


def _strange(money: Money | None, said: Said) -> bool:
    """Of a currency that no total of the order has."""
    totals = {each.currency for event in said.shown for each in (event.total, event.shop_total) if each}
    return money is not None and money.minor > 0 and money.currency not in totals


def _other_sum(said: Said) -> bool:
    """Asked for a sum although another total was named last, and nobody told of the change."""
    if said.sending.template not in ASKING:
        return False
    asked = _total_in(said.sending.facts)
    last = max(said.earlier(*NAMING_TOTALS), key=lambda other: other.settled_at, default=None)
    before = _total_in(last.facts) if last else None
    if last is None or asked is None or before is None or asked == before:
        return False
    since = (other for other in said.before if other.settled_at > last.settled_at)
    return not any(_total_in(other.facts) == asked and _names_its_total(other) for other in since)


def _names_its_total(other: Sending) -> bool:
    """An answer may, where the buyer asked first or wants no other word."""
    match _total_in(other.facts):
        case int() as minor, str() as currency:
            return str(Money(minor, currency).decimal) in (other.text or "").replace(",", "")
        case _:
            return False


def _total_in(facts: Mapping[str, object]) -> tuple[object, object] | None:
    """The total that a text was written with, from what is stored beside it."""
    order = facts.get("order")
    if not isinstance(order, Mapping) or order.get("total_minor") is None:
        return None
    return order.get("total_minor"), order.get("currency")


RULES: Mapping[str, tuple[int, Callable[[Said], bool]]] = {
    "nothing_paid": (3, _thanked_for_nothing),
    "thanked_twice": (2, _thanked_twice),
    "sum_unclear": (3, _sum_unclear),
    "untold_sum": (3, _untold_sum),
    "other_sum": (3, _other_sum),
    "paid_on_delivery": (3, _paid_on_delivery),
    "wrong_share": (3, _wrong_share),
    "refunded_twice": (2, _refunded_twice),
}

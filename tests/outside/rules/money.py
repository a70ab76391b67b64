"""What is said of money adds up, like with like currency, by what was told."""

import re
from collections.abc import Iterator
from decimal import Decimal

from tests.outside import reading
from tests.outside.facts import Placed
from tests.outside.history import Finding, Heard, History
from tests.outside.known import Known
from tests.outside.reading import Amount
from tests.outside.rules.sayings import shown

_SAYS_LEFT = frozenset(
    (
        "order_confirmation",
        "payment_received",
        "payment_reminder",
        "second_contact",
        "payment_status",
        "where_is_order",
    )
)


_CAME = re.compile(r"(?i)received (?:your|the) payment|款.{0,20}收到了|款已收到|款項.{0,20}已收到")


def sums(history: History) -> Iterator[Finding]:
    """What a text names as total, paid, owed and given back is what was told, in the order's currency; what
    cannot be compared is not claimed."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        if len(orders) == 1 and heard.values is not None:
            known = Known(history, orders[0], heard.seq)
            said: dict[str, Amount | None] = {
                name: reading.amount(heard.values[name], history.shop.locale)
                for name in ("total", "paid", "left", "refunded")
                if name in heard.values
            }
            for what in _wrong(known, heard, said):
                yield Finding(
                    rule="",
                    when=heard.at,
                    what=f"{orders[0]}: {what}",
                    order=orders[0],
                    evidence=(shown(heard),),
                )


def _wrong(known: Known, heard: Heard, said: dict[str, Amount | None]) -> Iterator[str]:
    expected = {"total": known.total, "paid": known.paid, "refunded": known.refunded}
    if any(back.at < paid.at for back in known.refunds for paid in known.payments):
        del expected["paid"]  # with what had gone back by then, or without it
    alive = not known.cancelled and not known.refunds and not known.on_delivery
    if heard.template in _SAYS_LEFT and alive:
        expected["left"] = known.left
        if known.foreign and "left" in said:
            yield f"{_text(said['left'])} is said to be owed, although it was paid in another currency"
    for name, amount in expected.items():
        if amount is None or (name != "left" and name not in said):
            continue
        told = said.get(name) or Amount(Decimal(0), known.currency or "")
        if told.value != amount or (told.value and told.currency != known.currency):
            yield f"{_text(told)} is said to be {name}, told was {amount} {known.currency}"


def thanks(history: History) -> Iterator[Finding]:
    """Thanks for a payment are said for what was paid, in the order's own currency, and a refund is called
    whole or a part as it was told."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        if len(orders) != 1:
            continue
        known = Known(history, orders[0], heard.seq)
        if what := _untrue(known, heard) or _rest_unsaid(known, heard, history.shop.locale):
            yield Finding(
                rule="", when=heard.at, what=f"{orders[0]}: {what}", order=orders[0], evidence=(shown(heard),)
            )


def _untrue(known: Known, heard: Heard) -> str | None:
    match heard.template:
        case "payment_received" if known.paid == 0:
            return "thanks for a payment that nobody made, or that was given up"
        case _ if known.authorised and _CAME.search(reading.words(heard.text)):
            return "the money is said to have come, and a card is only authorised"
        case "payment_received" if known.incomparable:
            return "thanks, although what came is of another currency"
        case "payment_received" if _says_whole(known, heard):
            return f"thanks for the whole, although {known.left} are owed"
        case "refunded" | "partly_refunded":
            return _wrong_share(known, whole=heard.template == "refunded")
    return None


def _says_whole(known: Known, heard: Heard) -> bool:
    """Whether a part that went back is asked for again nobody says."""
    named = heard.values is None or "left" in heard.values
    return bool(known.left) and not named and not known.refunds


def _rest_unsaid(known: Known, heard: Heard, locale: str) -> str | None:
    """Who has paid a part reads what is left, while the order waits for it."""
    over = known.cancelled is not False or known.refunds or known.on_delivery or known.facts_of_leaving
    if heard.template != "payment_received" or over or not known.left:
        return None
    named = {amount.value for amount in reading.amounts(reading.words(heard.text), locale)}
    return None if known.left in named else f"thanks, and not a word of the {known.left} that are owed"


def _wrong_share(known: Known, whole: bool) -> str | None:
    """The whole is what was paid, or the total if more than that was paid."""
    if known.foreign:
        named = any(refund.amount is not None for refund in known.refunds)
        return "a refund in another currency is told as the whole" if whole and named else None
    if known.refunded is None or not known.paid or known.total is None:
        return None
    all_of_it = min(known.paid, known.total)
    if whole and known.refunded < all_of_it:
        return f"a refund of {known.refunded} is told as the whole of {all_of_it}"
    if not whole and known.refunded >= known.paid:
        return f"a refund of all of {known.paid} is told as a part"
    return None


def named_amounts(history: History) -> Iterator[Finding]:
    """Every amount in a text was told of its order, or is the sum or difference of such."""
    for heard in history.heard:
        orders = history.orders_of(heard)
        if len(orders) != 1:
            continue
        known = Known(history, orders[0], heard.seq)
        allowed = _allowed(known)
        for amount in reading.amounts(reading.words(heard.text), history.shop.locale):
            if amount.value not in allowed and amount.value != amount.value.to_integral_value():
                what = f"{orders[0]}: {_text(amount)} was never told"
                yield Finding(rule="", when=heard.at, what=what, order=orders[0], evidence=(shown(heard),))


def _allowed(known: Known) -> set[Decimal]:
    found = {Decimal(0)}
    for placed in known.all(Placed):
        found |= {placed.total, *placed.amounts, *((placed.paid,) if placed.paid is not None else ())}
    paid = [fact.amount for fact in known.payments if fact.amount is not None]
    back = [fact.amount for fact in known.refunds if fact.amount is not None]
    found |= set(paid) | set(back) | {sum(paid, Decimal(0)), sum(back, Decimal(0))}
    partial = {sum(paid[:count], Decimal(0)) for count in range(len(paid) + 1)}
    covered = partial | set(paid) | {placed.paid for placed in known.all(Placed) if placed.paid is not None}
    if any(fact.amount is None for fact in known.payments):
        covered |= {placed.total for placed in known.all(Placed)}
    since = {abs(one - other) for one in covered for other in covered}  # several payments thanked for at once
    gone = {sum(back[:count], Decimal(0)) for count in range(len(back) + 1)}
    since |= {abs(one - other) for one in covered for other in gone}  # what is still to go back
    totals = {placed.total for placed in known.all(Placed)}
    return (
        found
        | {abs(total - sum_) for total in totals for sum_ in covered}
        | since
        | {
            sum_ - total - other
            for total in totals
            for sum_ in covered
            for other in gone  # of what was too much
        }
    )


def _text(amount: Amount | None) -> str:
    return f"{amount.value} {amount.currency}" if amount else "nothing"

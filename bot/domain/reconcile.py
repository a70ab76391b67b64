"""Money that came, matched with the orders that wait for it: certain, doubtful, or nothing of ours.

A match is certain by the memo of the order with its right check digit and the sum that is owed; by the bare
number, the payer's name or the last digits of their account only where nothing else could be meant. The sum
alone is never enough, and no transfer pays for an order that was placed later. What is doubtful goes to a
person, with the orders that could be meant and why.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from bot.domain import payer_names
from bot.domain.memos import Reading, compact, memo, readings
from bot.domain.money import Money

How = Literal["memo", "memos", "part", "over", "known", "number", "digits", "name", "doubtful", "nothing"]
# What speaks for an order, and what against it.
Hint = Literal[
    "memo", "slip", "number", "sum", "name", "digits",
    "told", "less", "more", "paid", "cancelled", "later", "currency",
]  # fmt: skip

CERTAIN: frozenset[How] = frozenset(("memo", "memos", "part", "over", "known", "number", "digits", "name"))
MOST_SHOWN = 5  # orders that a doubtful transfer may be for
MANY = 200  # who owe the same, among whom somebody's number is near for sure
BY_SUM = timedelta(days=60)  # how long after its order a transfer is thought of by its sum alone
_WEIGHTS: dict[Hint, int] = {"memo": 60, "slip": 30, "number": 40, "name": 25, "digits": 25, "sum": 20}


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a statement by which money came. latest: until when it may have been, where only its day is
    known. account: the payer's, or its end."""

    key: str
    at: datetime
    latest: datetime
    amount: Money
    payer: str = ""
    account: str = ""
    text: str = ""


class Payable(msgspec.Struct, kw_only=True):
    """An order as transfers are compared with it.

    left: what is still owed, in minor units; it falls with each match. names, digits: of those who may pay.
    told: sums that other sources told of; beside: what they told of in all, beyond what statements had.
    """

    id: str
    number: str
    currency: str
    left: int
    placed_at: datetime
    names: tuple[str, ...] = ()
    digits: tuple[str, ...] = ()
    told: list[int] = []
    beside: int = 0
    cancelled: bool = False
    unclear: bool = False  # what is owed cannot be said


class Share(msgspec.Struct, frozen=True):
    """What an order gets of a transfer; beside: as in PaymentReceived."""

    order: str
    amount: Money
    beside: int = 0


class Candidate(msgspec.Struct, frozen=True):
    order: str
    number: str
    hints: tuple[Hint, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    transfer: Transfer
    how: How
    shares: tuple[Share, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    @property
    def certain(self) -> bool:
        return self.how in CERTAIN


class Book:
    """The orders that may be meant, found by number, by what is owed and by who may pay."""

    def __init__(self, orders: Iterable[Payable] = ()) -> None:
        self.by_id: dict[str, Payable] = {}
        self.by_number: dict[str, list[Payable]] = defaultdict(list)
        self._by_sum: dict[tuple[str, int], dict[str, Payable]] = defaultdict(dict)
        self._by_name: dict[frozenset[str], dict[str, Payable]] = defaultdict(dict)
        self._by_end: dict[str, dict[str, Payable]] = defaultdict(dict)
        for order in orders:
            self.add(order)

    def add(self, order: Payable) -> None:
        if order.id in self.by_id:
            return
        self.by_id[order.id] = order
        self.by_number[compact(order.number)].append(order)
        self._index(order)
        for name in order.names:
            if words := payer_names.words(name):
                self._by_name[words][order.id] = order
        for digits in order.digits:
            self._by_end[digits][order.id] = order

    def _index(self, order: Payable) -> None:
        if order.left > 0 and not order.cancelled and not order.unclear:
            self._by_sum[order.currency, order.left][order.id] = order

    def pay(self, order: Payable, minor: int) -> None:
        self._by_sum[order.currency, order.left].pop(order.id, None)
        order.left = max(0, order.left - minor)
        order.beside = 0
        self._index(order)

    def owing(self, transfer: Transfer, minor: int | None = None) -> list[Payable]:
        """The orders for which just this sum is owed, and was when the money came."""
        found = self._by_sum.get((transfer.amount.currency, minor or transfer.amount.minor), {})
        return [order for order in found.values() if order.placed_at <= transfer.latest]

    def named(self, transfer: Transfer) -> list[Payable]:
        """Orders of whom the bank calls the payer so."""
        found = self._by_name.get(payer_names.words(transfer.payer), {}) if transfer.payer else {}
        return list(found.values())

    def ending(self, transfer: Transfer) -> list[Payable]:
        """Orders whose buyers told the last digits of this account."""
        account = "".join(sign for sign in transfer.account if sign.isdecimal())
        return [order for end in (account[-5:], account[-4:]) for order in self._by_end.get(end, {}).values()]


def match(transfers: Sequence[Transfer], book: Book) -> list[Verdict]:
    """Judge transfers in their order; what a certain one pays is owed no more to the next.

    book: is changed by what is matched.
    """
    together = _adding_up(transfers, book)
    verdicts = []
    for transfer in transfers:
        verdict = _judged(transfer, book, together.get(transfer.key))
        for share in verdict.shares:
            if verdict.how != "known":
                book.pay(book.by_id[share.order], share.amount.minor)
        verdicts.append(verdict)
    return verdicts


def _adding_up(transfers: Sequence[Transfer], book: Book) -> dict[str, Payable]:
    """Transfers that name the same order and pay it together, none of them alone."""
    parts: dict[str, list[Transfer]] = defaultdict(list)
    for transfer in transfers:
        if order := _only_named(transfer, book):
            parts[order.id].append(transfer)
    found: dict[str, Payable] = {}
    for id, those in parts.items():
        order = book.by_id[id]
        if len(those) > 1 and sum(each.amount.minor for each in those) == order.left:
            found |= {each.key: order for each in those}
    return found


def _only_named(transfer: Transfer, book: Book) -> Payable | None:
    numbers = {each.number for each in readings(transfer.text, book.by_number) if each.how == "checked"}
    orders = book.by_number[next(iter(numbers))] if len(numbers) == 1 else []
    return orders[0] if len(orders) == 1 and _could_pay(transfer, orders[0]) else None


def _could_pay(transfer: Transfer, order: Payable) -> bool:
    open_then = order.placed_at <= transfer.latest and not order.cancelled and not order.unclear
    return open_then and order.currency == transfer.amount.currency


def _judged(transfer: Transfer, book: Book, adds_up: Payable | None) -> Verdict:
    said = readings(transfer.text, book.by_number)
    found = _for(transfer, "part", adds_up) if adds_up else _certain(transfer, said, book)
    if found is None or (found.how != "known" and _told_before(found, book)):
        return _doubtful(transfer, said, book)
    return found


def _certain(transfer: Transfer, said: list[Reading], book: Book) -> Verdict | None:
    if checked := [each for each in said if each.how == "checked"]:
        return _by_memo(transfer, checked, said, book)
    if bare := [each for each in said if each.how == "bare"]:
        return _by_number(transfer, bare, book)
    found = _by_digits(transfer, book) or _by_name(transfer, book)
    return None if found and _says_another(found, said, book) else found


def _says_another(found: Verdict, said: list[Reading], book: Book) -> bool:
    """True if the words hold what may be a mistyped memo, and it is not near that of the order found."""
    near = {share.order for share in found.shares}
    return bool(said) and not any(near & {order.id for order in book.by_number[each.number]} for each in said)


def _told_before(found: Verdict, book: Book) -> bool:
    """True if the shop's system told of a payment of the same sum, which may be this very money."""
    return any(share.amount.minor in book.by_id[share.order].told for share in found.shares)


def _by_memo(transfer: Transfer, checked: list[Reading], said: list[Reading], book: Book) -> Verdict | None:
    spans = _apart(checked)
    orders = {each.number: book.by_number[each.number] for each in checked}
    if len(orders) > 1:
        return None if len({each.number for each in spans}) < len(orders) else _joint(transfer, orders, book)
    (named,) = orders.values()
    named = [order for order in named if _could_pay(transfer, order)]
    exact = [order for order in named if order.left == transfer.amount.minor]
    if len(exact) == 1:
        unsure = _may_be_slips(transfer, exact[0], book) or _other_reading(transfer, said, exact[0], book)
        return None if unsure else _for(transfer, "memo", exact[0])
    return _not_the_sum(transfer, named[0], book) if len(named) == 1 and not exact else None


def _joint(transfer: Transfer, orders: dict[str, list[Payable]], book: Book) -> Verdict | None:
    """One transfer for several orders: each is named, and together they owe just that."""
    those = [order for same in orders.values() for order in same]
    if len(those) != len(orders) or not all(_could_pay(transfer, order) and order.left for order in those):
        return None
    if sum(order.left for order in those) != transfer.amount.minor:
        return None
    if any(_may_be_slips(transfer, order, book) for order in those):
        return None
    return Verdict(
        transfer=transfer,
        how="memos",
        shares=tuple(Share(each.id, Money(each.left, each.currency), each.beside) for each in those),
    )


def _not_the_sum(transfer: Transfer, order: Payable, book: Book) -> Verdict | None:
    """Another sum than is owed, with the right memo: counted, unless the payer is known to be somebody else,
    or somebody else owes just that sum; who pays too much may be meant for that one whatever their name."""
    minor = transfer.amount.minor
    if order.left == 0:
        if minor in order.told:
            order.told.remove(minor)
            return _for(transfer, "known", order)
        return None
    too_much, owed_elsewhere = minor > order.left, bool(book.owing(transfer))
    if owed_elsewhere and (too_much or not _is_payer(transfer, order)):
        return None
    if _is_stranger(transfer, order):
        return None
    return _for(transfer, "over" if too_much else "part", order)


def _by_number(transfer: Transfer, bare: list[Reading], book: Book) -> Verdict | None:
    """A number without its digit may be a slip, so it counts only where nobody else owes that sum, or where
    the payer's name says the same."""
    owing = book.owing(transfer)
    numbers = {each.number for each in bare}
    named = [order for order in owing if compact(order.number) in numbers]
    if len(named) != 1 or len(numbers) != 1:
        return None
    theirs = [order for order in owing if _is_payer(transfer, order)]
    return _for(transfer, "number", named[0]) if len(owing) == 1 or theirs == named else None


def _by_digits(transfer: Transfer, book: Book) -> Verdict | None:
    ending = {order.id for order in book.ending(transfer)}
    found = [order for order in book.owing(transfer) if order.id in ending]
    if len(found) != 1 or _is_stranger(transfer, found[0]):
        return None
    return _for(transfer, "digits", found[0])


def _by_name(transfer: Transfer, book: Book) -> Verdict | None:
    owing = book.owing(transfer)
    if len(owing) != 1 or transfer.at - owing[0].placed_at > BY_SUM:
        return None
    return _for(transfer, "name", owing[0]) if _is_payer(transfer, owing[0]) else None


def _is_payer(transfer: Transfer, order: Payable) -> bool:
    """By the bank's own column; where it has none, by a name that stands in the text."""
    if transfer.payer:
        return any(payer_names.same(name, transfer.payer) for name in order.names)
    return any(payer_names.named_in(name, transfer.text) for name in order.names)


def _is_stranger(transfer: Transfer, order: Payable) -> bool:
    """True if both names are known, and they differ."""
    known = payer_names.words(transfer.payer) and any(map(payer_names.words, order.names))
    return bool(known) and not _is_payer(transfer, order)


def _may_be_slips(transfer: Transfer, order: Payable, book: Book) -> bool:
    """True if a stranger pays, and the order of another who owes the same is two slips away, or is theirs.

    Of two slips in one memo the digit shows nine in ten.
    """
    if not _is_stranger(transfer, order):
        return False
    others = [each for each in book.owing(transfer, order.left) if each is not order]
    if len(others) > MANY:
        return True
    meant = compact(memo(order.number))
    return any(_is_payer(transfer, each) or _slips(meant, compact(memo(each.number))) <= 2 for each in others)


def _slips(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else len(one)


def _other_reading(transfer: Transfer, said: list[Reading], order: Payable, book: Book) -> bool:
    """True if the same signs are the bare number of another order that owes the same: 10014 and 1001-4."""
    mine = compact(order.number)
    here = [each for each in said if each.number == mine]
    others = {each.number for each in said if each.number != mine and any(map(each.overlaps, here))}
    return any(compact(each.number) in others for each in book.owing(transfer))


def _apart(checked: list[Reading]) -> list[Reading]:
    """The longest readings that do not overlap."""
    kept: list[Reading] = []
    for each in sorted(checked, key=lambda each: (each.start - each.end, each.start)):
        if not any(each.overlaps(other) for other in kept):
            kept.append(each)
    return kept


def _for(transfer: Transfer, how: How, order: Payable) -> Verdict:
    beside = 0 if how == "known" else order.beside
    return Verdict(transfer=transfer, how=how, shares=(Share(order.id, transfer.amount, beside),))


def _doubtful(transfer: Transfer, said: list[Reading], book: Book) -> Verdict:
    """The orders that could be meant, the likeliest first; nothing, if there is none."""
    hints: dict[str, set[Hint]] = defaultdict(set)
    by_reading: dict[str, Hint] = {"checked": "memo", "bare": "number", "slip": "slip"}
    for reading in said:
        for order in book.by_number[reading.number]:
            hints[order.id].add(by_reading[reading.how])
    for order in book.named(transfer):
        if order.left:
            hints[order.id].add("name")
    for order in book.ending(transfer):
        if order.left:
            hints[order.id].add("digits")
    for order in book.owing(transfer):
        if order.id in hints or transfer.at - order.placed_at <= BY_SUM:
            hints[order.id].add("sum")
            if _is_payer(transfer, order):
                hints[order.id].add("name")
    weights = {id: sum(_WEIGHTS.get(hint, 0) for hint in found) for id, found in hints.items()}
    ranked = sorted(hints, key=lambda id: (-weights[id], _gap(transfer, book.by_id[id])))
    candidates = tuple(_candidate(transfer, book.by_id[id], hints[id]) for id in ranked[:MOST_SHOWN])
    return Verdict(transfer=transfer, how="doubtful" if candidates else "nothing", candidates=candidates)


def _gap(transfer: Transfer, order: Payable) -> tuple[timedelta, str]:
    return abs(transfer.at - order.placed_at), order.id


def _candidate(transfer: Transfer, order: Payable, found: set[Hint]) -> Candidate:
    """With what speaks against it."""
    if transfer.amount.minor in order.told:
        found.add("told")
    if order.placed_at > transfer.latest:
        found.add("later")
    elif order.cancelled:
        found.add("cancelled")
    elif order.left == 0:
        found.add("paid")
    elif order.currency != transfer.amount.currency:
        found.add("currency")
    elif order.left != transfer.amount.minor:
        found.add("less" if transfer.amount.minor < order.left else "more")
    return Candidate(order.id, order.number, tuple(hint for hint in _ORDER if hint in found))


_ORDER: tuple[Hint, ...] = get_args(Hint)

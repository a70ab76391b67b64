"""Money that came is matched with its order, or left to a person; never with another's."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.memos import memo
from bot.domain.money import Money
from bot.domain.reconcile import Book, Hint, Payable, Transfer, Verdict, match
from tests.world import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NUMBERS = count(1)


def order(number: str = "1001", left: int = 12800, **given: object) -> Payable:
    known = {"currency": "CNY", "placed_at": NOON, "names": ("王安娜",), **given}
    return Payable(id=f"id {number}", number=number, left=left, **known)  # type: ignore[arg-type]


def money(minor: int = 12800, text: str = "", at: datetime = NOON + HOUR, **given: str) -> Transfer:
    currency = given.pop("currency", "CNY")
    key = f"t{next(NUMBERS)}"
    return Transfer(key=key, at=at, latest=at, amount=Money(minor, currency), text=text, **given)


def judged(transfer: Transfer, *orders: Payable) -> Verdict:
    return match([transfer], Book(orders))[0]


def paid(verdict: Verdict) -> dict[str, int]:
    return {share.order.removeprefix("id "): share.amount.minor for share in verdict.shares}


def hints(verdict: Verdict) -> dict[str, tuple[Hint, ...]]:
    return {each.number: each.hints for each in verdict.candidates}


# By the memo


def test_the_memo_with_its_digit_and_the_sum_that_is_owed_are_certain() -> None:
    found = judged(money(text=f"茶叶 {memo('1001')}"), order(), order("1002"))

    assert (found.how, paid(found)) == ("memo", {"1001": 12800})


def test_a_slip_in_the_memo_is_seen_and_left_to_a_person() -> None:
    found = judged(money(text="1002-4"), order(), order("1002"))

    assert found.how == "doubtful"
    assert hints(found) == {"1002": ("slip", "sum"), "1001": ("sum",)}


def test_a_number_without_its_digit_counts_where_nobody_else_owes_that_sum() -> None:
    assert judged(money(text="订单1001"), order(), order("1002", left=900)).how == "number"


def test_a_number_without_its_digit_may_be_a_slip_where_another_owes_the_same() -> None:
    found = judged(money(text="订单1001"), order(), order("1002"))

    assert found.how == "doubtful"
    assert list(hints(found)) == ["1001", "1002"]


def test_there_the_name_of_the_payer_decides() -> None:
    mine, others = order(), order("1002", names=("李雷",))

    assert judged(money(text="订单1001", payer="王安娜"), mine, others).how == "number"
    assert judged(money(text="订单1001", payer="李雷"), mine, others).how == "doubtful"


def test_a_right_memo_is_doubted_if_the_payer_is_another_who_owes_the_same() -> None:
    found = judged(money(text=memo("1001"), payer="李雷"), order(), order("3456", names=("李雷",)))

    assert found.how == "doubtful"


def test_a_right_memo_of_a_strangers_is_doubted_only_where_two_slips_could_have_made_it() -> None:
    stranger = money(text=memo("1001"), payer="韩梅梅")

    assert judged(stranger, order(), order("1002")).how == "doubtful"
    assert judged(stranger, order(), order("3456")).how == "memo"
    assert judged(stranger, order(), order("1002", left=900)).how == "memo"
    assert judged(money(text=memo("1001")), order(), order("1002")).how == "memo"  # nobody says who paid
    assert judged(money(text=memo("1001"), payer="王安娜"), order(), order("1002")).how == "memo"


def test_a_memo_without_its_dash_is_doubted_if_it_is_a_number_that_owes_the_same() -> None:
    text = memo("1001").replace("-", "")

    assert judged(money(text=text), order(), order(text)).how == "doubtful"
    assert judged(money(text=text), order(), order(text, left=1)).how == "memo"


def test_two_orders_of_one_number_are_told_apart_by_the_sum_alone_if_at_all() -> None:
    one, other = order(), order(left=5000)
    other.id = "id of the other"

    assert paid(judged(money(5000, text=memo("1001")), one, other)) == {"of the other": 5000}
    assert judged(money(6000, text=memo("1001")), one, other).how == "doubtful"


# More, less, together


def test_one_transfer_pays_for_several_orders_that_it_names() -> None:
    text = f"{memo('1001')} {memo('1002')}"
    found = judged(money(20000, text=text), order(), order("1002", left=7200))

    assert (found.how, paid(found)) == ("memos", {"1001": 12800, "1002": 7200})
    assert judged(money(12800, text=text), order(), order("1002", left=7200)).how == "doubtful"


def test_several_transfers_add_up_to_one_order() -> None:
    book = Book([order(), order("1002", left=6000)])
    found = match([money(6000, text=memo("1001")), money(6800, text=memo("1001"))], book)

    assert [each.how for each in found] == ["part", "part"]
    assert book.by_id["id 1001"].left == 0


def test_less_and_more_than_is_owed_is_counted_as_it_came() -> None:
    assert paid(part := judged(money(5000, text=memo("1001")), order())) == {"1001": 5000}
    assert paid(over := judged(money(20000, text=memo("1001")), order())) == {"1001": 20000}
    assert (part.how, over.how) == ("part", "over")
    assert judged(money(5000, text=memo("1001"), payer="韩梅梅"), order()).how == "doubtful"


def test_another_sum_is_not_counted_if_somebody_else_owes_just_that() -> None:
    """Two slips may make a right digit."""
    found = judged(money(5000, text=memo("1001")), order(), order("1002", left=5000))

    assert found.how == "doubtful"
    assert hints(found) == {"1001": ("memo", "less"), "1002": ("sum",)}


def test_what_is_paid_by_one_transfer_is_not_paid_by_the_next() -> None:
    first, second = match([money(text=memo("1001")), money(text=memo("1001"))], Book([order()]))

    assert (first.how, second.how) == ("memo", "doubtful")
    assert hints(second) == {"1001": ("memo", "paid")}


# By name, by the end of the account


def test_the_payers_name_and_a_sum_that_nobody_else_owes_are_certain() -> None:
    others = order("1002", left=900)

    assert judged(money(payer="王安娜"), order(), others).how == "name"
    assert judged(money(text="转账汇款 王安娜 6222"), order(), others).how == "name"
    assert judged(money(payer="王安娜"), order(), order("1002", names=("李雷",))).how == "doubtful"
    assert judged(money(payer="王**"), order(), others).how == "doubtful"


def test_the_sum_alone_is_never_enough() -> None:
    found = judged(money(), order())

    assert (found.how, hints(found)) == ("doubtful", {"1001": ("sum",)})


def test_the_end_of_the_account_that_the_buyer_told_is_certain() -> None:
    def paid_from(account: str, minor: int = 12800, payer: str = "") -> str:
        transfer = money(minor, account=account, payer=payer)
        return judged(transfer, order(digits=("12345",)), order("1002")).how

    assert paid_from("**** 812345") == "digits"
    assert paid_from("0040-123-45") == "digits"
    assert paid_from("0040-123-46") == "doubtful"
    assert paid_from("0040-123-45", payer="李雷") == "doubtful"  # another account may end so too
    assert paid_from("**** 812345", 900) == "doubtful"


# What it is not for


@pytest.mark.parametrize(
    ("other", "hint"),
    [
        (order(placed_at=NOON + DAY), "later"),
        (order(cancelled=True), "cancelled"),
        (order(left=0), "paid"),
        (order(told=[12800]), "told"),
    ],
)
def test_no_order_is_paid_by_what_cannot_be_for_it(other: Payable, hint: Hint) -> None:
    found = judged(money(text=memo("1001"), payer="王安娜"), other)

    assert found.how == "doubtful"
    assert hint in hints(found)["1001"]


def test_what_the_shops_system_told_of_and_the_bank_shows_is_known_and_counts_once() -> None:
    book = Book([order(left=0, told=[12800])])
    first, again = match([money(text=memo("1001")), money(text=memo("1001"))], book)

    assert (first.how, again.how) == ("known", "doubtful")


def test_another_currency_is_another_sum() -> None:
    assert judged(money(text=memo("1001"), currency="USD"), order()).how == "doubtful"


def test_money_of_which_nothing_is_known_is_nothing_of_ours() -> None:
    assert judged(money(99, text="利息", payer="银行"), order()).how == "nothing"


def test_no_more_orders_are_shown_than_a_person_looks_through() -> None:
    assert len(judged(money(), *(order(str(number)) for number in range(1000, 1040))).candidates) == 5


# Random statements, of which the truth is known

NAMES = [
    f"{family}{one}{other}"
    for family in "王李张刘陈杨赵黄周吴"
    for one in "安小文雅志美俊晓"
    for other in "娜雷梅明芳玲军华伟丽"
]
PRICES = (9900, 12800, 12800, 19900, 25600)


class Truth:
    """A shop's open orders, and what its buyers pay for them as people do."""

    def __init__(self, seed: int, orders: int) -> None:
        self.chance = random.Random(seed)
        self.orders = [self._order(str(1000 + number)) for number in range(orders)]
        self.meant: dict[str, dict[str, int]] = {}
        self.transfers: list[Transfer] = []
        for one in self.orders:
            self._paid(one)
        for _ in range(orders // 4):
            self._other_income()
        self.transfers.sort(key=lambda each: each.at)

    def _order(self, number: str) -> Payable:
        at = NOON + timedelta(minutes=self.chance.randrange(60 * 24 * 5))
        digits = (f"{self.chance.randrange(100_000):05}",) if self.chance.random() < 0.2 else ()
        name = self.chance.choice(NAMES)
        return order(number, self.chance.choice(PRICES), placed_at=at, names=(name,), digits=digits)

    def _paid(self, one: Payable) -> None:
        kind = self.chance.random()
        payer = one.names[0] if self.chance.random() < 0.7 else self.chance.choice(NAMES)
        account = f"622200{one.digits[0]}" if one.digits else f"{self.chance.randrange(10**12):012}"
        if kind < 0.1:
            return
        parts = [one.left]
        if kind > 0.94:
            parts = [one.left // 3, one.left - one.left // 3]
        elif kind > 0.92:
            parts = [one.left - self.chance.choice((500, 1000))]
        elif kind > 0.90:
            parts = [one.left + self.chance.choice((100, 800))]
        for minor in parts:
            at = one.placed_at + timedelta(minutes=self.chance.randrange(1, 60 * 72))
            self._came(Transfer(
                key=f"k{len(self.transfers)}", at=at, latest=at, amount=Money(minor, "CNY"), payer=payer,
                account=account, text=self._words(one),
            ), {one.id: minor})  # fmt: skip

    def _words(self, one: Payable) -> str:
        told = memo(one.number)
        kind = self.chance.random()
        if kind < 0.55:
            return self.chance.choice((told, told.replace("-", ""), f"订单{told}", f"茶叶款 {told} 谢谢"))
        if kind < 0.65:
            return one.number
        if kind < 0.8:
            return self._mistyped(told)
        return self.chance.choice(("", "转账", "货款", "手机 13800001234"))

    def _mistyped(self, told: str) -> str:
        """One slip, and now and then two."""
        signs = list(told)
        for _ in range(2 if self.chance.random() < 0.2 else 1):
            place = self.chance.choice([at for at, sign in enumerate(signs) if sign.isdecimal()])
            signs[place] = self.chance.choice("0123456789")
        return "".join(signs) if self.chance.random() < 0.8 else "".join(signs[:-2])

    def _other_income(self) -> None:
        at = NOON + timedelta(minutes=self.chance.randrange(60 * 24 * 6))
        stranger = self.chance.choice(("电商平台结算", "退税", "周末市集"))
        minor = self.chance.choice((*PRICES, self.chance.randrange(100, 90_000)))
        text = self.chance.choice(("", "结算", f"{self.chance.randrange(10**5)}"))
        key = f"k{len(self.transfers)}"
        self._came(
            Transfer(key=key, at=at, latest=at, amount=Money(minor, "CNY"), payer=stranger, text=text), {}
        )

    def _came(self, transfer: Transfer, meant: dict[str, int]) -> None:
        self.meant[transfer.key] = meant
        self.transfers.append(transfer)

    def wrong(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        return [
            each
            for each in verdicts
            if each.certain and {share.order for share in each.shares} != set(self.meant[each.transfer.key])
        ]


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 120))
@example(1767, 102)  # two slips that make the memo of a namesake, who has paid a part
def test_of_random_statements_nothing_certain_is_wrong(seed: int, orders: int) -> None:
    truth = Truth(seed, orders)

    assert truth.wrong(match(truth.transfers, Book(truth.orders))) == []


def test_most_of_what_was_paid_is_matched_for_certain() -> None:
    truth = Truth(7, 2000)
    found = match(truth.transfers, Book(truth.orders))
    hows = Counter(each.how for each in found if truth.meant[each.transfer.key])
    certain = sum(each.certain for each in found if truth.meant[each.transfer.key])

    assert truth.wrong(found) == []
    assert certain / sum(hows.values()) > 0.4  # four prices in all, and every second memo is wrong or missing

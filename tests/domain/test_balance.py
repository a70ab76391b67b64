"""Like is compared with like, and each source is summed up for itself."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from bot.domain.balance import Account, last_paid_at
from bot.domain.money import Money
from bot.domain.payments import Paid, Refund, Shown
from tests.world import NOON

CNY, EUR = (lambda minor: Money(minor, "CNY")), (lambda minor: Money(minor, "EUR"))
HOUR = timedelta(hours=1)


def account(*payments: Paid, **known: Any) -> Account:
    given: dict[str, Any] = {"total": CNY(10000), "shop_total": None, "told": None, "told_at": None}
    given |= {"refunds": (), **known}
    shown = given.pop("shown", (Shown(NOON, given["total"]),))
    memos = frozenset(("1001",))
    return Account(channel="shop", shown=shown, payments=payments, memos=memos, **given)


def part(minor: int, source: str = "shop", currency: str = "CNY", hours: int = 1) -> Paid:
    at, amount = NOON + hours * HOUR, Money(minor, currency)
    return Paid(id=f"{minor} {hours}", at=at, amount=amount, source=source)


def test_what_two_sources_tell_of_one_sum_is_not_added_up() -> None:
    assert account(part(4000), part(4000, "import")).paid() == CNY(4000)
    assert account(part(4000), part(3000, hours=2), part(5000, "import")).paid() == CNY(7000)


def test_the_newest_money_is_a_payment_or_the_first_showing_of_another_sum() -> None:
    shown = [
        Shown(NOON + hours * HOUR, CNY(10000), CNY(minor)) for hours, minor in ((0, 0), (3, 50), (4, 50))
    ]

    assert last_paid_at(account()) is None
    assert last_paid_at(account(part(50), part(60, hours=2))) == NOON + 2 * HOUR
    assert last_paid_at(account(part(50), shown=tuple(shown))) == NOON + 3 * HOUR
    assert last_paid_at(account(part(0))) is None


def test_the_platforms_own_account_comes_before_its_single_payments_and_not_before_others() -> None:
    assert account(part(4000), told=CNY(0)).paid() == CNY(0)
    assert account(part(4000, "seller"), told=CNY(0)).paid() == CNY(4000)


def test_what_is_told_to_be_paid_holds_as_of_its_time_and_later_payments_come_on_top() -> None:
    told = {"told": CNY(2000), "told_at": NOON + 2 * HOUR}
    earlier, later = part(2000), part(3000, hours=3)

    assert account(earlier, later, **told).paid() == CNY(5000)
    assert account(later, **told).has_come(CNY(3000))
    assert account(earlier, part(2000, hours=2), **told).paid() == CNY(2000)  # contained in it
    assert account(later, part(9000, "import"), **told).paid() == CNY(9000)
    assert account(Paid(id="w", at=NOON + 3 * HOUR, source="shop"), **told).paid() == CNY(10000)
    soon = {"told_at": NOON + 2 * HOUR - timedelta(minutes=5)}
    for shown, also in ((2000, 2000), (10000, 3000)):  # that payment, or another word of the whole
        assert account(part(also, hours=2), told=CNY(shown), **soon).paid() == CNY(shown)
    assert account(part(3000, hours=2), told=CNY(2000), **soon).paid() == CNY(5000)
    assert account(part(2000, hours=3), told=CNY(2000), **soon).paid() == CNY(4000)
    assert account(earlier, later, told=CNY(1000), told_at=NOON + 4 * HOUR).paid() == CNY(1000)
    corrected = replace(earlier, at=NOON + 3 * HOUR, amount=CNY(2500))  # known when that was told
    assert account(earlier, corrected, **told).paid() == CNY(2000)
    assert account(part(3000, currency="KRW", hours=3), **told).paid() is None


def test_other_money_makes_the_sum_unknown_unless_the_whole_is_there_without_it() -> None:
    assert account(part(12800, currency="KRW")).paid() is None
    assert account(part(4000), part(5000, "import", "KRW")).paid() is None
    assert account(part(10000), part(5000, "import", "KRW")).paid() == CNY(10000)


def test_the_shops_own_total_stands_for_the_buyers() -> None:
    both = {"total": EUR(900), "shop_total": CNY(10000)}

    assert account(part(10000), **both).paid() == EUR(900)
    assert account(part(4000), **both).paid() is None
    assert account(part(400, currency="EUR"), **both).paid() == EUR(400)


def test_the_whole_is_the_total_of_its_time() -> None:
    grown = (Shown(NOON, CNY(10000)), Shown(NOON + 2 * HOUR, CNY(12000)))
    whole = Paid(id="w", at=NOON + HOUR, source="shop")

    assert account(whole, total=CNY(12000), shown=grown).paid() == CNY(10000)
    assert account(whole, part(2000, hours=3), total=CNY(12000), shown=grown).paid() == CNY(12000)


def test_a_refund_of_the_whole_includes_its_parts() -> None:
    refunds = (
        Refund(id="r", at=NOON, amount=CNY(3000), source="shop"),
        Refund(id="all", at=NOON, source="shop"),
        Refund(id="i", at=NOON, amount=CNY(3000), source="import"),
    )

    assert account(part(8000), refunds=refunds).refunded() == CNY(8000)
    assert account(part(8000), refunds=refunds[::2]).refunded() == CNY(3000)


def test_of_an_unknown_total_no_sum_is_known() -> None:
    assert account(part(8000), total=None, shown=()).paid() is None


def test_a_source_that_tells_of_the_rest_counts_what_others_had_told_of() -> None:
    rest = replace(part(6000, "statement", hours=3), beside=CNY(4000))

    assert account(part(4000), rest).paid() == CNY(10000)
    assert account(part(4000), part(6000, hours=4), rest).paid() == CNY(10000)  # the shop tells of it as well
    assert account(rest, part(1000, "statement", hours=2)).paid() == CNY(11000)

"""Which payments are one, and what the total was at a time."""

from datetime import timedelta

from bot.domain.money import Money
from bot.domain.payments import Paid, Refund, Shown, distinct, sources, total_at
from tests.world import NOON

HOUR = timedelta(hours=1)
NONE: frozenset[str] = frozenset()


def paid(id: str, hours: int, reference: str | None = None, minor: int = 5000) -> Paid:
    return Paid(id=id, at=NOON + hours * HOUR, amount=Money(minor, "CNY"), reference=reference)


def test_a_reference_names_a_payment_and_the_earliest_word_of_it_counts() -> None:
    told = [paid("b", 2, "tx"), paid("a", 1, "tx"), paid("c", 3, "tx", 100)]

    assert [each.id for each in distinct(told, NONE)] == ["a", "c"]
    assert [each.id for each in distinct(told, frozenset(("tx",)))] == ["a", "b", "c"]


def test_what_each_source_tells_is_kept_apart() -> None:
    refunds = [Refund(id="r", at=NOON, source=source) for source in ("shop", "import", "shop")]

    assert {source: len(those) for source, those in sources(refunds).items()} == {"shop": 2, "import": 1}


def test_the_total_at_a_time_is_the_one_shown_last_before_it_else_the_first() -> None:
    shown = [Shown(NOON + hours * HOUR, Money(minor, "CNY")) for hours, minor in ((3, 30), (1, 10))]
    refunded = Shown(NOON + 2 * HOUR, Money(20, "CNY"), None, False)

    asked = [total_at([*shown, refunded], NOON + hours * HOUR) for hours in (0, 1, 2, 3)]
    assert [total.minor for total in asked if total] == [10, 10, 10, 30]
    assert total_at([], NOON) is None

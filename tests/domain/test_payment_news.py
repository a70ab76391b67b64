"""What a word of thanks names: what came since the last one, so that what is told adds up."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import msgspec
import pytest

from bot.domain.context import Said
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payment_news import newly_paid, tells_otherwise
from bot.domain.payments import Paid, Shown

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
TOTAL = Money(2350, "GBP")


def pounds(minor: int) -> Money:
    return Money(minor, "GBP")


def order(*sums: int) -> Order:
    """sums: of payments, each with a name of its own."""
    payments = tuple(
        Paid(id=f"p{minor}", at=AT + timedelta(hours=minor), amount=pounds(minor)) for minor in sums
    )
    return Order(id="1001", channel="shop", total=TOTAL, placed_at=AT, payments=payments)


def told(sum: Money | None, template: str = "payment_received", **more: object) -> Said:
    known = {"key": template, "state": "sent", "sent_at": AT, "paid": True, "paid_sum": sum, **more}
    return Said(template=template, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("sums", [*permutations((500, 850, 1000))])
@pytest.mark.parametrize("together", [(1, 1, 1), (2, 1), (1, 2), (3,)])
def test_what_is_named_adds_up_however_it_arrives_and_is_told(
    sums: tuple[int, ...], together: tuple[int, ...]
) -> None:
    said: list[Said] = []
    named: list[Money] = []
    known = 0
    for count in together:
        known += count
        amount = newly_paid(order(*sums[:known]), said)
        assert amount == pounds(sum(sums[known - count : known]))
        named.append(amount)
        said.append(told(pounds(sum(sums[:known]))))
    assert sum(each.minor for each in named) == TOTAL.minor


def test_a_source_of_running_totals_has_differences() -> None:
    shown = (Shown(AT, TOTAL, pounds(1000)), Shown(AT + timedelta(hours=1), TOTAL, pounds(2350)))
    whole = Order(id="1", channel="shop", total=TOTAL, told_paid=pounds(2350), shown_money=shown)

    assert newly_paid(whole, ()) == pounds(2350)
    assert newly_paid(whole, [told(pounds(1000))]) == pounds(1350)


def test_only_what_was_sent_and_spoke_of_money_counts() -> None:
    unsent, reminder = told(pounds(1000), sent_at=None), told(pounds(1000), "payment_reminder")
    confirmed = told(pounds(1000), "order_confirmation")

    assert newly_paid(order(1000, 1350), [unsent, reminder]) == pounds(2350)
    assert newly_paid(order(1000, 1350), [told(pounds(0), paid=False), confirmed]) == pounds(1350)


def test_nothing_is_named_where_an_earlier_word_named_no_sum_or_another_currency() -> None:
    assert newly_paid(order(1000, 1350), [told(None)]) is None
    assert newly_paid(order(1000, 1350), [told(Money(1000, "EUR"))]) is None
    assert newly_paid(Order(id="1", channel="shop"), ()) is None


@pytest.mark.parametrize(
    ("before", "sums", "amount", "otherwise"),
    [
        (2350, (2550,), None, True),
        (2350, (2350, 200), 200, False),
        (1350, (2350,), None, False),  # the rest is there, and was no payment of its own
        (1350, (1350, 1000), 1000, False),
        (1350, (400, 2350), None, False),
        (0, (2350,), 2350, False),
    ],
)
def test_what_was_confirmed_by_hand_is_the_same_money_told_by_another(
    before: int, sums: tuple[int, ...], amount: int | None, otherwise: bool
) -> None:
    by_hand = Paid(id="hand", at=AT, amount=pounds(before), source="seller") if before else None
    known = order(*sums)
    both = msgspec.structs.replace(known, payments=(*known.payments, *([by_hand] if by_hand else [])))
    said = [told(pounds(before))] if before else []

    assert newly_paid(both, said) == (pounds(amount) if amount else None)
    assert tells_otherwise(both, said) is otherwise


def test_the_whole_that_was_confirmed_beside_a_part_is_what_was_missing() -> None:
    whole = Paid(id="hand", at=AT, source="seller")
    both = msgspec.structs.replace(order(1000), payments=(*order(1000).payments, whole))

    assert newly_paid(both, [told(pounds(1000))]) == pounds(1350)

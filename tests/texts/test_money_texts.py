"""What texts say of money, in every language."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.context import Buyer, Said
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payments import Paid
from bot.domain.shop import LOCALES, Shop
from bot.texts.catalogue import Catalogue
from bot.texts.variables import variables
from handlers.routes import POLICIES

TEXTS = Catalogue()
SHOP = Shop(name="Tea & Mugs")
AT = datetime(2026, 11, 21, 2, 3, tzinfo=UTC)


def order(*sums: int, **facts: Any) -> Order:
    payments = tuple(Paid(id=f"p{minor}", at=AT, amount=Money(minor, "GBP")) for minor in sums)
    given: dict[str, Any] = {"total": Money(2350, "GBP"), "placed_at": AT, "payments": payments, **facts}
    return Order(id="1001", channel="shop", **given)


def written(name: str, locale: str, order: Order, told: int | None = None) -> str:
    """told: the sum that the buyer was told of before."""
    before = Said(
        key="payment_received:1001:x",
        template="payment_received",
        state="sent",
        sent_at=AT,
        paid=True,
        paid_sum=Money(told or 0, "GBP"),
    )
    policy = POLICIES[name]
    due = DueMessage(
        key=f"{name}:1",
        template=name,
        category=policy.category,
        due_at=AT,
        created_at=AT,
        lateness=policy.lateness,
    )
    facts = Facts(shop=SHOP, buyer=Buyer(id="ann"), order=order, said=(before,) if told else ())
    return TEXTS.render(TEXTS.resolve(name, locale), variables(due, facts, AT)).text


@pytest.mark.parametrize("locale", LOCALES)
def test_a_later_payment_is_thanked_for_by_itself_and_as_a_part_of_all(locale: str) -> None:
    first = written("payment_received", locale, order(1000))
    second = written("payment_received", locale, order(1000, 1350), told=1000)
    together = written("payment_received", locale, order(1000, 1350))

    assert ("10.00" in first, "13.50" in first) == (True, True)  # what came, and what is left
    assert 0 < second.index("13.50") < second.index("23.50")
    assert ("23.50" in together, "13.50" in together) == (True, False)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_surplus_is_not_passed_over(locale: str) -> None:
    text = written("payment_received", locale, order(500, 2500), told=500)

    assert all(sum in text for sum in ("25.00", "30.00", "6.50"))

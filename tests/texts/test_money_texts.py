"""What texts say of money, in every language."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.context import Buyer, Case, Said
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.parcels import Parcel
from bot.domain.payments import Paid, Refund
from bot.domain.shop import LOCALES, Shop
from bot.texts.catalogue import Catalogue
from bot.texts.variables import variables
from handlers.routes import POLICIES

TEXTS = Catalogue()
SHOP = Shop.model_validate(
    {"name": "Tea & Mugs", "payment": {"accounts": [{"bank": "B", "number": "00124578"}]}}
)
AT = datetime(2026, 11, 21, 2, 3, tzinfo=UTC)


def order(*sums: int, **facts: Any) -> Order:
    payments = tuple(Paid(id=f"p{minor}", at=AT, amount=Money(minor, "GBP")) for minor in sums)
    given: dict[str, Any] = {"total": Money(2350, "GBP"), "placed_at": AT, "payments": payments, **facts}
    return Order(id="1001", channel="shop", **given)


def written(
    name: str,
    locale: str,
    order: Order | None,
    told: int | None = None,
    cases: tuple[Case, ...] = (),
    **values: Any,
) -> str:
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
        values=values,
    )
    said = (before,) if told else ()
    facts = Facts(shop=SHOP, buyer=Buyer(id="ann"), order=order, said=said, cases=cases)
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


@pytest.mark.parametrize("locale", LOCALES)
def test_no_check_is_promised_of_what_the_carrier_is_paid(locale: str) -> None:
    sent = (Parcel(id="a", shipped_at=AT),)
    unsent, left, arrived = (
        order(pay_on_delivery=True, **facts)
        for facts in ({}, {"parcels": sent}, {"parcels": sent, "all_delivered_at": AT})
    )
    texts = [written("payment_status", locale, each) for each in (unsent, left, arrived)]

    assert all("23.50" in text for text in texts)
    assert not any(word in text for text in texts for word in ("checking", "核实", "確認", "稍后", "稍後"))
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_left_is_told_beside_what_came(locale: str) -> None:
    text = written("how_to_pay", locale, order(1000))

    assert 0 < text.index("10.00") < text.index("13.50")


@pytest.mark.parametrize("locale", LOCALES)
def test_which_order_was_paid_is_asked_with_their_numbers(locale: str) -> None:
    text = written("payment_claimed", locale, None, choices=["2706", "2705"])

    assert all(number in text for number in ("2706", "2705"))
    assert "?" in text or "？" in text


@pytest.mark.parametrize("name", ["how_to_pay", "where_is_order", "payment_status", "restored"])
@pytest.mark.parametrize("locale", LOCALES)
def test_no_sum_is_to_be_paid_while_another_was_agreed(locale: str, name: str) -> None:
    quoted = Case(number=1, kind="quote", key="quote:1", reason="quote_to_honour", opened_at=AT, order="1001")
    asks, waits = (written(name, locale, order(), cases=each) for each in ((), (quoted,)))

    assert ("23.50" in asks, "23.50" in waits, "00124578" in waits) == (True, False, False)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_full_price_is_not_asked_for_while_another_was_agreed(locale: str) -> None:
    quoted = Case(number=1, kind="quote", key="quote:1", reason="quote_to_honour", opened_at=AT, order="1001")
    asks, waits = (written("order_confirmation", locale, order(), cases=each) for each in ((), (quoted,)))

    assert ("00124578" in asks, "00124578" in waits) == (True, False)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ["cancelled", "refund_status"])
def test_what_went_back_of_a_cancelled_order_is_told_with_what_is_still_to_go_back(
    name: str, locale: str
) -> None:
    def told(*back: int, sums: tuple[int, ...] = (2350,), **facts: Any) -> tuple[bool, bool]:
        refunds = tuple(Refund(id=f"r{minor}", at=AT, amount=Money(minor, "GBP")) for minor in back)
        off = order(*sums, refunds=refunds, cancelled_at=AT, **facts)
        text = written(name, locale, off, returned=False, missing=False)
        return f"{sum(back) / 100:.2f}" in text, "13.50" in text

    assert told(1000) == (True, True)
    assert told(1000, 1350) == (True, False)
    assert told(2350) == (True, False)
    assert told(1000, sums=(1000,)) == (True, False)
    assert told(sums=()) == told(sums=(), pay_on_delivery=True) == told() == (False, False)

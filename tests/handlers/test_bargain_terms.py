"""The terms of an item: whose floor counts, and what nobody knows."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.money import Money
from bot.domain.quotes import Goods
from bot.domain.shop import Coupon, Haggling, Shop
from handlers.bargain_terms import terms_of

TODAY = date(2026, 11, 29)


def terms(product: dict[str, Any] | None = None, **haggling: Any) -> Any:
    mug = Goods(**{"sku": "MUG-1", "title": "Mug", "price": Money(6001, "CNY"), **(product or {})})
    settings = Haggling(**{"rounds": 5, "floor": 80, **haggling})
    return terms_of(mug, Shop(name="Mugs", haggling=settings), TODAY)


def test_the_floor_is_a_share_of_the_price_and_never_rounded_below_it() -> None:
    assert (terms().price, terms().floor) == (6001, 4801)


@pytest.mark.parametrize(
    ("product", "floors", "floor"),
    [
        ({}, {"MUG-1": Decimal("50")}, 5000),
        ({"floor": Money(5500, "CNY")}, {"MUG-1": Decimal("50")}, 5500),
        ({"floor": Money(3000, "CNY")}, {"MUG-1": Decimal("50")}, 5000),
        ({"floor": Money(3000, "CNY")}, {"POT-1": Decimal("50")}, 3000),
        ({}, {"MUG-1": Decimal("0")}, 0),
        ({"floor": Money(0, "CNY")}, {}, 0),
        ({"floor": Money(500, "USD")}, {}, 6001),
        ({"price": Money(900, "USD")}, {"MUG-1": Decimal("5")}, 900),
    ],
)
def test_the_highest_floor_that_is_named_counts_and_other_money_is_not_compared(
    product: dict[str, Any], floors: dict[str, Decimal], floor: int
) -> None:
    assert terms(product, floors=floors).floor == floor


def test_a_setting_of_nothing_is_nothing() -> None:
    assert terms(rounds=0).rounds == 0
    assert terms(valid=timedelta(0)).rounds == 0
    assert terms(floor=0).floor == 0
    assert terms(in_return=()).in_return == ()


def test_postage_in_other_money_is_not_known() -> None:
    assert terms({"postage": Money(800, "CNY")}).postage == 800
    assert terms({"postage": Money(800, "USD")}).postage is None
    assert terms().postage is None


@pytest.mark.parametrize(("until", "percent"), [(None, 10), (TODAY, 10), (TODAY - timedelta(days=1), 0)])
def test_a_coupon_counts_while_it_holds(until: date | None, percent: int) -> None:
    assert terms(coupon=Coupon(code="HELLO", percent=10, until=until)).coupon == percent

"""The terms of an item: whose floor counts, and what nobody knows."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bargain import Bargain, Offer, move
from bot.domain.money import Money
from bot.domain.quotes import Goods
from bot.domain.shop import Coupon, Haggling, Shop
from handlers.bargain_terms import terms_of

TODAY = date(2026, 11, 29)
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def terms(product: dict[str, Any] | None = None, **haggling: Any) -> Any:
    mug = Goods(**{"sku": "MUG-1", "title": "Mug", "price": Money(6001, "CNY"), **(product or {})})
    settings = Haggling(**{"rounds": 5, "floor": 80, **haggling})
    return terms_of(mug, Shop(name="Mugs", haggling=settings), TODAY)


def test_the_floor_is_a_share_of_the_price_and_never_rounded_below_it() -> None:
    assert (terms().price, terms().floor) == (6001, 4801)


@pytest.mark.parametrize(
    ("product", "floors", "floor"),
    [
        ({}, {"MUG-1": Decimal("55")}, 5500),
        ({"floor": Money(5500, "CNY")}, {"MUG-1": Decimal("50")}, 5500),
        ({"floor": Money(5000, "CNY")}, {"MUG-1": Decimal("55")}, 5500),
        ({"floor": Money(3000, "CNY")}, {"MUG-1": Decimal("40")}, 4801),
        ({}, {"MUG-1": Decimal("0")}, 4801),
        ({"floor": Money(0, "CNY")}, {}, 4801),
        ({"floor": Money(500, "USD")}, {}, 6001),
        ({"price": Money(900, "USD")}, {"MUG-1": Decimal("5")}, 900),
    ],
)
def test_the_highest_floor_counts_and_other_money_is_not_compared(
    product: dict[str, Any], floors: dict[str, Decimal], floor: int
) -> None:
    assert terms(product, floors=floors).floor == floor


SUMS = st.integers(0, 10_000).map(lambda minor: Money(minor, "CNY"))


@given(floor=st.none() | SUMS, of_sku=st.none() | SUMS, share=st.integers(0, 100), offers=st.lists(SUMS))
def test_no_deal_is_below_any_of_the_floors(
    floor: Money | None, of_sku: Money | None, share: int, offers: list[Money]
) -> None:
    floors = {"MUG-1": of_sku.decimal} if of_sku else {}
    its = terms({"floor": floor, "price": Money(5800, "CNY")}, floor=share, floors=floors)
    least = max(floor.minor if floor else 0, of_sku.minor if of_sku else 0, 58 * share)
    state = Bargain()
    for offer in offers:
        state, said = move(its, state, Offer(amount=offer.minor), NOON)
        assert said.price.minor >= min(least, 5800)


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

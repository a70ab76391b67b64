"""Wishes for what is sold out: one key for each, and when an item counts as back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.products import Product
from bot.domain.stock_wishes import StockWish, came_back

AT = datetime(2026, 11, 21, tzinfo=UTC)
WISH = StockWish(
    sku="POT", channel="telegram", address="42", title="Pot", asked_at=AT, lapses_at=AT + timedelta(days=60)
)


def pot(stock: Any) -> Product:
    return Product(sku="POT", title="Pot", updated_at=AT, stock=stock)


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        (pot(0), pot(1), True),
        (pot(0), pot(None), True),
        (None, pot(1), True),
        (pot(msgspec.UNSET), pot(1), True),
        (pot(1), pot(2), True),
        (pot(2), pot(1), False),
        (pot(1), pot(1), False),
        (pot(None), pot(3), False),
        (pot(1), pot(0), False),
        (pot(0), pot(msgspec.UNSET), False),
        (pot(0), None, False),
    ],
)
def test_back_is_what_there_is_more_of(before: Product | None, after: Product | None, back: bool) -> None:
    assert came_back(before, after) is back


def test_another_wish_has_another_key() -> None:
    later = msgspec.structs.replace(WISH, asked_at=AT + timedelta(microseconds=1))
    again = msgspec.structs.replace(WISH, tries=1)
    assert len({WISH.key, later.key, again.key}) == 3
    assert (WISH.holds(AT), WISH.holds(WISH.lapses_at)) == (True, False)

"""A quote holds for what was agreed, until its end, and until an order has used it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bot.domain.bargain import Agreed, Bargain, Price
from bot.domain.money import Money
from bot.domain.quotes import Goods, Quote

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUOTE = Quote(
    number=101,
    channel="telegram",
    address="42",
    buyer="ann",
    goods=Goods(sku="MUG-1", title="Mug", price=Money(6000, "CNY")),
    quantity=3,
    price=Money(15000, "CNY"),
    state="accepted",
    bargain=Bargain(agreed=Agreed(1, Price(5200, postage_free=True), NOON + HOUR)),
    opened_at=NOON,
    valid_until=NOON + HOUR,
)


def test_its_number_can_be_said() -> None:
    assert QUOTE.shown_number == "Q101"


def test_it_has_a_price_for_what_was_agreed_and_for_nothing_else() -> None:
    assert [QUOTE.price_for(pieces) for pieces in (3, 1, 2, 0.5)] == [
        (15000, False),
        (5200, True),
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("at", "holds"),
    [(NOON, True), (NOON + HOUR, True), (NOON + HOUR * 1.01, False), (NOON - HOUR, False)],
)
def test_it_holds_from_its_opening_to_its_end(at: datetime, holds: bool) -> None:
    assert QUOTE.holds(at) is holds


@pytest.mark.parametrize("known", [{"state": "open"}, {"state": "used", "order": "1"}, {"valid_until": None}])
def test_what_is_not_agreed_or_was_used_holds_no_more(known: dict[str, str]) -> None:
    assert not msgspec.structs.replace(QUOTE, **known).holds(NOON)

"""A buyer in figures: what counts, what is subtracted, and texts as they are compared."""

from datetime import datetime, timedelta

import msgspec
import pytest

from bot.domain.figures import BuyerFigures, as_compared, figures_of
from tests.one_shop import DAY, HOUR
from tests.world import NOON

YEAR = timedelta(days=365)


class Order(msgspec.Struct, frozen=True):
    state: str = "paid"
    placed_at: datetime | None = NOON - DAY
    paid_minor: int = 10_000
    refunded_minor: int = 0
    currency: str | None = "CNY"
    channel: str = "web"


class Chat(msgspec.Struct, frozen=True):
    channel: str
    last_in_at: datetime | None


def of(*orders: Order, chats: tuple[Chat, ...] = (), **known: object) -> BuyerFigures:
    return figures_of("ann", orders, chats, currency="CNY", now=NOON, period=YEAR, **known)  # type: ignore[arg-type]


def test_paid_orders_count_less_what_was_refunded() -> None:
    found = of(
        Order(placed_at=NOON - 3 * DAY),
        Order(refunded_minor=2500),
        Order("refunded", NOON, 10_000, 10_000),
        Order("cancelled"),
        Order(placed_at=NOON - 400 * DAY),
    )

    assert (found.orders, found.spent_minor) == (3, 27_500)
    assert (found.refunds, found.refunded_minor) == (2, 12_500)
    assert (found.first_order_at, found.last_order_at) == (NOON - 400 * DAY, NOON - DAY)
    assert (found.lately_orders, found.lately_spent_minor) == (2, 17_500)


@pytest.mark.parametrize(
    "order",
    [Order(currency="USD"), Order(currency=None), Order(placed_at=None), Order("unpaid", paid_minor=0)],
)
def test_an_order_in_another_currency_unpaid_or_not_placed_does_not_count(order: Order) -> None:
    found = of(order)

    assert (found.orders, found.spent_minor, found.lately_orders, found.last_order_at) == (0, 0, 0, None)


def test_the_newest_order_that_is_owed_and_the_last_word_are_kept() -> None:
    found = of(
        Order("unpaid", NOON - 2 * DAY, 0, channel="shopify"),
        Order("partly_paid", NOON - DAY, 100),
        chats=(Chat("telegram", NOON - HOUR), Chat("web", None), Chat("telegram", NOON - DAY)),
    )

    assert found.unpaid_at == NOON - DAY
    assert found.last_contact_at == NOON - HOUR
    assert found.channels == "|shopify|telegram|web|"
    assert of().channels == ""


def test_city_and_language_are_kept_as_they_are_compared() -> None:
    found = of(city="São  Paulo!", locale="zh-CN", agrees=True)

    assert (found.city, found.locale, found.agrees) == ("são paulo", "zh-cn", True)
    assert of(city="!").city is None


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Green TEA (50g)", " green tea 50g "),
        ("蓝色Mug杯", " 蓝 色 mug 杯 "),
        ("ＭＵＧ_1", " mug 1 "),
        ("?!", ""),
        ("", ""),
    ],
)
def test_texts_are_compared_word_for_word(text: str, compared: str) -> None:
    assert as_compared(text) == compared

"""Money: whole minor units of one currency."""

from decimal import Decimal

import pytest

from bot.domain.money import Money, parse_money

CNY = Money(12800, "CNY")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("128.00", "CNY", 12800),
        (" 128 ", "CNY", 12800),
        (Decimal("0.01"), "CNY", 1),
        ("-5", "CNY", -500),
        (128, "JPY", 128),
        ("1.500", "CNY", 150),
        ("1.234", "KWD", 1234),
        ("999999999999999", "JPY", 999999999999999),
    ],
)
def test_a_platforms_amount_becomes_minor_units(text: str | int | Decimal, currency: str, minor: int) -> None:
    assert parse_money(text, currency) == Money(minor, currency)


@pytest.mark.parametrize("text", ["", "x", "1,00", "NaN", "Infinity", "1000000000000000"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of money"):
        parse_money(text, "CNY")


@pytest.mark.parametrize(("text", "currency"), [("1.005", "CNY"), ("1.5", "JPY")])
def test_more_decimals_than_the_currency_knows_are_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=f"has more decimals than {currency} knows"):
        parse_money(text, currency)


def test_amounts_of_one_currency_are_added_subtracted_and_multiplied() -> None:
    assert Money(12000, "CNY") + Money(800, "CNY") == CNY
    assert CNY - Money(800, "CNY") == Money(12000, "CNY")
    assert Money(6400, "CNY") * 2 == CNY


def test_amounts_of_two_currencies_are_never_joined() -> None:
    for join in (lambda: CNY + Money(1, "JPY"), lambda: CNY - Money(1, "JPY")):
        with pytest.raises(ValueError, match="cannot join CNY with JPY"):
            join()


def test_the_decimal_of_an_amount_has_the_currencys_decimals() -> None:
    assert str(CNY.decimal) == "128.00"
    assert str(Money(128, "JPY").decimal) == "128"

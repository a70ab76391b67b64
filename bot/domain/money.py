"""Money: whole minor units of one ISO 4217 currency, never a float."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import msgspec
from babel.numbers import get_currency_precision


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount in minor units (12800 is CNY 128.00; JPY has none, so 128 is JPY 128)."""

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + _same(self, other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - _same(self, other), self.currency)

    def __mul__(self, times: int | float) -> "Money":
        """Half a piece costs half, rounded as shops do."""
        if isinstance(times, int):
            return Money(self.minor * times, self.currency)
        minor = (Decimal(self.minor) * Decimal(str(times))).to_integral_value(ROUND_HALF_UP)
        return Money(int(minor), self.currency)

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-precision(self.currency))


def precision(currency: str) -> int:
    return get_currency_precision(currency)


def parse_money(text: str | int | Decimal, currency: str, rounded: bool = False) -> Money:
    """Read a platform's decimal text ("128.00").

    rounded: more decimals than the currency knows are rounded as shops do, half a unit up.
    Raises ValueError if it is not a finite number, has more decimals than the currency knows,
    or would not fit a 64-bit column (10^15 and more).
    """
    try:
        amount = Decimal(str(text).strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of money") from None
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
        raise ValueError(f"{text!r} is not an amount of money")
    minor = amount.scaleb(precision(currency))
    if rounded:
        minor = minor.to_integral_value(ROUND_HALF_UP)
    elif minor != minor.to_integral_value():
        raise ValueError(f"{text!r} has more decimals than {currency} knows")
    return Money(int(minor), currency)


def _same(one: Money, other: Money) -> int:
    if one.currency != other.currency:
        raise ValueError(f"cannot join {one.currency} with {other.currency}")
    return other.minor

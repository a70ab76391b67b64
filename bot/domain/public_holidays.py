"""Public holidays of a country, and weekends that it works instead, as the library `holidays` has them."""

from datetime import date
from functools import lru_cache

import msgspec

SHIFTING = ("CN", "HU")  # countries that tell each year anew which weekends are worked instead of other days


class Holidays(msgspec.Struct, frozen=True):
    """Of one year. off: no working days. on: weekends on which people work, to make up for days off."""

    off: frozenset[date]
    on: frozenset[date]


@lru_cache(maxsize=256)
def holidays_of(country: str, year: int) -> Holidays:
    """country: an ISO 3166 code, with its part where holidays differ: CN, GB-ENG. Raises ValueError if it is
    unknown."""
    import holidays  # a tenth of a second, which nobody pays whose shop names no country

    name, _, part = country.partition("-")
    try:
        found = holidays.country_holidays(name, subdiv=part or None, years=year, expand=False)
    except NotImplementedError as error:
        raise ValueError(str(error)) from None
    shifted = frozenset(day for day in getattr(found, "weekend_workdays", ()) if day.year == year)
    return Holidays(frozenset(found) - shifted, shifted)


def announced(country: str, year: int) -> bool:
    """False for a year of which a country has not told yet which weekends it works, or told it after this
    version of the library."""
    return country.partition("-")[0] not in SHIFTING or bool(holidays_of(country, year).on)

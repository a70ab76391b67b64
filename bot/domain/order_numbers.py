"""Numbers of orders as people type them, compared with those that were told.

The rule, for both sides alike: a number is its runs of Latin letters and of digits, one after the other.
Case, width, the signs and spaces between the runs, a word such as No. in front, and words of other scripts
count for nothing, so `inv - 2026-0042` is `INV-2026/0042`, and `77-01` is `№ 77-01`. Digits that stand
together stay together: `1001.1` is not `10011`. If several numbers are alike by this rule, each is meant only
by who spells it as it was told; a # in front may always be left out. Whoever types the memo of an order, its
number with a check digit, names it as well.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from bot.domain.memos import without_digit
from bot.domain.orders import Order

_RUNS = re.compile(r"[0-9]+|[a-z]+")
_IN_FRONT = re.compile(r"^\W*(?:(?:order|number|no|nr|n°)(?![a-z0-9])[\s.:#-]*)+(?=\S*[0-9])")
_DASHES = str.maketrans("‐‑‒–—―−", "-------")


@lru_cache(maxsize=4096)
def plain(number: str) -> str:
    """What is compared; empty for a number without Latin letters and digits, which nobody can type."""
    return "-".join(_RUNS.findall(_IN_FRONT.sub("", half_width(number).casefold())))


def kept_as(typed: str) -> set[str]:
    """What it is looked up by: as it is compared now, and as it was kept while No. in front still counted."""
    return {plain(typed), "-".join(_RUNS.findall(half_width(typed).casefold()))} - {""}


def half_width(text: str) -> str:
    """The text with letters, digits and signs of one width, and one kind of dash."""
    return unicodedata.normalize("NFKC", text.replace("№", "No.")).translate(_DASHES)


def named(typed: str, orders: Iterable[Order]) -> list[Order]:
    """The orders whose number was typed. Two systems may have the same number, so these may be several; none
    if it is not clear which of several numbers is meant."""
    found = alike(typed, orders)
    exact = [order for order in found if _is_spelled(typed, order)]
    if exact:
        return exact
    return found if len({_spelled(order.shown_number) for order in found}) == 1 else []


def alike(typed: str, orders: Iterable[Order]) -> list[Order]:
    """The orders whose number or memo is like the typed one, or whose platform's id is just that."""
    wanted = {plain(typed), plain(without_digit(typed) or "")} - {""}
    return [order for order in orders if plain(order.shown_number) in wanted or _is_spelled(typed, order)]


def _is_spelled(typed: str, order: Order) -> bool:
    return _spelled(typed) in {_spelled(order.shown_number), _spelled(order.platform_id)}


@lru_cache(maxsize=4096)
def _spelled(number: str) -> str:
    return "".join(half_width(number).split()).lstrip("#")

"""What is like a product that is sold out: of the same kind, and to be had now."""

import re
from collections.abc import Iterable, Mapping

from bot.domain.products import Product
from bot.understanding.product_names import words_of

MOST = 20

_DETAIL = re.compile(r"\s[-–—/|]\s|[,，(（/|]|\bfor\b|\bwith\b", re.IGNORECASE)  # what follows tells no kind


def alike_to(
    product: Product, candidates: Iterable[Product], times: Mapping[str, int]
) -> tuple[Product, ...]:
    """The products of the same kind that can be had, the nearest first, at most MOST.

    times: in how many products a word is, for those that are in few.
    """
    kinds, words = _kinds(product), {*words_of(product.title)}
    found = [
        (sum(1 / times.get(word, 30) for word in words.intersection(words_of(each.title))), each)
        for each in candidates
        if each.sku != product.sku and each.available and kinds & _kinds(each)
    ]
    found.sort(key=lambda one: (-one[0], _apart(product, one[1]), one[1].sku))
    return tuple(each for _, each in found[:MOST])


def _kinds(product: Product) -> set[str]:
    """The words that say what a product is: the last of each title, before its details."""
    return {
        words[-1]
        for title in product.titles or (product.title,)
        if (words := words_of(_DETAIL.split(title, maxsplit=1)[0]))
    }


def _apart(one: Product, other: Product) -> int:
    if one.price is None or other.price is None or one.price.currency != other.price.currency:
        return 0
    return abs(one.price.minor - other.price.minor)

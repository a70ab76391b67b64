"""Which of the shop's products a text names: by sku, or by the words of a title, rare ones first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from rapidfuzz import fuzz

from bot.domain.products import Product
from bot.understanding.folding import fold

MOST_WORDS = 60  # of a text; a title has at most as many
LONGEST = 40  # characters of a word
MOST_SKUS = 10  # of a text
MOST_NAMED = 8  # products that one text may mean
ALIKE = 88  # of 100, from which on a word of SPELT letters or more is another one misspelt
SPELT = 5
AS_MUCH = 0.75  # of the best one's share, which another product needs to be meant as well
ENOUGH = 0.34  # of a title's weight, where no word of it is in FEW products at most
FEW = 5

_PIECE = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{1,59}")
_TOLD_APART = re.compile(r"[\d-]")
_COUNTS = re.compile(
    r"\d+|g|kg|mg|ml|cl|l|cm|mm|m|pairs?|pcs|packs?|pieces?|sets?|x|[双雙]装|[件个個包盒]装|公[克斤分]|毫升|千克"
    r"|[个個件只隻双雙条條瓶包盒套本张張罐]"
)
_SIZE = re.compile(r"(?<![\w'’])(?:x{0,3}[sml]|[2-6]xl)(?![\w'’])|[码號号]|\bsizes?\b")
_COLOUR = re.compile(
    r"black|white|blue|green|red|grey|gray|yellow|brown|pink|purple|orange|silver|gold|beige|navy|cream"
    r"|[黑白蓝绿红灰黄棕粉紫橙银金米青褐]色?"
)
_FILLERS = re.compile(
    r"\b(?:(?:what|how) about|about|then|i mean|i meant|meant|also|okay|ok|no|not|yes|sorry|oh|well|yeah|just"
    r"|the|an?|and|or|in|of|one|ones|that|this|please|with|hi|hello|for)\b"
    r"|不是|我是说|我说的是|说的是|我说|我问的是|就是|那就|[的呢吧啊呀哦嗯那这和跟或亲要]|你好|请问"
)
_HAN = re.compile(r"[\u3400-\u9fff]")
# What questions are made of, and so tells no product from another.
_PRONOUN = re.compile(r"\b(?:it|its|this|that|these|those|them|they)\b|[这那它]")
_COMMON_WORDS = """
a an and any are as at be but by can do does for from get got has have how i if in into is it its me more my
no not of off on one ones or our please so some still stock that the their them there these they this those
to too up us want was what when where which who will with would you your price cost much many size sizes
available anymore left again now sell sold out back
made material wash care ship shipping postage new buy order item product hi hello thanks
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_COMMON_HAN = re.compile(
    r"请问|有没有|有货|现货|没货|库存|多少钱|多少|价格|怎么|什么|可以|能不能|这个|那个|这款|那款|哪个|哪款|一个|一下|尺码|尺寸|材质|面料"
    r"|好的|现在|还有|你们|我们|您们|亲|的|了|吗|呢|吧|啊|是|我|你|您|有|没|不|要|想|买|这|那|它|和|跟|在"
)
_NO_NAME = re.compile(r"\bblack friday\b|黑色星期五|黑五")  # a day, and no item that is black


@lru_cache(maxsize=4096)  # titles come again with every question about them
def words_of(text: str) -> tuple[str, ...]:
    """The words of a title or a text that may name a product: folded, each once, pairs of Chinese characters.

    At most MOST_WORDS.
    """
    found: dict[str, None] = {}
    for piece in _PIECE.findall(_NO_NAME.sub(" ", fold(text))):
        if _HAN.match(piece):
            for run in filter(None, _COMMON_HAN.split(piece)):
                found.update(dict.fromkeys(map("".join, pairwise(run)) if len(run) > 1 else [run]))
        elif piece not in _COMMON:
            found[_singular(piece)[:LONGEST]] = None
    return tuple(found)[:MOST_WORDS]


def points_back(text: str) -> bool:
    """Whether a text asks about what was named before: by a pronoun, or by naming nothing at all but how many
    or which size."""
    left = _SIZE.sub(" ", fold(text))
    return all(_COUNTS.fullmatch(word) for word in words_of(left)) or bool(_PRONOUN.search(left))


def only_names(text: str, products: Iterable[Product]) -> bool:
    """Whether a text says nothing but which of these products is meant."""
    said = _PIECE.findall(_FILLERS.sub(" ", _SIZE.sub(" ", fold(text))))
    titles = [word for product in products for word in _all_words(product)]
    signs = set("".join(fold(title) for product in products for title in _titles(product)))
    named = False
    for piece in said:
        if _COUNTS.fullmatch(piece):
            continue
        han = bool(_HAN.match(piece))
        if not (set(piece) <= signs if han else any(_same(_singular(piece), word) for word in titles)):
            return False
        named = True
    return named


def kin(text: str, last: Product, candidates: Iterable[Product]) -> tuple[Product, ...]:
    """What is like the product that was talked of last, but for what a text says of it: after a blue shirt,
    and "what about white?", the white one."""
    own, said = set(_all_words(last)), words_of(text)
    found = []
    for each in (last, *candidates):
        words = set(_all_words(each))
        theirs = words - own if each is not last else own
        met = [word for word in said if any(_meets(word, other) for other in theirs)]
        alike = each is last or any(word in own and not _COUNTS.fullmatch(word) for word in words)
        others = [word for word in said if word not in met and any(_meets(word, other) for other in words)]
        if met and alike:
            found.append((len(met) + len(others), each))
    most = max((count for count, _ in found), default=0)
    return tuple({each.sku: each for count, each in found if count == most}.values())


def only_by_colour(text: str, products: Iterable[Product]) -> bool:
    """Whether a text names these products by nothing but a colour."""
    titles = {word for product in products for title in _titles(product) for word in words_of(title)}
    matched = [word for word in words_of(text) if any(_same(word, other) for other in titles)]
    return bool(matched) and all(_COLOUR.fullmatch(word) for word in matched)


def named_besides(text: str, named: Sequence[Product], candidates: Iterable[Product]) -> tuple[Product, ...]:
    """Other products that the rest of a text names, each by a word that none of the others has."""
    taken = {word for product in named for word in _all_words(product)}
    rest = [word for word in words_of(text) if not any(_same(word, other) for other in taken)]
    found: dict[str, list[Product]] = {}
    own = {product.sku for product in named}
    for product in candidates:
        if product.sku in own:
            continue
        words = [
            word
            for word in _all_words(product)
            if not _COUNTS.fullmatch(word) and not _COLOUR.fullmatch(word)
        ]
        for word in rest:
            if word in words:
                found.setdefault(word, []).append(product)
    alone = [products[0] for products in found.values() if len(products) == 1]
    return tuple({product.sku: product for product in alone}.values())[:MOST_NAMED]


def _all_words(product: Product) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for title in _titles(product) for word in words_of(title)))


def _meets(word: str, other: str) -> bool:
    """Whether a word of a text is this one of a title; a single Chinese character may stand for it."""
    return _same(word, other) or (len(word) == 1 and bool(_HAN.match(word)) and word in other)


def skus_in(text: str) -> tuple[str, ...]:
    """What may be a sku in a text: words with a digit or a dash in them, in small letters."""
    words = (word.rstrip("./-").casefold() for word in _SKU.findall(text[:600]))
    return tuple(dict.fromkeys(word for word in words if _TOLD_APART.search(word)))[:MOST_SKUS]


def named_in(
    text: str, candidates: Iterable[Product], times: Mapping[str, int], near: Sequence[Product] = ()
) -> tuple[Product, ...]:
    """The products that a text names, at most MOST_NAMED, the best first; none if it names none.

    candidates: those found by words of the text. times: in how many products a word is, for those that are in
    few. near: what the talk is about, or what the buyer ordered; of two as well named these are meant.
    """
    own = {product.sku for product in near}
    known = {product.sku: product for product in (*candidates, *near)}
    skus = skus_in(text)
    by_sku = [product for sku, product in known.items() if sku.casefold() in skus]
    if by_sku:
        return tuple(by_sku[:MOST_NAMED])
    said = words_of(text)
    scores = {
        sku: max(_score(said, words_of(title), times) for title in _titles(product))
        for sku, product in known.items()
    }
    best = max(scores.values(), default=0.0)
    if not best:
        return ()
    named = [sku for sku, score in scores.items() if score >= AS_MUCH * best]
    nearer = [sku for sku in named if sku in own]
    chosen = sorted(nearer or named, key=lambda sku: (-scores[sku], sku))
    exact = {sku: _exact(text, known[sku]) for sku in chosen}
    longest = max(exact.values(), default=0)
    whole = [sku for sku in chosen if longest and exact[sku] == longest]
    return tuple(known[sku] for sku in (whole or chosen)[:MOST_NAMED])


def _titles(product: Product) -> tuple[str, ...]:
    return product.titles or (product.title,)


def _exact(text: str, product: Product) -> int:
    """The length of the longest title that a text has in it, word for word; 0 if none."""
    plain = fold(text)
    return max((len(title) for title in _titles(product) if _folded(title) in plain), default=0)


def _score(said: Sequence[str], title: Sequence[str], times: Mapping[str, int]) -> float:
    """How well a title is named: what its words that are said weigh, a rare one more than a common one.

    Numbers alone name nothing, since they are more often a price, or how many.
    """
    weights = {word: 1 / times.get(word, 30) for word in title}
    matched = {word for word in title if any(_same(word, other) for other in said)}
    if all(_COUNTS.fullmatch(word) for word in matched):
        return 0.0
    weight = sum(weights[word] for word in matched)
    distinct = any(times.get(word, FEW + 1) <= FEW for word in matched)
    return weight if distinct or weight >= ENOUGH * sum(weights.values()) > 0 else 0.0


def _same(word: str, other: str) -> bool:
    if word == other:
        return True
    return len(word) >= SPELT <= len(other) and word.isascii() and fuzz.ratio(word, other) >= ALIKE


@lru_cache(maxsize=4096)
def _folded(title: str) -> str:
    return fold(title).strip()


def _singular(word: str) -> str:
    return (
        word[:-1]
        if len(word) > 3 and word.endswith("s") and not word.endswith("ss") and word.isascii()
        else word
    )

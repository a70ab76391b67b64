"""What buyers write when they haggle: a number alone, a yes, a price for each."""

import re
from decimal import Decimal

from bot.domain.quotes import QUESTION
from bot.domain.talks import Talk
from handlers.normalise import normalise

_PRICED = re.compile(
    r"[0-9]|[价價折贵貴惠抹券]|便宜|划算|成交|包[邮郵]|免[运運]|少[点一]|多少[钱錢]|[一二三四五六七八九十百]+[块元]"
    r"|\b(?:price|cheap|discount|deal|offer|off|coupon|code|voucher|expensive|lower|pay|much|sale|bargain|bulk)"
)
_NUMBER = re.compile(r"[^0-9]{0,16}?([0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,9})(?:\.([0-9]{1,3}))?[^0-9]{0,16}")
_ANY_NUMBER = re.compile(
    r"(?<![\d.])[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?|(?<![\d.])[0-9]{1,9}(?:\.[0-9]{1,2})?"
)
_AND_SO_MANY = re.compile(
    r"(?:and|or|and for|那|那么?要?)\s*(?:if i (?:take|buy) )?([0-9]{1,3})\s*呢?[?？!~ ]*"
)
_FOR_SO_MUCH = re.compile(
    r"\b(?:do|take|sells?|have|has|had|got|get|give|let|buy|want|pay)\b"
    r"(?:(?!discount|price|much|off\b).){1,60}?\bfor [£$€]?([0-9]{1,6}(?:\.[0-9]{1,2})?)"
    r"(?! ?(?:of|pieces?|pcs|people|persons|days?|weeks?|items?|more|%))\b(?!\.\d)"
)
_DEAL = re.compile(r"\bdeal\b|\byour price\b|成交|就?这个?价|说定|一言为定")
FEW = 20  # pieces; a larger number is a sum
_EACH = re.compile(
    r"\beach\b|\bapiece\b|\bper (?:piece|item|one)\b|单[价價]|[每一][个件只双雙瓶盒条套包份]|各[0-9]"
)
_YES = re.compile(
    r"[那嗯恩哦噢我就按 ,，]*"
    r"(?:(?:好|可以|成交|行|成|要了|拍了|[买買]了|这个?[价價]?格?|这样|没问题|一言为定"
    r"|ok|okay|yes|yep|yeah|sure|deal|done|fine|great|agreed|sold|please|perfect|all right|alright"
    r"|(?:at |for )?your price"
    r"|it is a deal|i will take it|i take it|sounds good|works for me|that works|go ahead)"
    r"[的吧啊呀哦啦了就 ,，.。!！~]*)+"
    r"(?:谢谢|多谢|谢了|thanks)?[你您啦了.。!！~ ]*"
)
_CODE = re.compile(
    r"\b(?:coupons?|vouchers?|(?:promo |discount )?codes?)\b|优惠[码券]|折扣[码券]|[优券]码|代金券"
)
_TENTHS = re.compile(r"([1-9一二三四五六七八九])[.点]?([0-9一二三四五六七八九])?折")
_PERCENT = re.compile(r"\b([1-9][0-9]?) ?(?:%|percent) ?(?:off|discount)\b|减[掉去]?([1-9][0-9]?)%")
_HALF = re.compile(r"\bhalf (?:the )?price\b|半价|半價|对半")
_DIGITS = str.maketrans("一二三四五六七八九", "123456789")
_ASKS = re.compile(r"[?？]|[吗嘛么]|不行|不好|不可以")


def haggles(text: str, talk: Talk) -> bool:
    """Whether a chat message may be about a price; bounded, and right too often rather than too seldom."""
    asked = talk.asked
    return bool((asked and asked.question.startswith(QUESTION)) or _PRICED.search(normalise(text)))


def number_in(text: str) -> Decimal | None:
    """The number, where a short text says one and not much else."""
    found = _NUMBER.fullmatch(normalise(text))
    if found is None:
        return None
    return Decimal(f"{found[1].replace(',', '')}.{found[2] or 0}")


def number_beside(text: str, pieces: int) -> Decimal | None:
    """The sum in a short text that says how many pieces, too: 两个750."""
    plain = normalise(text)
    numbers = (
        [Decimal(each.replace(",", "")) for each in _ANY_NUMBER.findall(plain)] if len(plain) <= 40 else []
    )
    others = [each for each in numbers if each != pieces]
    return others[0] if len(others) == 1 and len(numbers) <= 2 else None


def pieces_asked(text: str) -> int | None:
    """How many pieces a text asks about in turn: and 3? 那3个呢"""
    found = _AND_SO_MANY.fullmatch(normalise(text))
    return int(found[1]) if found and 0 < int(found[1]) <= FEW else None


def asked_for(text: str) -> Decimal | None:
    """The sum for which a text wants an item: would you do the lamp for 40?"""
    found = _FOR_SO_MUCH.search(normalise(text))
    return Decimal(found[1]) if found else None


def percent_off(text: str) -> int | None:
    """What a text wants off the price: 八五折 is 15."""
    plain = normalise(text)
    tenths, percent = _TENTHS.search(plain), _PERCENT.search(plain)
    if tenths:
        return 100 - int(f"{tenths[1]}{tenths[2] or 0}".translate(_DIGITS))
    if percent:
        return int(percent[1] or percent[2])
    return 50 if _HALF.search(plain) else None


def asks_for_code(text: str) -> bool:
    return _CODE.search(normalise(text)) is not None


def says_each(text: str) -> bool:
    return _EACH.search(normalise(text)) is not None


def says_yes(text: str) -> bool:
    """Whether a text agrees, and says nothing else."""
    plain = normalise(text)
    return len(plain) < 60 and _YES.fullmatch(plain) is not None and not _ASKS.search(plain)


def says_deal(text: str) -> bool:
    """Whether a text takes a price in so many words, so that it is no mere word of thanks."""
    return _DEAL.search(normalise(text)) is not None

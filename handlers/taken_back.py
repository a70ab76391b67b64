"""Wishes that are denied or taken back in the same words, and so are none: "I don't want to cancel, just
where is it?". And messages that correct the one before.

Patterns over normalised text, Chinese first. Few messages have the words that are looked for before them.
"""

import re
from collections.abc import Sequence

from handlers.normalise import LONGEST, normalise, words_only

_MAY_DENY = (
    "不",
    "没",
    "别",
    "无需",
    "not",
    "no ",
    "never",
    "instead",
    "rather",
    "forget",
    "ignore",
    "disregard",
    "undo",
)
_MAY_KEEP = ("keep", "except", "apart", "other than", "stay", "留", "照", "除", "正常")
_MAY_TAKE_BACK = (
    "不",
    "错",
    "算了",
    "口误",
    "我是说",
    "更正",
    "no",
    "sorry",
    "mind",
    "scratch",
    "forget",
    "mean",
    "typo",
)

_WISHED = (
    r"(?:取消|退货?款?|换货?|[改换修更]改?变?(?:收货|收件|送货)?地址|修改|更改|改(?!变?主意)(?:单|订单)?"
    r"|(?:转|找|要)?(?:人工|真人|客服)|投诉|发票)"
)
_OF_IT = r"(?:我的|这个?|那个?|订单|单子?|地址|了|的|啦|啊|哦|呀|服务)*"
_DENIED_ZH = (
    r"(?:我(?:们|也|真|并|可|又)?)?(?:先|还是|就|(?<![是要想用能可需该]))(?:不是(?:要|想|来)?|不想要?|不要|不用|不需要"
    r"|没(?:有)?(?:想|要|说要|打算|申请|说过)|不打算|无需|先?别|请勿)"
    rf"(?:再|帮我|给我|替我|去|来|申请|办理?|给|帮){{0,2}}{_WISHED}{_OF_IT}"
    r"|(?:^|[,，。.!?、~\s]|我|先|就|还是)不(?:取消|退货?款?|换货?|改(?:地址)?)(?:了|啦)"
)
_DENIED_ZH += r"|我(?:们)?(?:可|并|都)?没(?:有)?(?:取消|退货|换货|改地址)"
_WISH = (
    r"(?:cancel\w*|return(?:ing|ed)?|refund\w*|exchang\w+|replacement|money back"
    r"|send(?:ing)? (?:it|this|that|them) back|(?:order|address) changed"
    r"|chang(?:e|ed|ing) (?:of )?(?:it|this|that|anything"
    r"|(?:my |the |our |this )?(?:delivery |shipping )?(?:order|address|items?))"
    r"|(?:speak|talk|chat)(?:ing)? (?:to|with) (?:a |an |any|the |some|your )?\w{3,12}"
    r"|(?:person|human|agent)\b|complain\w*|make a complaint)"
)
_IT = (
    r"(?: (?:it|this|that|them|anything|me|my|the|our|order|orders|address|items?|number|any ?more|now|yet"
    r"|at all|#?\d[\w-]{0,12})\b){0,5}"
)
_WANTING = (
    r"(?: (?:want(?:ed|ing)?|wish|need(?:ed)?|mean|meant|like|ask(?:ed|ing)?|intend|plan(?:ning)?|going"
    r"|trying|looking|have|really|actually|even|just|to|for|you|your|my|a|an|the|any|please)){0,6}"
)
_NOT_ALL = r"(?! (?:both|all|them|everything)\b.{0,9}\b(?:only|just)\b)"  # one of them is wished
_DENIED_EN = (
    r"\b(?:(?:i|we) (?:really |just )?(?:do|did|am|was|are|would|will|have) not"
    r"|(?:^|please |just |[,.;!?] ?|but |and |so )do not"
    r"|(?:i (?:would |will )?(?:have |had )?)?(?:rather not|no need|no longer|never)"
    rf"|(?:^|[,.;!?] )not|there is no need){_WANTING} {_WISH}{_NOT_ALL}{_IT}"
    r"|\b(?:(?:i|we|please) )?(?:do|did) not want (?:it|this|that|(?:my|the) (?:order|address)) (?:to be )?"
    rf"(?:cancell?ed|changed|refunded|returned){_IT}"
    rf"|\b(?:instead of|rather than|without) (?:a |an |the |my )?{_WISH}{_IT}"
    rf"|\b(?:please )?(?:forget|ignore|disregard|undo)(?: (?:about|the|my|that)){{0,2}} {_WISH}{_IT}"
)
_DENIED = re.compile(f"{_DENIED_ZH}|{_DENIED_EN}")
_WISHES = re.compile(rf"{_WISHED}|不(?:想)?要了|{_WISH}")

_BROKEN = re.compile(r"\b(?:broken|damaged|faulty|cracked|wrong (?:item|one))\b|坏|破|碎|发错")
_DISPUTES = re.compile(
    r"\bwho (?:has |have )?(?:cancel|chang|return)\w*|\bwhy (?:was|is|has|did)\b.{0,30}\b(?:cancel|chang)\w*"
    r"|(?:怎么|为什么|为何)(?:就|给我|被|会)?(?:取消|改|退)|谁(?:给我|帮我)?(?:取消|改|退)"
)

_TAKEN_BACK = re.compile(
    r"(?:^|[,，。.!?、;~…\s])(?:(?:啊|哦|噢|呃|欸|诶|等等)[,，。.!、~…\s]*){0,3}"
    r"(?:不对|不是|(?:我)?[说讲]错(?:了|啦)?|口误|算了|我是说)"
    r"(?=[,，。.!、~…\s]|我?是(?:要|想|问)|我?还是|$)"
    r"|[,.!;?-] ?(?:oh |ah |er |um )?(?:no,? (?:wait|sorry)|sorry,? no|wait,? no|actually,? no|scratch that"
    r"|never ?mind(?: that)?|forget (?:that|it|what i said)|i (?:mean|meant)(?! it)|no(?=[,.!;-]))\b"
)
_KEEPS = re.compile(r"还是要|留着|保留|\bkeep (?:it|them|the|my)\b|^\W*(?:please )?do not\W*$")
_CORRECTS = re.compile(
    r"^\W*(?:(?:oh|oops|ah|no|wait|sorry|my bad|my mistake|啊|哦|噢|呃|不好意思|抱歉|对不起)\W+){0,3}"
    r"(?:that (?:is|was) (?:a typo|wrong)|typo|correction|i (?:mean|meant)(?: to say)?(?! it)|no wait"
    r"|(?:我|刚才?|刚刚){0,2}[打说写讲弄搞]错(?:字)?(?:了|啦)?|口误|我是说|更正|不[对是](?=[,。.!、\s]))"
    r"(?=\W|我?是|我?要|应|$)\W*(?:应该)?(?:是(?!不))?"
)
# What names another order than the words before, where nothing else is said.
_ORDER_CORRECTED = re.compile(
    r"错|口误|更正|不[是对,]|而是|才对|我是说|[说指讲]的是|应该?是|应为|抱歉|不好意思|对不起|\*"
    r"|\b(?:mean|meant|sorry|oops|typo|correction|mistaken?|my bad|wrong|not|instead|actually"
    r"|make (?:it|that)|no(?=[,!-]| wait))\b"
)
_ORDER_ADDED = re.compile(
    r"[还加]有|另外|以及|同样|一样|也|加上|连同|再加|\b(?:too|also|as well|and|plus|same)\b|^\W*\+|&"
)
# One that is counted, and not named, where they have two.
_OTHER = re.compile(
    r"(?:另外?|还有|剩下?的?|其[他它])(?:那|的)?(?:一|那)?[个笔筆单张](?:订单|单子?)?"
    r"|\b(?:the|my) other(?: one| order)?\b"
)
_PAID_TOO = re.compile(
    r"[付转汇给](?:过|完|好)?(?:了|款|账|钱)*|\b(?:i|is|was|have|has|been|just|already|all|paid|done|sent)\b"
    r"|已经?|早就?|刚才?|我|都"
)
_ORDER_DENIED = re.compile(
    r"(?:不是|\bnot\b|\binstead of\b)\s?(?:订单号?|单号|order|number){0,2}[\s#]{0,3}([\w-]+)", re.ASCII
)
_NUMBERS = r"[a-z\d-]*\d[a-z\d-]*(?:\s?(?:、|and|&|和|跟|与)\s?#?[a-z\d-]*\d[a-z\d-]*)*"
_UNTOUCHED = r"(?:留着?|保留|照常|照旧|正常|不变|不动|(?:不(?:用|要|想)?|别)(?:取消|退))"
# Orders that a wish leaves alone: "cancel both except 1002", 1001不要了，1002留着.
_KEPT_BEFORE = re.compile(
    r"(?:\b(?:keep|except(?: for)?|apart from|other than|but not|do not cancel|not)\b|保留|留下?|除了?"
    rf"|(?:不(?:用|要|想)?|别)(?:取消|退))(?:\s|#|\b(?:my|the|order|number)\b|订单号?|单号)*({_NUMBERS})"
)
_KEPT_AFTER = re.compile(
    rf"({_NUMBERS})(?:\s|号|订单|[这那]?[个单笔]|的|请|都|先|就|还是|继续|仍然?|还|我){{0,4}}(?:{_UNTOUCHED}|还要(?=[,，。!]|$)|要的)"
    rf"|({_NUMBERS}) (?:stays?|is fine|can stay|as (?:it is|planned))\b"
)
_AWAY = re.compile(r"\bcancel\w*|取消|不(?:想)?要了")
_AROUND_ORDER = re.compile(
    r"[打说写讲弄搞记选指]|错|口误|更正|不[是对,]|才对|应该?|抱歉|不好意思|对不起|刚[才刚]?"
    r"|[还加]有|另外|以及|同样|一样|加上|连同"
    r"|订单|单号|编号|[那这][个单笔]|[我是而为号的也要了啊哦噢呃呢再和都才单]"
    r"|\b(?:oh|ah|er|um|no|not|but|sorry|wait|oops|my (?:bad|mistake)|i|mean|meant|to say|it|that|is|was|be"
    r"|should|have been|a|typo|correction|mistaken?|wrong|instead|actually|make|the|one|order|number|and"
    r"|also|too|as well|plus|same|for|with|of|on|please|other)\b"
)
_SORRY = re.compile(r"^\W*(?:oh|oops|sorry|no|wait|不好意思|抱歉)(?:\W+(?:sorry|wait|no))?\W+")


def names_wish(plain: str) -> bool:
    """True if normalised text names a wish about an order, or what went wrong with it."""
    return bool(_WISHES.search(plain) or _BROKEN.search(plain))


def disputes(text: str) -> bool:
    """True for one who asks who did what they never asked for."""
    return bool(_DISPUTES.search(normalise(text)))


def may_correct(text: str) -> bool:
    """True for a message that corrects the one before, or begins as one that does."""
    return corrected(text) is not None or _SORRY.match(normalise(text)) is not None


def corrects_order(text: str) -> bool:
    """True for words by which another order is meant than was named before; see `only_order`."""
    return _ORDER_CORRECTED.search(normalise(text)) is not None


def adds_order(text: str) -> bool:
    """True for words by which one more order is meant; see `only_order`."""
    return _ORDER_ADDED.search(normalise(text)) is not None


def denied_numbers(text: str) -> list[str]:
    """Of orders that are not meant: "not 1001, 1002"."""
    return _ORDER_DENIED.findall(normalise(text))


def kept_numbers(text: str) -> list[str]:
    """Of orders that a wish about others leaves as they are."""
    plain = normalise(text)
    found = [*_KEPT_BEFORE.finditer(plain), *_KEPT_AFTER.finditer(plain)]
    groups = (group for each in found for group in each.groups() if group)
    return [number for group in groups for number in re.findall(r"[a-z\d-]*\d[a-z\d-]*", group)]


def wished_away(text: str) -> bool:
    """True for words by which an order is not wanted any more."""
    return _AWAY.search(normalise(without_denied(text))) is not None


def only_order(text: str, numbers: Sequence[str]) -> bool:
    """True if these numbers are all that is said beside words that correct or add an order."""
    plain = normalise(text)
    for number in sorted(numbers, key=len, reverse=True):  # one may be a part of another
        plain = plain.replace(number.casefold(), " ")
    return bool(numbers) and len(text) <= LONGEST and not words_only(_AROUND_ORDER.sub(" ", plain))


def only_other(text: str, paid: bool) -> bool:
    """True if nothing but "the other one" is said beside words that correct or add an order. paid: or beside
    words of paying."""
    plain, found = normalise(text), _OTHER.subn(" ", normalise(text))
    rest = _AROUND_ORDER.sub(" ", _PAID_TOO.sub(" ", found[0]) if paid else found[0])
    return found[1] == 1 and len(plain) <= LONGEST and not words_only(rest)


def without_denied(text: str) -> str:
    """The text without wishes that it denies; unchanged if it denies none."""
    plain = normalise(text)
    if not any(sign in plain for sign in (*_MAY_DENY, *_MAY_KEEP)):
        return text
    cut = _DENIED.sub(" ", plain)
    if _AWAY.search(cut):
        cut = _KEPT_AFTER.sub(" ", _KEPT_BEFORE.sub(" ", cut))
    return text if cut == plain else f"{cut}{text[LONGEST:]}".strip(" ,.;!，。")


def after_taking_back(text: str) -> str | None:
    """What is said after a wish was taken back, "" if nothing; None if none is."""
    plain = normalise(text)
    if not any(sign in plain for sign in _MAY_TAKE_BACK):
        return None
    found = _TAKEN_BACK.search(plain)
    if found is None or not _WISHES.search(plain[: found.start()]):
        return None
    rest = f"{plain[found.end() :]}{text[LONGEST:]}".strip(" ,.;!-，。、~…")
    return "" if _KEEPS.search(rest) else rest


def corrected(text: str) -> str | None:
    """What a message says that corrects the one before; None if it corrects none."""
    plain = normalise(text)
    if not any(sign in plain for sign in _MAY_TAKE_BACK):
        return None
    found = _CORRECTS.match(plain)
    return plain[found.end() :].strip() if found else None

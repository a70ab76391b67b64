"""Recognises requests to stop writing, to leave offers out, and to resume. In doubt we stop: the buyer can
undo a wrong stop, but nothing undoes a message sent after one."""

import re
from functools import lru_cache

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import BuyerOptedOut
from handlers.normalise import words_only

_WHOLE = frozenset(
    {
        *("t", "td", "回td", "回复td", "n", "stop", "quit", "end", "stopall", "optout"),
        *("勿扰", "退", "停止", "请停止"),
    }
)
_WHOLE_RESUME = frozenset(
    {
        "start",
        "startagain",
        "unstop",
        "resume",
        "resubscribe",
        "subscribe",
        "恢复",
        "恢复订阅",
        "重新订阅",
        "请恢复",
    }
)
# The whole message, so that a question about prices is none.
_WHOLE_NO_OFFERS = frozenset(
    {
        *("nooffers", "nooffersplease", "pleasenooffers", "onlynooffers"),
        *("不要优惠", "不要优惠了", "不要优惠信息", "不要优惠消息", "请不要优惠", "只不要优惠"),
    }
)

# A list of mails is one of offers.
_OFF_A_LIST = re.compile(
    r"\b(?:(?:get|be|come)(?: me)? (?:off|out of)|leave|quit)(?: of)?"
    r"(?: (?:your|the|this|that|all|any|every))? (?:mailing|marketing|newsletter|promo\w{0,8})"
    r"(?: (?:list|e-?mail|mail|message)s?|s)?\b"
)

# A wish about offers alone, in a buyer's own words; "these ads" are whatever they got of us.
_OFFERS = (
    r"(?:promos?\b|promotions?\b|promotional\b|marketing\b|advertis\w{2,7}|adverts?\b|offers\b|ads?\b"
    r"|newsletters?\b)(?! ?(?:code|price|voucher|item)s?\b)"
    r"(?: (?:(?:e-?)?mails?|messages?|texts?|sms|stuff|notifications?|letters?)\b)?"
)
_NO_OFFERS = re.compile(
    r"(?<!not )(?<!never )\b(?:stop|no more|no further|unsubscribe|opt(?:ing)?[ -]?out|end|cease|quit"
    r"|do not (?:want|send|need|give|text|message|(?:e-?)?mail))\b"
    r"(?: (?:please|ever|me|us|send(?:ing)?|giving|get(?:ting)?|receiv(?:e|ing)|text(?:ing)?|e?-?mailing"
    r"|messaging|from|of|with|about|to|any ?more|any|all|the|your|such|out|now|just|only)){0,6}"
    rf" {_OFFERS}"
    r"|(?:不要|(?<![先分区特性级类告个])别|勿|不想要?|不用|不需要|停止|拒收|(?<![要别])(?:退订|取消订阅))"
    r"(?:再|继续|总|老|一直|给我|向我|跟我|你们|你|收到|接收|看到?|发送?|传送?|寄|推送?|任何|的){0,6}"
    r"(?:广告|推销|[营行]销|促销|推广|优惠(?=短信|消息|信息|邮件|简讯|讯息|推送|通知))"
    r"(?:短信|消息|信息|邮件|简讯|讯息|推送|通知){0,2}"
    r"|(?:广告|推销|[营行]销|促销)(?:短信|消息|信息|邮件|简讯|讯息){0,2}(?:请|都|就){0,2}(?:不要|别)(?:再|给我){0,2}"
    r"[发传寄推]送?"
)
# Beside it, what speaks of any message.
_ANY_MESSAGE = re.compile(
    r"messag|\btext(?:s|ing)?\b|\bsms\b|mail|contact|\bwrit|spam|bother|\ball\b|everything|anything"
    r"|消息|短信|信息|简讯|讯息|邮件|联系|打扰|骚扰"
)

_MESSAGES = (
    r"(?:text|messag|messge|sms|mail|e-?mail|writ|send|contact|call|spam|bother|disturb|annoy"
    r"|notif|remind|ads?\b"
    r"|advert|promo|offer|newsletter|market|harass|all\b|this|these|it\b|that|now\b|please|me\b|ok)"
)
_NO_MORE = (
    r"(?:(?<!先)不要|(?<![先分区特性级类告个])别|勿|不想|停止)(?:你们|你|再|继续|总|老|一直|给我|向我"
    r"|跟我|对我){0,4}"
)
_ASKS = (
    re.compile(r"退订|取消订阅|取消关注提醒|拒收(?:短信|消息|信息|推送)|\btd\b"),
    re.compile(
        _NO_MORE + r"(?:(?:发|传|寄|推)(?:送)?(?:任何|这些|这种|你们的|这|给我){0,2}"
        r"(?:消息|短信|信息|讯息|简讯|广告|邮件|信|通知)|推送|打扰|骚扰|联系我|烦我)"
    ),
    re.compile(
        r"(?:不想|不要|不愿意?)(?:再|继续)?(?:收到|接收|看到)(?:你们|你|的|任何|这些"
        r"|这种)*.{0,4}(?:消息|短信|信息|广告|推送|邮件)"
    ),
    re.compile(
        r"\bunsubscri?be?d?\b|\bopt(?:ing)?[ -]?(?:me )?out\b|\bleave me alone\b|\bremove me\b"
        r"|\btake me off\b"
    ),
    re.compile(
        r"\bdo not (?:ever )?(?:text|message|email|mail|contact|call|write(?: to)?|bother|disturb) me\b"
    ),
    re.compile(
        r"\bdo not send (?:me )?(?:any ?more|anymore|any|more|these|such)?\W*(?:message|text|mail"
        r"|email|ad|offer|promo)"
    ),
    re.compile(r"\bno more (?:message|text|mail|email|ad|offer|promo|spam)"),
    re.compile(r"\bcancel (?:my |the |this )?subscription\b"),
)
# "Send no more" means messages, unless the sentence is also about goods, because parcels are sent as well.
_SEND_NO_MORE = re.compile(_NO_MORE + r"(?:发|传|推)(?:送)?(?:这){0,2}(?:了|啦|吧|给我|来|[，,。！!~ ]|$)")
_GOODS = re.compile(r"地址|退钱|退款|货|快递|包裹|订单|[买拍下选]错|重[拍买]|不(?:想)?要了|不买了")
_REFUSES = re.compile(
    r"(?:不要|别|不想|不|没有|没)(?:再|要|想|是)?(?:退订|取消订阅)|\b(?:not"
    r"|never) (?:to )?(?:unsubscribe|opt)"
)

_FIRST = re.compile(r"\W*(?:停止|退订|取消订阅)[,.;!。，、\s]")  # whatever else is said after it
_GO_ON = re.compile(r"\b(?:not|never) (?:ever )?stop\b|(?:不要|别|不用|不想)(?:停|退订|取消订阅)")

# What a wish may go on with in the next message, and what says nothing by itself.
_REST = re.compile(
    r"^(?:消息|短信|信息|讯息|简讯|广告|邮件|通知|推送|我|给|[你您]们?|的|了|啦|吧|啊|谢谢|任何|这些"
    r"|这种|再|来|发|[,，。.!！~ ])+$"
    r"|^(?:(?:send(?:ing)?|text(?:ing)?|messag(?:e|es|ing)|e?mail(?:s|ing)?|writ(?:e|ing)|texts|me|us"
    r"|to|any|more|anymore|these|those|this"
    r"|such|please|now|here|again|your|all|ads?|offers?|notifications?|thanks)[,.! ]*)+$"
)

_STOP = re.compile(r"(?<![\w-])stop(?![\w-])")
_NOT_STOP_BEFORE = re.compile(
    r"(?:\bnot|\bnever|\bnon|\bbus|\btrain|\bmetro|\btram|\bsubway|\btaxi|\btruck|\bfull|\bone"
    r"|\bpit|\brest|\bnext"
    r"|\blast|\bfirst|\bdoor|\bcannot|\bwithout a|\bit will|\bit would|\bto a|\bthe|\bmy|\ba)[ -]?$"
)
_NOT_STOP_AFTER = re.compile(
    r"^ ?(?:by\b|over\b|an?\b|any\b|fraud|someone|somebody|people|being|pending|unauthori"
    r"|after\b|playing|for\b|at\b|in\b|off\b|working|motion|watch|sign|light|loss|button"
    rf"|(?:the|my|this|that|your|our) (?!{_MESSAGES})|(?:order|delivery|shipping|shipment"
    rf"|payment|production))"
)


@lru_cache(maxsize=512)  # asked when a message is received, and again when it is read
def wants_stop(plain: str) -> bool:
    """True if normalised text of any of our languages asks to stop, alone or inside a sentence, and not only
    for offers."""
    plain = _without_offers(plain)
    if words_only(plain) in _WHOLE or _FIRST.match(plain):
        return True
    if _REFUSES.search(plain):
        return False
    if _SEND_NO_MORE.search(plain) and not _GOODS.search(plain):
        return True
    return any(pattern.search(plain) for pattern in _ASKS) or any(
        not _NOT_STOP_BEFORE.search(plain[max(0, found.start() - 20) : found.start()])
        and not _NOT_STOP_AFTER.search(plain[found.end() : found.end() + 30])
        for found in _STOP.finditer(plain)
    )


def goes_on(plain: str) -> bool:
    """True for normalised text that is no more than the end of a wish: "消息了", "texting me"."""
    return _REST.match(plain) is not None


def wants_no_offers(plain: str) -> bool:
    """True for the smaller wish: no more offers, and all else as before."""
    named = _OFF_A_LIST.search(plain) or _without_offers(plain) != plain
    return chooses_no_offers(plain) or (bool(named) and not wants_stop(plain))


def chooses_no_offers(plain: str) -> bool:
    """True for the words that the answer to a stop gives: any others take no stop back."""
    return words_only(plain) in _WHOLE_NO_OFFERS


def refuses_stop(plain: str) -> bool:
    """True for "don't stop"."""
    return bool(_REFUSES.search(plain) or _GO_ON.search(plain))


def _without_offers(plain: str) -> str:
    """What is left beside a wish about offers; the whole, if that speaks of messages of any kind."""
    rest = _NO_OFFERS.sub(" ", plain)
    return plain if _ANY_MESSAGE.search(rest) else rest


def wants_resume(plain: str) -> bool:
    return words_only(plain) in _WHOLE_RESUME


def opted_out(event: BuyerOptedOut, context: Context) -> list[Action]:
    """No reply: the request came outside the chat, and is recorded with the address that it is about."""
    return []

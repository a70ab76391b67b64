"""Recognises buyers who do not want to be pressed: the reminders of that order end, and nothing else."""

import re

_MORE = r"(?:再|老是?|总是?|一直|天天|继续|这么|这样|来|一个劲儿?|不停地?|你们?|您){0,3}"
_NOTE = r"(?:消息|短信|信息|讯息|简讯|邮件|通知|提醒|信)"
_NOTES = r"(?:(?:payment|pay|automatic|automated|daily) ){0,2}reminders?(?: (?:e-?mail|message|text|note)s?)?"
_CLAUSE_ENDS = r"(?=\s*(?:$|[,.;!~\n-]))"
PRESSES = (
    re.compile(
        rf"(?:(?<!先)不要|(?<![特级类告])别|不用|不必|勿|少|停止){_MORE}(?:给我|跟我|向我|对我)?"
        r"(?:催|逼)(?!.{0,4}(?:发|快递|物流|卖家|仓库|货))"
        r"(?:我|促|款|单|了|个不停|来催去|付款?|钱|交){0,4}"
    ),
    re.compile(
        r"催什么催?|催啥|催命|(?:一直|老是?|总是?|天天|不停地?|整天)(?:在|来|都在)?催(?:我|着|个|人|$)"
    ),
    re.compile(rf"(?:不要|别|不用|停止){_MORE}(?:提醒|叫|让|喊)我?(?:付款?|付钱|交钱|转账|还没付|没付)"),
    re.compile(
        rf"(?:不要|(?<![特级类告])别|不用|不必|不想|勿|停止){_MORE}(?:给我|跟我|向我|对我)?"
        r"(?:发送?|传送?|寄|推送?|收到?)?(?:任何|这些|这种|你们的|什么)?(?:付款|支付|缴费)?的?"
        rf"(?:催[款付缴单](?=的?{_NOTE})|提醒(?!发|卖|仓|快递|物流))我?(?:的?{_NOTE}){{0,2}}了?"
    ),
    re.compile(
        r"\b(?:stop|quit|do not|no need to|please do not|without|cease)(?: keep)? "
        r"(?:press(?:ing|ur(?:e|ing)|uri[sz](?:e|ing))?|push(?:ing)?|rush(?:ing)?|hurry(?:ing)?|hound(?:ing)?"
        r"|nag(?:ging)?|pester(?:ing)?|hassl(?:e|ing)|chas(?:e|ing)|badger(?:ing)?)(?: (?:me|us)\b|\W*$)"
    ),
    re.compile(
        r"\b(?:stop|quit|do not|no need to)(?: keep)? (?:remind(?:ing)?|ask(?:ing)?|tell(?:ing)?) (?:me|us) "
        r"(?:to (?:pay|transfer|send (?:the |you )?money)|(?:about|for) (?:the |my |your |this )?"
        r"(?:payment|money|transfer|unpaid|order \w{1,20} payment))\b"
    ),
    re.compile(
        r"\b(?:(?:stop|quit|do not|no need to)(?: keep)?(?: (?:send|giv|email|text|messag)(?:e|ing)?)?"
        r"(?: (?:me|us))?(?: (?:with|any|more|anymore|all|these|those|such|the|your)){0,3}|no more|enough)"
        rf" {_NOTES}\b|^\W*no {_NOTES}(?: please)?\W*$"
    ),
    re.compile(
        r"\b(?:stop|quit|do not|no need to)(?: keep)? remind(?:ing)? (?:me|us)"
        rf"(?: (?:again|any ?more|all the time|every day|about (?:it|this|that))\b|{_CLAUSE_ENDS})"
    ),
    re.compile(
        r"\b(?:stop|quit|do not|no need to)(?: keep)? (?:ask|demand|beg|request|bug)(?:g?ing)?(?: (?:me|us))?"
        r"(?: (?:again|any ?more))?(?:(?: (?:for|about|the|my|your|this|any|more|some)){0,3}"
        r" (?:money|payments?|cash|funds)\b(?! (?:back|methods?|options?|on delivery)\b)"
        rf"| (?:if|whether) (?:i|we)(?: have)?(?: already| ever)? (?:paid?|payed)\b|{_CLAUSE_ENDS})"
    ),
    re.compile(rf"(?:不要|(?<![特级类告])别|不用|停止){_MORE}(?:[跟向问找]我)?(?:要|讨|催)(?:钱|款|账|付)"),
)
# Of one who says that they have paid, these are of the reminders: they name no message.
_OF_WHO_PAID = re.compile(
    rf"(?:(?<!先)不要|(?<![先分区特性级类告个])别|勿|停止){_MORE}(?:给我|跟我|向我)?(?:发|传|寄|推)(?:送)?(?:这个?)?"
    r"(?:过?来)?(?:了|啦|吧)?(?=[\W我钱款已早都]|$)"
    r"|(?<![\w-])(?<!not )(?<!never )stop "
    r"(?:it|that|this|(?:sending|doing) (?:me )?(?:it|this|that|these|them))(?= ?(?:\W|now\b|please\b|$))"
)


def presses(plain: str) -> bool:
    """True if normalised text asks not to be pressed."""
    return any(pattern.search(plain) for pattern in PRESSES)


def without_pressing_who_paid(plain: str) -> str:
    """What else is said by one who says that they have paid."""
    return _OF_WHO_PAID.sub(" ", without_pressing(plain))


def without_pressing(plain: str) -> str:
    """What else the message says."""
    for pattern in PRESSES:
        plain = pattern.sub(" ", plain)
    return plain.strip()

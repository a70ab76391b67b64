"""Recognises buyers who do not want to be pressed: the reminders of that order end, and nothing else."""

import re

_MORE = r"(?:再|老是?|总是?|一直|天天|继续|这么|这样|来|一个劲儿?|不停地?|你们?|您){0,3}"
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
        r"\b(?:stop|quit|do not|no need to|please do not|without|cease)(?: keep)? "
        r"(?:press(?:ing|ur(?:e|ing)|uri[sz](?:e|ing))?|push(?:ing)?|rush(?:ing)?|hurry(?:ing)?|hound(?:ing)?"
        r"|nag(?:ging)?|pester(?:ing)?|hassl(?:e|ing)|chas(?:e|ing)|badger(?:ing)?)(?: (?:me|us)\b|\W*$)"
    ),
    re.compile(
        r"\b(?:stop|quit|do not|no need to)(?: keep)? (?:remind(?:ing)?|ask(?:ing)?|tell(?:ing)?) (?:me|us) "
        r"(?:to (?:pay|transfer|send (?:the |you )?money)|(?:about|for) (?:the |my |your |this )?"
        r"(?:payment|money|transfer|unpaid|order \w{1,20} payment))\b"
    ),
)


def presses(plain: str) -> bool:
    """True if normalised text asks not to be pressed."""
    return any(pattern.search(plain) for pattern in PRESSES)


def without_pressing(plain: str) -> str:
    """What else the message says."""
    for pattern in PRESSES:
        plain = pattern.sub(" ", plain)
    return plain.strip()

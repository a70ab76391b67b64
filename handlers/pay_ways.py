"""Ways to pay that buyers ask for by name, and which of them the settings name."""

import re

from bot.domain.shop import Payment
from handlers.normalise import normalise

# As it is written in an answer, and how buyers write it. A page to pay at may take any of them.
# ASCII: a Chinese character beside a name is no letter of it.
_WAYS: dict[str, re.Pattern[str]] = {
    "PayPal": re.compile(r"\bpay ?pal\b|贝宝", re.ASCII),
    "Klarna": re.compile(r"\bklarna\b", re.ASCII),
    "Apple Pay": re.compile(r"\bapple ?pay\b", re.ASCII),
    "Google Pay": re.compile(r"\bgoogle ?pay\b", re.ASCII),
    "LINE Pay": re.compile(r"\bline ?pay\b", re.ASCII),
    "a card": re.compile(
        r"\b(?:credit |debit )?cards?\b(?! reader)|\bvisa\b|\bmaster ?card\b|\bamex\b", re.ASCII
    ),
    "cash on delivery": re.compile(
        r"\bcash on delivery\b|\bcod\b|\bpay (?:on|at) (?:the )?(?:delivery|door)\b", re.ASCII
    ),
    "a cheque": re.compile(r"\bcheques?\b", re.ASCII),
    "instalments": re.compile(r"\binstal?lments?\b|\bpay later\b", re.ASCII),
    "cash": re.compile(r"\bin cash\b|\bpay cash\b", re.ASCII),
    "支付宝": re.compile(r"支付宝|\balipay\b", re.ASCII),
    "微信": re.compile(r"微信(?!群)|\bwechat(?: pay)?\b", re.ASCII),
    "花呗": re.compile(r"花呗"),
    "信用卡": re.compile(r"信用卡|刷卡"),
    "货到付款": re.compile(r"货到付款|先发货[后再]?付款|先货后款"),
    "街口": re.compile(r"街口"),
    "分期": re.compile(r"分期"),
}
_IN_TRADITIONAL = {"支付宝": "支付寶", "花呗": "花唄", "货到付款": "貨到付款"}


def not_told(text: str, payment: Payment) -> list[str]:
    """The ways to pay that a text asks for and no setting names: the shop's checkout may well take them."""
    if payment.link:
        return []
    told = normalise(" ".join(f"{each.bank} {each.number}" for each in payment.accounts))
    plain = normalise(text)
    return [
        _IN_TRADITIONAL[name] if _IN_TRADITIONAL.get(name, name) in text and name not in text else name
        for name, way in _WAYS.items()
        if way.search(plain) and not way.search(told)
    ]

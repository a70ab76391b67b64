"""Ways to pay that buyers ask for by name, and whether the settings name them."""

import re

from bot.domain.shop import Payment
from handlers.normalise import normalise

# As it is written in an answer, and how buyers write it. A page to pay at may take any of them.
_WAYS: dict[str, re.Pattern[str]] = {
    "PayPal": re.compile(r"\bpay ?pal\b|贝宝"),
    "Klarna": re.compile(r"\bklarna\b"),
    "Apple Pay": re.compile(r"\bapple ?pay\b"),
    "Google Pay": re.compile(r"\bgoogle ?pay\b"),
    "LINE Pay": re.compile(r"\bline ?pay\b"),
    "a card": re.compile(r"\b(?:credit |debit )?cards?\b(?! reader)|\bvisa\b|\bmaster ?card\b|\bamex\b"),
    "cash on delivery": re.compile(
        r"\bcash on delivery\b|\bcod\b|\bpay (?:on|at) (?:the )?(?:delivery|door)\b"
    ),
    "a cheque": re.compile(r"\bcheques?\b"),
    "instalments": re.compile(r"\binstal?lments?\b|\bpay later\b"),
    "cash": re.compile(r"\bin cash\b|\bpay cash\b"),
    "支付宝": re.compile(r"支付宝|\balipay\b"),
    "微信": re.compile(r"微信(?!群)|\bwechat(?: pay)?\b"),
    "花呗": re.compile(r"花呗"),
    "信用卡": re.compile(r"信用卡|刷卡"),
    "货到付款": re.compile(r"货到付款|先发货[后再]?付款|先货后款"),
    "街口": re.compile(r"街口"),
    "分期": re.compile(r"分期"),
}
_IN_TRADITIONAL = {"支付宝": "支付寶", "花呗": "花唄", "货到付款": "貨到付款"}


def refused(text: str, payment: Payment) -> str | None:
    """The way to pay that a text asks for, if the settings show that the shop has it not."""
    if payment.link:
        return None
    plain = normalise(text)
    asked = next((name for name, pattern in _WAYS.items() if pattern.search(plain)), None)
    if asked is None:
        return None
    told = normalise(" ".join(f"{each.bank} {each.number}" for each in payment.accounts))
    if _WAYS[asked].search(told):
        return None
    return (
        _IN_TRADITIONAL.get(asked, asked)
        if _IN_TRADITIONAL.get(asked, "") in text and asked not in text
        else asked
    )

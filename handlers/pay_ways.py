"""Ways to pay that buyers ask for by name, and which of them the settings name."""

import re

from bot.domain.shop import Payment
from handlers.normalise import normalise

# As it is written in an answer, and how buyers write it.
# ASCII: a Chinese character beside a name is no letter of it.
_WAYS: dict[str, re.Pattern[str]] = {
    "PayPal": re.compile(r"\bpay ?pal\b|贝宝", re.ASCII),
    "Klarna": re.compile(r"\bklarna\b", re.ASCII),
    "Apple Pay": re.compile(r"\bapple ?pay\b", re.ASCII),
    "Google Pay": re.compile(r"\bgoogle ?pay\b", re.ASCII),
    "LINE Pay": re.compile(r"\bline ?pay\b", re.ASCII),
    "cards": re.compile(
        r"\b(?:credit |debit )?cards?\b(?! reader)|\bvisa\b|\bmaster ?card\b|\bamex\b", re.ASCII
    ),
    "cash on delivery": re.compile(
        r"\bcash on delivery\b|\bcod\b|\bpay (?:on|at) (?:the )?(?:delivery|door)\b", re.ASCII
    ),
    "cheques": re.compile(r"\bcheques?\b", re.ASCII),
    "instalments": re.compile(r"\binstal?lments?\b|\bpay later\b", re.ASCII),
    "cash": re.compile(r"\bin cash\b|\bpay cash\b(?! on)", re.ASCII),
    "bank transfers": re.compile(r"\b(?:bank|wire) transfers?\b|\bbacs\b", re.ASCII),
    "支付宝": re.compile(r"支付宝|\balipay\b", re.ASCII),
    "微信": re.compile(r"微信(?!群)|\bwechat(?: pay)?\b", re.ASCII),
    "花呗": re.compile(r"花呗"),
    "信用卡": re.compile(r"信用卡|刷卡"),
    "货到付款": re.compile(r"货到付款|先发货[后再]?付款|先货后款"),
    "超商付款": re.compile(r"超商.{0,2}(?:付款|缴费|缴款|代码|取付)|\bibon\b", re.ASCII),
    "转账": re.compile(r"转账"),
    "汇款": re.compile(r"汇款"),
    "街口": re.compile(r"街口"),
    "分期": re.compile(r"分期"),
}
_TRANSFERS = ("bank transfers", "转账", "汇款")  # to any account that is told
_IN_TRADITIONAL = {"转账": "轉帳", "汇款": "匯款", "支付宝": "支付寶", "花呗": "花唄", "货到付款": "貨到付款"}


def names_one(text: str) -> bool:
    plain = normalise(text)
    return any(way.search(plain) for way in _WAYS.values())


def not_told(text: str, payment: Payment) -> list[str]:
    """The ways to pay that a text asks for and no setting names: the shop's checkout, or the page
    that it links to, may well take them."""
    told = normalise(" ".join(f"{each.bank} {each.number}" for each in payment.accounts))
    plain = normalise(text)
    return [
        _IN_TRADITIONAL[name] if _IN_TRADITIONAL.get(name, name) in text and name not in text else name
        for name, way in _WAYS.items()
        if way.search(plain) and not way.search(told) and not (name in _TRANSFERS and payment.accounts)
    ]

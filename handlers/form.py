"""Reads the filled-in pay form: labels in three languages, in any order, with any colon, gaps allowed."""

import re
import unicodedata

from handlers.normalise import FOLD

LONGEST = 4000  # characters of a message that are read
VALUE_MAX = 300

_LABELS: dict[str, str] = {
    "user": r"用户名|会员名|会员账号|账号|昵称|user ?name|login",
    "name": r"真实姓名|姓名|名字|收货人|收件人|付款人|汇款人|转账人|户名"
    r"|real name|full name|account name|paid by|payer|name|recipient",
    "digits": r"(?:付款|汇款|转出)?(?:账号|卡号|账户)?[后末][四五45][位码](?:数字)?"
    r"|尾号(?:后?[四五45][位码])?",
    "phone": r"联系电话|电话|手机号码|手机号|手机|phone number|phone|mobile|tel",
    "items": r"商品|宝贝|货品|物品|items?|goods|products?",
    "variant": r"颜色|尺寸|尺码|规格|colou?r|size",
    "address": r"收货地址|收件地址|地址|shipping address|address",
    "postcode": r"邮政编码|邮递区号|邮编|postcode|postal code|zip code|zip",
    "bank": r"付款银行|汇款银行|转账银行|打款银行|银行|paying bank|bank",
    "time": r"转账时间|汇款时间|付款时间|打款时间|time of transfer|time of payment|transfer time"
    r"|payment time",
    "amount": r"转账金额|汇款金额|付款金额|金额|amount",
    "order": r"订单编号|订单号码|订单号|订单|附言|备注|order number|order no\.?|order|memo",
}
_OF_PAYMENT = ("bank", "time", "amount", "digits")  # without one of these it is not a claim of payment
_LABEL = re.compile(
    r"(?:^|(?<=[\s,，;；、|*•·\-]))(?:"
    + "|".join(f"(?P<{field}>{words})" for field, words in _LABELS.items())
    + r")[ ]?(?:\([^()\n]{0,40}\))?[ ]?[:=][ ]?",
    re.IGNORECASE,
)

_MAY_BE = re.compile(r"[:=\d]")
_FIVE_DIGITS = re.compile(
    r"(?:账号|账户|卡号)?[后末][五5][码位](?:数字)?[^\d\n]{0,4}(\d{5})(?!\d)"
    r"|行(?:卡|账[号户])?的?尾号[是为]?[^\d\n]{0,2}(\d{4,5})(?!\d)"
)  # alone, as asked for


def read_form(text: str) -> dict[str, str]:
    """Read field -> value behind its label; empty if the message is not a filled-in form."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST]
    if not _MAY_BE.search(plain):
        return {}
    found = list(_LABEL.finditer(plain.translate(FOLD)))
    ends = [*(label.start() for label in found[1:]), len(plain)]
    fields: dict[str, str] = {}
    for label, end in zip(found, ends, strict=False):
        value = " ".join(plain[label.end() : end].split()).strip(",;，；、|")
        if value and label.lastgroup:
            fields.setdefault(label.lastgroup, value[:VALUE_MAX])
    enough = len(fields) >= 2 and any(field in fields for field in _OF_PAYMENT)
    if enough:
        return fields
    alone = _FIVE_DIGITS.search(plain.translate(FOLD))
    return {"digits": alone[1] or alone[2]} if alone else {}

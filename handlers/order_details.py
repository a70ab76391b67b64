"""Reads what a buyer gives to an order afterwards: an address to send to, the fields of an invoice."""

import re
import unicodedata

from handlers.normalise import FOLD

LONGEST = 1000  # characters read
VALUE_MAX = 120
SHORTEST_ADDRESS = 6

_PLACES = re.compile(
    r"[省市区縣县州镇鎮乡鄉村里路街巷弄号號栋棟幢楼樓室座层層段]|单元|小区|大厦|大廈|門市|门市|驿站|公寓"
)
_STREET = re.compile(
    r"\b\d{1,5}[a-z]?,? (?:[a-z'.-]+ ){0,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct"
    r"|way"
    r"|place|pl|square|sq|terrace|gardens?|crescent|grove|hill|park|mews|row|boulevard|blvd)\b",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|\b[A-Z]{2} \d{5}(?:-\d{4})?\b", re.IGNORECASE)

_MAILBOX = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", re.ASCII)
_TAX_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])(?:[0-9A-HJ-NPQRTUWXY]{18}|\d{15}|[A-Z]{2} ?\d{9}(?:\d{3})?|\d{8})(?![A-Za-z0-9])"
)
_CARRIER = re.compile(r"(?<![\w/])/[0-9A-Z.+-]{7}(?![\w.+-])")  # of Taiwan's invoices, kept by a phone
_LABELS: dict[str, str] = {
    "title": r"发票抬头|抬头|公司名称|公司名|单位名称|开票名称|名称|姓名|invoice to|made out to|bill to"
    r"|name or company|company name|company|name",
    "tax": r"纳税人识别号|统一社会信用代码|信用代码|税号|统一编号|统编|vat number|vat no\.?|vat id|vat"
    r"|tax number|tax id|ein",
    "mailbox": r"电子邮箱|电子邮件|邮箱|信箱|e-?mail address|e-?mail|send (?:it )?to",
}
_LABEL = re.compile(
    r"(?:^|(?<=[\s,，;；、|*•·\-]))(?:"
    + "|".join(f"(?P<{field}>{words})" for field, words in _LABELS.items())
    + r")[ ]?(?:\([^()\n]{0,40}\))?[ ]?(?:(?:is|是|为)\b)?[ ]?[:=：]?[ ]?",
    re.IGNORECASE,
)
_COMPANY = re.compile(
    r"[\w()&.'-]{4,80}?(?:有限公司|公司|集团|集團|事务所|中心|学校|學校|大学|大學|医院|醫院)"
    r"|[\w()&.' -]{2,80}?\b(?:ltd|limited|llc|inc|plc|llp|gmbh|corp|co)\b\.?",
    re.IGNORECASE,
)
_ABOUT_IT = re.compile(
    r"发票|開票|开票|發票|载具|載具|抬[头頭]|[税稅][号號]|统编|統編|个人|個人|邮箱|信箱|\b(?:invoice"
    r"|receipt|please|vat|bill)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"个人|個人|\b(?:personal|private)\b", re.IGNORECASE)


def has_address(text: str) -> bool:
    """True if the words hold an address to send to: a street with a number, a postcode, or Chinese places."""
    plain = _plain(text)
    if len(plain.strip()) < SHORTEST_ADDRESS:
        return False
    chinese = len(set(_PLACES.findall(plain))) >= 2 and any(sign.isdigit() for sign in plain)
    return bool(chinese or _STREET.search(plain) or _POSTCODE.search(plain))


def invoice_fields(text: str, asked: bool = False) -> dict[str, str]:
    """Read title, tax and mailbox, with labels or without; only those that are there.

    asked: the words answer a question for them, so that a line that is none of the others is the title.
    """
    plain = _plain(text)
    fields = _labelled(plain)
    _add(fields, "mailbox", _MAILBOX.search(plain))
    _add(fields, "tax", _TAX_NUMBER.search(_MAILBOX.sub(" ", plain)) or _CARRIER.search(plain))
    if "title" not in fields:
        title = _title(plain, asked)
        fields |= {"title": title} if title else {}
    return {name: fields[name][:VALUE_MAX] for name in ("title", "tax", "mailbox") if fields.get(name)}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST]


def _labelled(plain: str) -> dict[str, str]:
    """What stands behind labels on their own line, or behind a colon."""
    fields: dict[str, str] = {}
    found = [each for each in _LABEL.finditer(plain.translate(FOLD)) if each.lastgroup]
    labels = [each for each in found if each[0].rstrip().endswith((":", "=", "是", "为", "is"))]
    ends = [*(label.start() for label in labels[1:]), len(plain)]
    for label, end in zip(labels, ends, strict=False):
        value = plain[label.end() : end].split("\n")[0].strip(" ,;，；、|。")
        if value and label.lastgroup:
            fields.setdefault(label.lastgroup, value)
    return fields


def _title(plain: str, asked: bool) -> str | None:
    company = _COMPANY.search(plain)
    if company:
        return _ABOUT_IT.sub("", company[0]).strip(" ,:：，、的写開开")
    personal = _PERSONAL.search(plain)
    if personal:
        return personal[0]
    if not asked:
        return None
    rest = _TAX_NUMBER.sub(" ", _CARRIER.sub(" ", _MAILBOX.sub("\n", plain)))
    lines = (line.strip(" ,;，；、|。") for line in re.split(r"[\n,;，；]", rest))
    return next((line for line in lines if line and not _ABOUT_IT.search(line)), None)


def _add(fields: dict[str, str], name: str, found: re.Match[str] | None) -> None:
    if found:
        fields[name] = found[0]

"""Parse a cell of a seller's CSV file, in whatever form spreadsheets write it. All raise BadCell."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.numbers import list_currencies

from bot.channels import contacts
from bot.channels.json_reading import pieces as whole_pieces
from bot.csv_import.faults import BadCell, shown
from bot.domain.money import Money, parse_money, precision

LONGEST_ID = 120  # characters; ours and the platform's together fit an index

_AS_FORMULA = re.compile(r'="?([^"]*)"?')  # ="00123", which keeps zeros in a spreadsheet
_CUT_SHORT = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)  # 1.23457E+18: the digits are gone
_TIMESTAMP = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"([-+]?)(?:CN¥|NT\$|HK\$|US\$|RMB|CNY|TWD|USD|[¥$€£])?([-+]?)([\d,]*\.?\d+)元?", re.IGNORECASE
)
_MINUS = str.maketrans("\u2212\u2013", "--")  # as word processors write it
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_YEARS = range(1970, 2200)
_TOMORROW = timedelta(days=1)  # clocks differ; more than that is a mistake
_PIECES = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")
_MOST_PIECES = 1_000_000

_YES = {"yes", "y", "true", "1", "是", "同意", "已同意", "已退订", "已退訂", "退订", "退訂"}
_NO = {"no", "n", "false", "0", "否", "不同意", "未同意", "未退订", "未退訂"}
_IN_STOCK = {"yes", "in stock", "available", "有货", "有貨", "现货", "現貨", "充足", "不限"}
_SOLD_OUT = {
    "no",
    "sold out",
    "out of stock",
    "缺货",
    "缺貨",
    "无货",
    "無貨",
    "没货",
    "沒貨",
    "售罄",
    "售完",
    "完售",
}
_LINK = re.compile(r"https?://[^\s<>\"]{3,490}", re.IGNORECASE)
_CURRENCIES = frozenset(list_currencies())


def clean(cell: str) -> str:
    """Strip what spreadsheets add so that a number stays text."""
    cell = cell.replace("\x00", "").strip()
    if cell.startswith("="):
        formula = _AS_FORMULA.fullmatch(cell)
        return formula[1].strip() if formula else cell
    if cell.startswith("'") and cell[1:2].isdigit():
        return cell[1:].strip()
    return cell


def plain(cell: str) -> str:
    """Turn full-width digits and signs into plain ones."""
    return unicodedata.normalize("NFKC", cell).strip()


def identity(cell: str) -> str:
    if _CUT_SHORT.fullmatch(cell):
        raise BadCell("spreadsheet", given=shown(cell))
    if len(cell) > LONGEST_ID:
        raise BadCell("too_long", most=LONGEST_ID)
    return cell


def timestamp(cell: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Parse a time, to UTC. Without an offset it is in `zone`; later than tomorrow is refused."""
    parts = _TIMESTAMP.fullmatch(plain(cell))
    if parts is None:
        raise BadCell("moment", given=shown(cell))
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        if parts[7]:
            local = datetime.fromisoformat(f"{local:%Y-%m-%dT%H:%M:%S}{parts[7].upper()}")
        at = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell("moment", given=shown(cell)) from None
    if at.year not in _YEARS:
        raise BadCell("moment", given=shown(cell))
    if at > now + _TOMORROW:
        raise BadCell("future", given=shown(cell))
    return at


def currency(cell: str) -> str:
    code = plain(cell).upper()
    if code not in _CURRENCIES:
        raise BadCell("currency", given=shown(cell))
    return code


def money(cell: str, code: str, below_zero: bool = False) -> Money:
    """An amount, rounded to what it can be paid in, as in other channels. below_zero: a discount may be."""
    wrong = BadCell("money", given=shown(cell), currency=code, example=sample_amount(code))
    amount = _AMOUNT.fullmatch(plain(cell).translate(_MINUS).replace(" ", ""))
    if amount is None or (amount[1] and amount[2]):
        raise wrong
    digits = amount[3]
    if "," in digits and not _THOUSANDS.fullmatch(digits):
        raise wrong
    try:
        found = parse_money(amount[1] + amount[2] + digits.replace(",", ""), code, rounded=True)
    except (ValueError, ArithmeticError):
        raise wrong from None
    if found.minor < 0 and not below_zero:
        raise wrong
    return found


def sample_amount(code: str) -> str:
    return "128.00" if precision(code) == 2 else "128"


def pieces(cell: str) -> int | float:
    """How many: half a metre is sold too, and nothing of what was taken out again."""
    text = plain(cell).removesuffix("件").strip()
    if not _PIECES.fullmatch(text) or float(text) > _MOST_PIECES:
        raise BadCell("number", given=shown(cell))
    return whole_pieces(float(text))


def stock(cell: str) -> int | None:
    """None for what can be had and is not counted."""
    text = plain(cell).casefold()
    if text in _IN_STOCK:
        return None
    if text in _SOLD_OUT:
        return 0
    number = text.removesuffix(".0").removesuffix("件")
    if not (number.isascii() and number.isdigit()) or int(number[:9]) > _MOST_PIECES:
        raise BadCell("stock", given=shown(cell))
    return int(number)


def link(cell: str) -> str:
    if not _LINK.fullmatch(cell):
        raise BadCell("link", given=shown(cell))
    return cell


def yes_no(cell: str) -> bool:
    text = plain(cell).casefold()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise BadCell("yes_no", given=shown(cell))


def phone(cell: str, region: str) -> str | None:
    """None for a number that the platform has hidden (138****0000)."""
    if "*" in cell:
        return None
    if _CUT_SHORT.fullmatch(cell):
        raise BadCell("spreadsheet", given=shown(cell))
    found = contacts.phone(plain(cell), region)
    if found is None:
        raise BadCell("phone", given=shown(cell), region=region)
    return found


def email(cell: str) -> str | None:
    if "*" in cell:
        return None
    found = contacts.email(cell)
    if found is None:
        raise BadCell("email", given=shown(cell))
    return found


def locale(cell: str) -> str:
    found = contacts.locale(cell)
    if found is None:
        raise BadCell("locale", given=shown(cell))
    return found


def timezone(cell: str) -> str:
    found = contacts.timezone(cell)
    if found is None:
        raise BadCell("zone", given=shown(cell))
    return found

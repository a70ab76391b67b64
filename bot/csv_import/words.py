"""What can be wrong in a seller's CSV file, said in the words of whoever reads them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bot.settings.mistakes import LANGUAGES

WORDS: dict[str, tuple[str, str, str]] = {
    # the file
    "not_text": (
        "is not text in UTF-8; save the file again as CSV UTF-8",
        "不是 UTF-8 文本；请把文件另存为 CSV UTF-8",
        "不是 UTF-8 文字；請把檔案另存為 CSV UTF-8",
    ),
    "no_file": ("the file cannot be read: {why}", "文件无法读取：{why}", "檔案無法讀取：{why}"),
    "empty": (
        "the file has no line with column names",
        "文件里没有列名那一行",
        "檔案裡沒有欄名那一行",
    ),
    "no_column": (
        "there is no such column; it may also be called {also}",
        "缺少这一列；也可以叫 {also}",
        "缺少這一欄；也可以叫 {also}",
    ),
    "no_payment_column": (
        "either this column or paid_at is needed, or every paid order would be taken for unpaid",
        "需要这一列或 paid_at（付款时间），否则已付款的订单会被当作未付款",
        "需要這一欄或 paid_at（付款時間），否則已付款的訂單會被當作未付款",
    ),
    # a line
    "cells": (
        "has {given} cells where the first line has {wanted}; put a text with a comma in quotes",
        "有 {given} 格，而第一行有 {wanted} 格；带逗号的文字请加引号",
        "有 {given} 格，而第一行有 {wanted} 格；帶逗號的文字請加引號",
    ),
    "open_quote": (
        "a quotation mark is not closed",
        "引号没有闭合",
        "引號沒有閉合",
    ),
    "repeated": (
        "{given} stands already in line {first}; put all of it together, or take one out",
        "{given} 在第 {first} 行已经出现；请放在一起，或去掉一个",
        "{given} 在第 {first} 行已經出現；請放在一起，或去掉一個",
    ),
    "differs": (
        "{given} is not what line {first} says of the same order; leave it empty here, or mend one of them",
        "{given} 与第 {first} 行同一订单的内容不同；请留空，或改正其中一处",
        "{given} 與第 {first} 行同一訂單的內容不同；請留空，或改正其中一處",
    ),
    "too_many": (
        "an order has more than {most} lines",
        "一个订单超过 {most} 行",
        "一個訂單超過 {most} 行",
    ),
    "nobody": (
        "names nobody; give the buyer's id, phone or email",
        "没有买家；请填买家 ID、手机或邮箱",
        "沒有買家；請填買家 ID、手機或信箱",
    ),
    # a cell
    "missing": ("is empty; write {example}", "是空的；请写 {example}", "是空的；請寫 {example}"),
    "moment": (
        "{given} is not a time; write 2026-11-21 10:00",
        "{given} 不是时间；请写 2026-11-21 10:00",
        "{given} 不是時間；請寫 2026-11-21 10:00",
    ),
    "future": (
        "{given} is still to come; write when it happened",
        "{given} 还没有到；请写发生的时间",
        "{given} 還沒有到；請寫發生的時間",
    ),
    "money": (
        "{given} is not an amount in {currency}; write {example}",
        "{given} 不是 {currency} 金额；请写 {example}",
        "{given} 不是 {currency} 金額；請寫 {example}",
    ),
    "currency": (
        "{given} is not a currency; write CNY, TWD or USD",
        "{given} 不是货币代码；请写 CNY、TWD 或 USD",
        "{given} 不是貨幣代碼；請寫 CNY、TWD 或 USD",
    ),
    "number": (
        "{given} is not a number of pieces; write 2",
        "{given} 不是数量；请写 2",
        "{given} 不是數量；請寫 2",
    ),
    "yes_no": (
        "{given} is neither yes nor no",
        "{given} 应为 是 或 否",
        "{given} 應為 是 或 否",
    ),
    "state": (
        "{given} is no state we know; write unpaid, paid, shipped, delivered, completed, cancelled"
        " or refunded",
        "{given} 不是我们认识的状态；请写 待付款、待发货、已发货、已签收、已完成、已取消 或 已退款",
        "{given} 不是我們認識的狀態；請寫 待付款、待出貨、已出貨、已送達、已完成、已取消 或 已退款",
    ),
    "phone": (
        "{given} is not a phone number of {region}; write it with its country, as +8613800000000",
        "{given} 不是 {region} 的电话号码；请带上国家代码，如 +8613800000000",
        "{given} 不是 {region} 的電話號碼；請帶上國碼，如 +886912345678",
    ),
    "email": ("{given} is not a mail address", "{given} 不是邮箱地址", "{given} 不是信箱地址"),
    "locale": (
        "{given} is not a language; write zh-CN, zh-TW or en",
        "{given} 不是语言；请写 zh-CN、zh-TW 或 en",
        "{given} 不是語言；請寫 zh-CN、zh-TW 或 en",
    ),
    "zone": (
        "{given} is not a time zone; write Asia/Shanghai",
        "{given} 不是时区；请写 Asia/Shanghai",
        "{given} 不是時區；請寫 Asia/Taipei",
    ),
    "too_long": (
        "is longer than {most} characters",
        "超过 {most} 个字符",
        "超過 {most} 個字元",
    ),
    "spreadsheet": (
        "{given} was cut short by a spreadsheet; make the column text and export again",
        "{given} 被电子表格截断了；请把这一列设为文本后重新导出",
        "{given} 被試算表截斷了；請把這一欄設為文字後重新匯出",
    ),
    "no_price": (
        "is empty, though other items of this order have a price; write {example}",
        "是空的，但同一订单的其他商品有单价；请写 {example}",
        "是空的，但同一訂單的其他商品有單價；請寫 {example}",
    ),
    # notes: nothing is wrong, but she should know
    "read_as": ("read as {encoding}", "按 {encoding} 编码读取", "按 {encoding} 編碼讀取"),
    "column_twice": (
        "column {given} is not used, since {other} says the same",
        "列 {given} 没有用到，因为已经有 {other}",
        "欄 {given} 沒有用到，因為已經有 {other}",
    ),
    "unknown_column": (
        "column {given} is not used",
        "列 {given} 没有用到",
        "欄 {given} 沒有用到",
    ),
    "unknown_column_near": (
        "column {given} is not used; did you mean {nearest}?",
        "列 {given} 没有用到；是不是想写 {nearest}？",
        "欄 {given} 沒有用到；是不是想寫 {nearest}？",
    ),
}

_SHOWN = 40  # characters of a cell that are told back


class BadLine(msgspec.Struct, frozen=True):
    """Something that cannot be taken in: where, which code of WORDS, with which values."""

    line: int
    column: str | None
    code: str
    values: Mapping[str, Any] = {}


class Note(msgspec.Struct, frozen=True):
    code: str
    values: Mapping[str, Any] = {}


class BadCell(Exception):
    """What reading a cell raises; whoever knows the place makes a BadLine of it."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def say(told: BadLine | Note, reader: str) -> str:
    """In one of LANGUAGES."""
    return WORDS[told.code][LANGUAGES.index(reader)].format(**told.values)


def shown(cell: str) -> str:
    """A cell as a message tells it back: short, and nothing in it that moves a cursor."""
    text = "".join(sign if sign.isprintable() else " " for sign in cell[: _SHOWN + 1])
    return repr(text if len(cell) <= _SHOWN else text[:_SHOWN] + "…")

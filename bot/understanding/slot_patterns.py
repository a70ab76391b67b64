"""Patterns for what a message names. Each piece has a greatest length, so that no text makes them slow."""

import re

_NOT_IN_A_NUMBER = r"(?<![\d.,#a-z-])"
_PRICE = r"\d{1,7}(?:[.,]\d{1,3}){0,2}"
_GROUPS = r"\d{1,9}(?:[.,]\d{1,3}){0,3}"


def _one_of(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


def _any(words: str) -> str:
    return f"(?:{words.replace(' ', '|')})"


def _pattern(*pieces: str) -> re.Pattern[str]:
    return re.compile("".join(pieces), re.IGNORECASE)


ORDER = _pattern(
    _one_of(
        r"订单(?:编号|号)?",
        r"訂單(?:編號|號)?",
        "单号",
        "單號",
        "编号",
        r"\border(?: (?:no\.?|number|nr\.?|id))?",
        "#",
    ),
    r"[ :：#为為是]{0,3}(?!\d{1,3} ?[个個件])([a-z]{0,5}-?\d[a-z0-9/-]{1,24})",
)
ACCOUNT_END = _pattern(r"(?:[末后後尾](?:[五四45][码碼位]|[号號])|\bref(?:erence)?)[ :：是为為]{0,3}\d{3,6}")
BARE_ORDER = re.compile(r"(?<![\w.,+@/-])(\d{4,20})(?![\w@-]|[.,:]\d)", re.ASCII)
TRACKING = _pattern(
    "(?<![a-z0-9])(",
    _any("sf jd yt sto zto yto jt dpk ems 1z rm bt"),
    r"(?=[a-z]{0,4}\d)[a-z0-9]{8,24}|[a-z]{2}\d{9}[a-z]{2})(?![a-z0-9])",
)
LINK = re.compile(r"https?://[!-~]{1,200}|[\w.+-]{1,64}@[\w.-]{1,100}")

_SIGN = r"[¥￥$£€]"
MONEY = _pattern(
    rf"(?P<before>{_SIGN}|(?<![a-z])",
    _one_of("cny", "rmb", "usd", "gbp", "eur", "twd", r"nt\$?", r"hk\$?"),
    rf") ?(?P<one>{_GROUPS})",
    rf"|{_NOT_IN_A_NUMBER}(?P<two>{_GROUPS}) ?(?P<after>元|块钱?|塊錢?|圆|圓|{_SIGN}|",
    _any("cny rmb usd gbp eur twd dollars? bucks quid pounds? euros? yuan kuai nt"),
    "(?![a-z]))",
)

_BEFORE_AN_OFFER = _one_of(
    "(?:how|what) about",
    "(?:would|will|could|can) (?:you|u|ya) (?:do|take|accept|go to|sell (?:it|this|them) for)",
    "do (?:you|u) take",
    "i(?:(?:'ll| will| can|'d| would) (?:give you|offer|pay|do)| offer)",
    "make it|let's say|offer(?: you)?",
)
_AFTER_AN_OFFER = _one_of(
    "and i(?:'ll| will)? take",
    "and (?:we have )?a deal",
    r"for (?:it|both|all|the lot|\d{1,3})\b",
    "with free",
)
_IS_IT_ENOUGH = _one_of(
    *("包[邮郵]", "免[运運]", "行不行", "行[吗嗎]", "可以[吗嗎不]", "[卖賣](?:不[卖賣]|[吗嗎我])"),
    *("成交", "成不", "xing bu xing", r"ok\?", "如何", "[怎咋][么麼]?样", "怎麼樣", "拿下", "我就[拍买買]"),
)
_COUNTED = "[个個件套盒条條只隻双雙]"
OFFER = _pattern(
    rf"{_NOT_IN_A_NUMBER}(?P<a>{_PRICE})(?:元|块钱?|塊錢?)? {{0,2}}",
    rf"(?:\d{{0,2}}{_COUNTED}[,，]? ?)?{_IS_IT_ENOUGH}",
    rf"|\b{_BEFORE_AN_OFFER} {_SIGN}?(?P<b>{_PRICE})(?![\d%]| ?(?:cm|kg|ml|days?|pieces|pcs|more)\b)",
    rf"|{_NOT_IN_A_NUMBER}(?P<c>{_PRICE}) {_AFTER_AN_OFFER}",
)
POSTAGE_FREE = _pattern(
    r"包[邮郵]|免[运運邮郵]|\bbao ?you\b",
    r"|\bfree (?:shipping|delivery|postage|p&p)|\b(?:shipping|delivery|postage) (?:included|free)",
)
QUANTITY = _pattern(
    r"[买買拍要加订訂来來](?P<a>\d{1,4})(?![\d.元块塊%])",
    r"|(?<![\d.,])(?P<b>\d{1,4}) ?",
    _one_of(
        "[个個件套盒罐条條只隻双雙瓶包本张張份箱](?![邮郵])",
        r"(?<!\d{3})斤",  # three digits of it are what somebody weighs
        r"(?:pieces?|pcs|items?|sets?|pairs?|boxes|tins?|of (?:them|these|those))\b",
    ),
    r"|\b(?:for|buy|take|order|get|want|need|x) ?(?P<c>\d{1,3})(?![\d.,:/%~]| ?",
    _any("pounds dollars euros quid bucks days hours weeks am pm cm kg ml"),
    r")\b",
)

"""What can be wrong in a shop's settings, said in the words of whoever reads them."""

from collections.abc import Mapping
from typing import Any

import msgspec

LANGUAGES = ("en", "zh-CN", "zh-TW")


# The last part holds our own rules; codes such as int_type are pydantic's.
WORDS: dict[str, tuple[str, str, str]] = {
    # the file
    "no_file": (
        "there is no such file; `xiaoer init DIR` makes one",
        "没有这个文件；用 `xiaoer init 目录` 可以生成",
        "沒有這個檔案；用 `xiaoer init 目錄` 可以產生",
    ),
    "already_there": (
        "already there, and left as it is: {names}",
        "已经存在，没有改动：{names}",
        "已經存在，沒有更動：{names}",
    ),
    "not_text": ("this is not text in UTF-8", "不是 UTF-8 编码的文本", "不是 UTF-8 編碼的文字"),
    "not_settings": (
        "this must be settings written as `name: value`",
        "内容应为“名称: 值”形式的设置",
        "內容應為「名稱: 值」形式的設定",
    ),
    "duplicate": (
        "stands here a second time; the first is in line {first}",
        "重复出现；第一次在第 {first} 行",
        "重複出現；第一次在第 {first} 行",
    ),
    "tab": (
        "a tab stands in front of the text; use spaces",
        "行首用了制表符；请改用空格",
        "行首用了定位字元；請改用空格",
    ),
    "colon": (
        "a colon where none can stand; put the text in quotes, or check the indentation",
        "此处不能有冒号；请给文字加引号，或检查缩进",
        "此處不能有冒號；請給文字加引號，或檢查縮排",
    ),
    "no_colon": (
        "a setting needs a colon and a space after its name",
        "设置名称后面要有冒号和空格",
        "設定名稱後面要有冒號和空格",
    ),
    "indentation": (
        "this does not line up with the lines above, or a bracket is not closed",
        "与上面的行没有对齐，或者括号没有闭合",
        "與上面的行沒有對齊，或者括號沒有閉合",
    ),
    "open_quote": ("a quotation mark is not closed", "引号没有闭合", "引號沒有閉合"),
    "sign": (
        "a value cannot begin with this sign; put it in quotes",
        "值不能以这个符号开头；请加引号",
        "值不能以這個符號開頭；請加引號",
    ),
    "not_yaml": ("this is not YAML: {problem}", "不符合 YAML 格式：{problem}", "不符合 YAML 格式：{problem}"),
    "env_line": ("write NAME=value", "请写成 名称=值（NAME=value）", "請寫成 名稱=值（NAME=value）"),
    # names
    "unknown_key": ("there is no such setting", "没有这个设置", "沒有這個設定"),
    "unknown_key_near": (
        "there is no such setting; did you mean {nearest}?",
        "没有这个设置；是不是想写 {nearest}？",
        "沒有這個設定；是不是想寫 {nearest}？",
    ),
    "missing": ("must be set", "必须填写", "必須填寫"),
    "name_form": (
        "a name has small letters, digits, - and _, at most 40 of them",
        "名称只能用小写字母、数字、- 和 _，最多 40 个字符",
        "名稱只能用小寫字母、數字、- 和 _，最多 40 個字元",
    ),
    # secrets and the environment
    "secret_written": (
        "no secret stands in this file; write ${{NAME}} here and set NAME in the environment or in .env",
        "密钥不能写在这个文件里；请写 ${{NAME}}，并在环境变量或 .env 中设置 NAME",
        "金鑰不能寫在這個檔案裡；請寫 ${{NAME}}，並在環境變數或 .env 中設定 NAME",
    ),
    "secret_short": (
        "a secret needs at least {length} characters",
        "密钥至少要有 {length} 个字符",
        "金鑰至少要有 {length} 個字元",
    ),
    "env_missing": (
        "{name} is not set, neither in the environment nor in .env",
        "环境变量和 .env 中都没有 {name}",
        "環境變數和 .env 中都沒有 {name}",
    ),
    "env_empty": ("{name} is set, but empty", "{name} 是空的", "{name} 是空的"),
    "env_form": (
        "write ${{NAME}}, with letters, digits and _",
        "请写成 ${{NAME}}，只用字母、数字和 _",
        "請寫成 ${{NAME}}，只用字母、數字和 _",
    ),
    # values
    "quote_it": (
        "text is meant; put this number in quotes, or zeros in front of it are lost",
        "此处应为文字；请给这个数字加引号，否则开头的 0 会丢失",
        "此處應為文字；請給這個數字加引號，否則開頭的 0 會遺失",
    ),
    "string_type": ("must be text", "应为文字", "應為文字"),
    "int_type": ("must be a whole number", "应为整数", "應為整數"),
    "number": ("must be a number", "应为数字", "應為數字"),
    "bool_type": ("must be true or false", "应为 true 或 false", "應為 true 或 false"),
    "group": (
        "must be a group of settings, written below it and indented",
        "应为一组设置，写在下面并缩进",
        "應為一組設定，寫在下面並縮排",
    ),
    "list": (
        "must be a list: one entry a line, each after a dash",
        "应为列表：每行一项，以短横线开头",
        "應為清單：每行一項，以短橫線開頭",
    ),
    "literal_error": ("must be one of {expected}", "应为以下之一：{expected}", "應為以下之一：{expected}"),
    "greater_than_equal": ("must be at least {ge}", "不能小于 {ge}", "不能小於 {ge}"),
    "greater_than": ("must be more than {gt}", "必须大于 {gt}", "必須大於 {gt}"),
    "less_than_equal": ("must be at most {le}", "不能大于 {le}", "不能大於 {le}"),
    "less_than": ("must be less than {lt}", "必须小于 {lt}", "必須小於 {lt}"),
    "too_long": ("has more than {max_length} entries", "超过 {max_length} 项", "超過 {max_length} 項"),
    "too_short": (
        "needs at least {min_length} entries",
        "至少要有 {min_length} 项",
        "至少要有 {min_length} 項",
    ),
    "string_pattern_mismatch": (
        "does not have the form {pattern}",
        "不符合格式 {pattern}",
        "不符合格式 {pattern}",
    ),
    "duration": (
        "{given} is not a duration; write 20m, 3h or 2d",
        "{given} 不是时长；请写 20m、3h 或 2d",
        "{given} 不是時長；請寫 20m、3h 或 2d",
    ),
    "duration_long": (
        "{given} is longer than ten years",
        "{given} 超过十年",
        "{given} 超過十年",
    ),
    "keep_short": (
        "keep at least {days} days, which an order's whole life takes",
        "至少要保留 {days} 天，一个订单从头到尾需要这么久",
        "至少要保留 {days} 天，一筆訂單從頭到尾需要這麼久",
    ),
    "clock_time": (
        "{given} is not a time of day; write 08:00 or 22:30",
        "{given} 不是一天中的时间；请写 08:00 或 22:30",
        "{given} 不是一天中的時間；請寫 08:00 或 22:30",
    ),
    "day": (
        "{given} is not a day; write 2026-11-11",
        "{given} 不是日期；请写 2026-11-11",
        "{given} 不是日期；請寫 2026-11-11",
    ),
    "zone": (
        "{given} is not a time zone; write Asia/Shanghai or Europe/Berlin",
        "{given} 不是时区；请写 Asia/Shanghai 或 Europe/Berlin",
        "{given} 不是時區；請寫 Asia/Taipei 或 Europe/Berlin",
    ),
    "locale": (
        "{given} is not a language; write zh-CN, zh-TW or en",
        "{given} 不是语言；请写 zh-CN、zh-TW 或 en",
        "{given} 不是語言；請寫 zh-CN、zh-TW 或 en",
    ),
    "currency": (
        "{given} is not a currency; write CNY, TWD or USD",
        "{given} 不是货币代码；请写 CNY、TWD 或 USD",
        "{given} 不是貨幣代碼；請寫 CNY、TWD 或 USD",
    ),
    "region": (
        "{given} is not a country; write CN, TW or US",
        "{given} 不是国家或地区代码；请写 CN、TW 或 US",
        "{given} 不是國家或地區代碼；請寫 CN、TW 或 US",
    ),
    "cron": (
        "{given} is not a cron line; write minute hour day month weekday, such as '0 10 * * sat'",
        "{given} 不是 cron 格式；请按“分 时 日 月 星期”写，例如 '0 10 * * sat'",
        "{given} 不是 cron 格式；請按「分 時 日 月 星期」寫，例如 '0 10 * * sat'",
    ),
    "weekday": (
        "write weekdays as mon, tue, wed, thu, fri, sat, sun; programs differ on what the numbers mean",
        "星期请写 mon、tue、wed、thu、fri、sat、sun：数字在不同程序里含义不同",
        "星期請寫 mon、tue、wed、thu、fri、sat、sun：數字在不同程式裡含義不同",
    ),
    "ends_before_start": ("ends before it starts", "结束早于开始", "結束早於開始"),
    "unknown_tier": (
        "there is no tier {tier} in vip.tiers",
        "vip.tiers 中没有等级 {tier}",
        "vip.tiers 中沒有等級 {tier}",
    ),
    "database": (
        "write sqlite:///file.db or postgresql://user@host/name",
        "请写 sqlite:///文件.db 或 postgresql://用户@主机/数据库",
        "請寫 sqlite:///檔案.db 或 postgresql://使用者@主機/資料庫",
    ),
    "ingest": (
        "write nats://host:4222 or tls://host:4222, several with commas between them",
        "请写 nats://主机:4222 或 tls://主机:4222，多个地址用逗号隔开",
        "請寫 nats://主機:4222 或 tls://主機:4222，多個位址用逗號隔開",
    ),
    "listen": (
        "write address:port, such as 127.0.0.1:8080",
        "请写 地址:端口，例如 127.0.0.1:8080",
        "請寫 位址:連接埠，例如 127.0.0.1:8080",
    ),
    "web_address": (
        "write an address that begins with https://",
        "请写以 https:// 开头的网址",
        "請寫以 https:// 開頭的網址",
    ),
    "mailbox": (
        "is not a mail address; write service@example.com",
        "不是邮箱地址；请写成 service@example.com 这样",
        "不是信箱地址；請寫成 service@example.com 這樣",
    ),
    "certificates": (
        "is not a readable file of certificates (PEM)",
        "不是可读的证书文件（PEM）",
        "不是可讀取的憑證檔案（PEM）",
    ),
    "signing_secret": (
        "a webhook secret is written as whsec_ and base64",
        "webhook 的密钥应写成 whsec_ 加 Base64",
        "webhook 的金鑰應寫成 whsec_ 加 Base64",
    ),
    "no_folder": ("there is no such folder", "没有这个文件夹", "沒有這個資料夾"),
    "kind_unknown": (
        "which platform? write kind: one of {kinds}",
        "是哪个平台？请写 kind，可选：{kinds}",
        "是哪個平台？請寫 kind，可選：{kinds}",
    ),
    "kind_differs": (
        "a channel named {name} is of kind {name}; give it another name",
        "名为 {name} 的渠道只能是 {name} 类型；请换一个名称",
        "名為 {name} 的通路只能是 {name} 類型；請換一個名稱",
    ),
    "value_error": ("{error}", "{error}", "{error}"),
}


# pydantic tells more kinds of mistakes apart than a seller wants to.
SAME_AS = {
    "int_parsing": "int_type",
    "int_from_float": "int_type",
    "int_parsing_size": "int_type",
    "decimal_type": "number",
    "decimal_parsing": "number",
    "float_type": "number",
    "float_parsing": "number",
    "finite_number": "number",
    "bool_parsing": "bool_type",
    "dict_type": "group",
    "model_type": "group",
    "model_attributes_type": "group",
    "tuple_type": "list",
    "list_type": "list",
    "union_tag_invalid": "kind_unknown",
    "union_tag_not_found": "kind_unknown",
}


class Fault(msgspec.Struct, frozen=True):
    """A mistake as found: where in the settings, which code of WORDS, with which values."""

    path: tuple[str | int, ...]
    code: str
    values: Mapping[str, Any] = {}
    line: int | None = None  # where it is not the line of `path`
    text: str = ""  # for codes that WORDS does not know


def language(environ: Mapping[str, str]) -> str:
    """The reader's: XIAOER_LANG, else as the system has it; English where we have no other."""
    for name in ("XIAOER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        given = environ.get(name, "").replace("_", "-").lower()
        if given.startswith(("zh-tw", "zh-hk", "zh-mo", "zh-hant")):
            return "zh-TW"
        if given:
            return "zh-CN" if given.startswith("zh") else "en"
    return "en"


def say(fault: Fault, reader: str) -> str:
    """The fault in the reader's language."""
    words = WORDS.get(SAME_AS.get(fault.code, fault.code))
    if words is None:
        return fault.text
    return words[LANGUAGES.index(reader)].format(**fault.values)

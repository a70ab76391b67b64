# ruff: noqa: E501  # lines are as long as banks write them
"""Statements as each bank exports them, of one shop and its buyers; every name and number is made up."""

from collections.abc import Sequence

Money = tuple[str, str, str, str]  # day as 2026-11-21, amount, payer, text

ICBC_NAMES = (
    "交易日期,摘要,交易详情,交易场所,交易国家或地区简称,钞/汇,交易金额(收入),交易金额(支出),交易币种,"
    "记账金额(收入),记账金额(支出),记账币种,余额,对方户名,对方账户"
)


def alipay(lines: Sequence[Money]) -> bytes:
    """From the app: GBK, a page of words above the names, tabs behind numbers."""
    rows = [
        f"{day} 13:00:00,转账,{payer},139****0000,{text},收入,{amount.replace(',', '')},,交易成功,2026{place:020}\t,\t,,"
        for place, (day, amount, payer, text) in enumerate(lines)
    ]
    head = [
        "------------------------------------------------------------------------------------",
        "导出信息：", "姓名：张三", "支付宝账户：shop@example.com", "共9笔记录", "收入：1笔 128.00元", "",
        "特别提示：", "1.本回单内容可表明支付宝受理了相应支付交易申请", "",
        "------------------------支付宝（中国）网络技术有限公司  电子客户回单------------------------",
        "交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,交易订单号,商家订单号,备注,",
        "2026-11-20 08:00:00,日用百货,某某超市,su***@a.example,牛奶,支出,12.00,余额宝,交易成功,77\t,88\t,,",
        "2026-11-20 09:00:00,转账,李雷,138****0000,货款,收入,55.00,,等待确认收货,78\t,\t,,",
    ]  # fmt: skip
    return "\r\n".join([*head, *rows, ""]).encode("gb18030")


def wechat(lines: Sequence[Money]) -> bytes:
    """UTF-8 with its mark, sums with ¥."""
    rows = [
        f"{day} 13:00:00,转账,{payer},转账备注:{text},收入,¥{amount.replace(',', '')},/,已存入零钱,1000{place:024}\t,/\t,/"
        for place, (day, amount, payer, text) in enumerate(lines)
    ]
    head = [
        "微信支付账单明细,,,,,,,,,,", "微信昵称：[青花小铺],,,,,,,,,,",
        "起始时间：[2026-11-01 00:00:00] 终止时间：[2026-11-30 23:59:59],,,,,,,,,,",
        ",,,,,,,,,,", "----------------------微信支付账单明细列表--------------------,,,,,,,,,,",
        "交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注",
        "2026-11-20 07:00:00,商户消费,某店,早饭,支出,¥12.00,零钱,支付成功,42\t,43\t,/",
        '2026-11-20 07:10:00,零钱提现,招商银行(1234),"/",/,¥900.00,招商银行,提现已到账,44\t,/\t,"服务费¥0.90"',
        "2026-11-20 07:20:00,转账,李雷,转账备注:货款,收入,¥30.00,/,已全额退款,45\t,46\t,/",
    ]  # fmt: skip
    return "\r\n".join([*head, *rows, ""]).encode("utf-8-sig")


def icbc(lines: Sequence[Money]) -> bytes:
    """Padded cells, a line of sums at the end."""
    rows = [
        f'{day}     \t,"他行汇入      \t","{text}     \t","   \t","CHN   \t",钞  \t,"-  \t","-  \t",-  \t,'
        f'"{amount}   \t","   \t",人民币   \t,"xx,yyyy.zz  \t","{payer}      \t","6222****{place:05}   \t",'
        for place, (day, amount, payer, text) in enumerate(lines, start=12345)
    ]
    out = (
        '2026-11-20     \t,"消费    \t","  \t","某店  \t","CHN  \t",钞 \t,"- \t","- \t",- \t,"  \t","13.40  \t",'
        '人民币  \t,"xx,yyyy.zz  \t","某某科技有限公司   \t","1234****9876 \t",'
    )
    total = '人民币合计,,,,,,,,,"1,234.56          \t","9,876.54          \t",'
    head = ["明细查询文件下载", "", '卡号: 1234****9876,"卡别名: 店"', "", ICBC_NAMES]
    return "\n".join([*head, out, *rows, " ", total, ""]).encode("gb18030")


def cmb(lines: Sequence[Money]) -> bytes:
    """Tabs in front of each cell; the payer stands in the text."""
    rows = [
        f'"\t{day.replace("-", "")}","\t13:00:00","{amount}","","9,999.00","\t转账汇款","\t{payer} {text}"'
        for day, amount, payer, text in lines
    ]
    head = [
        "# 招商银行交易记录", "# 导出时间: 2026-11-28", "",
        "交易日期,交易时间,收入,支出,余额,交易类型,交易备注",
        '"\t20261120","\t12:56:16","","64.91","221455.46","\t银联在线支付","\t银联在线支付，某店"',
    ]  # fmt: skip
    return "\r\n".join([*head, *rows, "", "# 合计: 收入 2 笔"]).encode("gb18030")


def cmb_app(lines: Sequence[Money]) -> bytes:
    rows = [
        f'{day},CNY,"{amount}","9,999.00",转账汇款,{payer} 66666666666666,{text}'
        for day, amount, payer, text in lines
    ]
    names = "记账日期,货币,交易金额,联机余额,交易摘要,对手信息,客户摘要"
    return "\n".join([names, '2026-11-20,CNY,"-1,000.00",271.66,转账汇款,张三 66,转账', *rows]).encode()


def hsbc(lines: Sequence[Money]) -> bytes:
    rows = [
        f'{_worded(day)},CR,"{payer} {text}",,"{amount}","5,010.11"' for day, amount, payer, text in lines
    ]
    head = ["Date,Type,Description,Paid out,Paid in,Balance", "20 Nov 2026,DD,Insurance,42.00,,"]
    return "\r\n".join([*head, *rows]).encode()


def hsbc_hk(lines: Sequence[Money]) -> bytes:
    rows = [
        f'{_turned(day)},FUND TRANSFER FROM  {payer} {text},"{amount}"\t,HKD,"3,713.17"\t,HKD'
        for day, amount, payer, text in lines
    ]
    head = ["Date,Description,Billing amount,Billing currency,Balance,Balance currency"]
    out = '20/11/2026,POS PURCHASE  SUPERMARKET HK,"-75.50"\t,HKD,"3,213.17"\t,HKD'
    return "\r\n".join([*head, out, *rows]).encode()


def chase(lines: Sequence[Money]) -> bytes:
    rows = [
        f'CREDIT,{_american(day)},"Zelle payment from {payer} {text}",{_plain(amount)},QUICKPAY,9.00,,'
        for day, amount, payer, text in lines
    ]
    head = ["Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #"]
    out = 'DEBIT,11/20/2026,"ELECTRIC CO",-75.50,ACH_DEBIT,3213.17,,'
    return "\r\n".join([*head, out, *rows]).encode()


def camt(lines: Sequence[Money], currency: str = "EUR") -> bytes:
    """camt.053.001.02: an outgoing entry, a batch of all transfers but the last, and the last alone."""
    transfers = [
        f"""<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
        <AmtDtls><TxAmt><Amt Ccy="{currency}">{_plain(amount)}</Amt></TxAmt></AmtDtls>
        <RltdPties><Dbtr><Nm>{payer}</Nm></Dbtr><DbtrAcct><Id><IBAN>DE0212030000000020205{place}</IBAN></Id>
        </DbtrAcct></RltdPties><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"""
        for place, (_, amount, payer, text) in enumerate(lines)
    ]

    def entry(day: str, amount: str, sign: str, those: Sequence[str], state: str = "BOOK") -> str:
        return f"""<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts>{state}</Sts>
        <BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>B{day}{amount}{sign}</AcctSvcrRef>
        <NtryDtls>{"".join(those)}</NtryDtls></Ntry>"""

    total = sum(float(amount.replace(",", "")) for _, amount, _, _ in lines[:-1])
    entries = [entry("2026-11-20", "12.00", "DBIT", []), entry("2026-11-22", "77.00", "CRDT", [], "PDNG")]
    if len(lines) > 1:
        entries.append(entry(lines[0][0], f"{total:.2f}", "CRDT", transfers[:-1]))
    entries.append(entry(lines[-1][0], lines[-1][1].replace(",", ""), "CRDT", transfers[-1:]))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>1</Id>
    {"".join(entries)}</Stmt></BkToCstmrStmt></Document>""".encode()


def mt940(lines: Sequence[Money], currency: str = "EUR") -> bytes:
    """The way of German banks, with parts of 27 signs."""
    rows = []
    for place, (day, amount, payer, text) in enumerate(lines):
        short, comma = day[2:].replace("-", ""), amount.replace(",", "").replace(".", ",")
        parts = [text[at : at + 27] for at in range(0, len(text), 27)]
        said = "".join(f"?{number}{part}" for number, part in enumerate(parts, start=20))
        rows += [
            f":61:{short}{short[2:]}CR{comma}NTRFNONREF//K{place}",
            f":86:166?00GUTSCHRIFT{said}",
            f"?32{payer}",
        ]
    head = [
        "{1:F01BANKDEFFXXXX0000000000}{2:I940BANKDEFFXXXXN}{4:", ":20:STARTUMSE", ":25:12030000/20205",
        ":28C:00001/001", f":60F:C261120{currency}1234,56", ":61:2611201120DR12,00NDDTNONREF", ":86:105?00LASTSCHRIFT?20STROM",
    ]  # fmt: skip
    return "\r\n".join([*head, *rows, f":62F:C261128{currency}2345,67", "-}", ""]).encode("latin-1")


def _plain(amount: str) -> str:
    return amount.replace(",", "")


def _turned(day: str) -> str:
    return "/".join(reversed(day.split("-")))


def _american(day: str) -> str:
    year, month, of_month = day.split("-")
    return f"{month}/{of_month}/{year}"


def _worded(day: str) -> str:
    return f"{day[8:]} Nov {day[:4]}"


FORMS = {
    "alipay": alipay, "wechat": wechat, "icbc": icbc, "cmb": cmb, "cmb-app": cmb_app,
    "hsbc": hsbc, "hsbc-hk": hsbc_hk, "chase": chase, "camt": camt, "mt940": mt940,
}  # fmt: skip

"""Addresses and the fields of an invoice, as buyers write them in three languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.order_details import VALUE_MAX, has_address, invoice_fields


@pytest.mark.parametrize(
    "text",
    [
        "浙江省杭州市西湖区文三路 8 号 3 楼",
        "改成杭州市西湖区文三路8号",
        "台北市大同區迪化街一段 12 號 3 樓",
        "my address is 5 King Street, not 50",
        "Ann Lee, 12a Mill Lane, Bath BA1 5LN",
        "350 5th Ave, New York, NY 10118",
        "Flat 3, BA1 5LN please",
        "寄到 全家 中山門市 台北市中山區 1 號",
    ],
)
def test_an_address_is_seen(text: str) -> None:
    assert has_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("I need to change my address", "改地址", "地址写错了", "wrong house number, sorry", "门牌号写错了"),
        *("thanks", "", "1001", "1001 5678", "能寄到别的地方吗", "can it go to my office instead", "搬家了"),
        "I want to return order 1001",
    ],
)
def test_what_is_none(text: str) -> None:
    assert not has_address(text)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            "抬头：杭州青花茶业有限公司\n税号：91330106MA2ABCDE1X\n邮箱：fin@qinghua.example",
            {"title": "杭州青花茶业有限公司", "tax": "91330106MA2ABCDE1X", "mailbox": "fin@qinghua.example"},
        ),
        (
            "杭州青花茶业有限公司 91330106MA2ABCDE1X fin@qinghua.example",
            {"title": "杭州青花茶业有限公司", "tax": "91330106MA2ABCDE1X", "mailbox": "fin@qinghua.example"},
        ),
        ("個人", {"title": "個人"}),
        (
            "抬头（个人或公司名称）：王安娜\n税号（公司填）：\n邮箱：a@x.example",
            {"title": "王安娜", "mailbox": "a@x.example"},
        ),
        ("Name or company: Ann Lee\nTax number (companies only):\nEmail:", {"title": "Ann Lee"}),
        ("统编 12345678", {"tax": "12345678"}),
        ("統編：12345678，抬頭：青花有限公司", {"title": "青花有限公司", "tax": "12345678"}),
        ("载具 /ABC+123", {"tax": "/ABC+123"}),
        (
            "Company: Blue Teahouse Ltd\nVAT number: GB123456789\nEmail: books@tea.example",
            {"title": "Blue Teahouse Ltd", "tax": "GB123456789", "mailbox": "books@tea.example"},
        ),
        ("Blue Teahouse Ltd, GB123456789", {"title": "Blue Teahouse Ltd", "tax": "GB123456789"}),
        ("Ann Lee\nann@mail.example", {"title": "Ann Lee", "mailbox": "ann@mail.example"}),
        ("ann@mail.example", {"mailbox": "ann@mail.example"}),
    ],
)
def test_the_fields_of_an_invoice_are_read_with_labels_and_without(text: str, fields: dict[str, str]) -> None:
    assert invoice_fields(text, asked=True) == fields


@pytest.mark.parametrize(
    "text",
    [
        *("开发票", "我要发票", "需要公司抬头的发票吗", "can I have an invoice", "invoice please"),
        *("where is my invoice", "发票随货寄吗", "我要三聯發票", "I need a VAT invoice"),
    ],
)
def test_who_only_asks_for_an_invoice_gave_no_fields(text: str) -> None:
    assert invoice_fields(text) == {}


@given(st.text(max_size=3000))
def test_any_text_is_read(text: str) -> None:
    has_address(text)
    fields = invoice_fields(text, asked=True)

    assert fields.keys() <= {"title", "tax", "mailbox"}
    assert all(value and len(value) <= VALUE_MAX for value in fields.values())

"""What messages name is read, in the languages of buyers, and any text takes bounded time."""

import time
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.meanings import NO_SLOTS, Slots
from bot.understanding.slots import slots_of

TODAY = date(2026, 11, 29)  # a Sunday


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("80包邮行不行", {"amount": Decimal(80), "offer": True, "postage_free": True}),
        ("how about 15 for two", {"amount": Decimal(15), "offer": True, "quantity": 2}),
        ("两个150卖吗", {"amount": Decimal(150), "offer": True, "quantity": 2}),
        ("我出100两个行不行", {"amount": Decimal(100), "offer": True, "quantity": 2}),
        ("50块钱卖不卖", {"amount": Decimal(50), "offer": True, "currency": "CNY"}),
        ("NT$1,200 可以嗎", {"amount": Decimal(1200), "offer": True, "currency": "TWD"}),
        ("would u take 55 if i order today", {"amount": Decimal(55), "offer": True}),
        ("can you do £20", {"amount": Decimal(20), "offer": True, "currency": "GBP"}),
        (
            "25 with free shipping and we have a deal",
            {"amount": Decimal(25), "offer": True, "postage_free": True},
        ),
        ("30 for both", {"amount": Decimal(30), "offer": True, "quantity": 2}),
        ("60 xing bu xing", {"amount": Decimal(60), "offer": True}),
        ("三十块两个", {"amount": Decimal(30), "currency": "CNY", "quantity": 2}),
        ("转了88.5元", {"amount": Decimal("88.5"), "currency": "CNY"}),
        ("买三件打几折", {"quantity": 3}),
        ("I want 3 of them", {"quantity": 3}),
        ("order 20418 到哪了", {"orders": ("20418",)}),
        ("订单号：A-20418", {"orders": ("A-20418",)}),
        ("#1042 and #1043", {"orders": ("1042", "1043")}),
        ("帮我看看20418走到哪里了", {"orders": ("20418",)}),
        ("SF1234567890123", {"tracking": ("SF1234567890123",)}),
        ("RM123456789GB", {"tracking": ("RM123456789GB",)}),
        ("这个多少钱，80元行吗", {"amount": Decimal(80), "offer": True, "currency": "CNY"}),
        ("你好，10428到哪了", {"orders": ("10428",)}),
        ("我的电话13812345678", {"phones": ("+8613812345678",)}),
        ("末五碼 55821", {}),
        ("165 110斤穿多大的", {}),
        ("is it free of charge", {}),
        ("see https://shop.example/123456 or a1234@b.example", {}),
    ],
)
def test_slots(text: str, slots: dict[str, Any]) -> None:
    assert slots_of(text, "zh-CN") == Slots(**slots)


def test_a_phone_is_read_by_the_region_of_the_buyer() -> None:
    assert slots_of("call 020 7946 0018", "en-GB").phones == ("+442079460018",)
    assert slots_of("打給我 0912-345-678", "zh-TW").phones == ("+886912345678",)


def test_a_date_is_read_from_the_day_of_the_shop() -> None:
    assert slots_of("need it by Friday", "en", TODAY).day == date(2026, 12, 4)
    assert slots_of("need it by Friday", "en").day is None


@given(st.text(max_size=2000), st.sampled_from(["", "en-GB", "zh-TW", "xx"]))
def test_any_text_can_be_read(text: str, language: str) -> None:
    found = slots_of(text, language, TODAY)

    assert found.amount is None or found.amount.is_finite()
    assert found.quantity is None or found.quantity > 0


@given(st.text("0123456789 .,-#£$元块包邮个两十百 orderfhwabut", max_size=600))
def test_texts_of_numbers_can_be_read(text: str) -> None:
    assert isinstance(slots_of(text, "zh-CN", TODAY), Slots)


@pytest.mark.parametrize(
    "piece", ["1", "1,", "1-", "a1", "#", "十", "http://", "a@", "how about ", "1 ", "周", "(0) "]
)
def test_a_repeated_piece_costs_no_more_time(piece: str) -> None:
    started = time.process_time()
    slots_of(piece * 50_000, "zh-CN", TODAY)

    assert time.process_time() - started < 0.5


def test_nothing_is_named_by_nothing() -> None:
    assert slots_of("") == NO_SLOTS

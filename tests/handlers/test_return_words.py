"""What buyers write about sending something back, in three languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events import Line
from bot.domain.money import Money
from handlers.normalise import normalise
from handlers.return_words import cause_in, items_in, used_in, way_in, wish_in
from tests.handlers.world import order_of, placed


def line(title: str, sku: str | None = None, minor: int = 6000) -> Line:
    return Line(title=title, quantity=1, price=Money(minor, "CNY"), sku=sku)


BASKET = order_of(
    placed(
        lines=(
            line("Blue teapot", "POT-1"),
            line("Blue mugs", "MUG-1"),
            line("龙井茶 50g", "TEA"),
            line("Voucher", minor=-500),
        )
    )
)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        *(
            ("I want to return it", "refund"),
            ("can I send it back?", "refund"),
            ("please refund me", "refund"),
        ),
        *(
            ("我要退货", "refund"),
            ("想退款", "refund"),
            ("七天鑑賞期可以退嗎", "refund"),
            ("退货退款", "refund"),
        ),
        *(("把钱退给我", "refund"), ("我想退貨", "refund"), ("money back please", "refund")),
        *(("can I exchange it", "replacement"), ("please send a replacement", "replacement")),
        *(("我想换货", "replacement"), ("可以換貨嗎", "replacement"), ("补发一个吧", "replacement")),
        *(("I want to return it for a replacement", "replacement"), ("send me another", "replacement")),
        *(
            ("too small, can I swap it for a bigger one", "size"),
            ("换大一号", "size"),
            ("想換小一號", "size"),
        ),
        *(("it's too tight, I need a size up", "size"), ("尺寸不合可以換嗎", "size"), ("小了能换吗", "size")),
        *(("too big, I want to return it", "refund"), ("太大了，想退货", "refund")),
        *(("can you repair it?", "repair"), ("能维修吗", "repair"), ("可以送修嗎", "repair")),
        *(
            ("I'd like a refund, not a replacement", "refund"),
            ("不换了，退款", "refund"),
            ("不要退款，换一个", "replacement"),
        ),
        *(("return or exchange?", None), ("退换货怎么弄", None), ("退換貨怎麼處理", None)),
        *(("refund or a replacement?", None), ("hello", None), ("", None), ("退货还是换货都行", None)),
    ],
)
def test_which_way_they_want(text: str, way: str | None) -> None:
    assert way_in(normalise(text)) == way


@pytest.mark.parametrize(
    ("text", "way"),
    [
        *(("can I return it?", None), ("怎么退货", None), ("what's your return policy", None)),
        *(("退货运费谁承担", None), ("可以退貨嗎", None), ("return address please", None)),
        *(("I want to return it", "refund"), ("我要退货", "refund"), ("can I get a refund?", "refund")),
        *(("能换吗", "replacement"), ("可以换大一号吗", "size")),
    ],
)
def test_who_only_asks_whether_it_goes_back_has_not_chosen(text: str, way: str | None) -> None:
    assert wish_in(text).way == way


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        *(
            ("it arrived broken", "fault"),
            ("the cup has a crack", "fault"),
            ("wrong colour was sent", "fault"),
        ),
        *(("收到是坏的", "fault"), ("杯子碎了", "fault"), ("发错颜色了", "fault"), ("少发了一件", "fault")),
        *(
            ("收到時就壞了", "fault"),
            ("寄錯尺寸", "fault"),
            ("有瑕疵想退", "fault"),
            ("something is missing", "fault"),
        ),
        *(("it stopped working after two weeks", "unclear"), ("用了三天就坏了", "unclear")),
        *(("it shrank in the wash", "unclear"), ("洗了一次就缩水", "unclear"), ("穿了兩次就破了", "unclear")),
        *(("I ordered the wrong size", "mind"), ("买错了想退", "mind"), ("下錯單了", "mind")),
        *(
            ("I don't like it", "mind"),
            ("不喜欢", "mind"),
            ("不適合想退", "mind"),
            ("nothing is wrong with it", "mind"),
        ),
        *(("没坏，就是不想要了", "mind"), ("too small", "mind"), ("", "mind")),
    ],
)
def test_whose_fault_they_say_it_is(text: str, cause: str) -> None:
    assert cause_in(normalise(text)) == cause


@pytest.mark.parametrize(
    ("text", "used"),
    [
        *(
            ("I've used it for a week", True),
            ("washed it once", True),
            ("用过了还能退吗", True),
            ("洗過了", True),
        ),
        *(("unopened, can I return it", False), ("没拆封可以退吗", False), ("I haven't used it", False)),
        *(("全新沒用過", False), ("still sealed", False), ("never worn", False)),
        *(("拆开了还能退吗", None), ("I opened the box", None), ("I want to return it", None), ("", None)),
    ],
)
def test_whether_it_was_used(text: str, used: bool | None) -> None:
    assert used_in(normalise(text)) is used


@pytest.mark.parametrize(
    ("text", "listed", "titles"),
    [
        ("the teapot please", False, ["Blue teapot"]),
        ("one mug is broken", False, ["Blue mugs"]),
        ("龍井茶想退", False, ["龙井茶 50g"]),
        ("龙井想退", False, ["龙井茶 50g"]),
        ("POT-1 and the mugs", False, ["Blue teapot", "Blue mugs"]),
        ("both", False, ["Blue teapot", "Blue mugs", "龙井茶 50g"]),
        ("全部退掉", False, ["Blue teapot", "Blue mugs", "龙井茶 50g"]),
        ("the blue one", False, []),
        ("2", True, ["Blue mugs"]),
        ("2, refund please", True, ["Blue mugs"]),
        ("第三个", True, ["龙井茶 50g"]),
        ("the second one", True, ["Blue mugs"]),
        ("2", False, []),
        ("20 pounds", True, []),
        ("4", True, []),
    ],
)
def test_which_items_they_mean(text: str, listed: bool, titles: list[str]) -> None:
    assert [each.title for each in items_in(text, BASKET, listed)] == titles


def test_the_only_item_is_meant_whatever_is_said() -> None:
    assert [each.title for each in items_in("退货", order_of(placed()))] == ["Mug"]


@given(st.text(max_size=3000))
def test_any_text_is_read(text: str) -> None:
    wish_in(text)
    items_in(text, BASKET, listed=True)

"""What is obeyed at once, and what is only half said, in three languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.meaning import recognise
from handlers.together import LONGEST_WISH, reads_alone, unfinished
from tests.understanding.judge import messages

HALVES = (
    *(
        "我想问一下",
        "你好，我想问一下",
        "亲，请问",
        "您好请问",
        "老板我想问你个事",
        "想问个问题",
        "我想问下就是",
    ),
    *(
        "就是",
        "还有",
        "因为",
        "然后",
        "关于",
        "那个",
        "我要",
        "这个和",
        "你们能不能",
        "嗯嗯",
        "我想问一下...",
    ),
    *("我的快递，", "订单号是：", "我的地址（", "想買一個、"),
    *("請問", "想請問一下", "我想諮詢一下", "還有", "因為", "對了", "不過", "雖然"),
    *("I want to", "I'd like to", "hi, I wanted to ask about", "because", "my parcel and", "where is my"),
    *("I have a question", "Quick question", "Hi I have a quick question", "can I ask you something"),
    *("I ordered the blue one but", "by the way", "the address is:", "also", "could you please", "is it ("),
    *("so I was wondering", "do you have a", "what about the", "I'm looking for"),
)
WHOLE = (
    *(
        "我的包裹到哪了",
        "什么时候发货",
        "便宜点能不能",
        "80包邮行不行",
        "帮我问一下",
        "有没有货",
        "谢谢",
        "好的",
    ),
    *(
        "这个很暖和",
        "我要两个",
        "转人工",
        "没收到货",
        "还没到",
        "我的订单 1001",
        "1001",
        "你好",
        "在吗",
        "是我的",
    ),
    *("對", "退款", "麻煩快點", "可以嗎", "帳號末五碼 12345", "地址對了"),
    *(
        "hello",
        "hi",
        "where is my parcel",
        "what is it made of",
        "where is it from",
        "who is this for",
        "thanks",
    ),
    *("ok", "I paid", ":(", "that's not fair :(", "is the mug big", "i have paid", "no thanks", "yes", "M"),
)


@pytest.mark.parametrize("text", HALVES)
def test_half_a_sentence_waits(text: str) -> None:
    assert unfinished(text)


@pytest.mark.parametrize("text", WHOLE)
def test_a_whole_one_does_not(text: str) -> None:
    assert not unfinished(text)
    assert not unfinished(text + "?")
    assert not unfinished(text + "！")


def test_of_what_buyers_write_hardly_anything_is_half_a_sentence() -> None:
    found = [each.text for each in messages() if unfinished(each.text)]
    assert len(found) <= 2, found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "STOP",
            "stop.",
            "退订",
            "TD",
            "别再发了",
            "请不要再发消息给我",
            "unsubscribe",
            "START",
            "恢复",
            "no offers",
        ),
        *(
            "不要优惠",
            "别催了",
            "不要再催我付款",
            "stop reminding me to pay",
            "/start",
            "/start abc",
            " /stop",
        ),
    ],
)
def test_a_wish_or_a_command_is_obeyed_at_once(text: str) -> None:
    assert reads_alone(text)


@pytest.mark.parametrize(
    "text", ["", "hi", "我的包裹到哪了", "转人工", "1001 1234", "STOP" + "!" * LONGEST_WISH]
)
def test_anything_else_waits_with_the_others(text: str) -> None:
    assert not reads_alone(text)


def test_a_wish_among_other_words_is_heard_all_the_same() -> None:
    long = "请不要再发消息给我" + "了" * LONGEST_WISH
    assert not reads_alone(long)
    assert recognise(f"你好\n{long}").intent == "stop"


@pytest.mark.parametrize(
    ("wish", "intent"),
    [
        *(
            ("STOP", "stop"),
            ("退订", "stop"),
            ("TD", "stop"),
            ("别再发消息了", "stop"),
            ("unsubscribe", "stop"),
        ),
        *(("START", "resume"), ("恢复", "resume"), ("no offers", "no_offers"), ("别催了", "no_reminders")),
    ],
)
def test_half_a_sentence_before_it_takes_nothing_from_a_wish(wish: str, intent: str) -> None:
    for half in (*HALVES, "please", "以后", "my"):
        meaning = recognise(f"{half}\n{wish}")
        assert intent in (meaning.intent, *meaning.also), half


@given(st.text(max_size=5000))
def test_any_text_is_read(text: str) -> None:
    reads_alone(text)
    unfinished(text)

"""What buyers mean, in three ways of writing, hurried and polite."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.meaning import MEANINGS, recognise, says_paid

EXAMPLES: dict[str, tuple[str, ...]] = {
    "where_is_order": (
        *(
            "我的快递到哪了",
            "包裹在哪里？",
            "什么时候能到",
            "还没收到货",
            "帮我查下物流",
            "快递单号发我",
            "到哪了",
            "有没有单号",
            "到了吗？",
            "签收了吗",
            "送到了没",
        ),
        *("几天能到呀", "物流信息怎么没更新", "谢谢，不过我的包裹呢", "你好，我的东西到了吗", "明天能送到吗"),
        *(
            "簽收了嗎",
            "到貨了沒有",
            "was it delivered?",
            "Has my parcel been delivered?",
            "did it arrive",
        ),
        *("包裹什麼時候到？", "我的包裹在哪裡", "請問貨到哪了", "還沒收到貨", "幫我查一下物流"),
        *(
            "Where is my order?",
            "wher is my oder",
            "where's my parcle",
            "track my order",
            "my package is late",
        ),
        *("It hasn't arrived yet", "I haven't received my package", "thanks, but where is it?"),
        *("how long does delivery take", "has my order arrived"),
        *(
            "when will it arrive",
            "order 1001 status",
            "WHERE IS MY PACKAGE!!!",
            "how soon can I expect my parcel",
        ),
    ),
    "when_ship": (
        *("什么时候发货？", "发货了吗", "怎么还不发货", "今天能发货吗", "尽快发货", "为什么我的杯子还没发"),
        *("发了没", "到底发没发货啊", "货发了吗"),
        *("什麼時候出貨", "寄出了嗎", "請問幾時發貨", "還沒出貨嗎"),
        *(
            "when do you ship?",
            "has my order shipped yet?",
            "How soon do you ship",
            "when will it be sent out",
        ),
    ),
    "payment_status": (
        *("钱收到了吗", "你们收到我的付款了吗", "付款到账了吗", "款到了吗", "帮我查一下付款", "付款成功了吗"),
        *("付了没有", "我付了吗", "我不是付过了吗", "是不是没收到我的钱"),
        *("匯款收到了嗎", "請問錢到帳了嗎"),
        *("Has my payment come?", "did you receive my payment", "has the money arrived?"),
        *("Did my payment go through?", "payment status", "have I already paid?", "Didn't I already pay?"),
    ),
    "i_paid": (
        *("匯了還催", "付了怎么还催我"),
        *("我已经付款了", "我付过钱了", "已付款", "付款了", "刚刚转账了", "钱已经打过去了"),
        *("支付宝付了", "微信转你了", "付了付了 刚转的", "我已经付过款了！！别催了"),
        *("已轉帳", "我已經匯款了", "剛剛付款了", "我明明就付過了！", "1001 付過了"),
        *("付的是1002", "我付的1002", "付的是 TB-1002"),
        *("我明明付了", "我真的付过了", "我明明就付了", "明明付了钱", "我确实已经付了"),
        *(
            "I did pay!",
            "but I paid already!!",
            "I DID PAY",
            "we really did pay",
            "1001 is paid",
            "it is paid",
        ),
        *(
            "I already paid",
            "paid, Hughes Ltd",
            "I've paid",
            "i payed yesterday",
            "paid",
            "money sent",
            "I have made the payment",
            "I did the payment",
            "my payment for 1001 is done",
            "the transfer for order 1001 was made",
            "the payment went out hours ago",
            "the money has already gone out",
            "my transfer left my account yesterday",
        ),
    ),
    "person": (
        *("电话打不通，到底有没有人？", "電話打不通，到底有沒有人？", "打电话没人接"),
        *(
            "人呢",
            "客服呢？",
            "客服",
            "客服在吗",
            "有人吗",
            "有人在吗？",
            "hello, is anybody there?",
            "anyone there",
        ),
        *("人工", "转人工", "我要真人客服", "找客服", "轉人工", "請幫我轉真人"),
        *("I want to talk to a human", "can I speak to someone", "agent please", "a person please", "human"),
        *(
            "customer service please",
            "connect me to a representative",
            "where is my order? I want to talk to a real person",
        ),
        *(
            "请客服回复",
            "麻烦客服回复一下",
            "你们有人吗",
            "不要机器人",
            "怎么没人理我",
            "为什么不回消息",
            "别用机器人回我",
        ),
        *("請客服回覆", "可以請專人跟我聯絡嗎", "請主管出來", "怎麼都沒人回", "不要機器人"),
        *(
            "can someone call me",
            "stop the bot, real person",
            "why is nobody answering",
            "I don't want a bot",
        ),
        *("please ask your manager to contact me", "is anyone going to answer me?", "nobody replies"),
    ),
    "no_reminders": (
        *(
            "不要催我付款了",
            "别催了",
            "別催了",
            "请不要再催了",
            "别老催我",
            "不用一直催，我会付的",
            "催什么催",
        ),
        *(
            "別再提醒我付款了",
            "stop pressing me",
            "Don't rush me",
            "please don't keep pushing me!",
            "stop nagging me",
        ),
        *("stop reminding me to pay", "don't pressure us"),
    ),
    "stop": ("TD", "退订", "退訂", "stop", "please stop texting me", "不要再發訊息了", "unsubscribe me"),
    "resume": ("恢复", "恢復", "START", "start again"),
    "hello": (
        *("老板", "亲", "喂", "请问一下"),
        *("你好", "在吗", "您好，在嗎", "hi", "Hello!", "hey there", "早上好 👋", "good morning"),
    ),
    "thanks": ("谢谢", "謝謝你", "好的谢谢", "Thanks!", "thank you so much", "ok thanks", "thx", "🙏"),
    "acknowledged": ("ok", "好的", "知道了", "👍", "嗯嗯"),
    "unknown": (
        *(
            "how do I pay",
            "can I pay by card",
            "I haven't paid yet",
            "I paid twice",
            "怎么付款",
            "我付不了款",
        ),
        *("付款失败", "我没付款", "可以付款了吗", "怎麼付款", "還沒付款"),
        *("退款什么时候到账", "where is my refund", "发票什么时候寄", "怎么退货", "退款什麼時候到"),
        *("do you ship to Germany", "how much is shipping", "从哪里发货", "change my delivery address"),
        *("你好，有红色的吗", "hello, do you sell cups", "人工智能是什么", "where are you from", "😡"),
        *(
            "don't stop",
            "non-stop",
            "the bus stop",
            "thanks for nothing",
            "it says delivered but I have not got it",
        ),
        *("一起发货可以吗", "缺货呢", "if I order now when will it arrive"),
    ),
}


@pytest.mark.parametrize(
    ("meaning", "text"), [(name, text) for name, texts in EXAMPLES.items() for text in texts]
)
def test_a_buyer_is_understood(meaning: str, text: str) -> None:
    assert recognise(text).intent == meaning


def test_what_else_is_said_is_found_as_well() -> None:
    meaning = recognise("我已经付款了，什么时候发货？")

    assert (meaning.intent, meaning.also) == ("when_ship", ("i_paid",))


@pytest.mark.parametrize(
    "text",
    [
        *("付款成功了吗", "我付了吗", "付了没有", "1001付过了吗", "没付过"),
        *("is 1001 paid?", "did I pay?", "I did not pay", "it is paid?", "who says it is paid"),
    ],
)
def test_whoever_asks_whether_they_paid_does_not_claim_it(text: str) -> None:
    assert "i_paid" not in recognise(text).also


def test_every_meaning_comes_with_a_score_and_a_reason() -> None:
    known, unknown = recognise("where is my order"), recognise("colourless green ideas")

    assert known.reason
    assert 0.5 < known.probability <= 1
    assert (unknown.intent, unknown.probability) == ("unknown", 0.0)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u3000"])
def test_an_empty_message_means_nothing(text: str) -> None:
    assert recognise(text).reason.rule == "empty"


@given(st.text(max_size=300))
def test_any_text_has_a_meaning_from_the_list(text: str) -> None:
    meaning = recognise(text)

    assert meaning.intent in MEANINGS
    assert 0 <= meaning.probability <= 1


@pytest.mark.parametrize(
    "piece", ["where is ", "查我的", "a", "人工", "I have just ", "！", "stop ", "ﷺ", "no not "]
)
def test_a_very_long_message_takes_no_more_time_than_a_long_one(piece: str) -> None:
    long = piece * (100_000 // len(piece))
    recognise(long)  # patterns are made ready

    begun = time.process_time()
    recognise(long)

    assert time.process_time() - begun < 0.25


STORY = "This is a long story about my cup and how it came to me in the end. " * 14
LONG_STOP = (
    "I have been writing for many days and nobody reads it. " * 5 + "Stop sending me messages, all of them."
)


@pytest.mark.parametrize(
    "text",
    [
        *(f"where is order 1001\n{LONG_STOP}", f"I do not want to unsubscribe, I said\n{LONG_STOP}"),
        *(STORY + LONG_STOP, "别再\n给我发消息了", "別再 \n 發訊息給我", "不要再给我\n发短信"),
    ],
)
def test_a_stop_is_heard_whatever_is_read_beside_it(text: str) -> None:
    assert recognise(text).intent == "stop"


@pytest.mark.parametrize("text", ["不要\n发消息告诉我尺寸", "特别\n我想问发消息的事", "I did not\nstop by"])
def test_what_stands_in_two_messages_is_no_stop_by_accident(text: str) -> None:
    assert recognise(text).intent != "stop"


def test_who_does_not_want_to_be_pressed_says_so_in_a_long_message_too() -> None:
    pressed = "I am waiting for my wages and shall pay as I promised. " * 5 + "Stop reminding me to pay."
    assert "no_reminders" in (found := recognise(f"where is my order\n{pressed}")).also or (
        found.intent == "no_reminders"
    )


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("I have paid and want a refund", True),
        ("我付款了，想退款", True),
        ("我付款了，想退款，謝謝", True),
        ("I paid but it failed", False),
        ("我付了款，但是失败了", False),
        ("I paid and was refunded", False),
    ],
)
def test_a_wish_for_money_back_says_nothing_against_the_payment(text: str, paid: bool) -> None:
    assert says_paid(text) is paid

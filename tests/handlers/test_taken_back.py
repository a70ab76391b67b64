"""A wish that is denied or taken back in the same words is none, and nothing else is lost with it."""

import pytest

from handlers.taken_back import after_taking_back, corrected, kept_numbers, without_denied

DENIED = {
    "I don't want to cancel, just where is it?": "just where is it?",
    "I do not want to cancel my order where is it": "where is it",
    "Please don't cancel order 1001, when will it ship?": "when will it ship?",
    "I'm not asking for a refund, I want to know where it is": "i want to know where it is",
    "I don't need to change the address. Where is it?": "where is it?",
    "I don't want to return it, I want to exchange it": "i want to exchange it",
    "no need to speak to a person, what are your opening hours?": "what are your opening hours?",
    "I never wanted to cancel": "",
    "I don't want it cancelled": "",
    "I want an exchange instead of a refund": "i want an exchange",
    "我不想取消，就问问到哪了": "就问问到哪了",
    "我不是要取消订单，只是想知道什么时候发货": "只是想知道什么时候发货",
    "不要退款，我要换货": "我要换货",
    "不用改地址了，什么时候发货": "什么时候发货",
    "不取消了": "",
    "先不要取消": "",
    "還是不要取消": "",
    "別取消訂單，東西到哪了": "东西到哪了",
    "我沒有要退貨，只是問何時到": "只是问何时到",
    "不用轉人工，我的訂單到哪了": "我的订单到哪了",
}
WISHED = (
    *(
        "I don't want it, cancel it",
        "I don't want it anymore please cancel",
        "why did you not cancel my order",
    ),
    *(
        "you did not refund me",
        "I can't cancel my order",
        "I haven't got my refund",
        "why is it not cancelled yet",
    ),
    *("do not send it, cancel my order", "can you not cancel it?", "I don't know how to return it"),
    *("I did not get a refund", "I don't want to wait, cancel", "cancel my order, no rush", "no refund yet?"),
    *(
        "不要了，取消订单",
        "不想要了，退货",
        "能不能取消",
        "要不要取消",
        "是不是要退货",
        "为什么不取消",
        "你们不退款吗",
    ),
    *(
        "要不取消吧",
        "不能退货吗",
        "我不要了取消",
        "可不可以改地址",
        "不想等了，取消",
        "還沒退款",
        "怎麼不能取消",
    ),
)


@pytest.mark.parametrize(("text", "rest"), DENIED.items())
def test_what_is_denied_is_not_wished(text: str, rest: str) -> None:
    assert without_denied(text) == rest


@pytest.mark.parametrize("text", [*WISHED, "", "where is my order?", "到哪了"])
def test_what_is_wished_stays(text: str) -> None:
    assert without_denied(text) == text
    assert after_taking_back(text) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("cancel my order, no sorry, where is it?", "where is it?"),
        ("Cancel it. No wait. When will it ship?", "when will it ship?"),
        ("I want to return it... never mind, do you have it in blue?", "do you have it in blue?"),
        ("cancel my order, actually no", ""),
        ("refund me please. scratch that, I'll keep it", ""),
        ("取消订单，不对，是问到哪了", "是问到哪了"),
        ("我要退貨，說錯了，是換貨", "是换货"),
        ("帮我取消，算了，什么时候发货", "什么时候发货"),
        ("取消訂單，算了", ""),
    ],
)
def test_what_is_taken_back_is_not_wished(text: str, rest: str) -> None:
    assert after_taking_back(text) == rest


@pytest.mark.parametrize(
    "text",
    [
        *("cancel my order, I mean it", "forget it, cancel my order", "I changed my mind, cancel it"),
        *(
            "where is it? never mind, found it",
            "我要退货，这不是我要的颜色",
            "算了，取消吧",
            "退货，你们发错了",
        ),
        *("no, cancel it", "sorry, cancel my order"),
    ],
)
def test_a_wish_that_follows_or_has_its_reason_stands(text: str) -> None:
    assert after_taking_back(text) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("sorry, I meant exchange", "exchange"),
        ("oops, typo: 7 Oak Road", "7 oak road"),
        ("说错了，换货", "换货"),
        ("打錯了，是換貨", "换货"),
        ("打錯，是2號", "2号"),
        ("不好意思，寫錯了，應該是5樓", "5樓"),
        ("I mean it, cancel", None),
        ("不是我要的颜色", None),
        ("sorry, cancel my order", None),
        ("你们发错了", None),
    ],
)
def test_a_message_may_correct_the_one_before(text: str, rest: str | None) -> None:
    assert corrected(text) == rest


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("1001不要了，1002留着", "1001不要了"),
        ("cancel 1001 but keep 1002", "cancel 1001 but"),
        ("keep 1002, I'd like to know when it comes", "keep 1002, I'd like to know when it comes"),
    ],
)
def test_what_a_wish_leaves_alone_is_no_question_beside_it(text: str, rest: str) -> None:
    assert without_denied(text) == rest
    assert kept_numbers(text) == ["1002"]

"""Who denies a payment, is yet to pay, or asks whether they have paid claims none; who has paid does."""

from itertools import product

import pytest

from bot.domain.meanings import Meaning, Understanding
from handlers.meaning import denies_payment, says_paid
from handlers.reading import read
from tests.handlers.world import wrote

CLAIM = Understanding("answer", (Meaning("i_paid", 0.9),))

DENIED = (
    *(
        f"{who} {never} {paid}"
        for who, never, paid in product(
            ("I", "we", "sorry, I"),
            ("never", "have not", "haven't", "havent yet", "had not"),
            ("paid", "paid for this", "transferred the money", "sent any money", "made the payment"),
        )
    ),
    *("haven't paid yet", "not paid yet", "no, not paid", "nobody paid", "I have yet to pay", "paid? no"),
    *("payment not made yet", "payment not sent", "no payment made", "I've paid nothing", "forgot to pay"),
    *("I don't think I've paid", "I'm not sure I have paid", "I never said I have paid"),
    *(
        f"{who}{never}{paid}"
        for who, never, paid in product(
            ("", "我", "我老婆"), ("还没", "還沒", "没有", "未"), ("付", "付款", "匯款", "转账")
        )
    ),
    *("从来没付过", "一分钱没付", "忘记付款了", "忘了匯", "匯款沒成功", "付款没成功"),
)
TO_COME = (
    *(
        f"{who} {will} {pay} {when}"
        for who, will, pay, when in product(
            ("I", "my wife"),
            ("will", "is going to", "can", "would like to"),
            ("pay", "transfer it", "send the money", "make the payment"),
            ("tomorrow", "tonight", "on Friday"),
        )
    ),
    *("will pay tomorrow", "I'll pay tomorrow", "paying now", "I'm about to pay", "I pay on Friday"),
    *("payment will be made tomorrow", "the money will be sent tonight", "it will be paid tomorrow"),
    *("I'll let you know when I've paid", "hold it until I have paid", "I'll have paid by Friday"),
    *(
        f"{who}{when}{pay}"
        for who, when, pay in product(
            ("", "我"),
            ("马上", "馬上", "等下", "待會", "明天", "晚上", "稍后", "稍後", "下週", "晚點", "這就"),
            ("付", "付款", "匯款", "轉給你", "给你转过去", "就付", "去付"),
        )
    ),
    *("马上要付了", "快付了", "准备付了", "我去付款", "会付的", "等我付了再发", "付完告诉你", "禮拜五匯款"),
)
ASKED = (
    *("have I paid?", "did I pay?", "is the payment made?", "was the payment sent?", "I paid? when?"),
    *("I thought I had paid", "who paid for it?", "once I've paid, when do you ship?"),
    *("when I've paid, how long does it take?", "do I get it faster once I have paid?"),
    *("我付过了吗", "匯了嗎", "付了没", "是不是已经付了", "是否已付款", "谁付的", "付了多少", "我以为付了"),
    *("我付了你们就发货吗", "如果付了多久发货"),
)
PAID = (
    *(
        f"{who} {have}{paid}{when}"
        for who, have, paid, when in product(
            ("I", "we", "yes, I", "don't ask me again, I"),
            ("have ", "have already ", "just ", ""),
            ("paid", "transferred the money", "sent you the money", "made the payment"),
            ("", " yesterday", ", will you ship it tomorrow?", ". Never got an answer"),
        )
    ),
    *("Paid!", "payment sent", "it's paid", "why do you ask me to pay, I have paid", "I told you I paid"),
    *("I could not pay yesterday, but I have paid now", "I still get reminders even though I have paid"),
    *("why do you keep asking, I already paid!!", "I managed to pay, I have paid now"),
    *(
        f"{who}{when}{paid}{more}"
        for who, when, paid, more in product(
            ("我", "", "亲，"),
            ("已经", "刚刚", "昨天", "早就"),
            ("付了", "付款了", "转账了", "匯了"),
            ("", "，明天能发吗", "，等发货", "，还没收到通知"),
        )
    ),
    *(
        "已经付了还催",
        "匯了還催",
        "付了怎么还催我",
        "已经付了还催我付",
        "昨天没付，今天付了",
        "刚才没付成，现在付了",
        "匯好了，再麻煩你",
    ),
)


def _meant(text: str) -> list[str]:
    return [each.intent for each in read(wrote(text), "en", understand=lambda *_: CLAIM).meanings]


@pytest.mark.parametrize("text", [*DENIED, *TO_COME, *ASKED])
def test_no_claim_is_taken_from_words_that_make_none_whatever_was_learned(text: str) -> None:
    assert not says_paid(text)
    assert "i_paid" not in _meant(text)


@pytest.mark.parametrize("text", PAID)
def test_who_has_paid_claims_it_whatever_stands_beside(text: str) -> None:
    assert says_paid(text) or "i_paid" in _meant(text)
    assert not denies_payment(text)


@pytest.mark.parametrize(
    ("text", "denies"),
    [("I haven't paid", True), ("我还没付", True), ("I'll pay tomorrow", False), ("明天付", False)],
)
def test_only_a_denial_takes_back_what_was_claimed_before(text: str, denies: bool) -> None:
    assert denies_payment(text) is denies


PROMISED = (
    *("I'll pay tomorrow", "I still need to pay", "I will transfer it on Friday", "I have to pay later"),
    *("明天再付", "等发工资再付", "晚上付款", "明天再匯款", "等發薪水再付", "晚點轉帳"),
)
PRESSED = (
    *("don't remind me, I'll pay tomorrow", "no more reminders please, I will pay on Friday"),
    *("别催了，明天再付", "不要再提醒，晚上付款", "別再催，明天匯款", "知道了，明天付，别催"),
)
FAILED = tuple(
    f"{paid}{but}{failed}"
    for paid, but, failed in (
        *product(("I paid", "I paid by card", "I transferred it"), (" but ", ", but "), ("it failed",)),
        *product(("I paid", "I sent it"), (" but ",), ("it was declined", "it didn't go through")),
        *product(
            ("我付了", "付款了", "我轉帳了"), ("，但是", "可是", "，結果"), ("失败了", "失敗了", "没成功")
        ),
    )
)
WORKED = ("I paid and it failed at first, now I have paid", "付了但是失败了，后来又付了一次", "I paid")
LESS = Understanding("answer", (Meaning("no_reminders", 0.95),))
BOTH = Understanding("answer", (Meaning("payment_status", 0.85), Meaning("i_paid", 0.99)))


def _read_as(text: str, learned: Understanding) -> list[str]:
    return [each.intent for each in read(wrote(text), "en", understand=lambda *_: learned).meanings]


@pytest.mark.parametrize("text", PROMISED)
def test_who_promises_to_pay_has_not_asked_to_hear_less(text: str) -> None:
    assert _read_as(text, LESS) == ["how_to_pay"]


@pytest.mark.parametrize("text", PRESSED)
def test_who_asks_to_hear_less_is_heard_whatever_they_promise(text: str) -> None:
    assert "no_reminders" in _read_as(text, LESS)


@pytest.mark.parametrize("text", FAILED)
def test_a_payment_that_failed_is_one_thing_and_no_claim(text: str) -> None:
    assert _read_as(text, BOTH) == ["payment_failed"]


@pytest.mark.parametrize("text", WORKED)
def test_a_payment_that_came_about_in_the_end_has_not_failed(text: str) -> None:
    assert "payment_failed" not in _read_as(text, BOTH)

"""Every intent about an order that was placed has its answer, and every question an end."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.meanings import INTENTS
from handlers.after_sales import ANSWERS, QUESTIONS
from tests.handlers.asking import PICTURE, Chat
from tests.handlers.world import PLACED, days, delivered, order_of, paid, placed, shipped, shop_with

SHOP = shop_with(returns={"days": 7})
PAID = order_of(placed(), paid())
ARRIVED = order_of(placed(), paid(), shipped(), delivered())


def test_the_intents_are_those_that_are_understood() -> None:
    assert ANSWERS.keys() <= set(INTENTS)


def test_whoever_has_no_order_yet_hears_the_policy_and_may_go_on_with_a_number() -> None:
    ann = Chat(now=PLACED + days(4), shop=SHOP, named=(ARRIVED,))

    assert ann.say("what's your return policy?", "return_exchange") == ["return_policy"]
    assert ann.say("1001 8000") == ["return_offer"]
    without = Chat(now=PLACED, shop=shop_with())
    assert without.say("what's your return policy?", "return_exchange") == ["which_order"]


@pytest.mark.parametrize(
    "words",
    [
        *("what are your returns like?", "what's your return policy?", "do you accept returns"),
        *("你们支持退换吗", "几天可以退", "支持七天无理由吗", "退换货政策", "退換貨規則是什麼"),
    ],
)
def test_a_question_about_the_rules_wishes_nothing_of_an_order_that_has_not_left(words: str) -> None:
    for order in (order_of(placed()), PAID):
        ann = Chat(order, now=PLACED + days(1), shop=SHOP)
        assert ann.say(words, "return_exchange") == ["return_policy"]
        assert not ann.called
    assert Chat(PAID, now=PLACED + days(1), shop=SHOP).say("退掉这单", "return_exchange") == ["cancel_asked"]


ASKS_ONLY = (
    *(
        "can I return it?",
        "can I return it if it doesn't fit?",
        "how do returns work",
        "how can I return it?",
    ),
    *(
        "do you do free returns?",
        "what happens if I want to return it?",
        "will you take it back if it's small?",
    ),
    *(
        "is it possible to send it back for a refund if it's the wrong size?",
        "who pays for the return postage",
    ),
    *(
        "I'd like to know if I can return it",
        "could you tell me how returns work please",
    ),
    *(
        "可以退货吗",
        "怎么退",
        "不喜欢可以退吗",
        "请问能不能退",
        "想问一下不合适能换吗",
        "退货运费谁出",
        "可以退换吗",
    ),
    *("可以退貨嗎", "怎麼退貨", "有七天鑑賞期嗎", "請問不合身可以換嗎", "退換貨怎麼處理"),
)
WISHED = (
    *(
        "I want to return it",
        "I'd like to return it",
        "please take it back",
        "I don't want it, can I return it?",
    ),
    *(
        "I want to send it back, how?",
        "我要退货",
        "帮我退货",
        "退掉这单",
        "我要退货，怎么退",
        "不想要了，能退吗",
        "我想退貨",
    ),
)


@pytest.mark.parametrize("words", ASKS_ONLY)
def test_who_asks_whether_it_could_go_back_hears_the_rules_and_changes_nothing(words: str) -> None:
    for order in (order_of(placed()), PAID):
        ann = Chat(order, now=PLACED + days(1), shop=SHOP)
        assert ann.say(words, "return_exchange") == ["return_policy"]
        assert not ann.called
        assert not ann.opened
        unset = Chat(order, now=PLACED + days(1), shop=shop_with())
        assert unset.say(words, "return_exchange") == ["product_unknown"]
        assert not unset.opened


@pytest.mark.parametrize("words", WISHED)
def test_who_wishes_it_back_is_heard_whatever_they_ask_beside(words: str) -> None:
    ann = Chat(PAID, now=PLACED + days(1), shop=SHOP)

    assert ann.say(words, "return_exchange") == ["cancel_asked"]


@pytest.mark.parametrize("words", ["what's your return policy?", "how do returns work?", "退货运费谁出"])
def test_a_question_about_the_rules_is_no_return_though_there_is_only_one_way(words: str) -> None:
    ann = Chat(ARRIVED, now=PLACED + days(4), shop=shop_with(returns={"days": 7, "exchange": False}))

    assert ann.say(words, "return_exchange") == ["return_offer"]
    assert not ann.opened
    assert ann.say("yes please") == ["return_agreed"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ((), "cancel_asked"),
        ((shipped(),), "cancel_asked"),
        ((shipped(last=False),), "cancel_asked"),
        ((paid(),), "cancel_asked"),
        ((paid(), shipped()), "return_offer"),
        ((shipped(), delivered()), "return_offer"),
    ],
)
def test_what_was_neither_paid_nor_received_is_not_paid_back_or_exchanged(facts: Any, said: str) -> None:
    order = order_of(placed(pay_on_delivery=True), *facts)
    ann = Chat(order, now=PLACED + days(4), shop=SHOP)

    assert ann.say("please cancel my order", "cancel_order") == [said]
    if said == "cancel_asked":
        assert bool(ann.values(said).get("gone")) == bool(order.shipped)


@pytest.mark.parametrize("intent", ANSWERS)
@pytest.mark.parametrize("order", [PAID, ARRIVED], ids=["paid", "arrived"])
def test_no_wish_ends_nowhere(intent: str, order: object) -> None:
    """Whatever comes after, each wish was answered, and once time is over nothing is asked any more."""
    for texts in (("hm",) * 6, ("yes",) * 3, ("1001", "1", "refund"), ("", "no", "算了")):
        ann = Chat(*([order] if order else []), now=PLACED + days(4), shop=SHOP)  # type: ignore[arg-type]
        assert ann.say("please", intent)
        for text in texts:
            ann.say(text, kind="text" if text else "sticker")
        ann.send(PICTURE)
        ann.now += max(question.lapses for question in QUESTIONS.values()) + timedelta(seconds=1)
        assert ann.asked is None
        assert ann.say("hm") in (["not_understood"], ["noted"])

"""What was wished of one order is wished of another one instead, or of one more."""

from itertools import product

import pytest

from bot.domain.actions import CloseCase
from tests.handlers import world
from tests.handlers.asking import Chat
from tests.handlers.world import PLACED, order_of

NEWER, OLDER = (
    order_of(world.placed(PLACED + world.hours(after), order=number))
    for number, after in (("1002", 1), ("1001", 0))
)
INSTEAD = (
    *("sorry, I meant 1002", "I meant order 1002", "not 1001, 1002", "oops 1002", "no, 1002", "*1002"),
    *(
        "说错了，是1002",
        "不是1001，是1002",
        "我是说1002",
        "不好意思，是1002",
        "不对，应该是1002",
        "不是，是1002",
    ),
    *("打錯了，是 1002", "我說的是 1002", "單號打錯了，應該是 1002"),
)
TOO = ("and 1001 too", "1001 as well", "also 1001", "还有1001", "1001也是", "還有 1001", "另外 1001")
THE_OTHER = (
    *("the other one too", "and the other order as well", "the other one", "also the other one please"),
    *("另一个也是", "还有另外一单", "另外那单也一样", "另一單也是", "剩下那筆也一樣"),
)
PAID_TOO = (
    "I've paid the other one too",
    "另外一单也付了",
    "还有一个也付了",
    "另一筆也已經付了",
    "剩下那单我也转了",
)
NOT_SURE = (
    *(
        "sorry, I meant 1009",
        "1001, not 1002",
        "sorry, where is 1002?",
        "I meant it",
        "说错了",
        "說錯了，是 1009",
    ),
)
WISHES = {
    "cancel_order": ("asked_to_cancel", "cancel_asked"),
    "change_order": ("asked_to_change", "order_change_asked"),
    "change_address": ("asked_new_address", "address_asked"),
}


def chat() -> Chat:
    return Chat(NEWER, OLDER, now=PLACED + world.hours(2))


@pytest.mark.parametrize("text", INSTEAD)
def test_a_wish_is_put_on_the_order_that_was_meant(text: str) -> None:
    for intent, (reason, answer) in WISHES.items():
        ann = chat()
        ann.say("please do it for 1001", intent)
        first = ann.opened[0]
        assert ann.say(text) == [answer]
        assert CloseCase(key=first.key) in ann.last
        told, opened = ann.opened[1:]
        assert (told.reason, told.order, told.details["other"]) == ("meant_another", OLDER.id, "1002")
        assert (opened.reason, opened.order) == (reason, NEWER.id)


@pytest.mark.parametrize("text", INSTEAD)
def test_a_claim_is_put_on_the_order_that_was_meant(text: str) -> None:
    ann = chat()
    ann.say("I have paid 1001", "i_paid")
    assert ann.say(text) == ["payment_claimed"]
    assert CloseCase(key=ann.opened[0].key) in ann.last
    assert [each.order for each in ann.opened] == [OLDER.id, NEWER.id]


@pytest.mark.parametrize(
    ("intent", "text"),
    [*product(("i_paid", "cancel_order"), (*TOO, *THE_OTHER)), *product(("i_paid",), PAID_TOO)],
)
def test_one_more_order_is_wished_the_same_and_the_other_of_two_need_not_be_named(
    intent: str, text: str
) -> None:
    ann = chat()
    ann.say("I have paid 1002" if intent == "i_paid" else "please cancel 1002", intent)
    ann.say(text)
    assert not any(isinstance(each, CloseCase) for each in ann.last)
    assert [each.order for each in ann.opened] == [NEWER.id, OLDER.id]
    assert len({each.reason for each in ann.opened}) == 1


@pytest.mark.parametrize("text", NOT_SURE)
def test_where_it_is_not_sure_the_case_of_the_first_stays_and_has_the_words(text: str) -> None:
    ann = chat()
    ann.say("please cancel 1001", "cancel_order")
    assert ann.say(text) != []
    assert not any(isinstance(each, CloseCase) for each in ann.last)
    assert ann.cases[0].open


def test_after_another_answer_nothing_is_wished_again() -> None:
    ann = chat()
    ann.say("please cancel 1001", "cancel_order")
    ann.say("where is 1001", "where_is_order")
    ann.say("and 1002 too")
    assert len(ann.opened) == 1


def test_a_whole_wish_that_corrects_the_one_before_takes_it_back() -> None:
    ann = chat()
    ann.say("please cancel 1001", "cancel_order")
    ann.say("sorry, I meant cancel 1002", "cancel_order")
    assert CloseCase(key=ann.opened[0].key) in ann.last
    assert [(each.reason, each.order) for each in ann.opened[1:]] == [
        ("meant_another", OLDER.id),
        ("asked_to_cancel", NEWER.id),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("cancel 1001\nsorry, I meant 1002", "cancel 1001, no, 1002", "取消1001\n说错了，是1002"),
        *("取消 1001，打錯了，是 1002", "cancel 1002, not 1001"),
    ],
)
def test_what_is_corrected_in_the_same_words_was_never_wished(text: str) -> None:
    ann = chat()
    ann.say(text, "cancel_order")
    assert [(each.reason, each.order) for each in ann.opened] == [("asked_to_cancel", NEWER.id)]


@pytest.mark.parametrize(
    "text", ["no, the other one", "sorry, I meant the other one", "不是，是另一个", "打錯了，是另一單"]
)
def test_the_other_of_two_orders_takes_its_place(text: str) -> None:
    ann = chat()
    ann.say("please cancel 1002", "cancel_order")
    ann.say(text)
    assert CloseCase(key=ann.opened[0].key) in ann.last
    assert ann.opened[-1].order == OLDER.id


@pytest.mark.parametrize(
    "text", ["where is the other one?", "另外一个什么时候发", "the other one is broken", "不要另一个"]
)
def test_another_matter_of_the_other_order_is_not_the_same_wish(text: str) -> None:
    ann = chat()
    ann.say("please cancel 1002", "cancel_order")
    ann.say(text, "unknown")
    assert [each.order for each in ann.opened][:1] == [NEWER.id]
    assert not any(each.reason == "asked_to_cancel" for each in ann.opened[1:])

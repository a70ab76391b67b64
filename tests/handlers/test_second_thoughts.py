"""Who keeps an order, paid twice, wants something back or their data gone is a person's to answer."""

from typing import Any

import msgspec
import pytest

from bot.domain.actions import Action, CallHuman, CloseCase, OpenCase, Say
from bot.domain.context import Case
from bot.domain.orders import Order
from handlers import second_thoughts
from tests.handlers import world
from tests.handlers.asking import Chat
from tests.handlers.world import PLACED, chat_context, order_of, wrote

PAID = order_of(world.placed(), world.paid())
CANCELLED = order_of(world.placed(), world.cancelled())
CANCELLING = Case(
    number=3,
    kind="order_change",
    key="asked_to_cancel:1001:telegram:m0",
    reason="asked_to_cancel",
    opened_at=PLACED,
    order=PAID.id,
    chat="telegram:42",
)
WAITING = Case(number=4, kind="human", key="human:x", reason="asked_for_person", opened_at=PLACED)


def hear(text: str, *orders: Any, **known: Any) -> list[Action]:
    return second_thoughts.hear(wrote(text), chat_context(*(orders or (PAID,)), **known))


@pytest.mark.parametrize(
    "text",
    [
        *("actually no, keep it please", "please don't cancel it", "I changed my mind, I want to keep it"),
        *("算了还是要吧", "还是不要取消好了", "別取消了", "先不取消了", "那就留着吧"),
    ],
)
def test_who_keeps_the_order_ends_the_cancelling(text: str) -> None:
    closed, opened, said = hear(text, cases=(CANCELLING,))
    assert closed == CloseCase(key=CANCELLING.key)
    assert isinstance(opened, OpenCase)
    assert (opened.reason, opened.order) == ("asked_to_keep", PAID.id)
    assert isinstance(said, Say)
    assert said.template == "order_kept"


@pytest.mark.parametrize(
    "text",
    [
        *("no wait, don't cancel it", "please don't cancel my order"),
        *("不取消了", "先不要取消", "别取消", "別取消了", "還是不要取消好了"),
    ],
)
@pytest.mark.parametrize("order", [PAID, CANCELLED], ids=["open", "cancelled"])
def test_who_keeps_an_order_that_nobody_is_asked_to_cancel_hears_so_and_the_seller_too(
    text: str, order: Order
) -> None:
    opened, said = hear(text, order)
    assert isinstance(opened, OpenCase)
    assert (opened.reason, opened.order) == ("asked_to_keep", order.id)
    assert isinstance(said, Say)
    assert said.template == "order_kept"
    kept = msgspec.structs.replace(CANCELLING, key=opened.key, reason="asked_to_keep")
    (noted,) = hear(text, order, cases=(kept,))
    assert isinstance(noted, Say)
    assert noted.template == "noted", "it stands in the case that is open"


@pytest.mark.parametrize(
    "text",
    [
        *("why don't you cancel it?", "you did not cancel it", "I want to keep it", "I don't want to cancel"),
        *("为什么不取消", "怎么不取消啊", "怎麼還不取消", "還是要吧", "留著吧"),
    ],
)
def test_other_words_keep_nothing_where_nothing_is_being_cancelled(text: str) -> None:
    assert hear(text) == []


def test_of_several_the_order_is_kept_that_was_to_be_cancelled() -> None:
    newer = order_of(world.placed(PLACED + world.hours(1), order="1002"))
    ann = Chat(newer, PAID, now=PLACED + world.hours(2))
    ann.say("cancel 1001", "cancel_order")
    ann.cases = ()  # settled
    assert ann.say("actually I want to keep it") == ["order_kept"]
    assert ann.opened[-1].order == PAID.id


TWICE = (
    *("我付了两次款，帮我退一次", "i paid twice by mistake", "重複付款了"),
    *("I accidentally paid twice for order 5101", "you charged me twice"),
)
DATA = (
    *("please delete all my data", "what data do you have about me?", "GDPR request"),
    *("把我的信息都删了", "請刪除我的個資"),
)
PART = (
    *("can I keep it and get some money back?", "a partial refund?"),
    *("我不想退，可以補償我一點嗎", "不退，打五折行不行"),
)
POSTED = ("I posted it this morning, tracking AB123456789GB", "已经寄出了 单号SF1234567890")


@pytest.mark.parametrize(
    ("text", "reason"),
    [*((text, "paid_twice") for text in TWICE), *((text, "asked_for_data") for text in DATA)],
)
def test_a_person_hears_of_it_by_its_name(text: str, reason: str) -> None:
    said, called = hear(text)
    assert isinstance(said, Say)
    assert said.template == ("human_coming" if reason == "asked_for_data" else "asking_person")
    assert isinstance(called, CallHuman)
    assert called.reason == reason
    again, opened = hear(text, cases=(WAITING,))
    assert isinstance(again, Say)
    assert again.template == "human_again"
    assert isinstance(opened, OpenCase), "it is not lost among other words"
    assert opened.reason == reason


@pytest.mark.parametrize("text", PART)
def test_a_part_of_the_money_is_a_person_s_to_give(text: str) -> None:
    delivered = order_of(world.placed(), world.paid(), world.shipped(), world.delivered())
    assert [getattr(each, "reason", None) for each in hear(text, delivered)] == [None, "asked_for_part"]
    assert hear(text) == [], "nothing was sent yet"


@pytest.mark.parametrize("text", POSTED)
def test_what_is_sent_back_stands_in_the_return(text: str) -> None:
    returning = Case(number=5, kind="return", key="return:x", reason="return_agreed", opened_at=PLACED)
    [said] = hear(text, cases=(returning,))
    assert isinstance(said, Say)
    assert said.template == "noted"
    assert hear(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("keep up the good work", "do you keep it in stock?", "I want two", "还是没收到", "数据线有货吗"),
        *("can I pay later", "where is my order", "is this data cable in stock", "", "please cancel it"),
    ],
)
def test_other_words_are_left_to_the_rest(text: str) -> None:
    assert hear(text, cases=()) == []


@pytest.mark.parametrize(
    "text",
    [
        *("I want it cancelled now", "I don't want it any more", "you still haven't cancelled it"),
        *("怎么还不取消", "还是要取消", "那就不要了"),
    ],
)
def test_who_presses_for_the_cancelling_keeps_nothing(text: str) -> None:
    assert hear(text, cases=(CANCELLING,)) == []

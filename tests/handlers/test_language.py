"""Answers come in the language of the question, where it shows one that we have."""

import msgspec
import pytest

from bot.domain.actions import Say
from bot.domain.contacts import Contacts, Told
from bot.domain.context import Buyer
from handlers.language import language_of
from tests.handlers.world import PLACED, chat_context, decide, order_of, placed, shop_with, wrote


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my order 1001?", "en"),
        ("wher is my oder", "en"),
        ("can I speak to someone please", "en"),
        ("Hello!", "en"),
        ("我的快递到哪了", "zh-CN"),
        ("什么时候发货？", "zh-CN"),
        ("我的訂單在哪裡", "zh-TW"),
        ("還沒收到貨", "zh-TW"),
        ("order 1001 什麼時候出貨", "zh-TW"),
    ],
)
def test_words_show_their_language(text: str, language: str) -> None:
    assert language_of(text, "fr", "de") == language


@pytest.mark.parametrize(
    "text",
    [
        *("1001", "1001 5678", "STOP", "ok", "👍", "https://shop.example/where/is/my/order", ""),
        *(
            "Wo ist meine Bestellung?",
            "Où est ma commande ?",
            "¿Dónde está mi pedido?",
            "Waar is mijn pakket?",
        ),
        *("私の注文はどこですか", "내 주문은 어디에 있나요", "Где мой заказ?"),
    ],
)
def test_what_shows_none_of_ours_is_answered_in_the_buyers_own(text: str) -> None:
    assert language_of(text, "zh-CN", "zh-CN") is None


def test_the_buyers_own_region_stays_where_the_language_is_theirs() -> None:
    assert language_of("where is my order", "en-GB", "zh-CN") is None
    assert language_of("我的訂單在哪裡", "zh-HK", "en") is None


@pytest.mark.parametrize("text", ["你好", "你寄了", "注意到了嘛", "甚好，著急"])
def test_characters_of_both_scripts_leave_it_open(text: str) -> None:
    assert language_of(text, "zh-TW", "en") is None
    assert language_of(text, "zh-CN", "en") is None


def test_what_the_words_leave_open_the_shop_decides() -> None:
    assert language_of("where is my order", "zh-CN", "en-GB") == "en-GB"
    assert language_of("人工", "en", "zh-TW") == "zh-TW"
    assert language_of("人工", "en", "en") == "zh-CN"
    assert language_of("人工", "zh-TW", "zh-CN") is None


def test_whose_file_names_no_language_is_answered_in_that_of_their_order() -> None:
    contacts = Contacts(locale=Told("zh-TW", PLACED))
    order = msgspec.structs.replace(order_of(placed()), contacts=contacts)
    context = chat_context(order, buyer=Buyer(id="ann"), shop=shop_with(locale="en"))

    def said_in(text: str, kind: str = "text") -> set[str | None]:
        return {each.locale for each in decide(wrote(text, kind=kind), context) if isinstance(each, Say)}

    assert said_in("你好") == said_in("人工") == said_in("menu:hello", "button") == {"zh-TW"}
    assert said_in("where is my order") == {"en"}


def test_every_answer_in_the_chat_is_said_in_it_and_a_buttons_value_is_no_language() -> None:
    context = chat_context(buyer=Buyer(id="ann", locale="zh-CN"), shop=shop_with(locale="zh-CN"))

    [said] = [
        action for action in decide(wrote("hello, when do you ship?"), context) if isinstance(action, Say)
    ]
    [pressed] = [
        action for action in decide(wrote("menu:hello", kind="button"), context) if isinstance(action, Say)
    ]
    assert (said.locale, pressed.locale) == ("en", None)

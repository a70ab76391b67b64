"""Whole journeys of returns, changes and invoices on the real program, in three languages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from bot.app import Understand, rules_of
from bot.domain.meanings import Before, Meaning, Understanding
from bot.seller.settle import Settled, settle_case
from bot.understanding.learning import shipped
from bot.understanding.outcomes import thresholds_for
from bot.understanding.understander import Understander
from storage import read_models
from storage.read_models import CaseView
from tests.world import World, config_of, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RETURNS = {"days": 7, "faulty_days": 30, "address": {"en": "1 Any Street", "zh-CN": "某路 1 号"}}
LINES = [
    {"sku": "POT-1", "title": "茶壶 Teapot", "quantity": 1, "price": "60.00"},
    {"sku": "TEA-1", "title": "龙井 Longjing", "quantity": 1, "price": "60.00"},
]
INTENTS = {  # what the learned part would say; the rest it does not understand
    "return_exchange": ("退换货怎么弄？", "退換貨怎麼處理？", "how do exchanges work?"),
    "damaged": ("收到就碎了，我要换一个", "收到時就破了，想換一個", "it arrived broken, please replace it"),
    "cancel_order": ("取消订单吧", "幫我取消訂單", "please cancel my order"),
    "change_address": ("地址写错了", "地址打錯了", "my address is wrong"),
    "invoice": ("可以开发票吗", "可以開發票嗎", "can I have an invoice?"),
    "refund_status": ("退款到哪了", "退款進度", "where is my refund?"),
}
LANGUAGES = {"zh-CN": 0, "zh-TW": 1, "en": 2}


def understand(text: str, locale: str, before: Before, today: date | None) -> Understanding:
    for intent, sentences in INTENTS.items():
        if text in sentences:
            named = "return_exchange" if intent == "damaged" else intent
            return Understanding("answer", (Meaning(named, 0.9),))
    return Understanding("hand_over", guessed=True)


class Talk:
    """Ann's chat in one language."""

    def __init__(self, shop: World, locale: str) -> None:
        self.shop = shop
        self.locale = locale
        self.ann = {"id": "ann", "name": "Ann", "locale": locale, "timezone": "Asia/Shanghai"}

    async def orders(self, *facts: str, **fields: Any) -> None:
        """Ann's order, and what happened to it, an hour apart."""
        await self.shop.place(buyer=self.ann, lines=LINES, **fields)
        for fact in facts:
            await self.shop.forward(HOUR)
            told = {"paid": {"amount": "128.00", "currency": "CNY"}, "shipped": {"tracking": "SF1"}}
            await self.shop.fact(fact, **told.get(fact, {}))
        await self.shop.forward(HOUR)

    async def says(self, text: str, **fields: Any) -> str:
        """The answer, which is one message."""
        before = len(self.shop.receiver.messages)
        await self.shop.forward(MINUTE)
        message = {"id": f"m{before}", "buyer": {"id": "ann"}, "text": text, **fields}
        await self.shop.post("message.received", {"message": message})
        await self.shop.settle()
        (answer,) = self.shop.receiver.messages[before:]
        text_of: str = answer["text"]
        return text_of

    async def asks(self, intent: str) -> str:
        return await self.says(INTENTS[intent][LANGUAGES[self.locale]])

    @property
    def last(self) -> str:
        return self.shop.receiver.templates[-1]

    async def cases(self) -> list[CaseView]:
        look = partial(read_models.list_cases, shop="shop", open_only=True)
        return await self.shop.program.parts.database.read(look)


@asynccontextmanager
async def talk(
    database_url: str, locale: str = "en", by: Understand = understand, **shop: Any
) -> AsyncIterator[Talk]:
    rules = rules_of(config_of(database_url, "http://127.0.0.1:9/"), by)
    settings = {"returns": RETURNS, "quiet_hours": {"start": "00:00", "end": "00:00"}, **shop}
    async with world(database_url, options={"rules": rules}, **settings) as there:
        yield Talk(there, locale)


def shipped_understanding() -> Understand:
    """By the model that comes with the program."""
    understander, model = Understander(), shipped()
    assert model is not None
    understander.swap(model, thresholds_for(model))
    return understander.understand


@asynccontextmanager
async def delivered(database_url: str, locale: str = "en", **shop: Any) -> AsyncIterator[Talk]:
    """Ann's chat, in which their order has arrived."""
    async with talk(database_url, locale, **shop) as ann:
        await ann.orders("paid", "shipped", "delivered")
        yield ann


@pytest.mark.parametrize(
    ("locale", "choice", "offered", "agreed", "paid_back"),
    [
        ("en", "the teapot, my money back", "Which item", "Send it to: 1 Any Street", "refunded your order"),
        ("zh-CN", "1，退款", "是哪一件呢", "寄回地址：某路 1 号", "已为您退款"),
        ("zh-TW", "第一個，退款", "請問是哪一件", "寄回地址：某路 1 号", "已為您退款"),
    ],
)
async def test_a_return_from_the_question_to_the_money(
    database_url: str, locale: str, choice: str, offered: str, agreed: str, paid_back: str
) -> None:
    async with delivered(database_url, locale) as ann:
        assert offered in await ann.asks("return_exchange")
        assert agreed in await ann.says(choice)
        [case] = await ann.cases()
        assert (case.kind, case.order, case.reason.values["items"]) == ("return", "1001", "茶壶 Teapot")
        await ann.asks("refund_status")
        assert ann.last == "refund_status"
        await ann.shop.fact("refunded")
        await ann.shop.settle()
        assert paid_back in ann.shop.receiver.messages[-1]["text"]
        assert await ann.cases() == []


@pytest.mark.parametrize(
    ("locale", "sorry", "thanks"),
    [
        ("en", "I'm so sorry about that. We'll send you a new one", "added that for the team"),
        ("zh-CN", "真的很抱歉！给您换一个新的", "一起转给客服"),
        ("zh-TW", "真的很抱歉！我們會為您更換新品", "一併轉給客服"),
    ],
)
async def test_what_came_broken_with_a_picture_that_stands_in_the_case(
    database_url: str, locale: str, sorry: str, thanks: str
) -> None:
    async with delivered(database_url, locale) as ann:
        assert sorry in await ann.asks("damaged")
        photo = {"url": "https://x.example/1.jpg", "type": "image/jpeg", "size": 90_000}
        assert thanks in await ann.says("", kind="other", media=[photo])
        [case] = await ann.cases()

    assert [word.text for word in case.words] == ["[image/jpeg] https://x.example/1.jpg"]
    assert case.reason.code == "return_at_fault"


@pytest.mark.parametrize(
    ("locale", "held", "gone"),
    [
        ("en", "stop order 1001 before it leaves", "has been cancelled"),
        ("zh-CN", "先别发订单 1001", "已经取消"),
        ("zh-TW", "先不要寄出訂單 1001", "已經取消"),
    ],
)
async def test_a_cancelling_is_held_for_and_not_promised(
    database_url: str, locale: str, held: str, gone: str
) -> None:
    async with talk(database_url, locale) as ann:
        await ann.orders("paid")
        assert held in await ann.asks("cancel_order")
        assert [case.kind for case in await ann.cases()] == ["order_change"]
        await ann.shop.fact("cancelled")
        await ann.shop.settle()
        assert gone in ann.shop.receiver.messages[-1]["text"]
        assert [case.reason.code for case in await ann.cases()] == ["refund_owed"]


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_a_new_address_and_the_fields_of_an_invoice_are_asked_for_once(
    database_url: str, locale: str
) -> None:
    async with talk(database_url, locale) as ann:
        await ann.orders("paid")
        await ann.asks("change_address")
        await ann.says("杭州市西湖区文三路 8 号")
        assert ann.last == "noted"
        await ann.asks("invoice")
        assert ann.last == "invoice_form"
        await ann.says("抬头：青花有限公司\n税号：91330106MA2ABCDE1X")
        assert ann.last == "invoice_asked"
        address, invoice = sorted(await ann.cases(), key=lambda case: case.number)

    assert address.reason.code == "asked_new_address"
    assert address.words[0].text == "杭州市西湖区文三路 8 号"
    assert invoice.reason.values["title"] == "青花有限公司"


async def test_an_unpaid_order_that_is_to_be_cancelled_is_not_reminded_of(database_url: str) -> None:
    async with talk(database_url) as ann:
        await ann.orders()
        await ann.asks("cancel_order")
        said = len(ann.shop.receiver.messages)
        await ann.shop.forward(4 * DAY)

    assert "payment_reminder" not in ann.shop.receiver.templates[said:]


async def test_what_nobody_answers_in_time_takes_longer_and_the_buyer_hears_it(database_url: str) -> None:
    async with delivered(database_url) as ann:
        await ann.asks("damaged")
        await ann.shop.forward(6 * DAY)
        assert ann.shop.receiver.templates.count("return_waiting") == 1


async def test_a_person_who_answered_is_not_spoken_over(database_url: str) -> None:
    async with delivered(database_url) as ann:
        await ann.asks("damaged")
        reply = {"id": "a1", "buyer": {"id": "ann"}, "text": "A new one is on its way"}
        await ann.shop.post("agent.replied", {"message": reply})
        await ann.shop.forward(6 * DAY)
        assert "return_waiting" not in ann.shop.receiver.templates


async def test_a_stranger_moves_nothing_of_an_order_that_is_not_theirs(database_url: str) -> None:
    async with talk(database_url) as ann:
        await ann.orders("paid")
        for text in ("please cancel my order", "1001 1234", "1001", "1001 9999"):
            await ann.shop.say(text, buyer="eve")
            await ann.shop.settle()
        told = ann.shop.receiver.templates
        [case] = await ann.cases()

    assert told[-4:] == ["which_order", "not_matched", "which_order", "human_coming"]
    assert (case.kind, case.reason.code, case.order) == ("human", "order_not_named", None)


# By the understanding that comes with the program


@pytest.mark.parametrize(
    ("locale", "wish", "agreed", "settled"),
    [
        (
            "en",
            "I'd like to return the teapot for a refund",
            "Send it to: 1 Any Street",
            "dealt with your return",
        ),
        ("zh-CN", "茶壶我想退货退款", "寄回地址：某路 1 号", "处理好了"),
        ("zh-TW", "Teapot 我想退貨退款", "寄回地址：某路 1 号", "處理完成"),
    ],
)
async def test_a_return_that_a_person_settles_is_told_once(
    database_url: str, locale: str, wish: str, agreed: str, settled: str
) -> None:
    async with delivered(database_url, locale, by=shipped_understanding()) as ann:
        assert agreed in await ann.says(wish)
        [case] = await ann.cases()
        assert (case.kind, case.order, case.reason.values["items"]) == ("return", "1001", "茶壶 Teapot")
        assert await settle(ann, case.number) is Settled.DONE
        await ann.shop.settle()
        assert await settle(ann, case.number) is Settled.DONE  # once more, which changes nothing
        await ann.shop.settle()
        assert ann.shop.receiver.templates.count("return_settled") == 1
        assert settled in ann.shop.receiver.messages[-1]["text"]
        assert await ann.cases() == []


async def settle(ann: Talk, number: int, outcome: str | None = None) -> Settled:
    work = partial(
        settle_case,
        shop="shop",
        number=number,
        confirmed=False,
        now=ann.shop.clock.now,
        by="command:tests",
        outcome=outcome,
    )
    return await ann.shop.program.parts.database.write(work)


@pytest.mark.parametrize(
    ("locale", "words", "taken", "told"),
    [
        ("en", "My parcel is late and nobody answers, I want to complain", "case 1", "It comes on Friday."),
        ("zh-CN", "快递拖了好久也没人理，我要投诉", "编号 1", "星期五送到。"),
        ("zh-TW", "包裹拖了好久也沒人理，我要客訴", "編號 1", "星期五送到。"),
    ],
)
async def test_a_complaint_is_understood_taken_and_decided(
    database_url: str, locale: str, words: str, taken: str, told: str
) -> None:
    async with talk(database_url, locale, by=shipped_understanding()) as ann:
        await ann.orders("paid", "shipped")
        before = len(ann.shop.receiver.messages)
        await ann.shop.say(words)
        await ann.shop.settle()
        answers = [message["text"] for message in ann.shop.receiver.messages[before:]]
        assert taken in answers[0]
        [case] = await ann.cases()
        assert (case.kind, case.cause) == ("complaint", "late")
        assert await settle(ann, case.number, outcome=told) is Settled.DONE
        await ann.shop.settle()
        assert told in ann.shop.receiver.messages[-1]["text"]


@pytest.mark.parametrize(
    ("locale", "words", "held"),
    [
        ("en", "please cancel my order", "before it leaves"),
        ("zh-CN", "我不想要了，取消订单", "先别发"),
        ("zh-TW", "我不想要了，幫我取消訂單", "先不要寄出"),
    ],
)
async def test_a_cancelling_is_understood(database_url: str, locale: str, words: str, held: str) -> None:
    async with talk(database_url, locale, by=shipped_understanding()) as ann:
        await ann.orders("paid")
        assert held in await ann.says(words)


@pytest.mark.parametrize(
    ("locale", "person", "cancels", "held", "complains", "again"),
    [
        (
            "en",
            "I want to talk to a person",
            "cancel my order",
            "stop order 1001",
            "I want to complain",
            "hello??",
        ),
        ("zh-CN", "请客服回复", "取消我的订单", "先别发订单 1001", "我要投诉", "怎么没人理我"),
        ("zh-TW", "請主管出來", "取消我的訂單", "先不要寄出訂單 1001", "我要客訴", "怎麼都沒人回"),
    ],
)
async def test_while_a_person_is_awaited_orders_are_held_complaints_taken_and_calls_answered(
    database_url: str, locale: str, person: str, cancels: str, held: str, complains: str, again: str
) -> None:
    async with talk(database_url, locale, by=shipped_understanding()) as ann:
        await ann.orders("paid")
        await ann.says(person)
        assert held in await ann.says(cancels)
        await ann.says(complains)
        assert ann.last == "complaint_taken"
        heard = [await ann.says(again) for _ in range(3)]
        assert ann.shop.receiver.templates[-3:] == ["human_again"] * 3
        assert heard[0] == heard[2] != heard[1]
        assert {case.kind for case in await ann.cases()} == {"human", "order_change", "complaint"}


async def test_a_new_total_is_told_once_the_wish_to_cancel_is_settled_and_the_order_stands(
    database_url: str,
) -> None:
    async with talk(database_url, by=shipped_understanding()) as ann:
        await ann.orders()
        assert "needn't pay" in await ann.says("cancel my order")
        await ann.shop.place(buyer=ann.ann, lines=LINES, total="150.00")
        await ann.shop.forward(DAY)
        assert ann.last == "cancel_asked"
        [case] = await ann.cases()
        assert await settle(ann, case.number) is Settled.DONE
        await ann.shop.forward(2 * HOUR)
        assert ann.shop.receiver.templates[-2:] == ["cancel_asked", "total_changed"]

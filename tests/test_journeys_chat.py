"""Whole journeys of the chat on the real program, over Telegram's and the shop's own wire."""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from typing import Any

from aiohttp import web

from storage import read_models
from storage.read_models import CaseView
from tests.channels.post_office import open_post_office
from tests.world import NOON, World, served, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NUMBERS = itertools.count(1)


class BotApi:
    """Telegram's Bot API: keeps what is sent; `statuses` are answered first, then 200."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.statuses: list[int] = []

    async def take(self, request: web.Request) -> web.Response:
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.calls.append((request.path.rpartition("/")[2], await request.json()))
        return web.json_response(
            {"ok": status == 200, "result": {"message_id": next(NUMBERS)}}, status=status
        )

    def told(self, chat: int = 7001) -> list[str]:
        return [
            call["text"] for method, call in self.calls if method == "sendMessage" and call["chat_id"] == chat
        ]

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]


class Chat:
    """A buyer's chat with the shop's bot."""

    def __init__(self, shop: World, api: BotApi) -> None:
        self.shop = shop
        self.api = api

    async def update(self, **what: Any) -> None:
        body = {"update_id": 100 + next(NUMBERS), **what}
        secret = {"X-Telegram-Bot-Api-Secret-Token": "a-secret-of-the-tests"}
        url = f"{self.shop.url}/hooks/shop/telegram"
        async with self.shop.http.post(url, data=json.dumps(body), headers=secret) as response:
            assert response.status == 200

    async def send(self, chat: int = 7001, **what: Any) -> None:
        """A message, not yet handled."""
        sender = {"id": chat, "first_name": "Ann", "language_code": "zh-hans"}
        message = {"message_id": next(NUMBERS), "from": sender, "chat": {"id": chat, "type": "private"}}
        await self.update(message=message | {"date": int(self.shop.clock.now.timestamp()), **what})

    async def says(self, text: str, chat: int = 7001) -> list[str]:
        """What comes back."""
        before = len(self.api.told(chat))
        await self.send(chat, text=text)
        await self.shop.settle()
        return self.api.told(chat)[before:]


@contextlib.asynccontextmanager
async def chat_with(database_url: str, **shop: Any) -> AsyncIterator[Chat]:
    api = BotApi()
    site = web.Application()
    site.router.add_post("/{bot}/{method}", api.take)
    async with served(site) as url:
        bot = {"kind": "telegram", "token": "7:token-of-the-tests", "secrets": ["a-secret-of-the-tests"]}
        channels = {"telegram": bot | {"api": url}, **shop.pop("channels", {})}
        async with world(database_url, channels=channels, **shop) as opened:
            yield Chat(opened, api)


async def cases(shop: World) -> list[CaseView]:
    return await shop.program.parts.database.read(partial(read_models.list_cases, shop="shop"))


async def test_who_asks_for_a_person_is_answered_each_time_with_the_hours(database_url: str) -> None:
    hours = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "10:00", "end": "18:00"}
    async with chat_with(database_url, working_hours=hours) as chat:  # a Saturday
        [first] = await chat.says("转人工")
        [again] = await chat.says("有人吗？")
        [english] = await chat.says("I want to talk to a human please")
        [case] = await cases(chat.shop)

    assert "11月23日 10:00" in first
    assert first != again
    assert all(words in again for words in ("周一至周五", "10:00–18:00", "11月23日 10:00"))
    assert "Monday to Friday" in english
    assert "November 23" in english
    assert [word.text for word in case.words] == ["有人吗？", "I want to talk to a human please"]


async def test_a_caption_and_a_picture_stand_in_the_case_and_a_sticker_calls_nobody(
    database_url: str,
) -> None:
    async with chat_with(database_url) as chat:
        await chat.send(sticker={"emoji": "👍"})
        await chat.send(dice={"value": 6})
        await chat.shop.settle()
        assert (chat.api.told(), await cases(chat.shop)) == ([], [])

        await chat.send(photo=[{}], caption="找真人，杯子碎了")
        await chat.send(photo=[{}], caption="你看")
        await chat.send(photo=[{}])
        await chat.shop.settle()
        [case] = await cases(chat.shop)

    assert "人工客服" in chat.api.told()[0]
    assert len(chat.api.told()) == 2
    assert case.reason.values == {"text": "找真人，杯子碎了"}
    assert [(word.kind, word.text) for word in case.words] == [("other", "你看"), ("other", "")]


async def test_two_machines_that_answer_each_other_end(database_url: str) -> None:
    async with chat_with(database_url) as chat:
        heard, said = 0, "hello"
        for _ in range(200):
            answers = await chat.says(said)
            if not answers:
                break
            heard += len(answers)
            said = answers[-1]
        kind = chat.api.told()[-1]
        assert heard <= 21
        [case] = await cases(chat.shop)
        assert case.kind in ("human", "not_understood")
        assert kind != chat.api.told()[0]

        await chat.shop.forward(11 * MINUTE)
        assert len(chat.api.told()) == heard


async def test_two_hundred_messages_get_twenty_answers_a_kind_word_and_a_person(database_url: str) -> None:
    async with chat_with(database_url) as chat:
        for _ in range(200):
            await chat.send(text="where is my order 1001?")
        await chat.send(8008, text="hello")
        await chat.shop.settle()
        assert len(chat.api.told()) == 21
        assert len(chat.api.told(8008)) == 1
        assert [case.reason.code for case in await cases(chat.shop)] == ["too_many_answers"]

        await chat.shop.forward(11 * MINUTE)
        assert len(await chat.says("where is my order 1001?")) == 1


async def test_a_failed_attempt_is_not_overtaken_by_the_next_message(database_url: str) -> None:
    async with chat_with(database_url) as chat:
        chat.api.statuses = [500]
        assert await chat.says("hello") == []
        assert await chat.says("where is my order?") == []
        assert await chat.says("hello", chat=8008) != []
        await chat.shop.forward(10 * MINUTE)
        first, second = chat.api.told()

    assert "assistant" in first or "Ask me" in first
    assert "order number" in second


async def test_a_button_is_acknowledged_even_while_a_person_talks(database_url: str) -> None:
    async with chat_with(database_url) as chat:
        await chat.says("hello")
        origin = {"message_id": 1, "chat": {"id": 7001, "type": "private"}, "date": 1}
        press = {
            "id": "77",
            "from": {"id": 7001, "first_name": "Ann"},
            "message": origin,
            "data": "menu:hello",
        }
        await chat.update(callback_query=press)
        await chat.shop.settle()
        for _ in range(50):
            if "answerCallbackQuery" in chat.api.methods:
                break
            await chat.shop.settle()

    assert chat.api.methods.count("answerCallbackQuery") == 1


async def test_who_is_pressed_is_reminded_no_more_and_hears_the_rest(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.say("别催了")
        await shop.settle()
        await shop.place(total="130.00")  # the platform shows the order again
        await shop.forward(4 * DAY)
        states = await shop.outbox()
        [case, *_] = sorted(await cases(shop), key=lambda each: each.number)
        assert "payment_reminder" not in shop.receiver.templates
        assert {states[key] for key in states if key.startswith("payment_reminder")} <= {
            "skipped",
            "withdrawn",
        }
        assert (case.reason.code, case.reason.values["order"]) == ("asked_no_reminders", "1001")

        await shop.place("1002")
        await shop.forward(HOUR)
        assert shop.receiver.templates[-2:] == ["order_confirmation", "payment_reminder"]


async def test_who_does_not_want_to_be_pressed_is_not_about_an_order_that_is_told_after_the_words(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        placed_at = shop.clock.now
        await shop.forward(2 * MINUTE)
        await shop.say("别催了")
        await shop.settle()
        await shop.place(at=placed_at)
        await shop.forward(4 * DAY)
        assert shop.receiver.templates.count("order_confirmation") == 1
        assert "payment_reminder" not in shop.receiver.templates

        await shop.place("1002")
        await shop.forward(HOUR)
        assert shop.receiver.templates[-2:] == ["order_confirmation", "payment_reminder"]


async def test_answers_come_in_the_language_of_the_question(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        for text in ("Where is my order?", "我的訂單在哪裡？", "1001", "Wo ist meine Bestellung 1001?"):
            await shop.say(text)
            await shop.settle()

    assert [message["locale"] for message in shop.receiver.messages[1:4]] == ["en", "zh-TW", "zh-TW"]
    assert shop.receiver.messages[4]["locale"] == "zh-CN"


async def test_the_seller_is_told_in_telegram_by_mail_and_in_a_line(database_url: str) -> None:
    lines: list[Any] = []
    seller = {"telegram": "900", "locale": "en"}
    async with chat_with(database_url, seller=seller, options={"on_case": lines.append}) as chat:
        await chat.says("转人工")
        await chat.says("快一点")
        [told] = chat.api.told(900)
        assert "转人工" in told
        assert "xiaoer cases settle 1" in told
    assert [(line.shop, line.number, line.kind) for line in lines] == [("shop", 1, "human")]


async def test_where_the_sellers_chat_is_closed_the_mail_goes_on(database_url: str) -> None:
    async with open_post_office() as post:
        email = {"kind": "email", "host": "127.0.0.1", "port": post.port, "tls": "none"}
        mail = {"email": {**email, "sender": "shop@example.com"}}
        seller = {"telegram": "900", "email": "owner@example.com"}
        async with chat_with(database_url, seller=seller, channels=mail) as chat:
            await chat.send(text="转人工")
            chat.api.statuses = [403, 403]  # both the buyer and the seller have blocked the bot
            await chat.shop.settle()
            await chat.shop.settle()
    assert [letter.recipients for letter in post.letters] == [["owner@example.com"]] * 2
    told = [message_from_bytes(letter.content, policy=default) for letter in post.letters]
    assert [letter["Subject"][:5] for letter in told] == ["第 1 号", "第 2 号"]
    asked, undelivered = (letter.get_body(("plain",)).get_content() for letter in told)  # type: ignore[union-attr]
    assert "转人工" in asked
    assert "没能送到买家" in undelivered


async def test_the_seller_is_told_again_when_an_answered_case_is_asked_anew(database_url: str) -> None:
    seller = {"telegram": "900", "locale": "en"}
    async with chat_with(database_url, seller=seller) as chat:
        await chat.shop.say("转人工")
        await chat.shop.settle()
        await chat.shop.forward(MINUTE)
        message = {"id": "a1", "buyer": {"id": "ann"}, "text": "在的"}
        await chat.shop.post("agent.replied", {"message": message})
        await chat.shop.settle()
        assert [case.waits for case in await cases(chat.shop)] == [False]
        await chat.shop.forward(MINUTE)
        await chat.shop.say("杯子碎了")
        await chat.shop.settle()
        first, again = chat.api.told(900)

    assert "转人工" in first
    assert "wrote again" in again
    assert "杯子碎了" in again
    assert NOON

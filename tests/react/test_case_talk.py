"""What is said while a case is open: it stands in the case, which is answered, and asked anew."""

import itertools
from datetime import timedelta
from functools import partial

from bot.domain.events import AgentReplied, BuyerRef, MessageReceived
from storage import read_models
from storage.read_models import CaseView
from tests.engine import Engine, many_shops
from tests.world import NOON, World, world

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


async def cases(shop: World) -> list[CaseView]:
    return await shop.program.parts.database.read(partial(read_models.list_cases, shop="shop"))


async def replied(shop: World, text: str) -> None:
    message = {"id": f"a{text}", "buyer": {"id": "ann"}, "text": text}
    await shop.post("agent.replied", {"message": message})
    await shop.settle()


async def said(shop: World, text: str | None, **fields: object) -> None:
    shop.clock.now += SECOND
    message = {"id": f"m{text}{fields}", "buyer": {"id": "ann"}, "text": text, **fields}
    await shop.post("message.received", {"message": message})
    await shop.settle()


async def test_every_later_word_picture_and_caption_stands_in_the_case(database_url: str) -> None:
    async with world(database_url) as shop:
        await said(shop, "转人工")
        await said(shop, "杯子碎了")
        await shop.forward(MINUTE)
        await said(shop, "你看", kind="other")
        await said(shop, None, kind="other")
        await said(shop, "左边", media=[{"url": "https://x.example/1.jpg", "type": "image/jpeg"}])
        [case] = await cases(shop)

    assert [(word.who, word.kind, word.text) for word in case.words] == [
        ("buyer", "text", "杯子碎了"),
        ("buyer", "other", "你看"),
        ("buyer", "other", ""),
        ("buyer", "other", "左边\n[image/jpeg] https://x.example/1.jpg"),
    ]


async def test_a_persons_answer_marks_it_answered_and_later_words_reopen_it(database_url: str) -> None:
    async with world(database_url) as shop:
        await said(shop, "转人工")
        assert [case.waits for case in await cases(shop)] == [True]
        await shop.forward(MINUTE)
        await replied(shop, "我在，请说")
        assert [case.waits for case in await cases(shop)] == [False]
        await shop.forward(MINUTE)
        await said(shop, "谢谢")
        assert [case.waits for case in await cases(shop)] == [False]
        await said(shop, "什么时候补发？")
        [case] = await cases(shop)

    assert case.waits
    assert [(word.who, word.text) for word in case.words] == [
        ("person", "我在，请说"),
        ("buyer", "谢谢"),
        ("buyer", "什么时候补发？"),
    ]


async def test_our_own_words_that_a_platform_repeats_are_no_answer(database_url: str) -> None:
    async with world(database_url) as shop:
        await said(shop, "转人工")
        await replied(shop, shop.receiver.messages[-1]["text"])
        [case] = await cases(shop)

    assert case.waits
    assert case.words == ()


async def test_the_order_of_arrival_does_not_matter(database_url: str) -> None:
    chat = {"channel": "webhook", "conversation": "ann", "buyer": BuyerRef(id="ann")}
    first = MessageReceived(**chat, external_id="1", message_id="1", at=NOON, text="转人工")
    later = [
        AgentReplied(**chat, external_id="2", message_id="2", at=NOON + MINUTE, text="在"),
        MessageReceived(**chat, external_id="3", message_id="3", at=NOON + 2 * MINUTE, text="杯子碎了"),
        AgentReplied(**chat, external_id="4", message_id="4", at=NOON + 3 * MINUTE, text="给您补发"),
    ]
    seen = set()
    async with many_shops(database_url) as shops:
        for events in itertools.permutations(later):
            engine = shops.engine()
            engine.clock.now = NOON + HOUR
            await engine.take(first)
            await engine.settle()
            for event in (*events, *events):
                await engine.take(event)
                await engine.settle()
            [case] = await of(engine)
            seen.add((case.waits, case.asked_at, case.answered_at, tuple(word.text for word in case.words)))

    assert seen == {(False, NOON + 2 * MINUTE, NOON + 3 * MINUTE, ("在", "杯子碎了", "给您补发"))}


async def of(engine: Engine) -> list[CaseView]:
    return await engine.database.read(partial(read_models.list_cases, shop=engine.shop))


async def test_a_word_reopens_for_the_seller_once(database_url: str) -> None:
    lines = []
    async with world(database_url, options={"on_case": lines.append}) as shop:
        await said(shop, "转人工")
        await said(shop, "快点")
        assert [(line.number, line.kind) for line in lines] == [(1, "human")]
        await shop.forward(MINUTE)
        await replied(shop, "在")
        await shop.forward(MINUTE)
        await said(shop, "杯子碎了")
        await said(shop, "怎么办")

    assert [line.number for line in lines] == [1, 1]

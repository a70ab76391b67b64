"""Whole journeys of what buyers say after they said something else, by the understanding that is shipped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest

from storage import read_models
from tests.test_returns_in_chat import Talk, settle, shipped_understanding, talk
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
UNDERSTANDS = shipped_understanding()


@asynccontextmanager
async def two_unpaid(database_url: str, locale: str) -> AsyncIterator[Talk]:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        for number in ("1001", "1002"):
            await ann.shop.place(number, buyer=ann.ann)
            await ann.shop.forward(MINUTE)
        await ann.shop.settle()
        yield ann


async def hear(ann: Talk, text: str) -> list[str]:
    """The templates of what is answered."""
    before = len(ann.shop.receiver.messages)
    await ann.shop.forward(timedelta(seconds=20))
    await ann.shop.say(text)
    await ann.shop.settle()
    return [message["template"] for message in ann.shop.receiver.messages[before:]]


async def open_cases(ann: Talk) -> set[tuple[str, object]]:
    """Reason and order of each."""
    return {(case.reason.code, case.reason.values.get("order")) for case in await ann.cases()}


@pytest.mark.parametrize(
    ("locale", "wish", "correction", "reason"),
    [
        ("en", "please cancel order 1001", "sorry, I meant 1002", "asked_to_cancel"),
        ("zh-CN", "取消1001", "说错了，是1002", "asked_to_cancel"),
        ("zh-TW", "取消 1001", "打錯了，是 1002", "asked_to_cancel"),
        ("en", "change the address of 1001 please", "I meant order 1002", "asked_new_address"),
        ("zh-CN", "1001改地址", "说错了，是1002", "asked_new_address"),
        ("zh-TW", "1001 要改地址", "打錯了，是 1002", "asked_new_address"),
        ("en", "I paid for 1001", "oops, I meant 1002", "payment_claimed"),
        ("zh-CN", "1001付了", "打错了，是1002", "payment_claimed"),
        ("zh-TW", "1001 付款了", "打錯了，是 1002", "payment_claimed"),
    ],
)
async def test_a_wish_is_put_on_the_order_that_was_meant(
    database_url: str, locale: str, wish: str, correction: str, reason: str
) -> None:
    async with two_unpaid(database_url, locale) as ann:
        await hear(ann, wish)
        assert await open_cases(ann) == {(reason, "1001")}
        answered = await hear(ann, correction)
        assert answered
        assert "noted" not in answered
        told = set() if reason == "payment_claimed" else {("meant_another", "1001")}
        assert await open_cases(ann) == {(reason, "1002"), *told}


@pytest.mark.parametrize(
    ("locale", "wish", "correction"),
    [
        ("en", "please cancel order 1001", "sorry, I meant 1009"),
        ("zh-CN", "取消1001", "说错了，是1009"),
        ("zh-TW", "取消 1001", "打錯了，是 1009"),
    ],
)
async def test_where_the_order_is_not_known_the_case_has_both(
    database_url: str, locale: str, wish: str, correction: str
) -> None:
    async with two_unpaid(database_url, locale) as ann:
        await hear(ann, wish)
        assert await hear(ann, correction) == ["noted"]
        [case] = await ann.cases()
        assert (case.reason.values["order"], [word.text for word in case.words]) == ("1001", [correction])


KEEPS = [
    ("en", "cancel my order please", "no wait, don't cancel it"),
    ("zh-CN", "取消订单", "不取消了"),
    ("zh-CN", "取消订单", "先不要取消"),
    ("zh-TW", "取消訂單", "先不要取消"),
    ("en", "cancel my order please", "please forget about cancelling"),
    ("zh-CN", "取消订单", "算了，还是不取消了"),
    ("zh-CN", "取消订单", "我改主意了，还是要的"),
    ("zh-CN", "取消订单", "订单保留吧，别取消"),
    ("zh-TW", "取消訂單", "還是不要取消好了"),
    ("zh-TW", "取消訂單", "我改變主意了，訂單還是要"),
]


@pytest.mark.parametrize(("locale", "wish", "keeps"), KEEPS)
@pytest.mark.parametrize("cancelled", [True, False])
async def test_who_keeps_an_order_after_the_case_was_settled_hears_how_it_stands(
    database_url: str, locale: str, wish: str, keeps: str, cancelled: bool
) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.orders()
        assert await hear(ann, wish) == ["cancel_asked"]
        [case] = await ann.cases()
        await ann.shop.forward(MINUTE)
        if cancelled:
            await ann.shop.fact("cancelled", cancelled_at=ann.shop.clock.now)
        else:
            await settle(ann, case.number)
        await ann.shop.settle()
        assert await ann.cases() == []
        assert await hear(ann, keeps) == ["order_kept"]
        assert await open_cases(ann) == {("asked_to_keep", "1001")}
        text = ann.shop.receiver.messages[-1]["text"]
        assert any(word in text for word in ("cancelled", "已经取消", "已經取消")) is cancelled


@pytest.mark.parametrize(("locale", "wish", "keeps"), KEEPS)
@pytest.mark.parametrize("facts", [(), ("shipped",), ("paid", "cancelled", "refunded")], ids=str)
async def test_words_of_keeping_wish_no_cancelling_whatever_happened_to_the_order(
    database_url: str, locale: str, wish: str, keeps: str, facts: tuple[str, ...]
) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.orders(*facts[:1])
        if facts[1:]:
            assert await hear(ann, wish) == ["cancel_asked"]
            await ann.shop.fact("cancelled", cancelled_at=ann.shop.clock.now)
            await ann.shop.fact("refunded", refund="r1", amount="128.00", currency="CNY")
            await ann.shop.settle()
        assert await hear(ann, keeps) == ["order_kept"]
        assert await open_cases(ann) == {("asked_to_keep", "1001")}


@pytest.mark.parametrize("locale", ["en", "zh-CN", "zh-TW"])
async def test_who_has_no_order_to_keep_meets_no_silence(database_url: str, locale: str) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        assert await hear(ann, "don't cancel it" if locale == "en" else "先不要取消")


@pytest.mark.parametrize(
    ("locale", "yes"), [("en", "yes"), ("zh-CN", "对"), ("zh-CN", "有"), ("zh-TW", "是"), ("zh-TW", "對")]
)
async def test_a_yes_to_the_first_reminder_is_answered(database_url: str, locale: str, yes: str) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.orders()
        assert ann.last == "payment_reminder"
        assert await hear(ann, yes) == ["human_coming"]
        assert await open_cases(ann) == {("payment_failed", "1001")}


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "please cancel 1002, 1001 is paid"),
        ("zh-CN", "取消1002，1001已经付了"),
        ("zh-TW", "請取消 1002，1001 付過了"),
        ("en", "I've paid 1001 and want a refund for 1002"),
        ("zh-CN", "1001付了，1002我要退款"),
        ("zh-TW", "1001 已付款，1002 想退款"),
    ],
)
async def test_a_claim_and_a_wish_of_one_message_are_both_heard_each_of_its_order(
    database_url: str, locale: str, text: str
) -> None:
    async with two_unpaid(database_url, locale) as ann:
        assert sorted(await hear(ann, text)) == ["cancel_asked", "payment_claimed"]
        assert await open_cases(ann) == {("payment_claimed", "1001"), ("asked_to_cancel", "1002")}


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "I paid twice, please refund one"),
        ("zh-CN", "付了两次，请退一笔"),
        ("zh-TW", "重複付款了，請退一筆"),
    ],
)
async def test_a_refund_wished_beside_a_claim_stands_in_a_case(
    database_url: str, locale: str, text: str
) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.orders()
        await hear(ann, text)
        shown = await ann.shop.program.parts.database.read(partial(read_models.list_cases, shop="shop"))
        said = {case.reason.code: case.reason.values.get("text") for case in shown}
        assert said == {"paid_twice": text, "payment_claimed": text}


@pytest.mark.parametrize(
    ("locale", "claim", "too"),
    [
        ("en", "I paid for 1002", "and 1001 too"),
        ("zh-CN", "1002付了", "还有1001"),
        ("zh-TW", "1002 付款了", "還有 1001"),
    ],
)
async def test_one_more_order_is_claimed_as_well(
    database_url: str, locale: str, claim: str, too: str
) -> None:
    async with two_unpaid(database_url, locale) as ann:
        assert await hear(ann, claim) == ["payment_claimed"]
        assert await hear(ann, too) == ["payment_claimed"]
        assert await open_cases(ann) == {("payment_claimed", "1001"), ("payment_claimed", "1002")}


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        *(("en", text) for text in ("I did pay!", "but I paid already!!")),
        *(("zh-CN", text) for text in ("我明明付了", "我真的付过了", "我明明就付了")),
        *(("zh-TW", text) for text in ("我明明付了", "我真的付過了", "我明明就付過了！")),
    ],
)
async def test_a_claim_in_anger_is_a_claim_and_ends_the_reminders(
    database_url: str, locale: str, text: str
) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.orders()
        before = ann.shop.receiver.templates.count("payment_reminder")
        assert await hear(ann, text) == ["payment_claimed"]
        await ann.shop.forward(2 * DAY)
        assert ann.shop.receiver.templates.count("payment_reminder") == before


@pytest.mark.parametrize(
    ("locale", "text", "claimed"),
    [
        ("en", "I've paid for 1001 and for 1002", {"1001", "1002"}),
        ("en", "I paid 1001 and 1002", {"1001", "1002"}),
        ("zh-CN", "1001和1002都付了", {"1001", "1002"}),
        ("zh-CN", "1001没付，付的是1002", {"1002"}),
        ("zh-TW", "1001沒付，付的是1002", {"1002"}),
        ("zh-TW", "我付的是 1002", {"1002"}),
        ("en", "I've not paid 1001, I paid 1002", {"1002"}),
    ],
)
async def test_each_order_that_is_said_to_be_paid_is_claimed_and_nothing_else_is_heard(
    database_url: str, locale: str, text: str, claimed: set[str]
) -> None:
    async with two_unpaid(database_url, locale) as ann:
        assert await hear(ann, text) == ["payment_claimed"]
        assert await open_cases(ann) == {("payment_claimed", number) for number in claimed}


ASKS_YES = [
    *(("en", "has my payment arrived?", yes) for yes in ("yes", "yes please", "I did")),
    *(("zh-CN", "付款到了吗", yes) for yes in ("对", "是的", "付了")),
    *(("zh-TW", "款項收到了嗎", yes) for yes in ("對", "有付款", "有喔")),
]


@pytest.mark.parametrize(("locale", "asks", "yes"), ASKS_YES)
@pytest.mark.parametrize("reminded", [True, False])
async def test_a_yes_to_whether_it_is_paid_is_a_claim_and_ends_the_reminders(
    database_url: str, locale: str, asks: str, yes: str, reminded: bool
) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.orders()
        if reminded:
            await ann.shop.forward(3 * HOUR)
        else:
            assert await hear(ann, asks) == ["payment_status"]
        before = ann.shop.receiver.templates.count("payment_reminder")
        assert await hear(ann, yes) == ["payment_claimed"]
        assert await open_cases(ann) == {("payment_claimed", "1001")}
        await ann.shop.forward(2 * DAY)
        assert ann.shop.receiver.templates.count("payment_reminder") == before


@pytest.mark.parametrize(
    ("locale", "wish", "back"),
    [
        ("en", "cancel order 1001", "no wait, don't cancel it"),
        ("zh-CN", "取消1001", "算了，还是不取消了"),
        ("zh-TW", "取消 1001", "還是不要取消好了"),
        ("en", "cancel order 1001", "sorry, I meant 1002"),
        ("zh-CN", "取消1001", "说错了，是1002"),
        ("zh-TW", "取消 1001", "打錯了，是 1002"),
    ],
)
@pytest.mark.parametrize("pressed", [False, True])
async def test_an_order_that_is_not_to_be_cancelled_after_all_is_asked_for_again_but_of_who_was_pressed(
    database_url: str, locale: str, wish: str, back: str, pressed: bool
) -> None:
    async with two_unpaid(database_url, locale) as ann:
        if pressed:
            await hear(ann, "stop pressing me" if locale == "en" else "别催了")
        await hear(ann, wish)
        answered = await hear(ann, back)
        if answered == ["order_kept"]:
            assert "128" in ann.shop.receiver.messages[-1]["text"], "it is to be paid"
        before = len(ann.shop.receiver.messages)
        await ann.shop.forward(2 * DAY)
        reminded = {message["order"] for message in ann.shop.receiver.messages[before:]}
        assert ("1001" in reminded) is not pressed


@pytest.mark.parametrize(
    ("locale", "words", "answer"),
    [
        ("en", "I have paid for order 1001", "payment_claimed"),
        ("zh-CN", "1001已经付款了", "payment_claimed"),
        ("zh-TW", "訂單 1001 已經付款了", "payment_claimed"),
        ("en", "please cancel order 1001", "cancel_asked"),
        ("zh-CN", "取消订单1001", "cancel_asked"),
    ],
)
async def test_digits_alone_prove_the_order_that_a_stranger_named_before(
    database_url: str, locale: str, words: str, answer: str
) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.shop.place(buyer={**ann.ann, "phone": "+8613800005678"})
        await ann.shop.settle()
        told = await answers_to(ann.shop, "tablet", locale, words, "9999", "5678")
        assert told == [("which_order", None), ("not_matched", None), (answer, "1001")]


async def answers_to(shop: World, buyer: str, locale: str, *said: str) -> list[tuple[str, str | None]]:
    before = len(shop.receiver.messages)
    for text in said:
        await shop.say(text, buyer, locale=locale)
        await shop.settle()
    return [(each["template"], each.get("order")) for each in shop.receiver.messages[before:]]


@pytest.mark.parametrize(
    ("locale", "wish", "question", "promise", "honest"),
    [
        ("en", "please cancel my order", "when do you ship?", "send it by", "been asked to cancel"),
        ("zh-CN", "取消订单吧", "什么时候发货", "最晚", "取消申请还在处理"),
        ("zh-TW", "我要取消訂單", "什麼時候出貨", "最晚", "取消申請還在處理"),
    ],
)
async def test_no_day_is_promised_while_an_order_may_be_cancelled(
    database_url: str, locale: str, wish: str, question: str, promise: str, honest: str
) -> None:
    async with talk(database_url, locale, by=UNDERSTANDS) as ann:
        await ann.shop.place(buyer=ann.ann)
        await ann.shop.settle()
        assert await hear(ann, wish) == ["cancel_asked"]
        await ann.shop.fact("paid", amount="128.00", currency="CNY")
        await hear(ann, question)
        paid, answered = (message["text"] for message in ann.shop.receiver.messages[-2:])
        assert [honest in text for text in (paid, answered)] == [True, True]
        assert promise not in paid + answered
        (case,) = [each for each in await ann.cases() if each.reason.code == "asked_to_cancel"]
        await settle(ann, case.number)
        await ann.shop.forward(HOUR)
        await hear(ann, question)
        assert promise in ann.shop.receiver.messages[-1]["text"]

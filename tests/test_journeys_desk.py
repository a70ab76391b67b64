"""The seller's own chat: a case comes there, the answer goes to the buyer, and the bot is silent; nothing
twice."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bot.channels import Outgoing
from bot.domain.errors import TemplateError
from bot.domain.events import BuyerRef, MessageReceived
from bot.domain.knowledge import Entry
from bot.operations.audit.audit import audit
from bot.seller.canned import Sent, send_reply
from bot.seller.explanation import explain
from bot.seller.words import SellerWords
from bot.texts.catalogue import Catalogue
from storage import read_models
from storage.read_models import CaseView
from storage.unit import Unit
from tests.engine import WEBHOOK, Buyer, FakeChannel, ManyShops, many_shops
from tests.world import NOON

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DESK, STRANGER = "777", "778"
CHANNELS = {
    "telegram": {
        "kind": "telegram",
        "secrets": ["a-secret-that-is-only-for-tests"],
        "token": "123456:a-token-only-for-tests",
    }
}


class Bot(FakeChannel):
    """Telegram names its messages by the chat and a number."""

    async def send(self, message: Outgoing) -> str | None:
        await super().send(message)
        return f"{message.address}:{len(self.sent)}"


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


class Desk:
    """A shop whose seller has a chat with its bot; what its buyers get, and what the seller gets."""

    def __init__(self, shops: ManyShops, locale: str = "zh-CN", **more: Any) -> None:
        quiet = {"start": "00:00", "end": "00:00"}
        seller = {"telegram": DESK, "locale": locale, "remind": []}
        about = {"channels": CHANNELS, "seller": seller, "quiet_hours": quiet, "locale": locale}
        self.engine = shops.engine(**about, **more)
        self.door, self.bot = FakeChannel(WEBHOOK, self.engine.clock), Bot("telegram", self.engine.clock)
        self.engine.use_channels(self.door, self.bot)
        self.ann = Buyer(locale=locale)
        self.numbers = itertools.count(100)

    async def ann_says(self, text: str, after: timedelta = MINUTE) -> None:
        self.engine.clock.now += after
        await self.engine.take(self.ann.says(text, self.engine.clock.now))
        await self.engine.settle()

    async def seller_says(self, text: str, times: int = 1, **known: Any) -> None:
        self.engine.clock.now += MINUTE
        number = str(next(self.numbers))
        chat = known.pop("chat", DESK)
        event = MessageReceived(
            channel="telegram",
            external_id=number,
            at=self.engine.clock.now,
            conversation=chat,
            buyer=BuyerRef(id=chat, name="Lin"),
            message_id=f"{chat}:{number}",
            text=text,
            **known,
        )
        for _ in range(times):
            await self.engine.take(event)
            await self.engine.settle()

    def audited(self) -> list[str]:
        shops = {self.engine.shop: self.engine.settings}
        found = audit(self.engine.database, shops, self.engine.clock.now + HOUR)
        return [finding.code for finding in found]

    def told(self) -> list[str]:
        return [one.message.text for one in self.bot.sent]

    def heard(self) -> list[str]:
        return [one.message.text for one in self.door.sent]

    async def case(self) -> CaseView:
        listed = partial(read_models.list_cases, shop=self.engine.shop, open_only=False)
        [case] = await self.engine.database.read(listed)
        return case


def notice(desk: Desk) -> str:
    """What the platform calls the first notice."""
    return f"{DESK}:1" if desk.bot.sent else ""


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en"])
async def test_an_answer_in_the_sellers_chat_reaches_the_buyer_once_and_silences_the_bot(
    shops: ManyShops, locale: str
) -> None:
    desk = Desk(shops, locale)
    await desk.ann_says("转人工")
    assert len(desk.told()) == 1
    spoken = len(desk.heard())

    await desk.seller_says("Hello Ann,\nwe sent it today.", times=3, reply_to=notice(desk))
    assert desk.heard()[spoken:] == ["Hello Ann,\nwe sent it today."]
    assert len(desk.told()) == 2  # and the seller is told that it went out
    case = await desk.case()
    assert not case.waits
    assert [(word.who, word.text) for word in case.words] == [("person", "Hello Ann,\nwe sent it today.")]

    await desk.ann_says("我的包裹到哪了")
    assert len(desk.heard()) == spoken + 1  # the bot is silent
    assert (await desk.case()).waits
    await desk.ann_says("你好", 3 * HOUR)
    assert len(desk.heard()) == spoken + 2  # and speaks again


async def test_a_case_is_settled_with_a_sum_and_the_buyer_is_told(shops: ManyShops) -> None:
    desk = Desk(shops, "en")
    await desk.ann_says("agent please")

    await desk.seller_says("/case 1 refund 15.00 Sorry about that!", times=2)
    assert "15.00" in desk.heard()[-1]
    assert "Sorry about that!" in desk.heard()[-1]
    assert (await desk.case()).closed_at is not None
    heard = len(desk.heard())

    await desk.seller_says("/case 1 done")
    assert "before" in desk.told()[-1]
    assert len(desk.heard()) == heard


async def test_a_refund_is_told_in_the_money_that_the_order_was_paid_in(shops: ManyShops) -> None:
    desk = Desk(shops, "en")
    total = {"total": "12.00", "postage": "0.00", "currency": "EUR"}
    order = {"id": "1001", "placed_at": NOON, "buyer": desk.ann.ref, **total}
    await desk.engine.take(desk.ann.event("order.placed", {"order": order}, NOON))
    paid = {"id": "1001", "paid_at": NOON, "amount": "12.00", "currency": "EUR"}
    await desk.engine.take(desk.ann.event("order.paid", {"order": paid}, NOON))
    await desk.ann_says("I want to talk to a person")
    await desk.seller_says("/case 1 refund 10.00")
    assert "€10.00" in desk.heard()[-1]


async def test_the_bot_is_switched_off_and_on_in_a_buyers_chat(shops: ManyShops) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    await desk.seller_says("/bot off", reply_to=notice(desk))
    heard = len(desk.heard())
    await desk.ann_says("你好")
    assert len(desk.heard()) == heard

    await desk.seller_says("/bot on 1")
    await desk.ann_says("你好")
    assert len(desk.heard()) == heard + 1
    assert (await desk.case()).waits  # to switch the bot is no answer
    assert desk.audited() == []


async def test_what_waited_while_a_person_talked_is_said_once_the_chat_is_given_back(
    shops: ManyShops,
) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    await desk.seller_says("在", reply_to=notice(desk))
    since = desk.engine.clock.now - desk.ann.at
    parcel = desk.ann.fact("shipped", since, tracking="SF1", shipped_at=desk.engine.clock.now)
    await desk.engine.take(desk.ann.placed(pay_on_delivery=True), parcel)
    await desk.engine.settle()
    assert "SF1" not in "".join(desk.heard())

    await desk.seller_says("/bot on 1")
    assert "SF1" in "".join(desk.heard())
    assert desk.audited() == []


async def test_an_answer_to_a_persons_word_is_a_case_again_though_the_one_before_was_settled(
    shops: ManyShops,
) -> None:
    desk = Desk(shops, "en")
    await desk.ann_says("agent please")
    await desk.seller_says("Which colour do you want?", reply_to=notice(desk))
    await desk.seller_says("/case 1 done")
    told, heard = len(desk.told()), len(desk.heard())
    await desk.ann_says("The blue one")
    await desk.ann_says("and gift wrapped")

    assert ["The blue one" in each for each in desk.told()[told:]] == [True]  # the rest stands there
    assert len(desk.heard()) == heard
    assert desk.audited() == []


async def test_a_bot_that_may_speak_again_after_a_persons_word_speaks_over_nobody(shops: ManyShops) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    await desk.seller_says("在", reply_to=notice(desk))
    await desk.seller_says("/bot on 1")
    heard = len(desk.heard())
    await desk.ann_says("你好")

    assert len(desk.heard()) == heard + 1
    assert desk.audited() == []


async def test_a_case_is_shown_with_every_word_since(shops: ManyShops) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    await desk.ann_says("杯子碎了怎么办呀")
    await desk.seller_says("/case 1")

    assert "杯子碎了怎么办呀" in desk.told()[-1]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("just a thought", {}),
        ("/case 9 hello", {}),
        ("/case", {}),
        ("/case 1 refund much", {}),
        ("/case 1 refund 0", {}),
        ("/anything", {}),
        ("changed", {"kind": "edit", "reply_to": f"{DESK}:1"}),
        ("look", {"kind": "other", "reply_to": f"{DESK}:1"}),
    ],
)
async def test_what_is_not_understood_is_sent_to_nobody_and_the_seller_reads_why(
    shops: ManyShops, text: str, known: dict[str, Any]
) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    heard, told = len(desk.heard()), len(desk.told())

    await desk.seller_says(text, **known)
    assert len(desk.heard()) == heard
    assert len(desk.told()) == told + 1
    assert (await desk.case()).waits


async def test_nobody_else_may_command(shops: ManyShops) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    heard = len(desk.heard())

    await desk.seller_says("/case 1 refund 15.00", chat=STRANGER, reply_to=notice(desk))
    assert len(desk.heard()) == heard
    [first, *_] = await desk.engine.database.read(
        partial(read_models.list_cases, shop=desk.engine.shop, open_only=True)
    )
    assert all(case.closed_at is None for case in [first])


async def test_a_word_that_looks_like_ours_still_counts_as_a_persons(shops: ManyShops) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    await desk.seller_says(desk.heard()[-1], reply_to=notice(desk))

    assert not (await desk.case()).waits


async def test_two_answers_in_one_breath_go_to_the_two_buyers_they_are_for(shops: ManyShops) -> None:
    desk = Desk(shops)
    bob = Buyer(id="bob", locale="zh-CN")
    await desk.ann_says("转人工")
    desk.engine.clock.now += MINUTE
    await desk.engine.take(bob.says("转人工", desk.engine.clock.now))
    await desk.engine.settle()
    at = desk.engine.clock.now

    first, second = (
        MessageReceived(
            channel="telegram",
            external_id=str(number),
            at=at,
            conversation=DESK,
            buyer=BuyerRef(id=DESK),
            message_id=f"{DESK}:{number}",
            text=f"answer {number}",
            reply_to=f"{DESK}:{number}",
        )
        for number in (1, 2)
    )
    await desk.engine.take(first, second)
    await desk.engine.settle()

    sent = [(one.message.address, one.message.text) for one in desk.door.sent[-2:]]
    assert sorted(sent) == [("ann", "answer 1"), ("bob", "answer 2")]


async def test_the_buyer_hears_the_seller_while_a_person_talks(shops: ManyShops) -> None:
    desk = Desk(shops)
    await desk.ann_says("转人工")
    await desk.seller_says("一", reply_to=notice(desk))
    await desk.seller_says("二", reply_to=notice(desk))

    assert desk.heard()[-2:] == ["一", "二"]
    assert desk.audited() == []


# Replies that were written down before

ENTRIES = {
    each.short.casefold(): each
    for each in (
        Entry(
            id="wrap",
            short="Wrap",
            answers={"en": "We wrap gifts for free.\nJust tell us.", "zh-CN": "免费包装。"},
        ),
        Entry(id="late", short="late", answers={"en": "Order {{ order.number }} leaves today."}),
    )
    if each.short
}


def with_replies(desk: Desk) -> Desk:
    desk.engine.build(replies=lambda shop, day: ENTRIES)
    return desk


async def test_a_reply_that_was_written_down_is_sent_by_its_name(shops: ManyShops) -> None:
    desk = with_replies(Desk(shops, "en"))
    await desk.ann_says("agent please")
    spoken = len(desk.heard())

    await desk.seller_says("/say")
    assert desk.told()[-1] == "/say NAME sends one to the buyer. There are: Wrap, late."
    await desk.seller_says("/say wrap 1", times=2)
    await desk.seller_says("/say WRAP", reply_to=notice(desk))
    assert desk.heard()[spoken:] == ["We wrap gifts for free.\nJust tell us."] * 2
    assert not (await desk.case()).waits

    await desk.seller_says("/say nothing 1")
    assert desk.told()[-1] == 'There is no reply of that name ("nothing"); /say lists them.'
    await desk.seller_says("/say wrap")
    assert "case NUMBER" in desk.told()[-1] or "/case" in desk.told()[-1]
    assert len(desk.heard()) == spoken + 2
    assert desk.audited() == []


async def test_a_reply_with_a_blank_is_sent_only_where_its_order_is_known(shops: ManyShops) -> None:
    desk = with_replies(Desk(shops, "en"))
    await desk.ann_says("agent please")
    spoken = len(desk.heard())
    await desk.seller_says("/say late 1")
    assert desk.told()[-1].startswith('Nothing was sent: "late" has a blank')
    assert len(desk.heard()) == spoken
    assert (await desk.case()).waits

    await desk.engine.take(desk.ann.placed())
    await desk.engine.settle()
    spoken = len(desk.heard())
    await desk.seller_says("/say late 1")
    assert desk.heard()[spoken:] == ["Order 1001 leaves today."]


async def test_a_reply_is_sent_from_the_command_line_alike(shops: ManyShops) -> None:
    desk = Desk(shops, "en")
    await desk.ann_says("agent please")
    engine = desk.engine
    policy = engine.program.parts.rules.policies["from_person"]

    async def send(number: int, words: str) -> Sent:
        unit = partial(Unit, shop_id=engine.shop, shop=engine.settings, now=engine.clock.now)
        said = ENTRIES.get(words, words)
        return await engine.database.write(
            lambda link: send_reply(unit(connection=link), Catalogue(), policy, number, said, "command:lin")
        )

    assert await send(9, "wrap") is Sent.UNKNOWN
    with pytest.raises(TemplateError):
        await send(1, "late")
    spoken = len(desk.heard())
    assert await send(1, "wrap") is Sent.DONE
    await engine.settle()
    assert desk.heard()[spoken:] == ["We wrap gifts for free.\nJust tell us."]
    assert not (await desk.case()).waits
    key = next(each for each in await engine.outbox() if each.startswith("from_person"))
    told = await engine.database.read(
        lambda link: explain(link, engine.shop, engine.settings, SellerWords("en"), key)
    )
    assert told is not None
    assert told.sections[0].lines[0].startswith("lin wrote this on")
    await desk.ann_says("where is my parcel")
    assert len(desk.heard()) == spoken + 1  # the bot is silent
    assert (await desk.case()).case.owes_word
    await desk.seller_says("/case 1 done")
    assert "has heard nothing of this" in desk.told()[-1]
    assert await send(1, "It leaves tomorrow.") is Sent.DONE
    await engine.settle()
    assert desk.heard()[spoken + 1 :] == ["It leaves tomorrow."]
    assert desk.audited() == []

"""Journeys of buyers who need a person: complaints until they are decided, and words to the seller until
somebody answers; in three languages."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning, Understanding
from bot.seller.settle import Settled, settle_case
from handlers.reading import read
from storage import read_models
from storage.read_models import CaseView
from tests.engine import WEBHOOK, Buyer, Engine, FakeChannel, ManyShops, many_shops
from tests.world import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MAIL = {"email": {"kind": "email", "host": "127.0.0.1", "tls": "none", "sender": "tea@shop.example"}}
SELLER, OWNER = "lin@shop.example", "owner@shop.example"
LANGUAGES = ("zh-CN", "zh-TW", "en")
COMPLAINS = {
    "zh-CN": "杯子碎了，我要投诉",
    "zh-TW": "杯子破了，我要客訴",
    "en": "The mug is broken. I want to complain",
}
THANKS = {"zh-CN": "谢谢", "zh-TW": "謝謝", "en": "thanks"}
AGAIN = {
    "zh-CN": "还是坏的，我要投诉",
    "zh-TW": "這樣不夠",
    "en": "no, I'm not happy with that",
}


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


def understood(event: MessageReceived, locale: str, *before: Any) -> Understanding:
    """As what is learned would read a complaint."""
    if any(word in event.text for word in ("投诉", "客訴", "complain")):
        return Understanding("hand_over", (Meaning("complaint", 0.9),))
    return read(event, locale)


def shop_of(
    shops: ManyShops, locale: str = "zh-CN", **settings: Any
) -> tuple[Engine, FakeChannel, FakeChannel]:
    seller = {"email": SELLER, "owner": OWNER, "locale": locale, **settings.pop("seller", {})}
    quiet = {"start": "00:00", "end": "00:00"}
    engine = shops.engine(channels=MAIL, seller=seller, quiet_hours=quiet, locale=locale, **settings)
    engine.use_rules(msgspec.structs.replace(engine.program.parts.rules, understand=understood))
    door, mail = FakeChannel(WEBHOOK, engine.clock), FakeChannel("email", engine.clock)
    engine.use_channels(door, mail)
    return engine, door, mail


async def say(engine: Engine, ann: Buyer, text: str, after: timedelta = MINUTE) -> None:
    engine.clock.now += after
    await engine.take(ann.says(text, engine.clock.now))
    await engine.settle()


async def settle(engine: Engine, number: int, outcome: str | None = None) -> Settled:
    done = await engine.database.write(
        partial(
            settle_case,
            shop=engine.shop,
            number=number,
            confirmed=False,
            now=engine.clock.now,
            by="command:test",
            outcome=outcome,
        )
    )
    await engine.settle()
    return done


async def cases(engine: Engine) -> list[CaseView]:
    return await engine.database.read(partial(read_models.list_cases, shop=engine.shop, open_only=False))


async def forward(engine: Engine, until: datetime) -> None:
    await engine.simulation.advance(until)


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_a_complaint_from_the_first_word_to_the_second_decision(shops: ManyShops, locale: str) -> None:
    engine, door, mail = shop_of(shops, locale)
    ann = Buyer(locale=locale)
    await engine.take(ann.placed(), ann.paid())
    await engine.settle()
    door.sent.clear()

    await say(engine, ann, COMPLAINS[locale])
    [taken] = [one.message for one in door.sent]
    assert taken.template == "complaint_taken"
    assert "1" in taken.text
    [letter] = [one.message for one in mail.sent]
    assert letter.address == SELLER  # a first complaint is no matter for the owner
    assert "1001" in letter.text

    assert await settle(engine, 1, "OK: 40 + 2") is Settled.DONE
    assert await settle(engine, 1, "OK: 40 + 2") is Settled.DONE  # twice is once
    assert [one.message.template for one in door.sent[1:]] == ["complaint_settled"]
    assert "OK: 40 + 2" in door.sent[-1].message.text

    await say(engine, ann, THANKS[locale], HOUR)
    assert [case.closed_at is None for case in await cases(engine)] == [False]

    mail.sent.clear()
    await say(engine, ann, AGAIN[locale], HOUR)
    [case] = await cases(engine)  # the same one
    assert case.waits
    assert door.sent[-1].message.template == "complaint_taken"
    assert {one.message.address for one in mail.sent} == {SELLER, OWNER}

    assert await settle(engine, 1, "OK: a new one") is Settled.DONE
    assert "OK: a new one" in door.sent[-1].message.text
    told = [one.message.key for one in door.sent if one.message.template == "complaint_settled"]
    assert told == ["complaint_settled:1:0", "complaint_settled:1:1"]


async def test_a_complaint_that_nobody_decides_is_warned_of_and_then_the_owner_hears(
    shops: ManyShops,
) -> None:
    engine, _, mail = shop_of(shops, seller={"remind": []})
    ann = Buyer()
    await say(engine, ann, COMPLAINS["zh-CN"])
    mail.sent.clear()

    await forward(engine, NOON + 6 * DAY)  # a Saturday's is due on Wednesday
    told = [(one.message.address, one.at.date().day) for one in mail.sent]
    assert told == [(SELLER, 24), (SELLER, 25), (OWNER, 25)]


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_the_seller_is_told_again_with_every_word_since_until_somebody_answers(
    shops: ManyShops, locale: str
) -> None:
    engine, _, mail = shop_of(shops, locale)
    ann = Buyer(locale=locale)
    await engine.take(ann.placed(), ann.paid())
    await engine.settle()
    await say(engine, ann, "转人工")
    await say(engine, ann, "are you there?")
    assert len(mail.sent) == 1
    assert "128" in mail.sent[0].message.text  # how the order stands

    await forward(engine, NOON + 3 * HOUR)
    assert len(mail.sent) == 3
    assert "are you there?" in mail.sent[-1].message.text

    await engine.take(ann.is_answered_by_a_person("我在", engine.clock.now))
    await forward(engine, NOON + 3 * DAY)
    assert len(mail.sent) == 3

    await say(engine, ann, "还有一个问题", HOUR)
    await forward(engine, engine.clock.now + HOUR)
    assert len(mail.sent) == 5  # told at once, and again after half an hour


async def test_while_a_person_talks_the_bot_is_silent_and_the_buyer_who_asks_for_one_is_on_the_list(
    shops: ManyShops,
) -> None:
    engine, door, _ = shop_of(shops)
    ann = Buyer()
    await engine.take(ann.is_answered_by_a_person("您好，我是小林", engine.clock.now))
    await engine.settle()

    await say(engine, ann, "转人工")
    assert door.sent == []
    [(shop, case)] = await engine.database.read(partial(read_models.who_waits, shops=[engine.shop]))
    assert (shop, case.who) == (engine.shop, "webhook:ann")


async def test_out_of_hours_and_on_holidays_the_buyer_reads_when_somebody_is_back(shops: ManyShops) -> None:
    hours = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "10:00", "end": "18:00"}
    engine, door, _ = shop_of(shops, working_hours=hours, days_off=["2026-11-23"])
    ann = Buyer(timezone="Asia/Shanghai")

    await say(engine, ann, "转人工")  # on a Saturday, before a Monday that is off
    assert "11月24日" in door.sent[-1].message.text

"""Stories: what a seller reads about a message that was sent, held, taken back or given up."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.domain.errors import DeliveryDelayed
from bot.domain.events import AnyEvent
from bot.domain.shop import LOCALES
from bot.seller.canned import send_reply
from bot.seller.explanation import Explanation, as_text, explain
from bot.seller.explanation_words import ExplanationWords
from bot.seller.words import SellerWords
from handlers.routes import POLICIES, ROUTES
from storage import read_models
from storage.tables import inbox, outbox
from storage.unit import Unit
from tests.engine import Buyer, Engine, ManyShops, many_shops
from tests.world import NOON, World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
BARE = re.compile(r"(?m)^\s*\w+ \(\w+=|\bNone\b(?!:)|\{[{%]")  # what is shown where words are missing
SPRING = {
    "vip": {"tiers": [{"name": "gold", "orders": 1}]},
    "promotions": {
        "spring": {
            "tier": "gold",
            "cron": "0 10 * * *",
            "start": "2026-11-21",
            "end": "2026-12-01",
            "offer": "九折",
        }
    },
}


def story(shop: World, name: str, locale: str = "en") -> Explanation:
    found = shop.program.parts.database.read_now(
        lambda link: explain(
            link,
            "shop",
            shop.program.parts.config.shops["shop"],
            SellerWords(locale, SHANGHAI),
            name,
            shop.program.parts.catalogue,
            shop.clock.now,
        )
    )
    assert found is not None
    return found


def all_names(shop: World) -> list[str]:
    listed = shop.program.parts.database.read_now(
        lambda link: read_models.messages(link, "shop", read_models.MessageFilter(), limit=200)
    )
    return [message.name for message in listed]


def keys_of(shop: World) -> list[str]:
    listed = shop.program.parts.database.read_now(
        lambda link: read_models.messages(link, "shop", read_models.MessageFilter(), limit=200)
    )
    return [message.key for message in listed]


def chapter(of: Explanation, title: str) -> str:
    [lines] = [each.lines for each in of.sections if each.title == title]
    return "\n".join(lines)


async def test_a_sent_message_tells_event_rule_words_facts_and_text(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()

        told_of = story(shop, "order_confirmation:1001")

        assert told_of.title == "order confirmation: sent"
        assert "order 1001 was placed (through webhook)" in chapter(told_of, "What happened")
        assert "journey.follow" in chapter(told_of, "Which rule")
        decided = chapter(told_of, "What was decided")
        assert "zh-CN/order_confirmation.txt, version" in decided
        assert "November 21, 12:00" in decided
        facts = chapter(told_of, "What was known when it was looked at last")
        assert "Order 1001: not paid." in facts
        assert "0 of 6 allowed" in facts
        assert "Quiet hours: 22:00 to 08:00" in facts
        assert "webhook: taken" in chapter(told_of, "Attempts")
        assert chapter(told_of, "What was said") == shop.receiver.messages[0]["text"]


async def test_what_was_read_together_is_told_together(database_url: str) -> None:
    async with world(database_url, chat={"settle": "4s"}) as shop:
        for text in ("你好", "在吗", "转人工"):
            await shop.say(text)
            await shop.forward(timedelta(seconds=1))
        await shop.forward(timedelta(seconds=4))
        await shop.say("转人工")
        await shop.forward(timedelta(seconds=4))
        [first, again] = sorted(all_names(shop))

        happened = chapter(story(shop, first), "What happened").splitlines()

        told = [line.partition(": ")[2] for line in happened[:3]]
        assert [text in line for text, line in zip(("你好", "在吗", "转人工"), told, strict=True)] == [
            True
        ] * 3
        assert ["read together" in line for line in told] == [True, True, False]
        assert "read together" not in chapter(story(shop, again), "What happened")
        for locale in LOCALES:
            assert "你好" in as_text(story(shop, first, locale))


async def test_a_reminder_that_was_taken_back_tells_why(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.settle()

        told_of = story(shop, "payment_reminder:1001:1")

        assert "order 1001 is paid (November 21, 12:00" in chapter(told_of, "What became of it")
        assert "nothing was handed to a platform" in chapter(told_of, "Attempts")
        assert told_of.text is None


async def test_a_message_held_at_night_tells_the_limit_and_what_it_will_say(database_url: str) -> None:
    async with world(database_url, now=NOON + 14 * HOUR) as shop:
        await shop.place()
        await shop.settle()  # the confirmation goes out at once
        await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.settle()

        told_of = story(shop, f"payment_received:1001:{shop.clock.now:%Y%m%dT%H%M%S.%f}-12800CNY")

        outcome = chapter(told_of, "What became of it")
        assert "Quiet hours where the buyer lives (Asia/Shanghai)" in outcome
        assert "quiet_hours in your settings" in outcome
        assert "looked at again on November 22, 8:00" in outcome
        assert "1001" in chapter(told_of, "What it would say now")
        assert len(shop.receiver.messages) == 1


async def test_a_message_not_sent_after_stop_tells_whose_word_it_was(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.say("退订")
        await shop.forward(30 * MINUTE)

        told_of = story(shop, "payment_reminder:1001:1")

        assert told_of.message.state == "skipped"
        assert "the buyer asked us to stop" in chapter(told_of, "What became of it")
        assert "The buyer had asked us to stop." in as_text(told_of)


async def test_every_attempt_is_told_with_its_time_and_outcome(database_url: str) -> None:
    async with world(database_url) as shop:
        answers = iter([503, 429, 200])
        shop.receiver.answers = lambda message: next(answers)
        await shop.place()
        await shop.forward(15 * MINUTE)

        tried = chapter(story(shop, "order_confirmation:1001"), "Attempts").splitlines()

        assert re.fullmatch(r"1\. November 21, 12:00\sPM, webhook: not taken for now \(.*503.*\)", tried[0])
        assert re.fullmatch(r"2\. November 21, 12:\d\d\sPM, webhook: not taken for now \(.*429.*\)", tried[1])
        assert re.fullmatch(r"3\. November 21, 12:\d\d\sPM, webhook: taken", tried[2])


async def test_an_answer_tells_what_the_buyer_wrote(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.say("你好")
        await shop.settle()
        [name] = all_names(shop)

        told_of = story(shop, name)

        assert 'the buyer wrote: "你好"' in chapter(told_of, "What happened")
        assert "As an answer in the chat webhook:ann." in chapter(told_of, "What was decided")


async def test_a_promotion_tells_of_the_calendar_and_of_the_consent(database_url: str) -> None:
    async with promoted(database_url) as shop:
        [name] = [each for each in all_names(shop) if story(shop, each).message.template == "vip_promotion"]

        told_of = story(shop, name)

        assert 'The campaign "spring" came to this buyer' in chapter(told_of, "What happened")
        assert "once to every buyer it is for" in chapter(told_of, "Which rule")
        assert "The buyer had agreed to offers." in as_text(told_of)
        assert "0 of 1 allowed" in as_text(told_of)


async def test_a_persons_words_tell_who_sent_them_and_for_which_case(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.say("转人工", buyer="ann")
        await shop.settle()
        parts = shop.program.parts
        settings, policy = parts.config.shops["shop"], POLICIES["from_person"]
        await parts.database.write(
            lambda link: send_reply(
                Unit(link, "shop", settings, shop.clock.now),
                parts.catalogue,
                policy,
                1,
                "好的。",
                "command:lin",
            )
        )
        await shop.settle()

        (name,) = (name for name in keys_of(shop) if name.startswith("from_person"))
        told = as_text(story(shop, name))
        assert "lin wrote this on November 21, 12:00" in told
        assert "for case 1." in told
        assert "campaign" not in told


async def test_what_is_unknown_has_no_story(database_url: str) -> None:
    async with world(database_url) as shop:
        words = SellerWords("en", SHANGHAI)
        settings = shop.program.parts.config.shops["shop"]
        for name in (
            "1",
            "shop-1",
            "order_confirmation:1",
            "",
            "\x00",
            "\ud800",
            "9" * 30,
            "shop-" + "9" * 19,
        ):
            look = partial(explain, shop_id="shop", shop=settings, words=words, name=name)
            assert shop.program.parts.database.read_now(look) is None


async def test_a_story_is_told_though_its_event_is_gone(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.program.parts.database.write(lambda link: link.execute(inbox.delete()))

        assert "no longer kept" in as_text(story(shop, "order_confirmation:1001"))


async def test_a_story_is_told_though_no_facts_were_written(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.program.parts.database.write(
            lambda link: link.execute(outbox.update().values(facts="{}", reason=None))
        )

        assert "order confirmation: sent" in as_text(story(shop, "order_confirmation:1001"))


@asynccontextmanager
async def promoted(database_url: str) -> AsyncIterator[World]:
    async with world(database_url, **SPRING) as shop:
        await shop.place()
        await shop.fact("paid", paid_at=NOON, amount="128.00", currency="CNY")
        agreeing = {"id": "ann", "timezone": "Asia/Shanghai", "agrees": True}
        await shop.post("buyer.updated", {"buyer": agreeing})
        await shop.forward(DAY + 10 * HOUR)
        yield shop


@pytest.mark.parametrize("locale", LOCALES)
async def test_no_story_has_a_gap_in_any_language(locale: str, tmp_path: Path) -> None:
    async with promoted(f"sqlite:///{tmp_path / 'shop.db'}") as shop:
        await shop.place("1002", buyer="bob", number="A/2")
        await shop.say("我的快递到哪了？", buyer="bob")
        shop.receiver.answers = lambda message: 400
        await shop.fact("shipped", "1001", shipped_at=shop.clock.now, carrier="顺丰", tracking="SF1")
        await shop.settle()
        names = all_names(shop)

        stories = [as_text(story(shop, name, locale)) for name in names]

        assert len(stories) > 8
        states = {story(shop, name).message.state for name in names}
        assert states >= {"sent", "failed", "queued", "withdrawn"}
        assert [line for text in stories for line in text.splitlines() if BARE.search(line)] == []
        if locale != "en":
            assert not any("What happened" in text for text in stories)


def words_of(locale: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(
        files("templates").joinpath(locale, "seller.yaml").read_text("utf-8")
    )
    return loaded


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_tells_the_same_things_with_the_same_values(locale: str) -> None:
    ours, english = words_of(locale), words_of("en")
    variable = re.compile(r"\{\{ (\w+)")

    for table, sentences in {**english["story"], "audit": english["audit"]}.items():
        mine = ours["audit"] if table == "audit" else ours["story"][table]
        assert set(mine) == set(sentences), table
        for name, sentence in sentences.items():
            assert set(variable.findall(mine[name])) == set(variable.findall(sentence)), (table, name)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_event_and_every_rule_that_speaks_has_words(locale: str) -> None:
    words = ExplanationWords(SellerWords(locale))
    events = {str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)}
    rules = {route.name for route in ROUTES} - {"routes.note"} | {"cases"}

    assert {event for event in events if not words.has("events", event)} == set()
    assert {rule for rule in rules if not words.has("rules", rule)} == set()


def test_moments_are_told_in_the_sellers_zone() -> None:
    words = ExplanationWords(SellerWords("en", ZoneInfo("America/New_York")))

    line = words.say("lines", "settled", {"settled_at": datetime(2026, 11, 21, 4, 0, tzinfo=UTC)})

    assert "November 20" in line


# What waits, and what did not go out


@pytest.fixture
async def shops(tmp_path: Path) -> AsyncIterator[ManyShops]:
    async with many_shops(f"sqlite:///{tmp_path / 'shop.db'}") as opened:
        yield opened


def told_of(engine: Engine, name: str) -> str:
    words = SellerWords("en", ZoneInfo("Asia/Shanghai"))
    texts = engine.program.parts.catalogue
    found = engine.database.read_now(
        lambda link: explain(link, engine.shop, engine.settings, words, name, texts, engine.clock.now)
    )
    assert found
    return as_text(found)


async def test_what_waits_behind_another_message_is_not_said_to_be_early(shops: ManyShops) -> None:
    """Nothing listens at `url`: the confirmation is tried again, and the answers to this buyer wait behind
    it."""
    engine = shops.engine()
    engine.fail_with(DeliveryDelayed("nobody answers"))
    ann = Buyer("ann", "1001")
    await engine.take(ann.placed())
    await engine.settle()
    await engine.simulation.advance(NOON + 2 * MINUTE)
    asked = ann.says("什么时候发货？", engine.clock.now)
    await engine.take(asked)
    await engine.settle()
    await engine.simulation.advance(NOON + 2 * MINUTE + timedelta(seconds=1))
    story = told_of(engine, f"when_ship:webhook:{asked.external_id}")
    assert "Its time had not come" not in story
    assert "looked at again" not in story
    assert 'It waits behind "order confirmation" (order_confirmation:1001)' in story


async def test_what_nobody_has_read_was_not_said(shops: ManyShops) -> None:
    engine = shops.engine()
    engine.fail_with(DeliveryDelayed("nobody answers"))
    await engine.take(Buyer("ann", "1001").placed())
    await engine.settle()
    assert "What was said" not in told_of(engine, "order_confirmation:1001")


async def test_what_waits_for_a_full_channel_says_so(shops: ManyShops) -> None:
    engine = shops.engine()
    await engine.take(Buyer("ann", "1001").placed())
    await engine.react()
    waits = outbox.update().where(outbox.c.shop == engine.shop, outbox.c.key == "order_confirmation:1001")
    story_before = told_of(engine, "order_confirmation:1001")
    await engine.database.write(lambda link: link.execute(waits.values(channel="webhook")))
    assert "Its turn comes with the next round." in story_before
    assert "It waits until webhook takes more" in told_of(engine, "order_confirmation:1001")

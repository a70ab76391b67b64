"""Messages of a buyer that follow each other soon are read as one; whatever happens, each of them once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import program
from bot.domain.actions import Action, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.routes import Route
from bot.domain.rules import Rules
from bot.domain.settling import READ_TOGETHER
from handlers.together import reads_alone, unfinished
from storage import inbox, tables
from tests.engine import Buyer, Engine, in_many_shops, many_shops
from tests.one_shop import rules
from tests.world import NOON, World, world

SETTLE = timedelta(seconds=4)
EVENT_TIMEOUT = 30.0  # seconds, on a busy machine
FOUR = {"chat": {"settle": "4s"}}
SECOND = timedelta(seconds=1)
BUYERS = ("ann", "bob", "cho")


def echo(event: MessageReceived, context: Context) -> list[Action]:
    chat = f"{event.channel}:{event.conversation}"
    return [Say(template="hello", key=f"echo:{event.external_id}", to=chat, values={"text": event.text})]


ECHO: Rules = msgspec.structs.replace(
    rules(Route(MessageReceived, echo)), reads_alone=reads_alone, unfinished=unfinished
)


async def wait(engine: Engine, until: datetime) -> None:
    """Let the program run until then."""
    await engine.react()
    while (at := await next_ready(engine)) and at <= until:
        engine.clock.now = at
        await engine.react()
    engine.clock.now = until


async def next_ready(engine: Engine) -> datetime | None:
    now = engine.clock.now
    found = await engine.database.read(lambda link: inbox.waiting(link, now))
    return found.next_at


async def killed(engine: Engine) -> None:
    """A round that is not committed, and a new program."""

    def round(link: Any) -> None:
        engine.program.parts.reactor.react_in(link, [engine.shop], engine.clock)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await engine.database.write(round)
    engine.build()


Happening = tuple[str, float, str]  # who or what, so many seconds after the last, words

SAID = st.tuples(
    st.sampled_from(BUYERS),
    st.floats(0, 6),
    st.sampled_from(["{}", "{},", "我想问一下 {} 因为", "/{}", "退订 {}"]),
)
DONE = st.tuples(st.sampled_from(["killed", "away", "back"]), st.floats(0, 6), st.just(""))


def test_each_word_is_read_once_with_those_of_its_own_chat(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=60 if shops.database.dialect == "sqlite" else 15)
        @given(story=st.lists(st.one_of(SAID, SAID, SAID, DONE), max_size=25))
        def holds(story: list[Happening]) -> None:
            run(_told(shops.engine(**FOUR), story))

        holds()


async def _told(engine: Engine, story: list[Happening]) -> None:
    engine.use_rules(ECHO)
    buyers = {name: Buyer(name) for name in BUYERS}
    said: dict[str, list[tuple[str, datetime]]] = {name: [] for name in BUYERS}
    running = True
    for number, (who, gap, words) in enumerate(story):
        until = engine.clock.now + timedelta(seconds=gap)
        if running:
            await wait(engine, until)
        engine.clock.now = until
        if who in buyers:
            text = words.format(f"w{number}")
            said[who].append((text, engine.clock.now))
            event = buyers[who].says(text, engine.clock.now)
            await engine.take(event)
            await engine.take(event)  # platforms repeat
        elif who == "killed":
            await killed(engine)
        else:
            running = who == "back"
        if running:
            await engine.react()
            if who in buyers and reads_alone(text):
                assert text in [each.split("\n")[-1] for each in await _read(engine)]  # obeyed at once
    await wait(engine, engine.clock.now + 10 * SECOND)

    assert await engine.rows(tables.inbox, "state") == [("done",)] * sum(map(len, said.values()))
    read = await _read(engine)
    of_chat = {text: name for name, those in said.items() for text, _ in those}
    times = dict(each for those in said.values() for each in those)
    for group in (text.split("\n") for text in read):
        assert len({of_chat[text] for text in group}) == 1
        assert times[group[-1]] - times[group[0]] <= 2 * SETTLE
        assert not any(map(reads_alone, group[:-1]))
        assert len(group) == 1 or unfinished(group[-2]) or not reads_alone(group[-1])
    heard = [text for group in read for text in group.split("\n")]
    assert sorted(heard) == sorted(of_chat)
    for name, those in said.items():
        assert [text for text in heard if of_chat[text] == name] == [text for text, _ in those]


async def _read(engine: Engine) -> list[str]:
    """What the handler was given, in the order in which it was."""
    rows = await engine.rows(tables.outbox, "id", "values")
    return [msgspec.json.decode(values)["text"] for _, values in rows]


async def test_a_greeting_and_the_question_behind_it_get_one_answer(database_url: str) -> None:
    async with world(database_url, **FOUR) as shop:
        await shop.place()
        await shop.forward(timedelta(hours=1))
        before = len(shop.receiver.messages)
        await shop.say("你好")
        await shop.forward(2 * SECOND)
        await shop.say("我的订单 1001 到哪了")
        asked_at = shop.clock.now
        await shop.settle()
        assert len(shop.receiver.messages) == before
        await shop.forward(SECOND)
        assert len(shop.receiver.messages) == before

        await shop.forward(SECOND)

        assert shop.clock.now == asked_at + 2 * SECOND
        assert shop.receiver.templates[before:] == ["where_is_order"]


async def test_half_a_sentence_waits_for_its_other_half_once(database_url: str) -> None:
    async with world(database_url, **FOUR) as shop:
        await shop.say("我想问一下")
        await shop.forward(7 * SECOND)
        assert shop.receiver.messages == []
        await shop.say("转人工")
        await shop.forward(SECOND)
        assert shop.receiver.templates == ["human_coming"]

        await shop.say("我想问一下", buyer="bob")
        await shop.forward(8 * SECOND)
        assert len(shop.receiver.messages) == 2


async def test_the_program_sleeps_until_the_next_word_is_ready(database_url: str) -> None:
    async with world(database_url, **FOUR) as shop:
        await shop.say("你好")
        assert await shop.simulation.next_wake_up() == shop.clock.now + SETTLE
        await shop.settle()
        assert await shop.simulation.next_wake_up() == shop.clock.now + SETTLE


@pytest.mark.parametrize(("words", "waits"), [(("你好", "转人工"), 1), (("转人工，",), 2)])
async def test_the_answer_comes_when_the_settle_time_is_over_not_at_the_next_tick(
    database_url: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], waits: int
) -> None:
    monkeypatch.setattr(program, "TICK", timedelta(hours=1))
    async with world(database_url, chat={"settle": "1s"}) as shop, shop.program.running():
        began = asyncio.get_running_loop().time()
        for text in words:
            await shop.say(text)
        async with asyncio.timeout(EVENT_TIMEOUT):
            while not shop.receiver.messages:
                await asyncio.sleep(0.02)
                shop.clock.now = NOON + timedelta(seconds=asyncio.get_running_loop().time() - began)
        assert shop.clock.now >= NOON + waits * SECOND
        assert shop.receiver.templates == ["human_coming"]


async def test_what_was_read_together_is_parked_together_and_read_again(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        await _parked(shops.engine(**FOUR))


async def _parked(engine: Engine) -> None:
    def chokes(event: MessageReceived, context: Context) -> list[Action]:
        raise ValueError(event.text)

    buyer = Buyer()
    engine.use_rules(msgspec.structs.replace(ECHO, routes=(Route(MessageReceived, chokes),)))
    for text in ("a", "b"):
        await engine.take(buyer.says(text, engine.clock.now))
    await wait(engine, engine.clock.now + SETTLE)
    assert await engine.rows(tables.inbox, "state", "error") == [("parked", "ValueError: a\nb")] * 2

    engine.use_rules(ECHO)
    await engine.database.write(lambda link: inbox.reopen(link, engine.shop))
    await engine.react()
    assert await _read(engine) == ["a\nb"]
    assert await engine.rows(tables.inbox, "id", "rule", "state") == [
        (number, rule, "done")
        for (number,), rule in zip(
            await engine.rows(tables.inbox, "id"), (READ_TOGETHER, "test_read_together.echo"), strict=True
        )
    ]


LONG_WORDS = "This is a long story about my cup and how it came to me in the end. " * 14
LONG_STOP = (
    "I have been writing for many days and nobody reads it. " * 5 + "Stop sending me messages, all of them."
)


@pytest.mark.parametrize("words", [(LONG_WORDS,) * 3 + (LONG_STOP,), ("别再", "给我发消息了")])
async def test_a_stop_is_obeyed_whatever_was_said_around_it(
    database_url: str, words: tuple[str, ...]
) -> None:
    async with world(database_url, **FOUR) as shop:
        await shop.place()
        await shop.settle()
        for text in words:
            await shop.say(text)
        await shop.forward(10 * SECOND)
        assert shop.receiver.templates[-1] == "stopped"


async def test_each_wrong_pair_of_a_burst_is_a_try(database_url: str) -> None:
    async with world(database_url, **FOUR) as shop:
        await shop.place("1001", {"id": "ann", "phone": "+8613800008000"})
        await shop.place("1002", {"name": "Mallory", "phone": "+8613900009999"})
        for guess in range(3):
            await shop.say(f"where is order 1001, phone {2000 + guess}", "mallory")
        await shop.say("where is order 1002, phone 9999", "mallory")
        await shop.forward(10 * SECOND)
        assert ("where_is_order", "1002") in told(shop, "mallory")
        for guess in range(3):
            await shop.say(f"where is order 1001, phone {3000 + guess}", "mallory")
        await shop.forward(10 * SECOND)
        await shop.say("where is order 1001, phone 8000", "mallory")
        await shop.forward(10 * SECOND)
        assert ("where_is_order", "1001") not in told(shop, "mallory")
        assert [template for template, _ in told(shop, "mallory")][-1] == "human_coming"


@pytest.mark.parametrize("first", ["1001 8000", "where is order 1001", "hi, my order is 1001"])
async def test_the_right_proof_is_one_beside_other_words_about_the_order(
    database_url: str, first: str
) -> None:
    async with world(database_url, **FOUR) as shop:
        await shop.place("1001", {"id": "ann", "phone": "+8613800008000"})
        await shop.say(first, "bob")
        await shop.say("1001 8000", "bob")
        await shop.forward(10 * SECOND)
        assert told(shop, "bob") == [("where_is_order", "1001")]


def told(shop: World, buyer: str) -> list[tuple[str, str | None]]:
    mine = (message for message in shop.receiver.messages if message["buyer"]["id"] == buyer)
    return [(message["template"], message.get("order")) for message in mine]


@pytest.mark.parametrize(
    "halves", [("我要", "退订"), ("不要再给我发", "消息了"), ("I want to", "unsubscribe")]
)
async def test_a_stop_in_two_halves_is_one_wish_and_calls_nobody(
    database_url: str, halves: tuple[str, str]
) -> None:
    async with world(database_url, **FOUR) as shop:
        await shop.place()
        await shop.forward(timedelta(hours=1))
        before = len(shop.receiver.messages)
        for half in halves:
            await shop.say(half)
            await shop.settle()
            await shop.forward(SECOND)
        await shop.forward(10 * SECOND)

        assert shop.receiver.templates[before:] == ["stopped"]
        link = shop.program.parts.database.read
        assert (await link(lambda link: link.execute(tables.cases.select()).all())) == []

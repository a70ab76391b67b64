"""What was sold out and is back: told once to the chats that asked, and only while it is true."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import example, given, settings

from bot.domain.events import MessageReceived, ProductTold
from bot.domain.meanings import Meaning, Understanding
from bot.domain.money import Money
from bot.domain.products import Item
from bot.react import restocks as module
from bot.understanding.slots import slots_of
from storage import tables
from tests.engine import Buyer, Engine, in_many_shops, many_shops
from tests.one_shop import DAY, HOUR, NOON

POT = Item(sku="POT-1", title="Teapot, white", price=Money(9000, "CNY"), stock=0)
BLUE = Item(
    sku="POT-2", title="Teapot, blue", price=Money(8000, "CNY"), stock=4, url="https://shop.example/b"
)
CUP = Item(sku="CUP-1", title="Cup, white", price=Money(2000, "CNY"), stock=4)
REPLACE = msgspec.structs.replace


def understanding(event: MessageReceived, *asked: Any) -> Understanding:
    intent = (
        "stock"
        if "stock" in event.text or "有货" in event.text
        else "stop"
        if event.text == "STOP"
        else "hello"
    )
    return Understanding("answer", (Meaning(intent, 0.9, slots=slots_of(event.text)),))


def engine_of(shops: Any, **more: Any) -> Engine:
    engine: Engine = shops.engine(locale="en", **more)
    engine.use_rules(REPLACE(engine.program.parts.rules, understand=understanding))
    return engine


async def told(engine: Engine, *items: Item, channel: str = "shopify", at: datetime | None = None) -> None:
    engine.clock.now += timedelta(seconds=1)
    at = at or engine.clock.now
    for item in items:
        event = ProductTold(
            channel=channel,
            external_id=f"{item.sku}-{at}-{item.stock}",
            at=at,
            product=item.sku,
            items=(item,),
        )
        await engine.take(event)
    await engine.settle()


async def says(engine: Engine, text: str, buyer: str = "ann", locale: str = "en") -> list[str]:
    """Say something, and give the answers."""
    before, now = len(engine.sent), engine.clock.now
    await engine.take(Buyer(buyer, locale=locale).says(text, now, id=f"{buyer}-{now}"))
    await engine.settle()
    engine.clock.now += timedelta(minutes=1)
    return [one.message.text for one in engine.sent[before:]]


def backs(engine: Engine) -> list[tuple[str, str]]:
    """Who was told that something is back, and in what words."""
    return [
        (one.message.address, one.message.text)
        for one in engine.sent
        if one.message.template == "item_restocked"
    ]


async def restocked(engine: Engine, sku: str = "POT-1", id: str = "r", **item: Any) -> None:
    event = Buyer().event("item.restocked", {"item": {"sku": sku, **item}}, engine.clock.now, id)
    await engine.take(event)
    await engine.settle()


async def wait(engine: Engine, how_long: timedelta) -> None:
    await engine.simulation.advance(engine.clock.now + how_long)


async def test_a_buyer_is_told_once_when_what_they_asked_for_is_back(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops)
        await told(engine, POT, BLUE, CUP)

        (answer,) = await says(engine, "is the white teapot in stock?")
        assert answer == (
            "I'm sorry, Teapot, white is sold out at the moment.\n"
            "What we do have:\n- Teapot, blue, CN¥80.00: https://shop.example/b\n"
            "I'll message you here once when it's back. If you'd rather I didn't, just reply \"no\"."
        )
        await told(engine, REPLACE(POT, stock=3))
        await told(engine, REPLACE(POT, stock=0))
        await told(engine, REPLACE(POT, stock=5))
        await wait(engine, 3 * DAY)

        assert backs(engine) == [
            ("ann", "Hi, you asked about Teapot, white: it's back in stock, for CN¥90.00.")
        ]


async def test_a_budget_is_kept_and_what_is_beyond_it_is_not_offered(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops)
        await told(engine, POT, BLUE, CUP)

        (answer,) = await says(engine, "is the white teapot in stock? up to 85 yuan")
        assert "For up to CN¥85.00 we do have:\n- Teapot, blue" in answer
        (answer,) = await says(engine, "anything up to 50 yuan?")
        assert answer == "I'm sorry, we don't have anything like Teapot, white for up to CN¥50.00 right now."
        (answer,) = await says(engine, "or 80 yuan?")
        assert answer.startswith("For up to CN¥80.00 we have:\n- Teapot, blue")


async def test_who_says_no_hears_nothing(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops)
        await told(engine, POT)
        await says(engine, "teapot in stock?")
        assert await says(engine, "No, thanks!") == ["All right, I won't message you about it."]
        await says(engine, "teapot 有货吗", buyer="bob")
        assert await says(engine, "不用了，谢谢", buyer="bob") == ["好的，那就不通知您了。"]
        await told(engine, REPLACE(POT, stock=3))
        await wait(engine, DAY)

        assert backs(engine) == []


async def test_the_shops_own_system_may_say_that_it_is_back(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops)
        await told(engine, POT)
        await says(engine, "teapot in stock?")
        await restocked(engine, sku="nobody's")
        assert backs(engine) == []
        await restocked(engine, sku="pot-1", id="r2", stock=2)
        assert [who for who, _ in backs(engine)] == ["ann"]
        assert await says(engine, "teapot in stock?", buyer="bob") == ["Yes, but only 2 left: Teapot, white."]


async def test_as_many_are_told_as_there_are_pieces_and_the_rest_a_day_later(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    async with many_shops(database_url) as shops:
        engine = engine_of(shops)
        await told(engine, POT)
        names = [f"b{number}" for number in range(7)]
        for name in names:
            await says(engine, "teapot in stock?", buyer=name)
        await told(engine, REPLACE(POT, stock=3))
        assert [who for who, _ in backs(engine)] == names[:3]

        await wait(engine, 25 * HOUR)
        assert [who for who, _ in backs(engine)] == names[:6]
        await told(engine, REPLACE(POT, stock=4))  # more than there were, so a new turn
        assert [who for who, _ in backs(engine)] == names
        assert await engine.rows(tables.restocks, "sku") == []


async def test_what_is_sold_out_again_is_not_told_and_told_the_next_time(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops, quiet_hours={"start": time(0), "end": time(7)})
        await told(engine, POT)
        engine.clock.now = NOON + DAY + timedelta(hours=13)  # 1 am in the shop's zone
        await says(engine, "teapot in stock?")
        await told(engine, REPLACE(POT, stock=1))
        assert backs(engine) == []  # quiet
        await told(engine, REPLACE(POT, stock=0))
        await wait(engine, 12 * HOUR)
        assert backs(engine) == []
        await told(engine, REPLACE(POT, stock=1))
        await wait(engine, 2 * DAY)
        assert [who for who, _ in backs(engine)] == ["ann"]


async def test_who_bought_it_since_or_stopped_or_asked_long_ago_is_not_told(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops)
        await told(engine, POT)
        for name in ("ann", "bob", "eve", "dan"):
            await says(engine, "teapot in stock?", buyer=name)
        line = {"sku": "POT-1", "title": "Teapot", "quantity": 1, "price": "90.00"}
        bought = Buyer("ann", at=engine.clock.now).placed(lines=[line])
        stops = Buyer().event("buyer.opted_out", {"buyer": {"id": "bob"}}, engine.clock.now, "stop")
        await engine.take(bought, stops)
        await engine.settle()
        await told(engine, REPLACE(POT, stock=9))
        assert [who for who, _ in backs(engine)] == ["eve", "dan"]
        why = await engine.outbox("state")
        assert Counter(state for key, state in why.items() if key.startswith("item_restocked")) == {
            "skipped": 2,
            "sent": 2,
        }

        await told(engine, REPLACE(POT, stock=0))
        await says(engine, "teapot in stock?", buyer="dan")
        await wait(engine, 61 * DAY)
        await told(engine, REPLACE(POT, stock=9))
        assert [who for who, _ in backs(engine)] == ["eve", "dan"]


async def test_who_heard_in_the_chat_that_it_is_back_is_not_told_again(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops, quiet_hours={"start": time(0), "end": time(7)})
        await told(engine, POT)
        engine.clock.now = NOON + DAY + timedelta(hours=13)
        await says(engine, "teapot in stock?")
        await told(engine, REPLACE(POT, stock=9))
        assert await says(engine, "teapot in stock?") == ["Yes, Teapot, white is in stock."]
        await wait(engine, DAY)
        assert backs(engine) == []


async def test_a_shop_that_tells_nobody_promises_nothing(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = engine_of(shops, followups={"restock": "0d"})
        await told(engine, POT)
        assert await says(engine, "teapot in stock?") == [
            "I'm sorry, Teapot, white is sold out at the moment."
        ]
        await told(engine, REPLACE(POT, stock=9))
        assert backs(engine) == []
        assert await engine.rows(tables.stock_wishes, "sku") == []


# Whatever happens in whatever order

steps = st.lists(
    st.one_of(
        st.tuples(st.just("asks"), st.sampled_from(("ann", "bob", "eve"))),
        st.tuples(st.just("stock"), st.sampled_from((0, 0, 1, 2, 5, None))),
        st.tuples(st.just("restocked"), st.sampled_from((1, None))),
        st.tuples(st.just("no"), st.sampled_from(("ann", "bob"))),
        st.tuples(st.just("waits"), st.sampled_from((1, 9, 30, 400))),
        st.tuples(st.just("away"), st.sampled_from((True, False))),
    ),
    min_size=4,
    max_size=16,
)


def test_each_wish_is_told_at_most_once_and_never_when_it_is_untrue(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=40 if shops.database.dialect == "sqlite" else 10, deadline=None)
        @given(steps)
        @example([("asks", "ann"), ("stock", 1), ("stock", 0), ("waits", 9), ("stock", 1), ("waits", 30)])
        def holds(history: Any) -> None:
            run(_hold(engine_of(shops, quiet_hours={"start": time(0), "end": time(7)}), history))

        holds()


async def _hold(engine: Engine, history: Sequence[tuple[str, Any]]) -> None:
    stock: list[Any] = [0]  # as everybody knows it
    wishes, heard = Counter[str](), Counter[str]()

    faults: list[str] = []

    def noted(message: Any) -> None:  # what is raised here would count as a failed sending
        if message.template == "item_restocked":
            heard[message.address] += 1
            faults.extend(["told while it is sold out"] if stock[0] == 0 else [])

    for channel in engine.channels.values():
        channel.answer = noted
    engine.clock.now = NOON + timedelta(hours=13)  # night in the shop's zone, so that messages wait
    await told(engine, POT)
    for number, (what, value) in enumerate(history):
        engine.clock.now += timedelta(minutes=1)
        match what:
            case "asks":
                answers = await says(engine, "teapot in stock?", buyer=value)
                promised = any("once when it's back" in text for text in answers)
                assert promised is (stock[0] == 0)
                wishes[value] += promised
            case "no":
                await says(engine, "no", buyer=value)
            case "stock":
                stock[0] = value
                await told(engine, REPLACE(POT, stock=value))
            case "restocked":
                stock[0] = value
                more = {"stock": value} if value else {}
                await restocked(engine, id=f"r{number}", **more)
            case "waits":
                await wait(engine, timedelta(hours=value))
            case "away":  # a second program looks at the same items
                await engine.program.calendar()
        assert faults == []
    assert all(heard[name] <= wishes[name] for name in heard)

"""Products in a batch: merged by the platform's time, found by their words; free for batches without any."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import event as sql_event

from bot.domain.events import MessageReceived, ProductRemoved, ProductTold
from bot.domain.meanings import Meaning, Understanding
from bot.domain.money import Money
from bot.domain.products import Item, products_of
from storage import product_records
from storage.asking import ask
from tests.engine import Buyer, Engine, many_shops
from tests.one_shop import HOUR, NOON

MUG = Item(sku="MUG-1", title="Blue mug", price=Money(6000, "CNY"), stock=3)
POT = Item(sku="POT-1", title="Teapot", stock=0)


def told(at: datetime, *items: Item, id: str = "") -> ProductTold:
    return ProductTold(
        channel="shopify", external_id=id or f"{at}-{len(items)}", at=at, product="7", items=items
    )


def removed(at: datetime) -> ProductRemoved:
    return ProductRemoved(channel="shopify", external_id=f"gone-{at}", at=at, product="7")


async def found_by(engine: Engine, word: str) -> list[tuple[str, Any]]:
    def look(connection: Any) -> list[tuple[str, Any]]:
        tellings, _ = ask(connection, engine.shop, product_records.by_name((), {word}))
        return [(product.sku, product.stock) for product in products_of(tellings)]

    return await engine.database.read(look)


async def test_the_newest_telling_stands_whenever_it_comes(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await engine.take(told(NOON + HOUR, MUG, POT), told(NOON, MUG))
        await engine.react()
        await engine.take(told(NOON, MUG, id="again"))
        await engine.react()

        assert await found_by(engine, "mug") == [("MUG-1", 3), ("POT-1", 0)]
        assert await found_by(engine, "teapot") == [("MUG-1", 3), ("POT-1", 0)]

        engine.clock.now = NOON + 2 * HOUR
        await engine.take(removed(NOON + 2 * HOUR))
        await engine.react()

        assert await found_by(engine, "mug") == []


@pytest.mark.parametrize("later", [NOON, NOON + HOUR])
async def test_a_removal_counts_by_its_own_time(database_url: str, later: datetime) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await engine.take(removed(NOON + HOUR / 2))
        await engine.react()
        await engine.take(told(later, MUG))
        await engine.react()

        assert bool(await found_by(engine, "mug")) is (later > NOON)


# What a chat message is about


def understanding(event: MessageReceived, *asked: Any) -> Understanding:
    intent = "stock" if "stock" in event.text or "有货" in event.text else "hello"
    return Understanding("answer", (Meaning(intent, 0.9),))


async def answers_to(engine: Engine, *texts: str, buyer: str = "ann") -> list[str]:
    """What is said to these words, one after the other."""
    rules = engine.program.parts.rules
    engine.use_rules(msgspec.structs.replace(rules, understand=understanding))
    ann, before = Buyer(buyer), len(engine.sent)
    for number, text in enumerate(texts):
        at = engine.clock.now
        await engine.take(ann.says(text, at, id=f"{buyer}-{at}-{number}"))
        await engine.settle()
        engine.clock.now += timedelta(minutes=1)
    return [one.message.text for one in engine.sent[before:]]


async def test_a_buyer_hears_of_the_item_they_name_by_all_that_tell_of_it(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine(locale="en")
        own = Item(sku="MUG-1", title="马克杯", stock=2)
        await engine.take(told(NOON, MUG, POT))
        await engine.take(
            ProductTold(channel="import", external_id="i", at=NOON + HOUR, product="MUG-1", items=(own,))
        )
        await engine.react()

        assert await answers_to(engine, "is the blue mug in stock?") == ["Yes, but only 2 left: 马克杯."]
        assert await answers_to(engine, "马克杯有货吗") == ["有的，马克杯 还剩 2 件。"]
        sold_out, mug = await answers_to(engine, "teapot in stock?", "and MUG-1, in stock?")
        assert sold_out.startswith("I'm sorry, Teapot is sold out at the moment.\n")
        assert mug == "Yes, but only 2 left: 马克杯."


async def test_a_buyer_may_choose_and_then_ask_on_about_the_same(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine(locale="en")
        white = Item(sku="MUG-2", title="White mug", stock=7)
        await engine.take(told(NOON, MUG, white))
        await engine.react()

        heard = await answers_to(engine, "mug in stock?", "2", "is it still in stock?", buyer="bob")

        assert heard[0].splitlines()[1:] == ["1. Blue mug", "2. White mug"]
        assert heard[1:] == ["Yes, White mug is in stock."] * 2


async def test_without_a_name_the_items_of_their_orders_are_meant(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine(locale="en")
        await engine.take(told(NOON, MUG), Buyer(locale="en").placed())
        await engine.settle()

        assert await answers_to(engine, "in stock?") == ["Yes, but only 3 left: Blue mug."]
        assert await answers_to(engine, "in stock?", buyer="eve") == [
            "Which item do you mean? Its name or number is enough."
        ]


async def test_what_is_not_sold_is_not_taken_for_what_was_ordered(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine(locale="en")
        await engine.take(told(NOON, MUG), Buyer(locale="en").placed())
        await engine.settle()

        heard = await answers_to(engine, "are scarves in stock?")

        assert heard == ["Which item do you mean? Its name or number is enough."]


async def test_words_about_nothing_for_sale_read_no_products(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine(locale="en")
        asked: list[str] = []

        @sql_event.listens_for(engine.database.engine, "before_cursor_execute")
        def remember(_: Any, __: Any, statement: str, *___: Any) -> None:
            asked.append(statement)

        await answers_to(engine, "hello there")
        sql_event.remove(engine.database.engine, "before_cursor_execute", remember)

        assert [statement for statement in asked if "product" in statement] == []


async def test_batches_without_products_ask_for_none(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        asked: list[str] = []

        @sql_event.listens_for(engine.database.engine, "before_cursor_execute")
        def remember(_: Any, __: Any, statement: str, *___: Any) -> None:
            asked.append(statement)

        await engine.take(Buyer().placed())
        await engine.react()
        sql_event.remove(engine.database.engine, "before_cursor_execute", remember)

        assert asked
        assert [statement for statement in asked if "product" in statement] == []

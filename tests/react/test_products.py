"""Products in a batch: merged by the platform's time, found by their words; free for batches without any."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event as sql_event

from bot.domain.events import ProductRemoved, ProductTold
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
        tellings, _ = ask(connection, engine.shop, product_records.by_words({word}))
        return [(product.sku, product.stock) for product in products_of(tellings.values())]

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

"""Prices that no buyer should have read: silent over honest bargains, and each broken rule is named."""

import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, insert, select, update

from bot.domain.quotes import PRICES_TOLD
from bot.domain.shop import LOCALES
from bot.operations.audit.audit import Finding, audit
from handlers.routes import POLICIES
from storage.tables import outbox, quotes
from tests.engine import Buyer, Engine, ManyShops, many_shops
from tests.test_haggling_journeys import DAY, HOUR, MINUTE, says, shop_of

STEPS = ("马克杯能便宜点吗", "40块行不行", "45行吗", "46行吗", "成交")
COUPON = {"percent": 10}


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


def found(engine: Engine) -> list[Finding]:
    settings = engine.program.parts.config.shops
    return audit(engine.database, {engine.shop: settings[engine.shop]}, engine.clock.now)


def codes(engine: Engine) -> set[str]:
    return {finding.code for finding in found(engine)}


async def told(engine: Engine, *templates: str) -> list[Any]:
    """The messages about prices, the first ones first."""
    wanted = templates or tuple(PRICES_TOLD)
    statement = select(outbox).where(outbox.c.shop == engine.shop, outbox.c.template.in_(wanted))
    return list(await engine.database.read(lambda link: link.execute(statement.order_by(outbox.c.id)).all()))


async def change(engine: Engine, *statements: Any) -> None:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    await engine.database.write(work)


async def say_instead(engine: Engine, row: Any, **values: Any) -> None:
    """Let a message have told other values."""
    now = msgspec.json.encode(msgspec.json.decode(row.values) | values).decode()
    here = update(outbox).where(outbox.c.shop == engine.shop, outbox.c.id == row.id)
    await change(engine, here.values(values=now))


async def test_honest_bargains_have_nothing_to_hear_also_after_the_settings_changed(shops: ManyShops) -> None:
    engine, buyer = await shop_of(shops, haggling={"rounds": 5, "floor": 60, "free_postage": True}), Buyer()
    await says(engine, buyer, *STEPS)
    assert len(await told(engine)) == len(STEPS)
    assert found(engine) == []

    engine.configure(shops={engine.shop: engine.settings.model_copy(update={"haggling": _strict(engine)})})

    assert found(engine) == []


def _strict(engine: Engine) -> Any:
    return engine.settings.haggling.model_copy(update={"floor": 100, "rounds": 1})


async def test_random_bargains_have_nothing_to_hear(shops: ManyShops) -> None:
    chance = random.Random(7)
    for _ in range(6):
        haggling = {
            "rounds": chance.randrange(1, 6),
            "floor": chance.choice((0, 50, 80, 97)),
            "free_postage": chance.random() < 0.5,
            "from_quantity": chance.choice(({}, {2: 10, 5: 30})),
            **({"coupon": COUPON | {"code": "X"}} if chance.random() < 0.5 else {}),
            **({"floors": {"MUG-1": "41.5"}} if chance.random() < 0.3 else {}),
        }
        engine, buyer = await shop_of(shops, haggling=haggling), Buyer()
        for _ in range(10):
            pieces = chance.choice(("", "", "两个", "5个"))
            offer = f"马克杯{pieces}{chance.randrange(5, 120)}块{chance.choice(('', '包邮'))}行吗"
            await says(engine, buyer, chance.choice((offer, "再便宜点", "好的成交", offer)))
            engine.clock.now += chance.choice((MINUTE, 5 * HOUR, 2 * DAY))
        assert [finding.sentence for finding in found(engine)] == []


@pytest.mark.parametrize("template", ["haggle_step", "haggle_last", "haggle_deal"])
async def test_a_price_below_the_floor_is_named(shops: ManyShops, template: str) -> None:
    engine = await shop_of(shops)
    await says(engine, Buyer(), *STEPS[:2], *(f"{offer}行吗" for offer in range(44, 49)), "成交")
    row = (await told(engine, template))[-1]

    await say_instead(engine, row, price=4799)

    wrong = [finding for finding in found(engine) if finding.code == "below_floor"]
    assert [(finding.promise, finding.key) for finding in wrong] == [(9, row.key)]
    assert "CNY" in wrong[0].sentence
    assert "47.99" in wrong[0].sentence


@pytest.mark.parametrize(
    ("haggling", "values"),
    [
        ({"coupon": {"code": "X", "percent": 10}}, {"price": 5300}),  # 47.70 is left of it
        ({}, {"price": 5500, "postage_free": True}),  # 47.00
        ({}, {"price": 9500, "listed": 12000, "quantity": 2}),
        ({}, {"price": 10900, "listed": 12000, "quantity": 2, "postage_free": True}),
        ({"floors": {"MUG-1": "58"}}, {"price": 5750}),
        ({}, {"price": 5500, "currency": "USD"}),
    ],
)
async def test_the_floor_holds_in_whatever_combination(
    shops: ManyShops, haggling: dict[str, Any], values: dict[str, Any]
) -> None:
    engine = await shop_of(shops, haggling={"rounds": 5, "floor": 80, "free_postage": True, **haggling})
    if values.get("currency"):
        engine = await shop_of(shops, haggling={"rounds": 5, "floor": 80, "floors": {"MUG-1": "48"}})
    await says(engine, Buyer(), STEPS[0], "45行吗")
    row = (await told(engine, "haggle_step"))[-1]
    assert found(engine) == []

    await say_instead(engine, row, **values)

    assert "below_floor" in codes(engine)


async def test_a_price_that_rises_is_named(shops: ManyShops) -> None:
    engine = await shop_of(shops, haggling={"rounds": 5, "floor": 80})
    await says(engine, Buyer(), *STEPS[:3])
    first, *_ = await told(engine, "haggle_step")

    await say_instead(engine, first, price=4900)

    assert codes(engine) == {"price_rose"}


async def test_more_rounds_than_allowed_are_named(shops: ManyShops) -> None:
    engine = await shop_of(shops)
    await says(engine, Buyer(), STEPS[0], "40行吗", "42行吗", "44行吗")
    for row in await told(engine):
        facts = msgspec.json.decode(row.facts)
        facts["haggling"]["rounds"] = 2
        here = update(outbox).where(outbox.c.shop == engine.shop, outbox.c.id == row.id)
        await change(engine, here.values(facts=msgspec.json.encode(facts).decode()))

    assert codes(engine) == {"rounds_over"}


async def used_quote(shops: ManyShops, locale: str = "en") -> Engine:
    """A quote that an order has used."""
    engine, buyer = await shop_of(shops, seller={"locale": locale}), Buyer()
    await says(engine, buyer, "马克杯58块卖我吧")
    buyer.at = engine.clock.now
    line = {"sku": "MUG-1", "title": "马克杯", "quantity": 1, "price": "60.00"}
    await engine.take(buyer.placed(lines=[line], total="68.00"))
    await engine.settle()
    assert found(engine) == []
    return engine


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_quote_that_two_orders_used_is_named(shops: ManyShops, locale: str) -> None:
    engine = await used_quote(shops, locale)
    (row,) = await told(engine, "quote_seen")
    again = dict(row._mapping) | {"id": row.id + 1000, "key": "quote_seen:again", "order_id": "1002"}

    await change(engine, insert(outbox).values(again))

    wrong = [finding for finding in found(engine) if finding.code == "quote_twice"]
    assert len(wrong) == 1
    assert "Q101" in wrong[0].sentence
    assert "1001, 1002" in wrong[0].sentence


async def test_a_quote_that_is_kept_lower_than_it_was_told_is_named(shops: ManyShops) -> None:
    engine = await used_quote(shops)
    ((record,),) = await engine.rows(quotes, "record")
    lower = msgspec.json.decode(record)
    lower["price"]["minor"] = 100

    await change(
        engine,
        update(quotes).where(quotes.c.shop == engine.shop).values(record=msgspec.json.encode(lower).decode()),
    )

    assert codes(engine) == {"quote_below_floor"}


def test_every_message_about_a_price_is_one_that_the_shop_says() -> None:
    assert set(POLICIES) > PRICES_TOLD

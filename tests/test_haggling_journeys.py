"""Haggling through the whole engine: said in the chat, kept in the quotes, honoured when the order comes."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sql_event

from bot.app import rules_of
from bot.domain.events import ProductTold
from bot.domain.meanings import Before, Meaning, Understanding
from bot.domain.money import Money
from bot.domain.products import Item
from bot.understanding.slots import slots_of
from storage import tables
from tests.engine import Buyer, Engine, ManyShops, many_shops
from tests.world import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HAGGLING: dict[str, Any] = {"rounds": 5, "floor": 80, "free_postage": True}
MUG = Item(sku="MUG-1", title="马克杯 馬克杯 mug", price=Money(6000, "CNY"), postage=Money(800, "CNY"))


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


def understand(text: str, language: str, before: Before, today: date | None) -> Understanding:
    """Whatever is not known by rules is about a discount here."""
    return Understanding("answer", (Meaning("discount", 0.9, slots=slots_of(text, language, today)),))


async def shop_of(shops: ManyShops, **more: Any) -> Engine:
    """A shop that sells mugs."""
    engine = shops.engine(**{"haggling": HAGGLING, "seller": {"locale": "en"}, **more})
    engine.use_rules(rules_of(engine.program.parts.config, understand))
    await engine.take(
        ProductTold(channel="shopify", external_id="mugs", at=NOON - DAY, product="7", items=(MUG,))
    )
    await engine.settle()
    return engine


async def says(engine: Engine, buyer: Buyer, *texts: str) -> list[str]:
    """What comes back."""
    before = len(engine.sent)
    for text in texts:
        engine.clock.now += MINUTE
        await engine.take(buyer.says(text, engine.clock.now))
        await engine.settle()
    return [one.message.text for one in engine.sent[before:]]


async def quotes(engine: Engine) -> list[tuple[Any, ...]]:
    return await engine.rows(tables.quotes, "number", "state", "quantity", "price_minor", "order_id")


TALKS = {
    "zh-CN": (("马克杯能便宜点吗", "40块行不行", "45行吗", "成交"), "报价号 Q101", "¥"),
    "zh-TW": (("馬克杯可以便宜一點嗎", "40塊可以嗎", "45可以嗎", "成交"), "議價編號 Q101", "¥"),
    "en": (("can you do the mug cheaper?", "how about 40?", "45?", "ok, deal"), "Your quote is Q101", "CN¥"),
}


@pytest.mark.parametrize("locale", TALKS)
async def test_a_haggle_ends_in_a_quote_that_the_order_uses_once(shops: ManyShops, locale: str) -> None:
    engine = await shop_of(shops, locale=locale)
    buyer = Buyer(locale=locale)
    texts, number, _ = TALKS[locale]
    *_, deal = await says(engine, buyer, *texts)
    assert number in deal
    ((_, state, quantity, price, _),) = await quotes(engine)
    assert (state, quantity) == ("accepted", 1)
    assert 4800 <= price < 6000

    buyer.at = engine.clock.now + MINUTE
    engine.clock.now += HOUR
    line = {"sku": "MUG-1", "title": "Mug", "quantity": 1, "price": "60.00"}
    await engine.take(
        buyer.placed(lines=[line], total="68.00"), buyer.placed(MINUTE, lines=[line], total="68.00")
    )
    await engine.settle()
    assert [row[1:] for row in await quotes(engine)] == [("used", 1, price, "1001")]
    assert [kind for (kind,) in await engine.rows(tables.cases, "kind")] == ["quote"]
    told = [one.message.text for one in engine.sent if one.message.template == "quote_seen"]
    assert len(told) == 1
    assert "Q101" in told[0]


async def test_the_changed_price_closes_the_case(shops: ManyShops) -> None:
    engine, buyer = await shop_of(shops), Buyer()
    await says(engine, buyer, "马克杯58块卖我吧")
    ((_, _, _, price, _),) = await quotes(engine)
    buyer.at = engine.clock.now
    line = {"sku": "MUG-1", "title": "马克杯", "quantity": 1, "price": "60.00"}
    await engine.take(buyer.placed(lines=[line], total="68.00"))
    await engine.settle()
    line["price"] = f"{price / 100:.2f}"
    engine.clock.now += HOUR
    await engine.take(buyer.placed(HOUR, lines=[line], postage="0.00", total=f"{price / 100:.2f}"))
    await engine.settle()
    assert [closed is not None for (closed,) in await engine.rows(tables.cases, "closed_at")] == [True]


async def test_a_late_order_and_another_item_use_no_quote(shops: ManyShops) -> None:
    engine, buyer = await shop_of(shops), Buyer()
    await says(engine, buyer, "马克杯55行吗")
    buyer.at = engine.clock.now + 2 * DAY
    engine.clock.now = buyer.at
    await engine.take(buyer.placed(lines=[{"sku": "MUG-1", "title": "M", "quantity": 1, "price": "60.00"}]))
    other = Buyer(order="1002", at=NOON + HOUR)
    await engine.take(other.placed(lines=[{"sku": "POT-1", "title": "P", "quantity": 1, "price": "60.00"}]))
    await engine.settle()
    assert [row[1] for row in await quotes(engine)] == ["accepted"]
    assert await engine.rows(tables.cases, "kind") == []


async def test_neither_repetition_nor_days_nor_names_lower_the_price(shops: ManyShops) -> None:
    engine, buyer = await shop_of(shops), Buyer()
    await says(engine, buyer, "马克杯40行吗")
    first = await quotes(engine)
    for name in ("安娜", "Bea", "老王"):
        buyer.ref["name"] = name
        await says(engine, buyer, "40行吗", "便宜点吧", "39呢")
        engine.clock.now += 3 * DAY
    assert await quotes(engine) == first


async def test_events_of_one_batch_know_of_each_other(shops: ManyShops) -> None:
    engine, buyer = await shop_of(shops), Buyer()
    at = [NOON + number * MINUTE for number in range(3)]
    await engine.take(
        *(buyer.says(text, when) for text, when in zip(("马克杯40行吗", "40行吗", "41行吗"), at, strict=True))
    )
    await engine.settle()
    assert len(await quotes(engine)) == 1


async def test_two_buyers_have_quotes_of_their_own(shops: ManyShops) -> None:
    engine, ann, bob = await shop_of(shops), Buyer(), Buyer("bob")
    await engine.take(ann.says("马克杯55行吗", NOON), bob.says("马克杯56行吗", NOON))
    await engine.settle()
    assert [row[:4] for row in await quotes(engine)] == [
        (101, "accepted", 1, 5500),
        (102, "accepted", 1, 5600),
    ]


async def test_fixed_prices_get_a_kind_no_and_call_nobody(shops: ManyShops) -> None:
    engine = await shop_of(shops, haggling={"rounds": 0, "coupon": {"code": "HELLO", "percent": 5}})
    (said,) = await says(engine, Buyer(), "马克杯40行吗")
    assert "HELLO" in said
    assert await quotes(engine) == []
    assert await engine.rows(tables.cases, "kind") == []


async def test_who_does_not_haggle_asks_nothing_of_the_quotes(shops: ManyShops) -> None:
    engine, buyer = await shop_of(shops), Buyer()
    asked: list[str] = []

    def remember(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    sql_event.listen(engine.database.engine, "before_cursor_execute", remember)
    await says(engine, buyer, "你好", "谢谢")
    sql_event.remove(engine.database.engine, "before_cursor_execute", remember)
    assert not any("quotes" in statement for statement in asked)

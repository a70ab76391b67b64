"""Found by trying to break it: each of these fails, or one of its variants does; its docstring says what that
shows.

On SQLite, with the whole engine; "web", "erp" and "pos" are systems of the shop's own, that use the webhook.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import pytest_asyncio

from bot.domain.errors import DeliveryDelayed
from bot.domain.events import CaseSettled, Event
from bot.seller.explanation import as_text, explain
from bot.seller.words import SellerWords
from handlers.meaning import recognise
from storage import tables
from tests.engine import Buyer, Engine, FakeChannel, ManyShops, many_shops
from tests.one_shop import context
from tests.world import NOON, SECRET

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = NOON + 11 * HOUR  # 23:00 in Shanghai


@pytest_asyncio.fixture
async def shops(tmp_path: Path) -> AsyncIterator[ManyShops]:
    async with many_shops(f"sqlite:///{tmp_path / 'shop.db'}") as opened:
        yield opened


def systems(shops: ManyShops, *names: str) -> Engine:
    """A shop with these systems."""
    door = {"kind": "webhook", "secrets": [SECRET], "url": "http://127.0.0.1:9/"}
    engine = shops.engine(channels=dict.fromkeys(names, door))
    engine.use_channels(*(FakeChannel(name, engine.clock) for name in names))
    return engine


def of(channel: str, event: Event) -> Event:
    return msgspec.structs.replace(event, channel=channel)


async def take_each(engine: Engine, *events: Event) -> None:
    for event in events:
        await engine.take(event)
        await engine.react()


async def paid_sums(engine: Engine) -> dict[tuple[str, str], int]:
    """What is paid of each order, by the system that placed it and the id that this calls it by."""
    return {(each.channel, each.platform_id): each.paid_minor for each in (await engine.orders()).values()}


def heard(engine: Engine, buyer: str) -> list[str]:
    return [each.message.template for each in engine.sent if each.message.buyer_id == buyer]


ANN, BOB, CARL = (Buyer(name, "1001") for name in ("ann", "bob", "carl"))


# Cases


def failing(engine: Engine, error: Exception) -> None:
    def answer(message: Any) -> None:
        raise error

    for channel in engine.channels.values():
        channel.answer = answer


async def settle_case(engine: Engine, number: int) -> None:
    await engine.take(
        CaseSettled(channel="seller", external_id=f"s{number}", at=engine.clock.now, case=number, by="cli:x")
    )
    await engine.settle()


async def open_cases(engine: Engine) -> int:
    return sum(closed_at is None for (closed_at,) in await engine.rows(tables.cases, "closed_at"))


# Reminders


# What found no address


# What the seller reads


def told_of(engine: Engine, name: str) -> str:
    words = SellerWords("en", ZoneInfo("Asia/Shanghai"))
    texts = engine.program.parts.catalogue
    found = engine.database.read_now(
        lambda link: explain(link, engine.shop, engine.settings, words, name, texts, engine.clock.now)
    )
    assert found
    return as_text(found)


async def test_what_waits_behind_another_message_is_not_said_to_be_early(shops: ManyShops) -> None:
    """As in the README: nothing listens at `url`, so the confirmation is tried again, and the answers to this
    buyer wait behind it. `explain` says "Its time had not come", and "It will be looked at again on" a time
    that has passed; of the message that it waits for it says nothing. The same of what waits for a slot of a
    full channel."""
    engine = shops.engine()
    failing(engine, DeliveryDelayed("nobody answers"))
    ann = Buyer("ann", "1001")
    await engine.take(ann.placed())
    await engine.settle()
    await engine.simulation.advance(NOON + 2 * MINUTE)
    asked = ann.says("什么时候发货？", engine.clock.now)
    await engine.take(asked)
    await engine.settle()
    await engine.simulation.advance(NOON + 2 * MINUTE + timedelta(seconds=1))
    story = told_of(engine, f"when_ship:webhook:{asked.external_id}")
    assert "waiting" in story
    assert "Its time had not come" not in story


async def test_what_nobody_has_read_was_not_said(shops: ManyShops) -> None:
    """The text of a message of which no attempt succeeded stands under "What was said"."""
    engine = shops.engine()
    failing(engine, DeliveryDelayed("nobody answers"))
    await engine.take(Buyer("ann", "1001").placed())
    await engine.settle()
    assert "What was said" not in told_of(engine, "order_confirmation:1001")

"""The page about the chat shows talks as the program holds them, by the understanding that comes with it."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import rules_of
from bot.domain.events import ProductTold
from bot.domain.money import Money
from bot.domain.products import Item
from bot.understanding.learning import shipped
from bot.understanding.outcomes import thresholds_for
from bot.understanding.understander import Understander
from tests.engine import ManyShops, many_shops
from tests.test_journeys_desk import Desk
from tests.world import NOON

PAGE = (Path(__file__).parent.parent / "docs" / "chat.md").read_text("utf-8")
TALKS = re.findall(r"^```talk\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BUYER, SELLER, BOT = "Ann: ", "Lucy: ", "Xiaoer: "
MUG = Item(sku="MUG-1", title="Blue mug", price=Money(2500, "GBP"), stock=3, postage=Money(350, "GBP"))


@pytest.fixture
async def shops(tmp_path: Path) -> AsyncIterator[ManyShops]:
    async with many_shops(f"sqlite:///{tmp_path / 'shop.db'}") as found:
        yield found


def desk_of(shops: ManyShops) -> Desk:
    """A shop that understands as it comes, takes back for 14 days and bargains; Ann's order has arrived."""
    understander, model = Understander(), shipped()
    assert model is not None
    understander.swap(model, thresholds_for(model))
    desk = Desk(
        shops,
        "en",
        region="GB",
        currency="GBP",
        name="Blue Teahouse",
        timezone="Europe/London",
        returns={"days": 14, "address": "12 Any Street, Leeds LS1 1AA"},
        haggling={"rounds": 3, "floor": 80},
    )
    desk.engine.use_rules(rules_of(desk.engine.program.parts.config, understander.understand))
    return desk


async def begin(desk: Desk) -> None:
    """Ann's order is told, sent and delivered, and the shop's list too."""
    listed = ProductTold(channel="shopify", external_id="p", at=NOON, product="7", items=(MUG,))
    line = {"sku": "MUG-1", "title": "Blue mug", "quantity": 1, "price": "25.00"}
    money = {"total": "28.50", "postage": "3.50", "currency": "GBP", "paid": "28.50"}
    parcel = {"carrier": "Royal Mail", "tracking": "BT100001", "shipped_at": NOON}
    await desk.engine.take(
        listed,
        desk.ann.placed(lines=[line], **money),
        desk.ann.fact("shipped", desk.engine.clock.now - NOON, **parcel),
    )
    await desk.engine.settle()
    desk.door.sent.clear()


async def held(desk: Desk, talk: str) -> str:
    """The same talk as it goes today: what people say in it, and what the bot answers."""
    lines: list[str] = []
    for line in talk.splitlines():
        if not line.startswith((BUYER, SELLER)):
            continue
        before = len(desk.door.sent)
        if line.startswith(BUYER):
            await desk.ann_says(line.removeprefix(BUYER))
        else:
            await desk.seller_says(line.removeprefix(SELLER))
        lines.append(line)
        for text in desk.heard()[before:]:
            first, *more = text.splitlines()
            lines += [BOT + first, *(f"  {each}".rstrip() for each in more)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("number", range(len(TALKS)))
async def test_each_talk_of_the_page_goes_as_it_stands_there(shops: ManyShops, number: int) -> None:
    desk = desk_of(shops)
    await begin(desk)

    assert await held(desk, TALKS[number]) == TALKS[number]


def test_what_the_page_shows_of_a_command_is_what_it_says(tmp_path: Path) -> None:
    command, shown = re.findall(
        r"^```sh\n(xiaoer understand .*?)\n```\n\n```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
    )[0]
    run = [sys.executable, "-m", "bot"]
    subprocess.run([*run, "init", str(tmp_path / "shop"), "--locale", "en"], check=True, capture_output=True)
    text = command.removeprefix('xiaoer understand "').removesuffix('"')
    done = subprocess.run(
        [*run, "understand", text],
        cwd=tmp_path / "shop",
        env={**os.environ, "XIAOER_VECTORS": "off", "COLUMNS": "120"},
        capture_output=True,
        text=True,
    )

    assert done.stdout == shown

"""What sellers wrote down: a file for all shops and one for each, said to buyers word for word."""

from pathlib import Path
from typing import Any

import pytest

from bot.domain.meanings import Meaning, Understanding
from bot.operations.knowledge import load_knowledge
from bot.settings.knowledge_file import KnowledgeFault
from tests.engine import Buyer, Engine, many_shops
from tests.handlers.world import SHOP
from tests.one_shop import NOON

FILE = """
gift_wrap:
  questions:
    - Do you gift wrap?
    - 可以包装成礼物吗？
  answer:
    en: Yes, {{ shop.name }} does.
    zh-CN: 可以的，{{ shop.name }}包得很好看。
broken:
  questions:
    - Is it vegan?
  answer: Ask {{ order.number }}.
"""
DAY = NOON.date()


def load(path: Path, *shops: str) -> tuple[Any, list[tuple[str, KnowledgeFault]]]:
    told: list[tuple[str, KnowledgeFault]] = []
    knows = load_knowledge(
        path, dict.fromkeys(shops, SHOP), lambda file, fault: told.append((file.name, fault))
    )
    return knows, told


def test_a_shops_own_file_goes_before_that_of_all(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.yaml"
    path.write_text("a:\n  questions:\n    - Gift wrap?\n  answer: For all.\nb:\n  questions: [x]\n", "utf-8")
    (tmp_path / "knowledge.mugs.yaml").write_text(
        "a:\n  questions:\n    - Gift wrap?\n  answer: Of mugs.\n", "utf-8"
    )

    knows, told = load(path, "mugs", "teas")

    answers = [knows(shop, "gift wrap?", DAY)[0].entry.answers for shop in ("mugs", "teas")]
    assert answers == [{"en": "Of mugs."}, {"en": "For all."}]
    assert [(name, fault.code) for name, fault in told] == [("knowledge.yaml", "no_answer")]


@pytest.mark.parametrize("content", [None, "# nothing yet\n"])
def test_without_entries_nothing_is_known(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "knowledge.yaml"
    if content:
        path.write_text(content)
    knows, told = load(path, "mugs")
    assert (knows("mugs", "Gift wrap?", DAY), told) == ((), [])


async def heard(engine: Engine, tmp_path: Path, *texts: str) -> list[str]:
    path = tmp_path / "knowledge.yaml"
    path.write_text(FILE, "utf-8")
    knows, _ = load(path, engine.shop)
    unsure = Understanding("hand_over", (Meaning("other", 0.5),), guessed=True)
    engine.build(knows=knows, understand=lambda *asked: unsure)
    for number, text in enumerate(texts):
        await engine.take(Buyer().says(text, engine.clock.now, id=f"m{number}"))
        await engine.settle()
    return [one.message.text for one in engine.sent]


async def test_a_buyer_hears_the_answer_in_the_language_of_the_question(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine(name="Mug House")

        told = await heard(engine, tmp_path, "do you gift wrap this?", "能包装成礼物吗")

        assert told == ["Yes, Mug House does.", "可以的，Mug House 包得很好看。"]


async def test_an_answer_that_cannot_be_filled_in_gives_way_to_ours(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        (told,) = await heard(shops.engine(), tmp_path, "is it vegan?")

        assert told.startswith("I'd rather not guess")

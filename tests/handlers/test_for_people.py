"""What no list and no setting tells goes to a person, and is not answered from the item that it names."""

import pytest

from bot.domain.meanings import Meaning, Understanding
from bot.domain.products import Product, Shelf
from handlers.about_items import revised
from handlers.for_people import for_people
from handlers.normalise import normalise
from tests.handlers.world import PLACED, chat_context, wrote

ITS_OWN = (
    "Why are the mugs cheaper than the bowls?",
    "which one is heavier, the pot or the kettle",
    "what's the difference between the two kettles?",
    "为什么大号比小号贵",
    "這兩個哪個比較耐用",
    "玻璃壶跟铁壶有啥区别",
    "could you put two aside for me",
    "can you reserve one of them until Sunday?",
    "能帮我预留一个吗",
    "is it possible to pay in instalments",
    "可以分期嗎",
    "先付一半行不行",
    "I run a tea channel with 30k subscribers, fancy a collab?",
    "We offer SEO and backlinks",
    "我是美食博主，想跟你们合作",
    "代運營了解一下",
)
ORDINARY = (
    "which one is in stock?",
    "how much is the white one",
    "can you keep my order until Friday",
    "can you hold it",
    "I want my money back",
    "哪个有货",
    "可以便宜一点吗",
    "留言给你了",
    "do you offer free delivery?",
    "what is the postage",
)


@pytest.mark.parametrize("text", ITS_OWN)
def test_it_is_for_people(text: str) -> None:
    assert for_people(normalise(text))


@pytest.mark.parametrize("text", ORDINARY)
def test_what_is_known_is_not(text: str) -> None:
    assert not for_people(normalise(text))


def test_a_price_is_no_answer_to_why_it_is_so() -> None:
    mug = Product(sku="MUG-1", title="Blue mug", updated_at=PLACED)
    event = wrote("why is the blue mug more expensive")
    understood = Understanding("answer", (Meaning("price", 0.95),))

    heard = revised(understood, event, chat_context(shelf=Shelf(products=(mug,), named=True)))

    assert heard.guessed
    assert [each.intent for each in heard.meanings] == ["unknown"]

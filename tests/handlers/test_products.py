"""What buyers ask about products: answered from the facts, asked back which is meant, else a person."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from bot.domain.actions import Action, Ask, CallHuman, Say
from bot.domain.context import Context, Conversation
from bot.domain.meanings import Meaning, Slots, Understanding
from bot.domain.money import Money
from bot.domain.products import Product, Shelf
from handlers.products import FACTS, FEW, LAPSES
from tests.handlers.world import (
    PLACED,
    chat_context,
    decide,
    human_case,
    order_of,
    paid,
    placed,
    talk_after,
    wrote,
)

MUG = Product(
    sku="MUG-B",
    title="Blue mug",
    updated_at=PLACED,
    price=Money(1200, "GBP"),
    stock=9,
    materials="porcelain",
    sizes="350 ml",
    care="dishwasher",
    postage=Money(350, "GBP"),
    url="https://shop.example/mug",
)
WHITE = Product(sku="MUG-W", title="White mug", updated_at=PLACED, price=Money(1000, "GBP"), stock=0)
BARE = Product(sku="POT", title="Teapot", updated_at=PLACED)


def asked(intent: str, *products: Product, named: bool = True, **more: Any) -> Context:
    quantity = more.pop("quantity", None)
    meaning = Meaning(intent, 0.9, slots=Slots(quantity=quantity))
    shelf = Shelf(products=products, named=named and bool(products), stocked=more.pop("stocked", True))
    return chat_context(understood=Understanding("answer", (meaning,)), shelf=shelf, **more)


def said(actions: list[Action]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (each.template, {name: value for name, value in each.values.items() if name not in ("sku", "link")})
        for each in actions
        if isinstance(each, Say)
    ]


@pytest.mark.parametrize(
    ("product", "asks_back"),
    [(MUG, True), (BARE, False)],
)
def test_the_size_is_no_choice_for_what_has_none(product: Product, asks_back: bool) -> None:
    two = Understanding("ask", (Meaning("size_fit", 0.4), Meaning("price", 0.4)))
    context = chat_context(understood=two, shelf=Shelf(products=(product,), named=True, stocked=True))

    assert (
        "which_meaning" in [template for template, _ in said(decide(wrote("that one?"), context))]
    ) is asks_back


@pytest.mark.parametrize(
    ("intent", "template", "values"),
    [
        ("stock", "product_stock", {}),
        ("price", "product_price", {"price_minor": 1200, "currency": "GBP"}),
        ("size_fit", "product_sizes", {"sizes": "350 ml"}),
        ("material_care", "product_materials", {"materials": "porcelain", "care": "dishwasher"}),
        ("postage", "product_postage", {"postage_minor": 350, "currency": "GBP"}),
    ],
)
def test_what_the_shop_tells_of_a_product_answers_what_is_asked(
    intent: str, template: str, values: dict[str, Any]
) -> None:
    decided = decide(wrote("the blue mug?"), asked(intent, MUG))

    assert said(decided) == [(template, {"title": "Blue mug", **values})]
    assert not any(isinstance(each, CallHuman) for each in decided)


@pytest.mark.parametrize(
    "intent", ["stock", "price", "size_fit", "material_care", "postage", "product_question"]
)
def test_what_nobody_wrote_down_is_not_made_up_but_asked_of_a_person(intent: str) -> None:
    decided = decide(wrote("the teapot?"), asked(intent, BARE))

    assert [template for template, _ in said(decided)] == ["product_unknown"]
    assert [each.reason for each in decided if isinstance(each, CallHuman)] == ["product_unknown"]
    waiting = decide(wrote("the teapot?"), asked(intent, BARE, cases=(human_case(),)))
    assert [template for template, _ in said(waiting)] == ["human_again"]


@pytest.mark.parametrize(
    ("stock", "wanted", "left"),
    [(FEW, None, FEW), (FEW + 1, None, None), (9, 10, 9), (9, 9, None), (None, 99, None)],
)
def test_how_many_are_left_is_told_where_it_matters(
    stock: int | None, wanted: int | None, left: int | None
) -> None:
    mug = Product(sku="MUG-B", title="Blue mug", updated_at=PLACED, stock=stock)
    ((template, values),) = said(decide(wrote("in stock?"), asked("stock", mug, quantity=wanted)))

    assert (template, values.get("left")) == ("product_stock", left)


@pytest.mark.parametrize(
    ("stock", "more"),
    [(20, {"sum_minor": 12000}), (None, {"sum_minor": 12000}), (3, {"left": 3}), (UNSET, {}), (0, {})],
)
def test_the_price_of_ten_is_told_only_with_ten_in_stock(stock: Any, more: dict[str, Any]) -> None:
    mug = replace(MUG, stock=stock)
    decided = decide(wrote("blue mug, how much for 10?"), asked("price", mug, quantity=10))

    told = {"title": "Blue mug", "price_minor": 1200, "currency": "GBP", "pieces": 10}
    assert said(decided) == [("product_price", {**told, **more})]


def test_no_buyer_hears_the_floor() -> None:
    secret = replace(MUG, floor=Money(777, "GBP"))
    assert "777" not in str([decide(wrote("?"), asked(intent, secret)) for intent in FACTS])


def test_postage_of_nothing_is_free_and_not_a_price() -> None:
    free = replace(MUG, postage=Money(0, "GBP"))
    assert said(decide(wrote("postage?"), asked("postage", free))) == [
        ("product_postage", {"title": "Blue mug"})
    ]


def test_of_several_that_are_named_the_buyer_is_asked_which() -> None:
    decided = decide(wrote("how much is the mug?"), asked("price", MUG, WHITE))

    assert said(decided) == [("which_product", {"items": ["Blue mug", "White mug"]})]
    talk = talk_after(wrote("how much is the mug?"), asked("price", MUG, WHITE))
    assert talk.asked is not None
    assert (talk.asked.question, talk.asked.until) == ("which_product", PLACED + timedelta(hours=1) + LAPSES)


def test_without_a_name_what_the_talk_is_about_is_meant_and_else_it_is_asked() -> None:
    assert (
        said(decide(wrote("in stock?"), asked("stock", MUG, WHITE, named=False)))[0][1]["title"] == "Blue mug"
    )
    assert said(decide(wrote("in stock?"), asked("stock"))) == [("which_product", {"items": []})]
    assert [each for each, _ in said(decide(wrote("in stock?"), asked("stock", stocked=False)))] == [
        "product_unknown"
    ]
    assert [each for each, _ in said(decide(wrote("postage?"), asked("postage")))] == ["product_unknown"]


def chosen(text: str, *shelf: Product, named: bool = False, intent: str = "unknown") -> list[Action]:
    talk = talk_after(wrote("how much is the mug?"), asked("price", MUG, WHITE))
    chat = Conversation(channel="telegram", address="42", buyer="ann", talk=talk)
    known = Understanding("answer", (Meaning(intent, 0.9),))
    return decide(
        wrote(text, id="m2"),
        chat_context(
            conversation=chat, understood=known, shelf=Shelf(products=shelf, named=named, stocked=True)
        ),
    )


@pytest.mark.parametrize("text", ["2", "the second one", "第二个", "2.", "no. 2", "二"])
def test_an_item_is_chosen_by_its_place(text: str) -> None:
    assert said(chosen(text, MUG, WHITE))[0][1]["title"] == "White mug"


def test_an_item_is_chosen_by_its_name_and_another_wish_is_not_a_choice() -> None:
    assert said(chosen("the white one", WHITE, named=True))[0][1]["title"] == "White mug"
    assert [
        each for each, _ in said(chosen("is anybody there, a person please", MUG, WHITE, intent="person"))
    ] == ["human_coming"]


def test_the_talk_remembers_the_item() -> None:
    talk = talk_after(wrote("the blue mug?"), asked("stock", MUG))
    assert (talk.last, talk.product) == ("stock", "MUG-B")
    assert not any(isinstance(each, Ask) for each in decide(wrote("the blue mug?"), asked("stock", MUG)))


@pytest.mark.parametrize(
    ("text", "intent", "templates"),
    [
        ("does the price include VAT?", "price", ["product_unknown"]),
        ("does the blue mug price include VAT?", "price", ["product_unknown"]),
        ("how much is the blue mug with VAT?", "price", ["product_price", "product_unknown"]),
        ("稅金怎麼算", "price", ["product_unknown"]),
        ("青花杯含稅嗎", "price", ["product_unknown"]),
        ("要交关税吗", "postage", ["product_unknown"]),
        ("how much is the blue mug?", "price", ["product_price"]),
    ],
)
def test_a_question_about_tax_is_a_person_s_and_no_price(
    text: str, intent: str, templates: list[str]
) -> None:
    decided = decide(wrote(text), asked(intent, MUG))
    assert [template for template, _ in said(decided)] == templates


def test_the_name_of_an_item_that_was_ordered_is_no_wish_to_change_it() -> None:
    changes = Understanding("answer", (Meaning("change_order", 0.92),))
    context = chat_context(order_of(placed(), paid()), understood=changes, cases=(human_case(),))
    assert [each for each, _ in said(decide(wrote("the mug"), context))] == ["noted"]

"""What a buyer says about a price: for one piece or for all, in whose money, and when it is a yes."""

from decimal import Decimal
from typing import Any

import pytest

from bot.domain.meanings import Meaning, Slots, Understanding
from bot.domain.money import Money
from bot.domain.products import Product, Shelf
from bot.domain.quotes import Goods
from bot.domain.talks import NO_TALK, Asked, Talk
from handlers.haggling_words import haggles, number_in, says_each, says_yes
from handlers.heard_offer import Heard, heard_after_a_price, heard_in, read, written
from tests.handlers.world import PLACED, chat_context, hours, wrote

MUG = Goods(sku="MUG-1", title="Mug", price=Money(2500, "GBP"))


def heard(text: str, **slots: Any) -> Heard:
    return heard_in(Meaning("discount", 0.9, slots=Slots(**slots)), wrote(text), chat_context())


@pytest.mark.parametrize(
    ("text", "title", "quantity"),
    [
        ("would you take $50 for the tea set for six?", "Tea set for six", None),
        ("盖碗茶具六件套 300 块卖吗", "盖碗茶具六件套", None),
        ("six mugs for $50", "Mug", 6),
        ("6个六件套", "六件套", 6),
    ],
)
def test_a_number_that_is_part_of_the_items_name_is_no_number_of_pieces(
    text: str, title: str, quantity: int | None
) -> None:
    product = Product(sku="SET-1", title=title, updated_at=PLACED, price=Money(6400, "GBP"))
    there = chat_context(shelf=Shelf(products=(product,), named=True, stocked=True))
    meaning = Meaning("discount", 0.9, slots=Slots(quantity=6))

    assert heard_in(meaning, wrote(text), there).quantity == quantity


@pytest.mark.parametrize(
    ("said", "quantity", "amount"),
    [
        (Heard(amount=Decimal(20)), 1, 2000),
        (Heard(amount=Decimal(40), quantity=2), 2, 4000),
        (Heard(amount=Decimal(20), quantity=2, each=True), 2, 4000),
        (Heard(amount=Decimal(20)), 3, 6000),
        (Heard(amount=Decimal(60)), 3, 6000),
        (Heard(amount=Decimal("19.999")), 1, 2000),
        (Heard(amount=Decimal("1e30")), 1, None),
        (Heard(off=20), 2, 4000),
        (Heard(off=15, amount=Decimal(25)), 1, 2125),
        (Heard(), 1, None),
    ],
)
def test_a_sum_is_for_all_that_the_same_words_name_else_for_one_if_one_costs_as_much(
    said: Heard, quantity: int, amount: int | None
) -> None:
    assert said.amount_for(MUG, quantity) == amount


def test_an_absurd_number_of_pieces_is_cut() -> None:
    assert [Heard(quantity=pieces).pieces(2) for pieces in (None, 0, 3, 10**9)] == [2, 2, 3, 9999]


@pytest.mark.parametrize(
    ("text", "sign", "currency"),
    [
        ("80元行吗", "CNY", None),
        ("80塊可以嗎", "TWD", None),
        ("80 RMB?", "CNY", "CNY"),
        ("80台币", "TWD", "TWD"),
        ("how about 15 USD", "USD", "USD"),
        ("15?", None, None),
    ],
)
def test_signs_that_several_countries_use_name_no_other_currency(
    text: str, sign: str | None, currency: str | None
) -> None:
    assert heard(text, amount=Decimal(80), currency=sign).currency == currency


def test_what_a_message_names_is_read_also_where_its_meaning_is_not_sure() -> None:
    slots = Slots(amount=Decimal(80), postage_free=True)
    guessed = Understanding("hand_over", (Meaning("discount", 0.2, slots=slots),), guessed=True)
    said = heard_in(Meaning("unknown", 0.0), wrote("80包邮行不行"), chat_context(understood=guessed))
    assert (said.amount, said.postage_free) == (Decimal(80), True)


@pytest.mark.parametrize(
    ("text", "number"),
    [("85", "85"), ("85?", "85"), ("那 85 呢", "85"), ("£1,250.50 then", "1250.50"), ("8.5", "8.5")],
)
def test_after_a_price_a_number_alone_is_an_offer(text: str, number: str) -> None:
    assert number_in(text) == Decimal(number)
    assert heard_after_a_price(Meaning("unknown", 0.0), wrote(text), chat_context()).amount == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "ok", "3 or 4?", "order 1001 and where is it by the way", "1" * 40, "٣"]
)
def test_no_number_or_more_than_one_is_no_offer(text: str) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("好的", "成交！", "那就这样吧", "那我要了", "可以，谢谢", "這個價可以"),
        *("OK", "ok deal", "Yes please", "it's a deal", "sounds good, thanks"),
    ],
)
def test_a_yes_takes_the_price(text: str) -> None:
    assert says_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("可以便宜点吗", "行不行", "不行", "好贵", "thanks", "谢谢"),
        *("ok?", "no deal", "好的 80", "", "ok " * 60),
    ],
)
def test_a_question_a_no_or_thanks_is_no_yes(text: str) -> None:
    assert not says_yes(text)


def test_a_price_for_each_is_one_for_each() -> None:
    assert all(map(says_each, ("20 each", "每个20", "3个，一个20", "单价20")))
    assert not says_each("20 for both")


def test_an_offer_is_remembered_while_the_buyer_is_asked_which_item() -> None:
    said = Heard(amount=Decimal("15.5"), currency="GBP", quantity=2, postage_free=True, each=True)
    assert read(written(Heard(off=20))) == Heard(off=20)
    assert read(written(said)) == said
    assert read(written(Heard())) == Heard()


@pytest.mark.parametrize(
    ("text", "may"),
    [("能便宜点吗", True), ("any discount", True), ("85", True), ("谢谢", False), ("hello", False)],
)
def test_quotes_are_read_for_what_may_be_about_a_price(text: str, may: bool) -> None:
    assert haggles(text, NO_TALK) is may
    asked = Talk(asked=Asked("haggle_price", PLACED, PLACED + hours(1)))
    assert haggles(text, asked)

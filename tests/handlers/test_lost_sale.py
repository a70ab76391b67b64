"""What is sold out: told kindly, with what is like it within the budget, and remembered until it is back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.actions import Action, Ask, EndStockWish, Say, WishForStock
from bot.domain.context import Conversation
from bot.domain.meanings import Meaning, Slots, Understanding
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.products import Product, Shelf
from bot.domain.shop import FollowUps
from bot.domain.stock_wishes import StockWish
from bot.domain.talks import Talk
from handlers.lost_sale import why_not_back
from tests.handlers.world import (
    ANN,
    PLACED,
    SHOP,
    chat_context,
    decide,
    hours,
    order_of,
    placed,
    talk_after,
    wrote,
)

POT = Product(sku="POT", title="Teapot", updated_at=PLACED, price=Money(4000, "GBP"), stock=0)
BLUE = replace(
    POT, sku="POT-B", title="Blue teapot", price=Money(5000, "GBP"), stock=1, url="https://shop.example/b"
)
RED = replace(BLUE, sku="POT-R", title="Red teapot", price=Money(6000, "GBP"), url=None)
CHEAP = replace(BLUE, sku="POT-C", title="Small teapot", price=Money(1500, "GBP"), url=None)
DOLLARS = replace(BLUE, sku="POT-D", title="US teapot", price=Money(100, "USD"))
FREE_TEXT = replace(BLUE, sku="POT-F", title="Teapot on request", price=None)
ALIKE = {"POT": (BLUE, RED, CHEAP, DOLLARS, FREE_TEXT)}


def asked(amount: str | None = None, currency: str | None = None, **more: Any) -> Any:
    slots = Slots(amount=Decimal(amount) if amount else None, currency=currency)
    shelf = Shelf(products=(POT,), alike=more.pop("alike", ALIKE), named=True, stocked=True)
    understood = Understanding("answer", (Meaning(more.pop("intent", "stock"), 0.9, slots=slots),))
    return chat_context(understood=understood, shelf=shelf, **more)


def the(actions: list[Action], kind: type) -> Any:
    (found,) = [each for each in actions if isinstance(each, kind)]
    return found


@pytest.mark.parametrize(
    ("amount", "currency", "offered"),
    [
        (None, None, ["Blue teapot", "Small teapot"]),  # not much dearer
        ("60", None, ["Blue teapot", "Red teapot", "Small teapot"]),
        ("20", "GBP", ["Small teapot"]),
        ("10", None, None),
        ("20", "USD", ["Blue teapot", "Small teapot"]),  # in no currency of ours
        ("9" * 30, None, ["Blue teapot", "Small teapot"]),
    ],
)
def test_what_is_like_it_is_offered_within_the_budget(
    amount: str | None, currency: str | None, offered: list[str] | None
) -> None:
    said = the(decide(wrote("the teapot?"), asked(amount, currency)), Say)
    assert said.template == "product_sold_out"
    assert said.values.get("others") == offered


def test_the_wish_is_remembered_for_the_time_of_the_settings() -> None:
    decided = decide(wrote("the teapot?"), asked())
    now = asked().now
    assert the(decided, WishForStock) == WishForStock(
        sku="POT", title="Teapot", until=now + timedelta(days=60)
    )
    assert the(decided, Say).values["noted"] is True

    never = SHOP.model_copy(update={"followups": FollowUps(restock=timedelta(0))})
    decided = decide(wrote("the teapot?"), asked(shop=never))
    assert the(decided, Say).values["noted"] is False
    assert not any(isinstance(each, WishForStock | Ask) for each in decided)


def after(text: str, **more: Any) -> list[Action]:
    talk = talk_after(wrote("the teapot?"), asked())
    chat = Conversation(channel="telegram", address="42", buyer="ann", talk=talk)
    return decide(wrote(text, id="m2"), asked(conversation=chat, **more))


@pytest.mark.parametrize(
    "text", ["No", "no thanks", "No, thank you!", "never mind", "不用了", "不用，谢谢", "算了", "不需要。"]
)
def test_a_no_ends_the_wish(text: str) -> None:
    decided = after(text, intent="acknowledged")
    assert the(decided, EndStockWish).sku == "POT"
    assert the(decided, Say).template == "restock_unwanted"


@pytest.mark.parametrize("text", ["no idea, is it here?", "ok thanks", "好的"])
def test_other_words_end_nothing(text: str) -> None:
    assert not any(isinstance(each, EndStockWish) for each in after(text, intent="acknowledged"))


def test_a_budget_that_is_named_later_is_answered_and_may_be_changed() -> None:
    decided = after("anything for 20?", amount="20", intent="unknown")
    said = the(decided, Say)
    assert (said.template, said.values["others"]) == ("product_alike", ["Small teapot"])
    assert "others" not in the(after("for 5?", amount="5", intent="unknown"), Say).values


@pytest.mark.parametrize(
    "text",
    ["anything under 20?", "up to 20 please", "有没有20以内的", "20块左右的有吗", "20元以下", "不超过20的"],
)
def test_a_number_with_words_of_a_limit_is_a_budget(text: str) -> None:
    assert the(after(text, intent="unknown"), Say).values["others"] == ["Small teapot"]


@pytest.mark.parametrize("text", ["order 20?", "20", "under 1234567890123", "以内"])
def test_a_number_alone_is_none(text: str) -> None:
    assert "product_alike" not in [
        each.template for each in after(text, intent="unknown") if isinstance(each, Say)
    ]


# Whether it is still true when it is sent

WISH = StockWish(
    sku="POT",
    channel="telegram",
    address="42",
    title="Teapot",
    asked_at=PLACED,
    lapses_at=PLACED + timedelta(days=60),
    told_at=PLACED + hours(5),
)
BACK = replace(POT, stock=2)


def why(**known: Any) -> str | None:
    due = DueMessage(
        key=WISH.key,
        template="item_restocked",
        category="service",
        due_at=PLACED + hours(5),
        created_at=PLACED + hours(5),
        lateness=hours(72),
        values={"sku": "POT", "title": "Teapot", "asked_at": PLACED.isoformat(), "try": 0},
    )
    now = known.pop("now", PLACED + hours(6))
    facts = Facts(**{"shop": SHOP, "buyer": ANN, "product": BACK, "wish": WISH, **known})
    found = why_not_back(due, facts, now)
    return found.code if found else None


def bought(at: Any, sku: str = "POT") -> Any:
    order = order_of(placed())
    return replace(order, placed_at=at, lines=(replace(order.lines[0], sku=sku),))


def talked(at: Any, last: str = "stock", product: str = "POT", address: str = "42") -> Any:
    talk = Talk(last=last, last_at=at, product=product)
    return (Conversation(channel="telegram", address=address, buyer="ann", talk=talk),)


def test_it_is_told_while_it_is_true_and_they_wait() -> None:
    assert why() is None
    assert why(product=replace(POT, stock=None)) is None
    assert why(orders=(bought(PLACED - hours(1)), bought(PLACED + hours(1), "CUP"))) is None
    assert why(conversations=talked(PLACED)) is None
    assert why(conversations=talked(PLACED + hours(1), last="price")) is None
    assert why(conversations=talked(PLACED + hours(1), product="CUP")) is None


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"product": POT}, "gone_again"),
        ({"product": None}, "gone_again"),
        ({"orders": (bought(PLACED + hours(1)),)}, "bought_since"),
        ({"conversations": talked(PLACED + hours(1))}, "told_in_chat"),
        ({"wish": None}, "wish_over"),
        ({"wish": replace(WISH, lapses_at=PLACED + hours(6))}, "wish_over"),
        ({"wish": replace(WISH, asked_at=PLACED + hours(1))}, "wish_over"),
        ({"wish": replace(WISH, tries=1)}, "wish_over"),
        ({"wish": replace(WISH, told_at=None)}, "wish_over"),
        ({"product": POT, "wish": None}, "wish_over"),
    ],
)
def test_what_no_longer_holds_is_not_told(known: dict[str, Any], code: str) -> None:
    assert why(**known) == code

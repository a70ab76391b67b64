"""A quote is recognised in the order that uses it, once, and the seller is shown the price to change."""

from typing import Any

import msgspec
import pytest

from bot.domain.actions import Action, CloseCase, MakeQuote, OpenCase, Say
from bot.domain.context import Buyer, Context
from bot.domain.events import Line
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.quotes import Goods, Quote
from handlers.quotes import honour, recognise, why_not_say
from tests.handlers.world import PLACED, SHOP, cancelled, chat_context, hours, order_of, placed, refunded

MUG = Goods(sku="MUG-1", title="Mug", price=Money(6000, "CNY"))
QUOTE = Quote(
    number=101,
    channel="telegram",
    address="42",
    buyer="ann",
    goods=MUG,
    quantity=2,
    price=Money(10400, "CNY"),
    state="accepted",
    opened_at=PLACED - hours(1),
    valid_until=PLACED + hours(23),
)


def ordered(price: int = 6000, quantity: float = 2, sku: str = "MUG-1", currency: str = "CNY") -> Order:
    line = Line(title="Mug", quantity=quantity, price=Money(price, currency), sku=sku)
    return order_of(placed(lines=(line,), postage=Money(800, "CNY")))


def honoured(of: Order, **known: Any) -> list[Action]:
    quote = msgspec.structs.replace(QUOTE, **known)
    return honour(of, Context(now=PLACED, shop_id="mugs", shop=SHOP, order=of, quotes=(quote,)))


def test_the_seller_is_shown_the_price_to_change_and_the_buyer_is_told() -> None:
    used, case, said = honoured(ordered())
    assert used == MakeQuote(quote=msgspec.structs.replace(QUOTE, state="used", order="1001"))
    assert isinstance(case, OpenCase)
    assert (case.kind, case.key, case.reason) == ("quote", "quote:101", "quote_to_honour")
    assert case.details == {
        "order": "1001",
        "quote": "Q101",
        "item": "2 × Mug",
        "total": "120.00 CNY",
        "amount": "104.00 CNY",
        "postage_free": False,
    }
    assert isinstance(said, Say)
    assert (said.template, said.key, said.at) == ("quote_seen", "quote_seen:101", PLACED)


@pytest.mark.parametrize(
    "known",
    [
        {"state": "open"},
        {"state": "used", "order": "1000"},
        {"quantity": 3},
        {"valid_until": PLACED - hours(0.1)},
        {"opened_at": PLACED + hours(0.1)},
        {"goods": msgspec.structs.replace(MUG, sku="POT-1")},
        {"price": Money(10400, "USD")},
    ],
)
def test_what_is_not_agreed_or_is_about_something_else_is_not_recognised(known: dict[str, Any]) -> None:
    assert honoured(ordered(), **known) == []


def test_an_order_that_costs_no_more_uses_the_quote_and_needs_nobody() -> None:
    for price in (5200, 5000):
        assert [type(action) for action in honoured(ordered(price))] == [MakeQuote]


def test_free_postage_that_is_charged_is_to_be_changed() -> None:
    assert len(honoured(ordered(5200), postage_free=True)) == 3


def test_once_used_it_is_not_recognised_again_and_the_changed_price_closes_its_case() -> None:
    used: dict[str, Any] = {"state": "used", "order": "1001"}
    assert honoured(ordered(), **used) == []
    assert honoured(ordered(5200), **used) == [CloseCase(key="quote:101")]


def test_an_order_that_was_called_off_needs_no_other_price() -> None:
    line = Line(title="Mug", quantity=2, price=MUG.price, sku="MUG-1")
    order = order_of(placed(lines=(line,)), cancelled())
    assert [type(action) for action in honoured(order)] == [MakeQuote]


def test_a_chat_that_proves_an_order_is_recognised_by_it() -> None:
    assert len(recognise(chat_context(ordered(), quotes=(QUOTE,)))) == 3
    assert len(recognise(chat_context(linked_order=ordered(), quotes=(QUOTE,)))) == 3
    assert recognise(chat_context(ordered())) == []


def test_the_buyer_is_told_only_while_the_price_is_to_be_changed() -> None:
    (*_, said) = honoured(ordered())
    assert isinstance(said, Say)
    due = DueMessage(
        key=said.key, template=said.template, category="service", due_at=PLACED, created_at=PLACED,
        lateness=hours(1), values=said.values, order="1001",
    )  # fmt: skip

    def outdated(order: Order) -> str | None:
        facts = Facts(shop=SHOP, buyer=Buyer(id="ann"), order=order)
        why = why_not_say(due, order, facts, PLACED)
        return why.code if why else None

    line = Line(title="Mug", quantity=2, price=MUG.price, sku="MUG-1")
    assert outdated(ordered()) is None
    assert outdated(ordered(5200)) == "quote_used"
    assert outdated(order_of(placed(lines=(line,)), cancelled())) == "order_cancelled"
    assert outdated(order_of(placed(lines=(line,)), refunded(100))) == "order_refunded"

"""Answers from the settings, and a person where they say nothing."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.actions import CallHuman, OpenCase
from bot.domain.context import Case, Context
from bot.domain.meanings import Meaning, Slots, Understanding
from bot.domain.shop import Account, Payment, Seller, WorkingHours
from tests.handlers.world import (
    PLACED,
    answers,
    chat_context,
    decide,
    delivered,
    order_of,
    paid,
    placed,
    shipped,
    shop_with,
    wrote,
)

PAYMENT = Payment(accounts=(Account(bank="招商银行", number="6225"),))


def asked(intent: str, *orders: Any, **settings: Any) -> Context:
    meant = Understanding("answer", (Meaning(intent, 0.95),))
    return chat_context(*orders, shop=shop_with(**settings), understood=meant)


def test_how_to_pay_is_told_with_the_order_that_is_to_be_paid() -> None:
    [said] = decide(wrote("how do I pay?"), asked("how_to_pay", order_of(placed()), payment=PAYMENT))
    assert (said.template, said.order) == ("how_to_pay", "1001")  # type: ignore[union-attr]
    [said] = decide(wrote("how do I pay?"), asked("how_to_pay", payment=PAYMENT))
    assert (said.template, said.order) == ("how_to_pay", None)  # type: ignore[union-attr]


def test_a_way_to_pay_that_no_setting_names_is_not_denied_and_a_person_is_asked() -> None:
    context = asked("how_to_pay", payment=PAYMENT)
    said, call = decide(wrote("Can I pay by PayPal?"), context)

    assert (said.template, said.values) == ("how_to_pay", {"unsure": ["PayPal"]})  # type: ignore[union-attr]
    assert isinstance(call, CallHuman)


def test_who_cannot_pay_has_a_case_of_the_order_whoever_waits_already() -> None:
    def case(reason: str, order: str | None = None) -> Case:
        return Case(number=1, kind="human", key="k", reason=reason, opened_at=PLACED, order=order)

    context, words = asked("payment_failed", order_of(placed())), wrote("the page is broken")
    said, call = decide(words, context)
    assert isinstance(call, CallHuman)
    assert (said.template, call.reason, call.order) == ("asking_person", "payment_failed", "1001")  # type: ignore[union-attr]

    said, own = decide(words, replace(context, cases=(case("asked_for_person"),)))
    assert isinstance(own, OpenCase)
    assert (own.reason, own.order) == ("payment_failed", "1001")

    again = decide(words, replace(context, cases=(case("payment_failed", "1001"),)))
    assert not [action for action in again if isinstance(action, OpenCase)]


def test_whoever_has_paid_is_not_told_how_to() -> None:
    context = asked("how_to_pay", order_of(placed(), paid()), payment=PAYMENT)
    assert answers(wrote("how do I pay?"), context) == ["payment_status"]


@pytest.mark.parametrize("intent", ["how_to_pay", "contact", "opening_hours"])
def test_what_the_settings_do_not_say_a_person_is_asked(intent: str) -> None:
    decided = decide(wrote("well?"), asked(intent))
    assert [action.reason for action in decided if isinstance(action, CallHuman)] == ["not_told_us"]
    assert answers(wrote("well?"), asked(intent)) == ["asking_person"]


@pytest.mark.parametrize(
    ("intent", "settings"),
    [
        ("contact", {"seller": Seller(contact="020 7946 0000")}),
        ("opening_hours", {"seller": Seller(contact="020 7946 0000")}),
        ("opening_hours", {"working_hours": WorkingHours()}),
        ("is_bot", {}),
        ("praise", {}),
    ],
)
def test_what_they_say_is_answered(intent: str, settings: dict[str, Any]) -> None:
    assert answers(wrote("well?"), asked(intent, **settings)) == [intent]


@pytest.mark.parametrize(
    ("text", "intent", "said"),
    [
        ("how much do I pay for order #1001?", "price", ["how_to_pay"]),
        ("what do I owe for order 1001", "price", ["how_to_pay"]),
        ("订单1001要付多少钱", "price", ["how_to_pay"]),
        ("我的訂單總共多少錢", "price", ["how_to_pay"]),
        ("how much is order #9009?", "price", ["which_order"]),
        ("how much will you refund for order 1001?", "refund_status", ["refund_status"]),
    ],
)
def test_what_an_order_comes_to_is_no_question_about_an_item(text: str, intent: str, said: list[str]) -> None:
    understood = Understanding("answer", (Meaning(intent, 0.9),))
    shop = shop_with(payment={"link": "https://pay.example"})

    assert answers(wrote(text), chat_context(order_of(placed()), shop=shop, understood=understood)) == said


@pytest.mark.parametrize(
    ("text", "taken_for"),
    [
        ("how much is left?", "price"),
        ("I paid 10 pounds, how much is left?", "price"),
        ("how much do I still have to pay?", "how_to_pay"),
        ("How much do I owe you?", "price"),
        ("thanks, what is the total?", "price"),
        ("还差多少钱", "price"),
        ("我还要付多少", "price"),
        ("總共多少錢", "price"),
    ],
)
def test_what_is_left_to_pay_is_told_from_the_order(text: str, taken_for: str) -> None:
    partly, whole = order_of(placed(), paid(minor=1000)), order_of(placed(), paid())
    slots = Slots(amount=Decimal(10)) if "10" in text else Slots()
    meant = Understanding("answer", (Meaning(taken_for, 0.95, slots=slots),))

    def told(order: Any) -> list[str]:
        known = chat_context(order, shop=shop_with(payment=PAYMENT), understood=meant)
        return answers(wrote(text), known)

    assert (told(partly), told(whole)) == (["how_to_pay"], ["payment_status"])


@pytest.mark.parametrize(
    "text",
    [
        *("how much do I have to pay the driver?", "how much do I pay when I collect it?"),
        *("到货要付多少钱", "取貨時要付多少"),
    ],
)
def test_what_the_driver_is_paid_is_told_from_the_order(text: str) -> None:
    sent = order_of(placed(pay_on_delivery=True), shipped())
    assert answers(wrote(text), asked("postage", sent, payment=PAYMENT)) == ["payment_status"]


@pytest.mark.parametrize(
    "text", ["how much is left in stock?", "how much is shipping?", "what is the mug in total?"]
)
def test_what_an_item_costs_is_no_question_about_an_old_order(text: str) -> None:
    done = order_of(placed(), paid(), shipped(), delivered())
    assert answers(wrote(text), asked("price", done, payment=PAYMENT)) == ["product_unknown"]

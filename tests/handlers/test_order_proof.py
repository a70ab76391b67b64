"""Whose order is it: proved by its number and the last four digits of its phone, in few tries."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import Action, CallHuman, CountTry, JoinBuyer, Say
from bot.domain.context import Buyer, Context, Conversation
from handlers.order_proof import last_fours_in, order_numbers_in
from tests.handlers import world
from tests.handlers.world import (
    ANN,
    PLACED,
    answers,
    chat_context,
    days,
    decide,
    hours,
    human_case,
    order_of,
    wrote,
)

ORDER = order_of(world.placed())


def stranger(found: bool = True, tries: int = 0, since: Any = PLACED, **known: Any) -> Context:
    """A new buyer writes; the order that they name is Ann's, if it was found."""
    chat = Conversation(channel="telegram", address="42", buyer="x", tries=tries, tries_since=since)
    named = {"named_order": ORDER, "named_buyer": ANN} if found else {}
    return chat_context(**{"buyer": Buyer(id="x"), "conversation": chat, **named, **known})


def test_a_stranger_without_a_number_is_asked_for_both_in_one_message() -> None:
    assert answers(wrote("where is my order"), stranger(found=False)) == ["which_order"]
    assert answers(wrote("where is my order 1001"), stranger()) == ["which_order"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1001 8000",
            "where is my order 1001, phone 8000",
            "订单1001，手机尾号8000",
            "１００１　８０００",
            "#1001 8000",
        ),
        *("order 1001, +8613800008000", "1001 后四位 8000 到哪了", "訂單1001 電話後四碼8000"),
        *("where is 1001? phone 8000, bought in 2026, my parcel",),
    ],
)
def test_the_right_number_and_digits_join_the_chat_to_the_orders_buyer(text: str) -> None:
    join, answer = decide(wrote(text), stranger())

    assert join == JoinBuyer(order="1001")
    assert isinstance(answer, Say)
    assert (answer.template, answer.order) == ("where_is_order", "1001")


def test_the_question_asked_along_with_the_proof_is_the_one_answered() -> None:
    assert answers(wrote("Has my payment come? Order 1001, phone 8000"), stranger()) == ["payment_status"]


def test_wrong_digits_and_a_wrong_number_get_the_same_words_and_count_as_tries() -> None:
    wrong_digits = decide(wrote("1001 8001"), stranger())
    wrong_number = decide(wrote("1001 8001"), stranger(found=False))

    assert wrong_digits == wrong_number
    assert wrong_digits[0] == CountTry()
    assert answers(wrote("1001 8001"), stranger()) == ["not_matched"]


def test_several_digits_in_one_message_are_a_guess_and_no_proof() -> None:
    assert answers(wrote("1001 8000 8001 8002"), stranger()) == ["not_matched"]


def test_an_order_without_a_phone_cannot_be_proved() -> None:
    assert answers(wrote("1001 8000"), stranger(named_buyer=Buyer(id="b"))) == ["not_matched"]


def test_after_too_many_tries_a_person_is_called_and_nothing_revealed() -> None:
    answer, call = decide(wrote("1001 8000"), stranger(tries=5))

    assert isinstance(answer, Say)
    assert answer.template == "human_coming"
    assert call == CallHuman(reason="proof_failed", details={"tries": 5})
    assert decide(wrote("1001 8000"), stranger(tries=5, cases=(human_case(),))) == []


def test_tries_are_forgotten_after_a_day() -> None:
    context = stranger(tries=5, since=PLACED - days(2))

    assert decide(wrote("1001 8000"), context)[0] == JoinBuyer(order="1001")


@given(st.text(alphabet="0123456789 -#,order号", max_size=60))
def test_no_message_joins_without_the_right_digits(text: str) -> None:
    actions: list[Action] = decide(wrote(text), stranger())

    if any(isinstance(action, JoinBuyer) for action in actions):
        assert "8000" in text


@given(st.text(max_size=200))
def test_one_message_looks_up_few_numbers(text: str) -> None:
    assert len(order_numbers_in(text)) <= 6


def test_a_price_or_an_amount_is_no_orders_number() -> None:
    assert order_numbers_in("I paid 128.00 for 2 mugs, 60元") == ()


def test_long_and_lettered_numbers_are_found() -> None:
    assert order_numbers_in("E20261120082100001在哪")[0] == "E20261120082100001"
    assert order_numbers_in("my order WC-1001 please")[0] == "WC-1001"
    assert order_numbers_in("order #7?")[0] == "7"


def test_the_digits_are_what_stands_beside_the_number() -> None:
    assert last_fours_in("1001 1001", "1001") == ("1001",)
    assert last_fours_in("1001", "1001") == ()


def test_the_clock_of_tries_is_the_days() -> None:
    assert answers(wrote("1001 8001"), stranger(tries=5, since=PLACED - hours(22))) == ["human_coming"]

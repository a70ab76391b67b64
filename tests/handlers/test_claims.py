"""Claims of payment: the seller confirms them, once at a time for each order."""

import msgspec
import pytest

from bot.domain.actions import CallHuman, CountTry, NoteBuyer, OpenCase, Say
from bot.domain.context import Case
from bot.domain.meanings import Meaning
from bot.domain.orders import Order
from handlers.claims import claim, claimed, i_paid, take_form
from tests.handlers import world
from tests.handlers.world import ANN, PLACED, chat_context, human_case, keys_of, order_of, wrote

UNPAID = order_of(world.placed())
PAID = order_of(world.placed(), world.paid())
PARTLY = order_of(world.placed(), world.paid(minor=5000))
OPEN = Case(number=3, kind="payment_claim", key="x", reason="payment_claimed", opened_at=PLACED, order="1001")
PAYMENT = Meaning("i_paid", 0.9)
FORM = {"bank": "ICBC", "amount": "128.00"}


@pytest.mark.parametrize(
    ("case", "counts"),
    [
        (OPEN, True),
        (msgspec.structs.replace(OPEN, closed_at=PLACED), False),
        (msgspec.structs.replace(OPEN, order="1002"), False),
        (msgspec.structs.replace(OPEN, kind="human"), False),
    ],
)
def test_only_an_open_claim_of_this_order_keeps_a_second_one_from_being_opened(
    case: Case, counts: bool
) -> None:
    context = chat_context(UNPAID, cases=(case,))

    assert claimed(UNPAID, context) is counts
    assert keys_of(claim(UNPAID, wrote("paid"), context)) == ["payment_claimed:telegram:m1"]
    assert any(isinstance(action, OpenCase) for action in claim(UNPAID, wrote("paid"), context)) is not counts


def test_a_part_of_the_payment_leaves_the_claim_for_the_rest_to_the_seller() -> None:
    of_part = i_paid(PAYMENT, wrote("I paid"), chat_context(PARTLY))
    assert [type(action) for action in of_part] == [OpenCase, Say]


@pytest.mark.parametrize("order", [PAID, order_of(world.placed(authorised=True))])
def test_who_owes_nothing_claims_nothing(order: Order) -> None:
    assert keys_of(i_paid(PAYMENT, wrote("I paid"), chat_context(order))) == ["payment_status:telegram:m1"]


def test_each_message_claims_under_a_key_of_its_own_because_a_rejected_claim_may_be_repeated() -> None:
    first, again, form = (
        i_paid(PAYMENT, wrote("I paid"), chat_context(UNPAID))[0],
        i_paid(PAYMENT, wrote("I paid", id="m2"), chat_context(UNPAID))[0],
        take_form(FORM, wrote("form", id="m3"), chat_context(UNPAID))[0],
    )

    assert isinstance(first, OpenCase)
    assert isinstance(again, OpenCase)
    assert isinstance(form, OpenCase)
    assert {first.key, again.key, form.key} == {
        f"payment_claim:1001:telegram:{id}" for id in ("m1", "m2", "m3")
    }


def test_a_form_claims_also_while_an_earlier_claim_waits_because_it_says_more() -> None:
    case, _ = take_form(FORM, wrote("form"), chat_context(UNPAID, cases=(OPEN,)))

    assert isinstance(case, OpenCase)
    assert case.details == {**FORM, "order": "1001"}


def test_a_form_that_names_an_order_of_another_buyer_is_no_claim_for_the_only_unpaid_one() -> None:
    actions = take_form({**FORM, "order": "4711"}, wrote("form"), chat_context(UNPAID))

    assert not any(isinstance(action, OpenCase) for action in actions)
    assert isinstance(actions[-1], CallHuman)


def test_a_try_to_prove_an_order_by_a_form_counts_also_while_a_person_is_called() -> None:
    context = chat_context(
        buyer=msgspec.structs.replace(ANN, id="x"),
        named_orders=(UNPAID,),
        cases=(human_case(),),
    )

    actions = take_form({**FORM, "order": "1001"}, wrote("Order: 1001\nPhone: 13911112222"), context)

    assert [type(action) for action in actions] == [CountTry, NoteBuyer, Say]

"""Which order is meant: the one that is named, else the newest in question, and never another buyer's."""

import msgspec
import pytest

from bot.domain.actions import Action, CountTry, NoteBuyer, OpenOrder
from bot.domain.contacts import Contacts, Told
from bot.domain.context import Buyer
from bot.domain.orders import Order
from handlers.which_order import PAYABLE, about_order, named_order, own_order
from tests.handlers import world
from tests.handlers.world import PLACED, chat_context, keys_of, order_of, wrote

UNPAID = order_of(world.placed(order="1003"))
PAID = order_of(world.placed(order="1002"), world.paid(order="1002"))
GONE = order_of(world.placed(), world.delivered())  # 1001
ALL = chat_context(GONE, PAID, UNPAID)  # the newest first


def number_of(order: Order | None) -> str | None:
    return order.id if order else None


@pytest.mark.parametrize(
    ("text", "states", "meant"),
    [
        ("where is it", None, "1002"),  # 1001 is over
        ("I paid", PAYABLE, "1003"),
        ("where is it", ("cancelled",), "1001"),  # none fits, so it is the newest
        ("where is 1001", None, "1001"),
        ("I paid order 1002", PAYABLE, "1002"),  # its name counts for more than its state
        ("where is order 4711", None, None),
        ("where is 4711?", None, None),  # and is written as theirs are, where the question points at it
        ("I've paid 128 for 4711", PAYABLE, None),
        ("4711到哪了", None, None),
        ("is it ready for 12?", None, "1002"),
        ("call me at 4711", None, "1002"),  # a number that is not called an order's
        ("4711 8000", None, None),  # unless it stands beside four digits and nothing else: a proof
        ("4711 尾号8000", None, None),
        ("INV-2026/0042 8000", PAYABLE, None),
        ("1001 8000", None, "1001"),
        ("8000", None, "1002"),
    ],
)
def test_the_named_order_is_meant_else_the_newest_in_a_fitting_state(
    text: str, states: tuple[str, ...] | None, meant: str | None
) -> None:
    assert number_of(own_order(wrote(text), ALL, states)) == meant


def test_a_buyer_without_orders_means_none() -> None:
    assert own_order(wrote("where is it"), chat_context(), None) is None


@pytest.mark.parametrize("number", ["1002", "#1002"])
def test_an_order_is_known_by_its_number_with_and_without_a_hash(number: str) -> None:
    assert named_order([number], ALL) == PAID


def test_of_several_numbers_the_newest_order_that_has_one_is_meant() -> None:
    assert named_order(["1003", "1001"], ALL) == GONE
    assert named_order(iter(["4711", "1003"]), ALL) == UNPAID
    assert named_order([], ALL) is None


def about(text: str, *orders: Order) -> list[Action]:
    known = chat_context(*orders, buyer=Buyer(id="x"), named_orders=(PAID,))
    return about_order(wrote(text), known, lambda order: [answered(order.id)])


def answered(order: str) -> Action:
    return NoteBuyer(text=f"answered {order}")


def test_an_order_of_another_buyer_is_answered_only_with_the_digits_of_its_phone() -> None:
    proved = about("order 1002, phone 8000", UNPAID)

    assert proved == [OpenOrder(order="1002", how="digits"), answered("1002")]
    assert keys_of(about("where is order 1002", UNPAID)) == ["which_order:telegram:m1"]
    assert about("order 1002, phone 8001", UNPAID)[0] == CountTry(orders=("1002",))


def test_the_buyers_own_order_needs_no_proof() -> None:
    assert about("where is it", UNPAID) == [answered("1003")]


def about_one_of_two(text: str) -> list[Action]:
    """A chat that knows 1002 writes, and another system has an order of that number, too."""
    contacts = Contacts(phone=Told("+447700905823", PLACED))
    other = msgspec.structs.replace(PAID, id="1002@shopify", own_id="1002", buyer=None, contacts=contacts)
    known = chat_context(PAID, buyer=Buyer(id="x"), named_orders=(PAID, other))
    return about_order(wrote(text), known, lambda order: [answered(order.id)])


@pytest.mark.parametrize("text", ["1002 5823", "#1002 尾号5823"])
def test_of_two_orders_with_one_number_the_digits_open_the_one_that_is_not_known_yet(text: str) -> None:
    assert about_one_of_two(text) == [OpenOrder(order="1002@shopify", how="digits"), answered("1002@shopify")]


def test_the_last_digits_of_a_phone_may_be_the_number_of_an_order_they_know() -> None:
    contacts = Contacts(phone=Told("+447700901002", PLACED))
    other = msgspec.structs.replace(UNPAID, id="1004", number="1004", buyer=None, contacts=contacts)
    known = chat_context(PAID, buyer=Buyer(id="x"), named_orders=(PAID, other))

    def told(text: str) -> list[Action]:
        return about_order(wrote(text), known, lambda order: [answered(order.id)])

    sharing = msgspec.structs.replace(PAID, contacts=contacts)
    known = msgspec.structs.replace(known, orders=(sharing,), named_orders=(sharing, other))
    assert told("1004 1002") == [OpenOrder(order="1004", how="digits"), answered("1004")]
    assert told("1002 8000") == told("1002") == [answered("1002")]


def test_a_guess_at_the_other_order_of_a_known_number_counts_and_reveals_nothing() -> None:
    assert about_one_of_two("1002 5824") == [CountTry(orders=("1002@shopify",)), answered("1002")]
    assert about_one_of_two("1002 8000") == [answered("1002")]
    assert about_one_of_two("where is 1002?") == [answered("1002")]
    assert about("1002 5824", PAID) == [answered("1002")]


@pytest.mark.parametrize("text", ["取消1002", "cancel 1002", "cancel order #1002", "我要取消订单1002"])
def test_a_number_of_another_order_is_asked_about_where_something_is_changed(text: str) -> None:
    own = msgspec.structs.replace(UNPAID, number="#1003")
    known = chat_context(own, buyer=Buyer(id="x"), named_orders=(PAID,))

    decided = about_order(wrote(text), known, lambda order: [answered(order.id)], named_alone=True)

    assert keys_of(decided) == ["which_order:telegram:m1"]

"""A buyer hears that a return takes longer, while that is true, and that it is settled."""

from typing import Any

import msgspec
import pytest

from bot.domain.actions import Say
from bot.domain.context import Case, Context
from bot.domain.messages import Facts
from bot.domain.orders import Order
from handlers.return_news import check, tell_settled
from tests.handlers.world import (
    ANN,
    DAY,
    PLACED,
    SHOP,
    cancelled,
    delivered,
    order_of,
    paid,
    placed,
    refunded,
    shipped,
    time_came,
    why_outdated,
)

ARRIVED = order_of(placed(), paid(), shipped(), delivered())
RETURN = Case(
    number=3, kind="return", key="return:1001:m1", reason="return_agreed", opened_at=PLACED, order="1001"
)
ANSWERED = msgspec.structs.replace(RETURN, answered_at=PLACED + DAY)
NOW = PLACED + 6 * DAY


def checked(*cases: Case, order: Order = ARRIVED) -> list[Any]:
    context = Context(
        now=NOW, shop_id="mugs", shop=SHOP, buyer=ANN, order=order, orders=(order,), cases=cases
    )
    due = msgspec.structs.replace(time_came("return_check", NOW), external_id=f"check_{RETURN.key}")
    return check(due, context)


def test_what_nobody_answered_by_then_takes_longer() -> None:
    (said,) = checked(RETURN)

    assert said == Say(template="return_waiting", key="return_waiting:return:1001:m1", order="1001")
    another = msgspec.structs.replace(RETURN, key="return:1001:m2")
    assert checked(another) == [], "a later return of the same order has a deadline of its own"
    assert checked() == checked(ANSWERED) == checked(msgspec.structs.replace(RETURN, closed_at=NOW)) == []


@pytest.mark.parametrize(
    ("cases", "order", "why"),
    [
        ((RETURN,), ARRIVED, None),
        ((), ARRIVED, "return_done"),
        ((ANSWERED,), ARRIVED, "return_answered"),
        ((RETURN,), order_of(placed(), paid(), shipped(), delivered(), refunded()), "order_refunded"),
        ((RETURN,), order_of(placed(), cancelled()), "order_cancelled"),
    ],
)
def test_it_is_not_said_once_it_is_untrue(cases: tuple[Case, ...], order: Order, why: str | None) -> None:
    (said,) = checked(RETURN)
    reason = why_outdated(said, Facts(shop=SHOP, buyer=ANN, order=order, cases=cases), NOW)

    assert (reason and reason.code) == why


def test_what_is_settled_is_told_unless_the_money_went_back_which_is_told_itself() -> None:
    (said,) = tell_settled(RETURN)
    back = order_of(placed(), paid(), shipped(), delivered(), refunded())

    assert isinstance(said, Say)
    assert said.key == "return_settled:return:1001:m1"
    assert why_outdated(said, Facts(shop=SHOP, buyer=ANN, order=ARRIVED), NOW) is None
    assert why_outdated(said, Facts(shop=SHOP, buyer=ANN, order=back), NOW) is not None
    assert tell_settled(msgspec.structs.replace(RETURN, kind="invoice")) == []

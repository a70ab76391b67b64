"""A day is promised for what is paid and has not left, and for nothing else."""

from datetime import date, timedelta
from itertools import product

import msgspec
import pytest

from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.payments import Paid, Shown
from bot.domain.shipping_promise import ships_by, to_ship
from bot.domain.shop import Payment, Shop
from bot.texts.situations import AT, ENDING, PAYING, SENDING, situations
from tests.handlers.world import CNY_128

SHOP = Shop(name="Mug House", locale="en", timezone="Asia/Shanghai")  # AT is a Saturday
EVERY = dict(situations())


def order(**facts: object) -> Order:
    return msgspec.structs.replace(Order(id="1", channel="shop", placed_at=AT, total=CNY_128), **facts)


@pytest.mark.parametrize("label", EVERY)
def test_a_day_is_promised_only_while_the_shipping_is_ahead(label: str) -> None:
    paying, sending, ending = label.split(" + ")
    found = order(**EVERY[label])
    waits = sending in ("not shipped", "taken back") and ending not in ("cancelled", "refunded")
    ahead = waits and paying != "taken in part of what was authorised"  # which the seller decides

    assert to_ship(found) is ahead
    promised = ahead and paying in ("paid just now", "paid long ago", "authorised", "free")
    assert (ships_by(found, SHOP) is not None) is promised


def test_every_situation_is_there_once() -> None:
    assert len(EVERY) == len(list(product(PAYING, SENDING, ENDING))) - 2 * len(SENDING)  # nothing to refund


def test_the_days_count_from_the_payment_and_from_a_restoring() -> None:
    paid = order(**dict(PAYING)["paid just now"])
    again = msgspec.structs.replace(
        paid, cancelled_at=AT + timedelta(days=1), reopened_at=AT + timedelta(days=9)
    )

    assert (ships_by(paid, SHOP) or AT).date() == date(2026, 11, 24)
    assert (ships_by(again, SHOP) or AT).date() == date(2026, 12, 2)


def test_the_days_count_from_the_authorisation_also_once_the_money_is_taken() -> None:
    held = order(**dict(PAYING)["authorised"])
    taken = Shown(AT + timedelta(days=5), CNY_128, CNY_128)
    paid = msgspec.structs.replace(
        held, authorised=False, told_paid=CNY_128, shown_money=(*held.shown_money, taken)
    )

    assert paid.state == "paid"
    assert ships_by(paid, SHOP) == ships_by(held, SHOP)


def test_a_total_that_falls_moves_no_promise_back() -> None:
    total, less, day = CNY_128, Money(9000, "CNY"), timedelta(days=1)
    parts = [
        Paid(id=f"{minor}", at=AT + n * 3 * day, amount=Money(minor, "CNY"))
        for n, minor in enumerate((9000, 3800))
    ]
    dear = order(payments=tuple(parts), shown_money=(Shown(AT, total),))
    fallen = Shown(AT + 4 * day, less)
    cheaper = msgspec.structs.replace(dear, total=less, shown_money=(*dear.shown_money, fallen))
    part = msgspec.structs.replace(cheaper, payments=tuple(parts[:1]))

    assert dear.ready_at == cheaper.ready_at == AT + 3 * day
    assert part.ready_at == AT + 4 * day  # it is covered by the fall
    raised = msgspec.structs.replace(dear, shown_money=(Shown(AT, less), Shown(AT + day, total)))
    assert raised.ready_at == AT + 3 * day  # covered at first, and again by the second payment


def test_a_platform_that_says_open_of_every_order_moves_no_promise() -> None:
    paid = order(**dict(PAYING)["paid just now"])
    open_still = msgspec.structs.replace(paid, reopened_at=AT + timedelta(days=9))

    assert ships_by(open_still, SHOP) == ships_by(paid, SHOP)


def test_a_shop_may_promise_nothing() -> None:
    shop = SHOP.model_copy(update={"payment": Payment(ships_within=timedelta(0))})

    assert ships_by(order(**dict(PAYING)["paid just now"]), shop) is None

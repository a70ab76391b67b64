"""What no buyer should have read, judged by what had been told and said, apart from the handlers' rules."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.events import OrderEvent, OrderPlaced, ParcelCancelled, PaymentReceived
from bot.domain.money import Money
from bot.operations.audit.statements import RULES, false_statements
from storage.audit_queries import Fact, Sending
from tests.handlers import world
from tests.handlers.world import PLACED, days, hours

SLACK = timedelta(seconds=10)
IDS = iter(range(1, 10_000))


def said(template: str, after: timedelta, **values: Any) -> Sending:
    return Sending(
        id=next(IDS),
        key=template,
        buyer="ann",
        template=template,
        category="service",
        state="sent",
        values=values,
        facts={},
        settled_at=PLACED + after,
        order="1001",
    )


def found(sent: Sending, *others: Sending, told: tuple[OrderEvent, ...], **shop: Any) -> list[str]:
    """The codes for this message. Everything was told when it happened."""
    facts = [Fact(id=1, state="done", received_at=event.at, event=event) for event in told]
    settings = world.shop_with(**shop)
    return [each.code for each in false_statements(sent, (*others, sent), facts, settings, SLACK)]


def shown(after: timedelta, **fields: Any) -> OrderPlaced:
    """The order as it is shown again."""
    return msgspec.structs.replace(world.placed(), at=PLACED + after, external_id=f"shown-{after}", **fields)


def paid_in(currency: str) -> PaymentReceived:
    return msgspec.structs.replace(world.paid(hours(1), 12800), amount=Money(12800, currency))


CONFIRMED = said("order_confirmation", hours(0.01))
NOTHING: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("sent", "others", "told", "codes"),
    [
        (said("payment_received", hours(2)), [CONFIRMED], [world.paid()], NOTHING),
        (said("payment_received", hours(2)), [CONFIRMED], [], ["nothing_paid"]),
        (said("payment_received", hours(2)), [CONFIRMED], [world.listed(hours(1), paid=100)], NOTHING),
        (said("payment_received", hours(2)), [CONFIRMED], [world.listed(hours(1), paid=0)], ["nothing_paid"]),
        (
            said("cancelled", hours(5)),
            [CONFIRMED, said("cancelled", hours(2.1))],
            [
                world.listed(hours(2), steps={"cancelled": PLACED}),
                world.listed(hours(3), steps={"cancelled": None}),
                world.listed(hours(4), steps={"cancelled": PLACED}),
            ],
            NOTHING,
        ),
        (
            said("payment_received", hours(2)),
            [CONFIRMED],
            [shown(hours(1), paid=Money(12800, "CNY"))],
            NOTHING,
        ),
        (
            said("payment_received", hours(3)),
            [CONFIRMED],
            [shown(hours(1), paid=Money(12800, "CNY")), shown(hours(2), paid=Money(0, "CNY"))],
            ["nothing_paid"],
        ),
        (said("payment_reminder", hours(2)), [CONFIRMED], [paid_in("KRW")], ["sum_unclear"]),
        (said("payment_reminder", hours(2)), [CONFIRMED], [], NOTHING),
        (said("payment_reminder", hours(0.012)), [CONFIRMED], [], ["one_breath"]),
        (said("second_contact", days(2)), [CONFIRMED], [], NOTHING),
        (said("second_contact", days(2)), [], [], ["nothing_said_before"]),
        (said("review_reminder", days(9)), [CONFIRMED], [], ["nothing_said_before"]),
        (said("review_reminder", days(9)), [CONFIRMED, said("review_request", days(8))], [], NOTHING),
        (said("delayed", days(5), parcel="A"), [CONFIRMED], [world.shipped()], NOTHING),
        (
            said("delayed", days(5), parcel="A"),
            [CONFIRMED],
            [world.shipped(), world.delivered("a")],
            ["late_after_arrival"],
        ),
        (
            said("delayed", days(5), parcel="A"),
            [CONFIRMED],
            [world.shipped(), world.delivered()],
            ["late_after_arrival"],
        ),
        (said("cancelled", hours(3)), [CONFIRMED], [world.cancelled()], NOTHING),
        (
            said("cancelled", days(90)),
            [CONFIRMED],
            [
                world.shipped(),
                msgspec.structs.replace(world.cancelled(days(89)), reason="deleted"),
            ],
            ["tidied_up"],
        ),
        (
            said("cancelled", hours(5)),
            [CONFIRMED, said("cancelled", hours(3))],
            [world.cancelled(), world.cancelled(hours(4))],
            ["cancelled_twice"],
        ),
        (
            said("cancelled", hours(5)),
            [CONFIRMED, said("cancelled", hours(2.1))],
            [world.cancelled(), world.reopened(), world.cancelled(hours(4))],
            NOTHING,
        ),
        (said("shipped", days(2), parcel="A"), [CONFIRMED], [world.shipped()], NOTHING),
        (
            said("shipped", days(2), parcel="A"),
            [CONFIRMED, said("shipped", days(1), parcel="SF1")],
            [world.shipped(), msgspec.structs.replace(world.shipped("SF1"), tracking="A")],
            ["parcel_twice"],
        ),
        (
            said("shipped", days(2), parcel="A"),
            [CONFIRMED, said("shipped", days(1), parcel="B")],
            [world.shipped(), world.shipped("B")],
            NOTHING,
        ),
    ],
)
def test_what_no_buyer_should_have_read_is_named(
    sent: Sending, others: list[Sending], told: list[OrderEvent], codes: list[str]
) -> None:
    assert found(sent, *others, told=(world.placed(), *told)) == list(codes)


def test_a_parcel_that_was_taken_back_is_spoken_of_no_more() -> None:
    back = ParcelCancelled(
        channel="shop", external_id="back", at=PLACED + days(1.5), order="1001", parcel="A"
    )
    late = said("delayed", days(5), parcel="A")

    assert found(late, CONFIRMED, told=(world.placed(), world.shipped(), back)) == ["parcel_taken_back"]
    again = world.shipped(after=days(2))
    assert found(late, CONFIRMED, told=(world.placed(), world.shipped(), back, again)) == []


def test_nothing_is_said_about_a_test_order_unless_the_shop_wants_it() -> None:
    test = shown(hours(0), test=True)

    assert found(CONFIRMED, told=(test,)) == ["test_order"]
    assert found(CONFIRMED, told=(test,), say_test_orders=True) == []


def test_nothing_is_said_shortly_before_the_confirmation() -> None:
    early = said("shipped", hours(1), parcel="A")
    told = (world.placed(), world.shipped(after=hours(0.5)))

    assert found(early, said("order_confirmation", hours(1.05)), told=told) == ["before_confirmation"]
    assert found(early, said("order_confirmation", hours(2)), told=told) == []


def test_a_fact_that_came_in_the_moment_of_sending_is_no_reproach() -> None:
    at = hours(2)
    thanks = said("payment_received", at)
    nothing = shown(at + timedelta(seconds=5), paid=Money(0, "CNY"))

    assert found(thanks, CONFIRMED, told=(shown(hours(1), paid=Money(12800, "CNY")), nothing)) == []


def test_answers_are_not_judged() -> None:
    answer = msgspec.structs.replace(said("payment_received", hours(2)), category="answer")

    assert found(answer, told=(world.placed(),)) == []


def test_every_rule_is_tried_above() -> None:
    tried = {"test_order", "parcel_taken_back", "late_after_arrival", "parcel_twice", "tidied_up"}
    tried |= {"nothing_paid", "sum_unclear", "one_breath", "nothing_said_before", "cancelled_twice"}

    assert set(RULES) == tried

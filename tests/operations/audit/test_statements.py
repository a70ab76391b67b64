"""What no buyer should have read, judged by what had been told and said, apart from the handlers' rules."""

from datetime import timedelta

import msgspec
import pytest

from bot.domain.events import OrderEvent
from bot.domain.money import Money
from bot.operations.audit import money, parcels
from bot.operations.audit.statements import RULES
from storage.audit_queries import KnownCase, Sending
from tests.handlers import world
from tests.handlers.world import PLACED, days, hours
from tests.operations.audit.sendings import CONFIRMED, found, said, shown

DELETED = msgspec.structs.replace(world.cancelled(days(89)), reason="deleted")
MOVING = [world.shipped(), world.moved()]
READY = msgspec.structs.replace(world.moved(after=days(2.5)), status="ready_for_pickup")
CALM = said("reassurance", days(1.5))

FALSE: list[tuple[str, Sending, list[Sending], list[OrderEvent]]] = [
    ("one_breath", said("payment_reminder", hours(0.012)), [CONFIRMED], []),
    ("one_breath", said("payment_reminder", hours(2)), [CONFIRMED, said("total_changed", hours(1.99))], []),
    ("nothing_said_before", said("second_contact", days(2)), [], []),
    ("nothing_said_before", said("review_reminder", days(9)), [CONFIRMED], []),
    ("nothing_said_before", said("payment_reminder", hours(2), step=2), [], []),
    ("pressed", said("payment_reminder", hours(2)), [CONFIRMED, said("reminders_ended", hours(1))], []),
    ("tidied_up", said("cancelled", days(90)), [CONFIRMED], [world.shipped(), DELETED]),
    (
        "cancelled_twice",
        said("cancelled", hours(5)),
        [CONFIRMED, said("cancelled", hours(3))],
        [world.cancelled(), world.cancelled(hours(4))],
    ),
    ("reassured_too_late", CALM, [CONFIRMED], [world.paid(), world.shipped()]),
    ("tidied_up", said("cancelled", days(89) + hours(0.001)), [CONFIRMED], [world.shipped(), DELETED]),
    ("nothing_told", said("shipped", days(1), parcel="A"), [CONFIRMED], [world.paid()]),
    ("nothing_told", said("shipped", days(0.9), parcel="A"), [CONFIRMED], [world.shipped()]),
    ("nothing_told", said("shipped", days(2), parcel="B"), [CONFIRMED], [world.shipped(), world.moved("B")]),
    ("nothing_told", said("delivered", days(2)), [CONFIRMED], [world.shipped(), world.delivered()]),
    ("nothing_told", said("delivered", days(5)), [CONFIRMED], [world.shipped(), world.completed()]),
    ("nothing_told", said("review_request", days(9)), [CONFIRMED], [world.paid()]),
    ("nothing_told", said("cancelled", hours(1)), [CONFIRMED], [world.cancelled()]),
    ("nothing_told", said("delivery_attempted", days(3), parcel="A"), [CONFIRMED], [*MOVING, READY]),
    ("nothing_told", said("ready_for_pickup", days(2.2), parcel="A"), [CONFIRMED], [*MOVING, READY]),
]
TRUE: list[tuple[Sending, list[Sending], list[OrderEvent]]] = [
    (said("payment_reminder", hours(2)), [CONFIRMED], []),
    (said("second_contact", days(2)), [CONFIRMED], []),
    (said("payment_reminder", hours(1)), [CONFIRMED, said("reminders_ended", hours(2))], []),
    (said("payment_reminder", hours(2), step=1), [], []),
    (said("payment_reminder", hours(3), step=2), [said("payment_reminder", hours(2), step=1)], []),
    (said("review_reminder", days(9)), [CONFIRMED, said("review_request", days(8))], []),
    (said("cancelled", hours(3)), [CONFIRMED], [world.cancelled()]),
    (
        said("cancelled", hours(5)),
        [CONFIRMED, said("cancelled", hours(2.1))],
        [world.cancelled(), world.reopened(), world.cancelled(hours(4))],
    ),
    (CALM, [CONFIRMED], [world.paid()]),
    (said("shipped", days(1), parcel="a"), [CONFIRMED], [world.shipped()]),
    (said("delivered", days(3)), [CONFIRMED], [world.delivered()]),
    (said("review_request", days(9)), [CONFIRMED], [world.completed()]),
    (said("review_request", days(9)), [CONFIRMED], [world.shipped()]),
    (said("ready_for_pickup", days(3), parcel="A"), [CONFIRMED], [*MOVING, READY]),
]


@pytest.mark.parametrize(("code", "sent", "others", "told"), FALSE)
def test_what_no_buyer_should_have_read_is_named(
    code: str, sent: Sending, others: list[Sending], told: list[OrderEvent]
) -> None:
    assert found(sent, *others, told=(world.placed(), *told)) == [code]


@pytest.mark.parametrize(("sent", "others", "told"), TRUE)
def test_what_they_may_read_is_not(sent: Sending, others: list[Sending], told: list[OrderEvent]) -> None:
    assert found(sent, *others, told=(world.placed(), *told)) == []


def test_nothing_is_said_of_a_test_order_unless_the_shop_wants_it() -> None:
    told = (shown(hours(0.009), test=True),)  # seconds before it is confirmed

    assert found(CONFIRMED, told=told) == ["test_order"]
    assert found(CONFIRMED, told=told, say_test_orders=True) == []


def test_nothing_is_said_shortly_before_the_confirmation() -> None:
    early = said("shipped", hours(1), parcel="A")
    told = (world.placed(), world.shipped(after=hours(0.5)))

    assert found(early, said("order_confirmation", hours(1.05)), told=told) == ["before_confirmation"]
    assert found(early, said("order_confirmation", hours(2)), told=told) == []

    late = (shown(hours(1.02)), world.shipped(after=hours(0.5)))
    assert found(early, said("order_confirmation", hours(1.05)), told=late) == []


def test_what_a_chat_that_proved_the_order_reads_does_not_wait_for_a_mailbox_that_is_told_later() -> None:
    told = (world.placed(), world.shipped(after=hours(0.5)))

    def ways(sending: Sending, *channels: str) -> Sending:
        return msgspec.structs.replace(sending, facts={**sending.facts, "ways": channels})

    early = ways(said("shipped", hours(1), parcel="A"), "telegram")
    confirmed = said("order_confirmation", hours(1.05))
    assert found(early, ways(confirmed, "email"), told=told) == []
    assert found(early, ways(confirmed, "email", "telegram"), told=told) == ["before_confirmation"]


def test_a_fact_that_came_in_the_moment_of_sending_is_no_reproach() -> None:
    at = hours(2)
    thanks = said("payment_received", at)
    nothing = shown(at + timedelta(seconds=5), paid=Money(0, "CNY"))

    assert found(thanks, CONFIRMED, told=(shown(hours(1), paid=Money(12800, "CNY")), nothing)) == []


def test_answers_are_not_judged() -> None:
    answer = msgspec.structs.replace(said("payment_received", hours(2)), category="answer")

    assert found(answer, told=(world.placed(),)) == []


def claim(opened: timedelta, closed: timedelta | None = None, kind: str = "payment_claim") -> KnownCase:
    closed_at = PLACED + closed if closed else None
    return KnownCase(kind=kind, opened_at=PLACED + opened, closed_at=closed_at, order="1001")


def test_nobody_asks_for_money_while_a_case_waits_for_the_seller() -> None:
    asks, told = said("payment_reminder", hours(2)), (world.placed(),)

    for case in (claim(hours(1)), claim(hours(1), hours(3)), claim(hours(1), kind="quote")):
        assert found(asks, CONFIRMED, told=told, cases=(case,)) == ["pressed"]
    failed = msgspec.structs.replace(claim(hours(1), kind="human"), reason="payment_failed")
    assert found(asks, CONFIRMED, told=told, cases=(failed,)) == ["pressed"]
    others = claim(hours(1), hours(2)), claim(hours(2)), claim(hours(1), kind="complaint")
    assert found(asks, CONFIRMED, told=told, cases=others) == []


def test_somebody_looks_for_the_money_where_the_buyer_reads_so() -> None:
    reads = msgspec.structs.replace(said("payment_claimed", hours(2)), category="answer")
    told = (world.placed(),)

    for case in (claim(hours(2)), claim(hours(1), hours(2)), claim(hours(1))):
        assert found(reads, CONFIRMED, told=told, cases=(case,)) == []
    for case in (claim(hours(3)), claim(hours(0.5), hours(1)), claim(hours(1), kind="quote")):
        assert found(reads, CONFIRMED, told=told, cases=(case,)) == ["nobody_looks"]


def test_every_rule_is_tried_above() -> None:
    tried = {code for code, *_ in FALSE} | {"test_order"}

    assert set(RULES) == tried | set(money.RULES) | set(parcels.RULES)

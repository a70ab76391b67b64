"""What is said of money, judged by payments and refunds added up from the events alone."""

import msgspec
import pytest

from bot.domain.events import OrderEvent, PaymentReceived
from bot.domain.money import Money
from bot.operations.audit.money import RULES
from storage.audit_queries import Sending
from tests.handlers import world
from tests.handlers.world import PLACED, days, hours
from tests.operations.audit.sendings import CONFIRMED, found, in_our_words, said, shown


def paid(minor: int, currency: str = "CNY", reference: str | None = None) -> PaymentReceived:
    event = world.paid(hours(1), minor)
    return msgspec.structs.replace(event, amount=Money(minor, currency), reference=reference)


WHOLE, PART = Money(12800, "CNY"), Money(4000, "CNY")
THANKED = said("payment_received", hours(1.5))
THANKS = said("payment_received", hours(3))
REMINDED = said("payment_reminder", hours(2), total=12800)
BACK = said("refunded", days(6))
PARTLY = said("partly_refunded", days(6))
FIRST = said("partly_refunded", days(5))

THANKED_FOR_ALL = in_our_words(THANKS, "We've received your payment of ¥128.00.")
THANKED_FOR_PART = in_our_words(THANKS, "We've received ¥64.00 (¥64 in all). ¥64.00 is still to pay.")
TOO_MUCH = in_our_words(THANKS, "We've received ¥100.00 (¥140.00 in all), ¥12.00 more than the total.")
ANSWERED = in_our_words(said("where_is_order", hours(1.5), total=12800), "CN¥128.00 is still to pay.")
ASKED = in_our_words(REMINDED, "Order 1001 (CN¥88.00) isn't paid.")
GAVE_BACK = in_our_words(PARTLY, "We've refunded ¥20.00 (¥60.00 in all).")

FALSE: list[tuple[str, Sending, list[Sending], list[OrderEvent]]] = [
    ("nothing_paid", THANKS, [], []),
    ("nothing_paid", THANKS, [], [shown(hours(1), paid=WHOLE), shown(hours(2), paid=Money(0, "CNY"))]),
    ("thanked_twice", THANKS, [THANKED], [paid(12800, reference="T1"), paid(12800, reference="T1")]),
    ("nothing_paid", THANKS, [], [paid(12800, "KRW")]),
    ("sum_unclear", REMINDED, [], [paid(12800, "KRW")]),
    ("sum_unclear", THANKS, [], [paid(12800, "KRW", "T1"), paid(6400, reference="T2")]),
    ("untold_sum", THANKED_FOR_ALL, [], [paid(6400)]),
    ("untold_sum", THANKED_FOR_PART, [], [paid(12800)]),
    ("untold_sum", ASKED, [], [paid(6400)]),
    ("untold_sum", GAVE_BACK, [], [world.refunded(2000)]),
    ("untold_sum", GAVE_BACK, [], [world.refunded(6000, refund="2")]),
    ("untold_sum", GAVE_BACK, [], [world.refunded(2000, after=days(6))]),
    ("untold_sum", GAVE_BACK, [], [world.refunded(2000), world.refunded(2000, after=days(5.5))]),
    (
        "other_sum",
        said("payment_reminder", hours(2), total=9900),
        [said("order_confirmation", hours(1), total=12800)],
        [],
    ),
    (
        "paid_on_delivery",
        THANKS,
        [],
        [shown(hours(0), pay_on_delivery=True), world.shipped(after=hours(0.5)), paid(12800)],
    ),
    ("paid_on_delivery", REMINDED, [], [shown(hours(0), pay_on_delivery=True)]),
    ("wrong_share", BACK, [], [paid(12800), world.refunded(6400)]),
    ("wrong_share", PARTLY, [], [paid(12800), world.refunded(12800)]),
    ("wrong_share", PARTLY, [], [paid(12800), world.refunded()]),
    ("wrong_share", BACK, [], [paid(12800), world.refunded(12800, currency="KRW")]),
    ("wrong_share", PARTLY, [], [paid(12800), world.refunded(100, currency="KRW")]),
    ("refunded_twice", PARTLY, [FIRST], [paid(12800), world.refunded(6400)]),
    (
        "refunded_twice",
        PARTLY,
        [said("refunded", days(5))],
        [world.refunded(12800), world.refunded(100, refund="2")],
    ),
]
TRUE: list[tuple[Sending, list[Sending], list[OrderEvent]]] = [
    (THANKS, [], [paid(12800)]),
    (THANKS, [], [shown(hours(0), pay_on_delivery=True), paid(12800), world.shipped(after=days(3))]),
    (THANKS, [], [paid(5000, "EUR", "T1"), paid(12800, reference="T2")]),
    (THANKS, [], [shown(hours(1), paid=WHOLE)]),
    (THANKED_FOR_ALL, [], [paid(12800)]),
    (THANKED_FOR_ALL, [], [paid(6400, "EUR", "T1"), paid(12800, reference="T2")]),
    (THANKED_FOR_PART, [], [paid(6400)]),
    (TOO_MUCH, [], [paid(4000, reference="T1"), paid(10000, reference="T2")]),
    (msgspec.structs.replace(THANKED_FOR_ALL, own=True), [], [paid(6400)]),
    (THANKS, [THANKED], [paid(4000, reference="T1"), paid(8800, reference="T2")]),
    (THANKS, [THANKED], [shown(hours(1), paid=PART), shown(hours(2), paid=WHOLE)]),
    (REMINDED, [said("order_confirmation", hours(1), total=12800)], []),
    (
        REMINDED,
        [said("order_confirmation", hours(1), total=9900), said("total_changed", hours(1.5), total=12800)],
        [],
    ),
    (REMINDED, [said("order_confirmation", hours(1), total=9900), ANSWERED], []),
    (BACK, [], [paid(12800), world.refunded()]),
    (in_our_words(BACK, "We've refunded your order: ¥128.00."), [], [paid(12800), world.refunded()]),
    (GAVE_BACK, [], [world.refunded(2000), world.refunded(4000, refund="2")]),
    (GAVE_BACK, [], [world.refunded(6000, refund="2"), world.refunded(4000)]),
    (GAVE_BACK, [], [world.refunded(2000, after=days(6)), world.refunded(4000, refund="2", after=days(6))]),
    (msgspec.structs.replace(GAVE_BACK, own=True), [], [world.refunded(2000)]),
    (BACK, [], [paid(12800), world.refunded(12800)]),
    (BACK, [FIRST], [paid(12800), world.refunded(6400), world.refunded(6400, refund="r2")]),
    (BACK, [], [paid(4000), world.refunded(4000)]),
    (PARTLY, [FIRST], [paid(12800), world.refunded(400), world.refunded(600, refund="r2")]),
]


@pytest.mark.parametrize(("code", "sent", "others", "told"), FALSE)
def test_what_is_not_so_is_named(
    code: str, sent: Sending, others: list[Sending], told: list[OrderEvent]
) -> None:
    assert code in found(sent, CONFIRMED, *others, told=(world.placed(), *told))


@pytest.mark.parametrize(("sent", "others", "told"), TRUE)
def test_what_is_so_is_not(sent: Sending, others: list[Sending], told: list[OrderEvent]) -> None:
    assert found(sent, CONFIRMED, *others, told=(world.placed(), *told)) == []


def test_every_rule_is_tried_above() -> None:
    assert set(RULES) == {code for code, *_ in FALSE}


@pytest.mark.parametrize(
    ("code", "sent", "led_to_it"),
    [
        ("nothing_paid", said("payment_received", hours(1.001)), paid(12800, "KRW")),
        ("wrong_share", said("refunded", days(5) + hours(0.001)), world.refunded(6400)),
        ("wrong_share", said("partly_refunded", days(5) + hours(0.001)), world.refunded(12800)),
    ],
)
def test_what_led_to_it_seconds_before_is_judged(code: str, sent: Sending, led_to_it: OrderEvent) -> None:
    assert code in found(sent, CONFIRMED, told=(world.placed(), led_to_it))


def test_what_led_to_it_seconds_before_may_be_so() -> None:
    thanks, back = said("payment_received", hours(1.001)), said("refunded", days(5) + hours(0.001))

    assert found(thanks, CONFIRMED, told=(world.placed(), paid(12800))) == []
    assert found(back, CONFIRMED, told=(world.placed(), world.refunded(12800))) == []


def test_a_part_that_was_told_before_the_rest_came_seconds_later_is_so() -> None:
    seconds = hours(1 / 3600)
    first = world.refunded(350, refund="r1")
    rest = msgspec.structs.replace(world.refunded(12450, refund="r2"), at=first.at + 8 * seconds)
    part = said("partly_refunded", first.at + 2 * seconds - PLACED)

    assert found(part, CONFIRMED, told=(world.placed(), paid(12800), first, rest)) == []

"""How late a message of each kind may be sent, and which of them need an order."""

from datetime import timedelta

import pytest

from bot.domain.context import Said
from bot.domain.events import OrderEvent
from bot.domain.messages import DueMessage, Facts, MessagePolicy, Reason
from bot.domain.shop import Shop
from handlers import message_policies as policy
from tests.handlers import world
from tests.handlers.world import ANN, DAY, HOUR, PLACED, Desk, acknowledged, confirmed, days
from tests.world import NOON
from tests.world import world as shop_world

NIGHT = timedelta(hours=10)  # from 22:00 to 08:00
ABOUT_ORDERS = [
    make(lambda due, order, facts, now: None)
    for make in (policy.service, policy.shipping, policy.review, policy.payment)
]
PROMOTION = policy.promotion(lambda due, facts, now: None, (), ())
NOTHING_KNOWN = Facts(shop=Shop(name="Mug House"), buyer=ANN)


def why_outdated(found: MessagePolicy) -> Reason | None:
    due = DueMessage(
        key="k",
        template="t",
        category=found.category,
        due_at=PLACED,
        created_at=PLACED,
        lateness=found.lateness,
        order="1001",
    )
    return found.why_outdated(due, NOTHING_KNOWN, PLACED)


@pytest.mark.parametrize("found", ABOUT_ORDERS, ids=lambda found: found.category)
def test_a_message_about_an_order_is_not_sent_while_the_order_is_unknown(found: MessagePolicy) -> None:
    assert found.about_order
    assert why_outdated(found) == Reason("order_unknown", {"order": "1001"})


@pytest.mark.parametrize("found", [*ABOUT_ORDERS, PROMOTION], ids=lambda found: found.category)
def test_what_falls_due_in_the_evening_may_still_be_sent_in_the_morning(found: MessagePolicy) -> None:
    assert found.lateness >= NIGHT


def test_an_answer_belongs_to_its_question_and_nothing_makes_it_untrue() -> None:
    assert policy.answer().lateness < timedelta(hours=1)
    assert why_outdated(policy.answer()) is None
    assert (policy.answer().about_order, policy.answer(about_order=True).about_order) == (False, True)


def test_the_sellers_own_mail_is_worth_sending_for_longer_than_an_answer() -> None:
    mail = policy.POLICIES["seller_case"]

    assert (mail.category, mail.about_order) == ("answer", False)
    assert mail.lateness > timedelta(days=1)
    assert why_outdated(mail) is None


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        (acknowledged(), world.paid()),
        (f"cancelled:1001:{int((PLACED + 2 * HOUR).timestamp())}", world.cancelled()),
    ],
)
def test_what_is_booked_days_later_is_told_to_who_read_otherwise_and_to_nobody_else(
    key: str, fact: OrderEvent
) -> None:
    desk = Desk().take(world.placed(), fact)
    nothing, refund = (), (Said(key="r", template="refunded", state="sent", sent_at=PLACED),)
    for after, said, code in [
        (1.9, nothing, None),
        (3, (confirmed(),), None),
        (3, nothing, "too_late"),
        (3, (confirmed("skipped"),), "too_late"),
        (3, refund, "too_late"),
    ]:
        assert desk.why_outdated(key, PLACED + days(after), said=said) == code


async def test_who_was_pressed_hears_of_a_transfer_that_the_shop_books_after_the_weekend(
    database_url: str,
) -> None:
    async with shop_world(database_url) as shop:
        await shop.place()
        await shop.forward(73 * HOUR)
        await shop.fact("paid", amount="128.00", currency="CNY", paid_at=NOON + HOUR)
        await shop.forward(HOUR)
        assert shop.receiver.templates[-1] == "payment_received"


async def test_an_order_of_which_nothing_was_said_is_not_told_late(database_url: str) -> None:
    async with shop_world(database_url) as shop:
        await shop.place(placed_at=NOON - 4 * DAY)
        await shop.fact("paid", amount="128.00", currency="CNY", paid_at=NOON - 3 * DAY)
        await shop.fact("cancelled", cancelled_at=NOON - 3 * DAY)
        await shop.forward(2 * DAY)
        assert shop.receiver.templates == []

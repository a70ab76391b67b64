"""First things first: what is said of an order waits some minutes for its confirmation."""

from datetime import time, timedelta

import msgspec
import pytest

from bot.domain.arbiter import FIRST_THINGS, Hold, Send, judge
from bot.domain.context import Buyer, Said
from bot.domain.messages import Address, DueMessage, Facts
from bot.domain.shop import QuietHours, Shop
from handlers.routes import POLICIES
from tests.handlers import world
from tests.handlers.world import PLACED, hours, order_of

AWAKE = QuietHours(start=time(0), end=time(0))
CHAT = Address(channel="webhook", address="ann", buyer_id="ann")
OF_ORDERS = [name for name, policy in POLICIES.items() if policy.category != "answer" and policy.about_order]


def facts(said: tuple[Said, ...], quiet: QuietHours = AWAKE, **limits: int) -> Facts:
    shop = Shop(name="Mug House", quiet_hours=quiet)
    order = order_of(world.placed(), world.paid(), world.shipped(after=hours(2)))
    return Facts(shop=shop, buyer=Buyer(id="ann"), order=order, said=said, addresses=(CHAT,), **limits)


def due(template: str, after: timedelta = timedelta(0)) -> DueMessage:
    policy, at = POLICIES[template], PLACED + after
    return DueMessage(
        key=template,
        template=template,
        category=policy.category,
        due_at=at,
        created_at=at,
        lateness=policy.lateness,
        order="1001",
        values={"parcel": "A"},
    )


def test_everything_said_of_an_order_waits_for_its_confirmation() -> None:
    waiting = {name for name in OF_ORDERS if POLICIES[name].waits_for == "order_confirmation"}

    assert waiting == set(OF_ORDERS) - {"order_confirmation"}


@pytest.mark.parametrize("said", [(), (world.confirmed("queued"),), (world.confirmed("sending"),)])
def test_a_notice_waits_for_the_confirmation_for_some_minutes(said: tuple[Said, ...]) -> None:
    notice, policy = due("payment_received", hours(1)), POLICIES["payment_received"]

    verdict = judge(notice, policy, facts(said), notice.due_at)
    assert isinstance(verdict, Hold)
    assert verdict.why.code == "first_things"
    assert verdict.until <= notice.due_at + FIRST_THINGS
    assert judge(notice, policy, facts(said), notice.due_at + FIRST_THINGS) == Send(CHAT)


def test_what_follows_waits_until_it_is_said_that_the_order_is_on_again() -> None:
    on_again = msgspec.structs.replace(world.confirmed("queued"), key="restored:1001:1", template="restored")
    known = facts((world.confirmed(), on_again))
    notice, back = due("payment_received"), due("restored")

    assert isinstance(judge(notice, POLICIES["payment_received"], known, PLACED), Hold)
    assert not isinstance(judge(back, POLICIES["restored"], known, PLACED), Hold)
    told = facts((world.confirmed(), msgspec.structs.replace(on_again, state="sent")))
    assert judge(notice, POLICIES["payment_received"], told, PLACED) == Send(CHAT)


@pytest.mark.parametrize("state", ["sent", "skipped", "withdrawn", "failed", "unknown"])
def test_a_notice_waits_for_no_confirmation_that_is_settled(state: str) -> None:
    notice = due("payment_received", hours(1))

    assert judge(notice, POLICIES[notice.template], facts((world.confirmed(state),)), notice.due_at) == Send(
        CHAT
    )


def test_a_fresh_confirmation_goes_out_at_night_and_beyond_the_cap_and_nothing_else_does() -> None:
    night = QuietHours(start=time(9), end=time(20))  # it is ten in the morning there
    known = facts((world.confirmed(),), night, sent_in_day=99)
    confirmation, policy = due("order_confirmation"), POLICIES["order_confirmation"]

    assert judge(confirmation, policy, known, PLACED + timedelta(minutes=14)) == Send(CHAT)
    assert isinstance(judge(confirmation, policy, known, PLACED + timedelta(minutes=16)), Hold)
    shipped = due("shipped", hours(2))
    assert isinstance(judge(shipped, POLICIES["shipped"], known, shipped.due_at), Hold)

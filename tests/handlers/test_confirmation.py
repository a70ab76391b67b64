"""The confirmation, and the second contact after silence."""

from datetime import timedelta

from bot.domain.context import Conversation, Said
from handlers.routes import POLICIES
from tests.handlers import world
from tests.handlers.world import ANN, PLACED, Desk, days, hours


def test_an_order_is_confirmed_as_of_the_time_it_was_placed() -> None:
    desk = Desk().take(world.placed())

    assert desk.waiting["order_confirmation:1001"].at == PLACED


def test_a_cancelled_order_is_not_confirmed_any_more() -> None:
    desk = Desk().take(world.placed(), world.cancelled())

    assert desk.why_outdated("order_confirmation:1001") == "order_cancelled"


def test_a_buyer_who_read_of_the_cancelling_first_reads_that_it_is_on_again_and_no_confirmation() -> None:
    desk = Desk().take(world.placed(), world.cancelled(), world.reopened())
    gone = Said(key="cancelled:1001:1", template="cancelled", state="sent", order="1001", sent_at=PLACED)

    assert desk.why_outdated("order_confirmation:1001") is None
    assert desk.why_outdated("order_confirmation:1001", said=(gone,)) == "order_reopened"


def test_after_two_days_of_silence_another_channel_is_tried() -> None:
    again = Desk().take(world.placed()).waiting["second_contact:1001:1"]

    assert again.at == PLACED + days(2)
    assert again.unlike == "order_confirmation:1001"


def test_the_seller_sets_how_long_silence_lasts() -> None:
    shop = world.shop_with(followups={"second_contact": "3d"})

    assert Desk(shop).take(world.placed()).waiting["second_contact:1001:1"].at == PLACED + days(3)


def test_a_buyer_who_wrote_since_is_not_contacted_again() -> None:
    desk = Desk().take(world.placed())
    wrote = Conversation(channel="telegram", address="42", buyer=ANN.id, last_in_at=PLACED + hours(1))
    before = Conversation(channel="telegram", address="42", buyer=ANN.id, last_in_at=PLACED - hours(1))

    assert desk.why_outdated("second_contact:1001:1", conversations=(wrote,)) == "buyer_answered"
    assert desk.why_outdated("second_contact:1001:1", conversations=(before,)) is None


def test_a_paid_order_needs_no_second_contact() -> None:
    desk = Desk().take(world.placed(), world.paid())

    assert desk.why_withdrawn("second_contact") == {"order_paid"}
    assert desk.why_outdated("second_contact:1001:1") == "order_paid"


def test_nothing_is_confirmed_before_the_order_itself_is_known() -> None:
    desk = Desk().take(world.paid())

    assert "order_confirmation:1001" not in desk.messages


def test_a_message_whose_order_is_unknown_is_not_sent() -> None:
    desk = Desk().take(world.placed())

    assert desk.why_outdated("order_confirmation:1001", order=None) == "order_unknown"


def test_the_confirmation_alone_carries_the_link_that_opens_a_chat_about_its_order() -> None:
    assert [name for name, policy in POLICIES.items() if policy.opens_chat] == ["order_confirmation"]


def test_a_second_contact_looks_back_only_to_what_was_sent() -> None:
    desk = Desk().take(world.placed())

    assert desk.why_outdated("second_contact:1001:1", said=()) == "nothing_said"
    assert desk.why_outdated("second_contact:1001:1", said=(world.confirmed("skipped"),)) == "nothing_said"
    assert desk.why_outdated("second_contact:1001:1", said=(world.confirmed(),)) is None


def test_a_second_contact_counts_from_what_was_said() -> None:
    desk = Desk().take(world.placed())
    say, late = desk.messages["second_contact:1001:1"].say, world.confirmed(at=PLACED + hours(4))

    wait = world.not_before(say, desk.facts(said=(late,)), PLACED + days(2))

    assert wait == PLACED + hours(4) + days(2)


def test_an_order_placed_minutes_ago_is_confirmed_as_an_answer() -> None:
    assert POLICIES["order_confirmation"].fresh == timedelta(minutes=15)
    assert {name for name, policy in POLICIES.items() if policy.fresh} == {"order_confirmation"}

"""Before an order leaves, a person holds it and nothing is promised as done; the details follow in words."""

import pytest

from bot.domain.actions import CloseCase, EndReminders
from bot.domain.orders import Order
from handlers import order_holds
from tests.handlers.asking import Chat
from tests.handlers.world import (
    PLACED,
    cancelled,
    days,
    delivered,
    order_of,
    paid,
    placed,
    refunded,
    shipped,
    shop_with,
)

UNPAID, PAID = order_of(placed()), order_of(placed(), paid())
SENT, ARRIVED = order_of(placed(), paid(), shipped()), order_of(placed(), paid(), shipped(), delivered())
SHOP = shop_with(returns={"days": 7})


def chat(order: Order) -> Chat:
    return Chat(order, now=PLACED + days(4), shop=SHOP)


@pytest.mark.parametrize("order", [UNPAID, PAID])
def test_who_cancels_in_time_is_held_for_and_not_reminded_any_more(order: Order) -> None:
    ann = chat(order)

    assert ann.say("please cancel my order", "cancel_order") == ["cancel_asked"]
    assert [(case.kind, case.reason) for case in ann.opened] == [("order_change", "asked_to_cancel")]
    assert EndReminders(order="1001", at=ann.now, until_kept=True) in ann.last
    assert order_holds.held(order, ann.context())


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (SENT, "return_offer"),
        (ARRIVED, "return_offer"),
        (order_of(placed(), cancelled()), "refund_status"),
        (order_of(placed(), paid(), shipped(), refunded()), "refund_status"),
    ],
)
def test_what_has_left_is_a_return_and_what_ended_is_told(order: Order, said: str) -> None:
    ann = chat(order)

    assert ann.say("cancel it please", "cancel_order") == [said]
    assert ann.opened == []


def test_the_same_wish_twice_is_one_case_and_another_wish_another() -> None:
    ann = chat(PAID)

    ann.say("cancel it please", "cancel_order")
    assert ann.say("cancel it!!", "cancel_order") == ["noted"]
    assert ann.say("or change the colour", "change_order") == ["order_change_asked"]
    assert [case.reason for case in ann.opened] == ["asked_to_cancel", "asked_to_change"]


def test_what_is_to_be_changed_may_follow_in_the_next_words() -> None:
    ann = chat(PAID)

    assert ann.say("can I change my order?", "change_order") == ["order_change_asked"]
    assert ann.say("blue, size L") == ["noted"]
    assert ann.asked is None


def test_a_change_after_it_left_is_an_exchange() -> None:
    assert chat(ARRIVED).say("can I swap the size", "change_order") == ["return_agreed"]


def test_an_address_that_is_there_is_not_asked_for() -> None:
    ann = chat(PAID)

    assert ann.say("改成杭州市西湖区文三路 8 号", "change_address") == ["address_asked"]
    assert (ann.values("address_asked"), ann.asked) == ({"given": True}, None)
    assert [case.reason for case in ann.opened] == ["asked_new_address"]


@pytest.mark.parametrize("text", ["12 Mill Lane, Bath BA1 5LN", "杭州市西湖区文三路 8 号", "flat 3, not 8"])
def test_the_new_address_is_asked_for_and_taken(text: str) -> None:
    ann = chat(PAID)

    assert ann.say("wrong address, sorry", "change_address") == ["address_asked"]
    assert (ann.values("address_asked"), ann.asked) == ({"given": False}, "new_address")
    assert ann.say(text) == ["noted"]
    assert ann.asked is None


def test_words_that_are_no_address_are_read_by_themselves() -> None:
    ann = chat(PAID)

    ann.say("wrong address, sorry", "change_address")
    assert ann.say("when do you ship?", "when_ship") == ["when_ship"]
    assert ann.asked == "new_address"
    ann.now += order_holds.LAPSES
    assert ann.say("flat 3, not 8") == ["not_understood"]


def test_on_its_way_the_carrier_is_asked_and_once_it_is_there_nobody() -> None:
    ann = chat(SENT)

    assert ann.say("send it to 12 Mill Lane, Bath", "change_address") == ["address_asked"]
    assert ann.opened[0].reason == "asked_to_redirect"
    assert chat(ARRIVED).say("wrong address", "change_address") == ["where_is_order"]


def test_a_cancelling_that_came_true_needs_nobody_and_an_address_still_does() -> None:
    ann = chat(PAID)
    ann.say("cancel it", "cancel_order")
    ann.say("改地址", "change_address")
    cancelling, address = ann.cases
    gone = order_of(placed(), paid(), cancelled())

    assert (order_holds.settled(cancelling, PAID), order_holds.settled(cancelling, gone)) == (False, True)
    assert not order_holds.settled(address, gone)


@pytest.mark.parametrize(
    ("first", "words", "reason"),
    [
        ("cancel_order", "sorry, I meant change the colour", "asked_to_change"),
        ("change_address", "打錯了，是要換顏色", "asked_to_change"),
    ],
)
def test_who_corrects_a_wish_has_one_case(first: str, words: str, reason: str) -> None:
    ann = chat(PAID)
    ann.say("x", first)
    ann.say(words, "change_order")
    closed = [each.key for each in ann.last if isinstance(each, CloseCase)]
    assert (closed, ann.opened[-1].reason) == ([ann.opened[0].key], reason)


def test_another_wish_beside_the_first_closes_none() -> None:
    ann = chat(PAID)
    ann.say("x", "change_address")
    ann.say("sorry, can you also change the colour?", "change_order")
    assert not [each for each in ann.last if isinstance(each, CloseCase)]


@pytest.mark.parametrize("text", ["sorry, 7 Oak Road", "打錯，是2號", "oops, typo: it's the red one"])
def test_a_corrected_detail_stands_in_the_case(text: str) -> None:
    ann = chat(PAID)
    ann.say("change my address to 5 Oak Road, Leeds LS2 9AB", "change_address")
    assert ann.say(text) == ["noted"]
    assert len(ann.cases) == 1


def test_who_keeps_an_order_and_asks_beside_it_hears_both() -> None:
    ann = chat(PAID)
    ann.say("cancel my order", "cancel_order")
    assert ann.say("please don't cancel it, when will it ship?", "when_ship") == ["order_kept", "when_ship"]

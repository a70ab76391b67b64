"""Who says that something went wrong with paying, since the first reminder asked, is helped by a person."""

from datetime import datetime, timedelta

import pytest

from handlers.reminders import reminder_times
from tests.handlers import world
from tests.handlers.asking import Chat
from tests.handlers.world import PLACED, SHOP, order_of

UNPAID = order_of(world.placed())
ASKED = reminder_times(PLACED, SHOP.payment)[0].at
LATER = reminder_times(PLACED, SHOP.payment)[1].at
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
YES = (
    *("yes", "Yes!", "yeah", "yes it did", "yes, something went wrong", "it did"),
    *("yes please", "oh yes, it did"),
    *("对", "是", "是的", "有", "有的", "嗯", "对的，有问题", "對", "對啊", "有一點問題", "是的，有問題"),
)


@pytest.mark.parametrize("text", YES)
def test_a_yes_to_the_first_reminder_calls_a_person(text: str) -> None:
    ann = Chat(UNPAID, now=ASKED + MINUTE)
    assert ann.say(text) == ["human_coming"]
    assert [(each.reason, each.order) for each in ann.called] == [("payment_failed", UNPAID.id)]
    assert ann.say(text) != ["human_coming"], "one case"
    assert len(ann.called) == 1


@pytest.mark.parametrize("text", ["ok", "好的", "no", "没有", "是吗", "有货吗"])
def test_other_words_are_no_yes(text: str) -> None:
    ann = Chat(UNPAID, now=ASKED + MINUTE)
    ann.say(text)
    assert "payment_failed" not in {each.reason for each in ann.called}


@pytest.mark.parametrize("now", [ASKED - 5 * MINUTE, ASKED + 2 * DAY])
def test_nothing_was_asked_before_or_long_after(now: datetime) -> None:
    ann = Chat(UNPAID, now=now)
    assert ann.say("yes") == []


DONE = (
    *("yes", "yes please", "Yes I did", "yes, I have", "yep", "I did"),
    *("对", "对的", "是的", "嗯", "有的", "有喔", "有付", "對", "對啊", "有付款了"),
)


@pytest.mark.parametrize("text", DONE)
def test_a_yes_to_a_later_reminder_is_a_claim(text: str) -> None:
    ann = Chat(UNPAID, now=LATER + MINUTE)
    assert ann.say(text) == ["payment_claimed"]
    assert [(each.reason, each.order) for each in ann.opened] == [("payment_claimed", UNPAID.id)]


@pytest.mark.parametrize("text", ["it did", "something went wrong", "有问题", "有點問題"])
def test_what_went_wrong_is_no_claim_to_a_later_reminder_either(text: str) -> None:
    ann = Chat(UNPAID, now=LATER + MINUTE)
    assert ann.say(text) == ["human_coming"]
    assert ann.opened == []


@pytest.mark.parametrize("text", DONE)
def test_a_yes_to_the_answer_that_no_payment_is_seen_is_a_claim_of_that_order(text: str) -> None:
    newer = order_of(world.placed(PLACED + world.hours(1), order="1002"))
    ann = Chat(newer, UNPAID, now=PLACED + MINUTE)
    ann.say("has my payment for 1001 arrived?", "payment_status")
    assert ann.say(text) == ["payment_claimed"]
    assert [(each.reason, each.order) for each in ann.opened] == [("payment_claimed", UNPAID.id)]
    assert ann.say(text) != ["payment_claimed"], "one case"


def test_a_yes_to_the_answer_that_the_payment_came_claims_nothing() -> None:
    ann = Chat(order_of(world.placed(), world.paid()), now=ASKED + MINUTE)
    ann.say("has my payment arrived?", "payment_status")
    assert ann.say("yes") == []


def test_a_yes_to_what_was_just_said_in_the_chat_is_none_to_the_reminder() -> None:
    ann = Chat(UNPAID, now=ASKED + MINUTE)
    ann.say("where is my order", "where_is_order")
    assert ann.say("yes") == []


def test_of_a_paid_order_nothing_was_asked() -> None:
    ann = Chat(order_of(world.placed(), world.paid()), now=ASKED + MINUTE)
    assert ann.say("yes") == []

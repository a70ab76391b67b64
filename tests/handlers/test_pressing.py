"""Who does not want to be pressed: that order's reminders end, a person knows why, and nothing else ends."""

from datetime import datetime

import pytest

from bot.domain.actions import CallHuman, Consent, EndReminders, OpenCase, Say
from bot.domain.context import Conversation
from handlers.meaning import recognise
from handlers.normalise import normalise
from handlers.pressing import presses
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, chat_context, days, decide, order_of, wrote

ONE, OTHER = order_of(world.placed()), order_of(world.placed(order="1002"))
PAID = order_of(world.placed(order="1003"), world.paid(order="1003"))
AT = wrote("").at


@pytest.mark.parametrize("text", ["别催了", "別催了", "别催我付款", "stop pressing me", "Don't rush me"])
def test_the_reminders_end_and_a_person_knows_why(text: str) -> None:
    ended, later, said, person = decide(wrote(text), chat_context(ONE, PAID))

    assert (ended, later) == (EndReminders(order="1001", at=AT), EndReminders(order=None, at=AT))
    assert isinstance(said, Say)
    assert (said.template, said.order) == ("reminders_ended", "1001")
    assert person == CallHuman(
        reason="asked_no_reminders", details={"order": "1001", "text": text}, order="1001"
    )


@pytest.mark.parametrize(
    "text",
    [
        "你们催一下快递",
        "别催快递了",
        "stop",
        "don't rush my packing",
        "先不要催发货",
        "催发货",
        "don't push the button",
    ],
)
def test_what_only_looks_like_it_is_something_else(text: str) -> None:
    assert not presses(normalise(text))


@pytest.mark.parametrize(
    "text", ["stop messaging me and stop pressing me", "别催了，退订", "别催了别再发消息了"]
)
def test_a_stop_beside_it_is_a_stop(text: str) -> None:
    assert recognise(text).intent == "stop"


def test_the_order_that_is_named_is_meant_and_else_all_that_could_be_reminded_of() -> None:
    named = decide(wrote("别催了，订单1002"), chat_context(ONE, OTHER))
    every = decide(wrote("别催了"), chat_context(ONE, OTHER))

    assert [one.order for one in named if isinstance(one, EndReminders)] == ["1002"]
    assert [one.order for one in every if isinstance(one, EndReminders)] == ["1001", "1002", None]


def test_a_claim_of_payment_beside_it_is_taken_too() -> None:
    actions = decide(wrote("我已经付过款了！！别催了"), chat_context(ONE))

    assert [type(action) for action in actions] == [EndReminders, EndReminders, OpenCase, Say]


def test_it_is_obeyed_in_silence_while_a_person_talks_and_is_no_stop() -> None:
    busy = Conversation(channel="telegram", address="42", buyer="ann", human_until=PLACED + days(1))
    actions = decide(wrote("别催了"), chat_context(ONE, conversation=busy))

    assert actions == [EndReminders(order="1001", at=AT), EndReminders(order=None, at=AT)]
    assert not any(isinstance(action, Consent) for action in decide(wrote("别催了"), chat_context(ONE)))


def test_without_an_order_to_be_reminded_of_a_person_hears_it() -> None:
    ended, said, person = decide(wrote("别催了"), chat_context(PAID))

    assert ended == EndReminders(order=None, at=AT)
    assert isinstance(said, Say)
    assert said.template == "human_coming"
    assert person == CallHuman(reason="asked_no_reminders", details={"order": "", "text": "别催了"})


def test_an_order_whose_reminders_ended_is_reminded_of_no_more_and_still_closed() -> None:
    desk = Desk().take(world.placed())
    assert desk.order
    desk.order = type(desk.order)(**{**_fields(desk.order), "reminders_ended_at": PLACED})
    asked = {key: desk.why_outdated(key) for key in desk.messages}

    assert {asked[key] for key in asked if key.startswith("payment_reminder")} == {"reminders_ended"}
    assert asked["second_contact:1001:1"] == "reminders_ended"
    assert asked["order_confirmation:1001"] is None
    desk.take(world.time_came("unpaid_closed", PLACED + days(3)))
    assert "unpaid:1001" in desk.open_cases


@pytest.mark.parametrize(("said_at", "why"), [(PLACED, "reminders_ended"), (PLACED - days(1), None)])
def test_an_order_that_was_placed_before_the_words_is_not_reminded_of_and_one_placed_after_is(
    said_at: datetime, why: str | None
) -> None:
    desk = Desk().take(world.placed())
    chat = Conversation(channel="telegram", address="42", buyer="ann", no_reminders_at=said_at)

    assert desk.why_outdated("payment_reminder:1001:1", conversations=(chat,)) == why
    assert desk.why_outdated("second_contact:1001:1", conversations=(chat,)) == why


def _fields(order: object) -> dict[str, object]:
    return {name: getattr(order, name) for name in order.__struct_fields__}  # type: ignore[attr-defined]

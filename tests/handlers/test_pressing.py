"""Who does not want to be pressed: that order's reminders end, a person knows why, and nothing else ends."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from bot.domain.actions import CallHuman, Consent, EndReminders, OpenCase, Say
from bot.domain.context import Conversation
from handlers.meaning import recognise
from handlers.normalise import normalise
from handlers.pressing import presses
from tests.engine import Buyer, ManyShops, many_shops
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, chat_context, days, decide, hours, order_of, wrote
from tests.world import NOON

ONE, OTHER = order_of(world.placed()), order_of(world.placed(order="1002"))
PAID = order_of(world.placed(order="1003"), world.paid(order="1003"))
AT = wrote("").at


@pytest.mark.parametrize(
    "text",
    [
        *("别催了", "別催了", "别催我付款", "别再提醒我了", "別再提醒我了", "不用提醒", "不想再收到付款提醒"),
        *("不要再发催款消息", "不要再發催款訊息", "请不要再给我发付款提醒了", "不要发催付通知"),
        *("stop pressing me", "Don't rush me", "Stop sending me payment reminders", "stop reminding me"),
        *("stop asking for money", "Please stop asking me if I paid", "别再跟我要钱了", "別再跟我要錢了"),
        *("no more reminders please", "No reminders", "don't remind me again", "stop these reminder emails"),
    ],
)
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
        "不要再提醒发货",
        "no reminder came",
        "don't remind me of my birthday",
        "不要再发消息",
        "stop sending me messages",
    ],
)
def test_what_only_looks_like_it_is_something_else(text: str) -> None:
    assert not presses(normalise(text))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "stop messaging me and stop pressing me",
            "别催了，退订",
            "别催了别再发消息了",
            "STOP",
            "no more messages",
        ),
        *("stop the reminders and unsubscribe me", "不要再发付款提醒，也不要再发消息", "別再提醒我，退訂"),
    ],
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


@pytest.mark.parametrize(
    "text",
    [
        "stop asking for money, the payment went out hours ago",
        "stop reminding me, I paid yesterday",
        "I told you I've paid. stop it!",
        "stop sending me this, I've already paid",
        *("别再发了，钱已经付了", "钱已经付了，别再发了", "別再傳了，錢已經付了", "别再发了\n我已经付款了"),
    ],
)
def test_who_has_paid_and_names_no_message_stops_the_reminders_alone_and_the_claim_counts(text: str) -> None:
    actions = decide(wrote(text), chat_context(ONE))

    assert [type(action) for action in actions] == [EndReminders, EndReminders, OpenCase, Say]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "I've paid. STOP",
            "stop texting me, I've paid",
            "unsubscribe me, I've paid",
            "stop it",
            "stop this",
        ),
        *("别再发消息了，钱已经付了", "别再发了", "退订，我付过钱了", "別再傳訊息了，我已經付款了"),
    ],
)
def test_words_of_stopping_stop_as_before(text: str) -> None:
    assert recognise(text).intent == "stop"


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
    details = {"order": "", "text": "别催了"}
    assert person == CallHuman(reason="asked_no_reminders", details=details)


@pytest.mark.parametrize("text", ["订单2002别催了", "order 2002: stop pressing me"])
def test_an_order_that_is_not_known_yet_is_not_reminded_of_and_the_others_are(text: str) -> None:
    ended, said, person = decide(wrote(text), chat_context(ONE))

    assert ended == EndReminders(order=None, number="2002", at=AT)
    assert isinstance(said, Say)
    assert (said.template, said.order) == ("human_coming", None)
    details = {"order": "2002", "text": text}
    assert person == CallHuman(reason="asked_no_reminders_early", details=details)


@pytest.mark.parametrize(("number", "why"), [("1001", "reminders_ended"), ("2002", None)])
def test_an_order_that_was_named_before_it_was_told_is_not_reminded_of(number: str, why: str | None) -> None:
    desk = Desk().take(world.placed())
    chat = Conversation(channel="telegram", address="42", buyer="ann", no_reminders_for=(number,))

    assert desk.why_outdated("payment_reminder:1001:1", conversations=(chat,)) == why


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


@pytest.fixture
async def shops(tmp_path: Path) -> AsyncIterator[ManyShops]:
    async with many_shops(f"sqlite:///{tmp_path / 'shop.db'}") as opened:
        yield opened


async def test_who_names_an_order_that_is_not_told_yet_ends_no_other_orders_reminders(
    shops: ManyShops,
) -> None:
    engine = shops.engine()
    one, other = Buyer("ann", "1001", at=NOON - hours(1)), Buyer("ann", "2002", at=NOON - hours(0.9))
    await engine.take(one.placed())
    await engine.settle()
    await engine.take(one.says("订单2002别催了", NOON))
    await engine.settle()
    await engine.take(other.placed())
    await engine.simulation.advance(NOON + days(4))
    reminded = {each.message.order for each in engine.sent if each.message.template == "payment_reminder"}
    assert reminded == {"1001"}

"""Whoever asks for a person is answered, always; what they write meanwhile stands in the case."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.actions import Action, CallHuman, Consent, OpenCase, Say
from bot.domain.context import Case, Conversation
from bot.domain.wishes import Standing
from tests.handlers import world
from tests.handlers.world import PLACED, answers, chat_context, days, decide, human_case, order_of, wrote

UNPAID = order_of(world.placed())
WAITS = human_case()
ANSWERED = msgspec.structs.replace(WAITS, asked_at=PLACED, answered_at=PLACED + timedelta(minutes=1))
ASKED_AGAIN = msgspec.structs.replace(ANSWERED, asked_at=PLACED + timedelta(minutes=2))


def says(actions: list[Action]) -> list[str]:
    return [action.template for action in actions if isinstance(action, Say)]


@pytest.mark.parametrize("text", ["转人工", "agent please", "客服", "有人吗", "is anybody there?", "/human"])
def test_a_person_is_called_and_never_the_menu(text: str) -> None:
    answer, call = decide(wrote(text), chat_context(UNPAID))

    assert says([answer]) == ["human_coming"]
    assert call == CallHuman(reason="asked_for_person", details={"text": text})


@pytest.mark.parametrize("text", ["转人工", "agent please", "有人吗", "hello??", "在吗"])
def test_while_a_case_waits_they_are_answered_in_other_words(text: str) -> None:
    assert answers(wrote(text), chat_context(UNPAID, cases=(WAITS,))) == ["human_again"]
    assert answers(wrote(text), chat_context(UNPAID, cases=(ASKED_AGAIN,))) == ["human_again"]


def test_a_case_that_a_person_answered_waits_no_more_until_the_buyer_writes_again() -> None:
    assert (WAITS.waits, ANSWERED.waits, ASKED_AGAIN.waits) == (True, False, True)
    assert not msgspec.structs.replace(ASKED_AGAIN, closed_at=PLACED).waits
    assert answers(wrote("hello"), chat_context(cases=(ANSWERED,))) == ["hello"]


def test_what_nobody_understands_is_passed_on_once_a_day_while_a_case_waits() -> None:
    today, later = (
        decide(wrote("有红色的吗", id=id), chat_context(cases=(WAITS,), now=PLACED + days(day)))
        for id, day in (("m2", 0), ("m3", 1))
    )
    again = decide(wrote("还有蓝色的吗", id="m4"), chat_context(cases=(WAITS,), now=PLACED))

    assert says(today) == says(later) == ["noted"]
    keys = [action.key for action in (*today, *again, *later) if isinstance(action, Say)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("caption", "templates"),
    [
        ("where is my order", ["where_is_order"]),
        ("1001", ["where_is_order"]),
        ("找真人", ["human_coming"]),
        ("我已经付款了", ["payment_claimed"]),
        ("STOP", ["stopped"]),
        ("", ["media_received"]),
        ("hello", ["media_received"]),
        ("谢谢", ["media_received"]),
        ("杯子碎了", ["media_received"]),
    ],
)
def test_a_caption_is_read_like_words(caption: str, templates: list[str]) -> None:
    assert answers(wrote(caption, kind="other"), chat_context(UNPAID)) == templates


def test_the_words_beside_a_picture_reach_the_person() -> None:
    _, call = decide(wrote("杯子碎了", kind="other"), chat_context(UNPAID))

    assert call == CallHuman(kind="not_understood", reason="media_received", details={"text": "杯子碎了"})


def test_a_filled_in_form_counts_as_a_caption_too() -> None:
    form = "姓名：王小明\n付款银行：招商银行\n转账时间：今天上午"

    assert any(
        isinstance(action, OpenCase) for action in decide(wrote(form, kind="other"), chat_context(UNPAID))
    )


def test_a_sticker_calls_nobody() -> None:
    for cases in ((), (WAITS,)):
        assert decide(wrote("", kind="sticker"), chat_context(UNPAID, cases=cases)) == []


@pytest.mark.parametrize(
    ("text", "template"),
    [
        *(("/start", "hello"), ("/start@tea_shop_bot", "hello"), ("/start autumn", "hello")),
        *(("/help", "hello"), ("/help@tea_shop_bot", "hello"), ("/settings", "hello"), ("/stop", "stopped")),
        ("/start " + "A" * 40, "which_order"),
    ],
)
def test_commands_of_the_chat_program_are_understood(text: str, template: str) -> None:
    assert answers(wrote(text), chat_context()) == [template]


def test_start_takes_a_stop_back_and_an_old_link_shows_the_order_that_is_theirs() -> None:
    stopped = Standing(stopped_at=PLACED)

    assert answers(wrote("/start"), chat_context(standing=stopped)) == ["resumed"]
    assert answers(wrote("/start " + "A" * 40), chat_context(UNPAID)) == ["where_is_order"]


def test_while_a_person_talks_the_bot_is_silent_and_obeys_a_stop() -> None:
    busy = Conversation(channel="telegram", address="42", buyer="ann", human_until=PLACED + days(1))

    def silent(text: str, **how: Any) -> list[Action]:
        return decide(wrote(text, **how), chat_context(UNPAID, conversation=busy))

    assert silent("", kind="other") == silent("有红色的吗") == []
    assert [type(action) for action in silent("转人工")] == [CallHuman]  # heard, and not answered
    assert [type(action) for action in silent("STOP")] == [Consent]


def test_any_other_open_case_of_theirs_does_not_stand_for_a_person() -> None:
    claim = Case(number=3, kind="payment_claim", key="x", reason="payment_claimed", opened_at=PLACED)

    assert answers(wrote("转人工"), chat_context(cases=(claim,))) == ["human_coming"]

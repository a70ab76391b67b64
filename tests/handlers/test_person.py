"""Whoever asks for a person is answered, always; what they write meanwhile stands in the case."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.actions import Action, CallHuman, Consent, OpenCase, Say
from bot.domain.context import Case, Context, Conversation
from bot.domain.meanings import Meaning, Understanding
from bot.domain.talks import Talk
from bot.domain.wishes import Standing
from tests.handlers import world
from tests.handlers.world import (
    PLACED,
    answers,
    chat_context,
    days,
    decide,
    human_case,
    order_of,
    talk_after,
    wrote,
)

UNPAID = order_of(world.placed())
WAITS = human_case()
ANSWERED = msgspec.structs.replace(WAITS, asked_at=PLACED, answered_at=PLACED + timedelta(minutes=1))
ASKED_AGAIN = msgspec.structs.replace(ANSWERED, asked_at=PLACED + timedelta(minutes=2))


def says(actions: list[Action]) -> list[str]:
    return [action.template for action in actions if isinstance(action, Say)]


# In the words of three languages; none of them hangs on what was learned.
CALLS = (
    *(
        "转人工",
        "客服",
        "有人吗",
        "请客服回复",
        "麻烦客服回复一下",
        "你们有人吗",
        "不要机器人",
        "怎么没人理我",
    ),
    *("請客服回覆", "可以請專人跟我聯絡嗎", "請主管出來", "怎麼都沒人回"),
    *("agent please", "is anybody there?", "can someone call me", "stop the bot, real person"),
    *("why is nobody answering", "/human"),
)


@pytest.mark.parametrize("text", CALLS)
def test_a_person_is_called_and_never_the_menu(text: str) -> None:
    answer, call = decide(wrote(text), chat_context(UNPAID))

    assert says([answer]) == ["human_coming"]
    assert call == CallHuman(reason="asked_for_person", details={"text": text})


@pytest.mark.parametrize("text", [*CALLS, "hello??", "在吗", "???", "还在等", "still waiting", "any news?"])
def test_while_a_case_waits_they_are_answered_in_other_words(text: str) -> None:
    assert answers(wrote(text), chat_context(UNPAID, cases=(WAITS,))) == ["human_again"]
    assert answers(wrote(text), chat_context(UNPAID, cases=(ASKED_AGAIN,))) == ["human_again"]


def test_a_case_that_a_person_answered_waits_no_more_until_the_buyer_writes_again() -> None:
    assert (WAITS.waits, ANSWERED.waits, ASKED_AGAIN.waits) == (True, False, True)
    assert not msgspec.structs.replace(ASKED_AGAIN, closed_at=PLACED).waits
    assert answers(wrote("hello"), chat_context(cases=(ANSWERED,))) == ["hello"]


def test_what_is_only_told_is_passed_on_once_a_day_while_a_case_waits() -> None:
    today, later = (
        decide(wrote("盒子是红色的", id=id), chat_context(cases=(WAITS,), now=PLACED + days(day)))
        for id, day in (("m2", 0), ("m3", 1))
    )
    again = decide(wrote("我家在三楼", id="m4"), chat_context(cases=(WAITS,), now=PLACED))

    assert says(today) == says(later) == ["noted"]
    keys = [action.key for action in (*today, *again, *later) if isinstance(action, Say)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    "text",
    ["有红色的吗", "明天就要用，来不及了", "急！釉里含铅", "I must know about the lead in the glaze today"],
)
def test_what_asks_or_is_urgent_is_answered_each_time_in_other_words(text: str) -> None:
    context = chat_context(cases=(WAITS,))
    for again in (False, True, False):
        (said,) = decide(wrote(text, id=f"m{again}"), context)
        assert isinstance(said, Say)
        assert (said.template, bool(said.values.get("again"))) == ("noted", again)
        assert said.key == f"noted:telegram:m{again}"
        context = later(context, text)


def test_who_asks_for_a_person_again_never_reads_the_same_words_twice_in_a_row() -> None:
    context, heard = chat_context(cases=(WAITS,)), []
    for text in CALLS:
        heard += [
            bool(each.values.get("again")) for each in decide(wrote(text), context) if isinstance(each, Say)
        ]
        context = later(context, text)

    assert heard == [bool(place % 2) for place, _ in enumerate(CALLS)]


@pytest.mark.parametrize("intent", ["person", "complaint"])
def test_a_person_who_is_likely_asked_for_is_called(intent: str) -> None:
    guessed = Understanding("hand_over", (Meaning(intent, 0.4),), guessed=True)

    likely = answers(wrote("就这样吧"), chat_context(understood=guessed))

    assert likely == ["human_coming" if intent == "person" else "not_understood"]


def later(context: Context, text: str) -> Context:
    assert context.conversation is not None
    chat = msgspec.structs.replace(context.conversation, talk=talk_after(wrote(text), context))
    return msgspec.structs.replace(context, conversation=chat)


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


TALKING = Conversation(
    channel="telegram",
    address="42",
    buyer="ann",
    human_until=PLACED + days(1),
    talk=Talk(through_us=True),
)


@pytest.mark.parametrize(
    ("text", "intent", "counts"),
    [
        ("I've paid order 1001", "i_paid", [("OpenCase", "payment_claim")]),
        ("cancel order 1001", "cancel_order", [("EndReminders", None), ("OpenCase", "order_change")]),
        ("別再催我付款了", "no_reminders", [("EndReminders", None), ("EndReminders", None)]),
        ("杯子碎了，我要投诉", "complaint", [("OpenCase", "complaint")]),
        ("where is my order", "where_is_order", []),
    ],
)
def test_what_is_asked_for_counts_in_silence_while_a_person_talks(
    text: str, intent: str, counts: list[tuple[str, str | None]]
) -> None:
    understood = Understanding("answer", (Meaning(intent, 0.95),))
    known: dict[str, Any] = {"conversation": TALKING, "cases": (WAITS,), "understood": understood}
    decided = decide(wrote(text), chat_context(UNPAID, **known))

    assert [(type(each).__name__, getattr(each, "kind", None)) for each in decided] == counts


def test_words_to_a_person_who_talks_through_us_stand_in_a_case_also_after_theirs_was_settled() -> None:
    elsewhere = msgspec.structs.replace(TALKING, talk=Talk())
    again = CallHuman(reason="wrote_again", details={"text": "蓝色的那个吧"})

    def silent(text: str, chat: Conversation = TALKING, **known: Any) -> list[Action]:
        return decide(wrote(text), chat_context(conversation=chat, **known))

    assert silent("蓝色的那个吧") == [again]
    assert silent("蓝色的那个吧", cases=(WAITS,)) == []  # it stands there
    assert silent("蓝色的那个吧", elsewhere) == []  # the person reads it in their own system
    assert silent("谢谢") == []


def test_any_other_open_case_of_theirs_does_not_stand_for_a_person() -> None:
    claim = Case(number=3, kind="payment_claim", key="x", reason="payment_claimed", opened_at=PLACED)

    assert answers(wrote("转人工"), chat_context(cases=(claim,))) == ["human_coming"]

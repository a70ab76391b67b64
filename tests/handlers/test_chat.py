"""The chat: one answer to each message, about the right order; a person for everything else."""

from typing import Any

import msgspec
import pytest

from bot.domain.actions import CallHuman, OpenCase, OpenOrder, Say
from bot.domain.context import Case, Conversation
from bot.domain.events import AgentReplied, MessageStatusChanged
from handlers.order_proof import numbers_in
from tests.handlers import world
from tests.handlers.world import PLACED, answers, chat_context, days, decide, human_case, order_of, wrote

UNPAID = order_of(world.placed())
PAID = order_of(world.placed(order="1002"), world.paid(order="1002"))
GONE = order_of(world.placed(order="1000"), world.paid(order="1000"), world.delivered())


def said(text: str, *orders: Any, **known: Any) -> Say:
    [answer] = decide(wrote(text), chat_context(*orders, **known))
    assert isinstance(answer, Say)
    return answer


def test_where_is_my_order_is_answered_in_the_chat_it_was_asked_in() -> None:
    answer = said("我的包裹到哪了？", UNPAID)

    assert (answer.template, answer.order, answer.to) == ("where_is_order", "1001", "telegram:42")
    assert answer.key == "where_is_order:telegram:m1"


def test_has_my_payment_come_is_answered_from_the_order() -> None:
    assert (said("Has my payment come?", UNPAID).template, said("錢到了嗎", UNPAID).template) == (
        "payment_status",
        "payment_status",
    )


def test_when_do_you_ship_is_answered_also_to_one_without_an_order() -> None:
    assert said("什么时候发货？", PAID).order == "1002"
    assert said("When do you ship?").order is None


def test_i_have_paid_is_a_claim_for_the_seller_to_confirm() -> None:
    case, answer = decide(wrote("我已经付款了"), chat_context(UNPAID))

    assert isinstance(case, OpenCase)
    assert (case.kind, case.reason, case.order) == ("payment_claim", "payment_claimed", "1001")
    sums = dict.fromkeys(("amount", "owed", "total"), "128.00 CNY")
    assert case.details == {"order": "1001", "text": "我已经付款了", **sums}
    assert isinstance(answer, Say)
    assert answer.template == "payment_claimed"


def test_a_claim_in_the_same_message_as_a_question_is_not_lost() -> None:
    case, _ = decide(wrote("我已经付款了，什么时候发货？"), chat_context(UNPAID))

    assert isinstance(case, OpenCase)
    assert answers(wrote("我已经付款了，什么时候发货？"), chat_context(PAID)) == ["when_ship"]


def test_a_claim_is_not_opened_twice_while_it_waits_but_may_be_made_again() -> None:
    waiting = Case(
        number=3, kind="payment_claim", key="x", reason="payment_claimed", opened_at=PLACED, order="1001"
    )

    again = decide(wrote("I already paid", id="m2"), chat_context(UNPAID, cases=(waiting,)))
    first, later = (decide(wrote("I already paid", id=id), chat_context(UNPAID))[0] for id in ("m1", "m9"))

    assert [type(action) for action in again] == [Say]
    assert isinstance(first, OpenCase)
    assert isinstance(later, OpenCase)
    assert first.key != later.key


def test_a_buyer_who_says_they_paid_and_did_hears_that_it_arrived() -> None:
    assert said("I already paid", PAID).template == "payment_status"


def test_a_person_please_calls_one() -> None:
    answer, call = decide(wrote("转人工"), chat_context(UNPAID))

    assert isinstance(answer, Say)
    assert answer.template == "human_coming"
    assert call == CallHuman(reason="asked_for_person", details={"text": "转人工"})


def test_hello_and_thanks_are_answered_and_ok_is_not() -> None:
    assert answers(wrote("你好"), chat_context()) == ["hello"]
    assert answers(wrote("谢谢"), chat_context()) == ["thanks"]
    assert decide(wrote("好的"), chat_context()) == []


def test_a_face_is_answered_as_ok_is_and_an_unhappy_one_is_not() -> None:
    assert [decide(wrote(face), chat_context()) for face in ("🙂", "🙂🙂🙂", "🌹🌹", "👍👍")] == [[]] * 4
    assert answers(wrote("😡"), chat_context()) == ["not_understood"]


@pytest.mark.parametrize(
    "text", ["I never got it, where is it?", "包裹没收到啊，到哪了", "沒有收到包裹，在哪？"]
)
def test_what_the_carrier_delivered_and_nobody_got_is_a_case(text: str) -> None:
    assert answers(wrote(text), chat_context(GONE)) == ["complaint_taken"]
    assert answers(wrote("where is my order?"), chat_context(GONE)) == ["where_is_order"]
    assert answers(wrote(text), chat_context(PAID)) == ["where_is_order"]


def test_anything_else_goes_to_a_person_with_a_reply_once() -> None:
    answer, call = decide(wrote("有红色的吗"), chat_context())

    assert isinstance(answer, Say)
    assert answer.template == "not_understood"
    assert call == CallHuman(kind="not_understood", reason="not_understood", details={"text": "有红色的吗"})
    assert answers(wrote("有红色的吗", id="m2"), chat_context(cases=(human_case(),))) == ["noted"]


@pytest.mark.parametrize("kind", ["human", "not_understood"])
def test_whoever_waits_for_a_person_is_called_no_second_one(kind: str) -> None:
    waiting = chat_context(cases=(msgspec.structs.replace(human_case(), kind=kind),))
    assert answers(wrote("有红色的吗"), waiting) == ["noted"]
    assert answers(wrote("转人工"), waiting) == answers(wrote("hello"), waiting) == ["human_again"]


def test_a_known_question_is_answered_while_a_person_has_been_called() -> None:
    assert answers(wrote("where is my order"), chat_context(UNPAID, cases=(human_case(),))) == [
        "where_is_order"
    ]


def test_a_photo_is_received_and_shown_to_a_person_once() -> None:
    answer, call = decide(wrote("", kind="other"), chat_context())

    assert isinstance(answer, Say)
    assert answer.template == "media_received"
    assert call == CallHuman(kind="not_understood", reason="media_received")
    assert answers(wrote("", kind="other"), chat_context(cases=(human_case(),))) == ["noted"]


def test_the_bot_is_silent_while_a_person_talks() -> None:
    busy = Conversation(channel="telegram", address="42", buyer="ann", human_until=PLACED + days(1))

    for text in ("where is my order", "有红色的吗", "hi"):
        assert decide(wrote(text), chat_context(UNPAID, conversation=busy)) == []


def test_the_bot_speaks_again_when_the_person_has_been_silent_long_enough() -> None:
    over = Conversation(channel="telegram", address="42", buyer="ann", human_until=PLACED)

    assert answers(wrote("hi"), chat_context(conversation=over)) == ["hello"]


def test_an_edited_question_is_not_answered_twice() -> None:
    assert decide(wrote("where is my order", kind="edit"), chat_context(UNPAID)) == []
    assert answers(wrote("转人工", kind="edit"), chat_context()) == ["human_coming"]


def test_a_button_is_as_good_as_a_sentence() -> None:
    assert answers(wrote("menu:where_is_order", kind="button"), chat_context(UNPAID)) == ["where_is_order"]
    assert answers(wrote("where is my order", kind="button"), chat_context(UNPAID)) == ["where_is_order"]


def test_a_menu_word_that_a_buyer_types_is_only_text() -> None:
    assert answers(wrote("menu:hello"), chat_context()) == ["not_understood"]


def test_an_empty_message_is_left_alone() -> None:
    assert decide(wrote("  "), chat_context()) == []


def test_the_newest_order_under_way_is_meant_unless_another_is_named() -> None:
    assert said("where is my order", GONE, UNPAID).order == "1001"
    assert said("where is my order #1000", GONE, UNPAID).order == "1000"
    assert said("订单1000到哪了", GONE, UNPAID).order == "1000"
    assert said("where is my order", GONE).order == "1000"


def test_nothing_is_said_of_another_buyers_order() -> None:
    assert said("where is order 4711", UNPAID).template == "which_order"


def test_a_number_alone_answers_which_order() -> None:
    assert said("1000", GONE, UNPAID).order == "1000"
    assert said("1000").template == "which_order"


def test_a_signed_link_opens_its_order_to_the_chat_and_is_answered() -> None:
    context = chat_context(linked_order=UNPAID)

    opened, answer = decide(wrote("/start abc"), context)

    assert opened == OpenOrder(order="1001", how="link")
    assert isinstance(answer, Say)
    assert (answer.template, answer.order) == ("where_is_order", "1001")


def test_a_link_that_proves_nothing_is_a_greeting() -> None:
    assert answers(wrote("/start"), chat_context()) == ["hello"]
    assert not any(
        isinstance(action, OpenOrder)
        for action in decide(wrote("/start forged"), chat_context(named_orders=(UNPAID,)))
    )


def test_a_link_opens_its_order_in_silence_while_a_person_talks() -> None:
    busy = Conversation(channel="telegram", address="42", buyer="x", human_until=PLACED + days(1))
    context = chat_context(linked_order=UNPAID, conversation=busy)

    assert decide(wrote("/start abc"), context) == [OpenOrder(order="1001", how="link")]


def test_a_persons_reply_and_a_status_need_no_answer() -> None:
    chat: dict[str, Any] = {"channel": "telegram", "external_id": "x", "at": PLACED, "conversation": "42"}

    assert decide(AgentReplied(**chat, message_id="1", text="hi"), chat_context()) == []
    assert decide(MessageStatusChanged(**chat, message_id="1", status="read"), chat_context()) == []


@pytest.mark.parametrize("text", ["where is 1001", "１００１", "#1001", "订单号：1001。", "order no. 1001?"])
def test_an_orders_number_is_found_however_it_is_written(text: str) -> None:
    assert numbers_in(text)[0] == "1001"


def test_a_number_may_stand_for_the_order_itself() -> None:
    assert said("where is 1000?", GONE, UNPAID).order == "1000"
    assert said("1000 到哪了", GONE, UNPAID).template == "where_is_order"

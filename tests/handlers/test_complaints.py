"""Complaints: taken at once, decided in time, to the owner where that is wiser; abuse answered once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.domain.actions import Action, CallHuman, OpenCase, Say, TellSeller
from bot.domain.complaints import OVER, SOON, deadlines
from bot.domain.context import Case, Context, Conversation
from bot.domain.events import CaseSettled, OrderEvent, TimeCame
from bot.domain.meanings import Meaning
from bot.domain.shop import Shop
from bot.domain.talks import Asked, Talk
from handlers import complaints
from tests.handlers import world
from tests.handlers.world import (
    ANN,
    DAY,
    HOUR,
    PLACED,
    answers,
    chat_context,
    days,
    decide,
    order_of,
    shop_with,
    wrote,
)

PAID = order_of(world.placed(), world.paid())
CASE = Case(
    number=12,
    kind="complaint",
    key="complaint:telegram:m0",
    reason="complained",
    opened_at=PLACED,
    asked_at=PLACED,
    due_at=datetime(2026, 11, 25, 15, 59, 59, tzinfo=UTC),
    chat="telegram:42",
)


def complained(text: str, intent: str = "complaint", **known: Any) -> list[Action]:
    event, context = wrote(text), chat_context(PAID, **known)
    return complaints.ANSWERS[intent](Meaning(intent, 0.9), event, context)


def opened(actions: list[Action], kind: str = "complaint") -> OpenCase:
    [case] = [each for each in actions if isinstance(each, OpenCase) and each.kind == kind]
    return case


def said(actions: list[Action]) -> list[str]:
    return [each.template for each in actions if isinstance(each, Say)]


def test_a_complaint_is_a_case_with_a_cause_and_a_day_and_the_buyer_reads_both() -> None:
    actions = complained("杯子碎了，我要投诉")

    case, say = actions
    assert isinstance(case, OpenCase)
    assert isinstance(say, Say)
    assert (case.kind, case.cause, case.order) == ("complaint", "damaged", "1001")
    assert case.due_at is not None
    assert case.due_at.date() == date(2026, 11, 25)  # three working days after a Friday
    assert (say.template, say.case, say.to) == ("complaint_taken", case.key, "telegram:42")
    assert say.values["cause"] == "damaged"


def test_what_is_broken_is_a_complaint_too() -> None:
    assert opened(complained("看看这是什么", "damaged_item")).cause == "damaged"


def test_while_a_complaint_is_open_more_words_stand_in_it() -> None:
    first, again = (complained("还没处理", cases=(CASE,)) for _ in range(2))

    assert said(first) == ["noted"]
    assert [each.key for each in first if isinstance(each, Say)] == [
        each.key for each in again if isinstance(each, Say)
    ]
    assert not any(isinstance(each, OpenCase) for each in first)


@pytest.mark.parametrize(
    ("text", "settings", "concern"),
    [
        ("喝了你们的茶我拉肚子", {}, "health"),
        ("我要投诉", {"complaints": {"large_sum": 100}}, "large_sum"),
        ("我要投诉", {"complaints": {"large_sum": 128}}, None),
        ("我要投诉", {"complaints": {"large_sum": 0}}, "large_sum"),
        ("我要投诉", {"vip": {"tiers": [{"name": "gold", "orders": 1}]}}, "vip"),
        ("我要投诉", {"vip": {"tiers": [{"name": "gold", "orders": 2}]}}, None),
        (
            "我要投诉",
            {"vip": {"tiers": [{"name": "gold", "orders": 1}]}, "complaints": {"vip_to_owner": False}},
            None,
        ),
    ],
)
def test_the_owner_hears_of_what_is_more_than_a_complaint(
    text: str, settings: dict[str, Any], concern: str | None
) -> None:
    case = opened(complained(text, shop=shop_with(**settings)))

    assert case.details.get("concern") == concern


@pytest.mark.parametrize(("limit", "promised"), [(0, None), (5, 500), (500, 12800)])
def test_the_bot_makes_good_within_its_limit_and_never_more_than_was_paid(
    limit: int, promised: int | None
) -> None:
    actions = complained("杯子碎了", shop=shop_with(complaints={"compensation": limit}))

    sums = [
        each.values["amount_minor"]
        for each in actions
        if isinstance(each, Say) and each.template == "compensation"
    ]
    assert sums == ([promised] if promised else [])
    if promised:
        assert opened(actions, "compensation").key == "compensation:1001"  # once for an order


def promised(text: str, *events: OrderEvent, after: timedelta = HOUR) -> bool:
    shop = shop_with(complaints={"compensation": 5}, payment={"ships_within": "2d"})
    order, event = order_of(world.placed(), world.paid(), *events), wrote(text)
    context = replace(chat_context(order, shop=shop), now=PLACED + after)
    return "compensation" in said(complaints.ANSWERS["complaint"](Meaning("complaint", 0.9), event, context))


def test_what_is_cancelled_is_paid_back_whole_and_nothing_beside_it() -> None:
    assert promised("杯子碎了")
    assert not promised("杯子碎了", world.cancelled())


def test_what_is_called_late_is_made_good_only_if_it_is() -> None:
    late = "怎么还没发货，太慢了，我要投诉"
    assert not promised(late)
    assert promised(late, after=timedelta(days=12))
    in_time, too_late = world.shipped(after=DAY), world.shipped(after=9 * DAY)
    assert not promised(late, in_time, after=2 * DAY)
    assert promised(late, in_time, after=30 * DAY)
    assert not promised(late, in_time, world.delivered(), after=30 * DAY)
    assert promised(late, too_late, world.delivered(after=11 * DAY), after=12 * DAY)


@pytest.mark.parametrize("text", ["茶杯割伤了我的手，流血了", "我要投诉客服态度", "质量太差"])
def test_the_bot_promises_nothing_to_the_hurt_nor_for_what_is_a_matter_of_opinion(text: str) -> None:
    actions = complained(text, shop=shop_with(complaints={"compensation": 5}))

    assert said(actions) == ["complaint_taken"]


def test_abuse_is_answered_once_a_day_and_a_person_is_called() -> None:
    first, again = (complained("你是傻子吗", "insult") for _ in range(2))

    assert said(first) == ["insulted"]
    assert [type(each) for each in first] == [Say, CallHuman]
    keys = [each.key for each in (*first, *again) if isinstance(each, Say)]
    assert keys[0] == keys[1]


def test_abuse_beside_a_complaint_is_answered_by_the_answer_to_the_complaint() -> None:
    meaning = Meaning("insult", 0.9, also=("complaint",))

    assert complaints.insult(meaning, wrote("杯子碎了，混蛋"), chat_context(PAID)) == []


# Until it is decided


def came(what: str, case: Case, at: datetime, number: int = 0) -> list[Action]:
    event = TimeCame(channel="clock", external_id=f"{what}:12:{number}", at=at, what=what, about="case:12")
    return decide(event, Context(now=at, shop_id="mugs", shop=Shop(name="x"), case=case))


def test_the_seller_is_warned_on_the_morning_of_the_working_day_before_and_then_the_owner_is_told() -> None:
    shop = shop_with(
        working_hours={"days": ["mon", "tue", "wed", "thu", "fri"], "start": "10:00", "end": "18:00"}
    )
    soon, over = deadlines(CASE, shop)

    assert soon.at == datetime(2026, 11, 24, 2, tzinfo=UTC)  # Tuesday at 10 in Shanghai; due on Wednesday
    assert over.at == CASE.due_at
    [warned], [late] = came(SOON, CASE, soon.at), came(OVER, CASE, over.at)
    assert isinstance(warned, TellSeller)
    assert isinstance(late, TellSeller)
    assert (warned.reason, warned.to_owner, late.reason, late.to_owner) == (SOON, False, OVER, True)


def test_what_is_decided_warns_nobody_and_what_is_opened_again_has_days_of_its_own() -> None:
    closed = msgspec.structs.replace(CASE, closed_at=PLACED + HOUR)
    again = msgspec.structs.replace(CASE, reopened=1, due_at=PLACED + 9 * DAY)

    assert came(OVER, closed, PLACED + 9 * DAY) == came(OVER, again, PLACED + 5 * DAY) == []
    assert len(came(OVER, again, PLACED + 9 * DAY, number=1)) == 1


def test_the_buyer_is_told_the_outcome_where_they_complained() -> None:
    event = CaseSettled(channel="seller", external_id="s", at=PLACED, case=12, outcome="We sent a new cup.")
    context = Context(now=PLACED, shop_id="mugs", shop=Shop(name="x"), buyer=ANN, case=CASE)

    [say] = decide(event, context)
    assert isinstance(say, Say)
    assert (say.template, say.key, say.to) == ("complaint_settled", "complaint_settled:12:0", "telegram:42")
    assert say.values == {"case": 12, "outcome": "We sent a new cup."}
    other = msgspec.structs.replace(context, case=msgspec.structs.replace(CASE, kind="human"))
    assert decide(msgspec.structs.replace(event, outcome=None), other) == []
    assert len(decide(event, other)) == 1  # what the seller says of a case is told in any case


def test_a_feast_moves_the_day_by_which_it_is_decided() -> None:
    context_day = datetime(2026, 9, 29, 2, tzinfo=UTC)
    shop = shop_with(calendar="CN", complaints={"decide_within": timedelta(days=3)})
    event = msgspec.structs.replace(wrote("我要投诉"), at=context_day)
    case = opened(
        complaints.complaint(Meaning("complaint", 1.0), event, chat_context(PAID, now=context_day, shop=shop))
    )

    assert case.due_at is not None
    assert case.due_at.date() == date(2026, 10, 9)  # the week of the National Day is no working time


def test_the_buyer_is_told_when_their_return_is_settled() -> None:
    event = CaseSettled(channel="seller", external_id="s", at=PLACED, case=12)
    case = msgspec.structs.replace(CASE, kind="return", order="1001")
    context = Context(now=PLACED, shop_id="mugs", shop=Shop(name="x"), buyer=ANN, case=case)

    assert said(decide(event, context)) == ["return_settled"]


def test_harm_goes_first_in_whatever_talk_and_to_the_owner_each_time_it_is_another() -> None:
    event, context = wrote("the lamp caught fire!!"), chat_context(PAID)
    taken = complaints.alarmed(event, context)
    assert opened(taken).details["concern"] == "safety"
    assert said(taken) == ["harm_taken"]

    known = msgspec.structs.replace(CASE, key=opened(taken).key)
    again = complaints.alarmed(event, chat_context(PAID, cases=(known,)))
    assert (said(again), len(again)) == (["noted"], 1)
    hurt = complaints.alarmed(wrote("my son burned his hand"), chat_context(PAID, cases=(known,)))
    assert opened(hurt).details["concern"] == "health"
    assert said(hurt) == ["noted"]
    assert complaints.alarmed(wrote("can it catch fire?"), context) == []


def test_words_after_a_decision_are_about_it_unless_they_mean_something_else() -> None:
    asked = Asked("decided", PLACED, PLACED + days(14), {"order": "1001", "kind": "complaint"})

    def heard(text: str, after: timedelta = HOUR, **known: Any) -> list[str]:
        chat = Conversation(channel="telegram", address="42", buyer="ann", talk=Talk(asked=asked))
        context = chat_context(PAID, conversation=chat, now=PLACED + after, **known)
        return answers(wrote(text), context)

    for text in ("that is not enough", "nope", "这个我不能接受", "這樣不夠", "my aunt gave it to me"):
        assert heard(text) == ["complaint_taken"], text
    assert heard("my aunt gave it to me", days(2)) == ["not_understood"]
    assert heard("這樣不夠", days(2)) == ["complaint_taken"]
    assert heard("where is my order?") == ["where_is_order"]
    assert heard("有红色的吗") == ["not_understood"]
    assert heard("ok thanks") == ["thanks"]
    asked = msgspec.structs.replace(asked, about={"order": None, "kind": "human"})
    assert heard("that is not enough") == ["human_coming"]

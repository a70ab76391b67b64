"""What the seller writes in their own chat: to the buyer, to the case, or answered with why not."""

from typing import Any

import msgspec
import pytest

from bot.domain.actions import Action, AnswerSeller, Relay, Say, SendReply, SettleCase, SwitchBot, TellSeller
from bot.domain.context import Case, Context
from bot.domain.desk import PERSONS
from bot.domain.events import MessageReceived
from bot.domain.knowledge import Entry
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.shop import Shop
from handlers.routes import POLICIES
from tests.handlers.world import (
    ANN,
    HOUR,
    PLACED,
    answers,
    chat_context,
    decide,
    order_of,
    paid,
    placed,
    refunded,
    wrote,
)

CASE = Case(number=12, kind="human", key="h", reason="asked_for_person", opened_at=PLACED, chat="webhook:ann")


class OwnChat(Shop):
    @property
    def desks(self) -> frozenset[tuple[str, str]]:
        return frozenset({("telegram", "42")})


WRITTEN = {"wrap": Entry(id="wrap", short="wrap", answers={"en": "For free."})}
SHOP = OwnChat(name="Mug House", locale="en")


def sellers(text: str, case: Case | None = CASE, order: Order | None = None, **known: Any) -> list[Action]:
    buyer = ANN if case else None
    context = Context(
        now=PLACED + HOUR,
        shop_id="mugs",
        shop=SHOP,
        buyer=buyer,
        order=order,
        case=case,
        replies=WRITTEN,
    )
    return decide(wrote(text, **known), context)


def codes(actions: list[Action]) -> list[str]:
    return [each.code for each in actions if isinstance(each, AnswerSeller)]


def test_words_go_to_the_buyer_and_count_as_a_persons() -> None:
    say, relay, answer = sellers("It left today")

    assert isinstance(say, Say)
    assert (say.template, say.key, say.to) == ("from_person", "from_person:telegram:m1", "webhook:ann")
    assert relay == Relay(chat="webhook:ann", text="It left today")
    assert codes([answer]) == ["sent"]


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("/case 12 done", SettleCase(case=12)),
        ("/case 12 done A new cup", SettleCase(case=12, outcome="A new cup")),
        ("/case 12 refund 15,5", SettleCase(case=12, refund=Money(1550, "CNY"))),
        ("/bot off", SwitchBot(chat="webhook:ann", silent=True)),
        ("/bot on", SwitchBot(chat="webhook:ann", silent=False)),
        ("/say WRAP", SendReply(name="wrap", words={"en": "For free."})),
        ("/case 12", TellSeller(case=12, key="desk:telegram:m1", reason="case_shown", desk="telegram:42")),
    ],
)
def test_commands_are_about_the_case(text: str, action: Action) -> None:
    assert sellers(text)[0] == action


def test_a_refund_is_in_the_money_that_was_paid_and_not_more_than_is_left_of_it() -> None:
    in_euros = placed(total=Money(1200, "EUR"))
    whole = order_of(in_euros, paid(minor=1200, currency="EUR"))
    partly = order_of(in_euros, paid(minor=1200, currency="EUR"), refunded(500, currency="EUR"))

    assert sellers("/case 12 refund 12", order=whole)[0] == SettleCase(case=12, refund=Money(1200, "EUR"))
    assert sellers("/case 12 refund 7", order=partly)[0] == SettleCase(case=12, refund=Money(700, "EUR"))
    about = msgspec.structs.replace(CASE, order="1001")
    for text, order, left in (
        ("/case 12 refund 150.00", whole, "12.00 EUR"),
        ("/case 12 refund 7.01", partly, "7.00 EUR"),
    ):
        (refused,) = sellers(text, about, order)
        assert isinstance(refused, AnswerSeller)
        assert (refused.code, refused.values["left"]) == ("more_than_paid", left)
    assert codes(sellers("/case 12 refund 1", about, order_of(placed()))) == ["more_than_paid"]
    assert codes(sellers("/case 12 refund 150", order=whole)) == ["done"]  # perhaps of an earlier order


@pytest.mark.parametrize(
    ("text", "known", "code"),
    [
        ("hello", {"case": None}, "which_case"),
        ("/case 9", {"case": None}, "unknown_case"),
        ("/help", {}, "help"),
        ("/case 12 refund 0", {}, "bad_sum"),
        ("/case 12 refund 1.234", {}, "bad_sum"),
        ("changed", {"kind": "edit"}, "only_text"),
        ("", {"kind": "other"}, "only_text"),
        ("/case 12 done", {"case": msgspec.structs.replace(CASE, closed_at=PLACED)}, "closed"),
        ("hello", {"case": msgspec.structs.replace(CASE, chat=None)}, "no_chat"),
        ("/bot off", {"case": msgspec.structs.replace(CASE, chat=None)}, "no_chat"),
    ],
)
def test_what_cannot_be_done_is_answered_and_nothing_else_happens(
    text: str, known: dict[str, Any], code: str
) -> None:
    actions = sellers(text, **known)

    assert codes(actions) == [code]
    assert len(actions) == 1


def test_what_a_person_decided_goes_out_while_a_person_talks_and_nothing_else_does() -> None:
    assert {name for name, policy in POLICIES.items() if policy.over_person} == PERSONS


def test_a_sticker_is_no_word() -> None:
    assert sellers("", kind="sticker") == []


def test_a_buyers_chat_is_answered_as_ever() -> None:
    event: MessageReceived = wrote("/case 12 refund 15.00")

    assert answers(event, chat_context()) == ["hello"]

"""A return is answered at once by the shop's policy; what is missing is asked for in one message."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.actions import Say
from bot.domain.context import Case
from bot.domain.events import BuyerRef, Line, Media
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.return_policy import Wish, decide
from handlers import returns
from tests.handlers.asking import PICTURE, Chat
from tests.handlers.world import (
    DAY,
    PLACED,
    cancelled,
    chat_context,
    days,
    delivered,
    order_of,
    paid,
    placed,
    refunded,
    shipped,
    shop_with,
    wrote,
)

TEAPOT = Line(title="Blue teapot", quantity=1, price=Money(6000, "CNY"), sku="POT")
TEA = Line(title="Longjing tea", quantity=1, price=Money(6800, "CNY"), sku="TEA")
ARRIVED = order_of(placed(), paid(), shipped(), delivered())
TWO = order_of(placed(lines=(TEAPOT, TEA)), paid(), shipped(), delivered())
NOW = PLACED + days(4)
SHOP = shop_with(returns={"days": 7, "faulty_days": 30, "excluded": ["TEA"]})
WANTS = "return_exchange"


def chat(*orders: Order, after: float = 0, **policy: Any) -> Chat:
    return Chat(*(orders or (ARRIVED,)), now=NOW + days(after), shop=shop_with(returns={"days": 7, **policy}))


def test_a_wish_within_the_days_is_agreed_to_at_once_with_a_case_and_a_clock() -> None:
    ann = chat()

    assert ann.say("I'd like to send it back, please refund me", WANTS) == ["return_agreed"]
    assert ann.values("return_agreed") == {"way": "refund", "shop_pays": False}
    (case,), (wake,) = ann.opened, ann.wakes
    assert (case.kind, case.reason, case.order) == ("return", "return_agreed", "1001")
    assert case.details["amount"] == "128.00 CNY"
    assert (wake.what, wake.order, wake.at > ann.now + DAY) == ("return_check", "1001", True)
    assert ann.asked is None


def test_the_clock_runs_only_while_the_next_step_is_the_sellers() -> None:
    def wakes(text: str, **policy: Any) -> int:
        ann = chat(**policy)
        ann.say(text, WANTS)
        return len(ann.wakes)

    assert wakes("please refund me", address="1 Any Street") == 0
    assert wakes("please refund me") == 1
    assert wakes("it came broken", address="1 Any Street") == 1
    assert wakes("it came broken", answer_within="0d") == 0


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("我要退货", "refund"),
        ("想换货", "replacement"),
        ("換大一號", "size"),
        ("can I swap it", "replacement"),
    ],
)
def test_the_way_is_read_from_the_words(text: str, way: str) -> None:
    ann = chat()

    assert ann.say(text, WANTS) == ["return_agreed"]
    assert ann.values("return_agreed")["way"] == way


def test_what_is_missing_is_asked_for_in_one_message_and_taken_from_the_next() -> None:
    ann = chat(TWO)

    assert ann.say("how do returns and exchanges work?", WANTS) == ["return_offer"]
    offer = ann.values("return_offer")
    assert offer["choices"] == ["Blue teapot", "Longjing tea"]
    assert offer["ways"] == ["refund", "replacement"]  # tea has no other size
    assert ann.opened == []
    assert ann.say("2, my money back") == ["return_agreed"]
    assert ann.opened[0].details["items"] == "Longjing tea"
    assert ann.asked is None


def test_only_what_is_still_missing_is_asked_for() -> None:
    ann = chat(TWO)

    ann.say("return or exchange?", WANTS)
    assert ann.say("the teapot") == ["return_offer"]
    assert (ann.values("return_offer")["choices"], len(ann.values("return_offer")["ways"])) == ([], 2)
    assert ann.say("换一个吧") == ["return_agreed"]
    assert ann.opened[0].details | {"text": ""} == {
        "order": "1001",
        "way": "replacement",
        "items": "Blue teapot",
        "amount": "128.00 CNY",
        "text": "",
    }


def test_after_two_questions_in_vain_a_person_goes_on() -> None:
    ann = chat(TWO)

    assert ann.say("return or exchange?", WANTS) == ["return_offer"]
    assert not ann.values("return_offer")["again"]
    assert ann.say("hm") == ["return_offer"]
    assert ann.values("return_offer")["again"]
    assert ann.say("well you know") == ["return_passed_on"]
    assert [case.reason for case in ann.opened] == ["return_undecided"]
    assert ann.asked is None


def test_who_tells_a_little_each_time_is_asked_on_until_a_person_is() -> None:
    ann = chat(TWO)

    assert ann.say("return or exchange?", WANTS) == ["return_offer"]
    assert ann.say("an exchange") == ["return_offer"]
    assert ann.say("no, a refund") == ["return_offer"]
    assert ann.say("no, an exchange") == ["return_passed_on"]


def test_another_question_in_between_is_answered_and_leaves_ours_open() -> None:
    ann = chat(TWO)

    ann.say("return or exchange?", WANTS)
    assert ann.say("where is my order?", "where_is_order") == ["where_is_order"]
    assert ann.asked == "return_details"
    assert ann.say("both, refund") == ["return_agreed"]


def test_the_question_lapses() -> None:
    ann = chat(TWO)

    ann.say("return or exchange?", WANTS)
    ann.now += returns.DETAILS_LAPSE
    assert ann.say("well you know") == ["not_understood"]


@pytest.mark.parametrize("text", ["never mind", "I'll keep it", "算了", "不退了"])
def test_who_wants_no_return_after_all_is_left_alone(text: str) -> None:
    ann = chat(TWO)

    ann.say("return or exchange?", WANTS)
    assert ann.say(text) == ["return_dropped"]
    assert (ann.asked, ann.opened) == (None, [])


@pytest.mark.parametrize("text", ["yes", "ok", "好的", "可以"])
def test_where_only_one_way_is_open_yes_is_an_answer(text: str) -> None:
    ann = chat(exchange=False)

    assert ann.say("换大一号", WANTS) == ["return_offer"]
    assert ann.values("return_offer")["ways"] == ["refund"]
    assert ann.say(text, "acknowledged") == ["return_agreed"]
    assert ann.values("return_agreed")["way"] == "refund"


def test_another_order_may_be_named_meanwhile() -> None:
    other = order_of(placed(order="1002"), paid(order="1002"))
    facts = (shipped(), delivered())
    other = order_of(
        placed(order="1002"),
        paid(order="1002"),
        *(msgspec.structs.replace(each, order="1002") for each in facts),
    )
    ann = chat(TWO, other)

    ann.say("return or exchange? order 1001", WANTS)
    assert ann.say("sorry, order 1002, refund") == ["return_agreed"]
    assert ann.opened[0].order == "1002"


def test_what_came_broken_is_made_good_and_a_picture_is_asked_for() -> None:
    ann = chat(after=20)

    assert ann.say("it arrived broken, what now?", WANTS) == ["made_good"]
    assert ann.values("made_good") == {
        "way": "replacement",
        "ways": ["replacement", "refund", "size"],
        "picture": True,
    }
    assert [case.reason for case in ann.opened] == ["return_at_fault"]
    assert ann.asked == "return_picture"
    assert ann.send(PICTURE) == ["noted"]
    assert ann.asked is None


def test_a_picture_that_is_there_is_not_asked_for() -> None:
    ann = chat()

    assert ann.say("碎了，给我换一个", WANTS, kind="other", media=(PICTURE,)) == ["made_good"]
    assert (ann.values("made_good")["picture"], ann.asked) == (False, None)
    assert chat(pictures=False).say("碎了", WANTS) == ["made_good"]


def test_what_is_no_picture_is_asked_about_once() -> None:
    ann = chat()
    recording = Media(ref="v1", type="audio/ogg", size=9000)

    ann.say("it came in pieces, I want a refund", WANTS)
    assert ann.send(recording) == ["picture_wanted"]
    assert ann.send(recording) == ["noted"]
    assert ann.asked is None


def test_words_in_place_of_a_picture_are_read_by_themselves() -> None:
    ann = chat()

    ann.say("it came in pieces, I want a refund", WANTS)
    assert ann.say("where is my order?", "where_is_order") == ["where_is_order"]
    assert ann.asked == "return_picture"


def test_the_buyers_side_of_a_complaint_is_made_good_whatever_the_words() -> None:
    event = wrote("the lid")
    actions = returns.make_good(ARRIVED, event.text, event, chat_context(ARRIVED, shop=SHOP, now=NOW))

    assert [getattr(each, "template", None) for each in actions if hasattr(each, "template")] == ["made_good"]


@pytest.mark.parametrize(
    ("text", "after", "policy", "said", "reason"),
    [
        ("I want to return it", 30, {}, "return_passed_on", "return_too_late"),
        ("I want to return it", 0, {"days": 0}, "return_refused", None),
        ("used it twice, want to return it", 0, {}, "return_refused", None),
        ("used it twice, want to return it", 0, {"satisfied": True}, "return_agreed", "return_agreed"),
        ("it broke, I want to return it", 40, {}, "return_passed_on", "return_too_late"),
        ("used it twice and it stopped working, replace it", 9, {}, "made_good", "return_unclear"),
    ],
)
def test_outside_the_policy_nothing_is_promised(
    text: str, after: float, policy: dict[str, Any], said: str, reason: str | None
) -> None:
    ann = chat(after=after, **policy)

    assert ann.say(text, WANTS) == [said]
    assert [case.reason for case in ann.opened] == ([reason] if reason else [])


def test_what_is_kept_out_is_not_taken_back_and_the_rest_is_asked_for() -> None:
    ann = Chat(TWO, now=NOW, shop=SHOP)

    assert ann.say("the tea, I want to return it", WANTS) == ["return_refused"]
    assert ann.values("return_refused") == {"why": "excluded"}
    assert ann.say("I want to return it", WANTS) == ["return_offer"]
    assert ann.say("1") == ["return_agreed"]
    assert Chat(TWO, now=NOW, shop=SHOP).say("the tea came open and damaged", WANTS) == ["made_good"]


def test_a_shop_without_a_policy_promises_nothing_and_passes_it_on() -> None:
    ann = Chat(ARRIVED, now=NOW)

    assert ann.say("I want to return it", WANTS) == ["return_passed_on"]
    assert ([case.reason for case in ann.opened], ann.wakes) == (["return_undecided"], [])


def test_a_return_that_is_open_is_not_opened_again() -> None:
    ann = chat()

    ann.say("please refund me", WANTS)
    assert ann.say("I'd rather have a replacement", WANTS) == ["return_open"]
    assert len(ann.opened) == 1


def test_before_it_left_a_return_is_a_cancelling_and_an_exchange_a_change() -> None:
    waiting = order_of(placed(), paid())

    assert chat(waiting).say("I want to return it", WANTS) == ["cancel_asked"]
    assert chat(waiting).say("can I swap it for a larger one", WANTS) == ["order_change_asked"]
    assert chat(waiting).say("it arrived broken", WANTS) == ["return_passed_on"]


def test_what_ended_is_told() -> None:
    back = order_of(placed(), paid(), shipped(), delivered(), refunded())

    assert chat(back).say("I want to return it", WANTS) == ["refund_status"]
    assert chat(order_of(placed(), cancelled())).say("I want to return it", WANTS) == ["refund_status"]


def test_on_its_way_the_days_have_not_begun() -> None:
    ann = chat(order_of(placed(), paid(), shipped()))

    assert ann.say("I want to send it back for a refund", WANTS) == ["return_agreed"]


def test_a_case_of_a_return_ends_once_all_was_paid_back() -> None:
    ann = chat()
    ann.say("please refund me", WANTS)
    (case,) = ann.cases

    assert not returns.settled(case, ARRIVED)
    assert returns.settled(case, order_of(placed(), paid(), shipped(), delivered(), refunded()))


def test_whose_phone_and_number_prove_it_may_return_an_order_of_another_file() -> None:
    phone = BuyerRef(id="bob", phone="+8613800008000")
    others = msgspec.structs.replace(
        order_of(placed(buyer=phone), paid(), shipped(), delivered()), buyer="bob"
    )
    ann = Chat(now=NOW, shop=shop_with(returns={"days": 7}), named=(others,))

    assert ann.say("I want to return order 1001 for a refund", WANTS) == ["which_order"]
    assert ann.say("1001 1234") == ["not_matched"]
    assert ann.say("1001 8000") == ["return_agreed"]


def test_an_order_of_which_nobody_knows_the_items_is_asked_about_no_item() -> None:
    ann = chat(order_of(placed(lines=()), paid(), shipped(), delivered()))

    assert ann.say("return or exchange?", WANTS) == ["return_offer"]
    assert ann.values("return_offer")["choices"] == []
    assert ann.say("my money back") == ["return_agreed"]


def test_the_case_tells_every_word_of_the_wish() -> None:
    ann = chat(TWO)

    ann.say("the handle is not to my taste, return or exchange?", WANTS)
    ann.say("1, refund")
    assert ann.opened[0].details["text"] == "the handle is not to my taste, return or exchange?\n1, refund"


def test_questions_end_whatever_is_said() -> None:
    """No way of answering leaves a buyer in a circle: each ends in an agreement, a no, or a person."""
    words = ("hm", "2", "refund", "换", "it's broken", "yes", "never mind", "1001", "")
    for first in words:
        for second in words:
            ann = chat(TWO)
            ann.say("return or exchange?", WANTS)
            for text in (first, second, "hm", "hm", "hm"):
                ann.say(text, kind="text" if text else "other")
                ann.now += timedelta(minutes=1)
            assert ann.asked in (None, "return_picture"), (first, second)
            assert ann.opened or ann.called or "never mind" in (first, second)


def test_the_decision_is_that_of_the_policy() -> None:
    assert decide(Wish(way="refund"), ARRIVED, SHOP, NOW).agreed


def test_who_complained_of_it_is_not_asked_to_pay_for_sending_it_back() -> None:
    complaint = Case(
        number=3, kind="complaint", key="complaint:1", reason="complained", opened_at=NOW, order="1001",
        cause="damaged",
    )  # fmt: skip
    for case, way in (
        (complaint, "made_good"),
        (msgspec.structs.replace(complaint, cause="price"), "return_agreed"),
    ):
        context = chat_context(ARRIVED, shop=SHOP, cases=(case,), now=NOW)
        actions = returns.take(ARRIVED, "不想要了，退款", wrote("不想要了，退款"), context)
        assert [each.template for each in actions if isinstance(each, Say)] == [way]


def test_of_an_order_that_nothing_was_paid_for_no_refund_is_agreed() -> None:
    unpaid, at_the_door = (
        order_of(placed(pay_on_delivery=door), shipped(), delivered()) for door in (False, True)
    )
    ann, bob = chat(unpaid), chat(at_the_door)

    assert ann.say("I'd like to return it, please refund me", WANTS) == ["return_passed_on"]
    assert bob.say("I'd like to return it, please refund me", WANTS) == ["return_agreed"]
    assert [case.details["amount"] for case in (*ann.opened, *bob.opened)] == [None, None]
    assert chat(unpaid).say("it came broken, can I have another one", WANTS) == ["made_good"]

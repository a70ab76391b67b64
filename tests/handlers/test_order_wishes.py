"""Which order a wish is about is asked, proved and remembered, and never asked without end."""

from itertools import product

import msgspec
import pytest

from bot.domain.actions import Ask, CloseCase, EndReminders, Say
from bot.domain.events import BuyerRef
from bot.domain.meanings import Meaning
from handlers.after_sales import WISHES
from handlers.order_wishes import LAPSES, MOST_ASKED, ask_which, in_one_question, kept, says_only
from tests.handlers.asking import Chat
from tests.handlers.world import PLACED, days, delivered, order_of, paid, placed, shipped, shop_with

OWNER = BuyerRef(id="bob", phone="+8613800008000")
OTHERS = msgspec.structs.replace(order_of(placed(buyer=OWNER), paid()), buyer="bob")
SHOP = shop_with(returns={"days": 7})


def stranger() -> Chat:
    return Chat(now=PLACED + days(1), shop=SHOP, named=(OTHERS,))


@pytest.mark.parametrize(
    ("text", "intent", "said"),
    [
        ("please cancel order 1001", "cancel_order", ["cancel_asked"]),
        ("change order 1001 to blue", "change_order", ["order_change_asked"]),
        ("wrong address", "change_address", ["address_asked"]),
        ("invoice to Blue Teahouse Ltd please", "invoice", ["invoice_asked"]),
        ("where is my refund", "refund_status", ["refund_status"]),
        ("return order 1001", "return_exchange", ["cancel_asked"]),
    ],
)
def test_the_proof_goes_on_with_the_wish(text: str, intent: str, said: list[str]) -> None:
    bob = stranger()

    assert bob.say(text, intent) == ["which_order"]
    assert bob.say("1001 1234") == ["not_matched"]
    assert bob.say("1001 8000") == said
    assert all(text in (case.details["text"], "") for case in bob.opened)


def test_two_wishes_are_both_answered_after_the_proof() -> None:
    bob = stranger()

    bob.say("please cancel it", "cancel_order")
    bob.say("and an invoice to Blue Teahouse Ltd please", "invoice")
    assert bob.say("1001 1234") == ["not_matched"]
    assert bob.say("1001 8000") == ["cancel_asked", "invoice_asked"]
    assert bob.asked != "after_sales_order"


def test_two_wishes_of_one_message_wait_in_one_question() -> None:
    asks = [
        ask_which("q", {"cancel_order": "stop it", "invoice": "bill"}),
        ask_which("q", {"change_order": "blue"}),
    ]
    (one,) = in_one_question(list(asks))

    assert isinstance(one, Ask)
    assert kept(one.about) == {"cancel_order": "stop it", "invoice": "bill", "change_order": "blue"}


def test_the_proof_beside_a_wish_goes_on_with_the_one_before_it() -> None:
    bob = stranger()

    bob.say("please cancel it", "cancel_order")
    assert bob.say("invoice to Blue Teahouse Ltd for order 1001, phone 8000", "invoice") == [
        "cancel_asked",
        "invoice_asked",
    ]


def test_a_wish_for_another_order_waits_for_that_one() -> None:
    other = msgspec.structs.replace(
        order_of(placed(buyer=OWNER, order="1002"), paid(order="1002")), buyer="bob"
    )
    bob = Chat(now=PLACED + days(1), shop=SHOP, named=(OTHERS, other))

    bob.say("cancel 1002", "cancel_order")
    bob.say("where is my refund for order 1001", "refund_status")
    assert bob.say("1001 8000") == ["refund_status"]
    assert bob.say("1002 8000") == ["cancel_asked"]
    assert [case.order for case in bob.opened] == ["1002"]


def test_a_wish_for_an_order_of_theirs_is_not_done_to_one_that_waits() -> None:
    mine = order_of(placed(order="1003"), paid(order="1003"))
    ann = Chat(now=PLACED + days(1), shop=SHOP, named=(OTHERS,))

    assert ann.say("please cancel it", "cancel_order") == ["which_order"]
    ann.orders = (mine,)  # opened by its link
    assert ann.say("change order 1003 to blue", "change_order") == ["order_change_asked"]
    assert [case.order for case in ann.opened] == ["1003"]


def test_nothing_is_done_about_an_order_that_is_not_proved() -> None:
    for intent in WISHES:
        bob = stranger()
        bob.say("order 1001, please", intent)
        bob.say("1001 1234")
        assert (bob.opened, bob.wakes) == ([], [])


@pytest.mark.parametrize(
    ("intent", "probability", "only"),
    [("unknown", 0.0, True), ("other", 0.9, True), ("contact", 0.5, True), ("contact", 0.9, False)],
)
def test_what_is_not_surely_something_else_may_be_what_we_asked_for(
    intent: str, probability: float, only: bool
) -> None:
    assert says_only(Meaning(intent, probability), frozenset({"unknown", "other"})) is only


def test_after_some_tries_a_person_goes_on() -> None:
    bob = stranger()

    bob.say("please cancel order 1001", "cancel_order")
    said = [bob.say("1001") for _ in range(MOST_ASKED)]

    assert said == [["which_order"]] * (MOST_ASKED - 1) + [["human_coming"]]
    assert [call.reason for call in bob.called] == ["order_not_named"]
    assert bob.asked is None


def test_other_words_are_no_answer_and_the_question_lapses() -> None:
    bob = stranger()

    bob.say("please cancel order 1001", "cancel_order")
    assert bob.say("hello", "hello") == ["hello"]
    bob.now += LAPSES
    assert bob.say("1001 8000") == ["where_is_order"]


def test_the_newest_order_that_fits_is_meant_or_the_one_that_is_named() -> None:
    old = order_of(placed(), paid(), shipped(), delivered())
    new = order_of(placed(at=PLACED + days(3), order="1002"), paid(order="1002"))

    def about(text: str, intent: str) -> str | None:
        ann = Chat(new, old, now=PLACED + days(4), shop=SHOP)
        ann.say(text, intent)
        return ann.opened[0].order

    assert about("please refund me", "return_exchange") == "1001"
    assert about("please cancel", "cancel_order") == "1002"
    assert about("cancel order 1002", "cancel_order") == "1002"
    assert about("refund order 1001", "return_exchange") == "1001"


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("keep 1002 but cancel 1001", ["1001"]),
        ("not 1002: please, cancel 1001", ["1001"]),
        ("1002要的，取消1001", ["1001"]),
        ("don't cancel 1001, cancel 1002", ["1002"]),
        ("cancel 1001 or 1002", []),
        ("cancel both except 1002", ["1001"]),
        ("don't cancel both, only 1001", ["1001"]),
        ("please cancel 1001, not 1002", ["1001"]),
        ("我要取消1001，1002不取消", ["1001"]),
        ("1001不要了，1002留着", ["1001"]),
        ("1001取消，1002照常发货", ["1001"]),
        ("除了1002都取消", ["1001"]),
        ("1002留著，1001取消", ["1001"]),
    ],
)
def test_of_two_orders_that_are_named_the_one_beside_the_wish_is_meant_else_a_person_is_asked(
    text: str, held: list[str]
) -> None:
    two = (order_of(placed(order=number), paid(order=number)) for number in ("1002", "1001"))
    chat = Chat(*two, now=PLACED)
    chat.say(text, "cancel_order")

    assert [case.order for case in chat.opened] == held
    assert [call.reason for call in chat.called] == ([] if held else ["order_not_named"])


@pytest.mark.parametrize(
    "text",
    [
        *("cancel 1001 and 1002", "please cancel 1002, 1001"),
        *("1001和1002都取消", "1001 和 1002 都不要了，取消"),
        *("cancel both orders", "cancel both please", "please cancel all my orders", "cancel all of them"),
        *("I want to cancel my two orders", "cancel the 2 orders please", "都不要了", "都取消吧"),
        *("两单都取消", "兩筆都取消", "全部取消", "取消两单", "訂單都取消"),
    ],
)
@pytest.mark.parametrize("facts", list(product((False, True), repeat=2)))
def test_one_cancelling_of_several_orders_is_one_of_each(text: str, facts: tuple[bool, bool]) -> None:
    two = [
        order_of(placed(order=number), *((paid(order=number),) if told else ()))
        for number, told in zip(("1002", "1001"), facts, strict=True)
    ]
    together, one_by_one = Chat(*two, now=PLACED), Chat(*two, now=PLACED)

    assert together.say(text, "cancel_order") == ["cancel_asked"] * 2
    for number in ("1001", "1002"):
        one_by_one.say(f"cancel {number}", "cancel_order")
    assert {case.order for case in together.opened} == {case.order for case in one_by_one.opened}
    ended = {each.order for each in together.last if isinstance(each, EndReminders)}
    assert ended == {"1001", "1002"}
    assert len({each.key for each in together.last if isinstance(each, Say)}) == 2
    assert together.say(text, "cancel_order") == ["noted"]
    assert together.say("keep 1002 please") == ["order_kept"]
    [closed] = [each.key for each in together.last if isinstance(each, CloseCase)]
    assert ":1002:" in closed


def test_of_two_that_are_to_be_cancelled_the_one_that_left_is_answered_too() -> None:
    gone = order_of(placed(), paid(), shipped())
    chat = Chat(order_of(placed(order="1002")), gone, now=PLACED)

    chat.say("please cancel both orders", "cancel_order")
    assert {say.order for say in chat.last if isinstance(say, Say)} == {"1001", "1002"}


def test_of_very_many_orders_a_person_is_asked_and_nobody_is_reminded_of_what_is_held() -> None:
    many = [order_of(placed(order=str(number))) for number in range(1001, 1008)]
    chat = Chat(*many, now=PLACED)

    assert chat.say("cancel all my orders", "cancel_order") == ["human_coming"]
    assert {each.order for each in chat.last if isinstance(each, EndReminders)} == {each.id for each in many}


def test_all_is_said_of_the_orders_that_are_open_and_of_none_where_one_is_named() -> None:
    gone = order_of(placed(), paid(), shipped(), delivered())
    orders = (gone, *(order_of(placed(order=number)) for number in ("1003", "1002")))
    for text, held in (("cancel all my orders", ["1003", "1002"]), ("cancel 1002, all of it", ["1002"])):
        chat = Chat(*orders, now=PLACED)
        chat.say(text, "cancel_order")
        assert [case.order for case in chat.opened] == held

"""Claims of payment: the seller confirms them, once at a time for each order."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.actions import CallHuman, CloseCase, CountTry, NoteBuyer, OpenCase, Say
from bot.domain.context import Case
from bot.domain.events import OrderEvent
from bot.domain.meanings import Meaning, Slots
from bot.domain.messages import Facts
from bot.domain.money import Money
from bot.domain.orders import Order
from handlers.claimed_orders import claimed
from handlers.claims import POLICIES, claim, digits_alone, i_paid, take_form
from tests.handlers import world
from tests.handlers.asking import Chat
from tests.handlers.world import ANN, PLACED, chat_context, human_case, keys_of, order_of, wrote

UNPAID = order_of(world.placed())
PAID = order_of(world.placed(), world.paid())
PARTLY = order_of(world.placed(), world.paid(minor=5000))
OPEN = Case(number=3, kind="payment_claim", key="x", reason="payment_claimed", opened_at=PLACED, order="1001")
TWO = tuple(
    order_of(world.placed(PLACED + world.hours(after), order=number))
    for number, after in (("2706", 1), ("2705", 0))
)
PAYMENT = Meaning("i_paid", 0.9)
FORM = {"bank": "ICBC", "amount": "128.00"}


@pytest.mark.parametrize(
    ("case", "counts"),
    [
        (OPEN, True),
        (msgspec.structs.replace(OPEN, closed_at=PLACED), False),
        (msgspec.structs.replace(OPEN, order="1002"), False),
        (msgspec.structs.replace(OPEN, kind="human"), False),
    ],
)
def test_only_an_open_claim_of_this_order_keeps_a_second_one_from_being_opened(
    case: Case, counts: bool
) -> None:
    context = chat_context(UNPAID, cases=(case,))

    assert claimed(UNPAID, context) is counts
    assert keys_of(claim(UNPAID, wrote("paid"), context)) == ["payment_claimed:telegram:m1"]
    assert any(isinstance(action, OpenCase) for action in claim(UNPAID, wrote("paid"), context)) is not counts


def test_a_part_of_the_payment_leaves_the_claim_for_the_rest_to_the_seller() -> None:
    of_part = i_paid(PAYMENT, wrote("I paid"), chat_context(PARTLY))
    assert [type(action) for action in of_part] == [OpenCase, Say]


@pytest.mark.parametrize("order", [PAID, order_of(world.placed(authorised=True))])
def test_who_owes_nothing_claims_nothing(order: Order) -> None:
    assert keys_of(i_paid(PAYMENT, wrote("I paid"), chat_context(order))) == ["payment_status:telegram:m1"]


def test_each_message_claims_under_a_key_of_its_own_because_a_rejected_claim_may_be_repeated() -> None:
    first, again, form = (
        i_paid(PAYMENT, wrote("I paid"), chat_context(UNPAID))[0],
        i_paid(PAYMENT, wrote("I paid", id="m2"), chat_context(UNPAID))[0],
        take_form(FORM, wrote("form", id="m3"), chat_context(UNPAID))[0],
    )

    assert isinstance(first, OpenCase)
    assert isinstance(again, OpenCase)
    assert isinstance(form, OpenCase)
    assert {first.key, again.key, form.key} == {
        f"payment_claim:1001:telegram:{id}" for id in ("m1", "m2", "m3")
    }


def test_a_form_takes_the_place_of_a_claim_that_waits_because_it_says_more() -> None:
    closed, case, _ = take_form(FORM, wrote("form"), chat_context(UNPAID, cases=(OPEN,)))

    assert closed == CloseCase(key=OPEN.key)
    assert isinstance(case, OpenCase)
    assert case.details == {**FORM, "order": "1001"}


def test_a_form_that_names_an_order_of_another_buyer_is_no_claim_for_the_only_unpaid_one() -> None:
    actions = take_form({**FORM, "order": "4711"}, wrote("form"), chat_context(UNPAID))

    assert not any(isinstance(action, OpenCase) for action in actions)
    assert isinstance(actions[-1], CallHuman)


def test_a_try_to_prove_an_order_by_a_form_counts_also_while_a_person_is_called() -> None:
    context = chat_context(
        buyer=msgspec.structs.replace(ANN, id="x"),
        named_orders=(UNPAID,),
        cases=(human_case(),),
    )

    actions = take_form({**FORM, "order": "1001"}, wrote("Order: 1001\nPhone: 13911112222"), context)

    assert [type(action) for action in actions] == [CountTry, NoteBuyer, Say]


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("I have paid and where is my parcel", set()),
        ("paid! when do you ship", set()),
        ("Paid. The parcel is broken", {"not_understood"}),
        ("I've paid. Can I have an invoice?", {"invoice_form"}),
        ("付了，能开发票吗", {"invoice_form"}),
        ("我付好了，尾号6789\n顺便能开发票吗", {"invoice_form"}),
        ("已付款。请尽快发货，还有，地址改成杭州市西湖区文三路5号", {"address_asked"}),
    ],
)
def test_a_claim_counts_whatever_stands_beside_it(text: str, beside: set[str]) -> None:
    intents = {"invoice_form": "invoice", "address_asked": "change_address"}
    intent = next((intents[name] for name in beside if name in intents), None)
    chat = Chat(UNPAID, now=PLACED)

    said = chat.say(text, intent)

    assert [case.order for case in chat.opened if case.kind == "payment_claim"] == ["1001"]
    assert set(said) == {"payment_claimed", *beside}


@pytest.mark.parametrize(
    "text",
    [
        "is it paid?",
        "if I have paid, when is it sent",
        "I have not paid, where is it",
        "我还没付款，什么时候发货",
    ],
)
def test_other_words_of_paying_are_no_claim(text: str) -> None:
    chat = Chat(UNPAID, now=PLACED)
    chat.say(text, "where_is_order")

    assert chat.opened == []


def test_which_of_two_orders_was_paid_is_asked_and_neither_is_reminded_of_meanwhile() -> None:
    chat = Chat(*TWO, now=PLACED)

    assert chat.say("I paid, the one of ¥128.00", "i_paid") == ["payment_claimed"]
    assert chat.values("payment_claimed") == {"choices": ["2706", "2705"]}
    assert [case.order for case in chat.opened] == ["2706", "2705"]
    assert chat.say("I have paid", "i_paid") == ["payment_claimed"]
    assert len(chat.opened) == 2

    assert chat.say("2705") == ["payment_claimed"]
    assert [each.key for each in chat.last if isinstance(each, CloseCase)] == [chat.opened[0].key]
    assert [each.order for each in chat.last if isinstance(each, Say)] == ["2705"]
    assert chat.asked is None


def test_a_claim_of_its_own_stays_when_another_order_is_named() -> None:
    chat = Chat(*TWO, now=PLACED)
    chat.say("I paid for 2706", "i_paid")
    chat.say("thanks", "thanks")
    chat.talk = msgspec.structs.replace(chat.talk, order=None)

    chat.say("I have paid", "i_paid")
    chat.say("2705")

    assert [case.order for case in chat.opened] == ["2706", "2705"]
    assert not [each for each in chat.last if isinstance(each, CloseCase)]


def test_the_order_that_owes_the_sum_which_is_named_is_meant() -> None:
    dearer = order_of(world.placed(order="2707", total=Money(20000, "CNY")))
    slots = Slots(amount=Decimal(200), currency="CNY")
    claimed = i_paid(Meaning("i_paid", 0.9, slots=slots), wrote("paid the 200"), chat_context(*TWO, dearer))

    assert [each.order for each in claimed] == ["2707", "2707"]


def test_the_sum_that_came_is_no_new_claim() -> None:
    ten = Meaning("i_paid", 0.9, slots=Slots(amount=Decimal(50)))

    assert keys_of(i_paid(ten, wrote("I paid the 50"), chat_context(PARTLY))) == [
        "payment_status:telegram:m1"
    ]


def test_who_has_paid_all_hears_it_each_time_they_ask() -> None:
    chat = Chat(PAID, now=PLACED)

    assert chat.say("还差多少没付", "payment_status") == ["payment_status"]
    assert chat.say("我已经付了128元", "i_paid") == ["payment_status"]


@pytest.mark.parametrize(
    ("events", "text", "cases"),
    [
        ((), "I have paid", ["1001"]),
        ((world.shipped(),), "I have paid", ["1001"]),
        ((world.shipped(),), "it arrived, I paid the driver", []),
        ((world.shipped(), world.delivered()), "I have paid", []),
    ],
)
def test_what_the_carrier_was_paid_nobody_here_looks_for(
    events: tuple[OrderEvent, ...], text: str, cases: list[str]
) -> None:
    chat = Chat(order_of(world.placed(pay_on_delivery=True), *events), now=PLACED)

    assert chat.say(text, "i_paid") == ["payment_claimed" if cases else "payment_status"]
    assert [case.order for case in chat.opened] == cases
    assert chat.called == []


@pytest.mark.parametrize("intent", ["payment_status", "i_paid", "how_to_pay", "where_is_order"])
def test_where_the_records_do_not_tell_of_the_payment_somebody_looks(intent: str) -> None:
    foreign = order_of(world.placed(), world.paid(minor=900, currency="KRW"))
    shop = world.shop_with(payment={"accounts": [{"bank": "B", "number": "1"}]})
    chat = Chat(foreign, now=PLACED, shop=shop)

    chat.say("how is it with my payment", intent)

    assert [call.reason for call in chat.called] + [case.reason for case in chat.opened]


def test_an_order_that_left_and_of_whose_payment_nothing_was_told_is_looked_after() -> None:
    chat = Chat(order_of(world.placed(), world.shipped()), now=PLACED)

    assert chat.say("is my order paid?", "payment_status") == ["payment_status"]
    assert [call.reason for call in chat.called] == ["asked_for_payment"]


@pytest.mark.parametrize("text", ["I paid for both orders", "都付了", "兩筆都匯了", "I paid 2705 and 2706"])
def test_who_says_that_all_of_them_are_paid_is_not_asked_which(text: str) -> None:
    chat = Chat(*TWO, now=PLACED)

    assert chat.say(text, "i_paid") == ["payment_claimed"]
    assert chat.values("payment_claimed") == {"claimed": ["2706", "2705"]}
    assert [case.order for case in chat.opened] == ["2706", "2705"]


def test_the_sum_of_all_means_all() -> None:
    slots = Slots(amount=Decimal(256), currency="CNY")
    claimed = i_paid(Meaning("i_paid", 0.9, slots=slots), wrote("paid 256"), chat_context(*TWO))

    assert [each.order for each in claimed if isinstance(each, OpenCase)] == ["2706", "2705"]


@pytest.mark.parametrize(
    ("answer", "kept"),
    [("2704 and 2706", {"2704", "2706"}), ("both", {"2704", "2705", "2706"}), ("2705", {"2705"})],
)
def test_each_order_that_is_named_keeps_its_claim(answer: str, kept: set[str]) -> None:
    chat = Chat(*TWO, order_of(world.placed(order="2704")), now=PLACED)
    chat.say("I have paid", "i_paid")

    assert chat.say(answer) == ["payment_claimed"]
    closed = {each.key for each in chat.last if isinstance(each, CloseCase)}
    assert {case.order for case in chat.opened if case.key not in closed} == kept
    assert len(chat.opened) == 3


def test_while_somebody_looks_for_the_payment_nobody_is_told_that_none_is_seen() -> None:
    shop = world.shop_with(payment={"ships_within": "2d"})
    chat = Chat(UNPAID, now=PLACED, shop=shop)
    chat.say("I have paid", "i_paid")

    for text, intent, ships in (
        ("is it paid?", "payment_status", {}),
        ("when do you ship?", "when_ship", {"ships": True}),
    ):
        assert chat.say(text, intent) == ["payment_claimed"]
        assert chat.values("payment_claimed") == {"again": True, **ships}


def test_who_asks_when_it_is_sent_beside_a_claim_is_told_both() -> None:
    chat = Chat(UNPAID, now=PLACED)

    assert chat.say("I transferred the money this morning, when will it ship?", "i_paid") == [
        "payment_claimed"
    ]
    assert chat.values("payment_claimed") == {"ships": True}


def test_what_was_paid_twice_is_looked_for_without_a_word_of_it() -> None:
    chat = Chat(UNPAID, now=PLACED)

    assert "payment_claimed" not in chat.say("I think I paid twice")
    assert [case.kind for case in chat.opened] == ["payment_claim"]


@pytest.mark.parametrize(
    ("said", "proof"), [("I have paid", "2706 8000"), ("I've paid for order 2706", "8000")]
)
def test_a_claim_is_taken_up_once_the_order_is_proved(said: str, proof: str) -> None:
    chat = Chat(now=PLACED, named=(TWO[0],))

    assert chat.say(said, "i_paid") == ["which_order"]
    assert chat.say("2706 9999") == ["not_matched"]
    assert chat.say(proof) == ["payment_claimed"]
    assert [(case.order, case.details["text"]) for case in chat.opened] == [("2706", said)]


@pytest.mark.parametrize(
    ("sum", "amount"), [(None, "128.00 CNY"), (64, "64 CNY"), (128, "128.00 CNY"), (500, "128.00 CNY")]
)
def test_a_claim_is_of_the_sum_that_is_named_at_most_of_what_is_owed(sum: int | None, amount: str) -> None:
    slots = Slots(amount=Decimal(sum)) if sum else Slots()
    (case, _) = i_paid(Meaning("i_paid", 0.9, slots=slots), wrote("paid"), chat_context(UNPAID))

    assert isinstance(case, OpenCase)
    assert case.details["amount"] == amount


def test_a_sum_beside_anothers_number_is_no_claim_of_ones_own_order() -> None:
    chat = Chat(TWO[0], now=PLACED)

    assert chat.say("I've paid £128 for 1001", "i_paid") == ["which_order"]
    assert chat.say("I've paid 128", "i_paid") == ["payment_claimed"]


def test_nobody_is_told_of_a_search_for_money_that_has_come() -> None:
    chat = Chat(UNPAID, now=PLACED)
    chat.say("I have paid", "i_paid")
    (said,) = (each for each in chat.last if isinstance(each, Say))
    due = world.due(said, PLACED)

    def facts(order: Order) -> Facts:
        return Facts(shop=world.SHOP, buyer=ANN, order=order)

    check = POLICIES["payment_claimed"].why_outdated
    assert check(due, facts(UNPAID), PLACED) is None
    assert check(due, facts(PAID), PLACED) is not None


def test_what_stands_beside_a_claim_is_about_the_order_that_is_claimed() -> None:
    newer = order_of(world.placed(PLACED + world.hours(2), order="2708"), world.paid(order="2708"))
    chat = Chat(newer, TWO[0], now=PLACED)

    assert set(chat.say("I've paid. I want to cancel it", "cancel_order")) == {
        "payment_claimed",
        "cancel_asked",
    }
    assert {each.order for each in chat.opened} == {"2706"}


@pytest.mark.parametrize(
    ("text", "claimed", "cancelled"),
    [
        ("I've paid 2706, please cancel 2705", "2706", "2705"),
        ("I've paid 2705, please cancel 2706", "2705", "2706"),
        ("2705已付款，2706请取消", "2705", "2706"),
    ],
)
def test_a_claim_and_a_wish_are_each_about_the_order_that_they_name(
    text: str, claimed: str, cancelled: str
) -> None:
    chat = Chat(*TWO, now=PLACED)
    chat.say(text, "cancel_order")

    assert {each.kind: each.order for each in chat.opened} == {
        "payment_claim": claimed,
        "order_change": cancelled,
    }


@pytest.mark.parametrize(("locale", "asked"), [("zh-TW", {"digits": "12345"}), ("en", {})])
def test_five_digits_alone_are_of_the_account_that_paid_where_they_are_asked_for(
    locale: str, asked: dict[str, str]
) -> None:
    buyer = msgspec.structs.replace(ANN, locale=locale)
    context = msgspec.structs.replace(chat_context(UNPAID), buyer=buyer)

    assert digits_alone(wrote("１２３４５"), context) == asked
    assert digits_alone(wrote("12345"), msgspec.structs.replace(context, orders=(PAID,))) == {}


def test_for_an_order_that_costs_nothing_nobody_looks_for_money() -> None:
    free = order_of(world.placed(total=Money(0, "CNY")))

    assert keys_of(i_paid(PAYMENT, wrote("I paid"), chat_context(free))) == ["payment_status:telegram:m1"]


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("I've paid 2706, not 2705", {"2706"}),
        ("2706已匯款，2705還沒", {"2706"}),
        ("2705付了，2706还没付", {"2705"}),
    ],
)
def test_an_order_that_is_said_not_to_be_paid_is_not_claimed(text: str, claimed: set[str]) -> None:
    chat = Chat(*TWO, now=PLACED)
    chat.say(text, "i_paid")

    assert {case.order for case in chat.opened} == claimed


def test_of_those_asked_about_only_what_is_not_denied_keeps_its_claim() -> None:
    chat = Chat(*TWO, now=PLACED)
    chat.say("I have paid", "i_paid")
    chat.say("2706, not 2705")

    assert [each.key for each in chat.last if isinstance(each, CloseCase)] == [chat.opened[1].key]


@pytest.mark.parametrize("text", ["neither, I made a mistake", "都没付"])
def test_who_paid_none_of_them_claims_none(text: str) -> None:
    chat = Chat(*TWO, now=PLACED)
    chat.say("I have paid", "i_paid")
    chat.say(text)

    assert {each.key for each in chat.last if isinstance(each, CloseCase)} == {
        each.key for each in chat.opened
    }


def test_a_claim_is_taken_back_as_it_was_made() -> None:
    chat = Chat(UNPAID, now=PLACED)
    chat.say("I have paid", "i_paid")
    chat.say("sorry, I haven't paid yet", "how_to_pay")

    assert [each.key for each in chat.last if isinstance(each, CloseCase)] == [chat.opened[0].key]


def test_the_sum_that_was_named_is_kept_until_the_order_is_known() -> None:
    slots = Slots(amount=Decimal(64))
    context = chat_context(*TWO)
    asked = i_paid(Meaning("i_paid", 0.9, slots=slots), wrote("I've paid £64"), context)

    assert [each.details["amount"] for each in asked if isinstance(each, OpenCase)] == ["64 CNY"] * 2


def test_a_second_part_of_the_same_sum_is_a_claim_of_its_own() -> None:
    half = order_of(world.placed(), world.paid(minor=6400))
    meaning = Meaning("i_paid", 0.9, slots=Slots(amount=Decimal(64)))

    assert [type(each) for each in i_paid(meaning, wrote("the other 64"), chat_context(half))] == [
        OpenCase,
        Say,
    ]


@pytest.mark.parametrize("intent", ["payment_status", "where_is_order", "when_ship", "i_paid"])
@pytest.mark.parametrize(
    "text",
    ["why do you keep asking, I already paid!!", "I have paid, where is it?", "已经付了还催", "匯了還催"],
)
def test_whatever_else_it_is_taken_for_a_claim_of_several_is_one_of_any(intent: str, text: str) -> None:
    chat = Chat(*TWO, now=PLACED)

    assert chat.say(text, intent) == ["payment_claimed"]
    assert {case.order for case in chat.opened} == {"2706", "2705"}
    assert chat.asked == "claimed_order"
    assert chat.say("2705", "unknown") == ["payment_claimed"]

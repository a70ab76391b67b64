"""Whose order is it: proved by its number and the last four digits of its phone, in few tries."""

import re
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.actions import Action, CallHuman, CountTry, OpenOrder, Say
from bot.domain.context import Buyer, Context, Conversation
from bot.domain.events import BuyerRef
from bot.domain.meanings import Meaning, Understanding
from bot.domain.order_numbers import alike, plain
from bot.domain.orders import Order
from bot.domain.proofs import mark_of, marks_of
from bot.domain.wishes import PHONE
from handlers.order_proof import (
    LINES,
    NUMBERS,
    ORDER_TRIES,
    last_four_of,
    last_fours_in,
    marked_numbers_in,
    numbers_in,
    numbers_to_look_up,
    prove,
)
from handlers.reading import read
from tests.handlers import world
from tests.handlers.world import (
    ANN,
    PLACED,
    answers,
    chat_context,
    days,
    decide,
    hours,
    human_case,
    order_of,
    wrote,
)

ORDER = order_of(world.placed())


def numbered(number: str, phone: str | None = ANN.phone, id: str = "gid-7", channel: str = "shop") -> Order:
    """An order whose platform shows another number than its id."""
    event = replace(world.placed(order=id), number=number, buyer=BuyerRef(phone=phone), channel=channel)
    return order_of(event)


def stranger(found: bool = True, tries: int = 0, since: Any = PLACED, **known: Any) -> Context:
    """A new buyer writes; the order that they name is Ann's, if it was found."""
    chat = Conversation(channel="telegram", address="42", buyer="x", tries=tries, tries_since=since)
    named = {"named_orders": (ORDER,)} if found else {}
    return chat_context(**{"buyer": Buyer(id="x"), "conversation": chat, **named, **known})


def test_a_stranger_without_a_number_is_asked_for_both_in_one_message() -> None:
    assert answers(wrote("where is my order"), stranger(found=False)) == ["which_order"]
    assert answers(wrote("where is my order 1001"), stranger()) == ["which_order"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1001 8000",
            "where is my order 1001, phone 8000",
            "订单1001，手机尾号8000",
            "１００１　８０００",
            "#1001 8000",
        ),
        *("order 1001, +8613800008000", "1001 后四位 8000 到哪了", "訂單1001 電話後四碼8000"),
        *("where is 1001? phone 8000, bought in 2026, my parcel",),
    ],
)
def test_the_right_number_and_digits_open_that_one_order(text: str) -> None:
    opened, answer = decide(wrote(text), stranger())

    assert opened == OpenOrder(order="1001", how="digits")
    assert isinstance(answer, Say)
    assert (answer.template, answer.order) == ("where_is_order", "1001")


def test_the_question_asked_along_with_the_proof_is_the_one_answered() -> None:
    assert answers(wrote("Has my payment come? Order 1001, phone 8000"), stranger()) == ["payment_status"]


def test_wrong_digits_and_a_wrong_number_get_the_same_words_and_count_as_tries() -> None:
    counted, said = decide(wrote("1001 8001"), stranger())
    counted_too, said_too = decide(wrote("1001 8001"), stranger(found=False))

    assert said == said_too
    assert answers(wrote("1001 8001"), stranger()) == ["not_matched"]
    assert counted == CountTry(orders=("1001",))
    assert counted_too == CountTry(orders=())


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1001-DE", "1001-DE 8000"),
        ("1001-DE", "where is order 1001-de, phone 8000"),
        ("INV-2026/0042", "INV-2026/0042 8000"),
        ("№ 77-01", "№ 77-01 8000"),
        ("№ 77-01", "77-01 8000"),
        ("No. 77-01", "order no. 77-01, phone 8000"),
        ("INV-2026/0042", "订单号 inv-2026/0042，手机尾号 8000"),
        ("#EU-A1001/2", "#EU-A1001/2 8000"),
        ("#EU-A1001/2", "EU-A1001/2 尾号8000"),
        ("WC_1001", "WC_1001 8000"),
        ("INV-2026/0042", "inv-2026/0042 8000"),
        ("Inv-2026/0042", "ＩＮＶ－２０２６／００４２ ８０００"),
        ("INV-2026/0042", "INV - 2026 / 0042 8000"),
        ("INV-2026/0042", "# INV–2026/0042, phone 8000"),
        *(
            ("1001.1", text)
            for text in ("1001.1 8000", "order 1001.1, phone 8000", "订单1001．1手机尾号8000")
        ),
        *(("F#1001", text) for text in ("f#1001 8000", "F # 1001 8000", "#F1001 8000", "F＃1001手机8000")),
        *(("2026-1", text) for text in ("订单2026-1 8000", "订单号2026 - 1，手机尾号8000", "2026-1号 8000")),
        *(("订单2026-1", text) for text in ("订单2026-1 8000", "2026-1 8000", "我的订单2026-1手机8000")),
        *(
            ("1001", text)
            for text in ("1001 - 8000", "# 1001 8000", "no#1001 8000", "1001 - is it here? 8000")
        ),
    ],
)
def test_a_number_as_shops_write_them_can_be_proved(number: str, text: str) -> None:
    order = numbered(number)
    opened, answer = decide(wrote(text), stranger(named_orders=(order,)))

    assert opened == OpenOrder(order="gid-7", how="digits")
    assert isinstance(answer, Say)
    assert (answer.template, answer.order) == ("where_is_order", "gid-7")


def test_the_digits_are_those_of_the_phone_kept_on_that_order() -> None:
    """Not of the asker's own file, nor of another order of the same buyer."""
    order = numbered("1001", phone="+8613900009999")
    asker = Buyer(id="x", phone=ANN.phone)

    wrong = decide(wrote("1001 8000"), stranger(named_orders=(order,), buyer=asker))
    right = decide(wrote("1001 9999"), stranger(named_orders=(order,), buyer=asker))

    assert wrong[0] == CountTry(orders=("gid-7",))
    assert right[0] == OpenOrder(order="gid-7", how="digits")


def test_the_phone_of_the_address_proves_an_order_that_keeps_no_other() -> None:
    ref = BuyerRef(delivery_phone="+447911123456")
    only = order_of(replace(world.placed(), buyer=ref))
    beside = order_of(replace(world.placed(), buyer=replace(ref, phone="+447700900321")))

    def opens(order: Order, digits: str) -> bool:
        proved = decide(wrote(f"1001 {digits}"), stranger(named_orders=(order,)))
        return any(isinstance(each, OpenOrder) for each in proved)

    assert opens(only, "3456")
    assert opens(beside, "0321")
    assert not opens(beside, "3456")
    assert mark_of(only, PHONE) in marks_of(only)


def test_of_two_orders_with_one_number_only_the_one_of_the_digits_is_opened() -> None:
    mine = numbered("1001", id="a", channel="shop")
    other = numbered("1001", id="b", channel="second shop", phone="+8613900009999")

    opened = decide(wrote("1001 8000"), stranger(named_orders=(other, mine)))
    wrong = decide(wrote("1001 1234"), stranger(named_orders=(other, mine)))

    assert [each for each in opened if isinstance(each, OpenOrder)] == [OpenOrder(order="a", how="digits")]
    assert wrong[0] == CountTry(orders=("b", "a"))


def test_several_digits_in_one_message_are_a_guess_and_no_proof() -> None:
    assert answers(wrote("1001 8000 8001 8002"), stranger()) == ["not_matched"]


@pytest.mark.parametrize(
    "text",
    [
        *("where is order 1001\n1001 8000", "1001 8000\n1001 8000", "where is order 1001, it is 1001 8000"),
        *("hi, my order is 1001\nmy number is 1001, phone 8000", "1001\n1001\n8000", "order 1001 1001 8000"),
    ],
)
def test_a_number_that_is_said_twice_is_one_number(text: str) -> None:
    proved = decide(wrote(text), stranger())
    assert OpenOrder(order="1001", how="digits") in proved
    assert not [each for each in proved if isinstance(each, CountTry)]


def test_a_number_may_be_the_last_digits_of_its_phone() -> None:
    order = numbered("1001", phone="+8613900001001")
    for text in ("1001 1001", "order 1001, phone 1001", "1001\n1001 1001"):
        assert decide(wrote(text), stranger(named_orders=(order,)))[0] == OpenOrder(
            order="gid-7", how="digits"
        )


def test_each_pair_of_what_is_read_together_is_a_try_of_its_own() -> None:
    burst = "\n".join(f"where is order 1001, phone {2000 + guess}" for guess in range(4))
    twice = "1001 8001\n1001 8001"

    assert decide(wrote(burst), stranger())[:4] == [
        CountTry(orders=("1001",), place=place) for place in range(4)
    ]
    assert answers(wrote(burst), stranger()) == ["not_matched"]
    assert decide(wrote(twice), stranger())[0] == CountTry(orders=("1001",))
    assert not isinstance(decide(wrote(twice), stranger())[1], CountTry)


def test_a_pair_behind_too_many_wrong_ones_opens_nothing() -> None:
    """Also in one burst, which is read as one: the right digits are not even looked at."""
    burst = [f"1001 {2000 + guess}" for guess in range(5)]

    done = decide(wrote("\n".join([*burst, "1001 8000"])), stranger())
    in_time = decide(wrote("\n".join([*burst[:4], "1001 8000"])), stranger())

    assert [type(each) for each in done] == [*[CountTry] * 5, Say, CallHuman]
    assert [each for each in done if isinstance(each, OpenOrder)] == []
    assert [type(each) for each in in_time] == [*[CountTry] * 4, OpenOrder, Say]


def test_a_burst_that_is_the_tenth_try_tells_the_orders_own_contact() -> None:
    burst = "\n".join(f"1001 {2000 + guess}" for guess in range(3))
    assert answers(wrote(burst), stranger(wrong_tries={"1001": ORDER_TRIES - 2}))[0] == "order_guessed"
    assert "order_guessed" not in answers(wrote(burst), stranger(wrong_tries={"1001": ORDER_TRIES - 4}))


def test_each_part_is_judged_for_itself() -> None:
    other = numbered("1002", id="b", phone="+8613900009999")
    both = decide(wrote("1001 8000\nwhere is order 1002, phone 9999"), stranger(named_orders=(ORDER, other)))
    corrected = decide(wrote("1001 8001\nmy order is 1001 8000"), stranger())

    opened = [each.order for each in both if isinstance(each, OpenOrder)]
    assert opened == ["1001", "b"]
    assert [each.order for each in both if isinstance(each, Say)] == opened
    assert corrected[:2] == [CountTry(orders=("1001",)), OpenOrder(order="1001", how="digits")]


def test_each_line_may_name_its_own_numbers_and_many_lines_do_not() -> None:
    lines = [f"order {number}, phone 8000" for number in range(1001, 1001 + LINES)]
    assert {str(number) for number in range(1001, 1001 + LINES)} <= set(numbers_to_look_up("\n".join(lines)))
    assert len(numbers_to_look_up("\n".join([*lines, "hello"]))) <= 2 * NUMBERS


def test_an_order_without_a_phone_cannot_be_proved() -> None:
    without = stranger(named_orders=(numbered("1001", phone=None),))
    assert answers(wrote("1001 8000"), without) == ["not_matched"]

    older = stranger(named_orders=(replace(ORDER, contacts=None),))  # stored before orders had contacts
    assert answers(wrote("1001 8000"), older) == ["not_matched"]


def test_after_too_many_tries_a_person_is_called_and_nothing_revealed() -> None:
    answer, call = decide(wrote("1001 8000"), stranger(tries=5))

    assert isinstance(answer, Say)
    assert answer.template == "human_coming"
    assert call == CallHuman(reason="proof_failed", details={"tries": 5})
    assert decide(wrote("1001 8000"), stranger(tries=5, cases=(human_case(),))) == []


def test_tries_are_forgotten_after_a_day() -> None:
    context = stranger(tries=5, since=PLACED - days(2))

    assert decide(wrote("1001 8000"), context)[0] == OpenOrder(order="1001", how="digits")


def test_a_proof_gives_no_tries_back() -> None:
    """Only the opening is decided: who owns one order may not guess at others for ever."""
    actions = decide(wrote("1001 8000"), stranger(tries=4))

    assert [type(action) for action in actions] == [OpenOrder, Say]


@pytest.mark.parametrize("text", ["1001 8000", "1001 8001"])
def test_after_ten_wrong_tries_over_all_chats_only_a_person_opens_an_order(text: str) -> None:
    answer, call = decide(wrote(text), stranger(wrong_tries={"1001": ORDER_TRIES}))

    assert isinstance(answer, Say)
    assert answer.template == "human_coming"
    assert isinstance(call, CallHuman)
    assert call.reason == "proof_failed"
    assert decide(wrote("1001 8000"), stranger(wrong_tries={"1001": ORDER_TRIES - 1}))[0] == OpenOrder(
        order="1001", how="digits"
    )


def test_the_tenth_wrong_try_tells_the_orders_own_contact_once_a_day() -> None:
    early = decide(wrote("1001 8001"), stranger(wrong_tries={"1001": ORDER_TRIES - 2}))
    _, warning, answer = decide(wrote("1001 8001"), stranger(wrong_tries={"1001": ORDER_TRIES - 1}))

    assert [type(action) for action in early] == [CountTry, Say]
    assert isinstance(warning, Say)
    assert (warning.template, warning.order, warning.to) == ("order_guessed", "1001", None)
    assert warning.key == f"order_guessed:1001:{(PLACED + hours(1)).date().isoformat()}"
    assert isinstance(answer, Say)
    assert (answer.template, answer.to) == ("not_matched", "telegram:42")


def test_of_two_orders_of_one_number_only_the_one_that_was_tried_ten_times_is_told_of() -> None:
    twin = replace(ORDER, id="w7", number="1001")
    both = stranger(named_orders=(ORDER, twin), wrong_tries={"1001": 4, twin.id: ORDER_TRIES - 1})

    told = [each for each in decide(wrote("1001 8001"), both) if isinstance(each, Say)]

    assert [each.order for each in told if each.template == "order_guessed"] == [twin.id]


def test_nobody_guesses_at_an_order_that_they_may_see() -> None:
    known = {"named_orders": (ORDER,), "wrong_tries": {"1001": ORDER_TRIES - 1}}

    tried = prove(wrote("1001 8001"), chat_context(ORDER, **known), lambda order: [])

    assert [each.orders for each in tried if isinstance(each, CountTry)] == [()]
    assert not any(isinstance(each, Say) and each.template == "order_guessed" for each in tried)


def test_a_form_that_is_the_tenth_wrong_try_tells_the_orders_own_contact_too() -> None:
    form = "Name: Ann\nPhone: 13911112222\nBank: ICBC\nTime of transfer: 3 pm\nOrder: 1001"
    said = answers(wrote(form), stranger(wrong_tries={"1001": ORDER_TRIES - 1}))

    assert said == ["order_guessed", "form_received"]


@given(st.text(alphabet="0123456789 -#,order号", max_size=60))
def test_no_message_opens_an_order_without_the_right_digits(text: str) -> None:
    actions: list[Action] = decide(wrote(text), stranger())

    if any(isinstance(action, OpenOrder) for action in actions):
        assert "8000" in text


TOLD = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "#", "INV-", "inv-", "F#", "EU-A", "订单", "WC_"]),
    st.integers(100, 999999),
    st.sampled_from(["", "-1", ".1", "/1", "/0042", "-2026/7", "-DE"]),
).filter(lambda told: not re.fullmatch(r"\d{3}\.1", told))  # a size or a price, unless it is marked
FOURS = st.sampled_from(["8000", "8001", "0042", "2026"])
WIDE = {sign: chr(ord(sign) + 0xFEE0) for sign in "0123456789ABCDEFINVUW#-/."}


@st.composite
def typed(draw: st.DrawFn, told: str) -> str:
    """A told number as a buyer may type it."""
    text = draw(st.sampled_from([str.lower, str.upper, str.title, str]))(told)
    gap = draw(st.sampled_from(["", " "]))
    text = re.sub("[-/]", lambda sign: f"{gap}{sign[0]}{gap}", text)
    text = draw(st.sampled_from(["", "#", "# ", "订单", "order "])) + text.lstrip("#").removeprefix("订单")
    return "".join(WIDE.get(sign, sign) for sign in text) if draw(st.booleans()) else text


@given(st.data(), st.lists(st.tuples(TOLD, FOURS), min_size=1, max_size=4))
def test_a_number_opens_its_order_with_that_orders_digits_and_no_other(
    data: st.DataObject, told: list[tuple[str, str]]
) -> None:
    orders = [numbered(number, f"+86138{i}000{fours}", f"id-{i}") for i, (number, fours) in enumerate(told)]
    wanted, fours = data.draw(st.sampled_from(orders)), data.draw(FOURS)
    text = (
        data.draw(typed(wanted.shown_number))
        + data.draw(st.sampled_from([" ", ", phone ", "，手机尾号"]))
        + fours
    )

    actions = decide(wrote(text), stranger(named_orders=tuple(orders)))

    opened = {action.order for action in actions if isinstance(action, OpenOrder)}
    runs = plain(text)
    for each in orders:
        if each.id in opened:
            assert last_four_of(each) == fours
            assert plain(each.shown_number) in runs
    twins = {each.shown_number.lstrip("#") for each in alike(wanted.shown_number, orders)}
    is_sum = re.match(r"\d{1,3}\.\d\D", text)  # without a mark it is a size or a sum of money
    if len(twins) == 1 and not is_sum:
        assert (wanted.id in opened) == (last_four_of(wanted) == fours)


def test_of_two_numbers_that_are_alike_only_the_one_spelled_is_opened() -> None:
    mine, other = numbered("1001-1", id="a"), numbered("1001/1", id="b")
    both = stranger(named_orders=(other, mine))

    assert decide(wrote("1001-1 8000"), both)[0] == OpenOrder(order="a", how="digits")
    assert decide(wrote("1001.1 8000"), both)[0] == CountTry(orders=())


@given(st.text(max_size=200))
def test_one_message_looks_up_few_numbers(text: str) -> None:
    assert len(numbers_in(text)) <= 2 * NUMBERS


def test_a_price_an_amount_or_a_day_is_no_orders_number() -> None:
    assert numbers_in("I paid 128.00 for 2 mugs, 60元, not 1280.50 or 12.5 on 2026.11.28") == ()


def test_long_and_lettered_numbers_are_found() -> None:
    assert numbers_in("E20261120082100001在哪")[0] == "E20261120082100001"
    assert numbers_in("my order WC-1001 please")[0] == "WC-1001"
    assert numbers_in("order #7?")[0] == "7"


def test_a_number_alone_is_asked_for_its_digits_however_it_is_spaced() -> None:
    assert answers(wrote("INV - 2026 / 0042"), stranger(found=False)) == ["which_order"]
    assert answers(wrote("f # 1001"), stranger(found=False)) == ["which_order"]


def test_the_digits_are_what_stands_beside_the_number() -> None:
    assert last_fours_in("1001 1001", "1001") == ("1001",)
    assert last_fours_in("1001", "1001") == ()


def test_the_clock_of_tries_is_the_days() -> None:
    assert answers(wrote("1001 8001"), stranger(tries=5, since=PLACED - hours(22))) == ["human_coming"]


@pytest.mark.parametrize(
    "text", ["my 2nd order", "at 3pm", "do you have 500ml mugs", "order 2pcs", "order 10kg"]
)
def test_counts_times_and_sizes_are_no_numbers_of_orders(text: str) -> None:
    assert numbers_in(text) == marked_numbers_in(text) == ()


FORMS = st.one_of(
    st.integers(100, 99999999).map(str),
    st.integers(100, 999999).map("#{}".format),
    st.builds("{}-{}".format, st.integers(100, 99999), st.sampled_from(["DE", "1", "GB"])),
    st.builds("INV-{}/{:04}".format, st.integers(2020, 2029), st.integers(0, 9999)),
    st.builds("#EU-A{}/{}".format, st.integers(100, 99999), st.integers(1, 9)),
    st.builds("№ {}-{:02}".format, st.integers(10, 99), st.integers(0, 99)),
    st.builds("2026.{:02}.{:02}-{}".format, st.integers(1, 12), st.integers(1, 28), st.integers(1, 99)),
    st.builds("#{} {}".format, st.sampled_from(["A", "B", "SO"]), st.integers(1, 9999)),
    st.builds("F#{}".format, st.integers(100, 99999)),
)
PHONES = st.tuples(
    st.sampled_from(["+44", "+86", "+886", "+1", "+852"]), st.integers(10**8, 10**9 - 1).map(str)
)
PHONE_WAYS = (
    "{last}", "({last})", "0{all}", "{code}{all}", "{code} {all}", "0{all[0]}{all[1]}{all[2]} {rest}",
    "{code} {start} {rest}", "{code} (0){start} {middle}{last}", "(0{start}) {middle}-{last}",
    "0{start}-{middle}-{last}", "0{start} {middle} {last}", "0{start}.{middle}.{last}",
)  # fmt: skip
NUMBER_LABELS = (
    "", "", "order ", "order no. ", "No. ", "nr. ", "my order is ", "Order number: ", "ord. ", "ref: ",
    "订单", "订单号：", "订单编号 ", "訂單編號 ", "單號",
)  # fmt: skip
PHONE_LABELS = (
    "", "", "tel. ", "tel: ", "ph. ", "phone ", "phone no. ", "mobile ", "cell: ",
    "my phone ends in ", "last four digits ",
    "手機", "手机尾号", "手机号后4位：", "电话 ", "預留電話", "電話後四碼", "末四碼是",
)  # fmt: skip
BETWEEN = (
    " ",
    "  ",
    ", ",
    ",",
    "，",
    "、",
    "; ",
    "；",
    " - ",
    "\n",
    " | ",
    " / ",
    "。",
    ". ",
    " and ",
    "，和",
)


@st.composite
def written_pairs(draw: st.DrawFn) -> tuple[str, str, str]:
    """A number as it was told, its phone, and both as a buyer writes them."""
    number, (code, digits) = draw(FORMS), draw(PHONES)
    known = {"start": digits[:2], "middle": digits[2:5], "rest": digits[3:], "last": digits[-4:]}
    way = draw(st.sampled_from(PHONE_WAYS)).format(all=digits, code=code, **known)
    named = draw(st.sampled_from(NUMBER_LABELS)) + number
    called = draw(st.sampled_from(PHONE_LABELS)) + way
    between = draw(st.sampled_from(BETWEEN))
    pair = [named, called] if draw(st.booleans()) else [called, named]
    assume(not set(re.findall(r"\d+", number)) & set(re.findall(r"\d+", way)))
    # "+44 10 000000 100" is one phone to any reader.
    assume(pair[0] == named or between.strip(" -") or " " not in way or not named.isdigit())
    return number, code + digits, between.join(pair)


@example(("#100", "+44100000000", "0000 and #100"))
@given(written_pairs())
def test_a_pair_is_a_proof_however_it_is_written_and_nothing_else(written: tuple[str, str, str]) -> None:
    number, phone, text = written
    right, wrong = (
        numbered(number, phone),
        numbered(number, f"{phone[:-4]}{(int(phone[-4:]) + 1) % 10**4:04}"),
    )

    assert decide(wrote(text), stranger(named_orders=(right,)))[0] == OpenOrder(order="gid-7", how="digits")
    assert [type(each) for each in decide(wrote(text), stranger(named_orders=(wrong,)))] == [CountTry, Say]
    assert read(wrote(text), "en", understand=_always_cancels).meanings[0].intent != "cancel_order"


def _always_cancels(*_: Any) -> Understanding:
    """Stands for what was learned, which finds a likeness in any words."""
    return Understanding("answer", (Meaning("cancel_order", 0.9),))


GUESSES = (
    "8001",
    "8002",
    "8003",
    "07700",
    "900 8004",
    "1001",
    "order",
    "phone ",
    "tel. ",
    ",",
    "+44",
    " - ",
    "\n",
    "|",
)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(GUESSES), max_size=10), st.sampled_from(["", " ", ", "]))
def test_as_many_digits_as_would_open_an_order_are_counted_as_tries(parts: list[str], gap: str) -> None:
    """However a stranger puts several digits into one message."""
    text = "1001 " + gap.join(parts)
    tried = [each for each in decide(wrote(text), stranger()) if isinstance(each, CountTry)]
    digits = re.sub(r"\D", "", text)
    opening = {
        four
        for four in {digits[at : at + 4] for at in range(len(digits) - 3)}
        if OpenOrder(order="gid-7", how="digits")
        in decide(wrote(text), stranger(named_orders=(numbered("1001", f"+4477009{four}"),)))
    }

    assert len(opening) <= len(tried)

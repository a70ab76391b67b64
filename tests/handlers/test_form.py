"""The pay form as buyers fill it in."""

from importlib.resources import files

import pytest

from bot.domain.actions import CountTry, NoteBuyer, OpenCase, OpenOrder, Say
from bot.domain.context import Buyer
from handlers.form import read_form
from tests.handlers import world
from tests.handlers.world import answers, chat_context, decide, human_case, order_of, wrote

ORDER = order_of(world.placed())
OTHER = order_of(world.placed(order="1002"))
PAID = order_of(world.placed(), world.paid())

CHINESE = """用户名：mugfan
姓名： 安娜
电话：138 0000 8000
商品（颜色、尺寸）：马克杯，蓝色
地址：上海市人民路1号
邮编：200000
付款银行：工商银行
转账时间：今天下午3点"""
TAIWAN = (
    "會員帳號：mugfan\n姓名：安娜\n電話：0912345678\n匯款銀行：台灣銀行\n匯款時間：下午三點\n郵遞區號：100"
)
ENGLISH = """Time of transfer: 3 pm
Bank: ICBC
Real name = Ann Lee
Postcode:
phone:13800008000
Items (colour, size): mug, blue"""


@pytest.mark.parametrize("text", [CHINESE, TAIWAN, ENGLISH, "姓名：安娜 银行：工行 转账时间：3点"])
def test_the_filled_in_form_becomes_a_claim_of_payment(text: str) -> None:
    case, answer = decide(wrote(text), chat_context(ORDER))

    assert isinstance(case, OpenCase)
    assert (case.kind, case.reason, case.order) == ("payment_claim", "form_filled", "1001")
    assert {"bank", "time", "order"} <= set(case.details)
    assert isinstance(answer, Say)
    assert (answer.template, answer.order) == ("form_received", "1001")


def test_fields_are_read_in_any_order_with_any_colon_and_gaps() -> None:
    assert read_form(ENGLISH) == {
        "time": "3 pm",
        "bank": "ICBC",
        "name": "Ann Lee",
        "phone": "13800008000",
        "items": "mug, blue",
    }
    assert read_form(CHINESE)["items"] == "马克杯,蓝色"
    assert read_form(TAIWAN)["postcode"] == "100"


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_every_label_of_our_own_form_is_understood(locale: str) -> None:
    template = files("templates").joinpath(locale, "order_confirmation.txt").read_text("utf-8")
    lines = [line for line in template.splitlines() if line.strip().endswith("：") and "%" not in line]
    form = lines[-4:]

    filled = read_form("\n".join(f"{line} x{number}" for number, line in enumerate(form)))

    assert sorted(filled.values()) == sorted(f"x{number}" for number in range(4))
    assert set(filled) == {"name", "bank", "time", "digits"}  # and nothing that the order holds already


@pytest.mark.parametrize(
    "text", ["帳號末五碼：12345", "末五碼 12345", "我的帳號後五碼是12345", "账号后五位：12345"]
)
def test_the_last_five_digits_alone_are_a_claim(text: str) -> None:
    case, answer = decide(wrote(text), chat_context(ORDER))

    assert isinstance(case, OpenCase)
    assert (case.kind, case.details["digits"]) == ("payment_claim", "12345")
    assert isinstance(answer, Say)
    assert answer.template == "form_received"


@pytest.mark.parametrize(
    "text", ["paid", "Paid, Hughes Ltd", "paid (Clara Hughes)", "Paid from the account of J. Smith"]
)
def test_paid_with_the_name_on_the_account_is_a_claim_with_these_words(text: str) -> None:
    case, answer = decide(wrote(text), chat_context(ORDER))

    assert isinstance(case, OpenCase)
    assert (case.kind, case.details["text"]) == ("payment_claim", text)
    assert isinstance(answer, Say)
    assert answer.template == "payment_claimed"


@pytest.mark.parametrize("text", ["paid for the wrong one", "paid the parcel is broken", "is it paid?"])
def test_other_words_with_paid_are_no_claim(text: str) -> None:
    assert not any(isinstance(action, OpenCase) for action in decide(wrote(text), chat_context(ORDER)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "姓名：\n电话：\n银行：\n转账时间：",
        "Name: Ann\nPhone: 1380000",
        "where is my order: 1001",
        "bank: which one?",
    ],
)
def test_an_empty_form_or_a_letter_is_no_claim(text: str) -> None:
    assert read_form(text) == {}


def test_the_order_is_the_one_named_in_the_form_else_the_only_unpaid_one() -> None:
    named = decide(wrote(ENGLISH + "\nOrder: 1002"), chat_context(ORDER, OTHER))[0]
    only = decide(wrote(ENGLISH), chat_context(PAID, OTHER))[0]

    assert isinstance(named, OpenCase)
    assert isinstance(only, OpenCase)
    assert (named.order, only.order) == ("1002", "1002")


def test_a_form_that_fits_several_orders_claims_each_until_it_is_known_which() -> None:
    *cases, answer = decide(wrote(ENGLISH), chat_context(ORDER, OTHER))

    assert {(each.order, each.details["bank"]) for each in cases if isinstance(each, OpenCase)} == {
        ("1001", "ICBC"),
        ("1002", "ICBC"),
    }
    assert isinstance(answer, Say)
    assert (answer.template, answer.values) == ("payment_claimed", {"choices": ["1001", "1002"]})


def test_a_form_for_a_paid_order_is_noted_and_the_payment_confirmed() -> None:
    note, answer = decide(wrote(ENGLISH + "\nOrder: 1001"), chat_context(PAID))

    assert isinstance(note, NoteBuyer)
    assert "bank: ICBC" in note.text
    assert isinstance(answer, Say)
    assert answer.template == "payment_status"


def test_a_form_of_one_who_has_paid_all_is_told_so_and_is_no_case() -> None:
    note, answer = decide(wrote("我已匯款 帳號末五碼 12345"), chat_context(PAID))

    assert isinstance(note, NoteBuyer)
    assert isinstance(answer, Say)
    assert (answer.template, answer.order) == ("payment_status", "1001")


def test_a_strangers_form_proves_itself_by_number_and_phone() -> None:
    context = chat_context(buyer=Buyer(id="x"), named_orders=(ORDER,))

    opened, case, _ = decide(wrote(ENGLISH + "\nOrder: 1001"), context)

    assert opened == OpenOrder(order="1001", how="digits")
    assert isinstance(case, OpenCase)


def test_a_strangers_form_with_a_wrong_phone_counts_as_a_try() -> None:
    """Also with the phone of their own file: what counts is the phone kept on the order."""
    stranger = Buyer(id="x", phone="+8613911112222")
    context = chat_context(buyer=stranger, named_orders=(ORDER,))
    form = ENGLISH.replace("13800008000", "13911112222") + "\nOrder: 1001"

    assert decide(wrote(form), context)[0] == CountTry(orders=("1001",))
    assert answers(wrote(form), context) == ["form_received"]


def test_a_form_that_comes_while_a_person_is_called_is_noted_and_acknowledged() -> None:
    note, answer = decide(wrote(ENGLISH), chat_context(cases=(human_case(),)))

    assert isinstance(note, NoteBuyer)
    assert isinstance(answer, Say)
    assert answer.template == "form_received"

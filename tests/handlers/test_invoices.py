"""What goes on an invoice is asked for once, and passed on as a case."""

import msgspec
import pytest

from bot.domain.events import BuyerRef
from handlers import invoices
from tests.handlers.asking import Chat
from tests.handlers.world import PLACED, days, order_of, paid, placed

PAID = order_of(placed(), paid())
MAILED = order_of(placed(buyer=BuyerRef(id="ann", email="ann@mail.example")), paid())
NOW = PLACED + days(1)


def test_the_fields_are_asked_for_and_passed_on() -> None:
    ann = Chat(PAID, now=NOW)

    assert ann.say("开发票", "invoice") == ["invoice_form"]
    assert ann.values("invoice_form") == {"mailbox": False}
    assert ann.opened == []
    assert ann.say("抬头：青花有限公司\n税号：91330106MA2ABCDE1X") == ["invoice_asked"]
    (case,) = ann.opened
    assert (case.kind, case.order) == ("invoice", "1001")
    assert (case.details["title"], case.details["tax"]) == ("青花有限公司", "91330106MA2ABCDE1X")
    assert ann.asked is None


def test_what_the_order_holds_and_what_was_said_is_not_asked_for() -> None:
    assert Chat(PAID, now=NOW).say("invoice to Blue Teahouse Ltd please", "invoice") == ["invoice_asked"]
    ann = Chat(MAILED, now=NOW)
    ann.say("can I have an invoice?", "invoice")
    assert ann.values("invoice_form") == {"mailbox": True}


def test_what_was_given_first_is_kept_and_what_is_missing_is_left_to_a_person() -> None:
    ann = Chat(PAID, now=NOW)

    ann.say("invoice with our VAT number GB123456789", "invoice")
    assert ann.say("books@tea.example") == ["invoice_asked"]
    assert ann.opened[0].details | {"text": ""} == {
        "order": "1001",
        "tax": "GB123456789",
        "mailbox": "books@tea.example",
        "text": "",
    }


def test_a_name_alone_is_the_title_unless_it_is_a_question_of_its_own() -> None:
    ann = Chat(PAID, now=NOW)

    ann.say("invoice please", "invoice")
    assert ann.say("where is my order?", "where_is_order") == ["where_is_order"]
    assert ann.asked == "invoice_fields"
    assert ann.say("Ann Lee") == ["invoice_asked"]
    assert ann.opened[0].details["title"] == "Ann Lee"


def test_an_invoice_that_is_open_is_not_asked_for_again_and_the_question_lapses() -> None:
    ann = Chat(PAID, now=NOW)

    ann.say("invoice please", "invoice")
    ann.now += invoices.LAPSES
    assert ann.say("Ann Lee") == ["not_understood"]
    ann.say("invoice for Blue Teahouse Ltd", "invoice")
    assert ann.say("and the invoice?", "invoice") == ["noted"]
    assert len(ann.opened) == 1


@pytest.mark.parametrize("text", ["", "??", "ok"])
def test_words_without_a_field_are_no_answer(text: str) -> None:
    ann = Chat(PAID, now=NOW)

    ann.say("invoice please", "invoice")
    ann.say(text, "acknowledged")
    assert ann.asked == "invoice_fields"


def test_an_order_that_the_chat_lost_leaves_the_question_alone() -> None:
    ann = Chat(PAID, now=NOW)
    ann.say("invoice please", "invoice")
    ann.orders = (msgspec.structs.replace(PAID, id="1002"),)

    assert ann.say("Ann Lee") == ["not_understood"]

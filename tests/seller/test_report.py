"""A case as a page: what was asked, every word since, what we said, how it ended; in three languages."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from bot.domain.actions import OpenCase
from bot.domain.shop import LOCALES
from bot.seller.report import report_of
from bot.seller.words import SellerWords
from storage import case_records
from storage.asking import ask
from storage.case_records import CaseWord
from tests.one_shop import HOUR, MINUTE, NOON, SHOP, SHOP_ID, amend, ann, order, queue, save


def opened(connection: Connection) -> None:
    save(connection, ann(name="Ann"), order("1001"))
    details = {"cause": "damaged", "order": "1001", "text": "<b>broken</b> *again*"}
    case = OpenCase(
        kind="complaint",
        key="c",
        reason="complained",
        details=details,
        order="1001",
        cause="damaged",
        due_at=NOON + timedelta(days=3),
    )
    case_records.open_case(connection, SHOP_ID, case, "ann", NOON, NOON, "telegram:42")
    word = CaseWord(
        number=1, channel="telegram", event="m2", at=NOON + HOUR, who="buyer", kind="text", text="hello?"
    )
    ask(connection, SHOP_ID, case_records.add_words([word]))
    queue(connection, "t:1")
    amend(connection, "t:1", state="sent", text="We have it.", settled_at=NOON + MINUTE)
    case_records.close_numbered(connection, SHOP_ID, 1, NOON + 2 * HOUR, "A new cup is on its way.")


def page(connection: Connection, locale: str, number: int = 1) -> str | None:
    return report_of(connection, SHOP_ID, SHOP, number, SellerWords(locale), NOON + 3 * HOUR)


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_about_a_case_is_on_its_page_in_the_order_it_happened(
    connection: Connection, locale: str
) -> None:
    opened(connection)
    text = page(connection, locale)

    assert text is not None
    told = ("1001", "broken", "We have it.", "hello?", "A new cup is on its way.", "Ann")
    assert [each for each in told if each not in text] == []
    assert text.index("We have it.") < text.index("hello?")
    assert "None" not in text


def test_what_a_buyer_writes_is_no_markup(connection: Connection) -> None:
    opened(connection)
    text = page(connection, "en")

    assert text is not None
    assert "<b>" not in text
    assert " *again*" not in text


def test_of_a_case_that_is_not_there_is_no_page(connection: Connection) -> None:
    assert page(connection, "en", 7) is None

"""A case as a page: what was asked, every word since, what we said, how it ended; in three languages."""

import re
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from sqlalchemy import Connection

from bot.domain.actions import OpenCase
from bot.domain.money import Money
from bot.domain.payments import Paid
from bot.domain.shop import LOCALES
from bot.seller.report import Report, Word, as_text, report_of
from bot.seller.report_page import as_page
from bot.seller.words import SellerWords
from storage import case_records
from storage.asking import ask
from storage.case_records import CaseWord
from tests.one_shop import HOUR, MINUTE, NOON, SHOP, SHOP_ID, amend, ann, order, queue, save

LONG = "and it was a present for my mother " * 10


def opened(connection: Connection) -> None:
    save(connection, ann(name="Ann"), order("1001"))
    details = {"cause": "damaged", "order": "1001", "text": f"<b>broken</b> *again* {LONG}"}
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


def report(connection: Connection, locale: str, number: int = 1) -> Report | None:
    return report_of(connection, SHOP_ID, SHOP, number, SellerWords(locale), NOON + 3 * HOUR)


@pytest.fixture(params=[as_text, as_page])
def write(request: pytest.FixtureRequest) -> Callable[[Report, SellerWords], str]:
    """Each form in which a report is written."""
    return request.param


def page(connection: Connection, locale: str, write: Callable[[Report, SellerWords], str] = as_text) -> str:
    found = report(connection, locale)
    assert found
    return write(found, SellerWords(locale))


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_about_a_case_is_on_its_page_in_the_order_it_happened(
    connection: Connection, locale: str, write: Callable[[Report, SellerWords], str]
) -> None:
    opened(connection)
    text = page(connection, locale, write)

    told = ("1001", "broken", "We have it.", "hello?", "A new cup is on its way.", "Ann")
    assert [each for each in told if each not in text] == []
    assert text.index("We have it.") < text.index("hello?")
    assert "None" not in text


def test_what_a_buyer_writes_is_no_markup(connection: Connection) -> None:
    opened(connection)
    text = page(connection, "en")

    assert "<b>" not in text
    assert " *again*" not in text


def test_of_a_case_that_is_not_there_is_no_page(connection: Connection) -> None:
    assert report(connection, "en", 7) is None


HOSTILE = (
    "</li></ol><script>alert(1)</script><img src=x onerror=alert(1)>",
    "<style>@import 'https://evil.example/'</style>&#60;b&#62;",
    "\u202eoverride\u202c \u2066isolate\u2069 \x00\x1b[2J\ud800 \u2028next",
    "أهلا <b>بكم</b>",
    "javascript:alert(1) https://evil.example/?a=1&b=2",
    "e" + "\u0301" * 200,
)


def hostile_page(text: str) -> str:
    word = Word(NOON, "buyer", text, picture=True)
    told = Report(title=text, facts=((text, text),), asked=text, orders=(text,), talk=(word,))
    return as_page(told, SellerWords("en"))


class Seen(HTMLParser):
    """Every tag with its attributes, and every character that is text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_written_adds_no_tag_to_the_page_and_turns_no_line(text: str) -> None:
    harmless, shown = Seen(hostile_page("hello")), Seen(hostile_page(text))

    assert {*shown.tags} <= {*harmless.tags, ("br", ())}
    hidden = [sign for sign in shown.text if unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n"]
    assert hidden == []
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067") & set(shown.text)
    assert shown.text.count("\u2068") == shown.text.count("\u2069")


def test_the_page_asks_nobody_for_anything(connection: Connection) -> None:
    opened(connection)
    text = page(connection, "zh-TW", as_page)

    assert re.findall(r"https?://|url\(|@import|<script|<link|<img|src=|href=", text) == []
    assert "default-src 'none'" in text
    assert text.startswith('<!doctype html>\n<html lang="zh-TW">')


def test_a_message_keeps_its_lines(connection: Connection) -> None:
    opened(connection)
    amend(connection, "t:1", text="We have it.\nIt takes a day.")

    assert "We have it.<br>\nIt takes a day." in page(connection, "en", as_page)


def test_what_was_paid_and_by_when_it_is_decided_is_told(connection: Connection) -> None:
    opened(connection)
    money = Paid(id="p1", at=NOON, amount=Money(12800, "CNY"))
    save(connection, order("1001", total=Money(12800, "CNY"), payments=(money,)))
    text = page(connection, "en", as_page)

    assert "CN¥128.00 paid" in text
    assert "To be decided by" in text


def test_what_the_buyer_wrote_is_not_cut_short(connection: Connection) -> None:
    opened(connection)

    assert LONG.strip() in page(connection, "en").replace("\\", "")

"""No text promises what is no longer ahead: every text in every situation, judged by its words alone."""

import re
from typing import Any

import pytest

from bot.domain.shop import LOCALES
from bot.texts.check import check_templates
from bot.texts.samples import samples
from bot.texts.situations import JOINT, situations
from handlers.routes import POLICIES
from tests.texts.test_templates import FULL, NAMES_OF_TEXTS, TEXTS, SellersOwn

NOT_GONE = ("not shipped", "taken back")
TAKEN_IN_PART = "taken in part of what was authorised"
EVERY = {label for label, _ in situations()}

# A promise, as buyers read it; and what must still be ahead where it stands.
SHIPPING = {
    "en": r"(?i)\b(?:send|ship)s? (?:it|orders)? ?(?:by|within)|we ship as soon|packing|getting .* ready",
    "zh-CN": r"[内日）](?:就为您)?发货(?!给)|就发货|就为您发货|正在备货",
    "zh-TW": r"[內日）](?:就為您)?出貨|就出貨|就為您出貨|正在備貨",
}
A_DAY = {"en": r"send it by", "zh-CN": r"最晚", "zh-TW": r"最晚"}
PAYING = {
    "en": r"keep the order for you until|Please pay before",
    "zh-CN": r"为您保留到|前付款，",
    "zh-TW": r"為您保留到|前完成付款",
}
ON_ITS_WAY = {"en": r"is on its way[.;]", "zh-CN": r"正在路上|已经发出。", "zh-TW": r"正在配送中|已經寄出。"}
MONEY_CAME = {
    "en": r"(?i)(?:we've|we have) received|is paid|fully paid|refund your payment",
    "zh-CN": r"(?<!资料)收到了|款已收到|已付|付清|付的款.*退给您",
    "zh-TW": r"已收到(?!您的訂單)|已付|付清|款項我們會退還",
}
LATE = {
    "en": r"should have left|hasn't left yet",
    "zh-CN": r"本该也?已经发出|还没有发出",
    "zh-TW": r"應該也?已經寄出|還沒有寄出",
}
REST = {"en": "the rest should", "zh-CN": "其余的本该", "zh-TW": "其餘應該"}


def said_in_situations(name: str, locale: str) -> list[tuple[list[str], str]]:
    version = TEXTS.resolve(name, locale)
    return [
        (label.split(JOINT), TEXTS.render(version, given).text)
        for label, given in samples(name, FULL, POLICIES)
        if label in EVERY
    ]


ABOUT_ORDERS = sorted(
    name for name in NAMES_OF_TEXTS if re.search(r"\b(order|payment)\.", TEXTS.resolve(name, "en").source)
)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ABOUT_ORDERS)
def test_a_text_promises_only_what_is_still_ahead(name: str, locale: str) -> None:
    tried = said_in_situations(name, locale)
    assert tried, "it can be said of no order"

    for (paying, sending, ending), text in tried:
        where = (paying, sending, ending, text)
        over = sending not in NOT_GONE or ending in ("cancelled", "refunded")
        if over:
            assert not re.search(SHIPPING[locale], text), where
            assert not re.search(PAYING[locale], text), where
            rest = sending == "shipped in part" and REST[locale] in text
            assert rest or not re.search(LATE[locale], text), where
        if paying == "paid long ago":
            assert not re.search(A_DAY[locale], text) or ending == "cancelled and restored", where
        if paying in ("unpaid", "paid in part", TAKEN_IN_PART):
            assert not re.search(A_DAY[locale], text), where
        if paying in ("paid just now", "paid long ago", "free", TAKEN_IN_PART):
            assert not re.search(PAYING[locale], text), where
        if paying == "authorised" and ending not in ("refunded in part", "refunded"):
            assert not re.search(MONEY_CAME[locale], text), where
            assert not re.search(PAYING[locale], text), where
        if sending in (*NOT_GONE, "delivered", "told to be delivered", "waiting to be fetched"):
            assert not re.search(ON_ITS_WAY[locale], text), where


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ["when_ship", "where_is_order", "order_confirmation", "payment_received"])
def test_past_the_promised_day_there_is_an_apology_and_a_person(name: str, locale: str) -> None:
    late = [
        text
        for parts, text in said_in_situations(name, locale)
        if parts == ["paid long ago", "not shipped", "not ended"]
    ]

    assert late
    assert all(re.search(LATE[locale], text) for text in late)
    assert all(re.search("colleague|同事", text) for text in late)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ["when_ship", "where_is_order"])
def test_a_rest_past_the_promised_day_gets_an_apology_and_a_person(name: str, locale: str) -> None:
    rests = {
        parts[0]: text
        for parts, text in said_in_situations(name, locale)
        if parts[1:] == ["shipped in part", "not ended"]
    }

    assert REST[locale] in rests["paid long ago"]
    assert re.search("colleague|同事", rests["paid long ago"])
    assert REST[locale] not in rests["paid just now"] + rests["paid in part"] + rests["unpaid"]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_day_is_named_while_it_is_ahead(locale: str) -> None:
    ahead: dict[str, Any] = {"paying": "paid just now", "sending": "not shipped", "ending": "not ended"}
    for name in ("when_ship", "where_is_order", "payment_received", "reassurance"):
        texts = [text for parts, text in said_in_situations(name, locale) if parts == list(ahead.values())]
        day = {"en": "Tuesday, November 24", "zh-CN": "11月24日（星期二）", "zh-TW": "11月24日（星期二）"}[
            locale
        ]
        assert texts
        assert all(day in text for text in texts), texts


@pytest.mark.parametrize("locale", LOCALES)
def test_who_has_just_paid_is_not_asked_whether_they_wanted_the_order_back(locale: str) -> None:
    just_paid = ("paid just now", "paid in part", TAKEN_IN_PART)
    asks = {"en": "Didn't ask", "zh-CN": "不是您的意思", "zh-TW": "不是您的意思"}[locale]
    for parts, text in said_in_situations("restored", locale):
        assert (asks in text) is (parts[0] not in just_paid), (parts, text)


def test_a_sellers_own_promise_without_a_condition_is_a_finding(tmp_path: Any) -> None:
    folder = tmp_path / "en"
    folder.mkdir()
    (folder / "payment_received.txt").write_text(
        "Subject: Paid\nThank you! We ship {{ order.number }} within {{ payment.ships_within | workdays }}."
    )
    found = check_templates(SellersOwn(tmp_path), FULL, POLICIES)

    assert [(each.file, each.line, each.own) for each in found] == [("en/payment_received.txt", 2, True)]
    assert "tried with" in found[0].what

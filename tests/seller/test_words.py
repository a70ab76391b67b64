"""The seller's sentences: every reason in every language, and nothing that breaks on an odd record."""

import re
from datetime import UTC, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from bot.domain.actions import CaseKind
from bot.domain.orders import STATES
from bot.domain.shop import LOCALES, Seller, Shop
from bot.seller.explanation_words import ExplanationWords
from bot.seller.words import SellerWords
from bot.texts.variables import PARTS
from bot.texts.word_files import load_words
from handlers.routes import POLICIES, REASONS
from storage.tables import outbox

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = "2026-11-21T02:03:00+00:00"
SAMPLES: dict[str, Any] = {
    "amount": "128.00 CNY",
    "total": "1280.00 CNY",
    "history": ["payment_reminder sent 2026-11-21T02:03:00+00:00", "second_contact queued"],
    "end": "2026-11-30",
    "day": "2026-11-30",
    "lateness": 43200,
    "limit": 1,
    "attempts": 3,
    "days": 5,
    "rating": 1,
    "step": "completed",
    "number": 7,
    "tries": 5,
    "template": "shipped",
    "text": "我要找\n人工" * 100,
    "why": "403 {{ x }}",
}


def sample(name: str) -> Any:
    if name.endswith("_at") or name == "until":
        return AT
    return SAMPLES.get(name, name)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_is_a_sentence_that_tells_all_its_values(code: str, locale: str) -> None:
    words = SellerWords(locale, SHANGHAI)
    values = {name: sample(name) for name in REASONS[code]}

    told = words.reason(code, values)

    assert not told.startswith(code)
    assert "None" not in told
    assert len(told) < 400
    for name, value in values.items():
        changed = words.reason(code, {**values, name: None})
        assert changed != told, (name, value)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_without_its_values_is_still_a_sentence(code: str, locale: str) -> None:
    told = SellerWords(locale).reason(code, {})

    assert told != code
    assert not re.search(r"None|[（(][)）]|  ", told)


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("zh-CN", "订单 1001 已付款（11月21日 10:03），所以没有发"),
        ("zh-TW", "訂單 1001 已付款（11月21日 上午10:03），所以沒有傳送"),
        ("en", "not sent: order 1001 is paid (November 21, 10:03 AM)"),
    ],
)
def test_moments_are_shown_in_the_sellers_zone(locale: str, told: str) -> None:
    words = SellerWords(locale, SHANGHAI)

    assert words.reason("order_paid", {"order": "1001", "paid_at": AT}) == told
    assert words.reason("order_paid", {"order": "1001", "paid_at": datetime.fromisoformat(AT)}) == told


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "code", ["stop_ask", "stop_done", "stop_button", "stop_offers_done", "stop_offers_button"]
)
def test_the_page_behind_an_unsubscribe_link_has_its_words(code: str, locale: str) -> None:
    told = SellerWords(locale).phrase(code, {"shop": "Tea"})

    assert not told.startswith(code)
    assert ("Tea" in told) == (not code.endswith("_button"))


def test_a_moment_without_a_zone_is_a_date() -> None:
    assert "11月30日" in SellerWords("zh-CN", ZoneInfo("America/New_York")).reason(
        "promotion_over", {"end": "2026-11-30"}
    )


def test_amounts_and_histories_are_shown_as_people_write_them() -> None:
    words = SellerWords("en", SHANGHAI)
    history = SAMPLES["history"]

    told = words.reason("unpaid_closed", {"order": "1001", "amount": "12.50 USD", "history": history})

    assert told == (
        "order 1001 was not paid in time ($12.50). So far: payment reminder sent November 21, 10:03 AM; "
        "second contact waiting"
    )
    assert "$12.50 + $1.00" in words.reason(
        "paid_after_cancel", {"order": "1", "amount": "12.50 USD + 1.00 USD"}
    )


def test_the_seller_is_not_told_of_reminders_that_ended_where_none_did() -> None:
    words = SellerWords("en")

    assert "have ended" in words.reason("asked_no_reminders", {"order": "1001", "text": "stop pressing me"})
    assert "have ended" not in words.reason("asked_no_reminders", {"order": "", "text": "stop pressing me"})


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("order_paid", {"order": "1001", "paid_at": "yesterday"}),
        ("no_such_reason", {"x": 1}),
        ("day_full", {"limit": {"a": 1}}),
    ],
)
def test_a_record_that_nobody_understands_is_shown_as_it_is(code: str, values: dict[str, Any]) -> None:
    told = SellerWords("en").reason(code, values)

    assert told.startswith(code)
    assert all(str(value) in told for value in values.values())


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_the_seller_meets_has_a_name(locale: str) -> None:
    words = SellerWords(locale)
    kinds = get_args(CaseKind)
    assert load_words(locale, "seller.yaml")["cases"].keys() == set(kinds)
    assert len({words.case(kind) for kind in kinds}) == len(kinds)
    tables = (
        (words.template, (*POLICIES, *PARTS)),
        (words.order_state, [name for name, _ in STATES]),
        (words.state, ("queued", "sending", "sent", "skipped", "withdrawn", "failed", "unknown", "parked")),
        (words.category, {policy.category for policy in POLICIES.values()} | {"visit", "greeting"}),
        (words.case, kinds),
    )

    for name_of, names in tables:
        assert all(name_of(name).strip() for name in names)
        assert locale == "en" or not any(re.search("[a-z]", name_of(name)) for name in names)
    assert words.state("never heard of") == "never heard of"


def test_every_state_of_the_outbox_has_a_name() -> None:
    checks = " ".join(str(check.sqltext) for check in outbox.constraints if hasattr(check, "sqltext"))
    states = set(re.findall(r"state = '([a-z]+)'", checks))

    assert "queued" in states
    assert all(SellerWords("zh-CN").state(state) != state for state in states)


@pytest.mark.parametrize(("locale", "used"), [("zh-HK", "zh-TW"), ("fr", "en"), ("zh", "zh-CN")])
def test_a_seller_reads_the_nearest_language(locale: str, used: str) -> None:
    assert SellerWords(locale).locale == used


@pytest.mark.parametrize(
    ("seller", "locale", "region", "told"),
    [
        (None, "en", "GB", "29 November, 12:16"),
        (None, "en", "US", "November 29, 12:16 PM"),
        (None, "en-GB", "US", "29 November, 12:16"),
        ("en", "zh-CN", "GB", "29 November, 12:16"),
        ("zh-CN", "en", "GB", "11月29日 12:16"),
    ],
)
def test_a_seller_reads_times_in_the_way_of_their_region(
    seller: str | None, locale: str, region: str, told: str
) -> None:
    shop = Shop(name="Mug House", locale=locale, region=region, timezone="UTC", seller=Seller(locale=seller))
    words, at = SellerWords.of(shop), datetime(2026, 11, 29, 12, 16, tzinfo=UTC)

    assert words.moment(at) == told
    assert told in words.reason("order_paid", {"order": "1001", "paid_at": at.isoformat()})
    assert told in ExplanationWords(words).say(
        "audit", "order_paid", {"template": "x", "at": at, "order": "1"}
    )


def test_a_moment_alone_can_be_shown() -> None:
    assert SellerWords("zh-CN", SHANGHAI).moment(datetime(2026, 11, 21, 2, 3, tzinfo=UTC)) == "11月21日 10:03"

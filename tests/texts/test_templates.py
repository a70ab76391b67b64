"""Every text for buyers, in every language, for every sample buyer."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from bot.domain.context import Buyer, Case
from bot.domain.meanings import INTENTS, POLITE, TO_A_PERSON
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order, Review
from bot.domain.payments import Refund
from bot.domain.shop import (
    LOCALES,
    Account,
    Coupon,
    Haggling,
    Payment,
    Promotion,
    Returns,
    Seller,
    Shop,
    Tier,
    Vip,
)
from bot.texts.catalogue import CHAT_MAX, STOP_WORDS, Catalogue, Rendered, Version, split_subject
from bot.texts.check import check_templates
from bot.texts.samples import NAMES, sample, samples
from bot.texts.variables import PARTS, VARIABLES, variables
from handlers.form import read_form
from handlers.meaning import recognise
from handlers.routes import POLICIES

TEXTS = Catalogue()
BARE = Shop(name="茶叶店")
FULL = Shop(
    name="Tea & Mugs",
    payment=Payment(
        accounts=(
            Account(bank="招商银行", number="0012 3456", name="王小二"),
            Account(bank="Alipay", number="tea@example.com"),
        ),
        link="https://pay.example/{order}",
    ),
    seller=Seller(name="小王", contact="+86 10 1234 5678"),
    returns=Returns(
        conditions="包装齐全", address={"en": "1 Any Street"}, steps="Put a note in.", repair=True
    ),
    haggling=Haggling(coupon=Coupon(code="HELLO", percent=5, until=date(2026, 12, 31))),
)
MAILED = ("seller_case", "complaint_settled")  # answers that also go by mail
BY_MAIL = (*MAILED, *(name for name, policy in POLICIES.items() if policy.category != "answer"))
NAMES_OF_TEXTS = sorted((*POLICIES, *PARTS))


def said(name: str, locale: str, shop: Shop = FULL, **changed: object) -> str:
    return TEXTS.render(TEXTS.resolve(name, locale), sample(name, shop, POLICIES) | changed).text


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_has_a_template_in_every_language_and_no_other_template_exists(locale: str) -> None:
    assert {version.name for version in TEXTS.versions if version.locale == locale} == set(NAMES_OF_TEXTS)


@pytest.mark.parametrize("shop", [BARE, FULL], ids=["a bare shop", "a full shop"])
def test_our_words_hold_before_the_worst_buyers(shop: Shop) -> None:
    assert check_templates(TEXTS, shop, POLICIES) == []


@pytest.mark.parametrize("name", NAMES_OF_TEXTS)
def test_every_message_can_be_previewed_in_a_new_shop(name: str) -> None:
    assert TEXTS.render(TEXTS.resolve(name, "en"), sample(name, BARE, POLICIES, "Anna")).fault is None


def test_a_preview_of_a_shipping_notice_shows_the_whole_order_with_its_number() -> None:
    assert "Parcel: SF Express SF123" in said("shipped", "en")
    assert "Part of" not in said("shipped", "en")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", NAMES_OF_TEXTS)
def test_no_message_is_long_or_leaks_a_fault(name: str, locale: str) -> None:
    tried = list(samples(name, FULL, POLICIES))
    assert tried

    for label, given in tried:
        text = TEXTS.render(TEXTS.resolve(name, locale), given).text
        assert len(text) <= CHAT_MAX, label
        assert not re.search(r"None|Undefined|Money\(|datetime|\u202e|evil\.example", text), (label, text)
        assert not re.search(r"[ \t]$|\n\n\n|[（(] *[)）]|\w  \w", text, re.MULTILINE), (label, text)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", BY_MAIL)
def test_what_may_go_by_mail_has_a_subject_of_one_short_line(name: str, locale: str) -> None:
    for _, given in samples(name, FULL, POLICIES):
        subject, body = split_subject(TEXTS.render(TEXTS.resolve(name, locale), given).text)

        assert subject
        assert len(subject) < 60
        assert body


@pytest.mark.parametrize("name", sorted(set(NAMES_OF_TEXTS) - set(BY_MAIL)))
def test_an_answer_in_chat_needs_no_subject(name: str) -> None:
    assert split_subject(said(name, "en"))[0] is None


@pytest.mark.parametrize("locale", LOCALES)
def test_the_confirmation_asks_for_the_form_only_while_unpaid_and_with_accounts(locale: str) -> None:
    form = {"zh-CN": "转账时间：", "zh-TW": "帳號末五碼：", "en": 'just reply "paid"'}[locale]
    unpaid = said("order_confirmation", locale)
    order = sample("order_confirmation", FULL, POLICIES)["order"] | {"state": "paid", "left": None}

    assert form in unpaid
    assert "0012 3456" in unpaid
    assert "https://pay.example/1001" in unpaid
    assert form not in said("order_confirmation", locale, order=order)
    assert "0012 3456" not in said("order_confirmation", locale, order=order)
    assert form not in said("order_confirmation", locale, BARE)


@pytest.mark.parametrize("locale", LOCALES)
def test_only_the_last_reminder_names_the_closing_time(locale: str) -> None:
    closing = {"zh-CN": "11月24日 10:03", "zh-TW": "11月24日 上午10:03", "en": "November 24, 10:03 AM"}[
        locale
    ]

    assert closing not in said("payment_reminder", locale)
    assert closing in said("payment_reminder", locale, step=3, last=True)
    assert closing in said("payment_reminder", locale, step=1, steps=1, last=True)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_offer_ends_with_its_stop_line(locale: str) -> None:
    last = said("vip_promotion", locale).rsplit("\n\n", 1)[1]

    assert STOP_WORDS.search(last)
    assert "https://shop.example/stop/abc" in last


@pytest.mark.parametrize("locale", LOCALES)
def test_no_word_is_asked_for_where_no_bot_reads_it(locale: str) -> None:
    asked = re.compile("NO OFFERS|不要优惠|不要優惠")
    in_mail = {"needed": True, "link": "https://shop.example/stop/abc", "reply": False}
    assert asked.search(said("vip_promotion", locale))
    assert not asked.search(said("vip_promotion", locale, stop=in_mail))
    assert in_mail["link"] in said("vip_promotion", locale, stop=in_mail)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ["review_request", "review_reminder", "review_thanks"])
def test_no_review_is_bought(name: str, locale: str) -> None:
    assert not re.search(r"返现|好评|好評|红包|紅包|五星|coupon|gift|discount|five star", said(name, locale))


def test_traditional_words_are_those_of_taiwan() -> None:
    """A few words that differ, and no simplified character among them."""
    words = "".join(version.source for version in TEXTS.versions if version.locale == "zh-TW")

    assert not re.search(r"[这们订单货发还里请编邮]|快遞|發貨|短信|信息|轉賬|郵編|親,|賬", words)
    assert all(word in words for word in ("訂單", "出貨", "匯款", "退款", "評價", "您好", "訊息"))


def test_the_words_of_the_mainland_are_simplified() -> None:
    words = "".join(version.source for version in TEXTS.versions if version.locale == "zh-CN")

    assert not re.search(r"[這們訂單貨發還裡請編郵]|匯款|出貨|訊息", words)


def test_a_yen_has_no_decimals_and_a_dinar_three() -> None:
    total = sample("order_confirmation", BARE, POLICIES)["order"]

    assert "JP¥128" in said("order_confirmation", "zh-CN", order=total | {"total": Money(128, "JPY")})
    assert "KWD1.280" in said("order_confirmation", "zh-CN", order=total | {"total": Money(1280, "KWD")})


@pytest.mark.parametrize(
    ("greeting", "starts"), [("亲", "亲，您好！"), ("{name} 亲", "小明 亲，您好！"), ("茶友", "茶友，您好！")]
)
def test_buyers_are_addressed_as_the_shop_chooses(greeting: str, starts: str) -> None:
    shop = FULL.model_copy(update={"greeting": greeting})
    values = sample("payment_reminder", shop, POLICIES, "王小明")

    text = TEXTS.render(TEXTS.resolve("payment_reminder", "zh-CN"), values).text

    assert split_subject(text)[1].startswith(starts)
    assert "王小明" not in text


def test_english_greets_by_the_first_name_and_names_what_it_is_called_there() -> None:
    values = sample("order_confirmation", FULL, POLICIES, "Clara Hughes")
    texts = {
        locale: TEXTS.render(TEXTS.resolve("order_confirmation", "en"), values | {"locale": locale}).text
        for locale in ("en-GB", "en-US")
    }

    assert all("Hi Clara," in text and "Hughes" not in text for text in texts.values())
    assert "postage" in texts["en-GB"]
    assert "shipping" in texts["en-US"]


@pytest.mark.parametrize("locale", LOCALES)
def test_three_stars_are_thanked_for_otherwise_than_five(locale: str) -> None:
    assert said("review_thanks", locale, rating=5) != said("review_thanks", locale, rating=3)


# --- what the seller may get wrong -------------------------------------------------------------------


class SellersOwn(Catalogue):
    """Without our own words, which are tried once above."""

    @property
    def versions(self) -> tuple[Version, ...]:
        return tuple(version for version in super().versions if version.own)


def write(path: Path, name: str, source: str, locale: str = "zh-CN") -> Catalogue:
    (path / locale).mkdir(exist_ok=True)
    (path / locale / f"{name}.txt").write_text(source, encoding="utf-8")
    return SellersOwn(path)


@pytest.mark.parametrize(
    ("name", "source", "line", "what"),
    [
        ("hello", "您好\n{{ buyer.nmae }}", 2, "buyer.nmae is not known; did you mean buyer.name?"),
        ("hello", "{{ byer.name }}", 1, "byer.name is not known; did you mean buyer.name?"),
        ("hello", "{{ shopname }}", 1, "shopname is not known; did you mean shop.name?"),
        (
            "shipped",
            "{% for item in order.items %}\n{{ item.titel }}\n{% endfor %}",
            2,
            "order.items.titel is not known; did you mean order.items.title?",
        ),
        (
            "shipped",
            "{% set it = order %}{{ it.totl | money }}",
            1,
            "order.totl is not known; did you mean order.total?",
        ),
        ("shipped", "{% if order.total %}", 1, "{% if %} is not closed; write {% endif %}"),
        ("shipped", "{{ order.total }}", 1, "say how an amount shall be shown: | money"),
        ("shipped", "{{ order.total | mony }}", 1, "No filter named 'mony'"),
        (
            "shipped",
            "{{ order.total | money }}",
            1,
            "nothing is no amount of money (tried with an order known by",
        ),
        ("hello", "{{ buyer.name }}，您好", 1, "there is nothing to show here"),
        ("hello", "{{ order.number }}", 1, "ask {% if %} first (tried with a message about no order)"),
        ("hello", "哈" * 5000, None, "a chat takes at most 4096 characters"),
        ("helo", "您好", None, "no message uses this file; did you mean hello.txt?"),
        ("stop_line", "再见", None, "it must name a word that stops offers"),
        ("cancelled", "Subject: 只有标题", None, "below its subject it says nothing"),
    ],
)
def test_a_mistake_is_found_with_its_line_and_a_mend(
    name: str, source: str, line: int | None, what: str, tmp_path: Path
) -> None:
    texts = write(tmp_path, name, source)

    found = check_templates(texts, FULL, POLICIES)

    assert {(finding.file, finding.line, finding.own) for finding in found} == {
        (f"zh-CN/{name}.txt", line, True)
    }
    assert any(what in finding.what for finding in found)


def test_a_text_that_eats_time_is_told_of_once_and_not_tried_again(tmp_path: Path) -> None:
    loops = "{% for a in [1,1,1,1,1,1,1,1,1,1] %}" * 5 + "{{ shop.name }}" + "{% endfor %}" * 5
    texts = write(tmp_path, "shipped", f"{{{{ order.number }}}}\n{loops}")
    tried: list[str] = []

    def counted(version: Version, variables: Mapping[str, Any]) -> Rendered:
        tried.append(version.where)
        return Catalogue.render(texts, version, variables)

    texts.render = counted  # type: ignore[method-assign, assignment]
    found = check_templates(texts, FULL, POLICIES, ours_too=False)

    assert [(finding.file, finding.line, finding.code) for finding in found] == [
        ("zh-CN/shipped.txt", 2, "too_many_steps")
    ]
    assert tried.count("zh-CN/shipped.txt") == 1


@pytest.mark.parametrize(
    ("shop", "locales"),
    [
        (Shop(name="Mugs", locale="en"), {"en"}),
        (Shop(name="Becher", locale="de"), {"en"}),
        (BARE, {"zh-CN", "en"}),
        (Shop(name="茶", locale="zh-HK"), {"zh-TW", "en"}),
        (Shop(name="Mugs", locale="en", returns=Returns(address={"zh": "路1号"})), {"zh-CN", "zh-TW", "en"}),
    ],
)
def test_our_words_are_tried_in_each_language_that_the_settings_have_words_for(
    shop: Shop, locales: set[str]
) -> None:
    texts, tried = Catalogue(), set[str]()

    def noted(version: Version, variables: Mapping[str, Any]) -> Rendered:
        tried.add(version.locale)
        return Rendered(text="stop", version=version)

    texts.render = noted  # type: ignore[method-assign, assignment]
    check_templates(texts, shop, POLICIES, ours_too=False)

    assert tried == locales


def test_a_promotion_of_the_sellers_own_is_in_use(tmp_path: Path) -> None:
    texts = write(tmp_path, "tea_days", "{{ offer }}，给{{ tier }}的您。")
    shop = Shop(
        name="茶叶店",
        vip=Vip(tiers=(Tier(name="gold", orders=2),)),
        promotions={
            "tea": Promotion(
                tier="gold",
                cron="0 10 * * sat",
                start="2026-11-01",
                end="2026-11-30",
                offer="九折",
                template="tea_days",
            )
        },
    )

    assert check_templates(texts, shop, POLICIES) == []
    assert check_templates(texts, BARE, POLICIES) != []


def test_a_correct_file_with_own_names_and_loops_is_left_alone(tmp_path: Path) -> None:
    source = (
        "{% set first = order.items | first if order.items else none %}"
        "{% if first %}{{ first.title }}{% endif %}"
        "{% for one in order.items if one.quantity > 0 %}{{ loop.index }} {{ one.sum | money }}{% endfor %}好"
    )

    assert check_templates(write(tmp_path, "reassurance", source), FULL, POLICIES) == []


def test_the_worst_names_are_all_tried() -> None:
    assert len(NAMES["a buyer with a name of 4,096 characters"] or "") == 4096
    assert set(NAMES) <= {label for label, _ in samples("hello", BARE, POLICIES)}


def test_the_example_in_the_manual_works(tmp_path: Path) -> None:
    example = re.findall(r"^```\n(Subject: .*?)^```", manual(), re.DOTALL | re.MULTILINE)

    assert len(example) == 1
    assert check_templates(write(tmp_path, "shipped", example[0]), FULL, POLICIES) == []


def test_the_manual_lists_every_variable_as_it_is_declared() -> None:
    rows = re.findall(r"^\| `([\w.\[\]]+)` \| ([^|]*) \|$", manual(), re.MULTILINE)

    assert rows == list(VARIABLES.items())


def test_the_manual_lists_every_message_with_what_is_always_there() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]*) \|$", manual(), re.MULTILINE)
    declared = {**POLICIES, **PARTS}

    assert {name: re.findall(r"`([\w.]+)`", always) for name, _, always in rows} == {
        name: [*["order"] * known.about_order, *["parcel"] * known.about_parcel, *known.variables]
        for name, known in declared.items()
    }


def manual() -> str:
    return (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")


def test_every_declared_variable_has_a_value_in_some_sample_and_no_other_has() -> None:
    ordinary = (samples(name, FULL, POLICIES, every_situation=False) for name in NAMES_OF_TEXTS)
    made = chain(*ordinary, samples("hello", FULL, POLICIES))  # whatever the situation, it may be said

    found = {path for _, given in made for path in paths_in(given)}
    assert found == set(VARIABLES)


def paths_in(value: object, path: str = "") -> Iterator[str]:
    """order, order.items, order.items[].title, ...: the names of all that is not empty."""
    if path and value is not None and path not in OUTER:
        yield path
    inner = value if isinstance(value, Mapping) else {}
    for name, part in inner.items():
        yield from paths_in(part, f"{path}.{name}" if path else name)
    for part in value if isinstance(value, list) else []:
        yield from paths_in(part, f"{path}[]")


OUTER = {path.rpartition(".")[0] for path in VARIABLES} - set(
    VARIABLES
)  # buyer, order.items[]: only their parts


# --- words that buyers are asked to say ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "locale", "word", "meaning"),
    [
        ("stop_line", "zh-CN", "不要优惠", "no_offers"),
        ("stop_line", "zh-TW", "不要優惠", "no_offers"),
        ("stop_line", "en", "NO OFFERS", "no_offers"),
        ("stopped", "zh-CN", "恢复", "resume"),
        ("stopped", "zh-TW", "恢復", "resume"),
        ("stopped", "en", "START", "resume"),
        ("hello", "zh-CN", "人工", "person"),
        ("hello", "zh-TW", "真人", "person"),
        ("hello", "en", "person", "person"),
        ("payment_reminder", "zh-CN", "已付款", "i_paid"),
        ("payment_reminder", "zh-TW", "已付款", "i_paid"),
        ("payment_reminder", "en", "paid", "i_paid"),
        ("order_confirmation", "en", "paid", "i_paid"),
    ],
)
def test_a_word_we_ask_for_is_understood(name: str, locale: str, word: str, meaning: str) -> None:
    assert word in said(name, locale)
    assert recognise(word).intent == meaning


@pytest.mark.parametrize(
    ("locale", "asked"),
    [("zh-CN", ("name", "bank", "time", "digits")), ("zh-TW", ("name", "bank", "digits", "time"))],
)
def test_the_form_we_send_is_read_when_it_comes_back(locale: str, asked: tuple[str, ...]) -> None:
    """It asks for what the order does not hold."""
    labels = re.findall(r"^[^\n：]*：$", said("order_confirmation", locale), re.MULTILINE)[-4:]

    fields = read_form("\n".join(f"{label} value{number}" for number, label in enumerate(labels)))

    assert fields == {field: f"value{number}" for number, field in enumerate(asked)}


def test_a_complaint_names_its_case_and_a_refund_its_amount_and_an_answer_the_rating_of_today() -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    told = ((5, at), (4, at + timedelta(hours=1)))
    reviews = tuple(Review(id=f"v:{stars}", review="v", at=when, rating=stars) for stars, when in told)
    order = Order(
        id="1", channel="c", total=Money(500, "CNY"), refunds=(Refund(id="r", at=at),), reviews=reviews
    )
    case = Case(
        number=42, kind="bad_review", key="bad_review:1:x", reason="bad_review", opened_at=at, order="1"
    )
    facts = Facts(shop=BARE, buyer=Buyer(id="b"), order=order, cases=(case,))
    due = DueMessage(
        key="k",
        template="refunded",
        category="service",
        due_at=at,
        created_at=at,
        lateness=timedelta(days=1),
        values={"refund": "r", "review": "v", "rating": 5},
    )

    made = variables(due, facts, at)

    assert (made["case"], made["rating"]) == (42, 4)
    assert made["amount"] == Money(500, "CNY")
    assert "¥5.00" in TEXTS.render(TEXTS.resolve("refunded", "zh-CN"), made).text
    assert "42" in TEXTS.render(TEXTS.resolve("review_sorry", "zh-CN"), made).text


def test_times_are_in_the_buyers_own_zone() -> None:
    at = datetime(2026, 11, 21, 2, 3, tzinfo=UTC)
    buyer = Buyer(id="b", timezone="America/New_York")
    order = Order(id="1", channel="c", placed_at=at)
    due = DueMessage(
        key="k", template="hello", category="answer", due_at=at, created_at=at, lateness=timedelta(days=1)
    )

    made = variables(due, Facts(shop=BARE, buyer=buyer, order=order), at)

    assert str(made["order"]["placed_at"].tzinfo) == "America/New_York"
    assert made["order"]["placed_at"] == at


@pytest.mark.parametrize("locale", LOCALES)
def test_whatever_may_be_meant_is_offered_in_words(locale: str) -> None:
    for intent in set(INTENTS) - TO_A_PERSON - POLITE - {"praise"}:  # in English itself a word
        text = said("which_meaning", locale, first=intent, second=intent)
        assert not re.search(rf"^\d\W+{intent}$", text, re.MULTILINE), intent

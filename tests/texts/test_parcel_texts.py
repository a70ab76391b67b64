"""What texts say of parcels, in every language and every state in which they can be said."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.context import Buyer, Said, ToldParcel
from bot.domain.events import Line
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.parcels import Parcel
from bot.domain.payments import Paid, Refund
from bot.domain.shop import LOCALES, Payment, Shop
from bot.texts.catalogue import Catalogue
from bot.texts.samples import sample, samples
from bot.texts.variables import variables
from handlers.routes import POLICIES

TEXTS = Catalogue()
SHOP = Shop(name="Tea & Mugs")
WHOLE, HALF = Money(5000, "GBP"), Money(2500, "GBP")
AT = datetime(2026, 11, 21, 2, 3, tzinfo=UTC)
ABOUT_PARCELS = (
    "shipped",
    "tracking_changed",
    "shipment_cancelled",
    "delivery_attempted",
    "delayed",
    "ready_for_pickup",
)
SENDS = {
    "en": re.compile(r"send|on its way|arrives|pack"),
    "zh-CN": re.compile("发货|寄"),
    "zh-TW": re.compile("出貨|寄"),
}
PAID = (Paid(id="p", at=AT, amount=WHOLE),)
BACK = (Refund(id="r", at=AT, amount=WHOLE),)
NEVER_SENT = {"en": "won't be sent", "zh-CN": "不会再发货", "zh-TW": "不會再出貨"}
LAST = {"en": "last parcel", "zh-CN": "最后", "zh-TW": "最後"}
REST = {"en": "rest will follow", "zh-CN": "其余的随后", "zh-TW": "其餘隨後"}


def parcel(id: str, **facts: Any) -> Parcel:
    return Parcel(id=id, shipped_at=AT, **facts)


def written(
    name: str, locale: str, *parcels: Parcel, told: tuple[str, ...] = (), about: str = "a", **facts: Any
) -> str:
    before = Said(
        key="shipped:1:x",
        template="shipped",
        state="sent",
        sent_at=AT,
        parcels=tuple(ToldParcel((id,)) for id in told),
    )
    due = DueMessage(
        key=f"{name}:1",
        template=name,
        category="shipping",
        due_at=AT,
        created_at=AT,
        lateness=POLICIES["shipped"].lateness,
        values={"parcel": about},
    )
    order = Order(id="1001", channel="shop", parcels=parcels, **facts)
    known = Facts(shop=SHOP, buyer=Buyer(id="ann"), order=order, said=(before,) if told else ())
    return TEXTS.render(TEXTS.resolve(name, locale), variables(due, known, AT)).text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", [*ABOUT_PARCELS, "where_is_order", "when_ship"])
def test_no_parcel_is_named_by_nothing(name: str, locale: str) -> None:
    for label, known in samples(name, SHOP, POLICIES):
        text = TEXTS.render(TEXTS.resolve(name, locale), known).text
        lines = [line.strip(" -·・：:") for line in text.splitlines() if line.strip()]
        assert not {"", "Parcel", "包裹", "快递", "物流"} & set(lines), label


@pytest.mark.parametrize("locale", LOCALES)
def test_the_last_of_several_is_named_and_only_that(locale: str) -> None:
    first, last = parcel("a", tracking="T1", last=False), parcel("b", tracking="T2", last=True)

    assert LAST[locale] in written("shipped", locale, first, last, told=("a",), about="b")
    assert LAST[locale] not in written("shipped", locale, first)
    assert LAST[locale] not in written("shipped", locale, first, last)
    unsaid = parcel("a", tracking="T1"), parcel("b", tracking="T2")
    assert LAST[locale] not in written("shipped", locale, *unsaid, told=("a",), about="b")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(
    "ended", [{"cancelled_at": AT}, {"total": WHOLE, "payments": PAID, "refunds": BACK}], ids=["off", "back"]
)
def test_of_what_was_sent_nobody_says_that_it_will_not_be(
    locale: str, last: bool, ended: dict[str, Any]
) -> None:
    def says_unsent(*parcels: Parcel) -> bool:
        return NEVER_SENT[locale] in written("when_ship", locale, *parcels, **ended)

    assert says_unsent()
    assert not says_unsent(parcel("a", tracking="T1", last=last))
    assert not says_unsent(parcel("a", last=False), parcel("b", delivered_at=AT, last=last))


@pytest.mark.parametrize("locale", LOCALES)
def test_the_rest_is_promised_only_while_something_is_to_follow(locale: str) -> None:
    part, last = parcel("a", tracking="T1", last=False), parcel("b", tracking="T2", last=True)

    assert REST[locale] in written("shipped", locale, part)
    assert REST[locale] not in written("shipped", locale, part, last)
    assert REST[locale] not in written("shipped", locale, parcel("a", tracking="T1"))


@pytest.mark.parametrize("locale", LOCALES)
def test_all_parcels_that_are_news_stand_in_one_notice_and_none_that_was_told(locale: str) -> None:
    parcels = [parcel(id, tracking=f"T-{id}") for id in ("a", "b", "c")]

    text = written("shipped", locale, *parcels, told=("a",), about="b")

    assert [f"T-{id}" in text for id in ("a", "b", "c")] == [False, True, True]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("ended", [{"failed_at": AT}, {"delivered_at": AT, "last": False}], ids=repr)
def test_what_has_come_or_could_not_be_delivered_is_not_called_on_its_way(
    locale: str, ended: dict[str, Any]
) -> None:
    for name in ("where_is_order", "when_ship"):
        text = written(name, locale, parcel("a", tracking="T1", **ended))

        assert not re.search("is on its way|正在路上|正在配送", text)
        assert "T1" in text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ["delayed", "delivery_attempted", "shipment_cancelled", "tracking_changed"])
def test_a_parcel_without_a_carrier_leaves_no_gap(name: str, locale: str) -> None:
    values = sample(name, SHOP, POLICIES)
    bare = values | {"parcel": values["parcel"] | {"carrier": None, "tracking": "SF123"}}
    text = TEXTS.render(TEXTS.resolve(name, locale), bare).text

    assert "SF123" in text
    assert not re.search(r"[(（] |  SF123", text)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "paying",
    [
        {},
        {"payments": (Paid(id="p", at=AT),)},
        {"pay_on_delivery": True},
        {"payments": (Paid(id="p", at=AT, amount=HALF),)},
    ],
)
@pytest.mark.parametrize("name", ["order_confirmation", "payment_received", "when_ship", "where_is_order"])
def test_no_sending_is_spoken_of_where_nothing_is_shipped(
    name: str, paying: dict[str, Any], locale: str
) -> None:
    """The buyer fetches it, or it needs no shipping; the same order with a parcel is told of sending."""
    policy = POLICIES[name]
    due = DueMessage(
        key="k", template=name, category=policy.category, due_at=AT, created_at=AT, lateness=policy.lateness
    )

    def text(to_ship: int | None) -> str:
        line = Line(title="Mug", quantity=1, price=WHOLE, to_ship=to_ship)
        order = Order(id="1001", channel="shop", placed_at=AT, total=WHOLE, lines=(line,), **paying)
        shop = Shop(name="Mugs", payment=Payment(ships_within="2d"))
        facts = Facts(shop=shop, buyer=Buyer(id="ann"), order=order)
        return TEXTS.render(TEXTS.resolve(name, locale), variables(due, facts, AT)).text

    assert not SENDS[locale].search(text(0))
    if name == "when_ship":
        assert SENDS[locale].search(text(None))

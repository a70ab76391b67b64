"""Dates in the reader's way, and times that say whose they are."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot.domain.context import Buyer
from bot.domain.messages import DueMessage, Facts
from bot.domain.orders import Order
from bot.domain.shop import Shop, WorkingHours
from bot.texts import formats
from bot.texts.catalogue import Catalogue, make_version
from bot.texts.formats import NamedZone
from bot.texts.one_clock import is_of_zone
from bot.texts.variables import variables
from handlers.routes import POLICIES

AT = datetime(2026, 11, 30, 20, 7, tzinfo=ZoneInfo("Europe/London"))
TWO_DAYS = 2 * 86400


@pytest.mark.parametrize(
    ("locale", "day", "moment"),
    [
        ("en-GB", "Monday, 30 November", "30 November, 20:07"),
        ("en-US", "Monday, November 30", "November 30, 8:07 PM"),
        ("en", "Monday, November 30", "November 30, 8:07 PM"),
        ("zh-CN", "11月30日（星期一）", "11月30日 20:07"),
        ("zh-TW", "11月30日（星期一）", "11月30日 晚上8:07"),
    ],
)
def test_a_day_and_a_moment_in_each_way_of_writing(locale: str, day: str, moment: str) -> None:
    assert formats.day(AT, locale) == day
    assert formats.moment(AT, locale) == moment


@pytest.mark.parametrize(
    ("zone", "locale", "name"),
    [
        ("Europe/London", "en-GB", "{} UK time"),
        ("America/New_York", "en-US", "{} Eastern time"),
        ("Asia/Shanghai", "zh-CN", "北京时间 {}"),
        ("Asia/Taipei", "zh-TW", "台北時間 {}"),
        ("Asia/Shanghai", "en", "{} China time"),
        ("UTC", "en", "{} UTC"),
    ],
)
def test_a_time_in_a_zone_that_may_not_be_the_readers_names_it(zone: str, locale: str, name: str) -> None:
    at = AT.astimezone(NamedZone(zone))

    plain = AT.astimezone(ZoneInfo(zone))
    assert formats.moment(at, locale) == name.format(formats.moment(plain, locale))
    assert formats.time(at, locale) == name.format(formats.time(plain, locale))
    assert formats.date(at, locale) == formats.date(AT.astimezone(ZoneInfo(zone)), locale)


@pytest.mark.parametrize(
    ("reader", "shop", "region", "found"),
    [
        ("en-GB", "en-US", "US", "en-GB"),
        ("en", "en-GB", "CN", "en-GB"),
        ("en", "en", "GB", "en-GB"),
        ("en", "zh-CN", "CN", "en"),
        ("zh-TW", "zh-CN", "CN", "zh-TW"),
    ],
)
def test_a_readers_region_is_their_own_or_the_shops(reader: str, shop: str, region: str, found: str) -> None:
    assert formats.regional(reader, shop, region) == found


def test_promised_days_are_called_working_days() -> None:
    said = [formats.workdays(TWO_DAYS, locale) for locale in ("en-GB", "en-US", "en", "zh-CN", "zh-TW")]

    assert said == ["2 working days", "2 business days", "2 business days", "2 个工作日", "2 個工作天"]
    assert formats.workdays(86400, "en-GB") == "1 working day"
    assert formats.workdays(86400 + 3600, "en-GB") == "2 working days"
    assert formats.workdays(12 * 3600, "en") == "12 hours"


def closing(buyer: Buyer, locale: str = "en") -> str:
    shop = Shop(name="Mug House", locale=locale, region="GB", timezone="Europe/London")
    order = Order(id="1", channel="shop", placed_at=datetime(2026, 11, 27, 12, 0, tzinfo=UTC))
    policy = POLICIES["payment_status"]
    due = DueMessage(
        key="k",
        template="t",
        category="answer",
        due_at=AT,
        created_at=AT,
        lateness=policy.lateness,
    )
    known = variables(
        due, Facts(shop=shop, buyer=buyer, order=order), datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    )
    version = make_version("en", "payment_status", "{{ payment.closes_at | moment }}")
    return Catalogue().render(version, known).text


def test_a_buyer_whose_zone_is_known_needs_no_name_of_it() -> None:
    ann = Buyer(id="ann", locale="en-GB", timezone="Asia/Tokyo")

    assert closing(ann) == "30 November, 21:00"
    unknown = msgspec.structs.replace(ann, timezone=None)
    assert closing(unknown) == "30 November, 12:00 UK time"
    assert closing(msgspec.structs.replace(ann, timezone="Mars/Base")) == "30 November, 12:00 UK time"
    assert closing(msgspec.structs.replace(unknown, locale="en-US")) == "November 30, 12:00 PM UK time"
    assert closing(msgspec.structs.replace(unknown, phone="+447700900888")) == "30 November, 12:00"
    assert closing(msgspec.structs.replace(unknown, phone="+8613800138000")) == "30 November, 12:00 UK time"


@pytest.mark.parametrize(
    ("zone", "phone", "locale", "known"),
    [
        ("Asia/Shanghai", "+8613800138000", "en", True),
        ("Asia/Shanghai", "+886912345678", "zh-CN", False),
        ("Asia/Shanghai", None, "zh-CN", True),
        ("Asia/Shanghai", None, "zh-TW", False),
        ("Asia/Taipei", None, "zh-TW", True),
        ("Europe/London", None, "en-GB", False),
        ("America/New_York", "+12125550100", "en-US", False),
    ],
)
def test_a_zone_is_known_by_a_phone_of_its_country_or_by_what_only_it_writes(
    zone: str, phone: str | None, locale: str, known: bool
) -> None:
    assert is_of_zone(zone, phone, locale) is known


@pytest.mark.parametrize(
    ("parts", "locale", "text"),
    [
        (("請將", "1 × 蓋碗茶具", "寄回"), "zh-TW", "請將 1 × 蓋碗茶具寄回"),
        (("", "3月21日 09:47", "", "前有效"), "zh-CN", "3月21日 09:47 前有效"),
        (("订单 ", "3301", "的发票"), "zh-CN", "订单 3301 的发票"),
        (("感謝您在", "Blue Teahouse", "訂購"), "zh-TW", "感謝您在 Blue Teahouse 訂購"),
        (("感谢您在", "青花小铺", "下单"), "zh-CN", "感谢您在青花小铺下单"),
        (("最晚 ", "11月30日（星期一）", "发货"), "zh-CN", "最晚 11月30日（星期一）发货"),
        (("商品：", "3D打印T恤", "。"), "zh-CN", "商品：3D打印T恤。"),
        (("a", "b"), "en", "ab"),
    ],
)
def test_a_space_stands_between_chinese_and_what_is_put_in_and_nowhere_else(
    parts: tuple[str, ...], locale: str, text: str
) -> None:
    assert formats.joined(parts, locale) == text


@pytest.mark.parametrize(
    ("zone", "days", "opens"),
    [
        ("Asia/Taipei", "週一至週五", "上午10:00"),
        ("America/Los_Angeles", "週日至週四", "下午6:00"),
        ("Pacific/Kiritimati", "週一至週五", "下午4:00"),
    ],
)
def test_the_days_of_the_opening_hours_are_those_of_the_buyers_clock(
    zone: str, days: str, opens: str
) -> None:
    hours = WorkingHours(start=time(10), end=time(18), days=("mon", "tue", "wed", "thu", "fri"))
    shop = Shop(name="茶行", locale="zh-TW", region="TW", timezone="Asia/Taipei", working_hours=hours)
    due = DueMessage(
        key="k", template="t", category="answer", due_at=AT, created_at=AT, lateness=timedelta(hours=1)
    )
    known = variables(due, Facts(shop=shop, buyer=Buyer(id="ann", locale="zh-TW", timezone=zone)), AT)
    version = make_version(
        "zh-TW", "opening_hours", "{{ seller.hours.days | weekdays }} {{ seller.hours.opens | time }}"
    )

    assert Catalogue().render(version, known).text == f"{days} {opens}"


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (("mon", "tue", "wed", "thu", "sun"), "Sunday to Thursday"),
        (("fri", "sat", "sun", "mon"), "Friday to Monday"),
        (("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "Monday to Sunday"),
        (("mon", "tue", "thu", "sun"), "Monday, Tuesday, Thursday, and Sunday"),
        (("sun", "mon"), "Monday and Sunday"),
    ],
)
def test_days_that_follow_each_other_are_named_from_the_first_to_the_last(
    days: tuple[str, ...], text: str
) -> None:
    assert formats.weekdays(days, "en") == text

"""A shop's settings: frozen, typed, and free of anything that belongs to one platform."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger
from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from phonenumbers import SUPPORTED_REGIONS
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from bot.domain.bank_formats import BankFormat
from bot.domain.errors import wrong
from bot.domain.public_holidays import holidays_of
from bot.domain.segment_reading import read_segment, read_segments
from bot.domain.segments import SegmentFault, Tree
from bot.domain.settling import CLOCK_SET_BACK
from bot.domain.working_days import WEEKDAYS, Calendar, Weekday

# Where courts want proof that the address itself agreed: German, Austrian, Swiss, Greek, Luxembourgish and
# Norwegian law and practice on advertising by mail.
DOUBLE_OPT_IN = frozenset(("DE", "AT", "CH", "GR", "LU", "NO"))
LOCALES = ("zh-CN", "zh-TW", "en")  # the languages that have texts
LONGEST_SETTLE = CLOCK_SET_BACK / 2  # twice as long for half a sentence

_DURATION = re.compile(r"(\d+)\s*([smhdw])")
_LONGEST_DURATION = 100  # characters; Python reads no number of thousands of digits
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SOME_YEAR = 2026  # of whose holidays a country is asked, to see that it is known
_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def parse_duration(text: Any) -> timedelta:
    """Read "20m", "3h", "2d", "1h30m" (s, m, h, d, w). Raises PydanticCustomError (a ValueError)."""
    if isinstance(text, timedelta):
        return text
    parts = _DURATION.findall(str(text)) if len(str(text)) < _LONGEST_DURATION else []
    if not parts or _DURATION.sub("", str(text)).strip():
        raise wrong("duration", given=repr(text)[:_LONGEST_DURATION])
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > 3660 * 86400:
        raise wrong("duration_long", given=repr(text))
    return timedelta(seconds=seconds)


def write_duration(wait: timedelta) -> str:
    """Write a duration as `parse_duration` reads it, in the largest unit that divides it."""
    seconds = int(wait.total_seconds())
    unit = next((unit for unit in "dhm" if seconds and seconds % _SECONDS[unit] == 0), "s")
    return f"{seconds // _SECONDS[unit]}{unit}"


def _clock_time(text: Any) -> time:
    if isinstance(text, time):
        return text
    found = _CLOCK_TIME.fullmatch(str(text))
    if found is None:
        raise wrong("clock_time", given=repr(text))
    return time(int(found[1]), int(found[2]))


def _day(text: Any) -> date:
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise wrong("day", given=repr(text)) from None


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        raise wrong("web_address") from None
    if not whole or not text.isprintable() or " " in text:  # urlsplit leaves line ends out
        raise wrong("web_address")
    return text


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        nearest = get_close_matches(name, sorted(available_timezones()), n=1, cutoff=0.8)
        raise _misspelt("zone", "zone_near", name, *nearest) from None
    return name


def _misspelt(code: str, near: str, given: str, nearest: str | None = None) -> ValueError:
    if nearest is None:
        return wrong(code, given=repr(given))
    return wrong(near, given=repr(given), nearest=nearest)


def _known_locale(name: str) -> str:
    try:
        Locale.parse(name, sep="-")
    except (UnknownLocaleError, ValueError):
        raise wrong("locale", given=repr(name)) from None
    return name


def _known_currency(code: str) -> str:
    if code not in list_currencies():
        raise wrong("currency", given=repr(code))
    return code


def _known_region(code: str) -> str:
    if code not in SUPPORTED_REGIONS:
        meant = {"UK": "GB", "EN": "GB"}.get(code.upper(), code.upper())
        raise _misspelt("region", "region_near", code, meant if meant in SUPPORTED_REGIONS else None)
    return code


def _known_country(name: str) -> str:
    try:
        holidays_of(name, SOME_YEAR)
    except ValueError:
        raise wrong("country", given=repr(name)) from None
    return name


def _known_cron(line: str) -> str:
    try:
        CronTrigger.from_crontab(line, timezone="UTC")
    except ValueError:
        raise wrong("cron", given=repr(line)) from None
    if re.search(r"\d", line.split()[4]):
        raise wrong("weekday")  # 0 is Sunday to cron and Monday to our scheduler
    return line


def _condition(written: str | tuple[str, ...], info: ValidationInfo) -> str | tuple[str, ...]:
    try:
        read_segment(written, info.data.get("currency", "CNY"))
    except SegmentFault as fault:
        raise wrong(fault.code, **fault.values) from None
    return written


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise wrong("name_form")
    return text


def _schema(**keywords: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **keywords})


NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(write_duration, return_type=str),
    _schema(pattern=r"^(\s*\d+\s*[smhdw])+\s*$", examples=["20m", "3h", "2d"]),
]
ClockTime = Annotated[
    time,
    BeforeValidator(_clock_time),
    PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str),
    _schema(pattern=f"^({_CLOCK_TIME.pattern})$", examples=["08:00", "22:30"]),
]
Day = Annotated[date, BeforeValidator(_day), _schema(format="date", examples=["2026-11-11"])]
HttpAddress = Annotated[str, AfterValidator(_web_address), _schema(pattern="^https?://")]
WebAddress = Annotated[HttpAddress, AfterValidator(lambda address: address.rstrip("/"))]  # to build on
Zone = Annotated[str, AfterValidator(_known_zone)]
Currency = Annotated[str, AfterValidator(_known_currency)]
Region = Annotated[str, AfterValidator(_known_region)]
HolidaysOf = Annotated[str, AfterValidator(_known_country), _schema(examples=["CN", "GB-ENG"])]
LocaleName = Annotated[str, AfterValidator(_known_locale)]
Cron = Annotated[str, AfterValidator(_known_cron)]
Name = Annotated[str, AfterValidator(_name), _schema(pattern=NAME)]
Condition = Annotated[str | tuple[str, ...], AfterValidator(_condition)]  # bot/domain/segment_reading.py


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Account(Settings):
    """Where buyers pay to."""

    bank: str
    number: str = Field(description="shown to buyers as written; quote it, so that zeros in front stay")
    name: str | None = Field(None, description="the account's owner")


class Payment(Settings):
    accounts: tuple[Account, ...] = ()
    link: str | None = Field(None, description="a page to pay at; {order} stands for the order's number")
    remind: tuple[Duration, ...] = Field(
        (timedelta(minutes=20), timedelta(hours=3)), max_length=2, description="after the order was placed"
    )
    last_reminder: Duration = Field(timedelta(minutes=90), description="before the order is closed; 0m: none")
    close: Duration = Field(timedelta(days=3), description="an unpaid order is given up after this")
    gap: Duration = Field(
        timedelta(minutes=30), description="a reminder nearer than this to the next is dropped"
    )
    ships_within: Duration = Field(
        timedelta(days=2), description="after payment, in the shop's working days; 0d: nothing is promised"
    )
    keep_statements: Duration = Field(
        timedelta(days=180),
        description="how long the lines of bank statements are kept; older ones are not read",
    )


class FollowUps(Settings):
    second_contact: Duration = Field(timedelta(days=2), description="silence before another channel is tried")
    travel: Duration = Field(
        timedelta(days=5),
        description="where no platform tells of an arrival, a parcel counts as arrived after this",
    )
    delay: Duration = Field(timedelta(days=5), description="a parcel that did not move for so long is late")
    review: Duration = Field(timedelta(days=7), description="after delivery; 0d: never ask")
    review_reminder: Duration = Field(timedelta(days=5), description="after the request; 0d: none")
    checkout: Duration = Field(
        timedelta(hours=1),
        description="after a checkout was left, buyers who agreed to offers are asked why; 0d: never",
    )
    checkout_reminder: Duration = Field(
        timedelta(days=1),
        description="after that question, where limits.promotions_per_week leaves room; 0d: none",
    )
    restock: Duration = Field(
        timedelta(days=60),
        description="so long a buyer who asked for what is sold out is told once when it is back; 0d: never",
    )


Words = str | dict[str, str]  # a text of the seller's, or one for each language


def in_language(words: Words, locale: str) -> str:
    """The seller's text in this language, else in one near to it, else in the first that they give."""
    if isinstance(words, str):
        return words
    near = next((text for name, text in words.items() if name[:2] == locale[:2]), None)
    return words.get(locale) or near or next(iter(words.values()), "")


class Returns(Settings):
    """What the shop takes back, and how it makes good. 0 days: never."""

    days: int = Field(
        7, ge=0, le=3650, description="days after the arrival for what the buyer does not want; 0: never"
    )
    faulty_days: int = Field(
        30, ge=0, le=3650, description="the same for what came broken, faulty or wrong; 0: a person decides"
    )
    exchange: bool = Field(True, description="another piece or size instead of the money")
    repair: bool = Field(False, description="what is broken can be repaired")
    postage: Literal["buyer", "shop"] = Field(
        "buyer", description="who pays to send back what is as it should be; for anything else the shop does"
    )
    excluded: tuple[str, ...] = Field(
        (), description="SKUs that are taken back only if something is wrong with them"
    )
    satisfied: bool = Field(
        False, description="satisfied or your money back: within the days also what was used"
    )
    pictures: bool = Field(True, description="ask for a picture of what is broken or wrong")
    answer_within: Duration = Field(
        timedelta(days=2), description="in working days; then the buyer is told that it takes longer"
    )
    conditions: Words | None = Field(
        None, description="in what state it comes back: a sentence, or one for each language"
    )
    address: Words | None = Field(None, description="where to send it, as shown to buyers")
    steps: Words | None = Field(None, description="what to do: a note in the parcel, which carrier")


class QuietHours(Settings):
    """Only answers go out between these times of the buyer's own day; equal times: no quiet hours."""

    start: ClockTime = time(22, 0)
    end: ClockTime = time(8, 0)


class WorkingHours(Settings):
    """When people answer, in the shop's zone. An end before the start is on the next day; equal: always."""

    days: tuple[Weekday, ...] = Field(WEEKDAYS, min_length=1, description="of the week; all, if not given")
    start: ClockTime = time(10, 0)
    end: ClockTime = time(18, 0)
    holidays: bool = Field(False, description="people answer on the calendar's holidays and days_off too")


class Limits(Settings):
    per_day: int = Field(
        6,
        ge=1,
        description="messages to one buyer, or about one guest's order, in 24 hours; answers not counted",
    )
    promotions_per_week: int = Field(1, ge=0, description="offers to one buyer in 7 days")
    deliveries_per_second: int = Field(500, ge=1, description="the shop's webhooks; more are answered 429")
    answers: int = Field(
        20,
        ge=1,
        le=1000,
        description="in one chat within 10 minutes; twice as many in a row that say nothing new are too many"
        " as well, and five times as many in a day; then a person is called",
    )
    tries: int = Field(5, ge=1, le=20, description="tries a day to prove an order is one's own in the chat")


class Chat(Settings):
    settle: Duration = Field(
        timedelta(seconds=4),
        description="messages that follow each other within this time are read as one; half a sentence waits"
        " once more as long; at most 30s; 0s: each is read at once",
    )

    @field_validator("settle")
    @classmethod
    def _short(cls, settle: timedelta) -> timedelta:
        if settle > LONGEST_SETTLE:
            raise wrong("less_than_equal", le=write_duration(LONGEST_SETTLE))
        return settle


class Tier(Settings):
    """A buyer is in a tier with so many orders and so much spent within vip.period, refunds subtracted; or,
    where rfm is given and there are buyers enough, by how lately, how often and for how much they bought."""

    name: str
    orders: int = Field(0, ge=0)
    spent: Decimal = Field(Decimal(0), ge=0, description="in the shop's currency")
    rfm: int | None = Field(
        None,
        ge=3,
        le=15,
        description="points from 3 to 15: 1 to 5 each for how lately, how often and for how much, by fifths"
        " of all who bought within vip.period; with fewer than 100 of them, orders and spent decide",
    )

    @property
    def has_thresholds(self) -> bool:
        return self.orders > 0 or self.spent > 0


class Vip(Settings):
    period: Duration = timedelta(days=365)
    tiers: tuple[Tier, ...] = Field((), description="highest first")


class Campaign(Settings):
    """An offer to the buyers of a segment or of a tier who agreed to offers, once to each."""

    segment: Name | None = Field(None, description="to whom: one of segments; or a tier")
    tier: str | None = Field(None, description="to whom: one of vip.tiers")
    cron: Cron | None = Field(
        None,
        description="when it starts by itself, in the shop's zone: minute hour day month weekday; if not"
        " given, `xiaoer campaign start` starts it",
    )
    after: Name | None = Field(
        None, description="a step of a sequence: only for those who were told of this other campaign"
    )
    wait: Duration = Field(timedelta(days=7), description="so long after they were told of it")
    start: Day = Field(description="the first day; the last one is `end`")
    end: Day
    offer: Words | None = Field(
        None,
        description="the offer in a sentence, or one for each language; {percent}, {amount} and {code} stand"
        " for those",
    )
    wordings: dict[Name, Words] = Field(
        {}, description="in place of `offer`: several, of which each buyer gets one, by chance"
    )
    percent: int | None = Field(None, ge=1, le=100)
    amount: Decimal | None = Field(None, gt=0, description="in the shop's currency")
    codes: bool = Field(
        False, description="each buyer gets a code of their own, of those in `xiaoer campaign codes`"
    )
    template: str = "vip_promotion"
    daytime: tuple[ClockTime, ClockTime] = (time(10, 0), time(20, 0))
    pace: int | None = Field(None, ge=1, description="at most so many messages in an hour; all, if not given")
    hold_out: int = Field(
        0, ge=0, le=50, description="so many of a hundred buyers are told nothing, to see what it changes"
    )
    approval: bool = Field(False, description="a second person must approve it before it starts")
    testers: tuple[str, ...] = Field(
        (),
        max_length=10,
        description="buyers of yours who get it first, by id or address; it waits for an approval then",
    )
    quiet: Duration = Field(timedelta(days=3), description="no offer so long after a purchase")
    measure: Duration = Field(
        timedelta(days=14), description="what a buyer orders so long after their turn counts as the result"
    )

    @field_validator("end")
    @classmethod
    def _in_order(cls, end: date, others: ValidationInfo) -> date:
        if end < others.data.get("start", end):
            raise wrong("ends_before_start")
        return end

    @field_validator("daytime")
    @classmethod
    def _a_span(cls, daytime: tuple[time, time]) -> tuple[time, time]:
        if daytime[1] <= daytime[0]:
            raise wrong("ends_before_start")
        return daytime

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.segment is None) is (self.tier is None):
            raise wrong("campaign_to_whom")
        if (self.offer is None) is not bool(self.wordings):
            raise wrong("campaign_words")
        if self.waits and self.cron:
            raise wrong("campaign_cron_approval")
        texts = [
            text for words in self.said for text in ([words] if isinstance(words, str) else words.values())
        ]
        for name, given in (("code", self.codes), ("percent", self.percent), ("amount", self.amount)):
            if any(f"{{{name}}}" in text for text in texts) and not given:
                raise wrong("campaign_names", name=name)
            if name == "code" and given and not all("{code}" in text for text in texts):
                raise wrong("campaign_code_unsaid")
        return self

    @property
    def waits(self) -> bool:
        """Whether somebody looks at it once more after it was started."""
        return self.approval or bool(self.testers)

    @property
    def said(self) -> tuple[Words, ...]:
        """Every wording of the offer."""
        return tuple(self.wordings.values()) or ((self.offer,) if self.offer else ())

    def wording(self, name: str | None) -> Words:
        return self.wordings[name] if name in self.wordings else self.said[0]

    def starts_at(self, zone: ZoneInfo) -> datetime:
        return datetime.combine(self.start, time.min, zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """The last day counts in full."""
        last = min(self.end, date.max - timedelta(days=2))  # behind it a day has to be left in every zone
        return datetime.combine(last + timedelta(days=1), time.min, zone)


class Promotion(Campaign):
    """A campaign for a tier, which starts by its calendar."""

    tier: str
    cron: Cron = Field(description="when it starts, in the shop's zone: minute hour day month weekday")
    quiet: Duration = timedelta(0)


class Coupon(Settings):
    """A code that any buyer may use; it is told to those who ask for a discount."""

    code: str = Field(min_length=1, max_length=40)
    percent: int = Field(ge=0, le=100, description="off the price of the goods")
    until: Day | None = Field(None, description="the last day, in the shop's zone; for ever if not given")

    def holds(self, today: date) -> bool:
        return self.percent > 0 and (self.until is None or today <= self.until)


class Haggling(Settings):
    """How far prices may be bargained down in the chat, of products that the bot knows.

    What is left after the coupon, and after postage that the shop pays, is never below the floor.
    """

    rounds: int = Field(
        0, ge=0, le=5, description="better offers that are answered with a lower price; 0: prices are fixed"
    )
    floor: int = Field(
        100, ge=0, le=100, description="percent of the list price that is left at least; 100: no bargaining"
    )
    floors: dict[str, Annotated[Decimal, Field(ge=0)]] = Field(
        {},
        description="the least for one piece, by sku, in the shop's currency; of this, a product list's floor"
        " and the percentage the highest counts",
    )
    in_return: tuple[Literal["order_today", "recommend", "follow"], ...] = Field(
        ("order_today", "recommend"), description="what is asked in return for the first steps, in turn"
    )
    free_postage: bool = Field(False, description="free postage is one of the steps, where postage is known")
    from_quantity: dict[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=0, le=100)]] = Field(
        {}, description="percent off from so many pieces of one item on"
    )
    valid: Duration = Field(timedelta(hours=24), description="how long a quote holds; 0h: none is made")
    remember: Duration = Field(
        timedelta(days=30), description="a bargain goes on where it stood if it was so lately, and never anew"
    )
    coupon: Coupon | None = None

    @property
    def on(self) -> bool:
        return self.rounds > 0 and self.valid > timedelta(0)

    def coupon_on(self, today: date) -> Coupon | None:
        return self.coupon if self.coupon and self.coupon.holds(today) else None


class Seller(Settings):
    """How a buyer reaches a person, and where the seller gets their cases."""

    name: str | None = None
    contact: str | None = Field(None, description="phone, mail or hours, shown to buyers as written")
    email: str | None = Field(None, description="cases are mailed here, through the shop's email channel")
    telegram: str | None = Field(
        None,
        pattern=r"^\d{1,20}$",
        description="cases are told in this chat with the shop's own bot: the number behind telegram: in"
        " `xiaoer cases` once you asked the bot for a person",
    )
    webhook: str | None = Field(
        None,
        description="cases are told to your own system, and answered there, through the webhook channel of"
        " this name",
    )
    owner: str | None = Field(
        None,
        description="complaints with more to them (health, safety, law, press, large sums, VIPs, a second)"
        " are mailed here too, through the shop's email channel",
    )
    remind: tuple[Duration, ...] = Field(
        (timedelta(minutes=30), timedelta(hours=2), timedelta(days=1)),
        max_length=5,
        description="a case in which a buyer waits is told again after so long, within working_hours, until"
        " somebody answers; none: told once",
    )
    locale: LocaleName | None = Field(None, description="language of explanations; the shop's if not given")

    @property
    def can_be_told(self) -> bool:
        return bool(self.email or self.telegram or self.webhook)


class Complaints(Settings):
    """How complaints are taken and decided."""

    decide_within: Duration = Field(
        timedelta(days=3), description="the buyer is told a decision within this, in the shop's working days"
    )
    warn_days: int = Field(
        1, ge=0, le=30, description="so many working days before, in the morning, the seller is warned"
    )
    reopen_within: Duration = Field(
        timedelta(days=14),
        description="a complaint of the same buyer so long after a decision opens that case again",
    )
    large_sum: Decimal | None = Field(
        None,
        ge=0,
        description="a complaint about an order above this, in the shop's currency, goes to the owner;"
        " none if not given",
    )
    vip_to_owner: bool = Field(True, description="a complaint of a buyer in a tier goes to the owner")
    compensation: Decimal = Field(
        Decimal(0),
        ge=0,
        description="what the bot itself may promise for a late, damaged or incomplete order, once, in the"
        " shop's currency; 0: nothing",
    )


Began = Literal["order.placed", "order.paid", "order.shipped", "order.cancelled", "case.opened"]
Done = Literal[
    "order.paid", "order.shipped", "order.delivered", "order.refunded", "case.answered", "case.closed"
]
LONGEST_PROMISE = timedelta(days=90)


class MadeGood(Settings):
    """What a buyer gets for a promise that was missed; of money never more than was paid for the order."""

    amount: Decimal | None = Field(None, gt=0, description="in the shop's currency")
    percent: int | None = Field(None, ge=1, le=100, description="of what was paid")
    code: str | None = Field(None, min_length=1, max_length=40, description="a code for the next order")
    words: Words | None = Field(None, description="anything else: a sentence, or one for each language")

    @model_validator(mode="after")
    def _one_sum(self) -> "MadeGood":
        if self.amount is not None and self.percent is not None:
            raise wrong("amount_or_percent")
        return self


class ServicePromise(Settings):
    """Within what time something is done after something else, and what the buyer gets where it is not."""

    since: Began
    until: Done
    within: Duration
    counted: Literal["working_days", "working_hours", "clock"] = Field(
        "working_days",
        description="whole working days, to the end of the last; time within working_hours; or by the clock",
    )
    cases: tuple[str, ...] = Field(("complaint",), description="kinds of cases, where it is about cases")
    not_for: tuple[Literal["pay_on_delivery", "held"], ...] = Field(
        (), description="orders to which it does not apply: paid on delivery, held for a change"
    )
    not_skus: tuple[str, ...] = Field((), description="nor orders with one of these, as made to order")
    warn: bool = Field(True, description="tell the seller in time: that morning, or with a quarter left")
    made_good: MadeGood | None = Field(None, description="what is offered with the apology; none: nothing")
    apologise: bool = Field(True, description="tell the buyer of a miss before they ask")
    goal: float = Field(95, gt=0, le=100, description="percent that are to be kept")
    large_sum: Decimal | None = Field(
        None, ge=0, description="a miss of an order above this goes to the owner; none if not given"
    )
    vip_to_owner: bool = Field(True, description="so does a miss to a buyer in a tier")
    again_to_owner: bool = Field(True, description="so does a buyer's second miss within half a year")

    @field_validator("within")
    @classmethod
    def _short(cls, within: timedelta) -> timedelta:
        if within > LONGEST_PROMISE:
            raise wrong("less_than_equal", le=write_duration(LONGEST_PROMISE))
        return within

    @model_validator(mode="after")
    def _of_one_kind(self) -> "ServicePromise":
        if self.of_cases != self.until.startswith("case."):
            raise wrong("promise_of_two", since=self.since, until=self.until)
        return self

    @property
    def of_cases(self) -> bool:
        return self.since.startswith("case.")


class Unknown(Settings):
    """What becomes of a message that may have arrived before a crash (promise 8)."""

    service: Literal["resend", "leave"] = "resend"
    promotion: Literal["resend", "leave"] = "leave"


class Shop(Settings):
    """One shop's settings, as handlers may see them."""

    name: str
    locale: LocaleName = "zh-CN"
    timezone: Zone = "Asia/Shanghai"
    currency: Currency = "CNY"
    region: Region = Field("CN", description="country of phone numbers written without one")
    greeting: str = Field(
        "亲",
        min_length=1,
        max_length=20,
        description="how Chinese texts address a buyer; {name} stands for the first name, where it is known",
    )
    payment: Payment = Payment()
    banks: dict[Name, BankFormat] = Field(
        {}, description="forms of statements that the program does not know; see docs/reconcile.md"
    )
    followups: FollowUps = FollowUps()
    quiet_hours: QuietHours = QuietHours()
    working_hours: WorkingHours | None = Field(
        None, description="when people answer; outside of them a buyer reads when somebody will be there"
    )
    limits: Limits = Limits()
    chat: Chat = Chat()
    returns: Returns | None = Field(
        None, description="what the shop takes back; if not given, a person decides each time"
    )
    takeover: Duration = Field(
        timedelta(hours=2), description="the bot is silent so long after a person's reply"
    )
    working_days: tuple[Weekday, ...] = Field(
        WEEKDAYS[:5], min_length=1, description="days on which parcels leave, in the shop's zone"
    )
    calendar: HolidaysOf | None = Field(
        None,
        description="country, with its part where they differ, whose public holidays are no workdays",
    )
    days_off: tuple[Day, ...] = Field((), description="feasts and holidays of its own, on which none leave")
    days_on: tuple[Day, ...] = Field(
        (), description="days on which parcels leave all the same: weekends that are worked, holidays"
    )
    live_chat: Duration = Field(
        timedelta(days=30), description="a chat counts as live so long after the buyer's last message"
    )
    say_test_orders: bool = Field(
        False, description="say messages and open cases about a platform's test orders too, to try the shop"
    )
    double_opt_in: bool | None = Field(
        None,
        description="a guest's yes to offers at a checkout counts once they confirm it by mail;"
        " if not given, where the law of the shop's region wants it",
    )
    haggling: Haggling = Haggling()
    vip: Vip = Vip()
    segments: dict[Name, Condition] = Field(
        {},
        description="conditions on buyers by names of yours, such as orders >= 3 and last_order in the last"
        " 90 days; of a list every line must hold",
    )
    promotions: dict[Name, Promotion] = Field({}, description="campaigns for a tier that start by a calendar")
    campaigns: dict[Name, Campaign] = Field(
        {}, description="offers to the buyers of a segment; see docs/campaigns.md"
    )
    seller: Seller = Seller()
    complaints: Complaints = Complaints()
    promises: dict[Name, ServicePromise] = Field(
        {}, description="what buyers may count on, by names of yours; see docs/service-promises.md"
    )
    unknown: Unknown = Unknown()

    @model_validator(mode="after")
    def _tiers_exist(self) -> "Shop":
        tiers = {tier.name for tier in self.vip.tiers}
        for name, offer in self.offers.items():
            if offer.after is not None and offer.after not in self.offers.keys() - {name}:
                raise wrong("campaign_after", given=repr(offer.after))
            if offer.tier is not None and offer.tier not in tiers:
                raise wrong("unknown_tier", tier=repr(offer.tier))
            if offer.segment is not None and offer.segment not in self.segments:
                raise wrong("segment_unknown", given=repr(offer.segment))
        if twice := self.promotions.keys() & self.campaigns.keys():
            raise wrong("campaign_twice", name=min(twice))
        return self

    @property
    def offers(self) -> dict[str, Campaign]:
        """All campaigns by their names, those for tiers among them."""
        return {**self.promotions, **self.campaigns}

    @model_validator(mode="after")
    def _segments_can_be_read(self) -> "Shop":
        for _, fault in read_segments(self.segments, self.currency, self.tier_names)[1]:
            raise wrong(fault.code, **fault.values)
        return self

    @property
    def tier_names(self) -> tuple[str, ...]:
        return tuple(tier.name for tier in self.vip.tiers)

    @property
    def segment_trees(self) -> dict[str, Tree]:
        """The segments as they are read, with those that they name."""
        return read_segments(self.segments, self.currency, self.tier_names)[0]

    @property
    def keeps_figures(self) -> bool:
        """True if anything asks for the figures of buyers; otherwise none are kept."""
        return bool(self.segments or self.vip.tiers)

    @property
    def confirms_offers(self) -> bool:
        """Whether a yes with an address that is only said waits for the address to confirm it."""
        return self.region in DOUBLE_OPT_IN if self.double_opt_in is None else self.double_opt_in

    @property
    def desks(self) -> frozenset[tuple[str, str]]:
        """Where (channel, address) the seller is told of cases and may answer them."""
        return frozenset()

    @property
    def calendar_of_work(self) -> Calendar:
        """The days on which parcels leave, in which promises and deadlines are counted."""
        return Calendar(
            weekdays=self.working_days,
            days_off=self.days_off,
            days_on=self.days_on,
            country=self.calendar,
        )

    @property
    def platforms(self) -> frozenset[str]:
        """Names of the channels that are platforms with orders of their own, and speak of no others."""
        return frozenset()

    def zone(self, buyers_own: str | None = None) -> ZoneInfo:
        """The buyer's zone if it is known and valid, else the shop's."""
        try:
            return ZoneInfo(buyers_own or self.timezone)
        except (KeyError, ValueError, OSError):
            return ZoneInfo(self.timezone)

    def closes_at(self, placed_at: datetime) -> datetime:
        return placed_at + self.payment.close

"""Promises 2, 3 and 6, lived through: any deliveries, any settings, any failures, and an ear that judges.

The judge knows only what was acknowledged and when, not what the engine made of it.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from bot.channels import Outgoing
from bot.domain.errors import DeliveryDelayed
from bot.domain.events import BuyerOptedOut, BuyerRef, Event, OrderPlaced
from bot.domain.money import Money
from bot.simulation import ManualClock
from storage import tables
from tests.engine import WEBHOOK, Buyer, Engine, FakeChannel, ManyShops, in_many_shops, many_shops
from tests.world import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JUST_PLACED = 15 * MINUTE

# Facts of an order; each happens at the time of its delivery.
FACTS: dict[str, Callable[[Buyer, timedelta], Event]] = {
    "placed": lambda who, after: who.placed(after),
    "paid": lambda who, after: who.paid(after),
    "paid in part": lambda who, after: who.paid(after, "28.00"),
    "cancelled": lambda who, after: who.fact("cancelled", after),
    "refunded in part": lambda who, after: who.fact(
        "refunded", after, refund="r1", amount="8", currency="CNY"
    ),
    "refunded": lambda who, after: who.fact("refunded", after, refund="r2"),
    "shipped": lambda who, after: who.fact("shipped", after, tracking="A", carrier="SF"),
    "delivered": lambda who, after: who.fact("delivered", after),
}

# Which facts, once acknowledged, make a message of this kind untrue.
UNTRUE_AFTER: dict[str, set[str]] = {
    "payment_reminder": set(FACTS) - {"placed"},
    "second_contact": set(FACTS) - {"placed"},
    "order_confirmation": {"cancelled", "refunded"},
    "payment_received": {"cancelled", "refunded"},
    "reassurance": {"cancelled", "refunded", "refunded in part", "shipped", "delivered"},
    "shipped": {"cancelled", "refunded", "delivered"},
    "delayed": {"cancelled", "refunded", "delivered"},
    "delivered": {"cancelled", "refunded"},
    "review_request": {"cancelled", "refunded", "refunded in part"},
    "review_reminder": {"cancelled", "refunded", "refunded in part"},
}

STOPS = (
    "TD",
    "退订",
    "stop",
    "你好，请不要再给我发消息了，谢谢",
    "Hi there, please stop texting me. Thanks!",
)
RESUMES = ("恢复", "start")
CHATS = ("你好", "什么时候发货？", "谢谢")


class PromiseChecker(FakeChannel):
    """Hears every message and says at once what was wrong about it; takes each id once."""

    drops_repeats: ClassVar[bool] = True

    def __init__(self, clock: ManualClock, rules: Any, zone: str) -> None:
        super().__init__(WEBHOOK, clock)
        self.rules = rules
        self.zone = ZoneInfo(zone)
        self.facts: dict[str, set[str]] = defaultdict(set)
        self.placed: dict[str, datetime] = {}
        self.stopped = False
        self.human_until: datetime | None = None
        self.outcomes: list[str] = []
        self.first: dict[str, tuple[datetime, Outgoing]] = {}
        self.violations: list[str] = []
        self.claimed_at: datetime | None = None  # where the clock jumps while messages are in hand

    async def send(self, message: Outgoing) -> str | None:
        outcomes = self.outcomes.pop() if self.outcomes else "well"
        if outcomes != "refused":
            self._judge(message)
            self.first.setdefault(message.id, (self.now, message))
        if outcomes != "well":
            raise DeliveryDelayed(outcomes)
        return message.id

    @property
    def now(self) -> datetime:
        return self.claimed_at or self.clock.now

    def _judge(self, message: Outgoing) -> None:
        now, answer = self.now, message.key.split(":")[0] in ANSWERS
        untrue = UNTRUE_AFTER.get(message.template, set()) & self.facts[message.order or ""]
        if untrue and not answer:
            self._violation(message, f"untrue since {untrue}")
        if self.stopped and not answer:
            self._violation(message, "the buyer said stop")
        if self.human_until and now < self.human_until:
            self._violation(message, "a person talks")
        if not answer and not self._is_fresh(now, message) and self._is_quiet(now):
            self._violation(message, "quiet hours")
        if message.key in {known.key for id, (_, known) in self.first.items() if id != message.id}:
            self._violation(message, "said twice")

    def _is_quiet(self, now: datetime) -> bool:
        quiet, local = self.rules.quiet_hours, now.astimezone(self.zone).time()
        if quiet.start <= quiet.end:
            return bool(quiet.start <= local < quiet.end)
        return bool(local >= quiet.start or local < quiet.end)

    def _is_fresh(self, at: datetime, message: Outgoing) -> bool:
        """Who ordered just now is awake, and waits for the confirmation as for an answer."""
        placed_at = self.placed.get(message.order or "")
        confirms = message.template == "order_confirmation"
        return confirms and placed_at is not None and at < placed_at + JUST_PLACED

    def over_cap(self) -> list[str]:
        """Times at which more had been sent within a day or a week than the limits allow."""
        counted = [(at, m) for at, m in self.first.values() if m.key.split(":")[0] not in ANSWERS]
        days = [(at, not self._is_fresh(at, message)) for at, message in counted]
        weeks = [(at, True) for at, message in counted if message.category == "promotion"]
        limits = self.rules.limits
        return most_within(days, DAY, limits.per_day) + most_within(
            weeks, 7 * DAY, limits.promotions_per_week
        )

    def _violation(self, message: Outgoing, why: str) -> None:
        self.violations.append(f"{self.now:%d. %H:%M} {message.key}: {why}")


ANSWERS = {
    *("where_is_order", "payment_status", "when_ship", "which_order", "not_matched"),
    *("payment_claimed", "form_received", "human_coming", "not_understood", "media_received"),
    *("hello", "hello_again", "same_again", "thanks", "stopped", "resumed"),
}


def most_within(moments: Iterable[tuple[datetime, bool]], span: timedelta, limit: int) -> list[str]:
    """The limited ones (True) that were sent when, with all before them, the limit had been reached."""
    sent = sorted(moments, key=lambda each: each[0])
    return [
        f"{at}: over {limit}"
        for place, (at, limited) in enumerate(sent)
        if limited and sum(other > at - span for other, _ in sent[: place + 1]) > limit
    ]


class History:
    """A buyer's weeks with the shop, step by step."""

    def __init__(self, engine: Engine, zone: str, outcomes: list[str]) -> None:
        self.engine = engine
        self.checker = PromiseChecker(engine.clock, engine.settings, zone)
        self.checker.outcomes = list(outcomes)
        engine.use_channels(self.checker)
        self.buyers = {order: Buyer(order=order, timezone=zone, agrees=True) for order in ("1001", "1002")}

    async def step(self, what: str, detail: Any) -> None:
        match what:
            case "fact":
                await self._fact(*detail)
            case "stop" | "resume" | "chat":
                await self._says(what, detail)
            case "person":
                await self.engine.take(
                    self.buyers["1001"].is_answered_by_a_person("我来处理", self.engine.clock.now)
                )
                self.checker.human_until = self.engine.clock.now + self.engine.settings.takeover
            case "echo":
                await self._echo()
            case "opt out":
                await self._opts_out()
            case "react":
                await self.engine.program.react()
            case "deliver":
                await self.engine.deliver()
            case "calendar":
                await self.engine.program.calendar()
            case "settle":
                await self.engine.settle()
            case "wait":
                self.engine.clock.now += detail
            case "live":
                await self._live(*detail)

    async def _live(self, steps: int, step: timedelta) -> None:
        for _ in range(steps):
            self.engine.clock.now += step
            await self.engine.settle()

    async def _fact(self, order: str, fact: str) -> None:
        who, now = self.buyers[order], self.engine.clock.now
        if not self.checker.facts[order]:
            who.at = now
        if fact == "placed":
            self.checker.placed[order] = who.at
        await self.engine.take(FACTS[fact](who, now - who.at))
        self.checker.facts[order].add(fact)

    async def _says(self, what: str, text: str) -> None:
        await self.engine.take(self.buyers["1001"].says(text, self.engine.clock.now))
        if what != "chat":
            self.checker.stopped = what == "stop"

    async def _echo(self) -> None:
        """The platform reports a message of ours as written by a person."""
        known = list(self.checker.first.values())
        if known:
            _, message = known[-1]
            await self.engine.take(
                self.buyers["1001"].is_answered_by_a_person(
                    message.text, self.engine.clock.now, id=message.id
                )
            )

    async def _opts_out(self) -> None:
        who = self.buyers["1001"]
        await self.engine.take(who.event("buyer.opted_out", {"buyer": {"id": "ann"}}, self.engine.clock.now))
        self.checker.stopped = True


ORDERS = st.sampled_from(["1001", "1002"])
A_FACT = st.tuples(st.just("fact"), st.tuples(ORDERS, st.sampled_from(list(FACTS))))
LIVING = st.tuples(
    st.just("live"), st.tuples(st.integers(1, 6), st.sampled_from([20 * MINUTE, 3 * HOUR, DAY]))
)
TALK = st.one_of(
    st.tuples(st.just("chat"), st.sampled_from(CHATS)),
    st.tuples(st.just("stop"), st.sampled_from(STOPS)),
    st.tuples(st.just("resume"), st.sampled_from(RESUMES)),
    st.tuples(st.sampled_from(["person", "echo", "opt out"]), st.none()),
)
LEGS = st.tuples(st.sampled_from(["react", "deliver", "calendar", "settle"]), st.none())
WAIT = st.tuples(
    st.just("wait"), st.sampled_from([MINUTE, 20 * MINUTE, 3 * HOUR, 9 * HOUR, 2 * DAY, 7 * DAY])
)
KINDS = {"fact": A_FACT, "live": LIVING, "talk": TALK, "legs": LEGS, "wait": WAIT}
STEPS = st.sampled_from(["fact"] * 4 + ["live"] * 4 + ["talk", "legs", "legs", "wait"]).flatmap(
    KINDS.__getitem__
)
CLOCKS = st.sampled_from(["00:00", "06:30", "08:00", "12:00", "13:30", "18:00", "22:00", "23:59"])
ZONES = st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Pacific/Apia"])


@st.composite
def shop_settings(draw: st.DrawFn) -> dict[str, Any]:
    offer = {"tier": "all", "cron": "0 * * * *", "start": "2026-11-01", "end": "2027-12-31", "offer": "九折"}
    return {
        "timezone": draw(ZONES),
        "quiet_hours": {"start": draw(CLOCKS), "end": draw(CLOCKS)},
        "limits": {
            "per_day": draw(st.integers(1, 6)),
            "promotions_per_week": draw(st.integers(0, 2)),
            "deliveries_per_second": 100000,
        },
        "takeover": draw(st.sampled_from(["30m", "2h", "1d"])),
        "payment": {"close": draw(st.sampled_from(["24h", "5d"])), "remind": ["20m", "3h"]},
        "followups": {"review": draw(st.sampled_from(["1d", "7d"]))},
        "vip": {"tiers": [{"name": "all"}]},
        "promotions": {"one": offer, "two": offer, "three": offer},
    }


@st.composite
def lives(draw: st.DrawFn) -> tuple[dict[str, Any], str, list[str], list[tuple[str, Any]]]:
    outcomes = draw(st.lists(st.sampled_from(["well", "well", "refused", "answer lost"]), max_size=12))
    return draw(shop_settings()), draw(ZONES), outcomes, draw(st.lists(STEPS, min_size=3, max_size=40))


async def live(shops: ManyShops, life: tuple[dict[str, Any], str, list[str], list[tuple[str, Any]]]) -> None:
    chosen, zone, outcomes, steps = life
    lived = History(shops.engine(now=NOON, **chosen), zone, outcomes)
    for what, detail in [*steps, ("settle", None), ("wait", HOUR), ("settle", None)]:
        await lived.step(what, detail)
    checker = lived.checker
    note(f"heard {[f'{at:%d. %H:%M} {message.key}' for at, message in checker.first.values()]}")
    assert checker.violations == []
    assert checker.over_cap() == []


def test_whatever_happens_no_message_is_untrue_unwanted_repeated_or_too_much(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=100 if shops.database.dialect == "sqlite" else 15, deadline=None)
        @given(lives())
        def check(life: tuple[dict[str, Any], str, list[str], list[tuple[str, Any]]]) -> None:
            run(live(shops, life))

        check()


# The same, one by one


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


def templates(engine: Engine) -> list[str]:
    return [one.message.template for one in engine.sent]


async def test_no_reminder_leaves_once_the_payment_was_acknowledged(shops: ManyShops) -> None:
    engine = shops.engine()
    ann = Buyer()
    await engine.take(ann.placed())
    await engine.settle()
    engine.clock.now += 20 * MINUTE
    await engine.take(ann.paid(20 * MINUTE))  # answered 200, not handled yet
    for _ in range(5):
        await engine.deliver()
        engine.clock.now += MINUTE
    assert templates(engine) == ["order_confirmation"]
    await engine.settle()
    assert templates(engine) == ["order_confirmation", "payment_received"]


async def test_no_offer_leaves_once_a_refund_was_acknowledged(shops: ManyShops) -> None:
    """It may take the buyer out of the tier that the offer is for."""
    offer = {"tier": "good", "cron": "0 * * * *", "start": "2026-11-01", "end": "2027-01-01", "offer": "九折"}
    engine = shops.engine(vip={"tiers": [{"name": "good", "spent": "100"}]}, promotions={"sale": offer})
    ann = Buyer(agrees=True)
    await engine.take(ann.placed(), ann.paid(timedelta(0)))
    await engine.settle()
    engine.clock.now += 8 * HOUR
    await engine.take(ann.fact("refunded", 8 * HOUR, refund="r"))
    for _ in range(3):
        await engine.deliver()
        engine.clock.now += MINUTE
    await engine.settle()
    assert "vip_promotion" not in templates(engine)
    assert ("skipped",) in await engine.rows(tables.outbox, "state")


MAIL = {"email": {"kind": "email", "host": "127.0.0.1", "port": 9, "tls": "none", "sender": "s@b.example"}}
GUEST = {"name": "安娜", "email": "ann@example.com", "phone": "+8613800008000"}


def stop(channel: str = WEBHOOK, address: tuple[str, str] | None = None, **named: str) -> dict[str, Any]:
    return {"channel": channel, "address": address, "buyer": BuyerRef(**named)}


async def after_a_stop(shops: ManyShops, ref: dict[str, Any], stopped: dict[str, Any]) -> Engine:
    """A shop in which a stop was acknowledged when a reminder was due."""
    engine = shops.engine(channels=MAIL)
    engine.use_channels(FakeChannel(WEBHOOK, engine.clock), FakeChannel("email", engine.clock))
    await engine.take(Buyer().placed(buyer=ref))
    await engine.settle()
    assert templates(engine) == ["order_confirmation"]
    engine.clock.now += 20 * MINUTE
    await engine.take(BuyerOptedOut(external_id="x", at=engine.clock.now, **stopped))
    for _ in range(5):
        await engine.deliver()
        engine.clock.now += MINUTE
    await engine.settle()
    return engine


@pytest.mark.parametrize(
    ("ref", "stopped"),
    [
        ({"id": "ann"}, stop(id="ann")),
        ({"id": "ann", **GUEST}, stop(id="ann")),
        (GUEST, stop(email="ann@example.com")),
        (GUEST, stop("other", id="7", email="Ann@Example.com")),
        (GUEST, stop("link", ("email", "ann@example.com"))),
    ],
    ids=["id", "id of one with a mailbox", "mail", "mail told by another system", "link in a mail"],
)
async def test_nothing_leaves_to_an_address_once_its_stop_was_acknowledged(
    shops: ManyShops, ref: dict[str, Any], stopped: dict[str, Any]
) -> None:
    engine = await after_a_stop(shops, ref, stopped)
    assert templates(engine) == ["order_confirmation"]


@pytest.mark.parametrize(
    "stopped",
    [
        stop(email="ann@example.com"),
        stop(phone="+8613800008000"),
        stop(id="bob"),
        stop("other", id="ann"),
        stop("other", email="ann@example.com", phone="+8613800008000"),
        stop("link", ("email", "ann@example.com")),
    ],
    ids=["mail", "phone", "another's id", "that id in another system", "told by another system", "link"],
)
async def test_a_stop_of_one_address_does_not_silence_another(
    shops: ManyShops, stopped: dict[str, Any]
) -> None:
    engine = await after_a_stop(shops, {"id": "ann", **GUEST}, stopped)
    assert [(one.channel, one.message.template) for one in engine.sent] == [
        (WEBHOOK, "order_confirmation"),
        (WEBHOOK, "payment_reminder"),
    ]


async def test_records_that_share_a_mail_address_stay_two_and_a_stop_is_only_of_its_own(
    shops: ManyShops,
) -> None:
    engine = shops.engine()
    shared = {"email": "ann@example.com", "phone": "+8613800008000"}
    await engine.take(Buyer(at=NOON - HOUR, **shared).placed(), elsewhere("2", id="9", **shared))
    await engine.react()
    assert len(set(dict(await engine.rows(tables.orders, "id", "buyer")).values())) == 2
    await engine.take(BuyerOptedOut(external_id="s", at=NOON, **stop("other", id="9")))
    await engine.settle()
    assert templates(engine)[:1] == ["order_confirmation"]


async def test_an_old_unsubscribe_link_of_a_record_that_was_joined_to_another_stops_its_own_mailbox(
    shops: ManyShops,
) -> None:
    """Older links name a buyer of ours, and older versions joined buyers by what they had typed."""
    engine = shops.engine()
    mailbox = {"email": "bob@example.com"}
    await engine.take(Buyer(at=NOON - HOUR).placed(), elsewhere("2", id="9", **mailbox))
    await engine.react()
    buyers = dict(await engine.rows(tables.orders, "id", "buyer"))
    kept, lost = buyers["1001"], buyers["2"]
    joined = tables.buyers.update().where(tables.buyers.c.shop == engine.shop, tables.buyers.c.id == lost)
    await engine.database.write(lambda link: link.execute(joined.values(joined_to=kept)))
    await engine.take(BuyerOptedOut(channel="link", external_id="s", at=NOON, buyer=BuyerRef(id=lost)))
    await engine.settle()
    assert await engine.rows(tables.wishes, "value", "yes") == [("bob@example.com", False)]
    assert templates(engine) == ["order_confirmation"]


def elsewhere(order: str, **buyer: Any) -> OrderPlaced:
    """An order on a platform that reports orders and sends no messages."""
    return OrderPlaced(
        channel="other",
        external_id=order,
        at=NOON,
        order=order,
        placed_at=NOON,
        total=Money(100, "CNY"),
        buyer=BuyerRef(**buyer),
    )


@pytest.mark.parametrize("text", STOPS)
async def test_a_stop_inside_a_sentence_is_heard(shops: ManyShops, text: str) -> None:
    engine = shops.engine()
    ann = Buyer()
    await engine.take(ann.placed())
    await engine.settle()
    await engine.take(ann.says(text, NOON + MINUTE))
    for _ in range(30):
        engine.clock.now += HOUR
        await engine.settle()
    assert templates(engine) == ["order_confirmation", "stopped"]


async def test_while_a_person_talks_the_bot_is_silent_and_afterwards_goes_on(shops: ManyShops) -> None:
    engine = shops.engine(takeover="2h")
    ann = Buyer()
    await engine.take(ann.placed())
    await engine.settle()
    engine.clock.now += 10 * MINUTE
    await engine.take(ann.is_answered_by_a_person("我是客服小李", engine.clock.now))
    for _ in range(11):
        engine.clock.now += 10 * MINUTE
        await engine.take(ann.says("什么时候发货？", engine.clock.now))
        await engine.settle()
    assert templates(engine) == ["order_confirmation"]
    engine.clock.now += 20 * MINUTE
    await engine.settle()
    assert templates(engine) == ["order_confirmation", "payment_reminder"]


@pytest.mark.parametrize("late", [timedelta(0), 3 * HOUR], ids=["at once", "hours later"])
@pytest.mark.parametrize("by", ["id", "words"])
async def test_the_echo_of_our_own_words_is_no_person(shops: ManyShops, by: str, late: timedelta) -> None:
    engine = shops.engine()
    ann = Buyer()
    await engine.take(ann.placed())
    await engine.settle()
    said = engine.sent[0].message
    echo = ann.is_answered_by_a_person(said.text, engine.clock.now, id=said.id if by == "id" else "elsewhere")
    engine.clock.now += late
    await engine.take(echo)
    await engine.react()
    assert await engine.rows(tables.conversations, "human_until") == [(None,)]


async def test_the_echo_of_a_message_whose_answer_was_lost_is_no_person(shops: ManyShops) -> None:
    engine = shops.engine()
    ann, sent = Buyer(), list[Outgoing]()

    def lose(message: Outgoing) -> None:
        sent.append(message)
        raise DeliveryDelayed("no answer within 15 s")

    engine.channels[WEBHOOK].answer = lose
    await engine.take(ann.placed())
    await engine.settle()
    await engine.take(ann.is_answered_by_a_person(sent[0].text, engine.clock.now, id="elsewhere"))
    await engine.react()
    assert await engine.rows(tables.conversations, "human_until") == [(None,)]


@pytest.mark.parametrize("first_offer", ["waits", "was sent"])
async def test_an_offer_is_made_once_also_when_two_records_become_one(
    shops: ManyShops, first_offer: str
) -> None:
    offer = {"tier": "all", "cron": "0 * * * *", "start": "2026-11-01", "end": "2027-01-01", "offer": "九折"}
    limits = {"promotions_per_week": 9, "per_day": 20}
    engine = shops.engine(vip={"tiers": [{"name": "all"}]}, promotions={"sale": offer}, limits=limits)
    contacts = [{"id": "ann", "agrees": True}, {"phone": "+8613800008000", "agrees": True}]
    at_door, elsewhere = (Buyer().event("buyer.updated", {"buyer": who}, NOON + HOUR) for who in contacts)
    await engine.take(msgspec.structs.replace(elsewhere, at=NOON, external_id="e"), at_door)
    await engine.settle()  # both records get a message
    engine.clock.now += 9 * HOUR if first_offer == "was sent" else timedelta(0)
    await engine.settle()
    both = {"id": "ann", "phone": "+8613800008000"}
    await engine.take(Buyer().event("buyer.updated", {"buyer": both}, NOON + HOUR, id="both"))
    for _ in range(3 * 24):
        await engine.settle()
        engine.clock.now += HOUR
    assert templates(engine) == ["vip_promotion"]

"""Wrong clocks: four days ahead, an hour back, and the nights on which whole countries change theirs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.channels import Outgoing
from storage import tables
from tests.engine import WEBHOOK, Buyer, Engine, FakeChannel, ManyShops, in_many_shops, many_shops
from tests.test_promises import PromiseChecker
from tests.world import NOON, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


class Slow(FakeChannel):
    """Answers when it is let."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(WEBHOOK, engine.clock)
        self.open = asyncio.Event()
        self.asked = asyncio.Event()

    async def send(self, message: Outgoing) -> str | None:
        self.asked.set()
        await self.open.wait()
        return await super().send(message)


def keys(engine: Engine) -> list[str]:
    return [one.message.key for one in engine.sent]


JUMPS = st.lists(
    st.sampled_from([4 * DAY, -HOUR, -4 * DAY, 20 * MINUTE, MINUTE, 3 * HOUR]), min_size=1, max_size=12
)


def test_whatever_the_clock_does_nothing_is_said_twice_or_untrue(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=80 if shops.database.dialect == "sqlite" else 10, deadline=None)
        @given(JUMPS, st.integers(0, 11), st.booleans())
        @example([3 * HOUR] * 4, 3, True)  # from the evening into the night, with a message in hand
        def check(jumps: list[timedelta], paid_after: int, in_hand: bool) -> None:
            run(jumped(shops, jumps, paid_after, in_hand))

        check()


async def jumped(shops: ManyShops, jumps: list[timedelta], paid_after: int, in_hand: bool) -> None:
    engine = shops.engine()
    checker = PromiseChecker(engine.clock, engine.settings, "Asia/Shanghai")
    engine.use_channels(checker)
    ann = Buyer()
    await engine.take(ann.placed())
    checker.facts["1001"].add("placed")
    for number, jump in enumerate(jumps):
        if number == paid_after:
            await engine.take(ann.paid())
            checker.facts["1001"].add("paid")
        await engine.react()
        if in_hand:  # claimed and not yet recorded while the clock jumps
            checker.claimed_at = engine.clock.now
            await engine.program.parts.dispatcher.deliver_due()
            engine.clock.now += jump
            await engine.program.parts.dispatcher.settle_abandoned()
            await engine.program.parts.dispatcher.stop()
            checker.claimed_at = None
        else:
            engine.clock.now += jump
        await engine.settle()
    assert checker.violations == []
    assert checker.over_cap() == []


@pytest.mark.parametrize("jump", [4 * DAY, -HOUR], ids=["four days ahead", "an hour back"])
async def test_what_is_in_hand_while_the_clock_jumps_goes_out_once(shops: ManyShops, jump: timedelta) -> None:
    engine = shops.engine()
    slow = Slow(engine)
    engine.use_channels(slow)
    await engine.take(Buyer().placed())
    await engine.react()
    await engine.program.parts.dispatcher.deliver_due()
    await slow.asked.wait()
    engine.clock.now += jump
    for _ in range(3):
        await engine.program.calendar()
        await engine.program.react()
        await engine.program.parts.dispatcher.deliver_due()
    slow.open.set()
    await engine.program.parts.dispatcher.stop()
    assert keys(engine) == ["order_confirmation:1001"]
    assert (await engine.outbox())["order_confirmation:1001"] == "sent"


async def test_a_lease_outlives_a_clock_that_went_back_only_shortly(shops: ManyShops) -> None:
    """The program died with a message in hand, and the clock was then set back by an hour."""
    engine = shops.engine()
    slow = Slow(engine)
    engine.use_channels(slow)
    await engine.take(Buyer().placed())
    await engine.react()
    await engine.program.parts.dispatcher.deliver_due()
    await slow.asked.wait()
    engine.clock.now -= HOUR
    fresh = shops.another_program(engine)
    await fresh.settle()
    if shops.database.dialect == "sqlite":  # where leases are measured by our own clock
        assert keys(fresh) == ["order_confirmation:1001"]
    slow.open.set()
    await engine.program.parts.dispatcher.stop()


async def test_what_is_held_over_a_jump_ahead_is_not_said_when_it_is_too_late(shops: ManyShops) -> None:
    engine = shops.engine(now=NOON + 14 * HOUR)  # at night
    await engine.take(Buyer(at=NOON + 14 * HOUR - 20 * MINUTE).placed())  # told when its buyer may sleep
    await engine.settle()
    assert engine.sent == []
    engine.clock.now += 4 * DAY
    await engine.settle()
    assert "payment_reminder:1001:1" not in keys(engine)
    assert (await engine.outbox())["order_confirmation:1001"] == "skipped"


async def test_after_a_jump_ahead_and_back_the_rest_is_said_in_its_time(shops: ManyShops) -> None:
    engine = shops.engine()
    ann = Buyer()
    await engine.take(ann.placed())
    await engine.settle()
    engine.clock.now += 4 * DAY
    engine.clock.now -= 4 * DAY
    engine.clock.now += 20 * MINUTE
    await engine.settle()
    assert keys(engine) == ["order_confirmation:1001", "payment_reminder:1001:1"]


async def test_a_deadline_comes_once_however_the_clock_goes(shops: ManyShops) -> None:
    engine = shops.engine(payment={"close": "1d"})
    await engine.take(Buyer().placed())
    for jump in (2 * DAY, -HOUR, -DAY, DAY, 2 * DAY):
        engine.clock.now += jump
        await engine.settle()
    woken = [row for row in await engine.rows(tables.inbox, "external_id", "channel") if row[1] == "clock"]
    names = [key for key, _ in woken]
    assert names[0] == "unpaid_closed:1001"
    assert all(name.startswith("unpaid_closed:1001") for name in names)  # told late, it is longer
    assert len(set(names)) == len(names) <= 2
    assert await engine.rows(tables.cases, "reason") == [("unpaid_closed",)]


# The nights on which clocks are changed

NIGHTS = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/Santiago", "2026-09-06"),  # at midnight
    ("Australia/Lord_Howe", "2026-04-05"),  # by half an hour
]


@pytest.mark.parametrize(("zone", "night"), NIGHTS)
async def test_nobody_is_woken_on_the_night_the_clocks_change(
    database_url: str, zone: str, night: str
) -> None:
    """An order placed the evening before, its journey followed through the door until the next noon."""
    local = ZoneInfo(zone)
    noon = datetime.fromisoformat(f"{night}T12:00").replace(tzinfo=local).astimezone(UTC)
    start = noon - 16 * HOUR
    async with world(database_url, now=start, timezone=zone) as shop:
        sent: list[datetime] = []
        placed: dict[object, datetime] = {}

        def listen(message: dict[str, object]) -> int:
            just_placed = shop.clock.now < placed[message["order"]] + 15 * MINUTE
            if not (message["template"] == "order_confirmation" and just_placed):  # that is an answer
                sent.append(shop.clock.now)
            return 200

        shop.receiver.answers = listen
        for number in range(8):
            at = start + number * HOUR
            await shop.forward(at - shop.clock.now)
            placed[f"10{number}"] = at
            order = order_of(f"10{number}", {"id": f"b{number}", "locale": "en", "timezone": zone}, at)
            assert await shop.post("order.placed", {"order": order}, at) == 200
        await shop.forward(noon - shop.clock.now + DAY)
        asleep = [at for at in sent if not 8 <= at.astimezone(local).hour < 22]
        assert asleep == []
        assert len({m["order"] for m in shop.receiver.messages if m["template"] == "order_confirmation"}) == 8


def order_of(id: str, buyer: dict[str, str], at: datetime) -> dict[str, object]:
    lines = [{"title": "Mug", "quantity": 1, "price": "128.00"}]
    return {"id": id, "placed_at": at, "total": "128.00", "currency": "CNY", "buyer": buyer, "lines": lines}

"""The courier's hands: slow, silent and dead platforms, programs that stop, and answers that got lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import ClassVar, TypeVar

import pytest
from sqlalchemy import Connection, update

from bot.app import Channels
from bot.channels import Outgoing
from bot.deliver.dispatcher import BATCH
from bot.domain.errors import BuyerUnreachable, DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from storage import outbox, schema, tables
from storage.database import Database
from tests.engine import WEBHOOK, Buyer, Engine, FakeChannel, ManyShops, many_shops
from tests.faults.traffic_simulation import until
from tests.world import NOON

T = TypeVar("T")

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


class Chat(FakeChannel):
    """A platform that shows every message, repeats included, and may lose its answers."""

    drops_repeats: ClassVar[bool] = False

    def __init__(self, engine: Engine, loses: int = 0) -> None:
        super().__init__(WEBHOOK, engine.clock)
        self.loses = loses

    async def send(self, message: Outgoing) -> str | None:
        await super().send(message)
        self.loses -= 1
        if self.loses >= 0:
            raise DeliveryUnknown("the answer was lost")
        return None


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


async def live(engine: Engine, time: timedelta, step: timedelta = 30 * SECOND) -> None:
    until = engine.clock.now + time
    await engine.settle()
    while engine.clock.now < until:
        engine.clock.now += step
        await engine.settle()


# Answers that got lost, where the platform does not drop repeats (promise 8)


async def test_a_service_message_whose_answer_was_lost_is_sent_once_more(shops: ManyShops) -> None:
    engine = shops.engine()
    chat = Chat(engine, loses=1)
    engine.use_channels(chat)
    await engine.take(Buyer().placed())
    await live(engine, 5 * MINUTE)
    assert [one.message.key for one in chat.sent] == ["order_confirmation:1001"] * 2
    assert (await engine.outbox())["order_confirmation:1001"] == "sent"


async def test_a_platform_that_loses_every_answer_is_told_twice_and_no_more(shops: ManyShops) -> None:
    engine = shops.engine()
    chat = Chat(engine, loses=1000)
    engine.use_channels(chat)
    await engine.take(Buyer().placed())
    await live(engine, 15 * MINUTE)
    assert [one.message.key for one in chat.sent] == ["order_confirmation:1001"] * 2
    assert (await engine.outbox("state", "reason"))["order_confirmation:1001"] == (
        "unknown",
        f'{{"code":"unknown_left","values":{{"channel":"{WEBHOOK}"}}}}',
    )


async def test_by_the_sellers_rule_it_is_left_as_it_is(shops: ManyShops) -> None:
    engine = shops.engine(unknown={"service": "leave"})
    chat = Chat(engine, loses=1)
    engine.use_channels(chat)
    await engine.take(Buyer().placed())
    await live(engine, 5 * MINUTE)
    assert len(chat.sent) == 1
    assert (await engine.outbox())["order_confirmation:1001"] == "unknown"


async def test_an_offer_whose_answer_was_lost_is_left(shops: ManyShops) -> None:
    dates = {"cron": "0 * * * *", "start": "2026-11-01", "end": "2027-01-01"}
    offer = {"tier": "all", "offer": "九折", "quiet": "0m", **dates}  # also to who has just bought something
    engine = shops.engine(vip={"tiers": [{"name": "all"}]}, promotions={"sale": offer})
    chat = Chat(engine)
    engine.use_channels(chat)
    ann = Buyer(agrees=True)
    await engine.take(ann.placed(), ann.paid(timedelta(0)))
    await engine.settle()
    chat.loses = 1
    await live(engine, 9 * HOUR, step=10 * MINUTE)
    offers = [one for one in chat.sent if one.message.category == "promotion"]
    assert len(offers) == 1
    assert [
        row for row in await engine.rows(tables.outbox, "category", "state") if row[0] == "promotion"
    ] == [("promotion", "unknown")]


async def test_what_is_unknown_is_counted(shops: ManyShops) -> None:
    engine = shops.engine()
    engine.use_channels(Chat(engine, loses=2))
    await engine.take(Buyer().placed())
    await live(engine, 2 * MINUTE)
    labels = {"shop": engine.shop, "outcome": "unknown"}
    counted = engine.program.parts.metrics.registry.get_sample_value("xiaoer_messages_total", labels)
    assert counted is not None
    assert counted >= 2


# Other failures


async def test_a_refused_message_fails_and_is_shown(shops: ManyShops) -> None:
    engine = shops.engine()

    def refuse(message: Outgoing) -> None:
        raise DeliveryRefused("the receiver answered 400")

    engine.channels[WEBHOOK].answer = refuse
    await engine.take(Buyer().placed())
    await live(engine, MINUTE)
    assert (await engine.outbox())["order_confirmation:1001"] == "failed"
    assert ("undeliverable",) in await engine.rows(tables.cases, "kind")


async def test_who_is_gone_from_the_only_channel_is_not_tried_again(shops: ManyShops) -> None:
    engine = shops.engine()
    tried: list[str] = []

    def gone(message: Outgoing) -> None:
        tried.append(message.key)
        raise BuyerUnreachable("the receiver answered 410")

    engine.channels[WEBHOOK].answer = gone
    await engine.take(Buyer().placed())
    await live(engine, 30 * MINUTE)
    assert tried == ["order_confirmation:1001"]


async def test_a_channels_own_fault_is_an_outcome_and_stops_nobody(shops: ManyShops) -> None:
    engine = shops.engine()

    def breaks(message: Outgoing) -> None:
        if message.order == "1001":
            raise ZeroDivisionError("a mistake of ours")

    engine.channels[WEBHOOK].answer = breaks
    await engine.take(Buyer().placed(), Buyer(id="bob", order="1002").placed())
    await live(engine, MINUTE)
    found = await engine.outbox()
    assert (found["order_confirmation:1001"], found["order_confirmation:1002"]) == ("failed", "sent")


async def test_a_message_that_may_have_arrived_counts_for_the_day(shops: ManyShops) -> None:
    engine = shops.engine(limits={"per_day": 1})
    said: list[str] = []

    def loses_the_first(message: Outgoing) -> None:
        said.append(message.key)
        if len(said) == 1:
            raise DeliveryDelayed("no answer within 15 s")

    engine.channels[WEBHOOK].answer = loses_the_first
    ann = Buyer()
    await engine.take(ann.placed(), ann.fact("shipped", HOUR, tracking="A", last=True))
    await live(engine, 10 * HOUR, step=10 * MINUTE)
    assert said == ["order_confirmation:1001"] * 2  # a parcel's notice is no answer, and has no room


# Stopping, starting, waiting


class Gate(Database):
    """A database whose answer to one write can be kept waiting after the commit."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.written: asyncio.Event | None = None
        self.go_on = asyncio.Event()

    async def write(self, work: Callable[[Connection], T]) -> T:
        done = await super().write(work)
        if self.written:
            written, self.written = self.written, None
            written.set()
            await self.go_on.wait()
        return done


async def test_what_a_stopping_program_had_just_claimed_goes_out(database_url: str) -> None:
    async with many_shops(database_url) as first:
        gate = Gate(database_url)
        schema.migrate(gate.engine)
        try:
            engine = ManyShops(gate, first.http).engine()
            await engine.take(Buyer().placed())
            await engine.react()
            gate.written = asyncio.Event()
            claimed = gate.written
            delivering = asyncio.create_task(engine.program.parts.dispatcher.deliver_due())
            await claimed.wait()
            delivering.cancel()
            gate.go_on.set()
            await asyncio.gather(delivering, return_exceptions=True)
            await engine.program.parts.dispatcher.stop()
            assert [one.message.key for one in engine.sent] == ["order_confirmation:1001"]
            assert (await engine.outbox())["order_confirmation:1001"] == "sent"
        finally:
            gate.close()


async def test_a_slow_platform_is_not_a_dead_program(shops: ManyShops) -> None:
    """While we wait for its answer the lease is renewed, so that no other program sends the same."""
    engine = shops.engine()
    slow = Slow(engine)
    engine.use_channels(slow)
    engine.build(lease=timedelta(milliseconds=300))
    courier = engine.program.parts.dispatcher
    await engine.take(Buyer().placed())
    await engine.react()
    await courier.deliver_due()
    await slow.asked.wait()
    (first,) = [row for row in await engine.rows(tables.outbox, "lease_until") if row[0]]
    engine.clock.now += 200 * timedelta(milliseconds=1)
    await asyncio.sleep(0.2)
    await courier.settle_abandoned()
    (later,) = [row for row in await engine.rows(tables.outbox, "lease_until") if row[0]]
    slow.open.set()
    await courier.stop()
    assert later > first
    assert (await engine.outbox())["order_confirmation:1001"] == "sent"


async def test_a_lease_from_a_clock_that_ran_ahead_is_over(shops: ManyShops) -> None:
    engine = shops.engine()
    await engine.take(Buyer().placed())
    await engine.react()
    slow = Slow(engine)
    engine.use_channels(slow)
    courier = engine.program.parts.dispatcher
    await courier.deliver_due()  # and the program dies with the message in hand
    await slow.asked.wait()
    far = NOON + timedelta(days=4000)
    rows = [{"shop": engine.shop, "id": id} for (id,) in await engine.rows(tables.outbox, "id")]
    await shops.database.write(lambda link: outbox.renew(link, [(r["shop"], r["id"]) for r in rows], far))
    fresh = shops.another_program(engine)
    await fresh.settle()
    slow.open.set()
    await courier.stop()
    assert [one.message.key for one in fresh.sent] == ["order_confirmation:1001"]


async def test_a_shop_with_a_record_that_cannot_be_read_does_not_stop_its_neighbour(shops: ManyShops) -> None:
    faulty, whole = shops.neighbours()
    channels = {(each.shop, WEBHOOK): each.channels[WEBHOOK] for each in (faulty, whole)}
    faulty.build(channels=Channels({}, channels))
    for engine in (faulty, whole):
        await engine.take(Buyer().placed())
    await faulty.react()
    spoilt = update(tables.orders).where(tables.orders.c.shop == faulty.shop).values(record='{"id": 7}')
    await shops.database.write(lambda link: link.execute(spoilt))

    await faulty.deliver()

    assert (len(faulty.sent), len(whole.sent)) == (0, 1)
    errors = faulty.program.parts.metrics.registry.get_sample_value(
        "xiaoer_leg_errors_total", {"leg": "deliver"}
    )
    assert errors == 1


async def test_a_shop_with_a_dead_receiver_does_not_stop_its_neighbour(shops: ManyShops) -> None:
    dead, alive = shops.neighbours()
    slow = Slow(dead)
    dead.build(
        channels=Channels({}, {(dead.shop, WEBHOOK): slow, (alive.shop, WEBHOOK): alive.channels[WEBHOOK]})
    )
    orders = [Buyer(id=f"b{number}", order=str(number)).placed() for number in range(BATCH + 50)]
    await dead.take(*orders)
    await alive.take(*orders[:50])
    await dead.react()
    courier = dead.program.parts.dispatcher
    recording = asyncio.create_task(courier.record())

    async def all_heard() -> bool:
        await courier.deliver_due()
        return len(alive.sent) >= 50 and courier.in_hand == BATCH

    await until(all_heard)
    sent = len(alive.sent)
    slow.open.set()
    await courier.stop()
    recording.cancel()
    assert sent == 50
    assert len(slow.sent) == BATCH


async def test_one_buyer_gets_one_message_at_a_time(shops: ManyShops) -> None:
    engine = shops.engine()
    slow = Slow(engine)
    engine.use_channels(slow)
    ann = Buyer()
    await engine.take(ann.placed(), Buyer(order="1002").placed(), Buyer(order="1003").placed())
    await engine.react()
    courier = engine.program.parts.dispatcher
    for _ in range(3):
        await courier.deliver_due()
    assert courier.in_hand == 1
    slow.open.set()
    await courier.stop()


async def test_an_answer_does_not_wait_behind_what_was_due_before_it(shops: ManyShops) -> None:
    engine = shops.engine()
    crowd = [Buyer(id=f"b{number}", order=str(number)).placed() for number in range(2 * BATCH)]
    await engine.take(*crowd)
    await engine.react()
    engine.clock.now += MINUTE
    await engine.take(Buyer().says("你好", engine.clock.now))
    await engine.react()
    await engine.deliver()
    said = [one.message.template for one in engine.sent]
    assert said.count("hello") == 1
    assert len(said) == BATCH


async def test_what_waits_for_a_narrow_channel_is_judged_when_its_turn_comes(shops: ManyShops) -> None:
    """Fifty reminders at a mail server that takes two at a time; meanwhile their payments come."""
    engine = shops.engine()
    slow = Slow(engine)
    slow.at_once = 2
    engine.use_channels(slow)
    buyers = [Buyer(id=f"b{number}", order=str(number)) for number in range(50)]
    await engine.take(*(buyer.placed() for buyer in buyers))
    await engine.react()
    courier = engine.program.parts.dispatcher
    engine.clock.now += 25 * MINUTE
    await courier.deliver_due()
    await courier.deliver_due()
    assert courier.in_hand == 2
    in_hand = {order for order, state in await orders_and_states(engine) if state == "sending"}
    await engine.take(*(buyer.paid(25 * MINUTE) for buyer in buyers))
    slow.open.set()
    for _ in range(75):
        await courier.stop()
        await engine.settle()
    reminded = {one.message.order for one in engine.sent if one.message.template == "payment_reminder"}
    assert reminded <= in_hand


async def orders_and_states(engine: Engine) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await engine.rows(tables.outbox, "order_id", "state")]

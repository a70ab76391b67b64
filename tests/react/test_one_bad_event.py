"""One bad event, message or shop parks or fails by itself; whatever is beside it goes on."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import update

from bot.domain.actions import Action, WakeAt
from bot.domain.context import Context
from bot.domain.events import PaymentReceived
from bot.domain.messages import DueMessage, Facts, MessagePolicy, Reason
from bot.domain.routes import Route
from storage import inbox, read_models, tables
from tests.engine import Buyer, Engine, ManyShops, many_shops
from tests.world import world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


def with_route(engine: Engine, route: Route) -> None:
    """This route comes first."""
    rules = engine.program.parts.rules
    engine.use_rules(msgspec.structs.replace(rules, routes=(route, *rules.routes)))


async def states(engine: Engine) -> dict[str, int]:
    rows = await engine.rows(tables.inbox, "state")
    return {state: rows.count((state,)) for (state,) in rows}


def breaks(event: PaymentReceived, context: Context) -> list[Action]:
    raise KeyError("a mistake of ours")


def cannot_be_written(event: PaymentReceived, context: Context) -> list[Action]:
    return [WakeAt(key="w", at=datetime(2026, 11, 22), what="x")]  # noqa: DTZ001  # without a zone, on purpose


def of_ann(event: PaymentReceived, context: Context) -> bool:
    return event.order == "1001"


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
async def test_a_handler_that_fails_parks_its_event_and_its_facts_count(
    shops: ManyShops, together: bool
) -> None:
    engine = shops.engine()
    with_route(engine, Route(PaymentReceived, breaks, when=of_ann))
    ann, bob = Buyer(), Buyer(id="bob", order="1002")
    for event in (ann.placed(), bob.placed(), ann.paid(MINUTE), bob.paid(MINUTE), ann.fact("shipped", HOUR)):
        await engine.take(event)
        if not together:
            await engine.react()
    await engine.react()
    orders = await engine.orders()
    assert await states(engine) == {"done": 4, "parked": 1}
    assert (orders["1001"].state, orders["1002"].state) == ("shipped", "paid")
    assert [case[0] for case in await engine.rows(tables.cases, "reason")] == ["handler_failed"]
    waiting = {key for key, state in (await engine.outbox()).items() if state == "queued"}
    assert {"payment_received:1002", "shipped:1001:1"} <= {
        ":".join(key.split(":")[:2]) for key in waiting
    } | waiting


async def test_nobody_is_reminded_of_a_payment_whose_handler_failed(shops: ManyShops) -> None:
    engine = shops.engine()
    with_route(engine, Route(PaymentReceived, breaks))
    ann = Buyer()
    await engine.take(ann.placed(), ann.paid(MINUTE))
    for _ in range(24):
        engine.clock.now += HOUR
        await engine.settle()
    assert "payment_reminder" not in [one.message.template for one in engine.sent]


@pytest.mark.parametrize("bad", [0, 7, 60])
async def test_what_cannot_be_written_is_parked_alone(shops: ManyShops, bad: int) -> None:
    engine = shops.engine()
    with_route(engine, Route(PaymentReceived, cannot_be_written, when=of_ann))
    others = [Buyer(id=f"b{number}", order=f"20{number:02}").placed() for number in range(60)]
    await engine.take(*others[:bad], Buyer().paid(), *others[bad:])
    await engine.react()
    assert await states(engine) == {"done": 60, "parked": 1}
    assert len(await engine.orders()) == 60


async def test_money_beyond_what_a_column_holds_is_parked_alone(shops: ManyShops) -> None:
    """PostgreSQL refuses the sum; SQLite takes it. Either way everybody else is served."""
    engine = shops.engine()
    ann = Buyer()
    payments = [
        ann.fact("paid", timedelta(seconds=number), amount="999999999999999.999", currency="KWD")
        for number in range(12)
    ]
    await engine.take(ann.placed(), *payments, Buyer(id="bob", order="1002").placed())
    await engine.react()
    found = await states(engine)
    assert found.get("open", 0) == 0
    assert found["done"] >= 10
    assert {"1001", "1002"} <= set(await engine.orders())


async def test_an_event_of_a_kind_nobody_knows_any_more_is_parked_alone(shops: ManyShops) -> None:
    engine = shops.engine()
    await engine.take(Buyer().placed(), Buyer(id="bob", order="1002").placed())
    first = update(tables.inbox).where(
        tables.inbox.c.shop == engine.shop, tables.inbox.c.thread == "order:1001"
    )
    await shops.database.write(lambda connection: connection.execute(first.values(body='{"type": "old"}')))
    await engine.react()
    assert await states(engine) == {"done": 1, "parked": 1}


async def test_a_parked_event_can_be_tried_again(shops: ManyShops) -> None:
    engine = shops.engine()
    rules = engine.program.parts.rules
    with_route(engine, Route(PaymentReceived, breaks))
    ann = Buyer()
    await engine.take(ann.placed(), ann.paid(MINUTE))
    await engine.react()
    engine.use_rules(rules)
    await shops.database.write(lambda connection: inbox.reopen(connection, engine.shop))
    await engine.react()
    assert await states(engine) == {"done": 2}
    assert any(key.startswith("payment_received:1001:") for key in await engine.outbox())


async def test_the_deadlines_of_an_order_with_a_long_id_come(shops: ManyShops) -> None:
    engine = shops.engine(payment={"close": "1d"})
    await engine.take(Buyer(order="9" * 190).placed(id="long"), Buyer(id="bob", order="1002").placed())
    await engine.react()
    for _ in range(2):  # a waking day to pay, and the night behind it
        engine.clock.now += 25 * HOUR
        await engine.settle()
    assert sorted(case for (case,) in await engine.rows(tables.cases, "reason")) == ["unpaid_closed"] * 2


async def test_a_message_that_cannot_be_judged_fails_alone_and_is_shown(shops: ManyShops) -> None:
    engine = shops.engine()
    policies = engine.program.parts.rules.policies

    def cannot_tell(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
        if due.order == "1001":
            raise OverflowError("date value out of range")
        return None

    broken = MessagePolicy(category="service", lateness=DAY, why_outdated=cannot_tell)
    engine.use_rules(
        msgspec.structs.replace(
            engine.program.parts.rules, policies={**policies, "order_confirmation": broken}
        )
    )
    await engine.take(Buyer().placed(), Buyer(id="bob", order="1002").placed())
    await engine.settle()
    found = await engine.outbox()
    assert found["order_confirmation:1001"] == "failed"
    assert found["order_confirmation:1002"] == "sent"
    assert ("undeliverable",) in await engine.rows(tables.cases, "kind")


async def test_a_delivery_that_cannot_be_read_is_kept_byte_for_byte(database_url: str) -> None:
    """Beside good ones in the same commit."""
    bodies = ['{"type": "order.placed", "data": {"order": "噢"}}'.encode(), b'\xff\x00{"type"', b""]
    async with world(database_url) as shop:
        for number, body in enumerate(bodies):
            assert await shop.deliver(body, f"bad{number}") == 200
        assert await shop.deliver(bodies[0], "again") == 200
        assert await shop.place() == 200
        await shop.settle()
        unread = await shop.program.parts.database.read(
            lambda connection: read_models.unreadable_deliveries(connection, "shop")
        )
        assert {each.body for each in unread} == set(bodies)
        assert shop.receiver.templates == ["order_confirmation"]


async def test_a_time_long_after_all_calendars_is_unreadable_and_not_a_crash(database_url: str) -> None:
    async with world(database_url) as shop:
        assert await shop.place(at=datetime.fromisoformat("9999-12-31T23:59:59+00:00")) == 200
        assert await shop.place("1002", at=datetime.fromisoformat("2199-12-31T23:59:59+00:00")) == 200
        assert await shop.place("1003") == 200
        await shop.settle()
        assert (
            shop.receiver.templates == ["order_confirmation"] * 2
        )  # a clock that is far ahead is not believed

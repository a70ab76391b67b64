"""Several programs on one PostgreSQL share the work of a shop, and of many; none waits for another."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, select, update

from bot.deliver.claim import Claim
from bot.deliver.dispatcher import LEASE
from bot.domain.actions import OpenCase
from bot.react.deadlines import fire_deadlines
from storage import case_records, inbox, outbox, tables
from storage.database import lease_clock
from storage.inbox import inbox_event
from tests.engine import Buyer, Engine, ManyShops, many_shops
from tests.world import NOON

PLACES = 250
TIMEOUT = 60.0  # seconds; a wait for another program's transaction would never end


@pytest.fixture
async def shops(postgres_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(postgres_url) as found:
        yield found


@contextlib.contextmanager
def another_at_work(engine: Engine) -> Iterator[Connection]:
    """A transaction of another program, which has not ended yet."""
    with engine.database.engine.begin() as connection:
        yield connection


def claimed(engine: Engine, connection: Connection, room: int) -> list[Claim]:
    slots = {"webhook": PLACES}
    return engine.program.parts.claimer.claim(connection, engine.clock.now, room, lambda shop: slots)[1]


def reacted(engine: Engine, connection: Connection) -> int:
    found = engine.program.parts.reactor.react_in(connection, [engine.shop], engine.clock)
    return sum(of_shop.handled for _, of_shop in found)


def buyers_of(claims: list[Claim]) -> set[str]:
    return {claim.message.buyer_id for claim in claims}


async def test_two_claim_from_one_shop_at_the_same_time_and_no_buyer_is_both_s(shops: ManyShops) -> None:
    one = shops.engine()
    two = shops.another_program(one)
    for number in range(40):
        await one.take(Buyer(f"b{number}", f"o{number}").placed())
    await one.react()

    with another_at_work(one) as connection:
        first = claimed(one, connection, room=10)
        await asyncio.wait_for(two.deliver(), TIMEOUT)

    assert len(first) == 10
    sent = {each.message.buyer_id for each in two.sent}
    assert len(sent) == 30
    assert not sent & buyers_of(first)


async def test_what_another_holds_is_not_overtaken_by_the_next_message_to_its_buyer(shops: ManyShops) -> None:
    one = shops.engine()
    two = shops.another_program(one)
    await one.take(*(Buyer("ann").says("你好", NOON, f"m{number}") for number in range(3)))
    await one.react()

    with another_at_work(one) as connection:
        (first,) = claimed(one, connection, room=1)  # locks the first of three rows only
        await asyncio.wait_for(two.deliver(), TIMEOUT)
        assert two.sent == []
    await two.deliver()  # it is in hand by now
    assert two.sent == []
    assert first.message.key.startswith("hello:webhook:message:ann:m0")


async def test_a_message_that_is_just_being_withdrawn_is_not_overtaken_either(shops: ManyShops) -> None:
    one = shops.engine()
    await one.take(*(Buyer("ann").says("你好", NOON, f"m{number}") for number in range(2)))
    await one.react()

    with another_at_work(one) as connection:
        oldest = select(tables.outbox.c.id).where(tables.outbox.c.shop == one.shop).order_by("id").limit(1)
        here = update(tables.outbox).where(
            tables.outbox.c.shop == one.shop, tables.outbox.c.id == oldest.scalar_subquery()
        )
        connection.execute(here.values(state="withdrawn"))
        await asyncio.wait_for(one.deliver(), TIMEOUT)
        assert one.sent == []
    await one.deliver()
    assert [each.message.key for each in one.sent] == ["hello_again:webhook:message:ann:m1#message.received"]


@pytest.mark.parametrize("ended", [False, True], ids=["is claiming", "has just claimed"])
async def test_what_is_decided_while_another_claims_waits_for_its_turn(shops: ManyShops, ended: bool) -> None:
    one = shops.engine()
    two = shops.another_program(one)
    await one.take(*(Buyer("ann").says("你好", NOON, f"m{number}") for number in range(2)))
    await one.react()

    with one.database.engine.connect() as connection:
        assert len(claimed(one, connection, room=1)) == 1
        await one.database.write(
            lambda link: due_since_yesterday(link, one.shop, "hello_again:webhook:message:ann:m1")
        )
        if ended:  # after the other saw the message waiting, and before it knew that it claimed it
            before_locking(two, connection.commit)
        await asyncio.wait_for(two.deliver(), TIMEOUT)
    assert two.sent == []


async def test_what_a_dead_program_held_is_not_overtaken_by_a_look_that_began_before_it_was_settled(
    shops: ManyShops,
) -> None:
    dead = shops.engine()
    two = shops.another_program(dead)
    await dead.take(*(Buyer("ann").says("你好", NOON, f"m{number}") for number in range(2)))
    await dead.react()
    with another_at_work(dead) as connection:
        (first,) = claimed(dead, connection, room=1)
        outbox.renew(connection, [(first.shop, first.id)], NOON - timedelta(days=1))

    dead.clock.now += timedelta(seconds=1)
    assert await two.program.parts.dispatcher.settle_abandoned() == 1
    dead.clock.now -= timedelta(seconds=1)  # as it was when the look began

    with another_at_work(two) as connection:
        (next_one,) = claimed(two, connection, room=1)
    assert next_one.message.key == first.message.key


def due_since_yesterday(connection: Connection, shop: str, key: str) -> None:
    here = update(tables.outbox).where(tables.outbox.c.shop == shop, tables.outbox.c.key.startswith(key))
    assert connection.execute(here.values(try_at=NOON - timedelta(days=1))).rowcount == 1


def before_locking(engine: Engine, act: Callable[[], None]) -> None:
    """Let this happen in the middle of the next round, when it has begun and holds no lock yet."""
    waiting = [act]

    @event.listens_for(engine.database.engine, "before_cursor_execute")
    def look(_: object, __: object, statement: str, *more: object) -> None:
        if waiting and "pg_try_advisory_xact_lock" in statement:
            waiting.pop()()


async def test_while_another_reacts_to_one_shop_the_next_one_is_handled(shops: ManyShops) -> None:
    one, other = shops.neighbours()
    await one.take(Buyer("ann", "1").placed())
    await other.take(Buyer("bob", "2").placed())

    with another_at_work(one) as connection:
        reacted(one, connection)
        await asyncio.wait_for(one.program.react(), TIMEOUT)

    assert set(await other.orders()) == {"2"}


async def test_what_came_after_anothers_look_is_handled_soon(shops: ManyShops) -> None:
    engine = shops.engine()
    async with asyncio.timeout(TIMEOUT):
        with another_at_work(engine) as connection:
            reacted(engine, connection)
            await engine.take(Buyer("ann", "1").placed())
            await engine.program.parts.workers.react.woken()
            assert await engine.program.react() == 0
        await engine.program.parts.workers.react.woken()
        assert await engine.program.react() == 1


async def test_what_is_decided_later_is_due_later_whoever_looked_at_the_clock_first(shops: ManyShops) -> None:
    one = shops.engine()
    two = shops.another_program(one)
    arrivals = [
        inbox_event(one.shop, Buyer("ann").says("你好", NOON, f"m{number}"), NOON) for number in (0, 1)
    ]
    await one.database.write(lambda link: inbox.add(link, arrivals[:1]))

    def handle_the_first() -> None:
        one.clock.now += timedelta(seconds=1)
        with another_at_work(one) as connection:
            assert reacted(one, connection) == 1
        with another_at_work(one) as connection:
            inbox.add(connection, arrivals[1:])

    before_locking(two, handle_the_first)
    assert await two.program.react() == 1

    due = [at for (_, at) in await one.rows(tables.outbox, "id", "due_at")]
    assert len(due) == 2
    assert due == sorted(due)


@pytest.mark.parametrize(("ahead", "followed"), [(10, True), (3600, False)])
async def test_words_keep_their_order_between_clocks_that_differ_a_little(
    shops: ManyShops, ahead: int, followed: bool
) -> None:
    """And a clock that is an hour ahead does not take all others along."""
    one = shops.engine()
    behind, early = one.clock.now, one.clock.now + timedelta(seconds=ahead)
    for number, now in enumerate((early, behind)):
        one.clock.now = now
        await one.take(Buyer("ann").says("你好", NOON, f"m{number}"))
        await one.react()

    due = [at for (_, at) in sorted(await one.rows(tables.outbox, "id", "due_at"))]
    assert due == [early, early if followed else behind]


async def test_cases_that_are_opened_at_the_same_moment_are_both_kept(shops: ManyShops) -> None:
    engine = shops.engine()

    def open_case(connection: Connection, about: str) -> int | None:
        opened = OpenCase(kind="fault", key=f"fault:{about}", reason="handler_failed", details={})
        case = case_records.open_case(connection, engine.shop, opened, None, NOON)
        return case.number if case else None

    with another_at_work(engine) as connection:
        assert open_case(connection, "1") == 1
        waiting = asyncio.create_task(engine.database.write(lambda link: open_case(link, "2")))
        await asyncio.sleep(0.3)
    assert await asyncio.wait_for(waiting, TIMEOUT) == 2
    assert await engine.database.write(lambda link: open_case(link, "2")) is None


async def test_a_second_clock_neither_waits_for_the_first_nor_rings_again(shops: ManyShops) -> None:
    engine = shops.engine()
    await engine.take(Buyer().placed())
    await engine.react()
    engine.clock.now += timedelta(days=30)  # the order was to be closed long ago

    with another_at_work(engine) as connection:
        assert fire_deadlines(connection, engine.clock.now) == 1
        assert await asyncio.wait_for(engine.program.calendar(), TIMEOUT) == 0
    assert await engine.program.calendar() == 0
    assert [what for (what,) in await engine.rows(tables.inbox, "type")].count("time.came") == 1


async def test_a_message_claimed_since_the_clock_was_read_was_not_left_behind(shops: ManyShops) -> None:
    engine = shops.engine()
    await engine.take(Buyer().placed())
    await engine.react()

    with another_at_work(engine) as looking:
        now = lease_clock(looking, NOON)
        with another_at_work(engine) as connection:
            assert len(claimed(engine, connection, room=1)) == 1
        assert list(outbox.abandoned(looking, {engine.shop}, now, LEASE)) == []

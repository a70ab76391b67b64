"""Figures and tiers are summed up at night, page by page, once; what arrives in between is known soon."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain.events import Line
from bot.domain.money import Money
from bot.domain.payments import Paid
from bot.domain.segments import At
from bot.domain.shop import Shop
from bot.domain.tiers import night_after, night_before
from bot.react import nights
from bot.react.nights import Nights
from storage import figure_records, night_records, segments, tables, tier_records
from storage.database import Database
from tests.one_shop import DAY, HOUR, MINUTE, SHOP_ID, ann, bob, order, placed, save, take
from tests.one_shop import rows as rows_of
from tests.world import NOON

TIERS = ({"name": "gold", "orders": 3}, {"name": "silver", "spent": "100"})
POINTS = ({"name": "gold", "rfm": 13}, {"name": "silver", "rfm": 9, "orders": 2})
SHOP: dict[str, Any] = {"name": "Mug House", "locale": "en", "timezone": "UTC", "currency": "CNY"}


def shop(*tiers: Any, **segments_: str) -> Shop:
    return Shop(**SHOP, vip={"tiers": tiers or TIERS}, segments=segments_)


def paid(id: str, buyer: str, minor: int = 5000, at: datetime = NOON - DAY, sku: str = "mug") -> Any:
    """An order that was paid in full."""
    money = Money(minor, "CNY")
    line = Line(title=f"A {sku}", sku=sku, quantity=1, price=money)
    payment = Paid(id=f"p{id}", at=at, amount=money, source="web")
    return order(id, buyer, placed_at=at, shown_at=at, total=money, lines=(line,), payments=(payment,))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


async def run(database: Database, work: Nights, now: datetime) -> int:
    """All that is to be done; returns how often something was."""
    times = 0
    while await work.run(database, now):
        times += 1
    return times


async def kept(database: Database) -> dict[str, str]:
    wanted = select(tables.tiers.c.buyer, tables.tiers.c.tier).where(*tier_records.kept_now(SHOP_ID))
    return {row.buyer: row.tier for row in await database.read(lambda link: link.execute(wanted).all())}


async def put(database: Database, *records: Any) -> None:
    await database.write(lambda connection: save(connection, *records))


async def test_a_shop_without_tiers_or_segments_is_left_alone(database: Database) -> None:
    work = Nights({SHOP_ID: Shop(**SHOP)})

    assert not work.any
    assert await run(database, work, NOON) == 0


async def test_the_first_night_is_made_up_for_at_once_and_the_next_comes_in_its_time(
    database: Database,
) -> None:
    await put(database, ann(), bob(), *(paid(f"1{n}", "ann") for n in range(3)), paid("2", "bob", 10_000))
    work = Nights({SHOP_ID: shop()})
    await run(database, work, NOON)
    assert await kept(database) == {"ann": "gold", "bob": "silver"}
    assert work.next_start == night_after(NOON, shop().zone())

    await put(database, paid("11", "ann", 5000, NOON - 400 * DAY))
    await run(database, work, NOON + HOUR)
    assert (await kept(database))["ann"] == "gold"
    await run(database, work, NOON + DAY)

    assert await kept(database) == {"ann": "silver", "bob": "silver"}
    history = await database.read(lambda connection: tier_records.history_of(connection, SHOP_ID, "ann"))
    assert [(row.tier, row.since, row.until) for row in history] == [
        ("silver", NOON + DAY, None),
        ("gold", NOON, NOON + DAY),
    ]
    assert (history[0].orders, history[0].spent_minor) == (2, 10_000)


async def test_points_by_fifths_decide_among_a_hundred_and_thresholds_among_fewer(database: Database) -> None:
    buyers = [ann(id=f"b{number:03}") for number in range(100)]
    orders = [
        paid(f"{n}-{m}", f"b{n:03}", 1000 + 10 * n, NOON - (101 - n) * DAY)
        for n in range(100)
        for m in range(1 + n // 50)
    ]
    await put(database, *buyers[:99], *(each for each in orders if each.buyer != "b099"))
    await run(database, Nights({SHOP_ID: shop(*POINTS)}), NOON)
    few = await kept(database)
    assert few == {f"b{n:03}": "silver" for n in range(50, 99)}

    await put(database, *buyers, *orders)
    await run(database, Nights({SHOP_ID: shop(*POINTS)}), NOON + DAY)

    many = await kept(database)
    # 5 + 3 + 5 for the last fifth, whose two orders they share with as many others; 3 + 3 + 3 from b050 on
    assert many == {f"b{n:03}": "gold" if n >= 80 else "silver" for n in range(50, 100)}
    night = await database.read(lambda connection: night_records.latest(connection, SHOP_ID))
    assert night is not None
    assert night.buyers == 100
    assert night.cuts is not None


async def test_a_night_goes_on_where_it_was_killed_and_two_programs_do_it_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nights, "PAGE", 3)
    buyers = [ann(id=f"b{number}") for number in range(10)]
    await put(database, *buyers, *(paid(f"o{n}", f"b{n}", 20_000) for n in range(10)))
    one = Nights({SHOP_ID: shop()})
    for _ in range(3):  # begins, and two pages
        await one.run(database, NOON)
    half = await database.read(lambda connection: rows_of(connection, tables.figures, "buyer"))
    assert half == [(f"b{n}",) for n in range(6)]

    two, three = Nights({SHOP_ID: shop()}), Nights({SHOP_ID: shop()})
    while sum(await asyncio.gather(two.run(database, NOON), three.run(database, NOON))):
        pass

    assert await kept(database) == {f"b{n}": "silver" for n in range(10)}
    rows = await database.read(lambda connection: rows_of(connection, tables.tiers, "buyer", "since"))
    assert rows == [(f"b{n}", NOON) for n in range(10)]
    assert len(await database.read(lambda connection: rows_of(connection, tables.nights, "slot"))) == 1


async def test_what_arrives_is_in_the_figures_minutes_later(database: Database) -> None:
    await put(database, ann(), paid("1001", "ann", 5000))
    work = Nights({SHOP_ID: shop(regulars="orders >= 2", mugs="bought mug", pots="bought pot")})
    await run(database, work, NOON)
    assert await members(database, "regulars") == []
    assert await members(database, "mugs") == ["ann"]

    def arrive(connection: Any) -> None:
        save(connection, paid("1002", "ann", 7000, NOON, "pot"))
        take(connection, placed("1002"), now=NOON + MINUTE)

    await database.write(arrive)
    await run(database, work, NOON + 6 * MINUTE)
    assert await members(database, "regulars") == []  # not handled yet
    handled = update(tables.inbox).values(state="done")
    await database.write(lambda connection: connection.execute(handled))
    await run(database, work, NOON + 12 * MINUTE)

    assert await members(database, "regulars") == ["ann"]
    assert await members(database, "pots") == ["ann"]


async def members(database: Database, name: str) -> list[str]:
    settings = shop(regulars="orders >= 2", mugs="bought mug", pots="bought pot")
    at = segments_at(settings, NOON)
    tree = settings.segment_trees[name]
    return await database.read(lambda connection: segments.members(connection, SHOP_ID, tree, at))


async def test_who_is_no_more_leaves_no_figures(database: Database) -> None:
    await put(database, ann(), bob(), *(paid(f"1{n}", "ann") for n in range(3)), paid("2", "bob", 10_000))
    await run(database, Nights({SHOP_ID: shop(all="orders > 0")}), NOON)
    gone = update(tables.buyers).where(tables.buyers.c.id == "ann").values(joined_to="bob")
    await database.write(lambda connection: connection.execute(gone))

    await run(database, Nights({SHOP_ID: shop(all="orders > 0")}), NOON + DAY)

    assert await database.read(lambda connection: rows_of(connection, tables.figures, "buyer")) == [("bob",)]
    assert await kept(database) == {"bob": "silver"}
    assert await database.read(lambda connection: rows_of(connection, tables.bought, "buyer")) == [("bob",)]


async def test_other_settings_are_not_kept_waiting_until_night(database: Database) -> None:
    await put(database, ann(), paid("1", "ann", 20_000))
    await run(database, Nights({SHOP_ID: shop()}), NOON)
    assert await kept(database) == {"ann": "silver"}

    work = Nights({SHOP_ID: shop({"name": "gold", "orders": 1})})
    await run(database, work, NOON + HOUR)
    assert await kept(database) == {"ann": "gold"}
    old = Nights({SHOP_ID: shop()})  # another program, not restarted yet, changes it once at most
    await run(database, old, NOON + 2 * HOUR)
    assert await run(database, work, NOON + 3 * HOUR) == 0


@pytest.mark.parametrize(
    ("now", "before", "after"),
    [
        ("2026-03-29T01:29+00:00", "2026-03-28T02:30+00:00", "2026-03-29T01:30+00:00"),
        ("2026-03-29T01:30+00:00", "2026-03-29T01:30+00:00", "2026-03-30T01:30+00:00"),
        ("2026-10-25T03:00+00:00", "2026-10-25T02:30+00:00", "2026-10-26T02:30+00:00"),
    ],
)
def test_a_night_is_the_shops_own(now: str, before: str, after: str) -> None:
    zone = Shop(name="x", timezone="Europe/Berlin").zone()
    at = datetime.fromisoformat(now)

    assert night_before(at, zone) == datetime.fromisoformat(before)
    assert night_after(at, zone) == datetime.fromisoformat(after)


def segments_at(settings: Shop, now: datetime) -> Any:
    return At(now=now, zone=settings.zone(), close=settings.payment.close)


def test_a_page_is_no_more_than_it_says(connection: Any) -> None:
    buyers: Iterable[Any] = [ann(id=f"b{number}") for number in range(5)]
    save(connection, *buyers)

    changes = figure_records.changes_of_page(connection, SHOP_ID, shop(), "b0", 2, NOON, False)

    assert [each.buyer for each in changes.saved] == ["b1", "b2"]
    assert changes.until == "b2"

"""How both databases go about every query when their tables are large: by an index, and nothing is sorted."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from bench.growth.filling import FilledShop
from bot.operations.archive import Archiver
from tests.world import NOON, World, world

LARGE = ("outbox", "inbox", "orders", "buyers", "identities")
FEW = 1000  # rows that may be sorted: what one batch, one page or one buyer has
LISTS = ("messages", "messages?state=failed", "cases", "orders", "events/parked", "unreadable")
# What goes through all that waits, and may: seldom enough to take a hundredth of the time, or in no journey.
COUNTS = ("SELECT outbox.shop, count(*)", "SELECT count(*) AS count_1 \nFROM (SELECT inbox.shop")
# A page of the nightly sums: of a thousand buyers, and here a third of all orders are theirs.
NIGHTLY = (
    "SELECT orders.shop, orders.buyer, orders.channel, orders.state, orders.placed_at",
    "\n    WITH summed AS (",
)
BY_HAND = ("SELECT min(outbox.try_at)", "SELECT min(wakes.at)")
OFFERS: dict[str, Any] = {
    "vip": {"tiers": [{"name": "all"}]},
    "promotions": {
        "sale": {
            "tier": "all",
            "cron": "0 10 * * *",
            "start": "2026-11-01",
            "end": "2026-12-31",
            "offer": "九折",
        }
    },
    "api_tokens": ["a token only for tests"],
}


async def test_no_query_goes_through_a_large_table_or_sorts_one(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, **OFFERS) as shop:
        filled = FilledShop(database_url, NOON)
        filled.wait_for(8_000, lambda messages: None)
        filled.grow_old(40_000, lambda rows: None)
        filled.close()
        asked: dict[str, Any] = {}
        engine = shop.program.parts.database.engine

        @event.listens_for(engine, "before_cursor_execute")
        def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            if statement.lstrip().startswith(("SELECT", "UPDATE", "WITH", "INSERT", "DELETE")):
                asked.setdefault(statement, parameters)

        await live(shop, tmp_path)
        event.remove(engine, "before_cursor_execute", remember)
        asked = {one: given for one, given in asked.items() if not one.startswith(COUNTS + NIGHTLY + BY_HAND)}
        steps = steps_of_sqlite if engine.dialect.name == "sqlite" else steps_of_postgresql
        with engine.connect() as connection:
            careless = [
                f"{step} in {statement[:100]} ... {statement[-500:]}"
                for statement, given in asked.items()
                if "alembic" not in statement and "pg_catalog" not in statement
                for step in steps(connection, statement, given)
            ]
    assert len(asked) > 45
    assert careless == []


async def live(shop: World, archive: Path) -> None:
    """Some days of one order among many, with the archive's sweep, a look from outside, and every list."""
    await shop.place(buyer="ann")
    await shop.settle()
    await shop.fact("paid", paid_at=NOON, amount="128.00", currency="CNY")
    await shop.say("我的包裹到哪了 #1001")
    await shop.say("我要投诉，转人工")
    await shop.fact("shipped", tracking="TR7", carrier="SF")
    await shop.settle()
    shop.clock.now += timedelta(hours=22)
    await shop.settle()
    program = shop.program
    shops, keep = (
        program.parts.config.shops,
        timedelta(days=360),
    )  # of a year that is over some days are older
    assert await Archiver(program.parts.database, shops, archive, keep, shop.clock, pause=0).sweep() > 100
    headers = {"Authorization": "Bearer a token only for tests"}
    pages = ["/readyz", "/metrics", *(f"/api/v1/shops/shop/{name}" for name in LISTS)]
    for page in pages:
        async with shop.http.get(f"{shop.url}{page}", headers=headers) as answer:
            await answer.read()


# SQLite tells its steps in words


def steps_of_sqlite(connection: Connection, statement: str, given: Any) -> Iterator[str]:
    """Those that read a large table from one end to the other, or sort what they did not narrow first."""
    rows = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
    for step in rows:
        name = step.split()[1] if step.startswith(("SCAN", "SEARCH")) else ""
        if name not in LARGE or walks_to_a_limit(statement, rows):
            continue
        if step.startswith("SCAN") or (step.endswith("(shop=?)") and not small(step)):
            yield step


def walks_to_a_limit(statement: str, rows: list[str]) -> bool:
    """A page in the order of an index ends where its limit does."""
    return "LIMIT" in statement and not any("TEMP B-TREE FOR ORDER" in row for row in rows)


def small(step: str) -> bool:
    """A partial index over what is in hand, parked or open; or the few channels of a shop."""
    names = ("outbox_sending", "inbox_open", "inbox_parked", "placing_channels")
    return any(name in step for name in names)


# PostgreSQL tells them as a tree, with what it expects


def steps_of_postgresql(connection: Connection, statement: str, given: Any) -> Iterator[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar_one()
    yield from _careless(plan[0]["Plan"], False)


def _careless(node: Mapping[str, Any], limited: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    if kind == "Seq Scan" and table in LARGE:
        yield f"Seq Scan of {table}"
    if kind == "Sort" and node["Plan Rows"] > FEW:
        yield f"Sort of {node['Plan Rows']} rows"
    if table in LARGE and node["Plan Rows"] > FEW and not limited:
        yield f"{kind} of {node['Plan Rows']} rows of {table}"
    for below in node.get("Plans", ()):
        yield from _careless(below, kind == "Limit" or (limited and kind not in ("Sort", "Hash")))

"""The shop leads: every key has it and every query of a journey names it, so tables can be spread by shop."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint, event
from sqlalchemy.engine import Engine

from storage import schema
from storage.database import Database
from storage.tables import counter, life, metadata, positions
from tests.world import NOON, World, world

# Of no shop: what SQLite alone uses, a row for each part of the log in front, and a row for the whole.
SHOPLESS = (counter, positions, life)
TABLES = [table for table in metadata.sorted_tables if table not in SHOPLESS]

# What goes through all shops, by how it begins, and why it may: on tables spread by shop each of these asks
# every part once, and its answer is small.
ACROSS = {
    "WITH RECURSIVE found(shop)": "finds the shops that have work, from shop to shop through an index",
    "SELECT count(*) AS count_1 FROM (SELECT inbox.shop": "health: how many events are open",
    "SELECT outbox.shop, count(*)": "metrics: how many messages wait, by shop",
    "SELECT min(outbox.try_at)": "only where time is moved by hand: when the next message is due",
    "SELECT life.": "whether the outbox is held: one row",
    "SELECT min(wakes.at)": "only where time is moved by hand: when the next deadline comes",
    "SELECT min(campaigns.next_at)": "likewise, when the pace of a campaign lets it go on",
    "SELECT outbox.shop FROM outbox WHERE outbox.state": "the shops with something due, likewise",
    "SELECT min(restocks.at)": "likewise, when more buyers are to be told of what is back",
    "SELECT restocks.": "the items that are back, of which buyers are to be told",
    "SELECT wakes.": "the deadlines that have come, so that shops without one cost nothing",
}
# Indexes through which the little that is due is found in all shops at once; each part has its own.
TIME_LEADS = {"outbox_due_at", "wakes_due", "restocks_due"}
NO_TABLE = ("SELECT nextval", "SELECT pg_try_advisory", "SELECT clock_timestamp", "SELECT name FROM unnest")
OTHERS = ("SELECT alembic_version",)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_shop_is_in_every_key_and_leads_every_index(table: Table) -> None:
    keys = [
        one
        for one in table.constraints
        if isinstance(one, PrimaryKeyConstraint | UniqueConstraint | ForeignKeyConstraint)
    ]
    assert all("shop" in one.columns for one in keys)
    leaders = {index.name: next(iter(index.columns)).name for index in table.indexes}
    assert {name for name, leader in leaders.items() if leader != "shop"} <= TIME_LEADS
    assert table.primary_key.columns.keys()[0] == "shop"


@pytest.fixture
def offers() -> dict[str, Any]:
    offer = {
        "tier": "all",
        "cron": "0 10 * * *",
        "start": "2026-11-01",
        "end": "2026-12-31",
        "offer": "九折",
    }
    return {
        "vip": {"tiers": [{"name": "all"}]},
        "promotions": {"sale": offer},
        "seller": {"email": "li@shop.example"},
        "api_tokens": ["a token only for tests"],
    }


async def test_every_query_of_a_journey_names_the_shop(postgres_url: str, offers: dict[str, Any]) -> None:
    async with world(postgres_url, **offers) as shop:
        asked = Asked(shop.program.parts.database.engine)
        await live(shop)
        asked.stop()
        with shop.program.parts.database.engine.connect() as connection:
            careless = [
                f"{relation} in {statement[:300]}"
                for statement, parameters in asked.statements.items()
                for relation in without_shop(connection, statement, parameters)
            ]
    assert len(asked.statements) > 45
    assert careless == []
    assert {beginning for beginning in ACROSS if beginning in asked.beginnings} == set(ACROSS)


async def live(shop: World) -> None:
    """A day of a shop, with what may go wrong in it."""
    await shop.place(buyer="ann")
    await shop.settle()
    await shop.fact("paid", paid_at=NOON, amount="128.00", currency="CNY")
    await shop.say("我的包裹到哪了 #1001")
    await shop.say("我要投诉，转人工")
    await shop.settle()
    shop.receiver.answers = lambda message: 503
    await shop.place("1002", buyer="bob")
    await shop.settle()
    shop.receiver.answers = lambda message: 410
    await shop.place("1003", buyer="cleo")
    await shop.fact("shipped", order="1001", tracking="TR7", carrier="SF")
    await shop.settle()
    shop.receiver.answers = lambda message: 200
    await shop.deliver(b'{"type": "order.placed", "data": 7}', "odd")
    await shop.say("退订", buyer="bob")
    await shop.forward(timedelta(days=2))
    headers = {"Authorization": "Bearer a token only for tests"}
    for page in ("/readyz", "/metrics", "/api/v1/shops/shop/cases", "/api/v1/shops/shop/messages"):
        async with shop.http.get(f"{shop.url}{page}", headers=headers) as answer:
            await answer.read()


class Asked:
    """What an engine is asked, each statement once, with parameters that it once had."""

    def __init__(self, engine: Engine) -> None:
        self.statements: dict[str, Any] = {}
        self.beginnings: set[str] = set()
        self._engine = engine
        event.listen(engine, "before_cursor_execute", self._remember)

    def stop(self) -> None:
        event.remove(self._engine, "before_cursor_execute", self._remember)

    def _remember(self, _: Any, __: Any, statement: str, parameters: Any, *more: Any) -> None:
        words = " ".join(statement.split())
        known = [beginning for beginning in ACROSS if words.startswith(beginning)]
        self.beginnings.update(known)
        if not known and not words.startswith(NO_TABLE + OTHERS) and "pg_catalog" not in words:
            many = isinstance(parameters, list)
            self.statements.setdefault(statement, parameters[0] if many else parameters)


def without_shop(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """The tables that this statement would look through, or write to, without saying in which shop."""
    asked = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON, VERBOSE) {statement}", parameters)
    plan = asked.scalar_one()
    ((root,),) = [json.loads(plan) if isinstance(plan, str) else plan]
    return [
        node["Relation Name"]
        for node, said in nodes(root["Plan"], "")
        if node.get("Relation Name") in metadata.tables
        and not (_puts_in(node, statement) if node["Node Type"] == "ModifyTable" else _names_it(node, said))
    ]


def nodes(node: Mapping[str, Any], above: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every step of a plan, and the conditions that it and the steps above it are under."""
    own = " ".join(str(value) for key, value in node.items() if key.endswith(("Cond", "Filter")))
    said = f"{above} {own}"
    yield node, said
    for below in node.get("Plans", ()):
        yield from nodes(below, said)


def _names_it(node: Mapping[str, Any], said: str) -> bool:
    return f"{node['Alias']}.shop" in said


def _puts_in(node: Mapping[str, Any], statement: str) -> bool:
    """Rows that are changed were found below this step; new ones have to bring their shop."""
    return node["Operation"] != "Insert" or "shop" in statement.partition(")")[0]


CARELESS = {
    "SELECT text FROM outbox WHERE id = 1": ["outbox"],
    "UPDATE outbox SET text = 'x' WHERE key = 'k'": ["outbox"],
    "SELECT o.text FROM outbox o JOIN orders ON orders.id = o.order_id WHERE o.shop = 's'": ["orders"],
    "SELECT o.text FROM outbox o JOIN orders ON orders.shop = o.shop WHERE o.shop = 's'": [],
    "UPDATE outbox SET text = 'x' WHERE shop = 's' AND key = 'k'": [],
}


def test_the_judge_of_plans_sees_a_query_without_a_shop(postgres_url: str) -> None:
    database = Database(postgres_url)
    schema.migrate(database.engine)
    with database.engine.connect() as connection:
        found = {statement: set(without_shop(connection, statement, None)) for statement in CARELESS}
    database.close()
    assert found == {statement: set(tables) for statement, tables in CARELESS.items()}

"""How queries narrow what they read: those of a journey to less than a shop, of a buyer to young messages."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, insert, text

from bot.domain.messages import Reason
from storage import audit_queries, history, outbox, tables
from storage.asking import ask
from storage.database import Database
from tests.one_shop import DAY, SHOP_ID
from tests.world import NOON, world

MEANT = (
    "SCAN life",
    "SCAN json_each",
    "SCAN (subquery",
    "SCAN anon",
    "SCAN new",
    "SCAN found",
    "SCAN CONSTANT ROW",
)
# Partial indexes over what still wants something may be read from end to end, and a shop's few channels.
SMALL = (
    "placing_channels",
    "inbox_open",
    "outbox_due",
    "outbox_sending",
    "wakes_due",
    "inbox_parked",
    "buyers_agreeing",
    "erased USING PRIMARY KEY",  # one row of it is enough: whether a shop has erased anybody
)


def reads_a_whole_shop(step: str) -> bool:
    if any(step.startswith(meant) for meant in MEANT) or any(small in step for small in SMALL):
        return False
    return step.startswith("SCAN") or step.endswith("(shop=?)")


async def test_no_query_of_a_journey_goes_through_all_of_a_shop(tmp_path: Path) -> None:
    asked: dict[str, Any] = {}
    promise = {
        "since": "order.paid",
        "until": "order.shipped",
        "within": "1m",
        "counted": "clock",
        "warn": False,
    }
    async with world(f"sqlite:///{tmp_path}/shop.db", promises={"ships": promise}) as shop:
        engine = shop.program.parts.database.engine

        @event.listens_for(engine, "before_cursor_execute")
        def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            if statement.lstrip().startswith(("SELECT", "UPDATE", "WITH", "INSERT")):
                asked.setdefault(statement, parameters)

        await shop.place()
        await shop.settle()
        await shop.fact("paid", paid_at=NOON, amount="128.00", currency="CNY")
        await shop.say("我的包裹到哪了 #1001")
        await shop.settle()
        await shop.forward(timedelta(minutes=12))
        assert "promise_missed" in shop.receiver.templates
        event.remove(engine, "before_cursor_execute", remember)

        with engine.connect() as connection:
            steps = {
                (statement, row[3])
                for statement, parameters in asked.items()
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            }
    assert len(asked) > 20
    found = sorted({f"{step} of {statement[:200]}" for statement, step in steps if reads_a_whole_shop(step)})
    assert not found, "\n".join(found)
    assert not [step for _, step in steps if "promises_due" in step], "all that was missed in half a year"


def test_what_a_buyer_heard_lately_is_read_of_their_young_messages_alone(database_url: str) -> None:
    database = Database(database_url)
    asked: list[tuple[str, Any]] = []
    with database.engine.connect() as connection, connection.begin():
        connection.execute(insert(tables.outbox), [_sent_long_ago(number) for number in range(3_000)])
        if database.dialect == "postgresql":  # which does so by itself, sooner or later
            connection.execute(text("ANALYZE outbox"))

        @event.listens_for(connection, "before_cursor_execute")
        def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        ask(connection, SHOP_ID, history.heard_of_us({"ann"}, (), NOON))
        audit_queries.sendings_to(connection, SHOP_ID, "ann", NOON - DAY, NOON)
        event.remove(connection, "before_cursor_execute", remember)
        plans = [_plan(connection, statement, parameters) for statement, parameters in asked]
    database.close()

    assert len(plans) == 3
    narrowed = "<expr>>?" if database.dialect == "sqlite" else "EXTRACT(epoch FROM"
    assert [plan for plan in plans if narrowed not in plan] == []


def test_waiting_messages_are_changed_by_their_keys_however_many_wait(postgres_url: str) -> None:
    """In a table that grew since the server last looked at it, where it takes all that wait for a few."""
    database = Database(postgres_url)
    asked: list[tuple[str, Any]] = []
    with database.engine.connect() as connection, connection.begin():
        connection.execute(insert(tables.outbox), [_waiting(number) for number in range(10_000)])

        @event.listens_for(connection, "before_cursor_execute")
        def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        why = {f"hello:{number}": Reason("no_order", {}) for number in range(60)}
        ask(connection, SHOP_ID, outbox.withdraw(why, NOON))
        event.remove(connection, "before_cursor_execute", remember)
        ((statement, parameters),) = asked
        steps = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
    database.close()

    assert any("Index Scan using outbox_shop_key_once" in step for step in steps), "\n".join(steps)


def _waiting(number: int) -> dict[str, Any]:
    same = {"shop": SHOP_ID, "buyer": f"b{number}", "template": "hello", "version": "v", "rule": "r"}
    times = {"created_at": NOON, "due_at": NOON, "try_at": NOON, "lateness": 172_800}
    said = {"values": "{}", "category": "service", "state": "queued", "attempts": 0}
    return {"id": number, "key": f"hello:{number}", **same, **times, **said}


def _sent_long_ago(number: int) -> dict[str, Any]:
    at = NOON - timedelta(hours=8 * number)
    same = {"shop": SHOP_ID, "buyer": "ann", "template": "hello", "version": "v", "category": "service"}
    times = {"created_at": at, "due_at": at, "try_at": at, "settled_at": at, "lateness": 172_800}
    said = {"values": "{}", "rule": "r", "state": "sent", "text": "Hello", "attempts": 1}
    return {"id": number, "key": f"hello:{number}", **same, **times, **said}


def _plan(connection: Connection, statement: str, parameters: Any) -> str:
    """What it seeks in the indexes of the outbox."""
    if connection.dialect.name == "sqlite":
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row[3] for row in steps if "outbox_of_buyer" in row[3])
    steps = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return "\n".join(row[0] for row in steps if "Index Cond" in row[0])

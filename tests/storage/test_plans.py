"""How SQLite goes about the queries of a journey: by an index that narrows, never through all of a shop."""

from pathlib import Path
from typing import Any

from sqlalchemy import event

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
# Partial indexes over the few rows that still want something may be read from end to end.
SMALL = (
    "inbox_open",
    "outbox_due",
    "outbox_sending",
    "wakes_due",
    "inbox_parked",
    "buyers_agreeing",
)


def reads_a_whole_shop(step: str) -> bool:
    if any(step.startswith(meant) for meant in MEANT) or any(small in step for small in SMALL):
        return False
    return step.startswith("SCAN") or step.endswith("(shop=?)")


async def test_no_query_of_a_journey_goes_through_all_of_a_shop(tmp_path: Path) -> None:
    asked: dict[str, Any] = {}
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
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

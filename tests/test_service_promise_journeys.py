"""Promises on the real program: noted, made good once when missed, and taken back with the fact."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, select

from storage.tables import cases, promises
from tests.world import World, world

DUE = datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC)  # the end of Tuesday in Shanghai
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES: dict[str, Any] = {
    "ships": {"since": "order.paid", "until": "order.shipped", "within": "2d", "made_good": {"percent": 10}},
    "decides": {"since": "case.opened", "until": "case.closed", "within": "3d", "goal": 99},
}


async def ledger(shop: World) -> dict[str, str]:
    statement = select(promises.c.name, promises.c.about, promises.c.state)
    rows = await shop.program.parts.database.read(lambda connection: connection.execute(statement).all())
    return {f"{row.name} {row.about}": row.state for row in rows}


async def kinds(shop: World) -> set[str]:
    statement = select(cases.c.kind)
    return set(await shop.program.parts.database.read(lambda connection: connection.scalars(statement).all()))


async def test_a_missed_promise_is_made_good_once_and_a_kept_one_is_counted(database_url: str) -> None:
    """Paid on a Saturday, to leave within two working days: one leaves, one does not, one is cancelled, and
    of one the word that it left comes minutes late."""
    async with world(database_url, promises=RULES, complaints={"compensation": 5}) as shop:
        for order in ("1001", "1002", "1003", "1004"):
            await shop.place(order)
            await shop.fact("paid", order, paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(DAY)
        await shop.fact("shipped", "1002", shipped_at=shop.clock.now, carrier="顺丰", tracking="SF1")
        await shop.fact("cancelled", "1003", cancelled_at=shop.clock.now)
        await shop.settle()
        assert await ledger(shop) == {
            "ships order:1001": "open",
            "ships order:1002": "kept",
            "ships order:1003": "withdrawn",
            "ships order:1004": "open",
        }

        await shop.forward(DUE - shop.clock.now + 5 * MINUTE)
        await shop.fact("shipped", "1004", shipped_at=DUE - HOUR, carrier="顺丰", tracking="SF2")
        await shop.forward(2 * DAY)
        assert (await ledger(shop))["ships order:1004"] == "kept"
        assert "compensation:1004" not in await shop.outbox()
        assert (await ledger(shop))["ships order:1001"] == "missed"
        assert shop.receiver.templates.count("promise_missed") == 1
        said = next(each for each in shop.receiver.messages if each["template"] == "promise_missed")
        assert "11月24日" in said["text"]
        assert "12.80" in said["text"]
        assert {"compensation", "promise"} <= await kinds(shop)

        await shop.say("我要打12315举报你们")
        await shop.settle()
        assert "complaint" in await kinds(shop)
        assert shop.receiver.templates.count("compensation") == 0
        of_case = [state for name, state in (await ledger(shop)).items() if name.startswith("decides case:")]
        assert of_case == ["open"]
        await shop.forward(7 * DAY)
        of_case = [state for name, state in (await ledger(shop)).items() if name.startswith("decides case:")]
        assert of_case == ["missed"]
        assert shop.receiver.templates.count("promise_missed") == 1


async def test_a_shop_without_promises_keeps_no_ledger_and_asks_for_none(database_url: str) -> None:
    async with world(database_url) as shop:
        asked: list[str] = []

        @event.listens_for(shop.program.parts.database.engine, "before_cursor_execute")
        def remember(_: Any, __: Any, statement: str, *___: Any) -> None:
            asked.append(statement)

        await shop.place()
        await shop.fact("paid", "1001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.say("我要打12315举报你们")
        await shop.forward(4 * DAY)
        event.remove(shop.program.parts.database.engine, "before_cursor_execute", remember)
        assert [statement for statement in asked if "promises" in statement] == []
        assert await ledger(shop) == {}
        assert "promise_missed" not in shop.receiver.templates

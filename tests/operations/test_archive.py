"""The archive: what is over goes to files and nothing that is decided later is any different."""

import asyncio
import gzip
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from bot.cli import main
from bot.config import Retention
from bot.domain.context import Said
from bot.domain.events import Event
from bot.domain.messages import Reason
from bot.domain.orders import Order
from bot.operations.archive import LEASE, Archiver
from bot.operations.audit.audit import audit
from storage import archive, history, inbox, outbox, tables
from storage.asking import ask
from storage.database import lease_clock
from tests.engine import Buyer, Engine, ManyShops, in_many_shops, many_shops
from tests.world import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEEP = 60 * DAY
EXAMPLES = int(os.environ.get("XIAOER_ARCHIVES", "15"))
BUSY = (tables.inbox, tables.outbox, tables.wakes, tables.attempts)


def archivist(engine: Engine, folder: Path, busy: Callable[[], bool] = lambda: False) -> Archiver:
    return Archiver(engine.database, [engine.shop], folder, KEEP, engine.clock, busy, pause=0)


async def left(engine: Engine) -> dict[str, int]:
    def count(connection: Connection) -> dict[str, int]:
        return {
            table.name: connection.scalar(
                select(func.count()).select_from(table).where(table.c.shop == engine.shop)
            )
            or 0
            for table in BUSY
        }

    return await engine.database.read(count)


def lines_in(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.rglob("*.jsonl.gz"))
    return [msgspec.json.decode(line) for file in files for line in gzip.open(file).read().splitlines()]


async def a_bought_mug(engine: Engine, who: Buyer) -> list[Event]:
    """An order's whole life, and a question on the way; all of it as the platform sent it."""
    life = [who.placed(), who.paid(), who.fact("shipped", 5 * HOUR, tracking="A", last=True)]
    life += [who.says("我的包裹到哪了", who.at + 6 * HOUR), who.fact("delivered", 2 * DAY)]
    for event in life:
        engine.clock.now = max(engine.clock.now, event.at)
        await engine.take(event)
        await engine.settle()
    for _ in range(30):
        engine.clock.now += DAY
        await engine.settle()
    return life


async def test_what_is_over_leaves_the_database_and_lies_in_files_for_their_owner_alone(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await a_bought_mug(engine, Buyer())
        before = await left(engine)

        engine.clock.now += KEEP
        moved = await archivist(engine, tmp_path / "archive").sweep()

        assert min(before[name] for name in ("inbox", "outbox", "wakes")) > 1
        assert await left(engine) == {"inbox": 0, "outbox": 0, "wakes": 0, "attempts": 0}
        lines = lines_in(tmp_path / "archive" / engine.shop)
        assert len(lines) == moved == before["inbox"] + before["outbox"]
        assert {line["text"] for line in lines if line.get("state") == "sent"} == {
            one.message.text for one in engine.sent
        }
        files = list((tmp_path / "archive" / engine.shop / "2026-11").iterdir())
        assert [file.stat().st_mode & 0o077 for file in files] == [0, 0]


async def test_what_is_young_or_waits_stays(database_url: str, tmp_path: Path) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await engine.take(Buyer().placed())
        await engine.settle()
        before = await left(engine)
        engine.clock.now += KEEP - DAY
        assert await archivist(engine, tmp_path).sweep() == 0

        engine.clock.now += 2 * DAY  # nobody delivered meanwhile: its reminders still wait
        await archivist(engine, tmp_path).sweep()

        assert (await left(engine))["outbox"] == before["outbox"]


async def test_a_row_from_a_clock_that_ran_ahead_does_not_stop_the_sweep(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await a_bought_mug(engine, Buyer())
        before = await left(engine)

        def run_ahead(connection: Connection) -> None:
            first = select(func.min(tables.inbox.c.id)).scalar_subquery()
            wrong = sqlalchemy.update(tables.inbox).where(tables.inbox.c.id == first)
            connection.execute(wrong.values(received_at=NOON + 4000 * DAY))

        await engine.database.write(run_ahead)
        engine.clock.now += KEEP
        await archivist(engine, tmp_path).sweep()

        assert before["inbox"] > 5
        assert (await left(engine))["inbox"] == 1


async def test_a_crash_between_the_file_and_the_deleting_loses_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await a_bought_mug(engine, Buyer())
        before = await left(engine)
        engine.clock.now += KEEP

        crashes = iter([True])

        def crash_once() -> bool:
            if next(crashes, False):
                raise KeyboardInterrupt
            return False

        # `busy` is asked when a file is written, and before its rows are deleted.
        dying = archivist(engine, tmp_path, busy=crash_once)
        with pytest.raises(KeyboardInterrupt):
            await dying.sweep()
        assert lines_in(tmp_path)
        assert await left(engine) == before
        await dying.sweep()

        kept = {(line["id"], "key" in line) for line in lines_in(tmp_path)}
        assert len(kept) == before["inbox"] + before["outbox"]
        assert (await left(engine))["inbox"] == 0


async def test_the_rows_are_on_disk_before_they_are_deleted(database_url: str, tmp_path: Path) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await a_bought_mug(engine, Buyer())
        engine.clock.now += KEEP
        before = await left(engine)
        folder = tmp_path / "archive"
        folder.write_text("a file where a folder should be")

        moved = await archivist(engine, folder).sweep()

        assert moved == 0
        assert await left(engine) == before


async def test_the_program_archives_by_its_settings_and_not_without_them(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await a_bought_mug(engine, Buyer())
        engine.clock.now += KEEP
        before = await left(engine)

        await engine.program.archive()
        assert await left(engine) == before

        engine.configure(retention=Retention(keep=KEEP, archive=tmp_path))
        await engine.program.archive()
        assert (await left(engine))["inbox"] == 0


def test_by_hand_it_tells_how_many_rows_went_and_afterwards_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = f"sqlite:///{tmp_path / 'xiaoer.db'}"

    async def fill() -> str:
        async with many_shops(database) as shops:
            engine = shops.engine(now=NOON - 400 * DAY)
            await a_bought_mug(engine, Buyer(at=NOON - 400 * DAY))
            return engine.shop

    shop = asyncio.run(fill())
    config = tmp_path / "config.yaml"
    written = {"secret": "${XIAOER_SECRET}", "shops": {shop: {"name": "青花小铺", "locale": "en"}}}
    (tmp_path / ".env").write_text("XIAOER_SECRET=a secret that is only for tests\n")
    config.write_text(yaml.safe_dump(written))
    assert main(["archive", "--config", str(config)]) == 2
    assert "retention" in capsys.readouterr().err

    config.write_text(yaml.safe_dump({**written, "retention": {"keep": "60d"}}))
    assert main(["archive", "--config", str(config), "--json"]) == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told == {"archived": len(lines_in(tmp_path / "archive")), "folder": str(tmp_path / "archive")}
    assert told["archived"] > 10
    assert main(["explain", "order_confirmation:1001", "--config", str(config)]) == 2
    assert "may be in the archive" in capsys.readouterr().err
    assert main(["audit", "--config", str(config)]) == 0


async def test_one_program_at_a_time_archives_a_shop(database_url: str, tmp_path: Path) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        await a_bought_mug(engine, Buyer())
        engine.clock.now += KEEP

        def held_by_another(connection: Connection) -> bool:
            now = lease_clock(connection, engine.clock.now)
            return archive.claim(connection, engine.shop, "another", now, LEASE)

        assert await engine.database.write(held_by_another)
        assert await archivist(engine, tmp_path).sweep() == 0
        await engine.database.write(lambda link: archive.release(link, engine.shop, "another"))
        assert await archivist(engine, tmp_path).sweep() > 0


async def test_a_question_delivered_again_after_its_archiving_is_not_answered_again(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        life = await a_bought_mug(engine, Buyer())
        engine.clock.now += KEEP
        await archivist(engine, tmp_path).sweep()
        before = said(engine)

        await engine.take(*life)
        await engine.settle()

        assert said(engine) == before
        assert (await left(engine))["inbox"] == 0


async def test_a_parcel_that_comes_after_the_archiving_is_no_reason_to_ask_for_a_review_again(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine, who = shops.engine(), Buyer()
        await engine.take(who.placed(), who.paid(), who.fact("shipped", HOUR, tracking="A", last=True))
        await engine.take(who.fact("delivered", DAY, parcel="A"))
        for _ in range(30):
            engine.clock.now += DAY
            await engine.settle()
        engine.clock.now += KEEP
        await archivist(engine, tmp_path).sweep()

        since = engine.clock.now - who.at
        await engine.take(who.fact("shipped", since, tracking="B", last=True))
        await engine.take(who.fact("delivered", since + HOUR, parcel="B"))
        for _ in range(20):
            engine.clock.now += DAY
            await engine.settle()

        assert [one.message.template for one in engine.sent].count("review_request") == 1


async def test_an_offer_stays_so_that_it_is_made_once_in_a_lifetime(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()

        def offer(connection: Connection) -> None:
            made = outbox.Draft(
                key="promotion:spring:ann",
                buyer="ann",
                template="vip_promotion",
                version="v",
                category="promotion",
                rule="promotions.spring",
                due_at=NOON,
                lateness=HOUR,
                settled=("skipped", Reason("not_agreed")),
            )
            ask(connection, engine.shop, outbox.queue([made], NOON))

        await engine.database.write(offer)
        engine.clock.now += 2 * KEEP
        await archivist(engine, tmp_path).sweep()

        told = await engine.database.read(
            lambda link: history.offered_to(link, engine.shop, "promotions.spring", {"ann"})
        )
        assert told == {"ann"}


async def test_an_import_run_again_finds_that_it_knows_what_lies_in_the_archive(
    database_url: str, tmp_path: Path
) -> None:
    async with many_shops(database_url) as shops:
        engine = shops.engine()
        life = await a_bought_mug(engine, Buyer())
        engine.clock.now += KEEP
        await archivist(engine, tmp_path).sweep()

        names = [event.external_id for event in life]
        known = await engine.database.read(lambda link: inbox.known(link, engine.shop, "webhook", names))
        assert known == set(names)


# The same decisions, with and without an archive


def review(who: Buyer, rating: int, after: timedelta) -> Event:
    data = {"review": {"id": "v1", "order": who.order, "rating": rating, "text": "嗯"}}
    return who.event("review.posted", data, who.at + after)


FACTS: dict[str, Callable[[Buyer, timedelta], Event]] = {
    "placed": lambda who, after: who.placed(after),
    "paid": lambda who, after: who.paid(after),
    "paid in part": lambda who, after: who.paid(after, "100.00"),
    "parcel A": lambda who, after: who.fact("shipped", after, tracking="A", last=False),
    "parcel B": lambda who, after: who.fact("shipped", after, tracking="B", last=True),
    "A arrived": lambda who, after: who.fact("delivered", after, parcel="A"),
    "B arrived": lambda who, after: who.fact("delivered", after, parcel="B"),
    "delivered": lambda who, after: who.fact("delivered", after),
    "completed": lambda who, after: who.fact("completed", after),
    "cancelled": lambda who, after: who.fact("cancelled", after),
    "refunded": lambda who, after: who.fact("refunded", after, refund=f"r{after.days}"),
    "reviewed": lambda who, after: review(who, after.days % 5 + 1, after),
    "where": lambda who, after: who.says(f"我的包裹到哪了 #{who.order}", who.at + after),
    "paid, they say": lambda who, after: who.says("我已经付款了", who.at + after),
    "stop": lambda who, after: who.says("退订", who.at + after),
    "back": lambda who, after: who.says("恢复", who.at + after),
    "a person": lambda who, after: who.is_answered_by_a_person("您好，我是店主", who.at + after),
}
STEP = st.tuples(
    st.sampled_from(sorted(FACTS)),
    st.sampled_from(["ann 1001", "ann 1002", "bea 2001"]),
    st.sampled_from([0, 0.1, 1, 14, 70]),  # days until then
    st.booleans(),  # whether the archivist comes by
)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ManyShops, Any]]:
    with in_many_shops(f"sqlite:///{tmp_path_factory.mktemp('archive') / 'shop.db'}") as (found, run):
        engine = found.database.engine
        sqlalchemy.event.listen(engine, "connect", hasty)
        engine.dispose()  # the connections that were made before
        yield found, run


def hasty(connection: Any, _: Any) -> None:
    """No machine crashes here, and thousands of commits need not reach the disk."""
    connection.execute("PRAGMA synchronous = OFF")


@given(story=st.lists(STEP, min_size=3, max_size=10), late=st.lists(STEP, max_size=3))
@settings(max_examples=EXAMPLES, deadline=None)
def test_whenever_it_archives_all_later_decisions_are_the_same(
    shops: tuple[ManyShops, Any], tmp_path_factory: pytest.TempPathFactory, story: Any, late: Any
) -> None:
    found, run = shops
    folder = tmp_path_factory.mktemp("files")
    tidy, whole = found.engine(), found.engine()

    told = [run(live(engine, story, late, folder if engine is tidy else None)) for engine in (tidy, whole)]

    assert told[0] == told[1]
    assert audit(found.database, {tidy.shop: tidy.settings}, tidy.clock.now) == []


async def live(engine: Engine, story: Any, late: Any, folder: Path | None) -> dict[str, Any]:
    """What was said in the end, after all of it was delivered a second time, and then some news came."""
    names = [("ann", "1001"), ("ann", "1002"), ("bea", "2001")]
    people = {f"{id} {order}": Buyer(id, order) for id, order in names}
    deliveries: list[Event] = []

    async def lived(steps: Any) -> None:
        for what, whose, days, comes in steps:
            for _ in range(2):  # so that something of what falls due meanwhile is in time
                engine.clock.now += days * DAY / 2
                await engine.settle()
            event = FACTS[what](people[whose], engine.clock.now - NOON)
            deliveries.append(event)
            await engine.take(event)
            await engine.settle()
            if comes and folder:
                await archivist(engine, folder).sweep()

    await lived(story)
    engine.clock.now += KEEP + DAY
    await engine.settle()
    if folder:
        await archivist(engine, folder).sweep()
    before = len(engine.sent)
    await engine.take(*deliveries)
    await engine.settle()
    assert len(engine.sent) == before, "said again"
    await lived(late)
    engine.clock.now += 20 * DAY
    await engine.settle()
    return {"heard": said(engine), "orders": await known(engine), **await remembered(engine)}


async def known(engine: Engine) -> dict[str, Order]:
    """Without the buyer, whose name here is another in every shop."""
    return {id: msgspec.structs.replace(order, buyer=None) for id, order in (await engine.orders()).items()}


def said(engine: Engine) -> list[tuple[Any, ...]]:
    return [(one.at, one.message.key, one.message.template, one.message.address) for one in engine.sent]


async def remembered(engine: Engine) -> dict[str, Any]:
    def look(connection: Connection) -> dict[str, Any]:
        about = ask(connection, engine.shop, history.said_about({"1001", "1002", "2001"}))
        return {order: sorted(map(_without_guess, those)) for order, those in about.items()}

    words = ("kind", "value", "what", "yes", "at", "flag", "confirmed", "channel")
    return {
        "said": await engine.database.read(look),
        "buyers": await engine.rows(tables.buyers, "name", "email", "phone", "locale"),
        "wishes": await engine.rows(tables.wishes, *words),
        "opened": await engine.rows(tables.openings, "order_id", "channel", "address", "how"),
        "chats": await engine.rows(
            tables.conversations, "address", "last_in_at", "human_until", "blocked_at", "tries"
        ),
        "cases": await engine.rows(tables.cases, "key", "reason", "opened_at", "closed_at"),
    }


def _without_guess(said: Said) -> tuple[Any, ...]:
    return said.key, said.template, said.state, str(said.sent_at), said.paid

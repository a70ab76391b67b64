"""The legs in programs of their own: which routes each serves, and which program wakes which."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import text

from bot.app import build
from bot.channels.registry import open_http
from bot.cli import main
from bot.program import LEGS, Program
from storage import inbox, notifications, schema
from storage.database import Database
from storage.inbox import InboxEvent, inbox_event
from tests.engine import Buyer
from tests.faults.traffic_simulation import EVENT_TIMEOUT, until
from tests.world import NOON, SECRET, config_of, world

REQUEST = make_mocked_request("GET", "/readyz")
SETTINGS = """\
database: {database}
secret: ${{SECRET}}
shops:
  shop:
    name: 青花小铺
    locale: {locale}
    channels: {{webhook: {{secrets: [{secret}]}}}}
"""


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    found = Database(postgres_url)
    schema.migrate(found.engine)
    try:
        yield found
    finally:
        found.close()


def order(id: str) -> InboxEvent:
    return InboxEvent(
        shop="shop", channel="webhook", external_id=id, thread="t", type="x", body=b"{}", received_at=NOON
    )


@contextlib.asynccontextmanager
async def listening(database: Database) -> AsyncIterator[tuple[list[str], asyncio.Event]]:
    """What was rung for, once the line stands."""
    heard: list[str] = []
    rung = asyncio.Event()

    def wake(leg: str) -> None:
        heard.append(leg)
        rung.set()

    task = asyncio.create_task(
        notifications.listen(
            database.engine, {"react": lambda: wake("react"), "deliver": lambda: wake("deliver")}
        )
    )
    try:
        await asyncio.wait_for(rung.wait(), EVENT_TIMEOUT)
        heard.clear()
        rung.clear()
        yield heard, rung
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_stored_notifies_the_leg_of_another_program_once(database: Database) -> None:
    async with listening(database) as (heard, rung):
        door = database.notifying("react")
        await door.write(lambda link: inbox.add(link, [order(str(number)) for number in range(100)]))
        await asyncio.wait_for(rung.wait(), EVENT_TIMEOUT)
        await asyncio.sleep(0.1)
    assert heard == ["react"]


async def test_what_was_not_committed_and_what_wrote_nothing_is_not_heard(database: Database) -> None:
    door = database.notifying("react").notifying("deliver")

    def fails(link: object) -> None:
        inbox.add(link, [order("1")])  # type: ignore[arg-type]  # any connection
        raise LookupError

    async with listening(database) as (heard, _):
        with pytest.raises(LookupError):
            await door.write(fails)
        await door.write(lambda link: inbox.waiting(link, NOON))
        await database.write(lambda link: inbox.add(link, [order("2")]))  # a program that has all legs
        await asyncio.sleep(0.2)
    assert heard == []


async def test_a_line_that_was_cut_is_laid_again_and_everybody_looks(database: Database) -> None:
    async with listening(database) as (heard, rung):
        cut = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        await database.write(lambda link: link.execute(cut).all())
        await asyncio.wait_for(rung.wait(), EVENT_TIMEOUT)
    assert heard == ["react", "deliver"]


def settings_in(folder: Path, database: str, locale: str) -> str:
    place = folder / "config.yaml"
    place.write_text(SETTINGS.format(database=database, locale=locale, secret='"${HOOK}"'), "utf-8")
    (folder / ".env").write_text(f"HOOK={SECRET}\nSECRET=a secret that is only for tests\n")
    return str(place)


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "did you mean react?"), ("zh-CN", "是不是想写"), ("zh-TW", "是不是想寫")]
)
def test_an_unknown_leg_is_refused_with_the_nearest_known_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], locale: str, words: str
) -> None:
    settings = settings_in(tmp_path, "postgresql://nobody@127.0.0.1:9/none", locale)

    assert main(["serve", "--config", settings, "--legs", "receive,raect"]) == 2

    told = capsys.readouterr().err
    assert words in told
    assert "'raect'" in told


def test_an_sqlite_file_is_not_shared_by_legs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_in(tmp_path, "sqlite:///shop.db", "en")

    assert main(["serve", "--config", settings, "--legs", "receive"]) == 2

    assert "SQLite" in capsys.readouterr().err
    assert not (tmp_path / "shop.db").exists()


@pytest.mark.parametrize(
    ("legs", "notified"),
    [(("receive",), ["react"]), (("react",), ["deliver"]), (LEGS, [])],
    ids=["receives", "reacts", "has all legs"],
)
async def test_a_program_notifies_the_legs_that_it_does_not_run(
    database: Database, legs: tuple[str, ...], notified: list[str]
) -> None:
    async with open_http() as http, listening(database) as (heard, _):
        program = program_of(database, http, legs)
        intake = asyncio.create_task(program.parts.group_commit.run())
        await program.parts.group_commit.keep([inbox_event("shop", Buyer().placed(), NOON)])
        intake.cancel()
        if "react" in legs:
            heard.clear()
            assert await program.react() == 1

        async def all_heard() -> bool:
            return len(heard) >= len(notified)

        await until(all_heard)
        await asyncio.sleep(0.2)  # in which more than that could ring
    assert heard == notified


async def test_only_a_program_that_receives_opens_the_public_door(database: Database) -> None:
    async with open_http() as http:
        urls = {
            legs: {
                route.resource.canonical for route in program_of(database, http, legs).site.router.routes()
            }
            for legs in (LEGS, ("receive",), ("react", "deliver"))
        }
    assert urls["react", "deliver"] == {"/healthz", "/readyz", "/metrics"}
    assert urls["receive",] == urls[LEGS] > {"/hooks/{shop}/{channel}", "/stop/{token}"}


async def test_a_pile_in_the_inbox_keeps_only_those_from_being_ready_who_react(database: Database) -> None:
    await database.write(lambda link: inbox.add(link, [order("1")]))
    async with open_http() as http:
        ready = {
            legs: (await program_of(database, http, legs).parts.health.ready(REQUEST)).status
            for legs in (("receive",), ("react",))
        }
    assert ready == {("receive",): 200, ("react",): 503}


def program_of(database: Database, http: aiohttp.ClientSession, legs: tuple[str, ...]) -> Program:
    """Its clock stands five minutes after noon, when what is kept in these tests came in."""
    config = config_of("", "http://127.0.0.1:9/")
    return build(config, database, http, clock=lambda: NOON + timedelta(minutes=5), legs=legs)


@pytest.mark.parametrize(("version", "status"), [("9999", 200), ("0001", 503)])
async def test_a_running_program_is_ready_on_a_newer_schema_and_not_on_an_older_one(
    database_url: str, version: str, status: int
) -> None:
    async with world(database_url) as shop:
        renamed = text("UPDATE alembic_version SET version_num = :version")
        await shop.program.parts.database.write(lambda link: link.execute(renamed, {"version": version}))

        async with shop.http.get(f"{shop.url}/readyz") as answer:
            assert answer.status == status

"""Whether a database is the one that was served here, or a copy: of an earlier time, or of another place."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, update

from bot.operations.restore_guard import Marker, RestoreGuard, is_copy
from bot.simulation import ManualClock
from storage import instance, schema, tables
from storage.database import Database, take_ids
from storage.instance import NO_LOCATION, Instance, OutboxHold
from storage.sqlite_copy import copy_to
from tests import servers
from tests.conftest import cannot_run
from tests.faults.traffic_simulation import until
from tests.world import NOON


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    schema.migrate(made.engine)
    yield made
    made.close()


async def served(database: Database, beats: int = 2) -> RestoreGuard:
    """A program that came here and stayed for a while."""
    home = RestoreGuard(database, ManualClock(NOON))
    await home.check()
    for _ in range(beats):
        await home.heartbeat()
    return home


def file_of(database: Database) -> Path:
    return Path(make_url(database.engine.url).database or "")


@pytest.mark.parametrize(
    ("kept", "witness", "copy"),
    [
        (Instance(NO_LOCATION, 0), Marker(NO_LOCATION), False),  # made just now
        (Instance("here", 5), Marker("here", 5), False),
        (Instance("here", 6), Marker("here", 5), False),  # it died before it could write that down
        (Instance("here", 4), Marker("here", 5), True),  # as it was before
        (Instance("there", 5), Marker("here", 5), True),
        (Instance("here", 5), Marker(NO_LOCATION), True),  # nobody here knows it
        (Instance(NO_LOCATION, 5), Marker("here", 5), True),  # marked
        (Instance(NO_LOCATION, 5), Marker(NO_LOCATION), True),
    ],
)
def test_a_copy_is_what_was_served_elsewhere_or_earlier(kept: Instance, witness: Marker, copy: bool) -> None:
    assert is_copy(kept, witness) is copy


async def test_what_is_served_again_where_it_was_is_not_held(database: Database) -> None:
    await served(database)

    again = await served(database)

    assert again.hold is None


async def test_two_programs_on_one_database_are_both_at_home(postgres_url: str) -> None:
    database = Database(postgres_url)
    schema.migrate(database.engine)
    one, two = await served(database), await served(database)
    await one.heartbeat()
    await two.heartbeat()
    await one.heartbeat()

    assert database.read_now(instance.held) is None
    database.close()


@pytest.mark.parametrize("with_its_note", [False, True], ids=["file", "folder"])
async def test_a_file_that_was_carried_elsewhere_is_held(tmp_path: Path, with_its_note: bool) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    original = Database(f"sqlite:///{here / 'shop.db'}")
    schema.migrate(original.engine)
    await served(original)
    original.close()
    shutil.copytree(here, there)
    if not with_its_note:
        (there / "shop.db-home").unlink()

    copy = Database(f"sqlite:///{there / 'shop.db'}")
    first, second = await served(copy), await served(copy)
    copy.close()

    assert first.hold == second.hold == OutboxHold(NOON, instance.COPY)


def test_a_marked_copy_is_held_before_anybody_serves_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    schema.migrate(database.engine)
    copy_to(file_of(database), tmp_path / "copy.db", lambda copy: instance.mark_as_copy(copy, NOON))
    database.close()
    files = [path.name for path in tmp_path.glob("copy.db*")]
    copied = Database(f"sqlite:///{tmp_path / 'copy.db'}")

    assert copied.read_now(instance.held) == OutboxHold(NOON, instance.COPY)
    assert files == ["copy.db"]
    copied.close()


async def test_a_copy_goes_on_with_ids_that_no_life_before_it_had(database: Database) -> None:
    await served(database)
    database.write_now(lambda link: take_ids(link, 10))
    database.write_now(lambda link: instance.mark_as_copy(link, NOON))
    (first,) = database.write_now(lambda link: take_ids(link, 1))
    database.write_now(lambda link: take_ids(link, 1000))

    database.write_now(lambda link: instance.start_held(link, NOON + timedelta(seconds=1)))
    (second,) = database.write_now(lambda link: take_ids(link, 1))

    assert first >= NOON.timestamp() * 1_000_000
    assert second > first + 1000
    assert second < 2**53  # where programs that know no integers begin to round


async def test_a_failover_that_lost_nothing_is_no_restored_copy(postgres_url: str) -> None:
    database = Database(postgres_url)
    schema.migrate(database.engine)
    running = await served(database)
    database.write_now(lambda link: went_to(link, "another timeline"))

    await running.heartbeat()
    started_later = await served(database)

    assert started_later.hold is None
    database.close()


async def test_a_database_that_goes_back_while_it_is_served_is_held(database: Database) -> None:
    running = await served(database, beats=5)
    database.write_now(lambda link: link.execute(update(tables.life).values(beat=2)))

    await running.heartbeat()

    assert database.read_now(instance.held) == OutboxHold(NOON, instance.COPY)


def went_to(connection: Connection, place: str) -> None:
    connection.execute(update(tables.life).values(place=place))


async def test_a_server_that_went_elsewhere_while_nobody_was_there_is_a_copy(postgres_url: str) -> None:
    database = Database(postgres_url)
    schema.migrate(database.engine)
    await served(database)
    database.write_now(lambda link: went_to(link, "another timeline"))

    assert (await served(database)).hold == OutboxHold(NOON, instance.COPY)
    database.close()


async def test_a_server_that_does_not_tell_who_it_is_is_known_by_its_tables(postgres_url: str) -> None:
    database = Database(postgres_url)
    schema.migrate(database.engine)
    whole = database.read_now(instance.location_on_server)

    def as_a_guest(connection: Connection) -> str:
        connection.exec_driver_sql("CREATE ROLE guest_of_life")
        connection.exec_driver_sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        connection.exec_driver_sql("SET LOCAL ROLE guest_of_life")
        found = instance.location_on_server(connection)
        connection.rollback()
        return found

    with database.engine.connect() as connection:
        part = as_a_guest(connection)
    assert whole.endswith(f":{part}")
    assert part.count(":") == 1
    database.close()


async def test_a_server_that_was_recovered_begins_a_timeline_and_is_a_copy() -> None:
    try:
        with servers.postgres_server() as server:
            database = Database(server.url)
            schema.migrate(database.engine)
            await served(database)
            server.stop()
            server.start()
            restarted = await served(database)
            server.stop()
            to_be_recovered(server)
            server.start()
            await until(lambda: database.read(has_recovered))
            recovered = await served(database)
            database.close()
    except servers.CannotStart as why:
        cannot_run(f"no PostgreSQL: {why}")

    assert restarted.hold is None
    assert recovered.hold == OutboxHold(NOON, instance.COPY)


def to_be_recovered(server: servers.Postgres) -> None:
    """Up to the end of what it has, and then onto a timeline of its own."""
    data = Path(str(make_url(server.url).query["host"])) / "data"
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'false'\nrecovery_target_timeline = 'current'\n")


def has_recovered(connection: Connection) -> bool:
    return not connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one()

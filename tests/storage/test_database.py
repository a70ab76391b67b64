"""A transaction is committed whole or undone, and an error says whether trying again can help."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, make_url, select
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StorageError
from storage import due_messages, schema
from storage.asking import ask
from storage.database import Database, is_service_trouble, make_engine, take_ids, try_lock, try_locks
from storage.tables import buyers, life
from tests.one_shop import SHOP_ID, queue, rows
from tests.world import NOON


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    schema.migrate(made.engine)
    yield made
    made.close()


def add(connection: Connection, id: str) -> str:
    connection.execute(insert(buyers).values(shop=SHOP_ID, id=id, created_at=NOON))
    return id


def ids_in(connection: Connection) -> list[str]:
    return [id for (id,) in rows(connection, buyers, "id")]


async def test_what_returns_is_committed_and_what_raises_is_undone(database: Database) -> None:
    def fail(connection: Connection) -> None:
        add(connection, "bob")
        raise KeyError("bob")

    assert await database.write(lambda link: add(link, "ann")) == "ann"
    with pytest.raises(KeyError, match="bob"):
        await database.write(fail)
    with pytest.raises(KeyError, match="bob"):
        database.write_now(fail)
    database.write_now(lambda link: add(link, "cid"))

    assert await database.read(ids_in) == database.read_now(ids_in) == ["ann", "cid"]


async def test_what_a_reader_writes_is_not_kept(database: Database) -> None:
    await database.read(lambda link: add(link, "ann"))

    assert database.read_now(ids_in) == []


async def test_writers_of_one_program_go_one_after_another(database: Database) -> None:
    def raise_beat(connection: Connection) -> None:
        beat = connection.execute(select(life.c.beat).with_for_update()).scalar_one()
        connection.execute(life.update().values(beat=beat + 1))

    await asyncio.gather(*(database.write(raise_beat) for _ in range(8)))

    assert database.read_now(lambda link: link.scalar(select(life.c.beat))) == 8


async def test_ids_are_fresh_and_rise(database: Database) -> None:
    taken = [await database.write(lambda link: take_ids(link, 3)) for _ in range(2)]

    assert taken == [[1, 2, 3], [4, 5, 6]]


def test_a_lock_is_one_programs_until_its_transaction_ends(postgres_url: str) -> None:
    database = Database(postgres_url)

    def first(mine: Connection) -> None:
        assert try_lock(mine, "a")
        assert try_locks(mine, "shop", ["b", "c"]) == {"b", "c"}
        database.write_now(second)

    def second(theirs: Connection) -> None:
        assert not try_lock(theirs, "a")
        assert try_locks(theirs, "shop", ["b", "d"]) == {"d"}
        assert try_locks(theirs, "other", ["b"]) == {"b"}

    database.write_now(first)
    assert database.write_now(lambda link: try_lock(link, "a"))
    database.close()


def test_wrong_data_is_no_trouble_of_the_service(database: Database) -> None:
    with pytest.raises(DBAPIError) as broken:
        database.write_now(lambda link: [add(link, "ann"), add(link, "ann")])

    assert not is_service_trouble(broken.value)
    assert not is_service_trouble(KeyError("ann"))


def test_a_database_that_is_locked_or_gone_is_trouble_of_the_service(
    tmp_path: Path, postgres_server: str
) -> None:
    gone = Database(f"sqlite:///{tmp_path / 'no' / 'shop.db'}")
    unknown = Database(make_url(postgres_server).set(database="nothing").render_as_string())
    for database in (gone, unknown):
        with pytest.raises(DBAPIError) as trouble:
            database.read_now(lambda link: None)
        assert is_service_trouble(trouble.value)
        database.close()


@pytest.mark.parametrize("url", ["", "shop.db", "mysql://root@localhost/shop", "postgresql://host:port/shop"])
def test_a_database_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(StorageError, match="sqlite:///"):
        make_engine(url)


def test_the_times_of_a_database_in_another_zone_are_read_in_utc(postgres_url: str) -> None:
    name = make_url(postgres_url).database
    elsewhere = Database(postgres_url)
    moved = f"ALTER DATABASE {name} SET timezone = 'Asia/Shanghai'"
    elsewhere.write_now(lambda link: link.exec_driver_sql(moved))
    elsewhere.close()

    database = Database(postgres_url)
    database.write_now(lambda link: queue(link, "a"))
    (row,) = database.write_now(lambda link: ask(link, SHOP_ID, due_messages.due(NOON, 9)))
    database.close()

    assert (row.due_at, row.due_at.utcoffset()) == (NOON, timedelta(0))

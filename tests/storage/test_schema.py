"""The schema's age: migrated after a copy on SQLite, asked for on PostgreSQL, equal to the tables in code."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Engine, func, select, text
from sqlalchemy.schema import CreateIndex

from bot.domain.errors import StorageError
from storage import (
    audit_queries,
    buyer_file,
    buyer_records,
    buyer_scope,
    case_records,
    conversation_records,
    history,
    inbox,
    schema,
    transfer_records,
)
from storage.asking import ask
from storage.database import make_engine
from storage.tables import metadata, outbox, sendable_at
from tests.one_shop import DAY, HOUR
from tests.world import NOON

SECOND = timedelta(seconds=1)


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # the next test compares them
def test_the_migrations_make_the_tables_that_the_code_knows(bare_database_url: str) -> None:
    engine = make_engine(bare_database_url)
    schema.migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_migrations_make_the_indexes_on_expressions_that_the_code_knows(tmp_path: Path) -> None:
    """Which the comparison leaves out on SQLite."""
    engine = make_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    schema.migrate(engine)
    known = {
        str(index.name): str(CreateIndex(index).compile(engine))
        for table in metadata.tables.values()
        for index in table.indexes
        if not all(isinstance(each, Column) for each in index.expressions)
    }
    with engine.connect() as connection:
        made = dict(connection.execute(text("SELECT name, sql FROM sqlite_master")).all())
    engine.dispose()
    assert known
    assert {name: made[name] for name in known} == known


def test_a_database_in_use_gets_the_index_of_a_buyers_young_messages(bare_database_url: str) -> None:
    engine = make_engine(bare_database_url)
    migrate_to(engine, "0011")
    sent = {"state": "sent", "text": "Thanks", "settled_at": NOON, "attempts": 1}
    times = {"created_at": NOON, "due_at": NOON - HOUR, "try_at": NOON, "lateness": 7200}
    words = dict.fromkeys(("key", "buyer", "template", "version", "rule"), "a") | {"category": "service"}
    with engine.begin() as connection:
        values = {"shop": "mugs", "id": 1, "values": "{}", **words, **times, **sent}
        connection.execute(metadata.tables["outbox"].insert().values(values))

    schema.migrate(engine)

    with engine.connect() as connection:
        young = [
            bool(connection.scalar(select(func.count()).select_from(outbox).where(sendable_at(at))))
            for at in (NOON + HOUR + DAY - SECOND, NOON + HOUR + DAY)
        ]
        assert young == [True, False]
        assert ask(connection, "mugs", history.heard_of_us({"a"}, (), NOON + HOUR))["a"][None].in_day == 1
    engine.dispose()


def test_what_was_open_before_there_was_a_settle_time_is_handled_at_once(bare_database_url: str) -> None:
    engine = make_engine(bare_database_url)
    migrate_to(engine, "0014")
    same = {"shop": "mugs", "channel": "web", "thread": "t", "type": "x", "body": "{}", "received_at": NOON}
    with engine.begin() as connection:
        for number, state in enumerate(("open", "parked", "done")):
            values = {**same, "id": number, "external_id": state, "state": state}
            connection.execute(metadata.tables["inbox"].insert().values(values))

    schema.migrate(engine)

    with engine.begin() as connection:
        assert [row.id for row in ask(connection, "mugs", inbox.open_events(9, NOON))] == [0]
        assert inbox.reopen(connection, "mugs") == 1
        found = ask(connection, "mugs", inbox.open_events(9, NOON))
        assert [(row.id, row.ready_at) for row in found] == [(0, NOON), (1, NOON)]
        # a program of the version before may still store events
        values = {**same, "id": 3, "external_id": "late", "state": "open", "received_at": NOON + HOUR}
        connection.execute(metadata.tables["inbox"].insert().values(values))
        assert [row.id for row in ask(connection, "mugs", inbox.open_events(9, NOON))] == [3, 0, 1]
    engine.dispose()


# What a shop has in the tables that later migrations change.
_ORDER = {"id": "1", "channel": "web", "buyer": "ann", "placed_at": NOON.isoformat()}
_PLACED = {
    "type": "order.placed",
    "channel": "web",
    "external_id": "e1",
    "at": NOON.isoformat(),
    "order": "1",
    "placed_at": NOON.isoformat(),
    "buyer": {"id": "7"},
    "total": {"minor": 1290, "currency": "GBP"},
}
_CASE = {"kind": "human", "reason": "asked_for_person", "details": "{}", "order_id": "1", "buyer": "ann"}
IN_USE: dict[str, dict[str, Any]] = {
    "buyers": {"id": "ann", "email": "ann@example.com", "created_at": NOON, "joined_to": "bob"},
    "conversations": {"channel": "web", "address": "7", "buyer": "ann", "last_in_at": NOON, "tries": 2},
    "orders": {
        "id": "1",
        "channel": "web",
        "number": "1",
        "buyer": "ann",
        "state": "unpaid",
        "placed_at": NOON,
        "paid_minor": 0,
        "refunded_minor": 0,
        "record": json.dumps(_ORDER),
    },
    "inbox": {
        "id": 1,
        "channel": "web",
        "external_id": "e1",
        "thread": "order:1",
        "type": "order.placed",
        "body": json.dumps(_PLACED),
        "received_at": NOON,
        "ready_at": NOON,
        "state": "done",
        "handled_at": NOON,
    },
    "cases": {**_CASE, "number": 1, "key": "human:7", "opened_at": NOON},
    "notes": {"buyer": "ann", "id": 1, "kind": "note", "text": "Likes oolong", "at": NOON},
    "wishes": {
        "id": 1,
        "kind": "email",
        "value": "ann@example.com",
        "what": "offers",
        "yes": True,
        "at": NOON,
        "confirmed": True,
        "buyer": "ann",
        "channel": "web",
        "event": "e1",
        "recorded_at": NOON,
    },
    "outbox": {
        **dict.fromkeys(("key", "buyer", "template", "version", "rule"), "a"),
        "id": 1,
        "category": "promotion",
        "values": "{}",
        "created_at": NOON,
        "due_at": NOON,
        "try_at": NOON,
        "lateness": 7200,
        "state": "sent",
        "text": "Tea",
        "attempts": 1,
        "settled_at": NOON,
        "channel": "mail",
        "address": "ann@example.com",
    },
}


def test_what_a_shop_has_is_kept_by_later_migrations_and_read_by_the_code_of_today(
    bare_database_url: str,
) -> None:
    engine = make_engine(bare_database_url)
    migrate_to(engine, "0018")
    with engine.begin() as connection:
        for name, row in IN_USE.items():
            connection.execute(metadata.tables[name].insert().values(shop="mugs", **row))

    schema.migrate(engine)

    with engine.connect() as connection:
        for name, row in IN_USE.items():
            [kept] = connection.execute(select(metadata.tables[name])).mappings()
            assert {column: value for column, value in kept.items() if value is not None} == {
                "shop": "mugs"
            } | row
        [(buyer, case)] = ask(connection, "mugs", case_records.open_of({"ann"}, ()))
        assert (buyer, case.number, case.order) == ("ann", 1, "1")
        chat = ask(connection, "mugs", conversation_records.by_place({("web", "7")}))["web", "7"]
        assert (chat.buyer, chat.tries, chat.no_reminders_for) == ("ann", 2, ())
        assert [order.id for order, _ in transfer_records.awaiting(connection, "mugs")] == ["1"]
        assert ask(connection, "mugs", buyer_records.by_id({"ann"}))["ann"].mailbox is None
        [note] = buyer_file.read(connection, "mugs", buyer_scope.scope_of(connection, "mugs", "ann")).notes
        assert (note.text, note.who) == ("Likes oolong", None)
        told, _ = next(audit_queries.orders_with_facts(connection, "mugs"))
        assert [fact.event.external_id for fact in told["1"]] == ["e1"]
    engine.dispose()


def migrate_to(engine: Engine, version: str) -> None:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, version)


def test_an_empty_sqlite_file_is_made_ready_without_a_copy(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    assert schema.ready(engine) is None
    assert schema.current(engine) == schema.newest()
    engine.dispose()


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    schema.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer Xiaoer"):
        schema.ready(engine)
    engine.dispose()


def test_a_copy_holds_what_still_lies_in_the_log(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    engine = make_engine(f"sqlite:///{file}")
    schema.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO counter (name, next) VALUES ('ids', 41)"))
    copy = schema.copy_beside(engine)
    assert copy is not None
    with sqlite3.connect(copy) as copied:
        assert copied.execute("SELECT next FROM counter").fetchall() == [(41,)]
    engine.dispose()


def test_postgresql_is_not_migrated_by_serving(bare_postgres_url: str) -> None:
    engine = make_engine(bare_postgres_url)
    with pytest.raises(StorageError, match="xiaoer migrate"):
        schema.ready(engine)
    schema.migrate(engine)
    assert schema.ready(engine) is None
    engine.dispose()


def test_a_database_of_a_kind_we_do_not_know_is_refused_in_plain_words() -> None:
    with pytest.raises(StorageError, match="mysql is not one we know"):
        make_engine("mysql://user@host/shop")


@pytest.mark.parametrize(("version", "older"), [(None, True), ("0001", True), ("9999", False)])
def test_a_running_program_waits_for_a_migration_and_works_on_after_one(
    version: str | None, older: bool
) -> None:
    assert schema.is_older(version) is older
    assert not schema.is_older(schema.newest())

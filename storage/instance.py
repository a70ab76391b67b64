"""Where this database was served last, its generation there, and whether its outbox is held."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import DBAPIError

from storage.tables import life

COPY, ASKED = "copy", "asked"  # why an outbox is held
NO_LOCATION = ""  # of a database that was never served, or was marked as a copy


class Instance(msgspec.Struct, frozen=True):
    """generation: a counter that rises while the database is served, independent of clocks."""

    location: str
    generation: int


class OutboxHold(msgspec.Struct, frozen=True):
    """Since when and why (COPY or ASKED) no message is claimed, until a person releases the outbox."""

    since: datetime
    why: str


def read(connection: Connection) -> Instance:
    """Read the instance, locked until this transaction ends."""
    row = connection.execute(select(life.c.place, life.c.beat).with_for_update()).one()
    return Instance(row.place, row.beat)


def save(connection: Connection, state: Instance) -> None:
    connection.execute(update(life).values(place=state.location, beat=state.generation))


def held(connection: Connection) -> OutboxHold | None:
    row = connection.execute(select(life.c.held_since, life.c.held_why)).one()
    return OutboxHold(row.held_since, row.held_why) if row.held_since else None


def hold(connection: Connection, why: str, now: datetime) -> None:
    """Hold the outbox; an older hold stays as it is."""
    here = update(life).where(life.c.held_since.is_(None))
    connection.execute(here.values(held_since=now, held_why=why))


def release(connection: Connection) -> None:
    connection.execute(update(life).values(held_since=None, held_why=None))


def start_held(connection: Connection, now: datetime) -> None:
    """Hold the outbox of a copy, and skip the ids that the original may have used since."""
    hold(connection, COPY, now)
    skip_ids(connection, now)


def mark_as_copy(connection: Connection, now: datetime) -> None:
    """Mark a database as a copy: it is held, and the program that serves it detects the copy."""
    connection.execute(update(life).values(place=NO_LOCATION))
    start_held(connection, now)


def skip_ids(connection: Connection, now: datetime) -> None:
    """Continue with ids that the original cannot have used, because receivers drop ids they know.

    Ids continue at the current microsecond; no database uses a million ids a second.
    """
    least = int(now.timestamp() * 1_000_000)
    if connection.dialect.name == "postgresql":
        ahead = "SELECT setval('xiaoer_ids', GREATEST(nextval('xiaoer_ids'), :least))"
        connection.execute(text(ahead), {"least": least})
        return
    ahead = (
        "INSERT INTO counter (name, next) VALUES ('ids', :least)"  # a new database has not counted yet
        " ON CONFLICT (name) DO UPDATE SET next = MAX(counter.next, excluded.next)"
    )
    connection.execute(text(ahead), {"least": least})


def location_on_server(connection: Connection) -> str:
    """Identify a PostgreSQL server, its timeline, database and table: a dump does not carry these, and
    a recovery to an earlier time changes them. Without rights to ask the server, the last two alone.

    The timeline is that of the WAL being written, since the control file learns of a new one later.
    """
    table = text(
        "SELECT oid || ':' || 'life'::regclass::oid FROM pg_database WHERE datname = current_database()"
    )
    server = text(
        "SELECT system_identifier || ':' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
        " FROM pg_control_system()"
    )
    here: str = connection.execute(table).scalar_one()
    try:
        with connection.begin_nested():
            return f"{connection.execute(server).scalar_one()}:{here}"
    except DBAPIError:  # not allowed, or not PostgreSQL's own server
        return here

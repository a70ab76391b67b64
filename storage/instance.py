"""A database's life: where it was served last, how far it has come there, and whether its outbox is held."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import DBAPIError

from storage.tables import counter, life

COPY, ASKED = "copy", "asked"  # why an outbox is held
NOWHERE = ""  # the place of what was never served, and of a copy


class Instance(msgspec.Struct, frozen=True):
    """`beat` rises for as long as the database is served, whatever the clocks say."""

    place: str
    beat: int


class Hold(msgspec.Struct, frozen=True):
    """Nothing is claimed until a person lets it go."""

    since: datetime
    why: str


def read(connection: Connection) -> Instance:
    """As it is now; nobody else changes it before this transaction ends."""
    row = connection.execute(select(life.c.place, life.c.beat).with_for_update()).one()
    return Instance(row.place, row.beat)


def keep(connection: Connection, now: Instance) -> None:
    connection.execute(update(life).values(place=now.place, beat=now.beat))


def held(connection: Connection) -> Hold | None:
    row = connection.execute(select(life.c.held_since, life.c.held_why)).one()
    return Hold(row.held_since, row.held_why) if row.held_since else None


def hold(connection: Connection, why: str, now: datetime) -> None:
    """An older hold stays as it is."""
    here = update(life).where(life.c.held_since.is_(None))
    connection.execute(here.values(held_since=now, held_why=why))


def let_go(connection: Connection) -> None:
    connection.execute(update(life).values(held_since=None, held_why=None))


def start_held(connection: Connection, now: datetime) -> None:
    """What another life may have said is not said again, and what it never said has ids it never used."""
    hold(connection, COPY, now)
    leave_ids_behind(connection, now)


def mark_as_copy(connection: Connection, now: datetime) -> None:
    """Whatever serves this one finds out that it is a copy, and it is held also before."""
    connection.execute(update(life).values(place=NOWHERE))
    start_held(connection, now)


def leave_ids_behind(connection: Connection, now: datetime) -> None:
    """Go on with ids that the life which was copied cannot have used: receivers drop an id they know.

    Every life begins at its own microsecond, and none uses up a million ids a second.
    """
    least = int(now.timestamp() * 1_000_000)
    if connection.dialect.name == "postgresql":
        ahead = "SELECT setval('xiaoer_ids', GREATEST(nextval('xiaoer_ids'), :least))"
        connection.execute(text(ahead), {"least": least})
        return
    connection.execute(update(counter).where(counter.c.next < least).values(next=least))


def place_on_server(connection: Connection) -> str:
    """Which PostgreSQL, its timeline, the database and the table: what a dump does not carry, and what a
    recovery to an earlier time changes. A server that does not tell is known by the last two alone.

    The timeline is that of the log just being written; the control file learns of a new one later.
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
    except DBAPIError:  # not allowed, or, where PostgreSQL is another's make, not there
        return here

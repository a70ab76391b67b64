"""How far each partition of the log was taken into the inbox, and which program takes from it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from storage.bulk import insert_new
from storage.tables import positions


def hold(
    connection: Connection, partition: int, taker: str, now: datetime, until: datetime
) -> tuple[str, int] | None:
    """Be the one who takes from the partition until then: (stream, sequence); None if another is."""
    start = {"partition": partition, "stream": "", "sequence": 0, "taker": taker, "taken_until": until}
    insert_new(connection, positions, [start])
    row = connection.execute(
        update(positions)
        .where(positions.c.partition == partition)
        .where((positions.c.taker == taker) | (positions.c.taken_until < now))
        .values(taker=taker, taken_until=until)
        .returning(positions.c.stream, positions.c.sequence)
    ).one_or_none()
    return (row.stream, row.sequence) if row else None


def advance(
    connection: Connection,
    partition: int,
    taker: str,
    seen: tuple[str, int],
    reached: tuple[str, int],
    until: datetime,
) -> bool:
    """Everything up to `reached` is in the inbox. False if it is no longer as `seen`, and ours."""
    here = update(positions).where(
        positions.c.partition == partition,
        positions.c.taker == taker,
        positions.c.stream == seen[0],
        positions.c.sequence == seen[1],
    )
    moved = connection.execute(here.values(stream=reached[0], sequence=reached[1], taken_until=until))
    return moved.rowcount == 1


def let_go(connection: Connection, taker: str, now: datetime) -> None:
    """Another program may take at once."""
    connection.execute(update(positions).where(positions.c.taker == taker).values(taker="", taken_until=now))


def reached(connection: Connection) -> dict[int, tuple[str, int]]:
    """Of every partition: (stream, sequence)."""
    rows = connection.execute(select(positions.c.partition, positions.c.stream, positions.c.sequence))
    return {row.partition: (row.stream, row.sequence) for row in rows}

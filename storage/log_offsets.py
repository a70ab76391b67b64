"""The offset up to which each log partition is in the inbox, and the program that consumes it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from storage.bulk import insert_new
from storage.tables import positions


def claim(
    connection: Connection, partition: int, taker: str, now: datetime, until: datetime
) -> tuple[str, int] | None:
    """Claim a partition until `until`; returns its offset (stream, sequence), or None if another has it."""
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
    """Move the offset from `seen` to `reached`; False if the offset or the claim has changed."""
    here = update(positions).where(
        positions.c.partition == partition,
        positions.c.taker == taker,
        positions.c.stream == seen[0],
        positions.c.sequence == seen[1],
    )
    moved = connection.execute(here.values(stream=reached[0], sequence=reached[1], taken_until=until))
    return moved.rowcount == 1


def release(connection: Connection, taker: str, now: datetime) -> None:
    """End the claims of `taker`, so that another program can consume at once."""
    connection.execute(update(positions).where(positions.c.taker == taker).values(taker="", taken_until=now))


def reached(connection: Connection) -> dict[int, tuple[str, int]]:
    """The offset (stream, sequence) of every partition."""
    rows = connection.execute(select(positions.c.partition, positions.c.stream, positions.c.sequence))
    return {row.partition: (row.stream, row.sequence) for row in rows}

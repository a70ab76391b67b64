"""How far the inbox is behind the log."""

import asyncio

from bot.receive.log.entries import PARTITIONS
from bot.receive.log.jetstream import Log, Position
from storage import log_offsets
from storage.database import Database


async def deliveries_behind(log: Log, database: Database) -> int:
    """Count the deliveries that were acknowledged and are not in the inbox yet. Raises LogAway."""
    ends = await asyncio.gather(*(log.last(partition) for partition in range(PARTITIONS)))
    consumed = await database.read(log_offsets.reached)
    return sum(_between(consumed.get(partition, ("", 0)), end) for partition, end in enumerate(ends))


def _between(consumed: tuple[str, int], end: Position) -> int:
    stream, sequence = consumed
    return max(0, end.sequence - (sequence if stream == end.stream else 0))

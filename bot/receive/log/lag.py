"""How far the inbox is behind the log."""

import asyncio

from bot.receive.log.entries import PARTITIONS
from bot.receive.log.jetstream import Log, Place
from storage import log_offsets
from storage.database import Database


async def deliveries_behind(log: Log, database: Database) -> int:
    """Deliveries that were acknowledged and are not in the inbox yet. Raises LogAway."""
    ends = await asyncio.gather(*(log.last(partition) for partition in range(PARTITIONS)))
    taken = await database.read(log_offsets.reached)
    return sum(_between(taken.get(partition, ("", 0)), end) for partition, end in enumerate(ends))


def _between(taken: tuple[str, int], end: Place) -> int:
    stream, sequence = taken
    return max(0, end.sequence - (sequence if stream == end.stream else 0))

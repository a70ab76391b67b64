"""The command that archives by hand: archive."""

import asyncio

from bot.commands.options import HERE, AsJson, ConfigFile, WrongUse, opened, read_config, reader_of
from bot.commands.screen import counting, say, show_json, tell
from bot.domain.clock import utc_now
from bot.operations.archive import Archiver

PAUSE = 0.02  # seconds between two steps, so that a running program can write


def archive(config_file: ConfigFile = HERE, as_json: AsJson = False) -> None:
    """Move what is over longer than retention.keep to files now; `serve` does the same every hour."""
    config = read_config(config_file)
    retention, reader = config.retention, reader_of(config)
    if retention is None:
        raise WrongUse(say("no_retention", reader))
    moved = 0
    with opened(config) as database, counting(say("archiving", reader)) as count:

        def add(rows: int) -> None:
            nonlocal moved
            moved += rows
            count(moved)

        archiver = Archiver(
            database, config.shops, retention.archive, retention.keep, utc_now, pause=PAUSE, on_moved=add
        )
        asyncio.run(archiver.sweep())
    if as_json:
        show_json({"archived": moved, "folder": str(retention.archive)})
        return
    tell(say("archived" if moved else "nothing_archived", reader, rows=moved, folder=retention.archive))

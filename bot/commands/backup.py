"""The command that copies the database while it is served: backup."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from bot.commands.options import HERE, ConfigFile, WrongUse, opened, read_config, reader_of
from bot.commands.screen import counting, say, tell
from bot.domain.clock import utc_now
from storage import instance
from storage.sqlite_copy import copy_to


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there yet.")],
    config_file: ConfigFile = HERE,
) -> None:
    """Copy an SQLite database, also while it is served. The copy starts with its outbox held."""
    config = read_config(config_file)
    reader, url = reader_of(config), make_url(config.database)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise WrongUse(say("backup_by_server", reader, file=file))
    if file.exists():
        raise WrongUse(say("backup_there", reader, file=file))
    with opened(config), counting(say("backing_up", reader)):
        try:
            copy_to(Path(url.database), file, partial(instance.mark_as_copy, now=utc_now()))
        except OSError as error:
            raise WrongUse(say("backup_nowhere", reader, file=file, why=error.strerror)) from None
    tell(say("backed_up", reader, file=file, size=f"{file.stat().st_size / 1e6:.1f}"))

"""Commands that make things ready: init, migrate, schema, version."""

import os
import secrets
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.options import (
    HERE,
    AsJson,
    ConfigFile,
    WrongUse,
    chosen_language,
    read_config,
    reader_of,
)
from bot.commands.screen import say, show_json, tell
from bot.config import schema as settings_schema
from bot.operations.single_instance import exclusive
from bot.starters.create import create_shop
from storage import schema
from storage.database import Database


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the shop's files go.")],
    locale: Annotated[
        str | None, typer.Option("--locale", help="en, zh-CN or zh-TW; your system's, if not given.")
    ] = None,
) -> None:
    """Make a first shop: settings with every choice explained, fresh secrets."""
    reader = chosen_language(locale)
    try:
        made = create_shop(folder, secrets.token_bytes, reader)
    except OSError as error:
        raise WrongUse(f"{folder}: {error.strerror}") from None
    tell(say("made", reader, folder=folder))
    for path in made:
        tell(f"  {path.relative_to(folder)}")
    tell(say("now_serve", reader, folder=folder))


def migrate(config_file: ConfigFile = HERE, as_json: AsJson = False) -> None:
    """Bring the database up to date; an SQLite file is copied first."""
    config = read_config(config_file)
    database = Database(config.database)
    try:
        with exclusive(config.database):
            before = schema.current(database.engine)
            copy = schema.migrate(database.engine)
    finally:
        database.close()
    if as_json:
        show_json({"before": before, "now": schema.newest(), "copy": str(copy) if copy else None})
        return
    reader = reader_of(config)
    tell(say("migrated", reader))
    if copy:
        tell(say("copied", reader, copy=os.path.relpath(copy)))


def print_schema() -> None:
    """Print the JSON Schema of config.yaml, for editors."""
    show_json(settings_schema())


def version(as_json: AsJson = False) -> None:
    """Print which Xiaoer this is."""
    number = installed_version("xiaoer")
    if as_json:
        show_json({"version": number, "schema": schema.newest()})
        return
    tell(f"xiaoer {number}")

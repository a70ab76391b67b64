"""Options that most commands take, and how they open the settings, a shop and the database."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from bot.commands.screen import remark, say
from bot.config import Config, ShopSettings, load_config
from bot.domain.errors import StorageError, XiaoerError
from bot.seller.words import SellerWords
from bot.texts.languages import nearest_language, system_language
from storage import schema
from storage.database import Database
from storage.instance import OutboxHold

FOUND, WRONG_USE = 1, 2  # exit codes; 0 is good

ConfigFile = Annotated[
    Path, typer.Option("--config", metavar="FILE", help="The shop's settings.", show_default=True)
]
ShopName = Annotated[
    str | None, typer.Option("--shop", metavar="NAME", help="Which shop, if there are several.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON, and nothing else, on stdout.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the newest first.")]

HERE = Path("config.yaml")


class WrongUse(XiaoerError):
    """The command cannot be carried out as it was given; the text says what to do."""


def chosen_language(locale: str | None) -> str:
    """The language of a --locale option; the system's, if not given."""
    return nearest_language(locale) if locale else system_language(os.environ)


def read_config(path: Path) -> Config:
    return load_config(path, os.environ)


def choose_shop(config: Config, name: str | None) -> tuple[str, ShopSettings]:
    names = ", ".join(config.shops)
    if name is None:
        if len(config.shops) > 1:
            raise WrongUse(say("which_shop", reader_of(config), names=names))
        name = next(iter(config.shops))
    if name not in config.shops:
        raise WrongUse(say("no_shop", reader_of(config), name=repr(name), names=names))
    return name, config.shops[name]


def words_of(shop: ShopSettings) -> SellerWords:
    return SellerWords.of(shop)


def reader_of(config: Config) -> str:
    """The language for what concerns all shops: the first shop's."""
    return words_of(next(iter(config.shops.values()))).locale


def remark_hold(hold: OutboxHold | None, words: SellerWords) -> None:
    """Say on stderr that the outbox is held, so that nobody wonders why nothing goes out."""
    if hold:
        remark(say(f"held_{hold.why}", words.locale, since=words.moment(hold.since)))


@contextlib.contextmanager
def opened(config: Config) -> Iterator[Database]:
    """Open the database. Raises StorageError, saying what to do, if it is missing or its schema is old."""
    file = make_url(config.database).database
    if config.database.startswith("sqlite") and not (file and Path(file).exists()):
        raise StorageError(say("no_database", reader_of(config), file=file))
    database = Database(config.database)
    try:
        version = schema.current(database.engine)
        if version != schema.newest():
            raise StorageError(say("old_database", reader_of(config)))
        yield database
    finally:
        database.close()

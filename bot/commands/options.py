"""What most commands take: the settings, a shop, a database; and how they read the seller's language."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from bot.commands.screen import remark
from bot.commands.words import say
from bot.config import Config, ShopSettings, load_config
from bot.domain.errors import StorageError, XiaoerError
from bot.domain.shop import LOCALES
from bot.seller.words import SellerWords
from bot.settings.mistakes import language
from bot.texts.catalogue import locale_chain
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


def read_config(path: Path) -> Config:
    return load_config(path, os.environ)


def choose_shop(config: Config, name: str | None) -> tuple[str, ShopSettings]:
    names = ", ".join(config.shops)
    if name is None:
        if len(config.shops) > 1:
            raise WrongUse(f"which shop? add --shop and one of: {names}")
        name = next(iter(config.shops))
    if name not in config.shops:
        raise WrongUse(f"there is no shop {name!r}; the settings have: {names}")
    return name, config.shops[name]


def words_of(shop: ShopSettings) -> SellerWords:
    return SellerWords(shop.seller.locale or shop.locale, shop.zone())


def reader_of(config: Config) -> str:
    """For what concerns no shop alone: the language of the first."""
    return words_of(next(iter(config.shops.values()))).locale


def system_language() -> str:
    return language(os.environ)


def nearest_language(locale: str) -> str:
    return next(known for known in locale_chain(locale) if known in LOCALES)


def remark_hold(hold: OutboxHold | None, words: SellerWords) -> None:
    """Nobody shall wonder why nothing goes out."""
    if hold:
        remark(say(f"held_{hold.why}", words.locale, since=words.moment(hold.since)))


@contextlib.contextmanager
def opened(config: Config) -> Iterator[Database]:
    """The database, which must be there and up to date. Raises StorageError, saying what to do."""
    file = make_url(config.database).database
    if config.database.startswith("sqlite") and not (file and Path(file).exists()):
        raise StorageError(f"there is no database at {file} yet; `xiaoer serve` makes it")
    database = Database(config.database)
    try:
        version = schema.current(database.engine)
        if version != schema.newest():
            raise StorageError("the database does not fit this program; run `xiaoer migrate` first")
        yield database
    finally:
        database.close()

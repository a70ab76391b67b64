"""The command that shows what a buyer's words would be taken for: understand."""

from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy import make_url

from bot.commands.options import (
    FOUND,
    HERE,
    AsJson,
    ConfigFile,
    ShopName,
    WrongUse,
    choose_shop,
    read_config,
    words_of,
)
from bot.commands.screen import remark, say, show_json, waiting
from bot.commands.understood import show_understood, why_left_out
from bot.config import Config, ShopSettings
from bot.domain.clock import utc_now
from bot.domain.meanings import Understanding
from storage.private_files import make_private_folder

if TYPE_CHECKING:  # what scores texts takes long to import, and no other command needs it
    from bot.understanding.learning import Learnt
    from bot.understanding.model import Model

EXAMPLES = "understanding.yaml"  # the seller's own sentences, beside the settings
LEARNED = "learned"  # the folder of what was learned


def understand(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What a buyer might write, in quotes.")],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show how a text would be understood, and why; exit code 1 if a person would be called.

    The chat does not use it yet.
    """
    config = read_config(config_file)
    shop = choose_shop(config, shop_name)[1]
    words = words_of(shop)
    own = config_file.absolute().parent / EXAMPLES
    learnt = _learnt(learned_folder(config, config_file), own, words.locale)
    found = _understood(learnt.model, text, shop)
    fault = why_left_out(learnt.left_out, own, words.locale) if learnt.left_out else None
    if as_json:
        show_json({"outcome": found.outcome, "meanings": found.meanings, "fault": fault})
    else:
        show_understood(found, text, words)
        if fault:
            remark("\n" + fault)
        remark("\n" + say("chat_goes_by_phrases", words.locale))
    raise typer.Exit(FOUND if fault or found.outcome == "hand_over" else 0)


def learned_folder(config: Config, config_file: Path) -> Path:
    """Where what was learned is kept: beside the database's file, or beside the settings if it has none."""
    url = make_url(config.database)
    file = url.database if url.get_backend_name() == "sqlite" else None
    return Path(file or config_file.absolute()).parent / LEARNED


def _learnt(folder: Path, own: Path, reader: str) -> "Learnt":
    from bot.understanding.learning import learn

    with ExitStack() as stack:

        @cache  # one word for two models
        def begin() -> None:
            remark(say("learning", reader, file=EXAMPLES))
            stack.enter_context(waiting())

        try:
            make_private_folder(folder)
            return learn(folder, own, on_learning=begin)
        except OSError as error:
            raise WrongUse(say("learned_nowhere", reader, folder=folder, why=error.strerror)) from None


def _understood(model: "Model", text: str, shop: ShopSettings) -> Understanding:
    from bot.understanding.outcomes import thresholds_for
    from bot.understanding.understander import Understander

    understander = Understander()
    understander.swap(model, thresholds_for(model))
    today = utc_now().astimezone(shop.zone()).date()
    return understander.understand(text, shop.locale, today=today)

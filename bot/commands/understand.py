"""The command that shows what a buyer's words would be taken for: understand."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.app import rules_of
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
from bot.domain.events import BuyerRef, MessageReceived
from bot.domain.meanings import NOTHING_BEFORE, Understanding
from storage.private_files import make_private_folder

if TYPE_CHECKING:  # what scores texts takes long to import, and no other command needs it
    from bot.understanding.learning import Learnt
    from bot.understanding.model import Model


def understand(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What a buyer might write, in quotes.")],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show how a text would be understood, and why; exit code 1 if a person would be called."""
    config = read_config(config_file)
    shop = choose_shop(config, shop_name)[1]
    words = words_of(shop)
    own = config.understanding.examples
    learnt = learn_if_new(config.understanding.learned, own, words.locale)
    found = understanding_by(learnt.model, config, shop)(text)
    fault = why_left_out(learnt.left_out, own, words.locale) if learnt.left_out else None
    if as_json:
        show_json({"outcome": found.outcome, "meanings": found.meanings, "fault": fault})
    else:
        show_understood(found, text, words)
        if fault:
            remark("\n" + fault)
    raise typer.Exit(FOUND if fault or found.outcome == "hand_over" else 0)


def learn_if_new(folder: Path, own: Path, reader: str) -> "Learnt":
    """Read what is kept, or learn it with a word to the seller. Raises WrongUse if it cannot be kept."""
    from bot.understanding.learning import learn

    with ExitStack() as stack:

        @cache  # one word for two models
        def begin() -> None:
            remark(say("learning", reader, file=own.name))
            make_private_folder(folder)
            stack.enter_context(waiting())

        try:
            return learn(folder, own, on_learning=begin)
        except OSError as error:
            raise WrongUse(say("learned_nowhere", reader, folder=folder, why=error.strerror)) from None


def understanding_by(model: "Model", config: Config, shop: ShopSettings) -> Callable[[str], Understanding]:
    """What the chat would understand of a text, by its rules and by what was learned."""
    from bot.understanding.outcomes import thresholds_for
    from bot.understanding.understander import Understander

    understander = Understander()
    understander.swap(model, thresholds_for(model))
    rules = rules_of(config, understander.understand)
    now = utc_now()
    today = now.astimezone(shop.zone()).date()

    def understood(text: str) -> Understanding:
        written = MessageReceived(
            channel="try",
            external_id="try",
            message_id="try",
            conversation="try",
            at=now,
            buyer=BuyerRef(),
            text=text,
        )
        found = rules.understand(written, shop.locale, NOTHING_BEFORE, today)
        return found or Understanding("hand_over", guessed=True)

    return understood

"""The command that needs no setup: demo, a shop's ten days in a few seconds."""

from typing import Annotated

import typer

from bot.commands.options import FOUND, AsJson, chosen_language
from bot.commands.screen import stdout
from bot.demo import run


def demo(
    locale: Annotated[
        str | None, typer.Option("--locale", help="en, zh-CN or zh-TW; your system's, if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a shop's ten days pass in a few seconds: what is said, what is held back, and why."""
    if run(chosen_language(locale), as_json, stdout()):
        raise typer.Exit(FOUND)

"""The command for the curious: demo, a shop's ten days in a few seconds, before anything is set up."""

from typing import Annotated

import typer

from bot.commands.options import FOUND, AsJson, nearest_language, system_language
from bot.commands.screen import paper
from bot.demo import run


def demo(
    locale: Annotated[
        str | None, typer.Option("--locale", help="en, zh-CN or zh-TW; your system's, if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a shop's ten days pass in a few seconds: what is said, what is held back, and why."""
    reader = nearest_language(locale) if locale else system_language()
    if run(reader, as_json, paper()):
        raise typer.Exit(FOUND)

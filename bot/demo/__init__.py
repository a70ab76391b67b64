"""The demo: a shop's ten days in a few seconds, played by the real program on a fake clock."""

import asyncio
import contextlib

import msgspec
from rich.console import Console

from bot.demo.cast import load_cast
from bot.demo.stage import play
from bot.demo.view import View
from bot.operations.logs import only


def run(locale: str, as_json: bool, console: Console) -> int:
    """Play and show; 0 if every promise was kept, else 1. `locale`: en, zh-CN or zh-TW, else KeyError."""
    words = load_cast(locale).words
    quiet = as_json or not console.is_terminal
    playing = contextlib.nullcontext() if quiet else console.status(words["playing"])
    with playing, only("critical"):
        transcript = asyncio.run(play(locale))
    if as_json:
        told = msgspec.json.format(msgspec.json.encode(transcript), indent=2).decode()
        console.file.write(f"{told}\n")
    else:
        View(transcript, words, console).draw()
    return 1 if transcript.counts.doubled or transcript.stray else 0

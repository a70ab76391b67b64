"""The command that lists what buyers wrote and the bot did not understand, and teaches it: unknown."""

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from sqlalchemy import Connection

from bot.commands.options import (
    FOUND,
    HERE,
    AsJson,
    ConfigFile,
    ShopName,
    WrongUse,
    choose_shop,
    opened,
    read_config,
    words_of,
)
from bot.commands.screen import remark, say, show, show_json, table, tell
from bot.commands.understand import learn_if_new, understanding_by
from bot.commands.understood import meaning_named, why_left_out
from bot.domain.events import MessageReceived, load_event
from bot.domain.meanings import OTHER, Understanding
from bot.understanding.examples import FaultyExamples, with_sentence
from bot.understanding.folding import comparable
from storage.read_models import newest_bodies

LOOKED_AT = 5000  # of the shop's newest events
KEYS = "123"  # for the likeliest meanings
SHOWN = 60  # characters of a message in the list


class Unknown(msgspec.Struct, frozen=True):
    """What buyers wrote, so many times, and what it may mean, the likeliest first."""

    text: str
    times: int
    likeliest: tuple[str, ...]


def unknown(
    assign: Annotated[
        bool, typer.Option("--assign", help="Go through them, and say with one key what each one means.")
    ] = False,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show what buyers wrote lately and the bot does not understand; exit code 1 if there is any."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words, own = words_of(shop), config.understanding.examples
    with opened(config) as database:
        written = database.read_now(lambda connection: list(_written(connection, shop_id)))
    model = learn_if_new(config.understanding.learned, own, words.locale).model
    found = list(_not_understood(written, understanding_by(model, config, shop)))
    if as_json:
        show_json({"looked_at": len(written), "unknown": found})
    elif assign:
        _assign(found, own, words.locale)
    else:
        _list(found, len(written), words.locale)
    raise typer.Exit(FOUND if found else 0)


def _written(connection: Connection, shop: str) -> Iterator[str]:
    """What buyers wrote, the newest first."""
    for body in newest_bodies(connection, shop, "message.received", LOOKED_AT):
        with contextlib.suppress(msgspec.DecodeError):
            event = load_event(body)
            if isinstance(event, MessageReceived) and event.kind == "text" and event.text.strip():
                yield " ".join(event.text.split())


def _not_understood(written: Sequence[str], understood: Callable[[str], Understanding]) -> Iterator[Unknown]:
    """Texts that no meaning is sure of: those with the same likeliest meaning together, the largest first."""
    times: Counter[str] = Counter()
    first: dict[str, str] = {}
    for text in written:
        times[comparable(text)] += 1
        first.setdefault(comparable(text), text)
    found: list[Unknown] = []
    for plain, text in first.items():
        meant = understood(text)
        if meant.outcome != "answer" and (meant.guessed or meant.meanings[0].intent == "unknown"):
            likeliest = [each.intent for each in meant.meanings if each.intent not in (OTHER, "unknown")]
            found.append(Unknown(text, times[plain], tuple(likeliest[: len(KEYS)])))
    group: Counter[str] = Counter()
    for each in found:
        group[_guess(each)] += each.times
    yield from sorted(found, key=lambda each: (-group[_guess(each)], _guess(each), -each.times))


def _guess(each: Unknown) -> str:
    return each.likeliest[0] if each.likeliest else OTHER


def _list(found: Sequence[Unknown], looked_at: int, reader: str) -> None:
    if not found:
        tell(say("all_understood", reader, looked_at=looked_at))
        return
    rows = table(say("times", reader), say("perhaps", reader), say("written", reader))
    before = ""
    for each in found:
        guess = meaning_named(_guess(each), reader)
        text = each.text if len(each.text) <= SHOWN else f"{each.text[:SHOWN]}…"
        rows.add_row(str(each.times), guess if guess != before else "", text)
        before = guess
    show(rows)
    remark("\n" + say("teach_it", reader))


def _assign(found: Sequence[Unknown], own: Path, reader: str) -> None:
    """Ask for one key each, and keep what is said at once, so that nothing is lost by stopping."""
    taught = 0
    for number, each in enumerate(found, start=1):
        tell(f"\n{number}/{len(found)}  {each.text}" + (f"  ×{each.times}" if each.times > 1 else ""))
        keys = dict(zip(KEYS, each.likeliest, strict=False))
        for key, intent in keys.items():
            tell(f"  {key}  {meaning_named(intent, reader)}")
        tell(say("assign_keys", reader))
        key = ""
        while key not in {*keys, "n", "s", "q"}:
            key = typer.getchar().casefold()
        if key == "q":
            break
        intent = keys.get(key) or (typer.prompt(say("which_intent", reader)).strip() if key == "n" else "")
        if intent:
            _teach(own, intent, each.text, reader)
            taught += 1
    tell("\n" + say("taught", reader, count=taught, file=own.name))


def _teach(own: Path, intent: str, sentence: str, reader: str) -> None:
    """Add a sentence to the seller's file; whole, or not at all."""
    text = own.read_text("utf-8-sig") if own.exists() else ""
    try:
        text = with_sentence(text, intent, sentence)
    except FaultyExamples as fault:
        raise WrongUse(why_left_out(fault, own, reader)) from None
    with tempfile.NamedTemporaryFile("w", dir=own.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, own)

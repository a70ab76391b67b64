"""The command that runs the program: serve."""

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import Annotated

import msgspec
import typer
from rapidfuzz import process
from sqlalchemy import make_url

from bot.app import serve as run_program
from bot.commands.cautions import cautions
from bot.commands.gaps import gaps
from bot.commands.options import (
    HERE,
    AsJson,
    ConfigFile,
    WrongUse,
    read_config,
    reader_of,
    remark_hold,
    words_of,
)
from bot.commands.screen import remark, say, show_json, tell
from bot.commands.understood import why_left_out
from bot.config import Config
from bot.operations.logs import configure_logs
from bot.operations.single_instance import exclusive
from bot.program import LEGS
from bot.settings.knowledge_file import KnowledgeFault
from bot.understanding.examples import FaultyExamples
from storage.instance import OutboxHold
from storage.unit import CaseLine

ALL = ",".join(LEGS)

LegNames = Annotated[
    str,
    typer.Option(
        "--legs", metavar="LEG,...", help="Only some of them; others run in other programs on one PostgreSQL."
    ),
]
Notice = Annotated[
    float,
    typer.Option(
        "--notice", min=0.0, max=60.0, help="Seconds between /readyz saying no and the closing of the door."
    ),
]


def serve(
    config_file: ConfigFile = HERE,
    as_json: AsJson = False,
    leg_names: LegNames = ALL,
    notice: Notice = 0.0,
) -> None:
    """Run the shops until you stop it (Ctrl-C, or SIGTERM; a second one stops at once)."""
    config = read_config(config_file)
    legs = _legs(leg_names, config)
    configure_logs(config.log, json=as_json)
    open_walls = cautions(config, config_file)  # before anything is made
    with exclusive(config.database):
        try:
            with asyncio.Runner(loop_factory=_fast_loop()) as runner:
                runner.run(_until_stopped(config, as_json, legs, notice, open_walls))
        except OSError as error:
            raise WrongUse(f"listen {config.listen}: {error.strerror or error}") from None


def _legs(names: str, config: Config) -> tuple[str, ...]:
    """Raises WrongUse for what is no leg, and for a part of them where no other program may do the rest."""
    reader = reader_of(config)
    legs = tuple(name.strip() for name in names.split(","))
    for leg in legs:
        if leg not in LEGS:
            nearest = process.extract(leg, LEGS, limit=1)[0][0]
            raise WrongUse(say("no_leg", reader, leg=repr(leg), nearest=nearest, legs=",".join(LEGS)))
    alone_here = make_url(config.database).get_backend_name() == "sqlite"
    if alone_here and set(legs) != set(LEGS):
        raise WrongUse(say("legs_of_one", reader))
    return legs


async def _until_stopped(
    config: Config, as_json: bool, legs: tuple[str, ...], notice: float, open_walls: list[str]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)  # the second request; unfinished work is settled by the next start
        stop.set()
        remark(say("stopping", reader_of(config)))

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows, where Ctrl-C raises instead
            loop.add_signal_handler(number, asked, number)
    greeting = partial(_greet, config, as_json, legs, open_walls)
    on_case = partial(_tell_case, config, as_json)
    on_left_out = partial(_tell_left_out, config)
    await run_program(
        config,
        greeting,
        stop,
        legs=legs,
        notice_seconds=notice,
        on_left_out=on_left_out,
        on_unknown=partial(_tell_unknown, config),
        on_case=on_case,
    )


def _tell_left_out(config: Config, fault: FaultyExamples) -> None:
    remark("! " + why_left_out(fault, config.understanding.examples, reader_of(config)))


def _tell_unknown(config: Config, file: Path, fault: KnowledgeFault) -> None:
    remark(f"! {file.name}:{fault.line}: {fault.path}: {fault.said(reader_of(config))}")


def _tell_case(config: Config, as_json: bool, line: CaseLine) -> None:
    """A line for a case that began to wait; without the buyer's words, as it may go to a log."""
    shop = config.shops[line.shop]
    if as_json:
        sys.stdout.write(
            msgspec.json.encode({"case": line.number, "shop": line.shop, "kind": line.kind}).decode() + "\n"
        )
    else:
        words = words_of(shop)
        tell(say("case_waits", words.locale, shop=shop.name, number=line.number, kind=words.case(line.kind)))
    sys.stdout.flush()


def _greet(
    config: Config,
    as_json: bool,
    legs: tuple[str, ...],
    open_walls: list[str],
    hold: OutboxHold | None,
    waiting: Mapping[str, int],
) -> None:
    receives = "receive" in legs
    if as_json:
        addresses = [
            {"shop": shop, "channel": channel, "address": address}
            for shop, channel, address in (webhooks(config) if receives else ())
        ]
        show_json({"listen": base_address(config), "legs": legs, "webhooks": addresses, "held": hold,
                   "waiting": waiting, "cautions": open_walls})  # fmt: skip
        sys.stdout.flush()
        return
    if set(legs) != set(LEGS):
        tell(say("only_legs", reader_of(config), legs=", ".join(legs)))
    if receives:
        greet(config)
    for caution in open_walls:
        remark(f"! {caution}")
    remark_hold(hold, words_of(next(iter(config.shops.values()))))
    tell_waiting(config, waiting)


def greet(config: Config) -> None:
    """Where the shops listen, and what the seller may try."""
    reader = reader_of(config)
    tell(say("listening", reader, version=version("xiaoer"), address=base_address(config)))
    for name, shop in config.shops.items():
        tell(f"\n  {name}: {shop.name}")
        addresses = {channel: address for of, channel, address in webhooks(config) if of == name}
        for channel in shop.channels:
            tell(f"    {channel}: {addresses.get(channel, say('mail_only', reader))}")
        for code, values in gaps(shop):
            tell("    ! " + say(code, reader, **values))
    tell("\n" + say("to_try", reader))
    name = "xiaoer" if which("xiaoer") else str(Path(sys.argv[0]).absolute())  # no environment is activated
    tell(f"  cd {shlex.quote(str(Path.cwd()))}")
    width = len(f"{name} preview shipped") + 2
    for words, code in (("try", "try_try"), ("outbox", "try_outbox"), ("preview shipped", "try_preview")):
        tell(f"  {f'{name} {words}':<{width}}{say(code, reader)}")
    tell("\n" + say("stop_it", reader))
    sys.stdout.flush()


def tell_waiting(config: Config, waiting: Mapping[str, int]) -> None:
    """A line for each shop with cases that have waited since before the start."""
    for name, shop in config.shops.items():
        if count := waiting.get(name):
            tell(say("cases_wait", words_of(shop).locale, shop=shop.name, count=count))
    sys.stdout.flush()


def base_address(config: Config) -> str:
    """Where this machine itself reaches the program."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)  # noqa: S104  # compared only
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"


def webhooks(config: Config) -> Iterator[tuple[str, str, str]]:
    """(shop, channel, address) of every door, as the platforms have to call it."""
    base = config.public_url or base_address(config)
    for name, shop in config.shops.items():
        for channel, settings in shop.channels.items():
            if settings.kind != "email":
                yield name, channel, f"{base}/hooks/{name}/{channel}"


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on Windows
        return None
    return uvloop.new_event_loop

"""Commands that stop and resume all sending: hold, release."""

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from bot.commands.buyers import eraser_of
from bot.commands.options import (
    FOUND,
    HERE,
    AsJson,
    ConfigFile,
    WrongUse,
    opened,
    read_config,
    remark_hold,
    words_of,
)
from bot.commands.screen import counting, remark, say, show, show_json, table, tell
from bot.config import Config
from bot.domain.clock import utc_now
from bot.operations.resume_after_restore import leave_out
from bot.seller.words import SellerWords
from storage import instance
from storage.database import Database
from storage.held_outbox import WaitingCount, count_waiting
from storage.instance import OutboxHold

PAUSE = 0.02  # seconds between two steps, so that a running program can write


def hold(
    copy: Annotated[
        bool,
        typer.Option("--copy", help="This is a restored copy that nothing else shows to be one."),
    ] = False,
    config_file: ConfigFile = HERE,
) -> None:
    """Send nothing any more, in all programs, until `xiaoer release`. Deliveries are still taken."""
    config = read_config(config_file)
    stop = partial(
        instance.mark_as_copy if copy else partial(instance.hold, why=instance.ASKED), now=utc_now()
    )
    with opened(config) as database:
        database.write_now(stop)
    tell(say("held_now", _words(config).locale))


def release(
    drop_before: Annotated[
        str | None,
        typer.Option("--drop-before", metavar="TIME", help="Withdraw what was due before 2026-11-20T18:30."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config_file: ConfigFile = HERE,
    as_json: AsJson = False,
) -> None:
    """Show what waits in an outbox that is held, ask, and let it go."""
    config = read_config(config_file)
    words = _words(config)
    before = _time(drop_before, words) if drop_before else None
    with opened(config) as database:
        now = utc_now()
        held = database.read_now(instance.held)
        kinds = [
            kind
            for shop in config.shops
            for kind in database.read_now(partial(count_waiting, shop=shop, now=now))
        ]
        if not as_json:
            _show(held, kinds, before, words)
        agreed = held is not None and (yes or (not as_json and _asked(words)))
        left_out = _leave_out(database, config, before, words) if agreed and before else 0
        if agreed:
            _erase_again(database, config, words)
            database.notifying("deliver").write_now(instance.release)
    if as_json:
        show_json({"held": held, "waiting": kinds, "released": agreed, "left_out": left_out})
    elif agreed:
        if before:
            tell(say("release_left_out", words.locale, before=words.moment(before), count=left_out))
        tell(say("released", words.locale))
    elif held:
        remark(say("release_how", words.locale))
    if held and not agreed:
        raise typer.Exit(FOUND)


def _words(config: Config) -> SellerWords:
    return words_of(next(iter(config.shops.values())))


def _time(given: str, words: SellerWords) -> datetime:
    """A time of --drop-before; without an offset it is in the first shop's zone."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise WrongUse(say("no_moment", words.locale, given=given)) from None
    return at if at.tzinfo else at.replace(tzinfo=words.zone)


def _show(
    held: OutboxHold | None, kinds: Sequence[WaitingCount], before: datetime | None, words: SellerWords
) -> None:
    if held is None:
        tell(say("not_held", words.locale))
        return
    remark_hold(held, words)
    if not kinds:
        tell(say("nothing_waits", words.locale))
        return
    show(_table(kinds, words))
    tell(say("release_checks", words.locale))
    if before:
        tell(say("release_would_leave_out", words.locale, before=words.moment(before)))
    elif held.why == instance.COPY:
        tell(say("release_twice", words.locale))


def _table(kinds: Sequence[WaitingCount], words: SellerWords) -> Any:
    heads = ("shop", "message", "waits", "overdue", "oldest")
    shown = table(*(say(head, words.locale) for head in heads))
    for kind in kinds:
        shown.add_row(
            kind.shop,
            words.template(kind.template),
            str(kind.count),
            str(kind.overdue),
            words.moment(kind.oldest),
        )
    return shown


def _asked(words: SellerWords) -> bool:
    return sys.stdin.isatty() and typer.confirm(say("release_ask", words.locale))


def _erase_again(database: Database, config: Config, words: SellerWords) -> None:
    """Erase whoever was erased after this copy was made."""
    eraser = eraser_of(config, database)
    if found := sum(eraser.repeat(shop_id) for shop_id in config.shops):
        remark(say("erased_again", words.locale, count=found))


def _leave_out(database: Database, config: Config, before: datetime, words: SellerWords) -> int:
    """Withdraw, in steps, what was due before; returns how many messages."""
    left_out = 0
    with counting(say("withdrawing", words.locale)) as count:
        for shop in config.shops:
            while step := database.write_now(partial(leave_out, shop=shop, before=before, now=utc_now())):
                left_out += step
                count(left_out)
                time.sleep(PAUSE)
    return left_out

"""Commands that import CSV files: import buyers, import orders, import products."""

from pathlib import Path
from typing import Annotated, Any

import typer

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
from bot.commands.screen import progress, remark, say, show_json, tell
from bot.config import Config, ShopSettings
from bot.csv_import.faults import BadLine
from bot.csv_import.faults import say as say_fault
from bot.csv_import.importing import (
    CHANNEL,
    KINDS,
    RECENT,
    Found,
    Staging,
    examine,
    known_elsewhere,
    take_in,
)
from bot.csv_import.rows import ImportContext
from bot.domain.clock import utc_now
from storage import schema
from storage.database import Database

import_app = typer.Typer(help="Import buyers, orders or products from a CSV file; see docs/import.md.")

File = Annotated[Path, typer.Argument(metavar="FILE.csv", help="With column names in its first line.")]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave bad lines out instead of importing nothing.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only look through the file.")]
ChannelName = Annotated[
    str,
    typer.Option(
        "--channel", metavar="NAME", help="The channel that knows buyers by the file's ids, if one does."
    ),
]


@import_app.command("buyers")
def import_buyers(
    file: File,
    skip_bad: SkipBad = False,
    dry_run: DryRun = False,
    channel: ChannelName = CHANNEL,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Import buyers: names, addresses, languages, consent."""
    _Import(read_config(config_file), shop_name, channel, as_json).run("buyers", file, skip_bad, dry_run)


@import_app.command("orders")
def import_orders(
    file: File,
    skip_bad: SkipBad = False,
    dry_run: DryRun = False,
    channel: ChannelName = CHANNEL,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Import orders with their payments and parcels; buyers get no messages about old ones."""
    _Import(read_config(config_file), shop_name, channel, as_json).run("orders", file, skip_bad, dry_run)


@import_app.command("products")
def import_products(
    file: File,
    skip_bad: SkipBad = False,
    dry_run: DryRun = False,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Import what you sell: prices, stock, floors, materials, sizes, care."""
    _Import(read_config(config_file), shop_name, CHANNEL, as_json).run("products", file, skip_bad, dry_run)


class _Import:
    """The import of one file: examine, store, report."""

    def __init__(self, config: Config, shop_name: str | None, channel: str, as_json: bool) -> None:
        self.config = config
        self.shop_id, self.shop = choose_shop(config, shop_name)
        self.reader = words_of(self.shop).locale
        self.as_json = as_json
        self.bad: list[dict[str, Any]] = []
        self.context = ImportContext(
            channel=_known(channel, self.shop, self.reader),
            currency=self.shop.currency,
            region=self.shop.region,
            zone=self.shop.zone(),
            now=utc_now(),
        )

    def run(self, kind: str, file: Path, skip_bad: bool, dry_run: bool) -> None:
        if not file.is_file():
            raise WrongUse(say("no_file", self.reader, file=file))
        staging = Staging()
        try:
            label = say("looked_at", self.reader, file=file.name)
            with progress(label, file.stat().st_size) as advance:
                found = examine(file, KINDS[kind], self.shop_id, self.context, staging, self._blame, advance)
            refused = bool(found.bad) and not (skip_bad and found.entries)
            new = 0 if refused or dry_run else self._take_in(staging, found)
        finally:
            staging.close()
        if self.as_json:
            self._print_json(found, new, done=not refused and not dry_run)
        else:
            self._tell(kind, found, new, refused, dry_run)
        raise typer.Exit(FOUND if found.bad else 0)

    def _take_in(self, staging: Staging, found: Found) -> int:
        database = Database(self.config.database)
        try:
            schema.ready(database.engine)
            twice = database.read_now(lambda link: known_elsewhere(link, self.shop_id, self.context, staging))
            if twice and self.context.channel == CHANNEL:
                raise WrongUse(say("order_elsewhere", self.reader, order=twice[0], channel=twice[1]))
            with progress(say("taken_in", self.reader), found.events) as advance:
                return database.write_now(
                    lambda link: take_in(link, self.shop_id, self.context, staging, advance)
                )
        finally:
            database.close()

    def _blame(self, fault: BadLine) -> None:
        why = say_fault(fault, self.reader)
        if self.as_json:
            self.bad.append({"line": fault.line, "column": fault.column, "code": fault.code, "text": why})
            return
        place = say("line", self.reader, line=fault.line)
        tell(": ".join(part for part in (place, fault.column, why) if part))

    def _tell(self, kind: str, found: Found, new: int, refused: bool, dry_run: bool) -> None:
        for note in found.notes:
            remark(say_fault(note, self.reader))
        if refused:
            tell(say("bad_nothing", self.reader, bad=found.bad))
            return
        if found.bad:
            tell(say("bad_left_out", self.reader, lines=found.bad_lines))
        if not found.bad or not dry_run:
            tell(say(f"good_{kind}" if dry_run else f"imported_{kind}", self.reader, entries=found.entries))
        if not dry_run:
            code = "new_facts" if new else "nothing_new"
            tell(say(code, self.reader, new=new, events=found.events))
        if kind == "orders" and found.recent and (new or dry_run):
            tell(say("recent", self.reader, recent=found.recent, days=RECENT.days))

    def _print_json(self, found: Found, new: int, done: bool) -> None:
        show_json(
            {
                "imported": done,
                "lines": found.lines,
                "entries": found.entries,
                "events": found.events,
                "new_events": new,
                "recent": found.recent,
                "left_out": found.bad_lines,
                "bad": self.bad,
                "notes": [say_fault(note, self.reader) for note in found.notes],
            }
        )


def _known(channel: str, shop: ShopSettings, reader: str) -> str:
    if channel == CHANNEL or channel in shop.channels:
        return channel
    raise WrongUse(say("no_channel", reader, channel=repr(channel), names=", ".join(shop.channels)))

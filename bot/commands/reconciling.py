"""Commands for money that came: reconcile, transfers, transfers settle."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress_bar import ProgressBar

from bot.commands.cases import user
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
from bot.commands.screen import progress, remark, say, show, show_json, table, tell
from bot.config import Config
from bot.csv_import.faults import BadLine
from bot.domain.clock import utc_now
from bot.domain.money import Money
from bot.domain.reconcile import CERTAIN
from bot.domain.untrusted_text import quote
from bot.seller.words import SellerWords
from bot.statements.reading import OTHERS, known_banks
from bot.statements.reconciling import (
    Doubt,
    Outcome,
    Reconciling,
    Sum,
    candidates_in_words,
    examine,
)
from bot.statements.report import as_data, fault_as_data, placed_in_words, together
from bot.statements.settling import OTHER, SETTLED, Assigned, assign
from bot.statements.staging import BATCH, Staging
from bot.texts import formats, operator_words
from storage import transfer_records
from storage.transfer_records import BankUse

DOUBTS_SHOWN = 30
TEXT_SHOWN = 80  # characters of a payer's words
BAR = 24  # characters
REFUSALS = {
    Assigned.UNKNOWN: "transfer_unknown",
    Assigned.CLOSED: "transfer_closed",
    Assigned.NO_ORDER: "transfer_no_order",
    Assigned.CURRENCY: "transfer_currency",
}

transfers_app = typer.Typer(help="Money that came, by bank statements.", invoke_without_command=True)


def reconcile(
    file: Annotated[Path, typer.Argument(metavar="STATEMENT", help="CSV, CAMT.053 or MT940.")],
    bank: Annotated[
        str | None,
        typer.Option("--bank", metavar="NAME", help="Whose form it has; found out, if not given."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be matched.")] = False,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Match a bank statement with the orders that wait for money; exit code 1 if any of it is for you."""
    _Reconcile(read_config(config_file), shop_name, as_json, dry_run).run(file, bank)


class _Reconcile:
    """One statement: examine, match, report."""

    def __init__(self, config: Config, shop_name: str | None, as_json: bool, dry_run: bool) -> None:
        self.config, self.as_json, self.dry_run = config, as_json, dry_run
        self.shop_id, self.shop = choose_shop(config, shop_name)
        self.words = words_of(self.shop)
        self.reader = self.words.locale
        self.bad: list[dict[str, Any]] = []

    def run(self, file: Path, bank: str | None) -> None:
        names = (*self.shop.banks, *known_banks(), *OTHERS)
        if bank is not None and bank not in names:
            raise WrongUse(say("no_such_bank", self.reader, name=repr(bank), names=", ".join(names)))
        if not file.is_file():
            raise WrongUse(say("no_file", self.reader, file=file))
        now, staging = utc_now(), Staging()
        try:
            label = say("looked_at", self.reader, file=file.name)
            with progress(label, file.stat().st_size) as advance:
                found = examine(file, self.shop, bank, now, staging, self._blame, advance)
            if not found.bad:
                self._match(
                    Reconciling(self.shop_id, self.shop, self.reader, now, found, self.dry_run), staging
                )
        finally:
            staging.close()
        if self.as_json:
            show_json({**as_data(found, self.reader), "bad": self.bad, "dry_run": self.dry_run})
        else:
            self._tell(file, found)
        raise typer.Exit(FOUND if found.bad or found.doubtful.count else 0)

    def _match(self, reconciling: Reconciling, staging: Staging) -> None:
        with opened(self.config) as database, progress(say("matching", self.reader), len(staging)) as advance:
            for number, batch in enumerate(staging.batches()):
                work = partial(reconciling.take, batch=batch)
                if self.dry_run:
                    database.read_now(work)
                else:
                    database.write_now(work)
                advance(number * BATCH + len(batch))

    def _blame(self, fault: BadLine) -> None:
        if self.as_json:
            self.bad.append(fault_as_data(fault, self.reader))
        else:
            tell(placed_in_words(fault, self.reader))

    def _tell(self, file: Path, found: Outcome) -> None:
        if found.bad:
            tell(say("statement_refused", self.reader, bad=found.bad))
            return
        payments = found.known + found.certain + found.doubtful.count + found.nothing.count
        tell(say("statement_lines", self.reader, lines=found.lines, payments=payments))
        if found.head:
            tell(say("statement_form", self.reader, bank=found.head.bank))
        if found.head and found.head.unread:
            tell(say("statement_unread", self.reader, names=", ".join(found.head.unread)))
        if found.known:
            tell(say("matched_before", self.reader, count=found.known))
        for code, counted in (
            ("matched_certain", together(found.hows)),
            ("matched_doubtful", found.doubtful),
            ("matched_nothing", found.nothing),
        ):
            if counted.count:
                tell(say(code, self.reader, count=counted.count, sums=self._sums(counted.minor)))
        if found.ignored:
            why = (say(f"ignored_{code}", self.reader, count=count) for code, count in found.ignored.items())
            tell(
                say(
                    "ignored",
                    self.reader,
                    why=operator_words.say("transfers", "comma", self.reader, {}).join(why),
                )
            )
        if found.hows:
            _picture(
                "way", {say(f"way_{how}", self.reader): each for how, each in found.hows.items()}, self.words
            )
            _picture("bank", found.banks, self.words)
        if found.doubts:
            self._show_doubts(found.doubts[:DOUBTS_SHOWN])
        if self.dry_run:
            remark(say("statement_dry", self.reader))

    def _show_doubts(self, doubts: list[Doubt]) -> None:
        heads = ("line_of_file", "case", "sum", "payer", "candidates")
        shown = table(*(say(head, self.reader) for head in heads))
        for doubt in doubts:
            transfer = doubt.transfer
            shown.add_row(
                str(doubt.line),
                str(doubt.case or ""),
                formats.money(transfer.amount, self.words.reader),
                quote(f"{transfer.payer} {transfer.text}".strip(), TEXT_SHOWN),
                candidates_in_words(doubt.candidates, self.reader),
            )
        show(shown)
        if not self.dry_run:
            tell(say("reconcile_next", self.reader))

    def _sums(self, minor: Mapping[str, int]) -> str:
        return ", ".join(formats.money(Money(sum, code), self.words.reader) for code, sum in minor.items())


@transfers_app.callback()
def transfers(
    context: typer.Context,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show by which banks money came, and how it was matched; exit code 1 if any of it is for you."""
    if context.invoked_subcommand:
        return
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words, since = words_of(shop), utc_now() - shop.payment.keep_statements
    with opened(config) as database:
        used = database.read_now(partial(transfer_records.use_of_banks, shop=shop_id, since=since))
    if as_json:
        names = ("bank", "how", "currency", "times", "minor")
        show_json([{name: getattr(each, name) for name in names} for each in used])
    elif not used:
        tell(say("no_transfers", words.locale))
    else:
        came = [each for each in used if each.how in CERTAIN or each.how == SETTLED]
        _picture("bank", _by(came, "bank"), words)
        ways = _by(used, "how")
        _picture("way", {say(f"way_{how}", words.locale): each for how, each in ways.items()}, words)
    raise typer.Exit(FOUND if any(each.how == "doubtful" for each in used) else 0)


@transfers_app.command("settle")
def settle(
    number: Annotated[int, typer.Argument(metavar="CASE", help="The case's number.")],
    orders: Annotated[
        list[str] | None, typer.Argument(metavar="ORDER...", help="The orders that it is for.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="It is for no order.")] = False,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Say for which orders a doubtful transfer is; each gets what it owes, and the last one the rest."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    reader = words_of(shop).locale
    named = orders or []
    if bool(named) == none:
        raise WrongUse(say("transfer_which", reader))
    with opened(config) as database:
        done, wrong = database.write_now(
            partial(assign, shop=shop_id, number=number, orders=named, now=utc_now(), by=f"command:{user()}")
        )
    if done is not Assigned.DONE:
        raise WrongUse(say(REFUSALS[done], reader, number=number, order=wrong))
    if as_json:
        show_json({"case": number, "settled": True, "orders": named, "how": SETTLED if named else OTHER})
        return
    tell(say("transfer_done", reader, number=number, orders=", ".join(named) or say("transfer_none", reader)))


def _by(used: list[BankUse], name: str) -> dict[str, Sum]:
    found: dict[str, Sum] = {}
    for each in used:
        counted = found.setdefault(getattr(each, name), Sum())
        counted.count += each.times
        counted.minor[each.currency] = counted.minor.get(each.currency, 0) + each.minor
    return found


def _picture(head: str, sums: Mapping[str, Sum], words: SellerWords) -> None:
    """A bar for each, as long as it is often."""
    shown = table(say(head, words.locale), "", say("count", words.locale), say("sum", words.locale))
    most = max((each.count for each in sums.values()), default=1)
    for name, each in sorted(sums.items(), key=lambda entry: -entry[1].count):
        amounts = (Money(minor, code) for code, minor in each.minor.items())
        money = ", ".join(formats.money(amount, words.reader) for amount in amounts)
        shown.add_row(name, ProgressBar(most, each.count, width=BAR), str(each.count), money)
    show(shown)

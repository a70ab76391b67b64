"""Opens a statement: finds out which bank's it is, and reads it line by line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from bot.csv_import.faults import BadLine, shown
from bot.csv_import.file import as_text, encoding_of
from bot.domain.bank_formats import BankFormat, load_formats
from bot.statements import camt, mt940
from bot.statements.csv_lines import Context, Head, read_csv, read_head
from bot.statements.lines import Read
from bot.texts.word_files import LOADER

OTHERS = (camt.BANK, mt940.BANK)  # forms that describe themselves


@cache
def known_banks() -> Mapping[str, BankFormat]:
    """The forms that come with the program."""
    text = files("bot.statements").joinpath("banks.yaml").read_text(encoding="utf-8")
    return load_formats(yaml.load(text, Loader=LOADER))  # noqa: S506  # both are safe


def read_statement(
    path: Path,
    banks: Mapping[str, BankFormat],
    bank: str | None,
    context: Context,
    on_progress: Callable[[int], None] = lambda position: None,
    on_head: Callable[[Head], None] = lambda head: None,
) -> Iterator[Read]:
    """Every line of a statement. banks: the shop's own, which come before ours. bank: one of all names; None:
    by what the file looks like. Raises OSError.
    """
    every = {**known_banks(), **banks}
    with ExitStack() as opened:
        if bank == camt.BANK or (bank is None and camt.looks_like_camt(path)):
            file = opened.enter_context(path.open("rb"))
            for read in camt.read_camt(file, context):
                yield read
                on_progress(file.tell())
            return
        if bank == mt940.BANK or (bank is None and mt940.looks_like_mt940(path)):
            encoding, faults = encoding_of(path)
            file = opened.enter_context(path.open("rb"))
            text = opened.enter_context(as_text(file, "latin-1" if faults else encoding))
            for read in mt940.read_mt940(text, context):
                yield read
                on_progress(file.tell())
            return
        if _is_spreadsheet(path):
            yield BadLine(1, None, "spreadsheet")
            return
        if bank is not None and bank not in every:
            yield BadLine(
                1, None, "no_such_bank", {"name": shown(bank), "names": ", ".join((*every, *OTHERS))}
            )
            return
        head = read_head(path, {bank: every[bank]} if bank else _choice(banks))
        if isinstance(head, BadLine):
            yield head
            return
        on_head(head)
        file = opened.enter_context(path.open("rb"))
        text = opened.enter_context(as_text(file, head.encoding))
        for read in read_csv(text, head, context):
            yield read
            on_progress(file.tell())


def _choice(banks: Mapping[str, BankFormat]) -> Mapping[str, BankFormat]:
    """The shop's own forms first, so that of two that fit alike theirs is taken."""
    return {**banks, **{name: form for name, form in known_banks().items() if name not in banks}}


def _is_spreadsheet(path: Path) -> bool:
    """True for Excel's own files, new (a ZIP) and old."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

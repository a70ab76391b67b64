"""Read a seller's CSV file line by line, in whatever encoding and with whatever column names it has."""

import codecs
import csv
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import msgspec

from bot.csv_import.cells import clean
from bot.csv_import.columns import Column, by_header, normal
from bot.csv_import.faults import BadLine, Note, shown

_CHUNK = 1 << 16
_DELIMITERS = ",;\t"
_NAMES_SHOWN = 4


class CsvLine(msgspec.Struct, frozen=True):
    """One line under the column names; `cells` has the filled cells only."""

    number: int
    cells: dict[str, str]


class Header(msgspec.Struct, frozen=True):
    """What the file's start tells: how to read it, what is wrong with it, what to note."""

    encoding: str = "utf-8-sig"
    delimiter: str = ","
    line: int = 1  # where the column names stand
    columns: tuple[str | None, ...] = ()  # by place; None: not used
    faults: tuple[BadLine, ...] = ()
    notes: tuple[Note, ...] = ()


def read_header(path: Path, columns: tuple[Column, ...]) -> Header:
    """Detect the encoding from the whole file, then recognise its column names."""
    try:
        encoding, faults = encoding_of(path)
        if faults:
            return Header(faults=faults)
        with as_text(path.open("rb"), encoding) as text:
            delimiter, line, names = _names(text)
    except OSError as error:
        return Header(faults=(BadLine(1, None, "no_file", {"why": error.strerror}),))
    if not names:
        return Header(faults=(BadLine(1, None, "empty"),))
    notes = [Note("read_as", {"encoding": encoding})] if encoding != "utf-8-sig" else []
    found, more = _recognised(names, columns)
    return Header(encoding, delimiter, line, found, tuple(_lacking(found, columns, line)), (*notes, *more))


def as_text(file: BinaryIO, encoding: str) -> TextIOWrapper:
    """Open for the csv module; closing it closes the file."""
    return TextIOWrapper(file, encoding=encoding, newline="", errors="replace")


def read_lines(text: Iterable[str], head: Header) -> Iterator[CsvLine | BadLine]:
    """Yield every line that is not empty; after a broken one reading goes on."""
    reader = csv.reader(text, delimiter=head.delimiter)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:  # the only one that its dialect can raise: an open quote
            yield BadLine(number, None, "open_quote")
            continue
        if number <= head.line or not any(cell.strip() for cell in row):
            continue
        yield _line(number, row, head.columns)


def _line(number: int, row: list[str], columns: tuple[str | None, ...]) -> CsvLine | BadLine:
    while len(row) > len(columns) and not row[-1].strip():
        row.pop()
    if len(row) > len(columns):
        return BadLine(number, None, "cells", {"given": len(row), "wanted": len(columns)})
    cells = {name: text for name, cell in zip(columns, row, strict=False) if name and (text := clean(cell))}
    return CsvLine(number, cells)


def encoding_of(path: Path) -> tuple[str, tuple[BadLine, ...]]:
    """UTF-8 or UTF-16, else GB18030 (Chinese spreadsheets on Windows); a fault where the file is damaged."""
    with path.open("rb") as file:
        start = file.read(2)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        broken = _broken_at(path, "utf-16")
        return "utf-16", (BadLine(broken[0], None, "not_text"),) if broken else ()
    broken = _broken_at(path, "utf-8-sig")
    if broken is None:
        return "utf-8-sig", ()
    line, non_ascii_before = broken
    # After valid non-ASCII characters it is damaged UTF-8, which GB18030 would garble.
    if non_ascii_before or _broken_at(path, "gb18030"):
        return "utf-8-sig", (BadLine(line, None, "not_text"),)
    return "GB18030", ()


def _broken_at(path: Path, encoding: str) -> tuple[int, bool] | None:
    """The line of the first byte that cannot be decoded, and whether non-ASCII text came before it."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, non_ascii = 1, False
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                well = error.object[: error.start]
                return line + well.count(b"\n"), non_ascii or not well.removeprefix(codecs.BOM_UTF8).isascii()
            line += text.count("\n")
            non_ascii = non_ascii or not text.isascii()
            if not chunk:
                return None


def _names(text: Iterable[str]) -> tuple[str, int, list[str]]:
    """The first line that is not empty, split at its most frequent delimiter."""
    for number, line in enumerate(text, start=1):
        if line.strip(" \t\r\n,;"):
            delimiter = max(_DELIMITERS, key=line.count)
            try:
                return delimiter, number, next(csv.reader([line], delimiter=delimiter))
            except csv.Error:
                break
    return ",", 1, []


def _recognised(
    names: list[str], columns: tuple[Column, ...]
) -> tuple[tuple[str | None, ...], tuple[Note, ...]]:
    """Which column is at each place; of two headers for one column, the likelier one."""
    known = by_header(columns)
    best: dict[str, tuple[int, int]] = {}  # column -> (rank of its name, place)
    notes = []
    for place, name in enumerate(names):
        found = known.get(normal(name))
        if found is None:
            notes += [_unknown(name, columns)] if name.strip() else []
        else:
            column, rank = found
            best[column.name] = min(best.get(column.name, (rank, place)), (rank, place))
    used = {place: column for column, (_, place) in best.items()}
    for place, name in enumerate(names):
        found = known.get(normal(name))
        if found and place not in used:
            other = names[best[found[0].name][1]]
            notes.append(Note("column_twice", {"given": shown(name), "other": shown(other)}))
    return tuple(used.get(place) for place in range(len(names))), tuple(notes)


def _unknown(name: str, columns: tuple[Column, ...]) -> Note:
    written = {normal(each): each for column in columns for each in column.names}
    near = get_close_matches(normal(name), written, 1, 0.75)
    if not near:
        return Note("unknown_column", {"given": shown(name)})
    return Note("unknown_column_near", {"given": shown(name), "nearest": written[near[0]]})


def _lacking(found: tuple[str | None, ...], columns: tuple[Column, ...], line: int) -> Iterator[BadLine]:
    for column in columns:
        if column.required and column.name not in found:
            also = ", ".join(column.names[1 : _NAMES_SHOWN + 1])
            yield BadLine(line, column.name, "no_column", {"also": also})

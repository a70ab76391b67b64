"""Reads a bank's CSV file by the description of its form."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import list_currencies

from bot.csv_import.cells import clean
from bot.csv_import.columns import normal
from bot.csv_import.faults import BadCell, BadLine, shown
from bot.csv_import.file import as_text, encoding_of
from bot.domain.bank_formats import BankColumns, BankFormat, Columns, each
from bot.statements import cells
from bot.statements.lines import Booking, Ignored, Read, own_id, tidy

HEAD = 100  # lines among which the names of the columns are looked for
_LONGEST_LINE = 1 << 16
_DELIMITERS = ",;\t|"
_CURRENCIES = frozenset(list_currencies())
_ROLES = tuple(BankColumns.model_fields)


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What cells are read with, where the file does not say."""

    currency: str
    zone: ZoneInfo
    now: datetime


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is read: its form, and where each column stands. line: the last one above the bookings."""

    bank: str
    form: BankFormat
    encoding: str
    delimiter: str
    line: int
    places: Mapping[str, tuple[int, ...]]
    names: tuple[str, ...]

    @property
    def unread(self) -> tuple[str, ...]:
        """The columns that this form says nothing of."""
        used = {place for places in self.places.values() for place in places}
        return tuple(name for place, name in enumerate(self.names) if name and place not in used)

    def name_of(self, role: str) -> str | None:
        """The column in the file's own words."""
        place = next(iter(self.places.get(role, ())), None)
        if place is None:
            return None
        return self.names[place] if place < len(self.names) else str(place + 1)


def read_head(path: Path, formats: Mapping[str, BankFormat]) -> Head | BadLine:
    """Find out which of these forms a file has, by the names of its columns. Raises OSError."""
    encoding, faults = encoding_of(path)
    if faults and not any(form.encoding for form in formats.values()):
        return BadLine(faults[0].line, None, "not_text")
    best: tuple[int, Head] | None = None
    for tried in dict.fromkeys((None, *(form.encoding for form in formats.values()))):
        fitting = {bank: form for bank, form in formats.items() if form.encoding == tried}
        for head in _heads(path, fitting, tried or encoding):
            count = sum(map(len, head.places.values()))
            if best is None or count > best[0]:
                best = count, head
    if best:
        return best[1]
    return _missing(path, formats, encoding)


def _heads(path: Path, formats: Mapping[str, BankFormat], encoding: str) -> Iterator[Head]:
    wanted = {bank: form for bank, form in formats.items() if form.named}
    for number, line in enumerate(_first_lines(path, encoding), start=1):
        for delimiter in _DELIMITERS:
            names = _split(line, delimiter) if delimiter in line else []
            here = {normal(name): place for place, name in reversed(list(enumerate(names))) if name.strip()}
            for bank, form in wanted.items():
                places = _places(form, here)
                if places and form.delimiter in (None, delimiter):
                    yield _head(bank, form, encoding, delimiter, number, places, names)
    for bank, form in formats.items():
        if not form.named:
            roles = {role: each(getattr(form.columns, role)) for role in _ROLES}
            places = {role: tuple(int(one) - 1 for one in those) for role, those in roles.items() if those}
            yield _head(bank, form, encoding, form.delimiter or ",", form.skip, places, [])


def _head(
    bank: str,
    form: BankFormat,
    encoding: str,
    delimiter: str,
    line: int,
    places: dict[str, tuple[int, ...]],
    names: list[str],
) -> Head:
    return Head(
        bank=bank,
        form=form,
        encoding=encoding,
        delimiter=delimiter,
        line=line,
        places=places,
        names=tuple(clean(name) for name in names),
    )


def _first_lines(path: Path, encoding: str) -> list[str]:
    with path.open("rb") as file, as_text(file, encoding) as text:
        return [line for _ in range(HEAD) if (line := text.readline(_LONGEST_LINE))]


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return []


def _places(form: BankFormat, here: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Where each column stands; none if this line does not name all that are needed."""
    found: dict[str, tuple[int, ...]] = {}
    for role in _ROLES:
        wanted: Columns | None = getattr(form.columns, role)
        those = [here[normal(str(name))] for name in each(wanted) if normal(str(name)) in here]
        if those:
            found[role] = tuple(those if role == "text" else those[:1])
    needed = [role for role in ("date", "direction", "state") if getattr(form.columns, role) is not None]
    return found if all(role in found for role in needed) and {"amount", "received"} & set(found) else {}


def _missing(path: Path, formats: Mapping[str, BankFormat], encoding: str) -> BadLine:
    """What a file lacks: where one bank was named, the first of its columns; else what there is."""
    lines = _first_lines(path, encoding)
    if not any(line.strip() for line in lines):
        return BadLine(1, None, "empty")
    if len(formats) > 1:
        return BadLine(1, None, "no_bank", {"names": ", ".join(formats)})
    ((bank, form),) = formats.items()
    text = {normal(cell) for line in lines for sign in _DELIMITERS for cell in _split(line, sign)}
    columns = form.columns
    for wanted in (columns.date, columns.amount or columns.received, columns.direction, columns.state):
        names = [str(name) for name in each(wanted)]
        if names and not text & {normal(name) for name in names}:
            return BadLine(1, names[0], "no_column", {"bank": bank})
    return BadLine(1, None, "no_bank", {"names": bank})


def read_csv(text: Iterable[str], head: Head, context: Context) -> Iterator[Read]:
    """Every line below the names: bookings by which money came, lines that say nothing of it, faults."""
    reader = csv.reader(text, delimiter=head.delimiter)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield BadLine(number, None, "open_quote")
            continue
        if number > head.line and any(cell.strip() for cell in row):
            yield _Line(number, row, head, context).read()


class _Line:
    """One line with the description that it is read by."""

    def __init__(self, number: int, row: list[str], head: Head, context: Context) -> None:
        self.number, self.row, self.head, self.context = number, row, head, context
        self.form = head.form

    def cell(self, role: str) -> str:
        return " ".join(
            cell
            for place in self.head.places.get(role, ())
            if place < len(self.row) and (cell := tidy(clean(self.row[place]))) not in ("", "/")
        )

    def read(self) -> Read:
        begin = next((text for cell in self.row if (text := cell.strip())), "")
        if begin.startswith(self.form.ignore):
            return Ignored(self.number, "no_booking")
        try:
            return self._booking()
        except _Wrong as wrong:
            return BadLine(self.number, self.head.name_of(wrong.role), wrong.bad.code, wrong.bad.values)

    def _booking(self) -> Read:
        role = "received" if "received" in self.head.places else "amount"
        given = self.cell(role)
        code = self._currency()
        try:
            amount = cells.money(given, code, self.form.decimal)
        except BadCell as bad:
            if self._is_booking():
                raise _Wrong(role, bad) from None
            return Ignored(self.number, "no_booking")
        if amount is None and role == "amount" and self._is_booking():
            raise _Wrong(role, BadCell("no_amount"))
        if amount is None:
            return Ignored(self.number, "outgoing" if self._is_booking() else "no_booking")
        if not self._came(amount.minor):
            return Ignored(self.number, "outgoing")
        if self.form.states and self.cell("state") not in self.form.states:
            return Ignored(self.number, "not_settled")
        at, latest = self._moment()
        return Booking(
            line=self.number,
            bank=self.head.bank,
            at=at,
            latest=latest,
            amount=amount,
            payer=self.cell("payer"),
            account=self.cell("account"),
            text=self.cell("text"),
            id=own_id(self.cell("id")),
        )

    def _came(self, minor: int) -> bool:
        """By the word for it, where the sum has no sign; else by the sign."""
        if "direction" in self.head.places:
            return minor > 0 and self.cell("direction") in self.form.incoming
        return minor > 0

    def _currency(self) -> str:
        told = self.cell("currency")
        if not told:
            return self.form.currency or self.context.currency
        try:
            return cells.currency(told, _CURRENCIES)
        except BadCell as bad:
            if self._is_booking():
                raise _Wrong("currency", bad) from None
            return self.context.currency

    def _is_booking(self) -> bool:
        try:
            self._moment()
        except _Wrong:
            return False
        return True

    def _moment(self) -> tuple[datetime, datetime]:
        given = self.cell("date"), self.cell("time")
        try:
            return cells.moment(*given, self.form.dates, self.context.zone, self.context.now)
        except BadCell as bad:
            raise _Wrong("date", bad if given[0] else BadCell("no_date", given=shown(given[0]))) from None


class _Wrong(Exception):
    """A cell that cannot be read, and which column it is."""

    def __init__(self, role: str, bad: BadCell) -> None:
        super().__init__(role)
        self.role, self.bad = role, bad

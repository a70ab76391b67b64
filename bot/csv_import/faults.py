"""What is wrong with a seller's CSV file: faults and notes with code and values, and their sentences."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bot.texts import operator_words

_SHOWN = 40  # characters of a cell that a message repeats


class BadLine(msgspec.Struct, frozen=True):
    """Something that cannot be imported: where, and the code and values of its sentence in operator.yaml."""

    line: int
    column: str | None
    code: str
    values: Mapping[str, Any] = {}


class Note(msgspec.Struct, frozen=True):
    """Something that is not wrong, but that the seller should know."""

    code: str
    values: Mapping[str, Any] = {}


class BadCell(Exception):
    """A cell that cannot be read; whoever knows its line and column makes a BadLine of it."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def say(fault: BadLine | Note, reader: str) -> str:
    """The fault as a sentence in the reader's language, one of LOCALES."""
    return operator_words.say("csv_import", fault.code, reader, fault.values)


def shown(cell: str) -> str:
    """A cell as a message repeats it: short, quoted, without control characters."""
    text = "".join(sign if sign.isprintable() else " " for sign in cell[: _SHOWN + 1])
    return repr(text if len(cell) <= _SHOWN else text[:_SHOWN] + "…")

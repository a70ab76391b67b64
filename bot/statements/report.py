"""What a statement came to, as data and in words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bot.csv_import.faults import BadLine
from bot.statements.reconciling import Doubt, Outcome, Sum, candidates_in_words
from bot.texts import operator_words


def as_data(found: Outcome, reader: str) -> dict[str, Any]:
    """The outcome for programs; amounts in minor units."""
    return {
        "lines": found.lines,
        "known": found.known,
        "ignored": dict(found.ignored),
        "certain": {how: _sum_as_data(each) for how, each in found.hows.items()},
        "banks": {bank: _sum_as_data(each) for bank, each in found.banks.items()},
        "doubtful": _sum_as_data(found.doubtful),
        "nothing": _sum_as_data(found.nothing),
        "doubts": [_doubt_as_data(each, reader) for each in found.doubts],
    }


def _sum_as_data(counted: Sum) -> dict[str, Any]:
    return {"count": counted.count, "minor": counted.minor}


def _doubt_as_data(doubt: Doubt, reader: str) -> dict[str, Any]:
    transfer = doubt.transfer
    return {
        "line": doubt.line,
        "case": doubt.case,
        "booked_at": transfer.at,
        "amount": msgspec.to_builtins(transfer.amount),
        "payer": transfer.payer,
        "text": transfer.text,
        "candidates": [msgspec.to_builtins(each) for each in doubt.candidates],
        "says": candidates_in_words(doubt.candidates, reader),
    }


def fault_in_words(fault: BadLine, reader: str) -> str:
    return operator_words.say("statements", fault.code, reader, fault.values)


def fault_as_data(fault: BadLine, reader: str) -> dict[str, Any]:
    text = fault_in_words(fault, reader)
    return {"line": fault.line, "column": fault.column, "code": fault.code, "text": text}


def placed_in_words(fault: BadLine, reader: str) -> str:
    """With the line, and the column in the file's own words."""
    place = operator_words.say("commands", "line", reader, {"line": fault.line})
    return ": ".join(part for part in (place, fault.column, fault_in_words(fault, reader)) if part)


def together(sums: Mapping[str, Sum]) -> Sum:
    whole = Sum()
    for each in sums.values():
        whole.count += each.count
        for code, minor in each.minor.items():
            whole.minor[code] = whole.minor.get(code, 0) + minor
    return whole

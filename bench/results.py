"""What was found, for programs: rates, waits, processor time and memory, by contender and measure."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from bench.aims import aims
from bench.contenders import BARE, CHAT, DRAIN, INTAKE, PAID, PLACED, SHOPS, Contender
from bench.figures import Figures, Size, percentile
from bench.shops import CLAIM, DRAINED, IDLE, REACTED, in_shops

Found = dict[str, Any]

MEASURES = (INTAKE, CHAT, PLACED, PAID, DRAIN)


def results(contenders: Sequence[Contender], figures: Figures, size: Size, sync_milliseconds: float) -> Found:
    return {
        "aims": [msgspec.to_builtins(aim) for aim in aims(figures, size)],
        "contenders": {each.name: _of(each, figures, size) for each in contenders},
        "about": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "disk_sync_ms": round(sync_milliseconds, 2),
            "rounds": size.rounds,
            "rounds_of_draining": size.drains,
            "rounds_of_shops": size.shop_rounds,
            "connections": size.connections,
            "shops": size.shops,
            "more_shops": size.more_shops,
        },
    }


def _of(contender: Contender, figures: Figures, size: Size) -> Found:
    name = contender.name
    found: Found = {"how": contender.how, "outlives_a_crash": contender.keeps}
    if not figures.here(contender):
        return {**found, "not_measured": figures.absent[name]}
    found |= {
        measure: _measure(measure, contender, figures) for measure in MEASURES if figures.rates[measure, name]
    }
    if name in figures.messages:
        found |= {"messages": figures.messages[name], "messages_twice": 0}
    if figures.efforts[in_shops(IDLE, size.shops), name]:
        found[SHOPS] = _shops(contender, figures, size)
    return found


def _measure(measure: str, contender: Contender, figures: Figures) -> Found:
    name = contender.name
    found: Found = {
        "per_second": round(figures.rate(measure, name)),
        "processor_us": _effort(measure, contender, figures, 1_000_000),
    }
    if contender is not BARE:
        base = INTAKE if measure == DRAIN else measure  # which it has no part in
        found["processor_of_bare"] = _rounded(figures.times((measure, name), (base, BARE.name)))
    if waits := figures.waits[measure, name]:
        found["waits_ms"] = {
            f"p{percent}": round(percentile(waits, percent) * 1000, 2) for percent in (50, 99)
        }
    if (measure, name) in figures.megabytes:
        found["memory_mb"] = round(figures.megabytes[measure, name])
    if measure == DRAIN:
        found["reminders"] = figures.drained[name]
    return found


def _shops(contender: Contender, figures: Figures, size: Size) -> Found:
    def effort(what: str, shops: int, unit: int) -> Found:
        return _effort(in_shops(what, shops), contender, figures, unit)

    def compared(what: str) -> Found:
        one, many = (in_shops(what, shops) for shops in (1, size.shops))
        return {
            "one": effort(what, 1, 1_000_000),
            "many": effort(what, size.shops, 1_000_000),
            "times": _rounded(figures.times((many, contender.name), (one, contender.name))),
        }

    return {
        "idle_ms_a_second": effort(IDLE, size.shops, 1000),
        "claim_ms": effort(CLAIM, size.shops, 1000),
        "claim_of_more_ms": effort(CLAIM, size.more_shops, 1000),
        "drained_us": compared(DRAINED),
        "reacted_us": compared(REACTED),
        "memory_mb": round(figures.megabytes[IDLE, contender.name]),
    }


def _effort(measure: str, contender: Contender, figures: Figures, unit: int) -> Found:
    effort = figures.effort(measure, contender.name)
    found = {"program": round(effort.program * unit, 1)}
    if contender.store in ("postgresql", "redis"):  # which have processes of their own
        found["store"] = round(effort.store * unit, 1)
    return found


def _rounded(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 3)

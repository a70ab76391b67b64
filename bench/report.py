"""What was found: for people as a table, for programs as JSON."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import BARE, Figures, Size, percentile
from bench.intake import INTAKE
from bench.journeys import CHAT, MIXED, PAID, PLACED, WORKING

Found = dict[str, Any]

DATABASES = ("sqlite", "postgresql")
MEASURES = {
    INTAKE: "Durable intake: verified, committed, answered; nobody reacts",
    WORKING: "Intake while the whole program works on it",
    MIXED: "Whole journey: half chats, a quarter orders, a quarter payments",
    CHAT: "  a chat that is answered",
    PLACED: "  an order confirmed, its reminders and deadline written",
    PAID: "  a payment acknowledged, its reminders withdrawn",
}

# At half of which rate the waits were measured: the program with all legs keeps up with whole journeys only.
PACED_BY = {INTAKE: INTAKE, WORKING: PLACED}
WAITS = {
    INTAKE: "Wait for an answer, intake alone at half its rate: p50 / p99",
    WORKING: "Wait for an answer, whole program at half its rate: p50 / p99",
}


def results(figures: Figures, size: Size, sync_milliseconds: float) -> Found:
    return {
        **{database: _of(database, figures) for database in DATABASES},
        "bare": {
            "per_second": {name: round(figures.rate(name, BARE)) for name in MEASURES},
            "answered_after_ms": {INTAKE: _waits(INTAKE, BARE, figures)},
        },
        "about": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "disk_sync_ms": round(sync_milliseconds, 2),
            "rounds": size.rounds,
            "connections": size.connections,
            "deliveries": {"intake": size.intake, "journeys": size.journeys},
        },
    }


def _of(database: str, figures: Figures) -> dict[str, Any]:
    return {
        "intake_of_bare": _ratio(INTAKE, database, figures)["median"],
        "intake_while_working_of_bare": _ratio(WORKING, database, figures)["median"],
        "journey_of_bare": _ratio(MIXED, database, figures)["median"],
        "of_bare": {name: _ratio(name, database, figures) for name in MEASURES},
        "per_second": {name: round(figures.rate(name, database)) for name in MEASURES},
        "answered_after_ms": {name: _waits(name, database, figures) for name in (INTAKE, WORKING)},
        "peak_memory_mb": round(figures.megabytes[database]),
        "messages_received_once": figures.messages[database],
    }


def _ratio(measure: str, database: str, figures: Figures) -> dict[str, float]:
    ratios = figures.ratios(measure, database)
    found = {"median": median(ratios), "min": min(ratios), "max": max(ratios)}
    return {name: round(ratio, 3) for name, ratio in found.items()}


def _waits(measure: str, server: str, figures: Figures) -> dict[str, float]:
    waits = figures.waits[measure, server]
    return {
        "per_second": round(figures.half_rate(PACED_BY[measure], server)),
        **{f"p{percent}": round(percentile(waits, percent) * 1000, 2) for percent in (50, 99)},
    }


def show(console: Console, found: Found) -> None:
    about = found["about"]
    table = Table(title="Deliveries a second, and of what the bare server answers under the same load")
    for name, side in (("", "left"), ("bare", "right"), *((name, "right") for name in DATABASES)):
        table.add_column(name, justify=side)  # type: ignore[arg-type]  # one of rich's words for a side
    for name, words in MEASURES.items():
        cells = [_cell(found[database], name) for database in DATABASES]
        table.add_row(words, f"{found['bare']['per_second'][name]:,}", *cells)
    table.add_section()
    for name, words in WAITS.items():
        table.add_row(words, _wait(found["bare"], name), *(_wait(found[each], name) for each in DATABASES))
    table.add_row("Peak of memory", "", *(f"{found[each]['peak_memory_mb']:,} MB" for each in DATABASES))
    console.print(table)
    console.print(
        f"Median of {about['rounds']} rounds (least to most), {about['connections']} connections, "
        f"{about['cpus']} processors shared with the load and the receiver; Python {about['python']}; "
        f"the disk keeps a page in {about['disk_sync_ms']} ms.",
        style="dim",
    )


def _cell(of: dict[str, Any], measure: str) -> str:
    ratio = of["of_bare"][measure]
    rate = f"{of['per_second'][measure]:,}"
    return f"{rate}  {ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})"


def _wait(of: dict[str, Any], measure: str) -> str:
    waits = of["answered_after_ms"].get(measure)
    if waits is None:
        return ""
    return f"{waits['p50']:.1f} / {waits['p99']:.1f} ms at {waits['per_second']:,}"

"""What was found: for people as a table, for programs as JSON."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.figures import BARE, Figures, Size, percentile
from bench.intake import INTAKE
from bench.journeys import CHAT, MIXED, PAID, PLACED, WORKING

Found = dict[str, Any]

DATABASES = ("sqlite", "postgresql")
MEASURES = {
    INTAKE: "Intake",
    WORKING: "Intake with all legs",
    MIXED: "Journey",
    CHAT: "  of a chat",
    PLACED: "  of an order",
    PAID: "  of a payment",
}
# At half of which rate the waits were measured; all legs together are as fast as whole journeys.
PACED_BY = {INTAKE: INTAKE, WORKING: PLACED}
WAITS = {INTAKE: "Answered after", WORKING: "  with all legs"}
MEANING = (
    "Deliveries a second; beneath, as part of the bare server's under the same load (least-most).",
    "Intake: verified, parsed, committed, answered, and nobody reacts.",
    "Journey: from the first delivery until the last message was received and recorded as sent; half chats, "
    "a quarter orders (confirmed; three reminders and a deadline written), a quarter payments (acknowledged; "
    "reminders withdrawn); then each alone.",
    "Answered after: 50 and 99 of 100 deliveries, at half the rate of intake, or of an order's journey.",
)


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
        "messages_received": figures.messages[database],
        "messages_received_twice": figures.doubles[database],
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
    table = Table("", "bare", *DATABASES, box=box.SIMPLE)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, words in MEASURES.items():
        cells = [_rate(found[database], name) for database in DATABASES]
        table.add_row(words, f"{found['bare']['per_second'][name]:,}", *cells)
    for name, words in WAITS.items():
        table.add_row(words, *(_wait(found[server], name) for server in (BARE, *DATABASES)))
    table.add_row("Peak of memory", "", *(f"{found[each]['peak_memory_mb']:,} MB" for each in DATABASES))
    console.print(table)
    console.print(
        *MEANING,
        f"Medians of {about['rounds']} rounds in turns; {about['connections']} connections; {about['cpus']}"
        f" processors, shared with load and receiver; Python {about['python']}; the disk keeps a page in"
        f" {about['disk_sync_ms']} ms.",
        sep="\n",
        highlight=False,
    )


def _rate(of: Found, measure: str) -> str:
    ratio = of["of_bare"][measure]
    return f"{of['per_second'][measure]:,}\n{ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})"


def _wait(of: Found, measure: str) -> str:
    waits = of["answered_after_ms"].get(measure)
    return f"{waits['p50']:.1f}, {waits['p99']:.1f} ms\nat {waits['per_second']:,}" if waits else ""

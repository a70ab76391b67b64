"""What was found: for programs as JSON, for people as tables, in the terminal and as Markdown."""

import os
import platform
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.contenders import BARE, CHAT, DRAIN, INTAKE, OURS, POSTGRESQL, RIVALS, SQLITE, TWO, Contender
from bench.figures import Figures, Size, percentile
from bench.journeys import MIXED, PAID, PLACED, WORKING

Found = dict[str, Any]

RATES = (INTAKE, WORKING, CHAT, MIXED, PLACED, PAID, DRAIN)
# What is aimed at, for ours on either database.
GOALS = {
    "intake_of_bare": 0.6,
    "journey_of_bare": 0.2,
    "drain_of_fastest_rival": 3.0,
    "drain_of_fastest_durable_rival": 5.0,
    "two_replicas_of_one": 1.6,
}
MEANING = (
    "Messages or deliveries a second; (as part of the bare server's under the same load, least-most).",
    "Intake: proved, parsed, kept and answered, while nobody works on it; beside it the time until the answer"
    " of 50 and 99 of 100, at half of that rate.",
    "Chat: from the first greeting that comes in until the last answer has arrived and is noted as sent;"
    " beside it the time until a buyer has theirs, at half of that rate.",
    "Draining: reminders that are due, rendered, signed, sent and noted, from when the first one has arrived"
    " (slowest-fastest tenth of the way).",
    "Of processor: what each one took of the contender and its database or Redis, without load and receiver;"
    " of all measures in results.json.",
    "MB: of the contender's own processes, without database and Redis.",
    "Mixed: half chats, a quarter orders (confirmed; three reminders and a deadline written), a quarter"
    " payments (acknowledged; reminders withdrawn); then orders and payments alone.",
)


def results(contenders: Sequence[Contender], figures: Figures, size: Size, sync_milliseconds: float) -> Found:
    return {
        "goals": goals(figures),
        "contenders": {each.name: _of(each, figures) for each in contenders},
        "about": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "disk_sync_ms": round(sync_milliseconds, 2),
            "rounds": size.rounds,
            "rounds_of_draining": size.drains,
            "connections": size.connections,
        },
    }


def _of(contender: Contender, figures: Figures) -> Found:
    name = contender.name
    about = {"how": contender.how, "outlives_a_crash": contender.keeps}
    if not figures.here(contender):
        return {**about, "not_measured": figures.absent[name]}
    measured = {
        measure: _measure(measure, name, figures) for measure in RATES if figures.rates[measure, name]
    }
    if name in figures.messages:
        about |= {"messages": figures.messages[name], "messages_twice": figures.doubles[name]}
    return {**about, **measured}


def _measure(measure: str, name: str, figures: Figures) -> Found:
    found: Found = {"per_second": round(figures.rate(measure, name))}
    if figures.rates[measure, BARE.name] and name != BARE.name:
        found["of_bare"] = _spread(figures.ratios(measure, name), 3)
    if effort := figures.effort[measure, name]:
        found["processor_ms_each"] = round(median(effort) * 1000, 3)
    if waits := figures.waits[measure, name]:
        found["waits_ms"] = {
            f"p{percent}": round(percentile(waits, percent) * 1000, 2) for percent in (50, 99)
        }
        found["waits_at_per_second"] = round(
            figures.rate(PLACED if measure == WORKING else measure, name) / 2
        )
    if (measure, name) in figures.megabytes:
        found["memory_mb"] = round(figures.megabytes[measure, name])
    if measure == DRAIN:
        found["tenths_per_second"] = _spread(figures.slices[name] or figures.rates[DRAIN, name], 0)
        found["reminders"] = figures.drained[name]
        found["first_after_s"] = round(median(figures.first_after[name]), 1)
    return found


def _spread(values: Sequence[float], digits: int) -> dict[str, float]:
    found = {"median": median(values), "min": min(values), "max": max(values)}
    return {name: round(value, digits) for name, value in found.items()}


def goals(figures: Figures) -> Found:
    """For each aim, what was found on each database; null where something was not measured."""

    def ratio(measure: str, name: str, to: str | None) -> float | None:
        if to is None or not (figures.rates[measure, name] and figures.rates[measure, to]):
            return None
        return round(median(figures.ratios(measure, name, to)), 3)

    measured = [rival for rival in RIVALS if figures.here(rival) and figures.rates[DRAIN, rival.name]]
    fastest = _fastest(measured, figures)
    fastest_durable = _fastest([rival for rival in measured if rival.keeps], figures)
    asked: dict[str, Callable[[Contender], float | None]] = {
        "intake_of_bare": lambda one: ratio(INTAKE, one.name, BARE.name),
        "journey_of_bare": lambda one: ratio(MIXED, one.name, BARE.name),
        "drain_of_fastest_rival": lambda one: ratio(DRAIN, one.name, fastest),
        "drain_of_fastest_durable_rival": lambda one: ratio(DRAIN, one.name, fastest_durable),
    }
    found: Found = {
        goal: {"aim": GOALS[goal], **{one.name: ask(one) for one in (SQLITE, POSTGRESQL)}}
        for goal, ask in asked.items()
    }
    twice = {
        what: ratio(measure, TWO.name, POSTGRESQL.name)
        for what, measure in (("journey", MIXED), (DRAIN, DRAIN))
    }
    found["two_replicas_of_one"] = {"aim": GOALS["two_replicas_of_one"], **twice}
    return found


def _fastest(rivals: Sequence[Contender], figures: Figures) -> str | None:
    return max((rival.name for rival in rivals), key=lambda name: figures.rate(DRAIN, name), default=None)


Cells = list[list[str]]  # rows, the first of them the heads


def everybody(found: Found) -> Cells:
    heads = ["", "Intake", "ms", "Chat", "ms", "Draining", "ms of processor", "MB", "Outlives a crash"]
    rows = []
    for name, of in found["contenders"].items():
        if "not_measured" in of:
            rows.append([name, "not measured here", *[""] * (len(heads) - 2)])
            continue
        megabytes = max(
            (of[measure]["memory_mb"] for measure in RATES if "memory_mb" in of.get(measure, {})), default=0
        )
        rows.append(
            [
                name,
                _rate(of.get(INTAKE)),
                _waits(of.get(INTAKE)),
                _rate(of.get(CHAT)),
                _waits(of.get(CHAT)),
                _drained(of.get(DRAIN)),
                f"{of[DRAIN]['processor_ms_each']:.2f}" if DRAIN in of else "",
                f"{megabytes:,}" if megabytes else "",
                "yes" if of["outlives_a_crash"] else "no",
            ]
        )
    return [heads, *rows]


def ourselves(found: Found) -> Cells:
    heads = ["", "Mixed", "Orders", "Payments", "Answered while all legs work", "ms"]
    shown = [BARE.name, *(one.name for one in OURS)]
    rows = [
        [
            name,
            *(_rate(of.get(measure)) for measure in (MIXED, PLACED, PAID, WORKING)),
            _waits(of.get(WORKING)),
        ]
        for name, of in found["contenders"].items()
        if name in shown and MIXED in of
    ]
    return [heads, *rows] if rows else []


def aims(found: Found) -> Cells:
    rows = []
    for goal, reached in found["goals"].items():
        values = [
            f"{who}: {'not measured' if value is None else f'{value:.2f}'}"
            for who, value in reached.items()
            if who != "aim"
        ]
        rows.append([goal.replace("_", " "), f"{reached['aim']}", "; ".join(values)])
    return [["Aim", "at least", "found"], *rows]


def _rate(of: Found | None) -> str:
    if of is None:
        return ""
    ratio = of.get("of_bare")
    return f"{of['per_second']:,}" + (
        f" ({ratio['median']:.2f}, {ratio['min']:.2f}-{ratio['max']:.2f})" if ratio else ""
    )


def _waits(of: Found | None) -> str:
    waits = (of or {}).get("waits_ms")
    return f"{waits['p50']:.1f}, {waits['p99']:.1f}" if waits else ""


def _drained(of: Found | None) -> str:
    if of is None:
        return ""
    tenths = of["tenths_per_second"]
    return f"{of['per_second']:,} ({tenths['min']:,.0f}-{tenths['max']:,.0f}) of {of['reminders']:,}"


def _about(found: Found) -> str:
    about = found["about"]
    return (
        f"Medians of {about['rounds']} rounds in turns, draining of {about['rounds_of_draining']};"
        f" {about['connections']} connections; {about['cpus']} processors, which databases, Redis, load and"
        f" receiver share; Python {about['python']}; the disk keeps a page in {about['disk_sync_ms']} ms."
    )


def absences(found: Found) -> list[str]:
    return [
        f"Not measured here: {name}: {of['not_measured']}"
        for name, of in found["contenders"].items()
        if "not_measured" in of
    ]


def show(console: Console, found: Found) -> None:
    for cells in (everybody(found), ourselves(found), aims(found)):
        if cells:
            table = Table(*cells[0], box=box.SIMPLE)
            for row in cells[1:]:
                table.add_row(*row)
            console.print(table)
    console.print(*MEANING, _about(found), *absences(found), sep="\n", highlight=False)


def markdown(found: Found) -> str:
    tables = [_lined(cells) for cells in (everybody(found), ourselves(found), aims(found)) if cells]
    ways = [f"- {name}: {of['how']}" for name, of in found["contenders"].items()]
    parts = [
        "# Measured",
        _about(found),
        *tables,
        "\n".join(f"- {line}" for line in (*MEANING, *absences(found))),
        "## Who",
        "\n".join(ways),
    ]
    return "\n\n".join(parts) + "\n"


def _lined(cells: Cells) -> str:
    heads, *rows = ("| " + " | ".join(row) + " |" for row in cells)
    return "\n".join([heads, "|" + "---|" * len(cells[0]), *rows])

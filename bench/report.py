"""What was found, for people: tables in the terminal and as Markdown."""

from rich import box
from rich.console import Console
from rich.table import Table

from bench.contenders import CHAT, DRAIN, INTAKE, PAID, PLACED, SHOPS
from bench.results import MEASURES, Found
from bench.shops import EACH

Cells = list[list[str]]  # rows, the first of them the heads

HEADS = {
    INTAKE: "Intake",
    CHAT: "Chat",
    PLACED: "Order placed",
    PAID: "Order paid",
    DRAIN: "Draining",
}
COST, RATES, MANY, AIMS = (
    "Processor time",
    "Rates",
    "Many shops",
    "Aims, by processor time",
)
MEANING = {
    COST: "Microseconds of processor for each message: the program's + its database's or Redis', without load"
    " and receiver. In brackets: as times the bare server's under the same load (draining: its intake).",
    RATES: "Deliveries or messages a second (of so many reminders it was given to drain). ms: at half of that"
    " rate, the time that 50 and 99 of 100 wait, for the door's answer, or in a chat for the message. MB: of"
    " the program's own processes.",
    MANY: "One program with {shops:,} shops, in each a reminder for later and three promotions that run:"
    " processor time, program + database. Draining and reacting: microseconds for each of {each} in each"
    " shop, : for each of as many in one shop.",
    AIMS: "Each as a ratio within this run, or in milliseconds.",
}
MEASURED = (
    "Intake: proved, parsed, kept and answered, while nobody works on it.",
    "Chat: from the first greeting that comes in until the last answer has arrived and is noted as sent.",
    "Order placed: the same, confirmed; three reminders and a deadline are written. Order paid: the same,"
    " acknowledged; the reminders are withdrawn. The others' queues know no orders.",
    "Draining: reminders that are due, rendered, signed, sent, noted, from when the first one has arrived.",
    "Idle claim: one look of the leg that sends, while nothing is due.",
)


def tables(found: Found) -> dict[str, Cells]:
    """By their titles; without those in which nothing was measured."""
    made = {COST: costs(found), RATES: rates(found), MANY: shops(found), AIMS: aims(found)}
    return {title: cells for title, cells in made.items() if len(cells) > 1}


def costs(found: Found) -> Cells:
    rows = [
        [name, *(_cost(of.get(measure)) for measure in MEASURES)]
        for name, of in found["contenders"].items()
        if "not_measured" not in of
    ]
    return [["", *(HEADS[measure] for measure in MEASURES)], *rows]


def rates(found: Found) -> Cells:
    heads = ["", "Intake", "ms", "Chat", "ms", *(HEADS[each] for each in (PLACED, PAID, DRAIN)), "MB"]
    rows = [
        [
            name,
            *(cell(of.get(measure)) for measure in (INTAKE, CHAT) for cell in (_rate, _waits)),
            *(_rate(of.get(measure)) for measure in (PLACED, PAID)),
            _drained(of.get(DRAIN)),
            _megabytes(of),
            "yes" if of["outlives_a_crash"] else "no",
        ]
        for name, of in found["contenders"].items()
        if "not_measured" not in of
    ]
    return [[*heads, "Outlives a crash"], *rows]


def shops(found: Found) -> Cells:
    about = found["about"]
    many, more = f"{about['shops']:,}", f"{about['more_shops']:,}"
    heads = [
        "",
        "Idling, ms a second",
        f"Idle claim, ms: {many} shops",
        f"{more} shops",
        "Draining",
        "Reacting",
        "MB",
    ]
    rows = [
        [
            name,
            *(_effort(of[what], 1) for what in ("idle_ms_a_second", "claim_ms", "claim_of_more_ms")),
            *(_compared(of[what]) for what in ("drained_us", "reacted_us")),
            f"{of['memory_mb']:,}",
        ]
        for name, of in ((name, of[SHOPS]) for name, of in found["contenders"].items() if SHOPS in of)
    ]
    return [heads, *rows]


def aims(found: Found) -> Cells:
    return [
        ["Aim", "At most", "Found", ""],
        *([aim["what"], f"{aim['at_most']:g}", _found(aim["found"]), _verdict(aim)] for aim in found["aims"]),
    ]


def _found(values: dict[str, float | None]) -> str:
    return ", ".join(
        f"{name} {'not measured' if value is None else f'{value:.2f}'}" for name, value in values.items()
    )


def _verdict(aim: Found) -> str:
    values = [value for value in aim["found"].values() if value is not None]
    if not values:
        return ""
    return "met" if max(values) <= aim["at_most"] else "missed"


def _effort(of: Found, digits: int = 0) -> str:
    return " + ".join(f"{value:,.{digits}f}" for value in of.values())


def _cost(of: Found | None) -> str:
    if of is None:
        return ""
    times = of.get("processor_of_bare")
    return _effort(of["processor_us"]) + (f" ({times:.1f}×)" if times else "")


def _rate(of: Found | None) -> str:
    return f"{of['per_second']:,}" if of else ""


def _waits(of: Found | None) -> str:
    waits = (of or {}).get("waits_ms")
    return f"{waits['p50']:.1f}, {waits['p99']:.1f}" if waits else ""


def _drained(of: Found | None) -> str:
    return f"{of['per_second']:,} (of {of['reminders']:,})" if of else ""


def _compared(of: Found) -> str:
    ratio = f" ({of['times']:.2f}×)" if of["times"] else ""
    return f"{_effort(of['many'])} : {_effort(of['one'])}{ratio}"


def _megabytes(of: Found) -> str:
    found = [of[measure]["memory_mb"] for measure in MEASURES if "memory_mb" in of.get(measure, {})]
    return f"{max(found):,}" if found else ""


def _about(found: Found) -> str:
    about = found["about"]
    return (
        f"Medians of {about['rounds']} rounds in turns, draining of {about['rounds_of_draining']}, many"
        f" shops of {about['rounds_of_shops']}; {about['connections']} connections; {about['cpus']}"
        f" processors, which databases, Redis, load and receiver share; Python {about['python']}; the disk"
        f" keeps a page in {about['disk_sync_ms']} ms."
    )


def absences(found: Found) -> list[str]:
    return [
        f"Not measured here: {name}: {of['not_measured']}"
        for name, of in found["contenders"].items()
        if "not_measured" in of
    ]


def _meaning(title: str, found: Found) -> str:
    return MEANING[title].format(shops=found["about"]["shops"], each=EACH)


def show(console: Console, found: Found) -> None:
    for title, cells in tables(found).items():
        table = Table(*cells[0], box=box.SIMPLE, title=title, caption=_meaning(title, found))
        for row in cells[1:]:
            table.add_row(*row)
        console.print(table)
    console.print(*MEASURED, _about(found), *absences(found), sep="\n", highlight=False)


def markdown(found: Found) -> str:
    parts = ["# Measured", _about(found)]
    for title, cells in tables(found).items():
        parts += [f"## {title}", _lined(cells), _meaning(title, found)]
    ways = [f"- {name}: {of['how']}" for name, of in found["contenders"].items()]
    parts += ["## What and who", "\n".join(f"- {line}" for line in (*MEASURED, *absences(found)))]
    return "\n\n".join([*parts, "\n".join(ways)]) + "\n"


def _lined(cells: Cells) -> str:
    heads, *rows = ("| " + " | ".join(row) + " |" for row in cells)
    return "\n".join([heads, "|" + "---|" * len(cells[0]), *rows])

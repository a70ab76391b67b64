"""What was found: for programs as JSON, for people as tables, in the terminal and as Markdown."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from bench.faults.crashes import POINTS
from bench.faults.environment import Count, Scenario
from bench.faults.sending import KILLED, KINDS, Ended

COUNTS = tuple(field for field in Count.__struct_fields__ if field != "why")
BAD = ("lost", "doubled", "untrue", "findings")
MEANING = (
    "Acknowledged: deliveries answered 200. Heard: messages, each by its id; dropped: repeats that the"
    " receiver knew by their ids.",
    "Lost: acknowledged and not handled, decided on, or noted as sent and never heard. Doubled: said in two"
    " messages with ids of their own, or by a chat that shows repeats more often than the rule allows.",
    "Untrue: reminded of a payment that had been acknowledged. Findings: of `xiaoer audit`; it is not"
    " asked where the clock was wrong, since it judges by the times that were noted.",
    "Unknown: nobody can know whether it arrived, and the rule says to leave it. Again: said once more by the"
    " seller's rule, which is noted.",
)


class Row(msgspec.Struct, kw_only=True):
    """All runs of one scenario. failed: runs that did not come to an end, each with its reason."""

    scenario: str
    on: str
    runs: int
    counts: dict[str, int]
    failed: list[str] = []
    why: list[str] = []


class Step(msgspec.Struct, kw_only=True):
    """All runs of the send step with one kind of message whose first crash came before, within or after."""

    message: str
    first_crash: str
    runs: int
    crashes: int
    sent: int
    again: int
    lost: int
    doubled: int
    unknown: int


class Found(msgspec.Struct, kw_only=True):
    seed: int
    rows: list[Row] = []
    steps: list[Step] = []

    @property
    def is_bad(self) -> bool:
        rows = any(row.failed or any(row.counts[each] for each in BAD) for row in self.rows)
        return rows or any(step.lost or step.doubled for step in self.steps)


def row(scenario: Scenario, counts: Sequence[Count], failed: Sequence[str]) -> Row:
    summed = {name: sum(getattr(count, name) for count in counts) for name in COUNTS}
    why = [sentence for count in counts for sentence in count.why]
    return Row(
        scenario=scenario.name,
        on=scenario.on,
        runs=len(counts) + len(failed),
        counts=summed,
        failed=list(failed),
        why=why,
    )


def steps(ends: Iterable[Ended], kills: Mapping[str, int] | None = None) -> list[Step]:
    """kills: real ones, by kind of message."""
    found: dict[tuple[str, str], list[Ended]] = defaultdict(list)
    for end in ends:
        found[end.case.kind.name, end.case.when].append(end)
    order = {kind.name: number for number, kind in enumerate(KINDS)}
    when = [*dict.fromkeys(POINTS.values()), KILLED]
    keys = sorted(found, key=lambda key: (order[key[0]], when.index(key[1])))
    return [_step(*key, found[key], kills or {}) for key in keys]


def _step(message: str, when: str, ends: Sequence[Ended], kills: Mapping[str, int]) -> Step:
    states = Counter(end.state for end in ends)
    return Step(
        message=message,
        first_crash=when,
        runs=len(ends),
        crashes=kills.get(message, 0) if when == KILLED else sum(len(end.case.points) for end in ends),
        sent=states["sent"],
        again=sum(end.again for end in ends),
        lost=sum(end.lost for end in ends),
        doubled=sum(end.doubled for end in ends),
        unknown=states["unknown"],
    )


Cells = list[list[str]]  # rows, the first of them the heads


def scenarios(found: Found) -> Cells:
    heads = ["scenario", "on", "runs", *COUNTS]
    body = [[row.scenario, row.on, f"{row.runs:,}", *_numbers(row.counts, COUNTS)] for row in found.rows]
    total = Counter[str]()
    for row in found.rows:
        total.update(row.counts)
    runs = sum(row.runs for row in found.rows)
    return [heads, *body, ["all", "", f"{runs:,}", *_numbers(total, COUNTS)]] if body else []


def send_step(found: Found) -> Cells:
    names = ("runs", "crashes", "sent", "again", "lost", "doubled", "unknown")
    body = [
        [step.message, step.first_crash, *(f"{getattr(step, name):,}" for name in names)]
        for step in found.steps
    ]
    total = [f"{sum(getattr(step, name) for step in found.steps):,}" for name in names]
    return [["message", "first crash", *names], *body, ["all", "", *total]] if body else []


def _numbers(counts: Mapping[str, int], names: Iterable[str]) -> list[str]:
    return [f"{counts[name]:,}" for name in names]


def complaints(found: Found) -> list[str]:
    return [f"{row.scenario}, {row.on}: {why}" for row in found.rows for why in (*row.failed, *row.why)]


def show(console: Console, found: Found) -> None:
    for cells in (scenarios(found), send_step(found)):
        if cells:
            table = Table(*cells[0], box=box.SIMPLE)
            for line in cells[1:]:
                table.add_row(*line)
            console.print(table)
    console.print(*MEANING, f"Seed {found.seed}.", sep="\n", highlight=False)
    for complaint in complaints(found):
        console.print(complaint, style="bold red", highlight=False, markup=False)


def markdown(found: Found) -> str:
    tables = [_lined(cells) for cells in (scenarios(found), send_step(found)) if cells]
    return "\n\n".join(["# Faults on purpose", *tables, *MEANING, f"Seed {found.seed}."]) + "\n"


def _lined(cells: Cells) -> str:
    rule = ["---"] * 2 + ["---:"] * (len(cells[0]) - 2)
    return "\n".join(f"| {' | '.join(line)} |" for line in (cells[0], rule, *cells[1:]))

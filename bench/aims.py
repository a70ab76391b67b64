"""What is aimed at, by processor time within one run, and what was found."""

import msgspec

from bench.contenders import (
    BARE,
    CHAT,
    DRAIN,
    INTAKE,
    PAID,
    PLACED,
    POSTGRESQL,
    PROCRASTINATE,
    SQLITE,
    TASKIQ,
)
from bench.figures import Figures, Size
from bench.shops import CLAIM, DRAINED, REACTED, in_shops

OURS, ON_POSTGRESQL, NOBODY = SQLITE.name, POSTGRESQL.name, BARE.name


class Aim(msgspec.Struct, frozen=True):
    what: str
    at_most: float
    found: dict[str, float | None]  # None: not measured


def aims(figures: Figures, size: Size) -> list[Aim]:
    times = figures.times
    drained, intake_of_bare = (DRAIN, OURS), (INTAKE, NOBODY)

    def of_bare(measure: str) -> dict[str, float | None]:
        return {"SQLite": times((measure, OURS), (measure, NOBODY))}

    def of_sqlite(measure: str) -> float | None:
        return times((measure, ON_POSTGRESQL), (measure, OURS))

    def of_one_shop(what: str) -> dict[str, float | None]:
        many, one = in_shops(what, size.shops), in_shops(what, 1)
        return {name: times((many, of), (one, of)) for name, of in _BOTH}

    def claim(shops: int) -> dict[str, float | None]:
        of = in_shops(CLAIM, shops)
        return {
            name: figures.effort(of, one).total * 1000 if figures.efforts[of, one] else None
            for name, one in _BOTH
        }

    measures = (INTAKE, CHAT, PLACED, PAID, DRAIN)
    return [
        Aim("intake, times bare", 2.7, of_bare(INTAKE)),
        Aim("chat, times bare", 9, of_bare(CHAT)),
        Aim("order placed, times bare", 13, of_bare(PLACED)),
        Aim("drained, times the intake of bare", 5, {"SQLite": times(drained, intake_of_bare)}),
        Aim("drained, times taskiq", 0.333, {"SQLite": times(drained, (DRAIN, TASKIQ.name))}),
        Aim("drained, times procrastinate", 0.125, {"SQLite": times(drained, (DRAIN, PROCRASTINATE.name))}),
        Aim("PostgreSQL with its share, times SQLite", 1.4, {each: of_sqlite(each) for each in measures}),
        Aim(f"drained, {size.shops:,} shops, times one shop", 1.2, of_one_shop(DRAINED)),
        Aim(f"reacted, {size.shops:,} shops, times one shop", 1.2, of_one_shop(REACTED)),
        Aim(f"idle claim, {size.shops:,} shops, ms", 5, claim(size.shops)),
        Aim(f"idle claim, {size.more_shops:,} shops, ms", 30, claim(size.more_shops)),
    ]


_BOTH = (("SQLite", OURS), ("PostgreSQL", ON_POSTGRESQL))

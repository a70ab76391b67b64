"""Plays and judges whole runs, and drops deliveries from a run while it still shows the same fault."""

from collections.abc import Sequence
from dataclasses import replace

from tests.outside.generator import Plan, Step
from tests.outside.history import Finding, History
from tests.outside.judge import judge
from tests.outside.world import play

TRIES = 60


async def watch(plan: Plan) -> History:
    """A run, and the one beside it that has to end alike, if the plan has one."""
    history = await play(plan)
    other = plan.other()
    return replace(history, others={plan.kind: await play(other)}) if other else history


async def shrink(plan: Plan, rule: str, tries: int = TRIES) -> tuple[Plan, History, Finding]:
    """The smallest plan found within so many runs in which the rule still finds something.

    Raises RuntimeError if the plan itself does not show it, since then a run is not the same twice.
    """
    history = await watch(plan)
    finding = next(judge(history, [rule]), None)
    if finding is None:
        raise RuntimeError(f"seed {plan.seed} does not break the rule {rule} again")
    size = max(1, len(plan.steps) // 2)
    while tries > 0 and size:
        for smaller in _without(plan, size, finding):
            if tries == 0:
                break
            tries -= 1
            seen = await watch(smaller)
            if found := next(judge(seen, [rule]), None):
                plan, history, finding = smaller, seen, found
                break
        else:
            size //= 2
    return plan, history, finding


def _without(plan: Plan, size: int, finding: Finding) -> Sequence[Plan]:
    """The plan without each stretch of so many steps; what is about other orders goes first."""
    stretches = [
        range(start, min(start + size, len(plan.steps))) for start in range(0, len(plan.steps), size)
    ]
    ordered = sorted(
        stretches, key=lambda stretch: any(_about(plan.steps[place], finding) for place in stretch)
    )
    kept = ([step for place, step in enumerate(plan.steps) if place not in stretch] for stretch in ordered)
    return [replace(plan, steps=tuple(steps)) for steps in kept if steps]


def _about(step: Step, finding: Finding) -> bool:
    return step.delivery.order == finding.order

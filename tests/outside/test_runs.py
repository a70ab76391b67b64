"""Whole runs of the real program, judged from outside; `make outside` plays as many as one likes."""

import os

import pytest

from tests.outside import imports, report
from tests.outside.generator import KINDS, PLAIN, SENDING, Plan, plan
from tests.outside.judge import judge
from tests.outside.running import watch

FIRST = int(os.environ.get("XIAOER_OUTSIDE_SEED", "176"))  # short runs, of each kind
DIES = FIRST + 324


@pytest.mark.parametrize("seed", range(FIRST, FIRST + len(KINDS)))
async def test_nothing_is_found_in_a_run_of_each_kind(seed: int) -> None:
    drawn = plan(seed)
    history = await watch(drawn)
    findings = list(judge(history))

    assert len(history.told) > 3
    assert history.heard or drawn.kind != PLAIN
    assert not findings, report.story(drawn, history, findings[0])


async def test_a_program_that_dies_and_is_started_anew_goes_on_where_it_was() -> None:
    drawn = next(each for each in map(plan, range(DIES, DIES + 1000)) if _dies_and_imports(each))
    history = await watch(drawn)
    findings = list(judge(history))

    assert len(history.told) > len([told for told in history.told if told.acked_at < drawn.restarts[0]])
    assert not findings, report.story(drawn, history, findings[0])


def _dies_and_imports(drawn: Plan) -> bool:
    killed = any(step.kill == SENDING for step in drawn.steps)
    imported = any(step.delivery.channel == imports.CHANNEL for step in drawn.steps)
    return bool(drawn.restarts) and killed and imported

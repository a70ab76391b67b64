"""A short run of `make faults`: each thing that is broken leaves nothing lost and nothing said twice.

XIAOER_FAULTS: runs of each scenario, in place of one of the few of every day; XIAOER_CRASHES: runs of the
send step; XIAOER_SEED as in test_kills.
"""

import os
import random
from pathlib import Path

import msgspec
import pytest

from bench.faults.crashes import POINTS
from bench.faults.environment import Count, Scenario, run_scenario
from bench.faults.killing import kill
from bench.faults.report import Found, Row, markdown, steps
from bench.faults.scenarios import SCENARIOS
from bench.faults.sending import KINDS, Ended, case, crash
from bench.faults.stores import environments
from tests import servers
from tests.conftest import cannot_run

pytestmark = pytest.mark.faults

RUNS = int(os.environ.get("XIAOER_FAULTS", "0"))
CRASHES = int(os.environ.get("XIAOER_CRASHES", "60"))
SEED = int(os.environ.get("XIAOER_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

# What no other test of this folder breaks; all others run there already, or with XIAOER_FAULTS.
DAILY = (
    "disk full, sqlite",
    "receiver in any mood, sqlite",
    "TLS fails, sqlite",
    "poisoned events, postgresql",
)
CHOSEN = [each for each in SCENARIOS if RUNS or each.title in DAILY]


@pytest.mark.parametrize("scenario", CHOSEN, ids=lambda scenario: scenario.title)
async def test_nothing_is_lost_or_said_twice(scenario: Scenario) -> None:
    print(f"XIAOER_SEED={SEED}")
    for number in range(max(1, RUNS)):
        try:
            with environments() as factory, factory.environment(scenario) as environment:
                count = await run_scenario(scenario, environment, f"{SEED}:{scenario.title}:{number}")
        except servers.CannotStart as why:
            cannot_run(str(why))
        assert count.why == []
        assert (count.lost, count.doubled, count.untrue, count.findings) == (0, 0, 0, 0)
        assert min(count.faults, count.acknowledged, count.heard) > 0
        assert (count.parked > 0) == scenario.plan.get("poisoned", False)


def test_a_crash_before_within_or_after_the_sending_loses_nothing_and_doubles_only_by_the_rule(
    tmp_path: Path,
) -> None:
    print(f"XIAOER_SEED={SEED}")
    ends = list(crash(tmp_path, SEED, range(CRASHES)))
    assert [end for end in ends if end.lost or end.doubled] == []
    assert {end.state for end in ends if end.case.kind.channel == "webhook"} == {"sent"}
    assert any(end.state == "unknown" for end in ends)
    assert any(end.again for end in ends)


async def test_killed_while_a_chat_that_shows_repeats_has_its_messages(tmp_path: Path) -> None:
    print(f"XIAOER_SEED={SEED}")
    ends = await kill(tmp_path, SEED, number=1, kills=6)
    assert [end for end in ends if end.lost or end.doubled] == []
    assert {end.case.kind.copies for end in ends} == {2}
    assert any(end.doubts for end in ends)


def test_the_same_seed_crashes_at_the_same_points() -> None:
    cases = [case(7, number) for number in range(400)]
    assert cases == [case(7, number) for number in range(400)]
    assert {point for each in cases for point in each.points} == set(POINTS)
    assert {(each.kind, each.when) for each in cases} == {
        (kind, when) for kind in KINDS for when in POINTS.values()
    }


def ended(state: str, shown: int, doubts: int = 0, number: int = 0) -> Ended:
    return Ended(case=case(7, number), state=state, shown=shown, doubts=doubts)


@pytest.mark.parametrize(
    ("end", "lost", "doubled"),
    [
        (ended("sent", 1), False, False),
        (ended("sent", 0), True, False),
        (ended("queued", 0), True, False),
        (ended("sent", 2, doubts=1), False, True),
        (ended("sent", 2, doubts=1, number=1), False, False),
        (ended("sent", 2, doubts=0, number=1), False, True),
        (ended("unknown", 0, doubts=1, number=2), False, False),
        (ended("unknown", 2, doubts=1, number=2), False, True),
    ],
)
def test_a_crash_is_judged_by_what_was_shown(end: Ended, lost: bool, doubled: bool) -> None:
    assert (end.lost, end.doubled) == (lost, doubled)


def row(**counts: int) -> Row:
    return Row(scenario="killed", on="sqlite", runs=3, counts=msgspec.to_builtins(Count(**counts)))


def test_a_report_is_bad_if_anything_was_lost_doubled_or_found_and_counts_what_is_unknown() -> None:
    assert not Found(seed=7, rows=[row(unknown=4)], steps=steps([ended("sent", 1)])).is_bad
    assert Found(seed=7, rows=[row(lost=1)]).is_bad
    assert Found(seed=7, rows=[row(findings=1)]).is_bad
    assert Found(seed=7, steps=steps([ended("sent", 0)])).is_bad
    told = markdown(Found(seed=7, rows=[row(acknowledged=1234)], steps=steps([ended("sent", 1)])))
    assert "| killed | sqlite | 3 |" in told
    assert "1,234" in told

"""Playing a plan: programs that die in the middle, and receivers that refuse."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.outside import generator
from tests.outside.bodies import Delivery
from tests.outside.facts import Contact
from tests.outside.generator import DECIDED, RECEIVED, SENDING, Plan, Step
from tests.outside.lives import live
from tests.outside.test_imports import ORDER
from tests.outside.world import play

CONFIRMED, MAIL = "order_confirmation", "ann@example.com"
AT_SYSTEM = replace(ORDER, channel="webhook", contact=Contact(buyer="ann", name="Annabel", email=MAIL))


def _placed() -> Delivery:
    return live(random.Random(0), AT_SYSTEM)[0].delivery


def _plan(kill: str | None = None, **more: object) -> Plan:
    drawn = generator.plan(0)
    settings = drawn.settings | {"quiet_hours": {"start": "00:00", "end": "00:00"}}
    step = Step(at=ORDER.placed_at, delivery=_placed(), kill=kill)
    ends = ORDER.placed_at + timedelta(minutes=15)
    known = {"steps": (step,), "settings": settings, "ends_at": ends, "restarts": (), "troubles": ()}
    return replace(drawn, **known | {"refusals": 0, "hiccups": ()} | more)


@pytest.mark.parametrize("kill", [RECEIVED, DECIDED, SENDING])
async def test_a_program_that_dies_says_all_once_when_it_is_started_again(kill: str) -> None:
    seen = await play(_plan(kill))
    assert [heard.template for heard in seen.heard] == [CONFIRMED]
    assert bool(seen.troubles) is (kill == SENDING)


async def test_what_is_always_refused_is_never_heard() -> None:
    assert not (await play(_plan(refusals=100))).heard

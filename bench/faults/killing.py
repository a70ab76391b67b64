"""The send step of the real program, killed by SIGKILL while platforms have its messages in hand."""

import asyncio
import contextlib
import random
from datetime import UTC, datetime
from pathlib import Path

from bench.faults.crashes import TAKEN, UNREAD, CrashPoint
from bench.faults.sending import ENDS, KINDS, Bench, Case, Ended, bench, shop_of
from tests.faults.programs import Plan, Program, free_port, programs
from tests.faults.traffic_simulation import until

KILLS = 40
EACH = 5  # messages between two kills
SPEED = 5.0  # what may have arrived is sent again after six seconds instead of thirty
TIMEOUT = 120.0  # seconds until a started program has sent a message, or everything is settled
AT_ANY_TIME = "at any time"


class KillPoint(CrashPoint):
    """Kills the program, once, when a platform reaches the point with one of its messages."""

    def __init__(self, point: str, program: Program) -> None:
        super().__init__(point)
        self._program = program

    def reaches(self, point: str) -> bool:
        if point != self.name or self.crashed.is_set():
            return False
        self._program.kill()
        return super().reaches(point)


async def kill(folder: Path, seed: int, number: int, kills: int = KILLS) -> list[Ended]:
    """One run with one kind of message; how each message ended."""
    rng, kind = random.Random(f"{seed}:kills:{number}"), KINDS[number % len(KINDS)]
    cases = [Case(number=each, kind=kind, points=()) for each in range(kills * EACH)]
    async with bench(folder) as place:
        plan = Plan(
            database=place.config.database,
            receiver=f"{place.api}/",
            port=free_port(),
            shop=shop_of(place.api),
            speed=SPEED,
            log=str(folder / "program.log"),
        )
        with programs(plan) as (program,):
            for turn in range(kills):
                for case in cases[turn * EACH : (turn + 1) * EACH]:
                    place.queue(case, datetime.now(UTC))
                crash_point = KillPoint(
                    rng.choice((UNREAD, TAKEN, AT_ANY_TIME) if turn else (TAKEN,)), program
                )
                place.platforms.crash_point = crash_point
                program.start()
                await _killed(
                    program,
                    crash_point,
                    rng.uniform(0.3, 1.5) if crash_point.name == AT_ANY_TIME else TIMEOUT,
                )
            place.platforms.crash_point = CrashPoint(None)
            program.start()
            return [await _settled(place, case) for case in cases]


async def _killed(program: Program, crash_point: CrashPoint, within: float) -> None:
    """Wait until a platform killed the program, or kill it after a while, perhaps before it was ready."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(crash_point.crashed.wait(), within)
    assert crash_point.crashed.is_set() or crash_point.name == AT_ANY_TIME, "no platform had its messages"
    program.kill()


async def _settled(place: Bench, case: Case) -> Ended:
    async def is_over() -> bool:
        return (await place.ended(case)).state in ENDS

    await until(is_over, TIMEOUT)
    return await place.ended(case)

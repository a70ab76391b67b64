"""Shops that have nothing to do cost nothing: every round asks for all of them at once."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.config import Forget, Retention
from bot.simulation import ManualClock, simulated
from tests.engine import config_of
from tests.world import NOON

ROUNDS = ("react", "deliver", "calendar", "nights", "erase", "archive")


@pytest.mark.parametrize("round_", ROUNDS)
async def test_an_idle_round_asks_the_same_of_thirty_shops_as_of_one(round_: str, tmp_path: Path) -> None:
    asked = Counter[int]()
    for shops in (1, 30):
        url = f"sqlite:///{tmp_path}/{shops}.db"
        config = config_of({f"s{place:02}": {} for place in range(shops)})
        kept = Retention(keep=timedelta(days=400), archive=tmp_path / "archive")
        config = config.model_copy(update={"database": url, "retention": kept, "forget": Forget()})
        async with simulated(config, url, ManualClock(NOON)) as simulation:
            parts, run = simulation.program.parts, getattr(simulation.program, round_)
            await run()  # the first may look for what the last program left

            def count(*_: Any, shops: int = shops) -> None:
                asked[shops] += 1

            for engine in {parts.database.engine, parts.deliver_database.engine}:
                event.listen(engine, "before_cursor_execute", count)
            await run()

    assert asked[30] == asked[1]

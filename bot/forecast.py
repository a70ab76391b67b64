"""Play the coming days on a copy of the data: the same program, a clock set by hand, nobody who hears it."""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

import msgspec
from sqlalchemy import Connection

from bot.app import Channels, channels_of
from bot.channels import Outgoing
from bot.channels.registry import open_http
from bot.config import Config
from bot.domain.forecast import Forecast
from bot.seller import campaigning
from bot.simulation import simulated
from storage import campaign_records, foreseen
from storage.database import Database
from storage.whole_copy import copy_whole

GRAIN = timedelta(minutes=1)  # in which messages are said together
MIDDLE = 0.5  # of what the program leaves to chance, so that two forecasts are alike

OnTime = Callable[[datetime], None]


class SilentChannel(msgspec.Struct):
    """Takes every message and says it to nobody."""

    drops_repeats: ClassVar[bool] = True

    name: str
    at_once: int

    async def send(self, message: Outgoing) -> None:
        return None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to play: one shop under these settings, from `now` until then."""

    config: Config
    shop: str
    now: datetime
    until: datetime
    start: tuple[str, ...] = ()  # campaigns that a person starts now


async def forecast(source: Database, plan: Plan, on_time: OnTime = lambda at: None) -> Forecast:
    """Nothing of it reaches a buyer, and nothing of it stays; in it nobody writes, pays or orders.

    on_time: told how far the clock has come. Raises what opening or copying the database raises, and
    campaigning.Refused for a campaign that cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="xiaoer-simulate-") as folder:
        copy = Path(folder) / "copy.db"
        copy_whole(source, copy, plan.now)
        return await _play(f"sqlite:///{copy}", plan, on_time)


async def _play(database: str, plan: Plan, on_time: OnTime) -> Forecast:
    only = {"shops": {plan.shop: plan.config.shops[plan.shop]}, "retention": None, "ingest": None}
    config = plan.config.model_copy(update=only)
    async with open_http() as http:
        speaking = channels_of(config, http).sending
    silent = {where: SilentChannel(channel.name, channel.at_once) for where, channel in speaking.items()}
    channels = Channels(receiving={}, sending=silent)
    async with simulated(config, database, plan.now, channels=channels, jitter=lambda: MIDDLE) as simulation:
        opened = simulation.program.parts.database
        await opened.write(foreseen.watch_holds)
        await opened.write(partial(_start, plan=plan))

        async def look() -> None:
            on_time(simulation.clock.now)

        await simulation.advance(plan.until, look, GRAIN)
        found = await opened.read(
            partial(foreseen.foreseen, shop=plan.shop, since=plan.now, until=plan.until)
        )
    return Forecast(began_at=plan.now, until=plan.until, messages=found)


def _start(connection: Connection, plan: Plan) -> None:
    """Start its campaigns, as if nobody had to approve them."""
    shop = plan.config.shops[plan.shop]
    for name in plan.start:
        campaigning.start(connection, plan.shop, shop, name, "simulate", plan.now)
        run = campaign_records.latest(connection, plan.shop, name)
        if run is not None:
            campaign_records.change(connection, run, state="running")

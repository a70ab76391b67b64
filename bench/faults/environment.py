"""One run of a scenario: programs, traffic, a receiver, what breaks, and what is counted afterwards."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from sqlalchemy import String, select

from bench.faults.bad_receivers import Certificates, FaultyReceiver, receiving
from bot.operations.audit.audit import audit
from bot.program import LEGS
from storage import tables
from tests import servers
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import (
    FAST_SHOP,
    LAST_REMINDER,
    DatabaseProbe,
    Traffic,
    delivery_of,
)
from tests.world import SECRET, config_of

SHOP = {**FAST_SHOP, "payment": {**FAST_SHOP["payment"], "remind": ["1s", "2s"]}}
TOO_LONG = 900.0  # seconds until a run has failed
ON_ITS_WAY = timedelta(seconds=3)  # from a claim to the receiver at most, on a busy machine
PACE = 0.05  # seconds from one new buyer to the next
SHOWN = 300  # characters of what the audit found


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What a run needs. server: a database server that may be stopped; cluster: a log in front."""

    url: str
    folder: Path
    server: servers.Postgres | None = None
    cluster: servers.Cluster | None = None
    certificates: Certificates | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`needs`: server, log or tls, beyond a database of its own.

    audited: not where the clock was wrong; the audit judges by the times that were noted.
    """

    name: str
    on: str
    breaks: Callable[["Run"], Awaitable[None]]
    needs: str = ""
    split: tuple[tuple[str, ...], ...] = (LEGS,)
    plan: dict[str, Any] = {}
    traffic: type[Traffic] = Traffic
    audited: bool = True

    @property
    def title(self) -> str:
        return f"{self.name}, {self.on}"


class Count(msgspec.Struct, kw_only=True):
    """The counts of one run. dropped: repeats that the receiver knew by their ids."""

    faults: int = 0
    acknowledged: int = 0
    heard: int = 0
    dropped: int = 0
    lost: int = 0
    doubled: int = 0
    untrue: int = 0
    unknown: int = 0
    parked: int = 0
    findings: int = 0
    why: list[str] = []


class Run:
    """One run. faults: how many were injected; poisoned: ids of deliveries that have to be parked."""

    def __init__(
        self,
        environment: Environment,
        programs: list[Program],
        probe: DatabaseProbe,
        receiver: FaultyReceiver,
        traffic: Traffic,
        rng: random.Random,
    ) -> None:
        self.environment = environment
        self.programs = programs
        self.probe = probe
        self.receiver = receiver
        self.traffic = traffic
        self.rng = rng
        self.faults = 0
        self.poisoned: set[str] = set()

    async def pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self.rng.uniform(least, most))

    async def all_ready(self) -> None:
        for program in self.programs:
            if not program.alive:
                program.start()
            await program.ready()

    def complaints(self) -> str:
        return "\n".join(program.complaints() for program in self.programs)


async def run_scenario(scenario: Scenario, environment: Environment, seed: str) -> Count:
    """Start, break and mend everything, wait until all is handled, and count."""
    async with asyncio.timeout(TOO_LONG):
        return await _run_scenario(scenario, environment, random.Random(seed))


async def _run_scenario(scenario: Scenario, environment: Environment, rng: random.Random) -> Count:
    await asyncio.to_thread(migrated, environment.url)
    receiver = FaultyReceiver(rng)
    tls = environment.certificates.of(receiver) if environment.certificates else None
    async with receiving(receiver, tls) as address, aiohttp.ClientSession() as http:
        plans = [_plan(scenario, environment, address, number) for number in range(len(scenario.split))]
        with programs(*plans) as made, contextlib.closing(DatabaseProbe(environment.url)) as probe:
            for program in made:
                program.start()
            urls = [one.url for one in made if "receive" in one.plan.legs]
            traffic = scenario.traffic(http, urls, rng, PACE)
            run = Run(environment, made, probe, receiver, traffic, rng)
            await run.all_ready()
            living = asyncio.create_task(traffic.live())
            await scenario.breaks(run)
            receiver.behave()
            traffic.full.set()
            await living
            await probe.rest(run.complaints, LAST_REMINDER)
            return await _counted(run, scenario.audited)


def _plan(scenario: Scenario, environment: Environment, address: str, number: int) -> Plan:
    webhook = {"kind": "webhook", "secrets": [SECRET], "url": address, "timeout": "1s"}
    return Plan(
        database=environment.url,
        receiver=address,
        port=free_port(),
        shop={**SHOP, "channels": {"webhook": webhook}},
        log=str(environment.folder / f"program{number}.log"),
        legs=scenario.split[number],
        ingest=environment.cluster.url if environment.cluster else None,
        authority=str(environment.certificates.authority) if environment.certificates else None,
        **scenario.plan,
    )


async def _counted(run: Run, audited: bool) -> Count:
    """Count by the acknowledged traffic, the receiver, and the database."""
    receiver = run.receiver
    states = await run.probe.counts(tables.outbox)
    lost = [why async for why in _lost(run)]
    doubled = list(_doubled(run))
    untrue = list(_untrue(run))
    findings = await _audited(run) if audited else []
    return Count(
        faults=run.faults + receiver.misbehaved,
        acknowledged=len(run.traffic.acknowledged),
        heard=len(receiver.messages),
        dropped=len(receiver.attempts) - len({attempt.id for attempt in receiver.attempts}),
        lost=len(lost),
        doubled=len(doubled),
        untrue=len(untrue),
        unknown=states.get("unknown", 0),
        parked=(await run.probe.counts(tables.inbox)).get("parked", 0),
        findings=len(findings),
        why=[*lost, *doubled, *untrue, *findings][:10],
    )


async def _lost(run: Run) -> Any:
    """Acknowledged and not stored, stored and not handled, not decided, or "sent" and not received."""
    inbox, outbox = tables.inbox.c, tables.outbox.c
    states = {
        delivery_of(name): state
        for name, state in await run.probe.rows(select(inbox.external_id, inbox.state))
    }
    for id in run.traffic.acknowledged:
        wanted = "parked" if id in run.poisoned else "done"
        if states.get(id) != wanted:
            yield f"delivery {id}: {states.get(id, 'not kept')}"
    named = ("shop-" + outbox.id.cast(String)).label("name")
    messages = await run.probe.rows(select(outbox.key, named, outbox.state))
    decided = {key for key, _, _ in messages}
    for order in run.traffic.orders:
        if f"order_confirmation:{order}" not in decided:
            yield f"order {order}: never confirmed"
    for key, name, state in messages:
        if state == "failed" or (state == "sent" and name not in run.receiver.messages):
            yield f"message {key}: {state}"


def _doubled(run: Run) -> Iterator[str]:
    """Sent in two messages with different ids. A greeting may be answered as often as it came."""
    greeted = (id for id in run.traffic.acknowledged if id.startswith("m-"))
    asked = Counter(f"hello:None:b{int(id[3:]) // 2}:" for id in greeted)
    for said, times in run.receiver.said().items():
        if times > max(1, asked[said]):
            yield f"said {times} times: {said}"


def _untrue(run: Run) -> Iterator[str]:
    """Reminders sent long after the payment was acknowledged, by a clock that was always right."""
    for attempt in run.receiver.attempts:
        order = attempt.message.get("order")
        paid = run.traffic.acknowledged.get(f"$-{order}")
        reminds = attempt.message["template"] == "payment_reminder"
        if reminds and paid and attempt.came_at > paid + ON_ITS_WAY:
            yield f"order {order}: reminded after it was paid"


async def _audited(run: Run) -> list[str]:
    shops = config_of(run.environment.url, "http://127.0.0.1/", **SHOP).shops
    found = await asyncio.to_thread(audit, run.probe.database, shops, datetime.now(UTC))
    return [finding.sentence[:SHOWN] for finding in found]

"""The real program in a process of its own, started quickly and killed without warning.

A fork server with everything imported forks each program, so that a start takes a tenth of a second.
Only the interpreter's start is left out: settings, database, legs and the HTTP site are built anew.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import msgspec

from bot.app import DRAIN_SECONDS, rules_of, serve
from bot.operations.logs import configure_logs
from bot.program import LEGS
from bot.receive.connection_limits import DoorSettings
from storage import schema
from storage.database import Database
from tests.faults.poison import with_poison
from tests.world import config_of

STARTS_WITHIN = 120.0  # seconds, on a machine that is busy with other tests

TOO_BUSY = "maximum number of running instances reached"

RESERVED: deque[socket.socket] = deque(maxlen=100)  # more than any test has programs

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.faults.programs"])


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a program is started. shift: seconds that its clock is ahead; speed: how fast its clock runs.

    authority: a file with the certificate authority of the receiver.
    """

    database: str
    receiver: str
    port: int
    shop: dict[str, Any] = {}
    lease: float = 1.0
    shift: float = 0.0
    speed: float = 1.0
    log: str | None = None
    ingest: str | None = None
    legs: tuple[str, ...] = LEGS
    notice: float = 0.0
    drain: float = DRAIN_SECONDS
    door: dict[str, Any] = {}
    authority: str | None = None
    poisoned: bool = False


class Program:
    """One process. `kill` sends SIGKILL, `ask_to_stop` SIGTERM."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shift = processes.RawValue("d", plan.shift)  # may be changed while it runs
        self._ready = processes.Event()
        self._process: ForkServerProcess | None = None

    def start(self) -> None:
        self._ready = processes.Event()  # the last one may have been killed with its lock in hand
        self._process = processes.Process(target=run, args=(self.plan, self._ready, self.shift), daemon=True)
        self._process.start()

    async def ready(self) -> None:
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, self._ready.wait, STARTS_WITHIN):
            raise AssertionError(f"the program did not start: {self.complaints()}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def ask_to_stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    async def ended(self) -> None:
        """Wait until it has exited by itself, without an error."""
        assert self._process is not None
        await asyncio.get_running_loop().run_in_executor(None, self._process.join, STARTS_WITHIN)
        assert self._process.exitcode == 0, self.complaints()
        self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.plan.port}"

    def complaints(self) -> str:
        return self.logged()[-4000:]

    def logged(self) -> str:
        """Everything it logged, except APScheduler's notes that a job still ran when it was due again."""
        log = self.plan.log
        if not log or not Path(log).exists():
            return "no log"
        lines = Path(log).read_text(errors="replace").splitlines(keepends=True)
        return "".join(line for line in lines if TOO_BUSY not in line)


def run(plan: Plan, ready: Any, shift: Any) -> None:
    """Run the program, in its own process."""
    if plan.log:
        stream = Path(plan.log).open("a")  # noqa: SIM115  # as long as the process
        configure_logs("warning", json=False, stream=stream)
    config = config_of(plan.database, plan.receiver, **plan.shop)
    listen, door = f"127.0.0.1:{plan.port}", DoorSettings.model_validate(plan.door)
    config = config.model_copy(update={"listen": listen, "ingest": plan.ingest, "door": door})
    if plan.authority:
        os.environ["SSL_CERT_FILE"] = plan.authority
    rules = rules_of(config)
    if plan.poisoned:
        rules = msgspec.structs.replace(rules, routes=with_poison(rules.routes))
    born = datetime.now(UTC)

    def clock() -> datetime:
        now = datetime.now(UTC)
        return now + (now - born) * (plan.speed - 1) + timedelta(seconds=shift.value)

    async def live() -> None:
        until = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, until.set)
        await serve(
            config,
            lambda *_: ready.set(),
            until,
            clock=clock,
            rules=rules,
            lease=timedelta(seconds=plan.lease),
            legs=plan.legs,
            notice_seconds=plan.notice,
            drain_seconds=plan.drain,
        )

    asyncio.run(live())


@contextlib.contextmanager
def programs(*plans: Plan) -> Iterator[list[Program]]:
    """Programs that the test starts; what still runs at the end is killed."""
    made = [Program(plan) for plan in plans]
    try:
        yield made
    finally:
        for program in made:
            program.kill()


def free_port() -> int:
    """A port that stays reserved while the program there is down, because a socket of ours is bound to it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))  # and does not listen, so that a program may
    if len(RESERVED) == RESERVED.maxlen:
        RESERVED[0].close()
    RESERVED.append(held)
    port: int = held.getsockname()[1]
    return port


def migrated(database_url: str) -> None:
    database = Database(database_url)
    try:
        schema.migrate(database.engine)
    finally:
        database.close()

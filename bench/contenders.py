"""Who is measured: Xiaoer on its two databases, a bare server, and what others would build it on."""

from typing import Literal

import msgspec

Store = Literal["none", "sqlite", "postgresql", "redis"]
Dialect = Literal["webhook", "telegram", "opsdroid"]

INTAKE, CHAT, DRAIN = "intake", "chat", "drain"  # what all can be measured by
PLACED, PAID = "placed", "paid"  # journeys besides chats: of ours alone, since queues know no orders
SHOPS = "shops"  # many of them in one program: of ours alone
EVERYTHING = frozenset((INTAKE, CHAT, DRAIN))


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    how: str  # it was set up, in a line
    store: Store = "none"
    module: str | None = None  # under bench/rivals; None: Xiaoer
    needs: str | None = None  # the package without which it cannot be measured
    replicas: int = 1
    dialect: Dialect = "webhook"
    measures: frozenset[str] = EVERYTHING
    keeps: bool = True  # what it acknowledged outlives a crash of the machine
    alone: bool = False  # its door does all the work of an answer
    drains: float = 1.0  # the part of all reminders that it is given; slow ones would take an hour
    kept: str = ""  # asks its store how many deliveries it has kept
    recorded: str = ""  # and how many messages it has noted as sent

    @property
    def ours(self) -> bool:
        return self.module is None


_OURS_KEPT = "SELECT count(*) FROM inbox"
_OURS_RECORDED = "SELECT count(*) FROM outbox WHERE state = 'sent'"
_COMMON_KEPT = "SELECT count(*) FROM deliveries"
_COMMON_RECORDED = "SELECT count(*) FROM sent"

BARE = Contender(
    name="bare",
    module="bare",
    how="aiohttp reads the delivery and says yes: no look at the signature, nothing kept",
    measures=frozenset((INTAKE, CHAT)),
    alone=True,
    keeps=False,
)
SQLITE = Contender(
    name="xiaoer, SQLite",
    store="sqlite",
    how="one program, as `xiaoer serve` runs it",
    kept=_OURS_KEPT,
    recorded=_OURS_RECORDED,
    measures=EVERYTHING | {SHOPS},
)
POSTGRESQL = Contender(
    name="xiaoer, PostgreSQL",
    store="postgresql",
    how="the same; the database works on the same processors",
    kept=_OURS_KEPT,
    recorded=_OURS_RECORDED,
    measures=EVERYTHING | {SHOPS},
)
TWO = Contender(
    name="xiaoer, PostgreSQL, 2 replicas",
    store="postgresql",
    replicas=2,
    how="two such programs at one database",
    kept=_OURS_KEPT,
    recorded=_OURS_RECORDED,
)
OURS = (SQLITE, POSTGRESQL, TWO)

PROCRASTINATE = Contender(
    name="procrastinate, PostgreSQL",
    module="procrastinate_postgresql",
    store="postgresql",
    needs="procrastinate",
    how="a job for each message; two workers, 250 jobs at once; jobs stay, as succeeded",
    drains=0.08,
    kept="SELECT count(*) FROM procrastinate_jobs",
    recorded="SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
)
TASKIQ = Contender(
    name="taskiq, Redis",
    module="taskiq_redis",
    store="redis",
    needs="taskiq_redis",
    how="a task for each message on a Redis stream; a worker to a processor, 250 tasks at once in all;"
    " results in Redis, which keeps nothing on disk",
    keeps=False,
    drains=0.3,
    kept="0 XLEN taskiq",
    recorded="1 DBSIZE",
)
RIVALS = (
    Contender(
        name="common way, SQLite",
        module="common",
        store="sqlite",
        needs="aiosqlite",
        how="a commit for each delivery through SQLAlchemy's sessions; an APScheduler job for each reminder"
        " in its SQL store, 20 threads, a commit for each one sent",
        alone=True,
        drains=0.02,
        kept=_COMMON_KEPT,
        recorded=_COMMON_RECORDED,
    ),
    Contender(
        name="common way, PostgreSQL",
        module="common",
        store="postgresql",
        needs="asyncpg",
        how="the same, with asyncpg and 20 connections",
        alone=True,
        drains=0.02,
        kept=_COMMON_KEPT,
        recorded=_COMMON_RECORDED,
    ),
    PROCRASTINATE,
    TASKIQ,
    Contender(
        name="Celery, Redis",
        module="celery_redis",
        store="redis",
        needs="celery",
        how="a task for each message, acknowledged as it begins; two worker processes to a processor, 64"
        " tasks fetched ahead; results in Redis, which keeps nothing on disk",
        keeps=False,
        drains=0.1,
        kept="0 LLEN celery",
        recorded="1 DBSIZE",
    ),
    Contender(
        name="aiogram",
        module="aiogram_door",
        needs="aiogram",
        how="its webhook receiver: Telegram's updates, secret compared, parsed; keeps nothing",
        dialect="telegram",
        measures=frozenset((INTAKE,)),
        keeps=False,
    ),
    Contender(
        name="opsdroid",
        module="opsdroid_door",
        needs="opsdroid",
        how="its webhook skill: token compared, JSON read, given to a skill; keeps nothing",
        dialect="opsdroid",
        measures=frozenset((INTAKE,)),
        keeps=False,
    ),
)
ALL = (BARE, *OURS, *RIVALS)

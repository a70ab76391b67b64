"""`make bench-buyers`: previews of segments and the nightly work, on a shop of a million buyers made by SQL.

Times are by the clock and by this program's processor; on PostgreSQL the server's processor time is not in
them. Memory is the most that the process ever had.
"""

import asyncio
import contextlib
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from bot.domain.shop import Shop
from bot.react.nights import Nights
from bot.seller import knowing
from storage import schema
from storage.database import Database
from tests.servers import postgres

SHOP_ID = "mugs"
NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CHANGED = 10_000  # buyers with a new order, before the second night
PREVIEWS = {
    "whom many are in": "orders >= 1",
    "whom few are in": "orders >= 4 and spent > 900.00 and last_order in the last 30 days",
    "whom nobody is in": "orders >= 9",
    "by many conditions": "(orders >= 2 and last_order in the last 180 days and average >= 50.00)"
    " or (spent > 500 and not unpaid and agrees and channel = telegram) or city is known",
    "by cases and tags": "not open_case and tags has wholesale or unpaid",
    "by tier": "tier in [gold, silver] and not open_case",
    "by what was bought": 'bought "mug 7" and agrees',
    "by another segment": "segment regulars and not bought SKU-11",
}
SHOP = Shop(
    name="Mug House",
    locale="en",
    timezone="UTC",
    vip={"tiers": [{"name": "gold", "rfm": 13}, {"name": "silver", "rfm": 10}]},
    segments={"regulars": "orders >= 3 and last_order in the last 90 days"},
)
HERE = Path(__file__).parent / "buyers.json"

console = Console(stderr=True)

# Text of both databases: {n} counts buyers, {at} is a time so many seconds before NOW.
_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)",
    "postgresql": "WITH n(i) AS (SELECT generate_series(1, :count))",
}
_AT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', {now} - ({ago}), 'unixepoch')",
    "postgresql": "to_timestamp({now} - ({ago}))",
}
_HASH = "((i * 7919 + {salt} * 104729) % 999983)"  # the same on both, and scattered enough
_BUYERS = """INSERT INTO buyers (shop, id, name, email, locale, created_at)
{numbers} SELECT 'mugs', {id}, 'Buyer ' || i, 'b' || i || '@mail.example',
    CASE WHEN {h1} % 3 = 0 THEN 'zh-CN' END, {at0} FROM n"""
_ORDERS = """INSERT INTO orders (shop, id, channel, number, buyer, state, placed_at, currency, total_minor,
    paid_minor, refunded_minor, record)
{numbers} SELECT 'mugs', 'o{round}-' || i, CASE WHEN {h1} % 4 = 0 THEN 'shopify' ELSE 'web' END,
    'o{round}-' || i, {id}, CASE WHEN {h2} % 40 = 0 THEN 'unpaid' ELSE 'completed' END, {at2}, 'CNY', {money},
    CASE WHEN {h2} % 40 = 0 THEN 0 ELSE {money} END, CASE WHEN {h3} % 50 = 0 THEN {money} / 2 ELSE 0 END,
    '{{"id":"o{round}-' || i || '","channel":"web","lines":[{{"title":"Mug ' || ({h4} % 300) || ' of clay"'
    || ',"quantity":1,"price":{{"minor":1,"currency":"CNY"}},"sku":"SKU-' || ({h4} % 300) || '"}}],'
    || '"postcode":"' || :padding || '"}}' FROM n WHERE {h5} < {share}"""
_CHATS = """INSERT INTO conversations (shop, channel, address, buyer, last_in_at, tries)
{numbers} SELECT 'mugs', 'telegram', 'c' || i, {id}, {at1}, 0 FROM n WHERE {h2} % 3 = 0"""
_WISHES = """INSERT INTO wishes (shop, id, kind, value, what, yes, at, confirmed, buyer, channel, event,
    recorded_at)
{numbers} SELECT 'mugs', i, 'email', 'b' || i || '@mail.example', 'offers', {yes}, {at1}, {true}, {id}, 'web',
    'w' || i, {at1} FROM n WHERE {h3} % 2 = 0"""
_TAGS = """INSERT INTO notes (shop, buyer, id, kind, text, at)
{numbers} SELECT 'mugs', {id}, i, 'tag', 'wholesale', {at0} FROM n WHERE {h4} % 100 = 0"""
_CASES = """INSERT INTO cases (shop, number, key, kind, reason, details, buyer, opened_at)
{numbers} SELECT 'mugs', i, 'k' || i, 'question', 'r', '{{}}', {id}, {at0} FROM n WHERE {h5} % 500 = 0"""
SHARES = (700_000, 350_000, 200_000, 100_000, 50_000)  # of 999983: who has a first order, a second, ...


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """seconds: by the clock. processor: of this process. megabytes: the most that it ever had, by then."""

    seconds: float
    processor: float
    megabytes: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    database: str
    buyers: int
    orders: int
    first_night: Took
    second_night: Took
    tiers_alone: float  # seconds of the second night, from the cuts on
    previews: dict[str, float]  # seconds; the median of three
    counts: dict[str, int]


def fill(connection: Connection, buyers: int) -> None:
    for statement in (_BUYERS, _CHATS, _WISHES, _TAGS, _CASES):
        _run(connection, statement, buyers)
    for round, share in enumerate(SHARES, start=1):
        _run(connection, _ORDERS, buyers, round, share)


def _run(connection: Connection, statement: str, count: int, round: int = 0, share: int = 0) -> None:
    dialect = connection.dialect.name
    now = int(NOW.timestamp())
    hashes = {f"h{n}": _HASH.format(salt=10 * round + n) for n in range(1, 6)}
    ago = {0: "86400", 1: f"{hashes['h4']} * 40", 2: f"{hashes['h3']} * 60"}
    times = {f"at{n}": _AT[dialect].format(now=now, ago=seconds) for n, seconds in ago.items()}
    if statement is _ORDERS:
        hashes["h5"] = _HASH.format(salt=5)  # who has a second order has a first one
    values = {
        "numbers": _NUMBERS[dialect],
        "id": f"'b' || {_HASH.format(salt=0)} || '-' || i",
        "round": round,
        "share": share,
        "money": f"(1000 + {hashes['h2']} % 30000)",
        "yes": f"({hashes['h1']} % 4 > 0)",
        "true": "1" if dialect == "sqlite" else "true",
        **hashes,
        **times,
    }
    filled = statement.format(**values).replace(":padding", f"'{'x' * 700}'").replace(":count", str(count))
    connection.exec_driver_sql(filled.replace("%", "%%") if dialect == "postgresql" else filled)


async def run_nights(database: Database, now: datetime) -> tuple[Took, float]:
    """All of a night's work; and how long its tiers took."""
    work, begun, effort = Nights({SHOP_ID: SHOP}), time.perf_counter(), time.process_time()
    tiers_since = None
    while await work.run(database, now):
        if tiers_since is None and await database.read(_at_tiers):
            tiers_since = time.perf_counter()
    ended = time.perf_counter()
    return _took(begun, effort), ended - (tiers_since or ended)


def _at_tiers(connection: Connection) -> bool:
    found = connection.execute(text("SELECT step FROM nights ORDER BY slot DESC LIMIT 1")).scalar()
    return found in ("cuts", "tiers")


def _took(begun: float, effort: float) -> Took:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Took(
        seconds=round(time.perf_counter() - begun, 1),
        processor=round(time.process_time() - effort, 1),
        megabytes=most,
    )


def change(connection: Connection) -> None:
    """Let some buyers have ordered once more."""
    some = f"SELECT id FROM orders WHERE shop = 'mugs' AND state = 'completed' ORDER BY id LIMIT {CHANGED}"
    moved = f"UPDATE orders SET paid_minor = paid_minor + 100 WHERE shop = 'mugs' AND id IN ({some})"
    connection.exec_driver_sql(moved)


def measure(url: str, buyers: int) -> Measured:
    database = Database(url)
    schema.migrate(database.engine)
    console.print(f"filling {database.dialect} with {buyers:,} buyers")
    database.write_now(partial(fill, buyers=buyers))
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    count = text("SELECT count(*) FROM orders")
    orders = database.read_now(lambda connection: connection.execute(count).scalar_one())
    console.print(f"{orders:,} orders; the first night")
    first, _ = asyncio.run(run_nights(database, NOW))
    if database.dialect == "postgresql":  # which does so by itself, sooner or later
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    database.write_now(change)
    console.print("the second night")
    second, tiers_alone = asyncio.run(run_nights(database, NOW + DAY))
    previews, counts = {}, {}
    for name, condition in PREVIEWS.items():
        taken = []
        for _ in range(3):
            begun = time.perf_counter()
            tree = knowing.tried(SHOP, condition)
            look = partial(
                knowing.preview,
                shop_id=SHOP_ID, shop=SHOP, condition=condition, tree=tree, now=NOW + DAY,
            )  # fmt: skip
            counts[name] = database.read_now(look).buyers
            taken.append(time.perf_counter() - begun)
        previews[name] = round(statistics.median(taken), 2)
        console.print(f"{name}: {counts[name]:,} buyers, {previews[name]} s")
    database.close()
    return Measured(
        database=database.dialect,
        buyers=buyers,
        orders=orders,
        first_night=first,
        second_night=second,
        tiers_alone=round(tiers_alone, 1),
        previews=previews,
        counts=counts,
    )


@contextlib.contextmanager
def databases(on: str, folder: Path | None) -> Iterator[Iterator[str]]:
    here = Path(tempfile.mkdtemp(prefix="buyers", dir=folder))

    def each() -> Iterator[str]:
        if on in ("sqlite", "both"):
            yield f"sqlite:///{here / 'shop.db'}"
        if on in ("postgresql", "both"):
            with postgres(durable=True) as url:
                yield url

    try:
        yield each()
    finally:
        shutil.rmtree(here, ignore_errors=True)


def buyers(
    buyers: Annotated[int, typer.Option(help="How many.")] = 1_000_000,
    on: Annotated[str, typer.Option(help="sqlite, postgresql, or both.")] = "both",
    folder: Annotated[Path | None, typer.Option(help="Where the database lies meanwhile.")] = None,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = HERE,
) -> None:
    """Fill a shop, do two nights' work, preview segments."""
    found = []
    with databases(on, folder) as urls:
        for url in urls:
            found.append(measure(url, buyers))
    out.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    shown = Table("database", "what", "seconds", "processor", "MB")
    for each in found:
        nights = (("first night", each.first_night), ("second night", each.second_night))
        for what, took in nights:
            shown.add_row(each.database, what, str(took.seconds), str(took.processor), str(took.megabytes))
        shown.add_row(each.database, "its tiers", str(each.tiers_alone), "", "")
        for name, seconds in each.previews.items():
            shown.add_row(each.database, f"{name}: {each.counts[name]:,}", str(seconds), "", "")
    Console().print(shown)


if __name__ == "__main__":
    typer.run(buyers)

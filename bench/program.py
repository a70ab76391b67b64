"""Xiaoer as it is measured: the whole program with everything switched on, or one leg of it alone."""

import gc
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

from bench import lifetime
from bench.deliveries import SECRET, SHOP
from bot.app import build, serve
from bot.channels.registry import open_http
from bot.config import Config
from bot.domain.clock import utc_now
from bot.operations.logs import configure_logs
from bot.program import LEGS, REACT, RECEIVE
from storage.database import Database

AGO = timedelta(minutes=25)  # how late the clock is where it shall be late
CLAIMS = 100  # of which one is the mean
RUNS = timedelta(days=20)  # since when a promotion runs, and how long it still will

# Nothing is held back: no quiet hours, and limits that nobody reaches.
SHOP_SETTINGS: dict[str, Any] = {
    "name": "青花小铺",
    "payment": {"accounts": [{"bank": "工商银行", "number": "6222 0000 1111", "name": "张三"}]},
    "quiet_hours": {"start": "00:00", "end": "00:00"},
    "limits": {"per_day": 1000, "deliveries_per_second": 1_000_000},
    "vip": {"tiers": [{"name": "gold", "orders": 3, "spent": 1000}]},
    "seller": {"contact": "400-000-0000"},
    "chat": {"settle": "0s"},  # what a message costs is measured, not how long it waits for the next one
}


async def run(config: Config, legs: Sequence[str], late: timedelta) -> None:
    """What `xiaoer serve` runs, with `--legs` where they are not all. late: its clock."""
    ended = lifetime.input_closed()
    await serve(config, lambda *_: lifetime.ready(), ended, legs=legs, clock=lambda: utc_now() - late)


async def claims(config: Config) -> None:
    """Print the processor milliseconds of a claim that finds nothing due."""
    database = Database(config.database)
    async with open_http() as http:
        program = build(config, database, http)
        await program.deliver()
        gc.collect()
        gc.freeze()  # as `serve` does it
        before = process_time()
        for _ in range(CLAIMS):
            if await program.deliver():
                raise RuntimeError("something was due")
        print((process_time() - before) / CLAIMS * 1000)
    database.close()


def settings(port: int, database: str, receiver: str, shops: int) -> Config:
    """So many shops, each with three promotions that run; none of them begins to send today or tomorrow."""
    today = datetime.now(UTC).date()
    promotion = {
        "tier": "gold",
        "cron": f"0 10 * * {today + timedelta(days=3):%a}".lower(),
        "start": str(today - RUNS),
        "end": str(today + RUNS),
        "offer": "九折",
    }
    shop = {
        **SHOP_SETTINGS,
        "promotions": dict.fromkeys(("spring", "summer", "autumn"), promotion),
        "channels": {"webhook": {"kind": "webhook", "secrets": [SECRET], "url": receiver}},
    }
    return Config.model_validate(
        {
            "database": database,
            "listen": f"127.0.0.1:{port}",
            "public_url": "https://shop.example",
            "secret": "a secret only for measurements",
            "shops": dict.fromkeys(names(shops), shop),
        }
    )


def names(shops: int) -> list[str]:
    """How the settings call so many shops."""
    return [SHOP, *(f"{SHOP}{number}" for number in range(2, shops + 1))]


if __name__ == "__main__":
    part, port, database, receiver, shops = sys.argv[1:]
    configure_logs("warning", json=False)
    config = settings(int(port), database, receiver, int(shops))
    legs = {"door": (RECEIVE,), "react": (REACT,)}.get(part, LEGS)
    late = AGO if part == "then" else timedelta()
    lifetime.live(claims(config) if part == "claims" else run(config, legs, late))

"""Xiaoer as it is measured: the whole program with everything switched on, or its durable intake alone."""

import sys
from datetime import timedelta
from typing import Any

from bench import lifetime
from bench.deliveries import SECRET
from bot.app import serve
from bot.config import Config
from bot.domain.clock import utc_now
from bot.operations.logs import configure_logs

AGO = timedelta(minutes=25)  # how late the clock is where it shall be late

# Nothing is held back: no quiet hours, and limits that nobody reaches.
SHOP: dict[str, Any] = {
    "name": "青花小铺",
    "payment": {"accounts": [{"bank": "工商银行", "number": "6222 0000 1111", "name": "张三"}]},
    "quiet_hours": {"start": "00:00", "end": "00:00"},
    "limits": {"per_day": 1000, "deliveries_per_second": 1_000_000},
    "vip": {"tiers": [{"name": "gold", "orders": 3, "spent": 1000}]},
    "promotions": {
        "spring": {
            "tier": "gold",
            "cron": "0 10 * * mon",
            "start": "2099-01-01",
            "end": "2099-02-01",
            "offer": "九折",
        }
    },
    "seller": {"contact": "400-000-0000"},
}


async def whole(config: Config) -> None:
    """What `xiaoer serve` runs."""
    await serve(config, lambda *_: lifetime.ready(), lifetime.input_closed())


async def then(config: Config) -> None:
    """The same, some time ago."""
    await serve(config, lambda *_: lifetime.ready(), lifetime.input_closed(), clock=lambda: utc_now() - AGO)


async def door(config: Config) -> None:
    """What `xiaoer serve --legs receive` runs: verified, parsed, committed, answered; nobody reacts."""
    await serve(config, lambda *_: lifetime.ready(), lifetime.input_closed(), legs=("receive",))


def settings(port: int, database: str, receiver: str) -> Config:
    channel = {"kind": "webhook", "secrets": [SECRET], "url": receiver}
    return Config.model_validate(
        {
            "database": database,
            "listen": f"127.0.0.1:{port}",
            "public_url": "https://shop.example",
            "secret": "a secret only for measurements",
            "shops": {"shop": {**SHOP, "channels": {"webhook": channel}}},
        }
    )


if __name__ == "__main__":
    part, port, database, receiver = sys.argv[1:]
    configure_logs("warning", json=False)
    config = settings(int(port), database, receiver)
    lifetime.live({"whole": whole, "work": whole, "door": door, "then": then}[part](config))

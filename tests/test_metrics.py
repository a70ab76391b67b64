"""What is counted from outside: fresh where it is cheap, and never more than it is worth."""

import asyncio
from datetime import timedelta
from pathlib import Path

from tests.world import World, world

WAITS = 'xiaoer_outbox{shop="shop",state="queued"}'


async def scrape(shop: World) -> str:
    async with shop.http.get(f"{shop.door}/metrics") as answer:
        return await answer.text()


async def test_a_shop_where_nothing_waits_any_more_is_not_counted_any_more(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        await shop.place()
        await shop.settle()
        assert WAITS in await scrape(shop)

        await shop.fact("cancelled")
        await shop.settle()
        await shop.forward(timedelta(days=4))

        for _ in range(200):  # counted anew as soon as the last counting is paid for
            if WAITS not in await scrape(shop):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("still counted")


async def test_a_scrape_does_not_wait_for_a_long_counting(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        health = shop.program.health
        long = asyncio.create_task(asyncio.sleep(60))
        health._counting = long

        async with asyncio.timeout(10):
            shown = await scrape(shop)

        assert "xiaoer_inbox_lag_seconds" in shown
        assert not long.cancelled()
        long.cancel()

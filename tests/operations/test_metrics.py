"""What is counted from outside: fresh where it is cheap, and never more than it is worth."""

import asyncio
import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Connection

from storage import outbox
from tests.faults.traffic_simulation import EVENT_TIMEOUT, until
from tests.world import World, world

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
WAITS = 'xiaoer_outbox{shop="shop",state="queued"}'


async def scrape(shop: World) -> str:
    async with shop.http.get(f"{shop.url}/metrics") as answer:
        return await answer.text()


async def test_a_shop_where_nothing_waits_any_more_is_not_counted_any_more(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        await shop.place()
        await shop.settle()

        async def counted() -> bool:
            return WAITS in await scrape(shop)

        await until(counted)

        await shop.fact("cancelled")
        await shop.settle()
        await shop.forward(timedelta(days=4))

        async def not_counted() -> bool:
            return not await counted()

        await until(not_counted)  # counted anew as soon as the last counting is paid for


async def test_a_scrape_does_not_wait_for_a_long_counting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, count = threading.Event(), outbox.open_counts

    def count_slowly(connection: Connection) -> dict[tuple[str, str], int]:
        free.wait(10 * EVENT_TIMEOUT)
        return count(connection)

    monkeypatch.setattr(outbox, "open_counts", count_slowly)
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        await shop.place()
        await shop.settle()
        try:
            async with asyncio.timeout(EVENT_TIMEOUT):
                shown = await scrape(shop)
        finally:
            free.set()

        assert "xiaoer_inbox_lag_seconds" in shown
        assert WAITS not in shown

        async def counted() -> bool:
            return WAITS in await scrape(shop)

        await until(counted)


def kinds(shown: str) -> set[str]:
    """What is measured, as a page would name it."""
    named = re.findall(r"^# TYPE (\w+) \w+$", shown, re.MULTILINE)
    return {name for name in named if not name.endswith("_created")}


def rows(page: str) -> set[str]:
    return set(re.findall(r"^\| `(xiaoer_\w+)[`{]", page, re.MULTILINE))


async def test_the_page_for_operators_explains_what_a_program_shows_and_nothing_else(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        await shop.place()
        await shop.settle()

        assert kinds(await scrape(shop)) == rows(OPERATIONS.read_text("utf-8"))


async def test_whatever_an_alert_counts_is_shown_before_it_happens(tmp_path: Path) -> None:
    rules = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]
    counted = [
        (metric, label, value)
        for rule in rules
        for metric, chosen in re.findall(r"(xiaoer_\w+_total)(?:\{([^}]*)\})?\[", rule["expr"])
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', chosen) or [("", "")]
        for value in values.split("|")
    ]
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        shown = await scrape(shop)

    assert len(counted) > 10
    for metric, label, value in counted:
        chosen = rf'.*\b{label}="{value}"' if label else ""
        assert re.search(rf"^{metric}(\{{{chosen}.*\}})? 0\.0$", shown, re.MULTILINE), (metric, value)


async def test_deliveries_that_are_too_long_or_compressed_are_counted(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        door = f"{shop.url}/hooks/shop/webhook"
        for body, headers, status in (
            (b"x" * 1024 * 1025, {}, 413),
            (b"x", {"Content-Encoding": "gzip"}, 415),
        ):
            async with shop.http.post(door, data=body, headers=headers) as answer:
                assert answer.status == status
            counted = f'xiaoer_deliveries_total{{channel="webhook",shop="shop",status="{status}"}} 1.0'
            assert counted in await scrape(shop)

"""The endpoint of webhooks: what is refused, what is stored, and what each platform is answered."""

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import FormData
from sqlalchemy import func, select

from bot.operations.logs import ThrottledLog
from storage.tables import inbox, unreadable
from tests.world import World, world


async def count(shop: World, table: Any) -> int:
    statement = select(func.count()).select_from(table)
    found: int = await shop.program.parts.database.read(lambda connection: connection.scalar(statement))
    return found


async def test_an_unsigned_or_wrongly_signed_delivery_is_refused_and_not_kept(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        address = f"{shop.url}/hooks/shop/webhook"
        forged = {"webhook-id": "x", "webhook-timestamp": "1795233600", "webhook-signature": "v1,bm9wZQ=="}
        for headers in ({}, forged):
            async with shop.http.post(address, data=b"{}", headers=headers) as response:
                assert response.status == 401
        assert await count(shop, inbox) == await count(shop, unreadable) == 0


async def test_with_no_secret_set_nothing_is_believed(tmp_path: Path) -> None:
    channels = {"shopify": {"kind": "shopify"}, "telegram": {"kind": "telegram", "token": "1:x"}}
    async with world(f"sqlite:///{tmp_path}/shop.db", channels=channels) as shop:
        for name in channels:
            async with shop.http.post(f"{shop.url}/hooks/shop/{name}", data=b"{}") as response:
                assert response.status == 401


async def test_a_genuine_delivery_that_we_cannot_read_is_kept_whole_and_answered_200(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        body = b'{"type": "order.placed", "data": {"order": {"id": "1", "total": "many"}}}'
        assert await shop.deliver(body, "odd") == 200
        assert await shop.deliver(body, "odd") == 200
        kept = await shop.program.parts.database.read(
            lambda connection: connection.execute(select(unreadable)).all()
        )
        assert [row.body for row in kept] == [body]
        assert "data.order" in kept[0].error


async def test_a_shop_or_channel_that_is_not_there_is_answered_404(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        for path in ("/hooks/shop/nothing", "/hooks/nobody/webhook"):
            async with shop.http.post(shop.url + path, data=b"{}") as response:
                assert response.status == 404


async def test_a_delivery_over_the_limit_is_answered_413(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        assert await shop.deliver(b"x" * (2 * 1024 * 1024), "big") == 413


async def test_too_many_deliveries_are_asked_to_come_again(tmp_path: Path) -> None:
    limits = {"deliveries_per_second": 1}
    async with world(f"sqlite:///{tmp_path}/shop.db", limits=limits) as shop:
        answers = [await shop.place(order=str(number)) for number in range(8)]
        assert answers[0] == 200
        assert 429 in answers


async def test_woocommerces_unsigned_ping_is_answered_200_and_changes_nothing(tmp_path: Path) -> None:
    channels = {"woocommerce": {"kind": "woocommerce", "secrets": ["a secret of the test"]}}
    async with world(f"sqlite:///{tmp_path}/shop.db", channels=channels) as shop:
        ping = FormData({"webhook_id": "1"})
        async with shop.http.post(f"{shop.url}/hooks/shop/woocommerce", data=ping) as response:
            assert response.status == 200
        assert await count(shop, inbox) == 0


async def test_deliveries_that_come_together_share_commits(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        answers = await asyncio.gather(*(shop.place(order=str(number)) for number in range(200)))
        assert set(answers) == {200}
        assert await count(shop, inbox) == 200
        groups = shop.program.parts.metrics.registry.get_sample_value("xiaoer_commit_deliveries_count")
        assert groups is not None
        assert groups < 100


async def test_a_forged_flood_takes_nothing_from_the_shops_own_rate(tmp_path: Path) -> None:
    limits = {"deliveries_per_second": 2}
    async with world(f"sqlite:///{tmp_path}/shop.db", limits=limits) as shop:
        for _ in range(50):
            async with shop.http.post(f"{shop.url}/hooks/shop/webhook", data=b"{}") as response:
                assert response.status == 401

        assert [await shop.place(order=str(number)) for number in range(3)] == [200, 200, 200]


async def test_a_genuine_delivery_that_a_stranger_repeats_takes_from_the_shops_rate_once(
    tmp_path: Path,
) -> None:
    limits = {"deliveries_per_second": 2}
    async with world(f"sqlite:///{tmp_path}/shop.db", limits=limits) as shop:
        captured = b'{"type": "x.y", "timestamp": "2026-11-21T04:00:00Z", "data": {}}'
        replayed = [await shop.deliver(captured, "captured") for _ in range(50)]

        assert [await shop.place(order=str(number)) for number in range(3)] == [200, 200, 200]
        assert 429 in replayed


async def test_names_that_somebody_made_up_label_no_metric(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        for number in range(20):
            for path in (f"/hooks/shop/made-up-{number}", f"/hooks/made-up-{number}/webhook"):
                async with shop.http.post(shop.url + path, data=b"{}") as response:
                    assert response.status == 404

        async with shop.http.get(f"{shop.url}/metrics") as response:
            assert "made-up" not in await response.text()


def test_of_lines_that_a_stranger_provokes_one_is_said_now_and_then() -> None:
    refusals = ThrottledLog()

    said = [refusals.ask("shop", float(second)) for second in range(25)]

    assert [(second, unsaid) for second, unsaid in enumerate(said) if unsaid is not None] == [
        (0, 0),
        (10, 9),
        (20, 9),
    ]
    assert refusals.ask("another", 24.0) == 0

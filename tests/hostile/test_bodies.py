"""Genuine deliveries with bodies that mean it ill: kept whole and answered 200, in good time."""

import asyncio
import gzip
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from bot.channels import standard_webhooks
from storage.tables import inbox, unreadable
from tests.world import SECRET, World, world

ORDER = b'{"type":"order.paid","timestamp":"2026-11-21T10:00:00+08:00","data":{"order":{"id":%s}}}'
BODIES = {
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep groups": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep in a place": ORDER % (b"[" * 100_000 + b"]" * 100_000),
    "a huge number": ORDER % (b"9" * 900_000),
    "a huge exponent": ORDER % b"1e999999999",
    "no number": ORDER % b"NaN",
    "an infinite one": ORDER % b"-Infinity",
    "half a letter": ORDER % b'"\\ud800"',
    "bytes that are no text": ORDER % b'"\xff\xfe\xed\xa0\x80"',
    "a mark of order": b"\xef\xbb\xbf" + ORDER % b'"1"',
    "another alphabet": (ORDER % b'"1"').decode().encode("utf-16"),
    "many names": b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}",
    "a long text": ORDER % (b'"' + b"x" * 900_000 + b'"'),
    "escapes": ORDER % (b'"' + b"\\u0000" * 100_000 + b'"'),
    "backslashes": ORDER % (b'"' + b"\\\\" * 400_000 + b'\\u0000"'),
    "a form": b"type=order.paid&data=1",
    "nothing": b"",
}


async def count(shop: World) -> int:
    statement = select(func.count()).select_from(unreadable)
    found: int = await shop.program.parts.database.read(lambda link: link.scalar(statement))
    return found


async def test_bodies_that_mean_it_ill_are_kept_whole_and_hold_nobody_up(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        for number, (name, body) in enumerate(BODIES.items(), start=1):
            began = time.process_time()
            assert await shop.deliver(body, f"d{number}") == 200, name
            assert time.process_time() - began < 5, name
            assert await count(shop) == number, name
        assert await shop.place() == 200


async def test_of_a_name_that_stands_twice_the_last_counts(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        twice = b'"1","id":"2","paid_at":"2026-11-21T10:00:00+08:00"'
        assert await shop.deliver(ORDER % twice, "twice") == 200
        kept = await shop.program.parts.database.read(lambda link: link.execute(select(inbox.c.body)).all())
        assert ['"2"' in str(row.body) for row in kept] == [True]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml; charset=utf-16", "multipart/form-data", "x", ""]
)
async def test_what_a_delivery_calls_itself_changes_nothing(kind: str, tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        body = ORDER % b'"1"'
        headers = standard_webhooks.sign(standard_webhooks.key(SecretStr(SECRET)), "d", shop.clock.now, body)
        url = f"{shop.url}/hooks/shop/webhook"
        async with shop.http.post(url, data=body, headers={**headers, "content-type": kind}) as response:
            assert response.status == 200


async def test_compressed_bodies_are_refused_unread(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    async with world(f"sqlite:///{tmp_path}/shop.db", api_tokens=["a token that is only for tests"]) as shop:
        token = {"authorization": "Bearer a token that is only for tests", "content-type": "application/json"}
        for path, more in (("/hooks/shop/webhook", {}), ("/api/v1/shops/shop/cases/1/settle", token)):
            headers = {"content-encoding": "gzip", **more}
            async with shop.http.post(shop.url + path, data=bomb, headers=headers) as response:
                assert response.status == 415


async def test_a_replayed_delivery_changes_nothing(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path}/shop.db") as shop:
        body = ORDER % b'"1"'
        assert set(await asyncio.gather(*(shop.deliver(body, "same") for _ in range(200)))) == {200}
        statement = select(func.count()).select_from(inbox)
        assert await shop.program.parts.database.read(lambda link: link.scalar(statement)) == 1

"""Deliveries that share a commit: all are stored, or all of them hear that they are not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from bot.domain.events import BuyerOptedOut, BuyerRef
from bot.operations.metrics import Metrics
from bot.receive import group_commit
from bot.receive.group_commit import GroupCommit
from storage import schema, tables
from storage.database import Database
from storage.inbox import InboxEvent, UnreadableDelivery, inbox_event
from tests.world import NOON


def event(id: str) -> InboxEvent:
    happened = BuyerOptedOut(channel="webhook", external_id=id, at=NOON, buyer=BuyerRef(id="ann"))
    return inbox_event("shop", happened, NOON)


def impossible(id: str) -> InboxEvent:
    """No database takes it: its body is not text."""
    return msgspec.structs.replace(event(id), body=b"\xff")


UNREADABLE = UnreadableDelivery(
    shop="shop", channel="webhook", external_id="x", headers="{}", body=b"?", error="?", received_at=NOON
)


class Store:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.metrics = Metrics()
        self.woken = 0
        self.commits = GroupCommit(database, self.metrics, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.commits.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stored(self, table: Any = tables.inbox) -> set[str]:
        return set(await self.database.read(lambda link: link.scalars(select(table.c.external_id)).all()))

    def groups(self) -> tuple[float, float]:
        """(commits, deliveries in them)"""
        value = self.metrics.registry.get_sample_value
        names = ("xiaoer_commit_deliveries_count", "xiaoer_commit_deliveries_sum")
        return value(names[0]) or 0.0, value(names[1]) or 0.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    schema.migrate(database.engine)
    try:
        yield Store(database)
    finally:
        database.close()


async def test_deliveries_that_wait_together_share_one_commit(store: Store) -> None:
    kept = [store.commits.keep([event(str(number))]) for number in range(5)]
    assert store.commits.waiting

    async with store.running():
        await asyncio.gather(*kept)

    assert await store.stored() == set("01234")
    assert store.groups() == (1, 5)
    assert not store.commits.waiting


async def test_a_commit_has_no_more_deliveries_than_the_group_allows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "GROUP", 2)
    kept = [store.commits.keep([event(str(number))]) for number in range(5)]

    async with store.running():
        await asyncio.gather(*kept)

    assert store.groups() == (3, 5)


async def test_a_failed_commit_is_the_failure_of_all_in_it_and_of_nobody_after_it(store: Store) -> None:
    together = [store.commits.keep([event("good")]), store.commits.keep([impossible("bad")])]

    async with store.running():
        assert all(await asyncio.gather(*together, return_exceptions=True))
        await store.commits.keep([event("later")])

    assert await store.stored() == {"later"}


async def test_a_delivery_whose_platform_hung_up_is_stored_and_stops_no_other(store: Store) -> None:
    gone, patient = store.commits.keep([event("gone")]), store.commits.keep([event("patient")])
    gone.cancel()

    async with store.running():
        await patient

    assert await store.stored() == {"gone", "patient"}


async def test_new_events_are_announced_once_a_commit_and_unreadable_deliveries_are_not(store: Store) -> None:
    async with store.running():
        await store.commits.keep([], UNREADABLE)
        assert store.woken == 0
        await asyncio.gather(store.commits.keep([event("1")]), store.commits.keep([event("2")]))
        assert store.woken == 1

    assert await store.stored(tables.unreadable) == {"x"}

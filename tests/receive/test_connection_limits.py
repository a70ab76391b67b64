"""Which connections are closed, and what their bytes count for."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import pytest

from bot.operations.metrics import Metrics
from bot.receive import connection_limits
from bot.receive.connection_limits import HEAD, ConnectionLimits, DoorSettings

BODY_LIMIT = 2 * 1024 * 1024
MEMORY = 2 * (BODY_LIMIT + HEAD)  # the smallest there is, whatever the settings say
CONNECTIONS = 10
SHARE = MEMORY // CONNECTIONS


class Client:
    """A connection that knows whether it was closed, and tells the limits of its end as a transport does."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.closed = False

    def abort(self) -> None:
        self.closed = True
        self.limits.lost(self)


class Door:
    """Limits on a clock set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.metrics = Metrics()
        settings = DoorSettings(
            connections=CONNECTIONS,
            memory=1024 * 1024,
            request_within=timedelta(seconds=20),
            idle=timedelta(seconds=150),
        )
        self.limits = ConnectionLimits(settings, BODY_LIMIT, self.metrics, lambda: self.seconds)

    def client(self, received: int = 0) -> Client:
        client = Client(self.limits)
        self.limits.opened(client)
        if received:
            self.limits.received(client, received)
        return client

    def answered(self, client: Client) -> Client:
        self.limits.request_complete(client)
        self.limits.answered(client)
        return client

    async def check(self) -> None:
        """One round of the watch."""
        watching = asyncio.create_task(self.limits.watch())
        for _ in range(3):
            await asyncio.sleep(0)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    def closed_for(self, why: str) -> float:
        return self._value("xiaoer_connections_closed_total", {"why": why})

    def open(self) -> float:
        return self._value("xiaoer_connections", {})

    def _value(self, name: str, labels: dict[str, Any]) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture(autouse=True)
def _no_pause_between_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "CHECK_SECONDS", 0)


@pytest.fixture
def door() -> Door:
    return Door()


def test_of_too_many_connections_the_one_that_has_kept_us_waiting_longest_is_closed(door: Door) -> None:
    clients = []
    for second in range(CONNECTIONS):
        door.seconds = float(second)
        clients.append(door.client())
    door.answered(clients[0])  # it now waits since the ninth second only
    newcomer = door.client()

    assert [client.closed for client in clients] == [False, True] + [False] * (CONNECTIONS - 2)
    assert not newcomer.closed
    assert door.closed_for("crowd") == 1
    assert door.open() == CONNECTIONS


def test_who_waits_for_our_answer_is_not_closed_for_somebody_new(door: Door) -> None:
    waiting = [door.client(received=100) for _ in range(CONNECTIONS)]
    for client in waiting:
        door.limits.request_complete(client)
    newcomer = door.client()

    assert newcomer.closed
    assert not any(client.closed for client in waiting)
    assert door.open() == CONNECTIONS


def test_a_request_longer_than_any_may_be_is_cut_off(door: Door) -> None:
    client = door.client(received=BODY_LIMIT + HEAD)
    assert not client.closed

    door.limits.received(client, 1)

    assert client.closed
    assert door.closed_for("greed") == 1


def test_where_memory_ends_the_first_to_pass_its_share_is_closed_and_small_ones_stay(door: Door) -> None:
    small = door.client(received=SHARE)
    first, second = door.client(received=SHARE + 1), door.client(received=SHARE + 2)
    for client in (second, first):
        door.limits.received(client, BODY_LIMIT - 100)
    last = door.client(received=SHARE + 3)

    assert [client.closed for client in (first, second, last, small)] == [True, False, False, False]
    assert door.closed_for("memory") == 1


def test_a_request_that_is_complete_is_not_closed_for_its_size(door: Door) -> None:
    complete = door.client(received=BODY_LIMIT)
    door.limits.request_complete(complete)
    others = [door.client(received=BODY_LIMIT) for _ in range(2)]

    assert not complete.closed
    assert [client.closed for client in others] == [True, False]


def test_an_answered_request_frees_its_bytes(door: Door) -> None:
    client = door.client()
    for _ in range(10):
        door.limits.received(client, BODY_LIMIT)
        door.answered(client)

    assert not client.closed


def test_a_lost_connection_frees_its_bytes_and_its_place(door: Door) -> None:
    for _ in range(3):
        door.limits.lost(door.client(received=BODY_LIMIT))
    client = door.client(received=BODY_LIMIT)

    assert not client.closed
    assert door.open() == 1


@pytest.mark.parametrize(("seconds", "closed"), [(19.9, False), (20.0, True)])
async def test_a_request_that_takes_too_long_is_closed(door: Door, seconds: float, closed: bool) -> None:
    client = door.client(received=1)
    door.seconds = 10.0
    door.limits.received(client, 1)  # a trickle does not start the time again
    door.seconds = seconds
    await door.check()

    assert client.closed is closed


@pytest.mark.parametrize(("seconds", "closed"), [(149.9, False), (150.0, True)])
async def test_an_idle_connection_is_closed_after_a_longer_time(
    door: Door, seconds: float, closed: bool
) -> None:
    client = door.answered(door.client(received=1))
    door.seconds = seconds
    await door.check()

    assert client.closed is closed
    assert door.closed_for("slow") == float(closed)


async def test_a_second_request_has_the_whole_time_again(door: Door) -> None:
    client = door.answered(door.client(received=1))
    door.seconds = 100.0
    door.limits.received(client, 1)
    door.seconds = 119.9
    await door.check()
    assert not client.closed

    door.seconds = 120.0
    await door.check()
    assert client.closed


async def test_who_waits_for_our_answer_may_wait_as_long_as_it_takes(door: Door) -> None:
    client = door.client(received=1)
    door.limits.request_complete(client)
    door.seconds = 3600.0
    await door.check()

    assert not client.closed


def test_the_body_of_a_closed_connection_is_dropped_at_once(door: Door) -> None:
    client = door.client(received=BODY_LIMIT + HEAD)
    parts = door.limits.begin_body(client)
    parts.append(b"some of it")
    door.limits.received(client, 1)

    assert parts == []
    assert not door.limits.end_body(client, parts)


def test_the_body_of_an_open_connection_is_whole(door: Door) -> None:
    client = door.client(received=10)
    parts = door.limits.begin_body(client)
    parts.append(b"all of it")

    assert door.limits.end_body(client, parts)
    assert parts == [b"all of it"]

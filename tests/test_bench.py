"""The measurements run, measure what they say, and refuse figures of work that was not done."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from bench import report
from bench.deliveries import Numbers, chats, placed
from bench.errors import CannotMeasure
from bench.figures import Figures, percentile
from bench.load import drive
from bench.receiver import Receiver, receiving
from bench.servers import Server
from tests.conftest import cannot_run
from tests.world import served

ROOT = Path(__file__).parent.parent
SOME = chats(range(20))


def port_of(address: str) -> int:
    return int(address.rstrip("/").rpartition(":")[2])


def test_a_quick_run_measures_everything_and_every_message_came_once(tmp_path: Path) -> None:
    place = tmp_path / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--to", place],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    if "no PostgreSQL" in done.stderr:
        cannot_run(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr

    found = json.loads(place.read_text())
    assert set(found) == {"sqlite", "postgresql", "bare", "about"}
    for database in report.DATABASES:
        of = found[database]
        assert set(of["of_bare"]) == set(of["per_second"]) == set(report.MEASURES)
        assert of["intake_of_bare"] == of["of_bare"]["intake"]["median"] > 0
        assert of["intake_while_working_of_bare"] > 0
        assert of["journey_of_bare"] == of["of_bare"]["mixed"]["median"] > 0
        assert of["answered_after_ms"]["intake"]["p99"] >= of["answered_after_ms"]["intake"]["p50"] > 0
        assert of["messages_received"] > 0
        assert of["messages_received_twice"] == 0
        assert of["peak_memory_mb"] > 10
    assert str(ROOT) not in place.read_text()


async def test_each_request_is_asked_once_over_connections_that_stay() -> None:
    receiver = Receiver()
    async with receiving(receiver) as url:
        answers = await drive(Server("receiver", port_of(url)), SOME, connections=3)

    assert answers.statuses == {200: 20}
    assert (receiver.count, receiver.doubles) == (20, 0)


async def test_at_a_set_rate_the_load_takes_its_time() -> None:
    async with receiving(Receiver()) as url:
        answers = await drive(Server("receiver", port_of(url)), SOME, connections=3, rate=100.0)

    assert answers.seconds >= 19 / 100
    assert len(answers.waits) == 20


async def test_at_a_set_rate_a_slow_server_is_told_its_waits_in_full() -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.02)
        return web.Response()

    site = web.Application()
    site.router.add_post("/hooks/{shop}/{channel}", slow)
    async with served(site) as url:
        answers = await drive(Server("slow", port_of(url)), SOME, connections=1, rate=1000.0)

    assert max(answers.waits) >= 15 * 0.02, "the last one waited for those before it"


async def test_a_message_that_comes_twice_is_counted() -> None:
    receiver = Receiver()
    async with receiving(receiver) as url:
        await drive(Server("receiver", port_of(url)), [*SOME, SOME[7]], connections=2)
        await receiver.until(20)

    assert (receiver.count, receiver.doubles) == (20, 1)


async def test_a_server_that_refuses_gets_no_figure() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=503)

    site = web.Application()
    site.router.add_post("/hooks/{shop}/{channel}", refuse)
    async with served(site) as url:
        with pytest.raises(CannotMeasure, match="503"):
            await drive(Server("closed", port_of(url)), SOME, connections=2)


async def test_a_server_that_is_not_there_gets_no_figure() -> None:
    async with receiving(Receiver()) as url:
        port = port_of(url)
    with pytest.raises(CannotMeasure, match="stopped answering"):
        await drive(Server("gone", port), SOME, connections=2)


def test_no_number_is_given_out_twice() -> None:
    numbers = Numbers()
    first, second = numbers.fresh(3), numbers.fresh(2)
    assert len({*first, *second}) == 5
    assert len(set(placed(first))) == 3


def test_a_ratio_is_taken_within_its_round() -> None:
    figures = Figures()
    figures.rates["intake", "bare"] = [100.0, 400.0]
    figures.rates["intake", "sqlite"] = [50.0, 100.0]
    assert figures.ratios("intake", "sqlite") == [0.5, 0.25]


def test_percentiles_of_a_hundred_waits() -> None:
    waits = [float(number) for number in range(100, 0, -1)]
    assert (percentile(waits, 50), percentile(waits, 99)) == (50.0, 99.0)

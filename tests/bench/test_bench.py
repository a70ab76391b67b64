"""The measurements run, measure what they say, and refuse figures of work that was not done."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import web

from bench import report
from bench.contenders import DRAIN, OURS, POSTGRESQL, RIVALS, SQLITE, TWO
from bench.deliveries import Numbers, chats, placed
from bench.drain import slices
from bench.due import FIRST, others
from bench.errors import CannotMeasure
from bench.figures import QUICK, Figures, percentile
from bench.load import drive
from bench.receiver import Receiver, receiving
from bench.servers import Server
from tests.conftest import cannot_run
from tests.world import served

ROOT = Path(__file__).parents[2]
SOME = chats(range(20))


def port_of(address: str) -> int:
    return int(address.rstrip("/").rpartition(":")[2])


def test_a_quick_run_measures_everything_and_tells_who_is_missing(tmp_path: Path) -> None:
    """Xiaoer itself, whatever is installed; another one only where its package is."""
    ours, other = (SQLITE.name, TWO.name), "taskiq, Redis"
    only = [word for name in (*ours, other) for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *only, "--to", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )
    if "no PostgreSQL" in done.stdout:
        cannot_run(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr

    written = (tmp_path / "results.json").read_text()
    found = json.loads(written)["contenders"]
    assert list(found) == ["bare", *ours, other]
    for name in ours:
        of = found[name]
        assert set(report.RATES) <= set(of)
        assert of["messages"] > 0
        assert of["messages_twice"] == 0
        assert of["intake"]["waits_ms"]["p99"] >= of["intake"]["waits_ms"]["p50"] > 0
        assert of["intake"]["memory_mb"] > 10
        assert of["drain"]["reminders"] == QUICK.drain
    assert importlib.util.find_spec("taskiq") or f"NOT MEASURED: {other}: the package" in done.stdout
    assert str(ROOT) not in written
    assert (tmp_path / "results.md").read_text().count("| xiaoer, SQLite |") == 2
    ElementTree.parse(tmp_path / "results.svg")


def test_a_rival_that_fails_is_told_and_our_own_failure_ends_the_run() -> None:
    figures = Figures()
    with figures.excused(RIVALS[0]):
        raise CannotMeasure("it fell over")
    assert not figures.here(RIVALS[0])

    with pytest.raises(CannotMeasure), figures.excused(OURS[0]):
        raise CannotMeasure("we fell over")


def test_goals_are_ratios_to_the_fastest_others() -> None:
    figures = Figures()
    durable = next(rival for rival in RIVALS if rival.keeps)
    hasty = next(rival for rival in RIVALS if not rival.keeps and DRAIN in rival.measures)
    for name, rate in ((SQLITE.name, 3000.0), (durable.name, 300.0), (hasty.name, 1500.0)):
        figures.rates[DRAIN, name] = [rate]

    goals = report.goals(figures)

    assert goals["drain_of_fastest_rival"][SQLITE.name] == 2.0
    assert goals["drain_of_fastest_durable_rival"][SQLITE.name] == 10.0
    assert goals["drain_of_fastest_rival"][POSTGRESQL.name] is None, "it was not measured"


def test_an_order_is_copied_with_ids_of_its_own_and_other_numbers_stay() -> None:
    row = {"id": 1, "event": None, "attempts": 1, "key": f"payment_reminder:{FIRST}:1", "buyer": "b0"}

    (copy,) = others(row, "b0", {FIRST + 5: {1: 77}})

    assert copy == {
        "id": 77,
        "event": None,
        "attempts": 1,
        "key": f"payment_reminder:{FIRST + 5}:1",
        "buyer": f"{FIRST + 5:020x}",
    }


def test_an_even_draining_is_as_fast_in_each_tenth() -> None:
    assert slices([number / 100 for number in range(1000)]) == pytest.approx([100.0] * 10)


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

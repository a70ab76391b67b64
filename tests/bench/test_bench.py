"""The measurements run, measure what they say, and refuse figures of work that was not done."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from time import process_time
from xml.etree import ElementTree

import pytest
from aiohttp import web

from bench import report
from bench.aims import aims
from bench.contenders import BARE, DRAIN, INTAKE, OURS, POSTGRESQL, PROCRASTINATE, RIVALS, SHOPS, SQLITE, TWO
from bench.deliveries import Numbers, chats, placed
from bench.due import FIRST, others
from bench.errors import CannotMeasure
from bench.figures import FULL, TRIAL, Figures, percentile
from bench.load import drive
from bench.receiver import Receiver, receiving
from bench.results import MEASURES, results
from bench.rivals.work import message, reminder
from bench.servers import Server
from bench.shops import CLAIM, DRAINED, in_shops
from bench.weighing import Effort, Scales
from tests.conftest import cannot_run
from tests.world import served

ROOT = Path(__file__).parents[2]
SOME = chats(range(20))


def port_of(address: str) -> int:
    return int(address.rstrip("/").rpartition(":")[2])


def test_a_trial_measures_everything_and_tells_who_is_missing(tmp_path: Path) -> None:
    """Xiaoer itself, whatever is installed; another one only where its package is."""
    ours, other = (SQLITE.name, TWO.name), "taskiq, Redis"
    only = [word for name in (*ours, other) for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--trial", *only, "--to", tmp_path],
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
        assert set(MEASURES) <= set(of)
        assert of["messages"] > 0
        assert of["messages_twice"] == 0
        assert of["intake"]["waits_ms"]["p99"] >= of["intake"]["waits_ms"]["p50"] > 0
        assert of["intake"]["memory_mb"] > 10
        assert of["drain"]["reminders"] == TRIAL.drain
        assert ("store" in of["drain"]["processor_us"]) == (name == TWO.name), "SQLite works in the program"
    assert set(found[SQLITE.name][SHOPS]["drained_us"]) == {"one", "many", "times"}
    assert SHOPS not in found[TWO.name]
    assert importlib.util.find_spec("taskiq") or f"NOT MEASURED: {other}: the package" in done.stdout
    assert str(ROOT) not in written
    assert (tmp_path / "results.md").read_text().count("| xiaoer, SQLite |") == 3
    ElementTree.parse(tmp_path / "results.svg")


def test_a_rival_that_fails_is_told_and_our_own_failure_ends_the_run() -> None:
    figures = Figures()
    with figures.excused(RIVALS[0]):
        raise CannotMeasure("it fell over")
    assert not figures.here(RIVALS[0])

    with pytest.raises(CannotMeasure), figures.excused(OURS[0]):
        raise CannotMeasure("we fell over")


def found_of(figures: Figures, aim: str) -> dict[str, float | None]:
    return next(each.found for each in aims(figures, FULL) if each.what == aim)


def test_aims_are_ratios_of_processor_time_with_the_databases_share() -> None:
    figures = Figures()
    figures.efforts[INTAKE, BARE.name] = [Effort(30e-6, 0), Effort(40e-6, 0)]
    figures.efforts[INTAKE, SQLITE.name] = [Effort(60e-6, 0), Effort(120e-6, 0)]
    figures.efforts[INTAKE, POSTGRESQL.name] = [Effort(60e-6, 30e-6), Effort(120e-6, 60e-6)]
    figures.efforts[DRAIN, SQLITE.name] = [Effort(210e-6, 0)]

    assert found_of(figures, "intake, times bare") == {"SQLite": pytest.approx(2.5)}, "within each round"
    of_sqlite = found_of(figures, "PostgreSQL with its share, times SQLite")
    assert (of_sqlite[INTAKE], of_sqlite[DRAIN]) == (pytest.approx(1.5), None), "the other was not measured"
    assert found_of(figures, "drained, times the intake of bare") == {"SQLite": pytest.approx(6)}
    assert found_of(figures, "drained, times procrastinate") == {"SQLite": None}


def test_aims_of_many_shops_are_told_of_both_databases() -> None:
    figures = Figures()
    for name in (SQLITE.name, POSTGRESQL.name):
        figures.efforts[in_shops(DRAINED, 1), name] = [Effort(1e-3, 1e-3)]
        figures.efforts[in_shops(DRAINED, FULL.shops), name] = [Effort(2e-3, 1e-3)]
        figures.efforts[in_shops(CLAIM, FULL.more_shops), name] = [Effort(20e-3, 4e-3)]

    assert found_of(figures, "drained, 1,000 shops, times one shop") == {"SQLite": 1.5, "PostgreSQL": 1.5}
    assert found_of(figures, "idle claim, 10,000 shops, ms") == pytest.approx(
        {"SQLite": 24, "PostgreSQL": 24}
    )


def test_what_is_over_its_aim_is_told_as_missed() -> None:
    figures = Figures()
    figures.efforts[INTAKE, BARE.name] = [Effort(30e-6, 0)]
    figures.efforts[INTAKE, SQLITE.name] = [Effort(90e-6, 0)]
    figures.efforts[DRAIN, SQLITE.name] = [Effort(120e-6, 0)]
    figures.efforts[DRAIN, PROCRASTINATE.name] = [Effort(1200e-6, 300e-6)]

    said = {row[0]: row[2:] for row in report.aims(results((), figures, FULL, 0))}

    assert said["intake, times bare"] == ["SQLite 3.00", "missed"]
    assert said["drained, times procrastinate"] == ["SQLite 0.08", "met"]
    assert said["chat, times bare"] == ["SQLite not measured", ""]


def test_a_program_is_weighed_apart_from_its_store() -> None:
    waiting = [sys.executable, "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as store:
        assert store.stdout is not None
        store.stdout.readline()
        scales = Scales([os.getpid()], [store.pid])
        ends = process_time() + 0.2
        while process_time() < ends:
            pass
        effort = scales.effort(2)
        store.communicate(b"\n")

    assert effort.program >= 0.08
    assert effort.store <= 0.02


def test_others_can_render_what_they_are_to_send() -> None:
    """A template that asks for more than they are given would leave all of them out of the tables."""
    hello, _ = message("m1", {"template": "hello", "buyer": "guest-1"})
    due, _ = message(*reminder(1001))

    assert json.loads(hello)["data"]["message"]["text"]
    assert "1001" in json.loads(due)["data"]["message"]["text"]


def test_an_order_is_copied_with_ids_of_its_own_and_other_numbers_stay() -> None:
    row = {
        "shop": "shop",
        "id": 1,
        "event": None,
        "attempts": 1,
        "key": f"payment_reminder:{FIRST}:1",
        "buyer": "b0",
    }

    (copy,) = others(row, "b0", {("shop2", FIRST + 5): {1: 77}})

    assert copy == {
        "shop": "shop2",
        "id": 77,
        "event": None,
        "attempts": 1,
        "key": f"payment_reminder:{FIRST + 5}:1",
        "buyer": f"{FIRST + 5:020x}",
    }


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


def test_percentiles_of_a_hundred_waits() -> None:
    waits = [float(number) for number in range(100, 0, -1)]
    assert (percentile(waits, 50), percentile(waits, 99)) == (50.0, 99.0)

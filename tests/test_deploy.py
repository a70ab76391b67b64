"""What stands in deploy/ fits the program: its commands, settings, addresses, and what it measures."""

import asyncio
import json
import random
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer.main
import yaml
from prometheus_client.metrics import MetricWrapperBase

from bot.app import DRAIN_SECONDS, LAST_ANSWER_SECONDS
from bot.cli import app, main
from bot.config import Config
from bot.operations.metrics import Metrics
from bot.receive.connection_limits import DoorSettings
from tests.conftest import cannot_run
from tests.faults.programs import Plan, free_port, migrated, programs
from tests.faults.traffic_simulation import FAST_SHOP, Receiver, Traffic, until
from tests.world import served

DEPLOY = Path(__file__).parent.parent / "deploy"
UNITS = ("xiaoer.service", "xiaoer@.service")
SHELL_NAME = re.compile(r"\$\{(\w+)")
BY_DIGEST = "@sha256:[0-9a-f]{64}"


def found(program: str) -> str:
    """Where a program is that comes with no Python package; `.ci/run` fetches those it needs."""
    return shutil.which(program) or cannot_run(f"there is no {program}")


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


COMPOSE: dict[str, Any] = yaml.safe_load(text_of("compose.yaml"))
REPLICAS = [name for name in COMPOSE["services"] if re.fullmatch(r"xiaoer-\d", name)]


def takes(words: list[str]) -> bool:
    """Whether our command line knows this command with these options."""
    commands: Any = typer.main.get_command(app)
    command = commands.commands.get(words[0])
    if command is None:
        return False
    known = {option for each in command.params for option in each.opts}
    return {word for word in words if word.startswith("--")} <= known


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


# The longest that a stop takes.
def stop_takes(serve: list[str]) -> float:
    return float(serve[serve.index("--notice") + 1]) + LAST_ANSWER_SECONDS + DRAIN_SECONDS


# The container


def instruction(name: str) -> list[str]:
    joined = text_of("Containerfile").replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", joined, re.MULTILINE)


def test_the_image_runs_our_command_as_nobody_in_particular() -> None:
    entry, serve = json.loads(instruction("ENTRYPOINT")[0]), json.loads(instruction("CMD")[0])

    assert entry == ["xiaoer"]
    assert takes(serve)
    assert instruction("USER") == ["10001"]
    assert instruction("FROM") == ["${BASE} AS build", "${BASE}"]
    assert re.fullmatch(r"BASE=python:3\.\d+-slim" + BY_DIGEST, instruction("ARG")[0])


def test_nothing_is_installed_unless_its_hash_is_known_the_builder_included() -> None:
    root = DEPLOY.parent
    files = (text_of("Containerfile"), (root / "Makefile").read_text("utf-8"))
    installs = [
        line
        for text in files
        for line in text.splitlines()
        if re.search(r"pip (install|wheel)|\$\(PIP", line) and not line.startswith("PIP")
    ]
    unhashed = [line.strip() for line in installs if "--require-hashes" not in line]

    # our own code, by what is installed already; and uv, which writes the hashes
    assert [line for line in unhashed if "--no-deps" not in line] == ["$(PIP) uv"]
    built = [line for line in unhashed if re.search(r" \.( \\)?$", line)]
    assert len(built) == 3
    assert all("--no-build-isolation" in line for line in built)
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    (backend,) = project["build-system"]["requires"]
    locked = (root / "requirements-build.lock").read_text("utf-8")
    assert f"{backend} \\\n    --hash=sha256:" in locked


def test_the_image_is_made_of_files_that_are_there() -> None:
    wanted = [
        name for line in instruction("COPY") if not line.startswith("--from") for name in line.split()[:-1]
    ]

    root = DEPLOY.parent
    assert [name for name in wanted if not (root / name).exists()] == []
    ignored = text_of("Containerfile.dockerignore").splitlines()
    assert {f"!{name}" for name in wanted} <= set(ignored)


# compose


def test_the_replicas_are_told_to_stop_in_time() -> None:
    serve = json.loads(instruction("CMD")[0])
    for name in REPLICAS:
        assert seconds(COMPOSE["services"][name]["stop_grace_period"]) > stop_takes(serve)


def test_three_replicas_start_once_the_database_is_migrated() -> None:
    services = COMPOSE["services"]

    assert len(REPLICAS) == 3
    assert takes(services["migrate"]["command"])
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in REPLICAS:
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert set(services["proxy"]["depends_on"]) == set(REPLICAS)


def test_what_the_services_name_is_there() -> None:
    services = COMPOSE["services"]
    named = {volume.split(":")[0] for each in services.values() for volume in each.get("volumes", ())}
    needed = set(SHELL_NAME.findall(text_of("compose.yaml").split("name: xiaoer\n", 1)[1]))
    example = {
        line.split("=")[0] for line in text_of("env.example").splitlines() if "=" in line and line[0] != "#"
    }

    assert {name for name in named if not name.startswith(".")} == set(COMPOSE["volumes"])
    assert needed == example
    assert re.fullmatch("postgres:17" + BY_DIGEST, services["postgres"]["image"])
    assert re.fullmatch("caddy:2-alpine" + BY_DIGEST, services["proxy"]["image"])
    context, file = (services[REPLICAS[0]]["build"][key] for key in ("context", "dockerfile"))
    assert (DEPLOY / context / file).exists()


def test_a_shop_changed_as_the_first_lines_say_is_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["init", str(tmp_path / "shop"), "--locale", "en"])
    file = tmp_path / "shop" / "config.yaml"
    written = dict(re.findall(r"^# +(database|listen): (\S+)$", text_of("compose.yaml"), re.MULTILINE))
    text = file.read_text("utf-8")
    for setting, value in written.items():
        text = re.sub(rf"^{setting}: .*$", f"{setting}: {value}", text, flags=re.MULTILINE)
    file.write_text(text, "utf-8")
    for name, value in COMPOSE["services"][REPLICAS[0]]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:[^}]*\}", "0123456789abcdef", value))

    assert set(written) == {"database", "listen"}
    assert main(["check", "--config", str(file)]) == 0


def test_the_proxy_knows_every_replica_at_its_port_and_passes_on_what_strangers_may_reach() -> None:
    proxy = text_of("Caddyfile")
    port = COMPOSE["services"][REPLICAS[0]]["environment"]["LISTEN"].rpartition(":")[2]

    assert set(re.findall(r"xiaoer-\d:\d+", proxy)) == {f"{name}:{port}" for name in REPLICAS}
    assert instruction("EXPOSE") == [port]
    (public,) = re.findall(r"@public path (.*)", proxy)
    assert public.split() == ["/hooks/*", "/stop/*", "/offers/*", "/api/*"]
    (idle,) = re.findall(r"keepalive (\d+)s", proxy)
    assert timedelta(seconds=int(idle)) < DoorSettings().idle
    (longest,) = re.findall(r"max_size (\d+)MB", proxy)
    assert int(longest) * 1_000_000 > Config.model_fields["body_limit"].default


async def test_the_proxy_lets_no_platform_notice_a_restart_and_no_delivery_die_with_a_replica(
    postgres_url: str, tmp_path: Path
) -> None:
    caddy = found("caddy")
    migrated(postgres_url)
    receiver, door = Receiver(random.Random(1)), free_port()
    async with served(receiver.app()) as address, aiohttp.ClientSession() as http:
        plans = [
            Plan(
                database=postgres_url, receiver=f"{address}/", port=free_port(), shop=FAST_SHOP, notice=NOTICE
            )
            for _ in range(2)
        ]
        with programs(*plans) as both, proxy(caddy, tmp_path, door, [plan.port for plan in plans]):
            for program in both:
                program.start()
                await program.ready()
            await until(lambda: answers(http, f"http://127.0.0.1:{door}/"))
            traffic = Traffic(http, [f"http://127.0.0.1:{door}"], random.Random(1), pace=0.05)
            living = asyncio.create_task(traffic.live())
            await asyncio.sleep(1)
            both[0].ask_to_stop()
            await both[0].ended()
            both[0].start()
            await both[0].ready()
            await asyncio.sleep(LOOKS)
            during_the_restart = dict(traffic.answers)
            both[1].kill()
            await asyncio.sleep(1)
            traffic.full.set()
            await living  # what the killed one had taken and not answered was brought again

    assert set(during_the_restart) == {200}
    assert during_the_restart[200] > 50


LOOKS = (
    5.0  # seconds in which the proxy has checked every replica, on a machine that is busy with other tests
)
NOTICE = 10.0  # the same, and requests passed on before the check are answered


async def answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 404  # it is none of ours
    except aiohttp.ClientError:
        return False


class proxy:  # noqa: N801  # used as a function is
    """Caddy with our file, without HTTPS."""

    def __init__(self, caddy: str, folder: Path, port: int, upstreams: list[int]) -> None:
        file = folder / "Caddyfile"
        file.write_text("{\n\tadmin off\n}\n" + text_of("Caddyfile"), "utf-8")
        self.command = [caddy, "run", "--adapter", "caddyfile", "--config", str(file)]
        self.environ = {
            "XIAOER_HOST": f"http://127.0.0.1:{port}",
            "XIAOER_REPLICAS": " ".join(f"127.0.0.1:{each}" for each in upstreams),
            "HOME": str(folder),
        }

    def __enter__(self) -> None:
        self.running = subprocess.Popen(
            self.command, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __exit__(self, *_: object) -> None:
        self.running.terminate()
        self.running.wait(60)


# systemd


def settings_of(unit: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Z]\w+)=(.*)$", text_of(f"systemd/{unit}"), re.MULTILINE))


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_runs_our_command_and_waits_for_what_is_in_hand(unit: str) -> None:
    settings = settings_of(unit)
    command, *arguments = shlex.split(settings["ExecStart"])

    assert Path(command).name == "xiaoer"
    assert takes(arguments)
    assert float(settings["TimeoutStopSec"]) > stop_takes(arguments)
    assert int(settings["LimitNOFILE"]) > DoorSettings().connections


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(unit: str, tmp_path: Path) -> None:
    analyze = found("systemd-analyze")
    installed = re.sub(r"^(User|Group)=.*$", "", text_of(f"systemd/{unit}"), flags=re.MULTILINE)
    file = tmp_path / unit.replace("@", "@8081")
    file.write_text(installed.replace("/usr/local/lib/xiaoer/bin/xiaoer", "/bin/true"), "utf-8")

    verified = subprocess.run([analyze, "verify", file], capture_output=True, text=True)

    assert (verified.returncode, verified.stderr) == (0, "")


# The numbers


def measured() -> dict[str, set[str]]:
    """Every series that /metrics may show, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(Metrics()).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        ends = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
        (family,) = metric.describe()
        for end in ends[family.type]:
            more = {"le"} if end == "_bucket" else set()
            found[f"{family.name}{end}"] = {*metric._labelnames, *more, "instance", "job"}
    return found


def expressions() -> Iterator[tuple[str, str]]:
    alerts = yaml.safe_load(text_of("prometheus/alerts.yaml"))
    for rule in alerts["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]
    for panel in json.loads(text_of("grafana/xiaoer.json"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("name", "expression"), list(expressions()))
def test_an_expression_asks_for_what_is_measured(name: str, expression: str) -> None:
    series = measured() | {"up": {"job", "instance"}}

    asked = re.findall(r"\b(xiaoer_\w+|up)\b(?:\{([^}]*)\})?", expression)
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))

    assert asked
    for metric, labels in asked:
        assert metric in series
        assert set(re.findall(r"(\w+)(?==|!=)", labels)) <= series[metric]
        assert grouped <= series[metric]


def test_the_dashboard_shows_every_number() -> None:
    shown = " ".join(expression for _, expression in expressions())

    kinds = {re.sub(r"_(bucket|sum|count)$", "", name) for name in measured()}
    assert {kind for kind in kinds if kind not in shown} == set()


def test_no_panel_lies_upon_another() -> None:
    panels = json.loads(text_of("grafana/xiaoer.json"))["panels"]
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert max(x for x, _ in places) == 23


def test_every_alert_is_a_rule_that_prometheus_takes() -> None:
    promtool = found("promtool")

    checked = subprocess.run(
        [promtool, "check", "rules", DEPLOY / "prometheus/alerts.yaml"], capture_output=True
    )

    assert checked.returncode == 0


OPERATIONS = (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8")


def test_the_page_for_operators_explains_every_number_and_every_alert() -> None:
    rows = set(re.findall(r"^\| `(xiaoer_\w+)[`{]", OPERATIONS, re.MULTILINE))
    alerts = set(re.findall(r"^\| `(Xiaoer\w+)`", OPERATIONS, re.MULTILINE))

    assert rows >= {re.sub(r"_(bucket|sum|count)$", "", name) for name in measured()}
    assert rows <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in measured()}
    assert alerts == {name for name, _ in expressions() if name.startswith("Xiaoer")}

"""The pages hold what they say: files, commands, settings and forms exist, and what is to be pasted works."""

import contextlib
import io
import itertools
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import typer.main
from pydantic import BaseModel

from bot.channels import webhook_forms
from bot.channels.registry import PLATFORMS
from bot.cli import app, main
from bot.config import Config, ShopSettings
from storage.read_models import MESSAGE_STATES
from storage.tables import metadata
from tests.conftest import cannot_run
from tests.test_wheel import listen_somewhere_free, wait_for

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh.md", "README.zh-TW.md")
PAGES = (*READMES, *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))))
READ_TO_THE_END = 180  # lines
PROGRAMS = Path(sys.executable).parent
STARTS_WITHIN = 240  # seconds, on a machine that is busy with other tests
TYPED_WITHIN = 600  # the same; a command takes a second where nobody else is at work

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# What begins like this is meant to be a file of ours.
OURS = re.compile(r"(?:bot|handlers|storage|templates|tests|bench|docs)/[\w./<>-]*")


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return [block for named, block in FENCE.findall(text_of(page)) if named == language]


def quoted(page: str) -> list[str]:
    return QUOTED.findall(FENCE.sub("", text_of(page)))


def commands_in(page: str) -> Iterator[str]:
    """Everything on a page that is to be typed: lines of blocks, and what is quoted in a sentence."""
    lines = itertools.chain.from_iterable(block.splitlines() for _, block in FENCE.findall(text_of(page)))
    for line in (*lines, *quoted(page)):
        yield line.strip().removeprefix(".venv/bin/")


# What is named exists


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = {found for found in quoted(page) if OURS.fullmatch(found)}

    missing = [name for name in named if not list(ROOT.glob(re.sub(r"<\w+>", "*", name.rstrip("/"))))]

    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_house_leads_somewhere(page: str) -> None:
    links = [link for link in LINK.findall(text_of(page)) if "://" not in link]

    assert [link for link in links if not leads_somewhere(page, link)] == []


def leads_somewhere(page: str, link: str) -> bool:
    name, _, heading = link.partition("#")
    file = (ROOT / page).parent / name if name else ROOT / page
    return file.exists() and (not heading or heading in headings(file.read_text("utf-8")))


def headings(text: str) -> set[str]:
    """As they are written behind a # in links."""
    found = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def options_of(words: list[str]) -> set[str] | None:
    """What may follow this command, or None if there is no such command."""
    command: Any = typer.main.get_command(app)
    for word in words:
        inner = getattr(command, "commands", {}).get(word)
        if inner is None and hasattr(command, "commands"):
            return None
        command = inner or command
    return {option for each in command.params for option in each.opts} | {"--help"}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_that_a_page_names_is_there(page: str) -> None:
    wrong = []
    for line in commands_in(page):
        if not (found := re.match(r"xiaoer ((?:[a-z]+ ?){1,2})", line)):
            continue
        known = options_of(found[1].split())
        if known is None or set(re.findall(r"--[a-z-]+", line)) - known:
            wrong.append(line)

    assert wrong == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_a_page_names_is_there(page: str) -> None:
    targets = set(re.findall(r"^(\w+):", text_of("Makefile"), re.MULTILINE))
    named = {found[1] for line in commands_in(page) if (found := re.match(r"make (\w+)", line))}

    assert named <= targets


@pytest.mark.parametrize("page", READMES)
def test_every_setting_that_a_readme_names_is_there(page: str) -> None:
    named = [name for name in quoted(page) if re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", name)]
    settings = [name for name in named if name.split(".")[0] in ShopSettings.model_fields]

    assert len(settings) >= 2
    assert [name for name in settings if not is_setting(name)] == []
    assert set(PLATFORMS) <= set(named)
    assert "public_url" in named
    assert "public_url" in Config.model_fields


def is_setting(name: str, within: type[BaseModel] = ShopSettings) -> bool:
    model: Any = within
    for part in name.split("."):
        if not (isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields):
            return False
        kind = model.model_fields[part].annotation
        model = next((each for each in get_args(kind) if each is not type(None)), kind)
    return True


@pytest.mark.parametrize("page", ["docs/operations.md", "docs/commands.md", "docs/design.md"])
def test_every_setting_that_an_operator_is_told_of_is_there(page: str) -> None:
    known = (Config, ShopSettings)
    named = {name for name in quoted(page) if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name)}
    settings = {
        name
        for name in named
        if any(is_setting(name.split(".")[0], model) for model in known) and not name.endswith(".yaml")
    }

    assert settings
    assert [name for name in settings if not any(is_setting(name, model) for model in known)] == []


def test_every_setting_that_an_operator_may_change_is_there() -> None:
    _, _, table = text_of("docs/operations.md").partition("## Settings an operator changes")
    rows = re.findall(r"^\| (`.*?) \|", table.partition("\n## ")[0], re.MULTILINE)
    named = re.findall(r"`([^`]+)`", " ".join(rows).replace("`--json`", ""))

    assert len(named) > 10
    assert [name for name in named if not is_setting(name, Config) and not is_setting(name)] == []


SPELT_OUT = {
    "xiaoer explain": "xiaoer explain --help",  # nothing was said in this shop
    "xiaoer import orders": "xiaoer import orders orders.csv --dry-run",
}


def test_every_command_that_an_operator_is_told_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["init", ".", "--locale", "en"])
    with Path("config.yaml").open("a", encoding="utf-8") as settings:
        settings.write("retention: {keep: 90d}\n")
    Path("orders.csv").write_text("order,placed_at\n1001,2026-11-21T10:00:00+08:00\n", "utf-8")
    Path("backup").mkdir()
    main(["migrate"])
    typed = dict.fromkeys(line for line in commands_in("docs/operations.md") if line.startswith("xiaoer "))
    told = {}
    for line in typed:
        command = SPELT_OUT.get(line, line).replace("/backup/", "backup/").split()[1:]
        if command[0] != "serve":
            monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
            told[line] = main(command), capsys.readouterr().err

    assert len(told) > 12
    assert {line: found for line, found in told.items() if found[0] not in (0, 1)} == {}


# The twins


def outline(page: str) -> list[int]:
    """The depth of every heading."""
    return [len(found) for found in re.findall(r"^(#+) ", FENCE.sub("", text_of(page)), re.MULTILINE)]


@pytest.mark.parametrize("chinese", READMES[1:])
def test_the_twins_have_the_same_outline_and_the_same_commands(chinese: str) -> None:
    english = READMES[0]

    assert outline(english) == outline(chinese)
    assert blocks(english, "sh") == blocks(chinese, "sh")
    assert len(FENCE.findall(text_of(english))) == len(FENCE.findall(text_of(chinese)))
    assert len(re.findall(r"^- ", text_of(english), re.MULTILINE)) == len(
        re.findall(r"^- ", text_of(chinese), re.MULTILINE)
    )


@pytest.mark.parametrize("page", READMES)
def test_a_readme_is_short_enough_to_be_read_to_the_end(page: str) -> None:
    assert len(text_of(page).splitlines()) < READ_TO_THE_END


# The pages are whole


def test_the_page_about_the_design_names_every_table_and_every_state_of_a_message() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", text_of("docs/design.md"), re.MULTILINE))

    assert rows == set(metadata.tables) | set(MESSAGE_STATES)


def test_the_page_about_the_design_draws_the_layers_as_they_are_held() -> None:
    contracts = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["name"].startswith("Imports point inwards"))
    drawn = [block.splitlines() for block in blocks("docs/design.md", "") if block.startswith("cli\n")]

    assert drawn == [[layer.replace("bot.", "") for layer in layers]]


def test_the_page_about_the_webhook_names_every_form_with_its_fields() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (`.*)$", text_of("docs/webhook.md"), re.MULTILINE))
    forms = {str(form.__struct_config__.tag): form for form in get_args(webhook_forms.FORMS)}

    assert set(rows) == set(forms)
    for name in ("Placed", "Paid", "Shipped", "Delivered", "Completed", "Cancelled", "Refunded"):
        fields = getattr(webhook_forms, name).__struct_fields__
        row = rows[f"order.{name.lower()}"]
        assert [field for field in fields if f"`{field}`" not in row and field != "buyer"] == []


# What is to be pasted works


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}


def type_in(shop: Path, lines: str) -> str:
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", lines],
        cwd=shop,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TYPED_WITHIN,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Path, int]]:
    """A first shop as the README makes it, on a port of its own."""
    for program in ("bash", "curl", "openssl", "od", str(PROGRAMS / "xiaoer")):
        if not shutil.which(program):
            cannot_run(f"there is no {program}")
    main(["init", str(folder / "myshop"), "--locale", "en"])
    shop = folder / "myshop"
    port = listen_somewhere_free(shop / "config.yaml")
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [PROGRAMS / "xiaoer", "serve"], cwd=shop, env=environment(), stdout=output, stderr=output
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz", server, log)
            yield shop, port
        finally:
            server.terminate()
            server.wait(STARTS_WITHIN)


def wait_until_withdrawn(database: Path, key: str) -> None:
    """Look into the file itself: each command would take as long to start as all the rest."""
    deadline = time.monotonic() + STARTS_WITHIN
    with contextlib.closing(sqlite3.connect(database)) as connection:
        while time.monotonic() < deadline:
            if connection.execute("SELECT state FROM outbox WHERE key = ?", (key,)).fetchall() == [
                ("withdrawn",)
            ]:
                return
            time.sleep(0.1)
    raise AssertionError(f"{key} is not withdrawn")


PRETENDED = """#!/bin/sh
[ "$1" = init ] || exit 0
mkdir "$2"
printf "shops:\\n  teahouse:\\n    locale: ${4:-en}\\n" > "$2/config.yaml"
"""


def test_make_run_says_when_a_shop_is_there_already_in_another_language(tmp_path: Path) -> None:
    make = shutil.which("make") or cannot_run("there is no make")
    (tmp_path / "bin").mkdir()
    for name, content in (("bin/python", ""), ("bin/xiaoer", PRETENDED), (".installed", "")):
        (tmp_path / name).write_text(content)
    (tmp_path / "bin/xiaoer").chmod(0o755)

    def run(**given: str) -> str:
        named = [f"{name}={value}" for name, value in given.items()]
        command = [make, "-s", "run", f"VENV={tmp_path}", f"SHOP={tmp_path}/shop", *named]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    quiet = [run(LOCALE="zh-CN"), run(LOCALE="zh-CN"), run()]
    said = run(LOCALE="en"), run(LOCALE="zh-TW")

    assert quiet == ["", "", ""]
    assert "exists already, in zh-CN, and is served as it is" in said[0]
    assert f"make run SHOP={tmp_path}/shop-en LOCALE=en" in said[0]
    assert "已經存在，語言是 zh-CN" in said[1]
    assert "exists already" in said[1]


def the_one_with(word: str, found: list[str]) -> str:
    (block,) = [block for block in found if word in block]
    return block


def test_the_signed_example_works_when_pasted(tmp_path: Path) -> None:
    example = the_one_with("openssl", blocks("README.md", "sh"))
    look, explain = the_one_with("explain", blocks("README.md", "sh")).splitlines()
    with serving(tmp_path) as (shop, port):
        answers = type_in(shop, example.replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
        wait_until_withdrawn(shop / "xiaoer.db", explain.split()[-1])
        story = type_in(shop, f"{look}; {explain}")

    assert answers.count("HTTP/1.1 200") == 2
    assert "Not sent: order 1001 is paid" in story


def test_the_receiver_to_begin_with_takes_each_message_once(tmp_path: Path) -> None:
    (receiver,) = blocks("docs/webhook.md", "python")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "receiver.py").write_text(receiver.replace("9000", str(port)), "utf-8")
    (tmp_path / ".env").write_text("TEAHOUSE_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    sending = (
        the_one_with("openssl", blocks("README.md", "sh"))
        .partition("now=")[0]
        .replace("127.0.0.1:8080/hooks/teahouse/webhook", f"127.0.0.1:{port}/messages")
    )
    message = '{"data": {"message": {"buyer": {"id": "ann"}, "text": "Hello Ann"}}}'
    with subprocess.Popen(
        [sys.executable, "receiver.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            type_in(tmp_path, f"until (echo >/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done")
            answers = type_in(tmp_path, f"{sending}\npost shop-1 '{message}'\npost shop-1 '{message}'")
            forged = type_in(tmp_path, f"{sending.replace('v1,', 'v1,x')}\npost shop-2 '{message}'")
        finally:
            running.terminate()
            heard, _ = running.communicate(timeout=STARTS_WITHIN)

    assert answers.count("200 OK") == 2
    assert "401 Unauthorized" in forged
    assert heard.count("Hello Ann") == 1

"""The house itself: nothing in it points at the machine it was built on, and what is pinned stays pinned."""

import ast
import importlib.metadata
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bot.config import schema
from tests.conftest import cannot_run

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")

# Written apart, so that this file does not find itself.
OF_A_MACHINE = re.compile(
    "|".join(f"/{folder}/" for folder in ("work", "root", "opt", "Users", "home/[a-z]+"))
)
OF_A_REGISTRY = re.compile(
    "|".join(["pythonhosted" + r"\.", "pypi" + r"\.", "index" + "-url ", "find" + "-links "])
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        cannot_run(f"not a checkout: {listed.stderr.strip()}")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def places(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{number}: {found[0]}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8", errors="ignore").splitlines(), start=1)
        if (found := pattern.search(line))
    ]


def pinned(lock: str) -> dict[str, str]:
    """Each requirement of a lock file with all that belongs to it."""
    return {name_of(entry): entry for entry in entries(lock)}


def entries(lock: str) -> list[str]:
    """The requirements; one that has a version for older and one for newer Pythons is there twice."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / lock).read_text())
    return [entry for entry in re.split(r"(?m)^(?=[a-z0-9])", text) if entry.strip()]


def name_of(entry: str) -> str:
    return re.split(r"[=\s\[;]", entry, maxsplit=1)[0]


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    own = re.compile(re.escape(str(ROOT)) + r"\b|" + OF_A_MACHINE.pattern)

    assert places(own, tracked()) == []


def test_no_file_says_from_where_packages_come() -> None:
    files = [file for file in tracked() if file != ROOT / "Makefile"]  # which tells uv to leave them out

    assert places(OF_A_REGISTRY, files) == []
    assert places(re.compile(r"https?://"), [ROOT / lock for lock in LOCKS]) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_file_is_one_version_with_its_hashes(lock: str) -> None:
    loose = [
        name_of(entry)
        for entry in entries(lock)
        if not re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==[\w.]+ ", entry) or "--hash=sha256:" not in entry
    ]

    assert len(pinned(lock)) > 30
    assert loose == []


# name: the last release with a hole known of it
HOLES = {"aiohttp": "3.14.2", "aiosmtplib": "5.1.0", "jinja2": "3.1.5"}


def test_what_has_known_holes_is_not_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {each.name: each for each in map(Requirement, project["project"]["dependencies"])}

    assert [name for name, last in HOLES.items() if asked[name].specifier.contains(last)] == []
    assert [name for name, each in asked.items() if ">=" not in str(each.specifier)] == []


def test_the_lock_files_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        re.split(r"[\[<>=;]", line, maxsplit=1)[0].strip() for line in project["project"]["dependencies"]
    ]
    for_tests, for_bench = (
        [re.split(r"[\[<>=;]", line, maxsplit=1)[0] for line in project["dependency-groups"][group]]
        for group in ("dev", "bench")
    )
    added = [
        re.split(r"[\[<>=;]", line, maxsplit=1)[0]
        for lines in project["project"]["optional-dependencies"].values()
        for line in lines
    ]

    assert set(asked) - set(pinned("requirements.lock")) == set()
    assert {*asked, *for_tests, *added} - set(pinned("requirements-dev.lock")) == set()
    assert {*asked, *for_bench} - set(pinned("requirements-bench.lock")) == set()


def test_tests_run_on_the_versions_that_a_shop_runs_on() -> None:
    shop, tests = pinned("requirements.lock"), pinned("requirements-dev.lock")

    different = [name for name, entry in shop.items() if entry.split(" ")[0] != tests[name].split(" ")[0]]

    assert different == []


def test_the_published_schema_is_the_one_in_the_code() -> None:
    published = json.loads((ROOT / "docs" / "config.schema.json").read_text("utf-8"))

    assert published == schema(), "make schema"


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in tracked()
        if file.suffix == ".py" and (text := file.read_text("utf-8")) and not re.match(r'(#.*\n)*"""\S', text)
    ]

    assert silent == []


def test_no_name_of_the_code_is_out_of_the_old_fable() -> None:
    fable = re.compile(r"(?i)courier|ledger|guests?|puzzle|cage|luck|patience")
    of_the_trade = {"guest_of", "is_guest"}  # who orders without an account is a guest to every shop system
    rooms = [
        ROOT / "storage",
        *(ROOT / "bot" / room for room in ("domain", "react", "deliver", "operations")),
    ]
    code = [file for file in tracked() if file.suffix == ".py" and not set(rooms).isdisjoint(file.parents)]

    names = {
        name
        for file in code
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for name in (file.stem, node.name)
    }

    assert len(names) > 300
    out_of_it = {name for name in names if any(map(fable.fullmatch, re.findall("[A-Z]?[a-z]+", name)))}
    assert out_of_it == of_the_trade


def test_no_locked_dependency_brings_a_package_of_our_name() -> None:
    """Our import names are plain words; two distributions with one of them would overwrite each other."""
    brought = {
        (dist.name, name)
        for dist in map(importlib.metadata.distribution, installed(pinned("requirements.lock")))
        for name in brought_by(dist)
    }

    assert len({name for name, _ in brought}) > 30
    ours = ("bot", "handlers", "storage", "templates")
    assert [each for each in brought if each[1].removesuffix(".py") in ours] == []


def brought_by(dist: importlib.metadata.Distribution) -> set[str]:
    """The files and folders that it lays beside those of others."""
    return {line.split(",")[0].split("/")[0] for line in (dist.read_text("RECORD") or "").splitlines()}


def installed(names: dict[str, str]) -> list[str]:
    """Those of these distributions that are installed here; others belong to another platform."""
    here = {re.sub(r"[-_.]+", "-", dist.name).lower() for dist in importlib.metadata.distributions()}
    return [name for name in names if name in here]

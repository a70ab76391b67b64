"""The wheel alone is enough: installed into an empty environment elsewhere, it makes and serves a shop."""

import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests import test_house
from tests.conftest import cannot_run

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "handlers", "storage", "templates")
STARTS_WITHIN = 240  # seconds, on a machine that is busy with other tests


def run(*command: str | Path, cwd: Path, may_lack: str = "") -> str:
    """Like a person at a prompt: nothing of the checkout is in reach."""
    done = subprocess.run(command, cwd=cwd, env=clean(), capture_output=True, text=True)
    if done.returncode != 0 and may_lack:
        cannot_run(f"{may_lack}: {done.stderr[-2000:]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def clean() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL", "CI"))
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation")
    run(*pip, "-w", folder, ROOT, cwd=folder, may_lack="no wheel can be built")
    (built,) = folder.glob("xiaoer-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the lock file's packages and the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    place = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    link_locked(Path(place.strip()))
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile")
    run(*pip, "--no-deps", wheel, cwd=folder)
    return python.parent


def link_locked(place: Path) -> None:
    """Link there what the lock file names and nothing else, as it was installed from that file here."""
    locked = test_house.installed(test_house.pinned("requirements.lock"))
    for dist in map(importlib.metadata.distribution, locked):
        for name in test_house.brought_by(dist) - {"..", "__pycache__"}:
            if not (place / name).exists():  # several may share a folder
                (place / name).symlink_to(dist.locate_file(name))


def test_the_wheel_holds_every_file_of_the_four_packages(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        cannot_run("not a checkout")

    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert {name.split("/")[0] for name in tracked} == set(PACKAGES)
    assert tracked - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_a_shop_made_by_the_wheel_serves(installed: Path, tmp_path: Path) -> None:
    run(installed / "xiaoer", "init", "myshop", "--locale", "zh-CN", cwd=tmp_path)
    port = listen_somewhere_free(tmp_path / "myshop" / "config.yaml")
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [installed / "xiaoer", "serve"],
            cwd=tmp_path / "myshop",
            env=clean(),
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", server, log)
        wait_for(
            f"http://127.0.0.1:{port}/readyz", server, log
        )  # the tables are there: migrations came along
    finally:
        server.send_signal(signal.SIGTERM)
        ended = server.wait(STARTS_WITHIN)

    assert ended == 0, log.read_text()
    run(installed / "xiaoer", "check", cwd=tmp_path / "myshop")  # the words are there, in every language


def listen_somewhere_free(config: Path) -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    config.write_text(config.read_text("utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{port}"), "utf-8")
    return port


def wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                assert answer.status == 200
                return
        except OSError:  # nobody there yet, not ready, or too slow
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{log.read_text()}")

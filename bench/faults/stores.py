"""Environments for runs: a fresh database each, on servers that are started only if needed."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.faults.bad_receivers import Certificates
from bench.faults.environment import Environment, Scenario
from tests import servers


class Environments:
    """To be used within `places`."""

    def __init__(self, folder: Path, open_until_the_end: contextlib.ExitStack) -> None:
        self._folder = folder
        self._stack = open_until_the_end
        self._numbers = itertools.count(1)

    @contextlib.contextmanager
    def environment(self, scenario: Scenario) -> Iterator[Environment]:
        with tempfile.TemporaryDirectory(dir=self._folder) as name, contextlib.ExitStack() as stack:
            folder = Path(name)
            server = stack.enter_context(servers.postgres_server(durable=True)) if _stops(scenario) else None
            yield Environment(
                url=server.url if server else self._database(scenario.on, folder, stack),
                folder=folder,
                server=server,
                cluster=stack.enter_context(servers.nats()) if scenario.needs == "log" else None,
                certificates=self._certificates if scenario.needs == "tls" else None,
            )

    def _database(self, kind: str, folder: Path, stack: contextlib.ExitStack) -> str:
        if kind == "sqlite":
            return f"sqlite:///{folder / 'shop.db'}"
        name = f"shop_{next(self._numbers)}"
        server = make_url(self._postgres)
        admin = psycopg.connect(host=str(server.query["host"]), user="postgres", autocommit=True)
        stack.callback(admin.close)
        admin.execute(f"CREATE DATABASE {name}".encode())
        stack.callback(admin.execute, f"DROP DATABASE {name} WITH (FORCE)".encode())
        return server.set(database=name).render_as_string()

    @cached_property
    def _postgres(self) -> str:
        return self._stack.enter_context(servers.postgres())

    @cached_property
    def _certificates(self) -> Certificates:
        return Certificates(self._folder)


def _stops(scenario: Scenario) -> bool:
    return scenario.needs == "server"


@contextlib.contextmanager
def environments() -> Iterator[Environments]:
    with tempfile.TemporaryDirectory(prefix="faults") as name, contextlib.ExitStack() as stack:
        yield Environments(Path(name), stack)

"""The unit of one shop's work in a transaction."""

from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from bot.domain.shop import Shop
from storage.asking import Asking, ask

T = TypeVar("T")


class CaseLine(msgspec.Struct, frozen=True):
    """A case that began to wait for the seller; without words, since it goes where logs go."""

    shop: str
    number: int
    kind: str


class Unit(msgspec.Struct, frozen=True):
    """One shop's part of a transaction. now: the aware time that all of it is decided for.

    lines: the cases that began to wait in it, to be told once it is committed.
    """

    connection: Connection
    shop_id: str
    shop: Shop
    now: datetime
    lines: list[CaseLine] = []

    def ask(self, asking: Asking[T]) -> T:
        """Take the steps of this shop alone. Raises what the database raises."""
        return ask(self.connection, self.shop_id, asking)

"""The unit of one shop's work in a transaction."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from bot.domain.shop import Shop


class Unit(msgspec.Struct, frozen=True):
    """One shop's part of a transaction. now: the aware time that all of it is decided for."""

    connection: Connection
    shop_id: str
    shop: Shop
    now: datetime

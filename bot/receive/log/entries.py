"""An entry of the log: one delivery as the inbox will have it, under an id that its repeats share."""

import hashlib
from collections.abc import Sequence
from zlib import crc32

import msgspec

from storage.inbox import InboxEvent, UnreadableDelivery

PARTITIONS = 4  # never to change while a log holds deliveries: a shop's must stay in one row


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All events of one delivery, or the delivery itself where it could not be read."""

    arrivals: tuple[InboxEvent, ...] = ()
    puzzle: UnreadableDelivery | None = None

    @property
    def shop(self) -> str:
        return self.puzzle.shop if self.puzzle else self.arrivals[0].shop


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Entry)


def entry_of(arrivals: Sequence[InboxEvent], puzzle: UnreadableDelivery | None) -> Entry:
    return Entry(arrivals=tuple(arrivals), puzzle=puzzle)


def dump_entry(entry: Entry) -> bytes:
    return _encode(entry)


def load_entry(body: bytes) -> Entry:
    """Raises msgspec.DecodeError if these bytes are none of ours."""
    return _decoder.decode(body)


def id_of(entry: Entry) -> str:
    """The same for the same events of the same shop and channel: what the inbox would take for repeats.

    All of them count. A delivery may tell again what an earlier one told, and something new besides.
    """
    told: list[InboxEvent | UnreadableDelivery] = [*entry.arrivals, *([entry.puzzle] if entry.puzzle else [])]
    names = (f"{one.shop}\x1f{one.channel}\x1f{one.external_id}" for one in told)
    return hashlib.blake2b("\x1e".join(names).encode(), digest_size=20).hexdigest()


def partition_of(shop: str) -> int:
    """A shop's deliveries keep one order, and with it each buyer's.

    Not every delivery names its buyer, and two buyers may turn out to be one; the shop is always known.
    """
    return crc32(shop.encode()) % PARTITIONS

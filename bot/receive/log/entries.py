"""An entry of the log: the inbox events of one delivery, under an id that its repeats share."""

import hashlib
from collections.abc import Sequence
from zlib import crc32

import msgspec

from storage.inbox import InboxEvent, UnreadableDelivery

PARTITIONS = 4  # must not change while a log holds entries, because a shop's must stay in one partition


# The names in the stored bytes are older than those of the fields; logs that hold entries know no others.
class Entry(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"events": "arrivals", "unreadable": "puzzle"},
):
    """All events of one delivery, or the delivery itself where it could not be read."""

    events: tuple[InboxEvent, ...] = ()
    unreadable: UnreadableDelivery | None = None

    @property
    def shop(self) -> str:
        return self.unreadable.shop if self.unreadable else self.events[0].shop


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Entry)


def entry_of(events: Sequence[InboxEvent], unreadable: UnreadableDelivery | None) -> Entry:
    return Entry(events=tuple(events), unreadable=unreadable)


def dump_entry(entry: Entry) -> bytes:
    return _encode(entry)


def load_entry(body: bytes) -> Entry:
    """Raises msgspec.DecodeError if `body` was not written by `dump_entry`."""
    return _decoder.decode(body)


def id_of(entry: Entry) -> str:
    """Identify an entry by the ids of all its events, so that the log drops what the inbox would drop.

    All of them count, because a delivery may repeat the events of an earlier one and add new ones.
    """
    parts: list[InboxEvent | UnreadableDelivery] = [
        *entry.events,
        *([entry.unreadable] if entry.unreadable else []),
    ]
    names = (f"{part.shop}\x1f{part.channel}\x1f{part.external_id}" for part in parts)
    return hashlib.blake2b("\x1e".join(names).encode(), digest_size=20).hexdigest()


def partition_of(shop: str) -> int:
    """Choose a partition by the shop, so that the order of a shop's deliveries is kept.

    The buyer would not do: not every delivery names one, and two buyers may turn out to be one person.
    """
    return crc32(shop.encode()) % PARTITIONS

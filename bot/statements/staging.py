"""What was read of a statement, on disk, so that a long file takes no memory."""

import sqlite3
from collections.abc import Iterator

import msgspec

from bot.statements.lines import Booking

BATCH = 250  # bookings judged together, in one transaction

_bookings = msgspec.msgpack.Decoder(Booking)


class Staging:
    """Bookings, the earliest first, each with a key: its fingerprint, and its place among equal ones."""

    def __init__(self) -> None:
        self._disk = sqlite3.connect("", check_same_thread=False)  # a file without a name, gone when closed
        self._disk.executescript(
            "PRAGMA journal_mode = OFF;"
            "CREATE TABLE bookings (key TEXT PRIMARY KEY, at REAL, body BLOB);"
            "CREATE TABLE seen (fingerprint TEXT PRIMARY KEY, times INTEGER) WITHOUT ROWID;"
        )

    def put(self, booking: Booking) -> bool:
        """False for a booking that the bank itself numbered and that is there already."""
        fingerprint = booking.fingerprint()
        again = "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times"
        (times,) = self._disk.execute(again, (fingerprint,)).fetchone()
        if times > 1 and booking.id:
            return False
        key = fingerprint if times == 1 else f"{fingerprint}-{times}"
        row = (key, booking.at.timestamp(), msgspec.msgpack.encode(booking))
        self._disk.execute("INSERT INTO bookings VALUES (?, ?, ?)", row)
        return True

    def __len__(self) -> int:
        (count,) = self._disk.execute("SELECT count(*) FROM bookings").fetchone()
        return int(count)

    def batches(self) -> Iterator[list[tuple[str, Booking]]]:
        rows = self._disk.execute("SELECT key, body FROM bookings ORDER BY at, rowid")
        while page := rows.fetchmany(BATCH):
            yield [(key, _bookings.decode(body)) for key, body in page]

    def close(self) -> None:
        self._disk.close()

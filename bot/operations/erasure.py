"""Erase a buyer everywhere within reach: tables, archive files, copies beside the database, free pages.

An erasure is a row: whom it is about and how far it is. Its first transaction takes the person out of all
that rules and messages read, so nothing about them happens any more; the rest goes on page by page, beside a
program that serves, and after a kill where it ended. At last the row forgets whom it was about.
"""

import contextlib
import gzip
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, make_url, text

from bot.domain.erasing import ERASED, Digest, Scope
from bot.operations.archive import rewrite
from bot.operations.receipts import Receipt, Receipts
from storage import buyer_scope, erasing, erasures, schema, trail
from storage.asking import ask
from storage.buyer_records import present_id
from storage.database import Database, lease_clock, lock
from storage.erasures import Erasure, added
from storage.trail import BUYER_ERASED, Trace

log = structlog.get_logger()

RECEIPT, FILES, COPIES = "receipt", "files", "copies"
ORDER = (RECEIPT, *erasing.STEPS, FILES, COPIES)  # the steps behind the first
IN_HAND_SECONDS = 120.0  # that a message in hand is waited for
PAUSE = 0.02  # seconds between two pages, so that a running program can write


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Where a database's data lies besides. database: of an SQLite file; archive: the folder of old rows."""

    receipts: Receipts
    database: Path | None = None
    archive: Path | None = None


def reach_of(database: str, receipts: Path, archive: Path | None) -> Reach:
    """By the settings: the database's URL, the file of receipts, and the archive's folder if any."""
    url = make_url(database or "sqlite://")
    file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
    return Reach(receipts=Receipts(receipts), database=file, archive=archive)


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure would reach, and what it would leave. scope: of the buyer."""

    scope: Scope
    waiting: int  # messages that would not be sent any more
    removed: tuple[str, ...] = ()  # copies of an older version, which are deleted
    out_of_reach: tuple[str, ...] = ()  # copies that we cannot read


class Eraser:
    """Runs erasures of one database. secret: of the settings, by which what was erased is known again."""

    def __init__(
        self,
        database: Database,
        secret: str,
        reach: Reach,
        clock: Callable[[], datetime],
        pause: float = PAUSE,
    ) -> None:
        self._database = database
        self._secret = secret
        self._reach = reach
        self._clock = clock
        self._pause = pause

    def preview(self, shop: str, buyer: str) -> Preview | None:
        """What erasing this buyer (our id) would do; None if there is no such buyer."""
        found = self._database.read_now(partial(_looked, shop=shop, buyer=buyer))
        if found is None:
            return None
        copies = list(self._copies())
        return Preview(
            scope=found[0],
            waiting=found[1],
            removed=tuple(file.name for file, fate in copies if fate == "remove"),
            out_of_reach=tuple(file.name for file, fate in copies if fate == "leave"),
        )

    def begin(self, shop: str, buyer: str, who: str, id: str | None = None) -> Erasure | None:
        """Take the buyer out of everything that rules and messages read; None if there is no such buyer.

        who: as in the trail. Raises what the database raises.
        """
        return self._database.write_now(partial(self._begun, shop=shop, buyer=buyer, who=who, id=id))

    def under_way(self, shop: str) -> list[Erasure]:
        return self._database.read_now(partial(erasures.under_way, shop=shop))

    def finish(self, erasure: Erasure, progress: Callable[[int], None] = lambda rows: None) -> Erasure:
        """Do all that is left of an erasure; returns its receipt. Raises OSError for a file."""
        while erasure.done_at is None:
            erasure = self.advance(erasure)
            progress(sum(erasure.counts.values()))
            time.sleep(self._pause)
        self.compact()
        log.info("buyer erased", shop=erasure.shop, erasure=erasure.id, rows=sum(erasure.counts.values()))
        return erasure

    def advance(self, erasure: Erasure) -> Erasure:
        """Do one page of an erasure; returns where it stands then."""
        scope, digest = _scope(erasure), self._digest(erasure.shop)
        match erasure.step:
            case step if step == RECEIPT:
                self._reach.receipts.add(_receipt(erasure, self._remembered(erasure)))
                return self._moved(erasure, None, {})
            case step if step == FILES:
                changed = self._rewrite_files(erasure, digest)
                return self._moved(erasure, None, {"archive": changed})
            case step if step == COPIES:
                return self._moved(erasure, None, self._erase_in_copies(erasure))
        if erasure.step == "outbox" and erasure.cursor is None:
            self._wait_for_sendings(erasure.shop, scope)

        def page(connection: Connection) -> Erasure:
            done = erasing.run(
                connection, erasure.shop, erasure.step, scope, digest, erasure.cursor, self._clock()
            )
            after = _after(erasure, done.cursor, done.counts, self._clock())
            return erasures.save(connection, erasure, after)

        return self._database.write_now(page)

    def compact(self) -> None:
        """Overwrite what deleted rows left in the database's files."""
        if self._reach.database is not None:
            compact_file(self._reach.database)
        elif self._database.dialect == "postgresql":
            with self._database.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))

    def repeat(self, shop: str) -> int:
        """Erase again whoever was erased after this database was copied, by the receipts; returns how many
        buyers it found."""
        digest, found = self._digest(shop), 0
        for receipt in self._reach.receipts.of(shop):
            if self._database.read_now(partial(erasures.find, shop=shop, id=receipt.id)):
                continue
            known = self._database.read_now(
                partial(buyer_scope.with_digests, shop=shop, digest=digest, wanted=receipt.digests)
            )
            self._database.write_now(partial(self._known_again, receipt=receipt))
            for number, buyer in enumerate(known):
                id = receipt.id if number == 0 else f"{receipt.id}-{number}"
                if erasure := self.begin(shop, buyer, receipt.who, id):
                    self.finish(erasure)
                    found += 1
            if not known:
                self._database.write_now(partial(_settled, receipt=receipt))
        return found

    # Steps

    def _begun(
        self, connection: Connection, shop: str, buyer: str, who: str, id: str | None = None
    ) -> Erasure | None:
        lock(connection, f"react:{shop}")
        present = present_id(connection, shop, buyer)
        if present is None or present.startswith(ERASED):
            return None
        now = self._clock()
        scope = buyer_scope.scope_of(connection, shop, present, to=f"{ERASED}{token_hex(8)}")
        counts = erasing.records(connection, shop, scope, self._digest(shop), now)
        erasure = Erasure(
            shop=shop, id=id or token_hex(8), at=now, who=who, step=RECEIPT, counts=counts, scope=scope
        )
        erasures.begin(connection, erasure)
        trail.add(connection, Trace(shop=shop, at=now, what=BUYER_ERASED, who=who, about=erasure.id))
        return erasure

    def _moved(self, erasure: Erasure, cursor: str | None, counts: dict[str, int]) -> Erasure:
        after = _after(erasure, cursor, counts, self._clock())
        return self._database.write_now(partial(erasures.save, before=erasure, after=after))

    def _digest(self, shop: str) -> Digest:
        return Digest(self._secret, shop)

    def _remembered(self, erasure: Erasure) -> dict[str, tuple[str, datetime] | None]:
        """The hashes of whom it is about, with their stops."""
        scope, digest = _scope(erasure), self._digest(erasure.shop)
        named = {digest.address(each) for each in (*scope.addresses, *scope.identities)}
        named |= {digest.order(order) for order in scope.orders}
        known = self._database.read_now(lambda link: ask(link, erasure.shop, erasures.known(named)))
        return {
            each: (row.stopped, row.stopped_at)
            if (row := known.get(each)) and row.stopped and row.stopped_at
            else None
            for each in sorted(named)
        }

    def _known_again(self, connection: Connection, receipt: Receipt) -> None:
        rows: dict[str, tuple[str, datetime] | None] = dict.fromkeys(receipt.digests)
        rows |= receipt.stops
        ask(connection, receipt.shop, erasures.remember(rows, receipt.at))

    def _wait_for_sendings(self, shop: str, scope: Scope) -> None:
        until = time.monotonic() + IN_HAND_SECONDS

        def sending(connection: Connection) -> bool:
            return erasing.in_hand(connection, shop, scope, lease_clock(connection, self._clock()))

        while self._database.read_now(sending) and time.monotonic() < until:
            time.sleep(0.2)

    def _rewrite_files(self, erasure: Erasure, digest: Digest) -> int:
        """Take the person out of the archive's files, each replaced as a whole; returns how many rows."""
        folder, changed, scope = self._reach.archive, 0, _scope(erasure)
        for file in sorted((folder / erasure.shop).glob("*/*.jsonl.gz")) if folder else ():
            lines, renamed, count = _erased_lines(file, scope, digest, self._clock())
            if count:
                rewrite(file, lines)
                rename = partial(erasing.rename_events, shop=erasure.shop, renamed=renamed)
                self._database.write_now(rename)
                changed += count
        return changed

    # Copies beside the database

    def _copies(self) -> Iterator[tuple[Path, str]]:
        """The copies beside an SQLite database, and what becomes of each: erase, remove, or leave."""
        file = self._reach.database
        for other in sorted(file.parent.iterdir()) if file else ():
            if file is None or other.name.startswith((f"{file.name}-", f"{file.name}.part")) or other == file:
                continue
            if not other.is_file() or not _is_sqlite(other):
                continue
            version = _version_of(other)
            if version == schema.newest():
                yield other, "erase"
            elif version is not None:
                yield other, "remove" if other.name.startswith(f"{file.name}.before-") else "leave"

    def _erase_in_copies(self, erasure: Erasure) -> dict[str, int]:
        counts: dict[str, int] = {}
        for file, fate in self._copies():
            if fate == "remove":
                file.unlink()
                counts = added(counts, {"copies_deleted": 1})
            if fate == "erase":
                counts = added(counts, {"copies": self._erase_in_copy(file, erasure)})
        return counts

    def _erase_in_copy(self, file: Path, erasure: Erasure) -> int:
        copy = Database(f"sqlite:///{file}")
        try:
            eraser = Eraser(copy, self._secret, Reach(receipts=self._reach.receipts), self._clock, pause=0.0)
            reached = 0
            for number, buyer in enumerate(_scope(erasure).buyers):
                id = erasure.id if number == 0 else f"{erasure.id}-{number}"
                if begun := eraser.begin(erasure.shop, buyer, erasure.who, id):
                    eraser.finish(begun)
                    reached = 1
        finally:
            copy.close()
        if reached:
            compact_file(file, one_file=True)
        return reached


def _looked(connection: Connection, shop: str, buyer: str) -> tuple[Scope, int] | None:
    present = present_id(connection, shop, buyer)
    if present is None:
        return None
    scope = buyer_scope.scope_of(connection, shop, present)
    return scope, erasing.waiting(connection, shop, scope)


def _after(erasure: Erasure, cursor: str | None, counts: Any, now: datetime) -> Erasure:
    """The erasure behind one more page: in the same step, the next, or done and without the data."""
    step = erasure.step
    if cursor is None:
        place = ORDER.index(step) + 1
        step = ORDER[place] if place < len(ORDER) else "done"
    done = step == "done"
    return msgspec.structs.replace(
        erasure,
        step=step,
        cursor=cursor,
        counts=added(erasure.counts, counts),
        scope=None if done else erasure.scope,
        done_at=now if done else None,
    )


def _scope(erasure: Erasure) -> Scope:
    if erasure.scope is None:
        raise ValueError(f"erasure {erasure.id} is done")
    return erasure.scope


def _receipt(erasure: Erasure, known: dict[str, tuple[str, datetime] | None]) -> Receipt:
    return Receipt(
        shop=erasure.shop,
        id=erasure.id,
        at=erasure.at,
        who=erasure.who,
        digests=tuple(known),
        stops={each: stop for each, stop in known.items() if stop is not None},
    )


def _settled(connection: Connection, receipt: Receipt) -> None:
    """Note that nothing of a receipt is in this database."""
    done = Erasure(
        shop=receipt.shop,
        id=receipt.id,
        at=receipt.at,
        who=receipt.who,
        step="done",
        counts={},
        done_at=receipt.at,
    )
    erasures.begin(connection, done)


# Files


def _erased_lines(
    file: Path, scope: Scope, digest: Digest, now: datetime
) -> tuple[list[bytes], dict[tuple[str, str], str], int]:
    """The lines of an archive file without the person, the new ids of their events, and how many changed."""
    table = file.name.partition("-")[0]
    lines: list[bytes] = []
    renamed: dict[tuple[str, str], str] = {}
    changed = 0
    with gzip.open(file, "rb") as packed:
        for line in packed:
            row = erasing.archived_fields(msgspec.json.decode(line))
            before = str(row.get("external_id"))
            if erasing.archived_row(row, table, scope, digest, now):
                changed += 1
                if table == "inbox" and before != row["external_id"]:
                    renamed[row["channel"], before] = row["external_id"]
                line = msgspec.json.encode(row) + b"\n"
            lines.append(line)
    return lines, renamed, changed


def _is_sqlite(file: Path) -> bool:
    with contextlib.suppress(OSError), file.open("rb") as opened:
        return opened.read(16) == b"SQLite format 3\x00"
    return False


def _version_of(file: Path) -> str | None:
    """The schema's version of a copy; None for a database that is not ours."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
            copy.execute("SELECT 1 FROM life")
            row = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            return row[0] if row else None
    except sqlite3.Error:
        return None


def compact_file(file: Path, one_file: bool = False) -> None:
    """Write an SQLite file anew, so that nothing of what was deleted stays in it or in its log.

    A program that serves it waits meanwhile: about a second for each gigabyte. one_file: nothing beside it.
    """
    with contextlib.closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete = ON")
        database.execute("VACUUM")
        for _ in range(20):
            busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                break
            time.sleep(0.5)
        if one_file:
            database.execute("PRAGMA journal_mode = DELETE")

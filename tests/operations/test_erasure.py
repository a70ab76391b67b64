"""Erasing a buyer: nothing of them is left anywhere within reach, and the books still add up."""

import gzip
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select, text

from bot.domain.erasing import ERASED
from bot.operations.archive import Archiver
from bot.operations.audit.audit import audit
from bot.operations.erasure import Eraser, Reach
from bot.operations.receipts import Receipts
from storage import buyer_file, buyer_scope, tables
from storage.database import Database
from storage.sqlite_copy import copy_to
from tests.engine import Buyer, Engine, many_shops
from tests.world import NOON

SECRET = "a secret that is only for tests"
WORD = "Zyzzyva"
DAY = timedelta(days=1)
PROMISES = {
    "ships": {"since": "order.paid", "until": "order.shipped", "within": "2d"},
    "arrives": {"since": "order.shipped", "until": "order.delivered", "within": "9d"},
    "decides": {"since": "case.opened", "until": "case.closed", "within": "3d", "cases": ["human"]},
}


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    async with many_shops(database_url) as shops:
        yield shops.engine(seller={"email": "li@shop.example"}, promises=PROMISES)


class Ann(Buyer):
    """A buyer whose every word is unique."""

    def __init__(self, order: str = "1001", at: datetime = NOON, id: str = f"{WORD}-id") -> None:
        contact = {"name": f"{WORD} Ann", "email": f"{WORD}@ann.example", "phone": "+8613812345678"}
        super().__init__(id, order, at, **contact)


def life_of(buyer: Buyer) -> list[Any]:
    """Every kind of delivery about them, each field that may be words with the unique one in it."""
    at, ref = buyer.at, buyer.ref
    hour = timedelta(hours=1)
    message = {"id": f"{WORD}-m1", "buyer": ref, "text": f"where is {buyer.order}? {WORD}"}
    return [
        buyer.placed(postcode=f"{WORD}-1"),
        buyer.fact(
            "paid",
            hour,
            amount="128.00",
            currency="CNY",
            method=WORD,
            reference=f"{WORD} ref",
            id=f"{WORD}-p",
        ),
        buyer.fact(
            "shipped", 2 * hour, carrier=WORD, tracking=f"{WORD}123", tracking_url=f"https://{WORD}.eu/"
        ),
        buyer.event("message.received", {"message": message}, at + 3 * hour),
        buyer.event(
            "agent.replied", {"message": {**message, "id": f"{WORD}-m2", "agent": WORD}}, at + 4 * hour
        ),
        buyer.fact("delivered", 5 * hour, tracking=f"{WORD}123"),
        buyer.event(
            "review.posted",
            {"review": {"id": f"{WORD}-r", "order": buyer.order, "rating": 2, "text": WORD}},
            at + 6 * hour,
        ),
        buyer.event(
            "checkout.abandoned",
            {"checkout": {"id": f"{WORD}-c", "buyer": ref, "total": "9.00", "currency": "CNY"}},
            at + 6 * hour,
        ),
        buyer.fact("refunded", 7 * hour, amount="28.00", currency="CNY", reason=WORD, refund=f"{WORD}-f"),
        buyer.event("buyer.opted_out", {"buyer": ref}, at + 8 * hour),
    ]


async def live(engine: Engine, buyer: Buyer) -> None:
    for event in life_of(buyer):
        engine.clock.now = max(engine.clock.now, event.at)
        await engine.take(event)
        await engine.settle()


def written_by_the_seller(connection: Connection, engine: Engine) -> None:
    (ann,) = buyer_scope.candidates(connection, engine.shop, f"{WORD}-id")
    of_ann = (connection, engine.shop, ann.id)
    buyer_file.add_note(*of_ann, WORD, "command:li", engine.clock.now)
    buyer_file.add_tag(*of_ann, WORD, "command:li", engine.clock.now)
    buyer_file.set_detail(*of_ann, "city", WORD, "command:li", engine.clock.now)


def everything(connection: Connection) -> str:
    """All rows of all tables, as text."""
    found = []
    for table in tables.metadata.sorted_tables:
        for row in connection.execute(select(table)):
            found.append(f"{table.name}: {tuple(row)}")
    return "\n".join(found)


def left(database: Database, word: str = WORD) -> list[str]:
    lines = database.read_now(everything).splitlines()
    return [line[:400] for line in lines if word.casefold() in line.casefold()]


def eraser_of(engine: Engine, tmp_path: Path, **reach: Any) -> Eraser:
    url = engine.database.engine.url
    file = Path(url.database or "") if engine.database.dialect == "sqlite" else None
    at = Reach(**{"receipts": Receipts(tmp_path / "erasures.jsonl"), "database": file, **reach})
    return Eraser(engine.database, SECRET, at, engine.clock, pause=0.0)


def id_of(engine: Engine, name: str) -> str:
    (found,) = engine.database.read_now(lambda link: buyer_scope.candidates(link, engine.shop, name))
    return found.id


def erase(engine: Engine, tmp_path: Path, name: str = f"webhook:{WORD}-id", **reach: Any) -> None:
    eraser = eraser_of(engine, tmp_path, **reach)
    erasure = eraser.begin(engine.shop, id_of(engine, name), "command:li")
    assert erasure is not None
    eraser.finish(erasure)


async def test_a_unique_word_in_every_field_is_nowhere_afterwards(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    engine.database.write_now(lambda link: written_by_the_seller(link, engine))
    assert len(left(engine.database)) > 20

    erase(engine, tmp_path)

    assert left(engine.database) == []
    assert left(engine.database, "13812345678") == []
    if engine.database.dialect == "sqlite":
        folder = Path(engine.database.engine.url.database or "").parent
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert files
        assert [file.name for file in files if WORD.lower().encode() in file.read_bytes().lower()] == []


async def test_the_books_and_the_audit_stay_as_they_were(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    columns = ("id", "state", "placed_at", "total_minor", "paid_minor", "refunded_minor", "currency")
    before = await engine.rows(tables.orders, *columns)
    said = await engine.rows(tables.outbox, "id", "template", "state", "category")

    erase(engine, tmp_path)

    assert await engine.rows(tables.orders, *columns) == before
    assert [row[:2] for row in await engine.rows(tables.outbox, "id", "template", "state")] == [
        row[:2] for row in said
    ]
    assert audit(engine.database, {engine.shop: engine.settings}, engine.clock.now) == []


async def test_promises_are_still_counted_and_nothing_is_owed_to_nobody(
    engine: Engine, tmp_path: Path
) -> None:
    ann, bob = Ann(), Buyer("bob", "2002")
    shipped = ann.fact("shipped", timedelta(hours=2), carrier=WORD, tracking=WORD)
    await engine.take(ann.placed(), ann.paid(), shipped, bob.placed(), bob.paid())
    await engine.take(ann.says("转人工", NOON))
    engine.clock.now += timedelta(seconds=10)
    await engine.settle()
    columns = ("name", "about", "state")
    before = set(await engine.rows(tables.promises, *columns))
    assert [state for _, _, state in sorted(before)] == ["open", "open", "kept", "open"]

    erase(engine, tmp_path)
    engine.clock.now += 10 * DAY
    await engine.settle()

    after = {(name, about): state for name, about, state in await engine.rows(tables.promises, *columns)}
    assert [state for _, state in sorted(after.items())] == ["withdrawn", "withdrawn", "kept", "missed"]
    assert after.keys() == {(name, about) for name, about, _ in before}
    assert left(engine.database) == []


async def test_what_the_platform_repeats_brings_nobody_back(engine: Engine, tmp_path: Path) -> None:
    ann = Ann()
    events = life_of(ann)
    for event in events:
        engine.clock.now = max(engine.clock.now, event.at)
        await engine.take(event)
        await engine.settle()
    books = await engine.rows(tables.orders, "id", "state", "paid_minor", "refunded_minor")
    engine.clock.now += DAY
    erase(engine, tmp_path)

    for event in [*events, *events, ann.fact("completed", timedelta(hours=9), note=WORD)]:
        await engine.take(event)
        await engine.settle()

    assert left(engine.database) == []
    assert await engine.rows(tables.orders, "id", "paid_minor", "refunded_minor") == [
        (id, paid, back) for id, _, paid, back in books
    ]
    assert [row for row in await engine.rows(tables.buyers, "id") if not row[0].startswith(ERASED)] == []
    assert audit(engine.database, {engine.shop: engine.settings}, engine.clock.now) == []


async def test_who_orders_again_gets_a_new_file_and_stays_stopped(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    engine.clock.now += DAY
    erase(engine, tmp_path)

    again = Ann("2002", engine.clock.now + DAY)
    engine.clock.now += DAY
    await engine.take(again.placed())
    await engine.settle()

    (buyer,) = [row for row in await engine.rows(tables.buyers, "id", "name") if row[1]]
    assert await engine.rows(tables.orders, "id", "buyer") == [
        ("1001", next(row[0] for row in await engine.rows(tables.buyers, "id") if row[0].startswith(ERASED))),
        ("2002", buyer[0]),
    ]
    states = await engine.outbox("state", "reason", "order_id", "template")
    said = {key: row for key, row in states.items() if row[2] == "2002" and row[3] != "seller_case"}
    assert {row[0] for row in said.values()} == {"skipped", "queued"}  # what is not due yet waits
    skipped = [msgspec.json.decode(row[1])["code"] for row in said.values() if row[0] == "skipped"]
    assert set(skipped) == {"stopped"}


async def test_another_who_typed_their_mail_keeps_everything(engine: Engine, tmp_path: Path) -> None:
    ann = Ann()
    await live(engine, ann)
    stranger = Buyer("eve", "3003", NOON, name="Eve", email=ann.ref["email"])
    await engine.take(stranger.placed())
    await engine.settle()

    found = engine.database.read_now(lambda link: buyer_scope.candidates(link, engine.shop, ann.ref["email"]))
    assert {(each.name, each.said) for each in found} == {(f"{WORD} Ann", True), ("Eve", True)}
    erase(engine, tmp_path)

    orders = await engine.orders()
    assert orders["3003"].contacts is not None
    assert orders["3003"].contacts.known("name") == "Eve"
    assert orders["1001"].contacts is None


async def test_an_erasure_that_was_killed_goes_on_where_it_ended(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    eraser = eraser_of(engine, tmp_path)
    erasure = eraser.begin(engine.shop, id_of(engine, f"webhook:{WORD}-id"), "command:li")
    assert erasure is not None
    eraser.advance(eraser.advance(erasure))  # and no more of it

    another = eraser_of(engine, tmp_path)
    (waiting,) = another.under_way(engine.shop)
    receipt = another.finish(waiting)

    assert (receipt.scope, receipt.who, receipt.counts["orders"]) == (None, "command:li", 1)
    assert left(engine.database) == []


async def test_events_that_wait_are_settled_or_kept_for_the_books(engine: Engine, tmp_path: Path) -> None:
    ann = Ann()
    await engine.take(ann.placed())
    await engine.settle()
    await engine.take(ann.says(f"hello {WORD}", NOON), ann.paid(), Ann("1002").placed())

    erase(engine, tmp_path)

    assert left(engine.database) == []
    assert dict(await engine.rows(tables.inbox, "type", "state"))["message.received"] == "done"
    await engine.settle()
    assert left(engine.database) == []
    orders = await engine.orders()
    assert {id: order.paid_in_full for id, order in orders.items()} == {"1001": True, "1002": False}
    assert [row for row in await engine.rows(tables.buyers, "id") if not row[0].startswith(ERASED)] == []


async def test_archive_files_are_rewritten_and_still_hold_the_others(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    bob = Buyer("bob", "2002", NOON, name="Bob", email="bob@example.com")
    await engine.take(bob.placed())
    await engine.settle()
    folder = tmp_path / "archive"
    later = NOON + 500 * DAY
    engine.clock.now = later
    archiver = Archiver(engine.database, [engine.shop], folder, 400 * DAY, engine.clock, pause=0.0)
    assert await archiver.sweep() > 5
    assert WORD in archived(folder)

    erase(engine, tmp_path, archive=folder)

    assert WORD not in archived(folder)
    assert "Bob" in archived(folder)
    assert left(engine.database) == []


def archived(folder: Path) -> str:
    files = sorted(folder.rglob("*"))
    assert not [file for file in files if file.suffix == ".part"]
    return "".join(gzip.decompress(file.read_bytes()).decode() for file in files if file.suffix == ".gz")


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Engine]:
    """A shop in an SQLite file of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    async with many_shops(f"sqlite:///{folder}/shop.db") as shops:
        yield shops.engine()


async def test_copies_beside_the_database_are_cleaned_or_deleted(alone: Engine, tmp_path: Path) -> None:
    await live(alone, Ann())
    file = tmp_path / "data" / "shop.db"
    copy_to(file, file.with_name("monday.db"))
    old = file.with_name("shop.db.before-0022")
    copy_to(file, old, lambda link: link.execute(text("UPDATE alembic_version SET version_num = '0019'")))
    other = file.with_name("other.db")
    copy_to(file, other, lambda link: link.execute(text("UPDATE alembic_version SET version_num = '0018'")))
    eraser = eraser_of(alone, tmp_path)
    seen = eraser.preview(alone.shop, id_of(alone, f"webhook:{WORD}-id"))
    assert seen is not None
    assert (seen.removed, seen.out_of_reach) == (("shop.db.before-0022",), ("other.db",))

    erase(alone, tmp_path)

    assert not old.exists()
    held = [each.name for each in sorted(file.parent.iterdir()) if WORD.encode() in each.read_bytes()]
    assert held == ["other.db"]
    assert not file.with_name("monday.db-wal").exists()


async def test_a_restored_database_is_erased_again(alone: Engine, tmp_path: Path) -> None:
    await live(alone, Ann())
    file, backup = tmp_path / "data" / "shop.db", tmp_path / "elsewhere.db"
    copy_to(file, backup)
    erase(alone, tmp_path)

    restored = Database(f"sqlite:///{backup}")
    assert left(restored)
    reach = Reach(receipts=Receipts(tmp_path / "erasures.jsonl"), database=backup)
    eraser = Eraser(restored, SECRET, reach, alone.clock, pause=0.0)
    assert eraser.repeat(alone.shop) == 1
    assert eraser.repeat(alone.shop) == 0
    assert left(restored) == []
    stops = restored.read_now(lambda link: link.execute(select(tables.erased.c.stopped)).scalars().all())
    assert "all" in stops
    restored.close()
    assert WORD.encode() not in backup.read_bytes()


async def test_the_receipts_name_nobody(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    erase(engine, tmp_path)
    receipts = tmp_path / "erasures.jsonl"

    assert receipts.stat().st_mode & 0o777 == 0o600
    assert WORD not in receipts.read_text()
    assert "1001" not in receipts.read_text()
    (receipt,) = Receipts(receipts).of(engine.shop)
    assert receipt.who == "command:li"
    assert {what for what, _ in receipt.stops.values()} == {"all"}


async def test_what_could_not_be_read_is_emptied_where_it_names_them(engine: Engine, tmp_path: Path) -> None:
    await live(engine, Ann())
    theirs = f'{{"x": "{WORD}@ann.example", "y": "{WORD}"}}'.encode()
    rows = [
        {
            "shop": engine.shop,
            "id": number,
            "channel": "webhook",
            "external_id": f"h{number}",
            "headers": "{}",
        }
        | {"body": body, "error": f"what is {body.decode()}", "received_at": NOON}
        for number, body in ((7, theirs), (8, b'{"x": "bob@example.com"}'))
    ]
    engine.database.write_now(lambda link: link.execute(tables.unreadable.insert(), rows))

    erase(engine, tmp_path)

    assert left(engine.database) == []
    assert [row[1] for row in await engine.rows(tables.unreadable, "id", "body")] == [
        b"",
        b'{"x": "bob@example.com"}',
    ]

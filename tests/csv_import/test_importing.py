"""Importing CSV files: every mistake told by its line, all or nothing, and silence about old orders."""

import gc
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.csv_import.columns import BUYERS, ORDERS, PRODUCTS, STATES, STATES_ALSO, Column
from bot.csv_import.faults import BadLine, say
from bot.csv_import.importing import BATCH, KINDS, Found, Staging, examine, take_in
from bot.csv_import.rows import ImportContext
from bot.domain.events import (
    AnyEvent,
    BuyerUpdated,
    Line,
    OrderPlaced,
    ProductTold,
    load_event,
)
from bot.domain.money import Money
from bot.domain.orders import Order, merge
from bot.domain.products import Item
from bot.domain.shop import LOCALES
from storage import inbox, order_records, read_models, schema, wish_records
from storage.asking import ask
from storage.database import Database
from storage.tables import inbox as inbox_table
from tests.world import NOON, World, world

DOCS = Path(__file__).parents[2] / "docs"
HEAD = "order,placed_at,total,buyer,state"

CONTEXT = ImportContext(
    channel="import", currency="CNY", region="CN", zone=ZoneInfo("Asia/Shanghai"), now=NOON
)


class Looked:
    """What `examine` makes of a file."""

    def __init__(self, content: str | bytes, kind: str = "orders", context: ImportContext = CONTEXT) -> None:
        self.bad: list[BadLine] = []
        staging = Staging()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file.csv"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            self.found: Found = examine(path, KINDS[kind], "shop", context, staging, self.bad.append)
        arrivals = [each for batch in staging.batches("shop", context.channel, context.now) for each in batch]
        self.ids = [each.external_id for each in arrivals]
        self.events: list[AnyEvent] = [load_event(each.body) for each in arrivals]
        staging.close()

    @property
    def places(self) -> list[tuple[int, str | None, str]]:
        return [(fault.line, fault.column, fault.code) for fault in self.bad]

    @property
    def notes(self) -> list[str]:
        return [note.code for note in self.found.notes]


def order_of(events: Sequence[AnyEvent]) -> Order:
    order = None
    for event in events:
        order = merge(order, event)  # type: ignore[arg-type]  # every one of them is about an order
    assert order is not None
    return order


# What a line says


def test_a_line_with_every_date_tells_the_whole_way_of_an_order() -> None:
    looked = Looked(
        "order,placed_at,total,postage,buyer,email,item,quantity,price,paid_at,shipped_at,carrier,tracking,"
        "delivered_at,completed_at\n"
        "1001,2026-11-01 10:00,128.00,8,ann,ann@example.com,Mug,2,60.00,2026-11-01 10:05,2026-11-02 09:00,"
        "SF Express,SF123,2026-11-04 15:00,2026-11-05\n"
    )

    order = order_of(looked.events)

    assert looked.bad == []
    assert order.state == "completed"
    assert order.placed_at == datetime(2026, 11, 1, 2, tzinfo=UTC)  # ten o'clock in the shop's own zone
    assert order.lines == (Line(title="Mug", quantity=2, price=Money(6000, "CNY")),)
    assert order.paid_at == datetime(2026, 11, 1, 2, 5, tzinfo=UTC)
    assert order.parcels[0].tracking == "SF123"
    assert order.completed_at == datetime(2026, 11, 4, 16, tzinfo=UTC)


def test_the_export_of_a_chinese_marketplace_is_read_as_it_is() -> None:
    looked = Looked(
        "订单编号,买家会员名,买家应付邮费,总金额,买家实际支付金额,订单状态,收货人姓名,联系手机,订单创建时间,"
        "订单付款时间,宝贝标题,宝贝总数量\n"
        '="0012345678901234567",安娜的店,8.00,128.00,118.00,交易成功,张三,\'13800000000,2026-11-01 10:00:00,'
        "2026-11-01 10:05:00,马克杯，青花,2\n".replace("，", "、")
    )

    order = order_of(looked.events)

    assert looked.bad == []
    assert order.id == "0012345678901234567"
    assert order.total == Money(12800, "CNY")
    assert order.state == "completed"
    assert order.lines == (Line(title="马克杯、青花", quantity=2, price=Money(6000, "CNY")),)
    placed = looked.events[0]
    assert isinstance(placed, OrderPlaced)
    assert (placed.buyer.id, placed.buyer.name, placed.buyer.phone) == ("安娜的店", "张三", "+8613800000000")
    assert looked.notes == ["column_twice"]  # the smaller sum was a discount; total is what counts


@pytest.mark.parametrize("state", STATES)
def test_every_state_reads_alike_in_every_wording(state: str) -> None:
    wordings = [state, state.upper(), *STATES_ALSO[state].split(", ")]

    ends = {order_of(Looked(f"{HEAD}\n1,2026-11-01,10,ann,{word}\n").events).state for word in wordings}

    assert ends == {state}


def test_a_step_without_a_date_counts_from_the_last_one_that_has_one() -> None:
    looked = Looked(f"{HEAD},shipped_at\n1,2026-11-01 10:00,10,ann,completed,2026-11-03 10:00\n")

    order = order_of(looked.events)

    assert order.paid_at == datetime(2026, 11, 1, 2, tzinfo=UTC)
    assert order.completed_at == datetime(2026, 11, 3, 2, tzinfo=UTC)


def test_lines_of_one_order_are_its_items_and_its_parcels() -> None:
    looked = Looked(
        f"{HEAD},item,price,tracking\n"
        "1,2026-11-01,180,ann,shipped,Mug,60,SF1\n"
        "1,,,,,Pot,120,SF2\n"
        "2,2026-11-02,10,ben,unpaid,Cup,10,\n"
    )

    first = order_of([event for event in looked.events if getattr(event, "order", "") == "1"])

    assert looked.bad == []
    assert looked.found.entries == 2
    assert [line.title for line in first.lines] == ["Mug", "Pot"]
    assert [parcel.id for parcel in first.parcels] == ["SF1", "SF2"]


@pytest.mark.parametrize(
    ("state", "paid", "owed"),
    [("", "60", 4000), ("unpaid", "60", 4000), ("paid", "60", 4000), ("shipped", "60", 4000),
     ("paid", "", None), ("paid", "0", None), ("paid", "100", None), ("unpaid", "0", 10000)],
)  # fmt: skip
def test_the_sum_that_came_counts_whatever_the_state_says(state: str, paid: str, owed: int | None) -> None:
    looked = Looked(f"order,placed_at,total,buyer,paid,state\n1,2026-11-01,100,ann,{paid},{state}\n")

    left = order_of(looked.events).left

    assert (left.minor if left else None) == owed


def test_files_in_any_order_end_in_the_facts_of_the_newest() -> None:
    head = f"{HEAD},paid,tracking,refunded,updated_at"
    lines = ("unpaid,,,", "shipped,128,SF1,", "paid,64,,", "paid,128,,20", "paid,128,,40")
    files = [
        Looked(f"{head}\n1,2026-11-01 10:00,128,ann,{line},2026-11-01 1{hour}:00\n").events
        for hour, line in enumerate(lines, start=1)
    ]

    ends = [order_of([event for file in told for event in file]) for told in permutations(files)]

    assert all(end == ends[0] for end in ends)
    assert (ends[0].state, ends[0].paid, ends[0].refunded) == (
        "paid",
        Money(12800, "CNY"),
        Money(4000, "CNY"),
    )
    assert all(parcel.taken_back for parcel in ends[0].parcels_by_id.values())


@pytest.mark.parametrize(
    ("quantity", "price", "read"),
    [("0.5", "30.00", (0.5, 3000)), ("2.0", "12.4999", (2, 1250)), ("1", "-2.50", (1, -250)),
     ("1", "-¥2.505", (1, -251)), ("1", "\u22122.5", (1, -250)), ("0", "30.00", None)],
)  # fmt: skip
def test_halves_discounts_and_fractions_of_a_cent_are_read_as_in_other_channels(
    quantity: str, price: str, read: tuple[float, int] | None
) -> None:
    looked = Looked(f"{HEAD},item,quantity,price\n1,2026-11-01,12.5049,ann,unpaid,Cloth,{quantity},{price}\n")

    placed = looked.events[0]

    assert looked.bad == []
    assert isinstance(placed, OrderPlaced)
    assert placed.total == Money(1250, "CNY")
    assert [(line.quantity, line.price.minor) for line in placed.lines] == ([read] if read else [])


def test_a_tracking_number_alone_means_that_the_parcel_left() -> None:
    looked = Looked(f"{HEAD},tracking\n1,2026-11-01,10,ann,paid,SF9\n")

    assert order_of(looked.events).state == "shipped"


@pytest.mark.parametrize(
    ("cell", "minor"),
    [("128", 12800), ("128.5", 12850), ("¥1,280.00", 128000), ("￥128元", 12800), ("CNY 128.00", 12800),
     ("１２８．００", 12800), ("0", 0)],
)  # fmt: skip
def test_an_amount_is_read_as_a_spreadsheet_wrote_it(cell: str, minor: int) -> None:
    looked = Looked(f'{HEAD}\n1,2026-11-01,"{cell}",ann,unpaid\n')

    placed = looked.events[0]

    assert isinstance(placed, OrderPlaced)
    assert placed.total == Money(minor, "CNY")


@pytest.mark.parametrize(
    "cell",
    ["2026-11-01 10:00", "2026/11/1 10:00:00", "2026-11-01T02:00:00Z", "2026-11-01T10:00:00+08:00",
     "2026年11月1日 10:00", "2026.11.01 10:00"],
)  # fmt: skip
def test_a_time_is_read_as_a_spreadsheet_wrote_it(cell: str) -> None:
    looked = Looked(f"{HEAD}\n1,{cell},10,ann,unpaid\n")

    assert looked.events[0].at == datetime(2026, 11, 1, 2, tzinfo=UTC)


def test_a_phone_that_the_platform_hides_is_no_mistake() -> None:
    looked = Looked(f"{HEAD},phone\n1,2026-11-01,10,ann,paid,138****0000\n")

    placed = looked.events[0]

    assert isinstance(placed, OrderPlaced)
    assert placed.buyer.phone is None


# What is wrong


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("order", "", "missing"),
        ("order", "1.23457E+18", "spreadsheet"),
        ("order", "x" * 121, "too_long"),
        ("placed_at", "", "missing"),
        ("placed_at", "yesterday", "moment"),
        ("placed_at", "2026-02-30", "moment"),
        ("placed_at", "11/21/2026", "moment"),
        ("placed_at", "0001-01-01", "moment"),
        ("placed_at", "2030-01-01", "future"),
        ("total", "", "missing"),
        ("total", "12,50", "money"),
        ("total", "-1", "money"),
        ("total", "NaN", "money"),
        ("total", "1e9", "money"),
        ("total", "9" * 30, "money"),
        ("currency", "YUAN", "currency"),
        ("state", "perhaps", "state"),
        ("phone", "12", "phone"),
        ("email", "ann", "email"),
        ("locale", "?", "locale"),
        ("timezone", "Mars", "zone"),
        ("total", "-¥-1", "money"),
        ("quantity", "two", "number"),
        ("quantity", "-1", "number"),
        ("quantity", "2000000", "number"),
        ("price", "-", "money"),
        ("price", "5,5", "money"),
        ("refunded_at", "soon", "moment"),
    ],
)
def test_a_wrong_cell_is_told_by_line_and_column(column: str, cell: str, code: str) -> None:
    good = {"order": "7", "placed_at": "2026-11-01", "total": "10", "buyer": "ann", "state": "paid"}
    good |= {"item": "Mug", column: cell}
    names = list(good)
    looked = Looked(",".join(names) + "\n" + ",".join(f'"{good[name]}"' for name in names) + "\n")

    assert looked.places == [(2, column, code)]
    assert looked.events == []


def test_every_mistake_of_a_line_is_told_at_once() -> None:
    looked = Looked(f"{HEAD},email\n1,never,much,ann,sold,x\n")

    assert {fault.column for fault in looked.bad} == {"placed_at", "total", "state", "email"}
    assert looked.found.bad_lines == 1


def test_an_order_whose_lines_lie_apart_is_told_with_its_first_line() -> None:
    looked = Looked(f"{HEAD}\n1,2026-11-01,10,ann,paid\n2,2026-11-01,10,ben,paid\n1,2026-11-01,10,ann,paid\n")

    assert looked.places == [(4, "order", "repeated")]
    assert looked.bad[0].values["first"] == 2


def test_lines_of_one_order_may_not_contradict_each_other() -> None:
    looked = Looked(f"{HEAD}\n1,2026-11-01,10,ann,paid\n1,2026-11-01,11,ann,paid\n")

    assert looked.places == [(3, "total", "differs")]


def test_a_buyer_told_twice_is_a_mistake() -> None:
    looked = Looked("buyer,name\nann,Ann\nann,Anna\n", "buyers")

    assert looked.places == [(3, "buyer", "repeated")]


def test_a_buyer_whom_nothing_names_is_a_mistake() -> None:
    assert Looked("name,locale\nAnn,en\n", "buyers").places == [(2, None, "nobody")]


def test_missing_columns_are_told_with_the_names_they_may_have() -> None:
    looked = Looked("number of order,buyer,state\n1,ann,paid\n")

    assert looked.places == [
        (1, "order", "no_column"),
        (1, "placed_at", "no_column"),
        (1, "total", "no_column"),
    ]
    assert "订单号" in say(looked.bad[0], "en")


def test_orders_of_which_nobody_says_whether_they_are_paid_are_refused() -> None:
    looked = Looked("order,placed_at,total,buyer\n1,2026-11-01,10,ann\n")

    assert looked.places == [(1, "state", "no_payment_column")]


def test_an_unknown_column_is_named_with_the_nearest_one() -> None:
    looked = Looked(f"{HEAD},trakcing\n1,2026-11-01,10,ann,paid,SF1\n")

    assert looked.bad == []
    assert "tracking" in say(looked.found.notes[0], "en")


def test_a_quotation_mark_that_is_never_closed_is_told() -> None:
    rest = "".join(f"{number},2026-11-01,10,ann,paid\n" for number in range(2, 9000))
    looked = Looked(f'{HEAD}\n1,2026-11-01,10,"ann,paid\n{rest}')

    assert looked.places[0][:1] == (2,)
    assert looked.found.bad > 0


def test_more_cells_than_names_are_told() -> None:
    assert Looked(f"{HEAD}\n1,2026-11-01,1,280.00,ann,paid\n").places == [(2, None, "cells")]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_is_read_in_the_encoding_that_its_spreadsheet_chose(encoding: str) -> None:
    text = "订单号,下单时间,金额,买家,状态\n1,2026-11-01,10,安娜,已付款\n"
    looked = Looked(text.encode(encoding))

    placed = looked.events[0]

    assert isinstance(placed, OrderPlaced)
    assert placed.buyer.id == "安娜"
    assert looked.notes == ([] if encoding.startswith("utf-8") else ["read_as"])


def test_a_damaged_file_is_refused_with_the_line_of_the_damage() -> None:
    text = f"{HEAD}\n1,2026-11-01,10,安娜,paid\n2,2026-11-01,10,".encode() + b"\xe5\xae" + b",paid\n"

    assert Looked(text).places == [(3, None, "not_text")]


def test_tabs_and_semicolons_divide_as_well() -> None:
    for sign in ("\t", ";"):
        looked = Looked(f"{HEAD}\n1,2026-11-01,10,ann,paid\n".replace(",", sign))
        assert looked.found.entries == 1


# Whatever comes


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(sorted(KINDS)))
def test_any_bytes_end_in_events_or_in_mistakes(content: bytes, kind: str) -> None:
    looked = Looked(content, kind)

    assert looked.bad or not looked.events
    assert all(say(fault, reader) for fault in looked.bad for reader in LOCALES)


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "1", "ann", "2026-11-01", "2026-11-01 10:00", "10", "¥10.00", "paid", "完成", "yes", "否",
         '="1"', "'1", "a@b.cn", "13800000000", "1E+5", "\ufeff", "\x00", "9999-12-31", "1970-01-01", "=",
         "99999999999999999999"]
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(sorted(KINDS)))
def test_any_cells_end_in_events_or_in_mistakes(data: st.DataObject, kind: str) -> None:
    columns = KINDS[kind].columns
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(columns), max_size=len(columns)), max_size=5))
    quoted = ["\t".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    head = "\t".join(column.name for column in columns)
    content = "\n".join([head, *quoted]).encode("utf-8", "replace")

    looked = Looked(content, kind)
    again = Looked(content, kind, FRAME_LATER)

    assert looked.found.entries + looked.found.bad_lines <= looked.found.lines
    assert looked.ids == again.ids  # a day later the same lines are the same events
    assert all(len(id) < 100 for id in looked.ids)


FRAME_LATER = ImportContext(
    channel="import",
    currency="CNY",
    region="CN",
    zone=ZoneInfo("Asia/Shanghai"),
    now=NOON + timedelta(minutes=9),
)


@given(st.integers(0, 10**11), st.sampled_from(["{}", "¥{}", "{}元", " {} "]))
def test_any_amount_survives_its_writing(minor: int, form: str) -> None:
    cell = form.format(f"{minor // 100:,}.{minor % 100:02}")

    placed = Looked(f'{HEAD}\n1,2026-11-01,"{cell}",ann,unpaid\n').events[0]

    assert isinstance(placed, OrderPlaced)
    assert placed.total == Money(minor, "CNY")


# Taking in


def imported(
    database: Database,
    content: str,
    kind: str = "orders",
    context: ImportContext = CONTEXT,
    path: Path | None = None,
) -> int:
    """Everything into the inbox; returns how many events are new."""
    staging = Staging()
    with tempfile.TemporaryDirectory() as folder:
        file = path or Path(folder) / "file.csv"
        if path is None:
            file.write_text(content, "utf-8")
        bad: list[BadLine] = []
        examine(file, KINDS[kind], "shop", context, staging, bad.append)
        assert bad == []
    try:
        return database.write_now(lambda link: take_in(link, "shop", context, staging))
    finally:
        staging.close()


def counted(database: Database) -> int:
    return database.read_now(
        lambda link: link.execute(select(func.count()).select_from(inbox_table)).scalar_one()
    )


@pytest.fixture
def database(database_url: str) -> Database:
    database = Database(database_url)
    schema.migrate(database.engine)
    return database


def test_the_same_file_twice_changes_nothing(database: Database) -> None:
    orders = f"{HEAD}\n" + "".join(f"{n},2026-11-01,10,b{n},paid\n" for n in range(1500))
    buyers = "buyer,phone,agrees,stopped\nann,13800000000,yes,\nben,13800000001,,yes\n"
    later = ImportContext(
        **{**{f: getattr(CONTEXT, f) for f in CONTEXT.__struct_fields__}, "now": NOON + timedelta(days=1)}
    )

    first = imported(database, orders), imported(database, buyers, "buyers")
    second = imported(database, orders, context=later), imported(database, buyers, "buyers", later)

    assert first == (3000, 4)
    assert second == (0, 0)
    assert counted(database) == 3004
    database.close()


def test_a_file_that_breaks_off_while_it_is_taken_in_leaves_nothing(database: Database) -> None:
    staging = Staging()
    path = Path(tempfile.mkdtemp()) / "file.csv"
    path.write_text(f"{HEAD}\n" + "".join(f"{n},2026-11-01,10,b{n},paid\n" for n in range(1500)), "utf-8")
    examine(path, KINDS["orders"], "shop", CONTEXT, staging, lambda fault: None)

    def break_off(done: int) -> None:
        if done > 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write_now(lambda link: take_in(link, "shop", CONTEXT, staging, break_off))

    assert counted(database) == 0
    staging.close()
    database.close()


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Both have more events than two batches, because one is read while the last is still held."""

    def peaks(lines: int) -> tuple[int, int]:
        path = tmp_path / f"{lines}.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write(f"{HEAD}\n")
            file.writelines(f"{n},2026-11-01 10:00,10,buyer{n},completed\n" for n in range(lines))
        staging = Staging()
        tracemalloc.start()
        found = examine(path, KINDS["orders"], "shop", CONTEXT, staging, lambda fault: None)
        assert found.events > 2 * BATCH
        _, examining = tracemalloc.get_traced_memory()
        gc.collect()  # empties the interpreter's free lists, which hold up to 2000 tuples of each length
        tracemalloc.reset_peak()
        for _ in staging.batches("shop", "import", NOON):
            pass
        _, batching = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        staging.close()
        return examining, batching

    peaks(BATCH + 1)  # what is loaded once
    short, long = peaks(BATCH + 1), peaks(4 * BATCH)

    assert long[0] < short[0] + 200_000
    assert long[1] < short[1] + 200_000


# What buyers hear of it


async def into(shop: World, content: str, kind: str = "orders") -> None:
    """As `xiaoer import --channel webhook` does, so that every buyer can be reached."""
    context = ImportContext(
        channel="webhook", currency="CNY", region="CN", zone=ZoneInfo("Asia/Shanghai"), now=shop.clock.now
    )
    imported(shop.program.parts.database, content, kind, context)
    await shop.settle()


async def test_hundreds_of_old_orders_say_nothing_to_anybody(database_url: str) -> None:
    old = "".join(f"{n},2025-11-{n % 28 + 1:02} 10:00,128,b{n},completed\n" for n in range(400))
    async with world(database_url) as shop:
        await into(shop, f"{HEAD}\n{old}")
        await shop.forward(timedelta(days=1))

        orders = await shop.program.parts.database.read(
            lambda link: ask(link, "shop", order_records.by_id({"0", "399"}))
        )
        assert [order.state for order in orders.values()] == ["completed", "completed"]
        assert await shop.program.parts.database.read(inbox.open_count) == 0
        assert shop.receiver.messages == []
        assert set((await shop.outbox()).values()) <= {"skipped", "withdrawn"}


@pytest.mark.parametrize("state", list(STATES))
async def test_old_orders_of_any_state_open_no_case_and_say_nothing(database_url: str, state: str) -> None:
    async with world(database_url) as shop:
        await into(shop, f"{HEAD}\n1,2025-11-01 10:00,128,ann,{state}\n")
        await shop.forward(timedelta(days=10))

        cases = await shop.program.parts.database.read(
            lambda link: read_models.list_cases(link, "shop", open_only=False)
        )
        assert shop.receiver.messages == []
        assert cases == []


async def test_an_order_of_this_morning_is_followed_as_if_it_had_come_by_itself(database_url: str) -> None:
    async with world(database_url) as shop:
        await into(shop, f"{HEAD}\n1,2026-11-21 11:55,128,ann,unpaid\n")

        assert shop.receiver.templates == ["order_confirmation"]


async def test_a_yes_without_a_date_does_not_undo_a_no(database_url: str) -> None:
    async with world(database_url) as shop:
        said_no = {"id": "ann", "agrees": False}
        await shop.post("buyer.updated", {"buyer": said_no}, shop.clock.now - timedelta(days=400))
        await into(shop, "buyer,name,agrees\nann,Anna,yes\nben,Ben,yes\n", "buyers")

        ann, ben = ("webhook", "ann"), ("webhook", "ben")
        wishes = await shop.program.parts.database.read(
            lambda link: ask(link, "shop", wish_records.standings({ann, ben}))
        )
        assert (wishes[ann].agrees, wishes[ben].agrees) == (False, True)


async def test_a_buyer_imported_as_stopped_hears_nothing(database_url: str) -> None:
    async with world(database_url) as shop:
        await into(shop, "buyer,stopped\nann,yes\n", "buyers")
        await shop.place(buyer="ann")
        await shop.settle()

        assert shop.receiver.messages == []


def test_a_buyer_without_consent_in_the_file_has_said_nothing() -> None:
    events = Looked("buyer,agrees\nann,\n", "buyers").events

    assert [event.buyer.agrees for event in events if isinstance(event, BuyerUpdated)] == [None]


# Products


def test_a_line_of_products_tells_all_that_buyers_ask_about() -> None:
    looked = Looked(
        "商品编码,商品名称,售价,币种,库存,底价,材质,尺码,保养,运费,链接\n"
        "MUG-1,马克杯,¥60.00,CNY,3,50,瓷,350 ml,可进洗碗机,8,https://shop.example/mug\n",
        "products",
    )

    assert looked.places == []
    (told,) = looked.events
    assert isinstance(told, ProductTold)
    assert (told.product, told.at) == ("MUG-1", NOON)
    mug = Item(
        sku="MUG-1",
        title="马克杯",
        price=Money(6000, "CNY"),
        stock=3,
        floor=Money(5000, "CNY"),
        postage=Money(800, "CNY"),
        materials="瓷",
        sizes="350 ml",
        care="可进洗碗机",
        url="https://shop.example/mug",
    )
    assert told.items == (mug,)


def test_tax_on_top_of_the_prices_is_no_part_of_the_price_that_follows_from_the_total() -> None:
    placed = Looked(
        "order,placed_at,total,buyer,state,postage,tax,item,quantity\n1,2026-11-20,138,ann,paid,8,10,Mug,2\n"
    ).events[0]

    assert isinstance(placed, OrderPlaced)
    assert (placed.tax, placed.lines[0].price) == (Money(1000, "CNY"), Money(6000, "CNY"))


@pytest.mark.parametrize(
    ("cell", "stock"),
    [("", msgspec.UNSET), ("0", 0), ("7件", 7), ("有货", None), ("缺貨", 0), ("yes", None)],
)
def test_stock_is_a_number_or_a_word_and_unknown_where_nothing_stands(cell: str, stock: object) -> None:
    (told,) = Looked(f"sku,title,stock\nA,Mug,{cell}\n", "products").events

    assert isinstance(told, ProductTold)
    assert told.items[0].stock == stock


def test_what_is_wrong_with_a_product_is_told_by_line_and_column() -> None:
    looked = Looked(
        "sku,title,price,floor,stock,url\n"
        ",Mug,,,,\nB,,,,,\nC,Mug,cheap,,some,here\nD,Mug,50,60,,\nE,Mug,50,,,\nE,Mug,40,,,\n",
        "products",
    )

    assert looked.places == [
        (2, "sku", "missing"),
        (3, "title", "missing"),
        (4, "price", "money"),
        (4, "stock", "stock"),
        (4, "url", "link"),
        (5, "floor", "floor_above"),
        (7, "sku", "repeated"),
    ]
    assert all(say(fault, locale) for fault in looked.bad for locale in LOCALES)


def test_a_product_is_the_same_news_all_day_and_another_the_day_after() -> None:
    file = "sku,title,price\nA,Mug,60\n"
    morning, evening, next_day = (
        msgspec.structs.replace(CONTEXT, now=NOON + timedelta(hours=hours)) for hours in (-3, 3, 24)
    )

    ids = [Looked(file, "products", context).ids for context in (morning, evening, next_day)]

    assert ids[0] == ids[1] != ids[2]


# What is written about it


@pytest.mark.parametrize("columns", [BUYERS, ORDERS, PRODUCTS])
def test_the_page_about_importing_names_every_column(columns: tuple[Column, ...]) -> None:
    page = (DOCS / "import.md").read_text("utf-8")
    row: Callable[[Column], str] = lambda column: f"| `{column.name}` | {column.means} | {column.also} |"  # noqa: E731

    assert [column.name for column in columns if row(column) not in page] == []


def test_the_page_about_importing_names_every_state() -> None:
    page = (DOCS / "import.md").read_text("utf-8")

    assert [state for state in STATES if f"| `{state}` | {STATES_ALSO[state]} |" not in page] == []

"""The table of transfers, and the orders that wait for money."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from bot.domain.money import Money
from bot.domain.orders import Order
from storage import order_records, transfer_records
from storage.asking import ask
from storage.transfer_records import BankUse, TransferRecord
from tests.one_shop import DAY, SHOP_ID
from tests.world import NOON


def record(fingerprint: str = "f1", how: str = "memo", **given: object) -> TransferRecord:
    known = {
        "bank": "icbc", "booked_at": NOON, "amount": Money(12800, "CNY"), "payer": "王安娜", "text": "1001-4",
        "orders": {"1001": 12800}, "read_at": NOON, **given,
    }  # fmt: skip
    return TransferRecord(fingerprint=fingerprint, how=how, **known)  # type: ignore[arg-type]


def order(id: str, **given: object) -> Order:
    return Order(id=id, channel="shop", placed_at=NOON, total=Money(12800, "CNY"), **given)  # type: ignore[arg-type]


def test_a_line_is_kept_once_and_as_it_was_judged_last(connection: Connection) -> None:
    transfer_records.save(connection, SHOP_ID, [record(how="doubtful", orders={}, case=3), record("f2")])
    transfer_records.save(connection, SHOP_ID, [record(case=3)])

    assert transfer_records.known(connection, SHOP_ID, ["f1", "f3"]) == {"f1": record(case=3)}
    assert transfer_records.of_case(connection, SHOP_ID, 3) == record(case=3)
    assert transfer_records.known(connection, "another", ["f1"]) == {}


def test_a_person_decides_of_a_line(connection: Connection) -> None:
    transfer_records.save(connection, SHOP_ID, [record(how="doubtful", case=3)])
    transfer_records.settle(connection, SHOP_ID, "f1", "settled", {"1002": 12800})

    found = transfer_records.of_case(connection, SHOP_ID, 3)
    assert found is not None
    assert (found.how, found.orders) == ("settled", {"1002": 12800})


def test_what_came_is_counted_by_bank_and_way(connection: Connection) -> None:
    lines = [record(), record("f2"), record("f3", "name"), record("f4", booked_at=NOON - 9 * DAY)]
    transfer_records.save(connection, SHOP_ID, lines)

    assert transfer_records.use_of_banks(connection, SHOP_ID, NOON - DAY) == [
        BankUse("icbc", "memo", "CNY", 2, 25600),
        BankUse("icbc", "name", "CNY", 1, 12800),
    ]


def test_old_lines_are_forgotten(connection: Connection) -> None:
    transfer_records.save(connection, SHOP_ID, [record(), record("f2", booked_at=NOON - 9 * DAY)])

    assert transfer_records.forget(connection, SHOP_ID, NOON - timedelta(days=1)) == 1
    assert list(transfer_records.known(connection, SHOP_ID, ["f1", "f2"])) == ["f1"]


def test_orders_that_wait_for_money_are_read_through_their_index(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_records, "PAGE", 2)
    those = [order(f"{number}") for number in range(1001, 1006)]
    ask(connection, SHOP_ID, order_records.save([*those, order("paid", cancelled_at=NOON)]))

    assert [each.id for each, _ in transfer_records.awaiting(connection, SHOP_ID)] == [
        "1001", "1002", "1003", "1004", "1005",
    ]  # fmt: skip
    if connection.dialect.name == "sqlite":
        asked = f"SELECT id FROM orders WHERE shop = 'shop' AND {transfer_records.AWAITING} AND id > ''"
        steps = connection.execute(text(f"EXPLAIN QUERY PLAN {asked}")).all()
        assert "orders_awaiting_money" in steps[0][3]

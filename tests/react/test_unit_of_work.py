"""The records of a batch: read at once, changed in memory, written at once."""

from typing import Any

import pytest
from sqlalchemy import Connection

from bot.domain.actions import OpenCase
from bot.domain.events import (
    AgentReplied,
    BuyerRef,
    BuyerUpdated,
    Event,
    ItemRestocked,
    MessageStatusChanged,
    PaymentReceived,
    TimeCame,
)
from bot.react.unit_of_work import UnitOfWork, keys_in, keys_of
from storage import buyer_records, case_records, tables
from tests.one_shop import (
    HOUR,
    NEIGHBOUR,
    NOON,
    SHOP_ID,
    ann,
    bob,
    buyer_in,
    chat,
    chat_in,
    completed,
    order,
    order_in,
    placed,
    queue,
    rows,
    save,
    unit_of,
    work_of,
    wrote,
)


def open_case(connection: Connection, key: str, buyer: str | None) -> None:
    opened = OpenCase(kind="human", key=key, reason="asked", order=None)
    case_records.open_case(connection, SHOP_ID, opened, buyer, NOON)


# Read


def test_an_orders_event_brings_the_order_with_its_buyer_their_cases_and_what_was_said(
    connection: Connection,
) -> None:
    save(connection, ann(), order("1"), order("2"))
    open_case(connection, "k", "ann")
    queue(connection, "hello:1", order="1")
    queue(connection, "hello:2", order="2")
    work, _ = work_of(connection, completed("1"))
    assert work.orders == {"1": order("1")}
    assert work.buyers == {"ann": ann()}
    assert [case.key for case in work.cases["ann"]] == ["k"]
    assert {id: [each.key for each in said] for id, said in work.said.items()} == {"1": ["hello:1"]}


def test_a_deadline_brings_its_order_and_all_orders_of_its_buyer(connection: Connection) -> None:
    save(connection, ann(), order("1"), order("2"))
    due = TimeCame(channel="clock", external_id="w", at=NOON, what="x", about="1", order="1")
    work, _ = work_of(connection, due)
    assert set(work.orders) == {"1"}
    assert {each.id for each in work.orders_of("ann")} == {"1", "2"}


def test_a_chat_brings_itself_its_buyer_and_all_their_orders(connection: Connection) -> None:
    save(connection, ann(), chat(), order("1"), order("2"))
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "ann"})
    work, _ = work_of(connection, wrote("hello"))
    assert work.owners == {("telegram", "42"): "ann"}
    assert (work.chat("telegram", "42"), work.chat("telegram", "43")) == (chat(), None)
    assert (work.buyer("ann"), work.buyer("bob"), work.buyer(None)) == (ann(), None, None)
    assert {each.id for each in work.orders_of("ann")} == {"1", "2"}


def test_an_order_named_in_a_chat_is_found_by_its_number_and_its_id_with_its_buyer(
    connection: Connection,
) -> None:
    mine = order("77", buyer="bob", number="A1")
    save(connection, bob(), mine)
    for name in ("A1", "77"):
        work, _ = work_of(connection, wrote(name))
        assert work.named == {"A1": mine, "77": mine}
        assert work.buyers == {"bob": bob()}
    assert work_of(connection, completed("77"))[0].named == {}


def test_nothing_of_a_neighbouring_shop_is_read(connection: Connection) -> None:
    save(connection, ann(), chat(), order("1"), shop=NEIGHBOUR)
    buyer_records.add_identities(connection, NEIGHBOUR, {("telegram", "42"): "ann"})
    work, _ = work_of(connection, wrote("1"), completed("1"))
    assert (work.orders, work.named, work.buyers, work.owners, work.chats) == ({}, {}, {}, {}, {})
    work.read_buyer("ann")
    assert (work.read_order("1"), work.buyers, work.identities_of("ann")) == (None, {}, set())


def test_an_order_nobody_expected_brings_its_buyer(connection: Connection) -> None:
    save(connection, ann(), order("1", buyer="ann"))
    work, _ = work_of(connection)
    assert work.read_order("1") == order("1", buyer="ann")
    assert work.buyers == {"ann": ann()}


def test_a_buyer_nobody_expected_is_read_with_their_orders_and_cases(connection: Connection) -> None:
    save(connection, ann(), order("1"))
    open_case(connection, "k", "ann")
    work, _ = work_of(connection)
    work.read_buyer("ann")
    assert (work.buyer("ann"), work.orders_of("ann")) == (ann(), (order("1"),))
    assert [case.key for case in work.cases["ann"]] == ["k"]


def test_a_buyer_who_is_known_already_is_not_read_again(connection: Connection) -> None:
    save(connection, ann())
    work, _ = work_of(connection)
    work.put_buyer(ann(name="Ann"))
    work.read_buyer("ann")
    assert work.buyer("ann") == ann(name="Ann")


def test_an_order_nobody_expected_is_read_once(connection: Connection) -> None:
    save(connection, order("1"))
    work, _ = work_of(connection)
    assert (work.read_order("1"), work.read_order("2")) == (order("1"), None)
    save(connection, order("1", number="A1"))
    assert work.read_order("1") == order("1")


# Look up


def test_a_buyers_orders_come_newest_first_and_those_of_this_batch_are_among_them(
    connection: Connection,
) -> None:
    save(connection, ann(), order("1", placed_at=NOON), order("2", placed_at=NOON + HOUR))
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "ann"})
    work, _ = work_of(connection, wrote("hello"))
    work.put_order(order("3", placed_at=NOON + 2 * HOUR))
    work.put_order(order("1", placed_at=NOON, number="A1"))
    work.put_order(order("4", buyer="bob"))
    work.put_order(order("5"))
    assert [each.shown_number for each in work.orders_of("ann")] == ["3", "2", "A1", "5"]
    assert work.orders_of(None) == ()


def test_of_orders_placed_at_one_time_the_greater_id_comes_first(connection: Connection) -> None:
    work, _ = work_of(connection)
    for id in ("1", "3", "2"):
        work.put_order(order(id, placed_at=NOON))
    assert [each.id for each in work.orders_of("ann")] == ["3", "2", "1"]


def test_twenty_orders_are_shown_and_no_more(connection: Connection) -> None:
    work, _ = work_of(connection)
    for number in range(21):
        work.put_order(order(f"{number:02}", placed_at=NOON))
    assert [each.id for each in work.orders_of("ann")] == [f"{number:02}" for number in range(20, 0, -1)]


def test_identities_of_this_batch_count_before_they_are_written(connection: Connection) -> None:
    buyer_records.add_identities(connection, SHOP_ID, {("email", "a@b.example"): "ann"})
    work, _ = work_of(connection)
    work.put_owner(("telegram", "42"), "ann")
    work.put_owner(("telegram", "43"), "bob")
    assert work.identities_of("ann") == {("email", "a@b.example"), ("telegram", "42")}


# Change and write


def test_the_first_buyer_of_an_identity_keeps_it(connection: Connection) -> None:
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "ann"})
    work, _ = work_of(connection, wrote("hello"))
    work.put_owner(("telegram", "42"), "bob")
    work.put_owner(("phone", "1"), "ann")
    work.put_owner(("phone", "1"), "bob")
    work.write()
    assert rows(connection, tables.identities, "kind", "value", "buyer") == [
        ("phone", "1", "ann"),
        ("telegram", "42", "ann"),
    ]


def test_what_changed_is_written_once(connection: Connection) -> None:
    work, _ = work_of(connection)
    work.put_buyer(ann(name="Ann"))
    work.put_order(order("1", number="A1"))
    work.put_chat(chat(tries=2))
    work.put_owner(("telegram", "42"), "ann")
    work.write()
    assert buyer_in(connection, "ann") == ann(name="Ann")
    assert order_in(connection, "1") == order("1", number="A1")
    assert chat_in(connection) == chat(tries=2)
    assert rows(connection, tables.identities, "kind", "value", "buyer") == [("telegram", "42", "ann")]

    save(connection, ann(name="Anna"), order("1", number="A2"), chat(tries=3))
    connection.execute(tables.identities.delete())
    work.write()
    assert buyer_in(connection, "ann").name == "Anna"
    assert order_in(connection, "1").number == "A2"
    assert chat_in(connection).tries == 3
    assert rows(connection, tables.identities, "kind") == []


def test_what_is_put_back_unchanged_is_not_written(connection: Connection) -> None:
    save(connection, ann(), order("1"), chat())
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "ann"})
    work, _ = work_of(connection, wrote("hello"), completed("1"))
    save(connection, ann(name="Anna"), order("1", number="A2"), chat(tries=3))
    work.put_buyer(ann())
    work.put_order(order("1"))
    work.put_chat(chat())
    work.write()
    assert (buyer_in(connection, "ann").name, order_in(connection, "1").number) == ("Anna", "A2")
    assert chat_in(connection).tries == 3


def test_nothing_is_written_into_a_neighbouring_shop(connection: Connection) -> None:
    work, _ = work_of(connection)
    work.put_buyer(ann())
    work.put_order(order("1"))
    work.put_chat(chat())
    work.put_owner(("telegram", "42"), "ann")
    work.write()
    written = {
        table.name for table in tables.metadata.sorted_tables if _shops(connection, table) == {SHOP_ID}
    }
    assert written == {"buyers", "orders", "conversations", "identities"}


def _shops(connection: Connection, table: Any) -> set[str]:
    return set(connection.execute(table.select()).scalars()) if "shop" in table.c else set()


def test_an_order_that_a_chat_named_is_named_as_it_is_now(connection: Connection) -> None:
    save(connection, order("77", number="A1"))
    work, _ = work_of(connection, wrote("A1"))
    now = order("77", number="A1", completed_at=NOON)
    work.put_order(now)
    assert work.named == {"A1": now, "77": now}
    work.put_order(order("78"))
    assert "78" not in work.named


# After a join


def joined(connection: Connection) -> UnitOfWork:
    """Bob's record was given up for Ann's, in the tables and then in memory."""
    save(
        connection,
        ann(),
        bob(),
        chat("bob"),
        chat("ann", "7"),
        order("1"),
        order("2", "bob"),
        order("3", "bob"),
    )
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "bob", ("phone", "1"): "ann"})
    open_case(connection, "a", "ann")
    open_case(connection, "b", "bob")
    work, _ = work_of(connection, wrote("2", phone="1"), wrote("x", address="7"), completed("1"))
    work.put_buyer(ann(name="Ann"))
    buyer_records.move_all(connection, SHOP_ID, "ann", "bob")
    work.replace_buyer("ann", "bob")
    return work


def test_owners_orders_and_chats_follow_a_join(connection: Connection) -> None:
    work = joined(connection)
    assert set(work.owners.values()) == {"ann"}
    assert {each.buyer for each in work.orders.values()} == {"ann"}
    assert work.named["2"] == order("2")
    assert {address: each.buyer for (_, address), each in work.chats.items()} == {"42": "ann", "7": "ann"}


def test_what_follows_a_join_stays_apart_from_what_is_others(connection: Connection) -> None:
    work, _ = work_of(connection)
    for each in (ann(), bob(), ann(id="cy")):
        work.put_buyer(each)
    work.put_order(order("9", "cy"))
    work.put_chat(chat("cy"))
    work.put_owner(("phone", "9"), "cy")
    work.write()
    work.replace_buyer("ann", "bob")
    assert (work.orders["9"].buyer, work.chats["telegram", "42"].buyer) == ("cy", "cy")
    assert work.owners == {("phone", "9"): "cy"}


def test_the_orders_and_cases_of_both_are_the_kept_ones(connection: Connection) -> None:
    work = joined(connection)
    assert {each.id for each in work.orders_of("ann")} == {"1", "2", "3"}
    assert work.orders_of("bob") == ()
    assert {case.key for case in work.cases["ann"]} == {"a", "b"}
    assert "bob" not in work.cases


def test_the_kept_record_stays_as_it_is_in_memory_and_the_lost_one_is_gone(connection: Connection) -> None:
    work = joined(connection)
    assert (work.buyer("ann"), work.buyer("bob")) == (ann(name="Ann"), None)


def test_the_present_record_is_found_through_several_joins(connection: Connection) -> None:
    work, _ = work_of(connection)
    for each in (ann(), bob(), ann(id="cy")):
        work.put_buyer(each)
    work.write()
    work.replace_buyer("bob", "cy")
    work.replace_buyer("ann", "bob")
    assert [work.present(id) for id in ("ann", "bob", "cy", "dan")] == ["ann", "ann", "ann", "dan"]


# Identities


def test_the_channels_own_id_comes_first_and_a_mail_address_knows_no_capitals() -> None:
    ref = BuyerRef(id="42", email="Ann@Example.com", phone="+8613800008000")
    assert keys_of("web", ref) == [
        ("web", "42"),
        ("email", "ann@example.com"),
        ("phone", "+8613800008000"),
    ]
    assert keys_of("web", BuyerRef(id="", email="")) == []


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (wrote("hello"), [("telegram", "42")]),
        (wrote("hello", id="7", phone="1"), [("telegram", "7"), ("phone", "1")]),
        (
            AgentReplied(
                channel="telegram", external_id="a", at=NOON, conversation="42", message_id="a", text="x"
            ),
            [("telegram", "42")],
        ),
        (
            MessageStatusChanged(
                channel="telegram", external_id="s", at=NOON, conversation="42", message_id="m", status="read"
            ),
            [("telegram", "42")],
        ),
        (
            BuyerUpdated(
                channel="web", external_id="u", at=NOON, buyer=BuyerRef(id="9", email="A@b.example")
            ),
            [("web", "9"), ("email", "a@b.example")],
        ),
        (placed("1", id="9"), [("web", "9")]),
        (PaymentReceived(channel="web", external_id="p", at=NOON, order="1"), []),
        (completed("1"), []),
        (ItemRestocked(channel="web", external_id="i", at=NOON, sku="MUG-1"), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_carries_these_identities(event: Event, wanted: list[tuple[str, str]]) -> None:
    assert keys_in(event) == wanted


def test_a_unit_of_work_is_one_shops_at_one_time(connection: Connection) -> None:
    unit = unit_of(connection)
    work = UnitOfWork(unit)
    assert (work.connection, work.shop_id, work.now) == (unit.connection, unit.shop_id, unit.now)

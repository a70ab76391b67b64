"""The records of a batch: read at once, changed in memory, written at once."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from bot.channels.webhook import WebhookSettings
from bot.channels.woocommerce import WooCommerceSettings
from bot.config import ShopSettings
from bot.domain.actions import OpenCase
from bot.domain.contacts import Contacts, Told
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
from bot.domain.wishes import Wish
from bot.react.merge import merge_event
from bot.react.unit_of_work import UnitOfWork, keys_in
from bot.react.wishes import Wishes
from storage import buyer_records, case_records, outbox, proof_records, tables
from storage.asking import ask
from storage.wish_records import WishRecord
from tests.one_shop import (
    DAY,
    HOUR,
    MINUTE,
    NEIGHBOUR,
    NOON,
    SHOP_ID,
    amend,
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


def open_case(connection: Connection, key: str, buyer: str | None, about: str | None = None) -> None:
    opened = OpenCase(kind="human", key=key, reason="asked", order=about)
    case_records.open_case(connection, SHOP_ID, opened, buyer, NOON)


def paid(number: str, channel: str) -> PaymentReceived:
    return PaymentReceived(channel=channel, external_id="p", at=NOON, order=number)


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


def test_an_orders_event_brings_the_case_about_the_order_whoever_opened_it(connection: Connection) -> None:
    save(connection, ann(), order("1"), order("2"))
    open_case(connection, "k", "bob", about="1")
    open_case(connection, "l", "bob", about="2")
    work, _ = work_of(connection, completed("1"))
    assert [case.key for case in work.cases_of(None, [order("1"), order("2")])] == ["k"]


def test_a_deadline_brings_its_order(connection: Connection) -> None:
    save(connection, ann(), order("1"), order("2"))
    due = TimeCame(channel="clock", external_id="w", at=NOON, what="x", about="1", order="1")
    work, _ = work_of(connection, due)
    assert (set(work.orders), work.buyers) == ({"1"}, {"ann": ann()})


def test_a_chat_brings_itself_its_buyer_and_all_their_orders(connection: Connection) -> None:
    save(connection, ann(), chat(), order("1"), order("2"), order("3", "bob"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    work, _ = work_of(connection, wrote("hello"))
    assert work.owner(("telegram", "42")) == "ann"
    assert (work.chat("telegram", "42"), work.chat("telegram", "43")) == (chat(), None)
    assert (work.buyer("ann"), work.buyer("bob"), work.buyer(None)) == (ann(), None, None)
    assert {each.id for each in work.orders_seen_by("ann", chat())} == {"1", "2"}


def test_a_chat_brings_the_orders_that_it_opened_with_the_cases_about_them(connection: Connection) -> None:
    save(connection, ann(), bob(), chat("bob"), order("1"), order("2"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "bob"}))
    ask(connection, SHOP_ID, proof_records.add_openings({("1", ("telegram", "42"), ""): "digits"}, NOON))
    ask(connection, SHOP_ID, proof_records.add_openings({("2", ("telegram", "43"), ""): "digits"}, NOON))
    open_case(connection, "k", "ann", about="1")
    work, _ = work_of(connection, wrote("hello"))
    seen = work.orders_seen_by("bob", chat("bob"))
    assert [each.id for each in seen] == ["1"]
    assert [case.key for case in work.cases_of("bob", seen)] == ["k"]


def test_an_order_named_in_a_chat_is_found_by_its_number_and_its_id(connection: Connection) -> None:
    mine = order("77", buyer="bob", number="A1")
    save(connection, bob(), mine)
    for name in ("A1", "77"):
        work, _ = work_of(connection, wrote(name))
        assert work.numbered([name]) == (mine,)
        assert work.orders_seen_by("ann", chat()) == ()  # it is known, and not shown
    assert work_of(connection, wrote("nothing"))[0].numbered(["A1", "77"]) == ()


def test_the_order_of_the_first_number_comes_first_and_two_systems_may_share_one(
    connection: Connection,
) -> None:
    mugs, teas = order("1"), order("1@teas", own_id="1")
    save(connection, mugs, teas, order("2"))
    work, _ = work_of(connection, wrote("2 1"))
    assert work.numbered(["2", "1"]) == (order("2"), mugs, teas)
    assert work.numbered(["1"]) == (mugs, teas)


def test_the_wrong_tries_of_a_day_are_those_of_the_order_over_all_chats(connection: Connection) -> None:
    save(connection, order("1"), order("2"))
    for address in ("7", "8"):
        ask(
            connection,
            SHOP_ID,
            proof_records.add_wrong_tries([("1", ("telegram", address))], NOON - DAY + MINUTE),
        )
    ask(connection, SHOP_ID, proof_records.add_wrong_tries([("1", ("telegram", "9"))], NOON - DAY))
    work, _ = work_of(connection, wrote("1 2"))
    assert work.wrong_tries([order("1"), order("2")]) == {"1": 2, "2": 0}
    work.put_try("1", ("telegram", "42"))
    assert work.wrong_tries([order("2"), order("1")]) == {"2": 0, "1": 3}
    work.unit.ask(work.write())
    assert work_of(connection, wrote("1"))[0].wrong_tries([order("1")]) == {"1": 3}


def test_nothing_of_a_neighbouring_shop_is_read(connection: Connection) -> None:
    save(connection, ann(), chat(), order("1"), shop=NEIGHBOUR)
    ask(connection, NEIGHBOUR, buyer_records.add_identities({("telegram", "42"): "ann"}))
    ask(connection, NEIGHBOUR, proof_records.add_openings({("1", ("telegram", "42"), ""): "link"}, NOON))
    ask(connection, NEIGHBOUR, proof_records.add_wrong_tries([("1", ("telegram", "42"))], NOON))
    ask(connection, NEIGHBOUR, proof_records.use_links({("1", ""): ("telegram", "42")}, NOON))
    work, _ = work_of(connection, wrote("1"), completed("1"))
    assert (work.orders, work.buyers, work.chats) == ({}, {}, {})
    assert (work.owner(("telegram", "42")), work.read_order("1"), work.link_user("1", "m")) == (
        None,
        None,
        None,
    )
    assert work.wrong_tries([order("1")]) == {"1": 0}


def test_an_order_nobody_expected_brings_the_cases_about_it(connection: Connection) -> None:
    save(connection, ann(), order("1"))
    open_case(connection, "k", "ann", about="1")
    work, _ = work_of(connection)
    assert work.read_order("1") == order("1")
    assert [case.key for case in work.cases_of(None, [order("1")])] == ["k"]


def test_an_order_nobody_expected_is_read_once(connection: Connection) -> None:
    save(connection, order("1"))
    work, _ = work_of(connection)
    assert (work.read_order("1"), work.read_order("2")) == (order("1"), None)
    save(connection, order("1", number="A1"))
    assert work.read_order("1") == order("1")


def test_an_owner_nobody_expected_is_read_with_their_cases(connection: Connection) -> None:
    save(connection, ann())
    open_case(connection, "k", "ann")
    ask(connection, SHOP_ID, buyer_records.add_identities({("web", "7"): "ann"}))
    work, _ = work_of(connection)
    assert (work.owner(("web", "7")), work.owner(("web", "8"))) == ("ann", None)
    assert work.buyers == {"ann": ann()}
    assert [case.key for case in work.cases["ann"]] == ["k"]


def test_orders_are_found_by_a_contact_as_this_batch_has_left_them(connection: Connection) -> None:
    mailed = order("1", contacts=Contacts(email=Told("Ann@Example.com", NOON)))
    rung = order("2", contacts=Contacts(phone=Told("1", NOON)))
    save(connection, mailed, rung, order("3"))
    work, _ = work_of(connection)
    assert work.orders_with("ann@example.com", None) == [mailed]
    assert {each.id for each in work.orders_with("ann@example.com", "1")} == {"1", "2"}
    now = order("1", contacts=mailed.contacts, number="A1")
    work.put_order(now)
    assert work.orders_with("ann@example.com", None) == [now]
    work.put_order(order("3", contacts=mailed.contacts))
    assert {each.id for each in work.orders_with("ANN@example.com", None)} == {"1", "3"}
    work.put_order(order("1", contacts=Contacts(email=Told("other@example.com", NOON + HOUR))))
    assert {each.id for each in work.orders_with("ann@example.com", None)} == {"3"}
    assert work.orders_with(None, None) == []


# Whose order


@pytest.mark.parametrize("first", ["shopify", "woo"])
def test_one_id_in_two_systems_that_place_orders_is_two_orders(connection: Connection, first: str) -> None:
    other = {"shopify": "woo", "woo": "shopify"}[first]
    work, _ = work_of(connection, placed("1", channel=first), placed("1", channel=other))
    assert work.order_id(placed("1", channel=first)) == "1"
    work.put_order(order("1", channel=first, placed_at=NOON))
    assert work.order_id(placed("1", channel=other)) == f"1@{other}"
    work.put_order(order(f"1@{other}", channel=other, own_id="1", placed_at=NOON))
    assert [work.order_id(paid("1", channel)) for channel in (first, other)] == ["1", f"1@{other}"]
    work.unit.ask(work.write())
    again, _ = work_of(connection, paid("1", other), paid("1", first))
    assert [again.order_id(paid("1", channel)) for channel in (first, other)] == ["1", f"1@{other}"]


def test_a_system_that_has_placed_no_order_reports_about_the_others(connection: Connection) -> None:
    work, _ = work_of(connection, placed("1", channel="shopify"))
    work.put_order(order("1", channel="shopify", placed_at=NOON))
    assert work.order_id(paid("1", "courier")) == "1"
    work.unit.ask(work.write())
    again, _ = work_of(connection, paid("1", "courier"))
    assert again.order_id(paid("1", "courier")) == "1"


def test_a_system_that_has_placed_other_orders_reports_about_the_others_order_until_it_places_that(
    connection: Connection,
) -> None:
    save(connection, order("1", channel="shopify", placed_at=NOON), order("2", channel="woo", placed_at=NOON))
    work, _ = work_of(connection, paid("1", "woo"))
    assert work.order_id(paid("1", "woo")) == "1"
    work.put_order(order("1@woo", channel="woo", own_id="1", placed_at=NOON))
    assert work.order_id(paid("1", "woo")) == "1@woo"


def test_an_order_that_others_spoke_of_first_is_that_of_whom_it_is_placed_with(
    connection: Connection,
) -> None:
    save(connection, order("1", channel="courier"))
    work, _ = work_of(connection, placed("1", channel="shopify"))
    assert work.order_id(placed("1", channel="shopify")) == "1"


PLATFORMS = ShopSettings(name="Mug House", channels={"woo": WooCommerceSettings(), "web": WebhookSettings()})


def test_a_platforms_first_word_is_about_an_order_of_its_own_also_before_that_is_placed(
    connection: Connection,
) -> None:
    save(connection, order("1", channel="web", placed_at=NOON))
    work, _ = work_of(connection, paid("1", "woo"), shop=PLATFORMS)
    assert work.order_id(paid("1", "woo")) == "1@woo"
    work.put_order(order("1@woo", channel="woo", own_id="1"))
    assert work.order_id(placed("1", channel="woo")) == "1@woo"
    assert work.order_id(paid("1", "courier")) == "1"


def test_what_a_platform_told_of_its_unplaced_order_goes_to_no_other(connection: Connection) -> None:
    save(connection, order("1", channel="woo"))
    work, _ = work_of(connection, placed("1"), shop=PLATFORMS)
    assert work.order_id(placed("1", channel="web")) == "1@web"


def test_what_a_carrier_told_of_nobodys_order_is_a_platforms_also_before_that_is_placed(
    connection: Connection,
) -> None:
    early = paid("1", "courier")
    work, who = work_of(connection, early, shop=PLATFORMS)
    for event in (early, paid("1", "woo"), placed("1", channel="web"), placed("1", channel="woo")):
        merge_event(work, who, Wishes(work), event)
    assert {id: each.channel for id, each in work.orders.items()} == {"1": "woo", "1@web": "web"}
    assert {each.source for each in work.orders["1"].payments} == {"courier", "woo"}


# Look up


def test_a_buyers_orders_come_newest_first_and_those_of_this_batch_are_among_them(
    connection: Connection,
) -> None:
    save(connection, ann(), order("1", placed_at=NOON), order("2", placed_at=NOON + HOUR))
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    work, _ = work_of(connection, wrote("hello"))
    work.put_order(order("3", placed_at=NOON + 2 * HOUR))
    work.put_order(order("1", placed_at=NOON, number="A1"))
    work.put_order(order("4", buyer="bob"))
    work.put_order(order("5"))
    assert [each.shown_number for each in work.orders_seen_by("ann", None)] == ["3", "2", "A1", "5"]
    assert work.orders_seen_by(None, None) == ()


def test_an_order_opened_in_this_batch_is_seen_at_once_by_that_chat_alone(connection: Connection) -> None:
    work, _ = work_of(connection, wrote("hello"))
    work.put_order(order("1"))
    work.open_order("1", ("telegram", "42"), "digits", "")
    assert work.orders_seen_by("bob", chat("bob")) == (order("1"),)
    assert work.orders_seen_by("bob", chat("bob", address="43")) == ()
    assert work.orders_seen_by("bob", None) == ()


def test_of_orders_placed_at_one_time_the_greater_id_comes_first(connection: Connection) -> None:
    work, _ = work_of(connection)
    for id in ("1", "3", "2"):
        work.put_order(order(id, placed_at=NOON))
    assert [each.id for each in work.orders_seen_by("ann", None)] == ["3", "2", "1"]


def test_twenty_orders_are_shown_and_no_more(connection: Connection) -> None:
    work, _ = work_of(connection)
    for number in range(21):
        work.put_order(order(f"{number:02}", placed_at=NOON))
    wanted = [f"{number:02}" for number in range(20, 0, -1)]
    assert [each.id for each in work.orders_seen_by("ann", None)] == wanted


def test_cases_come_oldest_first_and_once(connection: Connection) -> None:
    save(connection, ann(), chat(), order("1"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    open_case(connection, "about", "bob", about="1")
    open_case(connection, "both", "ann", about="1")
    open_case(connection, "the buyer's", "ann")
    work, _ = work_of(connection, wrote("hello"), completed("1"))
    keys = [case.key for case in work.cases_of("ann", [order("1")])]
    assert keys == ["about", "both", "the buyer's"]


# Change and write


def test_the_first_buyer_of_an_identity_keeps_it(connection: Connection) -> None:
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    work, _ = work_of(connection, wrote("hello"))
    work.put_owner(("telegram", "42"), "bob")
    work.put_owner(("web", "1"), "ann")
    work.put_owner(("web", "1"), "bob")
    work.unit.ask(work.write())
    assert rows(connection, tables.identities, "kind", "value", "buyer") == [
        ("telegram", "42", "ann"),
        ("web", "1", "ann"),
    ]


def test_what_changed_is_written_once(connection: Connection) -> None:
    work, _ = work_of(connection)
    work.put_buyer(ann(name="Ann"))
    work.put_order(order("1", number="A1"))
    work.put_chat(chat(tries=2))
    work.put_owner(("telegram", "42"), "ann")
    work.unit.ask(work.write())
    assert buyer_in(connection, "ann") == ann(name="Ann")
    assert order_in(connection, "1") == order("1", number="A1")
    assert chat_in(connection) == chat(tries=2)
    assert rows(connection, tables.identities, "kind", "value", "buyer") == [("telegram", "42", "ann")]

    save(connection, ann(name="Anna"), order("1", number="A2"), chat(tries=3))
    connection.execute(tables.identities.delete())
    work.unit.ask(work.write())
    assert buyer_in(connection, "ann").name == "Anna"
    assert order_in(connection, "1").number == "A2"
    assert chat_in(connection).tries == 3
    assert rows(connection, tables.identities, "kind") == []


def test_what_is_put_back_unchanged_is_not_written(connection: Connection) -> None:
    save(connection, ann(), order("1"), chat())
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    work, _ = work_of(connection, wrote("hello"), completed("1"))
    save(connection, ann(name="Anna"), order("1", number="A2"), chat(tries=3))
    work.put_buyer(ann())
    work.put_order(order("1"))
    work.put_chat(chat())
    work.unit.ask(work.write())
    assert (buyer_in(connection, "ann").name, order_in(connection, "1").number) == ("Anna", "A2")
    assert chat_in(connection).tries == 3


def test_nothing_is_written_into_a_neighbouring_shop(connection: Connection) -> None:
    work, _ = work_of(connection)
    work.put_buyer(ann())
    work.put_order(order("1", placed_at=NOON))
    work.put_chat(chat())
    work.put_owner(("telegram", "42"), "ann")
    work.put_wish(
        WishRecord(
            address=("telegram", "42"), wish=Wish(what="all", yes=False, at=NOON), channel="x", event="e"
        )
    )
    work.open_order("1", ("telegram", "42"), "link", "")
    work.use_link("1", "m", ("telegram", "42"))
    work.put_try("1", ("telegram", "42"))
    work.unit.ask(work.write())
    written = {
        table.name for table in tables.metadata.sorted_tables if _shops(connection, table) == {SHOP_ID}
    }
    assert written == {
        "buyers",
        "orders",
        "conversations",
        "identities",
        "wishes",
        "openings",
        "used_links",
        "wrong_tries",
    }


def _shops(connection: Connection, table: Any) -> set[str]:
    return set(connection.execute(table.select()).scalars()) if "shop" in table.c else set()


def test_an_order_that_a_chat_named_is_named_as_it_is_now(connection: Connection) -> None:
    save(connection, order("77", number="A1"))
    work, _ = work_of(connection, wrote("A1"))
    now = order("77", number="A1", completed_at=NOON)
    work.put_order(now)
    assert work.numbered(["A1"]) == work.numbered(["77"]) == (now,)


def test_what_waits_about_an_order_follows_it_to_the_buyer_whom_it_has_now(connection: Connection) -> None:
    save(connection, ann(), bob(), order("1"), order("2"))
    queue(connection, "waits", order="1")
    queue(connection, "answer", order="1", to="telegram:42")
    queue(connection, "mail", order="1", buyer=outbox.SELLER)
    queue(connection, "other", order="2")
    queue(connection, "said", order="1")
    amend(connection, "said", state="failed")
    work, _ = work_of(connection, completed("1"))
    work.put_order(order("1", "bob"))
    work.unit.ask(work.write())
    assert rows(connection, tables.outbox, "key", "buyer") == [
        ("answer", "ann"),
        ("mail", outbox.SELLER),
        ("other", "ann"),
        ("said", "ann"),
        ("waits", "bob"),
    ]


def test_an_order_that_gets_its_first_buyer_takes_nothing_from_anybody(connection: Connection) -> None:
    save(connection, bob(), order("1", None))
    queue(connection, "waits", order="1")
    work, _ = work_of(connection, completed("1"))
    work.put_order(order("1", "bob"))
    work.unit.ask(work.write())
    assert rows(connection, tables.outbox, "key", "buyer") == [("waits", "ann")]


def test_a_link_is_the_first_chats(connection: Connection) -> None:
    work, _ = work_of(connection)
    assert work.link_user("1", "m") is None
    work.use_link("1", "m", ("telegram", "42"))
    work.use_link("1", "m", ("telegram", "43"))
    assert work.link_user("1", "m") == ("telegram", "42")
    work.unit.ask(work.write())
    later, _ = work_of(connection)
    later.use_link("1", "m", ("telegram", "44"))
    later.unit.ask(later.write())
    assert work_of(connection)[0].link_user("1", "m") == ("telegram", "42")


def test_what_opened_an_order_first_is_kept(connection: Connection) -> None:
    for how in ("digits", "link"):
        work, _ = work_of(connection, wrote("hello"))
        work.open_order("1", ("telegram", "42"), how, "")
        work.unit.ask(work.write())
    assert rows(connection, tables.openings, "order_id", "channel", "address", "how") == [
        ("1", "telegram", "42", "digits")
    ]


def test_a_wish_is_written_once_for_each_time_of_its_own(connection: Connection) -> None:
    """The same word of the same time is a repeated delivery; of another time it is another showing."""
    address = ("telegram", "42")
    wish = Wish(what="offers", yes=True, at=NOON, flag="web:7")
    for at in (NOON, NOON + HOUR, NOON):
        work, _ = work_of(connection, wrote("hello"))
        shown = msgspec.structs.replace(wish, at=at)
        work.put_wish(WishRecord(address=address, wish=shown, channel="web", event="e"))
        work.unit.ask(work.write())
    assert rows(connection, tables.wishes, "kind", "value", "at") == [
        (*address, NOON),
        (*address, NOON + HOUR),
    ]


# Identities


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (wrote("hello"), [("telegram", "42")]),
        (wrote("hello", id="7", phone="1", email="a@b.example"), [("telegram", "7")]),
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
            [("web", "9")],
        ),
        (BuyerUpdated(channel="web", external_id="u", at=NOON, buyer=BuyerRef(email="A@b.example")), []),
        (placed("1", id="9", email="a@b.example", phone="1"), [("web", "9")]),
        (placed("1", email="A@b.example", phone="1"), [("guest of web", "a@b.example")]),
        (placed("1", phone="1"), [("guest of web", "1")]),
        (placed("1", name="Ann"), [("guest of web", "1")]),
        (PaymentReceived(channel="web", external_id="p", at=NOON, order="1"), []),
        (completed("1"), []),
        (ItemRestocked(channel="web", external_id="i", at=NOON, sku="MUG-1"), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_carries_the_ids_that_are_proved_and_no_contact(
    event: Event, wanted: list[tuple[str, str]]
) -> None:
    assert keys_in(event) == wanted


def test_a_unit_of_work_is_one_shops_at_one_time(connection: Connection) -> None:
    unit = unit_of(connection)
    work = UnitOfWork(unit)
    assert (work.connection, work.shop_id, work.now) == (unit.connection, unit.shop_id, unit.now)

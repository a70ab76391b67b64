"""What is true now about due messages and their buyers, and what of it is kept beside the decision."""

from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from bot.deliver.addresses import AddressBook
from bot.deliver.facts import read_facts, snapshot
from bot.domain.actions import OpenCase
from bot.domain.contacts import Contacts, Told
from bot.domain.context import Buyer, Case
from bot.domain.events import BuyerOptedOut, BuyerRef
from bot.domain.messages import Address, DueMessage, Facts
from bot.domain.money import Money
from bot.domain.shop import Limits, QuietHours, Shop
from bot.domain.wishes import EMAIL, Standing, Wish
from storage import buyer_records, case_records, due_messages, proof_records, tables, wish_records
from storage.asking import ask
from storage.wish_records import WishRecord
from tests.one_shop import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SHOP,
    SHOP_ID,
    ann,
    bob,
    chat,
    completed,
    order,
    queue,
    rows,
    save,
    take,
    wrote,
)

BOOK = AddressBook(SHOP, {"web": "webhook", "telegram": "telegram", "mail": "email"})


def facts_of(connection: Connection, *looking_back: str) -> dict[str, Facts]:
    """By key, the facts of all messages that wait."""
    ids = connection.scalars(select(tables.outbox.c.id).where(tables.outbox.c.state == "queued")).all()
    waiting = ask(connection, SHOP_ID, due_messages.messages(ids))
    found = ask(connection, SHOP_ID, read_facts(BOOK, waiting, looking_back, NOON))
    return {row.key: found[row.id] for row in waiting if row.id in found}


def sent(connection: Connection, key: str, at: Any = NOON, **fields: Any) -> None:
    queue(connection, key, **fields)
    gone = {"state": "sent", "settled_at": at, "text": "x", "channel": "telegram"}
    connection.execute(update(tables.outbox).where(tables.outbox.c.key == key).values(**gone))


# Read


def test_a_message_knows_its_order_its_buyer_and_their_chats(connection: Connection) -> None:
    save(connection, ann(email="a@b.example"), order("1"), order("2"), chat(last_in_at=NOON))
    queue(connection, "k", order="1")
    queue(connection, "l")
    facts = facts_of(connection)
    assert (facts["k"].shop, facts["k"].buyer) == (SHOP, ann(email="a@b.example"))
    assert (facts["k"].order, facts["l"].order, facts["k"].orders) == (order("1"), None, ())
    assert facts["k"].conversations == (chat(last_in_at=NOON),)
    assert [each.channel for each in facts["k"].addresses] == ["telegram", "mail"]


def test_a_buyer_without_a_record_is_known_by_their_id(connection: Connection) -> None:
    queue(connection, "k", buyer="seller")
    assert facts_of(connection)["k"].buyer == Buyer(id="seller")


def test_only_an_id_on_a_channel_is_an_address_there_and_not_a_chat(connection: Connection) -> None:
    save(connection, ann(), chat(channel="web", address="w2"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("web", "w1"): "ann"}))
    queue(connection, "k")
    assert [each.address for each in facts_of(connection)["k"].addresses] == ["w1"]


def test_what_a_buyer_heard_and_their_open_cases_count_but_not_for_an_answer(connection: Connection) -> None:
    save(connection, ann())
    case_records.open_case(connection, SHOP_ID, OpenCase(kind="human", key="c", reason="asked"), "ann", NOON)
    sent(connection, "old", at=NOON - HOUR)
    queue(connection, "k")
    facts = facts_of(connection)["k"]
    assert (facts.sent_in_day, facts.sent_in_day_until) == (1, NOON - HOUR + DAY)
    assert [case.key for case in facts.cases] == ["c"]
    connection.execute(update(tables.outbox).where(tables.outbox.c.key == "k").values(category="answer"))
    facts = facts_of(connection)["k"]
    assert (facts.sent_in_day, facts.sent_in_day_until, facts.cases) == (0, None, ())


def test_what_is_about_to_be_sent_does_not_count_yet_though_it_was_tried(connection: Connection) -> None:
    queue(connection, "k")
    connection.execute(update(tables.outbox).values(attempts=1))
    assert facts_of(connection)["k"].sent_in_day == 0


def test_a_guests_order_counts_by_itself_whatever_else_their_address_heard(connection: Connection) -> None:
    save(connection, ann(), bob(), order("1"), order("2"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("guest of web", "a@b.example"): "ann"}))
    for number, about in enumerate(("1", "2", "2", None)):
        sent(connection, f"old {number}", at=NOON - number * HOUR, order=about)
    queue(connection, "k", order="1")
    queue(connection, "l")
    facts = facts_of(connection)
    assert (facts["k"].sent_in_day, facts["k"].sent_in_day_until) == (1, NOON + DAY)
    assert facts["l"].sent_in_day == 1

    ask(connection, SHOP_ID, buyer_records.add_identities({("web", "7"): "ann"}))
    facts = facts_of(connection)
    assert [facts[key].sent_in_day for key in "kl"] == [4, 4]


def test_offers_are_counted_for_a_week(connection: Connection) -> None:
    sent(connection, "old", at=NOON - 2 * DAY, category="promotion")
    queue(connection, "k", category="promotion")
    facts = facts_of(connection)["k"]
    assert (facts.promotions_in_week, facts.promotions_in_week_until) == (1, NOON + 5 * DAY)


def test_an_offer_knows_all_orders_of_its_buyer(connection: Connection) -> None:
    save(connection, *(order(f"{number}") for number in range(25)), order("b", "bob"))
    queue(connection, "k", category="promotion")
    queue(connection, "l", buyer="bob")
    facts = facts_of(connection)
    assert (len(facts["k"].orders), facts["l"].orders) == (25, ())


def test_what_was_said_about_an_order_is_read_for_templates_that_look_back(connection: Connection) -> None:
    sent(connection, "old", order="1")
    queue(connection, "k", order="1")
    assert facts_of(connection)["k"].said == ()
    assert {said.key for said in facts_of(connection, "thanks")["k"].said} == {"old", "k"}


def test_a_second_contact_does_not_take_the_channel_of_the_first(connection: Connection) -> None:
    save(connection, ann(email="a@b.example", mailbox="a@b.example"), chat(last_in_at=NOON))
    sent(connection, "first")
    queue(connection, "k", unlike="first")
    queue(connection, "l", unlike="never sent")
    facts = facts_of(connection)
    assert [each.channel for each in facts["k"].addresses] == ["mail"]
    assert [each.channel for each in facts["l"].addresses] == ["telegram", "mail"]


def test_a_question_to_a_mailbox_is_judged_once_at_a_time_and_knows_whether_it_was_asked_before(
    connection: Connection,
) -> None:
    save(connection, ann(), bob())
    for key, buyer in (("thanks:a@b.example:1", "ann"), ("thanks:a@b.example:2", "bob")):
        queue(connection, key, buyer=buyer, to="mailto:a@b.example")
    assert {key: of.asked_before for key, of in facts_of(connection).items()} == {
        "thanks:a@b.example:1": False
    }
    gone = {"state": "sent", "settled_at": NOON, "text": "x"}
    connection.execute(update(tables.outbox).where(tables.outbox.c.buyer == "ann").values(**gone))
    assert facts_of(connection)["thanks:a@b.example:2"].asked_before


# Whose address, and what it wants


def says_no(connection: Connection, *address: str, at: Any = NOON) -> None:
    kind, value = address
    wish = Wish(what="all", yes=False, at=at)
    record = WishRecord(address=(kind, value), wish=wish, channel=kind, event="e")
    ask(connection, SHOP_ID, wish_records.add([record], at))


def mailed(id: str, email: str, buyer: str = "ann") -> Any:
    contacts = Contacts(id=Told("7", NOON), name=Told("A.", NOON), email=Told(email, NOON))
    return order(id, buyer, contacts=contacts)


def test_each_order_is_told_to_its_own_contacts_whatever_its_buyer_has_elsewhere(
    connection: Connection,
) -> None:
    save(connection, ann(email="ann@b.example", mailbox="ann@b.example", name="Ann"))
    save(connection, mailed("1", "one@b.example"), mailed("2", "two@b.example"))
    queue(connection, "k", order="1")
    queue(connection, "l", order="2")
    queue(connection, "m")
    facts = facts_of(connection)
    found = {key: ([each.address for each in of.addresses], of.buyer.name) for key, of in facts.items()}
    assert found == {
        "k": (["one@b.example"], "A."),
        "l": (["two@b.example"], "A."),
        "m": (["ann@b.example"], "Ann"),
    }


def test_a_chat_hears_of_the_order_that_it_opened_and_of_no_other(connection: Connection) -> None:
    save(connection, ann(), bob(), chat("bob", last_in_at=NOON))
    save(connection, mailed("1", "one@b.example"), mailed("2", "two@b.example"))
    ask(connection, SHOP_ID, proof_records.add_openings({("1", ("telegram", "42"), ""): "digits"}, NOON))
    for key, about in (("k", "1"), ("l", "2"), ("m", None)):
        queue(connection, key, order=about)
    facts = facts_of(connection)
    found = {key: [each.address for each in of.addresses] for key, of in facts.items()}
    assert found == {"k": ["42", "one@b.example"], "l": ["two@b.example"], "m": []}


def test_a_stop_silences_the_address_that_it_is_about_and_no_other(connection: Connection) -> None:
    save(connection, ann(), mailed("1", "One@b.example"), mailed("2", "two@b.example"))
    says_no(connection, EMAIL, "one@b.example", at=NOON - HOUR)
    queue(connection, "k", order="1")
    queue(connection, "l", order="2")
    facts = facts_of(connection)
    assert (facts["k"].addresses, facts["k"].standing.stopped_at) == ((), NOON - HOUR)
    assert ([each.address for each in facts["l"].addresses], facts["l"].standing.stopped) == (
        ["two@b.example"],
        False,
    )


def test_a_mailbox_that_bounced_is_no_address_for_anybodys_order(connection: Connection) -> None:
    save(connection, ann(), mailed("1", "one@b.example"))
    save(connection, chat("bob", "one@b.example", "mail", blocked_at=NOON))
    queue(connection, "k", order="1")
    assert facts_of(connection)["k"].addresses == ()


def test_a_case_binds_the_messages_about_its_order_and_one_about_none_all_of_its_buyer(
    connection: Connection,
) -> None:
    save(connection, ann(), order("1"), order("2"))
    for key, about in (("one", "1"), ("the buyer's", None)):
        opened = OpenCase(kind="human", key=key, reason="asked", order=about)
        case_records.open_case(connection, SHOP_ID, opened, "ann", NOON)
    for key, about in (("k", "1"), ("l", "2"), ("m", None)):
        queue(connection, key, order=about)
    found = {key: [case.key for case in of.cases] for key, of in facts_of(connection).items()}
    assert found == {"k": ["one", "the buyer's"], "l": ["the buyer's"], "m": ["one", "the buyer's"]}


# What waits to be handled


@pytest.mark.parametrize(
    ("event", "waits"),
    [
        (completed("1"), True),
        (completed("2"), False),
        (wrote("hello"), True),
        (wrote("hello", address="43"), False),
        (BuyerOptedOut(channel="web", external_id="s", at=NOON, buyer=BuyerRef(id="9")), True),
    ],
    ids=["its order", "another order", "its buyer's chat", "another chat", "anybody's stop"],
)
def test_a_message_waits_while_an_event_about_it_is_not_handled(
    connection: Connection, event: Any, waits: bool
) -> None:
    save(connection, ann(), order("1"), order("2"), chat())
    queue(connection, "k", order="1")
    take(connection, event)
    assert set(facts_of(connection)) == (set() if waits else {"k"})


def test_a_message_waits_for_what_a_chat_that_opened_its_order_says(connection: Connection) -> None:
    save(connection, ann(), order("1"), order("2"))
    ask(connection, SHOP_ID, proof_records.add_openings({("1", ("telegram", "42"), ""): "link"}, NOON))
    queue(connection, "k", order="1")
    queue(connection, "l", order="2")
    take(connection, wrote("stop"))
    assert set(facts_of(connection)) == {"l"}


def test_an_order_whose_id_two_systems_share_waits_for_events_about_either(connection: Connection) -> None:
    save(connection, ann(), order("1@teas", own_id="1"))
    queue(connection, "k", order="1@teas")
    take(connection, completed("1"))
    assert facts_of(connection) == {}


def test_an_offer_waits_for_events_about_any_order_of_its_buyer(connection: Connection) -> None:
    save(connection, order("1"), order("2", "bob"))
    queue(connection, "k", category="promotion")
    queue(connection, "l", category="promotion", buyer="bob")
    queue(connection, "m")
    take(connection, completed("1"))
    assert set(facts_of(connection)) == {"l", "m"}


def test_an_event_of_a_neighbouring_shop_holds_nothing(connection: Connection) -> None:
    save(connection, bob())
    queue(connection, "k", order="1")
    take(connection, completed("1"), shop="teas")
    assert set(facts_of(connection)) == {"k"}
    assert rows(connection, tables.inbox, "shop", shop="teas") == [("teas",)]


# Kept


def kept(category: Any = "service", **fields: Any) -> dict[str, Any]:
    due = DueMessage(key="k", template="t", category=category, due_at=NOON, created_at=NOON, lateness=HOUR)
    shop = Shop(
        name="Mug House",
        timezone="Asia/Shanghai",
        quiet_hours=QuietHours(start=time(22), end=time(8, 30)),
        limits=Limits(per_day=4, promotions_per_week=2),
    )
    known = {
        "shop": shop,
        "buyer": Buyer(id="ann"),
        "standing": Standing(agrees=True, agrees_at=NOON),
        "addresses": (Address(channel="web", address="w1", buyer_id="w1"),),
        **fields,
    }
    return snapshot(due, Facts(**known), NOON)


ANSWER = {
    "at": NOON,
    "local_time": "12:00",
    "timezone": "Asia/Shanghai",
    "order": None,
    "stopped": False,
    "human_until": None,
    "takeover": 7200,
    "ways": ["web"],
}
LIMITS = {
    "agrees": True,
    "open_cases": [3],
    "sent_in_day": 1,
    "per_day": 4,
    "promotions_in_week": 2,
    "promotions_per_week": 2,
    "quiet_hours": ["22:00", "08:30"],
}


def test_beside_a_decision_stand_the_facts_and_the_limits_of_that_time() -> None:
    case = Case(number=3, kind="human", key="c", reason="asked", opened_at=NOON)
    assert kept(cases=(case,), sent_in_day=1, promotions_in_week=2) == {**ANSWER, **LIMITS}


def test_beside_an_answer_stand_no_limits() -> None:
    assert kept(category="answer") == ANSWER


def test_the_buyers_own_clock_and_the_longest_takeover_are_kept() -> None:
    chats = (chat(human_until=NOON), chat(human_until=NOON + MINUTE), chat())
    buyer, stopped = Buyer(id="ann", timezone="Asia/Kathmandu"), Standing(stopped_at=NOON)
    facts = kept(category="answer", conversations=chats, buyer=buyer, standing=stopped)
    assert (facts["local_time"], facts["timezone"]) == ("09:45", "Asia/Kathmandu")
    assert (facts["human_until"], facts["stopped"]) == (NOON + MINUTE, True)


def test_of_an_order_what_decided_about_the_message_is_kept() -> None:
    facts = kept(
        order=order("1", number="A1", total=Money(100, "CNY"), all_delivered_at=NOON, cancelled_at=NOON)
    )
    assert facts["order"] == {
        "number": "A1",
        "state": "cancelled",
        "on_delivery": False,
        "paid_at": None,
        "cancelled_at": NOON,
        "refunded_minor": 0,
        "delivered_at": NOON,
        "total_minor": 100,
        "paid_minor": 0,
        "currency": "CNY",
    }
    assert timedelta(seconds=facts["takeover"]) == SHOP.takeover

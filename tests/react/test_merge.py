"""The facts of an event in the records, whatever its handler makes of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from bot.domain.actions import OpenCase
from bot.domain.events import (
    OWN_LINK,
    AgentReplied,
    BuyerOptedOut,
    BuyerRef,
    BuyerUpdated,
    CaseSettled,
    ItemRestocked,
    MessageStatusChanged,
    OrderCompleted,
    TimeCame,
)
from bot.react.merge import ECHO, Subject, merge_event
from bot.react.unit_of_work import UnitOfWork
from storage import buyer_records, case_records, tables
from storage.outbox import message_name
from tests.one_shop import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SHOP,
    SHOP_ID,
    ann,
    chat,
    order,
    placed,
    queue,
    rows,
    save,
    work_of,
    wrote,
)

TAKEOVER = SHOP.takeover
SECOND = timedelta(seconds=1)


def replied(text: str, at: datetime = NOON, message_id: str = "m") -> AgentReplied:
    return AgentReplied(
        channel="telegram", external_id=text, at=at, conversation="42", message_id=message_id, text=text
    )


def status(what: str, at: datetime = NOON, address: str = "42") -> MessageStatusChanged:
    return MessageStatusChanged(
        channel="telegram", external_id=what, at=at, conversation=address, message_id="m", status=what
    )


def merged(connection: Connection, event: Any, now: datetime = NOON) -> tuple[UnitOfWork, Subject]:
    work, who = work_of(connection, event, now=now)
    return work, merge_event(work, who, event)


# Orders


def test_an_orders_fact_is_merged_and_its_buyer_found(connection: Connection) -> None:
    work, subject = merged(connection, placed("1", id="7", name="Ann"))
    assert subject.order == work.orders["1"]
    assert (subject.order and subject.order.state, subject.chat) == ("unpaid", None)
    assert subject.buyer == work.owners["web", "7"]
    assert subject.order is not None
    assert subject.order.buyer == subject.buyer


def test_the_buyer_an_order_was_first_seen_with_stays_its_buyer(connection: Connection) -> None:
    save(connection, ann(), order("1"))
    work, subject = merged(connection, placed("1", id="7"))
    assert (subject.buyer, work.orders["1"].buyer) == ("ann", "ann")
    assert work.owners["web", "7"] != "ann"


def test_a_fact_without_a_buyer_leaves_the_order_with_its_own(connection: Connection) -> None:
    save(connection, ann(), order("1"))
    fact = OrderCompleted(channel="web", external_id="c", at=NOON, order="1")
    work, subject = merged(connection, fact)
    assert (subject.buyer, work.orders["1"].completed_at) == ("ann", NOON)
    work.write()
    assert rows(connection, tables.orders, "state") == [("completed",)]
    assert (
        merged(connection, OrderCompleted(channel="web", external_id="c", at=NOON, order="2"))[1].buyer
        is None
    )


def test_a_deadline_is_about_its_order_and_that_orders_buyer(connection: Connection) -> None:
    save(connection, ann(), order("1"))
    due = TimeCame(channel="clock", external_id="w", at=NOON, what="x", about="1", order="1")
    assert merged(connection, due)[1] == Subject(buyer="ann", order=order("1"))
    gone = TimeCame(channel="clock", external_id="w", at=NOON, what="x", about="2", order="2")
    assert merged(connection, gone)[1] == Subject()
    assert (
        merged(connection, TimeCame(channel="clock", external_id="w", at=NOON, what="x", about="b"))[1]
        == Subject()
    )


# Chats


def test_a_message_opens_a_chat_with_its_writer(connection: Connection) -> None:
    work, subject = merged(connection, wrote("hello", name="Ann"))
    assert subject.buyer == work.owners["telegram", "42"]
    assert subject.chat == chat(subject.buyer or "", last_in_at=NOON) == work.chat("telegram", "42")
    assert work.buyers[subject.buyer or ""].name == "Ann"


def test_a_writer_may_have_another_id_than_their_chat(connection: Connection) -> None:
    work, subject = merged(connection, wrote("hello", id="7"))
    assert set(work.owners) == {("telegram", "7")}
    assert subject.chat is not None
    assert subject.chat.address == "42"


def test_a_chat_is_as_old_as_its_newest_message_and_no_longer_blocked(connection: Connection) -> None:
    save(connection, ann(), chat(last_in_at=NOON, blocked_at=NOON, human_until=NOON, tries=3))
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "ann"})
    for at, newest in ((NOON - HOUR, NOON), (NOON + HOUR, NOON + HOUR)):
        _, subject = merged(connection, wrote("hello", at=at))
        assert subject.chat == chat(last_in_at=newest, human_until=NOON, tries=3)


def test_a_chat_belongs_to_whom_its_id_belongs_to_now(connection: Connection) -> None:
    save(connection, ann(), chat("bob"))
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "ann"})
    _, subject = merged(connection, wrote("hello"))
    assert subject.chat is not None
    assert subject.chat.buyer == "ann"


def test_a_chat_without_an_address_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match=r"^a chat without an address$"):
        merged(connection, wrote("hello", address=""))


# A person takes over


def test_a_persons_reply_silences_the_bot_from_its_own_time_on(connection: Connection) -> None:
    work, subject = merged(connection, replied("hello", NOON - HOUR))
    assert subject.chat is not None
    assert subject.chat.human_until == NOON - HOUR + TAKEOVER
    assert (subject.chat.last_in_at, work.chat("telegram", "42")) == (None, subject.chat)


def test_a_takeover_told_by_a_clock_that_runs_ahead_counts_from_our_now(connection: Connection) -> None:
    _, subject = merged(connection, replied("hello", NOON + DAY))
    assert subject.chat is not None
    assert subject.chat.human_until == NOON + TAKEOVER


def test_an_older_reply_does_not_shorten_a_takeover(connection: Connection) -> None:
    save(connection, chat(human_until=NOON + TAKEOVER, blocked_at=NOON))
    _, subject = merged(connection, replied("hello", NOON - HOUR))
    assert subject.chat is not None
    assert (subject.chat.human_until, subject.chat.blocked_at) == (NOON + TAKEOVER, NOON)


# Echoes of our own words


def said(connection: Connection, settled_at: datetime | None, receipt: str | None = None) -> int:
    """One message of ours to Ann, "Thank you."; returns its number."""
    save(connection, ann())
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "ann"})
    queue(connection, "thanks:1")
    connection.execute(
        update(tables.outbox).values(text="Thank you.", settled_at=settled_at, receipt=receipt)
    )
    ((id,),) = rows(connection, tables.outbox, "id")
    return int(id)


def takes_over(connection: Connection, event: AgentReplied, now: datetime = NOON) -> bool:
    _, subject = merged(connection, event, now)
    return subject.chat is not None and subject.chat.human_until is not None


def test_what_a_platform_repeats_of_our_own_words_is_no_takeover(connection: Connection) -> None:
    said(connection, settled_at=None)
    assert not takes_over(connection, replied(" Thank you. "))
    assert takes_over(connection, replied("Thank you, Ann."))


def test_our_own_words_are_told_by_the_id_we_or_the_platform_gave_them(connection: Connection) -> None:
    id = said(connection, settled_at=NOON - DAY, receipt="r")
    assert not takes_over(connection, replied("edited", message_id="r"))
    connection.execute(update(tables.outbox).values(settled_at=NOON))
    assert not takes_over(connection, replied("edited", message_id=message_name(SHOP_ID, id)))


@pytest.mark.parametrize(("ago", "echo"), [(ECHO - SECOND, True), (ECHO, False), (ECHO + SECOND, False)])
def test_an_echo_takes_a_quarter_of_an_hour_at_most(
    connection: Connection, ago: timedelta, echo: bool
) -> None:
    assert timedelta(minutes=15) == ECHO
    said(connection, settled_at=NOON - ago)
    assert takes_over(connection, replied("Thank you.")) is not echo
    # by our clock, should the platform's run ahead, and by the platform's where it is late
    assert takes_over(connection, replied("Thank you.", NOON + DAY)) is not echo
    assert takes_over(connection, replied("Thank you.", NOON), now=NOON + DAY) is not echo


def test_what_was_said_to_another_buyer_is_no_echo(connection: Connection) -> None:
    said(connection, settled_at=None)
    connection.execute(update(tables.outbox).values(buyer="bob"))
    assert takes_over(connection, replied("Thank you."))


# What becomes of our messages


def test_a_blocked_chat_is_noted_with_its_newest_time(connection: Connection) -> None:
    save(connection, chat())
    assert merged(connection, status("blocked"))[1] == Subject(buyer="ann", chat=chat(blocked_at=NOON))
    save(connection, chat(blocked_at=NOON + HOUR))
    work, _ = merged(connection, status("blocked"))
    assert work.chat("telegram", "42") == chat(blocked_at=NOON + HOUR)


def test_an_unblocked_chat_is_open_again(connection: Connection) -> None:
    save(connection, chat(blocked_at=NOON))
    work, subject = merged(connection, status("unblocked"))
    assert subject.chat == chat() == work.chat("telegram", "42")


@pytest.mark.parametrize("what", ["delivered", "read", "failed"])
def test_any_other_status_changes_nothing(connection: Connection, what: str) -> None:
    save(connection, chat(blocked_at=NOON))
    assert merged(connection, status(what, NOON + HOUR))[1].chat == chat(blocked_at=NOON)
    assert merged(connection, status(what, address="43"))[1] == Subject()


# Buyers


def test_a_buyers_file_is_shown(connection: Connection) -> None:
    event = BuyerUpdated(
        channel="web", external_id="u", at=NOON, buyer=BuyerRef(id="7", name="Ann", agrees=True)
    )
    work, subject = merged(connection, event)
    assert subject == Subject(buyer=work.owners["web", "7"])
    buyer = work.buyers[subject.buyer or ""]
    assert (buyer.name, buyer.agrees, buyer.stopped) == ("Ann", True, False)


def test_who_opts_out_on_a_platform_is_stopped(connection: Connection) -> None:
    event = BuyerOptedOut(channel="web", external_id="u", at=NOON, buyer=BuyerRef(id="7"))
    work, subject = merged(connection, event)
    assert work.buyers[subject.buyer or ""].stopped_at == NOON
    nobody = BuyerOptedOut(channel="web", external_id="u", at=NOON, buyer=BuyerRef())
    assert merged(connection, nobody)[1] == Subject()


def test_a_stop_by_our_own_link_names_our_own_record(connection: Connection) -> None:
    save(connection, ann())
    stop = BuyerOptedOut(channel=OWN_LINK, external_id="u", at=NOON, buyer=BuyerRef(id="ann"))
    work, subject = merged(connection, stop)
    assert (subject, work.buyers["ann"].stopped_at) == (Subject(buyer="ann"), NOON)
    work, subject = merged(
        connection,
        BuyerOptedOut(channel=OWN_LINK, external_id="u", at=NOON, buyer=BuyerRef(email="a@b.example")),
    )
    assert work.buyers[subject.buyer or ""].stopped_at == NOON


def test_a_stop_by_our_own_link_makes_nobody(connection: Connection) -> None:
    stop = BuyerOptedOut(channel=OWN_LINK, external_id="u", at=NOON, buyer=BuyerRef(id="ann"))
    work, subject = merged(connection, stop)
    assert (subject, work.buyers) == (Subject(), {})


# Cases and the rest


def test_a_case_that_the_seller_settled_is_closed(connection: Connection) -> None:
    for key in ("a", "b"):
        case_records.open_case(
            connection, SHOP_ID, OpenCase(kind="human", key=key, reason="asked"), None, NOON
        )
    event = CaseSettled(channel="seller", external_id="s", at=NOON, case=2)
    _, subject = merged(connection, event, now=NOON + MINUTE)
    assert subject == Subject()
    assert rows(connection, tables.cases, "key", "closed_at") == [("a", None), ("b", NOON + MINUTE)]


def test_what_is_about_nobody_changes_nothing(connection: Connection) -> None:
    work, subject = merged(connection, ItemRestocked(channel="web", external_id="i", at=NOON, sku="MUG-1"))
    assert (subject, work.buyers, work.orders) == (Subject(), {}, {})

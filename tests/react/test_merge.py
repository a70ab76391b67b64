"""The facts of an event in the records, whatever its handler makes of it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, update

from bot.domain.actions import OpenCase
from bot.domain.contacts import Contacts, Told
from bot.domain.events import (
    OWN_LINK,
    AgentReplied,
    BuyerOptedOut,
    BuyerRef,
    BuyerUpdated,
    CaseSettled,
    ItemRestocked,
    MessageStatusChanged,
    OffersConfirmed,
    OrderCompleted,
    PaymentReceived,
    TimeCame,
)
from bot.domain.wishes import Standing, standing
from bot.react.merge import ECHO, Subject, merge_event
from bot.react.unit_of_work import TakenBack, UnitOfWork
from bot.react.wishes import Wishes
from storage import buyer_records, case_records, mixed_files, tables
from storage.asking import ask
from storage.outbox import message_name
from tests.one_shop import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SHOP,
    SHOP_ID,
    amend,
    ann,
    bob,
    chat,
    chat_in,
    order,
    placed,
    queue,
    rows,
    save,
    take,
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
    return work, merge_event(work, who, Wishes(work), event)


def kept(work: UnitOfWork) -> None:
    work.unit.ask(work.write())


def holds(work: UnitOfWork, kind: str, value: str) -> Standing:
    return standing(work.wishes[kind, value])


# Orders


def test_an_orders_fact_is_merged_and_its_buyer_found(connection: Connection) -> None:
    work, subject = merged(connection, placed("1", id="7", name="Ann"))
    assert subject.order == work.orders["1"]
    assert (subject.order and subject.order.state, subject.chat) == ("unpaid", None)
    assert subject.buyer == work.owner(("web", "7"))
    assert subject.order is not None
    assert subject.order.buyer == subject.buyer


@pytest.mark.parametrize("later_first", [False, True])
def test_the_buyer_of_an_order_is_whom_its_newest_showing_names(
    connection: Connection, later_first: bool
) -> None:
    showings = [placed("1", id="7"), msgspec.structs.replace(placed("1", id="8"), at=NOON + HOUR)]
    work, who = work_of(connection, *showings)
    for event in reversed(showings) if later_first else showings:
        merge_event(work, who, Wishes(work), event)
    assert work.orders["1"].buyer == work.owner(("web", "8")) != work.owner(("web", "7"))


@pytest.mark.parametrize("names", [("7", "8"), ("8", "7")])
def test_of_two_showings_at_one_time_the_content_decides(
    connection: Connection, names: tuple[str, str]
) -> None:
    showings = [placed("1", id=id) for id in names]
    work, who = work_of(connection, *showings)
    for event in showings:
        merge_event(work, who, Wishes(work), event)
    assert work.orders["1"].buyer == work.owner(("web", "8"))


def test_another_systems_word_of_the_buyer_does_not_count_for_an_order_that_it_did_not_place(
    connection: Connection,
) -> None:
    work, _ = merged(connection, placed("1", id="7", email="ann@example.com"))
    work.unit.ask(work.write())
    told = PaymentReceived(channel="courier", external_id="p", at=NOON + HOUR, order="1")
    work, subject = merged(connection, told)
    assert subject.order is not None
    assert (subject.order.channel, subject.buyer) == ("web", work.owner(("web", "7")))
    assert subject.order.contacts is not None
    assert subject.order.contacts.known("email") == "ann@example.com"


def test_the_system_that_places_an_order_takes_it_from_the_one_that_spoke_of_it_first(
    connection: Connection,
) -> None:
    early = OrderCompleted(channel="courier", external_id="c", at=NOON, order="1")
    work, who = work_of(connection, early, placed("1", id="7"))
    for event in (early, placed("1", id="7")):
        subject = merge_event(work, who, Wishes(work), event)
    assert list(work.orders) == ["1"]
    assert (work.orders["1"].channel, work.orders["1"].completed_at) == ("web", NOON)
    assert subject.buyer == work.owner(("web", "7"))


def merged_in_turn(connection: Connection, *told: Any) -> UnitOfWork:
    take(connection, *told)
    work, who = work_of(connection, *told)
    for (id,), event in zip(sorted(rows(connection, tables.inbox, "id")), told, strict=True):
        work.begin(id, NOON)
        merge_event(work, who, Wishes(work), event)
    return work


def test_what_a_channel_told_before_it_placed_an_order_of_that_id_is_its_own_orders(
    connection: Connection,
) -> None:
    work = merged_in_turn(
        connection,
        placed("1", channel="import", id="ann"),
        PaymentReceived(channel="web", external_id="p", at=NOON, order="1", payment="p"),
        OrderCompleted(channel="import", external_id="c", at=NOON, order="1"),
        placed("1", at=NOON + MINUTE, id="bob"),
        OrderCompleted(channel="web", external_id="c", at=NOON + HOUR, order="1"),
    )
    theirs, own = work.orders["1"], work.orders["1@web"]
    assert (theirs.channel, theirs.paid_at, theirs.completed_at) == ("import", None, NOON)
    assert (own.channel, own.paid_at, own.completed_at) == ("web", None, NOON + HOUR)
    assert [theirs.buyer, own.buyer] == [work.owner(("import", "ann")), work.owner(("web", "bob"))]
    ids = sorted(id for (id,) in rows(connection, tables.inbox, "id"))
    assert work.taken_back == [TakenBack(order="1", channel="web", handled={ids[1]: NOON})]


def test_an_order_that_a_channel_places_takes_nothing_from_orders_of_other_ids(
    connection: Connection,
) -> None:
    work = merged_in_turn(
        connection,
        placed("1", channel="import", id="ann"),
        PaymentReceived(channel="web", external_id="p", at=NOON, order="1", payment="p"),
        placed("2", id="bob"),
        OrderCompleted(channel="web", external_id="c", at=NOON + HOUR, order="1"),
    )
    assert set(work.orders) == {"1", "2"}
    assert (work.orders["1"].paid_at, work.orders["1"].completed_at) == (NOON, NOON + HOUR)
    assert work.taken_back == []


def test_a_record_whose_beginning_is_archived_stays_as_it_is(connection: Connection) -> None:
    save(connection, ann(), order("1", channel="import", placed_at=NOON))
    work = merged_in_turn(
        connection,
        PaymentReceived(channel="web", external_id="p", at=NOON, order="1", payment="p"),
        placed("1", id="bob"),
    )
    assert work.orders["1"].paid_at == NOON
    assert [each.order for each in work.taken_back] == ["1"]


def test_a_fact_without_a_buyer_leaves_the_order_with_its_own(connection: Connection) -> None:
    save(connection, ann(), order("1"))
    fact = OrderCompleted(channel="web", external_id="c", at=NOON, order="1")
    work, subject = merged(connection, fact)
    assert (subject.buyer, work.orders["1"].completed_at) == ("ann", NOON)
    work.unit.ask(work.write())
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
    assert subject.buyer == work.owner(("telegram", "42"))
    assert subject.chat == chat(subject.buyer or "", last_in_at=NOON) == work.chat("telegram", "42")
    assert work.buyers[subject.buyer or ""].name == "Ann"


def test_a_writer_may_have_another_id_than_their_chat(connection: Connection) -> None:
    work, subject = merged(connection, wrote("hello", id="7"))
    assert subject.buyer == work.owner(("telegram", "7"))
    assert work.owner(("telegram", "42")) is None
    assert subject.chat is not None
    assert subject.chat.address == "42"


def test_a_chat_is_as_old_as_its_newest_message_and_open_again_after_a_block(connection: Connection) -> None:
    before = chat(last_in_at=NOON - MINUTE, blocked_at=NOON, human_until=NOON, tries=3)
    save(connection, ann(), before)
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    for at, newest, blocked in ((NOON - HOUR, NOON - MINUTE, True), (NOON + HOUR, NOON + HOUR, False)):
        _, subject = merged(connection, wrote("hello", at=at), now=NOON + HOUR)
        assert subject.chat == msgspec.structs.replace(before, last_in_at=newest)
        assert subject.chat.blocked is blocked


def test_a_chat_belongs_to_whom_its_id_belongs_to_now(connection: Connection) -> None:
    save(connection, ann(), chat("bob"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    _, subject = merged(connection, wrote("hello"))
    assert subject.chat is not None
    assert subject.chat.buyer == "ann"


def test_a_chat_without_an_address_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match=r"^a chat without an address$"):
        merged(connection, wrote("hello", address=""))


def test_a_message_opens_the_orders_of_contacts_that_the_shops_system_has_proved_and_no_others(
    connection: Connection,
) -> None:
    save(connection, order("1", contacts=Contacts(email=Told("ann@example.com", NOON))), order("2"))
    for verified, opened in ((False, []), (True, ["1"])):
        work, subject = merged(connection, wrote("hi", email="Ann@example.com", verified=verified))
        assert [each.id for each in work.orders_seen_by(subject.buyer, subject.chat)] == opened


# A person takes over


def test_a_persons_reply_silences_the_bot_from_its_own_time_on(connection: Connection) -> None:
    work, subject = merged(connection, replied("hello", NOON - HOUR))
    assert subject.chat is not None
    assert subject.chat.human_until == NOON - HOUR + TAKEOVER
    assert (subject.chat.last_in_at, work.chat("telegram", "42")) == (None, subject.chat)


def test_a_block_told_by_a_clock_that_runs_ahead_ends_with_their_next_words(connection: Connection) -> None:
    save(connection, ann(), chat())
    kept(merged(connection, status("blocked", NOON + 30 * DAY))[0])
    assert chat_in(connection).blocked
    kept(merged(connection, wrote("hello", NOON + HOUR), now=NOON + HOUR)[0])
    assert not chat_in(connection).blocked


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
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
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


@pytest.mark.parametrize("late", [False, True])
def test_a_chat_is_open_or_blocked_by_the_newest_word_whichever_comes_last(
    connection: Connection, late: bool
) -> None:
    save(connection, chat())
    events = [status("blocked"), status("unblocked", NOON + HOUR)]
    work, who = work_of(connection, *events, now=NOON + HOUR)
    for event in reversed(events) if late else events:
        subject = merge_event(work, who, Wishes(work), event)
    assert subject.chat == chat(blocked_at=NOON, unblocked_at=NOON + HOUR) == work.chat("telegram", "42")
    assert subject.chat is not None
    assert subject.chat.blocked is False


@pytest.mark.parametrize("what", ["delivered", "read", "failed"])
def test_any_other_status_changes_nothing(connection: Connection, what: str) -> None:
    save(connection, chat(blocked_at=NOON))
    assert merged(connection, status(what, NOON + HOUR))[1].chat == chat(blocked_at=NOON)
    assert merged(connection, status(what, address="43"))[1] == Subject()


# Buyers


def test_a_buyers_file_is_shown_and_their_yes_to_offers_is_kept_by_address(connection: Connection) -> None:
    ref = BuyerRef(id="7", name="Ann", email="Ann@b.example", phone="1", agrees=True)
    work, subject = merged(connection, BuyerUpdated(channel="web", external_id="u", at=NOON, buyer=ref))
    assert subject == Subject(buyer=work.owner(("web", "7")))
    assert work.buyers[subject.buyer or ""].name == "Ann"
    addresses = (("web", "7"), ("email", "ann@b.example"), ("phone", "1"))
    assert {holds(work, *address).agrees for address in addresses} == {True}


def test_who_opts_out_on_a_platform_is_stopped_at_the_addresses_that_it_names(
    connection: Connection,
) -> None:
    ref = BuyerRef(id="7", email="ann@b.example")
    event = BuyerOptedOut(channel="web", external_id="u", at=NOON, buyer=ref)
    work, subject = merged(connection, event)
    assert subject.buyer == work.owner(("web", "7"))
    assert holds(work, "web", "7").stopped_at == holds(work, "email", "ann@b.example").stopped_at == NOON
    nobody = BuyerOptedOut(channel="web", external_id="u", at=NOON, buyer=BuyerRef())
    work, subject = merged(connection, nobody)
    assert (subject, dict(work.wishes)) == (Subject(), {})


def test_no_offers_is_the_smaller_wish(connection: Connection) -> None:
    ref = BuyerRef(id="7")
    event = BuyerOptedOut(channel="web", external_id="u", at=NOON, buyer=ref, offers=True)
    work, _ = merged(connection, event)
    assert (holds(work, "web", "7").stopped, holds(work, "web", "7").agrees) == (False, False)


def test_a_stop_by_a_link_is_about_the_address_that_the_link_was_sent_to(connection: Connection) -> None:
    save(connection, ann(email="ann@b.example"))
    stop = BuyerOptedOut(
        channel=OWN_LINK, external_id="u", at=NOON, buyer=BuyerRef(), address=("email", "other@b.example")
    )
    work, subject = merged(connection, stop)
    assert (subject, work.buyers) == (Subject(), {})
    assert holds(work, "email", "other@b.example").stopped_at == NOON
    assert set(work.wishes) == {("email", "other@b.example")}


def test_a_stop_by_an_older_link_is_about_every_address_of_the_buyer_that_it_names(
    connection: Connection,
) -> None:
    save(connection, ann(email="Ann@b.example"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("web", "7"): "ann", ("web", "8"): "bob"}))
    stop = BuyerOptedOut(channel=OWN_LINK, external_id="u", at=NOON, buyer=BuyerRef(id="ann"))
    work, _ = merged(connection, stop)
    stopped = {key for key in work.wishes if holds(work, *key).stopped}
    assert stopped == {("web", "7"), ("email", "ann@b.example")}


def stopped_by_an_older_link(
    connection: Connection, id: str
) -> dict[tuple[str, str], tuple[bool, bool | None]]:
    """What is stopped, and whether offers are still wanted there."""
    stop = BuyerOptedOut(channel=OWN_LINK, external_id="u", at=NOON, buyer=BuyerRef(id=id))
    work, _ = merged(connection, stop)
    return {
        key: (holds(work, *key).stopped, holds(work, *key).agrees) for key in work.wishes if work.wishes[key]
    }


def mailed(connection: Connection, key: str, buyer: str, address: str, channel: str = "mail") -> None:
    queue(connection, key, buyer=buyer)
    amend(connection, key, channel=channel, address=address, state="sent", settled_at=NOON, text="hi")


def mixed_file(connection: Connection) -> None:
    """Ann's record, to which Bob's came because somebody typed Ann's phone."""
    save(connection, ann(email="shown@b.example"), bob())
    chats = {("web", "7"): "ann", ("telegram", "42"): "ann"}
    ask(connection, SHOP_ID, buyer_records.add_identities(chats))
    connection.execute(update(tables.buyers).where(tables.buyers.c.id == "ann").values(mixed=True))
    connection.execute(update(tables.buyers).where(tables.buyers.c.id == "bob").values(joined_to="ann"))


@pytest.mark.parametrize("parted", [False, True])
def test_an_older_link_of_a_mixed_record_stops_the_mailbox_that_it_was_sent_to(
    connection: Connection, parted: bool
) -> None:
    mixed_file(connection)
    if parted:
        mixed_files.unmark(connection, SHOP_ID, "ann")
    assert stopped_by_an_older_link(connection, "ann") == {("email", "shown@b.example"): (True, False)}
    mailed(connection, "1", "ann", "Ann@b.example")
    mailed(connection, "2", "ann", "42", "telegram")
    mailed(connection, "3", "bob", "bob@b.example")
    assert stopped_by_an_older_link(connection, "ann") == {("email", "ann@b.example"): (True, False)}
    assert stopped_by_an_older_link(connection, "bob") == {("email", "bob@b.example"): (True, False)}


def test_of_several_mailboxes_one_older_link_ends_the_offers_and_silences_none(
    connection: Connection,
) -> None:
    mixed_file(connection)
    mailed(connection, "1", "ann", "ann@b.example")
    mailed(connection, "2", "ann", "stranger@b.example")
    ended = (False, False)
    assert stopped_by_an_older_link(connection, "ann") == {
        ("email", "ann@b.example"): ended,
        ("email", "stranger@b.example"): ended,
    }


def test_a_stop_by_an_older_link_makes_nobody(connection: Connection) -> None:
    stop = BuyerOptedOut(channel=OWN_LINK, external_id="u", at=NOON, buyer=BuyerRef(id="ann"))
    work, subject = merged(connection, stop)
    assert (subject, work.buyers, dict(work.wishes)) == (Subject(), {}, {})


def test_offers_that_the_address_itself_confirmed_are_wanted_there(connection: Connection) -> None:
    event = OffersConfirmed(channel=OWN_LINK, external_id="o", at=NOON, address=("email", "ann@b.example"))
    work, subject = merged(connection, event)
    assert subject == Subject()
    assert holds(work, "email", "ann@b.example").agrees is True


# Cases and the rest


def test_a_case_that_the_seller_settled_is_closed(connection: Connection) -> None:
    for key in ("a", "b"):
        case_records.open_case(
            connection, SHOP_ID, OpenCase(kind="human", key=key, reason="asked"), None, NOON
        )
    event = CaseSettled(channel="seller", external_id="s", at=NOON, case=2)
    _, subject = merged(connection, event, now=NOON + MINUTE)
    assert subject.case
    assert (subject.case.key, subject.buyer) == ("b", None)
    assert rows(connection, tables.cases, "key", "closed_at") == [("a", None), ("b", NOON + MINUTE)]


def test_what_is_about_nobody_changes_nothing(connection: Connection) -> None:
    work, subject = merged(connection, ItemRestocked(channel="web", external_id="i", at=NOON, sku="MUG-1"))
    assert (subject, work.buyers, work.orders) == (Subject(), {}, {})

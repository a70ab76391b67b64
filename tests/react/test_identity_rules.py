"""The single rules of who is whom: references resolved, records joined, wishes and wrong tries noted."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from bot.domain.context import Conversation
from bot.domain.events import OWN_LINK, BuyerOptedOut, BuyerRef
from bot.react.identities import Identities
from bot.react.merge import merge_event
from bot.react.unit_of_work import UnitOfWork
from storage import buyer_records, tables
from tests.one_shop import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SHOP_ID,
    ann,
    bob,
    buyer_in,
    chat,
    order,
    queue,
    rows,
    save,
    work_of,
    wrote,
)

SECOND = timedelta(seconds=1)


def stop_by_link(buyer: str) -> BuyerOptedOut:
    return BuyerOptedOut(channel=OWN_LINK, external_id=f"stop:{buyer}", at=NOON, buyer=BuyerRef(id=buyer))


def identities(connection: Connection) -> set[tuple[str, str, str]]:
    return set(rows(connection, tables.identities, "kind", "value", "buyer"))


# References


def test_a_reference_to_nobody_makes_no_record(connection: Connection) -> None:
    work, who = work_of(connection)
    assert who.resolve("web", BuyerRef(name="Ann"), NOON) is None
    assert work.buyers == {}


def test_a_new_buyer_is_made_with_every_identity_of_the_reference(connection: Connection) -> None:
    work, who = work_of(connection)
    id = who.resolve("web", BuyerRef(id="7", email="Ann@example.com", phone="1", name="Ann"), NOON)
    assert id is not None
    work.write()
    assert (buyer_in(connection, id).name, buyer_in(connection, id).created_at) == ("Ann", NOON)
    assert work.cases[id] == ()
    assert identities(connection) == {("web", "7", id), ("email", "ann@example.com", id), ("phone", "1", id)}


def test_a_repeated_history_makes_the_same_records(connection: Connection) -> None:
    first, again = (work_of(connection)[1].resolve("web", BuyerRef(id="7"), NOON) for _ in range(2))
    other = work_of(connection)[1].resolve("web", BuyerRef(id="8"), NOON)
    elsewhere = work_of(connection)[1].resolve("shop", BuyerRef(id="7"), NOON)
    assert first == again
    assert len({first, other, elsewhere}) == 3
    assert first is not None
    assert len(first) == 20


def test_the_owner_of_an_identity_is_found_and_shown_what_is_new(connection: Connection) -> None:
    work, who = work_of(connection)
    id = who.resolve("web", BuyerRef(id="7", phone="1"), NOON)
    assert who.resolve("telegram", BuyerRef(id="42", phone="1", name="Ann"), NOON + HOUR) == id
    assert work.owners["telegram", "42"] == id
    assert id is not None
    assert (work.buyers[id].name, work.buyers[id].shown_at) == ("Ann", NOON + HOUR)


def test_a_new_id_on_a_platform_is_nobodys_who_has_another_id_there(connection: Connection) -> None:
    _, who = work_of(connection)
    mother = who.resolve("web", BuyerRef(id="7", phone="1"), NOON)
    daughter = who.resolve("web", BuyerRef(id="8", phone="1"), NOON)
    assert daughter != mother
    assert who.resolve("web", BuyerRef(id="8", phone="1"), NOON) == daughter
    assert who.resolve("web", BuyerRef(phone="1"), NOON) == mother


def test_a_reference_that_names_two_records_joins_them(connection: Connection) -> None:
    work, who = work_of(connection)
    elder = who.resolve("web", BuyerRef(id="7"), NOON)
    younger = who.resolve("telegram", BuyerRef(id="42", phone="1"), NOON + HOUR)
    assert who.resolve("web", BuyerRef(id="7", phone="1"), NOON + HOUR) == elder
    assert younger is not None
    assert work.present(younger) == elder
    work.write()
    assert {buyer for _, _, buyer in identities(connection)} == {elder}


# Joins


def two_records(connection: Connection) -> tuple[UnitOfWork, Identities]:
    work, who = work_of(connection)
    work.put_buyer(ann())
    work.put_buyer(bob())
    return work, who


def test_the_elder_record_is_kept_whichever_is_named_first(connection: Connection) -> None:
    for names in (("ann", "bob"), ("bob", "ann")):
        work, who = two_records(connection)
        assert who.join(*names).id == "ann"
        assert (set(work.buyers), work.present("bob")) == ({"ann"}, "ann")


def test_of_two_records_of_one_age_the_smaller_id_is_kept(connection: Connection) -> None:
    for names in (("ann", "bob"), ("bob", "ann")):
        work, who = work_of(connection)
        work.put_buyer(bob(created_at=NOON))
        work.put_buyer(ann())
        assert who.join(*names).id == "ann"


def test_a_record_joined_with_itself_stays_as_it_is(connection: Connection) -> None:
    work, who = two_records(connection)
    assert who.join("ann", "ann") == ann()
    assert set(work.buyers) == {"ann", "bob"}


def test_two_ids_on_one_platform_are_two_people_whatever_they_share(connection: Connection) -> None:
    work, who = two_records(connection)
    work.put_owner(("web", "7"), "ann")
    work.put_owner(("web", "8"), "bob")
    assert who.join("ann", "bob").id == "ann"
    assert who.join("bob", "ann").id == "bob"
    assert set(work.buyers) == {"ann", "bob"}


@pytest.mark.parametrize("kind", ["email", "phone"])
def test_two_mail_addresses_or_phones_may_be_one_persons(connection: Connection, kind: str) -> None:
    work, who = two_records(connection)
    work.put_owner((kind, "1"), "ann")
    work.put_owner((kind, "2"), "bob")
    work.put_owner(("telegram", "42"), "ann")
    work.put_owner(("web", "7"), "bob")
    who.join("ann", "bob")
    assert set(work.buyers) == {"ann"}


@pytest.mark.parametrize(("anns", "bobs", "agrees"), [(True, False, False), (False, True, True)])
def test_after_a_join_the_newer_word_on_consent_wins(
    connection: Connection, anns: bool, bobs: bool, agrees: bool
) -> None:
    work, who = two_records(connection)
    who.consent("ann", anns, NOON)
    who.consent("bob", bobs, NOON + HOUR)
    who.join("ann", "bob")
    work.write()
    assert buyer_in(connection, "ann").agrees is agrees


def test_after_a_join_of_yes_and_no_at_one_time_no_wins(connection: Connection) -> None:
    for anns, bobs in ((True, False), (False, True)):
        work, who = two_records(connection)
        who.consent("ann", anns, NOON)
        who.consent("bob", bobs, NOON)
        assert who.join("ann", "bob").agrees is False
        assert work.buyers["ann"].agrees is False


def test_everything_in_the_tables_follows_a_join(connection: Connection) -> None:
    work, who = two_records(connection)
    work.put_order(order("1", "bob"))
    work.put_chat(chat("bob"))
    work.put_owner(("telegram", "42"), "bob")
    work.write()
    queue(connection, "hello:1", buyer="bob")
    who.join("ann", "bob")
    for table in (tables.orders, tables.conversations, tables.identities, tables.outbox):
        assert rows(connection, table, "buyer") == [("ann",)]
    assert buyer_records.present_id(connection, SHOP_ID, "bob") == "ann"


def test_an_offer_that_waits_for_both_records_is_made_once(connection: Connection) -> None:
    _, who = two_records(connection)
    queue(connection, "sale:ann", category="promotion", rule="promotions.sale")
    queue(connection, "sale:bob", buyer="bob", category="promotion", rule="promotions.sale")
    who.join("ann", "bob")
    found = rows(connection, tables.outbox, "key", "state", "settled_at")
    assert found == [("sale:ann", "queued", None), ("sale:bob", "withdrawn", NOON)]


# Joins by an order that a chat proved


def proved(connection: Connection, owner: str | None = "ann") -> tuple[UnitOfWork, Identities, Conversation]:
    """Bob's chat, in which he tried twice to prove the order of another."""
    save(connection, ann(), bob(), order("1", owner), chat("bob", tries=2, tries_since=NOON))
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "42"): "bob"})
    work, who = work_of(connection, wrote("1"))
    found = work.chat("telegram", "42")
    assert found is not None
    return work, who, found


def test_a_chat_that_proves_an_order_joins_its_buyer_and_its_wrong_tries_are_forgotten(
    connection: Connection,
) -> None:
    work, who, talking = proved(connection)
    joined = who.join_by_order("1", talking)
    assert joined is not None
    buyer, moved = joined
    assert (buyer.id, moved.buyer, moved.tries) == ("ann", "ann", 0)
    assert work.chat("telegram", "42") == moved
    work.write()
    assert rows(connection, tables.conversations, "buyer", "tries") == [("ann", 0)]


def test_an_order_of_nobody_or_of_oneself_or_that_is_not_there_joins_nobody(connection: Connection) -> None:
    for owner in (None, "bob"):
        work, who, talking = proved(connection, owner)
        assert who.join_by_order("1", talking) is None
        assert (work.chat("telegram", "42"), who.join_by_order("2", talking)) == (talking, None)


def test_a_chat_of_a_person_whom_the_platform_tells_apart_does_not_move(connection: Connection) -> None:
    work, who, talking = proved(connection)
    buyer_records.add_identities(connection, SHOP_ID, {("telegram", "43"): "ann"})
    assert who.join_by_order("1", talking) is None
    assert work.chat("telegram", "42") == talking
    assert set(work.buyers) == {"ann", "bob"}


# Wishes


def test_stop_resume_and_consent_are_noted_with_their_time(connection: Connection) -> None:
    work, who = two_records(connection)
    who.consent("ann", True, NOON)
    assert (work.buyers["ann"].agrees, work.buyers["ann"].agrees_at) == (True, NOON)
    who.stop("ann", NOON + HOUR)
    assert (work.buyers["ann"].stopped_at, work.buyers["ann"].agrees) == (NOON + HOUR, False)
    who.resume("ann", NOON + 2 * HOUR)
    assert work.buyers["ann"].resumed_at == NOON + 2 * HOUR
    assert work.buyers["bob"] == bob()


def test_a_stop_by_an_old_link_reaches_the_record_that_stands_for_it_today(connection: Connection) -> None:
    save(connection, ann(), bob())
    buyer_records.move_all(connection, SHOP_ID, "ann", "bob")
    links = [stop_by_link("bob"), stop_by_link("nobody")]
    work, who = work_of(connection, *links)
    assert [merge_event(work, who, link).buyer for link in links] == ["ann", None]
    assert work.buyers["ann"].stopped_at == NOON


def test_a_stop_by_link_does_not_undo_what_the_batch_knows_of_the_buyer(connection: Connection) -> None:
    save(connection, ann())
    link = stop_by_link("ann")
    work, who = work_of(connection, link)
    work.put_buyer(ann(name="Ann"))
    assert merge_event(work, who, link).buyer == "ann"
    assert (work.buyers["ann"].name, work.buyers["ann"].stopped_at) == ("Ann", NOON)


# Wrong tries


def tries_after(connection: Connection, tries: int, since: timedelta | None) -> tuple[int, object]:
    """How many are counted, and since when, after one more at noon; since: how long ago the first one was."""
    before = chat("bob", tries=tries, tries_since=NOON - since if since is not None else None)
    save(connection, bob(), before)
    work, who = work_of(connection, wrote("x"))
    who.count_try(before)
    found = work.chat("telegram", "42")
    assert found is not None
    return found.tries, found.tries_since


@pytest.mark.parametrize("since", [timedelta(0), MINUTE, DAY - SECOND, DAY])
def test_wrong_tries_add_up_for_a_day_after_the_first(connection: Connection, since: timedelta) -> None:
    assert tries_after(connection, 4, since) == (5, NOON - since)


@pytest.mark.parametrize("since", [DAY + SECOND, 2 * DAY, 9 * DAY])
def test_more_than_a_day_after_the_first_wrong_tries_are_counted_anew(
    connection: Connection, since: timedelta
) -> None:
    assert tries_after(connection, 4, since) == (1, NOON)


def test_the_first_wrong_try_begins_the_day(connection: Connection) -> None:
    assert tries_after(connection, 0, None) == (1, NOON)


def test_a_wrong_try_changes_nothing_else_of_the_chat(connection: Connection) -> None:
    save(connection, bob(), chat("bob", human_until=NOON + HOUR))
    work, who = work_of(connection, wrote("x"))
    who.count_try(chat("bob"))  # as the handler saw it; the batch knows more by now
    assert work.chat("telegram", "42") == chat("bob", human_until=NOON + HOUR, tries=1, tries_since=NOON)

"""What a chat may open: one order by its digits, a mailbox's by a link that was sent there; tries counted."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.domain.actions import CountTry, OpenCase, OpenOrder
from bot.domain.contacts import Contacts, Told
from bot.domain.context import Conversation
from bot.domain.orders import Order
from bot.domain.signed_tokens import ChatLink, address_mark
from bot.domain.wishes import EMAIL
from bot.react.proofs import ALARM, LINK_LASTS, Proofs, linked
from bot.react.unit_of_work import UnitOfWork
from storage import proof_records
from storage.asking import ask
from tests.one_shop import DAY, HOUR, MINUTE, NOON, SHOP_ID, ann, chat, order, save, work_of, wrote

SECOND = timedelta(seconds=1)
BOX, OTHER = "ann@example.com", "other@example.com"
MINE, THEIRS = chat("bob"), chat("cid", address="43")
PLACE = ("telegram", "42")


def contacts(email: str | None = BOX, id: str | None = None) -> Contacts:
    return Contacts(email=Told(email, NOON) if email else None, id=Told(id or "", NOON))


def mailed(id: str, email: str | None = BOX, of: str | None = None, **fields: Any) -> Order:
    return order(id, **{"placed_at": NOON, "contacts": contacts(email, of), **fields})


def mark(email: str = BOX) -> str:
    return address_mark(EMAIL, email)


def batch(connection: Connection, now: datetime = NOON) -> UnitOfWork:
    save(connection, ann(), MINE, THEIRS)
    return work_of(connection, wrote("hello"), wrote("hello", address="43"), now=now)[0]


def opened(work: UnitOfWork, talk: Conversation = MINE) -> list[str]:
    return sorted(each.id for each in work.orders_seen_by(talk.buyer, talk))


def open_by_link(work: UnitOfWork, id: str, mark: str | None, talk: Conversation = MINE) -> None:
    assert work.read_order(id)
    Proofs(work).open(OpenOrder(order=id, how="link"), talk, mark)


# What is opened


def test_digits_open_that_one_order(connection: Connection) -> None:
    save(connection, mailed("1"), mailed("2"))
    work = batch(connection)
    work.read_order("1")
    Proofs(work).open(OpenOrder(order="1", how="digits"), MINE)
    assert (opened(work), opened(work, THEIRS)) == (["1"], [])
    assert work.link_user("1", mark()) is None


def test_a_mailboxs_link_opens_the_orders_that_are_sent_to_that_mailbox(connection: Connection) -> None:
    save(
        connection, mailed("1"), mailed("2", BOX.upper(), buyer="bob"), mailed("3", OTHER), mailed("4", None)
    )
    work = batch(connection)
    open_by_link(work, "1", mark())
    assert (opened(work), opened(work, THEIRS)) == (["1", "2"], [])


def test_orders_of_the_same_batch_are_opened_too(connection: Connection) -> None:
    save(connection, mailed("1"))
    work = batch(connection)
    work.put_order(mailed("2"))
    open_by_link(work, "1", mark())
    assert opened(work) == ["1", "2"]


def test_a_link_to_an_id_of_the_shops_own_system_proves_no_mailbox_that_was_typed(
    connection: Connection,
) -> None:
    """A customer who types another's mailbox at the checkout gets the link in their own chat."""
    save(
        connection,
        mailed("1", of="mallory", buyer="mal"),
        mailed("2"),
        mailed("3", OTHER, "mallory", buyer="mal"),
    )
    work = batch(connection)
    open_by_link(work, "1", address_mark("web", "mallory"))
    assert opened(work) == ["1", "3"]


def test_an_older_link_opens_its_order_alone(connection: Connection) -> None:
    save(connection, mailed("1"), mailed("2"))
    work = batch(connection)
    open_by_link(work, "1", None)
    assert opened(work) == ["1"]


# Which link may be used


def test_a_link_is_for_the_first_chat_that_uses_it(connection: Connection) -> None:
    save(connection, mailed("1"), mailed("2"))
    link = ChatLink("1", mark())
    work = batch(connection)
    assert linked(work, link, MINE) == linked(work, link, THEIRS) == mailed("1")
    open_by_link(work, "1", mark())
    assert (linked(work, link, MINE), linked(work, link, THEIRS)) == (mailed("1"), None)
    work.unit.ask(work.write())
    later = batch(connection)
    assert (linked(later, link, MINE), linked(later, link, THEIRS)) == (mailed("1"), None)
    assert linked(later, ChatLink("2", mark()), THEIRS) == mailed("2")  # a link of its own


def test_a_link_lasts_fourteen_days_after_the_orders_last_move(connection: Connection) -> None:
    assert timedelta(days=14) == LINK_LASTS
    for moved in (NOON, NOON + 3 * DAY):
        shown = mailed("1", completed_at=moved) if moved > NOON else mailed("1")
        save(connection, shown)
        for age, holds in ((timedelta(0), True), (LINK_LASTS, True), (LINK_LASTS + SECOND, False)):
            work = batch(connection, now=moved + age)
            assert (linked(work, ChatLink("1", mark()), MINE) is not None) is holds


def test_an_order_of_which_nothing_happened_yet_has_no_link(connection: Connection) -> None:
    save(connection, order("1"))
    work = batch(connection)
    assert linked(work, ChatLink("1", None), MINE) is None
    assert linked(work, ChatLink("9", None), MINE) is None


def test_a_link_proves_only_an_address_to_which_the_order_still_goes(connection: Connection) -> None:
    save(connection, mailed("1", BOX.upper(), of="7"))
    work = batch(connection)
    for sent_to, holds in (
        (mark(), True),
        (address_mark("web", "7"), True),
        (mark(OTHER), False),
        (address_mark("shopify", "7"), False),
        (address_mark("telegram", "42"), False),
        (None, True),  # of an older version, which marked none
    ):
        assert (linked(work, ChatLink("1", sent_to), MINE) is not None) is holds


# Wrong tries


def tries_after(connection: Connection, tries: int, since: timedelta | None) -> tuple[int, Any]:
    """How many are counted, and since when, after one more at noon; since: how long ago the first one was."""
    before = chat("bob", tries=tries, tries_since=NOON - since if since is not None else None)
    save(connection, ann(), before)
    work, _ = work_of(connection, wrote("x"))
    assert Proofs(work).count_try(CountTry(), before) == []
    found = work.chat(*PLACE)
    assert found is not None
    return found.tries, found.tries_since


@pytest.mark.parametrize("since", [timedelta(0), MINUTE, DAY - SECOND, DAY])
def test_wrong_tries_of_a_chat_add_up_for_a_day_after_the_first(
    connection: Connection, since: timedelta
) -> None:
    assert tries_after(connection, 4, since) == (5, NOON - since)


@pytest.mark.parametrize("since", [DAY + SECOND, 2 * DAY, 9 * DAY])
def test_more_than_a_day_after_the_first_wrong_tries_are_counted_anew(
    connection: Connection, since: timedelta
) -> None:
    assert tries_after(connection, 4, since) == (1, NOON)


def test_the_first_wrong_try_begins_the_day(connection: Connection) -> None:
    assert tries_after(connection, 0, None) == (1, NOON)


def test_a_wrong_try_changes_nothing_else_of_the_chat(connection: Connection) -> None:
    save(connection, chat("bob", human_until=NOON + HOUR))
    work, _ = work_of(connection, wrote("x"))
    Proofs(work).count_try(CountTry(), chat("bob"))  # as the handler saw it; the batch knows more by now
    assert work.chat(*PLACE) == chat("bob", human_until=NOON + HOUR, tries=1, tries_since=NOON)


def test_a_proof_gives_no_tries_back(connection: Connection) -> None:
    save(connection, mailed("1"), chat("bob", tries=4, tries_since=NOON))
    work, _ = work_of(connection, wrote("1"))
    Proofs(work).open(OpenOrder(order="1", how="digits"), chat("bob"))
    found = work.chat(*PLACE)
    assert found is not None
    assert (found.tries, found.tries_since) == (4, NOON)


def test_a_wrong_try_is_counted_for_each_order_that_the_number_names(connection: Connection) -> None:
    work = batch(connection)
    Proofs(work).count_try(CountTry(orders=("1", "1@teas")), MINE)
    Proofs(work).count_try(CountTry(), THEIRS)
    work.unit.ask(work.write())
    since = NOON - MINUTE
    assert ask(connection, SHOP_ID, proof_records.tries_at({"1", "1@teas", ""}, since)) == {
        "1": 1,
        "1@teas": 1,
        "": 1,
    }


def test_the_seller_is_alarmed_once_a_day_by_the_tries_of_all_chats(connection: Connection) -> None:
    assert ALARM == 50
    ask(connection, SHOP_ID, proof_records.add_wrong_tries([("1", PLACE)] * (ALARM - 2), NOON - HOUR))
    ask(connection, SHOP_ID, proof_records.add_wrong_tries([("1", PLACE)] * ALARM, NOON - DAY))
    work = batch(connection)
    assert Proofs(work).count_try(CountTry(), MINE) == []
    alarm = OpenCase(
        kind="guessing", key=f"guessing:{NOON.date()}", reason="many_wrong_tries", details={"tries": ALARM}
    )
    assert Proofs(work).count_try(CountTry(), THEIRS) == [alarm]

"""The wishes of addresses in a batch: by their own time, each once, and no flag for a word."""

import itertools
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.domain.events import BuyerRef, BuyerUpdated
from bot.domain.shop import Shop
from bot.domain.wishes import EMAIL, PHONE, Standing
from bot.react.unit_of_work import UnitOfWork
from bot.react.wishes import Wishes, addresses_in
from storage import tables
from tests.one_shop import DAY, HOUR, NOON, SHOP, placed, rows, work_of, wrote

CHAT, BOX = ("telegram", "42"), (EMAIL, "ann@example.com")
EVENT = wrote("stop")
FILE = BuyerUpdated(channel="web", external_id="u", at=NOON, buyer=BuyerRef(id="7", email="ann@example.com"))
CHECKOUT = placed("1", email="ann@example.com")
GERMAN = SHOP.model_copy(update={"double_opt_in": True})


def wishes_in(connection: Connection, shop: Any = SHOP, *events: Any) -> tuple[UnitOfWork, Wishes]:
    work, _ = work_of(connection, *(events or (EVENT,)), shop=shop)
    return work, Wishes(work)


def flag(agrees: bool | None, at: datetime | None = None, id: str | None = "7") -> BuyerRef:
    return BuyerRef(id=id, email="Ann@example.com", agrees=agrees, agrees_at=at)


def test_every_address_of_a_reference_is_named_and_a_mailbox_knows_no_capitals() -> None:
    ref = BuyerRef(id="7", email="Ann@example.com", phone="1")
    assert addresses_in("web", ref) == [("web", "7"), BOX, (PHONE, "1")]
    assert addresses_in("web", BuyerRef(id="", email="")) == []


# The buyer's own word


@pytest.mark.parametrize("late", [False, True])
def test_the_newest_word_counts_whichever_arrives_last(connection: Connection, late: bool) -> None:
    work, wishes = wishes_in(connection)
    if late:
        wishes.stop(EVENT, [CHAT], NOON - HOUR)
    wishes.resume(EVENT, CHAT, NOON - 2 * HOUR)
    if not late:
        wishes.stop(EVENT, [CHAT], NOON - HOUR)
    assert wishes.standing(CHAT).stopped_at == NOON - HOUR
    work.unit.ask(work.write())
    assert wishes_in(connection)[1].standing(CHAT).stopped_at == NOON - HOUR


def test_a_word_from_a_clock_that_runs_ahead_does_not_win_for_ever(connection: Connection) -> None:
    work, wishes = wishes_in(connection)
    wishes.resume(EVENT, CHAT, NOON + 300 * DAY)
    work.unit.ask(work.write())
    later, _ = work_of(connection, EVENT, now=NOON + DAY)
    Wishes(later).stop(EVENT, [CHAT], NOON + DAY)
    assert Wishes(later).standing(CHAT).stopped_at == NOON + DAY


def test_a_stop_is_of_the_addresses_that_it_names_alone(connection: Connection) -> None:
    _, wishes = wishes_in(connection)
    wishes.stop(EVENT, [CHAT], NOON)
    assert (wishes.standing(CHAT).stopped, wishes.standing(BOX)) == (True, Standing())


def test_no_offers_leaves_everything_else(connection: Connection) -> None:
    _, wishes = wishes_in(connection)
    wishes.want_offers(EVENT, CHAT, NOON - HOUR)
    wishes.stop(EVENT, [CHAT], NOON, offers=True)
    assert wishes.standing(CHAT) == Standing(agrees=False, agrees_at=NOON)


def test_a_resume_gives_back_no_yes_to_offers(connection: Connection) -> None:
    _, wishes = wishes_in(connection)
    wishes.want_offers(EVENT, CHAT, NOON - 2 * HOUR)
    wishes.stop(EVENT, [CHAT], NOON - HOUR)
    wishes.resume(EVENT, CHAT, NOON)
    assert (wishes.standing(CHAT).stopped, wishes.standing(CHAT).agrees) == (False, False)


def test_a_wish_is_kept_with_where_it_came_from(connection: Connection) -> None:
    work, wishes = wishes_in(connection)
    wishes.flag(FILE, flag(agrees=True), NOON, "ann")
    wishes.stop(EVENT, [CHAT], NOON)
    work.unit.ask(work.write())
    kept = rows(
        connection, tables.wishes, "kind", "value", "what", "yes", "flag", "buyer", "channel", "event"
    )
    shown = ("offers", True, "web:7", "ann", "web", FILE.external_id)
    assert kept == [
        (EMAIL, "ann@example.com", *shown),
        ("telegram", "42", "all", False, None, None, "telegram", EVENT.external_id),
        ("web", "7", *shown),
    ]


# A platform's flag


def test_a_flag_without_a_value_says_nothing(connection: Connection) -> None:
    work, wishes = wishes_in(connection)
    wishes.flag(FILE, flag(agrees=None), NOON, "ann")
    work.unit.ask(work.write())
    assert rows(connection, tables.wishes, "id") == []


def test_a_flag_that_is_shown_again_is_no_new_consent(connection: Connection) -> None:
    """A checkout's flag is frozen: the platform repeats it in every update of the order.

    Every showing is kept, because an older change of the flag may arrive after it.
    """
    event = placed("1", id="7", email="ann@example.com", agrees=True)
    work, wishes = wishes_in(connection, SHOP, event)
    wishes.flag(event, flag(agrees=True), NOON - 2 * DAY, "ann")
    wishes.stop(event, [BOX], NOON - DAY)
    work.unit.ask(work.write())
    later, wishes = wishes_in(connection, SHOP, event)
    wishes.flag(event, flag(agrees=True), NOON, "ann")
    assert wishes.standing(BOX).agrees is False
    later.unit.ask(later.write())
    assert len(rows(connection, tables.wishes, "id")) == 5  # twice a yes of two addresses, one stop


def test_a_showing_that_arrives_twice_is_kept_once(connection: Connection) -> None:
    for _ in range(2):
        work, wishes = wishes_in(connection, SHOP, FILE)
        wishes.flag(FILE, flag(agrees=True), NOON, "ann")
        work.unit.ask(work.write())
    assert len(rows(connection, tables.wishes, "id")) == 2  # one of each address


def test_a_flag_that_changes_is_a_word(connection: Connection) -> None:
    _, wishes = wishes_in(connection)
    for day, agrees in enumerate((True, False, True)):
        wishes.flag(FILE, flag(agrees), NOON - (3 - day) * DAY, "ann")
        assert wishes.standing(BOX).agrees is agrees


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_flags_change_counts_in_whatever_order_it_is_shown(
    connection: Connection, order: tuple[int, ...]
) -> None:
    """Yes, yes again, no, and the no again: the buyer stands where the newest change left them."""
    _, wishes = wishes_in(connection)
    for index in order:
        wishes.flag(FILE, flag(index < 2), NOON - (4 - index) * HOUR, "ann")
    assert wishes.standing(BOX) == Standing(agrees=False, agrees_at=NOON - 2 * HOUR)


def test_a_flag_counts_from_when_the_buyer_gave_it(connection: Connection) -> None:
    _, wishes = wishes_in(connection)
    wishes.stop(EVENT, [BOX], NOON - DAY)
    wishes.flag(FILE, flag(agrees=True, at=NOON - 2 * DAY), NOON, "ann")
    assert wishes.standing(BOX).agrees is False


# What somebody typed


@pytest.mark.parametrize("id", [None, "", "7"])
@pytest.mark.parametrize(("shop", "agrees"), [(SHOP, True), (GERMAN, None)])
def test_a_yes_at_a_checkout_waits_for_the_address_where_the_shop_wants_it_confirmed(
    connection: Connection, id: str | None, shop: Shop, agrees: bool | None
) -> None:
    """An id of the platform's proves nothing about the mailbox that was typed beside it."""
    _, wishes = wishes_in(connection, shop)
    wishes.flag(CHECKOUT, flag(agrees=True, id=id), NOON - HOUR, "ann")
    assert wishes.standing(BOX).agrees is agrees


def test_the_address_itself_confirms_it(connection: Connection) -> None:
    _, wishes = wishes_in(connection, GERMAN)
    wishes.flag(CHECKOUT, flag(agrees=True, id=None), NOON - HOUR, "ann")
    assert wishes.standing(BOX).agrees is None
    wishes.want_offers(EVENT, BOX, NOON)
    assert wishes.standing(BOX).agrees is True


@pytest.mark.parametrize("shop", [SHOP, GERMAN])
@pytest.mark.parametrize("event", [CHECKOUT, EVENT], ids=["at a checkout", "in a chat"])
def test_a_no_that_somebody_typed_for_an_address_takes_nobodys_yes_back(
    connection: Connection, event: Any, shop: Shop
) -> None:
    _, wishes = wishes_in(connection, shop)
    wishes.want_offers(EVENT, BOX, NOON - DAY)
    wishes.flag(event, flag(agrees=False, id=None), NOON, "ann")
    assert wishes.standing(BOX).agrees is True


def test_a_yes_in_a_chat_is_no_yes_of_a_mailbox(connection: Connection) -> None:
    _, wishes = wishes_in(connection)
    wishes.flag(EVENT, flag(agrees=True), NOON, "ann")
    assert (wishes.standing(BOX).agrees, wishes.standing(("telegram", "7")).agrees) == (None, True)

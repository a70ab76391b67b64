"""What a batch must not know any more: late words of people who were erased, and their stops."""

from datetime import datetime

import pytest
from sqlalchemy import Connection

from bot.domain.erasing import ERASED, Digest
from bot.domain.events import BuyerOptedOut, BuyerRef, BuyerUpdated, Event
from bot.react.forgetting import Forgetting
from storage import erasures, tables
from storage.asking import ask
from tests.one_shop import DAY, HOUR, SHOP_ID, ann, completed, order, placed, rows, save, take, work_of, wrote
from tests.world import NOON

DIGEST = Digest("a secret", SHOP_ID)
STOPPED = ("all", NOON - DAY)


@pytest.fixture
def erased(connection: Connection) -> Connection:
    """A shop that erased Ann at noon: their order 1001, their chat, and their mailbox, which had stopped."""
    save(connection, ann(), order("1001", f"{ERASED}1", placed_at=NOON - DAY))
    known = {DIGEST.address(each): None for each in (("web", "77"), ("telegram", "42"))}
    stops = {DIGEST.address(("email", "ann@example.com")): STOPPED}
    ask(connection, SHOP_ID, erasures.remember({DIGEST.order("1001"): None, **known, **stops}, NOON))
    return connection


def forgetting(connection: Connection, *events: Event, on: bool = True) -> Forgetting:
    work, _ = work_of(connection, *events, now=NOON + DAY)
    found = Forgetting(work, DIGEST, on)
    work.unit.ask(found.read(events))
    return found


def updated(at: datetime, **ref: str) -> BuyerUpdated:
    return BuyerUpdated(channel="web", external_id="u1", at=at, buyer=BuyerRef(**ref))


@pytest.mark.parametrize(
    ("event", "gone"),
    [
        (completed("1001", NOON + DAY), True),
        (placed("1001", NOON - DAY, id="77"), True),
        (placed("2002", NOON - HOUR, id="77"), True),  # an order that we never knew, from before
        (placed("2002", NOON + HOUR, id="77"), False),
        (placed("2002", NOON - HOUR, id="88", email="ann@example.com"), False),  # typed by somebody else
        (wrote("hello", NOON - HOUR), True),
        (wrote("hello", NOON + HOUR), False),
        (wrote("hello", NOON - HOUR, address="43"), False),
        (updated(NOON - HOUR, id="77"), True),
        (updated(NOON + HOUR, id="77"), True),  # no act of theirs, and they have no file
        (updated(NOON + HOUR, id="88"), False),
    ],
)
def test_late_words_are_told_from_new_ones(erased: Connection, event: Event, gone: bool) -> None:
    take(erased, event)

    assert forgetting(erased, event).take(1, event) is gone
    assert not forgetting(erased, event, on=False).take(1, event)


def test_what_is_late_is_stored_without_the_person(erased: Connection) -> None:
    event = wrote("my secret", NOON - HOUR)
    take(erased, event)
    (id,) = (row[0] for row in rows(erased, tables.inbox, "id"))
    found = forgetting(erased, event)
    found.take(id, event)

    ask(erased, SHOP_ID, found.write())

    ((body, thread),) = rows(erased, tables.inbox, "body", "thread")
    assert "my secret" not in body
    assert "42" not in thread.split(":")


def test_a_stop_comes_back_with_its_address_once(erased: Connection) -> None:
    event = placed("2002", NOON + HOUR, id="99", email="Ann@example.com")
    work, _ = work_of(erased, event, now=NOON + DAY)
    found = Forgetting(work, DIGEST, on=True)
    work.unit.ask(found.read([event]))
    found.stop_again(event)
    found.stop_again(event)
    work.unit.ask(work.write())
    work.unit.ask(found.write())

    assert rows(erased, tables.wishes, "kind", "value", "what", "yes", "at") == [
        ("email", "ann@example.com", "all", False, NOON - DAY)
    ]
    again = forgetting(erased, event)
    again.stop_again(event)
    assert [row for row in rows(erased, tables.erased, "stopped") if row[0]] == []


def test_a_stop_by_an_older_link_is_kept_as_a_hash(erased: Connection) -> None:
    stop = BuyerOptedOut(
        channel="link", external_id="s", at=NOON - HOUR, buyer=BuyerRef(), address=("telegram", "42")
    )
    take(erased, stop)
    found = forgetting(erased, stop)

    assert found.take(1, stop)
    ask(erased, SHOP_ID, found.write())

    stops = dict(rows(erased, tables.erased, "digest", "stopped"))
    assert stops[DIGEST.address(("telegram", "42"))] == "all"
    assert rows(erased, tables.wishes, "value") == []

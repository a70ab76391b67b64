"""Deadlines fire once and at the earliest time named; campaigns start once for each slot."""

from datetime import datetime

from sqlalchemy import Connection

from bot.domain.actions import WakeAt
from storage import calendar
from storage.asking import ask
from storage.tables import campaigns, wakes
from tests.one_shop import DAY, HOUR, NEIGHBOUR, SHOP_ID, rows
from tests.world import NOON


def wake(key: str, at: datetime) -> WakeAt:
    return WakeAt(key=key, at=at, what="remind", order="1001")


def due(connection: Connection, now: datetime = NOON, limit: int = 9) -> list[str]:
    return [row.key for row in calendar.due_wakes(connection, now, limit)]


def test_of_two_times_for_one_deadline_the_earlier_stays(connection: Connection) -> None:
    for at in (NOON + HOUR, NOON, NOON + DAY):
        ask(connection, SHOP_ID, calendar.set_wakes([wake("a", at)]))

    assert rows(connection, wakes, "key", "at", "fired_at") == [("a", NOON, None)]


def test_a_deadline_that_fired_does_not_fire_again(connection: Connection) -> None:
    ask(connection, SHOP_ID, calendar.set_wakes([wake("a", NOON), wake("b", NOON)]))
    calendar.mark_fired(connection, [(SHOP_ID, "a")], NOON)
    calendar.mark_fired(connection, [], NOON)

    ask(connection, SHOP_ID, calendar.set_wakes([wake("a", NOON - HOUR)]))

    assert due(connection) == ["b"]
    assert rows(connection, wakes, "key", "at") == [("a", NOON), ("b", NOON)]


def test_due_deadlines_of_all_shops_come_earliest_first_from_their_very_time_on(
    connection: Connection,
) -> None:
    wanted = [wake("now", NOON), wake("later", NOON + HOUR), wake("early", NOON - HOUR)]
    ask(connection, SHOP_ID, calendar.set_wakes(wanted))
    ask(connection, NEIGHBOUR, calendar.set_wakes([wake("now", NOON - DAY)]))

    assert due(connection) == ["now", "early", "now"]
    assert due(connection, limit=2) == ["now", "early"]
    assert calendar.next_wake(connection) == NOON - DAY

    calendar.mark_fired(connection, [(NEIGHBOUR, "now")], NOON)

    assert due(connection) == ["early", "now"]
    assert calendar.next_wake(connection) == NOON - HOUR


def test_a_campaign_starts_once_for_each_slot(connection: Connection) -> None:
    for slot in (NOON, NOON, NOON + DAY):
        calendar.start_campaign(connection, SHOP_ID, "spring", slot)

    assert rows(connection, campaigns, "slot") == [(NOON,), (NOON + DAY,)]


def test_a_campaign_adds_up_what_its_pages_queued_until_it_is_done(connection: Connection) -> None:
    calendar.start_campaign(connection, SHOP_ID, "spring", NOON)
    calendar.start_campaign(connection, SHOP_ID, "spring", NOON + DAY)
    first = next(row for row in calendar.open_campaigns(connection, SHOP_ID) if row.slot == NOON)

    calendar.advance_campaign(connection, first, "ann", 2, None)
    calendar.advance_campaign(connection, first, "bob", 3, NOON)

    assert [row.slot for row in calendar.open_campaigns(connection, SHOP_ID)] == [NOON + DAY]
    assert rows(connection, campaigns, "slot", "cursor", "queued") == [
        (NOON, "bob", 5),
        (NOON + DAY, "", 0),
    ]

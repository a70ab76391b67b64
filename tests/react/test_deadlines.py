"""Deadlines that have come become events, each once."""

from sqlalchemy import Connection

from bot.domain.actions import WakeAt
from bot.domain.events import TimeCame, load_event
from bot.react.deadlines import fire_deadlines
from storage import calendar, tables
from storage.asking import ask
from tests.one_shop import HOUR, MINUTE, NEIGHBOUR, NOON, SHOP_ID, rows


def events(connection: Connection, shop: str = SHOP_ID) -> list[object]:
    return [load_event(body) for (body,) in rows(connection, tables.inbox, "body", shop=shop)]


def test_a_deadline_becomes_an_event_at_its_time_and_once(connection: Connection) -> None:
    ask(connection, SHOP_ID, calendar.set_wakes([WakeAt(key="w:1", at=NOON, what="check", order="1")]))
    assert fire_deadlines(connection, NOON - MINUTE) == 0
    assert fire_deadlines(connection, NOON) == 1
    assert fire_deadlines(connection, NOON + HOUR) == 0
    came = TimeCame(channel="clock", external_id="w:1", at=NOON, what="check", about="w:1", order="1")
    assert events(connection) == [came]
    assert rows(connection, tables.wakes, "fired_at") == [(NOON,)]
    assert rows(connection, tables.inbox, "received_at", "state") == [(NOON, "open")]


def test_a_deadline_that_came_is_not_set_again(connection: Connection) -> None:
    for _ in range(2):
        ask(connection, SHOP_ID, calendar.set_wakes([WakeAt(key="w", at=NOON, what="check")]))
        fire_deadlines(connection, NOON)
    assert len(events(connection)) == 1


def test_the_deadlines_of_every_shop_are_fired(connection: Connection) -> None:
    for shop in (SHOP_ID, NEIGHBOUR):
        wakes = [WakeAt(key="a", at=NOON, what="check"), WakeAt(key="b", at=NOON + HOUR, what="check")]
        ask(connection, shop, calendar.set_wakes(wakes))
    assert fire_deadlines(connection, NOON) == 2
    assert (len(events(connection)), len(events(connection, NEIGHBOUR))) == (1, 1)

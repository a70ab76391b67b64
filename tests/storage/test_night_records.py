"""A night's work begins once, and goes on for whoever finds it as it was read."""

from sqlalchemy import Connection

from storage import night_records
from tests.one_shop import DAY, HOUR, SHOP_ID
from tests.world import NOON


def begin(connection: Connection, feed: int = 7) -> None:
    night_records.begin(connection, SHOP_ID, NOON, feed=feed, whole=True, rules="s1")


def test_a_night_begins_once_over_all_programs(connection: Connection) -> None:
    begin(connection)
    begin(connection, feed=9)

    night = night_records.latest(connection, SHOP_ID)
    assert night is not None
    assert (night.step, night.cursor, night.feed, night.whole) == ("figures", "", 7, True)
    assert night_records.latest(connection, "another shop") is None


def test_of_two_programs_at_one_page_the_second_finds_it_done(connection: Connection) -> None:
    begin(connection)
    read = night_records.latest(connection, SHOP_ID)
    assert read is not None

    assert night_records.advance(connection, read, cursor="b5")
    assert not night_records.advance(connection, read, cursor="b5")
    moved = night_records.latest(connection, SHOP_ID)
    assert moved is not None
    assert moved.cursor == "b5"


def test_the_last_night_that_was_done_is_found_by_its_time(connection: Connection) -> None:
    begin(connection)
    night = night_records.latest(connection, SHOP_ID)
    assert night is not None
    assert night_records.latest_done(connection, SHOP_ID, NOON + DAY) is None

    night_records.advance(connection, night, step="done", done_at=NOON + HOUR)

    done = night_records.latest_done(connection, SHOP_ID, NOON + DAY)
    assert done is not None
    assert done.done_at == NOON + HOUR
    assert night_records.latest_done(connection, SHOP_ID, NOON - DAY) is None

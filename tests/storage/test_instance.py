"""Where a database is served, and whether its outbox is held."""

import pytest
from sqlalchemy import Connection

from storage import instance
from storage.database import take_ids
from storage.instance import ASKED, COPY, NO_LOCATION, Instance, OutboxHold
from tests.one_shop import DAY, HOUR
from tests.world import NOON


def test_a_new_database_was_served_nowhere_and_is_not_held(connection: Connection) -> None:
    assert instance.read(connection).location == NO_LOCATION
    assert instance.held(connection) is None


def test_the_instance_comes_back_as_it_was_saved(connection: Connection) -> None:
    instance.save(connection, Instance("host:/shop.db", 7))

    assert instance.read(connection) == Instance("host:/shop.db", 7)


def test_an_older_hold_stays_until_it_is_released(connection: Connection) -> None:
    instance.hold(connection, ASKED, NOON)
    instance.hold(connection, COPY, NOON + HOUR)
    assert instance.held(connection) == OutboxHold(NOON, ASKED)

    instance.release(connection)
    assert instance.held(connection) is None

    instance.hold(connection, COPY, NOON + HOUR)
    assert instance.held(connection) == OutboxHold(NOON + HOUR, COPY)


@pytest.mark.parametrize("before", [0, 1], ids=["that has not counted yet", "that has counted"])
def test_ids_of_a_copy_go_on_at_the_microsecond_and_never_back(connection: Connection, before: int) -> None:
    least = int(NOON.timestamp()) * 1_000_000
    for _ in range(before):
        take_ids(connection, 1)

    instance.start_held(connection, NOON)
    assert instance.held(connection) == OutboxHold(NOON, COPY)
    assert take_ids(connection, 2) == [least, least + 1]

    instance.skip_ids(connection, NOON - DAY)
    assert take_ids(connection, 1) == [least + 2]


def test_what_is_marked_as_a_copy_belongs_nowhere_and_is_held(connection: Connection) -> None:
    instance.save(connection, Instance("host:/shop.db", 7))

    instance.mark_as_copy(connection, NOON)

    assert instance.read(connection) == Instance(NO_LOCATION, 7)
    assert instance.held(connection) == OutboxHold(NOON, COPY)

"""What stays of who used a shop's keys."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from storage import schema, trail
from storage.database import Database
from storage.trail import CASE_SETTLED, TOKEN_REFUSED, Trace
from tests.world import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    schema.migrate(made.engine)
    yield made
    made.close()


def newest(database: Database, *shops: str) -> list[Trace]:
    return database.read_now(lambda link: trail.newest(link, shops, 10))


def test_what_was_done_stands_beside_who_did_it_the_newest_first(database: Database) -> None:
    by_token, by_hand = (
        Trace(shop="tea", at=NOON + minute * MINUTE, what=CASE_SETTLED, who=who, about="7")
        for minute, who in enumerate(("api:12ab34cd", "command:anna"))
    )
    for trace in (by_token, by_hand):
        database.write_now(lambda link, trace=trace: trail.add(link, trace))

    assert newest(database, "tea") == [by_hand, by_token]
    assert newest(database, "silk") == []


def test_tries_of_one_hour_are_one_row_of_their_shop_so_that_strangers_fill_no_table(
    database: Database,
) -> None:
    tried = (("tea", 0, 1), ("tea", 59, 40), ("silk", 59, 2), ("tea", 61, 3), (trail.UNKNOWN_SHOP, 61, 9))
    for shop, minute, times in tried:
        at = NOON + minute * MINUTE
        database.write_now(
            lambda link, shop=shop, at=at, times=times: trail.count_refused(link, shop, at, times)
        )

    found = newest(database, "tea", "silk", trail.UNKNOWN_SHOP)

    assert {trace.what for trace in found} == {TOKEN_REFUSED}
    assert sorted((trace.shop, trace.times) for trace in found) == [
        ("", 9),
        ("silk", 2),
        ("tea", 3),
        ("tea", 41),
    ]

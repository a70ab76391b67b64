"""The history of tiers: one that is kept ends where the next begins; what was given counts while it lasts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from bot.domain.figures import BuyerFigures
from bot.domain.statistics import quintile_places, quintiles
from bot.domain.tiers import KeptTier, Lately, Points
from storage import figure_records, tier_records
from storage.database import Database
from storage.figure_records import Changes
from storage.tier_records import Decided
from tests.one_shop import DAY, HOUR, SHOP_ID
from tests.world import NOON

BOUGHT = Lately(NOON - DAY, 3, 9900)


def decide(connection: Connection, at: Any, **tiers: str | None) -> None:
    those = [Decided(buyer, tier, BOUGHT, Points(5, 4, 3)) for buyer, tier in tiers.items()]
    tier_records.decided(connection, SHOP_ID, those, at)


def test_a_tier_ends_where_the_next_one_begins(connection: Connection) -> None:
    decide(connection, NOON, ann="gold", bob="silver")
    decide(connection, NOON + DAY, ann="silver")
    decide(connection, NOON + 2 * DAY, ann=None)

    history = tier_records.history_of(connection, SHOP_ID, "ann")
    assert [(row.tier, row.since, row.until) for row in history] == [
        ("silver", NOON + DAY, NOON + 2 * DAY),
        ("gold", NOON, NOON + DAY),
    ]
    assert (history[1].r, history[1].f, history[1].m, history[1].orders) == (5, 4, 3, 3)
    now = NOON + 3 * DAY
    assert tier_records.current(connection, SHOP_ID, ["ann", "bob"], now) == {"bob": KeptTier(kept="silver")}
    assert tier_records.sizes(connection, SHOP_ID, now) == {"silver": 1}


def test_what_was_given_counts_from_then_until_its_end(connection: Connection) -> None:
    decide(connection, NOON, ann="silver")
    give = (connection, SHOP_ID, "ann")
    tier_records.give(*give, "gold", NOON + HOUR, NOON + DAY, "command:lin", "a friend")
    tier_records.give(*give, None, NOON + 2 * HOUR, None, "command:lin", "a mistake")

    def then(hours: int) -> str | None:
        found = tier_records.current(connection, SHOP_ID, ["ann"], NOON + hours * HOUR)
        return found["ann"].tier

    assert [then(0), then(1), then(2)] == ["silver", "gold", None]
    assert tier_records.sizes(connection, SHOP_ID, NOON + 3 * HOUR) == {"silver": 0}
    assert tier_records.take_back(connection, SHOP_ID, "ann", NOON + 4 * HOUR)
    assert not tier_records.take_back(connection, SHOP_ID, "ann", NOON + 5 * HOUR)
    assert then(5) == "silver"
    history = tier_records.history_of(connection, SHOP_ID, "ann")
    assert [(row.kind, row.tier, row.reason) for row in history] == [
        ("given", None, "a mistake"),
        ("given", "gold", "a friend"),
        ("kept", "silver", None),
    ]
    assert tier_records.given_list(connection, SHOP_ID, NOON + 3 * HOUR)[0][0] == "ann"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 50)), min_size=1, max_size=40))
def test_the_values_at_the_ends_of_the_fifths_are_found(sqlite_database: Database, drawn: Any) -> None:
    with sqlite_database.engine.connect() as connection, connection.begin() as transaction:
        buyers = tuple(
            BuyerFigures(buyer=f"b{n}", lately_orders=orders, lately_spent_minor=spent, last_order_at=NOON)
            for n, (orders, spent) in enumerate(drawn)
        )
        figure_records.save(connection, SHOP_ID, Changes(saved=buyers))
        counted = sorted(spent for orders, spent in drawn if orders)
        places = quintile_places(len(counted))

        assert tier_records.who_bought_lately(connection, SHOP_ID) == len(counted)
        if counted:
            found = tier_records.at_places(connection, SHOP_ID, "lately_spent_minor", places)
            assert tuple(found) == quintiles(counted)
        page = tier_records.page(connection, SHOP_ID, "", 100, everybody=True)
        assert {buyer: bought.spent if bought else None for buyer, bought, _ in page} == {
            f"b{n}": spent if orders else None for n, (orders, spent) in enumerate(drawn)
        }
        transaction.rollback()

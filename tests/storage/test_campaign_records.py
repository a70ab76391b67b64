"""Codes go out once each, and results count by group what was bought in a member's own time."""

from datetime import datetime

from sqlalchemy import Connection

from bot.domain.context import Buyer
from bot.domain.orders import Order
from storage import buyer_records, campaign_records, order_records
from storage.asking import ask
from storage.campaign_records import Bought, Member
from tests.one_shop import DAY, SHOP_ID
from tests.react.test_nights import paid
from tests.world import NOON


def give(connection: Connection, *buyers: str) -> dict[str, str]:
    free = campaign_records.free_codes(connection, SHOP_ID, "spring", len(buyers))
    given = dict(zip(free, buyers, strict=False))
    campaign_records.give_codes(connection, SHOP_ID, "spring", given, NOON)
    return given


def test_a_code_is_given_once_and_a_file_read_twice_adds_none(connection: Connection) -> None:
    assert campaign_records.add_codes(connection, SHOP_ID, "spring", ["C", "A", "B"]) == 3
    assert give(connection, "ann", "bob") == {"A": "ann", "B": "bob"}
    assert campaign_records.add_codes(connection, SHOP_ID, "spring", ["A", "D"]) == 1
    assert give(connection, "cat", "dan", "eve") == {"C": "cat", "D": "dan"}
    assert campaign_records.code_counts(connection, SHOP_ID, "spring") == (0, 4)


def test_a_code_of_an_erased_buyer_is_given_to_nobody_else(connection: Connection) -> None:
    campaign_records.add_codes(connection, SHOP_ID, "spring", ["A"])
    give(connection, "ann")
    campaign_records.forget(connection, SHOP_ID, ["ann"], "erased-1")
    assert give(connection, "bob") == {}


def bought(connection: Connection, buyer: str, at: datetime, minor: int) -> Order:
    order = paid(f"{buyer}-{at:%d}", buyer, minor, at)
    ask(connection, SHOP_ID, order_records.save([order]))
    return order


def test_results_count_what_was_bought_in_the_time_of_each_group(connection: Connection) -> None:
    those = [Member(buyer=f"t{n}", held_out=False) for n in range(3)]
    those += [Member(buyer=f"h{n}", held_out=True) for n in range(2)]
    ask(connection, SHOP_ID, buyer_records.save([Buyer(id=each.buyer, created_at=NOON) for each in those]))
    campaign_records.add_members(connection, SHOP_ID, "spring", those, NOON, NOON + 2 * DAY)
    bought(connection, "t0", NOON + DAY, 1000)
    bought(connection, "t1", NOON + 3 * DAY, 5000)  # too late
    bought(connection, "h0", NOON - DAY, 700)  # too early
    bought(connection, "h1", NOON + DAY, 300)

    def results(now: datetime) -> list[Bought]:
        return campaign_records.results(connection, SHOP_ID, "spring", "CNY", now)

    told = Bought(held_out=False, wording=None, buyers=3, bought=1, total=1000, squares=1e6)
    held = Bought(held_out=True, wording=None, buyers=2, bought=1, total=300, squares=9e4)
    assert results(NOON + 2 * DAY) == [told, held]
    assert results(NOON + DAY) == []  # nobody's time is over
    campaign_records.forget(connection, SHOP_ID, ["t2"], "erased-1")
    assert results(NOON + 2 * DAY) == [told, held]

"""What is said of parcels, judged by what had been told of them under any of their names."""

import msgspec
import pytest

from bot.domain.events import OrderEvent, ParcelMoved
from bot.operations.audit.parcels import RULES
from storage.audit_queries import Sending
from tests.handlers import world
from tests.handlers.world import days, hours
from tests.operations.audit.sendings import CONFIRMED, found, said


def moved(status: str, after: float) -> ParcelMoved:
    return msgspec.structs.replace(world.moved(after=days(after)), status=status)


LEFT = said("shipped", days(2), parcel="A")
LATE = said("delayed", days(5), parcel="A")
ARRIVED = said("delivered", days(4))
OTHER_NAME = msgspec.structs.replace(world.shipped("SF1"), tracking="A")
BACK = world.taken_back(after=days(1.5))
NOTICES = [said("shipped", days(2) - hours(0.2 * n), parcel=str(n)) for n in (1, 2)]

FALSE: list[tuple[str, Sending, list[Sending], list[OrderEvent]]] = [
    ("parcel_taken_back", LATE, [], [world.shipped(), BACK]),
    ("parcel_given_up", LATE, [], [world.shipped(), moved("failure", 3)]),
    ("late_after_arrival", LATE, [], [world.shipped(), world.delivered("a")]),
    ("late_after_arrival", LATE, [], [world.shipped(), world.delivered()]),
    ("nothing_arrived", ARRIVED, [], [world.shipped()]),
    ("parcel_twice", LEFT, [said("shipped", days(1), parcel="SF1")], [world.shipped(), OTHER_NAME]),
    (
        "delivered_twice",
        ARRIVED,
        [said("delivered", days(3))],
        [OTHER_NAME, world.shipped(), world.delivered()],
    ),
    ("three_in_an_hour", LEFT, NOTICES, [world.shipped()]),
]
TRUE: list[tuple[Sending, list[Sending], list[OrderEvent]]] = [
    (LATE, [], [world.shipped()]),
    (LATE, [], [world.shipped(), BACK, world.shipped(after=days(2))]),
    (LATE, [], [world.shipped(), moved("failure", 2), moved("in_transit", 3)]),
    (LEFT, [], [world.shipped()]),
    (LEFT, [said("shipped", days(1), parcel="B")], [world.shipped(), world.shipped("B")]),
    (LEFT, NOTICES[:1], [world.shipped()]),
    (ARRIVED, [], [world.shipped(), world.delivered()]),
    (
        ARRIVED,
        [said("delivered", days(3.2))],
        [world.shipped(), world.shipped("B"), world.delivered("A"), world.delivered("B")],
    ),
]


@pytest.mark.parametrize(("code", "sent", "others", "told"), FALSE)
def test_what_is_not_so_is_named(
    code: str, sent: Sending, others: list[Sending], told: list[OrderEvent]
) -> None:
    assert found(sent, CONFIRMED, *others, told=(world.placed(), *told)) == [code]


@pytest.mark.parametrize(("sent", "others", "told"), TRUE)
def test_what_is_so_is_not(sent: Sending, others: list[Sending], told: list[OrderEvent]) -> None:
    assert found(sent, CONFIRMED, *others, told=(world.placed(), *told)) == []


def test_every_rule_is_tried_above() -> None:
    assert set(RULES) == {code for code, *_ in FALSE}

"""What is said of parcels, judged by what had been told of them under any of their names."""

import msgspec
import pytest

from bot.domain.events import OrderEvent, OrderShipped, ParcelMoved
from bot.operations.audit.parcels import RULES
from storage.audit_queries import Sending
from tests.handlers import world
from tests.handlers.world import days, hours
from tests.operations.audit.sendings import CONFIRMED, found, in_our_words, said


def moved(status: str, after: float) -> ParcelMoved:
    return msgspec.structs.replace(world.moved(after=days(after)), status=status)


def numbered(parcel: str, tracking: str) -> OrderShipped:
    return msgspec.structs.replace(world.shipped(parcel), tracking=tracking)


LEFT = said("shipped", days(2), parcel="A")
LATE = said("delayed", days(5), parcel="A")
ARRIVED = said("delivered", days(4))
OTHER_NAME = msgspec.structs.replace(world.shipped("SF1"), tracking="A")
BACK = world.taken_back(after=days(1.5))
NOTICES = [said("shipped", days(2) - hours(0.2 * n), parcel=str(n)) for n in (1, 2)]
NUMBERED = msgspec.structs.replace(world.shipped(), tracking="RM 12-3", names=("#1001.1",))
IN_THAT_SECOND = msgspec.structs.replace(NUMBERED, at=LEFT.settled_at)
TOGETHER = msgspec.structs.replace(LEFT, facts={"parcels": [[["A"], "RM 12-3", None], [["B"], "SF1", None]]})

FALSE: list[tuple[str, Sending, list[Sending], list[OrderEvent]]] = [
    ("parcel_taken_back", LATE, [], [world.shipped(), BACK]),
    ("parcel_given_up", LATE, [], [world.shipped(), moved("failure", 3)]),
    ("late_after_arrival", LATE, [], [world.shipped(), world.delivered("a")]),
    ("late_after_arrival", LATE, [], [world.shipped(), world.delivered()]),
    ("untold_number", in_our_words(LEFT, "Parcel: Royal Mail RM12-4"), [], [NUMBERED]),
    ("untold_number", in_our_words(LEFT, "Parcel: Royal Mail RM12-4"), [], [IN_THAT_SECOND]),
    ("untold_number", in_our_words(LEFT, "Parcel: Royal Mail"), [], [NUMBERED]),
    (
        "untold_number",
        in_our_words(LEFT, "Parcel: RM12-34\nTrack it: https://a.example/RM12-3"),
        [],
        [NUMBERED],
    ),
    ("untold_number", in_our_words(LATE, "It (SF1) is late."), [], [NUMBERED, numbered("B", "SF1")]),
    ("untold_number", in_our_words(TOGETHER, "RM 12-3\nSF2"), [], [NUMBERED, numbered("B", "SF1")]),
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
    (in_our_words(LEFT, "包裹：圆通rm 123，请查收"), [], [NUMBERED]),
    (in_our_words(LEFT, "Parcel: Royal Mail RM12-3"), [], [IN_THAT_SECOND]),
    (in_our_words(LEFT, "Parcel: SF1"), [], [NUMBERED, numbered("A", "SF2; SF1")]),
    (in_our_words(LEFT, "Your order is on its way."), [], [msgspec.structs.replace(NUMBERED, tracking=None)]),
    (in_our_words(TOGETHER, "RM 12-3\nSF1"), [], [NUMBERED, numbered("B", "SF1")]),
    (msgspec.structs.replace(LEFT, text="Off it goes!", own=True), [], [NUMBERED]),
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

"""Who waits for a person is told to the seller again, until somebody answers."""

from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import Action, TellSeller, WakeAt
from bot.domain.context import Case, Context
from bot.domain.events import TimeCame
from bot.domain.shop import Shop
from bot.domain.waiting import tell_again
from tests.handlers.world import HOUR, PLACED, decide, shop_with

MINUTE = timedelta(minutes=1)
WAITS = Case(number=7, kind="human", key="h", reason="asked_for_person", opened_at=PLACED, asked_at=PLACED)
SHOP = shop_with()


def came(wake: WakeAt, case: Case, shop: Shop = SHOP, now: datetime | None = None) -> list[Action]:
    event = TimeCame(channel="clock", external_id=wake.key, at=wake.at, what=wake.what, about="case:7")
    return decide(event, Context(now=now or wake.at, shop_id="mugs", shop=shop, case=case))


def first(case: Case = WAITS, shop: Shop = SHOP) -> WakeAt:
    step = tell_again(case, shop, case.opened_at)
    assert step is not None
    return step


def test_the_seller_is_told_again_at_each_step_and_then_no_more() -> None:
    wake, told_at = first(), []
    while True:
        told, *following = came(wake, WAITS)
        assert isinstance(told, TellSeller)
        told_at.append(wake.at - PLACED)
        if not following:
            break
        assert isinstance(following[0], WakeAt)
        wake = following[0]

    assert told_at == [30 * MINUTE, 2 * HOUR, 24 * HOUR]


def test_who_was_answered_or_is_settled_waits_no_more() -> None:
    answered = msgspec.structs.replace(WAITS, answered_at=PLACED + MINUTE)
    closed = msgspec.structs.replace(WAITS, closed_at=PLACED + MINUTE)

    assert came(first(), answered) == came(first(), closed) == []
    assert tell_again(answered, SHOP, PLACED) is None


def test_who_asks_again_after_an_answer_waits_from_then_on() -> None:
    again = msgspec.structs.replace(
        WAITS,
        answered_at=PLACED + MINUTE,
        asked_at=PLACED + 3 * HOUR,
        waits_since=PLACED + 2 * HOUR,
    )

    assert first(again).at == PLACED + 2 * HOUR + 30 * MINUTE
    assert came(first(), again) == []  # the deadline of the words that were answered


def test_more_words_do_not_begin_the_waiting_anew() -> None:
    impatient = msgspec.structs.replace(WAITS, asked_at=PLACED + 20 * MINUTE)

    assert first(impatient) == first()


def test_nobody_is_told_while_nobody_is_there() -> None:
    office = shop_with(working_hours={"days": ["mon"], "start": "10:00", "end": "18:00"}, timezone="UTC")

    assert first(shop=office).at == datetime(2026, 11, 23, 10, tzinfo=PLACED.tzinfo)  # the next Monday


def test_a_seller_who_wants_to_be_told_once_is() -> None:
    assert tell_again(WAITS, shop_with(seller={"remind": []}), PLACED) is None


def test_a_case_that_no_buyer_waits_in_is_told_once() -> None:
    late = Case(number=7, kind="late_shipping", key="l", reason="late_shipping", opened_at=PLACED)

    assert tell_again(late, SHOP, PLACED) is None

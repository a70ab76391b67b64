"""A buyer's messages, one after another: which of them broke a promise."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from bot.domain.context import Buyer
from bot.domain.shop import Limits, QuietHours
from bot.domain.wishes import What, Wish
from bot.operations.audit.conversations import LONGEST_SENDING, BuyerHistory, Recorded, began
from storage.audit_queries import Sending
from tests.one_shop import DAY, HOUR, MINUTE, SHOP, ann
from tests.world import NOON

SECOND = timedelta(seconds=1)
NIGHT = SHOP.model_copy(update={"quiet_hours": QuietHours(start=time(22), end=time(8))})  # NOON is 4:00 UTC


def sending(id: int = 1, at: datetime = NOON, **fields: Any) -> Sending:
    given = {"key": f"k{id}", "buyer": "ann", "template": "thanks", "category": "service", "state": "sent"}
    given |= {"values": {}, "facts": {}, "text": f"text {id}", "settled_at": at}
    return Sending(id=id, **given | fields)


def offer(id: int = 1, at: datetime = NOON, **fields: Any) -> Sending:
    return sending(id, at, **{"category": "promotion"} | fields)


AGREED = (Wish(what="offers", yes=True, at=NOON - DAY), NOON - DAY)


def codes(
    *messages: Sending, buyer: Buyer | None = None, shop: Any = SHOP, said: Sequence[Recorded] = (AGREED,)
) -> list[tuple[int, str]]:
    """said: the wishes of the address, with the times at which they reached us."""
    history = BuyerHistory("ann")
    return [
        (each.id, violation.code)
        for each in messages
        for violation in history.check(each, buyer or ann(), said, shop)
    ]


def test_the_same_words_about_an_order_twice_are_a_repeat() -> None:
    same = {"text": "Thanks", "order": "1"}

    assert codes(sending(1, **same), sending(2, **same)) == [(2, "said_twice")]
    assert codes(sending(1, **same), sending(2, **same | {"order": "2"})) == []
    assert codes(sending(1, text="Hello"), sending(2, text="Hello")) == []
    assert codes(sending(1, order="1", text=None), sending(2, order="1", text=None)) == []  # both erased


def test_a_parcel_that_was_off_may_leave_in_the_same_words() -> None:
    left = {"template": "shipped", "text": "on its way", "order": "1"}
    off = {"template": "shipment_cancelled", "text": "isn't on its way", "order": "1"}

    assert codes(sending(1, **left), sending(2, **off), sending(3, **left), sending(4, **off)) == []
    assert codes(sending(1, **left), sending(2, **off), sending(3, **left), sending(4, **left)) == [
        (4, "said_twice")
    ]


@pytest.mark.parametrize("template", ["tracking_changed", "total_changed", "pay_way_changed"])
def test_what_goes_back_and_forth_is_corrected_each_time(template: str) -> None:
    there = {"template": template, "text": "it is RM2", "order": "1"}
    back = {"template": template, "text": "it is RM1", "order": "1"}

    assert codes(sending(1, **there), sending(2, **back), sending(3, **there), sending(4, **back)) == []
    assert codes(sending(1, **there), sending(2, **back), sending(3, **back)) == [(3, "said_twice")]


def test_who_was_told_of_guesses_yesterday_may_be_told_of_todays() -> None:
    words = {"template": "order_guessed", "text": "Someone tried", "order": "1"}
    first, again, next_day = (f"order_guessed:1:2026-11-{day}" for day in (21, 21, 22))

    assert codes(sending(1, **words, key=first), sending(2, **words, key=next_day)) == []
    assert codes(sending(1, **words, key=first), sending(2, **words, key=again)) == [(2, "said_twice")]


def test_an_offer_goes_once_to_a_buyer_under_whatever_key() -> None:
    spring, summer = {"values": {"promotion": "spring"}}, {"values": {"promotion": "summer"}}
    weeks = [NOON, NOON + 8 * DAY, NOON + 16 * DAY]

    found = codes(offer(1, weeks[0], **spring), offer(2, weeks[1], **summer), offer(3, weeks[2], **spring))

    assert found == [(3, "promotion_twice")]


def test_more_than_the_limit_within_a_day_is_too_much_and_answers_do_not_count() -> None:
    shop = SHOP.model_copy(update={"limits": Limits(per_day=2)})
    answers = [sending(id, category="answer") for id in (7, 8, 9)]
    two = [sending(1), sending(2, NOON + HOUR)]

    assert codes(*answers, *two, sending(3, NOON + DAY - SECOND), shop=shop) == [(3, "day_full")]
    assert codes(*answers, *two, sending(3, NOON + DAY), *answers, shop=shop) == []
    assert codes(sending(1, facts={"sent_in_day": 2}), shop=shop) == [(1, "day_full")]
    assert codes(*two, sending(3, NOON + HOUR, facts={"per_day": 3}), shop=shop) == []


def test_a_guests_orders_have_caps_of_their_own() -> None:
    shop = SHOP.model_copy(update={"limits": Limits(per_day=1)})
    said = [sending(1, order="1"), sending(2, order="2"), sending(3, order="2"), sending(4)]
    found = {
        guest: [
            each.id
            for history in [BuyerHistory("ann", guest)]
            for each in said
            for _ in history.check(each, ann(), (AGREED,), shop)
        ]
        for guest in (True, False)
    }
    assert found == {True: [3], False: [2, 3, 4]}


def test_more_offers_than_the_limit_within_a_week_are_too_many() -> None:
    week = 7 * DAY

    assert codes(offer(1), offer(2, NOON + week - SECOND)) == [(2, "promotions_full")]
    assert codes(offer(1), offer(2, NOON + week)) == []


def word(what: What, yes: bool, at: datetime, reached: timedelta = timedelta(0)) -> Recorded:
    """A wish of its own time, and when it reached us."""
    return Wish(what=what, yes=yes, at=at), at + reached


def stop(at: datetime, reached: timedelta = timedelta(0)) -> Recorded:
    return word("all", False, at, reached)


def start(at: datetime, reached: timedelta = timedelta(0)) -> Recorded:
    return word("all", True, at, reached)


@pytest.mark.parametrize(
    ("said", "facts", "broken"),
    [
        ([], {}, False),
        ([stop(NOON - MINUTE)], {}, True),
        ([stop(NOON)], {}, False),  # which of the two was first, nobody knows
        ([stop(NOON - HOUR, 2 * HOUR)], {}, False),  # it reached us after the message
        ([stop(NOON - HOUR), start(NOON)], {}, False),
        ([stop(NOON - HOUR), start(NOON + MINUTE)], {}, True),
        ([stop(NOON - HOUR), start(NOON - DAY, DAY - MINUTE)], {}, True),  # an older word that came late
        ([stop(NOON - HOUR), start(NOON - MINUTE, HOUR)], {}, True),  # we did not know of it
        ([], {"stopped": True}, True),
    ],
)
def test_nothing_goes_to_an_address_that_had_said_stop(
    said: list[Recorded], facts: dict[str, Any], broken: bool
) -> None:
    assert codes(sending(facts=facts), said=said) == [(1, "stopped")] * broken
    assert codes(sending(facts=facts, category="answer"), said=said) == []


YES, NO = word("offers", True, NOON - DAY), word("offers", False, NOON - HOUR)


@pytest.mark.parametrize(
    ("said", "facts", "broken"),
    [
        ([YES], {}, False),
        ([YES], {"agrees": None}, True),
        ([], {}, True),
        ([YES, NO], {}, True),
        ([YES, word("offers", False, NOON)], {}, False),  # which of the two was first, nobody knows
        ([word("offers", True, NOON)], {}, False),
        ([word("offers", True, NOON + MINUTE)], {}, True),
        ([YES, word("offers", False, NOON - HOUR, DAY)], {}, False),  # it reached us after the offer
    ],
)
def test_offers_go_to_addresses_that_had_agreed(
    said: list[Recorded], facts: dict[str, Any], broken: bool
) -> None:
    assert codes(offer(facts=facts), said=said) == [(1, "not_agreed")] * broken


@pytest.mark.parametrize(
    ("buyer", "facts", "broken"),
    [
        (ann(), {}, True),  # by the shop's own zone
        (ann(timezone="Asia/Shanghai"), {}, False),
        (ann(timezone="Asia/Shanghai"), {"timezone": "UTC"}, True),
        (ann(), {"timezone": "Asia/Shanghai"}, False),
        (ann(timezone="UTC"), {"timezone": "Asia/Shanghai"}, True),
        (ann(timezone="UTC", shown_at=NOON), {"timezone": "Asia/Shanghai"}, False),  # known only since
        (ann(), {"quiet_hours": ["22:00", "03:00"]}, False),  # as the shop had them then
    ],
)
def test_it_is_night_by_the_zone_known_then_and_by_the_buyers_own(
    buyer: Buyer, facts: dict[str, Any], broken: bool
) -> None:
    assert codes(sending(facts=facts), buyer=buyer, shop=NIGHT) == [(1, "quiet_hours")] * broken


def test_a_sending_began_with_its_decision_unless_its_end_is_too_far_from_it() -> None:
    decided = {"facts": {"at": NOON.isoformat()}}

    assert began(sending(at=NOON + LONGEST_SENDING, **decided)) == NOON
    assert began(sending(at=NOON + LONGEST_SENDING + SECOND, **decided)) == NOON + LONGEST_SENDING + SECOND
    assert began(sending(at=NOON - DAY, **decided)) == NOON - DAY  # a decision may not be later either
    assert began(sending(at=NOON + DAY, state="unknown", **decided)) == NOON
    assert began(sending(at=NOON + DAY)) == NOON + DAY

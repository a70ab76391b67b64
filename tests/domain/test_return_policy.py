"""What is taken back is what the settings and the three rules allow, and nothing else."""

from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events import Line, OrderEvent
from bot.domain.money import Money
from bot.domain.return_policy import (
    Cause,
    Way,
    Wish,
    arrived_at,
    decide,
    refundable,
    until_of,
    ways_of,
)
from bot.domain.shop import Shop
from tests.handlers.world import (
    DAY,
    PLACED,
    cancelled,
    completed,
    days,
    delivered,
    moved,
    order_of,
    paid,
    placed,
    refunded,
    shipped,
    shop_with,
)

CAUSES: tuple[Cause, ...] = get_args(Cause)
WAYS: tuple[Way, ...] = get_args(Way)
SEVEN = shop_with(returns={"days": 7, "faulty_days": 30})
MUG = Line(title="Mug", quantity=1, price=Money(6000, "CNY"), sku="MUG")
SOCKS = Line(title="Socks", quantity=1, price=Money(6800, "CNY"), sku="SOCKS")
ARRIVED = order_of(placed(lines=(MUG, SOCKS)), paid(), shipped(), delivered())
AT = PLACED + 3 * DAY  # when it arrived: 10 in the morning in the shop's zone

policies = st.fixed_dictionaries(
    {
        "days": st.integers(0, 40),
        "faulty_days": st.integers(0, 40),
        "exchange": st.booleans(),
        "repair": st.booleans(),
        "postage": st.sampled_from(["buyer", "shop"]),
        "excluded": st.lists(st.sampled_from(["MUG", "SOCKS", "TEA"])),
        "satisfied": st.booleans(),
    }
)
wishes = st.builds(
    Wish,
    way=st.none() | st.sampled_from(WAYS),
    cause=st.sampled_from(CAUSES),
    used=st.none() | st.booleans(),
    skus=st.lists(st.none() | st.sampled_from(["MUG", "SOCKS"])).map(tuple),
)
FACTS: tuple[OrderEvent, ...] = (
    *(paid(), paid(minor=5000), paid(minor=700, currency="USD"), shipped(), moved(), delivered()),
    *(completed(), cancelled(), refunded(minor=3000)),
    *(refunded(minor=9000, refund="r2"), refunded(refund="r3")),
)
histories = st.lists(st.sampled_from(FACTS), unique_by=id).map(
    lambda facts: order_of(placed(lines=(MUG, SOCKS)), *facts)
)
moments = st.integers(0, 60 * 24).map(lambda hours: PLACED + timedelta(hours=hours))


def at(number: float) -> datetime:
    """So many days after it arrived."""
    return AT + days(number)


@given(wishes, histories, policies, moments)
def test_nothing_is_agreed_to_that_no_setting_and_no_rule_allows(
    wish: Wish, order: Any, policy: dict[str, Any], now: datetime
) -> None:
    shop = shop_with(returns=policy)

    decision = decide(wish, order, shop, now)

    if not decision.agreed:
        assert (decision.ways, decision.shop_pays, decision.at_most) == ((), False, None)
        return
    fault = wish.cause != "mind"
    within = policy["faulty_days"] if fault else policy["days"]
    arrived = arrived_at(order, shop)
    assert within > 0
    assert arrived is None or now < arrived + (within + 1) * DAY
    assert fault or not {*(wish.skus or ("MUG", "SOCKS"))} & {*policy["excluded"]}
    assert fault or not wish.used or policy["satisfied"]
    assert decision.shop_pays is (fault or policy["postage"] == "shop")
    assert decision.ways
    assert not {"replacement", "size"} & {*decision.ways} or policy["exchange"]
    assert "repair" not in decision.ways or (policy["repair"] and fault)
    assert not order.refunded_in_full
    assert not order.cancelled


@given(wishes, histories, policies, moments, st.integers(0, 10**4))
def test_who_comes_later_is_never_better_off(
    wish: Wish, order: Any, policy: dict[str, Any], now: datetime, more: int
) -> None:
    shop = shop_with(returns=policy)

    if arrived_at(order, shop) is not None and not decide(wish, order, shop, now).agreed:
        assert not decide(wish, order, shop, now + timedelta(hours=more)).agreed


@given(wishes, st.lists(st.sampled_from(FACTS), unique_by=id, max_size=4), policies, moments)
def test_the_order_in_which_facts_arrive_does_not_matter(
    wish: Wish, facts: list[OrderEvent], policy: dict[str, Any], now: datetime
) -> None:
    shop = shop_with(returns=policy)
    orders = (order_of(*facts) for facts in permutations((placed(), *facts)))

    decisions = {msgspec.json.encode(decide(wish, order, shop, now)) for order in orders}

    assert len(decisions) == 1


@given(histories)
def test_no_more_is_given_back_than_came(order: Any) -> None:
    rest = refundable(order)

    if rest is not None:
        assert order.paid is not None
        assert rest.currency == order.paid.currency
        assert 0 <= rest.minor <= order.paid.minor


@pytest.mark.parametrize("currency", ["JPY", "KWD", "TWD", "EUR", "CNY"])
def test_a_currency_changes_no_decision(currency: str) -> None:
    total = Money(12800, currency)
    line = Line(title="Mug", quantity=1, price=total, sku="MUG")
    facts = placed(total=total, lines=(line,)), paid(minor=12800, currency=currency), shipped(), delivered()

    decision = decide(Wish(), order_of(*facts), SEVEN, at(1))

    assert decision.agreed
    assert decision.at_most == total


@given(wishes, histories, moments)
def test_nought_is_nought(wish: Wish, order: Any, now: datetime) -> None:
    never = shop_with(returns={"days": 0, "faulty_days": 0, "satisfied": True, "postage": "shop"})

    assert not decide(wish, order, never, now).agreed


@given(wishes, histories, moments)
def test_a_shop_without_a_policy_promises_nothing(wish: Wish, order: Any, now: datetime) -> None:
    decision = decide(wish, order, Shop(name="Mug House", locale="en"), now)

    assert (decision.agreed, decision.why in ("no_policy", "not_sent", "order_over")) == (False, True)


@pytest.mark.parametrize(
    ("after", "agreed"), [(0, True), (7, True), (7.58, True), (7.59, False), (8, False), (400, False)]
)
def test_the_last_day_counts_in_full_where_the_shop_is(after: float, agreed: bool) -> None:
    """It came at ten in the morning; so many days later it is midnight after the seventh day at 7.583."""
    decision = decide(Wish(skus=("MUG",)), ARRIVED, SEVEN, at(after))

    assert (decision.agreed, decision.why) == (agreed, "within_days" if agreed else "too_late")
    assert decision.until is not None
    assert (decision.until - timedelta(seconds=1)).date() == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("wish", "policy", "why", "ways", "shop_pays"),
    [
        (Wish(), {}, "within_days", ("refund", "replacement", "size"), False),
        (Wish(way="size"), {}, "within_days", ("size", "refund", "replacement"), False),
        (Wish(way="size"), {"exchange": False}, "within_days", ("refund",), False),
        (Wish(way="repair"), {"repair": True}, "within_days", ("refund", "replacement", "size"), False),
        (Wish(), {"postage": "shop"}, "within_days", ("refund", "replacement", "size"), True),
        (Wish(used=True), {"satisfied": True}, "satisfied", ("refund", "replacement", "size"), False),
        (Wish(cause="fault"), {}, "made_good", ("replacement", "refund", "size"), True),
        (Wish(cause="fault", way="refund"), {}, "made_good", ("refund", "replacement", "size"), True),
        (Wish(cause="fault"), {"exchange": False}, "made_good", ("refund",), True),
        (Wish(cause="unclear", used=True), {"days": 0}, "blame_taken", None, True),
        (Wish(cause="fault", skus=("SOCKS",)), {"excluded": ["SOCKS"]}, "made_good", None, True),
        (Wish(cause="unclear", way="repair"), {"repair": True}, "blame_taken", None, True),
    ],
)  # fmt: skip
def test_what_may_be_had(
    wish: Wish, policy: dict[str, Any], why: str, ways: tuple[str, ...] | None, shop_pays: bool
) -> None:
    decision = decide(wish, ARRIVED, shop_with(returns=policy), at(1))

    assert (decision.agreed, decision.why, decision.shop_pays) == (True, why, shop_pays)
    assert ways is None or decision.ways == ways
    assert wish.way not in decision.ways or decision.ways[0] == wish.way


@pytest.mark.parametrize(
    ("wish", "policy", "why"),
    [
        (Wish(), {"days": 0}, "none_taken"),
        (Wish(used=True), {}, "used"),
        (Wish(skus=("SOCKS",)), {"excluded": ["SOCKS"]}, "excluded"),
        (Wish(), {"excluded": ["SOCKS"]}, "excluded"),
        (Wish(skus=("SOCKS",), used=True), {"excluded": ["SOCKS"], "satisfied": True}, "excluded"),
        (Wish(cause="fault"), {"faulty_days": 0}, "none_taken"),
    ],
)
def test_what_may_not(wish: Wish, policy: dict[str, Any], why: str) -> None:
    decision = decide(wish, ARRIVED, shop_with(returns=policy), at(1))

    assert (decision.agreed, decision.why) == (False, why)


def test_what_is_faulty_has_more_days_and_what_is_kept_out_is_taken_back_with_the_rest_named() -> None:
    assert decide(Wish(cause="fault"), ARRIVED, SEVEN, at(20)).agreed
    assert decide(Wish(skus=("MUG",)), ARRIVED, shop_with(returns={"excluded": ["SOCKS"]}), at(1)).agreed


def test_before_it_left_and_after_it_ended_it_is_another_matter() -> None:
    def why(*facts: OrderEvent) -> str:
        return decide(Wish(), order_of(placed(), *facts), SEVEN, at(1)).why

    assert why() == why(paid()) == "not_sent"
    assert why(paid(), cancelled()) == why(paid(), shipped(), delivered(), refunded()) == "order_over"


def test_the_days_of_what_is_on_its_way_have_not_begun() -> None:
    order = order_of(placed(), paid(), shipped(), moved())

    decision = decide(Wish(), order, SEVEN, at(60))

    assert (decision.agreed, decision.until) == (True, None)


def test_where_nobody_reports_arrivals_they_count_from_the_usual_time_of_travel() -> None:
    unfollowed = msgspec.structs.replace(shipped(), followed=False)
    order = order_of(placed(), paid(), unfollowed)

    assert arrived_at(order, SEVEN) == PLACED + DAY + SEVEN.followups.travel
    assert arrived_at(order_of(placed(), paid(), completed()), SEVEN) == PLACED + 9 * DAY
    assert until_of(order, SEVEN) == datetime(2026, 12, 4, tzinfo=SEVEN.zone())


def test_the_last_parcel_begins_the_days() -> None:
    facts = placed(), paid(), shipped("A", last=False), shipped("B", last=True), delivered("A")
    order, whole = order_of(*facts), order_of(*facts, delivered("B", after=9 * DAY))

    assert arrived_at(order, SEVEN) is None
    assert arrived_at(whole, SEVEN) == PLACED + 9 * DAY


def test_an_order_of_nothing_is_replaced_and_never_paid_back() -> None:
    free = order_of(placed(total=Money(0, "CNY")), shipped(), delivered())

    assert ways_of(free, SEVEN, "fault") == ("replacement", "size")
    assert decide(Wish(), free, shop_with(returns={"exchange": False}), at(1)).why == "no_way"


def test_what_was_paid_at_the_door_can_be_paid_back_though_no_payment_was_told() -> None:
    order = order_of(placed(pay_on_delivery=True), shipped(), delivered())

    assert ways_of(order, SEVEN, "mind")[0] == "refund"

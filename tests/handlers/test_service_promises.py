"""Promises: the seller is warned in time, a miss is made good once, and not where it was kept after all."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from bot.domain.actions import Action, CloseCase, NotePromise, OpenCase, Say, WakeAt
from bot.domain.context import Case, Context
from bot.domain.events import OrderEvent
from bot.domain.messages import Facts
from bot.domain.service_promises import GRACE, due_at
from bot.domain.shop import Shop
from bot.domain.tiers import KeptTier
from handlers import service_promises
from handlers.service_promises import DUE, SOON
from tests.handlers import world
from tests.handlers.world import ANN, HOUR, PLACED, Desk, decide, order_of, time_came, why_outdated


def shop_of(**rule: Any) -> Shop:
    ships = {"since": "order.paid", "until": "order.shipped", "within": "2d", **rule}
    return Shop.model_validate({"name": "Mug House", "locale": "en", "promises": {"ships": ships}})


SHOP = shop_of(made_good={"amount": 5})
PAID = (world.placed(), world.paid())
BY = due_at(SHOP.promises["ships"], order_of(*PAID).ready_at or PLACED, SHOP)


def at_due(
    *facts: OrderEvent,
    what: str = DUE,
    now: datetime = BY,
    at: datetime = BY,
    shop: Shop = SHOP,
    **known: Any,
) -> list[Action]:
    event = time_came(what, at)
    event = msgspec.structs.replace(event, external_id=f"{what}:ships:1001:{int(BY.timestamp())}")
    order = order_of(*facts)
    context = Context(now=now, shop_id="mugs", shop=shop, buyer=ANN, order=order, **known)
    return list(decide(event, context))


def kinds(actions: list[Action]) -> list[str]:
    return [type(each).__name__ for each in actions]


def test_a_shop_without_promises_does_nothing() -> None:
    desk = Desk().take(*PAID)
    assert not [key for key in desk.wakes if key.startswith(DUE)]


def looks(actions: list[Action]) -> list[datetime]:
    return [each.at for each in actions if isinstance(each, WakeAt) and each.what == DUE]


def test_nobody_apologises_before_the_word_that_it_was_kept_has_had_some_minutes() -> None:
    order = order_of(*PAID)
    context = Context(now=BY - HOUR, shop_id="mugs", shop=SHOP, buyer=ANN, order=order)
    assert looks(service_promises.watch(order, context)) == [BY + GRACE]


def test_what_is_promised_for_longer_since_is_looked_at_again() -> None:
    early = at_due(*PAID, now=BY - HOUR, at=BY - HOUR)
    assert (kinds(early), looks(early)) == (["NotePromise", "WakeAt"], [BY + GRACE])


def test_a_miss_is_noted_and_made_good_before_anybody_asks() -> None:
    noted, owed, said = at_due(*PAID)
    assert isinstance(noted, NotePromise)
    assert noted.state == "missed"
    assert isinstance(owed, OpenCase)
    assert (owed.kind, owed.details) == ("compensation", {"order": "1001", "amount": "5.00 CNY"})
    assert isinstance(said, Say)
    assert said.key == "compensation:1001"  # under which a complaint makes good too


def test_what_was_made_good_by_a_complaint_is_said_without_money() -> None:
    key, reason = "compensation:1001", "compensation_promised"
    owed = Case(number=1, kind="compensation", key=key, reason=reason, opened_at=PLACED, order="1001")
    _, said = at_due(*PAID, cases=(owed,))
    assert isinstance(said, Say)
    assert "amount_minor" not in said.values


def test_what_was_kept_or_called_off_is_only_noted() -> None:
    for facts in ((*PAID, world.shipped()), (*PAID, world.cancelled())):
        assert kinds(at_due(*facts)) == ["NotePromise"]


@pytest.mark.parametrize(
    ("rule", "known", "concern"),
    [
        ({}, {"missed_before": 1}, "missed_again"),
        ({"again_to_owner": False}, {"missed_before": 1}, None),
        ({}, {"kept_tier": KeptTier(kept="gold")}, "vip"),
        ({"vip_to_owner": False}, {"kept_tier": KeptTier(kept="gold")}, None),
        ({"large_sum": 100}, {}, "large_sum"),
        ({"large_sum": 128}, {}, None),
    ],
)
def test_some_misses_go_to_the_owner_too(
    rule: dict[str, Any], known: dict[str, Any], concern: str | None
) -> None:
    found = at_due(*PAID, shop=shop_of(made_good={"percent": 10}, **rule), **known)
    opened = [each.details.get("concern") for each in found if isinstance(each, OpenCase)]
    assert opened == ([concern, None] if concern else [None])


def test_no_more_is_paid_back_than_was_paid_and_nothing_for_what_is_long_past() -> None:
    found = at_due(*PAID, shop=shop_of(made_good={"amount": 999}))
    assert [each.details["amount"] for each in found if isinstance(each, OpenCase)] == ["128.00 CNY"]
    assert kinds(at_due(*PAID, now=BY + service_promises.FORGOTTEN + HOUR)) == ["NotePromise"]


def test_the_seller_is_warned_once_and_it_ends_when_it_is_kept() -> None:
    (warned,) = at_due(*PAID, what=SOON, now=BY - HOUR)
    assert isinstance(warned, OpenCase)
    assert warned.reason == "promise_soon"
    assert at_due(*PAID, what=SOON) == []
    case = Case(number=1, kind="promise", key=warned.key, reason="", opened_at=PLACED, order="1001")
    order = order_of(*PAID, world.shipped())
    context = Context(now=BY, shop_id="mugs", shop=SHOP, buyer=ANN, order=order, cases=(case,))
    assert CloseCase(key=warned.key) in service_promises.watch(order, context)


def test_an_apology_is_not_said_once_facts_say_that_it_was_kept() -> None:
    *_, said = at_due(*PAID)
    assert isinstance(said, Say)
    for facts, why in ((PAID, None), ((*PAID, world.shipped()), "promise_kept")):
        reason = why_outdated(said, Facts(shop=SHOP, buyer=ANN, order=order_of(*facts)), BY)
        assert (reason and reason.code) == why

"""A guest's yes to offers: asked for once, of the mailbox that was named, and only while it is undecided."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.events import BuyerRef, OrderPlaced
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.shop import Shop
from bot.domain.wishes import Standing
from handlers.offers import why_not_ask
from tests.handlers import world
from tests.handlers.world import ANN, HOUR, PLACED, Desk, order_of

GERMAN = world.shop_with(region="DE")
KEY = "confirm_offers:ann@example.com:1001"


def checkout(after: timedelta = timedelta(0), **buyer: Any) -> OrderPlaced:
    base = world.placed()
    named = {"email": "Ann@example.com", "agrees": True, **buyer}
    return OrderPlaced(
        channel=base.channel,
        external_id="checkout",
        at=base.at + after,
        order=base.order,
        placed_at=base.placed_at,
        total=base.total,
        buyer=BuyerRef(**named),
    )


def test_the_mailbox_that_a_guest_named_is_asked_and_no_other_address() -> None:
    ask = Desk(GERMAN).take(checkout()).waiting[KEY]

    assert (ask.template, ask.to, ask.at) == ("confirm_offers", "mailto:ann@example.com", PLACED)


@pytest.mark.parametrize(
    "buyer", [{"agrees": False}, {"agrees": None}, {"email": None, "phone": "+8613800008000"}]
)
def test_nobody_is_asked_who_said_no_or_named_no_mailbox(buyer: dict[str, Any]) -> None:
    assert KEY not in Desk(GERMAN).take(checkout(**buyer)).messages


@pytest.mark.parametrize(
    ("shop", "asked"),
    [
        (world.shop_with(region="US"), False),
        (world.shop_with(region="US", double_opt_in=True), True),
        (world.shop_with(region="DE", double_opt_in=False), False),
    ],
)
def test_the_law_of_the_region_decides_unless_the_shop_does(shop: Shop, asked: bool) -> None:
    assert (KEY in Desk(shop).take(checkout()).messages) is asked


def test_a_second_showing_of_the_order_does_not_ask_again_and_the_next_order_may() -> None:
    desk = Desk(GERMAN).take(checkout(), checkout(after=HOUR))
    assert [key for key in desk.messages if key.startswith("confirm_offers")] == [KEY]

    other = Desk(GERMAN).take(replace(checkout(), order="1002"))
    assert "confirm_offers:ann@example.com:1002" in other.messages


def test_a_yes_that_flips_or_moves_to_another_mailbox_plans_the_same_in_any_order() -> None:
    facts = [
        checkout(),
        checkout(after=HOUR, agrees=False),
        checkout(after=2 * HOUR, email="ann@b.example"),
        checkout(after=3 * HOUR, agrees=None),
    ]
    desks = [Desk(GERMAN).take(*some) for some in permutations(facts)]
    plans = [
        {say.to: say.at for say in desk.waiting.values() if say.template == "confirm_offers"}
        for desk in desks
    ]

    assert plans[0] == {"mailto:ann@example.com": PLACED, "mailto:ann@b.example": PLACED + 2 * HOUR}
    assert all(plan == plans[0] for plan in plans)


def judged(
    *,
    to: str = "mailto:ann@example.com",
    standing: Standing | None = None,
    before: bool = False,
    **buyer: Any,
) -> str | None:
    order = order_of(checkout(**buyer))
    due = DueMessage(
        key=KEY,
        template="confirm_offers",
        category="service",
        due_at=PLACED,
        created_at=PLACED,
        lateness=HOUR,
        order=order.id,
        to=to,
    )
    facts = Facts(shop=GERMAN, buyer=ANN, order=order, standing=standing or Standing(), asked_before=before)
    reason: Reason | None = why_not_ask(due, order, facts, PLACED)
    return reason.code if reason else None


def test_it_is_asked_only_while_nobody_knows_and_the_order_still_names_the_mailbox() -> None:
    assert judged() is None
    assert judged(standing=Standing(agrees=True)) == "offers_decided"
    assert judged(standing=Standing(agrees=False)) == "offers_decided"
    assert judged(before=True) == "already_told"
    assert judged(agrees=False) == "not_agreed"
    assert judged(email="corrected@example.com") == "not_agreed"
    assert judged(email="Ann@Straße.example", to="mailto:ann@straße.example") is None
    assert judged(email="ann@straße.example", to="mailto:ann@strasse.example") == "not_agreed"

"""A checkout that was left: a question and a reminder, to those who agreed to offers; an order ends both."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.actions import Say
from bot.domain.context import Context
from bot.domain.events import BuyerRef, CheckoutAbandoned
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.money import Money
from bot.domain.shop import FollowUps, Shop
from handlers.checkout import why_not_ask
from tests.engine import Buyer, Engine, many_shops
from tests.handlers.world import ANN, PLACED, SHOP, decide, hours, order_of, placed
from tests.one_shop import DAY, HOUR, NOON

LEFT = CheckoutAbandoned(
    channel="shop",
    external_id="c",
    at=PLACED,
    checkout="77",
    buyer=BuyerRef(id="ann"),
    total=Money(6000, "GBP"),
)


def shop(**waits: timedelta) -> Shop:
    return SHOP.model_copy(update={"followups": FollowUps(**waits)})  # type: ignore[arg-type]


def steps(of: Shop) -> list[Say]:
    context = Context(now=PLACED, shop_id="mugs", shop=of, buyer=ANN)
    return [action for action in decide(LEFT, context) if isinstance(action, Say)]


def test_one_question_and_one_reminder_follow_with_keys_of_their_own() -> None:
    question, reminder = steps(SHOP)

    assert (question.key, reminder.key) == ("checkout:shop:77:1", "checkout:shop:77:2")
    assert (question.at, reminder.at) == (PLACED + hours(1), PLACED + hours(25))
    assert (question.values["last"], reminder.values["last"]) == (False, True)
    assert question.values["amount_minor"] == 6000


@pytest.mark.parametrize(
    ("waits", "count"),
    [({"checkout": timedelta(0)}, 0), ({"checkout_reminder": timedelta(0)}, 1), ({}, 2)],
)
def test_a_wait_of_nothing_is_no_step(waits: dict[str, timedelta], count: int) -> None:
    assert len(steps(shop(**waits))) == count


def judged(of: Shop = SHOP, **placed_at: Any) -> Reason | None:
    question = steps(SHOP)[0]
    due = DueMessage(
        key=question.key,
        template=question.template,
        category="promotion",
        due_at=PLACED + hours(1),
        created_at=PLACED,
        lateness=hours(10),
        values=question.values,
    )
    orders = tuple(replace(order_of(placed()), placed_at=at) for at in placed_at.values())
    return why_not_ask(due, Facts(shop=of, buyer=ANN, orders=orders), PLACED + hours(1))


def test_an_order_since_ends_it_and_an_older_one_does_not() -> None:
    assert judged() is None
    assert judged(old=PLACED - DAY) is None
    ended = judged(since=PLACED + hours(0.5))
    assert ended is not None
    assert (ended.code, ended.values["order"]) == ("ordered_since", "1001")
    off = judged(shop(checkout=timedelta(0)))
    assert off is not None
    assert off.code == "checkout_not_asked"


# Through the whole program


async def leave(engine: Engine, ann: Buyer, id: str = "c1", **buyer: Any) -> None:
    checkout = {"id": "77", "buyer": {**ann.ref, **buyer}, "total": "60.00", "currency": "CNY"}
    await engine.take(ann.event("checkout.abandoned", {"checkout": checkout}, NOON, id))


async def agree(engine: Engine, ann: Buyer) -> None:
    await engine.take(ann.event("buyer.updated", {"buyer": {**ann.ref, "agrees": True}}, NOON - DAY))


async def pass_days(engine: Engine, number: int) -> None:
    await engine.simulation.advance(NOON + number * DAY)


async def test_who_agreed_is_asked_once_however_often_it_is_told(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine, ann = shops.engine(limits={"promotions_per_week": 2}), Buyer()
        await agree(engine, ann)
        await leave(engine, ann)
        await leave(engine, ann, "c2")
        await pass_days(engine, 3)

        assert [one.message.template for one in engine.sent] == ["checkout_question"] * 2
        assert [one.at - NOON for one in engine.sent] == [HOUR, HOUR + DAY]
        assert "退订" in engine.sent[0].message.text or "不要优惠" in engine.sent[0].message.text


@pytest.mark.parametrize("agreed", [True, False])
async def test_an_order_or_no_consent_means_silence(database_url: str, agreed: bool) -> None:
    async with many_shops(database_url) as shops:
        engine, ann = shops.engine(), Buyer(at=NOON + HOUR / 2)
        if agreed:
            await agree(engine, ann)
        await leave(engine, ann)
        await engine.react()
        if agreed:
            await engine.take(ann.placed())
        await pass_days(engine, 3)

        assert "checkout_question" not in [one.message.template for one in engine.sent]
        why = await engine.outbox("state")
        assert {state for key, state in why.items() if key.startswith("checkout:")} == {"skipped"}

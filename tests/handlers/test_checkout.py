"""A checkout that was left: a question and a reminder, to those who agreed to offers; an order ends both."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.actions import Say
from bot.domain.context import Context, Said
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


LEFT_AT = int(PLACED.timestamp())


def shop(**waits: timedelta) -> Shop:
    return SHOP.model_copy(update={"followups": FollowUps(**waits)})  # type: ignore[arg-type]


def steps(of: Shop) -> list[Say]:
    context = Context(now=PLACED, shop_id="mugs", shop=of, buyer=ANN)
    return [action for action in decide(LEFT, context) if isinstance(action, Say)]


def test_one_question_and_one_reminder_follow_with_keys_of_their_own() -> None:
    question, reminder = steps(SHOP)

    assert (question.key, reminder.key) == (f"checkout:shop:77:1:{LEFT_AT}", f"checkout:shop:77:2:{LEFT_AT}")
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


def offered(step: int, left_at: int, state: str = "sent", checkout: str = "77") -> Said:
    key = f"checkout:shop:{checkout}:{step}:{left_at}"
    return Said(key=key, template="checkout_question", state=state)


def why(step: int, *said: Said) -> str | None:
    question = steps(SHOP)[step - 1]
    due = DueMessage(
        key=question.key,
        template=question.template,
        category="promotion",
        due_at=PLACED + hours(1),
        created_at=PLACED,
        lateness=hours(10),
        values=question.values,
    )
    found = why_not_ask(due, Facts(shop=SHOP, buyer=ANN, said=said), PLACED + hours(1))
    return found.code if found else None


def test_of_several_tellings_the_newest_is_said_and_of_several_checkouts_the_last() -> None:
    before, after = LEFT_AT - 60, LEFT_AT + 60
    assert why(1, offered(1, before, "queued"), offered(2, before, "queued")) is None
    assert why(1, offered(1, after, "queued")) == "checkout_left_later"
    assert why(1, offered(1, after, "skipped", checkout="8:8")) == "checkout_left_later"
    assert why(1, offered(1, before)) == "checkout_asked"
    assert why(1, offered(1, before, checkout="8")) is None
    assert why(1, Said(key="promotion:spring:ann", template="vip_promotion", state="sent")) is None


def test_a_reminder_is_only_of_a_question_that_went_out() -> None:
    assert why(2, offered(1, LEFT_AT)) is None
    assert why(2, offered(1, LEFT_AT - 60, "unknown")) is None
    assert why(2, offered(1, LEFT_AT, "skipped")) == "checkout_never_asked"
    assert why(2) == "checkout_never_asked"


def test_an_order_of_the_same_mailbox_ends_it_whosever_file_that_is_in() -> None:
    order = replace(order_of(placed()), placed_at=PLACED + hours(0.5))
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
    found = why_not_ask(due, Facts(shop=SHOP, buyer=ANN, orders_alike=(order,)), PLACED + hours(1))
    assert found is not None
    assert found.code == "ordered_since"


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


@pytest.mark.parametrize("turned", [False, True])
async def test_the_newest_telling_of_a_checkout_is_said_whatever_the_order_of_arrival(
    database_url: str, turned: bool
) -> None:
    async with many_shops(database_url) as shops:
        engine, ann = shops.engine(limits={"promotions_per_week": 5}), Buyer()
        await agree(engine, ann)
        told = [(NOON - HOUR / 2, "60.00"), (NOON - HOUR / 6, "120.00")]
        for number, (at, total) in enumerate(reversed(told) if turned else told):
            left = {"id": "77", "buyer": ann.ref, "total": total, "currency": "CNY", "abandoned_at": at}
            await engine.take(ann.event("checkout.abandoned", {"checkout": left}, at, f"c{number}"))
        await pass_days(engine, 3)

        assert [one.at - NOON for one in engine.sent] == [HOUR * 5 / 6, HOUR * 5 / 6 + DAY]
        assert all("120" in one.message.text for one in engine.sent)


async def test_three_checkouts_in_a_row_are_one_question(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine, ann = shops.engine(limits={"promotions_per_week": 5}), Buyer()
        await agree(engine, ann)
        for number in range(3):
            left = {"id": f"c{number}", "buyer": ann.ref}
            at = NOON + number * HOUR / 6
            await engine.take(ann.event("checkout.abandoned", {"checkout": left}, at, f"c{number}"))
        await pass_days(engine, 3)

        assert [one.at - NOON for one in engine.sent] == [HOUR * 4 / 3, HOUR * 4 / 3 + DAY]


async def test_who_agrees_only_after_the_question_is_not_reminded_of_it(database_url: str) -> None:
    async with many_shops(database_url) as shops:
        engine, ann = shops.engine(limits={"promotions_per_week": 5}), Buyer()
        await leave(engine, ann)
        await engine.simulation.advance(NOON + 2 * HOUR)
        agrees = {"buyer": {**ann.ref, "agrees": True}}
        await engine.take(ann.event("buyer.updated", agrees, NOON + 2 * HOUR))
        await pass_days(engine, 3)

        assert engine.sent == []


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

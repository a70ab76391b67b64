"""The audit: silent over a shop that kept its promises, and finding each one that is broken on purpose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, delete, select, text, update

from bot.domain.shop import LOCALES
from bot.operations.audit.audit import Finding, audit
from bot.operations.audit.orders import OUTDATED
from handlers.routes import POLICIES
from storage.tables import inbox, orders, outbox, wishes
from tests.world import NOON, World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SPRING = {
    "vip": {"tiers": [{"name": "gold", "orders": 1}]},
    "promotions": {
        "spring": {
            "tier": "gold",
            "cron": "0 10 * * *",
            "start": "2026-11-21",
            "end": "2026-12-01",
            "offer": "九折",
        }
    },
}
AGREEING = {"id": "ann", "name": "安娜", "timezone": "Asia/Shanghai", "locale": "zh-CN", "agrees": True}


@pytest.fixture
def database_file(tmp_path: Path) -> str:
    """SQLite alone, for what is decided in Python; every query is asked on both somewhere in this file."""
    return f"sqlite:///{tmp_path / 'shop.db'}"


def found(shop: World, **settings: Any) -> list[Finding]:
    shops = {
        "shop": shop.program.parts.config.shops["shop"].model_copy(update=settings)
        if settings
        else shop.program.parts.config.shops["shop"]
    }
    return audit(shop.program.parts.database, shops, shop.clock.now)


def codes(shop: World) -> set[str]:
    return {finding.code for finding in found(shop)}


def rows(shop: World, template: str) -> list[Any]:
    statement = select(outbox).where(outbox.c.template == template, outbox.c.state == "sent")
    return list(shop.program.parts.database.read_now(lambda link: link.execute(statement).all()))


def change(shop: World, *statements: Any) -> None:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    shop.program.parts.database.write_now(work)


def move(shop: World, row: Any, by: timedelta) -> None:
    """Let a message have gone out at another time, the facts beside it included."""
    facts = msgspec.json.decode(row.facts)
    facts["at"] = (datetime.fromisoformat(facts["at"]) + by).isoformat()
    here = update(outbox).where(outbox.c.shop == "shop", outbox.c.id == row.id)
    change(shop, here.values(settled_at=row.settled_at + by, facts=msgspec.json.encode(facts).decode()))


def rewrite(shop: World, row: Any, **facts: Any) -> None:
    """Let other facts have been written beside the decision."""
    kept = msgspec.json.encode(msgspec.json.decode(row.facts) | facts).decode()
    change(shop, update(outbox).where(outbox.c.shop == "shop", outbox.c.id == row.id).values(facts=kept))


@asynccontextmanager
async def busy_shop(database_url: str, **settings: Any) -> AsyncIterator[World]:
    """Some days of two orders, one of them up to its review, a question, and a promotion."""
    async with world(database_url, **SPRING, followups={"review": "1d"}, **settings) as shop:
        await shop.place("1001", buyer="ann")
        await shop.post("buyer.updated", {"buyer": AGREEING})
        await shop.place("1002", buyer="bob")
        await shop.forward(30 * MINUTE)
        await shop.say("什么时候发货？")
        await shop.fact("paid", "1001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(HOUR)
        await shop.fact("shipped", "1001", shipped_at=shop.clock.now, carrier="顺丰", tracking="SF1")
        await shop.forward(20 * HOUR)
        await shop.fact("delivered", "1001", delivered_at=shop.clock.now)
        await shop.fact("cancelled", "1002")
        await shop.forward(28 * HOUR)
        yield shop


async def test_a_shop_that_kept_its_promises_has_nothing_to_hear(database_url: str) -> None:
    async with busy_shop(database_url) as shop:
        assert {"payment_reminder", "review_request", "vip_promotion"} <= set(shop.receiver.templates)

        assert found(shop) == []


async def test_a_reminder_after_the_payment_was_known_is_found(database_url: str) -> None:
    async with busy_shop(database_url) as shop:
        late = next(row for row in rows(shop, "payment_reminder") if row.order_id == "1001")

        move(shop, late, by=2 * HOUR)

        [finding] = found(shop)
        assert (finding.promise, finding.code) == (3, "order_paid")
        assert (finding.key, finding.message) == (late.key, f"shop-{late.id}")
        assert "1001" in finding.sentence
        assert "催付提醒" in finding.sentence


async def test_a_payment_that_reached_us_only_after_the_reminder_is_no_breach(database_file: str) -> None:
    async with world(database_file) as shop:
        await shop.place()
        await shop.forward(30 * MINUTE)
        await shop.fact("paid", at=NOON + MINUTE, paid_at=NOON + MINUTE, amount="128.00", currency="CNY")
        await shop.settle()
        assert "payment_reminder" in shop.receiver.templates

        assert found(shop) == []


async def test_a_cancelling_that_reached_us_late_is_no_breach_but_one_we_knew_is(database_file: str) -> None:
    async with world(database_file) as shop:
        await shop.place()
        await shop.forward(30 * MINUTE)
        await shop.fact("cancelled", at=NOON + MINUTE)
        await shop.settle()
        assert found(shop) == []

        change(shop, update(inbox).where(inbox.c.type == "order.cancelled").values(received_at=NOON + MINUTE))

        assert codes(shop) == {"order_cancelled"}


async def test_a_review_asked_for_a_returned_order_is_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        await shop.fact("refunded", "1001", refund="r1", refunded_at=shop.clock.now)
        await shop.settle()
        assert found(shop) == []

        change(shop, update(inbox).where(inbox.c.type == "order.refunded").values(received_at=NOON + DAY))

        assert codes(shop) == {"order_refunded"}


async def test_a_message_in_the_buyers_night_is_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        move(shop, rows(shop, "payment_received")[0], by=12 * HOUR)

        [finding] = [each for each in found(shop) if each.code == "quiet_hours"]
        assert finding.promise == 6
        assert "Asia/Shanghai" in finding.sentence


async def test_the_night_is_the_one_where_the_buyer_lives(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        rewrite(shop, rows(shop, "payment_received")[0], timezone="America/New_York")

        assert codes(shop) == {"quiet_hours"}


async def test_quiet_hours_set_later_do_not_accuse_what_was_said_before(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        quiet = shop.program.parts.config.shops["shop"].quiet_hours.model_copy(update={"start": NOON.time()})

        assert found(shop, quiet_hours=quiet) == []


async def test_an_answer_at_night_is_no_breach(database_file: str) -> None:
    async with world(database_file, now=NOON + 14 * HOUR) as shop:
        await shop.say("你好")
        await shop.settle()

        assert shop.receiver.templates == ["hello"]
        assert found(shop) == []


async def test_more_than_the_cap_is_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        rewrite(shop, rows(shop, "payment_received")[0], per_day=2, sent_in_day=0)

        [finding] = found(shop)
        assert (finding.promise, finding.code) == (6, "day_full")
        assert "2" in finding.sentence


async def test_a_message_after_stop_is_found_and_one_before_is_not(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        await shop.say("退订")
        await shop.settle()
        assert found(shop) == []

        change(
            shop, update(wishes).where(wishes.c.what == "all").values(at=NOON + HOUR, recorded_at=NOON + HOUR)
        )

        wrong = [finding for finding in found(shop) if finding.code == "stopped"]
        assert wrong
        assert all(finding.at and finding.at > NOON + HOUR for finding in wrong)


async def test_a_stop_that_reached_us_late_is_no_breach(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        await shop.post("buyer.opted_out", {"buyer": {"id": "ann"}}, at=NOON + MINUTE)
        await shop.settle()
        assert found(shop) == []


async def test_a_no_to_offers_that_reached_us_late_is_no_breach_but_one_we_knew_is(database_url: str) -> None:
    async with busy_shop(database_url) as shop:
        await shop.post("buyer.updated", {"buyer": AGREEING | {"agrees": False}}, at=NOON + MINUTE, id="no")
        await shop.settle()
        assert found(shop) == []

        its_own = wishes.c.event.like("no#%")
        change(shop, update(wishes).where(its_own).values(recorded_at=NOON + MINUTE))

        assert codes(shop) == {"not_agreed"}


async def test_an_offer_without_consent_is_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        change(shop, delete(wishes).where(wishes.c.what == "offers"))

        [finding] = found(shop)
        assert (finding.promise, finding.code) == (6, "not_agreed")


async def test_an_offer_withdrawn_later_is_no_breach(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        await shop.post("buyer.updated", {"buyer": AGREEING | {"agrees": False}})
        await shop.settle()

        assert found(shop) == []


async def test_a_promotion_that_went_out_twice_is_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        [row] = rows(shop, "vip_promotion")

        again = dict(row._mapping) | {"id": 999_999, "key": "promotion:spring:again"}
        change(shop, outbox.insert().values(again | {"settled_at": row.settled_at + 2 * HOUR}))

        assert codes(shop) == {"promotion_twice", "promotions_full"}


async def test_the_same_words_under_another_key_are_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        row = rows(shop, "payment_received")[0]

        again = dict(row._mapping) | {"id": 999_999, "key": "payment_received:1001:again"}
        change(shop, outbox.insert().values(again))

        [finding] = found(shop)
        assert (finding.promise, finding.code) == (2, "said_twice")
        assert finding.key == "payment_received:1001:again"


async def test_a_key_that_stands_twice_is_found_whatever_the_constraints_say(database_url: str) -> None:
    async with busy_shop(database_url) as shop:
        change(
            shop,
            text("CREATE TABLE loose AS SELECT * FROM outbox"),
            text("DROP TABLE outbox"),
            text("ALTER TABLE loose RENAME TO outbox"),
        )
        row = rows(shop, "payment_received")[0]
        change(shop, outbox.insert().values(dict(row._mapping) | {"id": 999_999}))

        assert codes(shop) == {"key_twice", "said_twice"}


async def test_a_word_of_the_bot_over_a_persons_is_found(database_url: str) -> None:
    async with busy_shop(database_url) as shop:
        await shop.post(
            "agent.replied", {"message": {"id": "x1", "buyer": {"id": "ann"}, "text": "我来处理"}}
        )
        await shop.settle()
        assert found(shop) == []

        received_at = rows(shop, "payment_received")[0].settled_at - 5 * MINUTE
        body = select(inbox.c.body).where(inbox.c.type == "agent.replied")
        told = msgspec.json.decode(shop.program.parts.database.read_now(lambda link: link.scalar(body)))
        told["at"] = received_at.isoformat()
        change(
            shop,
            update(inbox)
            .where(inbox.c.type == "agent.replied")
            .values(received_at=received_at, body=msgspec.json.encode(told).decode()),
        )

        assert codes(shop) == {"spoken_over"}


async def test_the_echo_of_our_own_words_is_no_person(database_file: str) -> None:
    async with world(database_file) as shop:
        await shop.place()
        await shop.settle()
        words = shop.receiver.messages[0]["text"]
        await shop.post("agent.replied", {"message": {"id": "echo", "buyer": {"id": "ann"}, "text": words}})
        await shop.forward(30 * MINUTE)
        assert "payment_reminder" in shop.receiver.templates

        assert found(shop) == []


async def test_an_order_whose_record_forgot_a_payment_is_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        record = select(orders.c.record).where(orders.c.id == "1001")
        kept = msgspec.json.decode(shop.program.parts.database.read_now(lambda link: link.scalar(record)))
        del kept["payments"]

        change(
            shop,
            update(orders).where(orders.c.id == "1001").values(record=msgspec.json.encode(kept).decode()),
        )

        [finding] = found(shop)
        assert (finding.promise, finding.code, finding.order) == (1, "order_differs", "1001")


async def test_an_order_without_a_record_is_found(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        change(shop, delete(orders).where(orders.c.id == "1002"))

        assert {(each.code, each.order) for each in found(shop)} == {("order_differs", "1002")}


async def test_a_record_that_an_event_awaits_is_not_behind(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        await shop.fact("completed", "1001")

        assert found(shop) == []


async def test_an_event_that_nobody_handles_is_found_after_an_hour(database_file: str) -> None:
    async with busy_shop(database_file) as shop:
        await shop.fact("completed", "1001")
        shop.clock.now += 61 * MINUTE

        [finding] = found(shop)
        assert (finding.promise, finding.code) == (0, "event_waits")


async def test_a_message_that_its_sender_left_in_hand_is_found(database_url: str) -> None:
    async with busy_shop(database_url) as shop:
        row = rows(shop, "payment_received")[0]
        here = update(outbox).where(outbox.c.shop == "shop", outbox.c.id == row.id)
        change(shop, here.values(state="sending", settled_at=None, lease_until=NOON - 300 * DAY))

        [finding] = found(shop)
        assert (finding.promise, finding.code, finding.key) == (0, "lease_over", row.key)


async def test_the_whole_database_is_looked_through_in_pages_and_progress_is_told(database_url: str) -> None:
    async with busy_shop(database_url) as shop:
        template = dict(rows(shop, "payment_received")[0]._mapping)
        many = [
            template
            | {"id": 10_000 + n, "key": f"k:{n}", "buyer": f"b{n // 4}", "order_id": None, "text": f"t{n}"}
            for n in range(1203)
        ]
        change(shop, outbox.insert().values(many[:600]), outbox.insert().values(many[600:]))
        seen: list[int] = []

        shops = shop.program.parts.config.shops
        answer = audit(
            shop.program.parts.database, shops, shop.clock.now, lambda name, looked: seen.append(looked)
        )

        assert answer == []
        assert seen == sorted(seen)
        assert seen[-1] > 1203


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_finding_is_told_in_the_sellers_language(locale: str, database_file: str) -> None:
    async with busy_shop(database_file, seller={"locale": locale}) as shop:
        move(shop, next(r for r in rows(shop, "payment_reminder") if r.order_id == "1001"), by=2 * HOUR)

        [finding] = found(shop)

        told = {"en": "payment reminder", "zh-CN": "催付提醒", "zh-TW": "付款提醒"}
        assert told[locale] in finding.sentence
        assert "order_paid" not in finding.sentence


def test_every_message_that_the_audit_knows_is_one_that_the_shop_says() -> None:
    assert set(OUTDATED) <= set(POLICIES)

"""What is said of money that is taken back, told twice, foreign, or none, of orders side by side."""

import re
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain.meanings import Meaning, Understanding
from bot.operations.audit.audit import Finding, audit
from bot.seller.explanation import explain
from bot.seller.settle import settle_case
from bot.seller.words import SellerWords
from storage.tables import cases
from tests.world import NOON, World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def heard(shop: World, order: str) -> list[str]:
    return [said["template"] for said in shop.receiver.messages if said.get("order") == order]


async def reasons(shop: World, order: str, open: bool = False) -> list[str]:
    """Of its cases; those that are still open alone, or all."""
    here = select(cases.c.reason).where(cases.c.order_id == order)
    here = here.where(cases.c.closed_at.is_(None)) if open else here
    rows = await shop.program.parts.database.read(lambda connection: connection.execute(here).all())
    return [row.reason for row in rows]


async def test_money_is_told_once_in_its_own_currency_and_while_it_is_there(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path / 'shop.db'}") as shop:

        async def place(order: str, **fields: Any) -> None:
            await shop.place(order, buyer=f"buyer of {order}", **fields)

        async def pay(order: str, **told: Any) -> None:
            await shop.fact("paid", order, paid_at=shop.clock.now, **told)

        await place("voided", paid="128.00")
        await place("in part", paid="28.00")
        await place("twice")
        await place("foreign")
        await place("for testing", test=True)
        await place("free", total="0.00", postage="0.00")
        await place("done")
        await place("at the door", pay_on_delivery=False)
        await place("no more at the door", pay_on_delivery=True)
        await place("called off")
        await shop.forward(10 * MINUTE)
        await place("at the door", pay_on_delivery=True)
        await place("no more at the door", pay_on_delivery=False)
        await pay("called off", amount="128.00", currency="CNY")
        await shop.fact("cancelled", "called off", cancelled_at=shop.clock.now + MINUTE)
        await place("voided", paid="0.00")
        await pay("twice", amount="128.00", currency="CNY", reference="T1")
        await pay("foreign", amount="12800", currency="KRW")
        await pay("for testing")
        await pay("done")
        await shop.fact("shipped", "done", shipped_at=shop.clock.now, tracking="SF1")
        await shop.forward(HOUR)
        assert await reasons(shop, "called off") == ["refund_owed"]
        await pay("twice", amount="128.00", currency="CNY", reference="T1")
        await shop.forward(DAY)
        await shop.fact("delivered", "done", delivered_at=shop.clock.now)
        await shop.fact(
            "refunded", "twice", refunded_at=shop.clock.now, refund="r", amount="9", currency="EUR"
        )
        await shop.forward(DAY)
        await shop.fact("cancelled", "done", cancelled_at=shop.clock.now, reason="deleted")
        await shop.forward(DAY)

        assert heard(shop, "voided") == ["order_confirmation"]
        assert heard(shop, "in part") == ["order_confirmation"]
        assert heard(shop, "twice") == ["order_confirmation", "payment_received", "reassurance"]
        assert heard(shop, "foreign") == ["order_confirmation"]
        assert heard(shop, "for testing") == []
        assert heard(shop, "free") == ["order_confirmation"]
        assert heard(shop, "at the door") == ["order_confirmation", "pay_way_changed"]
        assert heard(shop, "no more at the door") == ["order_confirmation", "pay_way_changed"]
        assert heard(shop, "done") == ["order_confirmation", "payment_received", "shipped", "delivered"]
        said = {message["order"]: message["text"] for message in reversed(shop.receiver.messages)}
        assert "¥100.00" in said["in part"]
        assert "不用付款" in said["free"]
        last = {message["order"]: message["text"] for message in shop.receiver.messages}
        assert "工商银行" not in last["at the door"]
        assert "工商银行" in last["no more at the door"]
        assert await reasons(shop, "no more at the door") == ["pay_way_changed"]
        assert await reasons(shop, "voided") == ["payment_given_up"]
        assert await reasons(shop, "foreign") == ["other_currency"]
        assert await reasons(shop, "twice") == ["other_currency"]


def sums(shop: World, order: str, template: str) -> list[list[str]]:
    """The sums that each of these messages names."""
    texts = [
        said["text"]
        for said in shop.receiver.messages
        if (said.get("order"), said["template"]) == (order, template)
    ]
    return [re.findall(r"¥[\d.]+", text) for text in texts]


def violations(shop: World) -> list[Finding]:
    parts = shop.program.parts
    return list(audit(parts.database, parts.config.shops, shop.clock.now))


async def settle_first_case(shop: World, confirmed: bool) -> None:
    await shop.program.parts.database.write(
        lambda link: settle_case(link, "shop", 1, confirmed, shop.clock.now, "test")
    )


async def test_money_that_comes_again_after_all_of_it_went_back_is_thanked_for(tmp_path: Path) -> None:
    async with world(f"sqlite:///{tmp_path / 'shop.db'}") as shop:

        async def then(type: str, order: str, **told: Any) -> None:
            await shop.fact(type, order, **told)
            await shop.forward(HOUR)

        for order, amount in (("whole", "128.00"), ("part", "64.00"), ("unsure", None)):
            money = {"amount": amount, "currency": "CNY"} if amount else {}
            await shop.place(order, buyer=f"buyer of {order}")
            await shop.forward(5 * MINUTE)
            await then("paid", order, reference="A", **money)
            await then("refunded", order, refund="r1", **money)
            await then("paid", order, reference="B", **money)
        await then("refunded", "whole", refund="r2", amount="128.00", currency="CNY")

        again = ["payment_received", "refunded", "payment_received"]
        assert heard(shop, "whole") == ["order_confirmation", *again, "refunded"]
        assert sums(shop, "whole", "payment_received") == [["¥128.00"], ["¥128.00"]]
        assert heard(shop, "part") == ["order_confirmation", *again]
        assert sums(shop, "part", "payment_received") == [["¥64.00", "¥64.00"]] * 2
        texts = [said["text"] for said in shop.receiver.messages if said.get("order") == "part"]
        assert "补齐后就为您发货" in texts[-1]
        assert await reasons(shop, "part") == ["paid_partly", "paid_partly"]
        assert heard(shop, "unsure") == ["order_confirmation", "payment_received", "refunded"]
        assert await reasons(shop, "unsure") == ["paid_after_refund"]
        assert [f"{each.order} {each.code} {each.key}" for each in violations(shop)] == []


async def test_what_was_confirmed_by_hand_is_the_same_money_when_the_platform_tells_of_it(
    tmp_path: Path,
) -> None:
    async with world(f"sqlite:///{tmp_path / 'shop.db'}") as shop:
        await shop.place()
        await shop.forward(10 * MINUTE)
        await shop.say("我已经付款了")
        await shop.forward(HOUR)
        await settle_first_case(shop, confirmed=True)
        await shop.forward(HOUR)
        await shop.fact("paid", amount="130.00", currency="CNY", reference="B")
        await shop.forward(HOUR)

        assert sums(shop, "1001", "payment_received") == [["¥128.00"]]
        assert await reasons(shop, "1001") == ["payment_claimed", "overpaid"]


async def test_nobody_is_asked_to_pay_while_a_person_helps_them_to(tmp_path: Path) -> None:
    def understand(*_: Any) -> Understanding:
        return Understanding("answer", (Meaning("payment_failed", 0.9),))

    async with world(f"sqlite:///{tmp_path / 'shop.db'}", options={"understand": understand}) as shop:
        await shop.place()
        await shop.forward(10 * MINUTE)
        await shop.say("the page is broken at the last step")
        await shop.forward(4 * HOUR)
        assert heard(shop, "1001") == ["order_confirmation"]
        assert await reasons(shop, "1001") == ["payment_failed"]
        parts = shop.program.parts
        told = await parts.database.read(
            lambda link: explain(
                link, "shop", parts.config.shops["shop"], SellerWords("en"), "payment_reminder:1001:1"
            )
        )
        assert told is not None
        assert any("case 1" in line for section in told.sections for line in section.lines)

        await settle_first_case(shop, confirmed=False)
        await shop.forward(3 * DAY)
        assert heard(shop, "1001")[1:2] == ["payment_reminder"]
        assert [f"{each.order} {each.code} {each.key}" for each in violations(shop)] == []


async def test_after_a_refund_no_new_total_is_called_paid_and_no_account_is_named(tmp_path: Path) -> None:
    def understand(*_: Any) -> Understanding:
        return Understanding("answer", (Meaning("how_to_pay", 0.9),))

    async with world(f"sqlite:///{tmp_path / 'shop.db'}", options={"understand": understand}) as shop:
        placed_at = shop.clock.now
        await shop.place(placed_at=placed_at)
        await shop.settle()
        await shop.fact("paid", amount="128.00", currency="CNY")
        await shop.forward(HOUR)
        await shop.place(total="100.00", placed_at=placed_at)
        await shop.forward(HOUR)
        await shop.fact("refunded", refund="r1", amount="28.00", currency="CNY")
        await shop.forward(HOUR)
        await shop.place(total="128.00", placed_at=placed_at)
        await shop.forward(HOUR)
        await shop.say("怎么付款")
        await shop.settle()
        *_, changed, asked = [said["text"] for said in shop.receiver.messages]
        assert "现在合计 ¥128.00" in changed
        for text in (changed, asked):
            assert "是否还需补款，我们核对后告诉您" in text
            assert "付清" not in text
            assert "6222" not in text
        assert await reasons(shop, "1001") == ["overpaid", "paid_partly"]


@pytest.mark.parametrize("apart", [timedelta(0), MINUTE], ids=str)
async def test_what_went_back_with_a_cancelling_is_told_once_in_any_order_of_arrival(
    tmp_path: Path, apart: timedelta
) -> None:
    facts = ("placed", "paid", "refunded", "cancelled")
    arrivals = {f"o{number}": arrival for number, arrival in enumerate(permutations(facts))}
    async with world(f"sqlite:///{tmp_path / 'shop.db'}", now=NOON + 12 * HOUR) as shop:
        night = shop.clock.now
        await shop.forward(5 * HOUR)
        for place in range(len(facts)):
            for order, arrival in arrivals.items():
                fact = arrival[place]
                at = night + 10 * MINUTE * (1 + facts.index(fact))
                money = {"amount": "64.00", "currency": "CNY"} if fact in ("paid", "refunded") else {}
                if fact == "placed":
                    await shop.place(order, buyer=f"buyer of {order}", placed_at=at)
                else:
                    await shop.fact(fact, order, **{f"{fact}_at": at}, **money)
            await shop.forward(apart)
        await shop.forward(DAY)
        for order in arrivals:
            assert heard(shop, order) == ["cancelled"]
            assert sums(shop, order, "cancelled") == [["¥64.00"]]


async def test_a_refund_without_a_sum_is_of_all_that_had_not_gone_back_unless_too_much_was_paid(
    tmp_path: Path,
) -> None:
    """All of it, or what was too much: a person asks, and once the sum is told the buyer hears it."""
    async with world(f"sqlite:///{tmp_path / 'shop.db'}") as shop:
        twice = ("128.00", "128.00")
        for order, paid, back in (
            ("twice", twice, ()),
            ("all", twice, ()),
            ("rest", ("128.00",), ("28.00",)),
        ):
            await shop.place(order, buyer=f"buyer of {order}")
            for number, amount in enumerate(paid):
                await shop.fact("paid", order, payment=f"p{number}", amount=amount, currency="CNY")
                await shop.forward(MINUTE)
            for amount in back:
                await shop.fact("refunded", order, refund="r1", amount=amount, currency="CNY")
                await shop.forward(MINUTE)
            await shop.fact("refunded", order, refund="r2")
            await shop.forward(HOUR)

        assert sums(shop, "rest", "refunded") == [["¥100.00", "¥128.00"]]
        for order, amount in (("twice", "128.00"), ("all", "256.00")):
            assert not {"refunded", "partly_refunded"} & set(heard(shop, order))
            assert await reasons(shop, order, open=True) == ["refund_unclear"]
            await shop.fact("refunded", order, refund="r2", amount=amount, currency="CNY")
        await shop.forward(HOUR)

        assert sums(shop, "twice", "partly_refunded") == [["¥128.00"]]
        assert sums(shop, "all", "refunded") == [["¥256.00"]]
        assert not [*await reasons(shop, "twice", open=True), *await reasons(shop, "all", open=True)]


@pytest.mark.parametrize("apart", [timedelta(0), HOUR], ids=str)
async def test_a_refund_is_told_whichever_payment_of_the_night_is_told_last(
    tmp_path: Path, apart: timedelta
) -> None:
    facts = (("paid", "p1", "28.00"), ("paid", "p2", "100.00"), ("refunded", "r1", "64.00"))
    arrivals = {f"o{number}": arrival for number, arrival in enumerate(permutations(facts))}
    async with world(f"sqlite:///{tmp_path / 'shop.db'}", now=NOON) as shop:
        for order in arrivals:
            await shop.place(order, buyer=f"buyer of {order}")
        await shop.forward(12 * HOUR)
        night = shop.clock.now
        for place in range(len(facts)):
            for order, arrival in arrivals.items():
                fact, name, amount = arrival[place]
                at = night + MINUTE * facts.index(arrival[place])
                about = {"payment" if fact == "paid" else "refund": name, f"{fact}_at": at}
                await shop.fact(fact, order, amount=amount, currency="CNY", **about)
            await shop.forward(apart)
        await shop.forward(DAY)
        for order in arrivals:
            assert sums(shop, order, "partly_refunded") == [["¥64.00"]], arrivals[order]
            assert sums(shop, order, "refunded") == []


async def test_who_hears_of_us_again_reads_of_a_total_that_changed_meanwhile_before_being_asked(
    database_url: str,
) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.forward(MINUTE)
        await shop.say("退订")
        await shop.forward(MINUTE)
        await shop.place(total="150.00")
        await shop.forward(MINUTE)
        await shop.say("恢复")
        await shop.forward(MINUTE)
        assert shop.receiver.templates == ["order_confirmation", "stopped", "resumed", "total_changed"]
        assert "150" in shop.receiver.messages[-1]["text"]
        await shop.forward(HOUR)
        assert shop.receiver.templates[4:] == ["payment_reminder"]

        await shop.say("退订")
        await shop.forward(MINUTE)
        await shop.say("恢复")
        await shop.forward(MINUTE)
        assert shop.receiver.templates[5:] == ["stopped", "resumed"]

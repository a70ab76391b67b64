"""What is said of money that is taken back, told twice, foreign, or none, of orders side by side."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from storage.tables import cases
from tests.world import World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def heard(shop: World, order: str) -> list[str]:
    return [said["template"] for said in shop.receiver.messages if said.get("order") == order]


async def reasons(shop: World, order: str) -> list[str]:
    here = select(cases.c.reason).where(cases.c.order_id == order)
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

"""From a line of a statement to the buyer who reads that their payment came, once."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain.memos import memo
from bot.statements.reconciling import Outcome, Reconciling, examine
from bot.statements.settling import Assigned, assign
from bot.statements.staging import Staging
from storage import order_records, read_models, transfer_records
from storage.asking import ask
from storage.tables import inbox
from tests.statements.files import Money, alipay, cmb, icbc, wechat
from tests.world import NOON, World, world

HOUR = timedelta(hours=1)


def reconcile(shop: World, folder: Path, content: bytes, dry: bool = False) -> Outcome:
    """As the command does it, in the shop's own database."""
    file = folder / "statement.csv"
    file.write_bytes(content)
    settings = shop.program.parts.config.shops["shop"]
    now, staging, faults = shop.clock.now, Staging(), list[Any]()
    found = examine(file, settings, None, now, staging, faults.append)
    assert faults == []
    work = Reconciling("shop", settings, "zh-CN", now, found, dry)
    database = shop.program.parts.database
    for batch in staging.batches():
        if dry:
            database.read_now(lambda link, batch=batch: work.take(link, batch))
        else:
            database.write_now(lambda link, batch=batch: work.take(link, batch))
    staging.close()
    return found


def left(shop: World, order: str) -> int:
    database = shop.program.parts.database
    found = database.read_now(lambda link: ask(link, "shop", order_records.by_id({order})))[order]
    return found.left.minor if found.left else 0


async def payments(shop: World) -> list[str]:
    statement = select(inbox.c.external_id).where(inbox.c.channel == "statement").order_by(inbox.c.id)
    rows = await shop.program.parts.database.read(lambda link: link.execute(statement).all())
    return [row.external_id for row in rows]


def came(text: str, amount: str = "128.00", payer: str = "", day: str = "2026-11-21") -> Sequence[Money]:
    return [(day, amount, payer, text)]


async def test_the_buyer_reads_that_their_payment_came_and_is_reminded_no_more(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        confirmation = shop.receiver.messages[0]["text"]
        assert f"附言里填写 {memo('1001')}" in confirmation
        await shop.forward(2 * HOUR)

        found = reconcile(shop, tmp_path, alipay(came(f"茶叶 {memo('1001')}")))
        await shop.settle()
        again = reconcile(shop, tmp_path, alipay(came(f"茶叶 {memo('1001')}")))
        await shop.forward(timedelta(days=4))

        assert {how: each.count for how, each in found.hows.items()} == {"memo": 1}
        assert (again.known, again.certain) == (1, 0)
        assert len(await payments(shop)) == 1
        assert shop.receiver.templates.count("payment_received") == 1
        assert shop.receiver.templates.count("payment_reminder") == 1  # before the money came
        assert left(shop, "1001") == 0


async def test_a_trial_writes_nothing(database_url: str, tmp_path: Path) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.forward(2 * HOUR)

        found = reconcile(shop, tmp_path, alipay(came(memo("1001"))), dry=True)

        assert found.certain == 1
        assert await payments(shop) == []
        assert reconcile(shop, tmp_path, alipay(came(memo("1001")))).certain == 1


async def test_overlapping_statements_and_equal_lines_count_each_line_once(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url) as shop:
        await shop.place(total="256.00")
        await shop.settle()
        await shop.forward(2 * HOUR)
        half = came(memo("1001"), "64.00")

        reconcile(shop, tmp_path, icbc(half))
        await shop.settle()
        reconcile(shop, tmp_path, cmb([*half, *half]))  # two equal lines, and of another bank
        await shop.settle()
        reconcile(shop, tmp_path, cmb([*half, *half, *half]))  # a later one, which has one more
        await shop.settle()

        assert len(await payments(shop)) == 4
        assert left(shop, "1001") == 0


async def test_what_the_shops_system_tells_as_well_counts_once(database_url: str, tmp_path: Path) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.place("1002", total="100.00")
        await shop.place("1003", total="100.00")
        await shop.settle()
        await shop.forward(2 * HOUR)
        await shop.fact("paid", "1002", paid_at=shop.clock.now, amount="40.00", currency="CNY")
        await shop.fact("paid", "1003", paid_at=shop.clock.now, amount="100.00", currency="CNY")
        await shop.settle()

        found = reconcile(
            shop,
            tmp_path,
            wechat([*came(memo("1001")), *came(memo("1002"), "60.00"), *came(memo("1003"), "100.00")]),
        )
        await shop.settle()
        await shop.fact("paid", "1001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.fact("paid", "1002", paid_at=shop.clock.now, amount="60.00", currency="CNY")
        await shop.forward(HOUR)

        assert {how: each.count for how, each in found.hows.items()} == {"memo": 2, "known": 1}
        assert [left(shop, order) for order in ("1001", "1002", "1003")] == [0, 0, 0]
        told = [
            message["text"] for message in shop.receiver.messages if "paid" in str(message.get("template"))
        ]
        assert told == []
        database = shop.program.parts.database
        cases = database.read_now(lambda link: read_models.list_cases(link, "shop"))
        assert [case.kind for case in cases if case.kind == "payment"] == []


async def test_what_is_doubtful_waits_for_the_seller_who_says_which_order_it_is(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.place("1002")
        await shop.settle()
        await shop.forward(2 * HOUR)
        database = shop.program.parts.database

        found = reconcile(shop, tmp_path, alipay(came("订单1001")))
        reconcile(shop, tmp_path, alipay(came("订单1001")))
        (case,) = database.read_now(lambda link: read_models.list_cases(link, "shop"))

        assert (found.doubtful.count, case.kind) == (1, "transfer")
        assert case.reason.values["candidates"].startswith("1001（只写了单号，没有校验位，金额相同）；1002")
        assert await payments(shop) == []

        def decide(orders: list[str]) -> tuple[Assigned, str | None]:
            return database.write_now(
                lambda link: assign(link, "shop", case.number, orders, shop.clock.now, "command:ann")
            )

        assert decide(["7"]) == (Assigned.NO_ORDER, "7")
        assert decide(["1001"]) == (Assigned.DONE, None)
        assert decide(["1001"]) == (Assigned.CLOSED, None)
        await shop.settle()
        again = reconcile(shop, tmp_path, alipay(came("订单1001")))

        assert (again.known, again.doubtful.count) == (1, 0)
        assert left(shop, "1001") == 0
        assert shop.receiver.templates.count("payment_received") == 1
        assert database.read_now(lambda link: read_models.list_cases(link, "shop")) == []


async def test_one_transfer_is_given_to_several_orders_by_the_seller(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.place("1002")
        await shop.settle()
        await shop.forward(2 * HOUR)
        database = shop.program.parts.database

        reconcile(shop, tmp_path, alipay(came("1001 1002", "200.00")))
        (case,) = database.read_now(lambda link: read_models.list_cases(link, "shop"))
        database.write_now(
            lambda link: assign(link, "shop", case.number, ["1001", "1002"], shop.clock.now, "command:ann")
        )
        await shop.settle()

        assert (left(shop, "1001"), left(shop, "1002")) == (0, 5600)


async def test_what_was_doubtful_is_matched_once_more_is_known(database_url: str, tmp_path: Path) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.forward(2 * HOUR)
        late = came(memo("1002"))
        reconcile(shop, tmp_path, alipay(late))
        await shop.place("1002", placed_at=NOON)  # the shop's system was late to tell of it
        await shop.settle()

        found = reconcile(shop, tmp_path, alipay(late))
        await shop.settle()

        database = shop.program.parts.database
        assert found.certain == 1
        assert left(shop, "1002") == 0
        assert database.read_now(lambda link: read_models.list_cases(link, "shop")) == []


async def test_the_end_of_the_account_that_a_buyer_told_finds_their_transfer(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.place("1002", buyer="ben")
        await shop.say("付款人：王安娜\n付款银行：工商银行\n帳號末五碼：12345")
        await shop.settle()
        await shop.forward(2 * HOUR)

        found = reconcile(shop, tmp_path, icbc(came("货款", payer="")))
        await shop.settle()

        assert {how: each.count for how, each in found.hows.items()} == {"digits": 1}
        assert left(shop, "1001") == 0
        assert left(shop, "1002") == 12800


async def test_lines_are_kept_no_longer_than_the_setting_says(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, payment={"keep_statements": "30d"}) as shop:
        await shop.place()
        await shop.settle()
        await shop.forward(2 * HOUR)
        reconcile(shop, tmp_path, alipay([*came(memo("1001")), *came(memo("1001"), day="2026-09-01")]))
        database, shops = shop.program.parts.database, "shop"

        def kept() -> list[transfer_records.BankUse]:
            return database.read_now(
                lambda link: transfer_records.use_of_banks(link, shops, NOON - 99 * 24 * HOUR)
            )

        assert [each.times for each in kept()] == [1]
        await shop.program.archive()
        assert [each.times for each in kept()] == [1]
        await shop.forward(timedelta(days=31))
        await shop.program.archive()
        assert kept() == []


@pytest.mark.parametrize("payer", ["王安娜", "王**"])
async def test_the_payers_name_is_compared_with_the_buyers(
    payer: str, database_url: str, tmp_path: Path
) -> None:
    async with world(database_url) as shop:
        await shop.place(buyer={"id": "ann", "name": "王安娜"})
        await shop.settle()
        await shop.forward(2 * HOUR)

        found = reconcile(shop, tmp_path, alipay(came("货款", payer=payer)))

        assert list(found.hows) == (["name"] if payer == "王安娜" else [])
        assert found.doubtful.count == (payer != "王安娜")

"""What the seller is told of what waits for them: who it is about, what they need to know, what to do."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.domain.actions import OpenCase
from bot.domain.errors import BuyerUnreachable, DeliveryDelayed
from bot.domain.events import OWN_LINK, BuyerOptedOut, BuyerRef, CaseSettled
from bot.domain.messages import Reason
from bot.seller.canned import Sent, send_reply
from bot.seller.cases import Cases
from bot.seller.words import SellerWords
from bot.texts.catalogue import Catalogue
from storage import case_records, order_records, read_models, tables
from storage.outbox import Outcome
from storage.read_models import CaseView
from storage.unit import Unit
from tests.engine import WEBHOOK, Buyer, Engine, FakeChannel, ManyShops, many_shops
from tests.one_shop import CATALOGUE, DAY, HOUR, MINUTE, SHOP_ID, order, save, unit_of
from tests.react.test_taking_back import heard, of, platform_and_webhook
from tests.world import NOON, World, world

FORM = "姓名：王小明\n电话：13800001111\n付款银行：招商银行\n转账时间：今天上午"
MAIL = {"email": {"kind": "email", "host": "127.0.0.1", "tls": "none", "sender": "tea@shop.example"}}


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


async def waiting(shop: World) -> list[CaseView]:
    return await shop.program.parts.database.read(partial(read_models.list_cases, shop="shop"))


async def test_a_case_says_who_waits_and_where(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.say("转人工")
        await shop.say("找真人", buyer="a guest")
        await shop.settle()

        assert {case.who for case in await waiting(shop)} == {"安娜 · webhook:ann", "webhook:a guest"}


async def test_a_filled_in_form_reaches_the_seller_with_what_they_have_to_look_for(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.settle()
        await shop.say(FORM)
        await shop.settle()
        [case] = await waiting(shop)

        told = SellerWords("zh-CN").reason(case.reason.code, case.reason.values)
        assert all(word in told for word in ("1001", "王小明", "招商银行", "今天上午"))


async def test_a_buyer_with_no_address_is_one_case_however_many_messages_they_miss(
    database_url: str,
) -> None:
    async with world(database_url, quiet_hours={"start": "00:00", "end": "00:00"}) as shop:
        buyer = {"name": "小美", "phone": "+8613800001111"}
        order = {"id": "1001", "total": "9.00", "currency": "CNY", "buyer": buyer}
        await shop.post("order.placed", {"order": order})
        await shop.settle()
        await shop.forward(timedelta(hours=4))
        cases = await waiting(shop)

        assert [(case.kind, case.who) for case in cases] == [("unreachable", "小美 · +8613800001111")]
        told = SellerWords("zh-CN").reason(cases[0].reason.code, cases[0].reason.values)
        assert "订单确认" in told
        assert "no_way" not in told


async def test_the_sellers_mail_names_the_buyer_and_the_command_and_no_way_to_unsubscribe(
    shops: ManyShops,
) -> None:
    engine = shops.engine(channels=MAIL, seller={"email": "lin@shop.example"})
    door, mail = FakeChannel(WEBHOOK, engine.clock), FakeChannel("email", engine.clock)
    engine.use_channels(door, mail)
    ann = Buyer()
    await engine.take(ann.placed())
    await engine.settle()
    await engine.take(ann.says("我已经付款了", NOON))
    await engine.settle()

    [letter] = [sent.message for sent in mail.sent]
    assert "安娜 · webhook:ann" in letter.text
    assert "xiaoer cases settle 1 --confirmed" in letter.text
    assert letter.text.startswith("Subject: 第 1 号待办：买家说已付款（订单 1001）")
    assert 'xiaoer cases say 1 "' in letter.text
    assert letter.buyer_name is None  # the mailbox is the seller's
    assert letter.stop_url is None
    assert all(sent.message.stop_url for sent in door.sent)


async def test_the_sellers_mail_says_that_something_was_not_understood_and_quotes_it(
    shops: ManyShops,
) -> None:
    engine = shops.engine(channels=MAIL, seller={"email": "lin@shop.example"})
    door, mail = FakeChannel(WEBHOOK, engine.clock), FakeChannel("email", engine.clock)
    engine.use_channels(door, mail)
    await engine.take(Buyer().says("杯子会不会掉色呀", NOON))
    await engine.settle()

    [letter] = [sent.message for sent in mail.sent]
    assert "没看懂买家的话：“杯子会不会掉色呀”" in letter.text
    assert "找人工" not in letter.text


def test_who_wrote_and_heard_nothing_in_time_is_one_case_a_day(connection: Connection) -> None:
    def late(id: int, at: datetime, **fields: Any) -> Any:
        known = {"template": "where_is_order", "category": "answer", "buyer": "ann", "order_id": None}
        return SimpleNamespace(id=id, key=f"k{id}", due_at=at, **{"to": "webhook:ann", **known, **fields})

    rows = [
        *(late(1, NOON), late(2, NOON + timedelta(minutes=5)), late(3, NOON + timedelta(days=1))),
        late(4, NOON, to=None, category="shipping", template="shipped"),
        late(5, NOON, to="mailto:ann@buyers.example", template="offers_confirm"),
    ]
    why = Reason("too_late", {"due_at": NOON.isoformat(), "lateness": 900})
    outcomes = [Outcome(shop=SHOP_ID, id=row.id, state="skipped", why=why) for row in rows]

    Cases(unit_of(connection), CATALOGUE).open_for_unsent(rows, outcomes)

    cases = read_models.list_cases(connection, SHOP_ID)
    assert [(case.kind, case.reason.code) for case in cases] == [("undeliverable", "unanswered")] * 2


def test_a_buyer_who_does_not_answer_is_named_by_the_number_that_they_see(connection: Connection) -> None:
    save(connection, order("5001", number="#1042"))
    row: Any = SimpleNamespace(
        id=1, key="k", template="second_contact", category="service", buyer="ann", order_id="5001"
    )
    outcome = Outcome(shop=SHOP_ID, id=1, state="failed", why=Reason("no_way"))

    Cases(unit_of(connection), CATALOGUE).open_for_unsent([row], [outcome])

    [case] = read_models.list_cases(connection, SHOP_ID)
    assert (case.order, case.reason.values) == ("5001", {"order": "#1042"})


# What was not said


async def settle_case(engine: Engine, number: int) -> None:
    await engine.take(
        CaseSettled(channel="seller", external_id=f"s{number}", at=engine.clock.now, case=number, by="cli:x")
    )
    await engine.settle()


async def open_cases(engine: Engine) -> int:
    return sum(closed_at is None for (closed_at,) in await engine.rows(tables.cases, "closed_at"))


async def test_who_hears_nothing_again_after_the_case_was_settled_is_a_case_again(shops: ManyShops) -> None:
    """In the morning the seller settles the case; in the afternoon the channel fails again."""
    engine = shops.engine(now=NOON - 3 * HOUR)
    engine.fail_with(DeliveryDelayed("down"))
    ann = Buyer("ann")
    await engine.take(ann.says("在吗", engine.clock.now))
    await engine.simulation.advance(NOON - 2 * HOUR)
    assert await open_cases(engine) == 1
    await settle_case(engine, 1)
    await engine.simulation.advance(NOON + 2 * HOUR)
    await engine.take(ann.says("什么时候发货？", engine.clock.now))
    await engine.simulation.advance(NOON + 3 * HOUR)
    assert await open_cases(engine) == 1


async def test_an_order_without_an_address_is_a_case_again_after_the_first_was_settled(
    shops: ManyShops,
) -> None:
    engine = shops.engine()
    engine.fail_with(BuyerUnreachable("blocked"))
    ann = Buyer("ann")
    await engine.take(ann.placed(), ann.paid(MINUTE))
    await engine.simulation.advance(NOON + HOUR)
    assert await open_cases(engine) == 1
    await settle_case(engine, 1)
    await engine.simulation.advance(NOON + 2 * HOUR)
    await engine.take(ann.fact("shipped", 2 * HOUR, tracking="A1"))
    await engine.simulation.advance(NOON + 3 * HOUR)
    assert (await engine.outbox())["shipped:1001:A1"] == "skipped"
    assert await open_cases(engine) == 1


async def test_words_that_nobody_would_read_are_refused(shops: ManyShops) -> None:
    engine = shops.engine()
    engine.fail_with(BuyerUnreachable("blocked"))
    ann = Buyer("ann")
    await engine.take(ann.placed())
    await engine.simulation.advance(NOON + HOUR)
    policy = engine.program.parts.rules.policies["from_person"]

    def send(link: Connection) -> Sent:
        unit = Unit(link, engine.shop, engine.settings, engine.clock.now)
        return send_reply(unit, Catalogue(), policy, 1, "在吗？", "command:lin")

    assert await engine.database.write(send) is Sent.NO_BUYER
    engine.use_channels(FakeChannel(WEBHOOK, engine.clock))
    await engine.take(ann.says("你好", engine.clock.now))
    await engine.settle()
    assert await engine.database.write(send) is Sent.DONE


def test_words_of_a_person_that_found_no_address_are_a_case_of_their_own(connection: Connection) -> None:
    """Whoever wrote them believes that they were read."""
    save(connection, order("5001"))
    known = {"category": "answer", "buyer": "ann", "order_id": "5001", "to": None}
    rows: Any = [
        SimpleNamespace(id=id, key=f"k{id}", template=template, due_at=NOON, **known)
        for id, template in enumerate(("order_confirmation", "shipped", "from_person"))
    ]
    outcomes = [Outcome(shop=SHOP_ID, id=row.id, state="skipped", why=Reason("no_way")) for row in rows]

    Cases(unit_of(connection), CATALOGUE).open_for_unsent(rows, outcomes)

    cases = read_models.list_cases(connection, SHOP_ID)
    assert sorted(case.kind for case in cases) == ["undeliverable", "unreachable"]


async def test_the_case_about_an_order_without_an_address_ends_when_it_has_one(shops: ManyShops) -> None:
    engine = platform_and_webhook(shops)
    nowhere = {"id": "5", "name": "Ann"}
    woo = Buyer("5", "5001")
    await engine.take(of("woocommerce", woo.placed(buyer=nowhere)), of("woocommerce", woo.paid(MINUTE)))
    await engine.simulation.advance(NOON + HOUR)
    assert await open_cases(engine) == 1
    await engine.take(of("woocommerce", woo.placed(HOUR, buyer={**nowhere, "email": "ann@b.example"})))
    await engine.settle()
    assert heard(engine, "ann@b.example") == ["order_confirmation"]
    assert await open_cases(engine) == 0


async def test_who_was_answered_by_a_person_in_time_is_no_case(shops: ManyShops) -> None:
    """The channel asks for twenty minutes, and a person answers in five."""
    engine = shops.engine()
    engine.fail_with(DeliveryDelayed("busy", retry_after=20 * MINUTE))
    ann = Buyer("ann")
    await engine.take(ann.says("在吗", NOON))
    await engine.simulation.advance(NOON + 5 * MINUTE)
    await engine.take(ann.is_answered_by_a_person("在的", engine.clock.now))
    await engine.simulation.advance(NOON + 2 * HOUR)
    assert await open_cases(engine) == 0


async def test_a_refund_is_told_once_the_order_has_an_address(shops: ManyShops) -> None:
    """Of a refund in part and in full one found no address, and was to tell of the other; which of them is
    told turns when the total is told."""
    engine = platform_and_webhook(shops)
    nowhere = {"id": "5", "name": "Ann"}
    woo = Buyer("5", "5001")
    await engine.take(of("woocommerce", woo.placed(buyer=nowhere)))
    await engine.settle()
    back = woo.fact("refunded", HOUR, refund="r1", amount="120.00", currency="CNY")
    await engine.simulation.advance(NOON + HOUR)
    await engine.take(of("woocommerce", back))
    await engine.simulation.advance(NOON + DAY)
    known = {**nowhere, "email": "ann@b.example"}
    await engine.take(of("woocommerce", woo.placed(DAY, buyer=known, total="120.00", postage="0.00")))
    await engine.simulation.advance(NOON + 3 * DAY)
    assert "refunded" in heard(engine, "ann@b.example")


async def test_words_for_a_buyer_without_a_chat_go_by_mail_and_answer_the_case(shops: ManyShops) -> None:
    engine = shops.engine(channels=MAIL, seller={"email": "lin@shop.example"})
    mail = FakeChannel("email", engine.clock)
    engine.use_channels(mail)
    ann = Buyer(email="ann@mail.example")
    await engine.take(ann.placed())
    await engine.settle()
    opened = OpenCase(kind="order_change", key="change:1001", reason="asked_to_change", order="1001")
    policy = engine.program.parts.rules.policies["from_person"]

    def send(link: Connection) -> Sent:
        unit = Unit(link, engine.shop, engine.settings, engine.clock.now)
        [order] = unit.ask(order_records.by_id({"1001"})).values()
        case_records.open_case(link, engine.shop, opened, order.buyer, engine.clock.now)
        engine.clock.now += timedelta(minutes=1)
        unit = Unit(link, engine.shop, engine.settings, engine.clock.now)
        return send_reply(unit, Catalogue(), policy, 1, "颜色已经改好了。", "command:lin")

    assert await engine.database.write(send) is Sent.DONE
    await engine.settle()

    assert (mail.sent[-1].message.address, mail.sent[-1].message.text) == (
        "ann@mail.example",
        "颜色已经改好了。",
    )
    [case] = await engine.database.read(partial(read_models.list_cases, shop=engine.shop, open_only=True))
    assert not case.waits
    assert [word.text for word in case.words] == ["颜色已经改好了。"]


async def test_the_owner_hears_of_an_order_that_a_stop_keeps_from_being_confirmed(shops: ManyShops) -> None:
    engine = shops.engine(channels=MAIL, seller={"email": "lin@shop.example"})
    mail = FakeChannel("email", engine.clock)
    engine.use_channels(mail)
    link = {"channel": OWN_LINK, "buyer": BuyerRef(), "address": ("email", "ann@mail.example")}
    guest = {"id": None, "email": "ann@mail.example"}

    def pressed(n: int, taken_back: bool = False) -> BuyerOptedOut:
        at = engine.clock.now + timedelta(seconds=n)
        return BuyerOptedOut(external_id=f"stop-{n}", at=at, taken_back=taken_back, **link)

    async def orders(number: str) -> list[tuple[str, str]]:
        engine.clock.now += timedelta(hours=1)
        await engine.take(Buyer(order=number, **guest).placed())
        await engine.settle()
        return [(sent.message.template, sent.message.address) for sent in mail.sent]

    await engine.take(pressed(1))
    assert await orders("1001") == [("seller_case", "lin@shop.example")]
    [case] = await engine.database.read(partial(read_models.list_cases, shop=engine.shop, open_only=True))
    assert (case.kind, case.order, case.reason.code) == ("unreachable", "1001", "order_stopped")
    await engine.take(pressed(2, taken_back=True))
    await engine.settle()
    assert [sent.message.template for sent in mail.sent[1:]] == ["order_confirmation"]  # of 1001, now
    assert await open_cases(engine) == 0
    assert ("order_confirmation", "ann@mail.example") in (await orders("1002"))[2:]


async def test_an_order_that_a_stop_in_a_chat_kept_from_being_confirmed_is_once_they_come_back(
    shops: ManyShops,
) -> None:
    engine = shops.engine()
    ann = Buyer("ann")
    await engine.take(ann.says("STOP", NOON))
    await engine.settle()
    await engine.take(ann.placed())
    await engine.settle()
    assert await open_cases(engine) == 1
    engine.clock.now += MINUTE
    await engine.take(ann.says("恢复", engine.clock.now))
    await engine.settle()
    assert [one.message.template for one in engine.sent] == ["stopped", "resumed", "order_confirmation"]
    assert await open_cases(engine) == 0

"""Who is whom, through the whole engine: files joined by what is proved alone, orders opened by a proof."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels import Outgoing
from bot.domain.errors import BuyerUnreachable
from bot.domain.events import BuyerRef, BuyerUpdated, Line, MessageReceived, OrderPlaced, OrderShipped
from bot.domain.money import Money
from bot.domain.signed_tokens import SignedTokens, address_mark
from storage import tables
from tests.engine import WEBHOOK, Engine, FakeChannel, ManyShops, in_many_shops, many_shops
from tests.world import NOON, SECRET

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANN = {"email": "ann@example.com", "phone": "+8613800008000"}

# Channels of three platforms; the shop sends through its own webhook, Telegram and mail.
CHANNELS: dict[str, Any] = {
    "shopify": {"kind": "shopify", "secrets": ["a secret of the test"]},
    "woo": {"kind": "woocommerce", "secrets": ["a secret of the test"]},
    "telegram": {
        "kind": "telegram",
        "secrets": ["a secret of the test"],
        "token": "1:x",
        "username": "mug_house_bot",
    },
    "mail": {"kind": "email", "host": "127.0.0.1", "sender": "shop@example.com"},
}


@pytest.fixture
async def shops(database_url: str) -> AsyncIterator[ManyShops]:
    async with many_shops(database_url) as found:
        yield found


def shop_of(shops: ManyShops, **more: Any) -> Engine:
    """A shop that hears from three platforms and speaks through Telegram and mail."""
    engine = shops.engine(channels=CHANNELS, **more)
    engine.use_channels(FakeChannel("telegram", engine.clock), FakeChannel("mail", engine.clock))
    return engine


def placed(
    order: str, channel: str = "shopify", at: datetime = NOON, id: str | None = None, **contact: Any
) -> OrderPlaced:
    return OrderPlaced(
        channel=channel,
        external_id=f"{channel}-{order}-{at}",
        at=at,
        order=order,
        number=order,
        placed_at=at,
        total=Money(12800, "CNY"),
        buyer=BuyerRef(id=id, **contact),
        lines=(Line(title="杯子", quantity=1, price=Money(12800, "CNY")),),
    )


def wrote(
    text: str, chat: str = "42", channel: str = "telegram", at: datetime = NOON, id: str | None = None
) -> MessageReceived:
    name = id or f"{chat}-{text}-{at.timestamp()}"
    return MessageReceived(
        channel=channel,
        external_id=name,
        at=at,
        conversation=chat,
        buyer=BuyerRef(id=chat),
        message_id=name,
        text=text,
    )


def shipped(order: str, at: datetime, channel: str = "shopify", tracking: str = "TR7") -> OrderShipped:
    return OrderShipped(
        channel=channel,
        external_id=f"s-{channel}-{order}-{at}",
        at=at,
        order=order,
        parcel=tracking,
        tracking=tracking,
    )


async def files(engine: Engine) -> set[frozenset[tuple[str, str]]]:
    """The identities of each file."""
    found: dict[str, set[tuple[str, str]]] = {}
    for kind, value, buyer in await engine.rows(tables.identities, "kind", "value", "buyer"):
        found.setdefault(buyer, set()).add((kind, value))
    return {frozenset(identities) for identities in found.values()}


async def owners(engine: Engine) -> dict[str, str]:
    return {order: known.buyer or "" for order, known in (await engine.orders()).items()}


@pytest.mark.parametrize("shared", [{"email": "Ann@example.com"}, {"phone": ANN["phone"]}, ANN])
async def test_a_contact_that_two_platforms_tell_alike_joins_nobody(
    shops: ManyShops, shared: dict[str, str]
) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", "shopify", id="7", **shared))
    await engine.take(placed("2", "woo", id="9", **shared))
    await engine.take(placed("3", "woo", **shared))
    await engine.react()
    assert len(await files(engine)) == 3
    assert len(set((await owners(engine)).values())) == 3


async def test_a_later_event_with_the_contacts_of_both_joins_no_records_either(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", "shopify", id="7", email=ANN["email"]))
    await engine.take(placed("2", "woo", id="9", phone=ANN["phone"]))
    await engine.react()
    update = BuyerUpdated(channel="woo", external_id="u1", at=NOON, buyer=BuyerRef(id="9", **ANN))
    await engine.take(update)
    await engine.react()
    assert await files(engine) == {frozenset({("shopify", "7")}), frozenset({("woo", "9")})}
    owner = await owners(engine)
    assert owner["1"] != owner["2"]


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
@pytest.mark.parametrize("shared", ["phone", "email"])
async def test_two_customers_of_one_platform_who_share_a_contact_stay_two(
    shops: ManyShops, shared: str, together: bool
) -> None:
    engine = shop_of(shops)
    for order, id in (("1", "7"), ("2", "8"), ("3", "7"), ("4", "8")):
        await engine.take(placed(order, id=id, **{shared: ANN[shared]}))
        if not together:
            await engine.react()
    await engine.react()
    owner = await owners(engine)
    assert owner["1"] == owner["3"] != owner["2"]
    assert owner["2"] == owner["4"]


SHOWINGS = {
    "shopify 7 by mail": placed("1", "shopify", NOON, id="7", email=ANN["email"]),
    "woo 7 by the same mail": placed("2", "woo", NOON + MINUTE, id="7", email=ANN["email"]),
    "a guest with both": placed("3", "web", NOON + 2 * MINUTE, **ANN),
    "the same guest again": placed("4", "web", NOON + 3 * MINUTE, **ANN),
    "shopify 7 again": placed("5", "shopify", NOON + 4 * MINUTE, id="7", phone=ANN["phone"]),
    "an order that another placed": placed("6", "shopify", NOON, id="8", email=ANN["email"]),
    "that order, shown as shopify 7's": placed("6", "shopify", NOON + HOUR, id="7"),
    "an order's guest": placed("7", "shopify", NOON, email="first@example.com"),
    "that guest, corrected": placed("7", "shopify", NOON + HOUR, email="second@example.com"),
}


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[OrderPlaced]]:
    batches: list[list[OrderPlaced]] = [[]]
    for name in draw(st.permutations(sorted(SHOWINGS))):
        batches[-1].append(SHOWINGS[name])
        if draw(st.booleans()):
            batches.append([])
    return batches


def test_showings_in_any_order_end_in_the_same_files(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=30 if shops.database.dialect == "sqlite" else 15, deadline=None)
        @given(arrivals())
        def check(batches: list[list[OrderPlaced]]) -> None:
            run(shown_in(shops, batches))

        check()


async def shown_in(shops: ManyShops, batches: list[list[OrderPlaced]]) -> None:
    engine = shop_of(shops)
    for batch in batches:
        await engine.take(*batch)
        await engine.react()
    owner = await owners(engine)
    assert owner["1"] == owner["5"] == owner["6"]
    assert owner["3"] == owner["4"]
    assert len({owner[order] for order in ("1", "2", "3", "7")}) == 4
    found = await engine.rows(tables.identities, "kind", "value", "buyer")
    buyers = {(kind, value): buyer for kind, value, buyer in found}
    assert buyers["guest of shopify", "second@example.com"] == owner["7"]
    kept = {
        (kind, value)
        for (kind, value), buyer in buyers.items()
        if buyer in owner.values()  # what a showing that is over named has no order any more
    }
    assert kept == {
        ("shopify", "7"),
        ("woo", "7"),
        ("guest of web", ANN["email"]),
        ("guest of shopify", "second@example.com"),
    }
    name = (await engine.orders())["7"].contacts
    assert name is not None
    assert name.known("email") == "second@example.com"


# What a chat proves


SECRET_OF_LINKS = "a secret that is only for tests"


def link(engine: Engine, order: str, address: tuple[str, str] = ("email", ANN["email"])) -> str:
    token = SignedTokens(SECRET_OF_LINKS).token("chat", engine.shop, order, address_mark(*address))
    return f"/start {token}"


async def opened(engine: Engine, chat: str = "42") -> set[str]:
    found = await engine.rows(tables.openings, "address", "order_id")
    return {order for address, order in found if address == chat}


def answers(engine: Engine, chat: str = "42") -> list[str]:
    return [one.message.template for one in engine.sent if one.message.address == chat]


async def test_the_link_of_a_confirmation_opens_the_orders_of_its_mailbox_and_joins_nobody(
    shops: ManyShops,
) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", **ANN), placed("2", "woo", id="9", email=ANN["email"]))
    await engine.take(placed("3", id="8", email="bob@example.com", phone=ANN["phone"]))
    await engine.settle()
    (mailed,) = [one.message.text for one in engine.sent if one.message.key == "order_confirmation:1"]
    token = re.search(r"start=([\w-]+)", mailed)
    assert token
    engine.clock.now += MINUTE
    before = await files(engine)
    await engine.take(wrote(f"/start {token[1]}", at=engine.clock.now))
    await engine.settle()
    assert "where_is_order" in answers(engine)
    assert await opened(engine) == {"1", "2"}
    assert await files(engine) == before | {frozenset({("telegram", "42")})}


async def test_what_follows_about_an_opened_order_comes_to_the_chat_and_of_no_other(
    shops: ManyShops,
) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", **ANN), placed("2", id="7", email="other@example.com"))
    await engine.settle()
    await engine.take(wrote(link(engine, "1")))
    await engine.settle()
    engine.clock.now += HOUR
    await engine.take(*(shipped(order, engine.clock.now) for order in "12"))
    await engine.settle()
    told = {
        one.message.order: one.message.address for one in engine.sent if one.message.template == "shipped"
    }
    assert told == {"1": "42", "2": "other@example.com"}


async def test_the_first_chat_keeps_a_link_and_a_second_one_has_to_prove_anew(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("20261", id="7", **ANN))
    await engine.settle()
    await engine.take(wrote(link(engine, "20261"), chat="41"))
    await engine.settle()
    await engine.take(wrote(link(engine, "20261"), chat="42"))
    await engine.settle()
    assert (await opened(engine, "41"), await opened(engine, "42")) == ({"20261"}, set())
    assert "where_is_order" not in answers(engine, "42")
    await engine.take(wrote("订单 20261，尾号 8000", chat="42", at=NOON + MINUTE))
    await engine.settle()
    assert (await opened(engine, "41"), await opened(engine, "42")) == ({"20261"}, {"20261"})


@pytest.mark.parametrize(("after", "opens"), [(14 * DAY, True), (14 * DAY + MINUTE, False)])
async def test_a_link_is_over_fourteen_days_after_the_orders_last_move(
    shops: ManyShops, after: timedelta, opens: bool
) -> None:
    engine = shop_of(shops)
    moved = NOON + 3 * DAY
    await engine.take(placed("1", id="7", **ANN))
    engine.clock.now = moved
    await engine.take(shipped("1", moved))
    engine.clock.now = moved + after
    await engine.react()
    await engine.take(wrote(link(engine, "1"), at=engine.clock.now))
    await engine.react()
    assert await opened(engine) == ({"1"} if opens else set())


async def test_a_link_to_an_address_that_was_corrected_since_opens_nothing(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", email="wrong@example.com"))
    corrected = placed("1", id="7", at=NOON, **ANN)
    await engine.take(msgspec.structs.replace(corrected, external_id="again", at=NOON + MINUTE))
    await engine.react()
    await engine.take(wrote(link(engine, "1", ("email", "wrong@example.com"))))
    await engine.react()
    assert await opened(engine) == set()


async def test_another_shops_link_opens_nothing(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", **ANN))
    await engine.take(wrote("/start " + (SignedTokens(SECRET_OF_LINKS).token("chat", "other", "1") or "")))
    await engine.react()
    assert await opened(engine) == set()


async def test_the_orders_number_with_the_last_four_digits_opens_that_one_order(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("20261", id="7", **ANN), placed("20262", id="7", **ANN))
    await engine.react()
    engine.clock.now += MINUTE
    await engine.take(wrote("订单 20261，尾号 8000", at=engine.clock.now))
    await engine.settle()
    assert "where_is_order" in answers(engine)
    assert await opened(engine) == {"20261"}


@pytest.mark.parametrize("tried", [False, True], ids=["as usual", "the shop is being tried"])
async def test_a_platforms_test_order_is_no_order_to_a_chat(shops: ManyShops, tried: bool) -> None:
    engine = shop_of(shops, say_test_orders=tried)
    await engine.take(msgspec.structs.replace(placed("20261", id="7", **ANN), test=True))
    await engine.settle()
    await engine.take(wrote("订单 20261，尾号 8000", at=engine.clock.now))
    await engine.settle()
    assert ("where_is_order" in answers(engine)) is tried
    assert await opened(engine) == ({"20261"} if tried else set())


async def test_the_digits_are_those_of_the_phone_that_the_order_itself_keeps(shops: ManyShops) -> None:
    """The buyer's newest phone opens no order that was placed with another."""
    engine = shop_of(shops)
    await engine.take(placed("20261", id="7", phone="+8613800001111"))
    await engine.take(placed("20262", id="7", at=NOON + MINUTE, phone="+8613800002222"))
    await engine.react()
    await engine.take(wrote("订单 20261，尾号 2222", chat="41"), wrote("订单 20261，尾号 1111", chat="42"))
    await engine.react()
    assert (await opened(engine, "41"), await opened(engine, "42")) == (set(), {"20261"})


async def test_after_so_many_wrong_digits_the_right_ones_do_not_help(shops: ManyShops) -> None:
    engine = shop_of(shops, limits={"tries": 3})
    await engine.take(placed("20261", id="7", phone=ANN["phone"]))
    await engine.react()
    for digits in ("1111", "2222", "3333", "8000"):
        await engine.take(wrote(f"订单 20261，尾号 {digits}"))
        await engine.settle()
    said = [one.message.template for one in engine.sent if one.channel == "telegram"]
    assert said == ["not_matched", "not_matched", "not_matched", "human_coming"]
    assert await opened(engine) == set()


async def test_many_wrong_digits_in_one_batch_are_counted_one_by_one(shops: ManyShops) -> None:
    engine = shop_of(shops, limits={"tries": 3})
    await engine.take(placed("20261", id="7", phone=ANN["phone"]))
    await engine.take(*(wrote(f"订单 20261，尾号 {digits}") for digits in range(1000, 1010)))
    await engine.take(wrote("订单 20261，尾号 8000"))
    await engine.react()
    assert await opened(engine) == set()


async def test_an_order_is_guessed_at_ten_times_a_day_over_all_chats_and_its_own_contact_is_told(
    shops: ManyShops,
) -> None:
    engine = shop_of(shops)
    await engine.take(placed("20261", id="7", **ANN))
    await engine.settle()
    for chat in range(10):
        await engine.take(wrote(f"订单 20261，尾号 {1000 + chat}", chat=f"g{chat}"))
        await engine.settle()
    await engine.take(wrote("订单 20261，尾号 8000", chat="last"))
    await engine.settle()
    assert [answers(engine, f"g{chat}") for chat in range(10)] == [["not_matched"]] * 10
    assert (answers(engine, "last"), await opened(engine, "last")) == (["human_coming"], set())
    warned = [one.message.address for one in engine.sent if one.message.template == "order_guessed"]
    assert warned == [ANN["email"]]
    engine.clock.now += DAY + MINUTE
    await engine.take(wrote("订单 20261，尾号 8000", chat="next day", at=engine.clock.now))
    await engine.settle()
    assert await opened(engine, "next day") == {"20261"}


async def test_fifty_wrong_tries_a_day_in_one_shop_open_a_case(shops: ManyShops) -> None:
    engine = shop_of(shops)
    for chat in range(49):
        await engine.take(wrote(f"订单 30001，尾号 {1000 + chat}", chat=f"g{chat}"))
    await engine.react()
    assert [kind for (kind,) in await engine.rows(tables.cases, "kind")] == []
    await engine.take(*(wrote("订单 30002，尾号 1111", chat=chat) for chat in ("g50", "g51")))
    await engine.react()
    assert [kind for (kind,) in await engine.rows(tables.cases, "kind")] == ["guessing"]


async def test_tries_are_given_back_after_a_day(shops: ManyShops) -> None:
    engine = shop_of(shops, limits={"tries": 1})
    await engine.take(placed("20261", id="7", phone=ANN["phone"]), wrote("订单 20261，尾号 1111"))
    await engine.settle()
    engine.clock.now += DAY + MINUTE
    await engine.take(wrote("订单 20261，尾号 8000", at=engine.clock.now))
    await engine.react()
    assert await opened(engine) == {"20261"}


async def test_a_chat_that_opens_anothers_order_stays_its_owners(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", **ANN), placed("2", id="8", email="bob@example.com"))
    await engine.react()
    await engine.take(wrote(link(engine, "1"), chat="41"))
    await engine.take(wrote(link(engine, "2", ("email", "bob@example.com")), chat="42"))
    await engine.react()
    owner = await owners(engine)
    chats = dict(await engine.rows(tables.conversations, "address", "buyer"))
    assert len({*chats.values(), owner["1"], owner["2"]}) == 4
    assert (await opened(engine, "41"), await opened(engine, "42")) == ({"1"}, {"2"})


# One id in two systems


@pytest.mark.parametrize("first", ["shopify", "woo"])
async def test_two_shops_channels_that_place_one_id_have_two_orders(shops: ManyShops, first: str) -> None:
    engine = shop_of(shops)
    mails = {"shopify": "ann@example.com", "woo": "bob@example.com"}
    channels = [first, "woo" if first == "shopify" else "shopify"]
    for channel in channels:
        await engine.take(placed("1001", channel, id="7", email=mails[channel]))
        await engine.react()
    for channel in channels:
        await engine.take(shipped("1001", NOON + MINUTE, channel, tracking=f"TR1-{channel}"))
    engine.clock.now += MINUTE
    await engine.settle()
    orders = await engine.orders()
    assert set(orders) == {"1001", f"1001@{channels[1]}"}
    assert {each.channel: each.platform_id for each in orders.values()} == {"shopify": "1001", "woo": "1001"}
    for channel, mail in mails.items():
        said = [one.message for one in engine.sent if one.message.address == mail]
        assert {message.order for message in said} == {"1001"}
        (news,) = [message.text for message in said if message.template == "shipped"]
        assert f"TR1-{channel}" in news


async def test_a_system_that_places_no_orders_reports_about_the_shops(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1001", "shopify", id="7", **ANN))
    await engine.settle()
    engine.clock.now += MINUTE
    await engine.take(shipped("1001", engine.clock.now, "courier", tracking="TR7"))
    await engine.settle()
    assert set(await engine.orders()) == {"1001"}
    (news,) = [one.message for one in engine.sent if one.message.template == "shipped"]
    assert (news.address, "TR7" in news.text) == (ANN["email"], True)


@pytest.mark.parametrize("together", [True, False])
async def test_what_a_courier_tells_before_the_order_is_placed_is_that_orders(
    shops: ManyShops, together: bool
) -> None:
    engine = shop_of(shops)
    await engine.take(shipped("1001", NOON, "courier", tracking="TR7"))
    if not together:
        await engine.react()
    await engine.take(placed("1001", "shopify", id="7", **ANN))
    await engine.react()
    orders = await engine.orders()
    assert [(id, each.channel, each.state) for id, each in orders.items()] == [("1001", "shopify", "shipped")]
    assert orders["1001"].buyer


# Addresses


async def test_a_message_takes_the_live_chat_that_opened_its_order_else_mail(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", **ANN))
    await engine.settle()
    await engine.take(wrote(link(engine, "1")))
    await engine.settle()
    engine.clock.now += MINUTE
    await engine.take(placed("2", id="7", at=engine.clock.now, **ANN), shipped("1", engine.clock.now))
    await engine.settle()
    ways = {(one.message.template, one.message.order): one.channel for one in engine.sent}
    assert ways["order_confirmation", "1"] == "mail"
    assert ways["order_confirmation", "2"] == "mail"  # a new order: the chat has not opened it
    assert ways["shipped", "1"] == "telegram"


async def test_an_address_that_blocked_us_is_not_written_to_again(shops: ManyShops) -> None:
    engine = shop_of(shops)
    telegram = FakeChannel("telegram", engine.clock)
    mail = FakeChannel("mail", engine.clock)
    engine.use_channels(telegram, mail)
    tried: list[str] = []

    def block(message: Outgoing) -> None:
        tried.append(message.key)
        raise BuyerUnreachable("bot was blocked by the user")

    await engine.take(placed("1", id="7", **ANN), placed("2", id="7", **ANN))
    await engine.settle()
    await engine.take(wrote(link(engine, "1")))
    await engine.settle()
    telegram.answer = block
    engine.clock.now += MINUTE
    await engine.take(shipped("1", engine.clock.now))
    await engine.settle()
    await engine.take(shipped("2", engine.clock.now))
    await engine.settle()
    assert len(tried) == 1
    told = [one.message.order for one in mail.sent if one.message.template == "shipped"]
    assert told == ["1", "2"]


async def test_a_buyer_who_writes_again_has_unblocked_us(shops: ManyShops) -> None:
    engine = shop_of(shops)
    telegram = FakeChannel("telegram", engine.clock)
    engine.use_channels(telegram)
    await engine.take(wrote("你好"))
    await engine.react()

    def block(message: Outgoing) -> None:
        raise BuyerUnreachable("blocked")

    telegram.answer = block
    await engine.settle()
    telegram.answer = lambda message: None
    engine.clock.now += MINUTE
    await engine.take(wrote("你好", at=engine.clock.now))
    await engine.settle()
    assert [one.message.template for one in telegram.sent] == ["hello_again"]


async def test_messages_about_an_order_go_through_the_system_it_came_from(shops: ManyShops) -> None:
    doors = {"other": {"kind": "webhook", "secrets": [SECRET], "url": "http://127.0.0.1:9/"}}
    engine = shops.engine(channels=doors)
    first, other = FakeChannel(WEBHOOK, engine.clock), FakeChannel("other", engine.clock)
    engine.use_channels(first, other)
    await engine.take(placed("1001", channel="other", id="x9", email="ann@example.com"))
    await engine.take(placed("1002", channel=WEBHOOK, id="ann", email="ann@example.com"))
    await engine.settle()

    assert [sent.message.order for sent in other.sent] == ["1001"]
    assert [sent.message.order for sent in first.sent] == ["1002"]

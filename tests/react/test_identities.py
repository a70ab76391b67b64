"""Who is who: files joined across channels, or kept apart as a platform keeps them, and what moves along."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels import Outgoing
from bot.domain.errors import BuyerUnreachable
from bot.domain.events import BuyerRef, BuyerUpdated, Line, MessageReceived, OrderPlaced
from bot.domain.money import Money
from bot.domain.signed_tokens import SignedTokens
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
        external_id=f"{channel}-{order}",
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


async def files(engine: Engine) -> set[frozenset[tuple[str, str]]]:
    """The identities of each file."""
    found: dict[str, set[tuple[str, str]]] = {}
    for kind, value, buyer in await engine.rows(tables.identities, "kind", "value", "buyer"):
        found.setdefault(buyer, set()).add((kind, value))
    return {frozenset(identities) for identities in found.values()}


async def owners(engine: Engine) -> dict[str, str]:
    return {order: known.buyer or "" for order, known in (await engine.orders()).items()}


async def test_one_mail_address_on_two_platforms_is_one_buyer(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", "shopify", id="7", email="Ann@example.com"))
    await engine.take(placed("2", "woo", id="9", email="ann@EXAMPLE.com"))
    await engine.react()
    assert len(await files(engine)) == 1
    owner = await owners(engine)
    assert owner["1"] == owner["2"] != ""


async def test_one_phone_on_two_platforms_is_one_buyer(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", "shopify", id="7", phone=ANN["phone"]))
    await engine.take(placed("2", "woo", id="9", phone=ANN["phone"]))
    await engine.react()
    assert len(await files(engine)) == 1


async def test_a_later_event_joins_two_records_and_their_orders(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", "shopify", id="7", email=ANN["email"]))
    await engine.take(placed("2", "woo", id="9", phone=ANN["phone"]))
    await engine.react()
    assert len(await files(engine)) == 2
    update = BuyerUpdated(channel="woo", external_id="u1", at=NOON, buyer=BuyerRef(id="9", **ANN))
    await engine.take(update)
    await engine.react()
    owner = await owners(engine)
    assert len(await files(engine)) == 1
    assert owner["1"] == owner["2"]


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


CONTACTS = {
    "shopify 7 by mail": placed("1", "shopify", NOON, id="7", email=ANN["email"]),
    "woo 9 by phone": placed("2", "woo", NOON + MINUTE, id="9", phone=ANN["phone"]),
    "a guest with both": placed("3", "web", NOON + 2 * MINUTE, **ANN),
    "shopify 7 again": placed("4", "shopify", NOON + 3 * MINUTE, id="7"),
    "somebody else": placed("5", "shopify", NOON + 4 * MINUTE, id="8", email="bob@example.com"),
    "somebody else's friend": placed("6", "woo", NOON + 5 * MINUTE, id="10", email="bob@example.com"),
}


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[OrderPlaced]]:
    batches: list[list[OrderPlaced]] = [[]]
    for name in draw(st.permutations(sorted(CONTACTS))):
        batches[-1].append(CONTACTS[name])
        if draw(st.booleans()):
            batches.append([])
    return batches


def test_joins_in_any_order_end_alike(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=60 if shops.database.dialect == "sqlite" else 15, deadline=None)
        @given(arrivals())
        def check(batches: list[list[OrderPlaced]]) -> None:
            run(joined_in(shops, batches))

        check()


async def joined_in(shops: ManyShops, batches: list[list[OrderPlaced]]) -> None:
    engine = shop_of(shops)
    for batch in batches:
        await engine.take(*batch)
        await engine.react()
    ann = {("shopify", "7"), ("woo", "9"), ("email", ANN["email"]), ("phone", ANN["phone"])}
    bob = {("shopify", "8"), ("woo", "10"), ("email", "bob@example.com")}
    assert await files(engine) == {frozenset(ann), frozenset(bob)}
    owner = await owners(engine)
    assert len({owner[order] for order in "1234"}) == len({owner[order] for order in "56"}) == 1
    kept = {
        id: at
        for id, at, joined in await engine.rows(tables.buyers, "id", "created_at", "joined_to")
        if not joined
    }
    assert kept == {owner["1"]: NOON, owner["5"]: NOON + 4 * MINUTE}  # as old as the first event about them


async def test_a_buyers_whole_history_moves_along(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", "shopify", id="7", email=ANN["email"]))
    await engine.react()
    elder = (await owners(engine))["1"]
    engine.clock.now += HOUR
    await engine.take(wrote("请转人工", at=engine.clock.now), placed("2", "woo", engine.clock.now, id="9"))
    await engine.react()
    link = "/start " + SignedTokens("a secret that is only for tests").token("chat", engine.shop, "1")
    await engine.take(
        wrote(link, at=engine.clock.now),
        BuyerUpdated(
            channel="woo", external_id="u", at=engine.clock.now, buyer=BuyerRef(id="9", email=ANN["email"])
        ),
    )
    await engine.react()
    for table in (tables.identities, tables.conversations, tables.cases, tables.outbox, tables.orders):
        assert {row[0] for row in await engine.rows(table, "buyer")} == {elder}, table.name


async def test_what_waits_for_the_lost_record_goes_to_the_kept_one(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", "shopify", NOON - DAY, id="7", email=ANN["email"]))
    await engine.take(
        placed("2", "woo", NOON, id="9")
    )  # the confirmation waits, since there is no address yet
    await engine.take(
        BuyerUpdated(channel="woo", external_id="u", at=NOON, buyer=BuyerRef(id="9", email=ANN["email"]))
    )
    await engine.settle()  # all in one batch
    assert [(one.message.key, one.message.address) for one in engine.sent] == [
        ("order_confirmation:1", ANN["email"]),
        ("order_confirmation:2", ANN["email"]),
    ]


async def test_the_signed_link_of_a_confirmation_joins_the_chat(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", **ANN))
    await engine.react()
    link = "/start " + SignedTokens("a secret that is only for tests").token("chat", engine.shop, "1")
    engine.clock.now += MINUTE
    await engine.take(wrote(link, at=engine.clock.now))
    await engine.settle()
    answers = [one.message for one in engine.sent if one.channel == "telegram"]
    assert "where_is_order" in [message.template for message in answers]
    assert len(await files(engine)) == 1


async def test_another_shops_link_joins_nothing(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("1", id="7", **ANN))
    await engine.take(
        wrote("/start " + SignedTokens("a secret that is only for tests").token("chat", "other", "1"))
    )
    await engine.react()
    assert len(await files(engine)) == 2


async def test_the_orders_number_with_the_last_four_digits_joins_the_chat(shops: ManyShops) -> None:
    engine = shop_of(shops)
    await engine.take(placed("20261", id="7", phone=ANN["phone"]))
    await engine.react()
    engine.clock.now += MINUTE
    await engine.take(wrote("订单 20261，尾号 8000", at=engine.clock.now))
    await engine.settle()
    said = [one.message.template for one in engine.sent if one.channel == "telegram"]
    assert "where_is_order" in said
    assert len(await files(engine)) == 1


async def test_after_so_many_wrong_digits_the_right_ones_do_not_help(shops: ManyShops) -> None:
    engine = shop_of(shops, limits={"tries": 3})
    await engine.take(placed("20261", id="7", phone=ANN["phone"]))
    await engine.react()
    for digits in ("1111", "2222", "3333", "8000"):
        await engine.take(wrote(f"订单 20261，尾号 {digits}"))
        await engine.settle()
    said = [one.message.template for one in engine.sent if one.channel == "telegram"]
    assert said == ["not_matched", "not_matched", "not_matched", "human_coming"]
    assert len(await files(engine)) == 2


async def test_many_wrong_digits_in_one_batch_are_counted_one_by_one(shops: ManyShops) -> None:
    engine = shop_of(shops, limits={"tries": 3})
    await engine.take(placed("20261", id="7", phone=ANN["phone"]))
    await engine.take(*(wrote(f"订单 20261，尾号 {digits}") for digits in range(1000, 1010)))
    await engine.take(wrote("订单 20261，尾号 8000"))
    await engine.react()
    assert len(await files(engine)) == 2


async def test_tries_are_given_back_after_a_day(shops: ManyShops) -> None:
    engine = shop_of(shops, limits={"tries": 1})
    await engine.take(placed("20261", id="7", phone=ANN["phone"]), wrote("订单 20261，尾号 1111"))
    await engine.settle()
    engine.clock.now += DAY + MINUTE
    await engine.take(wrote("订单 20261，尾号 8000", at=engine.clock.now))
    await engine.react()
    assert len(await files(engine)) == 1


async def test_a_chat_of_another_known_customer_is_not_taken_away(shops: ManyShops) -> None:
    """Bob opens Ann's link; both records have a Telegram account of their own."""
    engine = shop_of(shops)
    links = SignedTokens("a secret that is only for tests")
    await engine.take(placed("1", id="7", **ANN), placed("2", id="8", email="bob@example.com"))
    await engine.react()
    await engine.take(wrote("/start " + links.token("chat", engine.shop, "1"), chat="41"))
    await engine.take(wrote("/start " + links.token("chat", engine.shop, "2"), chat="42"))
    await engine.react()
    await engine.take(wrote("/start " + links.token("chat", engine.shop, "1"), chat="42", at=NOON + MINUTE))
    await engine.react()
    owner = await owners(engine)
    chats = dict(await engine.rows(tables.conversations, "address", "buyer"))
    assert chats == {"41": owner["1"], "42": owner["2"]}
    assert owner["1"] != owner["2"]


# Addresses


async def test_a_message_takes_the_live_chat_else_mail(shops: ManyShops) -> None:
    engine = shop_of(shops)
    link = "/start " + SignedTokens("a secret that is only for tests").token("chat", engine.shop, "1")
    await engine.take(placed("1", id="7", **ANN))
    await engine.settle()
    await engine.take(wrote(link))
    await engine.settle()
    await engine.take(placed("2", id="7", at=NOON + MINUTE))
    engine.clock.now += MINUTE
    await engine.settle()
    ways = {one.message.key: one.channel for one in engine.sent}
    assert ways["order_confirmation:1"] == "mail"
    assert ways["order_confirmation:2"] == "telegram"


async def test_an_address_that_blocked_us_is_not_written_to_again(shops: ManyShops) -> None:
    engine = shop_of(shops)
    telegram = FakeChannel("telegram", engine.clock)
    mail = FakeChannel("mail", engine.clock)
    engine.use_channels(telegram, mail)
    tried: list[str] = []

    def block(message: Outgoing) -> None:
        tried.append(message.key)
        raise BuyerUnreachable("bot was blocked by the user")

    link = "/start " + SignedTokens("a secret that is only for tests").token("chat", engine.shop, "1")
    await engine.take(placed("1", id="7", **ANN))
    await engine.settle()
    await engine.take(wrote(link))
    await engine.settle()
    telegram.answer = block
    engine.clock.now += MINUTE
    await engine.take(placed("2", id="7", at=engine.clock.now))
    await engine.settle()
    await engine.take(placed("3", id="7", at=engine.clock.now))
    await engine.settle()
    assert tried == ["order_confirmation:2"]
    assert {one.message.key for one in mail.sent} >= {"order_confirmation:2", "order_confirmation:3"}


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
    assert [one.message.template for one in telegram.sent] == ["hello"]


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

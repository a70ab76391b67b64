"""Found by trying to break it: each of these fails, or one of its variants does; its docstring says what that
shows.

On SQLite, with the whole engine; "web", "erp" and "pos" are systems of the shop's own, that use the webhook.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import pytest_asyncio

from bot.domain.errors import BuyerUnreachable, DeliveryDelayed
from bot.domain.events import CaseSettled, Event
from bot.operations.audit.audit import audit
from bot.seller.explanation import as_text, explain
from bot.seller.words import SellerWords
from handlers.meaning import recognise
from storage import tables
from tests.engine import Buyer, Engine, FakeChannel, ManyShops, many_shops
from tests.one_shop import context
from tests.world import NOON, SECRET

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = NOON + 11 * HOUR  # 23:00 in Shanghai


@pytest_asyncio.fixture
async def shops(tmp_path: Path) -> AsyncIterator[ManyShops]:
    async with many_shops(f"sqlite:///{tmp_path / 'shop.db'}") as opened:
        yield opened


def systems(shops: ManyShops, *names: str) -> Engine:
    """A shop with these systems."""
    door = {"kind": "webhook", "secrets": [SECRET], "url": "http://127.0.0.1:9/"}
    engine = shops.engine(channels=dict.fromkeys(names, door))
    engine.use_channels(*(FakeChannel(name, engine.clock) for name in names))
    return engine


def of(channel: str, event: Event) -> Event:
    return msgspec.structs.replace(event, channel=channel)


async def take_each(engine: Engine, *events: Event) -> None:
    for event in events:
        await engine.take(event)
        await engine.react()


async def paid_sums(engine: Engine) -> dict[tuple[str, str], int]:
    """What is paid of each order, by the system that placed it and the id that this calls it by."""
    return {(each.channel, each.platform_id): each.paid_minor for each in (await engine.orders()).values()}


def heard(engine: Engine, buyer: str) -> list[str]:
    return [each.message.template for each in engine.sent if each.message.buyer_id == buyer]


ANN, BOB, CARL = (Buyer(name, "1001") for name in ("ann", "bob", "carl"))


# Money and parcels that end at another's order


async def test_a_third_systems_early_word_is_parted_too(shops: ManyShops) -> None:
    """Two systems have an order 1001 of their own; a third tells of a payment for its own and then places it.
    The payment stays with the first system's order: `about` counts what the second told, though that lies in
    `1001@erp`, so that the record never equals the facts."""
    engine = systems(shops, "web", "erp", "pos")
    await take_each(
        engine,
        of("web", ANN.placed()),
        of("erp", BOB.placed()),
        of("erp", BOB.fact("shipped", MINUTE, tracking="B1")),
        of("pos", CARL.paid(2 * MINUTE)),
        of("pos", CARL.placed()),
    )
    assert await paid_sums(engine) == {("web", "1001"): 0, ("erp", "1001"): 0, ("pos", "1001"): 12800}


async def test_early_word_about_an_order_that_nobody_has_placed_is_parted_too(shops: ManyShops) -> None:
    """Web's parcel and Bob's payment are told before either order is placed. Erp places another order first,
    and `_take_back`, which runs this once, passes over an order that is not placed yet: Ann's order is paid
    with Bob's money, and Bob is pressed for it."""
    engine = systems(shops, "web", "erp")
    other = Buyer("dora", "1002")
    await take_each(
        engine,
        of("web", ANN.fact("shipped", 2 * MINUTE, tracking="A1")),
        of("erp", BOB.paid(MINUTE)),
        of("erp", other.placed()),
        of("web", ANN.placed()),
        of("erp", BOB.placed()),
    )
    assert await paid_sums(engine) == {("web", "1001"): 0, ("erp", "1001"): 12800, ("erp", "1002"): 0}


async def test_early_word_is_parted_from_an_order_placed_a_while_ago(shops: ManyShops) -> None:
    """docs/webhook.md: "What it reported before counts as its own from then on." Not if 500 other events came
    since the other order was placed, which is a day in a shop of any size: then nothing is parted, and Ann's
    order is paid with Bob's money, though Bob's payment came a moment before Bob's order."""
    engine = systems(shops, "web", "erp")
    await take_each(engine, of("web", ANN.placed()))
    await engine.take(*(of("web", Buyer(f"c{each}").says("谢谢", NOON)) for each in range(500)))
    await take_each(engine, of("erp", BOB.paid(MINUTE)), of("erp", BOB.placed()))
    assert await paid_sums(engine) == {("web", "1001"): 0, ("erp", "1001"): 12800}


# A platform's orders, and the webhook beside it


def platform_and_webhook(shops: ManyShops) -> Engine:
    mail = {"kind": "email", "host": "localhost", "sender": "tea@shop.example", "tls": "none"}
    woo = {"kind": "woocommerce", "secrets": ["x" * 20]}
    engine = shops.engine(channels={"woocommerce": woo, "email": mail})
    engine.use_channels(FakeChannel("webhook", engine.clock), FakeChannel("email", engine.clock))
    return engine


WOO = Buyer("5", "5001", email="ann@b.example")


async def sample_order(engine: Engine) -> None:
    """What `xiaoer try` sends, and step 3 of the README."""
    sample = Buyer("sample", "T6B0CA2EA", at=engine.clock.now)
    await engine.take(sample.placed())
    await engine.settle()


@pytest.mark.parametrize("sample", [False, True])
async def test_a_sample_order_takes_no_parcel_from_a_platforms_order(shops: ManyShops, sample: bool) -> None:
    """WooCommerce reports no parcels and no arrivals, so the shop tells them by the webhook. One `xiaoer try`
    in the running shop makes the webhook a system that places orders: all that it told is torn from the
    platform's orders into orders that nobody ever placed. A parcel that left has not left, the buyer hears
    nothing of it any more, and the seller gets a case about an order that was not sent in time."""
    engine = platform_and_webhook(shops)
    await engine.take(of("woocommerce", WOO.placed()), of("woocommerce", WOO.paid()))
    await engine.simulation.advance(NOON + DAY)
    await engine.take(WOO.fact("shipped", DAY, tracking="SF1", carrier="SF"))
    await engine.simulation.advance(NOON + DAY + HOUR)
    if sample:
        await sample_order(engine)
    await engine.simulation.advance(NOON + 5 * DAY)
    assert (await engine.orders())["5001"].state == "shipped"
    assert "5001@webhook" not in await engine.orders()
    kinds = {kind for kind, order in await engine.rows(tables.cases, "kind", "order_id") if order == "5001"}
    assert "late_shipping" not in kinds


@pytest.mark.parametrize("sample", [False, True])
async def test_a_sample_order_takes_no_payment_from_a_platforms_order(shops: ManyShops, sample: bool) -> None:
    """As above, of money: a transfer that the shop's bank program told of a platform's order."""
    engine = platform_and_webhook(shops)
    await engine.take(of("woocommerce", WOO.placed()))
    await engine.settle()
    await engine.take(WOO.paid(HOUR))
    await engine.settle()
    if sample:
        await sample_order(engine)
    assert (await engine.orders())["5001"].paid_in_full


@pytest.mark.parametrize("sample", [False, True])
async def test_after_a_sample_order_a_review_is_still_about_the_platforms_order(
    shops: ManyShops, sample: bool
) -> None:
    """README: "Reviews come in only through the webhook, also from Shopify shops." Whoever has followed the
    README has sent a sample order through it, and from then on every review, parcel and arrival that it tells
    is about an order `5001@webhook` that has no buyer: nobody is apologised to or told, without a word."""
    engine = platform_and_webhook(shops)
    if sample:
        await sample_order(engine)
    await engine.take(of("woocommerce", WOO.placed()), of("woocommerce", WOO.paid()))
    await engine.simulation.advance(NOON + 3 * DAY)
    data = {"review": {"order": "5001", "rating": 1, "text": "broken"}}
    await engine.take(WOO.event("review.posted", data, engine.clock.now))
    await engine.settle()
    assert [each.rating for each in (await engine.orders())["5001"].reviews] == [1]
    assert "review_sorry" in heard(engine, "ann@b.example")


# What was planned by the other's facts


async def test_nobody_is_thanked_for_anothers_review(shops: ManyShops) -> None:
    """Bob's bad review came in the night, before Bob's order. Bob's order is told a minute later; in the
    morning Ann, who wrote none, is apologised to: the reply asks nothing about whether the review is still
    there. The case stays at Ann's order, and there is none at Bob's."""
    engine = systems(shops, "web", "erp")
    bob = Buyer("bob", "1001", at=NIGHT - HOUR)
    await engine.take(of("web", ANN.placed()), of("web", ANN.paid()))
    await engine.simulation.advance(NIGHT)
    data = {"review": {"order": "1001", "rating": 1, "text": "嗯"}}
    await engine.take(of("erp", bob.event("review.posted", data, NIGHT)))
    await engine.simulation.advance(NIGHT + MINUTE)
    await engine.take(of("erp", bob.placed()))
    await engine.simulation.advance(NIGHT + DAY)
    assert "review_sorry" not in heard(engine, "ann")
    bad = [
        order for kind, order in await engine.rows(tables.cases, "kind", "order_id") if kind == "bad_review"
    ]
    assert bad == ["1001@erp"]


@pytest.mark.parametrize("first", ["placed", "paid"])
async def test_the_order_of_arrival_takes_no_reminder_from_another_buyer(
    shops: ManyShops, first: str
) -> None:
    """Promise 4. In one batch, erp's payment stands before its order: Ann's reminders are withdrawn because
    "order 1001 is paid", and do not come back when that turns out to be Bob's. If the order stands first,
    Ann is reminded; so the set of messages depends on the order of arrival, and `explain` gives a reason that
    is untrue."""
    engine = systems(shops, "web", "erp")
    await engine.take(of("web", ANN.placed()))
    await engine.settle()
    told = [of("erp", BOB.placed()), of("erp", BOB.paid(MINUTE))]
    await engine.take(*(told if first == "placed" else reversed(told)))
    await engine.simulation.advance(NOON + 4 * DAY)
    assert heard(engine, "ann").count("payment_reminder") == 3


async def test_what_was_taken_back_leaves_room_for_the_buyers_own_news(shops: ManyShops) -> None:
    """The keys of what Ann was to hear of Bob's parcel are used up: Ann's own arrival is never told, and the
    review is asked for at the time of Bob's arrival, days too early."""
    engine = systems(shops, "web", "erp")
    await engine.take(of("web", ANN.placed()), of("web", ANN.paid(MINUTE)))
    await engine.settle()
    await engine.take(of("erp", BOB.fact("delivered", 2 * MINUTE)), of("erp", BOB.placed()))
    await engine.simulation.advance(NOON + 6 * HOUR)
    await engine.take(of("web", ANN.fact("shipped", 6 * HOUR, tracking="A1")))
    await engine.simulation.advance(NOON + 2 * DAY)
    await engine.take(of("web", ANN.fact("delivered", 2 * DAY)))
    await engine.simulation.advance(NOON + 8 * DAY)
    assert heard(engine, "ann") == ["order_confirmation", "shipped", "delivered"]


async def test_a_parcel_without_a_name_leaves_after_anothers_was_taken_back(shops: ManyShops) -> None:
    """As above: neither system names its parcels, and Ann never hears that hers left."""
    engine = systems(shops, "web", "erp")
    await engine.take(of("web", ANN.placed()), of("web", ANN.paid(MINUTE)))
    await engine.settle()
    await engine.take(of("erp", BOB.fact("shipped", 2 * MINUTE)), of("erp", BOB.placed()))
    await engine.simulation.advance(NOON + HOUR)
    await engine.take(of("web", ANN.fact("shipped", HOUR)))
    await engine.simulation.advance(NOON + DAY)
    assert "shipped" in heard(engine, "ann")


async def test_a_claim_that_anothers_payment_closed_waits_again(shops: ManyShops) -> None:
    """Ann says that they paid. Bob's payment closes the case, and it stays closed when Ann's order is unpaid
    again: nobody looks at Ann's money, and the promise to do so ("we are checking") stands."""
    engine = systems(shops, "web", "erp")
    await engine.take(of("web", ANN.placed()))
    await engine.settle()
    await engine.take(of("web", ANN.says("我已经付款了", NOON)))
    await engine.settle()
    await engine.take(of("erp", BOB.paid(MINUTE)), of("erp", BOB.placed()))
    await engine.settle()
    assert (await engine.orders())["1001"].state == "unpaid"
    assert await engine.rows(tables.cases, "kind", "closed_at") == [("payment_claim", None)]


# The audit


async def test_the_audit_finds_nothing_where_two_systems_have_an_order_of_one_id(shops: ManyShops) -> None:
    """`xiaoer audit` says "the record differs from its events" of every order `X@channel`, by `own_id` and
    the id, which no event knows: exit code 1 for any shop with two such systems. Older than `_take_back`."""
    engine = systems(shops, "web", "erp")
    await take_each(engine, of("web", ANN.placed()), of("erp", BOB.placed()))
    findings = audit(engine.database, {engine.shop: engine.settings}, engine.clock.now)
    assert [(each.code, each.order) for each in findings] == []


# Cases


def failing(engine: Engine, error: Exception) -> None:
    def answer(message: Any) -> None:
        raise error

    for channel in engine.channels.values():
        channel.answer = answer


async def settle_case(engine: Engine, number: int) -> None:
    await engine.take(
        CaseSettled(channel="seller", external_id=f"s{number}", at=engine.clock.now, case=number, by="cli:x")
    )
    await engine.settle()


async def open_cases(engine: Engine) -> int:
    return sum(closed_at is None for (closed_at,) in await engine.rows(tables.cases, "closed_at"))


async def test_who_hears_nothing_again_after_the_case_was_settled_is_a_case_again(shops: ManyShops) -> None:
    """promises.md: "an answer that could not be delivered in time, is a case for you." In the morning the
    seller writes to the buyer and settles the case; in the afternoon the channel fails again, the buyer hears
    nothing, and as the key of this chat and day was used, the seller does not either."""
    engine = shops.engine(now=NOON - 3 * HOUR)
    failing(engine, DeliveryDelayed("down"))
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
    """promises.md: "A message that finds no address is a case for you." Only once in the order's life: what
    finds none after the seller settled that case is lost without a word."""
    engine = shops.engine()
    failing(engine, BuyerUnreachable("blocked"))
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


async def test_the_case_about_an_order_without_an_address_ends_when_it_has_one(shops: ManyShops) -> None:
    """The order is shown with an address, everything goes out (`try_anew`), and the case that says that it
    could not be delivered stays open."""
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
    """The channel asks for twenty minutes, and a person answers in five. The case says "a buyer wrote and got
    no answer", and asks the seller to write to them: that it is too late is found before that a person
    talks."""
    engine = shops.engine()
    failing(engine, DeliveryDelayed("busy", retry_after=20 * MINUTE))
    ann = Buyer("ann")
    await engine.take(ann.says("在吗", NOON))
    await engine.simulation.advance(NOON + 5 * MINUTE)
    await engine.take(ann.is_answered_by_a_person("在的", engine.clock.now))
    await engine.simulation.advance(NOON + 2 * HOUR)
    assert await open_cases(engine) == 0


# Reminders


async def test_who_names_an_order_that_is_not_told_yet_ends_no_other_orders_reminders(
    shops: ManyShops,
) -> None:
    """ "No more reminders for 2002": told first, only 2002 is silent. Not told yet, the reminders of 1001 end
    for good, and the answer says so of 1001, which the buyer did not name."""
    engine = shops.engine()
    one, other = Buyer("ann", "1001", at=NOON - 10 * MINUTE), Buyer("ann", "2002", at=NOON - 9 * MINUTE)
    await engine.take(one.placed())
    await engine.settle()
    await engine.take(one.says("订单2002别催了", NOON))
    await engine.settle()
    await engine.take(other.placed())
    await engine.simulation.advance(NOON + 4 * DAY)
    reminded = {each.message.order for each in engine.sent if each.message.template == "payment_reminder"}
    assert reminded == {"1001"}


# What found no address


async def test_a_refund_is_told_once_the_order_has_an_address(shops: ManyShops) -> None:
    """Found by tests/outside (seed 8858). Of "refunded" and "partly refunded" one finds no address and the
    other is told by that one. When the order is shown with an address, and its total is what went
    back, the first is tried anew and is told by the other, which is not: it was not skipped for want of an
    address. So the refund is never told."""
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


# What the seller reads


def told_of(engine: Engine, name: str) -> str:
    words = SellerWords("en", ZoneInfo("Asia/Shanghai"))
    texts = engine.program.parts.catalogue
    found = engine.database.read_now(
        lambda link: explain(link, engine.shop, engine.settings, words, name, texts, engine.clock.now)
    )
    assert found
    return as_text(found)


async def test_what_waits_behind_another_message_is_not_said_to_be_early(shops: ManyShops) -> None:
    """As in the README: nothing listens at `url`, so the confirmation is tried again, and the answers to this
    buyer wait behind it. `explain` says "Its time had not come", and "It will be looked at again on" a time
    that has passed; of the message that it waits for it says nothing. The same of what waits for a slot of a
    full channel."""
    engine = shops.engine()
    failing(engine, DeliveryDelayed("nobody answers"))
    ann = Buyer("ann", "1001")
    await engine.take(ann.placed())
    await engine.settle()
    await engine.simulation.advance(NOON + 2 * MINUTE)
    asked = ann.says("什么时候发货？", engine.clock.now)
    await engine.take(asked)
    await engine.settle()
    await engine.simulation.advance(NOON + 2 * MINUTE + timedelta(seconds=1))
    story = told_of(engine, f"when_ship:webhook:{asked.external_id}")
    assert "waiting" in story
    assert "Its time had not come" not in story


async def test_what_nobody_has_read_was_not_said(shops: ManyShops) -> None:
    """The text of a message of which no attempt succeeded stands under "What was said"."""
    engine = shops.engine()
    failing(engine, DeliveryDelayed("nobody answers"))
    await engine.take(Buyer("ann", "1001").placed())
    await engine.settle()
    assert "What was said" not in told_of(engine, "order_confirmation:1001")


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", "Stop sending me payment reminders"),
        ("en", "no more reminders please"),
        ("en", "don't remind me again"),
        ("zh-CN", "不要再发催款消息"),
        ("zh-CN", "别再提醒我了"),
    ],
)
def test_who_wants_no_reminders_stops_nothing_else(locale: str, words: str) -> None:
    """Taken for STOP, so that the buyer hears of no parcel either; or for nothing, so that the next reminder
    comes all the same."""
    assert recognise(words, locale, context()).name == "no_reminders"

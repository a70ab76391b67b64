"""What one system told of another's order, until it places an order of that id itself.

On SQLite, with the whole engine; "web", "erp" and "pos" are systems of the shop's own, that use the webhook.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import pytest_asyncio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.events import Event
from bot.operations.audit.audit import audit
from storage import tables
from tests.engine import Buyer, Engine, FakeChannel, ManyShops, in_many_shops, many_shops
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
    """Its payment is its own order's, though a second system has parted from the first one before."""
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
    """Web's parcel and Bob's payment are told before either order, and erp places another one first."""
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
    """However many events came in between."""
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
    """WooCommerce reports no parcels, so the shop tells them by the webhook; `xiaoer try` places an order
    there."""
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
    """Nor a transfer that the shop's bank program told."""
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
    """Reviews come in through the webhook alone, also those of a platform's orders."""
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
    """Bob's bad review came in the night, before Bob's order: the apology and the case are Bob's alone."""
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
    cases = await engine.rows(tables.cases, "order_id", "kind", "closed_at")
    assert [order for order, kind, closed_at in cases if kind == "bad_review" and not closed_at] == [
        "1001@erp"
    ]


@pytest.mark.parametrize("first", ["placed", "paid"])
async def test_the_order_of_arrival_takes_no_reminder_from_another_buyer(
    shops: ManyShops, first: str
) -> None:
    """What Bob's payment withdrew of Ann's waits again."""
    engine = systems(shops, "web", "erp")
    await engine.take(of("web", ANN.placed()))
    await engine.settle()
    told = [of("erp", BOB.placed()), of("erp", BOB.paid(MINUTE))]
    await engine.take(*(told if first == "placed" else reversed(told)))
    await engine.simulation.advance(NOON + 4 * DAY)
    assert heard(engine, "ann").count("payment_reminder") == 3


async def test_what_was_taken_back_leaves_room_for_the_buyers_own_news(shops: ManyShops) -> None:
    """What Ann was to hear of Bob's parcel keeps no key from Ann's own."""
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
    """As above, where neither system names its parcels."""
    engine = systems(shops, "web", "erp")
    await engine.take(of("web", ANN.placed()), of("web", ANN.paid(MINUTE)))
    await engine.settle()
    await engine.take(of("erp", BOB.fact("shipped", 2 * MINUTE)), of("erp", BOB.placed()))
    await engine.simulation.advance(NOON + HOUR)
    await engine.take(of("web", ANN.fact("shipped", HOUR)))
    await engine.simulation.advance(NOON + DAY)
    assert "shipped" in heard(engine, "ann")


async def test_a_claim_that_anothers_payment_closed_waits_again(shops: ManyShops) -> None:
    """Ann says that they paid, and Bob's payment closes that case until Bob's order is told."""
    engine = systems(shops, "web", "erp")
    await engine.take(of("web", ANN.placed()))
    await engine.settle()
    await engine.take(of("web", ANN.says("我已经付款了", NOON)))
    await engine.settle()
    await engine.take(of("erp", BOB.paid(MINUTE)), of("erp", BOB.placed()))
    await engine.settle()
    assert (await engine.orders())["1001"].state == "unpaid"
    assert await engine.rows(tables.cases, "kind", "closed_at") == [("payment_claim", None)]


# In any order


SYSTEMS = ("web", "erp", "pos")
NUMBERS = ("1001", "1002")


class Fact(NamedTuple):
    """What one system tells of the order that it calls by this number."""

    system: str
    number: str
    what: str


facts = st.builds(
    Fact, st.sampled_from(SYSTEMS), st.sampled_from(NUMBERS), st.sampled_from(("placed", "paid", "shipped"))
)


def event_of(fact: Fact) -> Event:
    buyer = Buyer(f"{fact.system}'s", fact.number)
    name = "-".join(fact)
    match fact.what:
        case "placed":
            event = buyer.placed(id=name)
        case "paid":
            event = buyer.paid(MINUTE, id=name)
        case _:
            event = buyer.fact(fact.what, 2 * MINUTE, id=name, tracking=name)
    return of(fact.system, event)


def whose(told: Iterable[Fact]) -> dict[tuple[str, str], set[str]]:
    """The names of the facts of each order, by the system that placed it: "" if nobody has."""
    told = set(told)
    placing = {(fact.system, fact.number) for fact in told if fact.what == "placed"}
    found: dict[tuple[str, str], set[str]] = {}
    for fact in told:
        others = sorted(system for system, number in placing if number == fact.number)
        own = fact.system if (fact.system, fact.number) in placing else (others or [""])[0]
        found.setdefault((own, fact.number), set()).add("-".join(fact))
    return found


def is_plain(told: list[Fact]) -> bool:
    """What a system tells that places none is about the first of two orders that others have: the first that
    came, of which this says nothing."""
    placing = {(fact.system, fact.number) for fact in told if fact.what == "placed"}
    silent = [fact for fact in told if (fact.system, fact.number) not in placing]
    return all(sum(number == fact.number for _, number in placing) <= 1 for fact in silent)


def test_whose_a_fact_is_depends_on_no_order_of_arrival(database_url: str) -> None:
    """Three systems tell of two numbers, in batches of any size and with repeats; so reads the audit."""
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=25, deadline=None)
        @given(st.lists(facts, min_size=2, max_size=10).filter(is_plain), st.lists(st.integers(1, 4)))
        @example([Fact("erp", "1001", "paid"), *(Fact(each, "1001", "placed") for each in SYSTEMS)], [])
        def check(told: list[Fact], sizes: list[int]) -> None:
            run(parted(shops, told, sizes))

        check()


async def parted(shops: ManyShops, told: list[Fact], sizes: list[int]) -> None:
    engine = systems(shops, *SYSTEMS)
    rest, sizes = list(told), [*sizes]
    while rest:
        size = sizes.pop() if sizes else 1
        await engine.take(*map(event_of, rest[:size]))
        await engine.react()
        rest = rest[size:]
    found = {}
    for order in (await engine.orders()).values():
        placed = [f"{order.channel}-{order.platform_id}-placed"] if order.placed_at else []
        paid = [f"{each.source}-{order.platform_id}-paid" for each in order.payments]
        names = {*placed, *paid, *(name for each in order.parcels for name in [each.tracking] if name)}
        found[order.channel if placed else "", order.platform_id] = names
    assert found == whose(told)
    assert audit(engine.database, {engine.shop: engine.settings}, engine.clock.now) == []

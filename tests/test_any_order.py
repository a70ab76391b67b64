"""Promise 4: however events arrive, repeated and in whatever batches, an order and a buyer end alike.

XIAOER_PERMUTATIONS: how many of all arrivals are tried, in place of those of every day.
"""

import itertools
import math
import os
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from bot.csv_import.file import CsvLine
from bot.csv_import.orders import orders as csv_orders
from bot.csv_import.rows import ImportContext
from bot.domain.events import BuyerRef, Event, OrderCancelled, OrderPlaced, OrderReopened, ParcelMoved
from bot.domain.orders import Order
from storage import tables, wish_records
from storage.asking import ask
from tests.engine import WEBHOOK, Buyer, Engine, ManyShops, in_many_shops, many_shops
from tests.world import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STARTS = NOON - 5 * MINUTE  # before the first fact of the order

FILE = ImportContext(
    channel="import", currency="CNY", region="CN", zone=ZoneInfo("Asia/Shanghai"), now=NOON + HOUR
)

Story = Callable[[Buyer], Event]

# The facts of an order, each with its own time on the platform.
LIFE: dict[str, Story] = {
    "created": lambda who: who.placed(),
    "paid": lambda who: who.paid(MINUTE),
    "partly refunded": lambda who: who.fact(
        "refunded", 4 * MINUTE, refund="r1", amount="8.00", currency="CNY"
    ),
    "cancelled": lambda who: who.fact("cancelled", 3 * MINUTE),
    "parcel A": lambda who: who.fact("shipped", 2 * MINUTE, tracking="A", carrier="SF", last=False),
    "parcel B": lambda who: who.fact("shipped", 2.5 * MINUTE, tracking="B", carrier="SF", last=True),
    "delivered": lambda who: who.fact("delivered", 3.5 * MINUTE),
}

# What may happen besides.
MORE: dict[str, Story] = {
    "created again": lambda who: who.placed(MINUTE, postcode="100081"),
    "address corrected": lambda who: who.placed(
        0.7 * MINUTE, buyer={"id": who.ref["id"], "email": "ann@example.com", "locale": "en"}
    ),
    "moved as a carrier tells": lambda who: msgspec.structs.replace(
        who.fact("shipped", 2.1 * MINUTE, tracking="A", carrier="SF", last=False), channel="carrier"
    ),
    "placed earlier": lambda who: who.placed(0.2 * MINUTE, placed_at=NOON - 2 * MINUTE),
    "free for a while": lambda who: who.placed(0.4 * MINUTE, total="0.00", postage="0.00"),
    "second payment": lambda who: who.paid(1.5 * MINUTE, "2.00"),
    "paid in part": lambda who: who.paid(0.5 * MINUTE, "100.00"),
    "A arrived": lambda who: who.fact("delivered", 3 * MINUTE, parcel="A"),
    "B arrived": lambda who: who.fact("delivered", 3.2 * MINUTE, parcel="B"),
    "A renamed": lambda who: who.fact("shipped", 2 * MINUTE, parcel="A", tracking="A2", last=False),
    "A by its id": lambda who: who.fact("shipped", 2 * MINUTE, parcel="p-a", tracking="A", last=False),
    "B corrected": lambda who: who.fact("shipped", 5 * MINUTE, parcel="B", tracking="B2", last=True),
    "B arrived as B2": lambda who: who.fact("delivered", 5.5 * MINUTE, tracking="B2"),
    "B as before": lambda who: who.fact("shipped", 6 * MINUTE, parcel="B", tracking="B", last=True),
    "B corrected again": lambda who: who.fact("shipped", 7 * MINUTE, parcel="B", tracking="B2", last=True),
    "B by another": lambda who: who.fact("shipped", 6.5 * MINUTE, parcel="B", tracking="B2", carrier="YTO"),
    "B by the first": lambda who: who.fact("shipped", 8 * MINUTE, parcel="B", tracking="B2", carrier="SF"),
    "A again": lambda who: who.fact("shipped", 5.2 * MINUTE, parcel="A", tracking="A", last=False),
    "nobody follows A": lambda who: msgspec.structs.replace(
        who.fact("shipped", 2.3 * MINUTE, tracking="A"), followed=False
    ),
    "nameless": lambda who: who.fact("shipped", 1.5 * MINUTE),
    "A taken back": lambda who: who.fact("parcel_cancelled", 2.8 * MINUTE, tracking="A"),
    "A taken back again": lambda who: who.fact("parcel_cancelled", 3.8 * MINUTE, tracking="A"),
    "p-a taken back": lambda who: who.fact("parcel_cancelled", 2.9 * MINUTE, parcel="p-a"),
    "A left a second time": lambda who: who.fact("shipped", 7.7 * MINUTE, tracking="A", carrier="SF"),
    "A left a third time": lambda who: who.fact("shipped", 9 * MINUTE, tracking="A", carrier="SF"),
    "A taken back a third time": lambda who: who.fact("parcel_cancelled", 8 * MINUTE, tracking="A"),
    "A taken back a fourth time": lambda who: who.fact("parcel_cancelled", 10 * MINUTE, tracking="A"),
    "in the store again": lambda who: moved(who, "ready_for_pickup", 8.5 * MINUTE),
    "in the store a third time": lambda who: moved(who, "ready_for_pickup", 9.5 * MINUTE),
    "fetched": lambda who: moved(who, "picked_up", 9.7 * MINUTE),
    "A arrived again": lambda who: who.fact("delivered", 9.8 * MINUTE, parcel="A"),
    "A arrived a third time": lambda who: who.fact("delivered", 12 * MINUTE, tracking="A"),
    "delivered again": lambda who: who.fact("delivered", 6 * MINUTE),
    "delivered a third time": lambda who: who.fact("delivered", 12.5 * MINUTE),
    "without a number": lambda who: who.fact("shipped", 4 * MINUTE, parcel="p-b"),
    "its number": lambda who: who.fact("shipped", 4 * MINUTE, parcel="p-b", tracking="B"),
    "in the store": lambda who: moved(who, "ready_for_pickup", 3.3 * MINUTE),
    "in the store by its number": lambda who: who.fact("ready_for_pickup", 3.4 * MINUTE, tracking="B2"),
    "failed": lambda who: moved(who, "failure", 2.6 * MINUTE),
    "met nobody": lambda who: moved(who, "attempted_delivery", 2.4 * MINUTE),
    "completed": lambda who: who.fact("completed", 4 * MINUTE),
    "completed by mistake": lambda who: reopened(who, 4.3 * MINUTE, not_completed=True),
    "completed again": lambda who: who.fact("completed", 4.6 * MINUTE),
    "paid again": lambda who: who.paid(5.5 * MINUTE, "128.00"),
    "refunded": lambda who: who.fact("refunded", 4.5 * MINUTE, refund="r2"),
    "refunded earlier": lambda who: who.fact(
        "refunded", 3.6 * MINUTE, refund="r1", amount="8.00", currency="CNY"
    ),
    "refunded later as a whole": lambda who: who.fact("refunded", 4.2 * MINUTE, refund="r1"),
    "reopened": lambda who: reopened(who),
    "moved": lambda who: moved(who),
    "good review": lambda who: review(who, "v1", 5),
    "good review again": lambda who: review(who, "v1", 5, 4.8 * MINUTE),
    "bad review": lambda who: review(who, "v2", 1),
    "changed review": lambda who: review(who, "v1", 2, 6 * MINUTE),
    "another praise": lambda who: review(who, "v1", 4, 5 * MINUTE),
    "named payment": lambda who: named_payment(who, 1.2 * MINUTE, "50.00"),
    "the same of another sum": lambda who: named_payment(who, 1.4 * MINUTE, "60.00"),
    "the same of the first sum again": lambda who: named_payment(who, 1.6 * MINUTE, "50.00"),
    "total up": lambda who: who.placed(1.1 * MINUTE, total="150.00"),
    "total down": lambda who: who.placed(1.3 * MINUTE, total="128.00"),
    "total up again": lambda who: who.placed(1.5 * MINUTE, total="150.00"),
    "authorised": lambda who: msgspec.structs.replace(who.placed(0.6 * MINUTE, paid="0.00"), authorised=True),
    "authorisation given up": lambda who: who.placed(0.9 * MINUTE, paid="0.00"),
    "paid on delivery": lambda who: who.placed(0.25 * MINUTE, pay_on_delivery=True),
    "not on delivery": lambda who: who.placed(0.35 * MINUTE, pay_on_delivery=False),
    "on delivery again": lambda who: who.placed(0.45 * MINUTE, pay_on_delivery=True),
    "cheaper after a refund": lambda who: msgspec.structs.replace(
        who.placed(4.3 * MINUTE, total="100.00", paid="128.00"), asked=False
    ),
    "agrees": lambda who: who.placed(0.1 * MINUTE, buyer={**who.ref, "email": "a@b.example", "agrees": True}),
    "agrees no more": lambda who: who.placed(
        0.3 * MINUTE, buyer={**who.ref, "email": "a@b.example", "agrees": False}
    ),
    "a file: unpaid": lambda who: listed(who, 0.8 * MINUTE, "unpaid"),
    "a file: paid in part": lambda who: listed(who, 1.7 * MINUTE, "paid", paid="64"),
    "a file: paid": lambda who: listed(who, 1.8 * MINUTE, "paid"),
    "a file: a part went back": lambda who: listed(who, 2.7 * MINUTE, "paid", refunded="20"),
    "a file: more went back": lambda who: listed(who, 3.3 * MINUTE, "paid", refunded="40"),
    "a file: shipped": lambda who: listed(who, 3.4 * MINUTE, "shipped", tracking="C"),
    "a file: cancelled": lambda who: listed(who, 3.9 * MINUTE, "cancelled"),
    "a file: paid after all": lambda who: listed(who, 4.1 * MINUTE, "paid"),
}


def listed(who: Buyer, after: timedelta, state: str, **cells: str) -> Event:
    """What a line of a file tells beside the order itself."""
    known = {
        "order": who.order,
        "placed_at": NOON.isoformat(),
        "total": "128",
        "buyer": "ann",
        "state": state,
    }
    row = CsvLine(2, {**known, "updated_at": (NOON + after).isoformat(), **cells})
    (record,) = csv_orders([row], FILE)
    return record.events[1]


def named_payment(who: Buyer, after: timedelta, amount: str) -> Event:
    return who.fact("paid", after, payment="p1", amount=amount, currency="CNY")


def reopened(who: Buyer, after: timedelta = 3.1 * MINUTE, **more: Any) -> Event:
    base = who.fact("cancelled", after)
    assert isinstance(base, OrderCancelled)
    names = {"channel": base.channel, "external_id": base.external_id, "order": base.order}
    return OrderReopened(at=base.at, **names, **more)


def moved(who: Buyer, status: str = "in transit", after: timedelta = 2.2 * MINUTE) -> Event:
    base = who.fact("cancelled", after)
    assert isinstance(base, OrderCancelled)
    return ParcelMoved(
        channel=base.channel,
        external_id=base.external_id,
        at=base.at,
        order=base.order,
        parcel="A",
        status=status,
    )


def review(who: Buyer, id: str, rating: int, after: timedelta = 5 * MINUTE) -> Event:
    data = {"review": {"id": id, "order": who.order, "rating": rating, "text": "嗯"}}
    return who.event("review.posted", data, who.at + after)


async def end_of(engine: Engine, order: str) -> dict[str, Any]:
    """What is recorded and planned about one order, without its ids."""
    known = (await engine.orders()).get(order)
    messages = await engine.rows(tables.outbox, "key", "state", "template", "category", "due_at", "values")
    cases = await engine.rows(tables.cases, "key", "kind", "closed_at")
    wakes = await engine.rows(tables.wakes, "key", "at", "what")
    nameless: dict[str, Any] = {"id": "", "number": None, "buyer": None}
    if known and known.placed_at is None:
        nameless["channel"] = ""  # nobody's yet: it becomes that of the one who places it
    return {
        "order": known and msgspec.to_builtins(msgspec.structs.replace(known, **nameless)),
        "state": known and known.state,
        "messages": about(order, messages),
        "cases": [(key, kind, closed is None) for key, kind, closed in about(order, cases)],
        "wakes": about(order, wakes),
    }


def about(order: str, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of one order, its id written as *."""
    named = [(row[0].split(":"), row[1:]) for row in rows]
    mine = [
        (":".join(["*" if part == order else part for part in key]), rest)
        for key, rest in named
        if order in key
    ]
    return sorted((key, *rest) for key, rest in mine)


async def lived(engine: Engine, batches: Sequence[Sequence[Event]], order: str = "1001") -> dict[str, Any]:
    for batch in batches:
        await engine.take(*batch)
        await engine.react()
    return await end_of(engine, order)


# Every permutation there is, each an order and a buyer of its own, side by side in one shop. A day tries a
# part of them and another day others; one by one the events take a round each, and fewer are tried.

ALL = math.factorial(len(LIFE))
GIVEN = os.environ.get("XIAOER_PERMUTATIONS")
TRIED = {1: int(GIVEN or 720), len(LIFE): int(GIVEN or 1680)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("together", TRIED, ids="{} events at a time".format)
async def test_every_order_of_arrival_ends_alike(database_url: str, together: int) -> None:
    straight, *others = itertools.permutations(LIFE)
    tried = random.SystemRandom().sample(others, min(TRIED[together], ALL) - 1)
    orders = {f"o{number}": names for number, names in enumerate([straight, *tried])}
    async with many_shops(database_url) as shops:
        engine = shops.engine(now=STARTS)
        await feed(engine, orders, together)
        ends = await ends_of_all(engine, list(orders))
    expected = ends["o0"]
    assert expected["state"] == "cancelled"
    assert {key: state for key, state, *_ in expected["messages"]} == WHAT_A_CANCELLED_ORDER_LEAVES
    wrong = [orders[order] for order, end in ends.items() if end != expected]
    assert wrong == []


PAID = f"{NOON + MINUTE:%Y%m%dT%H%M%S.%f}-12800CNY"
WHAT_A_CANCELLED_ORDER_LEAVES = {
    "order_confirmation:*": "queued",  # outdated, which is found when it is to be sent
    "second_contact:*:1": "withdrawn",
    "payment_reminder:*:1": "withdrawn",
    "payment_reminder:*:2": "withdrawn",
    "payment_reminder:*:3": "withdrawn",
    f"payment_received:*:{PAID}": "queued",
    f"reassurance:*:{PAID}": "withdrawn",
    "shipped:*:A": "queued",
    "shipped:*:B": "queued",
    "delivered:*:all": "queued",
    "review_request:*:all": "withdrawn",
    "review_reminder:*:all": "withdrawn",
    f"cancelled:*:{int((NOON + 3 * MINUTE).timestamp())}": "queued",
    "refunded:*:r1": "queued",  # one of the two is said, when it is due
    "partly_refunded:*:r1": "queued",
}


async def feed(engine: Engine, orders: dict[str, tuple[str, ...]], together: int) -> None:
    """`together` events of every order at once, then the next ones; at last the platform repeats itself."""
    once = {name: story(Buyer()) for name, story in LIFE.items()}
    of_orders = {
        order: [of_order(once[name], name, order) for name in names] for order, names in orders.items()
    }
    for start in range(0, len(LIFE), together):
        await engine.take(
            *(event for events in of_orders.values() for event in events[start : start + together])
        )
        await engine.react()
    await engine.take(*(again(event) for events in of_orders.values() for event in events[:2]))
    await engine.react()


def of_order(event: Event, name: str, order: str) -> Event:
    """The same happened to another order of another buyer."""
    moved = msgspec.structs.replace(event, order=order, external_id=f"{order} {name}")
    if isinstance(moved, OrderPlaced):
        return msgspec.structs.replace(moved, buyer=BuyerRef(id=f"b-{order}", name="安娜"))
    return moved


def again(event: Event) -> Event:
    """The same event in a second delivery."""
    return msgspec.structs.replace(event, external_id=f"{event.external_id} again")


async def ends_of_all(engine: Engine, orders: list[str]) -> dict[str, dict[str, Any]]:
    known = await engine.orders()
    messages = await engine.rows(tables.outbox, "key", "state", "template", "category", "due_at", "values")
    wakes = await engine.rows(tables.wakes, "key", "at", "what")
    cases = await engine.rows(tables.cases, "key", "kind", "closed_at")
    mine: dict[str, dict[str, Any]] = {
        order: {"state": known[order].state, "messages": [], "wakes": [], "cases": []} for order in orders
    }
    for kind, rows in (("messages", messages), ("wakes", wakes), ("cases", cases)):
        for key, *rest in rows:
            template, order, *more = key.split(":")
            mine[order][kind].append((":".join([template, "*", *more]), *rest))
    for order, file in mine.items():
        file["order"] = unnamed(known[order])
    return mine


def unnamed(order: Order) -> Any:
    """The order without its own names, those of its buyer included."""
    assert order.contacts is not None
    assert order.contacts.known("id") == f"b-{order.id}"
    text = msgspec.json.encode(msgspec.structs.replace(order, id="", number=None, buyer=None))
    return msgspec.json.decode(text.replace(f'"b-{order.id}"'.encode(), b'"b-*"'))


# Any facts, any repeats, any batches


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """Some facts in their own order, and the same facts as they might arrive."""
    stories = {**LIFE, **MORE}
    names = draw(st.lists(st.sampled_from(sorted(stories)), min_size=1, unique=True))
    who = Buyer()
    facts = [stories[name](who) for name in names]
    return facts, draw(arrived(facts))


@st.composite
def arrived(draw: st.DrawFn, facts: list[Event]) -> list[list[Event]]:
    """The facts in any order and in any batches, some of them repeated."""
    repeated = draw(st.lists(st.sampled_from(facts), max_size=6))
    repeats = [event if draw(st.booleans()) else again(event) for event in repeated]
    batches: list[list[Event]] = [[]]
    for event in draw(st.permutations([*facts, *repeats])):
        batches[-1].append(event)
        if draw(st.booleans()):
            batches.append([])
    return batches


async def alike(shops: ManyShops, case: tuple[list[Event], list[list[Event]]]) -> None:
    facts, batches = case
    note([[event.external_id for event in batch] for batch in batches])
    by_time = sorted(facts, key=lambda event: (event.at, event.external_id))
    straight = await lived(shops.engine(now=STARTS, double_opt_in=True), [by_time])
    shuffled = await lived(shops.engine(now=STARTS, double_opt_in=True), batches)
    for what in straight:
        assert shuffled[what] == straight[what]


def test_any_facts_in_any_order_and_batches_end_alike(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=50 if shops.database.dialect == "sqlite" else 12, deadline=None)
        @given(arrivals())
        def check(case: tuple[list[Event], list[list[Event]]]) -> None:
            run(alike(shops, case))

        check()


# Money: parts, edits, refunds and payments given up, in two currencies, told by two sources


@st.composite
def money(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """Facts of one order's money at the minutes of an hour, and the same as they might arrive."""
    who = Buyer()
    facts = [who.placed()]
    currencies, sums = st.sampled_from(["CNY", "CNY", "USD"]), st.sampled_from(["28.00", "64.00", "128.00"])
    for number in range(draw(st.integers(1, 5))):
        after, amount = draw(st.integers(1, 59)) * MINUTE, draw(sums)
        told: dict[str, Any] = {"amount": amount, "currency": draw(currencies)}
        match draw(
            st.sampled_from(
                ["part", "part", "again", "whole", "edit", "account", "refund", "back", "imported"]
            )
        ):
            case "part":
                facts.append(who.fact("paid", after, **told, payment=f"p{number}"))
            case "again":
                facts.append(who.fact("paid", after, **told, payment="p0"))
            case "whole":
                facts.append(who.fact("paid", after))
            case "imported":
                part = who.fact("paid", after, **told)
                facts.append(msgspec.structs.replace(part, source="import"))
            case "edit":
                facts.append(who.placed(after, total=draw(st.sampled_from(["64.00", "128.00", "150.00"]))))
            case "account":
                facts.append(who.placed(after, paid=draw(st.sampled_from(["0.00", "64.00", "128.00"]))))
            case "refund":
                facts.append(who.fact("refunded", after, refund=f"r{number}", **told))
            case "back":
                facts.append(who.fact("refunded", after, refund="all"))
    return facts, draw(arrived(facts))


async def adds_up(shops: ManyShops, case: tuple[list[Event], list[list[Event]]]) -> None:
    """All facts arrive within an hour; after two days the same was said, and no sum in it that is untrue."""
    facts, batches = case
    note([[event.external_id for event in batch] for batch in batches])
    ends = []
    for arriving in ([sorted(facts, key=lambda event: (event.at, event.external_id))], batches):
        engine = shops.engine(now=NOON + HOUR)
        end = await lived(engine, arriving)
        await engine.simulation.advance(NOON + 2 * DAY)
        order = (await engine.orders())["1001"]
        said = [(one.message.template, one.message.text) for one in engine.sent]
        for template, text in said:
            check_sums(template, text, order)
        cases = await engine.rows(tables.cases, "key", "reason")
        ends.append((end["order"], end["messages"], end["wakes"], sorted(said), cases))
    straight, shuffled = ends
    for one, other in zip(straight, shuffled, strict=True):
        assert one == other


def check_sums(template: str, text: str, order: Order) -> None:
    """What is owed is named as what is owed, and of money that cannot be compared nothing is claimed."""
    owed = str(order.left.decimal) if order.left else None
    if "还差" in text:
        assert owed is not None, (template, text)
        assert f"{owed}" in text, (template, text)
    if template == "payment_received":
        assert order.paid is not None, text
        assert str(order.paid.decimal) in text, text
    if template == "refunded":  # all that was there then; more may have come since
        assert order.refunded_in_full or order.gone_back.times
    if template == "partly_refunded":
        assert not order.refunded_in_full


def test_what_is_said_of_money_adds_up_and_does_not_depend_on_the_order(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=12 if shops.database.dialect == "sqlite" else 4, deadline=None)
        @given(money())
        def check(case: tuple[list[Event], list[list[Event]]]) -> None:
            run(adds_up(shops, case))

        check()


# What platforms state about one buyer: in whole seconds, so that several may have one timestamp


def shows(type: str, number: int, channel: str, at: datetime, **known: Any) -> Event:
    """An event with everything that a platform knows of the buyer; both platforms know the mail address,
    which makes them two buyers all the same."""
    ref = {"id": f"ann@{channel}", "email": "ann@example.com", **known}
    who = Buyer(order=f"o{number}", at=at)
    data = {
        "buyer.updated": {"buyer": ref},
        "message.received": {"message": {"id": f"m{number}", "buyer": ref, "text": "在吗"}},
    }
    event = who.placed(buyer=ref) if type == "order.placed" else who.event(type, data[type], at)
    return msgspec.structs.replace(event, channel=channel, external_id=f"e{number}")


def stops(type: str, number: int, channel: str, at: datetime) -> Event:
    """A stop, under the buyer's id and with nothing else about them."""
    who = Buyer(f"ann@{channel}")
    if type == "buyer.opted_out":
        event = who.event(type, {"buyer": {"id": who.ref["id"]}}, at)
    else:
        event = who.says("退订", at, f"m{number}")
    return msgspec.structs.replace(event, channel=channel, external_id=f"e{number}")


@st.composite
def statements(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """Some statements about one buyer, and the same as they might arrive."""
    facts = []
    for number in range(draw(st.integers(2, 6))):
        channel, at = draw(st.sampled_from([WEBHOOK, "other"])), NOON + draw(st.integers(0, 2)) * MINUTE
        if draw(st.booleans()):
            known = {
                "name": draw(st.sampled_from(["安娜", "Ann"])),
                "locale": draw(st.sampled_from(["zh-CN", "en"])),
            }
            agrees = draw(st.sampled_from([{}, {"agrees": True}, {"agrees": False}]))
            agrees |= draw(st.sampled_from([{}, {"verified": True}]))
            kind = draw(st.sampled_from(["buyer.updated", "order.placed", "message.received"]))
            facts.append(shows(kind, number, channel, at, **known, **agrees))
        else:
            kind = draw(st.sampled_from(["buyer.opted_out", "message.received"]))
            facts.append(stops(kind, number, channel, at))
    return facts, draw(arrived(facts))


KNOWN = ("name", "locale", "email", "shown_at", "joined_to")
ADDRESSES = {("email", "ann@example.com"), (WEBHOOK, f"ann@{WEBHOOK}"), ("other", "ann@other")}


async def known_alike(shops: ManyShops, case: tuple[list[Event], list[list[Event]]]) -> None:
    facts, batches = case
    note([[event.external_id for event in batch] for batch in batches])
    by_time = sorted(facts, key=lambda event: (event.at, event.external_id))
    ends = []
    for arriving in ([by_time], batches):
        engine = shops.engine(now=NOON + HOUR)
        await lived(engine, arriving)
        wishes = await engine.database.read(
            lambda link, shop=engine.shop: dict(ask(link, shop, wish_records.standings(ADDRESSES)))  # type: ignore[misc]
        )
        ends.append((await engine.rows(tables.buyers, *KNOWN), wishes))
    straight, shuffled = ends
    assert shuffled == straight, (straight, shuffled)


def test_any_statements_about_a_buyer_in_any_order_and_batches_end_alike(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=60 if shops.database.dialect == "sqlite" else 12, deadline=None)
        @given(statements())
        def check(case: tuple[list[Event], list[list[Event]]]) -> None:
            run(known_alike(shops, case))

        check()

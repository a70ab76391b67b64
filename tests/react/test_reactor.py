"""A round of the react leg: events in their order, what their handlers may know, and one bad one parked."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update
from sqlalchemy.exc import DBAPIError, OperationalError
from structlog.testing import capture_logs

from bot.domain.actions import Action, Consent, CountTry, OpenCase, OpenOrder, Say, WakeAt
from bot.domain.context import Context
from bot.domain.events import (
    BuyerRef,
    BuyerUpdated,
    ItemRestocked,
    MessageReceived,
    OrderCompleted,
    OrderPlaced,
)
from bot.domain.routes import Route
from bot.domain.rules import Rules
from bot.domain.signed_tokens import ChatLink
from bot.operations.metrics import Metrics
from bot.operations.time_limit import TimeLimit
from bot.react import reactor
from bot.react.reactor import Handled, Reactor
from storage import buyer_records, case_records, inbox, tables, wish_records
from storage.asking import ask
from storage.database import Database
from storage.inbox import Waiting
from storage.unit import CaseLine
from tests.conftest import empty_sqlite
from tests.one_shop import (
    CATALOGUE,
    HOUR,
    NEIGHBOUR,
    NOON,
    SHOP,
    SHOP_ID,
    ann,
    bob,
    chat,
    completed,
    order,
    order_in,
    placed,
    queue,
    rows,
    rules,
    save,
    take,
    wrote,
)

SHOPS = {SHOP_ID: SHOP, NEIGHBOUR: SHOP}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Tracebacks that are meant to be there take longer to print than their tests take to run."""
    with capture_logs():
        yield


def now() -> datetime:
    return NOON


class Handler:
    """Remembers what it was asked, and decides what it is told to."""

    __name__ = "handler"

    def __init__(self, *decides: Action, fails_for: str = "") -> None:
        self.asked: list[tuple[Any, Context]] = []
        self.decides = list(decides)
        self.fails_for = fails_for

    def __call__(self, event: Any, known: Context) -> list[Action]:
        self.asked.append((event, known))
        if self.fails_for and self.fails_for == getattr(event, "order", None):
            raise KeyError("k" * 1000)
        return self.decides

    def rules(self, *events: type[Any], **functions: Any) -> Rules:
        return rules(*(Route(event, self) for event in events or (MessageReceived,)), **functions)

    @property
    def known(self) -> Context:
        """What it knew when it was asked last."""
        return self.asked[-1][1]


def reactor_of(
    found: Rules, database: Any = None, jitter: float = 0.0, metrics: Metrics | None = None
) -> Reactor:
    return Reactor(database, SHOPS, found, CATALOGUE, TimeLimit(), metrics or Metrics(), lambda: jitter)


FAULT = (CaseLine(shop="mugs", number=1, kind="fault"),)


def react(connection: Connection, found: Rules, **more: Any) -> Handled:
    return dict(reactor_of(found).react_in(connection, [SHOP_ID], now, **more)).get(SHOP_ID, Handled())


def settled(connection: Connection, shop: str = SHOP_ID) -> list[tuple[Any, ...]]:
    return rows(connection, tables.inbox, "id", "state", "rule", "error", "handled_at", shop=shop)


# One shop


def test_events_are_handled_in_the_order_they_came_and_settled(connection: Connection) -> None:
    handler = Handler()
    take(connection, placed("2"), placed("1"))
    assert react(connection, handler.rules(OrderPlaced)) == Handled(handled=2)
    assert [event.order for event, _ in handler.asked] == ["2", "1"]
    assert [row[1:] for row in settled(connection)] == [
        ("done", "test_reactor.handler", None, NOON),
        ("done", "test_reactor.handler", None, NOON),
    ]
    assert order_in(connection, "1").placed_at == NOON
    assert react(connection, handler.rules(OrderPlaced)) == Handled()


def test_what_handlers_decided_is_written_with_their_event_and_rule(connection: Connection) -> None:
    take(connection, placed("1", id="7"))
    react(connection, Handler(Say(template="hello", key="k")).rules(OrderPlaced))
    ((id, *_),) = settled(connection)
    assert rows(connection, tables.outbox, "key", "event", "rule") == [("k", id, "test_reactor.handler")]


def test_at_most_so_many_events_are_handled_at_once_the_oldest_first(connection: Connection) -> None:
    take(connection, placed("1"), placed("2"), placed("3"))
    assert react(connection, rules(), limit=2) == Handled(handled=2)
    assert [state for _, state, *_ in settled(connection)] == ["done", "done", "open"]


def test_four_hundred_events_are_a_batch(connection: Connection) -> None:
    take(connection, *(placed(str(number)) for number in range(401)))
    assert react(connection, rules()) == Handled(handled=400)


def test_what_nobody_handles_is_done_and_its_facts_count(connection: Connection) -> None:
    take(connection, placed("1"))
    assert react(connection, rules()) == Handled(handled=1)
    assert [row[1:4] for row in settled(connection)] == [("done", None, None)]
    assert order_in(connection, "1").placed_at == NOON


def test_a_shop_that_another_program_is_at_is_left_to_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    monkeypatch.setattr(reactor, "try_locks", lambda link, place, shops: names.append((place, *shops)) or ())
    take(connection, placed("1"))
    assert react(connection, rules()) == Handled(busy=1)
    assert names == [("react", SHOP_ID)]
    assert [row[1] for row in settled(connection)] == ["open"]


# A bad event


def test_what_is_no_event_is_parked_and_the_others_go_on(connection: Connection) -> None:
    take(connection, placed("1"), placed("2"))
    ((first, *_), _) = settled(connection)
    connection.execute(update(tables.inbox).where(tables.inbox.c.id == first).values(body='{"type":"no"}'))
    assert react(connection, rules()) == Handled(handled=1, parked=1)
    (bad, good) = settled(connection)
    assert (bad[1], bad[2], good[1]) == ("parked", None, "done")
    assert bad[3].startswith("not an event: ")


def test_a_handler_that_fails_parks_its_event_and_opens_a_case_but_its_facts_count(
    connection: Connection,
) -> None:
    take(connection, placed("1", id="7"), placed("2"))
    assert react(connection, Handler(fails_for="1").rules(OrderPlaced)) == Handled(
        handled=1, parked=1, lines=FAULT
    )
    bad, good = settled(connection)
    error = "KeyError: '" + "k" * 1000
    assert bad[1:] == ("parked", "test_reactor.handler", error[:500], NOON)
    assert good[1:3] == ("done", "test_reactor.handler")
    assert order_in(connection, "1").placed_at == NOON
    found = rows(connection, tables.cases, "key", "kind", "reason", "buyer", "details")
    details = f'{{"event":{bad[0]},"error":"{error[:300]}"}}'
    assert found == [(f"fault:{bad[0]}", "fault", "handler_failed", None, details)]


def test_an_event_that_cannot_be_merged_is_parked_without_a_rule(connection: Connection) -> None:
    take(connection, wrote("hello", address=""))
    assert react(connection, rules()) == Handled(parked=1, lines=FAULT)
    assert [row[1:4] for row in settled(connection)] == [
        ("parked", None, "ValueError: a chat without an address")
    ]


def test_an_error_of_the_database_ends_the_batch(connection: Connection) -> None:
    def broken(event: Any, known: Context) -> list[Action]:
        raise OperationalError("SELECT", {}, Exception("away"))

    take(connection, placed("1"))
    with pytest.raises(DBAPIError):
        react(connection, rules(Route(OrderPlaced, broken)))


# What a handler may know


def test_an_orders_handler_knows_the_order_as_the_event_left_it(connection: Connection) -> None:
    save(connection, ann(), order("1"), order("2"))
    for key, about in (("k", "1"), ("other", "2"), ("the buyer's", None)):
        opened = OpenCase(kind="human", key=key, reason="asked", order=about)
        case_records.open_case(connection, SHOP_ID, opened, "ann", NOON)
    queue(connection, "hello:1", order="1")
    handler = Handler()
    take(connection, completed("1"))
    react(connection, handler.rules(OrderCompleted))
    known = handler.known
    assert (known.now, known.shop_id, known.shop) == (NOON, SHOP_ID, SHOP)
    assert known.order == order("1", completed_at=NOON)
    assert known.orders == (known.order,)
    assert known.buyer == ann()
    assert [case.key for case in known.cases] == ["k"]
    assert [said.key for said in known.said] == ["hello:1"]
    assert (known.conversation, known.named_orders, known.linked_order) == (None, (), None)


def test_an_orders_handler_knows_that_order_alone_whatever_else_is_in_the_batch(
    connection: Connection,
) -> None:
    save(connection, ann(), order("1"), order("2"))
    handler = Handler()
    take(connection, completed("1"), completed("2"))
    react(connection, handler.rules(OrderCompleted))
    assert [[each.id for each in known.orders] for _, known in handler.asked] == [["1"], ["2"]]


def test_of_a_new_order_and_its_buyer_nothing_was_said_and_no_case_is_open(connection: Connection) -> None:
    handler = Handler()
    take(connection, placed("1", id="7"))
    react(connection, handler.rules(OrderPlaced))
    assert (handler.known.said, handler.known.cases) == ((), ())


def test_a_route_is_chosen_by_what_is_known(connection: Connection) -> None:
    def of_the_second(event: Any, known: Context) -> bool:
        return known.order is not None and known.order.id == "2"

    handler = Handler()
    take(connection, placed("1"), placed("2"))
    react(connection, rules(Route(OrderPlaced, handler, when=of_the_second)))
    assert [event.order for event, _ in handler.asked] == ["2"]


def test_a_wish_that_a_handler_understood_is_that_chats_and_known_to_the_next_event(
    connection: Connection,
) -> None:
    save(connection, ann())
    ask(
        connection,
        SHOP_ID,
        buyer_records.add_identities({("telegram", "42"): "ann", ("telegram", "43"): "ann"}),
    )
    handler = Handler(Consent(promotions=True, at=NOON))
    take(connection, wrote("yes"), wrote("hello", address="43"), wrote("hello"))
    react(connection, handler.rules())
    assert [known.standing.agrees for _, known in handler.asked] == [None, None, True]
    said = ask(connection, SHOP_ID, wish_records.standings({("telegram", "42")}))
    assert said["telegram", "42"].agrees is True


def test_a_chats_handler_knows_the_chat_and_all_the_buyers_orders(connection: Connection) -> None:
    save(connection, ann(), order("1"), order("2"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    handler = Handler()
    take(connection, wrote("hello"))
    react(connection, handler.rules())
    known = handler.known
    assert known.conversation == chat(last_in_at=NOON)
    assert (known.order, {each.id for each in known.orders}, known.said) == (None, {"1", "2"}, ())


def test_orders_of_the_same_batch_are_shown_to_the_chat_of_their_buyer(connection: Connection) -> None:
    handler = Handler()
    take(connection, placed("1", channel="telegram", id="42"), wrote("hello"))
    react(connection, handler.rules())
    assert [each.id for each in handler.known.orders] == ["1"]


@pytest.mark.parametrize("contact", [{"phone": "1"}, {"email": "ann@example.com"}])
def test_a_contact_that_is_only_said_shows_no_order(connection: Connection, contact: dict[str, str]) -> None:
    handler = Handler()
    take(connection, placed("1", id="7", **contact), placed("2", **contact), wrote("hello", **contact))
    react(connection, handler.rules())
    assert (handler.known.orders, handler.known.cases) == ((), ())


def test_a_contact_that_the_shops_own_system_has_proved_opens_its_orders(connection: Connection) -> None:
    handler = Handler()
    take(connection, placed("1", phone="1"), placed("2", phone="2"), wrote("hi", phone="1", verified=True))
    react(connection, handler.rules())
    assert [each.id for each in handler.known.orders] == ["1"]
    assert rows(connection, tables.openings, "order_id", "how") == [("1", "verified")]


def test_an_orders_handler_addresses_the_contacts_of_that_order(connection: Connection) -> None:
    handler = Handler()
    take(connection, placed("1", id="7", name="Ann", email="a@b.example"), placed("2", id="7", name="Anna"))
    react(connection, handler.rules(OrderPlaced))
    told = [(known.buyer.name, known.buyer.email) for _, known in handler.asked if known.buyer]
    assert told == [("Ann", "a@b.example"), ("Anna", None)]


def test_without_a_buyer_nothing_is_known_but_the_shop(connection: Connection) -> None:
    handler = Handler()
    take(connection, ItemRestocked(channel="web", external_id="i", at=NOON, sku="MUG-1"))
    react(connection, handler.rules(ItemRestocked))
    assert handler.known == Context(now=NOON, shop_id=SHOP_ID, shop=SHOP)


def test_every_order_that_a_number_names_is_known_to_the_handler(connection: Connection) -> None:
    save(connection, bob(), order("77", "bob", number="A1"), order("78", "bob"), order("79"))
    handler = Handler()
    take(connection, wrote("nothing A1 78"))
    react(connection, handler.rules())
    assert handler.known.named_orders == (order("77", "bob", number="A1"), order("78", "bob"))
    assert (handler.known.orders, handler.known.linked_order) == ((), None)
    assert handler.known.wrong_tries == {"77": 0, "78": 0}


def test_the_wrong_tries_at_an_order_are_known_to_every_chat_that_names_it(connection: Connection) -> None:
    save(connection, order("1"), order("2"))
    handler = Handler(CountTry(orders=("1",)))
    take(connection, wrote("1"), wrote("1", address="43"), wrote("2", address="44"), wrote("1", address="45"))
    react(connection, handler.rules())
    assert [known.wrong_tries for _, known in handler.asked] == [{"1": 0}, {"1": 1}, {"2": 0}, {"1": 3}]


def link_to(order: str) -> dict[str, Callable[[str, str], ChatLink | None]]:
    """A rule by which a text with "link" in it is a link to this order of this shop."""

    def link_in(shop: str, text: str) -> ChatLink | None:
        return ChatLink(order, None) if shop == SHOP_ID and "link" in text else None

    return {"link_in": link_in}


def test_a_link_is_known_beside_the_orders_that_are_named(connection: Connection) -> None:
    save(connection, ann(), order("1"), order("2", "bob", placed_at=NOON))
    handler = Handler()
    take(connection, wrote("link 1"))
    react(connection, handler.rules(**link_to("2")))
    assert handler.known.named_orders == (order("1"),)
    assert handler.known.linked_order == order("2", "bob", placed_at=NOON)


def test_a_link_to_an_order_that_is_not_there_opens_nothing(connection: Connection) -> None:
    save(connection, ann(), order("1"))
    handler = Handler(OpenOrder(order="1", how="link"))
    take(connection, wrote("link 1"))
    react(connection, handler.rules(**link_to("9")))
    assert (handler.known.linked_order, handler.known.named_orders) == (None, (order("1"),))


# A round of all shops


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "shop.db").write_bytes(empty_sqlite())
    found = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    yield found
    found.close()


def states(database: Database, shop: str = SHOP_ID) -> list[str]:
    return database.read_now(lambda link: [row[1] for row in settled(link, shop)])


def counted(metrics: Metrics, shop: str, outcome: str) -> float | None:
    return metrics.registry.get_sample_value("xiaoer_events_total", {"shop": shop, "outcome": outcome})


async def test_a_round_handles_the_events_of_all_shops_and_counts_them(database: Database) -> None:
    database.write_now(lambda link: take(link, placed("1"), wrote("x", address="")))
    database.write_now(lambda link: take(link, placed("1"), shop=NEIGHBOUR))
    metrics = Metrics()
    assert await reactor_of(rules(), database, metrics=metrics).react(now) == Handled(handled=2, parked=1)
    assert (states(database), states(database, NEIGHBOUR)) == (["done", "parked"], ["done"])
    assert [counted(metrics, SHOP_ID, "handled"), counted(metrics, SHOP_ID, "parked")] == [1, 1]
    assert [counted(metrics, NEIGHBOUR, "handled"), counted(metrics, NEIGHBOUR, "parked")] == [1, 0]


async def test_events_of_a_shop_whose_settings_are_gone_wait(database: Database) -> None:
    database.write_now(lambda link: take(link, placed("1"), shop="gone"))
    assert await reactor_of(rules(), database).react(now) == Handled()
    assert states(database, "gone") == ["open"]


@pytest.mark.parametrize(
    ("jitter", "first"), [(0.0, SHOP_ID), (0.4, SHOP_ID), (0.5, NEIGHBOUR), (0.99, NEIGHBOUR)]
)
async def test_a_round_begins_with_any_shop_and_ends_where_a_batch_is_full(
    database: Database, monkeypatch: pytest.MonkeyPatch, jitter: float, first: str
) -> None:
    monkeypatch.setattr(reactor, "BATCH", 3)
    for shop in (SHOP_ID, NEIGHBOUR):
        database.write_now(lambda link, shop=shop: take(link, placed("1"), placed("2"), shop=shop))  # type: ignore[misc]  # bound at once
    assert await reactor_of(rules(), database, jitter).react(now) == Handled(handled=3)
    other = {SHOP_ID: NEIGHBOUR, NEIGHBOUR: SHOP_ID}[first]
    assert (states(database, first), states(database, other)) == (["done", "done"], ["done", "open"])


async def test_parked_events_fill_a_batch_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactor, "BATCH", 1)
    database.write_now(lambda link: take(link, wrote("x", address="")))
    database.write_now(lambda link: take(link, placed("1"), shop=NEIGHBOUR))
    assert await reactor_of(rules(), database).react(now) == Handled(parked=1)
    assert states(database, NEIGHBOUR) == ["open"]


async def test_a_full_batch_ends_the_round(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactor, "BATCH", 1)
    for shop in (SHOP_ID, NEIGHBOUR):
        database.write_now(lambda link, shop=shop: take(link, placed("1"), shop=shop))  # type: ignore[misc]  # bound at once
    assert await reactor_of(rules(), database).react(now) == Handled(handled=1)
    assert (states(database), states(database, NEIGHBOUR)) == (["done"], ["open"])


def cannot_be_written(event: OrderPlaced, known: Context) -> list[Action]:
    return [WakeAt(key="w", at=datetime(2026, 11, 22), what="x")] if event.order == "bad" else []  # noqa: DTZ001  # on purpose


async def test_what_cannot_be_written_is_parked_alone(database: Database) -> None:
    database.write_now(lambda link: take(link, placed("bad"), *(placed(str(number)) for number in range(40))))
    database.write_now(lambda link: take(link, placed("1"), shop=NEIGHBOUR))
    found = reactor_of(rules(Route(OrderPlaced, cannot_be_written)), database)
    assert await found.react(now) == Handled(handled=1, parked=1)
    bad, *others = database.read_now(settled)
    assert bad[1:] == ("parked", None, "ValueError: what it leads to cannot be kept", NOON)
    assert {state for _, state, *_ in others} == {"open"}
    assert database.read_now(lambda link: rows(link, tables.orders, "id")) == []
    assert await found.react(now) == Handled(handled=40)


async def test_in_smaller_steps_what_lies_before_the_bad_one_is_handled(database: Database) -> None:
    database.write_now(lambda link: take(link, *(placed(str(number)) for number in range(40)), placed("bad")))
    found = reactor_of(rules(Route(OrderPlaced, cannot_be_written)), database)
    assert await found.react(now) == Handled(handled=40)
    assert await found.react(now) == Handled(parked=1)


class Away:
    """A database that fails at these times, or for good."""

    def __init__(self, database: Database, *times: int, error: Exception | None = None) -> None:
        self.database = database
        self.times = times
        self.error = error or OperationalError("BEGIN", {}, Exception("away"))
        self.asked = 0

    async def write(self, work: Any) -> Any:
        self.asked += 1
        if not self.times or self.asked in self.times:
            raise self.error
        return await self.database.write(work)


async def test_while_the_database_is_away_nothing_is_tried_again_or_parked(database: Database) -> None:
    away = Away(database)
    with pytest.raises(OperationalError):
        await reactor_of(rules(), away).react(now)
    assert away.asked == 1


@pytest.mark.parametrize("time", [3, 4, 5, 6])
async def test_a_database_that_goes_away_while_one_event_is_looked_for_parks_nothing(
    database: Database, time: int
) -> None:
    """The round, the waiting shops, three steps down to four events, and the oldest one by itself."""
    database.write_now(lambda link: take(link, placed("bad")))
    away = Away(database, time)
    with pytest.raises(OperationalError):
        await reactor_of(rules(Route(OrderPlaced, cannot_be_written)), away).react(now)
    assert (away.asked, states(database)) == (time, ["open"])


def down_to_one(database: Database) -> Away:
    """A database that cannot write the round, or any of the three steps down to the oldest event."""
    return Away(database, 1, 3, 4, 5, error=ValueError("cannot be written"))


async def test_one_event_by_itself_is_left_to_the_program_that_is_at_the_shop(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor, "try_locks", lambda link, place, shops: set())
    database.write_now(lambda link: take(link, placed("1")))
    assert await reactor_of(rules(), down_to_one(database)).react(now) == Handled(busy=1)


async def test_one_event_by_itself_is_handled_like_any_other(database: Database) -> None:
    database.write_now(lambda link: take(link, placed("1"), placed("2")))
    assert await reactor_of(rules(), down_to_one(database)).react(now) == Handled(handled=1)
    assert states(database) == ["done", "open"]


def nothing() -> Any:
    return []
    yield


async def test_one_event_that_another_program_handled_meanwhile_is_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.write_now(lambda link: take(link, placed("1")))
    monkeypatch.setattr(reactor.inbox, "open_events", lambda at_most, now: nothing())
    assert await reactor_of(rules(), down_to_one(database)).react(now) == Handled()


async def test_a_database_that_is_away_for_one_event_parks_nothing(database: Database) -> None:
    def broken(event: Any, known: Context) -> list[Action]:
        raise OperationalError("SELECT", {}, Exception("away"))

    database.write_now(lambda link: take(link, placed("1")))
    with pytest.raises(OperationalError):
        await reactor_of(rules(Route(OrderPlaced, broken)), down_to_one(database)).react(now)
    assert states(database) == ["open"]


async def test_a_round_without_events_comes_to_nothing(database: Database) -> None:
    assert await reactor_of(rules(), database).react(now) == Handled()


async def test_every_shop_that_another_program_is_at_is_counted_as_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor, "try_locks", lambda link, place, shops: set())
    for shop in (SHOP_ID, NEIGHBOUR):
        database.write_now(lambda link, shop=shop: take(link, placed("1"), shop=shop))  # type: ignore[misc]  # bound at once
    assert await reactor_of(rules(), database).react(now) == Handled(busy=2)


def test_a_file_of_a_buyer_is_handled_for_that_buyer(connection: Connection) -> None:
    handler = Handler()
    take(
        connection, BuyerUpdated(channel="web", external_id="u", at=NOON, buyer=BuyerRef(id="7", name="Ann"))
    )
    react(connection, handler.rules(BuyerUpdated))
    assert handler.known.buyer is not None
    assert handler.known.buyer.name == "Ann"
    assert inbox.waiting(connection, NOON) == Waiting((), None)


def test_a_handler_is_given_the_time_at_which_the_shop_became_ours(connection: Connection) -> None:
    handler = Handler()
    take(connection, placed("1"))
    reactor_of(handler.rules(OrderPlaced)).react_in(connection, [SHOP_ID], lambda: NOON + HOUR)
    assert handler.known.now == NOON + HOUR
    assert [row[4] - NOON for row in settled(connection)] == [timedelta(hours=1)]

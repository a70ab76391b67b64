"""React: open events become records and decisions, a batch of one shop in one transaction."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from xiaoer.bot.acting import Deeds
from xiaoer.bot.actions import (
    OpenCase,
    Value,
)
from xiaoer.bot.context import Context
from xiaoer.bot.events import (
    AnyEvent,
    MessageReceived,
    load_event,
)
from xiaoer.bot.ledger import Ledger
from xiaoer.bot.merging import Known, merge_event
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.patience import Patience
from xiaoer.bot.router import route
from xiaoer.bot.rules import Rules
from xiaoer.bot.shop import Shop
from xiaoer.storage import inbox, records
from xiaoer.storage.database import Database, is_service_trouble, try_lock

log = structlog.get_logger()

BATCH = 400  # events in one transaction; more makes answers wait, fewer makes commits dear


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    handled: int = 0
    parked: int = 0
    busy: int = 0  # shops that another program is at


def react(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    rules: Rules,
    patience: Patience,
    now: datetime,
    limit: int = BATCH,
) -> Outcome:
    """Handle the oldest open events of one shop. Nothing is kept if this raises."""
    if not try_lock(connection, f"react:{shop_id}"):
        return Outcome(busy=1)
    rows = inbox.open_events(connection, shop_id, limit)
    return _Batch(connection, shop_id, shop, rules, patience, now).run(rows) if rows else Outcome()


def react_to_one(
    connection: Connection, shop_id: str, shop: Shop, rules: Rules, patience: Patience, now: datetime
) -> Outcome:
    """Handle the oldest open event, or park it if what it leads to cannot be kept."""
    if not try_lock(connection, f"react:{shop_id}"):
        return Outcome(busy=1)
    rows = inbox.open_events(connection, shop_id, 1)
    try:
        with connection.begin_nested():
            return _Batch(connection, shop_id, shop, rules, patience, now).run(rows) if rows else Outcome()
    except Exception as error:
        if is_service_trouble(error):
            raise
        log.error("event parked", shop=shop_id, number=rows[0].id, error=type(error).__name__, exc_info=True)
        why = f"{type(error).__name__}: what it leads to cannot be kept"
    inbox.settle(connection, shop_id, [(rows[0].id, None, why)], now)
    return Outcome(parked=1)


async def react_waiting(
    database: Database,
    shops: Mapping[str, Shop],
    rules: Rules,
    patience: Patience,
    metrics: Metrics,
    now: datetime,
    luck: Callable[[], float] = random.random,
) -> Outcome:
    """One batch of every shop that has open events; from any of them on, since others may be at the first."""
    handled = parked = busy = 0
    waiting = await database.write(inbox.waiting_shops)
    first = int(luck() * len(waiting))
    for shop_id in waiting[first:] + waiting[:first]:
        if shop_id not in shops:
            continue  # its settings are gone; its events wait for them
        outcome = await react_safely(database, shop_id, shops[shop_id], rules, patience, now)
        metrics.events.labels(shop_id, "handled").inc(outcome.handled)
        metrics.events.labels(shop_id, "parked").inc(outcome.parked)
        handled += outcome.handled
        parked += outcome.parked
        busy += outcome.busy
    return Outcome(handled=handled, parked=parked, busy=busy)


async def react_safely(
    database: Database, shop_id: str, shop: Shop, rules: Rules, patience: Patience, now: datetime
) -> Outcome:
    """React; when a batch cannot be kept, go in smaller steps up to the one event to blame."""
    step = partial(react, shop_id=shop_id, shop=shop, rules=rules, patience=patience, now=now)
    for limit in (BATCH, BATCH // 10, BATCH // 100):
        try:
            return await database.write(partial(step, limit=limit))
        except Exception as error:
            if is_service_trouble(error):
                raise
            log.warning("batch not kept", shop=shop_id, count=limit, error=type(error).__name__)
    return await database.write(
        lambda connection: react_to_one(connection, shop_id, shop, rules, patience, now)
    )


class _Batch:
    """One shop's events in the order they came, and what they lead to."""

    def __init__(
        self,
        connection: Connection,
        shop_id: str,
        shop: Shop,
        rules: Rules,
        patience: Patience,
        now: datetime,
    ) -> None:
        self.connection = connection
        self.shop_id = shop_id
        self.shop = shop
        self.rules = rules
        self.patience = patience
        self.now = now
        self.ledger = Ledger(connection, shop_id, now)
        self.deeds = Deeds(self.ledger, shop, rules)

    def run(self, rows: Sequence[Row[Any, Any]]) -> Outcome:
        outcomes: list[tuple[int, str | None, str | None]] = []
        events: list[tuple[int, AnyEvent]] = []
        for row in rows:
            try:
                events.append((row.id, load_event(row.body)))
            except msgspec.DecodeError as error:
                outcomes.append((row.id, None, f"not an event: {error}"))
        self.ledger.read((event for _, event in events), self.rules.numbers_in)
        outcomes += [(id, *self._handle(id, event)) for id, event in events]
        self.ledger.write()
        self.deeds.write()
        inbox.settle(self.connection, self.shop_id, outcomes, self.now)
        parked = sum(1 for _, _, error in outcomes if error)
        return Outcome(handled=len(outcomes) - parked, parked=parked)

    def _handle(self, id: int, event: AnyEvent) -> tuple[str | None, str | None]:
        """(rule, error). The facts of an event count even when its handler fails."""
        rule = None
        try:
            context = self._context(event, merge_event(self.ledger, self.shop, event))
            found = self.patience.bounded(partial(route, self.rules.routes, event, context))
            if found is None:
                return None, None
            rule = found.name
            actions = self.patience.bounded(partial(found.handler, event, context))
            self.deeds.act(actions, id, rule, context)
        except DBAPIError:  # it may have spoilt the whole transaction
            raise
        except Exception as error:  # one bad event must not stop the others
            log.error(
                "event parked",
                shop=self.shop_id,
                number=id,
                rule=rule,
                error=type(error).__name__,
                exc_info=True,
            )
            self._tell_of_fault(id, error)
            return rule, f"{type(error).__name__}: {error}"[:500]
        return rule, None

    def _tell_of_fault(self, id: int, error: Exception) -> None:
        details: dict[str, Value] = {"event": id, "error": f"{type(error).__name__}: {error}"[:300]}
        fault = OpenCase(kind="fault", key=f"fault:{id}", reason="handler_failed", details=details)
        self.deeds.open(fault, buyer=None)

    def _context(self, event: AnyEvent, known: Known) -> Context:
        """What the handler may know, now that the event's own facts are in."""
        ledger, buyer, order = self.ledger, known.buyer, known.order
        proved = named = None
        if isinstance(event, MessageReceived):
            proved = self.rules.order_of_link(self.shop_id, event.text)
            numbers = self.rules.numbers_in(event.text)
            named = next((ledger.named[number] for number in numbers if number in ledger.named), None)
            if proved and proved not in ledger.orders:
                ledger.orders.update(records.orders_by_id(self.connection, self.shop_id, {proved}))
            named = ledger.orders.get(proved, named) if proved else named
        named_buyer = named.buyer if named else None
        if named_buyer and named_buyer not in ledger.buyers:
            ledger.look_up(named_buyer)
        return Context(
            now=self.now,
            shop_id=self.shop_id,
            shop=self.shop,
            buyer=ledger.buyer(buyer),
            order=order,
            orders=ledger.orders_of(buyer) if order is None else (order,),
            conversation=known.chat,
            cases=ledger.cases.get(buyer, ()) if buyer else (),
            said=ledger.said.get(order.id, ()) if order else (),
            named_order=named,
            named_buyer=ledger.buyer(named_buyer),
            link_proved=bool(proved and named),
        )

"""React: open events become records and decisions, a batch in one transaction."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from xiaoer.storage import inbox, outbox, records
from xiaoer.storage.database import Database, is_service_trouble, try_lock

log = structlog.get_logger()

BATCH = 400  # events in one transaction; more makes answers wait, fewer makes commits dear


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    handled: int = 0
    parked: int = 0
    busy: int = 0  # shops that another program is at


class Reactor:
    """The react leg of one program."""

    def __init__(
        self,
        database: Database,
        shops: Mapping[str, Shop],
        rules: Rules,
        patience: Patience,
        metrics: Metrics,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._shops = shops
        self._rules = rules
        self._patience = patience
        self._metrics = metrics
        self._luck = luck

    async def react(self, clock: Callable[[], datetime]) -> Outcome:
        """A batch of open events, of as many shops as it has room for; what cannot be kept together is
        kept shop by shop.

        clock: read when a shop is ours, so that what is decided later there is due later, whoever decides.
        """
        try:
            outcomes = await self._database.write(lambda connection: self._round(connection, clock))
        except Exception as error:
            if is_service_trouble(error):
                raise
            log.warning("round not kept", error=type(error).__name__)
            outcomes = [
                (shop_id, await self._by_itself(shop_id, clock))
                for shop_id in self._in_turn(await self._database.write(inbox.waiting_shops))
            ]
        for shop_id, outcome in outcomes:
            self._metrics.events.labels(shop_id, "handled").inc(outcome.handled)
            self._metrics.events.labels(shop_id, "parked").inc(outcome.parked)
        return _sum(outcome for _, outcome in outcomes)

    def _in_turn(self, waiting: list[str]) -> list[str]:
        """From any of them on, since other programs may be at the first."""
        first = int(self._luck() * len(waiting))
        # Where the settings of a shop are gone its events wait for them.
        return [shop_id for shop_id in waiting[first:] + waiting[:first] if shop_id in self._shops]

    def _round(self, connection: Connection, clock: Callable[[], datetime]) -> list[tuple[str, Outcome]]:
        outcomes: list[tuple[str, Outcome]] = []
        room = BATCH
        for shop_id in self._in_turn(inbox.waiting_shops(connection)):
            if room <= 0:
                break
            outcome = self.of_shop(connection, shop_id, clock, room)
            room -= outcome.handled + outcome.parked
            outcomes.append((shop_id, outcome))
        return outcomes

    async def _by_itself(self, shop_id: str, clock: Callable[[], datetime]) -> Outcome:
        """One shop; when a batch cannot be kept, in smaller steps up to the one event to blame."""
        for limit in (BATCH, BATCH // 10, BATCH // 100):
            try:
                return await self._database.write(
                    partial(self.of_shop, shop_id=shop_id, clock=clock, limit=limit)
                )
            except Exception as error:
                if is_service_trouble(error):
                    raise
                log.warning("batch not kept", shop=shop_id, count=limit, error=type(error).__name__)
        return await self._database.write(partial(self._one, shop_id=shop_id, clock=clock))

    def of_shop(
        self, connection: Connection, shop_id: str, clock: Callable[[], datetime], limit: int = BATCH
    ) -> Outcome:
        """The oldest open events of one shop. Nothing is kept if this raises."""
        if not try_lock(connection, f"react:{shop_id}"):
            return Outcome(busy=1)
        now = outbox.no_earlier(connection, shop_id, clock())
        rows = inbox.open_events(connection, shop_id, limit)
        return self._batch(connection, shop_id, now).run(rows) if rows else Outcome()

    def _one(self, connection: Connection, shop_id: str, clock: Callable[[], datetime]) -> Outcome:
        """The oldest open event; parked if what it leads to cannot be kept."""
        if not try_lock(connection, f"react:{shop_id}"):
            return Outcome(busy=1)
        now = outbox.no_earlier(connection, shop_id, clock())
        rows = inbox.open_events(connection, shop_id, 1)
        try:
            with connection.begin_nested():
                return self._batch(connection, shop_id, now).run(rows) if rows else Outcome()
        except Exception as error:
            if is_service_trouble(error):
                raise
            kind = type(error).__name__
            log.error("event parked", shop=shop_id, number=rows[0].id, error=kind, exc_info=True)
        inbox.settle(
            connection, shop_id, [(rows[0].id, None, f"{kind}: what it leads to cannot be kept")], now
        )
        return Outcome(parked=1)

    def _batch(self, connection: Connection, shop_id: str, now: datetime) -> "_Batch":
        return _Batch(connection, shop_id, self._shops[shop_id], self._rules, self._patience, now)


def _sum(outcomes: Iterable[Outcome]) -> Outcome:
    every = list(outcomes)
    return Outcome(
        handled=sum(outcome.handled for outcome in every),
        parked=sum(outcome.parked for outcome in every),
        busy=sum(outcome.busy for outcome in every),
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

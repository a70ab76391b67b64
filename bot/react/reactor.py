"""React: open events become records and decisions, a batch in one transaction."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.domain.actions import OpenCase, Value
from bot.domain.buyers import addressed
from bot.domain.context import Buyer, Context, Conversation
from bot.domain.events import AnyEvent, CaseSettled, MessageReceived, load_event
from bot.domain.meanings import Understanding
from bot.domain.orders import Order
from bot.domain.routes import route
from bot.domain.rules import Rules
from bot.domain.shop import Shop
from bot.domain.wishes import NOTHING_SAID
from bot.operations.metrics import Metrics
from bot.operations.time_limit import TimeLimit
from bot.react.case_talk import CaseTalk
from bot.react.decisions import Decisions
from bot.react.identities import Identities
from bot.react.merge import Subject, merge_event
from bot.react.proofs import linked
from bot.react.taking_back import take_back
from bot.react.unit_of_work import UnitOfWork
from bot.react.wishes import Wishes
from bot.seller.cases import Cases
from bot.texts.catalogue import Catalogue
from storage import inbox, outbox
from storage.asking import Asking, ask, ask_together
from storage.database import Database, is_service_trouble, try_locks
from storage.inbox import OpenEvent
from storage.unit import CaseLine, Unit

log = structlog.get_logger()

BATCH = 400  # events in one transaction; more delays answers, fewer costs more commits
EACH = 4  # of each shop at least; shops for which there is no room come in the next round


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """What a round did: events handled, events parked, shops that another program has locked.

    settled: those of the handled events by which a seller settled a case.
    """

    handled: int = 0
    parked: int = 0
    busy: int = 0
    settled: tuple[CaseSettled, ...] = ()
    lines: tuple[CaseLine, ...] = ()  # cases that began to wait for the seller


class Reactor:
    """The react leg of one program.

    jitter: between 0 and 1, for the shop that a round begins with. on_case: told of each case that began to
    wait, once that is committed.
    """

    def __init__(
        self,
        database: Database,
        shops: Mapping[str, Shop],
        rules: Rules,
        catalogue: Catalogue,
        time_limit: TimeLimit,
        metrics: Metrics,
        jitter: Callable[[], float] = random.random,
        on_case: Callable[[CaseLine], None] = lambda line: None,
    ) -> None:
        self._database = database
        self._shops = shops
        self._rules = rules
        self._catalogue = catalogue
        self._time_limit = time_limit
        self._metrics = metrics
        self._jitter = jitter
        self._on_case = on_case

    async def react(self, clock: Callable[[], datetime]) -> Handled:
        """Handle a batch of at most BATCH open events, over all shops, in one transaction; if that cannot be
        written, shop by shop.

        clock: read once a shop is locked, so that later decisions are due later, also between programs.
        Raises database errors for which `is_service_trouble` is true; any other fault parks its event.
        """
        try:
            handled = await self._database.write(lambda connection: self._round(connection, clock))
        except Exception as error:
            if is_service_trouble(error):
                raise
            log.warning("round not kept", error=type(error).__name__)
            handled = [
                of_shop
                for shop_id in self._in_turn(await self._database.write(inbox.waiting_shops))
                for of_shop in await self._by_itself(shop_id, clock)
            ]
        for shop_id, of_shop in handled:
            self._metrics.events.labels(shop_id, "handled").inc(of_shop.handled)
            self._metrics.events.labels(shop_id, "parked").inc(of_shop.parked)
            self._tell_settled(shop_id, of_shop.settled)
            for line in of_shop.lines:
                self._on_case(line)
        return _sum(of_shop for _, of_shop in handled)

    def _tell_settled(self, shop_id: str, settled: Iterable[CaseSettled]) -> None:
        for event in settled:
            way = event.by.partition(":")[0] or "unknown"
            self._metrics.settled.labels(shop_id, way).inc()
            log.info("case settled", shop=shop_id, case=event.case, by=event.by, confirmed=event.confirmed)

    def react_in(
        self,
        connection: Connection,
        shops: Sequence[str],
        clock: Callable[[], datetime],
        limit: int = BATCH,
    ) -> list[tuple[str, Handled]]:
        """Handle the oldest open events of these shops, in a writing transaction: at most `limit`, shared out
        evenly. If this raises, nothing of the transaction may be committed."""
        handled: list[tuple[str, Handled]] = []
        waiting, room = list(shops), limit
        while waiting and room > 0:
            each = min(room, max(room // len(waiting), EACH))
            some, waiting = waiting[: room // each], waiting[room // each :]
            ours = try_locks(connection, "react", some)
            handled += [(shop_id, Handled(busy=1)) for shop_id in some if shop_id not in ours]
            done = self._side_by_side(
                connection, [shop_id for shop_id in some if shop_id in ours], clock, each
            )
            room -= sum(of_shop.handled + of_shop.parked for of_shop in done.values())
            handled += done.items()
        return handled

    def _side_by_side(
        self, connection: Connection, shops: Sequence[str], clock: Callable[[], datetime], each: int
    ) -> dict[str, Handled]:
        """Handle up to `each` events of each shop; what all of them ask of the database is asked at once."""
        now, dialect = clock(), connection.dialect.name
        times = ask_together(connection, {shop_id: outbox.no_earlier(dialect, now) for shop_id in shops})
        events = ask_together(connection, {shop_id: inbox.open_events(each) for shop_id in shops})
        batches = {
            shop_id: _Batch(
                Unit(connection, shop_id, self._shops[shop_id], times[shop_id]),
                events[shop_id],
                self._rules,
                self._catalogue,
                self._time_limit,
            )
            for shop_id in shops
            if events[shop_id]
        }
        ask_together(connection, {shop_id: batch.read() for shop_id, batch in batches.items()})
        for batch in batches.values():
            batch.handle()
        return ask_together(connection, {shop_id: batch.write() for shop_id, batch in batches.items()})

    def _in_turn(self, waiting: list[str]) -> list[str]:
        """The waiting shops from a random one on, because other programs may have locked the first."""
        first = int(self._jitter() * len(waiting))
        # Events of a shop that is not in the settings wait until it is again.
        return [shop_id for shop_id in waiting[first:] + waiting[:first] if shop_id in self._shops]

    def _round(self, connection: Connection, clock: Callable[[], datetime]) -> list[tuple[str, Handled]]:
        return self.react_in(connection, self._in_turn(inbox.waiting_shops(connection)), clock, BATCH)

    async def _by_itself(self, shop_id: str, clock: Callable[[], datetime]) -> list[tuple[str, Handled]]:
        """Handle one shop; when a batch cannot be written, in smaller ones down to the one faulty event."""
        for limit in (BATCH, BATCH // 10, BATCH // 100):
            try:
                return await self._database.write(
                    partial(self.react_in, shops=[shop_id], clock=clock, limit=limit)
                )
            except Exception as error:
                if is_service_trouble(error):
                    raise
                log.warning("batch not kept", shop=shop_id, count=limit, error=type(error).__name__)
        return await self._database.write(partial(self._one, shop_id=shop_id, clock=clock))

    def _one(
        self, connection: Connection, shop_id: str, clock: Callable[[], datetime]
    ) -> list[tuple[str, Handled]]:
        """Handle the oldest open event; park it if its results cannot be written."""
        if not try_locks(connection, "react", [shop_id]):  # kept also when what follows is rolled back
            return [(shop_id, Handled(busy=1))]
        try:
            with connection.begin_nested():
                return self.react_in(connection, [shop_id], clock, 1)
        except Exception as error:
            if is_service_trouble(error):
                raise
            kind = type(error).__name__
            number = ask(connection, shop_id, inbox.open_events(1))[0].id
            log.error("event parked", shop=shop_id, number=number, error=kind, exc_info=True)
        parked = [(number, None, f"{kind}: what it leads to cannot be kept")]
        ask(connection, shop_id, inbox.settle(parked, clock()))
        return [(shop_id, Handled(parked=1))]


def _sum(handled: Iterable[Handled]) -> Handled:
    every = list(handled)
    return Handled(
        handled=sum(each.handled for each in every),
        parked=sum(each.parked for each in every),
        busy=sum(each.busy for each in every),
    )


class _Batch:
    """Handles one shop's events in the order they came, and writes the results."""

    def __init__(
        self,
        unit: Unit,
        rows: Sequence[OpenEvent],
        rules: Rules,
        catalogue: Catalogue,
        time_limit: TimeLimit,
    ) -> None:
        self._unit = unit
        self._rows = rows
        self._events: list[tuple[int, datetime, AnyEvent]] = []
        self._outcomes: list[tuple[int, str | None, str | None]] = []
        self._rules = rules
        self._time_limit = time_limit
        self._work = UnitOfWork(unit)
        self._identities = Identities(self._work)
        self._wishes = Wishes(self._work)
        self._decisions = Decisions(self._work, self._wishes, rules, catalogue)
        self._cases = Cases(unit, catalogue)
        self._talk = CaseTalk(self._work, self._cases, rules.asks_nothing)

    def read(self) -> Asking[None]:
        for row in self._rows:
            try:
                self._events.append((row.id, row.received_at, load_event(row.body)))
            except msgspec.DecodeError as error:
                self._outcomes.append((row.id, None, f"not an event: {error}"))
        yield from self._work.read((event for *_, event in self._events), self._rules.numbers_in)

    def handle(self) -> None:
        for id, received_at, event in self._events:
            self._work.event, self._work.arrived_at = id, received_at
            self._outcomes.append((id, *self._handle(id, event)))

    def write(self) -> Asking[Handled]:
        yield from self._work.write()
        yield from self._decisions.write()
        yield from inbox.settle(self._outcomes, self._unit.now)
        for taken in self._work.taken_back:
            take_back(self._unit, self._cases, taken)
        parked = {id for id, _, error in self._outcomes if error}
        return Handled(
            handled=len(self._outcomes) - len(parked),
            parked=len(parked),
            settled=tuple(
                event for id, _, event in self._events if isinstance(event, CaseSettled) and id not in parked
            ),
            lines=tuple(self._unit.lines),
        )

    def _handle(self, id: int, event: AnyEvent) -> tuple[str | None, str | None]:
        """(rule, error). The facts of an event count even when its handler fails."""
        rule = None
        try:
            subject = merge_event(self._work, self._identities, self._wishes, event)
            self._talk.hear(event, subject)
            context = self._context(event, subject)
            found = self._time_limit.bounded(partial(route, self._rules.routes, event, context))
            if found is None:
                return None, None
            rule = found.name
            actions = self._time_limit.bounded(partial(found.handler, event, context))
            self._decisions.apply(actions, event, id, rule, context)
        except DBAPIError:  # it may have spoilt the whole transaction
            raise
        except Exception as error:  # one bad event must not stop the others
            kind = type(error).__name__
            log.error(
                "event parked", shop=self._unit.shop_id, number=id, rule=rule, error=kind, exc_info=True
            )
            self._open_fault(id, f"{kind}: {error}")
            return rule, f"{kind}: {error}"[:500]
        return rule, None

    def _open_fault(self, id: int, error: str) -> None:
        details: dict[str, Value] = {"event": id, "error": error[:300]}
        fault = OpenCase(kind="fault", key=f"fault:{id}", reason="handler_failed", details=details)
        self._decisions.open_case(fault, buyer=None)

    def _context(self, event: AnyEvent, subject: Subject) -> Context:
        """The handler's view, with the event's own facts merged."""
        work, order, chat = self._work, subject.order, subject.chat
        buyer = work.buyer(subject.buyer)
        if order is not None:
            return Context(
                now=self._unit.now,
                shop_id=self._unit.shop_id,
                shop=self._unit.shop,
                buyer=buyer and addressed(buyer, order.contacts),
                order=order,
                orders=(order,),
                cases=work.cases_of(None, (order,)),
                said=work.said.get(order.id, ()),
            )
        orders = self._spoken_of(work.orders_seen_by(subject.buyer, chat)) if chat else ()
        numbered = self._numbered(event)
        return Context(
            now=self._unit.now,
            shop_id=self._unit.shop_id,
            shop=self._unit.shop,
            buyer=buyer,
            orders=orders,
            conversation=chat,
            cases=work.cases_of(subject.buyer, orders),
            standing=self._wishes.standing((chat.channel, chat.address)) if chat else NOTHING_SAID,
            named_orders=numbered,
            wrong_tries=work.wrong_tries(numbered),
            linked_order=self._linked(event, chat),
            understood=self._understood(event, buyer, chat),
        )

    def _understood(
        self, event: AnyEvent, buyer: Buyer | None, chat: Conversation | None
    ) -> Understanding | None:
        """What a chat message means, in bounded time."""
        if not isinstance(event, MessageReceived) or chat is None:
            return None
        now, shop = self._unit.now, self._unit.shop
        locale = (buyer and buyer.locale) or shop.locale
        today = now.astimezone(shop.zone()).date()
        before = chat.talk.before(now)
        return self._time_limit.bounded(partial(self._rules.understand, event, locale, before, today))

    def _numbered(self, event: AnyEvent) -> tuple[Order, ...]:
        """The orders whose numbers a chat message contains, whoever's they are."""
        if not isinstance(event, MessageReceived):
            return ()
        return self._spoken_of(self._work.numbered(self._rules.numbers_in(event.text)))

    def _spoken_of(self, orders: tuple[Order, ...]) -> tuple[Order, ...]:
        """Without those of a platform's tests, unless the shop is being tried: no chat hears of them."""
        return tuple(order for order in orders if self._unit.shop.say_test_orders or not order.test)

    def _linked(self, event: AnyEvent, chat: Conversation | None) -> Order | None:
        link = (
            self._rules.link_in(self._unit.shop_id, event.text)
            if isinstance(event, MessageReceived)
            else None
        )
        order = linked(self._work, link, chat) if link and chat else None
        return next(iter(self._spoken_of((order,))), None) if order else None

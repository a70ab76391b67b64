"""React: open events become records and decisions, a batch in one transaction."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.domain.actions import OpenCase, Value
from bot.domain.buyers import addressed
from bot.domain.complaints import COMPLAINING
from bot.domain.context import Buyer, Case, Context, Conversation
from bot.domain.erasing import RULE as ERASED_RULE
from bot.domain.erasing import Digest
from bot.domain.events import AnyEvent, CaseSettled, MessageReceived, TimeCame
from bot.domain.knowledge import Entry, Known
from bot.domain.meanings import Understanding
from bot.domain.orders import Order
from bot.domain.products import NO_SHELF, Shelf
from bot.domain.quotes import ABOUT_PRICES, Quote
from bot.domain.routes import route
from bot.domain.rules import Rules
from bot.domain.service_promises import AGAIN_WITHIN
from bot.domain.service_promises import DUE as PROMISE_DUE
from bot.domain.settling import MOST, READ_TOGETHER, Reading
from bot.domain.shop import Shop
from bot.domain.talks import NO_TALK
from bot.domain.tiers import NONE_KEPT, KeptTier
from bot.domain.wishes import NOTHING_SAID
from bot.operations.metrics import Metrics
from bot.operations.time_limit import TimeLimit
from bot.react.case_talk import CaseTalk
from bot.react.decisions import Decisions
from bot.react.forgetting import Forgetting
from bot.react.identities import Identities
from bot.react.merge import Subject, merge_event
from bot.react.products import TELLING, Products
from bot.react.proofs import linked
from bot.react.taking_back import take_back
from bot.react.together import Turn, arrived, chats_of, in_turn
from bot.react.unit_of_work import UnitOfWork, placed
from bot.react.wishes import Wishes
from bot.seller.cases import Cases
from bot.texts.catalogue import Catalogue
from storage import inbox, outbox, promise_records, tier_records
from storage.asking import Asking, ask, ask_together
from storage.database import Database, is_service_trouble, try_locks
from storage.inbox import OpenEvent
from storage.unit import CaseLine, Unit

log = structlog.get_logger()

BATCH = 400  # events in one transaction; more delays answers, fewer costs more commits
EACH = 4  # of each shop at least; shops for which there is no room come in the next round


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """What a round did: events handled, events parked, shops that another program has locked.

    put_off: open events that wait longer for what may follow. next_at: when the next one is ready.
    settled: those of the handled events by which a seller settled a case.
    """

    handled: int = 0
    parked: int = 0
    busy: int = 0
    put_off: int = 0
    next_at: datetime | None = None
    settled: tuple[CaseSettled, ...] = ()
    lines: tuple[CaseLine, ...] = ()  # cases that began to wait for the seller


class Reactor:
    """The react leg of one program.

    jitter: between 0 and 1, for the shop that a round begins with. on_case: told of each case that began to
    wait, once that is committed. secret: of the settings, by which people who were erased are known again.
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
        secret: str = "",
    ) -> None:
        self._database = database
        self._shops = shops
        self._rules = rules
        self._catalogue = catalogue
        self._time_limit = time_limit
        self._metrics = metrics
        self._jitter = jitter
        self._on_case = on_case
        self._digests = {shop_id: Digest(secret, shop_id) for shop_id in shops}
        self._erasing: frozenset[str] = frozenset()  # shops that have erased somebody, as of this round

    async def react(self, clock: Callable[[], datetime]) -> Handled:
        """Handle a batch of at most BATCH open events, over all shops, in one transaction; if that cannot be
        written, shop by shop.

        clock: read once a shop is locked, so that later decisions are due later, also between programs.
        Raises database errors for which `is_service_trouble` is true; any other fault parks its event.
        """
        try:
            handled, next_at = await self._database.write(lambda connection: self._round(connection, clock))
        except Exception as error:
            if is_service_trouble(error):
                raise
            log.warning("round not kept", error=type(error).__name__)
            found = await self._database.write(lambda connection: inbox.waiting(connection, clock()))
            self._erasing = found.erasing
            handled, next_at = [], found.next_at
            for shop_id in self._in_turn(found.shops):
                handled += await self._by_itself(shop_id, clock)
        for shop_id, of_shop in handled:
            self._metrics.events.labels(shop_id, "handled").inc(of_shop.handled)
            self._metrics.events.labels(shop_id, "parked").inc(of_shop.parked)
            self._tell_settled(shop_id, of_shop.settled)
            for line in of_shop.lines:
                self._on_case(line)
        return msgspec.structs.replace(_sum(of_shop for _, of_shop in handled), next_at=next_at)

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
        alone: bool = False,
    ) -> list[tuple[str, Handled]]:
        """Handle the open events of these shops that are ready, in a writing transaction: at most `limit`,
        shared out evenly, and the words of a chat that are read together with them. What is left once most
        of that is done comes in the next round: a few more would be as many statements. If this raises,
        nothing of the transaction may be committed.

        alone: read no words together, so that a faulty event is found.
        """
        handled: list[tuple[str, Handled]] = []
        waiting, room = list(shops), limit
        while waiting and room > limit // 4:
            each = min(room, max(room // len(waiting), EACH))
            some, waiting = waiting[: room // each], waiting[room // each :]
            ours = try_locks(connection, "react", some)
            handled += [(shop_id, Handled(busy=1)) for shop_id in some if shop_id not in ours]
            done = self._side_by_side(
                connection, [shop_id for shop_id in some if shop_id in ours], clock, each, alone
            )
            room -= sum(of_shop.handled + of_shop.parked for of_shop in done.values())
            handled += done.items()
        return handled

    def _side_by_side(
        self,
        connection: Connection,
        shops: Sequence[str],
        clock: Callable[[], datetime],
        each: int,
        alone: bool,
    ) -> dict[str, Handled]:
        """Handle up to `each` events of each shop; what all of them ask of the database is asked at once."""
        now, dialect = clock(), connection.dialect.name
        times = ask_together(connection, {shop_id: outbox.no_earlier(dialect, now) for shop_id in shops})
        events = ask_together(connection, {shop_id: inbox.open_events(each, now) for shop_id in shops})
        batches = {
            shop_id: _Batch(
                Unit(connection, shop_id, self._shops[shop_id], times[shop_id]),
                events[shop_id],
                self._rules,
                self._catalogue,
                self._time_limit,
                alone,
                self._digests[shop_id],
                shop_id in self._erasing,
            )
            for shop_id in shops
            if events[shop_id]
        }
        ask_together(connection, {shop_id: batch.read() for shop_id, batch in batches.items()})
        for batch in batches.values():
            batch.handle()
        return ask_together(connection, {shop_id: batch.write() for shop_id, batch in batches.items()})

    def _in_turn(self, waiting: tuple[str, ...]) -> list[str]:
        """The waiting shops from a random one on, because other programs may have locked the first."""
        first = int(self._jitter() * len(waiting))
        # Events of a shop that is not in the settings wait until it is again.
        return [shop_id for shop_id in waiting[first:] + waiting[:first] if shop_id in self._shops]

    def _round(
        self, connection: Connection, clock: Callable[[], datetime]
    ) -> tuple[list[tuple[str, Handled]], datetime | None]:
        found = inbox.waiting(connection, clock())
        self._erasing = found.erasing
        return self.react_in(connection, self._in_turn(found.shops), clock, BATCH), found.next_at

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
                return self.react_in(connection, [shop_id], clock, 1, alone=True)
        except Exception as error:
            if is_service_trouble(error):
                raise
            kind = type(error).__name__
            number = ask(connection, shop_id, inbox.open_events(1, clock()))[0].id
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
        put_off=sum(each.put_off for each in every),
    )


class _Batch:
    """Handles one shop's events in the order in which they are ready, and writes the results."""

    def __init__(
        self,
        unit: Unit,
        rows: Sequence[OpenEvent],
        rules: Rules,
        catalogue: Catalogue,
        time_limit: TimeLimit,
        alone: bool,
        digest: Digest,
        erasing: bool,
    ) -> None:
        self._unit = unit
        self._rows = rows
        self._settle = timedelta(0) if alone else unit.shop.chat.settle
        self._turn = Turn()
        self._outcomes: list[tuple[int, str | None, str | None]] = []
        self._rules = rules
        self._time_limit = time_limit
        self._work = UnitOfWork(unit)
        self._forgetting = Forgetting(self._work, digest, erasing)
        self._identities = Identities(self._work)
        self._wishes = Wishes(self._work)
        self._products = Products(unit)
        self._decisions = Decisions(self._work, self._wishes, rules, catalogue)
        self._cases = Cases(unit, catalogue)
        self._talk = CaseTalk(self._work, self._cases, rules.asks_nothing)

    def read(self) -> Asking[None]:
        claimed = []
        for row in self._rows:
            try:
                claimed.append(arrived(row))
            except msgspec.DecodeError as error:
                self._outcomes.append((row.id, None, f"not an event: {error}"))
        chats = chats_of(claimed) if self._settle else ()
        beside = yield from inbox.open_in_threads(chats, MOST)
        self._turn = in_turn(claimed, beside, self._settle, self._rules.unfinished, self._unit.now)
        events = list(self._turn.events)
        yield from self._work.read(events, self._rules.numbers_in, self._rules.haggles)
        yield from self._products.read(events)
        yield from self._forgetting.read(events)

    def handle(self) -> None:
        for reading in self._turn.readings:
            rule, error = self._handle(reading)
            *before, last = (part.id for part in reading.parts)
            self._outcomes += [(id, READ_TOGETHER, error) for id in before]
            self._outcomes.append((last, rule, error))

    def write(self) -> Asking[Handled]:
        yield from self._work.write()
        yield from self._products.write()
        yield from self._forgetting.write()
        yield from self._decisions.write()
        yield from inbox.settle(self._outcomes, self._unit.now)
        for taken in self._work.taken_back:
            take_back(self._unit, self._cases, taken)
        yield from inbox.wait_longer(self._turn.put_off)
        parked = {id for id, _, error in self._outcomes if error}
        done = (part for reading in self._turn.readings for part in reading.parts if part.id not in parked)
        return Handled(
            handled=len(self._outcomes) - len(parked),
            parked=len(parked),
            put_off=len(self._turn.put_off),
            settled=tuple(part.event for part in done if isinstance(part.event, CaseSettled)),
            lines=tuple(self._unit.lines),
        )

    def _handle(self, reading: Reading) -> tuple[str | None, str | None]:
        """(rule, error). The facts of an event count even when its handler fails; what was read together is
        parked together."""
        rule, id, event = None, reading.parts[-1].id, reading.event
        try:
            for part in reading.parts:
                self._work.begin(part.id, part.received_at)
                if self._forgetting.take(part.id, part.event):
                    rule = ERASED_RULE
                    continue
                self._forgetting.stop_again(part.event)
                rule = None
                if isinstance(part.event, TELLING):
                    self._products.merge(part.event)
                subject = merge_event(self._work, self._identities, self._wishes, part.event)
                self._talk.hear(part.event, subject)
            if rule is not None:
                return rule, None
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
                quotes=work.quotes_of(order.buyer, None),
                **self._of_due_promise(event, order),
            )
        orders = self._spoken_of(work.orders_seen_by(subject.buyer, chat)) if chat else ()
        numbered, understood = self._numbered(event, chat), self._understood(event, buyer, chat)
        known = self._known(event)
        cases = work.cases_of(subject.buyer, orders) if subject.case is None else ()
        others: tuple[Case, ...] = ()
        if isinstance(event, MessageReceived):
            own = {case.number for case in work.cases.get(subject.buyer or "", ())}
            others = tuple(case for case in cases if case.number not in own)
            cases = tuple(case for case in cases if case.number in own)
        if chat and understood and ABOUT_PRICES & {each.intent for each in understood.meanings}:
            work.read_quotes(subject.buyer, chat)
        quotes = work.quotes_of(subject.buyer, chat) if chat else ()
        return Context(
            now=self._unit.now,
            shop_id=self._unit.shop_id,
            shop=self._unit.shop,
            buyer=buyer,
            order=self._order_at_desk(subject),
            orders=orders,
            conversation=chat,
            cases=cases,
            others_cases=others,
            case=subject.case,
            standing=self._wishes.standing((chat.channel, chat.address)) if chat else NOTHING_SAID,
            named_orders=numbered,
            wrong_tries=work.wrong_tries(numbered),
            linked_order=self._linked(event, chat),
            quotes=quotes,
            next_quote=work.next_quote,
            understood=understood,
            known=known,
            replies=self._replies(event),
            shelf=self._shelf(event, understood, known, orders, chat, quotes),
            kept_tier=self._kept_tier(subject.buyer, understood),
        )

    def _of_due_promise(self, event: AnyEvent, order: Order) -> dict[str, Any]:
        """What decides whether the owner hears of a promise that was missed."""
        unit, buyer = self._unit, order.buyer
        if not isinstance(event, TimeCame) or event.what != PROMISE_DUE or buyer is None:
            return {}
        kept = unit.ask(tier_records.current_of({buyer}, unit.now)) if unit.shop.vip.tiers else {}
        since = unit.now - AGAIN_WITHIN
        missed = promise_records.missed_by(unit.connection, unit.shop_id, buyer, order.id, since)
        return {"kept_tier": kept.get(buyer, NONE_KEPT), "missed_before": missed}

    def _order_at_desk(self, subject: Subject) -> Order | None:
        """The order of the case that the seller writes about; if it names none, its buyer's newest."""
        if not subject.desk or subject.case is None:
            return None
        if subject.case.order:
            return self._work.read_order(subject.case.order)
        return max(self._work.orders_of(subject.buyer), key=placed, default=None) if subject.buyer else None

    def _kept_tier(self, buyer: str | None, understood: Understanding | None) -> KeptTier:
        """Of a buyer who may complain, since those of the best buyers go to the owner."""
        unit = self._unit
        asked = unit.shop.vip.tiers and unit.shop.complaints.vip_to_owner
        if not asked or buyer is None or understood is None:
            return NONE_KEPT
        if COMPLAINING.isdisjoint(each.intent for each in understood.meanings):
            return NONE_KEPT
        return unit.ask(tier_records.current_of({buyer}, unit.now)).get(buyer, NONE_KEPT)

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

    def _known(self, event: AnyEvent) -> tuple[Known, ...]:
        """What the seller wrote down and may answer a chat message, in bounded time."""
        if not isinstance(event, MessageReceived):
            return ()
        today = self._unit.now.astimezone(self._unit.shop.zone()).date()
        return self._time_limit.bounded(partial(self._rules.knows, self._unit.shop_id, event.text, today))

    def _replies(self, event: AnyEvent) -> Mapping[str, Entry]:
        """What the seller may send by its name; read only for the seller's own words."""
        shop = self._unit.shop
        if not isinstance(event, MessageReceived) or (event.channel, event.conversation) not in shop.desks:
            return {}
        return self._rules.replies(self._unit.shop_id, self._unit.now.astimezone(shop.zone()).date())

    def _shelf(
        self,
        event: AnyEvent,
        understood: Understanding | None,
        known: tuple[Known, ...],
        orders: tuple[Order, ...],
        chat: Conversation | None,
        quotes: tuple[Quote, ...],
    ) -> Shelf:
        if not isinstance(event, MessageReceived) or chat is None or understood is None:
            return NO_SHELF
        written = any(each.entry.products for each in known)
        return self._products.shelf(
            event, understood, orders, chat, written, [each.goods.sku for each in quotes]
        )

    def _numbered(self, event: AnyEvent, chat: Conversation | None) -> tuple[Order, ...]:
        """The orders whose numbers a chat message contains, whoever's they are."""
        if not isinstance(event, MessageReceived):
            return ()
        numbers = self._rules.numbers_in(event.text, chat.talk if chat else NO_TALK)
        return self._spoken_of(self._work.numbered(numbers))

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

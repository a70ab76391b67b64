"""React: open events become records and decisions, a batch of one shop in one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from xiaoer.bot import cases
from xiaoer.bot.actions import (
    Action,
    CallHuman,
    CloseCase,
    Consent,
    CountTry,
    JoinBuyer,
    NoteBuyer,
    OpenCase,
    Say,
    TagBuyer,
    Unsay,
    WakeAt,
)
from xiaoer.bot.arbiter import too_late
from xiaoer.bot.context import Context, Conversation
from xiaoer.bot.events import (
    AgentReplied,
    AnyEvent,
    BuyerEvent,
    BuyerOptedOut,
    BuyerRef,
    CaseSettled,
    MessageReceived,
    MessageStatusChanged,
    OrderEvent,
    TimeCame,
    load_event,
)
from xiaoer.bot.ledger import Ledger
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.orders import Order, merge
from xiaoer.bot.router import Reason, route
from xiaoer.bot.rules import Rules
from xiaoer.bot.shop import Shop
from xiaoer.bot.texts import Version
from xiaoer.storage import calendar, inbox, outbox, records
from xiaoer.storage.database import Database, is_service_trouble, try_lock

log = structlog.get_logger()
_replace = msgspec.structs.replace

BATCH = 400  # events in one transaction; more makes answers wait, fewer makes commits dear
OWN_LINK = "link"  # the channel of our own unsubscribe page
ECHO = timedelta(minutes=15)  # how long an echo of our own words may take


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    handled: int = 0
    parked: int = 0


def react(
    connection: Connection, shop_id: str, shop: Shop, rules: Rules, now: datetime, limit: int = BATCH
) -> Outcome:
    """Handle the oldest open events of one shop. Nothing is kept if this raises."""
    if not try_lock(connection, f"react:{shop_id}"):
        return Outcome()
    rows = inbox.open_events(connection, shop_id, limit)
    return _Batch(connection, shop_id, shop, rules, now).run(rows) if rows else Outcome()


def react_to_one(connection: Connection, shop_id: str, shop: Shop, rules: Rules, now: datetime) -> Outcome:
    """Handle the oldest open event, or park it if what it leads to cannot be kept."""
    if not try_lock(connection, f"react:{shop_id}"):
        return Outcome()
    rows = inbox.open_events(connection, shop_id, 1)
    try:
        with connection.begin_nested():
            return _Batch(connection, shop_id, shop, rules, now).run(rows) if rows else Outcome()
    except Exception as error:
        if is_service_trouble(error):
            raise
        log.error("event parked", shop=shop_id, number=rows[0].id, error=type(error).__name__, exc_info=True)
        why = f"{type(error).__name__}: what it leads to cannot be kept"
    inbox.settle(connection, shop_id, [(rows[0].id, None, why)], now)
    return Outcome(parked=1)


async def react_waiting(
    database: Database, shops: Mapping[str, Shop], rules: Rules, metrics: Metrics, now: datetime
) -> int:
    """One batch of every shop that has open events; returns how many were handled or parked."""
    total = 0
    for shop_id in await database.write(inbox.waiting_shops):
        if shop_id not in shops:
            continue  # its settings are gone; its events wait for them
        outcome = await react_safely(database, shop_id, shops[shop_id], rules, now)
        metrics.events.labels(shop_id, "handled").inc(outcome.handled)
        metrics.events.labels(shop_id, "parked").inc(outcome.parked)
        total += outcome.handled + outcome.parked
    return total


async def react_safely(database: Database, shop_id: str, shop: Shop, rules: Rules, now: datetime) -> Outcome:
    """React; when a batch cannot be kept, go in smaller steps up to the one event to blame."""
    for limit in (BATCH, BATCH // 10, BATCH // 100):
        try:
            return await database.write(
                partial(react, shop_id=shop_id, shop=shop, rules=rules, now=now, limit=limit)
            )
        except Exception as error:
            if is_service_trouble(error):
                raise
            log.warning("batch not kept", shop=shop_id, count=limit, error=type(error).__name__)
    return await database.write(partial(react_to_one, shop_id=shop_id, shop=shop, rules=rules, now=now))


class _Batch:
    """One shop's events in the order they came, and what they lead to."""

    def __init__(self, connection: Connection, shop_id: str, shop: Shop, rules: Rules, now: datetime) -> None:
        self.connection = connection
        self.shop_id = shop_id
        self.shop = shop
        self.rules = rules
        self.now = now
        self.ledger = Ledger(connection, shop_id, now)
        self.says: dict[str, outbox.Draft] = {}
        self.families: dict[str, list[outbox.Draft]] = defaultdict(list)  # the same, by what `_family` says
        self.unsays: list[tuple[str, Reason]] = []
        self.versions: dict[str, Version] = {}
        self.decided: dict[str, frozenset[str]] = {}  # by order
        self.wakes: dict[str, WakeAt] = {}
        self.notes: list[tuple[str, str, str]] = []

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
        self._write(outcomes)
        parked = sum(1 for _, _, error in outcomes if error)
        return Outcome(handled=len(outcomes) - parked, parked=parked)

    def _handle(self, id: int, event: AnyEvent) -> tuple[str | None, str | None]:
        """(rule, error). The facts of an event count even when its handler fails."""
        rule = None
        try:
            buyer, order, chat = self._merge(event)
            context = self._context(event, buyer, order, chat)
            found = route(self.rules.routes, event, context)
            if found is None:
                return None, None
            rule = found.name
            self._act(found.handler(event, context), id, rule, context)
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
            self._open(
                OpenCase(
                    kind="fault",
                    key=f"fault:{id}",
                    reason="handler_failed",
                    details={"event": id, "error": f"{type(error).__name__}: {error}"[:300]},
                ),
                buyer=None,
            )
            return rule, f"{type(error).__name__}: {error}"[:500]
        return rule, None

    # What is known

    def _merge(self, event: AnyEvent) -> tuple[str | None, Order | None, Conversation | None]:
        """The facts of the event in the records; returns whom and what it is about."""
        match event:
            case OrderEvent():
                return self._merge_order(event)
            case MessageReceived() | AgentReplied():
                return self._merge_chat(event)
            case MessageStatusChanged():
                return self._merge_status(event)
            case BuyerOptedOut() if event.channel == OWN_LINK and event.buyer.id:
                return self._stop_by_link(event.buyer.id, event.at), None, None
            case BuyerEvent():
                buyer = self.ledger.meet(event.channel, event.buyer, event.at)
                if isinstance(event, BuyerOptedOut) and buyer:
                    self._stop(buyer, event.at)
                return buyer, None, None
            case TimeCame():
                order = self.ledger.orders.get(event.order) if event.order else None
                return (order.buyer if order else None), order, None
            case CaseSettled():
                records.close_numbered(self.connection, self.shop_id, event.case, self.now)
                return None, None, None
            case _:
                return None, None, None

    def _merge_order(self, event: OrderEvent) -> tuple[str | None, Order, None]:
        order = merge(self.ledger.orders.get(event.order), event)
        ref: BuyerRef | None = getattr(event, "buyer", None)
        buyer = self.ledger.meet(event.channel, ref, event.at) if ref else None
        # The buyer an order was first seen with stays its buyer: a gift's receiver does not take it over.
        order = _replace(order, buyer=order.buyer or buyer)
        self.ledger.put_order(order)
        return order.buyer, order, None

    def _merge_chat(self, event: MessageReceived | AgentReplied) -> tuple[str | None, None, Conversation]:
        ref = _replace(event.buyer, id=event.buyer.id or event.conversation)
        buyer = self.ledger.meet(event.channel, ref, event.at)
        if buyer is None:
            raise ValueError("a chat without an address")
        chat = self.ledger.own_chat(event, buyer)
        if isinstance(event, MessageReceived):
            chat = _replace(chat, last_in_at=_latest(chat.last_in_at, event.at), blocked_at=None)
        elif not self._is_echo(event, buyer):
            until = min(event.at, self.now) + self.shop.takeover
            chat = _replace(chat, human_until=_latest(chat.human_until, until))
        self.ledger.put_chat(chat)
        return buyer, None, chat

    def _merge_status(self, event: MessageStatusChanged) -> tuple[str | None, None, Conversation | None]:
        chat = self.ledger.chat(event.channel, event.conversation)
        if chat is None:
            return None, None, None
        if event.status == "blocked":
            chat = _replace(chat, blocked_at=_latest(chat.blocked_at, event.at))
        elif event.status == "unblocked":
            chat = _replace(chat, blocked_at=None)
        self.ledger.put_chat(chat)
        return chat.buyer, None, chat

    def _is_echo(self, event: AgentReplied, buyer: str) -> bool:
        since = min(event.at, self.now) - ECHO
        return outbox.is_echo(self.connection, self.shop_id, buyer, event.message_id, event.text, since)

    def _stop_by_link(self, id: str, at: datetime) -> str | None:
        """Our own link names our own file, which may have been joined to another since it was sent."""
        buyer = records.present_buyer(self.connection, self.shop_id, id)
        if buyer is None:
            return None
        if buyer not in self.ledger.buyers:
            self.ledger.look_up(buyer)
        self._stop(buyer, at)
        return buyer

    def _stop(self, buyer: str, at: datetime) -> None:
        file = self.ledger.buyers[buyer]
        self.ledger.put_buyer(
            _replace(file, stopped_at=_latest(file.stopped_at, at), agrees=False, agrees_at=at)
        )

    def _context(
        self, event: AnyEvent, buyer: str | None, order: Order | None, chat: Conversation | None
    ) -> Context:
        ledger = self.ledger
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
            conversation=chat,
            cases=ledger.cases.get(buyer, ()) if buyer else (),
            said=ledger.said.get(order.id, ()) if order else (),
            named_order=named,
            named_buyer=ledger.buyer(named_buyer),
            link_proved=bool(proved and named),
        )

    # What is decided

    def _act(self, actions: list[Action], id: int, rule: str, context: Context) -> None:
        buyer = context.buyer.id if context.buyer else None
        for action in actions:
            match action:
                case Say():
                    self._say(action, id, rule, context)
                case Unsay():
                    self._unsay(action)
                case OpenCase():
                    self._open(action, buyer)
                case CallHuman():
                    self._call_human(action, id, context)
                case CloseCase():
                    cases.close_case(self.connection, self.shop_id, action.key, self.now)
                case NoteBuyer():
                    self.notes += [(buyer, "note", action.text)] if buyer else []
                case TagBuyer():
                    self.notes += [(buyer, "tag", action.tag)] if buyer else []
                case Consent():
                    self._consent(action, context)
                case JoinBuyer():
                    context = self._join(action, context)
                    buyer = context.buyer.id if context.buyer else None
                case CountTry():
                    self._count_try(context)
                case WakeAt():
                    known = self.wakes.get(action.key)
                    self.wakes[action.key] = action if known is None or action.at < known.at else known

    def _say(self, say: Say, id: int, rule: str, context: Context) -> None:
        if context.buyer is None or say.key in self.says or say.key in self._decided(context.order):
            return  # nobody to tell yet, or decided on before
        moment = self.rules.moments[say.template]
        version = self.rules.texts.pin(say.template, context.locale)
        self.versions[version.id] = version
        due_at = say.at or self.now + (say.after or timedelta(0))
        late = too_late(due_at, moment.lateness, self.now)  # an import brings many such
        draft = outbox.Draft(
            key=say.key,
            buyer=context.buyer.id,
            order=say.order,
            template=say.template,
            version=version.id,
            category=moment.category,
            values=say.values,
            buttons=say.buttons,
            to=say.to,
            unlike=say.unlike,
            event=id,
            rule=rule,
            due_at=due_at,
            lateness=moment.lateness,
            settled=("skipped", late) if late else None,
        )
        self.says[say.key] = draft
        self.families[_family(say.key)].append(draft)

    def _decided(self, order: Order | None) -> frozenset[str]:
        """Keys about this order that the outbox has already; its constraint would leave them out anyway."""
        if order is None:
            return frozenset()
        if order.id not in self.decided:
            said = self.ledger.said.get(order.id, ())
            self.decided[order.id] = frozenset(each.key for each in said)
        return self.decided[order.id]

    def _unsay(self, unsay: Unsay) -> None:
        why = Reason(unsay.why, unsay.values)
        self.unsays.append((unsay.prefix, why))
        whole_family = unsay.prefix.count(":") >= 2
        near = self.families[_family(unsay.prefix)] if whole_family else self.says.values()
        for draft in near:
            if draft.key.startswith(unsay.prefix) and draft.settled is None:
                draft.settled = ("withdrawn", why)

    def _call_human(self, call: CallHuman, id: int, context: Context) -> None:
        if any(case.kind == "human" for case in context.cases):
            return
        chat = context.conversation.name if context.conversation else ""
        open_case = OpenCase(
            kind="human", key=f"human:{chat}:{id}", reason=call.reason, details=call.details, order=call.order
        )
        self._open(open_case, context.buyer.id if context.buyer else None)

    def _open(self, opened: OpenCase, buyer: str | None) -> None:
        order = self.ledger.orders.get(opened.order) if opened.order else None
        case = cases.open_case(
            self.connection,
            self.shop_id,
            self.shop,
            self.rules.texts,
            opened,
            self.ledger.buyer(buyer),
            order,
            self.now,
        )
        if case and buyer:
            self.ledger.cases[buyer] = (*self.ledger.cases.get(buyer, ()), case)

    def _consent(self, consent: Consent, context: Context) -> None:
        if context.buyer is None:
            return
        buyer = self.ledger.buyers[context.buyer.id]
        if consent.stop is True:
            self._stop(buyer.id, self.now)
        elif consent.stop is False:
            self.ledger.put_buyer(_replace(buyer, resumed_at=self.now))
        elif consent.promotions is not None:
            self.ledger.put_buyer(_replace(buyer, agrees=consent.promotions, agrees_at=self.now))

    def _join(self, join: JoinBuyer, context: Context) -> Context:
        """She proved that the order is hers: this chat belongs to the order's buyer from now on.

        What is decided next is for the file that she has now; the one she came with may be gone.
        """
        order = self.ledger.orders.get(join.order)
        chat = context.conversation
        if order is None or order.buyer is None or chat is None or order.buyer == chat.buyer:
            return context
        if order.buyer not in self.ledger.buyers:
            self.ledger.look_up(order.buyer)
        kept = self.ledger.join(order.buyer, chat.buyer)
        if self.ledger.present(chat.buyer) != kept.id:
            return context  # he has a file of his own there; he gets his answer and nobody's chat moves
        known = _replace(self.ledger.chats[chat.channel, chat.address], buyer=kept.id, tries=0)
        self.ledger.put_chat(known)
        return _replace(context, buyer=kept, conversation=known)

    def _count_try(self, context: Context) -> None:
        chat = context.conversation
        if chat is None:
            return
        fresh = chat.tries_since is None or self.now - chat.tries_since > timedelta(days=1)
        tries, since = (1, self.now) if fresh else (chat.tries + 1, chat.tries_since)
        self.ledger.put_chat(
            _replace(self.ledger.chats[chat.channel, chat.address], tries=tries, tries_since=since)
        )

    def _write(self, outcomes: list[tuple[int, str | None, str | None]]) -> None:
        self.ledger.write()
        for draft in self.says.values():
            draft.buyer = self.ledger.present(draft.buyer)
        outbox.withdraw(self.connection, self.shop_id, self.unsays, self.now)
        outbox.keep_versions(self.connection, self.shop_id, self.versions.values())
        outbox.queue(self.connection, self.shop_id, list(self.says.values()), self.now)
        calendar.set_wakes(self.connection, self.shop_id, self.wakes.values())
        notes = [(self.ledger.present(buyer), kind, text) for buyer, kind, text in self.notes]
        records.add_notes(self.connection, self.shop_id, notes, self.now)
        inbox.settle(self.connection, self.shop_id, outcomes, self.now)


def _family(key: str) -> str:
    """The template and what it is about: the beginning that a key shares with few others."""
    return ":".join(key.split(":", 2)[:2])


def _latest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)

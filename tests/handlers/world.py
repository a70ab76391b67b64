"""Ann, their order 1001 at the Mug House, and a desk that applies what handlers decide, all in memory."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bot.domain.actions import Action, CloseCase, KeepTalk, NotePromise, OpenCase, Say, Unsay, WakeAt
from bot.domain.context import Buyer, Case, Context, Conversation, Said
from bot.domain.events import (
    BuyerRef,
    Event,
    Line,
    ListedParcel,
    ListedSum,
    Listing,
    MessageReceived,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderEvent,
    OrderListed,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
    PaymentReceived,
    ReviewPosted,
    TimeCame,
)
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.money import Money
from bot.domain.orders import Order, merge
from bot.domain.routes import route
from bot.domain.shop import Shop
from bot.domain.talks import Talk
from handlers.routes import POLICIES, ROUTES

SHOP = Shop(name="Mug House", locale="en")
PLACED = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ANN = Buyer(id="ann", name="Ann", phone="+8613800008000", locale="en")
CNY_128 = Money(12800, "CNY")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DEADLINES = {route.deadline for route in ROUTES} - {None}


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def days(number: float) -> timedelta:
    return timedelta(days=number)


# What happened to the order, each with an id of its own


def _base(name: str, at: datetime, order: str = "1001") -> dict[str, Any]:
    return {"channel": "shop", "external_id": f"{name}-{at.isoformat()}", "at": at, "order": order}


def placed(at: datetime = PLACED, order: str = "1001", total: Money = CNY_128, **more: Any) -> OrderPlaced:
    line = Line(title="Mug", quantity=2, price=Money(6000, "CNY"))
    buyer = BuyerRef(id="ann", phone=ANN.phone)
    known: dict[str, Any] = {"placed_at": at, "total": total, "buyer": buyer, "lines": (line,), **more}
    return OrderPlaced(**_base("placed", at, order), **known)


def paid(
    after: timedelta = HOUR, minor: int | None = None, order: str = "1001", currency: str = "CNY", **more: Any
) -> PaymentReceived:
    amount = None if minor is None else Money(minor, currency)
    return PaymentReceived(**_base(f"paid-{minor}", PLACED + after, order), amount=amount, **more)


def acknowledged(after: timedelta = HOUR, how_much: str = "all") -> str:
    """The key of the word of thanks for a payment without a name of its own."""
    return f"payment_received:1001:{PLACED + after:%Y%m%dT%H%M%S.%f}-{how_much}"


def shipped(parcel: str = "A", after: timedelta = DAY, last: bool | None = None) -> OrderShipped:
    return OrderShipped(
        **_base(f"shipped-{parcel}", PLACED + after), parcel=parcel, tracking=parcel, last=last
    )


def taken_back(parcel: str = "A", after: timedelta = 2 * DAY) -> ParcelCancelled:
    return ParcelCancelled(**_base(f"taken-back-{parcel}", PLACED + after), parcel=parcel)


def moved(parcel: str = "A", after: timedelta = 2 * DAY) -> ParcelMoved:
    return ParcelMoved(**_base(f"moved-{parcel}", PLACED + after), parcel=parcel, status="in transit")


def delivered(parcel: str | None = None, after: timedelta = 3 * DAY) -> OrderDelivered:
    return OrderDelivered(**_base(f"delivered-{parcel}", PLACED + after), parcel=parcel)


def completed(after: timedelta = 4 * DAY) -> OrderCompleted:
    return OrderCompleted(**_base("completed", PLACED + after))


def cancelled(after: timedelta = 2 * HOUR) -> OrderCancelled:
    return OrderCancelled(**_base("cancelled", PLACED + after))


def reopened(after: timedelta = 3 * HOUR) -> OrderReopened:
    return OrderReopened(**_base("reopened", PLACED + after))


def refunded(
    minor: int | None = None, after: timedelta = 5 * DAY, refund: str = "r1", currency: str = "CNY"
) -> OrderRefunded:
    amount = None if minor is None else Money(minor, currency)
    return OrderRefunded(**_base(f"refunded-{refund}", PLACED + after), refund=refund, amount=amount)


def listed(after: timedelta, timed: bool = True, **shown: Any) -> OrderListed:
    """A line of a file; parcels by their numbers, sums in minor units, None for the whole."""
    at = PLACED + after
    sums = {
        name: ListedSum(at, None if (minor := shown.pop(name)) is None else Money(minor, "CNY"))
        for name in ("paid", "refunded")
        if name in shown
    }
    if "parcels" in shown:
        shown["parcels"] = tuple(ListedParcel(name, at, name) for name in shown["parcels"])
    return OrderListed(**_base("listed", at), listing=Listing(at=at, timed=timed, **sums, **shown))


def reviewed(rating: int, after: timedelta = 6 * DAY, text: str = "") -> ReviewPosted:
    return ReviewPosted(**_base(f"review-{rating}", PLACED + after), rating=rating, text=text, review="v1")


def time_came(what: str, at: datetime) -> TimeCame:
    base = _base(what, at)
    return TimeCame(**base, what=what, about=base["order"])


def weighed(after: timedelta = 9 * DAY) -> TimeCame:
    return time_came("weigh_money", PLACED + after)


def order_of(*events: OrderEvent) -> Order:
    order: Order | None = None
    for event in events:
        order = merge(order, event)
    assert order is not None
    return msgspec.structs.replace(order, buyer="ann")


# The chat


def wrote(text: str, kind: str = "text", id: str = "m1") -> MessageReceived:
    return MessageReceived(
        channel="telegram",
        external_id=id,
        at=PLACED + hours(1),
        conversation="42",
        buyer=BuyerRef(id="42"),
        message_id=id,
        text=text,
        kind=kind,
    )


def chat_context(*orders: Order, **known: Any) -> Context:
    chat = Conversation(channel="telegram", address="42", buyer="ann")
    given: dict[str, Any] = {"now": PLACED + hours(1), "buyer": ANN, "conversation": chat, **known}
    return Context(shop_id="mugs", shop=given.pop("shop", SHOP), orders=orders, **given)


def human_case() -> Case:
    return Case(number=7, kind="human", key="human:1", reason="not_understood", opened_at=PLACED)


def decide(event: Event, context: Context) -> list[Action]:
    """What is decided, but for what the chat remembers of it."""
    return [action for action in _decided(event, context) if not isinstance(action, KeepTalk)]


def talk_after(event: MessageReceived, context: Context) -> Talk:
    """What the chat remembers then."""
    kept = [action.talk for action in _decided(event, context) if isinstance(action, KeepTalk)]
    assert context.conversation is not None
    return kept[-1] if kept else context.conversation.talk


def _decided(event: Event, context: Context) -> list[Action]:
    chosen = route(ROUTES, event, context)
    assert chosen is not None
    return chosen.handler(event, context)


def answers(event: MessageReceived, context: Context) -> list[str]:
    """The templates said."""
    return [action.template for action in decide(event, context) if isinstance(action, Say)]


# The desk


class Message(msgspec.Struct):
    say: Say
    withdrawn: str | None = None


class Desk:
    """Applies the actions of handlers: one message for each key, withdrawn ones stay withdrawn."""

    def __init__(self, shop: Shop = SHOP) -> None:
        self.shop = shop
        self.order: Order | None = None
        self.messages: dict[str, Message] = {}
        self.cases: dict[str, Case] = {}
        self.reasons: dict[str, OpenCase] = {}
        self.wakes: dict[str, datetime] = {}
        self.deadlines: set[str] = set()
        self.promises: dict[str, NotePromise] = {}

    def take(self, *events: Event, now: datetime | None = None) -> "Desk":
        for event in events:
            if isinstance(event, OrderEvent):
                self.order = merge(self.order, event)
            for action in decide(event, self._context(now or event.at)):
                self._do(action)
        return self

    def _context(self, now: datetime) -> Context:
        open_cases = tuple(case for case in self.cases.values() if case.open)
        return Context(now=now, shop_id="mugs", shop=self.shop, buyer=ANN, order=self.order, cases=open_cases)

    def _do(self, action: Action) -> None:
        match action:
            case Say():
                known = self.messages.setdefault(action.key, Message(action)).say
                if action.earliest and action.at and known.at and action.at < known.at:
                    self.messages[action.key].say = action
            case Unsay():
                for key, message in self.messages.items():
                    if key.startswith(action.prefix) and message.withdrawn is None:
                        message.withdrawn = action.why
            case OpenCase():
                self.reasons.setdefault(action.key, action)
                number = len(self.cases) + 1
                opened = Case(
                    number=number,
                    kind=action.kind,
                    key=action.key,
                    reason=action.reason,
                    opened_at=PLACED,
                    order=action.order,
                )
                self.cases.setdefault(action.key, opened)
            case CloseCase():
                if action.key in self.cases:
                    old = self.cases[action.key]
                    self.cases[action.key] = msgspec.structs.replace(old, closed_at=PLACED)
            case WakeAt():
                assert action.what in DEADLINES, "no route takes this deadline"
                self.deadlines.add(action.what)
                self.wakes[action.key] = min(action.at, self.wakes.get(action.key, action.at))
            case NotePromise():
                self.promises[action.name] = action
            case _:
                raise AssertionError(f"no order's event asks for {action}")

    @property
    def waiting(self) -> dict[str, Say]:
        return {key: message.say for key, message in self.messages.items() if message.withdrawn is None}

    @property
    def open_cases(self) -> set[str]:
        return {key for key, case in self.cases.items() if case.open}

    def why_withdrawn(self, template: str) -> set[str | None]:
        return {message.withdrawn for message in self.messages.values() if message.say.template == template}

    def why_outdated(self, key: str, now: datetime | None = None, **known: Any) -> str | None:
        """The code of the reason why the message must not be sent, by the facts of now."""
        say = self.messages[key].say
        due_at = say.at or PLACED
        reason = why_outdated(say, self.facts(**known), now or due_at)
        return reason.code if reason else None

    def facts(self, **known: Any) -> Facts:
        open_cases = tuple(case for case in self.cases.values() if case.open)
        own = {"buyer": ANN, "cases": open_cases, "order": self.order, "said": (confirmed(),)}
        given: dict[str, Any] = {**own, **known}
        return Facts(shop=given.pop("shop", self.shop), **given)


def why_outdated(say: Say, facts: Facts, now: datetime) -> Reason | None:
    return POLICIES[say.template].why_outdated(due(say, now), facts, now)


def not_before(say: Say, facts: Facts, now: datetime) -> datetime | None:
    """Until when the message waits by its own policy."""
    check = POLICIES[say.template].not_before
    early = check(due(say, now), facts, now) if check else None
    return early[0] if early else None


def due(say: Say, now: datetime) -> DueMessage:
    policy = POLICIES[say.template]
    return DueMessage(
        key=say.key,
        template=say.template,
        category=policy.category,
        due_at=say.at or now,
        created_at=say.at or now,
        lateness=policy.lateness,
        values=say.values,
        order=say.order,
    )


def confirmed(state: str = "sent", at: datetime = PLACED) -> Said:
    sent_at = at if state == "sent" else None
    return Said(
        key="order_confirmation:1001",
        template="order_confirmation",
        state=state,
        order="1001",
        sent_at=sent_at,
    )


def shop_with(**settings: Any) -> Shop:
    return Shop.model_validate({"name": "Mug House", "locale": "en", **settings})


def keys_of(actions: Iterable[Action]) -> list[str]:
    return [action.key for action in actions if isinstance(action, Say)]

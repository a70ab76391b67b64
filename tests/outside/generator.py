"""Draws a whole run from a seed: a shop, its people, weeks of orders and talks, and how all of it arrives."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.outside import imports, lives, people, shop, shopify, talks, woocommerce
from tests.outside.bodies import Delivery
from tests.outside.drafts import DAY, HOUR, MINUTE, STARTS, Draft, Sent, soon
from tests.outside.facts import Placed
from tests.outside.history import Shop, Trouble
from tests.outside.people import Person

NUMBERS = 2301  # none that our texts give as an example
PLAIN, ANOTHER_ORDER, NO_STRANGERS = "plain", "another order", "no strangers"
KILLS = RECEIVED, DECIDED, SENDING = ("received", "decided", "sending")
KINDS = (PLAIN, ANOTHER_ORDER, PLAIN, NO_STRANGERS)

_LIVES = {
    "webhook": lives.live,
    "shopify": shopify.shopify,
    "woocommerce": woocommerce.woocommerce,
    imports.CHANNEL: imports.imported,
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One POST at its time.

    kill: the program dies once it has answered: at once, when it has decided what to say, or while it sends.
    """

    at: datetime
    delivery: Delivery
    repeat: bool = False
    kill: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All of a run but what the program makes of it."""

    seed: int
    kind: str
    shop: Shop
    settings: dict[str, Any]
    steps: tuple[Step, ...]
    ends_at: datetime
    troubles: tuple[Trouble, ...] = ()
    restarts: tuple[datetime, ...] = ()
    refusals: int = 0  # of a hundred messages, refused with "try later"
    hiccups: tuple[tuple[datetime, datetime], ...] = ()  # in which all are, for seconds

    def other(self) -> "Plan | None":
        """The run that has to end alike: told in another order, or without the strangers."""
        match self.kind:
            case "another order":
                return replace(self, kind=PLAIN, steps=_shuffled(self.steps, random.Random(self.seed + 1)))
            case "no strangers":
                honest = tuple(step for step in self.steps if not step.delivery.stranger)
                return replace(self, kind=PLAIN, steps=honest)
        return None


def plan(seed: int) -> Plan:
    rng = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    drawn, settings = shop.draw(rng)
    if kind == NO_STRANGERS:
        drawn, settings = (
            replace(drawn, per_day=200),
            settings | {"limits": settings["limits"] | {"per_day": 200}},
        )
    cast = people.draw(rng, drawn.locale)
    ends_at = STARTS + rng.choice((8, 14, 20)) * DAY
    ids = itertools.count(1)
    orders = _orders(rng, ids, drawn, cast, kind)
    if kind == ANOTHER_ORDER:
        orders = [replace(order, placed_at=STARTS + _soon_after(order, STARTS)) for order in orders]
    sent = [each for order in orders for each in _LIVES[order.channel](rng, order)]
    if kind != ANOTHER_ORDER:
        sent += _talk(rng, ids, drawn, cast, orders, kind, ends_at)
    steps = _at_once(rng, sent) if kind == ANOTHER_ORDER else _sent(rng, sent, orders)
    steps = tuple(step for step in steps if step.at < ends_at)
    if kind == PLAIN:
        steps = _with_kills(rng, steps)
        settings = settings | {"unknown": {"service": "leave", "promotion": "leave"}}
    troubles = _troubles(rng) if kind == PLAIN else ()
    return Plan(
        seed=seed,
        kind=kind,
        shop=drawn,
        settings=settings,
        steps=steps,
        ends_at=ends_at,
        troubles=troubles,
        restarts=_restarts(rng) if kind == PLAIN else (),
        refusals=rng.choice((0, 20, 30)) if kind == PLAIN else 0,
        hiccups=_hiccups(rng, steps) if kind == PLAIN else (),
    )


def _orders(
    rng: random.Random, ids: Iterator[int], drawn: Shop, cast: Sequence[Person], kind: str
) -> list[Draft]:
    found: list[Draft] = []
    honest = [person for person in cast if not person.stranger]
    for person in honest:
        for _ in range(rng.choice((1, 1, 2))):
            found.append(_moved(rng, _order(rng, ids, drawn, person, found), found))
    for stranger in cast[len(honest) :]:
        if rng.random() < 0.6:
            victim = rng.choice(honest)
            draft = _order(rng, ids, drawn, stranger, found)
            contact = people.disguised(rng, stranger, victim)
            if kind == NO_STRANGERS:
                contact = replace(contact, email=stranger.email, phone=victim.phone)
            found.append(replace(draft, contact=contact, stranger=True))
    return found


def _moved(rng: random.Random, draft: Draft, before: Sequence[Draft]) -> Draft:
    """Some have another mailbox by their next order."""
    again = any(other.contact.name == draft.contact.name for other in before)
    if not again or not draft.contact.email or rng.random() > 0.5:
        return draft
    return replace(draft, contact=replace(draft.contact, email="next." + draft.contact.email))


def _order(
    rng: random.Random, ids: Iterator[int], drawn: Shop, person: Person, before: Sequence[Draft]
) -> Draft:
    ways = [name for name in ("webhook", "webhook", "shopify", "woocommerce") if name in drawn.channels]
    channel = imports.CHANNEL if rng.random() < 0.1 and (person.email or person.phone) else rng.choice(ways)
    own = [draft.channel for draft in before if draft.contact.name == person.name]
    channel = own[-1] if own and rng.random() < 0.7 else channel
    taken = {name for draft in before if draft.channel == channel for name in (draft.id, draft.number)}
    id, number = _names(rng, channel, len(before), taken)
    price = Decimal(0) if rng.random() < 0.04 else Decimal(rng.randint(300, 9000)) / 100
    return Draft(
        channel=channel,
        id=id,
        number=number,
        contact=person.contact(channel),
        locale=person.locale,
        placed_at=STARTS + timedelta(seconds=rng.randint(60, 4 * 86400)),
        currency=drawn.currency,
        price=price,
        pieces=rng.choice((1, 1, 2, 3)),
        postage=Decimal(rng.choice((0, 0, 395, 800))) / 100,
        on_delivery=rng.random() < 0.1,
        test=channel == "shopify" and rng.random() < 0.08,
        digital=channel == "shopify" and rng.random() < 0.15,
        abroad=channel == "shopify" and rng.random() < 0.2,
        agrees=rng.random() < 0.15,
        discount=Decimal("1.25") if price and channel == "webhook" and rng.random() < 0.15 else Decimal(0),
        alike=any(draft.id == id for draft in before),
        ids=ids,
    )


def _names(rng: random.Random, channel: str, place: int, taken: set[str]) -> tuple[str, str]:
    """Id and number. No two of one system are alike; now and then two systems number alike."""
    match channel:
        case "shopify":
            return f"61253003{NUMBERS + place}", f"#{NUMBERS + place}"
        case "woocommerce" | imports.CHANNEL:
            return str(NUMBERS + place), str(NUMBERS + place)
    written = f"{NUMBERS + place}"
    match rng.choice(("plain", "plain", "dashed", "year", "alike")):
        case "dashed":
            written += "-DE"
        case "year":
            written = f"INV-2026/{NUMBERS + place}"
        case "alike" if taken:  # who never placed an order is taken for a carrier, and told of another's
            alike = rng.choice((str(NUMBERS + place - 1), f"#{NUMBERS + place - 1}"))
            written = written if alike in taken else alike
    return (written, written) if rng.random() < 0.5 else (f"W{NUMBERS + place}", written)


def _talk(
    rng: random.Random,
    ids: Iterator[int],
    drawn: Shop,
    cast: Sequence[Person],
    orders: Sequence[Draft],
    kind: str,
    ends_at: datetime,
) -> list[Sent]:
    sent: list[Sent] = []
    honest = [order for order in orders if not order.stranger]
    for person in cast:
        talker = talks.Talker(rng, ids, person, ends_at)
        if person.stranger:
            chats = person.chats(drawn.channels)
            sent += talker.stranger(honest, chats, knows=rng.random() < 0.6)
            if chats and kind == PLAIN and rng.random() < 0.15:
                sent += talker.guesses(rng.choice(honest), chats)
            if person.telegram and "telegram" in drawn.channels and kind == PLAIN and rng.random() < 0.3:
                sent += talker.forwarded(rng.choice(honest), person.telegram)
        elif own := [order for order in orders if order.contact.name == person.name]:
            sent += talker.buyer(own, drawn.channels)
            sent += talker.stop_beside(own, _elsewhere(person, own, orders))
    return sent


def _elsewhere(person: Person, own: Sequence[Draft], orders: Sequence[Draft]) -> list[Draft]:
    """Orders that are told to nothing but the mailbox of somebody's orders in the shop's own system."""
    mailboxes = {order.contact.email for order in own if _has_chat(order)} - {None}
    return [order for order in orders if order.contact.email in mailboxes and not _has_chat(order)]


def _has_chat(order: Draft) -> bool:
    return order.channel == "webhook" and order.contact.buyer is not None


def _sent(rng: random.Random, sent: Sequence[Sent], orders: Sequence[Draft]) -> tuple[Step, ...]:
    """Most arrive in seconds, some in hours; some come twice. An order whose id another system has too is
    told at once, before its facts."""
    alike = {f"{draft.channel}/{draft.id}" for draft in orders if draft.alike}
    steps: list[Step] = []
    for each in sent:
        late = rng.choices((3 * timedelta(seconds=1), 5 * MINUTE, 3 * HOUR, DAY), (86, 8, 5, 1))[0]
        placed = {fact.order for fact in each.delivery.facts if isinstance(fact, Placed)}
        at = each.at + (soon(rng, late) if not placed & alike else timedelta(seconds=1))
        steps.append(Step(at=at, delivery=each.delivery))
        if rng.random() < 0.1:
            again = at + soon(rng, timedelta(seconds=1), HOUR, DAY)
            steps.append(Step(at=again, delivery=each.delivery, repeat=True))
    return tuple(sorted(steps, key=lambda step: step.at))


def _soon_after(order: Draft, start: datetime) -> timedelta:
    """Within two hours, so that one time of telling falls into the lives of all."""
    return timedelta(seconds=(order.placed_at - start) // timedelta(seconds=48))


def _at_once(rng: random.Random, sent: Sequence[Sent]) -> tuple[Step, ...]:
    """What happened up to a time is all told at that time; what happens later, as it happens."""
    ordered = sorted(sent, key=lambda each: each.at)
    at = STARTS + 2 * HOUR + soon(rng, MINUTE, 3 * HOUR, 10 * HOUR, 2 * DAY)
    return tuple(Step(at=max(each.at, at), delivery=each.delivery) for each in ordered)


def _shuffled(steps: tuple[Step, ...], rng: random.Random) -> tuple[Step, ...]:
    """The same deliveries at the same times; those of the first time in another order, some of them twice."""
    first = [step for step in steps if step.at == steps[0].at]
    rest = steps[len(first) :]
    again = [replace(step, repeat=True) for step in first if rng.random() < 0.2]
    rng.shuffle(first)
    for step in again:
        first.insert(rng.randint(0, len(first)), step)
    return (*first, *rest)


def _with_kills(rng: random.Random, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """In some runs the program dies once or twice, in the middle of what it does; while it sends, mostly with
    the first mail about an order in hand, which no mail server drops when it comes twice."""
    if rng.random() < 0.5 or not steps:
        return steps
    places = range(len(steps))
    first = {step.delivery.order: place for place, step in reversed(list(enumerate(steps)))}
    mails = [place for place in first.values() if _goes_by_mail(steps[place].delivery)]
    killed: dict[int, str] = {}
    for _ in range(rng.choice((1, 2, 3))):
        kill = rng.choice((*KILLS, SENDING))
        killed[rng.choice(mails if mails and kill == SENDING else places)] = kill
    return tuple(replace(step, kill=killed.get(place)) for place, step in enumerate(steps))


def _goes_by_mail(delivery: Delivery) -> bool:
    """It shows an order whose buyer has a mailbox and no chat with the shop's own system."""
    shown = [fact.contact for fact in delivery.facts if isinstance(fact, Placed)]
    return any(who.email and (delivery.channel != "webhook" or who.buyer is None) for who in shown)


def _restarts(rng: random.Random) -> tuple[datetime, ...]:
    """When the program ends and is started anew."""
    if rng.random() < 0.8:
        return ()
    return tuple(sorted(STARTS + timedelta(seconds=rng.randint(3600, 6 * 86400)) for _ in range(2)))


def _hiccups(rng: random.Random, steps: Sequence[Step]) -> tuple[tuple[datetime, datetime], ...]:
    """Seconds that begin with the first word of an order, so that what is said first of it has to wait; not
    where the program is to die as it says that."""
    first = {step.delivery.order: step for step in reversed(steps) if step.delivery.order}
    times = sorted(step.at for step in first.values() if step.kill is None)
    begins = rng.sample(times, min(len(times), 3))
    return tuple((at, at + timedelta(seconds=rng.randint(1, 6))) for at in begins)


def _troubles(rng: random.Random) -> tuple[Trouble, ...]:
    if rng.random() < 0.7:
        return ()
    begins = STARTS + timedelta(seconds=rng.randint(0, 5 * 86400))
    kind = rng.choice(("webhook", "telegram", "email"))
    status = rng.choice((500, 429, 410) if kind == "webhook" else (500, 429))
    return (Trouble(kind=kind, begins=begins, ends=begins + soon(rng, 10 * MINUTE, HOUR), status=status),)

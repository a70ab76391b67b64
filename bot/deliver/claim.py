"""Claim what is due: read the facts again, judge, render, and store the text before it is sent."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row

from bot.channels import Outgoing
from bot.deliver.addresses import AddressBook
from bot.deliver.facts import read_facts, snapshot
from bot.deliver.links import Links
from bot.domain.arbiter import FIRST, PRIORITY, Hold, Send, Skip, judge
from bot.domain.errors import TemplateError
from bot.domain.messages import Address, DueMessage, Facts, MessagePolicy, Reason
from bot.domain.rules import Rules
from bot.domain.wishes import AddressKey
from bot.operations.metrics import Metrics
from bot.operations.time_limit import TimeLimit
from bot.seller.cases import Cases
from bot.texts.catalogue import Catalogue, Version, split_subject
from bot.texts.variables import variables
from storage import instance, outbox
from storage.database import lease_clock, try_locks
from storage.outbox import SELLER, Outcome, dump, message_name
from storage.unit import Unit

log = structlog.get_logger()


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed message: its row is marked `sending`, its text is stored."""

    shop: str
    id: int
    attempts: int
    category: str
    message: Outgoing
    channel: str
    buyer: str
    version: str  # of the template that was used
    facts: str


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A due message with its facts and template. snapshot: the facts as JSON, as they are stored."""

    row: Row[Any]
    due: DueMessage
    facts: Facts
    template: Version
    snapshot: str


# A shop -> the time up to which all that was acknowledged is in the inbox; None while that is unknown.
KnownUntil = Callable[[str], datetime | None]
FreeSlots = Mapping[str, Mapping[str, int]]  # shop -> channel -> how many more it may be given

_COUNTED_AS = {Claim: "send", Hold: "hold", Skip: "skip", Reason: "failed"}


class Claimer:
    """Claims due messages, in one writing transaction without a wait.

    Several programs may serve one shop: each skips the rows and the buyers that another has locked.
    lease: how long a claim lasts; longer than any platform may take to answer.
    first: the shop after which the first round begins.
    """

    def __init__(
        self,
        addresses: Mapping[str, AddressBook],
        links: Links,
        rules: Rules,
        catalogue: Catalogue,
        time_limit: TimeLimit,
        metrics: Metrics,
        lease: timedelta,
        first: str = "",
    ) -> None:
        self._addresses = addresses
        self._links = links
        self._rules = rules
        self._catalogue = catalogue
        self._time_limit = time_limit
        self._metrics = metrics
        self._lease = lease
        self._last = first

    def claim(
        self,
        connection: Connection,
        now: datetime,
        room: int,
        slots: FreeSlots,
        known: KnownUntil | None = None,
    ) -> tuple[int, list[Claim]]:
        """Claim up to `room` messages, at most one to a buyer; returns how many were judged, and the claims.

        Must run in a writing transaction; the claims hold once it is committed. Raises what the database
        raises. No channel gets more than its free slots, so that a slow one does not stop the others and its
        messages are judged just before they are sent.
        known: where a log lies in front of the inbox, the time that counts as now in each shop.
        """
        if instance.held(connection):
            return 0, []
        examined, claims = 0, list[Claim]()
        for shop_id in self._in_turn(outbox.due_shops(connection, now)):
            wanted = min(room - len(claims), sum(slots.get(shop_id, {}).values()))
            at = known(shop_id) if known else now
            if wanted <= 0 or at is None:
                continue
            self._last = shop_id
            due = outbox.due(connection, shop_id, at, wanted)
            rows = _lock_buyers(connection, shop_id, due, at, wanted)
            if rows:
                judged, claimed = self._judge(connection, shop_id, rows, dict(slots[shop_id]), at)
                examined += judged
                claims += claimed
        return examined, claims

    def _in_turn(self, waiting: Sequence[str]) -> list[str]:
        """The waiting shops, those after the shop that was served last first."""
        known = [shop_id for shop_id in waiting if shop_id in self._addresses]
        return sorted(known, key=lambda shop_id: (shop_id <= self._last, shop_id))

    def _judge(
        self,
        connection: Connection,
        shop_id: str,
        rows: Sequence[Row[Any]],
        slots: dict[str, int],
        now: datetime,
    ) -> tuple[int, list[Claim]]:
        """Judge messages; returns how many could be judged, and the claims.

        While an event about a message is open, or its channel has no free slot, the message stays as it is:
        put off, it would be overtaken by the next one of its chat.
        """
        candidates = self._candidates(connection, shop_id, rows, now)
        claims, held, settled = list[Claim](), list[Outcome](), list[Outcome]()
        counts, waiting = Counter[str](), 0
        for each in candidates:
            decided = self._decide(shop_id, each, now)
            match decided:
                case Claim() if slots.get(decided.channel, 0) <= 0:
                    waiting += 1
                    continue
                case Claim():
                    slots[decided.channel] -= 1
                    claims.append(decided)
                case Hold():
                    held.append(_outcome(each, "queued", decided.why, try_at=decided.until))
                case Skip():
                    settled.append(_outcome(each, "skipped", decided.why, settled_at=now))
                case Reason():
                    settled.append(_outcome(each, "failed", decided, settled_at=now))
            counts[_COUNTED_AS[type(decided)]] += 1
        for outcome, number in counts.items():
            self._metrics.messages.labels(shop_id, outcome).inc(number)
        lease = lease_clock(connection, now) + self._lease
        outbox.mark_sending(connection, [_sending(claim, lease) for claim in claims])
        outbox.hold(connection, held)
        outbox.settle(connection, settled)
        unit = Unit(connection, shop_id, self._addresses[shop_id].shop, now)
        Cases(unit, self._catalogue).open_for_unsent(rows, settled)
        return len(candidates) - waiting, claims

    def _candidates(
        self, connection: Connection, shop_id: str, rows: Sequence[Row[Any]], now: datetime
    ) -> list[Candidate]:
        """The messages about which no event is open, with their facts and templates."""
        looking_back = self._rules.looking_back
        facts = read_facts(connection, shop_id, self._addresses[shop_id], rows, looking_back, now)
        templates = _versions(outbox.version_rows(connection, shop_id, {row.version for row in rows}))
        return [
            Candidate(
                row=row,
                due=(due := _due(row)),
                facts=facts[row.id],
                template=templates[row.version],
                snapshot=dump(snapshot(due, facts[row.id], now)),
            )
            for row in rows
            if row.id in facts
        ]

    def _decide(self, shop_id: str, each: Candidate, now: datetime) -> Claim | Hold | Skip | Reason:
        """Decide about one message; a Reason if it cannot be rendered or judged."""
        due = each.due
        try:
            policy = self._rules.policy(due.template, due.category)
            if policy is None:
                return Skip(Reason("template_broken", {"template": due.template, "why": "no such moment"}))
            verdict = self._time_limit.bounded(partial(judge, due, policy, each.facts, now))
            if isinstance(verdict, Send):
                return self._prepare(shop_id, each, policy, verdict.address, now)
            return verdict
        except Exception as error:  # one bad message must not stop the others
            log.error("message not judged", shop=shop_id, number=each.row.id, exc_info=True)
            why = f"{type(error).__name__}: {error}"[:300]
            return Reason("template_broken", {"template": due.template, "why": why})

    def _prepare(
        self, shop_id: str, each: Candidate, policy: MessagePolicy, address: Address, now: datetime
    ) -> Claim | Skip | Reason:
        """Render a message; a Reason if no template renders, a Skip if its link cannot be made."""
        due, facts, row = each.due, each.facts, each.row
        to_seller = row.buyer == SELLER  # who cannot unsubscribe from their own work
        key = self._addresses[shop_id].key(address)
        stop_url = None if to_seller else self._links.stop_url(shop_id, key)
        link = self._link(shop_id, due, policy, key)
        if policy.asks_for_offers and link is None:
            return Skip(Reason("no_public_url"))
        known = variables(due, facts, now, stop_url=stop_url, link=link)
        try:
            rendered = self._catalogue.render(each.template, known)
        except TemplateError as error:
            return Reason("template_broken", {"template": due.template, "why": str(error)})
        if rendered.fault:
            log.warning("seller's template broken", shop=shop_id, template=due.template, why=rendered.fault)
        by_mail = self._addresses[shop_id].mail == address.channel
        message = Outgoing(
            id=message_name(shop_id, row.id),
            shop=shop_id,
            shop_name=facts.shop.name,
            key=due.key,
            address=address.address,
            text=rendered.text if by_mail else split_subject(rendered.text)[1],
            locale=rendered.version.locale,
            template=due.template,
            category="service" if due.category == "answer" else due.category,
            buyer_id=address.buyer_id,
            at=now,
            buyer_name=facts.buyer.name,
            order=facts.order.platform_id if facts.order else due.order,
            buttons=msgspec.json.decode(row.buttons, type=tuple[tuple[str, str], ...]) if row.buttons else (),
            stop_url=stop_url,
        )
        return Claim(
            shop=shop_id,
            id=row.id,
            attempts=row.attempts,
            category=due.category,
            message=message,
            channel=address.channel,
            buyer=row.buyer,
            version=rendered.version.id,
            facts=each.snapshot,
        )

    def _link(self, shop_id: str, due: DueMessage, policy: MessagePolicy, key: AddressKey) -> str | None:
        """The page that belongs to the message, for the address that it goes to."""
        if policy.asks_for_offers:
            return self._links.confirm_url(shop_id, key)
        return self._links.chat_url(shop_id, due.order, key) if policy.opens_chat and due.order else None


def _lock_buyers(
    connection: Connection, shop_id: str, due: Sequence[Row[Any]], now: datetime, wanted: int
) -> list[Row[Any]]:
    """Lock the buyers of due messages; returns one message for each buyer that we locked, without those that
    would overtake a message of another program."""
    first = {row.buyer: row for row in _one_for_each_buyer(due)[:wanted]}
    ours = try_locks(connection, f"deliver:{shop_id}", first)
    seen = {row.id for row in due}
    taken = {
        other.buyer
        for other in outbox.competing(connection, shop_id, ours, now)
        if other.state == "sending" or (other.id not in seen and _is_before(other, first[other.buyer]))
    }
    return [first[buyer] for buyer in first if buyer in ours - taken]


def _is_before(other: Row[Any], row: Row[Any]) -> bool:
    """True if `outbox.due` would return `other` before `row`."""
    if row.category == "answer" and other.category != "answer":
        return False
    return (other.try_at, other.id) < (row.try_at, row.id)


def _one_for_each_buyer(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """The first message of each buyer by priority, then by time."""
    first: dict[str, Row[Any]] = {}
    for row in rows:
        known = first.get(row.buyer)
        if known is None or _turn(row) < _turn(known):
            first[row.buyer] = row
    return list(first.values())


def _turn(row: Row[Any]) -> tuple[int, int, datetime, int]:
    """By priority; within it the confirmation of an order, and that it is on again, before what else is said
    of orders."""
    place = FIRST.index(row.template) if row.template in FIRST else len(FIRST)
    return PRIORITY[row.category], place, row.due_at, row.id


def _versions(rows: Sequence[Row[Any]]) -> dict[str, Version]:
    return {
        row.id: Version(id=row.id, locale=row.locale, name=row.name, source=row.source, own=row.own)
        for row in rows
    }


def _due(row: Row[Any]) -> DueMessage:
    return DueMessage(
        key=row.key,
        template=row.template,
        category=row.category,
        due_at=row.due_at,
        created_at=row.created_at,
        lateness=timedelta(seconds=row.lateness),
        values=msgspec.json.decode(row.values),
        order=row.order_id,
        to=row.to,
    )


def _outcome(
    each: Candidate,
    state: str,
    why: Reason,
    try_at: datetime | None = None,
    settled_at: datetime | None = None,
) -> Outcome:
    return Outcome(
        shop=each.row.shop,
        id=each.row.id,
        state=state,
        why=why,
        try_at=try_at,
        settled_at=settled_at,
        facts=each.snapshot,
    )


def _sending(claim: Claim, lease: datetime) -> dict[str, Any]:
    return {
        "shop": claim.shop,
        "id": claim.id,
        "facts": claim.facts,
        "lease_until": lease,
        "channel": claim.channel,
        "address": claim.message.address,
        "text": claim.message.text,
        "version": claim.version,
    }

"""Claim what is due: read the facts again, judge, render, and store the text before it is sent."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from bot.channels import Outgoing
from bot.deliver import turns
from bot.deliver.addresses import AddressBook
from bot.deliver.facts import read_facts, snapshot
from bot.deliver.links import Links
from bot.deliver.outdated_answers import answer_anew
from bot.domain.arbiter import Hold, Send, Skip, judge
from bot.domain.errors import TemplateError
from bot.domain.messages import Address, DueMessage, Facts, MessagePolicy, Reason
from bot.domain.reasons import ARRIVAL_UNCLEAR
from bot.domain.rules import Rules
from bot.domain.stock_wishes import GONE_AGAIN
from bot.domain.wishes import AddressKey
from bot.operations.metrics import Metrics
from bot.operations.time_limit import TimeLimit
from bot.seller.cases import Cases
from bot.texts.catalogue import Catalogue, Version, split_subject
from bot.texts.variables import variables
from storage import due_messages, instance, outbox
from storage.asking import Asking, ask_together
from storage.database import lease_clock
from storage.due_messages import DueRow
from storage.outbox import SELLER, Outcome, VersionRow, dump, message_name
from storage.stock_wish_records import reopen
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
    """A due message with its template, and its facts of `at`."""

    row: DueRow
    due: DueMessage
    facts: Facts
    template: Version
    at: datetime

    @property
    def snapshot(self) -> str:
        """The facts as JSON, as they are stored."""
        return dump(snapshot(self.due, self.facts, self.at))


class _Judged(msgspec.Struct):
    """What a claim found out. count: how many messages could be judged."""

    count: int = 0
    claims: list[Claim] = []
    held: list[Outcome] = []
    settled: list[Outcome] = []
    outdated: list[tuple[str, int]] = []  # answers whose questions are to be answered anew: shop and id
    waiting: list[dict[str, Any]] = []  # for a free slot of their channels: shop, id and channel


# A shop -> the time up to which all that was acknowledged is in the inbox; None while that is unknown.
KnownUntil = Callable[[str], datetime | None]
FreeSlots = Callable[[str], Mapping[str, int]]  # shop -> channel -> how many more it may be given

ASKS = (ARRIVAL_UNCLEAR,)  # reasons for which a message waits until the seller knows more
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
        only: str | None = None,
    ) -> tuple[int, list[Claim]]:
        """Claim up to `room` messages, at most one to a buyer; returns how many were judged, and the claims.
        Once half of that is claimed, the shops behind come next time: a few more would be as many statements.

        Must run in a writing transaction; the claims hold once it is committed. Raises what the database
        raises. No channel gets more than its free slots, so that a slow one does not stop the others and its
        messages are judged just before they are sent.
        known: where a log lies in front of the inbox, the time that counts as now in each shop.
        only: the one shop to claim for.
        """
        if instance.held(connection):
            return 0, []
        due = due_messages.due_counts(connection, now)
        waiting, examined, claims = self._in_turn(due), 0, list[Claim]()
        if only is not None:
            waiting = deque(shop_id for shop_id in waiting if shop_id == only)
        while waiting and 2 * len(claims) < room:
            wanted = self._shared_out(waiting, due, slots, room - len(claims))
            times = {shop_id: at for shop_id in wanted if (at := known(shop_id) if known else now)}
            rows = ask_together(
                connection,
                {
                    shop_id: due_messages.due(at, wanted[shop_id], _full(slots(shop_id)))
                    for shop_id, at in times.items()
                },
            )
            ours = turns.of_buyers(connection, {shop_id: rows[shop_id] for shop_id in times}, times, wanted)
            judged, claimed = self._judge(connection, ours, slots, times, now)
            examined += judged
            claims += claimed
        return examined, claims

    def waiting(self, connection: Connection, now: datetime) -> list[str]:
        """The shops with something due, in turn."""
        return list(self._in_turn(due_messages.due_counts(connection, now)))

    def _shared_out(
        self, waiting: deque[str], due: Mapping[str, int], slots: FreeSlots, room: int
    ) -> dict[str, int]:
        """How many messages the next of the waiting shops may have, taken from `waiting`."""
        wanted: dict[str, int] = {}
        while waiting and room > 0:
            shop_id = waiting.popleft()
            most = min(due[shop_id], sum(slots(shop_id).values()), room)
            if most > 0:
                wanted[shop_id] = most
                room -= most
                self._last = shop_id
        return wanted

    def _in_turn(self, due: Iterable[str]) -> deque[str]:
        """The shops with something due, those after the shop that was served last first."""
        known = (shop_id for shop_id in due if shop_id in self._addresses)
        return deque(sorted(known, key=lambda shop_id: (shop_id <= self._last, shop_id)))

    def _judge(
        self,
        connection: Connection,
        rows: Mapping[str, Sequence[DueRow]],
        slots: FreeSlots,
        times: Mapping[str, datetime],
        now: datetime,
    ) -> tuple[int, list[Claim]]:
        """Judge messages, by shop, those of a buyer in their turn; returns how many could be judged, and the
        claims."""
        found = ask_together(
            connection,
            {shop_id: self._candidates(shop_id, rows[shop_id], times[shop_id]) for shop_id in rows},
        )
        judged = _Judged()
        for shop_id in rows:
            self._judge_in(shop_id, found[shop_id], dict(slots(shop_id)), times[shop_id], judged)
        lease = lease_clock(connection, now) + self._lease
        outbox.mark_sending(connection, [_sending(claim, lease) for claim in judged.claims])
        outbox.hold(connection, judged.held)
        outbox.note_channel(connection, judged.waiting)
        outbox.settle(connection, judged.settled)
        asking = [outcome for outcome in judged.held if outcome.why and outcome.why.code in ASKS]
        unsaid = [*judged.settled, *asking]
        for shop_id in {outcome.shop for outcome in unsaid}:
            unit = Unit(connection, shop_id, self._addresses[shop_id].shop, times[shop_id])
            theirs = [outcome for outcome in unsaid if outcome.shop == shop_id]
            Cases(unit, self._catalogue).open_for_unsent(rows[shop_id], theirs)
            unsent = {outcome.id for outcome in theirs if outcome.why and outcome.why.code == GONE_AGAIN}
            wishes = [each.facts.wish for each in found[shop_id] if each.row.id in unsent]
            reopen(connection, shop_id, [wish for wish in wishes if wish])
            if outdated := [id for shop, id in judged.outdated if shop == shop_id]:
                answer_anew(unit, outdated)
        return judged.count, judged.claims

    def _judge_in(
        self,
        shop_id: str,
        candidates: Sequence[Candidate],
        slots: dict[str, int],
        now: datetime,
        judged: "_Judged",
    ) -> None:
        """Judge messages of one shop.

        While an event about a message is open, or its channel has no free slot, the message stays as it is:
        put off, it would be overtaken by the next one of its chat. Its channel is noted, so that it fills no
        page until there is a slot. A buyer's next message is judged only when
        nothing came of the one before it.
        """
        counts = Counter[str]()
        served = set[str]()
        for each in candidates:
            if each.row.buyer in served:
                continue
            decided = self._decide(shop_id, each, now)
            if not isinstance(decided, Skip):
                served.add(each.row.buyer)
            match decided:
                case Claim() if decided.channel not in slots:
                    continue
                case Claim() if slots[decided.channel] <= 0:
                    judged.waiting.append({"shop": shop_id, "id": decided.id, "channel": decided.channel})
                    judged.count += 1
                    continue
                case Claim():
                    slots[decided.channel] -= 1
                    judged.claims.append(decided)
                case Hold():
                    judged.held.append(_outcome(each, "queued", decided.why, try_at=decided.until))
                case Skip():
                    judged.outdated += [(shop_id, each.row.id)] if decided.anew else []
                    judged.settled.append(_outcome(each, "skipped", decided.why, settled_at=now))
                case Reason():
                    judged.settled.append(_outcome(each, "failed", decided, settled_at=now))
            judged.count += 1
            counts[_COUNTED_AS[type(decided)]] += 1
        for outcome, number in counts.items():
            self._metrics.messages.labels(shop_id, outcome).inc(number)

    def _candidates(self, shop_id: str, rows: Sequence[DueRow], now: datetime) -> Asking[list[Candidate]]:
        """The messages about which no event is open, with their facts and templates; none of a buyer's behind
        one that waits."""
        facts = yield from read_facts(self._addresses[shop_id], rows, self._rules.looking_back, now)
        versions = yield from outbox.versions({row.version for row in rows})
        templates = {each.id: _version(each) for each in versions}
        waiting = set[str]()
        found: list[Candidate] = []
        for row in rows:
            if row.id not in facts:
                waiting.add(row.buyer)
            elif row.buyer not in waiting:
                of = Candidate(
                    row=row, due=_due(row), facts=facts[row.id], template=templates[row.version], at=now
                )
                found.append(of)
        return found

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
        stop_url = None if to_seller else self._links.stop_url(shop_id, key, each.template.locale)
        link = self._link(shop_id, each, policy, key)
        if policy.asks_for_offers and link is None:
            return Skip(Reason("no_public_url"))
        by_mail = self._addresses[shop_id].mail == address.channel
        known = variables(due, facts, now, stop_url=stop_url, link=link, by_mail=by_mail)
        try:
            rendered = self._catalogue.render(each.template, known)
        except TemplateError as error:
            return Reason("template_broken", {"template": due.template, "why": str(error)})
        if rendered.fault:
            log.warning("seller's template broken", shop=shop_id, template=due.template, why=rendered.fault)
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
            buyer_name=None if to_seller else facts.buyer.name,
            order=facts.order.platform_id if facts.order else due.order,
            buttons=msgspec.json.decode(row.buttons, type=tuple[tuple[str, str], ...]) if row.buttons else (),
            case=due.values.get("case") if row.buyer == SELLER else None,
            reply_to=due.values.get("about") if row.buyer == SELLER else None,
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

    def _link(self, shop_id: str, each: Candidate, policy: MessagePolicy, key: AddressKey) -> str | None:
        """The page that belongs to the message, for the address that it goes to."""
        if policy.asks_for_offers:
            return self._links.confirm_url(shop_id, key, each.template.locale)
        order = each.due.order
        return self._links.chat_url(shop_id, order, key) if policy.opens_chat and order else None


def _full(slots: Mapping[str, int]) -> list[str]:
    return [channel for channel, free in slots.items() if free <= 0]


def _version(row: VersionRow) -> Version:
    return Version(id=row.id, locale=row.locale, name=row.name, source=row.source, own=row.own)


def _due(row: DueRow) -> DueMessage:
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
        unlike=row.unlike,
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

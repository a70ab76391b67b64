"""Claim what is due: look at the facts again, ask the arbiter, render, and keep the text before it leaves."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row

from xiaoer.bot import cases
from xiaoer.bot.arbiter import PRIORITY, Hold, Send, Skip, Verdict, judge
from xiaoer.bot.channels import Outgoing
from xiaoer.bot.errors import TemplateError
from xiaoer.bot.facts import Desk
from xiaoer.bot.metrics import Metrics
from xiaoer.bot.patience import Patience
from xiaoer.bot.router import Due, Facts, Reason, Way
from xiaoer.bot.rules import Rules
from xiaoer.bot.shop import Shop
from xiaoer.bot.texts import Rendered, Version, split_subject
from xiaoer.bot.variables import variables
from xiaoer.storage import life, outbox
from xiaoer.storage.database import lease_clock, try_locks
from xiaoer.storage.outbox import dump, message_name

log = structlog.get_logger()


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A message in hand: its row is marked `sending`, its text is kept."""

    shop: str
    id: int
    attempts: int
    category: str
    message: Outgoing
    channel: str
    buyer: str
    version: str  # of the words that were used
    facts: str


# A shop -> the last moment up to which all that was acknowledged is in the inbox; None while nobody can say.
Known = Callable[[str], datetime | None]
Places = Mapping[str, Mapping[str, int]]  # shop -> channel -> how many more it may be given

_COUNTED_AS = {Claim: "send", Hold: "hold", Skip: "skip", Reason: "failed"}


class Claimer:
    """Takes due messages in hand, in one transaction without a wait.

    Several programs may be at one shop: each skips the rows and the buyers that another is looking at.
    """

    def __init__(
        self,
        shops: Mapping[str, Shop],
        desk: Desk,
        rules: Rules,
        patience: Patience,
        metrics: Metrics,
        lease: timedelta,
        first: str = "",
    ) -> None:
        self._shops = shops
        self._desk = desk
        self._rules = rules
        self._patience = patience
        self._metrics = metrics
        self._lease = lease
        self._last = first

    def claim(
        self, connection: Connection, now: datetime, room: int, places: Places, known: Known | None = None
    ) -> tuple[int, list[Claim]]:
        """Up to `room` messages, at most one to a buyer; how many were judged, and those to be sent.

        No channel is given more than it has places for: a slow one must not stop its neighbours, and
        what it sends is true when it is sent. `known`, where a log lies in front of the inbox, tells for
        each shop the moment that counts as now.
        """
        if life.held(connection):
            return 0, []
        looked, claims = 0, list[Claim]()
        for shop_id in self._in_turn(outbox.waiting_shops(connection)):
            wanted = min(room - len(claims), sum(places.get(shop_id, {}).values()))
            at = known(shop_id) if known else now
            if wanted <= 0 or at is None:
                continue
            self._last = shop_id
            due = outbox.due(connection, shop_id, at, wanted)
            rows = _undisputed(connection, shop_id, due, at, wanted)
            if rows:
                judged, taken = self._judge_all(connection, shop_id, rows, dict(places[shop_id]), at)
                looked += judged
                claims += taken
        return looked, claims

    def _in_turn(self, waiting: Sequence[str]) -> list[str]:
        """Those behind the shop that was last served come first."""
        known = [shop_id for shop_id in waiting if shop_id in self._shops]
        return sorted(known, key=lambda shop_id: (shop_id <= self._last, shop_id))

    def _judge_all(
        self,
        connection: Connection,
        shop_id: str,
        rows: list[Row[Any]],
        places: dict[str, int],
        now: datetime,
    ) -> tuple[int, list[Claim]]:
        """How many could be judged, and those to be sent.

        While an event about a message waits to be handled, or its channel has no place, the message
        stays as it is: held back, it would be overtaken by the next one of its chat.
        """
        shop = self._shops[shop_id]
        facts_of = self._desk.facts(connection, shop_id, shop, rows, self._rules.looking_back, now)
        words = _versions(outbox.version_rows(connection, shop_id, {row.version for row in rows}))
        claims, held, settled = list[Claim](), list[dict[str, Any]](), list[dict[str, Any]]()
        outcomes = Counter[str]()
        rows, waiting = [row for row in rows if row.id in facts_of], 0
        for row in rows:
            due, facts = _due(row), facts_of[row.id]
            kept = dump(self._desk.kept(due, facts, now))
            decided = self._decide(shop_id, row, due, facts, words[row.version], kept, now)
            match decided:
                case Claim() if places.get(decided.channel, 0) <= 0:
                    waiting += 1
                    continue
                case Claim():
                    places[decided.channel] -= 1
                    claims.append(decided)
                case Hold():
                    held.append(_held(row, decided, kept))
                case Skip():
                    settled.append(_settled(row, "skipped", decided.why, kept, now))
                case Reason():
                    settled.append(_settled(row, "failed", decided, kept, now))
            outcomes[_COUNTED_AS[type(decided)]] += 1
        for outcome, number in outcomes.items():
            self._metrics.messages.labels(shop_id, outcome).inc(number)
        lease = lease_clock(connection, now) + self._lease
        outbox.mark_sending(connection, [_sending(claim, lease) for claim in claims])
        outbox.hold(connection, held)
        outbox.settle(connection, settled)
        cases.tell_of_unsaid(connection, shop_id, shop, self._rules.texts, rows, settled, now)
        return len(rows) - waiting, claims

    def _decide(
        self,
        shop_id: str,
        row: Row[Any],
        due: Due,
        facts: Facts,
        words: Version,
        kept: str,
        now: datetime,
    ) -> Claim | Hold | Skip | Reason:
        """What becomes of one message; a Reason if it cannot be sent as it is."""
        try:
            verdict = self._verdict(due, facts, now)
            if isinstance(verdict, Send):
                return self._prepare(shop_id, row, due, facts, verdict.way, words, kept, now)
            return verdict
        except Exception as error:  # one bad message must not stop the others
            log.error("message not judged", shop=shop_id, number=row.id, exc_info=True)
            why = f"{type(error).__name__}: {error}"[:300]
            return Reason("template_broken", {"template": due.template, "why": why})

    def _verdict(self, due: Due, facts: Facts, now: datetime) -> Verdict:
        moment = self._rules.moment(due.template, due.category)
        if moment is None:
            return Skip(Reason("template_broken", {"template": due.template, "why": "no such moment"}))
        return self._patience.bounded(partial(judge, due, moment, facts, now))

    def _prepare(
        self,
        shop_id: str,
        row: Row[Any],
        due: Due,
        facts: Facts,
        way: Way,
        words: Version,
        kept: str,
        now: datetime,
    ) -> Claim | Reason:
        """The message with its text; a Reason if no words can be found."""
        to_seller = row.buyer == cases.SELLER  # who cannot unsubscribe from her own work
        stop_url = None if to_seller else self._desk.stop_url(shop_id, facts.buyer.id)
        chat_url = self._desk.chat_url(shop_id, due)
        known = variables(due, facts, now, stop_url=stop_url, chat_url=chat_url)
        try:
            rendered = self._rules.texts.render(words, known)
        except TemplateError as error:
            return Reason("template_broken", {"template": due.template, "why": str(error)})
        if rendered.fault:
            log.warning("seller's template broken", shop=shop_id, template=due.template, why=rendered.fault)
        message = Outgoing(
            id=message_name(shop_id, row.id),
            shop=shop_id,
            shop_name=facts.shop.name,
            key=due.key,
            address=way.address,
            text=self._said(shop_id, way, rendered),
            locale=rendered.version.locale,
            template=due.template,
            category="service" if due.category == "answer" else due.category,
            buyer_id=way.buyer_id,
            at=now,
            buyer_name=facts.buyer.name,
            order=due.order,
            buttons=msgspec.json.decode(row.buttons, type=tuple[tuple[str, str], ...]) if row.buttons else (),
            stop_url=stop_url,
        )
        return Claim(
            shop=shop_id,
            id=row.id,
            attempts=row.attempts,
            category=due.category,
            message=message,
            channel=way.channel,
            buyer=row.buyer,
            version=rendered.version.id,
            facts=kept,
        )

    def _said(self, shop_id: str, way: Way, rendered: Rendered) -> str:
        """A subject is a mail's; a chat does without."""
        mailed = self._desk.is_mail(shop_id, way.channel)
        return rendered.text if mailed else split_subject(rendered.text)[1]


def _undisputed(
    connection: Connection, shop_id: str, due: Sequence[Row[Any]], now: datetime, wanted: int
) -> list[Row[Any]]:
    """One to each buyer whom no other program is writing to, and none that overtakes what another holds."""
    first = {row.buyer: row for row in _one_for_each_buyer(due)[:wanted]}
    ours = try_locks(connection, f"deliver:{shop_id}", first)
    seen = {row.id for row in due}
    taken = {
        other.buyer
        for other in outbox.rivals(connection, shop_id, ours, now)
        if other.state == "sending" or (other.id not in seen and _is_before(other, first[other.buyer]))
    }
    return [first[buyer] for buyer in first if buyer in ours - taken]


def _is_before(other: Row[Any], row: Row[Any]) -> bool:
    """Whether `outbox.due` finds it first, unless another holds it."""
    if row.category == "answer" and other.category != "answer":
        return False
    return (other.try_at, other.id) < (row.try_at, row.id)


def _one_for_each_buyer(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """The one that comes first by priority, then by time; her others wait for their turn."""
    first: dict[str, Row[Any]] = {}
    for row in rows:
        known = first.get(row.buyer)
        if known is None or _turn(row) < _turn(known):
            first[row.buyer] = row
    return list(first.values())


def _turn(row: Row[Any]) -> tuple[int, datetime, int]:
    return PRIORITY[row.category], row.due_at, row.id


def _versions(rows: Sequence[Row[Any]]) -> dict[str, Version]:
    return {
        row.id: Version(id=row.id, locale=row.locale, name=row.name, source=row.source, own=row.own)
        for row in rows
    }


def _due(row: Row[Any]) -> Due:
    return Due(
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


def _held(row: Row[Any], hold: Hold, facts: str) -> dict[str, Any]:
    return {"shop": row.shop, "id": row.id, "try_at": hold.until, "reason": dump(hold.why), "facts": facts}


def _settled(row: Row[Any], state: str, why: Reason, facts: str, at: datetime) -> dict[str, Any]:
    return {
        "shop": row.shop,
        "id": row.id,
        "state": state,
        "reason": dump(why),
        "facts": facts,
        "settled_at": at,
    }

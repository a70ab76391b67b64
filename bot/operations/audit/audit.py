"""The audit: promises 2, 3 and 6 proved again over all that was ever said, from records and events alone.

What a look back cannot know for sure counts for us: a moment's difference between two clocks, facts of
a buyer whose two files were joined later, what may lie in the archive. What was written beside a
decision counts against us always.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from bot.domain.events import AgentReplied
from bot.domain.shop import Shop
from bot.operations.audit.conversations import Breach, Talk, began
from bot.operations.audit.orders import broken_about_order, facts_missing
from bot.seller.explanation_words import ExplanationWords
from bot.seller.words import SellerWords
from storage import audit_queries, buyer_records
from storage.archive import archived_until
from storage.audit_queries import Sending
from storage.database import Database, lease_clock
from storage.outbox import message_name

SLACK = timedelta(seconds=10)  # between a fact's arrival and its being on disk for a sender to see
OPEN_TOO_LONG = timedelta(hours=1)
ECHO = timedelta(minutes=15)  # before and after a message, in which the same words are its echo


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that should not be. `sentence` is in the seller's language; `promise` 0: the house itself."""

    shop: str
    promise: int
    code: str
    sentence: str
    message: str | None = None  # its public name
    key: str | None = None
    order: str | None = None
    event: int | None = None
    at: datetime | None = None


Progress = Callable[[str, int], None]  # (shop, how many messages, orders and events were looked at so far)


def audit(
    database: Database,
    shops: Mapping[str, Shop],
    now: datetime,
    progress: Progress = lambda shop, looked: None,
) -> list[Finding]:
    """Everything that breaks a promise, in every shop; [] if all were kept."""
    found: list[Finding] = []
    for shop_id, shop in shops.items():
        found += _Audit(database, shop_id, shop, now, progress).run()
    return found


class _Audit:
    """One shop's audit."""

    def __init__(
        self, database: Database, shop_id: str, shop: Shop, now: datetime, progress: Progress
    ) -> None:
        self.database = database
        self.shop_id = shop_id
        self.shop = shop
        self.now = now
        self.words = ExplanationWords(SellerWords(shop.seller.locale or shop.locale, ZoneInfo(shop.timezone)))
        self.looked = 0
        self._progress = progress
        self.archived_until = database.read_now(partial(archived_until, shop=shop_id))

    def run(self) -> Iterator[Finding]:
        yield from self.database.read_now(self._house)
        yield from self._talks()
        yield from self.database.read_now(self._orders)
        yield from self._takeovers()

    # The house itself

    def _house(self, connection: Connection) -> list[Finding]:
        keys = audit_queries.repeated_keys(connection, self.shop_id)
        found = [self._finding(2, "key_twice", {"key": key}, key=key) for key in keys]
        for row in audit_queries.overdue_sendings(
            connection, self.shop_id, lease_clock(connection, self.now)
        ):
            name = message_name(self.shop_id, row.id)
            found.append(
                self._finding(
                    0, "lease_over", {"since": row.lease_until}, message=name, key=row.key, at=row.lease_until
                )
            )
        after = 0
        while rows := audit_queries.overdue_events(connection, self.shop_id, self.now - OPEN_TOO_LONG, after):
            after = rows[-1].id
            for row in rows:
                values = {"event": row.id, "since": row.received_at}
                found.append(self._finding(0, "event_waits", values, event=row.id, at=row.received_at))
        return found

    # Promises 2, 3 and 6, buyer by buyer

    def _talks(self) -> Iterator[Finding]:
        after: audit_queries.Place | None = None
        talk = Talk("")
        while True:
            page, breaches, talk = self.database.read_now(partial(self._talk_page, after=after, talk=talk))
            yield from map(self._told, breaches)
            if not page:
                return
            after = page[-1].place
            self._count(len(page))

    def _talk_page(
        self, connection: Connection, after: audit_queries.Place | None, talk: Talk
    ) -> tuple[list[Sending], list[Breach], Talk]:
        page = audit_queries.sendings(connection, self.shop_id, after)
        buyers = buyer_records.by_id(connection, self.shop_id, {sending.buyer for sending in page})
        breaches: list[Breach] = []
        for sending in page:
            if sending.buyer != talk.buyer:
                talk = Talk(sending.buyer)
            breaches += talk.hear(sending, buyers.get(sending.buyer), self.shop)
        return page, self._sure(connection, breaches), talk

    def _sure(self, connection: Connection, breaches: Iterable[Breach]) -> list[Breach]:
        """Without those that a later word or a later join explains."""
        doubtful = {breach.sending.buyer for breach in breaches if not breach.proven}
        joined = audit_queries.joined_files(connection, self.shop_id, doubtful) if doubtful else set()
        return [
            breach
            for breach in breaches
            if breach.proven or not (breach.sending.buyer in joined or self._came_later(connection, breach))
        ]

    def _came_later(self, connection: Connection, breach: Breach) -> bool:
        if breach.said_at is None:
            return False
        sent_at = began(breach.sending) - SLACK
        if self._archived(sent_at):
            return True  # what would explain it may lie in the archive
        return audit_queries.came_later(
            connection, self.shop_id, breach.sending.buyer, breach.said_at, sent_at
        )

    # Promise 3, order by order

    def _orders(self, connection: Connection) -> list[Finding]:
        audit_queries.steady(connection)
        found: list[Finding] = []
        for facts, orders in audit_queries.orders_with_facts(connection, self.shop_id):
            said = audit_queries.sendings_about(connection, self.shop_id, facts)
            for id, told in facts.items():
                if facts_missing(told, orders.get(id), self.archived_until):
                    found.append(self._finding(1, "order_differs", {"order": id}, order=id))
                for sending in said.get(id, ()):
                    found += map(self._told, broken_about_order(sending, told, SLACK))
            self._count(len(facts))
        return found

    # Promise 3, wherever a person took over

    def _takeovers(self) -> Iterator[Finding]:
        after = 0
        while True:
            words, breaches = self.database.read_now(partial(self._takeover_page, after=after))
            yield from map(self._told, breaches)
            if not words:
                return
            after = words[-1].id
            self._count(len(words))

    def _takeover_page(
        self, connection: Connection, after: int
    ) -> tuple[list[audit_queries.Fact], list[Breach]]:
        words = audit_queries.agent_words(connection, self.shop_id, after)
        breaches = [breach for fact in words for breach in self._spoken_over(connection, fact)]
        return words, self._sure(connection, breaches)

    def _spoken_over(self, connection: Connection, fact: audit_queries.Fact) -> Iterator[Breach]:
        """What the bot said after a person's word, while it should have been silent."""
        reply = fact.event
        if not isinstance(reply, AgentReplied):
            return
        buyer = audit_queries.buyer_of_chat(connection, self.shop_id, reply.channel, reply.conversation)
        until = min(reply.at, fact.received_at) + self.shop.takeover
        if buyer is None or until <= fact.received_at or self._archived(fact.received_at - ECHO):
            return
        around = audit_queries.sendings_to(connection, self.shop_id, buyer, fact.received_at - ECHO, until)
        if any(self._is_echo(sending, reply, fact.received_at) for sending in around):
            return
        for sending in around:
            silent = timedelta(seconds=sending.facts.get("takeover", self.shop.takeover.total_seconds()))
            ends = min(until, min(reply.at, fact.received_at) + silent)
            if fact.received_at + SLACK < began(sending) < ends:
                yield Breach(3, "spoken_over", sending, {"replied_at": reply.at, "until": ends})

    def _archived(self, moment: datetime) -> bool:
        """Whether what was known then may lie in the archive."""
        return self.archived_until is not None and moment < self.archived_until

    def _is_echo(self, sending: Sending, reply: AgentReplied, received_at: datetime) -> bool:
        names = (message_name(self.shop_id, sending.id), sending.receipt)
        same = reply.message_id in names or (sending.text or "").strip() == reply.text.strip()
        return same and sending.settled_at < received_at + ECHO

    # Telling

    def _told(self, breach: Breach) -> Finding:
        sending = breach.sending
        return self._finding(
            breach.promise,
            breach.code,
            {"template": sending.template, "at": began(sending), "order": sending.order, **breach.values},
            message=message_name(self.shop_id, sending.id),
            key=sending.key,
            order=sending.order,
            at=began(sending),
        )

    def _finding(
        self,
        promise: int,
        code: str,
        values: Mapping[str, object],
        message: str | None = None,
        key: str | None = None,
        order: str | None = None,
        event: int | None = None,
        at: datetime | None = None,
    ) -> Finding:
        return Finding(
            shop=self.shop_id,
            promise=promise,
            code=code,
            sentence=self.words.say("audit", code, values),
            message=message,
            key=key,
            order=order,
            event=event,
            at=at,
        )

    def _count(self, more: int) -> None:
        self.looked += more
        self._progress(self.shop_id, self.looked)

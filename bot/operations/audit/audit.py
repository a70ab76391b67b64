"""Check promises 2, 3, 6, 7 and 9 for all messages ever sent, from records and events alone.

What cannot be known afterwards is not reported: small differences between clocks, facts of a buyer whose two
records were joined later, what may be in the archive. What is stored beside a decision always counts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

import msgspec
from sqlalchemy import Connection

from bot.domain.buyers import is_guest
from bot.domain.desk import PERSONS
from bot.domain.events import AgentReplied, OrderPlaced
from bot.domain.quotes import Quote
from bot.domain.shop import Shop
from bot.domain.wishes import EMAIL, AddressKey
from bot.operations.audit.addresses import sent_elsewhere, words_elsewhere
from bot.operations.audit.conversations import BuyerHistory, Violation, began
from bot.operations.audit.orders import record_differs, violations_about_order
from bot.operations.audit.prices import wrong_prices
from bot.operations.audit.statements import false_statements
from bot.seller.explanation_words import ExplanationWords
from bot.seller.words import SellerWords
from storage import audit_queries, buyer_records, mixed_files, quote_records, wish_records
from storage.archive import archived_until
from storage.asking import ask
from storage.audit_queries import KnownCase, Sending
from storage.database import Database, lease_clock
from storage.outbox import message_name

SLACK = timedelta(seconds=10)  # between the arrival of a fact and its commit
OPEN_TOO_LONG = timedelta(hours=1)
MIXED_SHOWN = 20  # files with several people's things; `xiaoer mixed` shows the others
ECHO = timedelta(minutes=15)  # before and after a message, in which the same text is its echo

_replace = msgspec.structs.replace


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One broken promise. sentence: in the seller's language. promise: its number; 0: the database itself."""

    shop: str
    promise: int
    code: str
    sentence: str
    message: str | None = None  # its public id
    key: str | None = None
    order: str | None = None
    event: int | None = None
    at: datetime | None = None


Progress = Callable[[str, int], None]  # (shop, how many messages, orders and events were examined so far)


def audit(
    database: Database,
    shops: Mapping[str, Shop],
    now: datetime,
    progress: Progress = lambda shop, examined: None,
) -> list[Finding]:
    """Find every broken promise, in every shop; [] if all were kept. Raises what the database raises."""
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
        self.words = ExplanationWords(SellerWords.of(shop))
        self.examined = 0
        self._progress = progress
        self.archived_until = database.read_now(partial(archived_until, shop=shop_id))

    def run(self) -> Iterator[Finding]:
        yield from self.database.read_now(self._database)
        yield from self._buyers()
        yield from self.database.read_now(self._orders)
        yield from self._takeovers()
        yield from self._prices()

    # The database itself

    def _database(self, connection: Connection) -> list[Finding]:
        keys = audit_queries.repeated_keys(connection, self.shop_id)
        found = [_replace(self._finding(2, "key_twice", {"key": key}), key=key) for key in keys]
        for row in audit_queries.overdue_sendings(
            connection, self.shop_id, lease_clock(connection, self.now)
        ):
            name = message_name(self.shop_id, row.id)
            finding = self._finding(0, "lease_over", {"since": row.lease_until})
            found.append(_replace(finding, message=name, key=row.key, at=row.lease_until))
        for number in mixed_files.marked(connection, self.shop_id, limit=MIXED_SHOWN):
            found.append(self._finding(0, "mixed_file", {"number": number}))
        after = 0
        while rows := audit_queries.overdue_events(connection, self.shop_id, self.now - OPEN_TOO_LONG, after):
            after = rows[-1].id
            for row in rows:
                values = {"event": row.id, "since": row.received_at}
                finding = self._finding(0, "event_waits", values)
                found.append(_replace(finding, event=row.id, at=row.received_at))
        return found

    # Promises 2, 3 and 6, buyer by buyer

    def _buyers(self) -> Iterator[Finding]:
        after: audit_queries.Cursor | None = None
        history = BuyerHistory("")
        while True:
            page, violations, history = self.database.read_now(
                partial(self._buyer_page, after=after, history=history)
            )
            yield from map(self._finding_of, violations)
            if not page:
                return
            after = page[-1].place
            self._count(len(page))

    def _buyer_page(
        self, connection: Connection, after: audit_queries.Cursor | None, history: BuyerHistory
    ) -> tuple[list[Sending], list[Violation], BuyerHistory]:
        page = audit_queries.sendings(connection, self.shop_id, after)
        ids = {sending.buyer for sending in page}
        buyers = ask(connection, self.shop_id, buyer_records.by_id(ids))
        known_by = ask(connection, self.shop_id, buyer_records.addresses_of(ids))
        keys = {key for sending in page for key in _keys_of(sending)}
        said = ask(connection, self.shop_id, wish_records.recorded(keys))
        waits_in: dict[str | None, set[str | None]] = {}
        if any(sending.template in PERSONS for sending in page):
            for case in audit_queries.known_cases(connection, self.shop_id, ids):
                waits_in.setdefault(case.buyer, set()).add(case.chat)
        violations: list[Violation] = []
        for sending in page:
            if sending.buyer != history.buyer:
                guest = is_guest(kind for kind, _, _ in known_by.get(sending.buyer, ()))
                history = BuyerHistory(sending.buyer, guest)
            wishes = [each for key in _keys_of(sending) for each in said.get(key, ())]
            violations += history.check(sending, buyers.get(sending.buyer), wishes, self.shop)
            violations += words_elsewhere(sending, waits_in.get(sending.buyer, ()))
        return page, self._sure(connection, violations), history

    def _sure(self, connection: Connection, violations: Iterable[Violation]) -> list[Violation]:
        """Leave out violations that a later event or a later join explains."""
        doubtful = {violation.sending.buyer for violation in violations if not violation.proven}
        joined = audit_queries.joined_buyers(connection, self.shop_id, doubtful) if doubtful else set()
        return [
            violation
            for violation in violations
            if violation.proven
            or not (violation.sending.buyer in joined or self._came_later(connection, violation))
        ]

    def _came_later(self, connection: Connection, violation: Violation) -> bool:
        if violation.said_at is None:
            return False
        sent_at = began(violation.sending) - SLACK
        if self._archived(sent_at):
            return True  # what would explain it may be in the archive
        return audit_queries.came_later(
            connection, self.shop_id, violation.sending.buyer, violation.said_at, sent_at
        )

    # Promise 3, order by order

    def _orders(self, connection: Connection) -> list[Finding]:
        audit_queries.repeatable_reads(connection)
        found: list[Finding] = []
        cases: dict[str, list[KnownCase]] = {}
        for case in audit_queries.known_cases(connection, self.shop_id):
            cases.setdefault(case.order or "", []).append(case)
        for facts, orders in audit_queries.orders_with_facts(connection, self.shop_id):
            said = audit_queries.sendings_about(connection, self.shop_id, facts)
            opened = audit_queries.openings_of(connection, self.shop_id, said)
            for id, of_order in facts.items():
                if record_differs(of_order, orders.get(id), self.archived_until):
                    found.append(_replace(self._finding(1, "order_differs", {"order": id}), order=id))
                for sending in said.get(id, ()):
                    found += map(self._finding_of, violations_about_order(sending, of_order, SLACK))
                    found += self._about_order(
                        sending, said[id], of_order, opened.get(id, ()), cases.get(id, ())
                    )
            self._count(len(facts))
        return found

    def _about_order(
        self,
        sending: Sending,
        others: Sequence[Sending],
        facts: list[audit_queries.Fact],
        opened: Iterable[audit_queries.Opening],
        cases: Collection[KnownCase],
    ) -> Iterator[Finding]:
        """Judge by all that was told and said about an order; what is in the archive is not known."""
        placed = [fact.event.placed_at for fact in facts if isinstance(fact.event, OrderPlaced)]
        if self.archived_until and not (placed and min(placed) > self.archived_until):
            return
        yield from map(self._finding_of, sent_elsewhere(sending, facts, opened, SLACK))
        yield from map(self._finding_of, false_statements(sending, others, facts, self.shop, SLACK, cases))

    # Promise 3, after a person took over

    def _takeovers(self) -> Iterator[Finding]:
        after = 0
        while True:
            words, violations = self.database.read_now(partial(self._takeover_page, after=after))
            yield from map(self._finding_of, violations)
            if not words:
                return
            after = words[-1].id
            self._count(len(words))

    def _takeover_page(
        self, connection: Connection, after: int
    ) -> tuple[list[audit_queries.Fact], list[Violation]]:
        words = audit_queries.agent_replies(connection, self.shop_id, after)
        violations = [violation for fact in words for violation in self._spoken_over(connection, fact)]
        return words, self._sure(connection, violations)

    def _spoken_over(self, connection: Connection, fact: audit_queries.Fact) -> Iterator[Violation]:
        """What the bot sent after a person's reply, while it should have been silent."""
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
            over = fact.received_at + SLACK < began(sending) < ends
            if over and sending.template not in PERSONS and not self._may_speak(connection, fact, sending):
                yield Violation(3, "spoken_over", sending, {"replied_at": reply.at, "until": ends})

    def _may_speak(self, connection: Connection, fact: audit_queries.Fact, sending: Sending) -> bool:
        """True if the seller ended the silence that began with this reply."""
        reply = fact.event
        return isinstance(reply, AgentReplied) and audit_queries.let_speak_again(
            connection,
            self.shop_id,
            reply.channel,
            reply.conversation,
            fact.received_at,
            began(sending) + SLACK,
        )

    # Promise 9, buyer by buyer

    def _prices(self) -> Iterator[Finding]:
        after = ""
        while True:
            quotes, violations = self.database.read_now(partial(self._price_page, after=after))
            yield from map(self._finding_of, violations)
            if not quotes:
                return
            after = quotes[-1].buyer
            self._count(len(quotes))

    def _price_page(self, connection: Connection, after: str) -> tuple[list[Quote], list[Violation]]:
        audit_queries.repeatable_reads(connection)
        page = quote_records.by_buyer(connection, self.shop_id, after)
        quotes = {buyer: list(theirs) for buyer, theirs in groupby(page, key=lambda quote: quote.buyer)}
        said = audit_queries.prices_told(connection, self.shop_id, quotes)
        found = [each for buyer in quotes for each in wrong_prices(said.get(buyer, ()), quotes[buyer])]
        return page, found

    def _archived(self, at: datetime) -> bool:
        """True if events of that time may be in the archive."""
        return self.archived_until is not None and at < self.archived_until

    def _is_echo(self, sending: Sending, reply: AgentReplied, received_at: datetime) -> bool:
        names = (message_name(self.shop_id, sending.id), sending.receipt)
        if reply.relayed:
            return False
        same = reply.message_id in names or (sending.text or "").strip() == reply.text.strip()
        return same and sending.settled_at < received_at + ECHO

    # Findings

    def _finding_of(self, violation: Violation) -> Finding:
        sending = violation.sending
        at = began(sending)
        values = {"template": sending.template, "at": at, "order": sending.order, **violation.values}
        return _replace(
            self._finding(violation.promise, violation.code, values),
            message=message_name(self.shop_id, sending.id),
            key=sending.key,
            order=sending.order,
            at=at,
        )

    def _finding(self, promise: int, code: str, values: Mapping[str, object]) -> Finding:
        sentence = self.words.say("audit", code, values)
        return Finding(shop=self.shop_id, promise=promise, code=code, sentence=sentence)

    def _count(self, more: int) -> None:
        self.examined += more
        self._progress(self.shop_id, self.examined)


def _keys_of(sending: Sending) -> tuple[AddressKey, ...]:
    """What the wishes about a message's address are kept under: a mailbox by itself, any other by channel."""
    if not sending.address or not sending.channel:
        return ()
    return (sending.channel, sending.address), (EMAIL, sending.address.lower())

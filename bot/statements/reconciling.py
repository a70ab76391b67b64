"""Reconcile a statement: read all of it first, then match it, a batch of bookings in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from sqlalchemy import Connection

from bot.csv_import.faults import BadLine
from bot.domain.actions import OpenCase
from bot.domain.events import Event, PaymentReceived
from bot.domain.memos import written
from bot.domain.money import Money
from bot.domain.reconcile import Book, Candidate, Transfer, Verdict, match
from bot.domain.shop import Shop
from bot.statements.csv_lines import Context, Head
from bot.statements.lines import Booking, Ignored
from bot.statements.payables import SOURCE, awaiting, with_numbers
from bot.statements.reading import read_statement
from bot.statements.staging import Staging
from bot.texts import operator_words
from storage import case_records, inbox, order_records, transfer_records
from storage.asking import ask
from storage.inbox import inbox_event
from storage.transfer_records import TransferRecord

YOUNG = timedelta(days=7)  # money that came since is told of as of now; older money at its own time
_KEY = "transfer:"  # of the case, before the fingerprint
CANDIDATES_NAMED = 3


class Sum(msgspec.Struct):
    """How many, and how much by currency, in minor units."""

    count: int = 0
    minor: dict[str, int] = {}

    def add(self, amount: Money) -> None:
        self.count += 1
        self.minor[amount.currency] = self.minor.get(amount.currency, 0) + amount.minor


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that a person has to look at. case: None in a trial run."""

    line: int
    transfer: Transfer
    candidates: tuple[Candidate, ...]
    case: int | None = None


class Outcome(msgspec.Struct, kw_only=True):
    """What a statement came to. hows, banks: certain matches. doubts: the first MOST_DOUBTS of them."""

    lines: int = 0
    bad: int = 0
    ignored: Counter[str] = msgspec.field(default_factory=Counter)
    known: int = 0  # read before, and settled
    hows: dict[str, Sum] = {}
    doubtful: Sum = msgspec.field(default_factory=Sum)
    nothing: Sum = msgspec.field(default_factory=Sum)
    banks: dict[str, Sum] = {}
    head: Head | None = None  # of a CSV file
    doubts: list[Doubt] = []
    strangers: list[Doubt] = []  # of which nothing is known

    @property
    def certain(self) -> int:
        return sum(each.count for each in self.hows.values())


MOST_DOUBTS = 200  # shown, and no more in memory


def examine(
    path: Path,
    shop: Shop,
    bank: str | None,
    now: datetime,
    staging: Staging,
    on_bad: Callable[[BadLine], None],
    on_progress: Callable[[int], None] = lambda position: None,
) -> Outcome:
    """Read the whole statement: bookings go to `staging`, faults to `on_bad`. Raises OSError."""
    found = Outcome()
    context = Context(currency=shop.currency, zone=shop.zone(), now=now)

    def on_head(head: Head) -> None:
        found.head = head

    for read in read_statement(path, shop.banks, bank, context, on_progress, on_head):
        found.lines += 1
        match read:
            case BadLine():
                found.bad += 1
                on_bad(read)
            case Ignored():
                found.ignored[read.why] += 1
            case Booking() if read.at < now - shop.payment.keep_statements:
                found.ignored["old"] += 1
            case Booking():
                if not staging.put(read):
                    found.ignored["twice"] += 1
    return found


def examine_text(
    text: bytes,
    shop: Shop,
    bank: str | None,
    now: datetime,
    staging: Staging,
    on_bad: Callable[[BadLine], None],
) -> Outcome:
    """As `examine`, for what is no file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "statement"
        file.write_bytes(text)
        return examine(file, shop, bank, now, staging, on_bad)


class Reconciling:
    """Matches the bookings of one statement, batch by batch; `take` belongs into a transaction of its own.

    dry: nothing is written.
    """

    def __init__(
        self, shop_id: str, shop: Shop, locale: str, now: datetime, outcome: Outcome, dry: bool
    ) -> None:
        self._shop_id, self._shop, self._locale = shop_id, shop, locale
        self._now, self._outcome, self._dry = now, outcome, dry
        self._book: Book | None = None

    def take(self, connection: Connection, batch: Sequence[tuple[str, Booking]]) -> None:
        """Judge a batch, and write what follows: payments into the inbox, cases, and the lines themselves."""
        if self._book is None:
            self._book = Book(awaiting(connection, self._shop_id))
        before = transfer_records.known(connection, self._shop_id, [key for key, _ in batch])
        done = {key for key, each in before.items() if each.how not in ("doubtful", "nothing")}
        self._outcome.known += len(done)
        open_lines = {key: booking for key, booking in batch if key not in done}
        transfers = [_transfer(key, booking) for key, booking in open_lines.items()]
        self._add_named(connection, transfers, self._book)
        verdicts = match(transfers, self._book)
        cases = {key: each.case for key, each in before.items()}
        if not self._dry:
            cases |= self._open_and_close(connection, verdicts, cases)
            payments = (self._payments(each, open_lines[each.transfer.key]) for each in verdicts)
            events = [inbox_event(self._shop_id, event, self._now) for event in chain.from_iterable(payments)]
            inbox.add(connection, events)
        records = []
        for verdict in verdicts:
            booking, case = open_lines[verdict.transfer.key], cases.get(verdict.transfer.key)
            self._count(verdict, booking, case)
            records.append(self._record(verdict, booking, case))
        if not self._dry:
            transfer_records.save(connection, self._shop_id, records)

    def _add_named(self, connection: Connection, transfers: Iterable[Transfer], book: Book) -> None:
        """Orders that texts may name and that wait for no money: paid, cancelled, sent on account."""
        numbers = {number for each in transfers for number in written(each.text)}
        named = ask(connection, self._shop_id, order_records.by_number(numbers)) if numbers else []
        new = [order for order in named if order.id not in book.by_id]
        for order in with_numbers(connection, self._shop_id, new):
            book.add(order)

    def _open_and_close(
        self, connection: Connection, verdicts: Sequence[Verdict], known: Mapping[str, int | None]
    ) -> dict[str, int]:
        """Cases for what is doubtful; those of what is certain by now are over. Returns the new ones."""
        doubtful = [each for each in verdicts if each.how == "doubtful" and not known.get(each.transfer.key)]
        opened = case_records.open_many(
            connection, self._shop_id, [self._case(each) for each in doubtful], self._now
        )
        over = [each.transfer.key for each in verdicts if each.certain and known.get(each.transfer.key)]
        case_records.close(connection, self._shop_id, [f"{_KEY}{key}" for key in over], self._now)
        return {key.removeprefix(_KEY): number for key, number in opened.items()}

    def _payments(self, verdict: Verdict, booking: Booking) -> list[Event]:
        key, bank = verdict.transfer.key, booking.bank
        return [
            payment(key, each.order, each.amount, booking.at, bank, self._now, each.beside)
            for each in verdict.shares
        ]

    def _case(self, verdict: Verdict) -> OpenCase:
        transfer = verdict.transfer
        amount = f"{transfer.amount.decimal} {transfer.amount.currency}"
        named = candidates_in_words(verdict.candidates[:CANDIDATES_NAMED], self._locale)
        return OpenCase(
            kind="transfer",
            key=f"{_KEY}{transfer.key}",
            reason="transfer_unclear",
            details={
                "amount": amount,
                "booked_at": transfer.at.isoformat(),
                "payer": transfer.payer,
                "text": transfer.text,
                "candidates": named,
            },
        )

    def _count(self, verdict: Verdict, booking: Booking, case: int | None) -> None:
        outcome, amount = self._outcome, verdict.transfer.amount
        doubt = Doubt(line=booking.line, transfer=verdict.transfer, candidates=verdict.candidates, case=case)
        if verdict.certain:
            outcome.hows.setdefault(verdict.how, Sum()).add(amount)
            outcome.banks.setdefault(booking.bank, Sum()).add(amount)
            return
        counted, shown = (
            (outcome.doubtful, outcome.doubts)
            if verdict.how == "doubtful"
            else (outcome.nothing, outcome.strangers)
        )
        counted.add(amount)
        if len(shown) < MOST_DOUBTS:
            shown.append(doubt)

    def _record(self, verdict: Verdict, booking: Booking, case: int | None) -> TransferRecord:
        return TransferRecord(
            fingerprint=verdict.transfer.key,
            bank=booking.bank,
            booked_at=booking.at,
            amount=booking.amount,
            payer=booking.payer,
            text=booking.text,
            how=verdict.how,
            orders={share.order: share.amount.minor for share in verdict.shares},
            case=case,
            read_at=self._now,
        )


def payment(
    key: str, order: str, amount: Money, booked_at: datetime, bank: str, now: datetime, beside: int = 0
) -> PaymentReceived:
    """The payment that a transfer is for an order."""
    return PaymentReceived(
        channel=SOURCE,
        external_id=f"{key}:{order}",
        at=now if now - booked_at <= YOUNG else booked_at,
        order=order,
        amount=amount,
        method=bank,
        payment=key,
        source=SOURCE,
        beside=Money(beside, amount.currency) if beside else None,
    )


def _transfer(key: str, booking: Booking) -> Transfer:
    return Transfer(
        key=key,
        at=booking.at,
        latest=booking.latest,
        amount=booking.amount,
        payer=booking.payer,
        account=booking.account,
        text=booking.text,
    )


def candidates_in_words(candidates: Iterable[Candidate], locale: str) -> str:
    """1001 (memo, same sum); 1002 (same sum)."""

    def said(code: str, **values: object) -> str:
        return operator_words.say("transfers", code, locale, values)

    return said("between").join(
        said(
            "candidate",
            order=each.number,
            hints=said("comma").join(said(f"hint_{hint}") for hint in each.hints),
        )
        for each in candidates
    )

"""The order: facts merged so that the order of their arrival does not matter, and its state as a table.

Each field is a register with a rule of its own (first, last, newest snapshot, one per id); such merges can
be repeated and permuted. The state is never stored as a fact, but derived.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from bot.domain.balance import Account, as_of, back_since, covered_at, first_paid_at, last_paid_at, last_word
from bot.domain.contacts import Contacts, told
from bot.domain.derived import derived
from bot.domain.events import (
    BuyerRef,
    Line,
    Listing,
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
)
from bot.domain.giving_back import GoneBack, gone_back
from bot.domain.listings import ToldFacts, with_files, with_listing
from bot.domain.memos import memo
from bot.domain.money import Money
from bot.domain.parcel_names import joined
from bot.domain.parcels import Parcel, with_parcel
from bot.domain.payments import (
    Paid,
    Refund,
    Shown,
    authorised_since,
    partly_taken,
    standing,
    total_at,
    with_shown,
)
from bot.domain.platform_balance import in_turn
from bot.domain.registers import each_once, first, last, spread

DELETED = "deleted"  # the reason of a cancelling that may only be tidying up


class Review(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a review: a changed rating is another, and the newest of them is true."""

    id: str
    review: str  # the platform's id of it
    at: datetime  # as it was told last
    rating: int
    first_at: datetime | None = None  # its earliest time, where it was told under several


Entry = TypeVar("Entry", bound="Paid | Refund | Review")


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """What is known of an order; what follows from it is derived once, when it is asked for.

    id: ours, which is the platform's as long as no other channel's order has that one.
    channel: the one that placed the order. own_id: the platform's id, where ours is another.
    """

    id: str
    channel: str
    own_id: str | None = None
    number: str | None = None
    buyer: str | None = None  # our own id of the buyer
    contacts: Contacts | None = None  # None: stored before contacts were an order's own
    placed_at: datetime | None = None
    shown_at: datetime | None = None
    total: Money | None = None
    shop_total: Money | None = None  # the same in the shop's currency, where the buyer pays in another
    account_at: datetime | None = None  # of the newest snapshot by a system; None: stored before it was kept
    told_paid: Money | None = None  # by the platform's own word in the newest snapshot
    authorised: bool = False  # in the newest snapshot: set aside on the buyer's card, and not taken from it
    postage: Money | None = None
    tax: Money | None = None  # beside the prices
    lines: tuple[Line, ...] = ()
    postcode: str | None = None
    pay_on_delivery: bool = False  # by any snapshot
    off_delivery: bool = False  # the newest snapshot names another way to pay
    pay_by: datetime | None = None  # in the newest snapshot
    test: bool = False
    shown_money: tuple[Shown, ...] = ()  # of the snapshots, oldest first; see `with_shown`
    payments: tuple[Paid, ...] = ()
    parcels: tuple[Parcel, ...] = ()  # records: what was told under one name; see `sent`
    refunds: tuple[Refund, ...] = ()
    reviews: tuple[Review, ...] = ()
    all_delivered_at: datetime | None = None
    all_delivered_between: tuple[datetime, ...] = ()
    all_delivered_last_at: datetime | None = None  # where it was told under several times
    completed_at: datetime | None = None  # when first, since that was taken back
    completions: tuple[datetime, ...] = ()  # all of them, where there are several, or any was taken back
    uncompleted_at: datetime | None = None  # the platform took its completion back, the last time
    cancelled_at: datetime | None = None
    deleted_at: datetime | None = None
    reopened_at: datetime | None = None
    cancellations: tuple[datetime, ...] = ()  # all of them and deletions, each with a message of its own
    reopenings: tuple[datetime, ...] = ()
    reminders_ended_at: datetime | None = None  # the buyer asked not to be pressed
    cancelling_since: datetime | None = None  # they want it cancelled, and were told not to pay
    listed: tuple[Listing, ...] = ()  # what files showed, oldest first; it is in the facts above
    told: ToldFacts | None = None  # these facts without the files', where there are any

    @property
    def shown_number(self) -> str:
        return self.number or self.platform_id

    @property
    def platform_id(self) -> str:
        return self.own_id or self.id

    @derived
    def moved_at(self) -> datetime | None:
        """The newest time of any of its facts."""
        own = (self.shown_at, self.all_delivered_at, self.completed_at, self.cancelled_at, self.reopened_at)
        parts = [part.at for part in self.payments] + [part.at for part in self.refunds]
        parts += [part.at for part in self.reviews]
        parcels = (
            at
            for each in self.parcels
            for at in (each.seen_at, each.shown_at, each.delivered_at, each.cancelled_at)
        )
        return max((at for at in (self.placed_at, *own, *parts, *parcels) if at), default=None)

    @derived
    def state(self) -> str:
        return next(name for name, holds in STATES if holds(self))

    @derived
    def cancelled(self) -> bool:
        called_off_at = self.called_off_at
        if called_off_at is None:
            return False
        return self.reopened_at is None or self.reopened_at < called_off_at

    @derived
    def called_off_at(self) -> datetime | None:
        """When it was cancelled last. Deleting an order that was done is tidying up."""
        deleted_at = None if self.deleted_at is None or self.done else self.deleted_at
        return max((at for at in (self.cancelled_at, deleted_at) if at), default=None)

    @derived
    def done(self) -> bool:
        """Something was sent, or the platform closed it, or the money went back."""
        return bool(self.shipped or self.any_arrived or self.refunded_in_full)

    @property
    def paid_or_received(self) -> bool:
        """They paid or have it, or may have: any of it, or the money is set aside."""
        return bool(self.any_arrived or self.authorised or self.paid is None or self.paid.minor)

    @property
    def any_arrived(self) -> bool:
        """Or the platform closed it."""
        there = any(each.delivered_at for each in self.parcels)
        return there or bool(self.all_delivered_at or self.completed_at)

    @derived
    def shown(self) -> tuple[Shown, ...]:
        """Its money as it was shown, each showing read by the ones before it."""
        return in_turn(self.shown_money)

    @derived
    def account(self) -> Account:
        memos = (self.id, self.platform_id, self.shown_number, memo(self.shown_number))
        so_far, told_at = self.told_paid, self.account_at or self.shown_at
        newest = self.shown[-1] if self.shown else None
        if so_far is None and (shown := last_word(self.shown)):
            so_far, told_at = shown.paid, shown.at
        elif newest and newest.balance and newest.at == told_at:
            so_far = newest.paid
        return Account(
            channel=self.channel,
            total=self.total,
            shop_total=self.shop_total,
            told=so_far,
            told_at=told_at,
            shown=self.shown,
            payments=self.payments,
            refunds=self.refunds,
            memos=frozenset(memo.lstrip("#") for memo in memos),
        )

    @derived
    def first_paid_at(self) -> datetime | None:
        """When money was first told of, also if it was taken back since."""
        return first_paid_at(self.account)

    @derived
    def last_paid_at(self) -> datetime | None:
        return last_paid_at(self.account)

    @property
    def paid_since_cancelled(self) -> bool:
        cancelled_at, paid_at = self.called_off_at, self.last_paid_at
        return cancelled_at is not None and paid_at is not None and paid_at > cancelled_at

    @derived
    def authorised_at(self) -> datetime | None:
        """When its payment was first authorised, also if that was given up since."""
        times = (each.at for each in self.shown_money if each.authorised or each.given_up)
        return min(times, default=None)

    @derived
    def paid_again_at(self) -> datetime | None:
        """When the platform showed the payment again after it had shown none of it, the last time."""
        own = [each.at for each in self.payments if each.source in (None, self.channel)]
        gone, again = False, None
        for shown in self.shown:
            if shown.paid is not None and not shown.moved:
                gone = any(at <= shown.at for at in own)
            elif gone:
                gone, again = False, shown.at
        return None if gone else again

    @derived
    def ready_at(self) -> datetime | None:
        """When it was first paid in full, or authorised to be, by what holds today; None for a free order."""
        times = (self.covered_at, authorised_since(self.shown_money))
        return min((at for at in times if at), default=None)

    @property
    def authorisation(self) -> str | None:
        """held, or released once it was given up; None if money came, or nothing was authorised."""
        if self.authorised_at is None or self.first_paid_at:
            return None
        return "held" if self.authorised else "released"

    @property
    def cancelled_times(self) -> tuple[datetime, ...]:
        """When it was cancelled, each time; an order stored by an older release knows the last one only."""
        return self.cancellations or ((self.cancelled_at,) if self.cancelled_at else ())

    @property
    def completed_times(self) -> tuple[datetime, ...]:
        """When it was completed, each time, also if that was taken back."""
        return tuple(sorted({*self.completions, *([self.completed_at] if self.completed_at else [])}))

    @property
    def restored_times(self) -> tuple[datetime, ...]:
        return self.reopenings or ((self.reopened_at,) if self.reopened_at else ())

    @property
    def paid_at(self) -> datetime | None:
        """When money was first told of; None if all of it was taken back."""
        return None if self.paid and self.paid.minor == 0 else self.first_paid_at

    @derived
    def on_delivery(self) -> bool:
        """By the newest snapshot that says how it is paid; one stored by an older release says nothing."""
        ways = [(each.at, each.on_delivery) for each in self.shown_money if each.on_delivery is not None]
        return max(ways)[1] if ways else self.pay_on_delivery and not self.off_delivery

    @derived
    def paid_ahead(self) -> Money | None:
        """What came for what the carrier is to be paid while none of it was out: so not from the carrier."""
        if not self.on_delivery:
            return None
        told = [paid.at for paid in standing(self.payments)] + [each.at for each in self.shown if each.paid]
        last = max((at for at in told if not self.was_out(at)), default=None)
        paid = as_of(self.account, last).paid() if last else None
        return paid if paid and paid.minor else None

    def was_out(self, at: datetime) -> bool:
        """True if something of it had left by then, or come, and was not taken back before."""
        done = (self.all_delivered_at, *self.completed_times)
        return any(each.was_out(at) for each in self.parcels) or any(each and each <= at for each in done)

    @property
    def free(self) -> bool:
        """By the newest snapshot; a later one may have a price."""
        return self.total is not None and self.total.minor == 0

    @derived
    def paid(self) -> Money | None:
        """What is paid, by the source that tells most; None if it cannot be said."""
        return self.account.paid()

    @property
    def kept_paid(self) -> Money | None:
        """What is paid, without what had gone back before the newest of it came and covers nothing now."""
        paid, last = self.paid, self.last_paid_at
        if self.shown and self.shown[-1].balance:
            return paid  # it is told with what went back, and what is outstanding beside it
        before = tuple(each for each in self.refunds if last and each.at < last)
        if not before or paid is None:
            return paid
        void = gone_back(msgspec.structs.replace(self.account, refunds=before)).void
        return Money(max(0, paid.minor - void), paid.currency)

    @derived
    def gone_back(self) -> GoneBack:
        gone, back = gone_back(self.account), self.refunded
        if not gone.in_full or back is None or self.total is None:
            return gone
        if self.on_delivery and 0 < back.minor < self.total.minor and not self.cancelled_at:
            return _replace(gone, in_full=False, void=back.minor, before=back.minor)  # the carrier takes all
        return _replace(gone, in_full=False) if (self.outstanding or 0) > 0 else gone

    @derived
    def outstanding(self) -> int | None:
        """What is asked for by the platform's own word after money went back, in minor units; less than
        nothing where it holds too much. None if it says nothing of it, or if others know of more."""
        newest = self.shown[-1] if self.shown else None
        if newest is None or newest.balance is None or self.paid is None or self.refunded is None:
            return None
        told = newest.balance
        if (self.paid, self.refunded.minor) != (newest.paid, told.back) or (told.owed > 0 and not told.asks):
            return None
        return told.owed if told.net > 0 else None

    @property
    def counted(self) -> Money | None:
        """What is paid and covers something; None if it cannot be said."""
        paid, void = self.paid, self.gone_back.void
        return Money(max(0, paid.minor - void), paid.currency) if paid and void else paid

    @derived
    def refunded(self) -> Money | None:
        """What was given back; None if it cannot be said."""
        return self.account.refunded()

    @property
    def left(self) -> Money | None:
        """What is still owed; None if nothing is, or if it cannot be said: whether a part that went back of
        what was too little, or before the total rose, is asked for again, the seller knows."""
        gone, told = self.gone_back, self.outstanding
        if told is not None and self.total and not (self.authorised or self.partly_taken):
            return Money(told, self.total.currency) if told > 0 else None
        unknown = gone.void > gone.before + gone.surplus or self._raised_after_a_gift or self._waived
        if self.authorised or self.partly_taken or unknown:
            return None
        counted = self.counted
        rest = self.total - counted if self.total and counted else None
        return rest if rest and rest.minor > 0 else None

    @property
    def _waived(self) -> bool:
        """The platform says that something is outstanding which a refund made so: it is asked of nobody."""
        told = self.shown[-1].balance if self.shown else None
        return told is not None and told.owed > 0 and not told.asks

    @property
    def _raised_after_a_gift(self) -> bool:
        back, total = self.refunded, self.total
        if not back or not total or back.minor <= self.gone_back.void:
            return False
        then = (total_at(self.shown, back_since(refund)) for refund in standing(self.refunds))
        return any(each is not None and each.currency == total.currency and each < total for each in then)

    @property
    def overpaid(self) -> Money | None:
        """What was paid beyond the total and not given back; None if nothing was, or if it cannot be said.

        A total that is no longer what was asked for allows for what had gone back when it was shown.
        """
        paid, back, told = self.paid, self.refunded, self.outstanding
        if told is not None and self.total:
            return Money(-told, self.total.currency) if told < 0 else None
        shown = next((each for each in reversed(self.shown_money) if each.total == self.total), None)
        if shown and not shown.asked:
            later = tuple(refund for refund in self.refunds if refund.at > shown.at)
            back = _replace(self.account, refunds=later).refunded()
        rest = paid - back - self.total if paid and back and self.total else None
        return rest if rest and rest.minor > 0 else None

    @property
    def to_refund(self) -> Money | None:
        """What was paid for a cancelled order and has not gone back; None if nothing was, or if it cannot be
        said."""
        if not self.cancelled or self.refunded_in_full:
            return None
        rest = self.paid - self.refunded if self.paid and self.refunded else None
        return rest if rest and rest.minor > 0 else None

    @property
    def payment_unclear(self) -> bool:
        """Money was told of that cannot be compared with the total, or went back without a sum of more than
        that, or a part was taken of what is set aside for it."""
        unknown = self.paid is None or self.account.refund_unclear
        return self.total is not None and (unknown or self.partly_taken)

    @derived
    def partly_taken(self) -> bool:
        """A part was taken of what was authorised, and the whole is not paid: the rest is asked of nobody."""
        return partly_taken(self.shown_money) and not self.paid_in_full

    @derived
    def paid_in_full(self) -> bool:
        if self.first_paid_at is None:
            return self.free
        if self.total is None:
            return True
        if self.outstanding is not None and not self.cancelled:
            return self.outstanding <= 0
        counted = None if self.account.refund_unclear else self.counted
        return counted is not None and counted.minor > 0 and counted >= self.total

    def in_shop_money(self, money: Money | None) -> int:
        """Minor units of the shop's currency, by the order's own rate; for figures, never for words."""
        if money is None or self.test:
            return 0
        if self.shop_total is None or self.total is None or money.currency != self.total.currency:
            return money.minor
        return money.minor * self.shop_total.minor // max(1, self.total.minor)

    def rating_of(self, review: str | None) -> int | None:
        """The rating of a review as it was told last: the buyer may have changed it."""
        versions = [each for each in self.reviews if each.review == review]
        newest = max(versions, key=lambda each: (each.at, each.rating), default=None)
        return newest.rating if newest else None

    @derived
    def covered_at(self) -> datetime | None:
        """When what is paid first reached the total; None while it does not, or while no total is known."""
        if not (self.first_paid_at and self.paid_in_full):
            return None
        at = covered_at(self.account, self.gone_back.void)
        return at or (self.last_paid_at if self.outstanding is not None else None)

    @property
    def paid_minor(self) -> int:
        return self.paid.minor if self.paid else 0

    @property
    def refunded_minor(self) -> int:
        return self.refunded.minor if self.refunded else 0

    @derived
    def refunded_in_full(self) -> bool:
        """All of it went back, and no more came again."""
        return self.gone_back.in_full

    @derived
    def sends_nothing(self) -> bool:
        """There is nothing among its lines that is shipped: vouchers alone, or the buyer fetches it. Nobody
        knows without lines."""
        return bool(self.lines) and not any(line.ships > 0 <= line.price.minor for line in self.lines)

    @derived
    def parcels_by_id(self) -> dict[str, Parcel]:
        """Every parcel as a whole, also one that was taken back, by the id of each record of it."""
        return {id: parcel for parcel in joined(self.parcels) for id in parcel.ids}

    @derived
    def sent(self) -> tuple[Parcel, ...]:
        """Every parcel once, by whatever names it was told, without those that were taken back."""
        every = {parcel.id: parcel for parcel in self.parcels_by_id.values()}
        return tuple(parcel for parcel in every.values() if not parcel.taken_back)

    @derived
    def shipped(self) -> tuple[Parcel, ...]:
        return tuple(parcel for parcel in self.sent if parcel.shipped_at)

    @derived
    def arrival_unclear(self) -> bool:
        """Something arrived, by a carrier's word, that nobody sent, or that was called off before, and no
        other parcel is known to have left."""
        if (
            self.shipped
            or self.all_arrived_at
            or self.completed_at
            or self.cancelled
            or self.refunded_in_full
        ):
            return False
        return any(map(self._came_from_nowhere, self.parcels))

    def _came_from_nowhere(self, record: Parcel) -> bool:
        at, off_at = max(record.arrival_times, default=None), self.parcels_by_id[record.id].cancelled_at
        return at is not None and (off_at is None or at > off_at)

    @property
    def told_to_leave(self) -> tuple[Parcel, ...]:
        """Those that were told to leave; what is only told to be ready, nobody counted, so it counts where
        there is nothing else."""
        told = {record.id for record in self.parcels if record.shipped_at}
        return tuple(each for each in self.shipped if told & set(each.ids)) or self.shipped

    @derived
    def all_arrived_at(self) -> datetime | None:
        """When all of it was told to have arrived; None if a parcel was taken back since."""
        back = max((at for each in self.parcels_by_id.values() if (at := _back_at(each))), default=None)
        return min((at for at in self.all_delivered_times if back is None or at > back), default=None)

    @property
    def all_delivered_times(self) -> tuple[datetime, ...]:
        return each_once(self.all_delivered_at, *self.all_delivered_between, self.all_delivered_last_at)

    def has_arrived(self, parcel: Parcel) -> bool:
        return parcel.delivered_at is not None or self.all_arrived_at is not None

    @derived
    def all_shipped(self) -> bool:
        """True unless more parcels are known to follow; one parcel counts as all where nobody says."""
        return bool(self.shipped) and self._has_all_left is not False

    @property
    def surely_all_shipped(self) -> bool:
        """True if what is to be shipped was counted, or the platform says so."""
        return self._has_all_left is True

    @derived
    def _has_all_left(self) -> bool | None:
        return _complete(self.lines, self.told_to_leave, self._part_taken_back_at)

    @property
    def _part_taken_back_at(self) -> datetime | None:
        """When a parcel that was surely a part of it was taken back, the last time."""
        parts = (each for each in self.parcels_by_id.values() if each.taken_back and each.shipped_at)
        told = {record.id for record in self.parcels if record.last is False}
        return max((at for each in parts if told & set(each.ids) and (at := each.cancelled_at)), default=None)

    @derived
    def delivered_at(self) -> datetime | None:
        """When the last parcel arrived; None while any is on its way or not yet sent.

        Who closes an order may have sent the rest without a word, where more was to follow: that it came is
        not told.
        """
        if self.all_arrived_at is not None:
            return self.all_arrived_at
        if not any(record.delivered_at for record in self.parcels):
            return None
        sent = self.sent
        arrived = [parcel.delivered_at for parcel in sent if parcel.delivered_at]
        shipped_open = any(parcel.delivered_at is None for parcel in sent if parcel.shipped_at)
        sent_all = self.all_shipped if self.shipped else self.completed_at is not None
        if not arrived or shipped_open or not sent_all:
            return None
        return max(arrived)


def _back_at(parcel: Parcel) -> datetime | None:
    """When what had left was taken back, also if it left again."""
    return parcel.cancelled_at if parcel.shipped_at and (parcel.taken_back or parcel.again_at) else None


def _complete(
    lines: tuple[Line, ...], shipped: tuple[Parcel, ...], part_taken_back_at: datetime | None
) -> bool | None:
    """Whether all that is to be shipped is in these parcels: by counting each line where the platform tells
    it, else by its word, else by counting the pieces; None if nobody can say. The word that one is the last
    no longer holds once a part was taken back, until something leaves after that."""
    if not shipped:
        return False
    by_line = [line for line in lines if line.id]
    if by_line and len(by_line) == len(lines) and all(parcel.packed is not None for parcel in shipped):
        packed = Counter[str]()
        for parcel in shipped:
            packed.update(parcel.packed or {})
        return all(packed[line.id or ""] >= line.ships for line in lines)
    left_at = (at for parcel in shipped if (at := parcel.sent_at))
    if part_taken_back_at and part_taken_back_at > max(left_at, default=part_taken_back_at):
        return False
    if any(parcel.last for parcel in shipped):
        return True
    if any(parcel.last is False for parcel in shipped):
        return False
    if lines and all(parcel.pieces is not None for parcel in shipped):
        return sum(parcel.pieces or 0 for parcel in shipped) >= sum(line.ships for line in lines)
    return None


# The first row that holds is the state. Each row depends on the merged facts alone.
STATES: tuple[tuple[str, Callable[[Order], bool]], ...] = (
    ("refunded", lambda o: o.refunded_in_full),
    ("cancelled", lambda o: o.cancelled),
    ("completed", lambda o: o.completed_at is not None),
    ("delivered", lambda o: o.delivered_at is not None),
    ("shipped", lambda o: o.all_shipped),
    ("partly_shipped", lambda o: bool(o.shipped)),
    ("paid", lambda o: o.paid_in_full),
    ("payment_unclear", lambda o: o.payment_unclear),
    ("authorised", lambda o: o.authorised),
    ("on_delivery", lambda o: o.on_delivery),
    ("partly_paid", lambda o: o.paid_at is not None),
    ("unpaid", lambda o: o.placed_at is not None),
    ("unknown", lambda _: True),
)


def merge(order: Order | None, event: OrderEvent) -> Order:
    """The order with one more fact; the same facts in any sequence, with repeats, give the same order."""
    order = order or Order(id=event.order, channel=event.channel)
    if isinstance(event, OrderListed):
        return joined_with_files(_replace(order, listed=with_listing(order.listed, event.listing)))
    if order.told is None:
        return _merged(order, event)
    return joined_with_files(_merged(_replace(order, told=None, **_fields(order.told)), event))


def joined_with_files(order: Order) -> Order:
    """The order whose files were shown, or told of, anew."""
    told = order.told or ToldFacts(**{name: getattr(order, name) for name in ToldFacts.__struct_fields__})
    return _replace(order, told=told, **_fields(with_files(told, order.listed)))


def _fields(facts: ToldFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in ToldFacts.__struct_fields__}


def _merged(order: Order, event: OrderEvent) -> Order:
    ref: BuyerRef | None = getattr(event, "buyer", None)
    if ref is not None and event.channel == order.channel:  # another system may call them otherwise
        whole = isinstance(event, OrderPlaced) and not event.of_file  # a file may lack a column
        contacts = told(order.contacts or Contacts(), ref, event.at, whole)
        order = _replace(order, contacts=contacts)
    match event:
        case OrderPlaced():
            return _show(order, event)
        case PaymentReceived():
            return _replace(order, payments=_one_per_id(order.payments, _paid(event)))
        case OrderShipped() | ParcelMoved() | ParcelCancelled():
            return _replace(order, parcels=with_parcel(order.parcels, event))
        case OrderDelivered(parcel=None):
            return _deliver(order, event.at)
        case OrderDelivered():
            return _replace(order, parcels=with_parcel(order.parcels, event))
        case OrderCompleted():
            return _complete_as_of(order, event.at)
        case OrderCancelled():
            order = _replace(order, cancellations=_with_time(order.cancelled_times, event.at))
            if event.reason == DELETED:
                return _replace(order, deleted_at=last(order.deleted_at, event.at))
            return _replace(order, cancelled_at=last(order.cancelled_at, event.at))
        case OrderReopened():
            every = _with_time(order.restored_times, event.at)
            order = _complete_as_of(order, not_at=event.at) if event.not_completed else order
            return _replace(order, reopened_at=last(order.reopened_at, event.at), reopenings=every)
        case OrderRefunded():
            source = event.source or event.channel
            refund = Refund(id=event.refund, at=event.at, amount=event.amount, source=source)
            return _replace(order, refunds=_one_per_id(order.refunds, refund))
        case ReviewPosted():
            named = review_id(event)
            review = Review(id=f"{named}:{event.rating}", review=named, at=event.at, rating=event.rating)
            return _replace(order, reviews=_one_per_id(order.reviews, review))
        case _:
            return order


def _deliver(order: Order, at: datetime) -> Order:
    earliest, between, newest = spread(*order.all_delivered_times, at)
    return _replace(
        order,
        all_delivered_at=earliest,
        all_delivered_between=between,
        all_delivered_last_at=newest,
    )


def _complete_as_of(order: Order, at: datetime | None = None, not_at: datetime | None = None) -> Order:
    """A completion stands that is newer than the last taking back; the first of them counts."""
    back = max((each for each in (order.uncompleted_at, not_at) if each), default=None)
    every = tuple(sorted({*order.completed_times, *([at] if at else [])}))
    stand = [each for each in every if back is None or each > back]
    first = stand[0] if stand else None
    return _replace(
        order, completed_at=first, completions=() if list(every) == stand[:1] else every, uncompleted_at=back
    )


def _paid(event: PaymentReceived) -> Paid:
    """A payment without a name of its own is told apart by its time, sum and reference."""
    source, how_much = event.source or event.channel, event.amount.minor if event.amount else "all"
    return Paid(
        id=event.payment or f"{event.at.isoformat()} {how_much} {event.reference}",
        at=event.at,
        amount=event.amount,
        method=event.method,
        reference=event.payment or event.reference,
        source=source,
        told_at=event.told_at,
        beside=event.beside,
    )


def review_id(event: ReviewPosted) -> str:
    """The platform's id of a review; else one made of its content, so that repeats are one review."""
    return event.review or f"{event.at.isoformat()} {event.rating}"


def _show(order: Order, event: OrderPlaced) -> Order:
    """The newest snapshot wins; two with the same timestamp are ordered by content, never by arrival."""
    order = _replace(
        order,
        placed_at=first(order.placed_at, event.placed_at),
        pay_on_delivery=order.pay_on_delivery or bool(event.pay_on_delivery),
        test=order.test or event.test,
        shown_money=with_shown(order.shown_money, _shown_money(event)),
    )
    if not event.of_file:
        order = _keep_account(order, event)
    goods = Order(
        id=order.id,
        channel=order.channel,
        total=event.total,
        shop_total=event.shop_total,
        postage=event.postage,
        tax=event.tax,
        lines=event.lines,
        postcode=event.postcode,
    )
    if order.shown_at is not None and (order.shown_at, _goods(order)) >= (event.at, _goods(goods)):
        return order
    return _replace(
        order,
        shown_at=event.at,
        total=goods.total,
        shop_total=goods.shop_total,
        postage=goods.postage,
        tax=goods.tax,
        lines=goods.lines,
        postcode=goods.postcode,
    )


def _keep_account(order: Order, event: OrderPlaced) -> Order:
    """What only a system knows, as its newest snapshot has it: no file takes that away. Of two snapshots of
    one second the one in which money came is the later one."""
    shown = _replace(
        order,
        account_at=event.at,
        number=event.number,
        told_paid=event.paid,
        authorised=event.authorised,
        pay_by=event.pay_by,
        off_delivery=event.pay_on_delivery is False,
    )
    known = order.number is not None or order.told_paid is not None
    if order.account_at is None and known:  # stored before the account had a time of its own
        order = _replace(order, account_at=order.shown_at)
    return shown if order.account_at is None or _newness(order) < _newness(shown) else order


def _shown_money(event: OrderPlaced) -> Shown:
    return Shown(
        event.at,
        event.total,
        event.paid,
        event.asked,
        event.authorised,
        event.pay_on_delivery,
        event.given_up,
        event.balance,
    )


def _with_time(times: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    return tuple(sorted({*times, at}))


def _newness(order: Order) -> tuple[datetime | None, bool, bytes]:
    moved = order.told_paid is None or order.told_paid.minor > 0 or order.authorised
    account = (order.number, order.told_paid, order.authorised, order.pay_by, order.off_delivery)
    return order.account_at, moved, msgspec.json.encode(account)


def _goods(order: Order) -> bytes:
    shown = (order.total, order.postage, order.lines, order.postcode, order.shop_total)
    return msgspec.json.encode(shown if order.tax is None else (*shown, order.tax))


def _one_per_id(entries: tuple[Entry, ...], new: Entry) -> tuple[Entry, ...]:
    """Keep one entry for each id, or each version of a payment: its first word, and another's last."""
    same = [entry for entry in entries if _id(entry) == _id(new)]
    others = [entry for entry in entries if _id(entry) != _id(new)]
    told = [*same, new]
    kept = _first_word(told) if isinstance(new, Paid) else _last_word(told)
    return tuple(sorted([*others, kept], key=_id))


def _first_word(told: list[Entry]) -> Entry:
    kept = min(told, key=_age)
    last_at = max(getattr(each, "last_at", None) or each.at for each in told)
    return _replace(kept, last_at=None if last_at == kept.at else last_at)


def _last_word(told: list[Entry]) -> Entry:
    """The newest of several words of one fact, since when it is known. Who repeats a refund without its sum
    does not take the sum back."""
    kept = max(told, key=lambda each: (getattr(each, "amount", None) is not None, _age(each)))
    if isinstance(kept, Paid):
        return kept
    first_at = min(getattr(each, "first_at", None) or each.at for each in told)
    return _replace(kept, first_at=None if first_at == kept.at else first_at)


def _age(entry: Paid | Refund | Review) -> tuple[datetime, bytes]:
    told = msgspec.to_builtins(entry)
    return entry.at, msgspec.json.encode({k: v for k, v in told.items() if k not in ("first_at", "last_at")})


def _id(entry: Paid | Refund | Review) -> tuple[str, str, bytes]:
    """One name in two systems is two facts."""
    source = "" if isinstance(entry, Review) else entry.source or ""
    return entry.id, source, msgspec.json.encode(entry.amount) if isinstance(entry, Paid) else b""


_replace = msgspec.structs.replace

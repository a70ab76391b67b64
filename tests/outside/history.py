"""A run as seen from outside: what was told and acknowledged, and what each address heard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cached_property

from tests.outside.facts import Address, Fact, OrderFact, Placed

SETTLING = timedelta(seconds=10)  # at most, for which a shop waits for more words of a buyer


@dataclass(frozen=True, kw_only=True)
class Told:
    """A delivery that was answered 200. seq: its place among all that was told and heard."""

    seq: int
    acked_at: datetime
    channel: str
    delivery: str
    kind: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message that its receiver took.

    template, order: as the message itself says; None where it does not.
    values: the facts that a seller's own template printed; None where the words are the shipped ones.
    """

    seq: int
    at: datetime
    address: Address
    text: str
    template: str | None = None
    order: str | None = None
    values: dict[str, str] | None = None
    link: str | None = None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A receiver that refuses for a while. status: as it answers."""

    kind: str
    begins: datetime
    ends: datetime
    status: int


@dataclass(frozen=True, kw_only=True)
class Case:
    opened_at: datetime
    order: str | None
    who: str | None


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What the seller set, as far as a promise depends on it."""

    locale: str = "en"
    zone: str = "Europe/London"
    currency: str = "GBP"
    remind: tuple[timedelta, ...] = (timedelta(minutes=20), timedelta(hours=3))
    close: timedelta = timedelta(days=3)
    ships_within: timedelta = timedelta(days=2)
    travel: timedelta = timedelta(days=5)
    delay: timedelta = timedelta(days=5)
    review: timedelta = timedelta(days=7)
    quiet: tuple[time, time] = (time(22), time(8))
    per_day: int = 6
    takeover: timedelta = timedelta(hours=2)
    channels: tuple[str, ...] = ("webhook", "email")
    own_words: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A promise that was broken. order: the one it is about, to show its history."""

    rule: str
    when: datetime
    what: str
    order: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class History:
    """A run as seen from outside: the shop's settings, all that was told, all that was heard.

    accused: what `xiaoer audit` says of it at its end.
    """

    shop: Shop
    told: Sequence[Told]
    heard: Sequence[Heard]
    ended_at: datetime
    cases: Sequence[Case] = ()
    troubles: Sequence[Trouble] = ()
    refused: Sequence[tuple[str, datetime]] = ()  # by addresses that took nothing at that moment
    accused: Sequence[str] = ()
    others: dict[str, "History"] = field(default_factory=dict)  # the same run, told otherwise

    def facts(self, before: int | None = None) -> Iterator[tuple[int, Fact]]:
        """Each acknowledged fact with the place of its delivery, up to a place."""
        for told in self.told:
            if before is None or told.seq < before:
                for fact in told.facts:
                    yield told.seq, fact

    def read_at(self, seq: int) -> int:
        """The place up to which all may be known as the buyer's words of a place are read: a while is waited
        for more of them."""
        at = next(told.acked_at for told in self.told if told.seq == seq)
        later = (told.seq for told in self.told if told.seq > seq and told.acked_at > at + SETTLING)
        return next(later, self.told[-1].seq + 1)

    @cached_property
    def by_order(self) -> dict[str, list[tuple[int, OrderFact]]]:
        found: dict[str, list[tuple[int, OrderFact]]] = {}
        for seq, fact in self.facts():
            if isinstance(fact, OrderFact):
                found.setdefault(fact.order, []).append((seq, fact))
        return found

    @cached_property
    def by_name(self) -> dict[str, tuple[str, ...]]:
        """The orders that go by an id or a number."""
        found: dict[str, dict[str, None]] = {}
        for key, facts in self.by_order.items():
            for name in {key.partition("/")[2], *(f.number for _, f in facts if isinstance(f, Placed))}:
                found.setdefault(name, {})[key] = None
        return {name: tuple(keys) for name, keys in found.items()}

    def numbered(self, number: str) -> tuple[str, ...]:
        """The orders that somebody may mean who writes this number: #1001 and 1001 are one to people."""
        bare = number.lstrip("#").casefold()
        found = (keys for name, keys in self.by_name.items() if name.lstrip("#").casefold() == bare)
        return tuple(dict.fromkeys(key for keys in found for key in keys))

    def orders_of(self, heard: Heard) -> tuple[str, ...]:
        """The orders that a message may be about: one, unless two have numbers alike.

        Of those, a mailbox tells which is meant; a chat may have proved either.
        """
        named = self.by_name.get(heard.order or "", ())
        own = tuple(order for order in named if heard.address.value in self._mailboxes[order])
        return own or named

    @cached_property
    def _mailboxes(self) -> dict[str, set[str | None]]:
        """Every mail address that was ever told for an order."""
        return {
            order: {fact.contact.email for _, fact in facts if isinstance(fact, Placed)}
            for order, facts in self.by_order.items()
        }

    def about(self, order: str) -> list[Heard]:
        return [heard for heard in self.heard if order in self.orders_of(heard)]

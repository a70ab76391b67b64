"""Bargaining over one item with one buyer: whole minor units of one currency, and no clock of its own.

What a buyer is told depends on how many rounds their better offers have won, and on how many pieces they
want. So a price falls by a better offer alone, never rises while the bargain is remembered, and ends.
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

_replace = msgspec.structs.replace

MOST = 10**15  # minor units; beyond them nobody bargains
STEPS = 10  # a concession is a multiple of a round sum of which the whole has so many at least
ABSURD, NOTHING = 3, 10  # below a third of the least, or a tenth of what we ask, an offer is none

# fixed: no bargaining here. ask: what would you pay? step: a lower price, or that of another quantity.
# stands: nothing new. last: nothing lower will come. deal: agreed. kept: agreed before.
Kind = Literal["fixed", "ask", "step", "stands", "last", "deal", "kept"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The shop's terms for an item.

    price: of one piece. floor: what a piece must leave at least, after the coupon and postage on the shop.
    rounds: better offers that are answered with a lower price. postage: of one piece, None if nobody knows;
    several may cost as much together, or as often.
    free_postage: whether it is one of the steps. from_quantity: (pieces, percent off the price).
    coupon: percent that a buyer may take off besides. in_return: small things that are asked for, in turn.
    valid: how long a deal stands. remembered: how long a bargain is continued after its last word.
    """

    price: int
    floor: int
    rounds: int = 0
    postage: int | None = None
    free_postage: bool = False
    from_quantity: tuple[tuple[int, int], ...] = ()
    coupon: int = 0
    in_return: tuple[str, ...] = ()
    valid: timedelta = timedelta(days=1)
    remembered: timedelta = timedelta(days=30)


class Price(msgspec.Struct, frozen=True):
    """For all pieces together; without postage, which is the buyer's unless it is free."""

    minor: int
    postage_free: bool = False


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer says. amount: for all pieces; None: they name none. accepts: they take our price."""

    amount: int | None = None
    quantity: int = 1
    postage_free: bool = False
    accepts: bool = False


class Agreed(msgspec.Struct, frozen=True):
    quantity: int
    price: Price
    until: datetime


class Bargain(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a bargain stands.

    level: rounds that were won. best: the best offer so far, for how many pieces, and whether postage was to
    be free. serious: one of the offers left the floor. said, repeats: what we said last, and how often.
    """

    level: int = 0
    best: tuple[int, int, bool] | None = None
    quantity: int = 1
    serious: bool = False
    agreed: Agreed | None = None
    heard_at: datetime | None = None
    said: tuple[str, int, bool] | None = None
    repeats: int = 0


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop says. listed: what all pieces cost without bargaining. until: how long a deal stands.

    again: the very same was said before, so that other words are wanted.
    """

    kind: Kind
    quantity: int
    price: Price
    listed: int
    in_return: str | None = None
    until: datetime | None = None
    again: bool = False


def move(terms: Terms, state: Bargain, offer: Offer, now: datetime) -> tuple[Bargain, Move]:
    """Answer an offer; returns where the bargain stands then, and what to say."""
    after, said = _moved(terms, recalled(terms, state, now), offer, now)
    same = (said.kind, said.price.minor, said.price.postage_free)
    repeats = after.repeats + 1 if after.said == same else 0
    return _replace(after, said=same, repeats=repeats), _replace(said, again=repeats % 2 == 1)


def _moved(terms: Terms, state: Bargain, offer: Offer, now: datetime) -> tuple[Bargain, Move]:
    quantity = max(offer.quantity, 1)
    rungs = ladder(terms, quantity)
    said = _Turn(terms, _replace(state, heard_at=now), offer, quantity, rungs, now)
    if rungs[-1] == Price(terms.price * quantity):
        return said.state, said.answer("fixed", rungs[0])
    if state.agreed is not None:
        return said.after_deal(state.agreed)
    if offer.accepts:
        return said.accepted()
    return said.pleaded() if offer.amount is None or offer.amount <= 0 else said.offered(offer.amount)


def recalled(terms: Terms, state: Bargain, now: datetime) -> Bargain:
    """The bargain, or a new one if the last word was too long ago."""
    long_ago = state.heard_at is not None and now - state.heard_at > terms.remembered
    return Bargain() if long_ago else state


def ladder(terms: Terms, quantity: int) -> tuple[Price, ...]:
    """The prices of so many pieces: the listed one, and one for each round that is won.

    Each round gives half of what is left, and the last one the rest; none gives more than the one before.
    """
    price, least = listed(terms, quantity), _least(terms, quantity)
    if terms.price * quantity > MOST or terms.rounds <= 0:
        return (Price(terms.price * quantity),)
    left, postage = price - least, _least(terms, quantity, postage_free=True) - least
    size, before, free = _round_sum(left, terms.price), left, False
    rungs = [Price(price)]
    for number in range(1, terms.rounds + 1):
        whole = left // size
        gives = min(before, size * (whole if number == terms.rounds else (whole + 1) // 2))
        gives_postage = terms.free_postage and not free and 0 < postage <= min(left, before)
        first = number == 1 and gives <= postage <= left * 3 // 4  # where half of it would be less
        if gives_postage and (number > 1 or first):
            free, gives = True, postage
        else:
            price -= gives
        left, before = left - gives, gives
        rungs.append(Price(price, free))
    return tuple(rungs)


def listed(terms: Terms, quantity: int) -> int:
    """What so many pieces cost without bargaining. A quantity price, too, leaves the floor."""
    off = max((percent for pieces, percent in terms.from_quantity if pieces <= quantity), default=0)
    whole = terms.price * quantity
    if terms.rounds <= 0 or off <= 0:
        return whole
    return max(_up(whole * (100 - min(off, 100)), 100), _least(terms, quantity))


def leaves_floor(terms: Terms, quantity: int, price: Price) -> bool:
    """Whether so many pieces at this price leave their floor, after the coupon and postage on the shop."""
    return price.minor >= _lowest(terms, quantity, price.postage_free)


def _least(terms: Terms, quantity: int, postage_free: bool = False) -> int:
    """The least price of so many pieces; never more than the list says."""
    lowest = _lowest(terms, quantity, postage_free)
    return lowest if postage_free else min(lowest, terms.price * quantity)


def _lowest(terms: Terms, quantity: int, postage_free: bool) -> int:
    wanted = max(terms.floor, 0) * quantity + (_postage(terms) * quantity if postage_free else 0)
    left = 100 - max(terms.coupon, 0)
    return _up(100 * wanted, left) if left > 0 else max(wanted, terms.price * quantity)


def _postage(terms: Terms) -> int:
    return max(terms.postage or 0, 0)


def _up(whole: int, parts: int) -> int:
    return -(-whole // parts)


def _round_sum(left: int, price: int) -> int:
    """1, 5, 10, 50, ... minor units, so that prices fall as people say them; whole ones for a whole price."""
    size = 1
    while size * 10 * STEPS <= left:
        size *= 10
    size = size * 5 if size * 5 * STEPS <= left else size
    whole = next(unit for unit in (100, 10, 1) if price % unit == 0)
    return max(size, whole) if whole * 2 <= left else size


class _Turn(msgspec.Struct, frozen=True):
    """One turn of a bargain: the shop's terms, where it stood, and what the buyer says."""

    terms: Terms
    state: Bargain
    offer: Offer
    quantity: int
    rungs: tuple[Price, ...]
    now: datetime

    @property
    def level(self) -> int:
        return min(self.state.level, len(self.rungs) - 1)

    @property
    def price(self) -> Price:
        return self.rungs[self.level]

    @property
    def ended(self) -> bool:
        """True if no round that is left would lower the price."""
        return self.price == self.rungs[-1]

    def answer(self, kind: Kind, price: Price, until: datetime | None = None) -> Move:
        asked = self.terms.in_return
        turn = self.level if kind == "deal" else self.level - 1
        return Move(
            kind=kind,
            quantity=self.quantity,
            price=price,
            listed=self.terms.price * self.quantity,
            in_return=asked[turn] if kind in ("step", "deal") and 0 <= turn < len(asked) else None,
            until=until,
        )

    def after_deal(self, agreed: Agreed) -> tuple[Bargain, Move]:
        """A deal stands, for another quantity too, and nothing is lower after it; once it has lapsed it is
        offered again for as long."""
        valid = self.now <= agreed.until
        until = agreed.until if valid else self.now + self.terms.valid
        price = self.at_most_listed(self.agreed_price(agreed, valid))
        state = _replace(self.state, quantity=self.quantity, agreed=_replace(agreed, until=until))
        return state, self.answer("kept", price, until)

    def at_most_listed(self, price: Price) -> Price:
        """The list may have become cheaper than what was agreed."""
        most = listed(self.terms, self.quantity) + (_postage(self.terms) if price.postage_free else 0)
        return _replace(price, minor=min(price.minor, most))

    def agreed_price(self, agreed: Agreed, valid: bool) -> Price:
        """More pieces cost no more each than agreed, where the floor allows it."""
        free = agreed.price.postage_free
        each = Price(_up(agreed.price.minor * self.quantity, agreed.quantity), free)
        if self.quantity == agreed.quantity and (valid or leaves_floor(self.terms, self.quantity, each)):
            return each
        more = self.quantity >= agreed.quantity and leaves_floor(self.terms, self.quantity, each)
        lower = each.minor <= self.price.minor and free >= self.price.postage_free
        return each if more and lower else self.price

    def accepted(self) -> tuple[Bargain, Move]:
        if self.price == Price(self.terms.price * self.quantity):
            return self.state, self.answer("stands", self.price)
        return self.deal(self.price)

    def pleaded(self) -> tuple[Bargain, Move]:
        """Words alone lower nothing; another quantity has its own price."""
        state = _replace(self.state, quantity=self.quantity)
        if self.quantity != self.state.quantity and self.price != Price(self.terms.price * self.quantity):
            return state, self.answer("step", self.price)
        return state, self.answer("last" if self.ended else "ask", self.price)

    def offered(self, amount: int) -> tuple[Bargain, Move]:
        free = self.offer.postage_free and self.terms.postage != 0
        unknown = free and self.terms.postage is None  # it cannot be promised
        given = self.price.postage_free
        taken = Price(amount, not unknown and (free or given))
        worth = self.worth(taken)
        if self.pays(taken) >= self.pays(self.price):
            if self.price == Price(self.terms.price * self.quantity):
                return self.pleaded()  # it costs no more without a deal
            return (self.state, self.answer("stands", self.price)) if unknown else self.deal(self.price)
        better, state = self.is_better(amount), _replace(self.state, quantity=self.quantity)
        if better:
            state = _replace(state, best=(amount, self.quantity, self.offer.postage_free))
        least, asked = _least(self.terms, self.quantity), self.price.minor
        absurd = worth <= 0 or amount * ABSURD < least or amount * NOTHING < asked
        if self.ended or absurd or not better:
            return state, self.answer("last" if self.ended else "stands", self.price)
        return _replace(self, state=state).better(taken, unknown)

    def is_better(self, amount: int) -> bool:
        """Whether this is more for each piece than ever before, or as much without free postage."""
        if self.state.best is None:
            return True
        before, quantity, free = self.state.best
        here, there = amount * quantity, before * self.quantity
        if self.price.postage_free or free == self.offer.postage_free:
            return here > there
        postage = _postage(self.terms) * self.quantity
        return here >= there if free else here - postage * quantity > there

    def better(self, taken: Price, unknown: bool) -> tuple[Bargain, Move]:
        """Whoever is near has the price at once, or with the second offer; anybody else wins a round."""
        state = _replace(self.state, level=self.level + 1)
        won = _replace(self, state=state)
        serious = not unknown and leaves_floor(self.terms, self.quantity, taken)
        near = self.worth(taken) >= self.worth(won.price) or self.state.serious or won.ended
        unasked = won.price.postage_free and not taken.postage_free  # who offers enough wants no free postage
        if serious and (near or unasked):
            return _replace(self, state=_replace(state, level=self.level)).deal(taken)
        state = _replace(state, serious=self.state.serious or serious)
        return state, won.answer("last" if won.ended else "step", won.price)

    def deal(self, price: Price) -> tuple[Bargain, Move]:
        until = self.now + self.terms.valid
        agreed = Agreed(self.quantity, price, until)
        state = _replace(self.state, quantity=self.quantity, agreed=agreed)
        return state, self.answer("deal", price, until)

    def pays(self, price: Price) -> int:
        """What the buyer pays with postage, at least."""
        return price.minor + (0 if price.postage_free else _postage(self.terms))

    def worth(self, price: Price) -> int:
        """What a price is worth to the shop, as far as prices are compared with each other."""
        free = _least(self.terms, self.quantity, postage_free=True)
        return price.minor - (free - _lowest(self.terms, self.quantity, False) if price.postage_free else 0)

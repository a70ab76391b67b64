"""Check the prices that buyers were told, by rules apart from the bargaining: from quotes and messages alone.

Beside each such message stands what the shop wanted of the item at that time, so that later settings change
nothing. Where nothing stands there, as beside messages of older versions, nothing is judged.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from bot.domain.money import parse_money
from bot.domain.quotes import PRICES_TOLD, Goods, Quote
from bot.operations.audit.conversations import Violation, began
from storage.audit_queries import Sending

PROMISE = 9
HONOURED = "quote_seen"


class Wanted(msgspec.Struct, frozen=True):
    """What the shop wanted of an item when a price was told. floor: percent. least: the item's own floor, in
    the shop's currency. coupon: percent that may be taken off besides. off: percent for so many pieces.
    remember: seconds."""

    rounds: int
    floor: int
    currency: str
    coupon: int = 0
    off: int = 0
    least: str | None = None
    remember: float = 0


class Told(msgspec.Struct, frozen=True):
    """A price as a buyer read it, in minor units for all pieces. goods: as they were bargained over."""

    sending: Sending
    wanted: Wanted
    goods: Goods
    price: int
    listed: int
    quantity: int
    currency: str
    free: bool

    @property
    def at(self) -> datetime:
        return began(self.sending)

    @property
    def pays(self) -> int:
        """With postage, as far as it is known."""
        return self.price + (0 if self.free else self.postage)

    @property
    def postage(self) -> int:
        known = self.goods.postage
        return known.minor if known and known.currency == self.currency else 0

    @property
    def subject(self) -> object:
        """Prices of one subject are compared with each other."""
        chat = self.sending.channel, self.sending.address
        return chat, self.goods.sku, self.quantity, self.listed, self.currency, self.wanted


def wrong_prices(sendings: Sequence[Sending], quotes: Collection[Quote]) -> Iterator[Violation]:
    """Violations by the messages to one buyer about prices. quotes: this buyer's, from whatever chat."""
    told = [each for sending in sendings if (each := _told(sending, quotes))]
    for each in told:
        if _below_floor(each) and not _agreed_before(each, told):
            yield _violation("below_floor", each)
    talks: dict[object, list[Told]] = {}
    for each in sorted(told, key=lambda one: (one.at, one.sending.id)):
        talks.setdefault(each.subject, []).append(each)
    for talk in talks.values():
        yield from _of_talk(talk)
    for quote in quotes:
        yield from _of_quote(quote, sendings, told)


def _told(sending: Sending, quotes: Collection[Quote]) -> Told | None:
    noted, values = sending.facts.get("haggling"), sending.values
    if sending.template not in PRICES_TOLD or not noted:
        return None
    quote = _quote_of(sending, quotes)
    price, listed, quantity = (values.get(name) for name in ("price", "listed", "quantity"))
    if quote is None or not (isinstance(price, int) and isinstance(listed, int) and quantity):
        return None
    return Told(
        sending=sending,
        wanted=msgspec.convert(noted, Wanted),
        goods=quote.goods,
        price=price,
        listed=listed,
        quantity=int(quantity),
        currency=str(values.get("currency")),
        free=bool(values.get("postage_free")),
    )


def _quote_of(sending: Sending, quotes: Collection[Quote]) -> Quote | None:
    """By its number, else the newest about the item that had been begun by then."""
    number = sending.values.get("number")
    about = [quote for quote in quotes if quote.goods.sku == sending.values.get("sku")]
    named = [quote for quote in about if quote.shown_number == number]
    begun = [quote for quote in about if quote.opened_at <= began(sending)]
    return next(iter(named or sorted(begun, key=lambda quote: -quote.number)), None)


def _violation(code: str, told: Told, **values: object) -> Violation:
    shown = {"price": _sum(told.price, told), "item": told.goods.title, "quantity": told.quantity}
    return Violation(PROMISE, code, told.sending, shown | values, proven=True)


def _sum(minor: int, told: Told) -> str:
    money = msgspec.structs.replace(told.goods.price, minor=minor, currency=told.currency)
    return f"{money.decimal} {money.currency}"


# The floor


def _below_floor(told: Told) -> bool:
    """Whether less is left than the floor of all pieces, once the coupon is used and free postage is paid."""
    if told.price >= told.listed and not told.free:
        return False  # nothing was given
    if told.free and told.goods.postage is None:
        return True  # nobody knows what is left
    wanted = _floor(told) * told.quantity + (told.postage * told.quantity if told.free else 0)
    return told.price * (100 - told.wanted.coupon) < 100 * wanted


def _floor(told: Told) -> int:
    """Of one piece. One in other money cannot be compared, so there nothing may be given."""
    whole, own = told.listed // told.quantity, told.goods.floor
    named = [(own.minor, own.currency)] if own else []
    if told.wanted.least is not None:
        least = parse_money(told.wanted.least, told.wanted.currency, rounded=True)
        named.append((least.minor, least.currency))
    if not named:
        return -(-whole * told.wanted.floor // 100)
    if any(currency != told.currency for _, currency in named):
        return whole
    return max(minor for minor, _ in named)


def _agreed_before(told: Told, others: Sequence[Told]) -> bool:
    """Whether it only repeats a deal that was right when it was made."""
    number = told.sending.values.get("number")
    same = (told.price, told.quantity, told.free)
    return number is not None and any(
        (other.price, other.quantity, other.free) == same
        and other.at < told.at
        and other.sending.values.get("number") == number
        and not _below_floor(other)
        for other in others
    )


# A talk about one item and number of pieces, under the same terms


def _of_talk(talk: Sequence[Told]) -> Iterator[Violation]:
    first = talk[0]
    falls = int(first.wanted.off == 0 and first.price < first.listed and _is_step(first))
    for before, now in pairwise(talk):
        if now.at - before.at > timedelta(seconds=now.wanted.remember):
            falls = 0
            continue
        if now.pays > before.pays:
            yield _violation("price_rose", now, before=_sum(before.price, before))
        falls += int(now.pays < before.pays and _is_step(now))
        if falls > now.wanted.rounds:
            yield _violation("rounds_over", now, limit=now.wanted.rounds)


def _is_step(told: Told) -> bool:
    """What a deal takes off is the buyer's own offer, and no round of ours."""
    return told.sending.template != "haggle_deal"


# Quotes


def _of_quote(quote: Quote, sendings: Sequence[Sending], told: Sequence[Told]) -> Iterator[Violation]:
    named = [each for each in sendings if each.values.get("number") == quote.shown_number]
    honoured = [each for each in named if each.template == HONOURED]
    used_by = {each.order for each in honoured} | ({quote.order} if quote.order else set())
    if len(used_by) > 1:
        values = {"quote": quote.shown_number, "orders": ", ".join(sorted(map(str, used_by)))}
        yield Violation(PROMISE, "quote_twice", honoured[-1], values, proven=True)
    said = [each for each in told if each.sending in named and each.quantity == quote.quantity]
    if quote.state == "open" or not said:
        return
    last = max(said, key=lambda each: each.at)
    kept = msgspec.structs.replace(last, price=quote.price.minor, free=quote.postage_free)
    if (kept.price, kept.free) != (last.price, last.free) and _below_floor(kept):
        yield _violation("quote_below_floor", kept, quote=quote.shown_number)

"""What a buyer says about a price, before it is known for what."""

import re
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec

from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import NO_SLOTS, Meaning, Slots
from bot.domain.money import parse_money
from bot.domain.quotes import Goods
from bot.domain.talks import Detail
from handlers.haggling_words import (
    asked_for,
    number_beside,
    number_in,
    percent_off,
    pieces_asked,
    says_each,
    says_yes,
)
from handlers.normalise import normalise

MOST_PIECES = 9999
# Signs that several countries use, so that they name the currency of the shop; words like RMB do not.
SHARED_SIGNS = ("CNY", "TWD")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMERALS = {
    "两": "2",
    **{
        name: str(number)
        for names in (_WORDS, "一二三四五六七八九十")
        for number, name in enumerate(names, 1)
    },
}
_NUMERAL = re.compile(rf"[0-9]{{1,4}}|\b(?:{'|'.join(_WORDS)})\b|[一二三四五六七八九十两]")
NAMED_MONEY = ("rmb", "cny", "人民币", "人民幣", "nt", "twd", "台币", "台幣", "新台")


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """amount: as they named it; `each`: for one piece. off: percent that they want off instead.

    accepts: they take the price that they heard.
    """

    off: int | None = None
    amount: Decimal | None = None
    currency: str | None = None
    quantity: int | None = None
    postage_free: bool = False
    each: bool = False
    accepts: bool = False

    @property
    def offers(self) -> bool:
        return self.amount is not None or self.off is not None

    def pieces(self, otherwise: int = 1) -> int:
        return min(max(self.quantity or otherwise, 1), MOST_PIECES)

    def amount_for(self, goods: Goods, quantity: int) -> int | None:
        """In minor units, for all pieces. A sum is for all that the same words name; without a number of
        pieces, and no more than one costs, it is for each."""
        if self.off is not None:
            return goods.price.minor * quantity * (100 - self.off) // 100
        if self.amount is None:
            return None
        try:
            minor = parse_money(self.amount, goods.price.currency, rounded=True).minor
        except ValueError:
            return None
        each = self.each or (self.quantity is None and minor <= goods.price.minor)
        return minor * quantity if each else minor


def heard_in(meaning: Meaning, event: MessageReceived, context: Context) -> Heard:
    slots = _slots(meaning, context)
    wanted = asked_for(event.text)
    if slots.amount is None and wanted is not None:
        pieces = None if slots.quantity == wanted else slots.quantity
        slots = msgspec.structs.replace(slots, amount=wanted, quantity=pieces)
    of_title = slots.quantity is not None and _is_of_title(slots.quantity, event.text, context)
    return Heard(
        off=percent_off(event.text),
        amount=slots.amount,
        currency=_currency(slots, event.text),
        quantity=None if of_title else slots.quantity,
        postage_free=slots.postage_free,
        each=says_each(event.text),
    )


def heard_after_a_price(meaning: Meaning, event: MessageReceived, context: Context) -> Heard:
    """After a price a number alone is an offer, and a yes takes it."""
    heard = heard_in(meaning, event, context)
    if not heard.offers and heard.quantity is None:
        pieces = pieces_asked(event.text)
        amount = None if pieces else number_in(event.text)
        heard = msgspec.structs.replace(heard, amount=amount, quantity=pieces)
    elif not heard.offers and heard.quantity is not None:
        heard = msgspec.structs.replace(heard, amount=number_beside(event.text, heard.quantity))
    return msgspec.structs.replace(heard, accepts=not heard.offers and says_yes(event.text))


def written(heard: Heard) -> dict[str, Detail]:
    """As a conversation remembers it."""
    return {
        "off": heard.off,
        "amount": None if heard.amount is None else str(heard.amount),
        "currency": heard.currency,
        "quantity": heard.quantity,
        "postage_free": int(heard.postage_free),
        "each": int(heard.each),
    }


def read(about: dict[str, Any]) -> Heard:
    return Heard(
        off=about.get("off"),
        amount=Decimal(about["amount"]) if about.get("amount") else None,
        currency=about.get("currency"),
        quantity=about.get("quantity"),
        postage_free=bool(about.get("postage_free")),
        each=bool(about.get("each")),
    )


def _slots(meaning: Meaning, context: Context) -> Slots:
    """What the message names, also where its meaning is not sure."""
    if meaning.slots != NO_SLOTS or context.understood is None:
        return meaning.slots
    return next((each.slots for each in context.understood.meanings), NO_SLOTS)


def _is_of_title(quantity: int, text: str, context: Context) -> bool:
    """Whether a number of pieces is only part of the item's name: "the tea set for six"."""
    said = _counts(text)[quantity]
    titles = (title for product in context.shelf.products for title in (product.title, *product.titles))
    return said > 0 and any(_counts(title)[quantity] >= said for title in titles)


def _counts(text: str) -> Counter[int]:
    """How often each number stands in a text."""
    return Counter(int(_NUMERALS.get(word, word)) for word in _NUMERAL.findall(normalise(text)))


def _currency(slots: Slots, text: str) -> str | None:
    named = any(name in text.casefold() for name in NAMED_MONEY)
    return None if slots.currency in SHARED_SIGNS and not named else slots.currency

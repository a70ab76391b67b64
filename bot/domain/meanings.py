"""What a buyer's words mean: meanings with their probability, the reason for it, and what is to be done."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

INTENTS = (
    *("where_is_order", "when_ship", "payment_status", "how_to_pay", "i_paid"),
    *("change_address", "cancel_order", "change_order", "invoice", "return_exchange", "refund_status"),
    *("complaint", "damaged_item", "product_question", "size_fit", "material_care", "stock", "price"),
    *("discount", "postage", "contact", "opening_hours", "is_bot", "person", "hello", "thanks", "praise"),
    *("insult", "acknowledged", "no_reminders", "stop", "other"),
)  # ours; a seller's file may name more
OTHER = "other"  # what no answer fits
POLITE = frozenset({"hello", "thanks", "acknowledged"})  # said along with what is meant
# For which the shop's products are read.
ABOUT_PRODUCTS = frozenset(
    {"product_question", "size_fit", "material_care", "stock", "price", "discount", "postage"}
)
TO_A_PERSON = frozenset({"complaint", "person", OTHER})  # no answer of a machine settles these
SENTENCE_VECTOR, BASE = "(sentence vector)", "(base)"  # parts of a score that no word of the text adds

Outcome = Literal["answer", "ask", "hand_over"]


class Slots(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a message names, as it was written, compared by nobody yet: whose order it is, the caller checks.

    currency: ISO 4217, None if the sign leaves it open. offer: the amount is a price the buyer names.
    phones: E.164.
    """

    orders: tuple[str, ...] = ()
    tracking: tuple[str, ...] = ()
    amount: Decimal | None = None
    currency: str | None = None
    offer: bool = False
    quantity: int | None = None
    postage_free: bool = False
    phones: tuple[str, ...] = ()
    day: date | None = None


NO_SLOTS = Slots()


class Part(msgspec.Struct, frozen=True):
    """What one feature of the text adds to the score, or takes from it."""

    feature: str
    weight: float


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a meaning has its score. `parts`: the strongest first; with `rest` they add up to the score.

    similarity: 0 to 1, of the text and the nearest example sentence of this meaning.
    rule: the rule that found it, where it was no learned model.
    """

    parts: tuple[Part, ...] = ()
    rest: float = 0.0
    nearest: str = ""
    similarity: float = 0.0
    rule: str = ""


class Meaning(msgspec.Struct, frozen=True):
    """`probability`: 0 to 1, calibrated. `score`: what it was made from, without bounds.

    also: what else the message says.
    """

    intent: str
    probability: float
    score: float = 0.0
    reason: Reason = Reason()
    slots: Slots = NO_SLOTS
    also: tuple[str, ...] = ()


class Understanding(msgspec.Struct, frozen=True):
    """What to do with a message.

    answer: all meanings are meant, the main one first. ask: the buyer is asked which of two is meant.
    hand_over: a person reads it. guessed: the meanings are the likeliest, none of them sure.
    """

    outcome: Outcome
    meanings: tuple[Meaning, ...] = ()
    guessed: bool = False


class Before(msgspec.Struct, frozen=True):
    """What came before a message. last: the intent that was answered last. awaited: those asked for."""

    last: str | None = None
    awaited: tuple[str, ...] = ()


NOTHING_BEFORE = Before()

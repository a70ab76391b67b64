"""What understanding returns: meanings with their probability, the reason for it, and what is to be done."""

from typing import Literal

import msgspec

from bot.understanding.slots import NO_SLOTS, Slots

INTENTS = (
    *("where_is_order", "when_ship", "payment_status", "how_to_pay", "i_paid"),
    *("change_address", "cancel_order", "change_order", "invoice", "return_exchange", "refund_status"),
    *("complaint", "damaged_item", "product_question", "size_fit", "material_care", "stock", "price"),
    *("discount", "postage", "contact", "opening_hours", "is_bot", "person", "hello", "thanks", "praise"),
    *("insult", "acknowledged", "no_reminders", "stop", "other"),
)  # ours; a seller's file may name more
OTHER = "other"  # what no answer fits
POLITE = frozenset({"hello", "thanks", "acknowledged"})  # said along with what is meant
TO_A_PERSON = frozenset({"complaint", "person", OTHER})  # no answer of a machine settles these
SENTENCE_VECTOR, BASE = "(sentence vector)", "(base)"  # parts of a score that no word of the text adds

Outcome = Literal["answer", "ask", "hand_over"]


class Part(msgspec.Struct, frozen=True):
    """What one feature of the text adds to the score, or takes from it."""

    feature: str
    weight: float


class Reason(msgspec.Struct, frozen=True):
    """Why a meaning has its score. `parts`: the strongest first; with `rest` they add up to the score.

    similarity: 0 to 1, of the text and the nearest example sentence of this meaning.
    """

    parts: tuple[Part, ...] = ()
    rest: float = 0.0
    nearest: str = ""
    similarity: float = 0.0


class Meaning(msgspec.Struct, frozen=True):
    """`probability`: 0 to 1, calibrated. `score`: what it was made from, without bounds."""

    intent: str
    probability: float
    score: float = 0.0
    reason: Reason = Reason()
    slots: Slots = NO_SLOTS


class Understanding(msgspec.Struct, frozen=True):
    """What to do with a message.

    answer: all meanings are meant, the main one first. ask: the buyer is asked which of two is meant.
    hand_over: a person reads it; the first meaning is the likeliest, if there is any.
    """

    outcome: Outcome
    meanings: tuple[Meaning, ...] = ()


class Talk(msgspec.Struct, frozen=True):
    """What came before. last: the intent that was answered last. awaited: the intents that were asked for."""

    last: str | None = None
    awaited: tuple[str, ...] = ()


NOTHING_BEFORE = Talk()

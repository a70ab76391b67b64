"""Answers from what the seller wrote down, word for word, where no fact answers what is asked."""

import msgspec

from bot.domain.actions import Action, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.knowledge import Entry, Known
from bot.domain.meanings import Understanding
from bot.domain.messages import MessagePolicies
from handlers import message_policies as policy
from handlers.reading import has_words
from handlers.replies import answer

LIKE_IT = 0.45  # similarity from which on a seller's question was asked in other words
NEAR_IT = 0.55  # the same, where facts could answer too; and it must be nearer than what these are asked with
LIKELY = 0.38  # the same, where otherwise nobody but a person could answer
WORD_FOR_WORD = 0.8  # the same, where it was asked as the seller wrote it
THE_OTHER = 0.9  # similarity from which on something else was asked for sure

# What facts settle better than most texts that were written before.
BY_FACTS = frozenset(
    {
        *("where_is_order", "when_ship", "payment_status", "refund_status", "cancel_order"),
        *("change_address", "return_exchange", "discount"),
    }
)
# What the facts of an order of the buyer's own tell.
OF_AN_ORDER = frozenset(
    {"where_is_order", "when_ship", "payment_status", "refund_status", "cancel_order", "change_address"}
)
# What is sometimes heard in a question about an item that is not ordered.
GUESSED = frozenset({"complaint", "damaged_item"})
# What no text that was written before settles.
BY_NO_TEXT = frozenset(
    {
        *("i_paid", "complaint", "damaged_item", "insult", "person", "hello", "thanks", "acknowledged"),
        *("stop", "resume", "no_offers", "no_reminders"),
    }
)


def reply(understood: Understanding, event: MessageReceived, context: Context) -> list[Action] | None:
    """Answer from the entry that a message asks for; None if it asks for none as surely."""
    known = _nearest(context) if has_words(event.text) else None
    intents = {each.intent for each in understood.meanings}
    unsure = understood.guessed or understood.outcome != "answer"
    if known is None:
        return None
    if _asked_for(known, intents, context):
        return [said(known.entry, event)]
    if intents & BY_NO_TEXT and not unsure:
        return None
    nearer = max((each.reason.similarity for each in understood.meanings), default=0.0)
    if unsure:
        least = LIKELY
    elif intents & BY_FACTS:
        least = max(NEAR_IT, nearer)
    else:
        least = LIKE_IT if nearer < THE_OTHER else nearer
    return [said(known.entry, event)] if known.similarity >= least else None


def word_for_word(context: Context) -> bool:
    """Whether a message is a question of the seller's, whatever else the talk is about."""
    known = _nearest(context)
    return known is not None and known.similarity >= WORD_FOR_WORD


def _asked_for(known: Known, intents: set[str], context: Context) -> bool:
    """Whether a question of the seller's was asked nearly word for word, which no guess and no rule of the
    shop outdoes; only what an order of the buyer's own tells does, and what no text settles."""
    if intents & (BY_NO_TEXT - GUESSED) or (intents & OF_AN_ORDER and context.orders):
        return False
    about_item = bool(known.entry.products) and not intents & GUESSED
    return known.similarity >= (NEAR_IT if about_item else WORD_FOR_WORD)


def else_likely(event: MessageReceived, context: Context) -> Say | None:
    """What was written down and probably answers a message that no fact does."""
    known = _nearest(context) if has_words(event.text) else None
    return said(known.entry, event) if known and known.similarity >= LIKELY else None


def said(entry: Entry, event: MessageReceived) -> Say:
    told = answer("knowledge", event)
    return msgspec.structs.replace(told, words=dict(entry.answers), values={"entry": entry.id})


def _nearest(context: Context) -> Known | None:
    """The nearest entry about what the message is about: of a product only where that is the one in hand."""
    fitting = [known for known in context.known if _fits(known.entry, context)]
    return max(fitting, key=lambda known: (known.similarity, bool(known.entry.products)), default=None)


def _fits(entry: Entry, context: Context) -> bool:
    if not entry.products:
        return True
    shelf = context.shelf
    in_hand = shelf.products[:1] or shelf.near[:1]
    return any(entry.is_about(product) for product in in_hand)


POLICIES: MessagePolicies = {"knowledge": policy.answer()}

"""Reads a chat message: buttons, commands, wishes and politeness by rules, all else by what was learned."""

import re
from collections.abc import Callable
from datetime import date
from functools import partial

import msgspec

from bot.domain.events import MessageReceived
from bot.domain.meanings import (
    INTENTS,
    NO_SLOTS,
    NOTHING_BEFORE,
    Before,
    Meaning,
    Reason,
    Understanding,
)
from handlers.meaning import (
    MEANINGS,
    denies_payment,
    instead_of_claim,
    names_broken_page,
    only_promises,
    parts_of,
    recognise,
    says_paid,
    says_payment_failed,
)
from handlers.normalise import normalise
from handlers.order_proof import is_pair
from handlers.phrases_zh import CALLS, NO_MACHINE
from handlers.stop import refuses_stop
from handlers.taken_back import after_taking_back, corrected, disputes, without_denied

MENU = "menu:"  # the value of a button of ours: menu:where_is_order
START_LINK = 30  # characters behind /start from which on it is a link of ours, if an old one
_COMMAND = re.compile(r"^\s*/([a-z_]{1,32})(?:@\w{1,64})?(?:\s+(\S.*))?\s*$", re.IGNORECASE | re.DOTALL)

# Which commands of a chat program mean what; any other is answered with what one may ask.
COMMANDS = {"start": "resume", "stop": "stop", "help": "hello", "human": "person", "agent": "person"}

# What the rules alone decide: these words are obeyed, or say so little that nothing can be learned of them.
BY_RULES = frozenset({"stop", "resume", "no_offers", "no_reminders", "hello", "thanks", "acknowledged"})

OF_PAYING = frozenset({"i_paid", "how_to_pay", "payment_status"})

FAILING = OF_PAYING | {"payment_failed", "return_exchange"}  # which a payment that failed is taken for

BROKEN = frozenset({"damaged_item", "complaint", "other"})  # which a page that does not open is taken for

_NO = re.compile(r"\b(?:not|never|no|but)\b|[没不]|但")

CALLING = (CALLS, NO_MACHINE)  # and the names of rules that do: whoever asks for a person is not guessed at

_DENIED = Meaning("unknown", 0.0, reason=Reason(rule="denies a wish"))

# (text, locale, what came before, the shop's date) -> what it means
Understand = Callable[[str, str, Before, date | None], Understanding]


def read(
    event: MessageReceived,
    locale: str,
    before: Before = NOTHING_BEFORE,
    today: date | None = None,
    understand: Understand | None = None,
) -> Understanding:
    """Find what a message means; captions are read like any other words.

    understand: the learned part; without it phrases decide.
    """
    exact = _chosen(event) or _commanded(event.text)
    if exact:
        return Understanding("answer", (exact,))
    ruled = recognise(event.text)
    proof = is_pair(event.text)
    if proof and ruled.intent in BY_RULES:
        ruled = Meaning("unknown", 0.0)  # the "no" of "no 1001 0321" is none
    decided = ruled.reason.rule in CALLING or BY_RULES & {ruled.intent, *ruled.also}
    if not event.text.strip() or decided:
        return _told(ruled)
    reads = partial(read, locale=locale, before=before, today=today, understand=understand)
    left = _left(event, reads)
    if left is not None:
        return left
    if understand is None:
        return _told(ruled)
    learned = understand(event.text, locale, before, today)
    if proof or not has_words(event.text):
        slots = learned.meanings[0].slots if learned.meanings else NO_SLOTS
        return _told(msgspec.structs.replace(ruled, slots=slots))
    if learned.outcome == "answer" or not learned.guessed or ruled.intent == "unknown":
        return _as_said(_unless_more(learned, ruled, event.text), event.text)
    return _told(ruled)


def _left(event: MessageReceived, reads: Callable[[MessageReceived], Understanding]) -> Understanding | None:
    """What is meant once a wish is denied, taken back or corrected in these words; None if none is."""
    text = without_denied(event.text)
    after = after_taking_back(text)
    if after:
        meant = reads(msgspec.structs.replace(event, text=after))
        if meant.outcome == "answer":
            return meant  # what else follows is a detail of the wish, which stands
    elif after is not None:
        text = ""
    text = corrected(text) or text
    if text == event.text:
        return None
    if disputes(event.text):
        return _told(_DENIED)
    return reads(msgspec.structs.replace(event, text=text)) if text else _told(_DENIED)


def _unless_more(learned: Understanding, ruled: Meaning, text: str) -> Understanding:
    """What ends a talk by its tone, "I never got it", says more where the rules find that, or a no."""
    if not learned.meanings or learned.meanings[0].intent not in ("acknowledged", "thanks"):
        return learned
    if ruled.intent != "unknown":
        return _told(ruled)
    return _told(_DENIED) if _NO.search(normalise(text)) else learned


def _as_said(learned: Understanding, text: str) -> Understanding:
    """Who says that they have not paid, or asks, claims nothing; where it fails, no way of paying is asked
    for. Who will pay has not asked to hear less. "Don't stop" is no stop."""
    intents = {each.intent for each in learned.meanings}
    if "stop" in intents and refuses_stop(normalise(text)):
        return Understanding("hand_over", (Meaning("unknown", 0.0),))
    if intents & BROKEN and names_broken_page(text):
        return msgspec.structs.replace(learned, outcome="answer", meanings=(Meaning("payment_failed", 1.0),))
    if intents & FAILING and says_payment_failed(text):
        return msgspec.structs.replace(learned, outcome="answer", meanings=(Meaning("payment_failed", 1.0),))
    if "no_reminders" in intents and only_promises(text):
        return msgspec.structs.replace(learned, outcome="answer", meanings=(Meaning("how_to_pay", 1.0),))
    if not intents & OF_PAYING:
        return learned
    if "i_paid" not in intents and any(map(says_paid, parts_of(text))) and not says_paid(text):
        return Understanding("answer", (msgspec.structs.replace(learned.meanings[0], intent="i_paid"),))
    if learned.outcome == "ask" and intents <= OF_PAYING and says_paid(text):
        return Understanding("answer", (msgspec.structs.replace(learned.meanings[0], intent="i_paid"),))
    instead = instead_of_claim(text)
    if instead is None:
        return learned
    meant = OF_PAYING if instead == "payment_failed" else {"i_paid"}
    changed = {
        each.intent: each
        for each in (
            msgspec.structs.replace(each, intent=instead) if each.intent in meant else each
            for each in learned.meanings
        )
    }
    ruled = bool(intents & meant) or denies_payment(text)
    if learned.outcome == "ask" and instead in changed and ruled:  # of which no choice is left
        return _told(changed[instead])
    return msgspec.structs.replace(learned, meanings=tuple(changed.values()))


def has_words(text: str) -> bool:
    """False for numbers alone: they answer a question, and are like no sentence. Nor is a proof in words."""
    return any(map(str.isalpha, text)) or not any(map(str.isdigit, text))


def _told(ruled: Meaning) -> Understanding:
    return Understanding("hand_over" if ruled.intent == "unknown" else "answer", (ruled,))


def _chosen(event: MessageReceived) -> Meaning | None:
    chosen = event.text.removeprefix(MENU)
    if event.kind == "button" and event.text.startswith(MENU) and chosen in (*MEANINGS, *INTENTS):
        return Meaning(chosen, 1.0, reason=Reason(rule="button"))
    return None


def _commanded(text: str) -> Meaning | None:
    """/start with a link of ours that opens nothing any more asks for the order; any other greets."""
    command = _COMMAND.match(text)
    if command is None:
        return None
    name, more = command[1].casefold(), command[2] or ""
    if name == "start" and more:
        old_link = len(more) >= START_LINK
        return Meaning("where_is_order" if old_link else "hello", 1.0, reason=Reason(rule="start link"))
    return Meaning(COMMANDS.get(name, "hello"), 1.0, reason=Reason(rule="command"))

"""Understands one message: what it means, why, what it names, and whether that is sure enough to answer."""

from collections.abc import Iterable
from datetime import date

import msgspec

from bot.domain.meanings import (
    NOTHING_BEFORE,
    OTHER,
    POLITE,
    TO_A_PERSON,
    Before,
    Meaning,
    Part,
    Understanding,
)
from bot.understanding.clauses import asks_something, clauses_of, is_follow_up
from bot.understanding.folding import LONGEST
from bot.understanding.model import Model
from bot.understanding.outcomes import USUAL, Thresholds, decide
from bot.understanding.slots import slots_of

FOLLOWS, AWAITED = 3.0, 1.5  # what a talk adds to the score of an intent
BORNE_OUT = 0.05  # the least probability by the whole text of what a clause alone seems to say
BESIDE = 0.01  # the same, where it stands beside what the whole surely says
BY_ITSELF = 0.9  # the least probability of a clause that asks, whatever the whole says
ASKED, ASKED_BESIDE = (
    0.6,
    0.15,
)  # the same for a clause that asks, by itself and by the whole, where both say it
CHANGES = frozenset({"change_address", "change_order"})  # for which an order is held; they are answered alike
ONE_MATTER = CHANGES | {"cancel_order"}
NOT_ALONE = (
    ONE_MATTER | POLITE | {"postage", "refund_status", "product_question"}
)  # may be of the matter before
SHOWN = 6  # meanings of a text that are looked at
LIKELIEST = 3  # meanings that are told where it is not clear which is meant

SAID_OVER, FEW_WORDS = 30, 3  # words of a text of so few different ones that it says nothing

NOTHING = Understanding("hand_over", guessed=True)

_replace = msgspec.structs.replace


def understand(
    model: Model,
    text: str,
    language: str = "",
    before: Before = NOTHING_BEFORE,
    *,
    thresholds: Thresholds = USUAL,
    today: date | None = None,
) -> Understanding:
    """Find what a text means. Takes bounded time for any text, and never raises.

    language: the locale of the buyer, by which phone numbers without a country are read. today: the shop's
    date; without it no date is read.
    """
    text = text[:LONGEST]
    found = NOTHING if _says_over(text) else _understood(model, text, before, thresholds)
    slots = slots_of(text, language, today)
    return _replace(found, meanings=tuple(_replace(each, slots=slots) for each in found.meanings))


def _says_over(text: str) -> bool:
    """True for a few words over and over: by their weight such a text would surely mean anything."""
    words = text.split()
    return len(words) > SAID_OVER and len(set(words)) <= FEW_WORDS


def _understood(model: Model, text: str, before: Before, thresholds: Thresholds) -> Understanding:
    whole = _meanings(model, text, before)
    said = _said(model, text, whole, thresholds)
    if said and said[0].intent in ("thanks", "acknowledged"):  # a greeting is one of any words
        question = _unheard(model, text, thresholds)
        said, whole = ((), _meanings(model, question, before)) if question else (said, whole)
    if said:
        return Understanding("hand_over" if said[0].intent in TO_A_PERSON else "answer", said)
    whole = [each for each in whole if each.probability >= BORNE_OUT]
    outcome = decide(whole, thresholds)
    return Understanding(outcome, tuple(whole[: 2 if outcome == "ask" else LIKELIEST]), outcome != "answer")


def _meanings(model: Model, text: str, before: Before, least: float = BESIDE) -> list[Meaning]:
    """The meanings of a text that are as likely as `least`, the likeliest first.

    None for a text without a known feature.
    """
    scored = model.scored(text)
    if not len(scored.places):
        return []
    extra = _expected(model, text, before)
    scores = scored.scores.copy()
    for intent, part in extra.items():
        scores[model.intents.index(intent)] += part.weight
    probabilities = model.probabilities(scores)
    order = probabilities.argsort()[::-1][:SHOWN]
    likely = [place for place in order if probabilities[place] >= least]
    alike = model.similarities(scored) if likely else None
    return [
        Meaning(
            model.intents[place],
            float(probabilities[place]),
            float(scores[place]),
            model.reason(scored, model.intents[place], _of(extra, model.intents[place]), alike),
        )
        for place in likely
    ]


def _expected(model: Model, text: str, before: Before) -> dict[str, Part]:
    """What the talk adds to the score of intents: of the last one for a follow-up, and of those asked for."""
    extra = {intent: Part("(asked for)", AWAITED) for intent in before.awaited if intent in model.intents}
    if before.last in model.intents and is_follow_up(text):
        extra[before.last] = Part("(follows the last question)", FOLLOWS)
    return extra


def _of(extra: dict[str, Part], intent: str) -> list[Part]:
    return [extra[intent]] if intent in extra else []


def _said(model: Model, text: str, whole: list[Meaning], limits: Thresholds) -> tuple[Meaning, ...]:
    """All that is said surely, by the text as a whole or by a clause of it; politeness only if it is all.

    What is a person's matter comes first. Anything else that a clause tells must be borne out by the whole,
    so that "found it cheaper" after a cancellation is no bargaining; what it asks beside something sure need
    not be. A greeting before words that are not understood is not what the buyer wants, so that a clause
    never counts for it.
    """
    said = [each for each in _likeliest(whole)[:1] if _surely(each, limits)]
    first = said[0].intent if said else None
    least = BORNE_OUT if first in (None, *POLITE) else BESIDE
    likely = ({each.intent for each in whole if each.probability >= least} | TO_A_PERSON) - POLITE
    if first in ONE_MATTER:
        likely -= {each.intent for each in whole if each.probability < BORNE_OUT} & ONE_MATTER
    asked: list[Meaning] = []
    for clause in clauses_of(text):
        sure = _likeliest(_meanings(model, clause, NOTHING_BEFORE))[:1]
        borne_out = [each for each in sure if _surely(each, limits) and each.intent in likely]
        said += borne_out
        asked += [each for each in sure if not borne_out and asks_something(clause) and _is_own(each, whole)]
    best = _one_of_each([*said, *asked] if said else [])
    asked = [each for each in best if each.intent not in POLITE]
    return tuple(sorted(asked, key=lambda each: each.intent not in TO_A_PERSON)) or tuple(best)


def _is_own(meaning: Meaning, whole: list[Meaning]) -> bool:
    """True for what a question says by itself, surely or as the whole does, if it is a matter of its own."""
    if meaning.intent in NOT_ALONE or meaning.intent == OTHER:
        return False
    by_whole = next((each.probability for each in whole if each.intent == meaning.intent), 0.0)
    return meaning.probability >= (ASKED if by_whole >= ASKED_BESIDE else BY_ITSELF)


def _unheard(model: Model, text: str, limits: Thresholds) -> str | None:
    """The clause of a polite text that asks something else, though it is not understood."""
    if "?" not in text and "？" not in text:
        return None
    for clause in reversed(clauses_of(text)):
        meant = _meanings(model, clause, NOTHING_BEFORE)[:1]
        if not meant or meant[0].intent not in POLITE:
            return clause
    return None


def _likeliest(meanings: list[Meaning]) -> list[Meaning]:
    """The meanings, the first as likely as all of its matter, since these are answered alike."""
    if not meanings or meanings[0].intent not in CHANGES:
        return meanings
    of_it = sum(each.probability for each in meanings if each.intent in CHANGES)
    return [_replace(meanings[0], probability=of_it), *meanings[1:]]


def _surely(meaning: Meaning, limits: Thresholds) -> bool:
    return meaning.intent != OTHER and meaning.probability >= limits.answer


def _one_of_each(meanings: Iterable[Meaning]) -> list[Meaning]:
    """The surest of each intent, in the order in which the intents were found."""
    best: dict[str, Meaning] = {}
    for meaning in meanings:
        if meaning.intent not in best or best[meaning.intent].probability < meaning.probability:
            best[meaning.intent] = meaning
    return list(best.values())

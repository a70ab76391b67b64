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
from bot.understanding.clauses import clauses_of, is_follow_up
from bot.understanding.folding import LONGEST
from bot.understanding.model import Model
from bot.understanding.outcomes import USUAL, Thresholds, decide
from bot.understanding.slots import slots_of

FOLLOWS, AWAITED = 3.0, 1.5  # what a talk adds to the score of an intent
BORNE_OUT = 0.05  # the least probability by the whole text of what a clause alone seems to say
SHOWN = 6  # meanings of a text that are looked at
LIKELIEST = 3  # meanings that are told where it is not clear which is meant

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
    found = _understood(model, text, before, thresholds)
    slots = slots_of(text, language, today)
    return _replace(found, meanings=tuple(_replace(each, slots=slots) for each in found.meanings))


def _understood(model: Model, text: str, before: Before, thresholds: Thresholds) -> Understanding:
    whole = _meanings(model, text, before)
    said = _said(model, text, whole, thresholds)
    if said:
        return Understanding("hand_over" if said[0].intent in TO_A_PERSON else "answer", said)
    outcome = decide(whole, thresholds)
    return Understanding(outcome, tuple(whole[: 2 if outcome == "ask" else LIKELIEST]), outcome != "answer")


def _meanings(model: Model, text: str, before: Before, least: float = BORNE_OUT) -> list[Meaning]:
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

    What is a person's matter comes first. Anything else that a clause says must be borne out by the whole, so
    that "found it cheaper" after a cancellation is no bargaining. A greeting before words that are not
    understood is not what the buyer wants, so that a clause never counts for it.
    """
    said = [each for each in whole[:1] if _surely(each, limits)]
    likely = ({each.intent for each in whole} | TO_A_PERSON) - POLITE
    for clause in clauses_of(text):
        sure = _meanings(model, clause, NOTHING_BEFORE, limits.answer)[:1]
        said += [each for each in sure if _surely(each, limits) and each.intent in likely]
    best = _one_of_each(said)
    asked = [each for each in best if each.intent not in POLITE]
    return tuple(sorted(asked, key=lambda each: each.intent not in TO_A_PERSON)) or tuple(best)


def _surely(meaning: Meaning, limits: Thresholds) -> bool:
    return meaning.intent != OTHER and meaning.probability >= limits.answer


def _one_of_each(meanings: Iterable[Meaning]) -> list[Meaning]:
    """The surest of each intent, in the order in which the intents were found."""
    best: dict[str, Meaning] = {}
    for meaning in meanings:
        if meaning.intent not in best or best[meaning.intent].probability < meaning.probability:
            best[meaning.intent] = meaning
    return list(best.values())

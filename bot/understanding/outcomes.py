"""Decides from probabilities: answer, ask which of two is meant, or hand over to a person."""

from collections.abc import Iterable, Sequence

import msgspec

from bot.domain.meanings import POLITE, TO_A_PERSON, Meaning, Outcome
from bot.understanding.model import Model

WISHED = 0.9  # the share of answers that should be right
ENOUGH = 30  # judged messages, from which on they say more than the examples do
FLATTERING = 1.25  # examples are more like each other than what buyers write is like them: errors count more
NEVER_BELOW, NEVER_ABOVE = 0.3, 0.95
SECOND_AT_LEAST = 0.12  # a less likely second meaning is not worth a question


class Thresholds(msgspec.Struct, frozen=True):
    """answer: the least probability of a meaning that is answered. ask: of the two likeliest together."""

    answer: float = 0.6
    ask: float = 0.75


USUAL = Thresholds()


class Judged(msgspec.Struct, frozen=True):
    """A message that a seller looked at: how sure we were of the meaning, and whether it was right."""

    probability: float
    right: bool


def thresholds_for(model: Model, judged: Sequence[Judged] = (), wished: float = WISHED) -> Thresholds:
    """The thresholds for the wished share of right answers, 0 to 1: by what the seller judged, if that is
    enough, and otherwise by the examples when they were not seen."""
    if len(judged) < ENOUGH:
        pairs = zip(model.learned.sureness, model.learned.right, strict=True)
        judged = [Judged(float(sureness), bool(right)) for sureness, right in pairs]
        wished = 1 - (1 - wished) / FLATTERING
    answer = least_sureness(judged, wished)
    return Thresholds(answer, min(answer, USUAL.ask))


def least_sureness(judged: Iterable[Judged], wished: float) -> float:
    """The lowest probability from which on the wished share was right, within bounds."""
    best, right = NEVER_ABOVE, 0
    ordered = sorted(judged, key=lambda each: -each.probability)
    for number, each in enumerate(ordered, start=1):
        right += each.right
        if right >= wished * number:
            best = each.probability
    return min(NEVER_ABOVE, max(NEVER_BELOW, best))


def decide(likeliest: Sequence[Meaning], thresholds: Thresholds) -> Outcome:
    """The outcome for meanings of one text, the likeliest first."""
    if not likeliest or likeliest[0].intent in TO_A_PERSON:
        return "hand_over"
    first = likeliest[0]
    if first.probability >= thresholds.answer:
        return "answer"
    second = likeliest[1] if len(likeliest) > 1 else None
    if second is None or second.probability < SECOND_AT_LEAST:
        return "hand_over"
    if {first.intent, second.intent} & (TO_A_PERSON | POLITE):
        return "hand_over"
    return "ask" if first.probability + second.probability >= thresholds.ask else "hand_over"

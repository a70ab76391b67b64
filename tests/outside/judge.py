"""The judge: all rules by name, over one history."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tests.outside.history import Finding, History
from tests.outside.rules import (
    accused,
    arrival,
    asking,
    hours,
    identities,
    missing,
    money,
    once,
    owed,
    parcels,
)

Rule = Callable[[History], Iterable[Finding]]

RULES: dict[str, Rule] = {
    "crossing": identities.crossing,
    "stop": identities.stops,
    "strangers": identities.silence,
    "guessing": identities.guessing,
    "reminders": asking.reminders,
    "looking-back": asking.looking_back,
    "first-things": asking.first_things,
    "changed-total": asking.changed_total,
    "sums": money.sums,
    "thanks": money.thanks,
    "amounts": money.named_amounts,
    "twice": once.twice,
    "per-fact": once.per_fact,
    "cancelled": once.cancellations,
    "tests": once.tests_only,
    "own-words": once.own_words,
    "parcels": parcels.true_words,
    "one-parcel": parcels.one_parcel,
    "corrections": parcels.corrections,
    "promises": parcels.nothing_promised,
    "quiet-hours": hours.quiet_hours,
    "caps": hours.caps,
    "takeover": hours.takeover,
    "reviews": hours.reviews,
    "confirmed": missing.confirmations,
    "announced": owed.announced,
    "acknowledged": owed.acknowledged,
    "given-back": owed.given_back,
    "called-off": owed.called_off,
    "late-cases": owed.late_cases,
    "taken-back": owed.taken_back,
    "to-go-back": owed.to_go_back,
    "reviews-asked": owed.reviews_asked,
    "restored": missing.restorings,
    "answered": missing.answers,
    "proved": missing.proofs,
    "any-order": arrival.any_order,
    "accused": accused.accused,
}


def judge(history: History, names: Iterable[str] = RULES) -> Iterator[Finding]:
    """Every promise that was broken, rule by rule."""
    for name in names:
        for finding in RULES[name](history):
            yield replace(finding, rule=name)

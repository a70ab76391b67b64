"""Decide whether a message may be sent now, by priority, quiet hours, caps, stop and takeover."""

from datetime import datetime, timedelta

import msgspec

from bot.domain.hours import quiet_until
from bot.domain.messages import Address, DueMessage, Facts, MessagePolicy, Reason
from bot.domain.payment_term import OPEN, TOLD_BY

# A smaller number goes first, among the due messages of one buyer.
PRIORITY = {
    category: rank
    for rank, category in enumerate(
        ("answer", "service", "payment", "shipping", "review", "visit", "promotion", "greeting")
    )
}

RESTORED = "restored"
FIRST = (TOLD_BY, RESTORED)  # what is said of an order before what follows from it
IN_TURN = (*FIRST, "total_changed")  # before thanks for a payment that names what is left of the new total
# One of several words for one fact is the right one, and which it is changes with what is told later.
MAY_CHANGE = ("refund_told_otherwise", "order_not_delivered")
FIRST_THINGS = timedelta(minutes=10)  # so long a message waits for one that belongs before it
LOOK_AGAIN = timedelta(seconds=20)


class Send(msgspec.Struct, frozen=True):
    address: Address


class Hold(msgspec.Struct, frozen=True):
    until: datetime
    why: Reason


class Skip(msgspec.Struct, frozen=True):
    """anew: what led to it is to be answered by the facts of now."""

    why: Reason
    anew: bool = False


Verdict = Send | Hold | Skip


def judge(due: DueMessage, policy: MessagePolicy, facts: Facts, now: datetime) -> Verdict:
    """Decide what to do with a due message, by the facts at `now` (aware).

    First what ends it for good, then what only delays it; what may be so again by the morning is not ended by
    night. A delay past the message's own lateness skips it
    with the delay's reason.
    """
    ended = (
        _stopped(due, facts)
        or _answered(due, facts, now)
        or too_late(due.due_at, due.lateness, now)
        or _unwanted(due, facts)
    )
    if ended:
        return Skip(ended)
    if outdated := policy.why_outdated(due, facts, now):
        night = _quiet(due, facts, now) if outdated.code in MAY_CHANGE else None
        if night and night.until <= due.due_at + due.lateness:
            return night
        return Skip(outdated, anew=policy.answered_anew)
    held = (None if policy.over_person else _human(facts, now)) or _early(due, policy, facts, now)
    if held is None and not _is_fresh(due, policy, now):
        held = _quiet(due, facts, now) or _full(due, facts, now)
    if held:
        return held if held.until <= due.due_at + due.lateness else Skip(held.why)
    if not facts.addresses:
        return Skip(Reason("no_way", {"other": True} if due.unlike else {}))
    return Send(facts.addresses[0])


def _stopped(due: DueMessage, facts: Facts) -> Reason | None:
    """A stop does not hold back answers, because the buyer asked."""
    if due.category == "answer" or not facts.standing.stopped:
        return None
    return Reason("stopped", {"stopped_at": facts.standing.stopped_at})


def too_late(due_at: datetime, lateness: timedelta, now: datetime) -> Reason | None:
    """The reason to skip a message that is later than its lateness allows."""
    if now <= due_at + lateness:
        return None
    return Reason("too_late", {"due_at": due_at, "lateness": int(lateness.total_seconds())})


def _answered(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """An answer that is late, but a person has talked in its place."""
    until = _human_until(facts)
    if due.category != "answer" or until is None or until <= due.due_at:
        return None
    return Reason("human_talks", {"until": until}) if too_late(due.due_at, due.lateness, now) else None


def _unwanted(due: DueMessage, facts: Facts) -> Reason | None:
    if due.category == "promotion" and facts.standing.agrees is not True:
        return Reason("not_agreed")
    return None


def _human(facts: Facts, now: datetime) -> Hold | None:
    until = _human_until(facts)
    if until is None or until <= now:
        return None
    return Hold(until, Reason("human_talks", {"until": until}))


def _human_until(facts: Facts) -> datetime | None:
    return max((chat.human_until for chat in facts.conversations if chat.human_until), default=None)


def _early(due: DueMessage, policy: MessagePolicy, facts: Facts, now: datetime) -> Hold | None:
    """First things first, within an order; then what the message's own policy waits for."""
    limit = due.created_at + FIRST_THINGS
    if due.order and now < limit and _is_ahead(due, policy, facts):
        until = min(now + LOOK_AGAIN, limit)
        return Hold(until, Reason("first_things", {"until": until}))
    early = policy.not_before(due, facts, now) if policy.not_before else None
    return Hold(*early) if early else None


def _is_ahead(due: DueMessage, policy: MessagePolicy, facts: Facts) -> bool:
    """True while what belongs before this is to be said: the confirmation, also before anybody planned it,
    and that the order is on again."""
    if policy.waits_for is None:
        return False
    planned = {said.template for said in facts.said}
    still = {said.template for said in facts.said if said.state in OPEN}
    on_again = RESTORED in still and due.template != RESTORED
    return policy.waits_for not in planned or policy.waits_for in still or on_again


def _is_fresh(due: DueMessage, policy: MessagePolicy, now: datetime) -> bool:
    return due.due_at <= now < due.due_at + policy.fresh


def _quiet(due: DueMessage, facts: Facts, now: datetime) -> Hold | None:
    """Quiet hours do not hold back answers, because who asks is awake."""
    if due.category == "answer":
        return None
    zone = facts.shop.zone(facts.buyer.timezone)
    until = quiet_until(now, facts.shop.quiet_hours, zone)
    return Hold(until, Reason("quiet_hours", {"until": until, "timezone": zone.key})) if until else None


def _full(due: DueMessage, facts: Facts, now: datetime) -> Hold | None:
    limits = facts.shop.limits
    if due.category == "answer":
        return None
    offer = due.category == "promotion" and not due.values.get("test")
    if offer and facts.promotions_in_week >= limits.promotions_per_week:
        until = facts.promotions_in_week_until or due.due_at + 2 * due.lateness
        return Hold(max(until, now), Reason("promotions_full", {"limit": limits.promotions_per_week}))
    if facts.sent_in_day >= limits.per_day:
        until = max(facts.sent_in_day_until or now, now)
        return Hold(until, Reason("day_full", {"limit": limits.per_day, "until": until}))
    return None

"""Complaints: taken at once with a number and a day, to the owner where that is wiser, told when decided."""

import re
from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import Action, CallHuman, KeepTalk, OpenCase, Say, TellSeller, Value
from bot.domain.complaints import OVER as OVER
from bot.domain.complaints import SOON as SOON
from bot.domain.complaints import decided_by
from bot.domain.context import Case, Context
from bot.domain.events import CaseSettled, MessageReceived, TimeCame
from bot.domain.meanings import Meaning
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.money import Money, parse_money
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import message_policies as policy
from handlers import return_news
from handlers.alarm import alarm_in, is_harm
from handlers.awaited import noted, wants_answer
from handlers.causes import OTHER, cause_of, concern_of
from handlers.late_shipping import is_late
from handlers.normalise import normalise
from handlers.order_proof import numbers_in, only_numbers
from handlers.order_wishes import says_only
from handlers.questions import Answers, Question, Questions
from handlers.replies import answer, quoted
from handlers.validity import amount, cancelled, iso, refunded_in_full
from handlers.vip import standing, tier_of
from handlers.which_order import named_order, own_order

COMPENSATED = ("late", "damaged", "missing")  # what the bot itself may make good, where the shop lets it
DECIDED = "decided"  # the question whether that settles it
AT_ONCE = timedelta(days=1)  # after a decision, within which words of no other meaning are about it
# What an answer to a decision may be taken for.
_VAGUE = frozenset(("unknown", "other", "complaint", "insult", "damaged_item"))
_NOT_SETTLED = re.compile(
    r"不(?:太|怎么|能|可)?(?:满意|接受|同意|认可|认同|公平|合理|行|够|可以)|没有?解决|太少"
    r"|\bnot (?:\w+ ){0,2}(?:happy|satisfied|enough|acceptable|ok(?:ay)?|fair|right|good|solved|settled"
    r"|resolved|accept)\b|\b(?:unacceptable|unhappy|dissatisfied|disagree|too little)\b"
    r"|\b(?:does|did) not (?:settle|solve|resolve|help|work)|^\W*no(?:pe)?\W*$"
)


def complaint(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Open a case and acknowledge it; while one is open, what they write stands in it."""
    order, plain = own_order(event, context, None), normalise(event.text)
    named = named_order(numbers_in(event.text), context)
    known = _open_complaint(named, context)
    if known is not None:
        return [noted(known.key, event, context)]
    cause = cause_of(plain)
    if cause == OTHER and meaning.intent == "damaged_item":
        cause = "damaged"
    return _taken(cause, _concern(plain, order, context), order, event, context)


def alarmed(event: MessageReceived, context: Context) -> list[Action]:
    """Take what is the owner's at once, whatever the talk is about; [] for other words.

    Once a day for a chat and a concern: what follows stands in the case.
    """
    plain = normalise(event.text)
    concern = alarm_in(plain)
    if concern is None:
        return []
    day = context.now.astimezone(context.shop.zone()).date().isoformat()
    key = f"alarm:{event.channel}:{event.conversation}:{concern}:{day}"
    if any(case.key == key for case in context.cases):
        return [noted(key, event, context)]
    template = "harm_taken" if is_harm(concern) else "complaint_taken"
    if any(case.key.startswith(f"alarm:{event.channel}:{event.conversation}:") for case in context.cases):
        template = "noted"  # they have read what comes first; the owner hears of this too
    order = own_order(event, context, None)
    return _taken(cause_of(plain), concern, order, event, context, key, template)


def insult(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Answer once a day, firm and polite, and call a person; a complaint beside it is answered instead."""
    if {"complaint", "damaged_item"} & set(meaning.also):
        return []
    day = context.now.astimezone(context.shop.zone()).date().isoformat()
    said = msgspec.structs.replace(
        answer("insulted", event), key=f"insulted:{event.channel}:{event.conversation}:{day}"
    )
    return [said, CallHuman(reason="insulted", details=quoted(event))]


def warn(event: TimeCame, context: Context) -> list[Action]:
    """Tell the seller that a complaint is to be decided soon, or should have been by now."""
    case = context.case
    if case is None or not case.open or case.due_at is None or not _is_of(event, case):
        return []
    details: dict[str, Value] = {"due_at": iso(case.due_at)}
    late = event.what == OVER
    return [
        TellSeller(case=case.number, key=event.external_id, reason=event.what, details=details, to_owner=late)
    ]


def tell_outcome(event: CaseSettled, context: Context) -> list[Action]:
    """Tell the buyer how their complaint was settled, or their case where the seller said how."""
    case = context.case
    decided = event.outcome is not None or event.refund is not None
    if case is None or context.buyer is None:
        return []
    if not (case.kind == "complaint" or decided):
        return return_news.tell_settled(case)
    told: dict[str, Value] = {"case": case.number, "outcome": event.outcome}
    if event.refund:
        told |= {"amount_minor": event.refund.minor, "currency": event.refund.currency}
    key = f"complaint_settled:{case.number}:{case.reopened}"
    about = None if case.chat else case.order  # so that it goes to this order's own contacts
    said = Say(template="complaint_settled", key=key, order=about, to=case.chat, values=told)
    if context.conversation is None:
        return [said]
    until = context.now + context.shop.complaints.reopen_within
    asked = Asked(DECIDED, context.now, until, {"order": case.order, "kind": case.kind})
    return [said, KeepTalk(talk=msgspec.structs.replace(context.conversation.talk, asked=asked))]


def _not_settled(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    """Who is not content with a decision, which asked for their word, complains again, or hears of a
    person."""
    if event.kind != "text" or not says_only(meaning, _VAGUE) or only_numbers(event.text):
        return None
    told = context.now - asked.at < AT_ONCE and not wants_answer(event.text)
    if not (told or _NOT_SETTLED.search(normalise(event.text))):
        return None
    order = next((each for each in context.orders if each.id == asked.about.get("order")), None)
    if asked.about.get("kind") == "complaint":
        return _taken(OTHER, None, order, event, context)
    again = CallHuman(reason="wrote_again", details=quoted(event), order=order.id if order else None)
    return [answer("human_coming", event), again]


def _taken(
    cause: str,
    concern: str | None,
    order: Order | None,
    event: MessageReceived,
    context: Context,
    key: str = "",
    template: str = "complaint_taken",
) -> list[Action]:
    due_at = decided_by(max(event.at, context.now), context.shop)
    key = key or f"complaint:{event.channel}:{event.external_id}"
    about: dict[str, Value] = {"cause": cause, "order": order.shown_number if order else None}
    if concern:
        about["concern"] = concern
    opened = OpenCase(
        kind="complaint",
        key=key,
        reason="complained",
        details={**about, **quoted(event)},
        order=order.id if order else None,
        cause=cause,
        due_at=due_at,
    )
    told: dict[str, Value] = {"cause": cause, "decide_by": iso(due_at)}
    said = msgspec.structs.replace(answer(template, event), values=told, case=key)
    return [opened, said, *_made_good(cause, concern, order, event, context)]


def _made_good(
    cause: str, concern: str | None, order: Order | None, event: MessageReceived, context: Context
) -> list[Action]:
    """Promise what the shop lets the bot promise, once for an order and never more than was paid for it. A
    cancelled order is paid back as a whole, and what is said to be late may not be."""
    limit, currency = context.shop.complaints.compensation, context.shop.currency
    if not limit or concern or cause not in COMPENSATED or order is None or order.paid is None:
        return []
    most = parse_money(str(limit), currency)
    if order.paid.currency != currency or order.paid.minor <= 0 or order.refunds or order.cancelled:
        return []
    if cause == "late" and not is_late(order, context.shop, context.now):
        return []
    sum_ = Money(min(most.minor, order.paid.minor), currency)
    key = f"compensation:{order.id}"
    details: dict[str, Value] = {"order": order.shown_number, "amount": amount(sum_)}
    told: dict[str, Value] = {"amount_minor": sum_.minor, "currency": currency}
    said = msgspec.structs.replace(answer("compensation", event), key=key, values=told)
    due = OpenCase(
        kind="compensation", key=key, reason="compensation_promised", details=details, order=order.id
    )
    return [due, said]


def _concern(plain: str, order: Order | None, context: Context) -> str | None:
    """Why a complaint goes straight to the owner."""
    shop, found = context.shop, concern_of(plain)
    if found:
        return found
    large = shop.complaints.large_sum
    worth = order.shop_total or order.total if order else None
    if large is not None and worth and worth.currency == shop.currency and worth.decimal > large:
        return "large_sum"
    bought = standing(context.orders, context.now, shop.vip.period, shop.currency)
    is_vip = (
        tier_of(bought.orders, bought.spent, shop.currency, shop.vip.tiers, context.kept_tier) is not None
    )
    return "vip" if is_vip and shop.complaints.vip_to_owner else None


def _open_complaint(named: Order | None, context: Context) -> Case | None:
    """The complaint in which the words stand; one about another order than they name is none."""
    for case in context.cases:
        if case.kind == "complaint" and case.open and (named is None or case.order in (None, named.id)):
            return case
    return None


def _is_of(event: TimeCame, case: Case) -> bool:
    """False for a deadline that was set before the case was opened again."""
    return event.external_id.rpartition(":")[2] == str(case.reopened)


QUESTIONS: Questions = {DECIDED: Question(AT_ONCE, _not_settled)}

ANSWERS: Answers = {"complaint": complaint, "damaged_item": complaint, "insult": insult}


def why_not_compensated(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """Nothing is paid on top of a whole refund."""
    return cancelled(facts.order) or refunded_in_full(facts.order) if facts.order else None


POLICIES: MessagePolicies = {
    "complaint_taken": policy.answer(
        variables=("cause", "decide_by"),
        samples=tuple(
            {"case": 12, "cause": cause, "decide_by": "2026-12-02T15:59:59+00:00"}
            for cause in ("damaged", "late", "wrong_item", "missing", "quality", "price", "service", "other")
        ),
    ),
    "harm_taken": policy.answer(variables=("case",), samples=({"case": 12},)),
    "compensation": policy.answer(
        variables=("amount",),
        samples=({"amount_minor": 500, "currency": "CNY"},),
        check=why_not_compensated,
        anew=False,
    ),
    "insulted": policy.answer(),
    "complaint_settled": policy.persons(
        variables=("case",),
        samples=(
            {"case": 12, "outcome": "We have sent you a new cup."},
            {"case": 12, "outcome": None},
            {"case": 12, "outcome": None, "amount_minor": 1500, "currency": "CNY"},
        ),
    ),
}

REASONS: Reasons = {
    "complained": ("cause", "order", "concern", "text"),
    "compensation_promised": ("order", "amount"),
    "insulted": ("text",),
    SOON: ("due_at",),
    OVER: ("due_at",),
}

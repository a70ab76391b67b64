"""What the shop promised: noted, the seller warned in time, and a miss made good before the buyer asks."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, CaseKind, CloseCase, OpenCase, Say, TellSeller, Value
from bot.domain.context import Context
from bot.domain.events import TimeCame
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.money import Money, parse_money
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.service_promises import DUE as DUE
from bot.domain.service_promises import SOON as SOON
from bot.domain.service_promises import (
    Course,
    deadline,
    look_back,
    noted,
    of_case,
    of_order,
    state_of,
    warned_at,
)
from bot.domain.shop import ServicePromise, in_language
from handlers import message_policies as policy
from handlers.late_shipping import taken_back
from handlers.validity import amount, cancelled, iso, refunded_in_full

FORGOTTEN = timedelta(days=7)  # of an older miss nobody hears: it comes from an import
KIND: CaseKind = "promise"


def watch(order: Order, context: Context) -> list[Action]:
    """Note how each promise about this order stands, and when to look again."""
    return [
        action
        for name, promise in context.shop.promises.items()
        if not promise.of_cases
        for action in _watched(name, promise, order, context)
    ]


def _watched(name: str, promise: ServicePromise, order: Order, context: Context) -> list[Action]:
    course = of_order(promise, order, context.shop, _is_held(order, context))
    now_stands = noted(name, course, context.now, order=order.id)
    if course is None or course.done_at or now_stands.state == "withdrawn":
        mine = f"{KIND}:{name}:{order.id}:"
        over: list[Action] = [CloseCase(key=case.key) for case in context.cases if case.key.startswith(mine)]
        if course is None or now_stands.state != "missed":
            return [now_stands, *over]
        return [now_stands, *over, look_back(name, course.due_at, order=order.id)]
    again = {max(at, course.due_at) for at in taken_back(order)}  # it may be missed since
    looks = [look_back(name, at, order=order.id) for at in sorted({course.due_at, *again})]
    warned = warned_at(promise, course.since, context.shop)
    looks += [deadline(SOON, name, warned, order=order.id)] if warned else []
    return [now_stands, *looks]


def warn(event: TimeCame, context: Context) -> list[Action]:
    """Tell the seller while the promise can still be kept."""
    name, course = _of(event, context)
    if course is None or state_of(course, context.now) != "open":
        return []
    details: dict[str, Value] = {"promise": name, "due_at": iso(course.due_at)}
    if context.order is None:
        number = context.case.number if context.case else 0
        return [TellSeller(case=number, key=event.external_id, reason="promise_soon", details=details)]
    order = context.order
    details["order"] = order.shown_number
    key = f"{KIND}:{name}:{order.id}:{int(course.due_at.timestamp())}"
    return [OpenCase(kind=KIND, key=key, reason="promise_soon", details=details, order=order.id)]


def judge(event: TimeCame, context: Context) -> list[Action]:
    """Note whether it was kept; make good what was missed, once."""
    name, course = _of(event, context)
    if course is None:
        return []
    now = max(context.now, event.at)
    order, case = context.order, context.case
    about = {"order": order.id} if order else {"case": case.number if case else None}
    now_stands = noted(name, course, now, **about)
    if now_stands.state == "open":  # the settings give it longer than they did
        return [now_stands, look_back(name, course.due_at, **about)]
    if now_stands.state != "missed" or now - course.due_at > FORGOTTEN:
        return [now_stands]
    promise = context.shop.promises[name]
    if order is None:
        return [now_stands, *_case_missed(name, promise, event, context)]
    return [now_stands, *_order_missed(name, promise, course, order, context)]


def _case_missed(name: str, promise: ServicePromise, event: TimeCame, context: Context) -> list[Action]:
    """The seller hears of it, unless they do as a complaint's time is over; the buyer waits for a person."""
    case = context.case
    if case is None or not case.open or case.due_at is not None:
        return []
    told: dict[str, Value] = {"promise": name}
    return [TellSeller(case=case.number, key=event.external_id, reason="promise_missed", details=told)]


def _order_missed(
    name: str, promise: ServicePromise, course: Course, order: Order, context: Context
) -> list[Action]:
    concern = _concern(promise, order, context)
    details: dict[str, Value] = {"promise": name, "order": order.shown_number}
    found: list[Action] = []
    if concern:
        key = f"{KIND}_missed:{name}:{order.id}"
        about = {**details, "concern": concern}
        found.append(OpenCase(kind=KIND, key=key, reason="promise_missed", details=about, order=order.id))
    if not promise.apologise:
        return found
    told: dict[str, Value] = {
        "promise": name,
        "promised": promise.until.partition(".")[2],
        "promised_by": iso(course.due_at),
    }
    key, sum_ = f"{DUE}:{name}:{order.id}", _sum(promise, order, context)
    given = promise.made_good
    if given and given.code:
        told["code"] = given.code
    if given and given.words:
        told["made_good"] = in_language(given.words, context.locale)
    if sum_:
        key = f"compensation:{order.id}"  # as for a complaint: money is promised once for an order
        owed = {"order": order.shown_number, "amount": amount(sum_)}
        told |= {"amount_minor": sum_.minor, "currency": sum_.currency}
        found.append(
            OpenCase(
                kind="compensation", key=key, reason="compensation_promised", details={**owed}, order=order.id
            )
        )
    return [*found, Say(template="promise_missed", key=key, order=order.id, values=told)]


def _sum(promise: ServicePromise, order: Order, context: Context) -> Money | None:
    """What is paid back: once for an order, and never more than was paid for it."""
    given, paid, currency = promise.made_good, order.paid, context.shop.currency
    if given is None or paid is None or paid.minor <= 0 or order.refunds or order.cancelled:
        return None
    key = f"compensation:{order.id}"
    known = {*(case.key for case in context.cases), *(said.key for said in context.said)}
    if key in known:
        return None
    if given.percent is not None:
        minor = paid.minor * given.percent // 100
        return Money(minor, paid.currency) if minor else None
    if given.amount is None or paid.currency != currency:
        return None
    return Money(min(parse_money(str(given.amount), currency).minor, paid.minor), currency)


def _concern(promise: ServicePromise, order: Order, context: Context) -> str | None:
    """Why a miss goes to the owner."""
    worth = order.shop_total or order.total
    large = promise.large_sum
    if large is not None and worth and worth.currency == context.shop.currency and worth.decimal > large:
        return "large_sum"
    if promise.vip_to_owner and context.kept_tier.tier is not None:
        return "vip"
    return "missed_again" if promise.again_to_owner and context.missed_before else None


def _of(event: TimeCame, context: Context) -> tuple[str, Course | None]:
    """The promise that a deadline is of, and how it ran; None if there is none any more."""
    name = event.external_id.split(":")[1]
    promise = context.shop.promises.get(name)
    if promise is None:
        return name, None
    if context.order is not None:
        return name, of_order(promise, context.order, context.shop, _is_held(context.order, context))
    return name, of_case(promise, context.case, context.shop) if context.case else None


def _is_held(order: Order, context: Context) -> bool:
    return any(case.open and case.kind == "order_change" and case.order == order.id for case in context.cases)


def why_not_apologise(due: DueMessage, order: Order, facts: Facts, now: datetime) -> Reason | None:
    """Outdated if later facts say that it was kept, or that nothing is to be done."""
    if outdated := cancelled(order) or refunded_in_full(order):
        return outdated
    name = str(due.values.get("promise"))
    promise = facts.shop.promises.get(name)
    if promise is None:  # not promised any more, and yet it was when it was missed
        return None
    course = of_order(promise, order, facts.shop)
    missed = course is not None and state_of(course, now) == "missed"
    return None if missed else Reason("promise_kept", {"order": order.shown_number, "promise": name})


_BY = {"promised_by": "2026-12-02T15:59:59+00:00"}

POLICIES: MessagePolicies = {
    "promise_missed": policy.service(
        why_not_apologise,
        variables=("promised", "promised_by"),
        samples=(
            {"promised": "shipped", **_BY, "amount_minor": 500, "currency": "CNY"},
            {"promised": "delivered", **_BY, "code": "SORRY10"},
            {"promised": "refunded", **_BY, "made_good": "A free mug with your next order."},
            {"promised": "paid", **_BY},
        ),
    ),
}

REASONS: Reasons = {
    "promise_soon": ("promise", "order", "due_at"),
    "promise_missed": ("promise", "order", "concern"),
    "promise_kept": ("promise", "order"),
}

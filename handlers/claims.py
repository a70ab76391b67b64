"""Claims of payment, in a sentence or in the filled-in pay form, which the seller confirms."""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from bot.domain.actions import (
    Action,
    Ask,
    CallHuman,
    CloseCase,
    Consent,
    NoteBuyer,
    OpenCase,
    OpenOrder,
    Say,
    Value,
)
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import DueMessage, Facts, MessagePolicies, Reason
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import message_policies as policy
from handlers import order_proof
from handlers.claimed_orders import (
    EVERY,
    KIND,
    MOST,
    claimed,
    is_every,
    orders_meant,
    orders_named,
    orders_owing,
)
from handlers.meaning import asks_when, denies_payment, says_paid, says_paid_twice
from handlers.normalise import normalise
from handlers.payment import covered, owes_nothing
from handlers.questions import Question, Questions
from handlers.replies import answer, human_called, quoted
from handlers.talk import last_answer, open_question, talk_of
from handlers.validity import amount as shown
from handlers.which_order import (
    PAYABLE,
    about_order,
    named_order,
    own_order,
)

# What says of an order that waits for its payment that it does.
TELLS_OWED = frozenset(("where_is_order", "when_ship", "payment_status", "how_to_pay"))
WHICH = "claimed_order"  # the question which of several orders was paid
PROOF = "paid_order"  # the question which order it is, of a chat that has proved none
LAPSES = timedelta(days=1)
TALKED_OF = timedelta(minutes=30)
KEPT = 500  # characters of a claim
_NEITHER = re.compile(r"\W*(?:neither|none)\b.{0,40}|(?:都|一个也|两个都)(?:没有?|不是|未).{0,12}")
_CARRIER = re.compile(
    r"快递|配送|司机|师傅|送货|取货|宅急便|超商"
    r"|\b(?:driver|courier|carrier|delivery (?:man|guy|person)|postman|postie)\b"
)


def i_paid(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    def of(order: Order) -> list[Action]:
        if _has_come(order, meaning):
            return status(order, event)
        return claim_or_status(order, event, context, meaning.slots.amount)

    meant = orders_named(event, context)
    if len({each.shown_number for each in meant}) > 1:
        return _claim_each(meant, event, context)
    meant = orders_meant(meaning, event, context)
    if len(meant) > 1 and is_every(meant, meaning, event):
        return _claim_each(meant, event, context)
    if len(meant) > 1:
        return _which_of(meant, lambda order: _claim(order, event, meaning.slots.amount), event, context)
    if meant:
        return of(meant[0])
    decided = about_order(event, context, of, PAYABLE, named_alone=True)
    return _until_proved(decided, event.text, meaning.slots.amount)


def _until_proved(decided: list[Action], words: str, amount: Decimal | None) -> list[Action]:
    """What was decided, and the claim kept in mind where the order, or another one of "both", is yet to be
    proved."""
    asks = any(isinstance(each, Say) and each.template in ("which_order", "not_matched") for each in decided)
    if not asks and not EVERY.search(normalise(words)):
        return decided
    about: dict[str, str | int | None] = {"text": words[:KEPT], "amount": str(amount) if amount else None}
    return [*decided, Ask(question=PROOF, lapses=LAPSES, about=about)]


def _proved(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """The claim, once the order is proved that it is about."""
    if not order_proof.only_numbers(event.text):
        return None
    words, amount = str(asked.about.get("text")), _amount(asked)

    def of(order: Order) -> list[Action]:
        said = msgspec.structs.replace(event, text=words)
        return claim_or_status(order, said, context, amount)

    offered = order_proof.with_number_before(event, words)
    return _until_proved(about_order(offered, context, of, PAYABLE), words, amount)


def _amount(asked: Asked) -> Decimal | None:
    """The sum that was named before the question."""
    amount = asked.about.get("amount")
    return Decimal(str(amount)) if amount else None


def digits_alone(event: MessageReceived, context: Context) -> dict[str, str]:
    """The last five digits of the account that paid, as buyers in Taiwan are asked for them, and no word."""
    digits = unicodedata.normalize("NFKC", event.text[:KEPT]).strip()
    asked = context.locale.startswith("zh-TW") and re.fullmatch(r"\d{5}", digits)
    if not asked or not orders_owing(context) or named_order((digits,), context) or _other_matter(context):
        return {}
    return {"digits": digits}


def _other_matter(context: Context) -> bool:
    """True while something else than the payment is talked about, such as an address with its postcode."""
    talk = talk_of(context)
    said = last_answer(context)
    lately = talk.said_at is not None and context.now - talk.said_at < TALKED_OF
    return lately and said not in (*TELLS_OWED, "payment_claimed", "form_received")


def beside(decided: list[Action], meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """What was decided, with the claim that stands beside the matter, and without a word of what is owed."""
    decides = any(isinstance(each, OpenCase) and each.kind == KIND for each in decided)
    too_much = says_paid_twice(event.text)
    says = says_paid(event.text) or too_much
    if decides or not says or any(isinstance(each, OpenOrder) for each in decided):
        return decided
    own = own_order(event, context, PAYABLE)
    orders = orders_meant(meaning, event, context) or ([own] if own else [])
    meant = [each for each in orders if each.state in PAYABLE and not _has_come(each, meaning)]
    if not meant or any(owes_nothing(each) for each in meant):
        return decided
    claims = i_paid(meaning, event, context)
    ids = {each.id for each in meant}
    rest = [
        each
        for each in decided
        if not isinstance(each, Say) or each.template not in TELLS_OWED or each.order not in ids
    ]
    # A wish has its own answer, and no other; what was paid twice is another matter.
    if too_much or any(isinstance(each, Consent) for each in decided):
        return [*rest, *(each for each in claims if isinstance(each, OpenCase))]
    return [*claims, *(each for each in rest if each not in claims)]


def _has_come(order: Order, meaning: Meaning) -> bool:
    """True if the sum that is named is the one that came, and not also the one that is left: it is no news
    that it was sent."""
    paid, left, amount = order.paid, order.left, meaning.slots.amount
    if paid is None or amount is None or (left and left.decimal == amount):
        return False
    return paid.minor > 0 and paid.decimal == amount


def _to_carrier(order: Order, event: MessageReceived) -> bool:
    """True for what the carrier was paid, so that nobody here has anything to look for."""
    if not order.on_delivery or not order.shipped:
        return False
    return order.state in ("delivered", "completed") or bool(_CARRIER.search(normalise(event.text)))


def _which_of(
    orders: list[Order], case_of: Callable[[Order], OpenCase], event: MessageReceived, context: Context
) -> list[Action]:
    """Claim each until it is known which one was paid: none of them is reminded of meanwhile."""
    before = open_question(context)
    again = before is not None and before.question == WHICH
    claimed_by = before.about["message"] if before and again else event.external_id
    ids = "\n".join(order.id for order in orders)
    cases = [case_of(order) for order in orders if not claimed(order, context)]
    choices = [order.shown_number for order in orders]
    return [
        *cases,
        answer("payment_claimed", event, choices=choices),
        Ask(question=WHICH, lapses=LAPSES, about={"orders": ids, "message": claimed_by}),
    ]


def _chosen(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """The orders that are named keep the claim; the others are owed as before."""
    among = str(asked.about.get("orders")).split("\n")
    asked_of = [each for each in context.orders if each.id in among]
    meant = [each for each in orders_named(event, context) if each.id in among]
    if not meant and is_every(asked_of, meaning, event):
        meant = asked_of
    neither = _NEITHER.fullmatch(normalise(event.text))
    if not meant and not neither:
        return None
    ids = {each.id for each in meant}
    others = {_key(id, event, str(asked.about.get("message"))) for id in among if id not in ids}
    closed = [CloseCase(key=case.key) for case in context.cases if case.key in others]
    return [*closed, *(_claim_each(meant, event, context) if meant else [answer("thanks", event)])]


def _claim_each(orders: list[Order], event: MessageReceived, context: Context) -> list[Action]:
    """Claim those that wait for money; of one alone as if it were the only one."""
    if len(orders) == 1:
        return claim_or_status(orders[0], event, context)
    waiting = [each for each in orders if not owes_nothing(each) and not _to_carrier(each, event)]
    done = [action for each in orders if each not in waiting for action in status(each, event)]
    if len(waiting) == 1:
        return [*claim(waiting[0], event, context), *done]
    cases = [_claim(each, event) for each in waiting if not claimed(each, context)]
    numbers = [each.shown_number for each in waiting]
    return [*cases, *([answer("payment_claimed", event, claimed=numbers)] if waiting else []), *done]


def claim_or_status(
    order: Order, event: MessageReceived, context: Context, amount: Decimal | None = None
) -> list[Action]:
    """A claim where money is waited for that somebody here can find."""
    settled = owes_nothing(order) or order.free or _to_carrier(order, event)
    return status(order, event) if settled else claim(order, event, context, amount)


def status(order: Order, event: MessageReceived) -> list[Action]:
    """What is known of its payment; where nothing is, somebody looks."""
    return [answer("payment_status", event, order), *looked_after(order, event)]


def looked_after(order: Order, event: MessageReceived) -> list[CallHuman]:
    """Call a person for an order of which no record says whether it is paid: its text promises one."""
    known = order.paid_at or order.on_delivery or order.free or order.authorisation == "held"
    gone = order.state in ("partly_shipped", "shipped", "delivered", "completed") and not known
    if not gone and order.state not in ("payment_unclear", "unknown"):
        return []
    details: dict[str, Value] = {"order": order.shown_number, **quoted(event)}
    return [CallHuman(reason="asked_for_payment", order=order.id, details=details)]


def claim(
    order: Order, event: MessageReceived, context: Context, amount: Decimal | None = None
) -> list[Action]:
    """amount: that is named, in the order's money."""
    said = answer("payment_claimed", event, order)
    if asks_when(event.text):
        said = msgspec.structs.replace(said, values={"ships": True})
    return [said] if claimed(order, context) else [_claim(order, event, amount), said]


def _claim(order: Order, event: MessageReceived, amount: Decimal | None = None) -> OpenCase:
    """With the sum that is claimed: a part of what is owed, if one is named, else all of it."""
    left = order.left
    sums: dict[str, Value] = {}
    if left:
        is_part = amount is not None and 0 < amount < left.decimal
        sums = {"amount": f"{amount} {left.currency}" if is_part else shown(left), "owed": shown(left)}
        sums |= {"total": shown(order.total)} if order.total else {}
    return _case(order, event, "payment_claimed", {"order": order.shown_number, **quoted(event), **sums})


def taken_back(event: MessageReceived, context: Context) -> list[Action]:
    """Close the claims of one who says by now that they have not paid."""
    mine = [case for case in context.cases if case.kind == KIND and case.open]
    if not mine or not denies_payment(event.text):
        return []
    return [CloseCase(key=case.key) for case in mine if case.reason != "form_filled"]


def looked_into(order: Order, template: str, event: MessageReceived, context: Context) -> list[Action] | None:
    """What is told of an order, in place of what it owes, while somebody looks for the payment."""
    waits = order.state in PAYABLE and not owes_nothing(order)
    if template not in TELLS_OWED or not waits or not claimed(order, context):
        return None
    said = answer("payment_claimed", event, order, again=True)
    if template == "when_ship":
        said = msgspec.structs.replace(said, values={**said.values, "ships": True})
    return [said]


def _case(order: Order, event: MessageReceived, reason: str, details: dict[str, Value]) -> OpenCase:
    """A claim that the seller rejected may be made again, so each message has a case of its own."""
    key = _key(order.id, event, event.external_id)
    return OpenCase(kind=KIND, key=key, reason=reason, order=order.id, details=details)


def _key(order: str, event: MessageReceived, message: str) -> str:
    return f"{KIND}:{order}:{event.channel}:{message}"


def take_form(fields: dict[str, str], event: MessageReceived, context: Context) -> list[Action]:
    """The filled-in form: a claim of payment for the seller to confirm; for a paid order, a note."""

    def case_of(order: Order) -> OpenCase:
        return _case(order, event, "form_filled", {**fields, "order": order.shown_number})

    def of(order: Order) -> list[Action]:
        if owes_nothing(order):
            return [NoteBuyer(text=_as_note(fields)), *status(order, event)]
        # It says more than a claim before it, whose place it takes.
        mine = (case for case in context.cases if case.kind == KIND and case.open)
        closed = [CloseCase(key=case.key) for case in mine if case.order == order.id]
        return [*closed, case_of(order), answer("form_received", event, order)]

    order = _order_of_form(fields, event, context)
    if order:
        return of(order)
    several = [] if _numbers(fields, event) else orders_owing(context)
    if len(several) > 1:
        return _which_of(several[:MOST], case_of, event, context)
    named = fields.get("order") or order_proof.marked_numbers_in(event.text)
    proved = order_proof.prove(event, context, of) if named else []
    if any(isinstance(action, OpenOrder) for action in proved):
        return proved
    counted = order_proof.counted(proved)
    if human_called(context):
        return [*counted, NoteBuyer(text=_as_note(fields)), answer("form_received", event)]
    call = CallHuman(reason="form_filled", details={"order": "", **fields})
    return [*counted, answer("form_received", event), call]


def _as_note(fields: dict[str, str]) -> str:
    return "\n".join(f"{field}: {value}" for field, value in fields.items())


def _order_of_form(fields: dict[str, str], event: MessageReceived, context: Context) -> Order | None:
    """The order that the form names; else the only one that is still to be paid, or the newest if all are."""
    if numbers := _numbers(fields, event):
        return named_order(numbers, context)
    unpaid = orders_owing(context)
    if not unpaid and context.orders and owes_nothing(context.orders[0]):
        return context.orders[0]
    return unpaid[0] if len(unpaid) == 1 else None


def _numbers(fields: dict[str, str], event: MessageReceived) -> tuple[str, ...]:
    return (*order_proof.numbers_in(fields.get("order", "")), *order_proof.marked_numbers_in(event.text))


def _why_not_looked_for(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """Once the money has come, nobody looks for it."""
    order = facts.order
    return Reason("facts_changed", {"order": order.shown_number}) if order and covered(order) else None


QUESTIONS: Questions = {WHICH: Question(LAPSES, _chosen), PROOF: Question(LAPSES, _proved)}

POLICIES: MessagePolicies = {
    "payment_claimed": policy.answer(
        check=_why_not_looked_for,
        samples=(
            *({}, {"again": True}, {"ships": True}, {"again": True, "ships": True}),
            *({"choices": ["1001", "1002"]}, {"claimed": ["1001", "1002"]}),
        ),
    ),
    "form_received": policy.answer(),
}

REASONS: Reasons = {
    "payment_claimed": ("order", "text", "amount"),
    "asked_for_payment": ("order", "text"),
    "form_filled": ("order", "name", "bank", "digits", "amount", "time"),
}

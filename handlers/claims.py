"""Claims of payment, in a sentence or in the filled-in pay form, which the seller confirms."""

from bot.domain.actions import Action, CallHuman, NoteBuyer, OpenCase, OpenOrder, Value
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers import order_proof
from handlers.payment import owes_nothing
from handlers.replies import answer, human_called, quoted
from handlers.which_order import PAYABLE, about_order, named_order


def i_paid(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    def of(order: Order) -> list[Action]:
        if owes_nothing(order):
            return [answer("payment_status", event, order)]
        return claim(order, event, context)

    return about_order(event, context, of, PAYABLE)


def claim(order: Order, event: MessageReceived, context: Context) -> list[Action]:
    said = answer("payment_claimed", event, order)
    return [said] if claimed(order, context) else [claim_of(order, event), said]


def claim_of(order: Order, event: MessageReceived) -> OpenCase:
    return _case(order, event, "payment_claimed", {"order": order.shown_number, **quoted(event)})


def _case(order: Order, event: MessageReceived, reason: str, details: dict[str, Value]) -> OpenCase:
    """A claim that the seller rejected may be made again, so each message has a case of its own."""
    key = f"payment_claim:{order.id}:{event.channel}:{event.external_id}"
    return OpenCase(kind="payment_claim", key=key, reason=reason, order=order.id, details=details)


def claimed(order: Order, context: Context) -> bool:
    return any(
        case.kind == "payment_claim" and case.order == order.id and case.open for case in context.cases
    )


def take_form(fields: dict[str, str], event: MessageReceived, context: Context) -> list[Action]:
    """The filled-in form: a claim of payment for the seller to confirm; for a paid order, a note."""

    def of(order: Order) -> list[Action]:
        if owes_nothing(order):
            return [NoteBuyer(text=_as_note(fields)), answer("payment_status", event, order)]
        case = _case(order, event, "form_filled", {**fields, "order": order.shown_number})
        return [case, answer("form_received", event, order)]

    order = _order_of_form(fields, event, context)
    if order:
        return of(order)
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
    """The order that the form names; else the only one that is still to be paid."""
    numbers = (*order_proof.numbers_in(fields.get("order", "")), *order_proof.marked_numbers_in(event.text))
    if numbers:
        return named_order(numbers, context)
    unpaid = [order for order in context.orders if order.state in PAYABLE]
    return unpaid[0] if len(unpaid) == 1 else None


POLICIES: MessagePolicies = {"payment_claimed": policy.answer(), "form_received": policy.answer()}

REASONS: Reasons = {
    "payment_claimed": ("order", "text"),
    "form_filled": ("order", "name", "bank", "digits", "amount", "time"),
}

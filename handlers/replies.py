"""Replies in the chat that the question came from, one for each message of the buyer."""

from bot.domain.actions import Say, Value
from bot.domain.context import Case, Context
from bot.domain.events import MessageReceived
from bot.domain.orders import Order

SHOWN = 500  # characters of a buyer's message that are shown to the seller


def answer(
    template: str,
    event: MessageReceived,
    order: Order | None = None,
    buttons: tuple[tuple[str, str], ...] = (),
    **values: Value,
) -> Say:
    """values: what no record holds."""
    return Say(
        template=template,
        key=f"{template}:{event.channel}:{event.external_id}",
        to=f"{event.channel}:{event.conversation}",
        order=order.id if order else None,
        buttons=buttons,
        values=values,
    )


def human_called(context: Context) -> bool:
    """True while a case that calls a person is open."""
    return any(case.calls and case.open for case in context.cases)


def case_waiting(context: Context) -> Case | None:
    """The case in which this buyer waits for a person's answer."""
    return next((case for case in context.cases if case.calls and case.waits), None)


def quoted(event: MessageReceived) -> dict[str, Value]:
    return {"text": event.text[:SHOWN]} if event.text else {}

"""The seller's own chat or system: words go to the buyer, commands to the case, and nothing twice."""

from decimal import InvalidOperation

import msgspec

from bot.domain.actions import (
    Action,
    AnswerSeller,
    Relay,
    Say,
    SendReply,
    SettleCase,
    SwitchBot,
    TellSeller,
    Value,
)
from bot.domain.context import Case, Context
from bot.domain.desk import DeskWord, read_word
from bot.domain.events import MessageReceived
from bot.domain.messages import MessagePolicies, MessagePolicy
from bot.domain.money import Money, parse_money
from bot.domain.reasons import Reasons
from bot.domain.return_policy import refundable
from handlers import message_policies as policy
from handlers.validity import always, amount

NAME_SHOWN = 40


def is_sellers(event: MessageReceived, context: Context) -> bool:
    """True for what is written in the chat and the system that the settings name."""
    return (event.channel, event.conversation) in context.shop.desks


def take(event: MessageReceived, context: Context) -> list[Action]:
    if event.kind == "sticker":
        return []
    if event.kind != "text":
        return [_answer("only_text", event)]  # an edit or a picture, of which nothing was sent
    word = read_word(event.text)
    if word.what == "help":
        return [_answer("help", event)]
    if word.what == "replies":
        return _listed(event, context)
    case = context.case
    if case is None:
        return [_answer("unknown_case" if word.case else "which_case", event)]
    return _about(word, case, event, context)


def _about(word: DeskWord, case: Case, event: MessageReceived, context: Context) -> list[Action]:
    match word.what:
        case "show":
            key = f"desk:{event.channel}:{event.external_id}"
            desk = _name(event)
            return [TellSeller(case=case.number, key=key, reason="case_shown", desk=desk)]
        case "silent" | "speak":
            return _switched(word.what == "silent", case, event)
        case "say":
            return _replied(word.text, case, event, context)
        case "done":
            return _settled(word, None, case, event)
        case "refund":
            return _refunded(word, case, event, context)
    return _relayed(word.text, case, event, context)


def _relayed(text: str, case: Case, event: MessageReceived, context: Context) -> list[Action]:
    """The word goes to the buyer where they wait, and counts as a person's reply."""
    if context.buyer is None or case.chat is None:
        return [_answer("no_chat", event)]
    key = f"from_person:{event.channel}:{event.external_id}"
    said = Say(template="from_person", key=key, to=case.chat, values={"word": text})
    return [said, Relay(chat=case.chat, text=text), _answer("sent", event, case)]


def _listed(event: MessageReceived, context: Context) -> list[Action]:
    names = ", ".join(sorted(entry.short or "" for entry in context.replies.values()))
    return [_answer("replies" if names else "no_replies", event, None, replies=names)]


def _replied(name: str, case: Case, event: MessageReceived, context: Context) -> list[Action]:
    """A reply that was written down before goes to the buyer where they wait, as a person's word."""
    entry = context.replies.get(name.casefold())
    if entry is None:
        return [_answer("unknown_reply", event, case, name=name[:NAME_SHOWN])]
    if context.buyer is None or case.chat is None:
        return [_answer("no_chat", event)]
    return [SendReply(name=entry.short or name, words=dict(entry.answers))]


def _switched(silent: bool, case: Case, event: MessageReceived) -> list[Action]:
    if case.chat is None:
        return [_answer("no_chat", event)]
    switched = SwitchBot(chat=case.chat, silent=silent)
    return [switched, _answer("silent" if silent else "speaks", event, case)]


def _settled(word: DeskWord, refund: Money | None, case: Case, event: MessageReceived) -> list[Action]:
    if not case.open:
        return [_answer("closed", event, case)]
    settled = SettleCase(case=case.number, outcome=word.text or None, refund=refund)
    owes = case.owes_word and settled.outcome is None and refund is None
    return [settled, _answer("done", event, case, owes=owes)]


def _refunded(word: DeskWord, case: Case, event: MessageReceived, context: Context) -> list[Action]:
    """Settle the case with a sum in the money that was paid; of a case about an order, as much as is left."""
    currency = context.shop.currency
    left = (refundable(context.order) if context.order else None) or Money(0, currency)
    refund = _sum(word.amount, left.currency if left.minor else currency)
    if refund is None:
        return [_answer("bad_sum", event)]
    if case.order and refund.minor > left.minor:
        asked = _answer("more_than_paid", event, case)
        return [msgspec.structs.replace(asked, values={**asked.values, "left": amount(left)})]
    return _settled(word, refund, case, event)


def _sum(amount: str, currency: str) -> Money | None:
    try:
        found = parse_money(amount.replace(",", "."), currency)
    except (ValueError, InvalidOperation):
        return None
    return found if found.minor > 0 else None


def _answer(code: str, event: MessageReceived, case: Case | None = None, **values: Value) -> AnswerSeller:
    key = f"desk_answer:{event.channel}:{event.external_id}"
    told = {"case": case.number if case else None, **values}
    return AnswerSeller(code=code, key=key, desk=_name(event), about=event.message_id, values=told)


def _name(event: MessageReceived) -> str:
    return f"{event.channel}:{event.conversation}"


POLICIES: MessagePolicies = {
    "from_person": policy.persons(variables=("word",), samples=({"word": "Hello!\nIt is on its way."},)),
    "desk_answer": MessagePolicy(
        category="answer",
        lateness=policy.A_PERSONS_LATENESS,
        why_outdated=always,
        about_order=False,
        variables=("text",),
        samples=({"text": "Sent."},),
    ),
}

REASONS: Reasons = {"case_shown": ()}

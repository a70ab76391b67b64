"""The seller's own chat: their words go to the buyer, their commands to the case, and nothing twice."""

from decimal import InvalidOperation

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
from handlers import message_policies as policy
from handlers.validity import always

NAME_SHOWN = 40


def is_sellers(event: MessageReceived, context: Context) -> bool:
    """True for what is written in the one chat that the settings name."""
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
            return [TellSeller(case=case.number, key=key, reason="case_shown")]
        case "silent" | "speak":
            return _switched(word.what == "silent", case, event)
        case "say":
            return _replied(word.text, case, event, context)
        case "done":
            return _settled(word, None, case, event)
        case "refund":
            refund = _sum(word.amount, context.shop.currency)
            return _settled(word, refund, case, event) if refund else [_answer("bad_sum", event)]
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
    return [settled, _answer("done", event, case)]


def _sum(amount: str, currency: str) -> Money | None:
    try:
        found = parse_money(amount.replace(",", "."), currency)
    except (ValueError, InvalidOperation):
        return None
    return found if found.minor > 0 else None


def _answer(code: str, event: MessageReceived, case: Case | None = None, **values: Value) -> AnswerSeller:
    key = f"desk_answer:{event.channel}:{event.external_id}"
    return AnswerSeller(code=code, key=key, values={"case": case.number if case else None, **values})


POLICIES: MessagePolicies = {
    "from_person": policy.persons(
        category="answer", variables=("word",), samples=({"word": "Hello!\nIt is on its way."},)
    ),
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

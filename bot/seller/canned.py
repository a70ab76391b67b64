"""Send words to the buyer of a case, written down before or not, from outside the seller's own chat."""

import re
from enum import Enum

import msgspec

from bot.domain.actions import TALKED_ABOUT
from bot.domain.context import Buyer, Case
from bot.domain.events import AgentReplied
from bot.domain.knowledge import Entry
from bot.domain.messages import MessagePolicy
from bot.seller.cases import Cases
from bot.seller.settle import CHANNEL
from bot.texts.catalogue import Catalogue
from storage import (
    buyer_records,
    case_records,
    conversation_records,
    inbox,
    order_records,
    outbox,
    proof_records,
    trail,
)
from storage.case_records import CaseWord
from storage.inbox import own_inbox_event
from storage.trail import Trace
from storage.unit import Unit

TEMPLATE = "from_person"
_KEY = re.compile(rf"{TEMPLATE}:(?:command:)?(?P<who>.+):(?P<case>\d+):\d{{4}}-\d\d-\d\dT.+")


class Sent(Enum):
    """The outcome of sending a reply."""

    DONE = "done"
    UNKNOWN = "unknown"  # there is no such case
    NO_BUYER = "no_buyer"  # nobody is known who could read it


def send_reply(
    unit: Unit, catalogue: Catalogue, policy: MessagePolicy, number: int, words: Entry | str, by: str
) -> Sent:
    """Queue words for the buyer of a case, and count them as a person's: in the chat where they wait, else
    wherever a message about its order reaches them, as by mail.

    words: a reply that was written down before, or free ones. by: who does it, `command:...`. Must run in a
    writing transaction. Raises TemplateError if nothing is known for a blank in a reply.
    """
    buyer_id, case = unit.ask(case_records.numbered({number})).get(number, (None, None))
    if case is None:
        return Sent.UNKNOWN
    buyer = unit.ask(buyer_records.by_id({buyer_id})).get(buyer_id) if buyer_id else None
    if buyer is None or _known_lost(unit, case, buyer):
        return Sent.NO_BUYER
    text = words if isinstance(words, str) else _filled(words, unit, catalogue, case, buyer)
    version = catalogue.resolve(TEMPLATE, buyer.locale or unit.shop.locale)
    unit.ask(outbox.keep_versions([version]))
    key = f"{number}:{unit.now.isoformat()}"
    said = outbox.Draft(
        key=f"{TEMPLATE}:{by}:{key}",
        buyer=buyer.id,
        template=TEMPLATE,
        version=version.id,
        category=policy.category,
        rule="cases",
        due_at=unit.now,
        lateness=policy.lateness,
        order=None if case.chat else case.order,  # so that it goes to this order's own contacts
        to=case.chat,
        values={"word": text},
    )
    unit.ask(outbox.queue([said], unit.now))
    if case.chat:
        _relay(unit, case.chat, f"reply:{key}", text)
    else:
        _keep(unit, case, f"reply:{key}", text)
    trace = Trace(shop=unit.shop_id, at=unit.now, what=trail.REPLY_SENT, who=by, about=str(number))
    trail.add(unit.connection, trace)
    return Sent.DONE


def _known_lost(unit: Unit, case: Case, buyer: Buyer) -> bool:
    """Whether a message about its order found no address, and no chat is known where this one would."""
    if case.chat or case.order is None:
        return False
    known = (each for _, each in unit.ask(case_records.open_of(set(), {case.order})))
    if not any(each.kind == "unreachable" and each.reason == "undeliverable" for each in known):
        return False
    chats = unit.ask(conversation_records.by_buyer({buyer.id})).get(buyer.id, ())
    opened = unit.ask(proof_records.chats_of({case.order})).get(case.order)
    return not opened and all(chat.blocked for chat in chats)


def said_by(key: str) -> tuple[str | None, str | None]:
    """Who sent the reply with this key, and for which case; None where the key does not tell, as of one that
    was erased."""
    found = _KEY.fullmatch(key)
    return (found["who"], found["case"]) if found else (None, None)


def _filled(reply: Entry, unit: Unit, catalogue: Catalogue, case: Case, buyer: Buyer) -> str:
    if case.order:
        orders = tuple(unit.ask(order_records.by_id({case.order})).values())
    else:
        orders = tuple(unit.ask(order_records.newest_of({buyer.id})).get(buyer.id, ()))
    return Cases(unit, catalogue).reply(reply.answers, reply.short or reply.id, buyer, orders)


def _relay(unit: Unit, chat: str, id: str, text: str) -> None:
    channel, _, address = chat.partition(":")
    replied = AgentReplied(
        channel=channel,
        external_id=id,
        at=unit.now,
        conversation=address,
        message_id=id,
        text=text,
        relayed=True,
    )
    inbox.add(unit.connection, [own_inbox_event(unit.shop_id, replied, unit.now)])


def _keep(unit: Unit, case: Case, id: str, text: str) -> None:
    """What a chat's reply does to a case, for one that has no chat."""
    said = CaseWord(
        number=case.number, channel=CHANNEL, event=id, at=unit.now, who="person", kind="text", text=text
    )
    unit.ask(case_records.add_words([said]))
    if case.kind in TALKED_ABOUT:
        unit.ask(case_records.save_talk([msgspec.structs.replace(case, answered_at=unit.now)]))

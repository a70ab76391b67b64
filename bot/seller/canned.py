"""Send a reply that was written down before to the buyer of a case, from outside the seller's own chat."""

from enum import Enum

from bot.domain.events import AgentReplied
from bot.domain.knowledge import Entry
from bot.domain.messages import MessagePolicy
from bot.seller.cases import Cases
from bot.texts.catalogue import Catalogue
from storage import buyer_records, case_records, inbox, order_records, outbox, trail
from storage.inbox import own_inbox_event
from storage.trail import Trace
from storage.unit import Unit

TEMPLATE = "from_person"


class Sent(Enum):
    """The outcome of sending a reply."""

    DONE = "done"
    UNKNOWN = "unknown"  # there is no such case
    NO_CHAT = "no_chat"  # its buyer does not wait in a chat


def send_reply(
    unit: Unit, catalogue: Catalogue, policy: MessagePolicy, number: int, entry: Entry, by: str
) -> Sent:
    """Queue a reply for the buyer of a case, and count it as a person's word.

    by: who does it, `command:...`. Must run in a writing transaction. Raises TemplateError if nothing is
    known for a blank in it.
    """
    buyer_id, case = unit.ask(case_records.numbered({number})).get(number, (None, None))
    if case is None:
        return Sent.UNKNOWN
    buyer = unit.ask(buyer_records.by_id({buyer_id})).get(buyer_id) if buyer_id else None
    if buyer is None or case.chat is None:
        return Sent.NO_CHAT
    if case.order:
        orders = tuple(unit.ask(order_records.by_id({case.order})).values())
    else:
        orders = tuple(unit.ask(order_records.newest_of({buyer.id})).get(buyer.id, ()))
    cases = Cases(unit, catalogue)
    text = cases.reply(entry.answers, entry.short or entry.id, buyer, orders)
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
        to=case.chat,
        values={"word": text},
    )
    unit.ask(outbox.queue([said], unit.now))
    channel, _, address = case.chat.partition(":")
    replied = AgentReplied(
        channel=channel,
        external_id=f"reply:{key}",
        at=unit.now,
        conversation=address,
        message_id=f"reply:{key}",
        text=text,
        relayed=True,
    )
    inbox.add(unit.connection, [own_inbox_event(unit.shop_id, replied, unit.now)])
    trace = Trace(shop=unit.shop_id, at=unit.now, what=trail.REPLY_SENT, who=by, about=str(number))
    trail.add(unit.connection, trace)
    return Sent.DONE

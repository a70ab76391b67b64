"""Apply the actions of handlers: gathered for one batch, written with it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import (
    Action,
    CallHuman,
    CloseCase,
    Consent,
    CountTry,
    EndReminders,
    Hush,
    KeepTalk,
    MakeQuote,
    NoteBuyer,
    OpenCase,
    OpenOrder,
    Say,
    TagBuyer,
    Unsay,
    WakeAt,
)
from bot.domain.arbiter import too_late
from bot.domain.context import Context, Conversation
from bot.domain.events import Event, MessageReceived
from bot.domain.messages import Reason
from bot.domain.orders import Order
from bot.domain.rules import Rules
from bot.react.proofs import Proofs
from bot.react.unit_of_work import UnitOfWork
from bot.react.wishes import Wishes
from bot.seller.cases import Cases
from bot.texts.catalogue import Catalogue, Version
from storage import buyer_records, calendar, outbox
from storage.asking import Asking

_replace = msgspec.structs.replace

NUMBERS_KEPT = 20  # of orders that one chat named before they were told
ANSWERS_COUNT = timedelta(minutes=10)  # for the limit of answers in one chat


class Decisions:
    """Decisions of one batch: a later event may still withdraw a message of an earlier one."""

    def __init__(self, work: UnitOfWork, wishes: Wishes, rules: Rules, catalogue: Catalogue) -> None:
        self._work = work
        self._wishes = wishes
        self._proofs = Proofs(work)
        self._rules = rules
        self._catalogue = catalogue
        self._cases = Cases(work.unit, catalogue)
        self._says: dict[str, outbox.Draft] = {}
        self._about: dict[str, list[outbox.Draft]] = defaultdict(list)  # the same, by order
        self._unsaid: dict[str, Reason] = {}  # what the outbox has of them, by key
        self._sooner: dict[str, datetime] = {}  # when they are due, by key
        self._versions: dict[str, Version] = {}
        self._decided: dict[str, dict[str, datetime | None]] = {}  # by order
        self._wakes: dict[str, WakeAt] = {}
        self._notes: list[tuple[str, str, str]] = []

    def apply(self, actions: list[Action], event: Event, id: int, rule: str, context: Context) -> None:
        """Apply the actions that the handler of `event` returned, in their order; id: of its inbox row."""
        buyer = context.buyer.id if context.buyer else None
        for action in actions:
            match action:
                case Say():
                    self._say(action, id, rule, context)
                case Unsay():
                    self._unsay(action, context)
                case OpenCase():
                    self.open_case(action, buyer, _chat_of(context), _asked_at(event, context))
                case CallHuman():
                    self._call_human(action, event, id, context)
                case CloseCase():
                    self._cases.close(action.key)
                case NoteBuyer():
                    self._notes += [(buyer, "note", action.text)] if buyer else []
                case TagBuyer():
                    self._notes += [(buyer, "tag", action.tag)] if buyer else []
                case Consent() if context.conversation:
                    self._consent(action, event, context.conversation)
                case OpenOrder() if context.conversation:
                    self._proofs.open(action, context.conversation, self._mark_in(event))
                case CountTry() if context.conversation:
                    for case in self._proofs.count_try(action, context.conversation):
                        self.open_case(case, buyer, context.conversation.name)
                case EndReminders():
                    self._end_reminders(action, context.conversation)
                case Hush() if context.conversation:
                    self._hush(action, context.conversation)
                case MakeQuote():
                    self._work.put_quote(action.quote)
                case KeepTalk() if context.conversation:
                    self._keep_talk(action, context.conversation)
                case WakeAt():
                    known = self._wakes.get(action.key)
                    self._wakes[action.key] = action if known is None or action.at < known.at else known

    def open_case(
        self,
        opened: OpenCase,
        buyer: str | None,
        chat: str | None = None,
        asked_at: datetime | None = None,
    ) -> None:
        """Open a case; later events of the batch know of it."""
        order = self._work.orders.get(opened.order) if opened.order else None
        case = self._cases.open(opened, self._work.buyer(buyer), order, chat, asked_at, self._work.event)
        if case:
            self._work.put_case(case, buyer)

    def write(self) -> Asking[None]:
        """Write withdrawals, messages, deadlines and notes; after `UnitOfWork.write`, in its transaction."""
        now = self._work.now
        for draft in self._says.values():
            draft.buyer = self._buyer_now(draft)
        yield from outbox.withdraw(self._unsaid, now)
        yield from outbox.advance(self._sooner)
        yield from outbox.keep_versions(self._versions.values())
        yield from outbox.queue(self._says.values(), now)
        yield from calendar.set_wakes(self._wakes.values())
        yield from buyer_records.add_notes(self._notes, now)

    def _buyer_now(self, draft: outbox.Draft) -> str:
        """A later event of the batch may have shown that the order is another buyer's."""
        order = self._work.orders.get(draft.order) if draft.order and draft.to is None else None
        return (order and order.buyer) or draft.buyer

    def _say(self, say: Say, id: int, rule: str, context: Context) -> None:
        decided = say.key in self._says or say.key in self._due_about(context.order)
        if context.buyer is None or decided or self._is_nobodys(say, context):
            self._advance(say, context.order)  # no buyer yet, or decided on before
            return
        now = self._work.now
        policy = self._rules.policies[say.template]
        version = self._catalogue.resolve(say.template, say.locale or self._locale(say, context))
        self._versions[version.id] = version
        due_at = say.at or now + (say.after or timedelta(0))
        late = too_late(due_at, policy.lateness, now)  # an import brings many such
        draft = outbox.Draft(
            key=say.key,
            buyer=context.buyer.id,
            order=say.order,
            template=say.template,
            version=version.id,
            category=policy.category,
            values=say.values,
            buttons=say.buttons,
            to=say.to,
            unlike=say.unlike,
            event=id,
            rule=rule,
            due_at=due_at,
            lateness=policy.lateness,
            settled=("skipped", late) if late else None,
        )
        if say.to and policy.category == "answer" and context.conversation:
            self._count_answer(context.conversation)
        self._says[say.key] = draft
        self._about[say.order or ""].append(draft)

    def _is_nobodys(self, say: Say, context: Context) -> bool:
        """Whether words in a chat lead to a message about an order that has no buyer yet: whoever wrote them
        is not the one to hear of it."""
        order = self._work.orders.get(say.order) if say.order and say.to is None else None
        return context.order is None and order is not None and order.buyer is None

    def _locale(self, say: Say, context: Context) -> str:
        """The language of who asked; of a message about an order, that of the order's own contact, because a
        stranger's words in a chat may lead to it."""
        order = self._work.orders.get(say.order) if say.order and say.to is None else None
        if order is None or context.order is not None:
            return context.locale
        told = order.contacts.known("locale") if order.contacts else None
        buyer = self._work.buyer(order.buyer)
        return told or (buyer and buyer.locale) or self._work.unit.shop.locale

    def _advance(self, say: Say, order: Order | None) -> None:
        """Let a waiting message be due earlier, if a fact that came late says so."""
        if not say.earliest or say.at is None:
            return
        draft = self._says.get(say.key)
        due_at = self._due_about(order).get(say.key) if draft is None else None
        if due_at is not None and due_at <= say.at:
            return
        if draft is None:
            self._sooner[say.key] = min(say.at, self._sooner.get(say.key, say.at))
        elif say.at < draft.due_at:
            draft.due_at = say.at
            late = too_late(say.at, draft.lateness, self._work.now)
            draft.settled = draft.settled or (("skipped", late) if late else None)

    def _due_about(self, order: Order | None) -> Mapping[str, datetime | None]:
        """When what the outbox has about this order is due, by key; a second of a key would be left out."""
        if order is None:
            return {}
        if order.id not in self._decided:
            said = self._work.said.get(order.id, ())
            self._decided[order.id] = {each.key: each.due_at for each in said}
        return self._decided[order.id]

    def _unsay(self, unsay: Unsay, context: Context) -> None:
        """Withdraw messages about this order, those of this batch and those that the outbox has."""
        if context.order is None:
            return
        why = Reason(unsay.why, unsay.values)
        for draft in self._about[context.order.id]:
            if draft.key.startswith(unsay.prefix) and draft.settled is None:
                draft.settled = ("withdrawn", why)
        for said in self._work.said.get(context.order.id, ()):
            if said.key.startswith(unsay.prefix) and said.state == "queued":
                self._unsaid[said.key] = why

    def _call_human(self, call: CallHuman, event: Event, id: int, context: Context) -> None:
        if any(case.calls for case in context.cases):
            return
        chat = _chat_of(context)
        opened = OpenCase(
            kind=call.kind,
            key=f"human:{chat or ''}:{id}",
            reason=call.reason,
            details=call.details,
            order=call.order,
        )
        buyer = context.buyer.id if context.buyer else None
        self.open_case(opened, buyer, chat, _asked_at(event, context))

    def _count_answer(self, chat: Conversation) -> None:
        """Remember when the newest answers of this chat were given, as many as a rule may ask about."""
        known = self._work.chats[chat.channel, chat.address]
        newest = (*known.answered, self._work.now)[-self._work.unit.shop.limits.answers :]
        recent = tuple(at for at in newest if at > self._work.now - ANSWERS_COUNT)
        self._work.put_chat(_replace(known, answered=recent))

    def _hush(self, hush: Hush, chat: Conversation) -> None:
        known = self._work.chats[chat.channel, chat.address]
        self._work.put_chat(_replace(known, hushed_until=hush.until))

    def _keep_talk(self, kept: KeepTalk, chat: Conversation) -> None:
        known = self._work.chats[chat.channel, chat.address]
        self._work.put_chat(_replace(known, talk=kept.talk))

    def _end_reminders(self, ended: EndReminders, chat: Conversation | None) -> None:
        """What waits of the reminders is judged by it when it is due. Of an order the first wish stays, of a
        chat the last, because it binds what was placed before it."""
        at = self._work.heard_at(ended.at)
        order = self._work.read_order(ended.order) if ended.order else None
        if order is not None:
            known = order.reminders_ended_at
            self._work.put_order(_replace(order, reminders_ended_at=min(known or at, at)))
        elif ended.number and chat is not None:
            spoken_in = self._work.chats[chat.channel, chat.address]
            numbers = dict.fromkeys((*spoken_in.no_reminders_for, ended.number))
            self._work.put_chat(_replace(spoken_in, no_reminders_for=tuple(numbers)[-NUMBERS_KEPT:]))
        elif ended.order is None and chat is not None:
            spoken_in = self._work.chats[chat.channel, chat.address]
            known = spoken_in.no_reminders_at
            self._work.put_chat(_replace(spoken_in, no_reminders_at=max(known or at, at)))

    def _mark_in(self, event: Event) -> str | None:
        """The mark of the address to which the link in a message was sent."""
        if not isinstance(event, MessageReceived):
            return None
        link = self._rules.link_in(self._work.shop_id, event.text)
        return link.mark if link else None

    def _consent(self, consent: Consent, event: Event, chat: Conversation) -> None:
        address = (chat.channel, chat.address)
        if consent.stop is True:
            self._wishes.stop(event, [address], consent.at)
        if consent.stop is False:
            self._wishes.resume(event, address, consent.at)
        if consent.promotions is False:
            self._wishes.stop(event, [address], consent.at, offers=True)
        if consent.promotions is True:
            self._wishes.want_offers(event, address, consent.at)


def _asked_at(event: Event, context: Context) -> datetime | None:
    return min(event.at, context.now) if isinstance(event, MessageReceived) else None


def _chat_of(context: Context) -> str | None:
    return context.conversation.name if context.conversation else None

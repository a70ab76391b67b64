"""Apply the actions of handlers: gathered for one batch, written with it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import (
    Action,
    AnswerSeller,
    CallHuman,
    CloseCase,
    Consent,
    CountTry,
    EndReminders,
    EndStockWish,
    Hush,
    KeepTalk,
    MakeQuote,
    NoteBuyer,
    NotePromise,
    OpenCase,
    OpenOrder,
    Relay,
    RemindAgain,
    Say,
    SendReply,
    SettleCase,
    SwitchBot,
    TagBuyer,
    TellSeller,
    Unsay,
    Value,
    WakeAt,
    WishForStock,
)
from bot.domain.arbiter import too_late
from bot.domain.context import Case, Context, Conversation
from bot.domain.errors import TemplateError
from bot.domain.events import AgentReplied, BotSwitched, Event, MessageReceived
from bot.domain.messages import Reason
from bot.domain.orders import Order
from bot.domain.rules import Rules
from bot.domain.stock_wishes import StockWish
from bot.react.proofs import Proofs
from bot.react.unit_of_work import UnitOfWork, placed
from bot.react.wishes import Wishes
from bot.seller.cases import Cases
from bot.seller.settle import settle_case
from bot.texts.catalogue import Catalogue, Version, locale_chain, make_version
from storage import buyer_records, calendar, inbox, outbox, promise_records
from storage.asking import Asking
from storage.inbox import own_inbox_event

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
        self._numbers: dict[str, int] = {}  # of cases opened in this batch, by key
        self._own_events: list[Event] = []
        self._notes: list[tuple[str, str, str]] = []
        self._promises: dict[tuple[str, str], NotePromise] = {}  # by name and what it is about

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
                    self.open_case(
                        action, buyer, _chat_of(context), _asked_at(event, context), context.orders
                    )
                case TellSeller() if context.case:
                    about = self._orders_of(context.case, buyer)
                    self._cases.tell_again(action, context.case, context.buyer, about)
                case Relay():
                    self._relay(action, event)
                case SendReply() if context.case:
                    self._send_reply(action, context.case, event, id, rule, context)
                case SwitchBot():
                    self._switch(action, event)
                case SettleCase():
                    self._settle(action, event)
                case AnswerSeller():
                    self._cases.answer(action)
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
                case RemindAgain():
                    self._remind_again(action)
                case Hush() if context.conversation:
                    self._hush(action, context.conversation)
                case WishForStock() if context.conversation:
                    self._wish_for(action, context.conversation)
                case EndStockWish() if context.conversation:
                    chat = context.conversation
                    self._work.end_stock_wish((action.sku, chat.channel, chat.address))
                case MakeQuote():
                    self._work.put_quote(action.quote)
                case KeepTalk() if context.conversation:
                    self._keep_talk(action, context.conversation)
                case NotePromise():
                    self._promises[action.name, promise_records.about(action)] = action
                case WakeAt():
                    known = self._wakes.get(action.key)
                    self._wakes[action.key] = action if known is None or action.at < known.at else known

    def open_case(
        self,
        opened: OpenCase,
        buyer: str | None,
        chat: str | None = None,
        asked_at: datetime | None = None,
        seen: tuple[Order, ...] = (),
    ) -> None:
        """Open a case; later events of the batch know of it. seen: orders that the chat may speak of."""
        order = self._work.orders.get(opened.order) if opened.order else None
        who, event = self._work.buyer(buyer), self._work.event
        case = self._cases.open(opened, who, order, chat, asked_at, seen, event)
        if case:
            self._numbers[opened.key] = case.number
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
        yield from promise_records.save(self._promises.values())
        if self._own_events:
            shop_id = self._work.shop_id
            rows = [own_inbox_event(shop_id, event, now) for event in self._own_events]
            inbox.add(self._work.connection, rows)

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
        version = self._version(say, say.locale or self._locale(say, context))
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
            values={**say.values, "case": self._numbers.get(say.case)} if say.case else say.values,
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

    def _version(self, say: Say, locale: str) -> Version:
        """The wording for a reader of `locale`, which the action itself may carry."""
        written = next((each for each in locale_chain(locale) if each in say.words), None)
        written = written or next(iter(say.words), None)
        if written is None:
            return self._catalogue.resolve(say.template, locale)
        return make_version(written, say.template, say.words[written], own=True)

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
        self.open_case(opened, buyer, chat, _asked_at(event, context), context.orders)

    def _relay(self, relayed: Relay, event: Event) -> None:
        """The reply of a person comes in by the same way as those that platforms tell of."""
        channel, _, address = relayed.chat.partition(":")
        id = f"desk:{event.channel}:{event.external_id}"
        self._own_events.append(
            AgentReplied(
                channel=channel,
                external_id=id,
                at=self._work.heard_at(event.at),
                conversation=address,
                message_id=id,
                text=relayed.text,
                relayed=True,
            )
        )

    def _send_reply(
        self, reply: SendReply, case: Case, event: Event, id: int, rule: str, context: Context
    ) -> None:
        key = f"{event.channel}:{event.external_id}"
        buyer = context.buyer
        about = self._orders_of(case, buyer.id if buyer else None)
        told: dict[str, Value] = {"case": case.number, "name": reply.name}
        code = "sent"
        try:
            text = self._cases.reply(reply.words, reply.name, buyer, about)
        except TemplateError:
            code = "reply_blank"
        else:
            to = case.chat or ""
            said = Say(template="from_person", key=f"from_person:{key}", to=to, values={"word": text})
            self._say(said, id, rule, context)
            self._relay(Relay(chat=to, text=text), event)
        desk = words = None
        if isinstance(event, MessageReceived):
            desk, words = f"{event.channel}:{event.conversation}", event.message_id
        self._cases.answer(
            AnswerSeller(code=code, key=f"desk_answer:{key}", desk=desk, about=words, values=told)
        )

    def _switch(self, switched: SwitchBot, event: Event) -> None:
        channel, _, address = switched.chat.partition(":")
        self._own_events.append(
            BotSwitched(
                channel=channel,
                external_id=f"desk:{event.channel}:{event.external_id}",
                at=self._work.heard_at(event.at),
                conversation=address,
                silent=switched.silent,
            )
        )

    def _settle(self, settled: SettleCase, event: Event) -> None:
        settle_case(
            self._work.connection,
            self._work.shop_id,
            settled.case,
            confirmed=False,
            now=self._work.now,
            by=f"chat:{event.channel}",
            outcome=settled.outcome,
            refund=settled.refund,
        )

    def _orders_of(self, case: Case, buyer: str | None) -> tuple[Order, ...]:
        """The order that a case is about, else the buyer's newest."""
        order = self._work.read_order(case.order) if case.order else None
        if order or buyer is None:
            return (order,) if order else ()
        return tuple(sorted(self._work.orders_of(buyer), key=placed, reverse=True))

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

    def _wish_for(self, wish: WishForStock, chat: Conversation) -> None:
        self._work.put_stock_wish(
            StockWish(
                sku=wish.sku,
                channel=chat.channel,
                address=chat.address,
                title=wish.title,
                asked_at=self._work.now,
                lapses_at=wish.until,
            )
        )

    def _remind_again(self, kept: RemindAgain) -> None:
        order = self._work.read_order(kept.order)
        if order is not None:
            self._work.put_order(_replace(order, cancelling_since=None))

    def _end_reminders(self, ended: EndReminders, chat: Conversation | None) -> None:
        """What waits of the reminders is judged by it when it is due. Of an order the first wish stays, of a
        chat the last, because it binds what was placed before it."""
        at = self._work.heard_at(ended.at)
        order = self._work.read_order(ended.order) if ended.order else None
        if order is not None and ended.until_kept:
            self._work.put_order(_replace(order, cancelling_since=order.cancelling_since or at))
        elif order is not None:
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

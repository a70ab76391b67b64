"""What handlers want, gathered for one batch and written down with it."""

from collections import defaultdict
from datetime import timedelta

import msgspec

from xiaoer.bot import cases
from xiaoer.bot.actions import (
    Action,
    CallHuman,
    CloseCase,
    Consent,
    CountTry,
    JoinBuyer,
    NoteBuyer,
    OpenCase,
    Say,
    TagBuyer,
    Unsay,
    WakeAt,
)
from xiaoer.bot.arbiter import too_late
from xiaoer.bot.context import Context
from xiaoer.bot.ledger import Ledger
from xiaoer.bot.merging import stop
from xiaoer.bot.orders import Order
from xiaoer.bot.router import Reason
from xiaoer.bot.rules import Rules
from xiaoer.bot.shop import Shop
from xiaoer.bot.texts import Version
from xiaoer.storage import calendar, outbox, records

_replace = msgspec.structs.replace


class Deeds:
    """Decisions of one batch: a later event may still withdraw what an earlier one wanted said."""

    def __init__(self, ledger: Ledger, shop: Shop, rules: Rules) -> None:
        self.ledger = ledger
        self.shop = shop
        self.rules = rules
        self.says: dict[str, outbox.Draft] = {}
        self.about: dict[str, list[outbox.Draft]] = defaultdict(list)  # the same, by order
        self.unsaid: dict[str, Reason] = {}  # what the outbox has of them, by key
        self.versions: dict[str, Version] = {}
        self.decided: dict[str, frozenset[str]] = {}  # by order
        self.wakes: dict[str, WakeAt] = {}
        self.notes: list[tuple[str, str, str]] = []

    def act(self, actions: list[Action], id: int, rule: str, context: Context) -> None:
        """Carry out what the handler of event `id` wants, in its order."""
        buyer = context.buyer.id if context.buyer else None
        for action in actions:
            match action:
                case Say():
                    self._say(action, id, rule, context)
                case Unsay():
                    self._unsay(action, context)
                case OpenCase():
                    self.open(action, buyer, _chat_of(context))
                case CallHuman():
                    self._call_human(action, id, context)
                case CloseCase():
                    cases.close_case(self.ledger.connection, self.ledger.shop, action.key, self.ledger.now)
                case NoteBuyer():
                    self.notes += [(buyer, "note", action.text)] if buyer else []
                case TagBuyer():
                    self.notes += [(buyer, "tag", action.tag)] if buyer else []
                case Consent():
                    self._consent(action, context)
                case JoinBuyer():
                    context = self._join(action, context)
                    buyer = context.buyer.id if context.buyer else None
                case CountTry():
                    self._count_try(context)
                case WakeAt():
                    known = self.wakes.get(action.key)
                    self.wakes[action.key] = action if known is None or action.at < known.at else known

    def _say(self, say: Say, id: int, rule: str, context: Context) -> None:
        if context.buyer is None or say.key in self.says or say.key in self._decided(context.order):
            return  # nobody to tell yet, or decided on before
        moment = self.rules.moments[say.template]
        version = self.rules.texts.pin(say.template, context.locale)
        self.versions[version.id] = version
        due_at = say.at or self.ledger.now + (say.after or timedelta(0))
        late = too_late(due_at, moment.lateness, self.ledger.now)  # an import brings many such
        draft = outbox.Draft(
            key=say.key,
            buyer=context.buyer.id,
            order=say.order,
            template=say.template,
            version=version.id,
            category=moment.category,
            values=say.values,
            buttons=say.buttons,
            to=say.to,
            unlike=say.unlike,
            event=id,
            rule=rule,
            due_at=due_at,
            lateness=moment.lateness,
            settled=("skipped", late) if late else None,
        )
        self.says[say.key] = draft
        self.about[say.order or ""].append(draft)

    def _decided(self, order: Order | None) -> frozenset[str]:
        """Keys about this order that the outbox has already; its constraint would leave them out anyway."""
        if order is None:
            return frozenset()
        if order.id not in self.decided:
            said = self.ledger.said.get(order.id, ())
            self.decided[order.id] = frozenset(each.key for each in said)
        return self.decided[order.id]

    def _unsay(self, unsay: Unsay, context: Context) -> None:
        """Of the messages about this order, those of this batch and those that the outbox has."""
        if context.order is None:
            return
        why = Reason(unsay.why, unsay.values)
        for draft in self.about[context.order.id]:
            if draft.key.startswith(unsay.prefix) and draft.settled is None:
                draft.settled = ("withdrawn", why)
        for said in self.ledger.said.get(context.order.id, ()):
            if said.key.startswith(unsay.prefix) and said.state == "queued":
                self.unsaid[said.key] = why

    def _call_human(self, call: CallHuman, id: int, context: Context) -> None:
        if any(case.kind == "human" for case in context.cases):
            return
        chat = _chat_of(context)
        open_case = OpenCase(
            kind="human",
            key=f"human:{chat or ''}:{id}",
            reason=call.reason,
            details=call.details,
            order=call.order,
        )
        self.open(open_case, context.buyer.id if context.buyer else None, chat)

    def open(self, opened: OpenCase, buyer: str | None, chat: str | None = None) -> None:
        order = self.ledger.orders.get(opened.order) if opened.order else None
        case = cases.open_case(
            self.ledger.connection,
            self.ledger.shop,
            self.shop,
            self.rules.texts,
            opened,
            self.ledger.buyer(buyer),
            order,
            self.ledger.now,
            chat,
        )
        if case and buyer:
            self.ledger.cases[buyer] = (*self.ledger.cases.get(buyer, ()), case)

    def _consent(self, consent: Consent, context: Context) -> None:
        if context.buyer is None:
            return
        buyer = self.ledger.buyers[context.buyer.id]
        if consent.stop is True:
            stop(self.ledger, buyer.id, self.ledger.now)
        elif consent.stop is False:
            self.ledger.put_buyer(_replace(buyer, resumed_at=self.ledger.now))
        elif consent.promotions is not None:
            self.ledger.put_buyer(_replace(buyer, agrees=consent.promotions, agrees_at=self.ledger.now))

    def _join(self, join: JoinBuyer, context: Context) -> Context:
        """She proved that the order is hers: this chat belongs to the order's buyer from now on.

        What is decided next is for the file that she has now; the one she came with may be gone.
        """
        order = self.ledger.orders.get(join.order)
        chat = context.conversation
        if order is None or order.buyer is None or chat is None or order.buyer == chat.buyer:
            return context
        if order.buyer not in self.ledger.buyers:
            self.ledger.look_up(order.buyer)
        kept = self.ledger.join(order.buyer, chat.buyer)
        if self.ledger.present(chat.buyer) != kept.id:
            return context  # he has a file of his own there; he gets his answer and nobody's chat moves
        known = _replace(self.ledger.chats[chat.channel, chat.address], buyer=kept.id, tries=0)
        self.ledger.put_chat(known)
        return _replace(context, buyer=kept, conversation=known)

    def _count_try(self, context: Context) -> None:
        chat = context.conversation
        if chat is None:
            return
        fresh = chat.tries_since is None or self.ledger.now - chat.tries_since > timedelta(days=1)
        tries, since = (1, self.ledger.now) if fresh else (chat.tries + 1, chat.tries_since)
        self.ledger.put_chat(
            _replace(self.ledger.chats[chat.channel, chat.address], tries=tries, tries_since=since)
        )

    def write(self) -> None:
        link, shop, now = self.ledger.connection, self.ledger.shop, self.ledger.now
        for draft in self.says.values():
            draft.buyer = self.ledger.present(draft.buyer)
        outbox.withdraw(link, shop, self.unsaid, now)
        outbox.keep_versions(link, shop, self.versions.values())
        outbox.queue(link, shop, list(self.says.values()), now)
        calendar.set_wakes(link, shop, self.wakes.values())
        notes = [(self.ledger.present(buyer), kind, text) for buyer, kind, text in self.notes]
        records.add_notes(link, shop, notes, now)


def _chat_of(context: Context) -> str | None:
    return context.conversation.name if context.conversation else None

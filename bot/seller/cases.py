"""Open and close cases, and tell the seller of them, where the settings say how."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from bot.domain.actions import MAILTO, AnswerSeller, CaseKind, OpenCase, TellSeller, Value
from bot.domain.complaints import deadlines
from bot.domain.context import Buyer, Case
from bot.domain.errors import TemplateError
from bot.domain.events import MessageReceived
from bot.domain.messages import DueMessage, Facts, Reason
from bot.domain.orders import Order
from bot.domain.reasons import ARRIVAL_UNCLEAR
from bot.domain.service_promises import of_new_case
from bot.domain.untrusted_text import called
from bot.domain.waiting import tell_again
from bot.seller import summary
from bot.seller.words import SellerWords
from bot.texts.catalogue import Catalogue, locale_chain, make_version, split_subject
from bot.texts.variables import variables
from storage import buyer_records, calendar, case_records, outbox, promise_records
from storage.due_messages import DueRow
from storage.lookup import numbers_of
from storage.outbox import SELLER, Outcome
from storage.unit import CaseLine, Unit

NOTICE, DESK, PERSONS = "seller_case", "desk_answer", "from_person"
SHOWN = 500  # characters of a buyer's message in a notice
REPORTED = {"template_broken", "gave_up", "refused", "no_way"}  # reasons that the seller should hear of
# One case of many messages; another once that is closed.
_OF_SEVERAL = ("unreachable:", "unanswered:", f"{ARRIVAL_UNCLEAR}:")
STOPPED, CONFIRMATION = "stopped", "order_confirmation"  # whoever orders again hears nothing at all
ORDER_STOPPED = "order_stopped"  # the reason of the case of an order that a stop kept from being confirmed
LATE = "too_late"  # they hear of it if somebody who wrote in a chat heard nothing


class Cases:
    """The cases of one shop, within one transaction."""

    def __init__(self, unit: Unit, catalogue: Catalogue) -> None:
        self._unit = unit
        self._catalogue = catalogue

    def open(
        self,
        opened: OpenCase,
        buyer: Buyer | None,
        order: Order | None = None,
        chat: str | None = None,
        asked_at: datetime | None = None,
        seen: tuple[Order, ...] = (),
        event: int | None = None,
    ) -> Case | None:
        """Open a case and tell the seller. None if its key was opened before.

        chat: the conversation in which the buyer waits for an answer. asked_at: when they asked.
        seen: orders of theirs, for a case about none. event: of the inbox, that led to it.
        """
        unit = self._unit
        opened = msgspec.structs.replace(opened, draft=self._draft(opened, buyer, order))
        before = self._complaint_before(opened, buyer)
        if before and before.closed_at and unit.now - before.closed_at <= unit.shop.complaints.reopen_within:
            return self._open_again(before, opened, buyer, chat, asked_at)
        if before and "concern" not in opened.details:
            opened = msgspec.structs.replace(opened, details={**opened.details, "concern": "again"})
        case = case_records.open_case(
            unit.connection,
            unit.shop_id,
            opened,
            buyer.id if buyer else None,
            unit.now,
            asked_at,
            chat,
            event,
        )
        if case:
            words = Reason(case.reason, dict(opened.details))
            about = (order,) if order else seen
            to_owner = "concern" in opened.details
            self._tell(
                case, notice_key(case.key), words, _who(buyer, chat), opened.draft, about, to_owner=to_owner
            )
            self._tell_later(case)
            self._note_promises(case)
        return case

    def _note_promises(self, case: Case) -> None:
        given, wakes = of_new_case(case, self._unit.shop)
        if given:
            self._unit.ask(promise_records.save(given))
            self._unit.ask(calendar.set_wakes(wakes))

    def _complaint_before(self, opened: OpenCase, buyer: Buyer | None) -> Case | None:
        if opened.kind != "complaint" or buyer is None:
            return None
        return case_records.last_complaint(self._unit.connection, self._unit.shop_id, buyer.id)

    def _open_again(
        self,
        case: Case,
        opened: OpenCase,
        buyer: Buyer | None,
        chat: str | None,
        asked_at: datetime | None,
    ) -> Case:
        """Open a complaint that was decided, because its buyer complains again; the owner is told."""
        unit = self._unit
        again = msgspec.structs.replace(
            case,
            closed_at=None,
            answered_at=None,
            asked_at=asked_at,
            waits_since=None,
            chat=chat or case.chat,
            due_at=opened.due_at,
            reopened=case.reopened + 1,
        )
        case_records.reopen(unit.connection, unit.shop_id, again)
        why = Reason("complained_again", {"text": opened.details.get("text")})
        self._tell(again, notice_key(opened.key), why, _who(buyer, chat), to_owner=True)
        self._tell_later(again)
        return again

    def reopen(self, case: Case, event: MessageReceived, buyer: Buyer | None, chat: str | None) -> None:
        """Tell the seller that a case waits again: the buyer wrote after a person's answer."""
        key = f"{notice_key(case.key)}:{event.channel}:{event.external_id}"
        self._tell(case, key, Reason("wrote_again", {"text": event.text[:SHOWN]}), _who(buyer, chat))
        self._tell_later(case)

    def tell_again(self, told: TellSeller, case: Case, buyer: Buyer | None, about: tuple[Order, ...]) -> None:
        """Tell the seller of an open case once more, with every word since."""
        why = Reason(told.reason, dict(told.details))
        found = case_records.words_of(self._unit.connection, self._unit.shop_id, [case.number])
        said = summary.of_words(found.get(case.number, ()), SellerWords.of(self._unit.shop))
        who = _who(buyer, case.chat)
        self._tell(case, notice_key(told.key), why, who, None, about, said, told.to_owner, told.desk)

    def answer(self, given: AnswerSeller) -> None:
        """Answer the seller where they wrote."""
        unit = self._unit
        seller = unit.shop.seller
        version = self._catalogue.resolve(DESK, seller.locale or unit.shop.locale)
        unit.ask(outbox.keep_versions([version]))
        answer = outbox.Draft(
            key=given.key,
            to=given.desk,
            buyer=SELLER,
            template=DESK,
            version=version.id,
            category="answer",
            rule="cases",
            due_at=unit.now,
            lateness=timedelta(days=2),
            values={
                "text": SellerWords.of(unit.shop).desk(given.code, given.values),
                "case": given.values.get("case"),
                "about": given.about,
            },
        )
        unit.ask(outbox.queue([answer], unit.now))

    def reply(self, words: Mapping[str, str], name: str, buyer: Buyer | None, orders: Sequence[Order]) -> str:
        """A reply that was written down before, for this buyer, about their only order or none.

        Raises TemplateError if a blank in it has nothing to go in.
        """
        shop, now, buyer = self._unit.shop, self._unit.now, buyer or Buyer(id="")
        due = DueMessage(
            key=name, template=name, category="answer", due_at=now, created_at=now, lateness=timedelta(0)
        )
        facts = Facts(shop=shop, buyer=buyer, order=orders[0] if len(orders) == 1 else None)
        locale = next((each for each in locale_chain(buyer.locale or shop.locale) if each in words), None)
        locale = locale or next(iter(words))
        version = make_version(locale, f"/{name}", words[locale], own=True)
        return split_subject(self._catalogue.render(version, variables(due, facts, now)).text)[1]

    def close(self, key: str) -> None:
        """Close a case, and withdraw the mail about it if it is still waiting."""
        unit = self._unit
        case_records.close(unit.connection, unit.shop_id, {key}, unit.now)
        outbox.drop(unit.connection, unit.shop_id, notice_key(key), unit.now)

    def open_for_unsent(self, rows: Iterable[DueRow], outcomes: Sequence[Outcome]) -> None:
        """Open a case for every message that was not sent where the seller can do something about it.

        rows: of the outbox; outcomes: of some of them.
        """
        reasons = {outcome.id: outcome.why for outcome in outcomes}
        for row in rows:
            why = reasons.get(row.id)
            if why is None or row.buyer == SELLER or not _is_reported(row, why):
                continue
            found = self._unit.ask(buyer_records.by_id({row.buyer}))
            orders = {row.order_id} if row.order_id else set()
            number = numbers_of(self._unit.connection, self._unit.shop_id, orders)
            opened = _unsent(row, why, number.get(row.order_id or "", row.order_id))
            if opened.key.startswith(_OF_SEVERAL):
                known = self._unit.ask(case_records.open_of({row.buyer}, orders))
                if any(f"{case.key}:".startswith(f"{opened.key}:") for _, case in known):
                    continue
                opened = msgspec.structs.replace(opened, key=f"{opened.key}:{self._unit.now.isoformat()}")
            chat = row.to if row.category == "answer" else None
            self.open(opened, found.get(row.buyer), chat=chat)

    def _draft(self, opened: OpenCase, buyer: Buyer | None, order: Order | None) -> str | None:
        """A text prepared for the seller, in the buyer's language, from the template that the case names."""
        if opened.draft is None:
            return None
        shop, now = self._unit.shop, self._unit.now
        buyer = buyer or Buyer(id="")
        due = DueMessage(
            key=opened.key,
            template=opened.draft,
            category="service",
            due_at=now,
            created_at=now,
            lateness=timedelta(0),
            values=opened.details,
            order=opened.order,
        )
        facts = Facts(shop=shop, buyer=buyer, order=order)
        try:
            version = self._catalogue.resolve(opened.draft, buyer.locale or shop.locale)
            return self._catalogue.render(version, variables(due, facts, now)).text
        except TemplateError:
            return None  # the case itself matters more than its draft

    def _tell_later(self, case: Case) -> None:
        """Set the deadlines at which the seller is told again, unless it is answered, or decided, by then."""
        unit = self._unit
        seller = unit.shop.seller
        step = tell_again(case, unit.shop, unit.now) if seller.can_be_told else None
        due = deadlines(case, unit.shop) if seller.can_be_told or seller.owner else []
        if step or due:
            unit.ask(calendar.set_wakes([*due, step] if step else due))

    def _tell(
        self,
        case: Case,
        key: str,
        why: Reason,
        who: str | None,
        draft: str | None = None,
        about: tuple[Order, ...] = (),
        said: Sequence[str] = (),
        to_owner: bool = False,
        desk: str | None = None,
    ) -> None:
        """about: orders of which the seller reads how they stand. said: what was said since, by lines. desk:
        where they asked for it."""
        unit = self._unit
        unit.lines.append(CaseLine(unit.shop_id, case.number, case.kind))
        seller = unit.shop.seller
        ways: dict[str, str | None] = {key: desk} if seller.can_be_told else {}
        if to_owner and seller.owner and seller.owner != seller.email:
            ways[f"{key}:owner"] = f"{MAILTO}{seller.owner}"
        if not ways:
            return
        words = SellerWords.of(unit.shop)
        version = self._catalogue.resolve(NOTICE, seller.locale or unit.shop.locale)
        values = {
            "case": case.number,
            "text": _sentence(words.reason(why.code, why.values)),
            "matter": words.case(case.kind),
            "who": who,
            "answerable": bool(case.chat or who) and case.kind != "unreachable",
            "claim": case.kind == "payment_claim" and case.order is not None,
            "draft": draft,
            "orders": summary.of_orders(about, unit.shop, words),
            "said": list(said),
            "desk": bool(seller.telegram and not seller.webhook),
        }
        unit.ask(outbox.keep_versions([version]))
        notices = [
            outbox.Draft(
                key=each,
                to=to,
                buyer=SELLER,
                order=case.order,
                template=NOTICE,
                version=version.id,
                category="answer",  # to nobody's quiet hours but the seller's own mail program
                rule="cases",
                due_at=unit.now,
                lateness=timedelta(days=2),
                values=values,
            )
            for each, to in ways.items()
        ]
        unit.ask(outbox.queue(notices, unit.now))


def _who(buyer: Buyer | None, chat: str | None) -> str | None:
    return called(buyer.name, chat, buyer.email, buyer.phone) if buyer else chat


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def notice_key(case: str) -> str:
    """The key of the mail about a case, from the key of the case."""
    return f"{NOTICE}:{case}"


def _is_reported(row: DueRow, why: Reason) -> bool:
    if why.code == STOPPED:
        return row.template == CONFIRMATION and row.order_id is not None
    if why.code == LATE:
        return row.category == "answer" and row.to is not None and not row.to.startswith(MAILTO)
    if why.code == ARRIVAL_UNCLEAR:
        return True
    return why.code in REPORTED and row.category != "promotion"


def _unsent(row: DueRow, why: Reason, number: str | None) -> OpenCase:
    """number: of its order, as the buyer sees it."""
    order = row.order_id
    if row.template == "second_contact":
        key = f"no_answer:{order}"
        return OpenCase(kind="no_answer", key=key, reason="no_answer", details={"order": number}, order=order)
    if why.code == STOPPED:
        key = f"unreachable:{order}"
        details: dict[str, Value] = {"order": number}
        return OpenCase(kind="unreachable", key=key, reason=ORDER_STOPPED, details=details, order=order)
    if why.code == ARRIVAL_UNCLEAR:
        details = {"order": number, "parcel": why.values.get("parcel")}
        key = f"{ARRIVAL_UNCLEAR}:{order}"
        return OpenCase(kind="parcel_failed", key=key, reason=ARRIVAL_UNCLEAR, details=details, order=order)
    if why.code == LATE:  # one for each chat and day, because whoever hears nothing writes again
        key = f"unanswered:{row.to}:{row.due_at.date()}"
        details = {"asked_at": row.due_at.isoformat(), "template": row.template}
        return OpenCase(kind="undeliverable", key=key, reason="unanswered", details=details, order=order)
    # No address is one matter for all messages of an order, but not for a person's words, which are asked
    # after; any other trouble is a message's own.
    lost = why.code == "no_way" and order and row.template != PERSONS
    kind: CaseKind = "unreachable" if lost else "undeliverable"
    about = order if lost else row.key
    details = {"template": row.template, "why": why.values.get("why")}
    return OpenCase(kind=kind, key=f"{kind}:{about}", reason="undeliverable", details=details, order=order)

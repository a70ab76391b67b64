"""Explain one message, sent or not: what happened, which rule, which facts, how it ended."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.domain.actions import MAILTO
from bot.domain.events import TimeCame, load_event
from bot.domain.money import Money
from bot.domain.shop import Shop
from bot.seller.canned import TEMPLATE, said_by
from bot.seller.explanation_words import ExplanationWords
from bot.seller.words import SellerWords
from bot.texts.catalogue import Catalogue
from bot.texts.preview import text_now
from storage import order_records, read_models
from storage.asking import ask
from storage.outbox import SELLER
from storage.read_models import AttemptView, EventView, Message

AT_ONCE = timedelta(minutes=1)  # an event that took longer to reach us is mentioned


class Section(msgspec.Struct, frozen=True):
    title: str
    lines: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """`text`: what was sent, or was tried to; `preview`: what a waiting message would say now."""

    message: Message
    title: str
    sections: tuple[Section, ...]
    event: EventView | None = None
    attempts: tuple[AttemptView, ...] = ()
    text: str | None = None
    preview: str | None = None


def explain(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    words: SellerWords,
    name: str,
    texts: Catalogue | None = None,
    now: datetime | None = None,
) -> Explanation | None:
    """`name`: the message's id, public name or key; None if there is no such message.

    With `texts` and `now` a waiting message is rendered as it would be now.
    """
    message = read_models.message(connection, shop_id, name)
    if message is None:
        return None
    explainer = _Explainer(connection, shop_id, shop, ExplanationWords(words), message, now)
    preview = None
    if texts and now and message.state == "queued":
        preview = text_now(connection, shop_id, shop, message, texts, now)
    return explainer.explanation(preview)


def as_text(explanation: Explanation) -> str:
    """The whole explanation as text."""
    parts = [explanation.title]
    for section in explanation.sections:
        parts.append("\n".join([section.title, *(f"  {_indented(line)}" for line in section.lines)]))
    return "\n\n".join(parts)


class _Explainer:
    def __init__(
        self,
        connection: Connection,
        shop_id: str,
        shop: Shop,
        words: ExplanationWords,
        message: Message,
        now: datetime | None,
    ) -> None:
        self.shop = shop
        self.words = words
        self.message = message
        self.event = None if message.event is None else read_models.event(connection, shop_id, message.event)
        self.together = read_models.read_together_with(connection, shop_id, self.event) if self.event else []
        self.attempts = tuple(read_models.attempts_of(connection, shop_id, message.id))
        order = ask(connection, shop_id, order_records.by_id({message.order} if message.order else set()))
        self.order = next((known.shown_number for known in order.values()), message.order)
        self.facts = message.facts or {}
        self.is_due = now is not None and message.state == "queued" and message.try_at <= now
        self.before = read_models.retried_before(connection, shop_id, message) if self.is_due else None

    def explanation(self, preview: str | None) -> Explanation:
        message = self.message
        sections = [
            self._section("happened", self._happened()),
            self._section("rule", self._rule()),
            self._section("decided", self._decided()),
            self._section("facts", self._facts()),
            self._section("outcome", self._outcome()),
            self._section("attempts", self._attempts()),
        ]
        if message.text and (message.state in _MAY_BE_READ or not preview):
            title = "text" if message.state in _MAY_BE_READ else "text_tried"
            sections.append(self._section(title, iter([message.text])))
        if preview:
            sections.append(self._section("preview", iter([preview])))
        values = {"template": message.template, "state": message.state}
        return Explanation(
            message=message,
            title=self.words.say("titles", "message", values),
            sections=tuple(sections),
            event=self.event,
            attempts=self.attempts,
            text=message.text,
            preview=preview,
        )

    # What happened, and what followed from it

    def _happened(self) -> Iterator[str]:
        message, stored = self.message, self.event
        if message.event is None:
            yield self._without_event()
        elif stored is None:
            yield self._line("event_gone")
        else:
            event = load_event(stored.body)
            for earlier in self.together:
                at = load_event(earlier.body).at
                yield self._line("together", at=at, what=self._what(earlier))
            yield self._line("event", at=event.at, what=self._what(stored), channel=stored.channel)
            wait = stored.received_at - event.at
            yield self._line(
                "arrived",
                received_at=stored.received_at,
                wait=wait if wait > AT_ONCE else None,
                handled_at=stored.handled_at,
            )
            if not isinstance(event, TimeCame):
                yield self._line("repeats", external_id=stored.external_id)

    def _without_event(self) -> str:
        """A person's words, what the seller is told, an item that is back, or a campaign."""
        message = self.message
        at, values = message.created_at, message.values
        if message.template == TEMPLATE:
            who, case = said_by(message.key)
            return self._line("person_wrote", created_at=at, who=who, case=case)
        if message.buyer == SELLER:
            return self._line("seller_told", created_at=at, case=values.get("case"))
        if message.rule == "restocks":
            return self._line("item_back", created_at=at, item=values.get("title"))
        return self._line("promotion_began", promotion=values.get("promotion", message.rule), created_at=at)

    def _what(self, stored: EventView) -> str:
        event = load_event(stored.body)
        values = msgspec.structs.asdict(event)
        if values.get("order") == self.message.order:
            values["order"] = self.order
        return self.words.say("events", stored.type, values)

    def _rule(self) -> Iterator[str]:
        rule = self.message.rule
        if self.words.has("rules", rule):
            yield self.words.say("rules", rule)
            yield self._line("rule_name", rule=rule)
        elif rule.startswith("promotions."):
            yield self.words.say("rules", "promotion", {"promotion": rule.removeprefix("promotions.")})
        else:
            yield self.words.say("rules", "other", {"rule": rule})

    def _decided(self) -> Iterator[str]:
        message = self.message
        yield self._line(
            "decided", created_at=message.created_at, template=message.template, category=message.category
        )
        until = message.due_at + timedelta(seconds=message.lateness)
        yield self._line("due", due_at=message.due_at, until=until)
        file = f"{message.locale}/{message.template}.txt" if message.locale else message.template
        words = "own_words" if message.own else "our_words"
        yield self._line(words, template_file=file, version=message.version)
        if message.to and message.to.startswith(MAILTO):
            yield self._line("mailed_to", to=message.to.removeprefix(MAILTO))
        elif message.to:
            yield self._line("answer_to", to=message.to)
        yield from self._bargain()
        if message.unlike:
            yield self._line("unlike", unlike=message.unlike)
        yield self._line("key", key=message.key)

    def _bargain(self) -> Iterator[str]:
        """Of an answer about a price: the item, what was understood, and how far the terms let it go."""
        values = self.message.values
        if not {"item", "floor", "listed", "currency"} <= values.keys():
            return
        sums = {
            name: Money(int(values[name]), values["currency"])
            for name in ("listed", "price", "floor", "offered")
            if values.get(name) is not None
        }
        named = _pick(values, "item", "sku", "quantity", "round", "rounds", "accepts")
        told = {name: f"{money.decimal} {money.currency}" for name, money in sums.items()}
        yield self._line("bargain", **named, **told)

    # Facts, outcome, attempts

    def _facts(self) -> Iterator[str]:
        facts, offer = self.facts, self.message.category == "promotion"
        if not facts:
            not_yet = "due_and_not_looked" if self.is_due else "not_looked"
            yield self._line("never_looked" if self.message.settled_at else not_yet)
            return
        yield self._line("looked", **_with_times(_pick(facts, "at", "local_time", "timezone")))
        if facts.get("order"):
            order = facts["order"]
            values = _with_times(_pick(order, "number", "paid_at", "delivered_at", "cancelled_at"))
            refunded = bool(order.get("refunded_minor"))
            yield self._line("order", order_state=order.get("state"), refunded=refunded, **values)
        yield self._line("stopped" if facts.get("stopped") else "not_stopped")
        if offer:
            yield self._line(_CONSENT[facts.get("agrees")])
            yield self._count("in_week", facts, "promotions_in_week", "promotions_per_week")
        if "open_cases" in facts:
            cases = ", ".join(str(number) for number in facts["open_cases"])
            yield self._line("cases", cases=cases) if cases else self._line("no_cases")
        if facts.get("human_until") and facts["human_until"] > facts["at"]:
            yield self._line("person", until=datetime.fromisoformat(facts["human_until"]))
        if "sent_in_day" in facts:
            yield self._count("in_day", facts, "sent_in_day", "per_day")
        yield from self._quiet(facts)
        ways = ", ".join(facts.get("ways", ()))
        yield self._line("ways", ways=ways) if ways else self._line("no_ways")

    def _count(self, name: str, facts: Mapping[str, Any], count: str, limit: str) -> str:
        return self._line(name, count=facts.get(count, 0), limit=facts.get(limit, "?"))

    def _quiet(self, facts: Mapping[str, Any]) -> Iterator[str]:
        if facts.get("quiet_hours"):
            start, end = facts["quiet_hours"]
            yield self._line("no_quiet") if start == end else self._line("quiet", start=start, end=end)

    def _outcome(self) -> Iterator[str]:
        message, words = self.message, self.words
        reason = message.reason
        if message.state not in ("sent", "skipped", "sending"):
            yield _capital(words.seller.state(message.state))
        if reason and message.state != "sent":
            yield _capital(words.seller.reason(reason.code, reason.values))
            yield from self._limit(reason.code, reason.values)
        elif message.state == "sent":
            values = {"channel": message.channel, "sent_at": message.settled_at}
            yield _capital(words.seller.reason("sent", values))
        elif message.state == "sending":
            yield _capital(words.seller.reason("sending", {"channel": message.channel}))
        if self.is_due:
            yield self._due_and_waiting()
        elif message.state == "queued":
            yield self._line("looks_again", try_at=message.try_at)
        elif message.settled_at and message.state != "sent":
            yield self._line("settled", settled_at=message.settled_at)

    def _due_and_waiting(self) -> str:
        before, message = self.before, self.message
        if before:
            return self._line("behind", template=before.template, key=before.key, try_at=before.try_at)
        if message.channel and not message.attempts:  # as the claim notes where a channel has no free slot
            return self._line("no_slot", channel=message.channel)
        return self._line("in_its_turn")

    def _limit(self, code: str, values: Mapping[str, Any]) -> Iterator[str]:
        if self.words.has("limits", code):
            takeover = self.facts.get("takeover", int(self.shop.takeover.total_seconds()))
            lateness = self.message.lateness
            known = {"limit": "?", **values, "takeover": takeover, "lateness": lateness}
            yield self.words.say("limits", code, known)

    def _attempts(self) -> Iterator[str]:
        message = self.message
        for attempt in self.attempts:
            named = self.words.has("attempts", attempt.outcome)
            outcome = self.words.say(
                "attempts", attempt.outcome if named else "other", {"outcome": attempt.outcome}
            )
            yield self._attempt(attempt.number, attempt.at, attempt.channel, outcome, attempt.why)
        number = max((attempt.number for attempt in self.attempts), default=0) + 1
        if message.state == "sent" and message.settled_at:
            outcome = self.words.say("attempts", "sent")
            yield self._attempt(number, message.settled_at, message.channel, outcome, None)
        elif message.state == "sending":
            at = datetime.fromisoformat(self.facts["at"]) if self.facts else message.try_at
            yield self._attempt(number, at, message.channel, self.words.say("attempts", "underway"), None)
        elif not self.attempts:
            yield self._line("no_attempts")
        if message.receipt:
            yield self._line("receipt", receipt=message.receipt)

    def _attempt(self, number: int, at: datetime, channel: str | None, outcome: str, why: str | None) -> str:
        return self._line("attempt", number=number, at=at, channel=channel or "?", outcome=outcome, why=why)

    def _section(self, name: str, lines: Iterator[str]) -> Section:
        return Section(self.words.say("titles", name), tuple(lines))

    def _line(self, name: str, **values: Any) -> str:
        return self.words.say("lines", name, values)


_MAY_BE_READ = ("sending", "sent", "unknown")
_CONSENT = {True: "agrees", False: "agrees_not", None: "agrees_unknown"}


def _pick(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: values.get(name) for name in names}


def _with_times(values: dict[str, Any]) -> dict[str, Any]:
    """Parse the times, which the stored JSON has as text."""
    return {
        name: datetime.fromisoformat(value) if value and (name == "at" or name.endswith("_at")) else value
        for name, value in values.items()
    }


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")

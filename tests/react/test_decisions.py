"""What handlers decided, applied: said once, withdrawn, noted, and remembered for later."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from bot.domain.actions import (
    CallHuman,
    CloseCase,
    Consent,
    CountTry,
    MakeQuote,
    NoteBuyer,
    OpenCase,
    OpenOrder,
    Say,
    TagBuyer,
    Unsay,
    WakeAt,
)
from bot.domain.contacts import Contacts, Told
from bot.domain.context import Context
from bot.domain.events import Event, OrderCompleted
from bot.domain.messages import Reason
from bot.domain.money import Money
from bot.domain.quotes import Goods, Quote
from bot.domain.rules import Rules
from bot.domain.shop import Shop
from bot.domain.signed_tokens import ChatLink, address_mark
from bot.domain.wishes import EMAIL, standing
from bot.react.decisions import Decisions
from bot.react.unit_of_work import UnitOfWork
from bot.react.wishes import Wishes
from storage import buyer_records, tables
from storage.asking import ask
from storage.outbox import dump
from tests.one_shop import (
    CATALOGUE,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SHOP_ID,
    ann,
    bob,
    chat,
    context,
    order,
    queue,
    rows,
    rules,
    save,
    unit_of,
    wrote,
)

SECOND = timedelta(seconds=1)
TALK = chat()
HELLO = wrote("hello")


class Batch:
    """One batch, in which Ann has order 1 and a chat, and Bob has order 2."""

    def __init__(self, connection: Connection, shop: Shop | None = None, found: Rules | None = None) -> None:
        self.connection = connection
        save(connection, ann(), bob(), order("1"), order("2", "bob"), TALK)
        ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
        self.work = UnitOfWork(unit_of(connection, shop=shop) if shop else unit_of(connection))
        about = [OrderCompleted(channel="web", external_id=id, at=NOON, order=id) for id in ("1", "2")]
        self.work.unit.ask(self.work.read([wrote("hello"), *about], lambda text, talk: ()))
        self.decisions = Decisions(self.work, Wishes(self.work), found or rules(), CATALOGUE)

    def apply(self, *actions: Any, id: int = 7, event: Event = HELLO, **known: Any) -> Context:
        """What the handler "test.rule" of event `id` decided about Ann."""
        seen = context(**{"buyer": self.work.buyer("ann"), **known})
        self.decisions.apply(list(actions), event, id, "test.rule", seen)
        return seen

    def write(self) -> None:
        self.work.unit.ask(self.work.write())
        self.work.unit.ask(self.decisions.write())

    def decided(self, *actions: Any, **known: Any) -> None:
        self.apply(*actions, **known)
        self.write()

    def outbox(self, *columns: str) -> list[tuple[Any, ...]]:
        return rows(self.connection, tables.outbox, "key", *columns)


@pytest.fixture
def batch(connection: Connection) -> Batch:
    return Batch(connection)


# Say


def test_what_is_said_goes_into_the_outbox_whole(batch: Batch) -> None:
    say = Say(
        template="hello",
        key="hello:1",
        values={"step": 2},
        order="1",
        to="telegram:42",
        unlike="hello:0",
        buttons=(("Yes", "yes"),),
    )
    batch.decided(say)
    ((row),) = batch.connection.execute(tables.outbox.select()).all()
    version = CATALOGUE.resolve("hello", "en")
    assert msgspec.json.decode(row.values) == {"step": 2}
    assert msgspec.json.decode(row.buttons) == [["Yes", "yes"]]
    assert (row.shop, row.key, row.buyer, row.order_id) == (SHOP_ID, "hello:1", "ann", "1")
    assert (row.template, row.version, row.category, row.rule) == (
        "hello",
        version.id,
        "service",
        "test.rule",
    )
    assert (row.to, row.unlike, row.event, row.lateness) == ("telegram:42", "hello:0", 7, 3600)
    assert (row.state, row.reason, row.created_at, row.due_at, row.try_at) == (
        "queued",
        None,
        NOON,
        NOON,
        NOON,
    )
    assert rows(batch.connection, tables.templates, "id") == [(version.id,)]


def test_what_a_strangers_words_lead_to_about_an_order_of_nobody_is_not_said_to_the_stranger(
    batch: Batch,
) -> None:
    nobodys = msgspec.structs.replace(order("3"), buyer=None)
    batch.work.put_order(nobodys)
    batch.decided(Say(template="hello", key="hello:3", order="3"), conversation=TALK)
    assert batch.outbox("buyer") == []


def test_what_is_said_is_pinned_to_the_words_of_the_buyers_language(batch: Batch) -> None:
    batch.decided(Say(template="hello", key="k"), buyer=ann(locale="zh-CN"))
    assert batch.outbox("version") == [("k", CATALOGUE.resolve("hello", "zh-CN").id)]


@pytest.mark.parametrize(
    ("when", "due"),
    [({}, NOON), ({"after": HOUR}, NOON + HOUR), ({"at": NOON + DAY}, NOON + DAY)],
    ids=["now", "after", "at"],
)
def test_a_message_is_due_now_or_after_a_while_or_at_a_time(
    batch: Batch, when: dict[str, Any], due: datetime
) -> None:
    batch.decided(Say(template="hello", key="k", **when))
    assert batch.outbox("due_at", "state") == [("k", due, "queued")]


def test_what_is_too_late_when_it_is_decided_is_settled_at_once(batch: Batch) -> None:
    early, late = (
        Say(template="hello", key="a", at=NOON - HOUR),
        Say(template="hello", key="b", at=NOON - HOUR - SECOND),
    )
    batch.decided(early, late)
    why = dump(Reason("too_late", {"due_at": NOON - HOUR - SECOND, "lateness": 3600}))
    assert batch.outbox("state", "reason", "settled_at") == [
        ("a", "queued", None, None),
        ("b", "skipped", why, NOON),
    ]


def test_of_one_key_the_first_of_a_batch_is_said(batch: Batch) -> None:
    batch.apply(Say(template="hello", key="k"))
    batch.decided(Say(template="thanks", key="k"))
    assert batch.outbox("template") == [("k", "hello")]


def test_a_key_that_the_outbox_has_is_not_said_again(connection: Connection) -> None:
    queue(connection, "k", order="1")
    batch = Batch(connection)
    batch.decided(Say(template="hello", key="k", order="1"), order=order("1"))
    batch.decided(Say(template="hello", key="k", order="1"))
    assert batch.outbox("template") == [("k", "thanks")]


def test_nothing_is_said_to_nobody(batch: Batch) -> None:
    batch.decided(Say(template="hello", key="k"), buyer=None)
    assert batch.outbox() == []


# Unsay


def test_what_this_batch_wanted_said_is_withdrawn_by_its_prefix_and_order(batch: Batch) -> None:
    batch.apply(
        Say(template="hello", key="pay:1:a", order="1"), Say(template="hello", key="ship:1", order="1")
    )
    batch.apply(Say(template="hello", key="pay:2", order="2"), Say(template="hello", key="pay"))
    unsay = Unsay(prefix="pay:", why="order_paid", values={"order": "1"})
    batch.decided(unsay, order=order("1"))
    paid = dump(Reason("order_paid", {"order": "1"}))
    assert batch.outbox("state", "reason", "settled_at") == [
        ("pay", "queued", None, None),
        ("pay:1:a", "withdrawn", paid, NOON),
        ("pay:2", "queued", None, None),
        ("ship:1", "queued", None, None),
    ]


def test_what_the_outbox_has_is_withdrawn_while_it_waits(connection: Connection) -> None:
    queue(connection, "pay:1", "ship:1", "thank:1", order="1")
    queue(connection, "pay:2", order="2")
    connection.execute(tables.outbox.update().where(tables.outbox.c.key == "ship:1").values(state="failed"))
    batch = Batch(connection)
    batch.decided(
        Unsay(prefix="pay", why="order_paid"), Unsay(prefix="ship", why="order_paid"), order=order("1")
    )
    assert batch.outbox("state", "reason", "settled_at") == [
        ("pay:1", "withdrawn", dump(Reason("order_paid")), NOON),
        ("pay:2", "queued", None, None),
        ("ship:1", "failed", None, None),
        ("thank:1", "queued", None, None),
    ]


def test_what_was_too_late_when_decided_stays_so(batch: Batch) -> None:
    batch.apply(Say(template="hello", key="k", order="1", at=NOON - DAY))
    batch.decided(Unsay(prefix="k", why="order_paid"), order=order("1"))
    assert batch.outbox("state") == [("k", "skipped")]


def test_without_an_order_nothing_is_withdrawn(batch: Batch) -> None:
    batch.apply(Say(template="hello", key="k"))
    batch.decided(Unsay(prefix="k", why="order_paid"))
    assert batch.outbox("state") == [("k", "queued")]


# Cases


def cases(batch: Batch) -> list[tuple[Any, ...]]:
    return rows(batch.connection, tables.cases, "key", "kind", "reason", "order_id", "buyer", "closed_at")


def test_a_case_is_opened_once_and_closed_by_its_key(batch: Batch) -> None:
    opened = OpenCase(kind="complaint", key="c:1", reason="complaint", order="1", details={"a": 1})
    batch.apply(opened)
    batch.apply(opened)
    assert cases(batch) == [("c:1", "complaint", "complaint", "1", "ann", None)]
    assert [case.key for case in batch.work.cases["ann"]] == ["c:1"]
    assert rows(batch.connection, tables.cases, "details") == [('{"a":1}',)]
    batch.apply(CloseCase(key="c:1"))
    assert cases(batch) == [("c:1", "complaint", "complaint", "1", "ann", NOON)]


def test_later_events_of_the_batch_know_of_a_case(batch: Batch) -> None:
    batch.apply(OpenCase(kind="complaint", key="a", reason="complaint"))
    batch.apply(OpenCase(kind="complaint", key="b", reason="complaint"))
    batch.apply(OpenCase(kind="complaint", key="c", reason="complaint"), buyer=None)
    assert [case.key for case in batch.work.cases["ann"]] == ["a", "b"]


def test_the_mail_about_a_case_names_the_chat_and_its_draft_knows_the_order(connection: Connection) -> None:
    shop = Shop(name="Mug House", locale="en", seller={"email": "me@example.com"})  # type: ignore[arg-type]  # as settings
    batch = Batch(connection, shop)
    opened = OpenCase(kind="complaint", key="c", reason="complaint", order="1", draft="cancelled")
    batch.decided(opened, CallHuman(reason="asked"), conversation=TALK)
    mails = [msgspec.json.decode(values) for (values,) in rows(connection, tables.outbox, "values")]
    assert [mail["who"] for mail in mails] == ["telegram:42", "telegram:42"]
    ((draft,),) = [row for row in rows(connection, tables.cases, "draft") if row[0]]
    assert "order 1 has been cancelled" in draft


def test_who_was_not_understood_is_called_a_person_in_a_case_of_its_own_kind_and_no_second_one(
    batch: Batch,
) -> None:
    batch.apply(CallHuman(kind="not_understood", reason="not_understood"), conversation=TALK)
    batch.apply(CallHuman(reason="asked"), conversation=TALK, cases=batch.work.cases["ann"], id=8)
    assert [row[:3] for row in cases(batch)] == [("human:telegram:42:7", "not_understood", "not_understood")]


def test_a_person_is_called_once_while_a_case_of_that_kind_is_open(batch: Batch) -> None:
    call = CallHuman(reason="asked", details={"a": 1}, order="1")
    batch.apply(call, conversation=TALK)
    batch.apply(call, conversation=TALK, cases=batch.work.cases["ann"], id=8)
    assert cases(batch) == [("human:telegram:42:7", "human", "asked", "1", "ann", None)]
    assert rows(batch.connection, tables.cases, "details") == [('{"a":1}',)]


def test_a_case_of_another_kind_calls_nobody(batch: Batch) -> None:
    batch.apply(OpenCase(kind="complaint", key="c", reason="complaint"))
    batch.apply(CallHuman(reason="asked"), cases=batch.work.cases["ann"], buyer=None)
    assert [row[0] for row in cases(batch)] == ["c", "human::7"]
    assert [row[4] for row in cases(batch)] == ["ann", None]


# Notes and tags


def test_notes_and_tags_are_kept_with_their_buyer(batch: Batch) -> None:
    batch.apply(NoteBuyer(text="likes blue"), TagBuyer(tag="vip"), buyer=None)
    batch.apply(NoteBuyer(text="likes green"))
    batch.decided(NoteBuyer(text="likes red"), TagBuyer(tag="vip"))
    assert rows(batch.connection, tables.notes, "buyer", "kind", "text", "at") == [
        ("ann", "note", "likes green", NOON),
        ("ann", "note", "likes red", NOON),
        ("ann", "tag", "vip", NOON),
    ]


# Consent


@pytest.mark.parametrize(
    ("consent", "stopped", "agrees"),
    [
        (Consent(at=NOON, stop=True), NOON, False),
        (Consent(at=NOON, stop=False), None, None),
        (Consent(at=NOON, promotions=True), None, True),
        (Consent(at=NOON, promotions=False), None, False),
        (Consent(at=NOON), None, None),
        (Consent(at=NOON, stop=True, promotions=True), NOON, False),
    ],
)
def test_a_word_in_a_chat_is_that_chats_alone(
    batch: Batch, consent: Consent, stopped: Any, agrees: bool | None
) -> None:
    batch.decided(consent, conversation=TALK)
    holds = standing(batch.work.wishes["telegram", "42"])
    assert (holds.stopped_at, holds.agrees) == (stopped, agrees)
    assert holds.agrees_at == (None if agrees is None else NOON)
    said = {row[:2] for row in rows(batch.connection, tables.wishes, "kind", "value")}
    assert said <= {("telegram", "42")}


def test_a_word_counts_from_when_it_was_said_never_from_its_arrival(batch: Batch) -> None:
    batch.apply(Consent(at=NOON - MINUTE, stop=True), conversation=TALK)
    batch.apply(Consent(at=NOON - HOUR, stop=False), conversation=TALK)  # an older START, late
    assert standing(batch.work.wishes["telegram", "42"]).stopped_at == NOON - MINUTE


def test_a_word_outside_a_chat_is_not_noted(batch: Batch) -> None:
    batch.decided(Consent(at=NOON, stop=True), Consent(at=NOON, promotions=True))
    assert rows(batch.connection, tables.wishes, "kind") == []


# A chat that proves an order


def opened(batch: Batch) -> list[tuple[Any, ...]]:
    return rows(batch.connection, tables.openings, "order_id", "channel", "address", "how")


def test_a_proof_opens_that_order_and_joins_nobody(batch: Batch) -> None:
    """Bob's chat proves Ann's order; what it hears afterwards is still said to Bob."""
    the_strangers = chat("bob", tries=2, tries_since=NOON)
    batch.work.put_chat(the_strangers)
    batch.decided(
        OpenOrder(order="1", how="digits"),
        Say(template="thanks", key="after"),
        NoteBuyer(text="after"),
        buyer=bob(),
        conversation=the_strangers,
    )
    assert opened(batch) == [("1", "telegram", "42", "digits")]
    assert batch.outbox("buyer") == [("after", "bob")]
    assert {row[0] for row in rows(batch.connection, tables.notes, "buyer")} == {"bob"}
    assert rows(batch.connection, tables.conversations, "buyer", "tries") == [("bob", 2)]  # none given back
    assert rows(batch.connection, tables.orders, "id", "buyer") == [("1", "ann"), ("2", "bob")]


def test_a_link_opens_by_the_mark_of_the_address_that_it_was_sent_to(connection: Connection) -> None:
    box = "ann@example.com"
    told = Contacts(email=Told(box, NOON))
    link = rules(link_in=lambda shop, text: ChatLink("1", address_mark(EMAIL, box)))
    batch = Batch(connection, found=link)
    save(connection, order("3", "bob", contacts=told), order("4"))
    batch.work.put_order(order("1", contacts=told))
    batch.decided(OpenOrder(order="1", how="link"), conversation=TALK, event=wrote("link"))
    assert [row[0] for row in opened(batch)] == ["1", "3"]


def test_a_wrong_try_is_counted_for_the_chat_and_the_order(batch: Batch) -> None:
    the_strangers = chat("bob", tries=2, tries_since=NOON)
    batch.work.put_chat(the_strangers)
    batch.decided(CountTry(orders=("1",)), CountTry(), buyer=bob(), conversation=the_strangers)
    assert batch.work.chats["telegram", "42"].tries == 4
    assert rows(batch.connection, tables.wrong_tries, "order_id", "address") == [("", "42"), ("1", "42")]


def test_outside_a_chat_nothing_is_opened_and_no_try_is_counted(batch: Batch) -> None:
    batch.decided(OpenOrder(order="2", how="digits"), CountTry(), Say(template="hello", key="k"))
    assert batch.outbox("buyer") == [("k", "ann")]
    assert (opened(batch), rows(batch.connection, tables.wrong_tries, "id")) == ([], [])
    assert batch.work.chats["telegram", "42"].tries == 0


def test_what_was_decided_about_an_order_goes_to_the_buyer_whom_the_batch_left_it_with(batch: Batch) -> None:
    batch.apply(Say(template="hello", key="about", order="1"), Say(template="hello", key="none"))
    batch.apply(Say(template="thanks", key="answer", order="1", to="telegram:42"))
    batch.work.put_order(order("1", "bob"))
    batch.write()
    assert batch.outbox("buyer") == [("about", "bob"), ("answer", "ann"), ("none", "ann")]


# Deadlines


def test_a_quote_is_kept_and_changed_in_its_place_and_later_events_of_the_batch_know_of_it(
    batch: Batch,
) -> None:
    mug = Goods(sku="MUG-1", title="Mug", price=Money(6000, "CNY"))
    first = Quote(
        number=101, channel="telegram", address="42", buyer="ann", goods=mug, quantity=1,
        price=Money(5200, "CNY"), opened_at=NOON,
    )  # fmt: skip
    lower = msgspec.structs.replace(first, price=Money(5000, "CNY"))
    batch.apply(MakeQuote(quote=first))
    assert (batch.work.quotes_of(None, TALK), batch.work.next_quote) == ((first,), 102)
    batch.apply(MakeQuote(quote=lower))
    assert batch.work.quotes_of("ann", None) == (lower,)
    assert batch.work.quotes_of("bob", None) == ()
    batch.write()
    assert rows(batch.connection, tables.quotes, "number", "price_minor") == [(101, 5000)]


@pytest.mark.parametrize("times", [(NOON + HOUR, NOON + MINUTE), (NOON + MINUTE, NOON + HOUR)])
def test_the_earliest_of_two_deadlines_with_one_key_wins(
    batch: Batch, times: tuple[datetime, datetime]
) -> None:
    for at in times:
        batch.apply(WakeAt(key="w:1", at=at, what="check", order="1"))
    batch.write()
    wanted = [("w:1", NOON + MINUTE, "check", "1")]
    assert rows(batch.connection, tables.wakes, "key", "at", "what", "order_id") == wanted


def test_of_two_equal_deadlines_the_first_stays(batch: Batch) -> None:
    batch.apply(WakeAt(key="w", at=NOON, what="first"), WakeAt(key="v", at=NOON, what="other"))
    batch.decided(WakeAt(key="w", at=NOON, what="second"))
    assert rows(batch.connection, tables.wakes, "key", "what") == [("v", "other"), ("w", "first")]


@pytest.mark.parametrize("later", [MINUTE, -MINUTE])
def test_a_waiting_message_is_due_earlier_if_a_late_fact_says_so_and_never_later(
    connection: Connection, later: timedelta
) -> None:
    for after in (HOUR, HOUR + later):
        batch = Batch(connection)
        again = Say(template="hello", key="hello:1", order="1", at=NOON + after, earliest=True)
        batch.decided(again, order=batch.work.orders["1"])
    assert batch.outbox("due_at") == [("hello:1", NOON + min(HOUR, HOUR + later))]


@pytest.mark.parametrize("later", [MINUTE, -MINUTE])
def test_the_earliest_deadline_wins_across_batches_too(connection: Connection, later: timedelta) -> None:
    Batch(connection).decided(WakeAt(key="w", at=NOON + HOUR, what="check"))
    Batch(connection).decided(WakeAt(key="w", at=NOON + HOUR + later, what="check"))
    assert rows(connection, tables.wakes, "at") == [(min(NOON + HOUR, NOON + HOUR + later),)]

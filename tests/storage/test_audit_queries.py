"""What the audit reads: all that reached buyers, page by page, and the events that had arrived."""

import pytest
from sqlalchemy import Connection, update

from bot.domain.events import STOPS, AgentReplied, BuyerOptedOut, BuyerRef
from storage import audit_queries, buyer_records, inbox, tables
from storage.asking import ask
from tests.one_shop import (
    DAY,
    HOUR,
    MINUTE,
    NEIGHBOUR,
    SHOP_ID,
    amend,
    ann,
    bob,
    chat,
    completed,
    order,
    placed,
    queue,
    save,
    take,
    wrote,
)
from tests.world import NOON

SENT = {"state": "sent", "text": "Thanks", "settled_at": NOON}


def handle_all(connection: Connection) -> None:
    handled = [(row.id, None, None) for row in ask(connection, SHOP_ID, inbox.open_events(99, NOON))]
    ask(connection, SHOP_ID, inbox.settle(handled, NOON))


def test_pages_of_messages_go_through_all_that_reached_buyers_buyer_by_buyer(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_queries, "PAGE", 2)
    queue(connection, "b1", "b2", buyer="bob")
    queue(connection, "a2", "a1", "waits", "skipped")
    queue(connection, "theirs", shop=NEIGHBOUR)
    for key in ("b1", "b2", "a1"):
        amend(connection, key, **SENT)
    amend(connection, "a2", **SENT | {"state": "unknown", "settled_at": NOON + HOUR})
    amend(connection, "skipped", state="skipped", settled_at=NOON)

    first = audit_queries.sendings(connection, SHOP_ID, None)
    second = audit_queries.sendings(connection, SHOP_ID, first[-1].place)

    assert [[each.key for each in page] for page in (first, second)] == [["a1", "a2"], ["b1", "b2"]]
    assert audit_queries.sendings(connection, SHOP_ID, second[-1].place) == []


def test_messages_are_found_by_order_and_by_buyer_and_time(connection: Connection) -> None:
    queue(connection, "a", "b", order="1", values={"n": 1})
    queue(connection, "c", order="2", buyer="bob")
    amend(connection, "a", **SENT, facts='{"at": "x"}')
    amend(connection, "c", **SENT | {"settled_at": NOON + HOUR})

    about = audit_queries.sendings_about(connection, SHOP_ID, ["1", "2", "3"])
    assert {id: [each.key for each in those] for id, those in about.items()} == {"1": ["a"], "2": ["c"]}
    [one] = about["1"]
    assert (one.order, one.values, one.facts) == ("1", {"n": 1}, {"at": "x"})

    def to(buyer: str) -> list[str]:
        found = audit_queries.sendings_to(connection, SHOP_ID, buyer, NOON, NOON + MINUTE)
        return [each.key for each in found]

    assert (to("ann"), to("bob")) == (["a"], [])


def test_what_was_left_in_hand_or_open_too_long_is_overdue(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_queries, "PAGE", 1)
    queue(connection, "over", "held", "sent")
    for key, until in (("over", NOON - MINUTE), ("held", NOON)):
        amend(connection, key, state="sending", text="Thanks", lease_until=until)
    amend(connection, "sent", **SENT, lease_until=NOON - DAY)
    take(connection, placed("1"), placed("2"), now=NOON - HOUR)
    take(connection, placed("3"))

    assert [row.key for row in audit_queries.overdue_sendings(connection, SHOP_ID, NOON)] == ["over"]
    [first] = audit_queries.overdue_events(connection, SHOP_ID, NOON, 0)
    [second] = audit_queries.overdue_events(connection, SHOP_ID, NOON, first.id)
    assert audit_queries.overdue_events(connection, SHOP_ID, NOON, second.id) == []
    assert audit_queries.repeated_keys(connection, SHOP_ID) == []


def test_an_orders_events_come_together_with_its_record_and_are_not_cut_by_a_page(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_queries, "PAGE", 2)
    take(connection, placed("2"), placed("1"), completed("1"), completed("1"), wrote("hello"), placed("3"))
    save(connection, order("1"), order("3"))

    pages = list(audit_queries.orders_with_facts(connection, SHOP_ID))

    assert [{id: len(those) for id, those in facts.items()} for facts, _ in pages] == [
        {"1": 3},
        {"2": 1, "3": 1},
    ]
    assert [set(records) for _, records in pages] == [{"1"}, {"3"}]
    kinds = [type(fact.event).__name__ for fact in pages[0][0]["1"]]
    assert kinds == ["OrderPlaced", "OrderCompleted", "OrderCompleted"]


def test_an_event_that_cannot_be_read_again_is_left_to_the_parked_ones(connection: Connection) -> None:
    reply = {"channel": "telegram", "conversation": "42", "at": NOON, "message_id": "1", "text": "Hello"}
    take(connection, *(AgentReplied(external_id=name, **reply) for name in "abc"), wrote("hi"))
    handle_all(connection)
    take(connection, AgentReplied(external_id="open", **reply))
    here = update(tables.inbox).where(tables.inbox.c.external_id == "b")
    connection.execute(here.values(body="{}"))

    found = audit_queries.agent_replies(connection, SHOP_ID, 0)

    assert [fact.event.external_id for fact in found] == ["a", "c"]
    assert audit_queries.agent_replies(connection, SHOP_ID, found[-1].id) == []


def test_what_a_buyer_said_came_later_if_it_arrived_later_by_any_of_their_threads(
    connection: Connection,
) -> None:
    save(connection, order("1"))
    ask(connection, SHOP_ID, buyer_records.add_identities({("telegram", "42"): "ann"}))
    stop = BuyerOptedOut(channel="web", external_id="s", at=NOON, buyer=BuyerRef(id="7"))
    assert stop.thread == STOPS

    def came_later(event: object, received_after: object = HOUR, said: object = NOON) -> bool:
        with connection.begin_nested() as undone:
            take(connection, event, now=NOON + received_after)
            answer = audit_queries.came_later(connection, SHOP_ID, "ann", said, NOON)
            undone.rollback()
        return answer

    for event in (wrote("stop"), placed("1"), stop):
        assert came_later(event)
    assert not came_later(wrote("stop"), 0 * HOUR)
    assert not came_later(wrote("stop"), said=NOON + MINUTE)
    assert not came_later(wrote("stop", address="43"))
    assert not came_later(placed("2"))


def test_the_buyer_of_a_chat_and_those_into_whom_another_was_joined_are_found(connection: Connection) -> None:
    save(connection, ann(), bob(), chat())
    save(connection, chat("bob"), shop=NEIGHBOUR)
    connection.execute(update(tables.buyers).where(tables.buyers.c.id == "ann").values(joined_to="bob"))

    assert audit_queries.buyer_of_chat(connection, SHOP_ID, "telegram", "42") == "ann"
    assert audit_queries.buyer_of_chat(connection, SHOP_ID, "web", "42") is None
    assert audit_queries.joined_buyers(connection, SHOP_ID, ["ann", "bob"]) == {"bob"}

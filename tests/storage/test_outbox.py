"""The outbox: which message waits, which is due, and what each outcome changes."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.domain.messages import Reason
from storage import due_messages, outbox, schema, tables
from storage.asking import ask
from storage.database import Database
from storage.outbox import AHEAD, Attempt, Outcome, dump
from tests.one_shop import DAY, HOUR, MINUTE, NEIGHBOUR, SHOP_ID, amend, queue, rows
from tests.world import NOON

SENDING = {"state": "sending", "text": "Thanks", "lease_until": NOON + MINUTE}
SENT = {"state": "sent", "text": "Thanks", "settled_at": NOON}
WHY = Reason("quiet_hours", {"until": "08:00"})


def due(connection: Connection, now: datetime = NOON, limit: int = 9) -> list[str]:
    return [row.key for row in ask(connection, SHOP_ID, due_messages.due(now, limit))]


def states(connection: Connection, *columns: str) -> list[tuple[Any, ...]]:
    return rows(connection, tables.outbox, "key", "state", *columns)


def outcome(id: int, state: str, **fields: Any) -> Outcome:
    return Outcome(shop=SHOP_ID, id=id, state=state, why=WHY, **fields)


def test_a_key_that_was_ever_used_keeps_its_first_message(connection: Connection) -> None:
    queue(connection, "a", rule="first")
    amend(connection, "a", **SENT)

    queue(connection, "a", "b", rule="second")
    queue(connection, "a", shop=NEIGHBOUR)
    ask(connection, SHOP_ID, outbox.queue([], NOON))

    assert states(connection, "rule") == [("a", "sent", "first"), ("b", "queued", "second")]


def test_a_message_that_never_waits_begins_in_its_last_state(connection: Connection) -> None:
    queue(connection, "a", settled=("skipped", WHY))

    assert states(connection, "reason", "settled_at") == [("a", "skipped", dump(WHY), NOON)]


def test_answers_go_first_then_the_longest_due(connection: Connection) -> None:
    queue(connection, "late", buyer="bob", due_at=NOON - HOUR)
    queue(connection, "now", buyer="cleo")
    queue(connection, "answer", category="answer")
    queue(connection, "future", due_at=NOON + MINUTE)
    queue(connection, "theirs", shop=NEIGHBOUR)

    assert due(connection) == ["answer", "late", "now"]
    assert due(connection, limit=2) == ["answer", "late"]
    assert due(connection, limit=1) == ["answer"]
    assert due_messages.next_due(connection) == NOON - HOUR


def test_only_shops_with_something_due_are_asked(connection: Connection) -> None:
    queue(connection, "now")
    queue(connection, "future", shop=NEIGHBOUR, due_at=NOON + MINUTE)

    assert due_messages.due_counts(connection, NOON - MINUTE) == {}
    assert due_messages.due_counts(connection, NOON) == {SHOP_ID: 1}
    assert list(due_messages.due_counts(connection, NOON + MINUTE)) == [SHOP_ID, NEIGHBOUR]


def test_behind_a_backlog_no_shop_is_forgotten(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_messages, "BACKLOG", 5)
    queue(connection, *(f"old{number}" for number in range(9)), due_at=NOON - HOUR)
    queue(connection, "theirs", shop=NEIGHBOUR)

    assert list(due_messages.due_counts(connection, NOON)) == [SHOP_ID, NEIGHBOUR]


def test_behind_a_backlog_the_others_with_something_due_share_a_claim_and_nobody_else_is_asked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_messages, "BACKLOG", 5)
    database = Database(database_url)

    def due_in_each(connection: Connection) -> dict[str, int]:
        queue(connection, *(f"old{number}" for number in range(9)), shop="gone", due_at=NOON - HOUR)
        queue(connection, "theirs", shop=NEIGHBOUR)
        queue(connection, "future", due_at=NOON + MINUTE)
        return due_messages.due_counts(connection, NOON)

    counted = database.write_now(due_in_each)
    database.close()
    assert counted == {"gone": 5, NEIGHBOUR: due_messages.SHARED}


def test_who_has_a_message_in_hand_gets_no_other(connection: Connection) -> None:
    queue(connection, "in hand", "waits")
    queue(connection, "bobs", buyer="bob")
    amend(connection, "in hand", **SENDING)

    assert due(connection) == ["bobs"]


def test_a_message_that_is_held_waits_for_its_next_time_and_keeps_its_due_time(
    connection: Connection,
) -> None:
    queue(connection, "a", "b")
    a, b = amend(connection, "a"), amend(connection, "b", **SENDING)

    outbox.hold(connection, [outcome(id, "queued", try_at=NOON + HOUR, facts="{}") for id in (a, b)])

    assert due(connection) == []
    assert states(connection, "try_at", "due_at", "reason") == [
        ("a", "queued", NOON + HOUR, NOON, dump(WHY)),
        ("b", "sending", NOON, NOON, None),
    ]


def test_only_what_is_still_queued_ends_without_a_sending(connection: Connection) -> None:
    queue(connection, "a", "b", "c", "d")
    ids = [amend(connection, "a"), amend(connection, "b", **SENDING)]

    outbox.settle(connection, [outcome(id, "skipped", settled_at=NOON) for id in ids])
    ask(connection, SHOP_ID, outbox.withdraw({"b": WHY, "c": WHY, "unknown": WHY}, NOON))
    for key in ("a", "b", "d"):
        outbox.drop(connection, SHOP_ID, key, NOON)

    assert states(connection, "reason", "settled_at") == [
        ("a", "skipped", dump(WHY), NOON),
        ("b", "sending", None, None),
        ("c", "withdrawn", dump(WHY), NOON),
        ("d", "withdrawn", None, NOON),
    ]


def test_a_message_in_hand_ends_as_sent_and_only_once(connection: Connection) -> None:
    queue(connection, "a", "b")
    ids = [amend(connection, key) for key in "ab"]
    taken = [{"shop": SHOP_ID, "id": ids[0], "text": "Thanks", "lease_until": NOON + MINUTE}]
    outbox.mark_sending(connection, taken)
    outbox.mark_sending(connection, [taken[0] | {"text": "Again"}])

    for receipt in ("r1", "r2"):
        sent = [{"shop": SHOP_ID, "id": id, "receipt": receipt, "settled_at": NOON} for id in ids]
        outbox.mark_sent(connection, sent)

    assert states(connection, "text", "receipt", "attempts", "lease_until") == [
        ("a", "sent", "Thanks", "r1", 1, None),
        ("b", "queued", None, None, 0, None),
    ]


def test_a_sending_that_failed_is_counted_and_written_down(connection: Connection) -> None:
    queue(connection, "a", "b")
    a, b = amend(connection, "a", **SENDING), amend(connection, "b", **SENT)
    failed = Attempt(
        shop=SHOP_ID, message=a, number=1, at=NOON, channel="web", outcome="DeliveryDelayed", why="503"
    )

    again = [outcome(id, "queued", try_at=NOON + HOUR) for id in (a, b)]
    outbox.mark_failed(connection, again, [failed])

    assert states(connection, "attempts", "try_at", "lease_until") == [
        ("a", "queued", 1, NOON + HOUR, None),
        ("b", "sent", 0, NOON, None),
    ]
    assert rows(connection, tables.attempts, "message", "number", "why") == [(a, 1, "503")]


def test_a_lease_is_over_after_its_end_or_if_no_clock_of_ours_gave_it(connection: Connection) -> None:
    ends = {"over": -MINUTE, "at its end": 0 * HOUR, "ahead": 2 * HOUR, "far ahead": 2 * HOUR + MINUTE}
    queue(connection, *ends, "renewed", "sent")
    for key, after in ends.items():
        amend(connection, key, **SENDING | {"lease_until": NOON + after})
    renewed = amend(connection, "renewed", **SENDING | {"lease_until": NOON - HOUR})
    outbox.renew(connection, [(SHOP_ID, renewed)], NOON + MINUTE)
    amend(connection, "sent", **SENT | {"lease_until": NOON - HOUR})

    assert {row.key for row in outbox.abandoned(connection, [SHOP_ID], NOON, HOUR)} == {"over", "far ahead"}
    assert outbox.abandoned(connection, [NEIGHBOUR], NOON, HOUR) == []
    assert len(outbox.abandoned(connection, [SHOP_ID], NOON, HOUR, limit=1)) == 1


def test_what_was_abandoned_is_found_however_many_shops_there_are(database_url: str) -> None:
    database = Database(database_url)
    shops = {SHOP_ID, *(f"shop{number}" for number in range(70_000))}  # more than a statement takes

    def look(connection: Connection) -> list[str]:
        queue(connection, "over")
        amend(connection, "over", **SENDING)
        return [row.key for row in outbox.abandoned(connection, shops, NOON + HOUR, HOUR)]

    found = database.write_now(look)
    database.close()
    assert found == ["over"]


def test_what_waits_about_an_order_is_given_to_its_buyer_of_now(connection: Connection) -> None:
    queue(connection, "waits", "sent", "sending", order="1")
    queue(connection, "answer", order="1", to="telegram:42")
    queue(connection, "seller", order="1", buyer=outbox.SELLER)
    queue(connection, "other", order="2")
    queue(connection, "none")
    queue(connection, "waits", order="1", shop=NEIGHBOUR)
    amend(connection, "sent", **SENT)
    amend(connection, "sending", **SENDING)

    ask(connection, SHOP_ID, outbox.readdress({"1": "bob"}))

    assert rows(connection, tables.outbox, "buyer", "key") == [
        *(("ann", key) for key in ("answer", "none", "other", "sending", "sent")),
        ("bob", "waits"),
        (outbox.SELLER, "seller"),
    ]
    assert rows(connection, tables.outbox, "buyer", shop=NEIGHBOUR) == [("ann",)]


def test_what_was_skipped_is_judged_again_while_it_may_be_sent(connection: Connection) -> None:
    queue(connection, "young", "told", "other reason", order="1")
    queue(connection, "old", order="1", due_at=NOON - DAY)
    queue(connection, "young", order="1", shop=NEIGHBOUR)
    for key in ("young", "old"):
        amend(connection, key, state="skipped", reason=outbox.dump(Reason("no_way")), settled_at=NOON)
    amend(connection, "other reason", state="skipped", reason=outbox.dump(Reason("order_paid")))
    amend(connection, "told", **SENT)

    ask(connection, SHOP_ID, outbox.try_anew({"1"}, NOON + MINUTE))

    assert rows(connection, tables.outbox, "key", "state", "try_at", "settled_at")[3] == (
        *("young", "queued", NOON + MINUTE),
        None,
    )
    states = dict(rows(connection, tables.outbox, "key", "state"))
    assert states == {"young": "queued", "other reason": "queued", "told": "sent", "old": "skipped"}


def test_only_what_was_given_up_for_the_cancelling_of_an_order_is_judged_again_with_it(
    connection: Connection,
) -> None:
    queue(connection, "young", "told", "other reason", order="1")
    queue(connection, "old", order="1", due_at=NOON - DAY)
    queue(connection, "young", order="1", shop=NEIGHBOUR)
    queue(connection, "seller", order="1", buyer=outbox.SELLER)
    for key in ("young", "old", "seller"):
        why = Reason("order_cancelled", {"order": "1"})
        amend(connection, key, state="skipped", reason=outbox.dump(why), settled_at=NOON)
    amend(connection, "other reason", state="skipped", reason=outbox.dump(Reason("order_paid")))
    amend(connection, "told", **SENT)

    ask(connection, SHOP_ID, outbox.try_restored({"1"}, NOON + MINUTE))

    states = dict(rows(connection, tables.outbox, "key", "state"))
    assert states.pop("young") == "queued"
    assert states == {"other reason": "skipped", "told": "sent", "old": "skipped", "seller": "skipped"}


def test_open_messages_are_counted_by_shop_and_state(connection: Connection) -> None:
    queue(connection, "a", "b", "c", "d")
    queue(connection, "a", shop=NEIGHBOUR)
    amend(connection, "c", **SENDING)
    amend(connection, "d", **SENT)

    assert outbox.open_counts(connection) == {
        (SHOP_ID, "queued"): 2,
        (SHOP_ID, "sending"): 1,
        (NEIGHBOUR, "queued"): 1,
    }


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (NOON - DAY, NOON),
        (NOON + AHEAD, NOON + AHEAD),
        (NOON + AHEAD + MINUTE, NOON),  # no program's clock is that wrong: the database was
    ],
)
def test_no_message_is_decided_before_the_last_one_of_another_clock(
    last: datetime, expected: datetime, postgres_url: str
) -> None:
    database = Database(postgres_url)
    schema.migrate(database.engine)

    def after_another(connection: Connection) -> tuple[datetime, datetime]:
        queue(connection, "a", now=last)
        queue(connection, "b", shop=NEIGHBOUR, now=NOON + MINUTE)
        return ask(connection, SHOP_ID, outbox.no_earlier("postgresql", NOON)), ask(
            connection, "zoo", outbox.no_earlier("postgresql", NOON)
        )

    assert database.write_now(after_another) == (expected, NOON)
    database.close()

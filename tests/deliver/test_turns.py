"""Whose turn it is: no message overtakes one that another program has in hand or would send first."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.deliver import turns
from storage import due_messages, tables
from storage.asking import ask
from tests.one_shop import MINUTE, NOON, SHOP_ID, queue, rows


def test_the_messages_of_a_buyer_come_in_turn_and_no_more_than_a_round_looks_at(
    connection: Connection,
) -> None:
    queue(connection, "offer", category="promotion", due_at=NOON - MINUTE)
    news = [f"news {number:02}" for number in range(turns.LOOKED_AT + 5)]
    queue(connection, *news)
    queue(connection, "other", buyer="bob")
    assert ours(connection, room=100) == [
        *(f"news {number:02}" for number in range(turns.LOOKED_AT)),
        "other",
    ]


def test_a_new_total_comes_before_thanks_that_name_what_is_left_of_it(connection: Connection) -> None:
    queue(connection, "thanks", template="payment_received", due_at=NOON - MINUTE)
    queue(connection, "total", template="total_changed")
    queue(connection, "confirmation", template="order_confirmation")
    assert ours(connection) == ["confirmation", "total", "thanks"]


def beside(
    monkeypatch: pytest.MonkeyPatch, others: list[Any], free: frozenset[str] = frozenset({"ann", "bob", "cy"})
) -> None:
    """From now on another program leaves us these buyers only, and sees these rows of theirs."""

    def try_locks(connection: Any, place: str, names: Any) -> set[str]:
        assert place == "deliver"
        return set(names) & {f"{SHOP_ID}:{buyer}" for buyer in free}

    def competing(dialect: str, buyers: set[str], now: datetime) -> Any:
        assert now == NOON
        return [each for each in others if each.buyer in buyers]
        yield

    monkeypatch.setattr(turns, "try_locks", try_locks)
    monkeypatch.setattr(turns.due_messages, "competing", competing)


def row(
    id: int, category: str = "service", after: timedelta = timedelta(0), state: str = "queued"
) -> SimpleNamespace:
    """A row of Ann's, as another program may see it."""
    return SimpleNamespace(id=id, buyer="ann", category=category, state=state, try_at=NOON + after)


def id_of(connection: Connection, key: str) -> int:
    return next(id for known, id in rows(connection, tables.outbox, "key", "id") if known == key)


def ours(connection: Connection, room: int = 10) -> list[str]:
    """The keys of what is ours to judge, in turn."""
    due = ask(connection, SHOP_ID, due_messages.due(NOON, room))
    found = turns.of_buyers(connection, {SHOP_ID: due}, {SHOP_ID: NOON}, {SHOP_ID: room})
    return [row.key for row in found.get(SHOP_ID, [])]


@pytest.mark.parametrize(
    ("step", "after", "category", "own", "overtaken"),
    [
        (-1, timedelta(0), "service", "service", True),
        (+1, timedelta(0), "service", "service", False),
        (+1, -MINUTE, "service", "service", True),
        (-1, MINUTE, "service", "service", False),
        (-1, timedelta(0), "service", "answer", False),
        (-1, timedelta(0), "answer", "answer", True),
        (-1, timedelta(0), "answer", "service", True),
    ],
)
def test_nothing_overtakes_what_the_outbox_would_find_first(
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    after: timedelta,
    category: str,
    own: str,
    overtaken: bool,
) -> None:
    queue(connection, "ours", category=own)
    beside(monkeypatch, [row(id_of(connection, "ours") + step, category, after)])
    assert ours(connection) == ([] if overtaken else ["ours"])


def test_only_buyers_whom_no_other_program_is_at_are_ours(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob", "cy"):
        queue(connection, name, buyer=name)
    beside(monkeypatch, [], free=frozenset({"ann", "cy"}))
    assert ours(connection) == ["ann", "cy"]


def test_no_more_buyers_are_locked_than_there_is_room_for(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob", "cy"):
        queue(connection, name, buyer=name)
    beside(monkeypatch, [])
    assert ours(connection, room=2) == ["ann", "bob"]


@pytest.mark.parametrize("step", [0, 7])
def test_a_buyer_to_whom_another_program_is_writing_is_not_ours(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    queue(connection, "a")
    queue(connection, "b", buyer="bob")
    beside(monkeypatch, [row(id_of(connection, "a") + step, state="sending")])
    assert ours(connection) == ["b"]


def test_what_we_see_as_well_is_not_overtaken_by_what_is_weightier(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(connection, "lighter", category="promotion")
    queue(connection, "weightier")
    beside(monkeypatch, [row(id_of(connection, "lighter"), "promotion")])
    assert ours(connection) == ["weightier", "lighter"]

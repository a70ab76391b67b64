"""A failed attempt is never overtaken by a later message of the same chat."""

from typing import Any

import pytest
from sqlalchemy import Connection

from bot.domain.messages import Reason
from storage import due_messages
from storage.asking import ask
from storage.outbox import dump
from tests.one_shop import HOUR, MINUTE, SHOP_ID, amend, queue
from tests.world import NOON

ASKED = {"category": "answer", "to": "telegram:42"}


def due(connection: Connection, minutes: int = 0, limit: int = 9) -> list[str]:
    return [row.key for row in ask(connection, SHOP_ID, due_messages.due(NOON + minutes * MINUTE, limit))]


def failed(
    connection: Connection, key: str, code: str = "try_again", address: str = "42", **fields: Any
) -> None:
    """This message was tried, and is tried again in two minutes."""
    queue(connection, key, **fields)
    why = dump(Reason(code, {"why": "429"}))
    again = {"attempts": 1, "try_at": NOON + 2 * MINUTE, "reason": why}
    amend(connection, key, channel="telegram", address=address, **again)


@pytest.mark.parametrize("code", ["try_again", "unknown_resend"])
def test_the_next_answer_waits_until_the_failed_one_went_out(connection: Connection, code: str) -> None:
    failed(connection, "first", code, **ASKED)
    queue(connection, "second", "third", **ASKED)

    assert due(connection) == []
    assert due(connection, minutes=2) == due(connection, minutes=2, limit=1) == ["first"]
    amend(connection, "first", state="sent", text="x", settled_at=NOON)
    assert due(connection, minutes=2) == ["second", "third"]


def test_an_answer_does_not_overtake_a_notice_that_failed_in_its_chat(connection: Connection) -> None:
    failed(connection, "notice")
    queue(connection, "answer", **ASKED)

    assert due(connection) == []
    assert due(connection, minutes=2) == ["notice"]


def test_an_answer_in_a_chat_waits_for_no_mail_and_nobody_for_another_buyer(connection: Connection) -> None:
    queue(connection, "mail")
    amend(
        connection,
        "mail",
        channel="mail",
        address="ann@buyer.example",
        attempts=1,
        try_at=NOON + HOUR,
        reason=dump(Reason("try_again", {})),
    )
    queue(connection, "answer", **ASKED)
    queue(connection, "notice")
    queue(connection, "bobs", buyer="bob")

    assert due(connection) == ["answer", "bobs"]


def test_what_was_put_off_for_the_night_holds_nothing_up(connection: Connection) -> None:
    failed(connection, "reminder", "quiet_hours")
    queue(connection, "answer", **ASKED)

    assert due(connection) == ["answer"]


def test_another_program_does_not_count_what_has_to_wait_as_its_forerunner(connection: Connection) -> None:
    failed(connection, "first", **ASKED)
    queue(connection, "second", **ASKED)
    rival = [
        row.id
        for row in ask(
            connection, SHOP_ID, due_messages.competing(connection.dialect.name, ["ann"], NOON + 2 * MINUTE)
        )
    ]

    assert rival in ([], [amend(connection, "first")])


def test_the_next_due_time_may_leave_out_what_waits_for_another(connection: Connection) -> None:
    failed(connection, "first", **ASKED)
    queue(connection, "second", **ASKED)

    assert due_messages.next_due(connection) == NOON
    assert due_messages.next_due(connection, NOON) == NOON + 2 * MINUTE


# One buyer among many


@pytest.mark.parametrize("of", [{}, ASKED], ids=["notices", "answers"])
def test_whoever_has_many_due_messages_holds_up_nobody(connection: Connection, of: dict[str, Any]) -> None:
    queue(connection, *(f"ann{number}" for number in range(40)), buyer="ann", **of)
    queue(connection, "bob", buyer="bob", **of)
    queue(connection, "cleo", "cleo later", buyer="cleo", **of)

    found = due(connection, limit=3)

    assert found == ["ann0", "ann1", "ann2", "bob", "cleo"]


def test_a_claim_ends_where_enough_buyers_are_found(connection: Connection) -> None:
    for number in range(9):
        queue(connection, f"notice{number}", buyer=f"buyer{number}")

    assert due(connection, limit=4) == [f"notice{number}" for number in range(4)]

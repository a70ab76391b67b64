"""What waits in a held outbox is counted, and withdrawn up to a time."""

from sqlalchemy import Connection

from bot.domain.messages import Reason
from storage import held_outbox, tables
from storage.held_outbox import WaitingCount
from storage.outbox import dump
from tests.one_shop import DAY, HOUR, MINUTE, NEIGHBOUR, SHOP_ID, amend, queue, rows
from tests.world import NOON

WHY = Reason("restored")


def test_waiting_messages_are_counted_by_template_the_longest_due_first(connection: Connection) -> None:
    queue(connection, "new", template="shipped", due_at=NOON)
    queue(connection, "old", due_at=NOON - DAY)
    queue(connection, "future", due_at=NOON + HOUR)
    queue(connection, "skipped", settled=("skipped", WHY))
    queue(connection, "theirs", shop=NEIGHBOUR)

    assert held_outbox.count_waiting(connection, SHOP_ID, NOON) == [
        WaitingCount(shop=SHOP_ID, template="thanks", count=2, overdue=1, oldest=NOON - DAY),
        WaitingCount(shop=SHOP_ID, template="shipped", count=1, overdue=1, oldest=NOON),
    ]


def test_only_what_waits_and_was_due_before_is_withdrawn_up_to_a_limit(connection: Connection) -> None:
    queue(connection, "a", "b", "sending", due_at=NOON - HOUR)
    queue(connection, "now")
    queue(connection, "theirs", shop=NEIGHBOUR, due_at=NOON - HOUR)
    amend(connection, "sending", state="sending", text="Thanks", lease_until=NOON)

    counts = [held_outbox.withdraw_due(connection, SHOP_ID, NOON, WHY, NOON + DAY, 1) for _ in range(3)]

    assert counts == [1, 1, 0]
    assert rows(connection, tables.outbox, "key", "state", "reason", "settled_at") == [
        ("a", "withdrawn", dump(WHY), NOON + DAY),
        ("b", "withdrawn", dump(WHY), NOON + DAY),
        ("now", "queued", None, None),
        ("sending", "sending", None, None),
    ]
    assert rows(connection, tables.outbox, "state", shop=NEIGHBOUR) == [("queued",)]


def test_a_sending_is_abandoned_when_its_lease_is_over(connection: Connection) -> None:
    leases = {"over": NOON - MINUTE, "held": NOON, "younger": NOON - MINUTE}
    queue(connection, "over", "held", "waits", due_at=NOON - HOUR)
    queue(connection, "younger")
    for key, until in leases.items():
        amend(connection, key, state="sending", text="Thanks", lease_until=until)

    found = held_outbox.abandoned_before(connection, SHOP_ID, NOON, NOON, 9)

    assert [row.key for row in found] == ["over"]
    assert held_outbox.abandoned_before(connection, SHOP_ID, NOON, NOON, 0) == []

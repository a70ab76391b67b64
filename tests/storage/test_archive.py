"""What may go to the archive, and what stays of it so that later decisions do not change."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bot.domain.actions import WakeAt
from bot.domain.events import TimeCame
from storage import archive, calendar, inbox, tables
from storage.archive import CLOCK, Page
from storage.asking import ask
from storage.inbox import UnreadableDelivery
from storage.outbox import Attempt, mark_failed
from tests.one_shop import DAY, HOUR, NEIGHBOUR, SHOP_ID, amend, placed, queue, rows, take
from tests.world import NOON

OLD = NOON - DAY
ENDED = {"state": "sent", "text": "Thanks", "settled_at": OLD}


def page(connection: Connection, table: str, after: int = 0, limit: int = 9) -> Page:
    return archive.page(connection, SHOP_ID, table, after, NOON, limit)


def remove(connection: Connection, table: str, found: Page, before: datetime = NOON) -> None:
    archive.remove(connection, SHOP_ID, table, found.rows, before)


def test_of_the_inbox_only_what_was_handled_before_goes(connection: Connection) -> None:
    take(connection, *(placed(number) for number in "1234"), now=OLD)
    first, second, third, _ = (row.id for row in ask(connection, SHOP_ID, inbox.open_events(9, NOON)))
    ask(connection, SHOP_ID, inbox.settle([(first, None, None), (second, None, "broken")], OLD))
    ask(connection, SHOP_ID, inbox.settle([(third, None, None)], NOON))

    found = page(connection, "inbox")

    assert [row["id"] for row in found.rows] == [first]
    assert found.last is None


def test_the_name_of_an_archived_event_stays_so_that_its_repeat_is_known(connection: Connection) -> None:
    event = placed("1")
    take(connection, event, now=OLD)
    [row] = ask(connection, SHOP_ID, inbox.open_events(9, NOON))
    ask(connection, SHOP_ID, inbox.settle([(row.id, None, None)], OLD))
    remove(connection, "inbox", page(connection, "inbox"))

    take(connection, event)

    assert rows(connection, tables.inbox, "id") == []
    assert rows(connection, tables.archived_events, "external_id") == [(event.external_id,)]


def test_a_deadline_goes_with_its_event_once_it_fired(connection: Connection) -> None:
    for key, channel in (("fired", CLOCK), ("waits", CLOCK), ("other", "web")):
        ask(connection, SHOP_ID, calendar.set_wakes([WakeAt(key=key, at=OLD, what="remind")]))
        event = TimeCame(channel=channel, external_id=key, at=OLD, what="remind", about=key)
        take(connection, event, now=OLD)
    calendar.mark_fired(connection, [(SHOP_ID, "fired"), (SHOP_ID, "other")], OLD)
    handled = [(row.id, None, None) for row in ask(connection, SHOP_ID, inbox.open_events(9, NOON))]
    ask(connection, SHOP_ID, inbox.settle(handled, OLD))

    remove(connection, "inbox", page(connection, "inbox"))

    assert rows(connection, tables.wakes, "key") == [("other",), ("waits",)]


def test_offers_stay_and_so_does_all_about_an_order_of_which_a_message_waits(connection: Connection) -> None:
    queue(connection, "goes", "goes about 1", now=OLD, order="1")
    queue(connection, "offer", category="promotion", now=OLD)
    queue(connection, "stays about 2", "waits about 2", now=OLD, order="2")
    queue(connection, "ended late", now=OLD)
    for key in ("goes", "goes about 1", "offer", "stays about 2"):
        amend(connection, key, **ENDED)
    amend(connection, "ended late", **ENDED | {"settled_at": NOON})

    assert [row["key"] for row in page(connection, "outbox").rows] == ["goes", "goes about 1"]


def test_of_an_archived_message_stays_what_rules_look_back_at(connection: Connection) -> None:
    queue(connection, "paid", now=OLD, order="1")
    queue(connection, "no order", now=OLD)
    paid = '{"order": {"paid_at": "2026-11-21T04:00:00Z"}}'
    id = amend(connection, "paid", **ENDED, attempts=1, facts=paid)
    amend(connection, "no order", **ENDED)
    fields = {"channel": "web", "outcome": "DeliveryDelayed", "why": "503"}
    mark_failed(connection, [], [Attempt(shop=SHOP_ID, message=id, number=1, at=OLD, **fields)])

    found = page(connection, "outbox")
    remove(connection, "outbox", found)

    assert [[each["why"] for each in row["tries"]] for row in found.rows] == [["503"], []]
    assert rows(connection, tables.outbox, "id") == rows(connection, tables.attempts, "message") == []
    kept = rows(connection, tables.archived_messages, "order_id", "key", "state", "settled_at", "paid")
    assert kept == [("1", "paid", "sent", OLD, True)]


def test_pages_go_on_until_one_has_only_young_rows(connection: Connection) -> None:
    queue(connection, "a", now=OLD)
    queue(connection, "ahead", now=NOON + HOUR)
    queue(connection, "b", "c", now=OLD)
    queue(connection, "young")
    ids = {key: amend(connection, key, **ENDED) for key in ("a", "b", "c")}

    first = page(connection, "outbox", limit=2)
    second = page(connection, "outbox", first.last or 0, limit=2)
    third = page(connection, "outbox", second.last or 0, limit=1)

    assert [row["key"] for row in first.rows] == ["a"]
    assert [row["key"] for row in second.rows] == ["b", "c"]
    assert second.last == ids["c"]
    assert (third.rows, third.last) == ([], None)


def test_a_delivery_that_could_not_be_read_goes_once_it_was_read_after_all(connection: Connection) -> None:
    fields = {"channel": "web", "headers": "{}", "error": "odd"}
    for name in "ab":
        odd = UnreadableDelivery(shop=SHOP_ID, external_id=name, body=b"\xff", received_at=OLD, **fields)
        inbox.add_unreadable(connection, [odd])
    first, _ = rows(connection, tables.unreadable, "id")
    inbox.settle_unreadable(connection, SHOP_ID, first, OLD)

    remove(connection, "unreadable", page(connection, "unreadable"))

    assert rows(connection, tables.unreadable, "external_id") == [("b",)]


def test_one_program_archives_a_shop_until_its_lease_ends_or_it_lets_go(connection: Connection) -> None:
    def claim(holder: str, after: timedelta = 0 * HOUR, shop: str = SHOP_ID) -> bool:
        return archive.claim(connection, shop, holder, NOON + after, HOUR)

    assert claim("one")
    assert claim("one")
    assert not claim("two", HOUR)
    assert claim("two", shop=NEIGHBOUR)
    assert claim("two", 2 * HOUR)
    archive.release(connection, SHOP_ID, "one")
    assert not claim("one", 2 * HOUR)
    archive.release(connection, SHOP_ID, "two")
    assert claim("one", 2 * HOUR)


def test_the_time_of_the_archive_moves_forward_only(connection: Connection) -> None:
    archive.claim(connection, SHOP_ID, "one", NOON, HOUR)
    assert archive.archived_until(connection, SHOP_ID) is None

    for before in (OLD, NOON, OLD):
        remove(connection, "unreadable", Page(), before)

    assert archive.archived_until(connection, SHOP_ID) == NOON
    assert connection.scalar(select(tables.archives.c.shop)) == SHOP_ID

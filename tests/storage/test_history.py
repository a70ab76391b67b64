"""What a buyer heard of us counts by what reached them or may have; what we said of an order stays known."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert

from bot.domain.context import Said
from bot.domain.errors import DeliveryDelayed, DeliveryRefused
from storage import history, tables
from storage.asking import ask
from storage.history import DAY, LOOK_AGAIN, NOTHING_HEARD, WEEK, Heard
from storage.outbox import Attempt, mark_failed
from tests.one_shop import HOUR, MINUTE, NEIGHBOUR, SHOP_ID, amend, queue
from tests.world import NOON

SECOND = timedelta(seconds=1)


def sent(
    connection: Connection, key: str, ago: timedelta = MINUTE, state: str = "sent", **fields: str
) -> int:
    queue(connection, key, **fields)
    return amend(connection, key, state=state, text="Thanks", settled_at=NOON - ago)


def heard(connection: Connection, *but: int) -> Heard | None:
    by_order = ask(connection, SHOP_ID, history.heard_of_us({"ann"}, but, NOON)).get("ann")
    return sum(by_order.values(), start=NOTHING_HEARD) if by_order else None


def test_what_was_sent_or_may_have_been_counts_for_a_day_and_answers_do_not(connection: Connection) -> None:
    assert heard(connection) is None
    sent(connection, "oldest", DAY - SECOND)
    sent(connection, "unknown", HOUR, "unknown")
    sent(connection, "too old", DAY)
    sent(connection, "answer", category="answer")
    sent(connection, "skipped", state="skipped")
    sent(connection, "bobs", buyer="bob")
    queue(connection, "waits")

    assert heard(connection) == Heard(in_day=2, in_day_until=NOON + SECOND)


def test_what_was_due_long_ago_counts_from_when_it_was_sent(connection: Connection) -> None:
    sent(connection, "long promotion", HOUR, category="promotion")
    amend(connection, "long promotion", due_at=NOON - 30 * DAY, lateness=30 * 86_400)
    queue(connection, "tried")
    amend(connection, "tried", due_at=NOON - 3 * DAY, lateness=2 * 86_400, attempts=1, try_at=NOON - HOUR)

    assert heard(connection) == Heard(
        in_day=2, in_day_until=NOON + LOOK_AGAIN, offers=1, offers_until=NOON - HOUR + WEEK
    )


def test_what_a_buyer_heard_is_counted_order_by_order(connection: Connection) -> None:
    sent(connection, "a", HOUR, order="1")
    queue(connection, "b", order="1")
    amend(connection, "b", attempts=1, try_at=NOON + MINUTE)
    sent(connection, "c", 2 * HOUR, order="2")
    sent(connection, "d", 3 * HOUR)

    assert ask(connection, SHOP_ID, history.heard_of_us({"ann"}, (), NOON))["ann"] == {
        "1": Heard(in_day=2, in_day_until=NOON + MINUTE),
        "2": Heard(in_day=1, in_day_until=NOON - 2 * HOUR + DAY),
        None: Heard(in_day=1, in_day_until=NOON - 3 * HOUR + DAY),
    }


def test_offers_count_for_a_week(connection: Connection) -> None:
    sent(connection, "offer", WEEK - SECOND, category="promotion")
    sent(connection, "too old", WEEK, category="promotion")

    assert heard(connection) == Heard(offers=1, offers_until=NOON + SECOND)


def test_a_message_whose_first_sending_may_have_arrived_counts_unless_it_is_the_one_judged(
    connection: Connection,
) -> None:
    queue(connection, "offer", category="promotion")
    tried = amend(connection, "offer", attempts=1, try_at=NOON + HOUR)
    queue(connection, "answer", category="answer")
    amend(connection, "answer", attempts=1)

    until = NOON + HOUR
    assert heard(connection) == Heard(in_day=1, in_day_until=until, offers=1, offers_until=until)
    assert heard(connection, tried) is None

    amend(connection, "offer", try_at=NOON)
    waited = heard(connection)
    assert waited
    assert waited.in_day_until == NOON + LOOK_AGAIN


def test_an_offer_was_made_to_whom_it_was_ever_decided_for(connection: Connection) -> None:
    sent(connection, "a", rule="spring", state="withdrawn")
    queue(connection, "b", rule="summer", buyer="bob")

    assert history.offered_to(connection, SHOP_ID, "spring", {"ann", "bob"}) == {"ann"}
    assert history.offered_to(connection, SHOP_ID, "spring", ()) == set()
    assert history.offered_to(connection, NEIGHBOUR, "spring", {"ann"}) == set()


def test_a_key_was_reached_by_a_message_that_arrived_or_may_have_under_it_or_one_that_goes_on(
    connection: Connection,
) -> None:
    def reached(key: str, but: int = 0) -> bool:
        return bool(ask(connection, SHOP_ID, history.reached({key})).get(key, set()) - {but})

    sent(connection, "ask:a@b.example:1", state="skipped")
    sent(connection, "ask:a@b.example.com:1")
    queue(connection, "ask:a@b.example:2")
    assert not reached("ask:a@b.example")
    tried = amend(connection, "ask:a@b.example:2", attempts=1)
    assert reached("ask:a@b.example")
    assert not reached("ask:a@b.example", tried)
    sent(connection, "ask:a@b.example", state="unknown")
    assert reached("ask:a@b.example", tried)


def test_an_echo_is_known_by_its_id_at_any_time_and_by_its_text_for_a_while(connection: Connection) -> None:
    id = sent(connection, "a", HOUR)
    amend(connection, "a", receipt="tg-7")
    since, long_since = NOON - MINUTE, NOON - 2 * HOUR

    def is_echo(message_id: str, text: str, since: object = since, buyer: str = "ann") -> bool:
        return history.is_echo(connection, SHOP_ID, buyer, message_id, text, since)

    assert is_echo("tg-7", "other")
    assert not is_echo("tg-8", "Thanks")
    assert is_echo("tg-8", " Thanks\n", long_since)
    assert is_echo(f"{SHOP_ID}-{id}", "other", long_since)
    assert not is_echo("tg-8", "Thank you", long_since)
    assert not is_echo("tg-7", "Thanks", long_since, buyer="bob")
    amend(connection, "a", state="queued", settled_at=None)
    assert is_echo("tg-8", "Thanks")


def test_failed_sendings_are_counted_by_channel_and_error(connection: Connection) -> None:
    errors = [("web", "DeliveryDelayed"), ("web", "DeliveryDelayed"), ("web", "DeliveryRefused")]
    tries = [
        Attempt(shop=SHOP_ID, message=1, number=number, at=NOON, channel=channel, outcome=error, why="")
        for number, (channel, error) in enumerate([*errors, ("telegram", "DeliveryDelayed")])
    ]
    mark_failed(connection, [], tries)

    assert history.ended_as(connection, SHOP_ID, 1, "web", DeliveryDelayed) == 2
    assert history.ended_as(connection, SHOP_ID, 1, "web", DeliveryRefused) == 1
    assert history.ended_as(connection, SHOP_ID, 2, "web", DeliveryDelayed) == 0


def test_of_an_order_the_archive_is_known_as_well_as_the_outbox(connection: Connection) -> None:
    sent(connection, "paid", order="1001")
    amend(connection, "paid", facts='{"order": {"paid_at": "2026-11-21T04:00:00Z"}}', channel="web")
    queue(connection, "waits", order="1001")
    queue(connection, "other", order="1002")
    archived = {"shop": SHOP_ID, "order_id": "1001", "key": "old", "template": "thanks", "state": "sent"}
    connection.execute(insert(tables.archived_messages).values(**archived, settled_at=NOON, paid=True))

    said = ask(connection, SHOP_ID, history.said_about({"1001"}))

    fields = {"template": "thanks", "order": "1001"}
    assert sorted(said.pop("1001"), key=lambda each: each.key) == [
        Said(key="old", state="sent", sent_at=NOON, paid=True, **fields),
        Said(key="paid", state="sent", due_at=NOON, sent_at=NOON - MINUTE, paid=True, **fields),
        Said(key="waits", state="queued", due_at=NOON, **fields),
    ]
    assert said == {}
    assert ask(connection, SHOP_ID, history.channels_of_keys({"paid", "waits"})) == {"paid": "web"}


def test_only_a_sent_message_knew_that_its_order_was_paid() -> None:
    paid = '{"order": {"paid_at": "2026-11-21T04:00:00Z"}}'

    assert history.knew_paid("sent", paid)
    assert not history.knew_paid("queued", paid)
    assert not history.knew_paid("sent", '{"order": {"paid_at": null}}')
    assert not history.knew_paid("sent", '{"order": null}')
    assert not history.knew_paid("sent", None)


@pytest.mark.parametrize(("state", "kept"), [("sent", True), ("unknown", True), ("skipped", False)])
def test_the_time_of_a_text_is_known_where_it_arrived_or_may_have(
    connection: Connection, state: str, kept: bool
) -> None:
    sent(connection, "k", state=state, order="1001")
    amend(connection, "k", facts=f'{{"at": "{(NOON - HOUR).isoformat()}"}}')
    ((said,),) = ask(connection, SHOP_ID, history.said_about({"1001"})).values()

    assert said.written_at == (NOON - HOUR if kept else None)
    assert (said.sent_at is not None) == (state == "sent")


@pytest.mark.parametrize(
    ("outcome", "may_have"),
    [("DeliveryUnknown", True), ("DeliveryDelayed", True), ("DeliveryRefused", False), (None, False)],
)
def test_a_text_may_have_arrived_if_its_answer_was_lost_before_it_was_given_up(
    connection: Connection, outcome: str | None, may_have: bool
) -> None:
    message = sent(connection, "k", state="withdrawn", order="1001")
    if outcome:
        amend(connection, "k", attempts=1)
        tried = {"message": message, "number": 1, "at": NOON, "channel": "web", "outcome": outcome, "why": ""}
        mark_failed(connection, [], [Attempt(shop=SHOP_ID, **tried)])
    ((said,),) = ask(connection, SHOP_ID, history.said_about({"1001"})).values()

    assert said.tried == may_have
    assert said.sent_at is None
    assert said.written_at is None

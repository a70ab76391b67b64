"""How a sending ended, and what becomes of its message: over, or tried again, and when."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, update

from bot.channels import Outgoing
from bot.deliver.claim import Claim
from bot.deliver.outcomes import OutcomeWriter, Result
from bot.domain.errors import BuyerUnreachable, DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from bot.domain.messages import Reason
from bot.domain.retry import ATTEMPTS
from bot.domain.shop import Shop, Unknown
from bot.operations.metrics import Metrics
from storage import conversation_records, tables
from storage.asking import ask
from storage.outbox import Attempt, mark_failed, message_name
from tests.one_shop import (
    CATALOGUE,
    DAY,
    HOUR,
    MINUTE,
    NEIGHBOUR,
    NOON,
    SHOP,
    SHOP_ID,
    ann,
    chat,
    queue,
    rows,
    save,
)

SECOND = timedelta(seconds=1)
LEASE = timedelta(minutes=2)
AT = NOON - SECOND  # of the answer, a little before it is written down


class Place:
    """Two shops with a channel that drops repeats and one that does not; messages in hand."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.metrics = Metrics()
        save(connection, ann(name="Ann"))
        self.build()

    def build(self, **unknown: Any) -> None:
        shop = Shop(**{**dict(SHOP), "unknown": Unknown(**unknown)})
        channels: Any = {
            (name, channel): SimpleNamespace(drops_repeats=channel == "web")
            for name in (SHOP_ID, NEIGHBOUR)
            for channel in ("web", "chat")
        }
        self.writer = OutcomeWriter(
            {SHOP_ID: shop, NEIGHBOUR: shop}, channels, CATALOGUE, self.metrics, lambda: 0.5
        )

    def in_hand(self, key: str = "k", channel: str = "chat", shop: str = SHOP_ID, **fields: Any) -> Claim:
        """A message that is being sent."""
        category = fields.pop("category", "service")
        queue(self.connection, key, shop=shop, category=category)
        held = {"state": "sending", "text": "x", "channel": channel, "lease_until": NOON + LEASE, **fields}
        here = tables.outbox.c.key == key
        self.connection.execute(
            update(tables.outbox).where(here, tables.outbox.c.shop == shop).values(**held)
        )
        row = self.connection.execute(tables.outbox.select().where(here, tables.outbox.c.shop == shop)).one()
        return Claim(
            shop=shop,
            id=row.id,
            attempts=row.attempts,
            category=category,
            message=Outgoing(
                id=message_name(shop, row.id),
                shop=shop,
                shop_name="Mug House",
                key=key,
                address="42",
                text="x",
                locale="en",
                template="thanks",
                category="service",
                buyer_id="42",
                at=NOON,
            ),
            channel=channel,
            buyer="ann",
            version="v",
            facts="{}",
        )

    def ended(self, error: Exception | None, claim: Claim | None = None, receipt: str | None = None) -> None:
        result = Result(claim=claim or self.in_hand(), at=AT, receipt=receipt, error=error)
        self.writer.record(self.connection, [result], NOON)

    def failed_before(self, claim: Claim, error: type[Exception], times: int, channel: str = "chat") -> None:
        attempts = [
            Attempt(
                shop=claim.shop,
                message=claim.id,
                number=number,
                at=NOON,
                channel=channel,
                outcome=error.__name__,
                why="x",
            )
            for number in range(101, 101 + times)
        ]
        mark_failed(self.connection, [], attempts)

    def outbox(self, *columns: str, shop: str = SHOP_ID) -> list[tuple[Any, ...]]:
        return rows(self.connection, tables.outbox, "key", *columns, shop=shop)

    def reason(self) -> Reason:
        ((_, why),) = self.outbox("reason")
        return msgspec.json.decode(why, type=Reason)

    def attempts(self) -> list[tuple[Any, ...]]:
        return rows(self.connection, tables.attempts, "number", "at", "channel", "outcome", "why")

    def cases(self) -> list[tuple[Any, ...]]:
        return rows(self.connection, tables.cases, "key", "buyer", "opened_at")

    def counted(self, outcome: str) -> float:
        labels = {"shop": SHOP_ID, "outcome": outcome}
        return self.metrics.registry.get_sample_value("xiaoer_messages_total", labels) or 0.0


@pytest.fixture
def place(connection: Connection) -> Place:
    return Place(connection)


# Sent


def test_what_was_sent_is_over_with_the_platforms_receipt(place: Place) -> None:
    place.ended(None, receipt="r")
    state = place.outbox("state", "receipt", "settled_at", "attempts", "lease_until")
    assert state == [("k", "sent", "r", AT, 1, None)]
    assert (place.attempts(), place.cases(), place.counted("sent")) == ([], [], 1)


def test_each_message_of_a_round_ends_by_itself(place: Place) -> None:
    errors = {"a": None, "b": DeliveryRefused("no"), "c": None, "d": DeliveryDelayed("later")}
    results = [Result(claim=place.in_hand(key), at=AT, error=error) for key, error in errors.items()]
    place.writer.record(place.connection, results, NOON)
    assert place.outbox("state") == [("a", "sent"), ("b", "failed"), ("c", "sent"), ("d", "queued")]
    counted = [place.counted(outcome) for outcome in ("sent", "failed", "queued")]
    assert counted == [2, 1, 1]


# Failed for good


def test_what_a_platform_refuses_fails_and_opens_a_case(place: Place) -> None:
    place.ended(DeliveryRefused("too long"))
    assert place.outbox("state", "settled_at", "attempts", "lease_until") == [("k", "failed", AT, 1, None)]
    assert place.reason() == Reason("refused", {"why": "too long"})
    assert place.attempts() == [(1, AT, "chat", "DeliveryRefused", "too long")]
    assert place.cases() == [("undeliverable:k", "ann", NOON)]


def test_a_channels_own_fault_ends_a_message_like_a_refusal(place: Place) -> None:
    place.ended(KeyError())
    assert place.outbox("state") == [("k", "failed")]
    assert place.reason() == Reason("refused", {"why": "KeyError"})


def test_three_hundred_characters_of_an_error_are_kept(place: Place) -> None:
    place.ended(DeliveryRefused("x" * 301))
    assert place.reason().values == {"why": "x" * 300}
    assert place.attempts()[0][-1] == "x" * 300


# Tried again


def test_what_a_platform_put_off_is_tried_again_after_a_wait(place: Place) -> None:
    place.ended(DeliveryDelayed("busy"))
    again = AT + 15 * SECOND
    state = place.outbox("state", "try_at", "settled_at", "attempts", "lease_until")
    assert state == [("k", "queued", again, None, 1, None)]
    until = again.isoformat().replace("+00:00", "Z")
    assert place.reason() == Reason("try_again", {"why": "busy", "attempts": 1, "until": until})
    assert (place.attempts(), place.cases()) == ([(1, AT, "chat", "DeliveryDelayed", "busy")], [])


def test_a_platform_is_given_the_time_it_asks_for(place: Place) -> None:
    place.ended(DeliveryDelayed("busy", HOUR))
    assert place.outbox("try_at") == [("k", AT + HOUR)]


def test_the_last_attempt_but_one_still_waits(place: Place) -> None:
    claim = place.in_hand(attempts=ATTEMPTS - 2)
    place.failed_before(claim, DeliveryDelayed, ATTEMPTS - 2)
    place.ended(DeliveryDelayed("busy"), claim)
    assert (place.outbox("state"), place.reason().values["attempts"]) == ([("k", "queued")], ATTEMPTS - 1)


def test_the_last_attempt_gives_up_and_opens_a_case(place: Place) -> None:
    claim = place.in_hand(attempts=ATTEMPTS - 1)
    place.failed_before(claim, DeliveryDelayed, ATTEMPTS - 1)
    place.ended(DeliveryDelayed("busy"), claim)
    assert place.outbox("state", "settled_at") == [("k", "failed", AT)]
    assert place.reason() == Reason("gave_up", {"attempts": ATTEMPTS, "why": "busy"})
    assert place.cases() == [("undeliverable:k", "ann", NOON)]


def test_only_what_this_platform_put_off_counts_as_an_attempt(place: Place) -> None:
    claim = place.in_hand(attempts=20)
    place.failed_before(claim, DeliveryUnknown, 20)
    place.failed_before(place.in_hand("l"), DeliveryDelayed, 20)
    place.ended(DeliveryDelayed("busy"), claim)
    assert place.outbox("state")[0] == ("k", "queued")
    other = place.in_hand("m")
    place.failed_before(other, DeliveryDelayed, 20, channel="web")
    place.ended(DeliveryDelayed("busy"), other)
    assert place.outbox("state")[2] == ("m", "queued")
    assert [row[0] for row in place.attempts() if row[4] == "busy"] == [1, 21]


# The buyer is gone


@pytest.mark.parametrize(("wrote_at", "blocked_at"), [(AT - SECOND, AT), (AT + DAY, AT + DAY)])
def test_who_is_gone_from_a_channel_is_blocked_there_and_another_one_is_tried_at_once(
    place: Place, wrote_at: datetime, blocked_at: datetime
) -> None:
    """What they wrote before does not undo it, though a clock that ran ahead dated it later."""
    save(place.connection, chat(channel="chat", last_in_at=wrote_at))
    place.ended(BuyerUnreachable("blocked"))
    assert place.outbox("state", "try_at", "settled_at") == [("k", "queued", AT, None)]
    assert place.reason() == Reason("unreachable", {"why": "blocked"})
    found = ask(place.connection, SHOP_ID, conversation_records.by_place([("chat", "42")]))
    assert found["chat", "42"] == chat(channel="chat", last_in_at=wrote_at, blocked_at=blocked_at)
    assert found["chat", "42"].blocked


def test_who_is_gone_where_they_never_wrote_is_blocked_all_the_same(place: Place) -> None:
    place.ended(BuyerUnreachable("blocked"))
    blocked = rows(place.connection, tables.conversations, "channel", "address", "buyer", "blocked_at")
    assert blocked == [("chat", "42", "ann", AT)]
    place.ended(DeliveryRefused("no"), place.in_hand("l", channel="web"))
    assert len(rows(place.connection, tables.conversations, "channel")) == 1


# Nobody knows whether it arrived


def test_what_may_have_arrived_is_sent_once_more_after_half_a_minute(place: Place) -> None:
    claim = place.in_hand()
    place.ended(DeliveryUnknown("the answer was lost"), claim)
    assert place.outbox("state", "try_at", "settled_at") == [("k", "queued", AT + 30 * SECOND, None)]
    assert place.reason() == Reason("unknown_resend", {"channel": "chat"})
    assert place.counted("unknown") == 1


def test_what_may_have_arrived_twice_is_left(place: Place) -> None:
    claim = place.in_hand(attempts=1)
    place.failed_before(claim, DeliveryUnknown, 1)
    place.ended(DeliveryUnknown("the answer was lost"), claim)
    assert place.outbox("state", "settled_at") == [("k", "unknown", AT)]
    assert place.reason() == Reason("unknown_left", {"channel": "chat"})
    assert (place.cases(), place.counted("unknown")) == ([], 2)  # by the rule, and by its state


def test_what_another_channel_lost_does_not_count(place: Place) -> None:
    claim = place.in_hand()
    place.failed_before(claim, DeliveryUnknown, 1, channel="web")
    place.failed_before(claim, DeliveryDelayed, 1)
    place.ended(DeliveryUnknown("the answer was lost"), claim)
    assert place.outbox("state") == [("k", "queued")]


@pytest.mark.parametrize(
    ("rule", "category", "state"),
    [
        ({}, "service", "queued"),
        ({}, "promotion", "unknown"),
        ({"service": "leave"}, "service", "unknown"),
        ({"service": "leave", "promotion": "resend"}, "promotion", "queued"),
    ],
)
def test_the_seller_says_what_is_sent_once_more(
    place: Place, rule: dict[str, str], category: str, state: str
) -> None:
    place.build(**rule)
    place.ended(DeliveryUnknown("the answer was lost"), place.in_hand(category=category))
    assert place.outbox("state") == [("k", state)]


# Left by a dead program


def settle(place: Place, *in_hand: Claim) -> int:
    mine = [(claim.shop, claim.id) for claim in in_hand]
    return place.writer.settle_abandoned(place.connection, mine, LEASE, NOON)


def test_a_message_of_a_dead_program_is_sent_again_in_its_old_place_where_that_is_harmless(
    place: Place,
) -> None:
    place.in_hand(channel="web", attempts=3, lease_until=NOON - SECOND, try_at=NOON - HOUR)
    assert settle(place) == 1
    state = place.outbox("state", "try_at", "settled_at", "attempts", "lease_until")
    assert state == [("k", "queued", NOON - HOUR, None, 4, None)]
    until = NOON.isoformat().replace("+00:00", "Z")
    values = {"why": "the program stopped", "attempts": 4, "until": until}
    assert place.reason() == Reason("try_again", values)
    why = "the program stopped while it was sending"
    assert place.attempts() == [(4, NOON, "web", "DeliveryUnknown", why)]


def test_a_message_of_a_dead_program_is_never_put_behind_now(place: Place) -> None:
    place.in_hand(channel="web", lease_until=NOON - SECOND, try_at=NOON + HOUR)
    settle(place)
    assert place.outbox("try_at") == [("k", NOON)]


def test_where_repeats_are_not_dropped_the_sellers_rule_decides(place: Place) -> None:
    place.in_hand("a", lease_until=NOON - SECOND)
    place.in_hand("b", lease_until=NOON - SECOND, category="promotion")
    assert settle(place) == 2
    assert place.outbox("state", "try_at", "settled_at") == [
        ("a", "queued", NOON + 30 * SECOND, None),
        ("b", "unknown", NOON, NOON),
    ]
    assert place.counted("unknown") == 2


def test_a_message_that_this_channel_lost_before_is_left_when_its_program_died(place: Place) -> None:
    claim = place.in_hand(lease_until=NOON - SECOND)
    place.failed_before(claim, DeliveryUnknown, 1)
    settle(place)
    assert (place.outbox("state"), place.reason().values) == ([("k", "unknown")], {"channel": "chat"})


def test_a_message_whose_channel_is_gone_is_queued_for_another(place: Place) -> None:
    place.in_hand(channel="gone", lease_until=NOON - SECOND, try_at=NOON - MINUTE)
    assert settle(place) == 1
    assert place.outbox("state", "try_at") == [("k", "queued", NOON - MINUTE)]


def test_what_is_in_our_own_hand_or_whose_lease_still_runs_is_left_alone(place: Place) -> None:
    ours = place.in_hand("a", lease_until=NOON - SECOND)
    place.in_hand("b", lease_until=NOON)
    place.in_hand("c", shop=NEIGHBOUR, lease_until=NOON - SECOND)
    elsewhere = place.in_hand("a", shop=NEIGHBOUR)
    assert settle(place, ours, elsewhere) == 1
    assert place.outbox("state") == [("a", "sending"), ("b", "sending")]
    assert place.outbox("state", shop=NEIGHBOUR) == [("a", "sending"), ("c", "queued")]


def test_messages_of_shops_without_settings_are_left_alone(place: Place) -> None:
    queue(place.connection, "k", shop="gone")
    held = {"state": "sending", "text": "x", "channel": "web", "lease_until": NOON - SECOND}
    place.connection.execute(update(tables.outbox).values(**held))
    assert settle(place) == 0


def test_a_lease_that_no_clock_can_have_given_is_over(place: Place) -> None:
    place.in_hand("a", channel="web", lease_until=NOON + 2 * LEASE)
    place.in_hand("b", channel="web", lease_until=NOON + 2 * LEASE + SECOND)
    assert settle(place) == 1
    assert place.outbox("state") == [("a", "sending"), ("b", "queued")]

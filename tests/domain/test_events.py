"""Events: dumped and loaded without loss, each in the thread that keeps what belongs together in order."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest

from bot.domain.events import (
    STOPS,
    AnyEvent,
    BuyerOptedOut,
    BuyerRef,
    BuyerUpdated,
    CheckoutAbandoned,
    Event,
    ItemRestocked,
    Line,
    MessageReceived,
    OrderCompleted,
    OrderPlaced,
    TimeCame,
    dump_event,
    load_event,
    not_after,
)
from bot.domain.money import Money

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
COMMON: dict[str, Any] = {"channel": "web", "external_id": "e1", "at": AT}
ANN = BuyerRef(id="42", email="ann@example.com")


def test_an_event_is_loaded_as_it_was_dumped() -> None:
    placed = OrderPlaced(
        **COMMON,
        order="1001",
        placed_at=AT,
        total=Money(12800, "CNY"),
        buyer=BuyerRef(id="9007199254740993", name="安娜", agrees=False),
        lines=(Line(title="马克杯", quantity=2, price=Money(6000, "CNY")),),
    )
    assert load_event(dump_event(placed)) == placed
    assert load_event(dump_event(placed).decode()) == placed


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    tags = [kind.__struct_config__.tag for kind in get_args(AnyEvent)]
    assert len(set(tags)) == len(tags)
    assert all(isinstance(tag, str) and "." in tag for tag in tags)


@pytest.mark.parametrize("body", ['{"type":"no.such"}', "{}", '{"type":"time.came"}'])
def test_what_is_of_no_known_kind_is_refused(body: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        load_event(body)


@pytest.mark.parametrize(
    ("event", "thread"),
    [
        (OrderCompleted(**COMMON, order="1001"), "order:1001"),
        (MessageReceived(**COMMON, conversation="c", buyer=ANN, message_id="m", text="x"), "chat:web:c"),
        (BuyerUpdated(**COMMON, buyer=ANN), "chat:web:42"),
        (
            BuyerUpdated(**COMMON, buyer=BuyerRef(email="ann@example.com", phone="1")),
            "chat:web:ann@example.com",
        ),
        (CheckoutAbandoned(**COMMON, checkout="c", buyer=BuyerRef(phone="1")), "chat:web:1"),
        (BuyerOptedOut(**COMMON, buyer=ANN), STOPS),
        (TimeCame(**COMMON, what="check", about="b", order="1001"), "order:1001"),
        (TimeCame(**COMMON, what="check", about="b"), "time:b"),
        (ItemRestocked(**COMMON, sku="MUG-1"), "event:web:e1"),
    ],
)
def test_an_event_belongs_to_the_thread_of_what_it_is_about(event: Event, thread: str) -> None:
    assert event.thread == thread


def test_no_time_is_far_later_than_its_telling() -> None:
    now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    near, far = now + timedelta(minutes=50), now + timedelta(hours=8)
    told = OrderPlaced(
        channel="shop",
        external_id="1",
        at=far,
        order="1",
        placed_at=near,
        total=Money(1, "CNY"),
        buyer=BuyerRef(),
    )

    kept = not_after(told, now)
    assert (kept.at, kept.placed_at) == (now, near)
    assert not_after(kept, now) is kept

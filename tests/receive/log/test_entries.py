"""What an entry of the log looks like: old ones must stay readable, and repeats must share an id."""

from datetime import UTC, datetime

import msgspec
import pytest

from bot.receive.log.entries import PARTITIONS, dump_entry, entry_of, id_of, load_entry, partition_of
from storage.inbox import InboxEvent, UnreadableDelivery

AT = datetime(2026, 11, 21, 4, tzinfo=UTC)
BAD = UnreadableDelivery(
    shop="shop", channel="webhook", external_id="x", headers="{}", body=b"?\xff", error="?", received_at=AT
)


def event(id: str, shop: str = "shop", channel: str = "webhook", body: bytes = b"{}") -> InboxEvent:
    return InboxEvent(
        shop=shop, channel=channel, external_id=id, thread="t", type="x", body=body, received_at=AT
    )


def id_of_events(*events: InboxEvent) -> str:
    return id_of(entry_of(events, None))


@pytest.mark.parametrize("entry", [entry_of([event("1"), event("2")], None), entry_of([], BAD)])
def test_an_entry_is_read_as_it_was_written(entry: object) -> None:
    assert load_entry(dump_entry(entry)) == entry  # type: ignore[arg-type]


def test_the_names_in_stored_entries_are_those_of_every_log_that_holds_some() -> None:
    assert set(msgspec.msgpack.decode(dump_entry(entry_of([event("1")], None)))) == {"arrivals"}
    assert set(msgspec.msgpack.decode(dump_entry(entry_of([], BAD)))) == {"puzzle"}


@pytest.mark.parametrize("body", [b"", b"{}", b"\xc1", msgspec.msgpack.encode({"arrivals": [1]})])
def test_other_bytes_are_not_an_entry(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        load_entry(body)


def test_an_entry_belongs_to_the_shop_of_its_events_or_of_the_delivery_itself() -> None:
    assert entry_of([event("1", shop="one")], None).shop == "one"
    assert entry_of([], BAD).shop == "shop"


def test_a_repeat_has_the_same_id_whatever_else_is_in_it() -> None:
    assert id_of_events(event("1", body=b"{}")) == id_of_events(event("1", body=b"[]"))


def test_entries_that_differ_in_one_event_have_different_ids() -> None:
    entries = [
        (event("1"),),
        (event("2"),),
        (event("1"), event("2")),
        (event("1", shop="other"),),
        (event("1", channel="other"),),
    ]

    assert len({id_of_events(*events) for events in entries}) == len(entries)


def test_names_that_join_to_the_same_letters_have_different_ids() -> None:
    assert id_of_events(event("1", channel="ab")) != id_of_events(event("b1", channel="a"))


def test_a_shop_never_changes_its_partition() -> None:
    assert {shop: partition_of(shop) for shop in ("shop", "teahouse", "茶馆")} == PINNED
    assert {partition_of(str(number)) for number in range(100)} == set(range(PARTITIONS))


PINNED = {"shop": 2, "teahouse": 2, "茶馆": 0}  # deliveries in a log lie where these say

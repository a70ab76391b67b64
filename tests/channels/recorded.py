"""Recorded deliveries as a channel meets them, and ways to spoil one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot.channels import Delivery, ReceivingChannel
from bot.domain.errors import Unreadable
from bot.domain.events import Event, dump_event, load_event

PAYLOADS = Path(__file__).parent.parent / "payloads"
CONTROL = frozenset(map(chr, (*range(32), *range(127, 160))))
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def recorded(path: str) -> bytes:
    return (PAYLOADS / path).read_bytes()


def vectors(source: str) -> list[dict[str, Any]]:
    every = json.loads((PAYLOADS / "signatures.json").read_text())["vectors"]
    return [vector for vector in every if vector["source"] == source]


def body_of(vector: Mapping[str, Any]) -> bytes:
    return recorded(vector["body_file"]) if "body_file" in vector else vector["body"].encode()


def delivery(body: bytes, headers: Mapping[str, str] | None = None, at: datetime = NOW) -> Delivery:
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Delivery(method="POST", headers=lower, query={}, body=body, received_at=at)


def only_unreadable(channel: ReceivingChannel, given: Delivery) -> None:
    """Whatever the body: events that can be stored, the same each time and told apart, or Unreadable."""
    events, why = understood(channel, given)
    assert understood(channel, given) == (events, why)
    assert len({event.external_id for event in events}) == len(events)
    assert all(storable(event) for event in events)
    assert len(why) < 300


def understood(channel: ReceivingChannel, given: Delivery) -> tuple[Sequence[Event], str]:
    try:
        return channel.parse(given), ""
    except Unreadable as why:
        return (), str(why) or "a reason is owed" * 50


def storable(event: Event) -> bool:
    stored = dump_event(event)
    assert b"\\u0000" not in stored
    assert event.at.tzinfo is not None
    return load_event(stored) == event and not set(event.external_id) & CONTROL


_NASTY = (
    *(
        "",
        "\0",
        "12,5",
        "1e99",
        "-0",
        "NaN",
        "-1.005",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ),
    *(
        "2026-11-21",
        "2026-11-21T10:00:00",
        "&#0;&amp;",
        "a" * 5000,
        "\U0001f600",
        "zh-hant",
        "CNY",
        "completed",
    ),
)
# What Python's own writer would not write, put in place of a mark.
_MARK = "a raw weed grows here"
_RAW = (
    *(b"[" * 100_000, b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900),
    *(
        b"NaN",
        b"-Infinity",
        b"1e999999999",
        b"-" + b"9" * 5000,
        b"0." + b"3" * 5000,
        b"1E-400",
        b"-0.0",
        b"007",
    ),
    *(b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\\u0000"', b'{"id":1,"id":2}'),
)

_WEEDS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from((*_NASTY, _MARK)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, entry in entries:
        yield from places(entry, (*path, name))


@st.composite
def spoiled(draw: st.DrawFn, body: bytes) -> bytes:
    """A valid body with a few places replaced by weeds, or left out."""
    value = json.loads(body)
    for path in draw(st.lists(st.sampled_from(sorted(places(value), key=str)), min_size=1, max_size=4)):
        _spoil(value, path, draw(st.booleans()), draw(_WEEDS))
    written = json.dumps(value, ensure_ascii=draw(st.booleans())).encode()
    return written.replace(f'"{_MARK}"'.encode(), draw(st.sampled_from(_RAW)))


def _spoil(value: Any, path: tuple[Any, ...], leave_out: bool, weed: Any) -> None:
    for name in path[:-1]:
        try:
            value = value[name]
        except (KeyError, IndexError, TypeError):
            return  # an earlier weed grew here
    match value:
        case dict() if leave_out:
            value.pop(path[-1], None)
        case dict():
            value[path[-1]] = weed
        case list() if isinstance(path[-1], int) and path[-1] < len(value):
            value[path[-1]] = weed
